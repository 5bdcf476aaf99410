/* test_pieces.c -- a snapshot is the store at one moment, however large its values are and whatever is done to
 * them while they are taken in pieces. */
#include "persistence/rdb_read.h"
#include "persistence/snapshot.h"
#include "persistence/worker.h"
#include "storage/db.h"
#include "storage/digest.h"
#include "storage/keys.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_zset.h"
#include "storage/stream_edit.h"
#include "tests/unit/persistence/churn.h"
#include "tests/unit/persistence/memfs.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct memfs disk;
static struct worker *worker;
static struct rng rng;
static int64_t moment_us;

/* A clock by which each look is one step. */
static int64_t mono_us(void)
{
    return ++moment_us;
}

static bool publish(void *arg)
{
    (void)arg;
    return true;
}

static void set_up(void)
{
    int error;

    memfs_init(&disk);
    worker = worker_new(&error);
    ck_assert_ptr_nonnull(worker);
    unit_rng(&rng);
}

static void tear_down(void)
{
    worker_free(&worker);
    memfs_fini(&disk);
}

/* A store for which values of more than 16 elements or half a KB are large. */
static struct store *small_store(void)
{
    struct store *s = env_store(rng_next(&rng));

    s->conf.cut_elements = 16;
    s->conf.cut_bytes = 512;
    s->conf.stream_node_max_entries = 5;
    s->conf.hash_max_listpack_entries = s->conf.set_max_listpack_entries = s->conf.zset_max_listpack_entries = 8;
    return s;
}

static void wait_on(void *ctx)
{
    (void)ctx;
}

static struct snapshot *begin(struct store *s)
{
    struct snapshot_conf conf = {
        .store = s, .ops = &disk.ops, .worker = worker, .mono_us = mono_us, .tmp_path = "/s.rdb",
        .waiting = wait_on, .waiting_ms = 1000,
        .publish = publish, .checksum = true, .compress = rng_below(&rng, 2) > 0, .buffer = 1 << 30,
        .redis_version = "7.0.15", .log_id = "0123456789012345678901234567890123456789",
    };

    return snapshot_begin(&conf);
}

static void check_value(struct store *s, const struct entry *e)
{
    struct hash h;
    struct set set;
    struct zset z;

    switch (entry_type(e)) {
    case VALUE_LIST: list_check(entry_ptr(e)); break;
    case VALUE_HASH: h = hash_of(s, e); hash_check(&h); break;
    case VALUE_SET: set = set_of(s, e); set_check(&set); break;
    case VALUE_ZSET: z = zset_of(s, e); zset_check(&z); break;
    case VALUE_STREAM: stream_check(entry_ptr(e)); break;
    default: break;
    }
}

static void check_store(struct store *s)
{
    store_check(s);
    for (int i = 0; i < s->conf.databases * STORE_SHARDS; i++) {
        struct table_iter it = { 0 };
        struct entry *e;

        while ((e = table_next(&s->dbs[i / STORE_SHARDS]->shards[i % STORE_SHARDS].keys, &it)) != NULL)
            check_value(s, e);
    }
}

/* A key and the digest of its value, to name what differs. */

static void list_key(void *ctx, const struct store *s, int db, const struct entry *e)
{
    struct buf *to = ctx;
    char hex[DIGEST_TEXT];
    struct digest d;
    struct str key = entry_key(e);

    digest_value(s, e, &d);
    digest_text(&d, hex);
    buf_printf(to, "%d %.*s %s %s\n", db, (int)key.n, key.p, value_type_name(entry_type(e)), hex);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, so that two can be compared line by line. */
static void describe(const struct store *s, struct buf *out)
{
    struct buf lines = { 0 };
    char *line[4000], *save = NULL;
    size_t n = 0;

    for (int i = 0; i < s->conf.databases * STORE_SHARDS; i++) {
        struct table_iter it = { 0 };
        struct entry *e;

        while ((e = table_next(&s->dbs[i / STORE_SHARDS]->shards[i % STORE_SHARDS].keys, &it)) != NULL)
            if (!entry_expires(e) || entry_expire_at(e) > s->now_ms) list_key(&lines, s, i / STORE_SHARDS, e);
    }
    buf_add_char(&lines, '\0');
    for (char *p = strtok_r(lines.p, "\n", &save); p != NULL; p = strtok_r(NULL, "\n", &save)) {
        ck_assert_uint_lt(n, sizeof line / sizeof line[0]);
        line[n++] = p;
    }
    qsort(line, n, sizeof line[0], by_text);
    for (size_t i = 0; i < n; i++) buf_printf(out, "%s\n", line[i]);
    buf_fini(&lines);
}

/* Shows the first line that differs. */
static void expect_same_lines(struct str got, struct str want)
{
    size_t line = 0, at = 0;

    if (str_eq(got, want)) return;
    for (; at < got.n && at < want.n && got.p[at] == want.p[at]; at++)
        if (got.p[at] == '\n') line = at + 1;
    ck_abort_msg("got \"%.*s\", want \"%.*s\"", (int)(got.n - line < 90 ? got.n - line : 90), got.p + line,
                 (int)(want.n - line < 90 ? want.n - line : 90), want.p + line);
}

/* What the file holds is the store as it was described. */
static void expect_file(const struct store *like, int64_t at_ms, struct str want)
{
    struct rdb_options opt = { .keep_expired = true, .checksum = true };
    struct store *s = env_store(99);
    struct buf got = { 0 };
    struct rdb_facts facts;
    struct rdb_in in;

    s->conf = like->conf;
    s->now_ms = at_ms;
    s->loading = true;
    rdb_in_bytes(&in, memfs_get(&disk, "/s.rdb"));
    ck_assert_msg(rdb_load(&in, s, &opt, &facts) == OK, "%s at %llu", in.why, (unsigned long long)in.bad_at);
    rdb_in_fini(&in);
    s->loading = false;
    check_store(s);
    describe(s, &got);
    expect_same_lines(buf_str(&got), want);
    buf_fini(&got);
    store_free(&s);
}

/* Save while `kinds` of changes are made, about `pace` between looks at the clock. */
static void save_under(struct churn *c, unsigned kinds, size_t pace)
{
    int64_t at_ms = c->store->now_ms;
    struct buf want = { 0 };
    struct snapshot *snap;

    describe(c->store, &want);
    snap = begin(c->store);
    while (snapshot_walk(snap, 1) == SNAPSHOT_WALKS) churn_some(c, kinds, rng_below(&rng, 2 * pace + 1));
    ck_assert_int_eq(snapshot_finish(snap), SNAPSHOT_DONE);
    snapshot_free(&snap);
    check_store(c->store);
    expect_file(c->store, at_ms, buf_str(&want));
    buf_fini(&want);
}

/* Rounds of saving with different paces and sizes. */
static void save_often(unsigned kinds, int rounds)
{
    static const size_t paces[] = { 0, 1, 3, 10, 40 };
    struct churn c = { .store = small_store(), .rng = &rng };

    for (int i = 0; i < rounds; i++) {
        c.size = i % 2 ? 40 : 150;
        if (i % 4 == 0) churn_fill(&c, kinds);
        save_under(&c, kinds, paces[i % 5]);
    }
    store_free(&c.store);
}

START_TEST(strings_are_saved_as_they_were)
{
    save_often(1 << VALUE_STRING, 60);
}
END_TEST

START_TEST(lists_are_saved_as_they_were)
{
    save_often(1 << VALUE_LIST, 200);
}
END_TEST

START_TEST(hashes_are_saved_as_they_were)
{
    save_often(1 << VALUE_HASH, 100);
}
END_TEST

START_TEST(sets_are_saved_as_they_were)
{
    save_often(1 << VALUE_SET, 100);
}
END_TEST

START_TEST(sorted_sets_are_saved_as_they_were)
{
    save_often(1 << VALUE_ZSET, 100);
}
END_TEST

START_TEST(streams_are_saved_as_they_were)
{
    save_often(1 << VALUE_STREAM, 150);
}
END_TEST

START_TEST(values_are_saved_as_they_were_whatever_becomes_of_their_keys)
{
    save_often(CHURN_ALL, 150);
}
END_TEST

/* Evicting goes on until there is room: what a snapshot keeps must not make it evict all there is. */
START_TEST(what_a_snapshot_keeps_of_removed_values_is_counted)
{
    struct churn c = { .store = small_store(), .rng = &rng, .size = 150 };
    struct snapshot *snap;
    size_t used;

    churn_fill(&c, CHURN_ALL);
    used = mem_used();
    snap = begin(c.store);
    for (int i = 0; i < CHURN_DBS; i++) {
        while (c.store->dbs[i]->n_keys > 0)
            keys_delete(c.store->dbs[i], entry_key(db_random(c.store->dbs[i])), false);
    }
    ck_assert_uint_gt(store_cut_bytes(c.store), used / 4);
    ck_assert_int_eq(snapshot_finish(snap), SNAPSHOT_DONE);
    ck_assert_uint_eq(store_cut_bytes(c.store), 0);
    snapshot_free(&snap);
    store_free(&c.store);
}
END_TEST

/* Given up, or broken by a flush: nothing is left behind, and the next one is right. */
START_TEST(a_snapshot_may_end_at_any_point)
{
    struct churn c = { .store = small_store(), .rng = &rng, .size = 40 };

    for (int i = 0; i < 60; i++) {
        uint64_t steps = rng_below(&rng, 60);
        bool flush = i % 4 == 3, walks = true;
        struct snapshot *snap;

        churn_fill(&c, CHURN_ALL);
        snap = begin(c.store);
        for (; steps > 0 && walks; steps--) {
            walks = snapshot_walk(snap, 1) == SNAPSHOT_WALKS;
            churn_some(&c, CHURN_ALL, 5);
        }
        if (flush && walks) {
            store_flush(c.store, 0);
            ck_assert_int_eq(snapshot_walk(snap, 1), SNAPSHOT_BROKEN);
        }
        snapshot_free(&snap);
        check_store(c.store);
        if (i % 8 == 0) save_under(&c, CHURN_ALL, 3);
    }
    store_free(&c.store);
}
END_TEST

UNIT_MAIN_AROUND("pieces", set_up, tear_down, strings_are_saved_as_they_were, lists_are_saved_as_they_were,
                 hashes_are_saved_as_they_were, sets_are_saved_as_they_were, sorted_sets_are_saved_as_they_were,
                 streams_are_saved_as_they_were, values_are_saved_as_they_were_whatever_becomes_of_their_keys,
                 what_a_snapshot_keeps_of_removed_values_is_counted, a_snapshot_may_end_at_any_point)
