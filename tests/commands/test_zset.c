/* Commands on sorted sets through their rows. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define NOT_FLOAT "-ERR value is not a valid float\r\n"
#define NOT_INT "-ERR value is not an integer or out of range\r\n"
#define SYNTAX "-ERR syntax error\r\n"
#define GT_LT_NX "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n"

/* n members m0 ... with scores 0 ... */
static void fill(const char *key, int n)
{
    char text[64];

    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "ZADD %s %d m%d", key, i, i);
        run_line(text);
    }
}

START_TEST(members_are_added_changed_and_removed)
{
    expect("ZADD z 1 a 2 b 1.5 a", ":2\r\n");
    ck_assert_str_eq(told(), "new zadd");
    expect_journal("ZADD z 1 a 2 b 1.5 a");
    expect("ZSCORE z a", "$3\r\n1.5\r\n");
    expect("ZADD z 2 b", ":0\r\n");
    expect_journal("");
    ck_assert_str_eq(told(), "");
    expect("ZADD z CH 3 b 1 c", ":2\r\n");
    expect("ZCARD z", ":3\r\n");
    expect("ZMSCORE z a nope b", "*3\r\n$3\r\n1.5\r\n$-1\r\n$1\r\n3\r\n");
    expect("ZREM z a nope", ":1\r\n");
    ck_assert_str_eq(told(), "zrem");
    expect("ZREM z b c", ":2\r\n");
    ck_assert_str_eq(told(), "zrem del");
    expect("EXISTS z", ":0\r\n");
    expect("ZREM z b", ":0\r\n");
    expect("ZCARD z", ":0\r\n");
    expect("ZSCORE z a", "$-1\r\n");
    expect("ZMSCORE z a", "*1\r\n$-1\r\n");
}
END_TEST

START_TEST(options_of_zadd_say_what_is_set)
{
    run_line("ZADD z 5 a");
    expect("ZADD z NX 9 a 1 b", ":1\r\n");
    expect("ZSCORE z a", "$1\r\n5\r\n");
    expect("ZADD z XX CH 6 a 1 c", ":1\r\n");
    expect("ZSCORE z c", "$-1\r\n");
    expect("ZADD z GT CH 4 a 7 b 1 c", ":2\r\n");
    expect("ZADD z LT XX CH 4 a 9 b 1 d", ":1\r\n");
    expect("ZRANGE z 0 -1 WITHSCORES",
           "*6\r\n$1\r\nc\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n4\r\n$1\r\nb\r\n$1\r\n7\r\n");
    expect("ZADD none XX 1 a", ":0\r\n");
    expect("EXISTS none", ":0\r\n");
    expect("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible\r\n");
    expect("ZADD z NX GT 1 a", GT_LT_NX);
    expect("ZADD z lt nx 1 a", GT_LT_NX);
    expect("ZADD z LT GT 1 a", GT_LT_NX);
    expect("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair\r\n");
    expect("ZADD z 1 a 2", SYNTAX);
    expect("ZADD z NX CH", SYNTAX);
    expect("ZADD z NX XX", SYNTAX);
    expect("ZADD z FOO 1 a", SYNTAX);
    expect("ZADD z 1 a x b", NOT_FLOAT);
    expect("ZADD z nan a", NOT_FLOAT);
    expect("ZADD z 1 a \"\" b", NOT_FLOAT);
    expect("ZADD z", "-ERR wrong number of arguments for 'zadd' command\r\n");
    expect("ZCARD z", ":3\r\n");
}
END_TEST

START_TEST(increments_reply_the_score_and_never_make_no_number)
{
    expect("ZINCRBY z 1.25 a", "$4\r\n1.25\r\n");
    ck_assert_str_eq(told(), "new zincr");
    expect_journal("ZINCRBY z 1.25 a");
    expect("ZADD z INCR 1 a", "$4\r\n2.25\r\n");
    expect("ZADD z NX INCR 1 a", "$-1\r\n");
    expect("ZADD z XX INCR 1 b", "$-1\r\n");
    expect("ZADD z GT INCR -1 a", "$-1\r\n");
    expect("ZINCRBY z inf a", "$3\r\ninf\r\n");
    expect("ZINCRBY z -inf a", "-ERR resulting score is not a number (NaN)\r\n");
    expect_journal("");
    expect("ZSCORE z a", "$3\r\ninf\r\n");
    expect("ZINCRBY z nan a", NOT_FLOAT);
    expect("ZINCRBY z x a", NOT_FLOAT);
    expect("ZINCRBY z NX a", SYNTAX);
    harness_resp(3);
    expect("ZINCRBY z 0.1 b", ",0.1\r\n");
    expect("ZADD z NX INCR 1 b", "_\r\n");
    expect("ZSCORE z a", ",inf\r\n");
    expect("ZMSCORE z b x", "*2\r\n,0.1\r\n_\r\n");
}
END_TEST

START_TEST(ranks_count_from_either_end)
{
    run_line("ZADD z 1 a 2 b 3.5 c");
    expect("ZRANK z a", ":0\r\n");
    expect("ZREVRANK z a", ":2\r\n");
    expect("ZRANK z c WITHSCORE", "*2\r\n:2\r\n$3\r\n3.5\r\n");
    expect("ZREVRANK z c withscore", "*2\r\n:0\r\n$3\r\n3.5\r\n");
    expect("ZRANK z x", "$-1\r\n");
    expect("ZRANK z x WITHSCORE", "*-1\r\n");
    expect("ZRANK none x WITHSCORE", "*-1\r\n");
    expect("ZRANK z a FOO", SYNTAX);
    expect("ZRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command\r\n");
    harness_resp(3);
    expect("ZRANK z c WITHSCORE", "*2\r\n:2\r\n,3.5\r\n");
    expect("ZRANK z x WITHSCORE", "_\r\n");
}
END_TEST

START_TEST(a_sorted_set_grows_into_its_large_form)
{
    fill("z", 128);
    expect("OBJECT ENCODING z", "$8\r\nlistpack\r\n");
    fill("z", 129);
    expect("OBJECT ENCODING z", "$8\r\nskiplist\r\n");
    expect("ZRANK z m128", ":128\r\n");
    expect("ZRANGE z -2 -1", "*2\r\n$4\r\nm127\r\n$4\r\nm128\r\n");
    expect("ZRANGESTORE small z 0 9", ":10\r\n");
    expect("OBJECT ENCODING small", "$8\r\nlistpack\r\n");
    expect("ZRANGESTORE small z 0 inf BYSCORE LIMIT 0 3", ":3\r\n");
    expect("OBJECT ENCODING small", "$8\r\nlistpack\r\n");
    expect("ZUNIONSTORE large 2 z small", ":129\r\n");
    expect("OBJECT ENCODING large", "$8\r\nskiplist\r\n");
    expect("ZINTERSTORE large 2 z small", ":3\r\n");
    expect("OBJECT ENCODING large", "$8\r\nlistpack\r\n");
    run_line("ZADD long 1 0123456789012345678901234567890123456789012345678901234567890123");
    expect("OBJECT ENCODING long", "$8\r\nlistpack\r\n");
    run_line("ZADD long 1 0123456789012345678901234567890123456789012345678901234567890123x");
    expect("OBJECT ENCODING long", "$8\r\nskiplist\r\n");
}
END_TEST

START_TEST(random_members_are_distinct_unless_asked_otherwise)
{
    expect("ZRANDMEMBER z", "$-1\r\n");
    expect("ZRANDMEMBER z 3", "*0\r\n");
    run_line("ZADD z 1 a");
    expect("ZRANDMEMBER z", "$1\r\na\r\n");
    expect("ZRANDMEMBER z 3", "*1\r\n$1\r\na\r\n");
    expect("ZRANDMEMBER z -2 WITHSCORES", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n1\r\n");
    expect("ZRANDMEMBER z 0", "*0\r\n");
    expect("ZRANDMEMBER z x", NOT_INT);
    expect("ZRANDMEMBER z 1 FOO", SYNTAX);
    expect("ZRANDMEMBER z 1 WITHSCORES x", SYNTAX);
    expect("ZRANDMEMBER z 9223372036854775807 WITHSCORES", "-ERR value is out of range\r\n");
    expect("ZRANDMEMBER z -9223372036854775808",
           "-ERR value is out of range, value must between -9223372036854775807 and "
           "9223372036854775807\r\n");
    harness_resp(3);
    expect("ZRANDMEMBER z -2 WITHSCORES", "*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\na\r\n,1\r\n");
}
END_TEST

START_TEST(a_scan_gives_members_and_scores)
{
    run_line("ZADD z 1 a 2.5 bb");
    expect("ZSCAN z 0", "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$2\r\nbb\r\n$3\r\n2.5\r\n");
    expect("ZSCAN z 0 MATCH b*", "*2\r\n$1\r\n0\r\n*2\r\n$2\r\nbb\r\n$3\r\n2.5\r\n");
    expect("ZSCAN z 0 NOSCORES", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$2\r\nbb\r\n");
    expect("ZSCAN none 0", "*2\r\n$1\r\n0\r\n*0\r\n");
    expect("ZSCAN z x", "-ERR invalid cursor\r\n");
    expect("ZSCAN z 0 COUNT 0", SYNTAX);
    expect("SSCAN s 0 NOSCORES", "*2\r\n$1\r\n0\r\n*0\r\n");
    run_line("SADD s a");
    expect("SSCAN s 0 NOSCORES", SYNTAX);
}
END_TEST

START_TEST(members_are_taken_from_either_end)
{
    run_line("ZADD z 1 a 2 b 3 c 4 d 5 e");
    expect("ZPOPMIN z", "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    expect_journal("ZPOPMIN z");
    ck_assert_str_eq(told(), "zpopmin");
    expect("ZPOPMAX z 2", "*4\r\n$1\r\ne\r\n$1\r\n5\r\n$1\r\nd\r\n$1\r\n4\r\n");
    expect("ZPOPMAX z 0", "*0\r\n");
    expect_journal("");
    expect("ZPOPMIN z -1", "-ERR value is out of range, must be positive\r\n");
    expect("ZPOPMIN z x", "-ERR value is out of range, must be positive\r\n");
    expect("ZPOPMIN z 1 2", SYNTAX);
    harness_resp(3);
    expect("ZPOPMIN z", "*2\r\n$1\r\nb\r\n,2\r\n");
    expect("ZPOPMIN z 9", "*1\r\n*2\r\n$1\r\nc\r\n,3\r\n");
    ck_assert_str_eq(told(), "zpopmin del");
    expect("ZPOPMIN z 9", "*0\r\n");
    expect("ZPOPMIN z", "*0\r\n");
}
END_TEST

START_TEST(the_first_sorted_set_there_is_gives_its_members)
{
    run_line("ZADD z 1 a 2 b 3 c 4 d 5 e");
    expect("ZMPOP 2 none z MAX", "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\ne\r\n$1\r\n5\r\n");
    expect_journal("ZPOPMAX z 1");
    expect("ZMPOP 1 z MIN COUNT 2",
           "*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    expect_journal("ZPOPMIN z 2");
    expect("BZPOPMIN none z 0", "*3\r\n$1\r\nz\r\n$1\r\nc\r\n$1\r\n3\r\n");
    expect_journal("ZPOPMIN z");
    expect("BZMPOP 0 1 z MIN COUNT 10", "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\nd\r\n$1\r\n4\r\n");
    expect_journal("ZPOPMIN z 1");
    ck_assert_str_eq(told(), "zpopmin del");
    expect("ZMPOP 2 none z MAX", "*-1\r\n");
    expect("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0\r\n");
    expect("ZMPOP x z MIN", "-ERR numkeys should be greater than 0\r\n");
    expect("ZMPOP 2 z MIN", SYNTAX);
    expect("ZMPOP 1 z FOO", SYNTAX);
    expect("ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0\r\n");
    expect("ZMPOP 1 z MIN COUNT 1 COUNT 1", SYNTAX);
    expect("BZMPOP x 1 z MIN", "-ERR timeout is not a float or out of range\r\n");
    expect("BZPOPMIN z -1", "-ERR timeout is negative\r\n");
    run_line("SET k v");
    run_line("ZADD z 1 a");
    expect("ZMPOP 3 none k z MIN", WRONG);
    expect("ZMPOP 3 none z k MIN", "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    expect("BZPOPMIN k 1", WRONG);
    run_line("ZADD z 1 a");
    harness_resp(3);
    expect("BZPOPMAX z 1", "*3\r\n$1\r\nz\r\n$1\r\na\r\n,1\r\n");
}
END_TEST

START_TEST(another_type_is_refused_and_left_alone)
{
    static const char *const requests[] = {
        "ZADD k 1 a",
        "ZADD k XX 1 a",
        "ZINCRBY k 1 a",
        "ZREM k a",
        "ZSCORE k a",
        "ZMSCORE k a",
        "ZCARD k",
        "ZCOUNT k 0 1",
        "ZLEXCOUNT k - +",
        "ZRANK k a",
        "ZREVRANK k a",
        "ZRANK k a WITHSCORE",
        "ZRANGE k 0 1",
        "ZRANGE k - + BYLEX",
        "ZREVRANGE k 0 1",
        "ZRANGEBYSCORE k 0 1",
        "ZREVRANGEBYLEX k + -",
        "ZRANGESTORE d k 0 1",
        "ZREMRANGEBYRANK k 0 1",
        "ZREMRANGEBYSCORE k 0 1",
        "ZREMRANGEBYLEX k - +",
        "ZPOPMIN k",
        "ZPOPMAX k 0",
        "ZPOPMAX k 1",
        "ZRANDMEMBER k",
        "ZRANDMEMBER k 1",
        "ZSCAN k 0",
        "ZUNION 2 z k",
        "ZINTER 2 none k",
        "ZDIFF 2 z k",
        "ZINTERCARD 2 k z",
        "ZUNIONSTORE d 1 k",
        "ZINTERSTORE d 2 z k",
        "ZDIFFSTORE d 2 none k",
        "ZUNION 1 k FOO",
    };

    run_line("SET k v");
    run_line("ZADD z 1 a");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        expect_at(__FILE__, __LINE__, requests[i], STR(WRONG));
        expect_journal("");
    }
    expect("GET k", "$1\r\nv\r\n");
    expect("ZUNIONSTORE k 1 z", ":1\r\n");
    expect("TYPE k", "+zset\r\n");
}
END_TEST

UNIT_MAIN_AROUND("zset commands", harness_open, harness_close,
                 members_are_added_changed_and_removed, options_of_zadd_say_what_is_set,
                 increments_reply_the_score_and_never_make_no_number, ranks_count_from_either_end,
                 a_sorted_set_grows_into_its_large_form,
                 random_members_are_distinct_unless_asked_otherwise,
                 a_scan_gives_members_and_scores, members_are_taken_from_either_end,
                 the_first_sorted_set_there_is_gives_its_members,
                 another_type_is_refused_and_left_alone)
