/* Unions, intersections and differences of sorted sets through the rows of their commands. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define SYNTAX "-ERR syntax error\r\n"
#define NOT_INT "-ERR value is not an integer or out of range\r\n"
#define A "$1\r\na\r\n"
#define B "$1\r\nb\r\n"
#define C "$1\r\nc\r\n"
#define SCORE(n) "$1\r\n" n "\r\n"

static void set_up(void)
{
    harness_open();
    run_line("ZADD x 1 a 2 b");
    run_line("ZADD y 3 b 1 c");
    run_line("SADD s a c");
}

START_TEST(sets_count_as_sorted_sets_of_ones)
{
    expect("ZUNION 3 x y s WITHSCORES", "*6\r\n" A SCORE("2") C SCORE("2") B SCORE("5"));
    expect("ZUNION 1 s WITHSCORES", "*4\r\n" A SCORE("1") C SCORE("1"));
    expect("ZINTER 2 x s WITHSCORES", "*2\r\n" A SCORE("2"));
    expect("ZINTER 3 x y s", "*0\r\n");
    expect("ZDIFF 2 x s WITHSCORES", "*2\r\n" B SCORE("2"));
    expect("ZDIFF 2 s x", "*1\r\n" C);
    expect("ZDIFF 2 x x", "*0\r\n");
    expect("ZDIFF 2 none x", "*0\r\n");
    expect("ZDIFF 2 x none", "*2\r\n" A B);
    expect("ZUNION 2 none none", "*0\r\n");
    expect("ZINTER 2 x none", "*0\r\n");
    expect("ZINTER 2 x x WITHSCORES", "*4\r\n" A SCORE("2") B SCORE("4"));
    expect("ZINTERCARD 2 x y", ":1\r\n");
    expect("ZINTERCARD 2 x x LIMIT 1", ":1\r\n");
    expect("ZINTERCARD 2 x x LIMIT 0", ":2\r\n");
    expect("ZINTERCARD 2 x none", ":0\r\n");
}
END_TEST

START_TEST(scores_are_weighted_and_aggregated)
{
    expect("ZUNION 2 x y WEIGHTS 2 3 WITHSCORES",
           "*6\r\n" A SCORE("2") C SCORE("3") B "$2\r\n13\r\n");
    expect("ZUNION 2 x y AGGREGATE MIN WITHSCORES",
           "*6\r\n" A SCORE("1") C SCORE("1") B SCORE("2"));
    expect("ZUNION 2 x y aggregate max withscores",
           "*6\r\n" A SCORE("1") C SCORE("1") B SCORE("3"));
    expect("ZINTER 2 x y WEIGHTS 1 -1 AGGREGATE SUM WITHSCORES", "*2\r\n" B "$2\r\n-1\r\n");
    expect("ZUNION 2 x y WEIGHTS 1 2 WEIGHTS 1 1 WITHSCORES",
           "*6\r\n" A SCORE("1") C SCORE("1") B SCORE("5"));
}
END_TEST

START_TEST(what_is_no_number_counts_as_nought)
{
    run_line("ZADD p inf a");
    run_line("ZADD m -inf a");
    expect("ZUNION 2 p m WITHSCORES", "*2\r\n" A SCORE("0"));
    expect("ZINTER 2 p m WITHSCORES", "*2\r\n" A SCORE("0"));
    expect("ZUNION 1 p WEIGHTS 0 WITHSCORES", "*2\r\n" A SCORE("0"));
    expect("ZINTER 2 x p WEIGHTS 1 0 AGGREGATE MIN WITHSCORES", "*2\r\n" A SCORE("0"));
    expect("ZUNION 2 p m AGGREGATE MAX WITHSCORES", "*2\r\n" A "$3\r\ninf\r\n");
}
END_TEST

START_TEST(sums_are_taken_from_the_smallest_source_up)
{
    /* (0.1 + 0.2) + 0.3 is not 0.1 + (0.2 + 0.3). */
    run_line("ZADD f3 0.3 a 1 b 1 c");
    run_line("ZADD f2 0.2 a 1 b");
    run_line("ZADD f1 0.1 a");
    expect("ZINTER 3 f3 f2 f1 WITHSCORES", "*2\r\n" A "$18\r\n0.6000000000000001\r\n");
    expect("ZINTER 3 f1 f2 f3 WITHSCORES", "*2\r\n" A "$18\r\n0.6000000000000001\r\n");
}
END_TEST

START_TEST(results_are_stored_in_the_place_of_what_was_there)
{
    run_line("SET d v");
    expect("ZUNIONSTORE d 2 x y", ":3\r\n");
    expect_journal("ZUNIONSTORE d 2 x y");
    ck_assert_str_eq(told(), "zunionstore");
    expect("ZRANGE d 0 -1", "*3\r\n" A C B);
    expect("ZINTERSTORE d 2 x y WEIGHTS 2 2", ":1\r\n");
    ck_assert_str_eq(told(), "zinterstore");
    expect("ZSCORE d b", "$2\r\n10\r\n");
    expect("ZDIFFSTORE d 2 x y", ":1\r\n");
    ck_assert_str_eq(told(), "zdiffstore");
    expect("ZUNIONSTORE x 2 x x", ":2\r\n");
    expect("ZSCORE x b", "$1\r\n4\r\n");
    expect("ZINTERSTORE d 2 x none", ":0\r\n");
    ck_assert_str_eq(told(), "del");
    expect("ZINTERSTORE d 2 x none", ":0\r\n");
    expect_journal("");
    expect("ZUNIONSTORE d 1 x WITHSCORES", SYNTAX);
}
END_TEST

START_TEST(keys_are_counted_and_options_checked)
{
    expect("ZUNION 0 x", "-ERR at least 1 input key is needed for 'zunion' command\r\n");
    expect("ZINTERSTORE d -1 x",
           "-ERR at least 1 input key is needed for 'zinterstore' command\r\n");
    expect("ZDIFF foo x", NOT_INT);
    expect("ZUNION 3 x y", SYNTAX);
    expect("ZUNION 9223372036854775807 x y", SYNTAX);
    expect("ZUNION 1 x y", SYNTAX);
    expect("ZUNION 2 x y WEIGHTS 1", SYNTAX);
    expect("ZUNION 2 x y WEIGHTS 1 foo", "-ERR weight value is not a float\r\n");
    expect("ZUNION 2 x y WEIGHTS 1 nan", "-ERR weight value is not a float\r\n");
    expect("ZUNION 2 x y AGGREGATE foo", SYNTAX);
    expect("ZUNION 2 x y AGGREGATE", SYNTAX);
    expect("ZDIFF 2 x y WEIGHTS 1 2", SYNTAX);
    expect("ZDIFF 2 x y AGGREGATE SUM", SYNTAX);
    expect("ZDIFFSTORE d 2 x y WITHSCORES", SYNTAX);
    expect("ZINTERCARD 2 x y WITHSCORES", SYNTAX);
    expect("ZINTERCARD 2 x y LIMIT", SYNTAX);
    expect("ZINTERCARD 2 x y LIMIT -1", "-ERR LIMIT can't be negative\r\n");
    expect("ZINTERCARD 2 x y LIMIT x", "-ERR LIMIT can't be negative\r\n");
    expect("ZUNION 2 x y LIMIT 1", SYNTAX);
}
END_TEST

START_TEST(scores_are_pairs_in_resp3)
{
    harness_resp(3);
    expect("ZINTER 2 x y WITHSCORES", "*1\r\n*2\r\n" B ",5\r\n");
    expect("ZUNION 1 x", "*2\r\n" A B);
    expect("ZDIFF 2 x y WITHSCORES", "*1\r\n*2\r\n" A ",1\r\n");
}
END_TEST

/* Large and small sources against sums reckoned by hand: member i is in source k when k divides i. */
START_TEST(large_sources_have_the_same_results)
{
    char text[96];

    for (int k = 1; k <= 5; k++) {
        for (int i = 0; i < 600; i += k) {
            snprintf(text, sizeof text, "ZADD k%d %d %d", k, i, i);
            if (k == 4) snprintf(text, sizeof text, "SADD k4 %d", i);
            run_line(text);
        }
    }
    expect("ZUNIONSTORE d 5 k1 k2 k3 k4 k5", ":600\r\n");
    expect("ZSCORE d 7", "$1\r\n7\r\n");
    expect("ZSCORE d 30", "$3\r\n120\r\n"); /* of 1, 2, 3 and 5 */
    expect("ZSCORE d 60", "$3\r\n241\r\n"); /* and the set */
    expect("ZINTERSTORE d 5 k1 k2 k3 k4 k5", ":10\r\n");
    expect("ZSCORE d 540", "$4\r\n2161\r\n");
    expect("ZINTERCARD 3 k2 k3 k4", ":50\r\n");
    expect("ZDIFFSTORE d 3 k1 k2 k3", ":200\r\n");
    expect("ZSCORE d 597", "$-1\r\n");
    expect("ZSCORE d 599", "$3\r\n599\r\n");
}
END_TEST

UNIT_MAIN_AROUND("zset algebra", set_up, harness_close, sets_count_as_sorted_sets_of_ones,
                 scores_are_weighted_and_aggregated, what_is_no_number_counts_as_nought,
                 sums_are_taken_from_the_smallest_source_up,
                 results_are_stored_in_the_place_of_what_was_there,
                 keys_are_counted_and_options_checked, scores_are_pairs_in_resp3,
                 large_sources_have_the_same_results)
