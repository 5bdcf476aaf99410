/* What is made of large values and stored, in slices: it is put in its place in one step, and is what it would be if it had been made in that
 * moment, whatever has been done to the sources meanwhile. The test is the server: it keeps the job, and steps it when it likes. */
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
    if (kept != NULL) kept->free(kept); /* it begins again */
    kept = NULL;
    if (job_step(j, SOON)) return job_end(c, j);
    kept = j;
    return CALL_BLOCKED;
}

static struct job *waited(const struct call *c)
{
    (void)c;
    return kept;
}

static const struct call_host host = { .go_on = keep, .waited = waited };

/* MANY of what format says, whose second word is the key; nothing where line does not name it. */
static void fill(const char *line, const char *format)
{
    char text[200];

    sscanf(format, "%*s %99s", text);
    if (!strstr(line, text)) return;
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, format, (i * 7919) % MANY, i);
        run_line(text);
    }
}

/* The large values that line names, and the many small ones where it names those. */
static void make(const char *line)
{
    for (int db = 0; db < 2; db++) store_flush(harness_store(), db);
    fill(line, "SADD set m%d");
    fill(line, "SADD set2 m%d1 m%d");
    fill(line, "ZADD zset %d m%d");
    fill(line, "ZADD zset2 %d m%d1");
    fill(line, "RPUSH list %d");
    fill(line, "GEOADD geo 0.%d 0.5 place%d");
    for (int i = 0; strchr(line, ':') && i < MANY; i += 7) {
        char text[100];

        snprintf(text, sizeof text, "MSET w:%d %d v:%d value%d", i, i * 37 % 1000, i, i);
        run_line(text);
        snprintf(text, sizeof text, "HSET h:%d f %d.5", i, i * 41 % 1000);
        run_line(text);
    }
    run_line("SADD small 1");
    run_line("SET dst something");
}

static void begin(const char *store)
{
    harness_host(&host);
    ck_assert_uint_eq(run_line(store).n, 0);
    harness_host(NULL);
    ck_assert_ptr_nonnull(kept);
}

/* As often as it begins again. Ends with what was replied. */
static struct str to_the_end(const char *store)
{
    struct str reply;

    harness_host(&host);
    do {
        while (!job_step(kept, SOON)) { }
        reply = run_line(store);
    } while (reply.n == 0);
    harness_host(NULL);
    if (kept != NULL) kept->free(kept);
    kept = NULL;
    ck_assert(link_alone(&harness_store()->readers));
    return reply;
}

static struct buf result(struct str reply)
{
    struct buf b = { 0 };

    buf_add_str(&b, reply);
    buf_add_str(&b, run_line("TYPE dst"));
    buf_add_str(&b, run_line("SORT dst ALPHA"));
    buf_add_str(&b, run_line("ZRANGE dst 0 -1 WITHSCORES"));
    buf_add_str(&b, run_line("LRANGE dst 0 -1"));
    return b;
}

static void make_change(const char *change)
{
    if (strcmp(change, "(flush)") == 0) store_flush(harness_store(), 0);
    else if (strcmp(change, "(swap)") == 0) store_swap(harness_store(), 0, 1);
    else run_line(change);
}

/* change comes after the first slice of store. */
static void change_amid(const char *store, const char *change)
{
    struct buf want, got;

    make(store);
    make_change(change);
    want = result(run_line(store));
    make(store);
    begin(store);
    make_change(change);
    got = result(to_the_end(store));
    ck_assert_msg(str_eq(buf_str(&want), buf_str(&got)), "%s after %s: %.200s, not %.200s", store, change, got.p, want.p);
    buf_fini(&want);
    buf_fini(&got);
}

static void change_all(const char *store, const char *key, const char *const *changes, size_t n)
{
    static const char *const any[] = { "DEL %s", "SET %s v", "RENAME %s other", "RENAME small %s", "COPY small %s REPLACE", "PEXPIRE %s 0",
                                       "MOVE %s 1", "SORT small STORE %s" };
    char text[100];

    for (size_t i = 0; i < n; i++) change_amid(store, changes[i]);
    for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
        snprintf(text, sizeof text, any[i], key);
        change_amid(store, text);
    }
    change_amid(store, "EXISTS set");
    change_amid(store, "(flush)");
    change_amid(store, "(swap)");
    change_amid(store, "DEL dst");
    change_amid(store, "RPUSH dst x");
    change_amid(store, "SADD none m1 m2 m3 x");
    change_amid(store, "SET none wrong");
}

#define CHANGE_ALL(store, key, ...) \
    do { \
        static const char *const changes[] = { __VA_ARGS__ }; \
        change_all((store), (key), changes, sizeof changes / sizeof *changes); \
    } while (0)

START_TEST(sets)
{
    CHANGE_ALL("SINTERSTORE dst set set2", "set", "SREM set m0 m700 m1499", "SADD set m1", "SPOP set 1500", "SMOVE set small m1490");
    CHANGE_ALL("SUNIONSTORE dst set none set2", "set2", "SREM set2 m0 m7001 m1499", "SADD set2 more");
    CHANGE_ALL("SUNIONSTORE set set set2", "set", "SREM set2 m0 m7001 m1499", "SADD set more");
    CHANGE_ALL("SDIFFSTORE dst set2 none set", "set", "SREM set m0 m700 m1499", "SADD set2 more");
}
END_TEST

START_TEST(sorted_sets)
{
    CHANGE_ALL("ZUNIONSTORE dst 3 zset none zset2 WEIGHTS 1 2 3 AGGREGATE MAX", "zset", "ZREM zset m0 m700 m1499", "ZADD zset -1 m1499",
               "ZINCRBY zset2 5 m11", "ZPOPMAX zset2 1400");
    CHANGE_ALL("ZUNIONSTORE zset 2 zset set", "zset", "ZREM zset m0 m700 m1499", "SADD set m1");
    CHANGE_ALL("ZINTERSTORE dst 2 zset set2", "set2", "ZREMRANGEBYSCORE zset 5 100", "SREM set2 m5");
    CHANGE_ALL("ZRANGESTORE dst zset 5 -5", "zset", "ZREM zset m0 m700 m1499", "ZADD zset -1 m1499");
    CHANGE_ALL("ZRANGESTORE zset zset +inf 50 BYSCORE REV LIMIT 7 1300", "zset", "ZREMRANGEBYSCORE zset 5 100");
    CHANGE_ALL("ZDIFFSTORE dst 3 zset none set", "set", "SREM set m5 m1400");
}
END_TEST

START_TEST(sorts)
{
    CHANGE_ALL("SORT list STORE dst", "list", "RPOP list", "LPUSH list 5", "LSET list 700 77.5", "LTRIM list 100 -1");
    CHANGE_ALL("SORT list BY w:* DESC LIMIT 3 700 GET # GET v:* GET h:*->f STORE dst", "list", "SET w:5 4000", "SET v:9 nine", "HSET h:1400 f x",
               "DEL w:7", "SET w:1499 1", "SET other 1", "PEXPIRE w:3 0");
    CHANGE_ALL("SORT set ALPHA DESC STORE set", "set", "SREM set m0 m700 m1499", "SADD set more");
    CHANGE_ALL("SORT zset BY nosort DESC GET v:* GET # STORE dst", "zset", "SET v:m5 five", "ZADD zset 50000 m1");
    CHANGE_ALL("SORT list BY h:*->f STORE dst", "h:700", "HSET h:5 f 4000", "HDEL h:700 f", "HSET h:1400 f nan");
}
END_TEST

START_TEST(places)
{
    CHANGE_ALL("GEOSEARCHSTORE dst geo FROMLONLAT 0.5 0.5 BYRADIUS 60 km", "geo", "ZREM geo place0 place700 place1499", "GEOADD geo 0.5 0.5 new",
               "ZPOPMAX geo 1400");
    CHANGE_ALL("GEOSEARCHSTORE dst geo FROMMEMBER place7 BYBOX 200 200 km DESC COUNT 900 STOREDIST", "geo", "ZREM geo place7", "GEOADD geo 0.9 0.9 place7");
    CHANGE_ALL("GEOSEARCHSTORE geo geo FROMLONLAT 0.5 0.5 BYRADIUS 60 km COUNT 700 ANY", "geo", "ZREM geo place0 place700 place1499");
    CHANGE_ALL("GEORADIUS geo 0.5 0.5 60 km STORE other STOREDIST dst", "geo", "ZREM geo place0 place700 place1499", "SET other 1");
}
END_TEST

START_TEST(one_who_leaves_leaves_nothing)
{
    make("set set2");
    begin("SUNIONSTORE dst set set2");
    ck_assert(!link_alone(&harness_store()->readers));
    kept->free(kept);
    kept = NULL;
    ck_assert(link_alone(&harness_store()->readers));
    expect("GET dst", "$9\r\nsomething\r\n");
}
END_TEST

/* What is written is the request, in the place in which it is done. */
START_TEST(the_journal_has_it_when_it_is_done)
{
    make("zset set");
    begin("ZUNIONSTORE dst 2 zset set");
    expect_journal("");
    run_line("SADD none x");
    to_the_end("ZUNIONSTORE dst 2 zset set");
    expect_journal("ZUNIONSTORE dst 2 zset set");
}
END_TEST

UNIT_MAIN_AROUND("source jobs", harness_open, harness_close, sets, sorted_sets, sorts, places, one_who_leaves_leaves_nothing, the_journal_has_it_when_it_is_done)
