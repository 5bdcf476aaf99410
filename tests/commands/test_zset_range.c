/* Ranges of sorted sets through the rows of their commands. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define NOT_INT "-ERR value is not an integer or out of range\r\n"
#define NO_BOUND "-ERR min or max is not a float\r\n"
#define NO_NAME "-ERR min or max not valid string range item\r\n"
#define NO_LIMIT \
    "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX\r\n"
#define NO_SCORES "-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n"
#define SYNTAX "-ERR syntax error\r\n"
#define EMPTY "*0\r\n"
#define A "$1\r\na\r\n"
#define B "$1\r\nb\r\n"
#define C "$1\r\nc\r\n"
#define D "$1\r\nd\r\n"

static void set_up(void)
{
    harness_open();
    run_line("ZADD z 1 a 2 b 3 c 4 d");
    run_line("ZADD n 0 a 0 b 0 c 0 d");
}

START_TEST(places_count_from_either_end)
{
    expect("ZRANGE z 0 -1", "*4\r\n" A B C D);
    expect("ZRANGE z 1 2", "*2\r\n" B C);
    expect("ZRANGE z -2 100", "*2\r\n" C D);
    expect("ZRANGE z 0 1 REV", "*2\r\n" D C);
    expect("ZREVRANGE z 2 -1", "*2\r\n" B A);
    expect("ZRANGE z 3 1", EMPTY);
    expect("ZRANGE z 4 9", EMPTY);
    expect("ZRANGE z -9 -5", EMPTY);
    expect("ZRANGE z -9223372036854775808 9223372036854775807", "*4\r\n" A B C D);
    expect("ZRANGE none 0 -1", EMPTY);
    expect("ZRANGE z 0 x", NOT_INT);
    expect("ZRANGE z 0 1.5", NOT_INT);
    expect("ZRANGE z 0", "-ERR wrong number of arguments for 'zrange' command\r\n");
}
END_TEST

START_TEST(bounds_of_scores_are_open_or_closed)
{
    expect("ZRANGEBYSCORE z 2 3", "*2\r\n" B C);
    expect("ZRANGEBYSCORE z (2 3", "*1\r\n" C);
    expect("ZRANGEBYSCORE z (2 (3", EMPTY);
    expect("ZRANGEBYSCORE z (2 (2", EMPTY);
    expect("ZRANGEBYSCORE z 3 2", EMPTY);
    expect("ZRANGEBYSCORE z -inf +inf LIMIT 1 2", "*2\r\n" B C);
    expect("ZRANGEBYSCORE z -inf inf LIMIT 1 -1", "*3\r\n" B C D);
    expect("ZRANGEBYSCORE z -inf inf LIMIT -1 2", EMPTY);
    expect("ZRANGEBYSCORE z -inf inf LIMIT 4 2", EMPTY);
    expect("ZRANGEBYSCORE z -inf inf LIMIT 0 0", EMPTY);
    expect("ZREVRANGEBYSCORE z 3 -inf LIMIT 1 5", "*2\r\n" B A);
    expect("ZREVRANGEBYSCORE z 1 3", EMPTY);
    expect("ZRANGE z 3 (1 BYSCORE REV", "*2\r\n" C B);
    expect("ZRANGE z (1 3 BYSCORE LIMIT 1 1 WITHSCORES", "*2\r\n" C "$1\r\n3\r\n");
    expect("ZCOUNT z (1 inf", ":3\r\n");
    expect("ZCOUNT z 3 1", ":0\r\n");
    expect("ZCOUNT none 0 1", ":0\r\n");
}
END_TEST

START_TEST(a_bound_may_be_written_as_strtod_reads_it)
{
    expect("ZCOUNT z \" 2\" 3", ":2\r\n");
    expect("ZCOUNT z \"\" 2", ":2\r\n");
    expect("ZCOUNT z ( 2", ":2\r\n");
    expect("ZCOUNT z 0x2 1e400", ":3\r\n");
    expect("ZCOUNT z \"2\\x00x\" 3", ":2\r\n");
    expect("ZCOUNT z 2x 3", NO_BOUND);
    expect("ZCOUNT z 2 nan", NO_BOUND);
    expect("ZCOUNT z ((2 3", NO_BOUND);
    expect("ZCOUNT z [2 3", NO_BOUND);
    expect("ZRANGEBYSCORE z foo 1", NO_BOUND);
    expect("ZRANGE z 1 \"3 \" BYSCORE", NO_BOUND);
}
END_TEST

START_TEST(bounds_of_names_are_open_closed_or_the_ends)
{
    expect("ZRANGEBYLEX n - +", "*4\r\n" A B C D);
    expect("ZRANGEBYLEX n [b (d", "*2\r\n" B C);
    expect("ZRANGEBYLEX n (b [bb", EMPTY);
    expect("ZRANGEBYLEX n + -", EMPTY);
    expect("ZRANGEBYLEX n - -", EMPTY);
    expect("ZRANGEBYLEX n + +", EMPTY);
    expect("ZRANGEBYLEX n - + LIMIT 1 2", "*2\r\n" B C);
    expect("ZREVRANGEBYLEX n + (b", "*2\r\n" D C);
    expect("ZRANGE n + [c BYLEX REV LIMIT 1 1", "*1\r\n" C);
    expect("ZRANGEBYLEX n [ [b", "*2\r\n" A B);
    expect("ZLEXCOUNT n [b +", ":3\r\n");
    expect("ZLEXCOUNT none - +", ":0\r\n");
    expect("ZRANGEBYLEX n a +", NO_NAME);
    expect("ZRANGEBYLEX n \"\" +", NO_NAME);
    expect("ZLEXCOUNT n - ++", NO_NAME);
    expect("ZRANGE n 0 1 BYLEX", NO_NAME);
}
END_TEST

START_TEST(options_that_do_not_go_together_are_refused)
{
    expect("ZRANGE z 0 -1 LIMIT 0 1", NO_LIMIT);
    expect("ZRANGE z 0 -1 LIMIT 5 -1", "*4\r\n" A B C D);
    expect("ZREVRANGE z 0 -1 LIMIT 0 1", NO_LIMIT);
    expect("ZRANGE n - + BYLEX WITHSCORES", NO_SCORES);
    expect("ZRANGEBYLEX n - + WITHSCORES", NO_SCORES);
    expect("ZRANGE z 0 -1 REV REV", SYNTAX);
    expect("ZRANGE z 0 -1 BYSCORE BYLEX", SYNTAX);
    expect("ZREVRANGE z 0 -1 REV", SYNTAX);
    expect("ZRANGEBYSCORE z 0 1 BYSCORE", SYNTAX);
    expect("ZRANGE z 0 1 BYSCORE LIMIT 1", SYNTAX);
    expect("ZRANGE z 0 1 BYSCORE LIMIT x 1", NOT_INT);
    expect("ZRANGE z 0 1 BYSCORE LIMIT 1 9223372036854775808", NOT_INT);
    expect("ZRANGESTORE d z 0 1 WITHSCORES", SYNTAX);
    expect("ZRANGE none x y FOO", SYNTAX);
    expect("ZRANGE z 0 -1 WITHSCORES WITHSCORES REV",
           "*8\r\n" D "$1\r\n4\r\n" C "$1\r\n3\r\n" B "$1\r\n2\r\n" A "$1\r\n1\r\n");
}
END_TEST

START_TEST(scores_are_pairs_in_resp3)
{
    harness_resp(3);
    expect("ZRANGE z 0 1 WITHSCORES", "*2\r\n*2\r\n" A ",1\r\n*2\r\n" B ",2\r\n");
    expect("ZREVRANGEBYSCORE z 4 3 WITHSCORES", "*2\r\n*2\r\n" D ",4\r\n*2\r\n" C ",3\r\n");
    expect("ZRANGE z 0 1", "*2\r\n" A B);
    expect("ZRANGE none 0 1 WITHSCORES", EMPTY);
}
END_TEST

START_TEST(a_range_is_stored_in_the_place_of_what_was_there)
{
    run_line("SET d v EX 100");
    expect("ZRANGESTORE d z 1 2", ":2\r\n");
    expect_journal("ZRANGESTORE d z 1 2");
    ck_assert_str_eq(told(), "zrangestore");
    expect("TTL d", ":-1\r\n");
    expect("ZRANGE d 0 -1 WITHSCORES", "*4\r\n" B "$1\r\n2\r\n" C "$1\r\n3\r\n");
    expect("ZRANGESTORE d z 3 2 BYSCORE REV LIMIT 0 1", ":1\r\n");
    expect("ZRANGE d 0 -1", "*1\r\n" C);
    expect("ZRANGESTORE z z 0 0", ":1\r\n");
    expect("ZRANGE z 0 -1", "*1\r\n" A);
    expect("ZRANGESTORE d none 0 0", ":0\r\n");
    ck_assert_str_eq(told(), "del");
    expect_journal("ZRANGESTORE d none 0 0");
    expect("EXISTS d", ":0\r\n");
    expect("ZRANGESTORE d z 5 6", ":0\r\n");
    expect_journal("");
}
END_TEST

START_TEST(ranges_are_removed)
{
    expect("ZREMRANGEBYRANK z 1 1", ":1\r\n");
    ck_assert_str_eq(told(), "zremrangebyrank");
    expect("ZREMRANGEBYSCORE z (3 inf", ":1\r\n");
    ck_assert_str_eq(told(), "zremrangebyscore");
    expect("ZRANGE z 0 -1", "*2\r\n" A C);
    expect("ZREMRANGEBYSCORE z 8 9", ":0\r\n");
    expect_journal("");
    expect("ZREMRANGEBYRANK z 0 -1", ":2\r\n");
    ck_assert_str_eq(told(), "zremrangebyrank del");
    expect("ZREMRANGEBYRANK z 0 -1", ":0\r\n");
    expect("ZREMRANGEBYLEX n [b (d", ":2\r\n");
    ck_assert_str_eq(told(), "zremrangebylex");
    expect("ZREMRANGEBYLEX n + -", ":0\r\n");
    expect("ZREMRANGEBYLEX n - +", ":2\r\n");
    expect("EXISTS n", ":0\r\n");
    expect("ZREMRANGEBYRANK z x 1", NOT_INT);
    expect("ZREMRANGEBYSCORE z x 1", NO_BOUND);
    expect("ZREMRANGEBYLEX z x 1", NO_NAME);
}
END_TEST

/* Each kind of range on a set of the large form, beside the same numbers reckoned by hand. */
START_TEST(large_sorted_sets_have_the_same_ranges)
{
    char text[80], want[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "ZADD big %d m%03d", i / 2, i); /* every score twice */
        run_line(text);
    }
    expect("ZRANGE big 10 11 WITHSCORES",
           "*4\r\n$4\r\nm010\r\n$1\r\n5\r\n$4\r\nm011\r\n$1\r\n5\r\n");
    expect("ZRANGE big 10 11 REV", "*2\r\n$4\r\nm989\r\n$4\r\nm988\r\n");
    for (int i = 0; i < 500; i += 7) {
        snprintf(text, sizeof text, "ZCOUNT big (%d %d", i, i + 7);
        snprintf(want, sizeof want, ":%d\r\n", i + 7 < 500 ? 14 : 2 * (499 - i));
        expect_at(__FILE__, __LINE__, text, str_c(want));
    }
    expect("ZRANGEBYSCORE big 100 200 LIMIT 50 2", "*2\r\n$4\r\nm250\r\n$4\r\nm251\r\n");
    expect("ZREVRANGEBYSCORE big 200 100 LIMIT 50 1", "*1\r\n$4\r\nm351\r\n");
    expect("ZREMRANGEBYSCORE big 0 (499", ":998\r\n");
    expect("ZRANGE big 0 -1", "*2\r\n$4\r\nm998\r\n$4\r\nm999\r\n");
}
END_TEST

UNIT_MAIN_AROUND("zset ranges", set_up, harness_close, places_count_from_either_end,
                 bounds_of_scores_are_open_or_closed, a_bound_may_be_written_as_strtod_reads_it,
                 bounds_of_names_are_open_closed_or_the_ends,
                 options_that_do_not_go_together_are_refused, scores_are_pairs_in_resp3,
                 a_range_is_stored_in_the_place_of_what_was_there, ranges_are_removed,
                 large_sorted_sets_have_the_same_ranges)
