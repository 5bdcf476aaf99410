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
    return job_step(j, SOON) ? ERR_SYNTAX : CALL_BLOCKED;
}

static struct job *waited(const struct call *c)
{
    (void)c;
    return NULL;
}

static const struct call_host host = { .go_on = keep, .waited = waited };

/* MANY of what format says, whose second word is the key; nothing where line does not name it. */
static void fill(const char *line, const char *format)
{
    char text[2000], pad[600];

    sscanf(format, "%*s %99s", text);
    if (!strstr(line, text)) return;
    memset(pad, 'x', sizeof pad - 1);
    pad[sizeof pad - 1] = '\0';
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, format, i, i, pad);
        run_line(text);
    }
}

/* The large values that line names, and some small ones. */
static void make(const char *line)
{
    for (int db = 0; db < 2; db++) store_flush(harness_store(), db);
    fill(line, "SADD set m%d");
    fill(line, "HSET hash f%d v%d");
    fill(line, "ZADD zset %d m%d");
    fill(line, "RPUSH list %d:%d:%s");
    fill(line, "FT.SUGADD sug text%d %d");
    fill(line, "SADD set2 m%d1 m%d");
    fill(line, "ZADD zset2 %d m%d1");
    run_line("XADD stream 0-1 field first");
    fill(line, "XADD stream %d-2 field %d");
    run_line("SADD small 1");
    run_line("HSET v:m1400 f 700");
    run_line("SET v:m1300 text");
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

    make(read);
    want = copy_of(run_line(read));
    harness_host(&host);
    ck_assert_uint_eq(run_line(read).n, 0);
    harness_host(NULL);
    ck_assert(!link_alone(&harness_store()->readers));
    if (strcmp(change, "(swap)") == 0) store_swap(harness_store(), 0, 1);
    else run_line(change);
    ck_assert_msg(link_alone(&harness_store()->readers), "%s goes on behind %s", read, change);
    while (!job_step(kept, SOON)) { }
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

START_TEST(what_is_made_of_several_sets_is_told_as_it_was)
{
    CHANGE_ALL("SINTER set set2 set", "set", "SREM set m0 m700 m1499", "SADD set more", "SPOP set 1400", "SMOVE set small m1490");
    CHANGE_ALL("SUNION set nothing set2", "set2", "SREM set2 m0 m7001 m1499", "SADD set2 more", "SUNIONSTORE set2 set2 set");
    CHANGE_ALL("SUNION set set2 small zero one two three", "set2", "SREM set2 m0 m7001 m1499");
    CHANGE_ALL("SDIFF set2 set", "set2", "SREM set m1 m700", "SADD set m11 m14991");
    CHANGE_ALL("SINTERCARD 2 set set2 LIMIT 1300", "set", "SREM set m1 m700", "SADD set2 more");
}
END_TEST

START_TEST(what_is_made_of_several_sorted_sets_is_told_as_it_was)
{
    CHANGE_ALL("ZUNION 3 zset set zset2 WEIGHTS 1 2 3 WITHSCORES", "zset", "ZREM zset m0 m700 m1499", "ZADD zset -1 m1499", "ZADD zset2 1 new",
               "SREM set m1499", "ZUNIONSTORE zset 1 small");
    CHANGE_ALL("ZINTER 2 zset set2 AGGREGATE MAX WITHSCORES", "zset", "ZPOPMAX zset 1400", "ZINCRBY zset 5 m1490", "SADD set2 new");
    CHANGE_ALL("ZDIFF 2 zset2 zset WITHSCORES", "zset2", "ZREM zset m11 m141", "ZADD zset 1 m14991");
    CHANGE_ALL("ZDIFF 2 zset small", "zset", "ZADD zset 5 m1490", "SADD small m1490");
    CHANGE_ALL("ZINTERCARD 2 zset set2 LIMIT 1300", "zset", "ZREM zset m1 m2", "SREM set2 m3");
}
END_TEST

START_TEST(what_is_sorted_is_told_as_it_was)
{
    CHANGE_ALL("SORT set ALPHA DESC LIMIT 100 1200", "set", "SREM set m0 m700 m1499", "SADD set more");
    CHANGE_ALL("SORT list ALPHA", "list", "LPOP list 1400", "LSET list -6 x");
    CHANGE_ALL("SORT zset BY nosort GET # GET v:*", "zset", "SET v:m1490 x", "ZREM zset m1400", "HSET v:m7 f x", "DEL v:m1400",
               "(swap)");
    CHANGE_ALL("SORT_RO set BY v:*->f ALPHA GET v:*->f GET #", "set", "HSET v:m1490 f 000", "HDEL v:m1400 f", "HSET v:m7 f x");
}
END_TEST

/* Who is asked to finish does so within another's call: what has expired stays where it is, or that would lose its place. */
START_TEST(nothing_goes_because_a_sort_is_finished)
{
    size_t keys;

    make("zset");
    for (int i = 0; i < 100; i++) {
        char text[100];

        snprintf(text, sizeof text, "SET v:m%d x PX 5", MANY - 1 - i);
        run_line(text);
    }
    harness_advance(10);
    keys = harness_store()->dbs[0]->n_keys;
    harness_host(&host);
    ck_assert_uint_eq(run_line("SORT zset BY nosort GET v:*").n, 0);
    harness_host(NULL);
    expect("SET v:other y", "+OK\r\n");
    ck_assert(link_alone(&harness_store()->readers));
    ck_assert_uint_eq(harness_store()->dbs[0]->n_keys, keys + 1);
    kept->free(kept);
    kept = NULL;
}
END_TEST

/* A database that is emptied, and fields and keys whose time comes. */
START_TEST(what_goes_by_itself_is_told_as_it_was)
{
    struct buf got = { 0 };

    for (int i = 0; i < 4; i++) {
        make("set hash");
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
        ck_assert(job_step(kept, SOON));
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
    make("set zset hash");
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

/* A copy is that of the moment in which it is put in its place. */
START_TEST(copies_begin_again_when_what_they_copy_changes)
{
    static const char *const changes[] = { "SADD set more", "HSET hash f1490 other", "ZINCRBY zset 5 m1490", "LSET list -6 x" };
    static const char *const copies[] = { "COPY set copy", "COPY hash copy", "COPY zset copy", "COPY list copy" };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        make(copies[i]);
        harness_host(&host);
        ck_assert_uint_eq(run_line(copies[i]).n, 0);
        harness_host(NULL);
        ck_assert(!job_step(kept, SOON) && !kept->again);
        run_line("SADD another thing");
        ck_assert(!job_step(kept, SOON) && !kept->again);
        run_line(changes[i]);
        ck_assert_msg(job_step(kept, SOON) && kept->again, "%s goes on behind %s", copies[i], changes[i]);
        kept->free(kept);
        kept = NULL;
        expect("EXISTS copy", ":0\r\n");
    }
}
END_TEST

UNIT_MAIN_AROUND("long reads", harness_open, harness_close, sets_are_told_as_they_were, hashes_are_told_as_they_were,
                 sorted_sets_are_told_as_they_were, lists_are_told_as_they_were, streams_are_told_as_they_were, suggestions_are_found_among_those_there_were,
                 what_is_made_of_several_sets_is_told_as_it_was, what_is_made_of_several_sorted_sets_is_told_as_it_was, what_is_sorted_is_told_as_it_was, nothing_goes_because_a_sort_is_finished,
                 what_goes_by_itself_is_told_as_it_was, one_who_leaves_is_asked_no_more_and_another_value_bothers_nobody,
                 copies_begin_again_when_what_they_copy_changes)
