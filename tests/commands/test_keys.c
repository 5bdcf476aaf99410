#include "commands/tables.h"
#include "storage/evict.h"
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

START_TEST(rows_are_complete_and_their_examples_hold)
{
    check_rows(keys_commands);
    check_rows(scan_commands);
    check_rows(object_commands);
}
END_TEST

START_TEST(del_and_unlink_count_what_was_there)
{
    expect("MSET a 1 b 2 c 3", "+OK\r\n");
    expect("DEL a a nope", ":1\r\n");
    ck_assert_str_eq(told(), "del");
    expect("UNLINK b c", ":2\r\n");
    ck_assert_str_eq(told(), "del del");
    expect("DEL a", ":0\r\n");
    expect_journal("");
    expect("DEL", "-ERR wrong number of arguments for 'del' command\r\n");
    expect("SET k v PX 5", "+OK\r\n");
    harness_advance(5);
    expect("DEL k", ":0\r\n");
    ck_assert_str_eq(told(), "expired");
    expect_journal("");
}
END_TEST

START_TEST(exists_touch_type_and_dbsize)
{
    expect("MSET a 1 b 2", "+OK\r\n");
    expect("EXISTS a b a x", ":3\r\n");
    expect("TOUCH a b x", ":2\r\n");
    expect("TYPE a", "+string\r\n");
    expect("TYPE x", "+none\r\n");
    expect("DBSIZE", ":2\r\n");
    harness_select(3);
    expect("DBSIZE", ":0\r\n");
    expect("EXISTS a", ":0\r\n");
}
END_TEST

START_TEST(rename_moves_value_and_time_to_live)
{
    expect("RENAME a b", "-ERR no such key\r\n");
    expect("SET a 1 EX 10", "+OK\r\n");
    expect("SET b 2 EX 99", "+OK\r\n");
    expect("RENAME a b", "+OK\r\n");
    ck_assert_str_eq(told(), "rename_from new rename_to");
    expect("GET b", "$1\r\n1\r\n");
    expect("TTL b", ":10\r\n");
    expect("EXISTS a", ":0\r\n");
    expect("RENAME b b", "+OK\r\n");
    expect_journal("");
    expect("RENAMENX b b", ":0\r\n");
    expect("RENAMENX x y", "-ERR no such key\r\n");
    expect("SET c 3", "+OK\r\n");
    expect("RENAMENX b c", ":0\r\n");
    expect("RENAMENX b d", ":1\r\n");
    expect("TTL d", ":10\r\n");
    expect("RENAME c d", "+OK\r\n");
    expect("TTL d", ":-1\r\n");
    harness_advance(100000);
    expect("GET d", "$1\r\n3\r\n");
}
END_TEST

START_TEST(renamenx_to_a_key_that_has_expired)
{
    expect("SET a 1", "+OK\r\n");
    expect("SET b 2 PX 1", "+OK\r\n");
    harness_advance(1);
    expect("RENAMENX a b", ":1\r\n");
    expect("GET b", "$1\r\n1\r\n");
    expect("SET z 1 PX 1", "+OK\r\n");
    harness_advance(1);
    expect("RENAME z b", "-ERR no such key\r\n");
}
END_TEST

START_TEST(copy_leaves_the_source)
{
    expect("COPY a b", ":0\r\n");
    expect("SET a 1 EX 10", "+OK\r\n");
    expect("COPY a b", ":1\r\n");
    ck_assert_str_eq(told(), "new copy_to");
    expect("TTL b", ":10\r\n");
    expect("SET a 2", "+OK\r\n");
    expect("COPY a b", ":0\r\n");
    expect("COPY a b REPLACE", ":1\r\n");
    expect("GET b", "$1\r\n2\r\n");
    expect("TTL b", ":-1\r\n");
    expect("COPY a a", "-ERR source and destination objects are the same\r\n");
    expect("COPY a a DB 0", "-ERR source and destination objects are the same\r\n");
    expect("COPY a a DB 1", ":1\r\n");
    expect("COPY a x DB 16", "-ERR DB index is out of range\r\n");
    expect("COPY a x DB -1", "-ERR DB index is out of range\r\n");
    expect("COPY a x DB nope", "-ERR value is not an integer or out of range\r\n");
    expect("COPY a x DB", "-ERR syntax error\r\n");
    expect("COPY a x nope", "-ERR syntax error\r\n");
    harness_select(1);
    expect("GET a", "$1\r\n2\r\n");
}
END_TEST

START_TEST(copy_of_a_large_value_is_its_own)
{
    struct buf big = { 0 };
    struct str set[3] = { STR("SET"), STR("a") };

    memset(buf_room(&big, 100000), 'x', 100000);
    buf_used(&big, 100000);
    set[2] = buf_str(&big);
    expect_str(run_args(3, set), STR("+OK\r\n"));
    expect("COPY a b", ":1\r\n");
    expect("SETRANGE a 0 y", ":100000\r\n");
    expect("GETRANGE b 0 0", "$1\r\nx\r\n");
    expect("RENAME a c", "+OK\r\n");
    expect("GETRANGE c 0 1", "$2\r\nyx\r\n");
    expect("APPEND c z", ":100001\r\n");
    expect("COPY c b REPLACE", ":1\r\n");
    expect("STRLEN b", ":100001\r\n");
    expect("MOVE b 1", ":1\r\n");
    expect("DEL c", ":1\r\n");
    buf_fini(&big);
}
END_TEST

START_TEST(move_goes_to_another_database)
{
    expect("MOVE a 1", ":0\r\n");
    expect("SET a 1 EX 10", "+OK\r\n");
    expect("MOVE a 0", "-ERR source and destination objects are the same\r\n");
    expect("MOVE a 16", "-ERR DB index is out of range\r\n");
    expect("MOVE a x", "-ERR value is not an integer or out of range\r\n");
    expect("MOVE a 3000000000",
           "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
    expect("MOVE a 1", ":1\r\n");
    ck_assert_str_eq(told(), "move_from new move_to");
    expect("EXISTS a", ":0\r\n");
    expect("SET a 2", "+OK\r\n");
    expect("MOVE a 1", ":0\r\n");
    harness_select(1);
    expect("GET a", "$1\r\n1\r\n");
    expect("TTL a", ":10\r\n");
}
END_TEST

static void fill(int n)
{
    char request[64];

    for (int i = 0; i < n; i++) {
        snprintf(request, sizeof request, "SET key:%d %d", i, i);
        run_line(request);
    }
}

/* Go through SCAN with these options; count the keys. */
static int scan_all(const char *options, int *calls)
{
    uint64_t cursor = 0;
    int n = 0;

    *calls = 0;
    do {
        char request[128];
        unsigned long long next;
        int got, at;

        snprintf(request, sizeof request, "SCAN %" PRIu64 " %s", cursor, options);
        struct str r = run_line(request);
        ck_assert_int_eq(sscanf(r.p, "*2\r\n$%d\r\n%llu\r\n*%d\r\n", &at, &next, &got), 3);
        cursor = next;
        n += got;
        ++*calls;
    } while (cursor != 0);
    return n;
}

START_TEST(scan_meets_every_key)
{
    int calls;

    expect("SCAN 0", "*2\r\n$1\r\n0\r\n*0\r\n");
    fill(1000);
    ck_assert_int_eq(scan_all("", &calls), 1000);
    ck_assert_int_ge(calls, 10);
    ck_assert_int_eq(scan_all("COUNT 10000", &calls), 1000);
    ck_assert_int_eq(scan_all("MATCH key:99*", &calls), 11);
    ck_assert_int_eq(scan_all("MATCH *", &calls), 1000);
    ck_assert_int_eq(scan_all("TYPE string", &calls), 1000);
    ck_assert_int_eq(scan_all("TYPE STRING MATCH key:5", &calls), 1);
    ck_assert_int_eq(scan_all("TYPE list", &calls), 0);
    ck_assert_int_eq(scan_all("TYPE nonsense", &calls), 0);
    expect("SCAN x", "-ERR invalid cursor\r\n");
    expect("SCAN 99999999999999999999", "-ERR invalid cursor\r\n");
    expect("SCAN 0 COUNT 0", "-ERR syntax error\r\n");
    expect("SCAN 0 COUNT x", "-ERR value is not an integer or out of range\r\n");
    expect("SCAN 0 COUNT", "-ERR syntax error\r\n");
    expect("SCAN 0 nope 1", "-ERR syntax error\r\n");
    run_line("SCAN 18446744073709551615"); /* no cursor that was ever given: harmless */
    run_line("SCAN 0 COUNT 9223372036854775807");
}
END_TEST

START_TEST(what_has_expired_is_met_by_nobody)
{
    int calls;

    expect("SET a 1 PX 5", "+OK\r\n");
    expect("SET b 1", "+OK\r\n");
    harness_advance(5);
    ck_assert_int_eq(scan_all("", &calls), 1);
    expect("KEYS *", "*1\r\n$1\r\nb\r\n");
    expect("KEYS a", "*0\r\n");
    expect("DEL b", ":1\r\n");
    expect("RANDOMKEY", "$-1\r\n");
    harness_resp(3);
    expect("RANDOMKEY", "_\r\n");
    expect("DBSIZE", ":0\r\n");
}
END_TEST

START_TEST(keys_matches_patterns)
{
    expect("KEYS *", "*0\r\n");
    expect("MSET abc 1 abd 2 x 3", "+OK\r\n");
    expect("KEYS abc", "*1\r\n$3\r\nabc\r\n");
    expect("KEYS a\\bc", "*1\r\n$3\r\nabc\r\n");
    expect("KEYS x?", "*0\r\n");
    expect("KEYS [xyz]", "*1\r\n$1\r\nx\r\n");
    ck_assert_int_eq(strncmp(run_line("KEYS ab*").p, "*2\r\n", 4), 0);
    ck_assert_int_eq(strncmp(run_line("KEYS *").p, "*3\r\n", 4), 0);
}
END_TEST

START_TEST(object_tells_idle_time_and_frequency)
{
    expect("OBJECT IDLETIME k", "$-1\r\n");
    expect("SET k v", "+OK\r\n");
    harness_advance(12000);
    expect("OBJECT IDLETIME k", ":12\r\n");
    expect("EXISTS k", ":1\r\n");
    expect("TTL k", ":-1\r\n");
    expect("OBJECT IDLETIME k", ":12\r\n");
    expect("TOUCH k", ":1\r\n");
    expect("OBJECT IDLETIME k", ":0\r\n");
    harness_advance(3000);
    harness_store()->no_touch = true;
    expect("GET k", "$1\r\nv\r\n");
    expect("OBJECT IDLETIME k", ":3\r\n");
    expect("TOUCH k", ":1\r\n");
    expect("OBJECT IDLETIME k", ":0\r\n");
    harness_store()->no_touch = false;
    expect("OBJECT FREQ k",
           "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
           "Please note that when switching between policies at runtime LRU and LFU data will take "
           "some "
           "time to adjust.\r\n");
    expect("OBJECT REFCOUNT k", ":1\r\n");
    expect("OBJECT ENCODING x", "$-1\r\n");
    expect("OBJECT ENCODING", "-ERR wrong number of arguments for 'encoding' command\r\n");
}
END_TEST

START_TEST(object_freq_counts_and_decays)
{
    harness_store()->conf.policy = EVICT_ALL_LFU;
    expect("SET k v", "+OK\r\n");
    expect("OBJECT FREQ k", ":5\r\n");
    expect("GET k", "$1\r\nv\r\n");
    expect("OBJECT FREQ k", ":6\r\n");
    for (int i = 0; i < 10000; i++) run_line("GET k");
    const struct entry *e = db_peek(harness_store()->dbs[0], STR("k"));
    ck_assert_uint_ge(evict_freq(harness_store(), e), 30);
    ck_assert_uint_le(evict_freq(harness_store(), e), 120);
    harness_advance(5 * 60000);
    unsigned before = evict_freq(harness_store(), e);
    harness_advance(60000);
    ck_assert_uint_eq(evict_freq(harness_store(), e), before - 1);
    harness_advance(1000 * 60000);
    expect("OBJECT FREQ k", ":0\r\n");
    expect("OBJECT IDLETIME k",
           "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please "
           "note that when switching between policies at runtime LRU and LFU data will take some "
           "time to "
           "adjust.\r\n");
}
END_TEST

START_TEST(hits_and_misses_are_counted)
{
    struct store_stats *st = &harness_store()->stats;

    expect("SET k v", "+OK\r\n");
    ck_assert_uint_eq(st->hits + st->misses, 0);
    run_line("GET k");
    run_line("EXISTS k x");
    run_line("TYPE k");
    run_line("TTL x");
    ck_assert_uint_eq(st->hits, 3);
    ck_assert_uint_eq(st->misses, 2);
}
END_TEST

UNIT_MAIN_AROUND("key commands", harness_open, harness_close,
                 rows_are_complete_and_their_examples_hold, del_and_unlink_count_what_was_there,
                 exists_touch_type_and_dbsize, rename_moves_value_and_time_to_live,
                 renamenx_to_a_key_that_has_expired, copy_leaves_the_source,
                 copy_of_a_large_value_is_its_own, move_goes_to_another_database,
                 scan_meets_every_key, what_has_expired_is_met_by_nobody, keys_matches_patterns,
                 object_tells_idle_time_and_frequency, object_freq_counts_and_decays,
                 hits_and_misses_are_counted)
