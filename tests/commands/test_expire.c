#include "commands/tables.h"
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

START_TEST(rows_are_complete_and_their_examples_hold)
{
    check_rows(expire_commands);
}
END_TEST

static void expect_pexpireat(const char *key, int64_t at_ms)
{
    char want[100];

    snprintf(want, sizeof want, "PEXPIREAT %s %" PRId64, key, at_ms);
    expect_journal(want);
}

START_TEST(expire_sets_and_the_log_gets_absolute_times)
{
    int64_t now = harness_now();

    expect("EXPIRE k 10", ":0\r\n");
    expect_journal("");
    expect("SET k v", "+OK\r\n");
    expect("TTL k", ":-1\r\n");
    expect("EXPIRE k 10", ":1\r\n");
    ck_assert_str_eq(told(), "expire");
    expect_pexpireat("k", now + 10000);
    expect("PEXPIRE k 1499", ":1\r\n");
    expect_pexpireat("k", now + 1499);
    expect("TTL k", ":1\r\n");
    expect("PEXPIRE k 1500", ":1\r\n");
    expect("TTL k", ":2\r\n");
    expect("EXPIREAT k 2000000000", ":1\r\n");
    expect_journal("PEXPIREAT k 2000000000000");
    expect("PEXPIREAT k 2000000000001", ":1\r\n");
    expect_journal("PEXPIREAT k 2000000000001");
    expect("EXPIRETIME k", ":2000000000\r\n");
    expect("PEXPIRETIME k", ":2000000000001\r\n");
    expect("PERSIST k", ":1\r\n");
    ck_assert_str_eq(told(), "persist");
    expect_journal("PERSIST k");
    expect("PERSIST k", ":0\r\n");
    expect_journal("");
    expect("PERSIST x", ":0\r\n");
    expect("EXPIRETIME k", ":-1\r\n");
    expect("PEXPIRETIME x", ":-2\r\n");
}
END_TEST

START_TEST(a_time_that_has_passed_removes_the_key)
{
    expect("SET k v", "+OK\r\n");
    expect("EXPIRE k -1", ":1\r\n");
    ck_assert_str_eq(told(), "del");
    expect_journal("DEL k");
    expect("EXISTS k", ":0\r\n");
    expect("SET k v", "+OK\r\n");
    expect("EXPIREAT k 1", ":1\r\n");
    expect("TTL k", ":-2\r\n");
    expect("SET k v", "+OK\r\n");
    expect("PEXPIRE k 0", ":1\r\n");
    expect("PTTL k", ":-2\r\n");
    expect("SET k v", "+OK\r\n");
    expect("PEXPIREAT k -9223372036854770000", ":1\r\n");
    expect("TTL k", ":-2\r\n");
}
END_TEST

START_TEST(while_loading_nothing_expires)
{
    harness_store()->loading = true;
    expect("SET k v", "+OK\r\n");
    expect("PEXPIREAT k 1", ":1\r\n");
    expect("GET k", "$1\r\nv\r\n");
    expect("PEXPIREAT k -1", ":1\r\n");
    ck_assert(!store_expire_some(harness_store(), 100));
    expect("DBSIZE", ":1\r\n");
    harness_store()->loading = false;
    expect("GET k", "$-1\r\n");
}
END_TEST

START_TEST(conditions)
{
    expect("SET k v", "+OK\r\n");
    expect("EXPIRE k 10 XX", ":0\r\n");
    expect("EXPIRE k 10 GT", ":0\r\n");
    expect("EXPIRE k 10 NX", ":1\r\n");
    expect("EXPIRE k 20 NX", ":0\r\n");
    expect("EXPIRE k 10 GT", ":0\r\n");
    expect("EXPIRE k 11 GT", ":1\r\n");
    expect("EXPIRE k 11 LT", ":0\r\n");
    expect("EXPIRE k 5 lt xx", ":1\r\n");
    expect("TTL k", ":5\r\n");
    expect("PERSIST k", ":1\r\n");
    expect("EXPIRE k 9 LT", ":1\r\n");
    expect("TTL k", ":9\r\n");
    expect("EXPIRE k 1 XX LT", ":1\r\n");
    expect("EXPIRE k -1 GT", ":0\r\n");
    expect("EXPIRE k 1 NX XX",
           "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n");
    expect("EXPIRE k 1 NX GT",
           "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n");
    expect("EXPIRE k 1 LT GT", "-ERR GT and LT options at the same time are not compatible\r\n");
    expect("EXPIRE k 1 AB", "-ERR Unsupported option AB\r\n");
    expect("EXPIRE k x AB", "-ERR Unsupported option AB\r\n");
    expect("EXPIRE x 1 XX", ":0\r\n");
}
END_TEST

START_TEST(numbers_out_of_range)
{
    expect("SET k v", "+OK\r\n");
    expect("EXPIRE k x", "-ERR value is not an integer or out of range\r\n");
    expect("EXPIRE k 1.5", "-ERR value is not an integer or out of range\r\n");
    expect("EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n");
    expect("EXPIRE k -9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n");
    expect("EXPIRE k 9223372036854775", "-ERR invalid expire time in 'expire' command\r\n");
    expect("PEXPIRE k 9223372036854770000", "-ERR invalid expire time in 'pexpire' command\r\n");
    expect("EXPIREAT k 9223372036854776", "-ERR invalid expire time in 'expireat' command\r\n");
    expect("PEXPIREAT k 9223372036854770000", ":1\r\n");
    expect("GET k", "$1\r\nv\r\n");
    expect("EXPIRE k", "-ERR wrong number of arguments for 'expire' command\r\n");
}
END_TEST

START_TEST(overwriting_and_editing)
{
    expect("SET k 1 EX 10", "+OK\r\n");
    expect("APPEND k 2", ":2\r\n");
    expect("TTL k", ":10\r\n");
    expect("SETRANGE k 1 345", ":4\r\n");
    expect("TTL k", ":10\r\n");
    expect("INCR k", ":1346\r\n");
    expect("TTL k", ":10\r\n");
    expect("GETSET k 1", "$4\r\n1346\r\n");
    expect("TTL k", ":-1\r\n");
    expect("SET k 1 EX 10", "+OK\r\n");
    expect("MSET k 1", "+OK\r\n");
    expect("TTL k", ":-1\r\n");
}
END_TEST

UNIT_MAIN_AROUND("expire commands", harness_open, harness_close,
                 rows_are_complete_and_their_examples_hold,
                 expire_sets_and_the_log_gets_absolute_times,
                 a_time_that_has_passed_removes_the_key, while_loading_nothing_expires, conditions,
                 numbers_out_of_range, overwriting_and_editing)
