/* Large values that are told in slices: between two of them everything may be done to the value, and it is told as it was. The
 * test is the server: it keeps the job, and steps it when it likes. */
#include <stdio.h>

#include "base/mem.h"
#include "commands/job.h"
#include "storage/value_reader.h"
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

enum { MANY = 1500, SOON = 0 /* a deadline that has passed */ };

static struct job *kept;

static enum err keep(struct call *c, struct job *j)
{
    (void)c;
    ck_assert_ptr_null(kept);
    kept = j;
    return j->step(j, SOON) ? ERR_SYNTAX : CALL_BLOCKED;
}

static const struct call_host host = { .go_on = keep };

static void fill(const char *format)
{
    char text[2000], pad[600];

    memset(pad, 'x', sizeof pad - 1);
    pad[sizeof pad - 1] = '\0';
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, format, i, i, pad);
        run_line(text);
    }
}

static void make(void)
{
    for (int db = 0; db < 2; db++) store_flush(harness_store(), db);
    fill("SADD set m%d");
    fill("HSET hash f%d v%d");
    fill("ZADD zset %d m%d");
    fill("RPUSH list %d:%d:%s");
    fill("FT.SUGADD sug text%d %d");
    run_line("XADD stream 0-1 field first");
    fill("XADD stream %d-2 field %d");
    run_line("SADD small 1");
}

static struct buf copy_of(struct str s)
{
    struct buf b = { 0 };

    buf_add_str(&b, s);
    return b;
}

/* The reply of read, into which change comes after the first rows. */
static void change_amid(const char *read, const char *change)
{
    struct buf want, got = { 0 };

    make();
    want = copy_of(run_line(read));
    harness_host(&host);
    ck_assert_uint_eq(run_line(read).n, 0);
    harness_host(NULL);
    ck_assert(!link_alone(&harness_store()->readers));
    run_line(change);
    ck_assert_msg(link_alone(&harness_store()->readers), "%s goes on behind %s", read, change);
    ck_assert(kept->step(kept, SOON));
    kept->reply(kept, &(struct reply){ &got, 2 }, NULL);
    kept->free(kept);
    kept = NULL;
    ck_assert_msg(str_eq(buf_str(&want), buf_str(&got)), "%s is not as it was before %s", read, change);
    buf_fini(&want);
    buf_fini(&got);
}

static void change_all(const char *read, const char *key, const char *const *changes, size_t n)
{
    static const char *const any[] = { "DEL %s", "UNLINK %s", "SET %s v", "RENAME %s other", "RENAME small %s", "COPY small %s REPLACE",
                                       "PEXPIRE %s 0", "PEXPIRE %s 1000", "MOVE %s 1", "SORT small STORE %s" };
    char text[100];

    for (size_t i = 0; i < n; i++) change_amid(read, changes[i]);
    for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
        snprintf(text, sizeof text, any[i], key);
        change_amid(read, text);
    }
}

#define CHANGE_ALL(read, key, ...) \
    do { \
        static const char *const changes[] = { __VA_ARGS__ }; \
        change_all((read), (key), changes, sizeof changes / sizeof *changes); \
    } while (0)

START_TEST(sets_are_told_as_they_were)
{
    CHANGE_ALL("SMEMBERS set", "set", "SREM set m0 m700 m1499", "SADD set more", "SPOP set 1400", "SMOVE set small m1490",
               "SINTERSTORE set set small");
}
END_TEST

START_TEST(hashes_are_told_as_they_were)
{
    CHANGE_ALL("HGETALL hash", "hash", "HDEL hash f0 f700 f1499", "HSET hash f1490 other", "HINCRBY hash new 1", "HPEXPIRE hash 0 FIELDS 1 f1490");
    CHANGE_ALL("HKEYS hash", "hash", "HDEL hash f1 f2");
    CHANGE_ALL("HVALS hash", "hash", "HSETNX hash new 1");
}
END_TEST

START_TEST(sorted_sets_are_told_as_they_were)
{
    CHANGE_ALL("ZRANGE zset 0 -1 WITHSCORES", "zset", "ZREM zset m0 m700 m1499", "ZADD zset -1 m1499", "ZPOPMAX zset 1400", "ZINCRBY zset 5 m1490",
               "ZREMRANGEBYSCORE zset 500 1400", "ZUNIONSTORE zset 1 zset WEIGHTS -1");
    CHANGE_ALL("ZRANGE zset +inf 5 BYSCORE REV LIMIT 10 1200", "zset", "ZPOPMIN zset 1400");
}
END_TEST

START_TEST(lists_are_told_as_they_were)
{
    CHANGE_ALL("LRANGE list 5 -5", "list", "LPOP list 1400", "RPOP list 1400", "LTRIM list 9 -9", "LSET list -6 x", "LINSERT list BEFORE no x",
               "RPOPLPUSH list list", "LPUSH list a b c", "RPUSH list x");
}
END_TEST

START_TEST(streams_are_told_as_they_were)
{
    CHANGE_ALL("XRANGE stream - +", "stream", "XADD stream 9999-1 a b", "XTRIM stream MAXLEN 10", "XDEL stream 1-2 700-2 1499-2");
    CHANGE_ALL("XREVRANGE stream 1400 9 COUNT 1200", "stream", "XTRIM stream MINID 1300");
}
END_TEST

START_TEST(suggestions_are_found_among_those_there_were)
{
    CHANGE_ALL("FT.SUGGET sug te MAX 20 FUZZY WITHSCORES", "sug", "FT.SUGDEL sug text1499", "FT.SUGADD sug text1490 99999", "FT.SUGADD sug te 1");
    CHANGE_ALL("FT.SUGGET sug te MAX 2000 TRIM", "sug", "FT.SUGDEL sug text1498");
}
END_TEST

/* A database that is emptied, and fields and keys whose time comes. */
START_TEST(what_goes_by_itself_is_told_as_it_was)
{
    struct buf got = { 0 };

    for (int i = 0; i < 4; i++) {
        make();
        run_line("PEXPIRE set 5");
        run_line("HPEXPIRE hash 5 FIELDS 2 f3 f1490");
        harness_host(&host);
        run_line(i % 2 == 0 ? "SMEMBERS set" : "HKEYS hash");
        harness_host(NULL);
        if (i >= 2) {
            harness_advance(10);
            run_line(i % 2 == 0 ? "EXISTS set" : "HLEN hash");
        } else {
            store_flush(harness_store(), 0);
        }
        ck_assert(link_alone(&harness_store()->readers));
        ck_assert(kept->step(kept, SOON));
        kept->reply(kept, &(struct reply){ &got, 2 }, NULL);
        ck_assert(str_starts(buf_str(&got), STR("*1500\r\n")));
        kept->free(kept);
        kept = NULL;
        buf_clear(&got);
    }
    buf_fini(&got);
}
END_TEST

START_TEST(one_who_leaves_is_asked_no_more_and_another_value_bothers_nobody)
{
    make();
    harness_host(&host);
    run_line("SMEMBERS set");
    harness_host(NULL);
    run_line("HSET hash f1 other");
    run_line("DEL zset");
    ck_assert(!link_alone(&harness_store()->readers));
    kept->free(kept);
    kept = NULL;
    ck_assert(link_alone(&harness_store()->readers));
    expect("DEL set", ":1\r\n");
}
END_TEST

UNIT_MAIN_AROUND("long reads", harness_open, harness_close, sets_are_told_as_they_were, hashes_are_told_as_they_were,
                 sorted_sets_are_told_as_they_were, lists_are_told_as_they_were, streams_are_told_as_they_were, suggestions_are_found_among_those_there_were, what_goes_by_itself_is_told_as_it_was,
                 one_who_leaves_is_asked_no_more_and_another_value_bothers_nobody)
