/* Commands on streams and their groups through their rows: above all what the log gets. */
#include <stdio.h>

#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define NOW "1790000000000" /* harness_open's clock */

/* 1-0 .. n-0, each with f v, and a group g that has read nothing. */
static void fill(const char *key, int n)
{
    char text[64];

    for (int i = 1; i <= n; i++) {
        snprintf(text, sizeof text, "XADD %s %d-0 f v", key, i);
        run_line(text);
    }
    snprintf(text, sizeof text, "XGROUP CREATE %s g 0", key);
    run_line(text);
}

START_TEST(an_entry_is_journaled_with_the_id_it_got)
{
    expect("XADD s * f v", "$15\r\n" NOW "-0\r\n");
    expect_journal("XADD s " NOW "-0 f v");
    ck_assert_str_eq(told(), "new xadd");
    expect("XADD s * f v", "$15\r\n" NOW "-1\r\n");
    expect_journal("XADD s " NOW "-1 f v");
    expect("XADD s NOMKSTREAM 1800000000000-* f v", "$15\r\n1800000000000-0\r\n");
    expect_journal("XADD s NOMKSTREAM 1800000000000-0 f v");
    expect("XADD s 1800000000001 f v", "$15\r\n1800000000001-0\r\n");
    expect_journal("XADD s 1800000000001 f v");
    expect("XADD s * f v", "$15\r\n1800000000001-1\r\n"); /* the clock is behind */
    expect("XADD t NOMKSTREAM * f v", "$-1\r\n");
    expect_journal("");
    expect("XADD s 5 f v", "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n");
    expect_journal("");
}
END_TEST

START_TEST(a_trim_is_journaled_exactly)
{
    char text[64];

    for (int i = 1; i <= 250; i++) {
        snprintf(text, sizeof text, "XADD s %d f v", i);
        run_line(text);
    }
    expect("XADD s MAXLEN ~ 120 251 f v", "$5\r\n251-0\r\n");
    expect_journal("XADD s MAXLEN = 151 251 f v");
    ck_assert_str_eq(told(), "xadd xtrim");
    expect("XADD s MAXLEN ~ 0 LIMIT 10 252 f v", "$5\r\n252-0\r\n");
    expect_journal("XADD s MAXLEN = 152 252 f v");
    ck_assert_str_eq(told(), "xadd");
    expect("XADD s LIMIT 1000 MINID ~ 210 NOMKSTREAM * f v", "$15\r\n" NOW "-0\r\n");
    expect_journal("XADD s MINID = 201-0 NOMKSTREAM " NOW "-0 f v");
    expect("XADD s MAXLEN 50 1800000000000 f v", "$15\r\n1800000000000-0\r\n");
    expect_journal("XADD s MAXLEN 50 1800000000000 f v");
    expect("XTRIM s MINID ~ 9999999999999", ":50\r\n");
    expect_journal("XTRIM s MINID = 18446744073709551615-18446744073709551615");
    expect("XTRIM s MAXLEN ~ 0", ":0\r\n");
    expect_journal("");
}
END_TEST

START_TEST(while_loading_the_limit_has_had_its_effect)
{
    fill("s", 5);
    harness_store()->loading = true;
    expect("XADD s MAXLEN = 2 LIMIT 1 6 f v", "$3\r\n6-0\r\n");
    expect("XLEN s", ":2\r\n");
    expect("XTRIM s MAXLEN = 1 LIMIT 50", ":1\r\n");
    harness_store()->loading = false;
    expect("XTRIM s MAXLEN = 1 LIMIT 50",
           "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n");
}
END_TEST

START_TEST(a_delivery_is_journaled_as_claims_and_how_far_the_group_is)
{
    fill("s", 4);
    run_line("XREADGROUP GROUP g a COUNT 1 STREAMS s >");
    expect_journal("XCLAIM s g a 0 1-0 TIME " NOW " RETRYCOUNT 1 FORCE JUSTID LASTID 1-0 | "
                   "XGROUP SETID s g 1-0 ENTRIESREAD 1");
    ck_assert_str_eq(told(), "xgroup-createconsumer");
    run_line("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
    expect_journal("XCLAIM s g a 0 2-0 3-0 TIME " NOW " RETRYCOUNT 1 FORCE JUSTID LASTID 3-0 | "
                   "XGROUP SETID s g 3-0 ENTRIESREAD 3");
    run_line("XREADGROUP GROUP g b NOACK STREAMS s >");
    expect_journal("XGROUP CREATECONSUMER s g b | XGROUP SETID s g 4-0 ENTRIESREAD 4");
    expect("XREADGROUP GROUP g c STREAMS s >", "*-1\r\n");
    expect_journal("XGROUP CREATECONSUMER s g c");
    expect("XREADGROUP GROUP g c STREAMS s >", "*-1\r\n");
    expect_journal("");
    harness_advance(5);
    run_line("XREADGROUP GROUP g a COUNT 2 STREAMS s 1-0");
    expect_journal("XCLAIM s g a 0 2-0 3-0 TIME 1790000000005 RETRYCOUNT 2 FORCE JUSTID LASTID 4-0");
}
END_TEST

START_TEST(several_streams_are_journaled_one_by_one)
{
    fill("s", 1);
    fill("t", 1);
    run_line("XREADGROUP GROUP g a STREAMS s t > >");
    expect_journal("XCLAIM s g a 0 1-0 TIME " NOW " RETRYCOUNT 1 FORCE JUSTID LASTID 1-0 | "
                   "XGROUP SETID s g 1-0 ENTRIESREAD 1 | "
                   "XCLAIM t g a 0 1-0 TIME " NOW " RETRYCOUNT 1 FORCE JUSTID LASTID 1-0 | "
                   "XGROUP SETID t g 1-0 ENTRIESREAD 1");
}
END_TEST

START_TEST(claims_are_journaled_as_what_became_of_each)
{
    fill("s", 5);
    run_line("XREADGROUP GROUP g a COUNT 4 STREAMS s >");
    run_line("XREADGROUP GROUP g a COUNT 1 STREAMS s 0");
    harness_advance(10);
    expect("XCLAIM s g b 5 1-0 2-0 3-0 JUSTID", "*3\r\n$3\r\n1-0\r\n$3\r\n2-0\r\n$3\r\n3-0\r\n");
    expect_journal("XCLAIM s g b 0 1-0 TIME 1790000000010 RETRYCOUNT 2 FORCE JUSTID LASTID 4-0 | "
                   "XCLAIM s g b 0 2-0 3-0 TIME 1790000000010 RETRYCOUNT 1 FORCE JUSTID LASTID 4-0");
    ck_assert_str_eq(told(), "xgroup-createconsumer");
    run_line("XDEL s 2-0");
    expect("XCLAIM s g c 0 2-0", "*0\r\n");
    expect_journal("XGROUP CREATECONSUMER s g c | "
                   "XCLAIM s g b 0 2-0 TIME 1790000000010 RETRYCOUNT 1 FORCE JUSTID LASTID 4-0");
    expect("XCLAIM s g c 0 9-9 LASTID 4-5", "*0\r\n");
    expect_journal("XGROUP SETID s g 4-5 ENTRIESREAD 4");
    expect("XCLAIM s g c 1000 1-0", "*0\r\n");
    expect_journal("");
    run_line("XDEL s 3-0");
    expect("XAUTOCLAIM s g c 0 - COUNT 2", "*3\r\n$3\r\n4-0\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
                                           "*1\r\n$3\r\n3-0\r\n");
    expect_journal("XCLAIM s g c 0 1-0 TIME 1790000000010 RETRYCOUNT 3 FORCE JUSTID LASTID 4-5 | "
                   "XCLAIM s g b 0 3-0 TIME 1790000000010 RETRYCOUNT 1 FORCE JUSTID LASTID 4-5");
    expect("XACK s g 1-0 3-0", ":1\r\n");
    expect_journal("XACK s g 1-0 3-0");
    ck_assert_str_eq(told(), "");
    expect("XACK s g 1-0", ":0\r\n");
    expect_journal("");
}
END_TEST

START_TEST(what_is_journaled_can_be_repeated)
{
    fill("s", 3);
    expect("XCLAIM s g a 0 1-0 2-0 TIME 1000 RETRYCOUNT 4 FORCE JUSTID LASTID 2-0", "*2\r\n$3\r\n1-0\r\n$3\r\n2-0\r\n");
    expect("XCLAIM s g a 0 1-0 2-0 TIME 1000 RETRYCOUNT 4 FORCE JUSTID LASTID 2-0", "*2\r\n$3\r\n1-0\r\n$3\r\n2-0\r\n");
    expect("XPENDING s g", "*4\r\n:2\r\n$3\r\n1-0\r\n$3\r\n2-0\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n");
    expect("XREADGROUP GROUP g b STREAMS s >",
           "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n3-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
}
END_TEST

START_TEST(a_read_that_waits_changes_at_most_the_consumers)
{
    fill("s", 1);
    expect("XREAD BLOCK 0 STREAMS s $", "");
    expect("XREAD BLOCK 0 STREAMS nokey 0", "");
    expect("XREADGROUP GROUP g a NOACK BLOCK 0 STREAMS s >",
           "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
    expect("XREADGROUP GROUP g b BLOCK 0 STREAMS s >", "");
    expect_journal("XGROUP CREATECONSUMER s g b");
    expect("XREADGROUP GROUP g b BLOCK 0 STREAMS s >", "");
    expect_journal("");
}
END_TEST

START_TEST(scripts_may_read_but_not_wait)
{
    harness_in_script(true);
    expect("XREAD STREAMS s $", "*-1\r\n");
    expect("XREAD BLOCK 0 STREAMS s $", "-ERR XREAD command is not allowed with BLOCK option from scripts\r\n");
    expect("xreadgroup GROUP g c BLOCK x STREAMS s >",
           "-ERR xreadgroup command is not allowed with BLOCK option from scripts\r\n");
}
END_TEST

START_TEST(nothing_is_delivered_when_something_is_wrong)
{
    fill("s", 1);
    run_line("SET k v");
    expect("XREADGROUP GROUP g a STREAMS s k > >", WRONG);
    expect("XREADGROUP GROUP g a STREAMS s t > >",
           "-NOGROUP No such key 't' or consumer group 'g' in XREADGROUP with GROUP option\r\n");
    expect("XREADGROUP GROUP g a STREAMS s s > foo", "-ERR Invalid stream ID specified as stream command argument\r\n");
    expect("XPENDING s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
    expect("XINFO CONSUMERS s g", "*0\r\n");
}
END_TEST

START_TEST(behind_the_last_id_of_all_there_is_nothing)
{
    run_line("XADD s 18446744073709551615-18446744073709551615 f v");
    run_line("XGROUP CREATE s g +");
    run_line("XGROUP CREATE s g 0");
    run_line("XREADGROUP GROUP g a STREAMS s >");
    expect("XREADGROUP GROUP g a STREAMS s >", "*-1\r\n");
    run_line("XGROUP SETID s g +");
    expect("XREADGROUP GROUP g a STREAMS s >", "*-1\r\n");
}
END_TEST

START_TEST(replies_in_resp3)
{
    fill("s", 1);
    harness_resp(3);
    expect("XREAD STREAMS s 0", "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
    expect("XREAD STREAMS s t 0 0", "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
    expect("XREAD STREAMS s $", "_\r\n");
    expect("XRANGE s - + COUNT 0", "_\r\n");
    expect("XPENDING s g", "*4\r\n:0\r\n_\r\n_\r\n_\r\n");
    expect("XREADGROUP GROUP g a STREAMS s 0", "%1\r\n$1\r\ns\r\n*0\r\n");
    expect("XINFO GROUPS s", "*1\r\n%6\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:0\r\n"
                             "$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n$12\r\nentries-read\r\n_\r\n$3\r\nlag\r\n:1\r\n");
}
END_TEST

START_TEST(the_keys_of_a_read_are_found)
{
    const struct command *read = NULL;
    const struct str argv[] = { STR("XREAD"), STR("COUNT"), STR("1"), STR("STREAMS"), STR("a"), STR("b"), STR("0"), STR("0") };
    struct key_ref refs[4];

    for (const struct command *const *t = command_tables; *t; t++) {
        for (const struct command *row = *t; row->name; row++) {
            if (strcmp(row->name, "xread") == 0) read = row;
        }
    }
    ck_assert_int_eq(command_keys(read, 8, argv, refs, 4), 2);
    ck_assert_uint_eq(refs[0].at, 4);
    ck_assert_uint_eq(refs[1].at, 5);
}
END_TEST

UNIT_MAIN_AROUND("stream", harness_open, harness_close, an_entry_is_journaled_with_the_id_it_got,
                 a_trim_is_journaled_exactly, while_loading_the_limit_has_had_its_effect,
                 a_delivery_is_journaled_as_claims_and_how_far_the_group_is, several_streams_are_journaled_one_by_one,
                 claims_are_journaled_as_what_became_of_each, what_is_journaled_can_be_repeated,
                 a_read_that_waits_changes_at_most_the_consumers, scripts_may_read_but_not_wait, nothing_is_delivered_when_something_is_wrong,
                 behind_the_last_id_of_all_there_is_nothing,
                 replies_in_resp3, the_keys_of_a_read_are_found)
