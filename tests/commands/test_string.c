#include "tests/commands/harness.h"
#include "tests/unit/unit.h"
#include "commands/tables.h"

START_TEST(rows_are_complete_and_their_examples_hold)
{
    check_rows(string_commands);
    check_rows(string_edit_commands);
    check_rows(lcs_commands);
}
END_TEST

START_TEST(get_tells_strings_from_nothing_and_other_types)
{
    expect("GET k", "$-1\r\n");
    harness_resp(3);
    expect("GET k", "_\r\n");
    expect("SET k v", "+OK\r\n");
    expect("GET k", "$1\r\nv\r\n");
    expect("GET", "-ERR wrong number of arguments for 'get' command\r\n");
    expect("GET a b", "-ERR wrong number of arguments for 'get' command\r\n");
}
END_TEST

START_TEST(a_string_holds_any_bytes)
{
    struct str set[] = { STR("SET"), STR("\0k\r\n"), STR("a\0b\r\n\xff") };
    struct str get[] = { STR("GET"), STR("\0k\r\n") };

    expect_str(run_args(3, set), STR("+OK\r\n"));
    expect_str(run_args(2, get), STR("$6\r\na\0b\r\n\xff\r\n"));
    expect("SET \"\" \"\"", "+OK\r\n");
    expect("GET \"\"", "$0\r\n\r\n");
}
END_TEST

START_TEST(set_has_conditions)
{
    expect("SET k v XX", "$-1\r\n");
    expect_journal("");
    expect("SET k v NX", "+OK\r\n");
    expect_journal("SET k v");
    ck_assert_str_eq(told(), "new set");
    expect("SET k w NX", "$-1\r\n");
    expect("SET k w xx", "+OK\r\n");
    ck_assert_str_eq(told(), "set");
    expect("SET k w NX XX", "-ERR syntax error\r\n");
    expect("SET k w XX NX", "-ERR syntax error\r\n");
    expect("SET k w nonsense", "-ERR syntax error\r\n");
    expect("SET k w NX NX", "$-1\r\n");
}
END_TEST

START_TEST(set_get_gives_the_old_value_whether_or_not_it_sets)
{
    expect("SET k 1 GET", "$-1\r\n");
    expect_journal("SET k 1");
    expect("SET k 2 GET", "$1\r\n1\r\n");
    expect("SET k 3 NX GET", "$1\r\n2\r\n");
    expect_journal("");
    expect("GET k", "$1\r\n2\r\n");
    expect("SET n 3 XX GET", "$-1\r\n");
    expect("SET n 3 NX GET", "$-1\r\n");
    expect("GET n", "$1\r\n3\r\n");
    harness_resp(3);
    expect("SET z 1 GET", "_\r\n");
}
END_TEST

START_TEST(set_takes_a_time_in_four_forms)
{
    int64_t now = harness_now();
    char want[100];

    expect("SET k v EX 10", "+OK\r\n");
    ck_assert_str_eq(told(), "new set expire");
    snprintf(want, sizeof want, "SET k v PXAT %" PRId64, now + 10000);
    expect_journal(want);
    expect("PTTL k", ":10000\r\n");
    expect("SET k v PX 10 GET", "$1\r\nv\r\n");
    snprintf(want, sizeof want, "SET k v PXAT %" PRId64, now + 10);
    expect_journal(want);
    expect("PTTL k", ":10\r\n");
    expect("SET k v EXAT 2000000000", "+OK\r\n");
    expect_journal("SET k v PXAT 2000000000000");
    expect("SET k v PXAT 2000000000001", "+OK\r\n");
    expect("PEXPIRETIME k", ":2000000000001\r\n");
    expect("SET k w KEEPTTL", "+OK\r\n");
    expect_journal("SET k w KEEPTTL");
    expect("PEXPIRETIME k", ":2000000000001\r\n");
    expect("SET k w", "+OK\r\n");
    expect("TTL k", ":-1\r\n");
}
END_TEST

START_TEST(set_refuses_times_that_make_no_sense)
{
    expect("SET k v EX 0", "-ERR invalid expire time in 'set' command\r\n");
    expect("SET k v EX -1", "-ERR invalid expire time in 'set' command\r\n");
    expect("SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n");
    expect("SET k v EX 9223372036854776", "-ERR invalid expire time in 'set' command\r\n");
    expect("SET k v EX 9223372036854775808", "-ERR value is not an integer or out of range\r\n");
    expect("SET k v EX 1.5", "-ERR value is not an integer or out of range\r\n");
    expect("SET k v EX", "-ERR syntax error\r\n");
    expect("SET k v EX 1 PX 1", "-ERR syntax error\r\n");
    expect("SET k v EX 1 EXAT 1", "-ERR syntax error\r\n");
    expect("SET k v EX 1 KEEPTTL", "-ERR syntax error\r\n");
    expect("SET k v KEEPTTL PXAT 1", "-ERR syntax error\r\n");
    expect("SET k v PERSIST", "-ERR syntax error\r\n");
    expect("SETEX k 0 v", "-ERR invalid expire time in 'setex' command\r\n");
    expect("PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command\r\n");
    expect("SETEX k x v", "-ERR value is not an integer or out of range\r\n");
    expect("EXISTS k", ":0\r\n");
    expect("SET k v PXAT 9223372036854775807", "+OK\r\n"); /* as far off as can be */
    expect("GET k", "$1\r\nv\r\n");
    expect("SET k v EX 5 EX 6", "+OK\r\n");
    expect("TTL k", ":6\r\n");
}
END_TEST

START_TEST(a_key_is_gone_at_its_time)
{
    expect("SET k v PX 100", "+OK\r\n");
    harness_advance(99);
    expect("GET k", "$1\r\nv\r\n");
    harness_advance(1);
    expect("GET k", "$-1\r\n");
    ck_assert_str_eq(told(), "expired");
    expect("SET k v PXAT 1", "+OK\r\n");
    expect("GET k", "$-1\r\n");
}
END_TEST

START_TEST(older_names_of_set)
{
    expect("SETNX k 1", ":1\r\n");
    expect_journal("SET k 1");
    expect("SETNX k 2", ":0\r\n");
    expect_journal("");
    expect("SETEX k 10 3", "+OK\r\n");
    char want[100];
    snprintf(want, sizeof want, "SET k 3 PXAT %" PRId64, harness_now() + 10000);
    expect_journal(want);
    expect("PSETEX k 10 4", "+OK\r\n");
    expect("GETSET k 5", "$1\r\n4\r\n");
    expect_journal("SET k 5");
    expect("TTL k", ":-1\r\n");
    expect("GETSET none 5", "$-1\r\n");
}
END_TEST

START_TEST(getex_changes_the_time_to_live)
{
    char want[100];

    expect("GETEX k EX 10", "$-1\r\n");
    expect("GETEX k EX nonsense", "$-1\r\n");
    expect("SET k v", "+OK\r\n");
    expect("GETEX k", "$1\r\nv\r\n");
    expect_journal("");
    expect("GETEX k EX 10", "$1\r\nv\r\n");
    ck_assert_str_eq(told(), "expire");
    snprintf(want, sizeof want, "PEXPIREAT k %" PRId64, harness_now() + 10000);
    expect_journal(want);
    expect("TTL k", ":10\r\n");
    expect("GETEX k PERSIST", "$1\r\nv\r\n");
    ck_assert_str_eq(told(), "persist");
    expect_journal("PERSIST k");
    expect("TTL k", ":-1\r\n");
    expect("GETEX k PERSIST", "$1\r\nv\r\n");
    expect_journal("");
    expect("GETEX k EX 0", "-ERR invalid expire time in 'getex' command\r\n");
    expect("GETEX k KEEPTTL", "-ERR syntax error\r\n");
    expect("GETEX k NX", "-ERR syntax error\r\n");
    expect("GETEX k EX 1 PERSIST", "-ERR syntax error\r\n");
    expect("GETEX k EXAT 1", "$1\r\nv\r\n");
    expect_journal("DEL k");
    ck_assert_str_eq(told(), "del");
    expect("EXISTS k", ":0\r\n");
}
END_TEST

START_TEST(getdel_returns_the_string_and_removes_the_key)
{
    expect("SET k v", "+OK\r\n");
    expect("GETDEL k", "$1\r\nv\r\n");
    expect_journal("DEL k");
    ck_assert_str_eq(told(), "del");
    expect("GETDEL k", "$-1\r\n");
    expect_journal("");
}
END_TEST

START_TEST(mset_and_mget)
{
    expect("MSET a 1 b 2 a 3", "+OK\r\n");
    ck_assert_str_eq(told(), "new set new set set");
    expect("MGET a b c a", "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n$1\r\n3\r\n");
    harness_resp(3);
    expect("MGET c", "*1\r\n_\r\n");
    expect("MSET a", "-ERR wrong number of arguments for 'mset' command\r\n");
    expect("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n");
    expect("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command\r\n");
    expect("MSETNX x 1 a 2", ":0\r\n");
    expect("EXISTS x", ":0\r\n");
    expect("MSETNX x 1 y 2 x 3", ":1\r\n");
    expect("MGET x y", "*2\r\n$1\r\n3\r\n$1\r\n2\r\n");
    expect("MGET a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 x y",
           "*18\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n"
           "$1\r\n3\r\n$1\r\n2\r\n");
}
END_TEST

START_TEST(append_and_strlen)
{
    expect("STRLEN k", ":0\r\n");
    expect("APPEND k 12", ":2\r\n");
    ck_assert_str_eq(told(), "new append");
    expect("OBJECT ENCODING k", "$3\r\nint\r\n");
    expect("APPEND k ab", ":4\r\n");
    expect("GET k", "$4\r\n12ab\r\n");
    expect("OBJECT ENCODING k", "$3\r\nraw\r\n");
    expect("STRLEN k", ":4\r\n");
    expect("APPEND k \"\"", ":4\r\n");
    expect("SET k -9223372036854775808", "+OK\r\n");
    expect("STRLEN k", ":20\r\n");
    harness_store()->conf.string_limit = 25;
    expect("APPEND k 123456", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
    expect("APPEND k 12345", ":25\r\n");
}
END_TEST

START_TEST(setrange_pads_with_zeros)
{
    expect("SETRANGE k 3 \"\"", ":0\r\n");
    expect("EXISTS k", ":0\r\n");
    expect("SETRANGE k 2 ab", ":4\r\n");
    ck_assert_str_eq(told(), "new setrange");
    expect("GET k", "$4\r\n\0\0ab\r\n");
    expect("SETRANGE k 1 xy", ":4\r\n");
    expect("GET k", "$4\r\n\0xyb\r\n");
    expect("SETRANGE k 1 \"\"", ":4\r\n");
    expect_journal("");
    expect("SET n 12345", "+OK\r\n");
    expect("SETRANGE n 1 __", ":5\r\n");
    expect("GET n", "$5\r\n1__45\r\n");
    expect("OBJECT ENCODING n", "$3\r\nraw\r\n");
    expect("SETRANGE n -1 x", "-ERR offset is out of range\r\n");
    expect("SETRANGE n x x", "-ERR value is not an integer or out of range\r\n");
    expect("SETRANGE n 536870911 xx",
           "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
    expect("SETRANGE n 9223372036854775807 x",
           "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
}
END_TEST

START_TEST(getrange_cuts_what_is_out_of_range)
{
    expect("GETRANGE k 0 -1", "$0\r\n\r\n");
    expect("SET k \"Hello World\"", "+OK\r\n");
    expect("GETRANGE k 0 3", "$4\r\nHell\r\n");
    expect("GETRANGE k 0 -1", "$11\r\nHello World\r\n");
    expect("GETRANGE k -4 -1", "$4\r\norld\r\n");
    expect("GETRANGE k 5 3", "$0\r\n\r\n");
    expect("GETRANGE k 5 5000", "$6\r\n World\r\n");
    expect("GETRANGE k -5000 10000", "$11\r\nHello World\r\n");
    expect("GETRANGE k -1 -100", "$0\r\n\r\n");
    expect("GETRANGE k 0 -100", "$1\r\nH\r\n");
    expect("GETRANGE k -9223372036854775808 9223372036854775807", "$11\r\nHello World\r\n");
    expect("GETRANGE k 9223372036854775807 -9223372036854775808", "$0\r\n\r\n");
    expect("GETRANGE k x 1", "-ERR value is not an integer or out of range\r\n");
    expect("SET k 1234", "+OK\r\n");
    expect("SUBSTR k 1 2", "$2\r\n23\r\n");
}
END_TEST

START_TEST(incr_counts_and_refuses)
{
    expect("INCR k", ":1\r\n");
    ck_assert_str_eq(told(), "new incrby");
    expect("INCRBY k 41", ":42\r\n");
    expect("DECR k", ":41\r\n");
    expect("DECRBY k 50", ":-9\r\n");
    expect("OBJECT ENCODING k", "$3\r\nint\r\n");
    expect("INCRBY k x", "-ERR value is not an integer or out of range\r\n");
    expect("INCRBY k 1.0", "-ERR value is not an integer or out of range\r\n");
    expect("SET k 9223372036854775807", "+OK\r\n");
    expect("INCR k", "-ERR increment or decrement would overflow\r\n");
    expect("GET k", "$19\r\n9223372036854775807\r\n");
    expect("SET k -9223372036854775808", "+OK\r\n");
    expect("DECR k", "-ERR increment or decrement would overflow\r\n");
    expect("DECRBY k -9223372036854775808", "-ERR decrement would overflow\r\n");
    expect("SET k 01", "+OK\r\n");
    expect("INCR k", "-ERR value is not an integer or out of range\r\n");
    expect("SET k \" 11\"", "+OK\r\n");
    expect("INCR k", "-ERR value is not an integer or out of range\r\n");
    expect("SET k 5 EX 10", "+OK\r\n");
    expect("INCR k", ":6\r\n");
    expect("TTL k", ":10\r\n");
    expect("SET s 1", "+OK\r\n");
    expect("APPEND s 0", ":2\r\n");
    expect("INCR s", ":11\r\n");
    expect("OBJECT ENCODING s", "$3\r\nint\r\n");
}
END_TEST

START_TEST(incrbyfloat_adds_and_logs_the_sum)
{
    expect("INCRBYFLOAT k 1", "$1\r\n1\r\n");
    expect_journal("SET k 1 KEEPTTL");
    expect("OBJECT ENCODING k", "$6\r\nembstr\r\n");
    expect("INCRBYFLOAT k 0.25", "$4\r\n1.25\r\n");
    ck_assert_str_eq(told(), "incrbyfloat");
    expect_journal("SET k 1.25 KEEPTTL");
    expect("SET k 3", "+OK\r\n");
    expect("INCRBYFLOAT k 1.1", "$3\r\n4.1\r\n");
    expect("SET k 1e2", "+OK\r\n");
    expect("INCRBYFLOAT k -1e1", "$2\r\n90\r\n");
    expect("INCRBYFLOAT k nan", "-ERR value is not a valid float\r\n");
    expect("INCRBYFLOAT k x", "-ERR value is not a valid float\r\n");
    expect("INCRBYFLOAT k \" 1\"", "-ERR value is not a valid float\r\n");
    expect("INCRBYFLOAT k inf", "-ERR increment would produce NaN or Infinity\r\n");
    expect("SET k x", "+OK\r\n");
    expect("INCRBYFLOAT k 1", "-ERR value is not a valid float\r\n");
    expect("SET k 1 EX 10", "+OK\r\n");
    expect("INCRBYFLOAT k 1", "$1\r\n2\r\n");
    expect("TTL k", ":10\r\n");
}
END_TEST

START_TEST(lcs_finds_a_subsequence_its_length_and_its_place)
{
    expect("LCS a b", "$0\r\n\r\n");
    expect("MSET a ohmytext b mynewtext", "+OK\r\n");
    expect("LCS a b", "$6\r\nmytext\r\n");
    expect("LCS a b LEN", ":6\r\n");
    expect("LCS a b IDX", "*4\r\n$7\r\nmatches\r\n*2\r\n*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n"
                          "*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n$3\r\nlen\r\n:6\r\n");
    expect("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
           "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$"
           "3\r\nlen\r\n:6\r\n");
    harness_resp(3);
    expect("LCS a b IDX MINMATCHLEN 5", "%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:6\r\n");
    expect("LCS a b LEN IDX",
           "-ERR If you want both the length and indexes, please just use IDX.\r\n");
    expect("LCS a b nonsense", "-ERR syntax error\r\n");
    expect("LCS a b MINMATCHLEN", "-ERR syntax error\r\n");
    harness_store()->conf.string_limit = 100;
    expect("LCS a b",
           "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n");
}
END_TEST

START_TEST(encodings_are_named_as_redis_names_them)
{
    char request[256], text[128];

    memset(text, 'x', sizeof text);
    snprintf(request, sizeof request, "SET k %.44s", text);
    expect(request, "+OK\r\n");
    expect("OBJECT ENCODING k", "$6\r\nembstr\r\n");
    snprintf(request, sizeof request, "SET k %.45s", text);
    expect(request, "+OK\r\n");
    expect("OBJECT ENCODING k", "$3\r\nraw\r\n");
    expect("SET k 12", "+OK\r\n");
    expect("OBJECT ENCODING k", "$3\r\nint\r\n");
    expect("SET k 9223372036854775808", "+OK\r\n");
    expect("OBJECT ENCODING k", "$6\r\nembstr\r\n");
    expect("APPEND k x", ":20\r\n");
    expect("OBJECT ENCODING k", "$3\r\nraw\r\n");
    expect("SET k x", "+OK\r\n");
    expect("OBJECT ENCODING k", "$6\r\nembstr\r\n");
    expect("APPEND k y", ":2\r\n");
    expect("COPY k c", ":1\r\n");
    expect("OBJECT ENCODING c", "$3\r\nraw\r\n");
}
END_TEST

START_TEST(set_compares_with_what_is_there)
{
    expect("SET k a IFEQ x", "$-1\r\n");
    expect("EXISTS k", ":0\r\n");
    expect("SET k a IFNE x", "+OK\r\n");
    expect_journal("SET k a");
    expect("SET k b IFEQ x", "$-1\r\n");
    expect_journal("");
    expect("SET k b IFEQ a GET PX 1000", "$1\r\na\r\n");
    expect("PTTL k", ":1000\r\n");
    expect("SET k c IFNE b GET", "$1\r\nb\r\n");
    expect("GET k", "$1\r\nb\r\n");
    run_line("SET n 12");
    expect("SET n 13 IFEQ 12 KEEPTTL", "+OK\r\n");
    run_line("RPUSH l a");
    expect("SET l v IFEQ a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    expect("SET l v IFNE a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    expect("SET k v IFEQ", "-ERR syntax error\r\n");
    expect("SET k v IFEQ b NX", "-ERR syntax error\r\n");
    expect("SET k v XX IFEQ b", "-ERR syntax error\r\n");
    expect("SET k v IFEQ b IFNE c", "-ERR syntax error\r\n");
}
END_TEST

START_TEST(a_key_is_removed_if_it_holds_what_is_believed)
{
    run_line("SET k 12");
    expect("DELIFEQ k 13", ":0\r\n");
    expect_journal("");
    expect("DELIFEQ k 12", ":1\r\n");
    expect_journal("DEL k");
    ck_assert_str_eq(told(), "del");
    expect("DELIFEQ k 12", ":0\r\n");
    run_line("SET k a");
    expect("DELEX k IFEQ b", ":0\r\n");
    expect("DELEX k IFNE a", ":0\r\n");
    expect("DELEX k IFNE b", ":1\r\n");
    expect("DELEX k IFNE b", ":0\r\n");
    expect("DELEX k", ":0\r\n");
    run_line("RPUSH l a");
    expect("DELIFEQ l a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    expect("DELEX l IFEQ a", "-ERR Key should be of string type if conditions are specified\r\n");
    expect("DELEX l IFEQ", "-ERR wrong number of arguments for 'delex' command\r\n");
    expect("DELEX l", ":1\r\n");
    run_line("SET k a");
    expect("DELEX k IFX a", "-ERR Invalid condition. Use IFEQ or IFNE\r\n");
}
END_TEST

UNIT_MAIN_AROUND("string commands", harness_open, harness_close,
                 rows_are_complete_and_their_examples_hold,
                 get_tells_strings_from_nothing_and_other_types, a_string_holds_any_bytes,
                 set_has_conditions, set_get_gives_the_old_value_whether_or_not_it_sets,
                 set_takes_a_time_in_four_forms, set_refuses_times_that_make_no_sense,
                 a_key_is_gone_at_its_time, older_names_of_set, getex_changes_the_time_to_live,
                 getdel_returns_the_string_and_removes_the_key, mset_and_mget, append_and_strlen,
                 setrange_pads_with_zeros, getrange_cuts_what_is_out_of_range,
                 incr_counts_and_refuses, incrbyfloat_adds_and_logs_the_sum,
                 lcs_finds_a_subsequence_its_length_and_its_place,
                 encodings_are_named_as_redis_names_them,
                 set_compares_with_what_is_there, a_key_is_removed_if_it_holds_what_is_believed)
