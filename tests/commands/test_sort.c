/* SORT and SORT_RO through their rows. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define SYNTAX "-ERR syntax error\r\n"
#define NO_DOUBLE "-ERR One or more scores can't be converted into double\r\n"
#define A "$1\r\na\r\n"
#define B "$1\r\nb\r\n"
#define C "$1\r\nc\r\n"
#define N(n) "$1\r\n" n "\r\n"
#define TEN "$2\r\n10\r\n"

static void set_up(void)
{
    harness_open();
    run_line("RPUSH l 3 10 1 2");
    run_line("SADD s c a b");
    run_line("ZADD z 3 a 1 b 2 c");
}

START_TEST(numbers_are_sorted_as_numbers_and_else_as_bytes)
{
    expect("SORT l", "*4\r\n" N("1") N("2") N("3") TEN);
    expect_journal("");
    expect("SORT l DESC", "*4\r\n" TEN N("3") N("2") N("1"));
    expect("SORT l ALPHA", "*4\r\n" N("1") TEN N("2") N("3"));
    expect("SORT l DESC ASC", "*4\r\n" N("1") N("2") N("3") TEN);
    expect("SORT_RO l LIMIT 1 2", "*2\r\n" N("2") N("3"));
    expect("SORT s ALPHA", "*3\r\n" A B C);
    expect("SORT z ALPHA DESC", "*3\r\n" C B A);
    expect("SORT s", NO_DOUBLE);
    expect("SORT s LIMIT 5 0", NO_DOUBLE);
    expect("SORT none", "*0\r\n");
    run_line("RPUSH f 1.5 -inf 1e2 \" 2\" \"\"");
    expect("SORT f", "*5\r\n$4\r\n-inf\r\n$0\r\n\r\n$3\r\n1.5\r\n$2\r\n 2\r\n$3\r\n1e2\r\n");
    run_line("RPUSH f nan");
    expect("SORT f", NO_DOUBLE);
    run_line("RPUSH eq 1.0 1 01");
    expect("SORT eq", "*3\r\n$2\r\n01\r\n$1\r\n1\r\n$3\r\n1.0\r\n");
    expect("SORT eq DESC", "*3\r\n$3\r\n1.0\r\n$1\r\n1\r\n$2\r\n01\r\n");
}
END_TEST

START_TEST(a_limit_cuts_what_comes_out)
{
    expect("SORT l LIMIT 0 -1", "*4\r\n" N("1") N("2") N("3") TEN);
    expect("SORT l LIMIT 0 0", "*0\r\n");
    expect("SORT l LIMIT 3 5", "*1\r\n" TEN);
    expect("SORT l LIMIT 4 5", "*0\r\n");
    expect("SORT l LIMIT -5 2", "*2\r\n" N("1") N("2"));
    expect("SORT l LIMIT 9223372036854775807 9223372036854775807", "*0\r\n");
    expect("SORT l LIMIT 1 9223372036854775807", "*3\r\n" N("2") N("3") TEN);
    expect("SORT l LIMIT 1 -9223372036854775808", "*3\r\n" N("2") N("3") TEN);
    expect("SORT l LIMIT x 1", "-ERR value is not an integer or out of range\r\n");
    expect("SORT l LIMIT 1", SYNTAX);
}
END_TEST

START_TEST(other_keys_say_the_order)
{
    run_line("MSET w3 1 w1 2 w10 3");
    expect("SORT l BY w*", "*4\r\n" N("2") N("3") N("1") TEN); /* 2 has none, which is 0 */
    expect("SORT l BY w* DESC LIMIT 0 1", "*1\r\n" TEN);
    run_line("MSET wa z wb x wc y");
    expect("SORT s BY w* ALPHA", "*3\r\n" B C A);
    expect("SORT s BY w*", NO_DOUBLE);
    run_line("DEL wc");
    expect("SORT s BY w* ALPHA", "*3\r\n" C B A);
    run_line("HSET ha f 2 g x");
    run_line("HSET hb f 1");
    run_line("HSET hc f 3");
    expect("SORT s BY h*->f", "*3\r\n" B A C);
    expect("SORT s BY h*->none GET h*->f", "*3\r\n" N("2") N("1") N("3"));
    expect("SORT s BY wa*->f ALPHA", "*3\r\n" A B C);
    run_line("LPUSH wc x");
    expect("SORT s BY w* ALPHA", "*3\r\n" C B A); /* another type is as nothing */
    run_line("MSET \"ha->\" 9 \"hb->\" 8 \"hc->\" 7");
    expect("SORT s BY h*->", "*3\r\n" C B A); /* no field: a part of the name */
}
END_TEST

START_TEST(elements_that_weigh_the_same_stand_in_a_total_order)
{
    run_line("RPUSH t b a c b");
    expect("SORT t BY none* ALPHA", "*4\r\n" B A C B);
    expect("SORT t BY none* ALPHA DESC", "*4\r\n" B A C B);
    expect("SORT s BY none* ALPHA", "*3\r\n" A B C);
    expect("SORT t BY none*", "*4\r\n" A B B C);
}
END_TEST

START_TEST(what_is_got_comes_in_the_place_of_the_elements)
{
    run_line("MSET n1 one n3 three");
    expect("SORT l GET n* LIMIT 0 3", "*3\r\n$3\r\none\r\n$-1\r\n$5\r\nthree\r\n");
    expect("SORT l GET # GET n* LIMIT 2 1", "*2\r\n" N("3") "$5\r\nthree\r\n");
    expect("SORT l GET fixed LIMIT 0 1", "*1\r\n$-1\r\n");
    expect("SORT none GET #", "*0\r\n");
    harness_resp(3);
    expect("SORT l GET n* LIMIT 1 1", "*1\r\n_\r\n");
}
END_TEST

START_TEST(without_order_a_list_and_a_sorted_set_keep_theirs)
{
    expect("SORT l BY nosort", "*4\r\n" N("3") TEN N("1") N("2"));
    expect("SORT l BY nosort DESC LIMIT 1 2", "*2\r\n" N("1") TEN);
    expect("SORT l BY nosort LIMIT 1 2", "*2\r\n" TEN N("1"));
    expect("SORT z BY nosort", "*3\r\n" B C A);
    expect("SORT z BY nosort DESC", "*3\r\n" A C B);
    expect("SORT z BY nosort LIMIT 1 1 GET #", "*1\r\n" C);
    expect("SORT z BY nosort DESC LIMIT 2 9", "*1\r\n" B);
    expect("SORT z BY nosort LIMIT 3 9", "*0\r\n");
    expect("SORT z BY \"\" ALPHA", "*3\r\n" B C A);
    expect("SORT s BY nosort STORE d", ":3\r\n"); /* a set has none: by bytes */
    expect("LRANGE d 0 -1", "*3\r\n" A B C);
    expect("SORT s BY nosort DESC STORE d", ":3\r\n");
    expect("LRANGE d 0 -1", "*3\r\n" C B A);
}
END_TEST

START_TEST(what_is_stored_is_a_list_in_the_place_of_what_was_there)
{
    run_line("SET d v EX 100");
    run_line("SET n1 one");
    expect("SORT l STORE d", ":4\r\n");
    expect_journal("SORT l STORE d");
    ck_assert_str_eq(told(), "sortstore");
    expect("TTL d", ":-1\r\n");
    expect("LRANGE d 0 -1", "*4\r\n" N("1") N("2") N("3") TEN);
    expect("OBJECT ENCODING d", "$8\r\nlistpack\r\n");
    expect("SORT l STORE l DESC", ":4\r\n");
    expect("LRANGE l 0 -1", "*4\r\n" TEN N("3") N("2") N("1"));
    expect("SORT l GET n* LIMIT 0 2 STORE d", ":2\r\n");
    expect("LRANGE d 0 -1", "*2\r\n$3\r\none\r\n$0\r\n\r\n");
    expect("SORT l STORE e STORE d", ":4\r\n");
    expect("EXISTS e", ":0\r\n");
    expect("SORT none STORE d", ":0\r\n");
    ck_assert_str_eq(told(), "del");
    expect_journal("SORT none STORE d");
    expect("EXISTS d", ":0\r\n");
    expect("SORT none STORE d", ":0\r\n");
    expect_journal("");
    expect("SORT s STORE l", NO_DOUBLE);
    expect("LLEN l", ":4\r\n");
    expect("SORT l STORE \"\"", ":4\r\n");
    expect("LLEN \"\"", ":4\r\n");
}
END_TEST

START_TEST(options_and_types_are_checked)
{
    run_line("SET k v");
    run_line("HSET h f v");
    expect("SORT k", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    expect("SORT_RO h", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    expect("SORT k FOO", SYNTAX);
    expect("SORT l BY", SYNTAX);
    expect("SORT l GET", SYNTAX);
    expect("SORT l STORE", SYNTAX);
    expect("SORT_RO l STORE d", SYNTAX);
    expect("SORT l LIMIT 1 x", "-ERR value is not an integer or out of range\r\n");
}
END_TEST

/* A key that a pattern names may expire under the hands of the one who looks it up. */
START_TEST(keys_that_expire_meanwhile_are_not_there)
{
    char text[64];

    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "RPUSH many %d", i);
        run_line(text);
        snprintf(text, sizeof text, "SET v%d %d PX 1000", i, 1000 - i);
        run_line(text);
        snprintf(text, sizeof text, "HSET hf%d f %d", i, i);
        run_line(text);
        snprintf(text, sizeof text, "HPEXPIRE hf%d 1000 FIELDS 1 f", i);
        run_line(text);
    }
    expect("SORT many BY v* LIMIT 0 1", "*1\r\n$3\r\n499\r\n");
    harness_advance(5000);
    expect("SORT many BY v* LIMIT 0 2 GET v* GET # GET hf*->f",
           "*6\r\n$-1\r\n" N("0") "$-1\r\n$-1\r\n" N("1") "$-1\r\n");
}
END_TEST

UNIT_MAIN_AROUND("sort", set_up, harness_close, numbers_are_sorted_as_numbers_and_else_as_bytes,
                 a_limit_cuts_what_comes_out, other_keys_say_the_order,
                 elements_that_weigh_the_same_stand_in_a_total_order,
                 what_is_got_comes_in_the_place_of_the_elements,
                 without_order_a_list_and_a_sorted_set_keep_theirs,
                 what_is_stored_is_a_list_in_the_place_of_what_was_there,
                 options_and_types_are_checked, keys_that_expire_meanwhile_are_not_there)
