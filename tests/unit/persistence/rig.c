#include "tests/unit/persistence/rig.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "storage/db.h"
#include "storage/keys.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_string.h"
#include "tests/unit/persistence/trace.h"

static const struct hash_key key = { 1, 2 };

static struct store_conf store_settings(void)
{
    return (struct store_conf){ .databases = 4, .list_max_listpack_size = -2, .hash_max_listpack_entries = 8,
                                .hash_max_listpack_value = 64, .set_max_intset_entries = 8,
                                .set_max_listpack_entries = 8, .set_max_listpack_value = 64,
                                .string_limit = 1 << 20 };
}

void rig_init(struct rig *r, struct memfs *fs)
{
    *r = (struct rig){ .fs = fs };
    unit_dir(r->dir);
    r->conf = (struct persist_conf){
        .dir = r->dir, .dbfilename = "dump.rdb", .appenddirname = "appendonlydir",
        .appendfilename = "appendonly.aof", .appendonly = true, .appendfsync = PERSIST_EVERYSEC,
        .aof_load_truncated = true, .aof_use_rdb_preamble = true, .rdb_checksum = true, .rdb_compression = true,
    };
}

/* --- commands ----------------------------------------------------------------------------------------- */

static bool run(struct rig *r, size_t argc, const struct str *argv)
{
    struct db *db = r->store->dbs[r->db];
    struct slot s;
    uint64_t count;
    size_t n;
    int64_t at;
    enum err e;

    if (str_is(argv[0], "set") && argc == 3) return string_set(db, argv[1], argv[2], NULL) == OK;
    if (str_is(argv[0], "setpx") && argc == 4) {
        if (!num_parse_i64(argv[3], &at)) return false;
        return string_set(db, argv[1], argv[2], &(struct string_set){ .expire_ms = at }) == OK;
    }
    if (str_is(argv[0], "rpush") && argc == 3) {
        e = lists_push(db, argv[1], LIST_RIGHT, &argv[2], 1, false, &count);
        return e == OK || e == ERR_WRONG_TYPE;
    }
    if (str_is(argv[0], "ltrim") && argc == 3) {
        e = num_parse_i64(argv[2], &at) ? lists_trim(db, argv[1], -at, -1) : ERR_SYNTAX;
        return e == OK || e == ERR_WRONG_TYPE || e == ERR_NO_KEY;
    }
    if (str_is(argv[0], "sadd") && argc == 3) {
        e = set_key_add(db, argv[1], &argv[2], 1, &n);
        return e == OK || e == ERR_WRONG_TYPE;
    }
    if (str_is(argv[0], "srem") && argc == 3) {
        e = set_key_remove(db, argv[1], &argv[2], 1, &n);
        return e == OK || e == ERR_WRONG_TYPE || e == ERR_NO_KEY;
    }
    if (str_is(argv[0], "hset") && argc == 4) {
        e = hash_set(db, argv[1], &argv[2], 1, NULL, &n);
        return e == OK || e == ERR_WRONG_TYPE;
    }
    if (str_is(argv[0], "del") && argc == 2) {
        if (db_find_write(db, argv[1], &s)) db_remove(&s, CHANGE_DEL, false);
        return true;
    }
    if (str_is(argv[0], "flushdb") && argc == 1) {
        store_flush(r->store, r->db);
        return true;
    }
    return false;
}

static void queue(struct rig *r, size_t argc, const struct str *argv)
{
    buf_add(&r->queued, &argc, sizeof argc);
    for (size_t i = 0; i < argc; i++) {
        buf_add(&r->queued, &argv[i].n, sizeof argv[i].n);
        buf_add_str(&r->queued, argv[i]);
    }
}

static bool apply_one(struct rig *r, size_t argc, const struct str *argv)
{
    int64_t n;

    if (!str_is(argv[0], "select")) return run(r, argc, argv);
    if (argc != 2 || !num_parse_i64(argv[1], &n) || n < 0 || n > 3) return false;
    r->db = (int)n;
    return true;
}

static bool apply_queued(struct rig *r)
{
    size_t at = 0;
    bool ok = true;

    while (ok && at < r->queued.n) {
        struct str argv[8];
        size_t argc;

        memcpy(&argc, r->queued.p + at, sizeof argc);
        at += sizeof argc;
        for (size_t i = 0; i < argc; i++) {
            memcpy(&argv[i].n, r->queued.p + at, sizeof argv[i].n);
            argv[i].p = r->queued.p + at + sizeof argv[i].n;
            at += sizeof argv[i].n + argv[i].n;
        }
        ok = apply_one(r, argc, argv);
    }
    buf_clear(&r->queued);
    return ok;
}

static enum err apply(void *ctx, size_t argc, const struct str *argv, struct str *why)
{
    struct rig *r = ctx;

    (void)why;
    r->applied++;
    if (argc > 8) return ERR_FORMAT;
    if (str_is(argv[0], "multi")) {
        if (r->in_multi) return ERR_FORMAT;
        r->in_multi = true;
        return OK;
    }
    if (str_is(argv[0], "discard")) {
        r->in_multi = false;
        buf_clear(&r->queued);
        return OK;
    }
    if (str_is(argv[0], "exec")) {
        if (!r->in_multi) return ERR_FORMAT;
        r->in_multi = false;
        return apply_queued(r) ? OK : ERR_FORMAT;
    }
    if (r->in_multi) {
        queue(r, argc, argv);
        return OK;
    }
    return apply_one(r, argc, argv) ? OK : ERR_FORMAT;
}

/* --- life ------------------------------------------------------------------------------------------------ */

static void wake(void *ctx)
{
    struct rig *r = ctx;

    atomic_fetch_add(&r->woken, 1);
}

void rig_mark(struct rig *r)
{
    if (r->n_marks == r->cap_marks) {
        r->cap_marks = r->cap_marks ? r->cap_marks * 2 : 64;
        r->marks = mem_realloc(r->marks, r->cap_marks * sizeof *r->marks);
    }
    r->marks[r->n_marks++] = (struct rig_mark){ persist_offset(r->p), rig_digest(r), SIZE_MAX };
}

enum err rig_start(struct rig *r)
{
    struct store_conf sc = store_settings();
    struct persist_env env = { .files = &r->fs->ops, .mono_us = clock_mono_us, .redis_version = "7.0.15",
                               .ctx = r, .apply = apply, .wake = wake };
    enum err e;

    r->store = store_new(&sc, &key, 1);
    r->store->now_ms = clock_wall_ms();
    env.store = r->store;
    env.libraries = r->libraries;
    env.archive = r->archive;
    r->db = 0;
    r->in_multi = false;
    r->applied = 0;
    buf_clear(&r->queued);
    e = persist_open(&r->p, &r->conf, &env, r->why);
    if (e != OK) {
        store_free(&r->store);
        return e;
    }
    r->store->loading = true;
    e = persist_load(r->p, r->why);
    r->store->loading = false;
    store_check(r->store);
    if (e != OK) rig_kill(r);
    else if (r->n_marks == 0) rig_mark(r);
    return e;
}

void rig_kill(struct rig *r)
{
    persist_close(&r->p);
    store_free(&r->store);
}

void rig_fini(struct rig *r)
{
    char path[128];

    if (r->p) rig_kill(r);
    buf_fini(&r->queued);
    mem_free(r->marks);
    snprintf(path, sizeof path, "%s/LOCK", r->dir);
    unlink(path);
    rmdir(r->dir);
}

void rig_forget_lost(struct rig *r)
{
    for (size_t i = 0; i < r->n_marks; i++)
        if (r->marks[i].offset > persist_offset(r->p) && r->marks[i].lost_at == SIZE_MAX)
            r->marks[i].lost_at = r->fs->trace ? r->fs->trace->n : 0;
}

enum err rig_again(struct rig *r)
{
    enum err e;

    rig_kill(r);
    r->promise.saves = r->promise.rewrites = 0;
    e = rig_start(r);
    if (e != OK) return e;
    rig_forget_lost(r);
    rig_report(r);
    return OK;
}

/* --- promises ------------------------------------------------------------------------------------------ */

void rig_report(struct rig *r)
{
    struct rig_promise *m = &r->promise;
    struct trace_op op = { .kind = TRACE_REPORT, .appendonly = r->conf.appendonly };
    struct persist_info i;

    if (!r->fs->trace) return;
    persist_info(r->p, &i);
    if (i.saves != m->saves) m->saved = m->save_at;
    if (i.rewrites != m->rewrites) m->turning_on = false;
    m->saves = i.saves;
    m->rewrites = i.rewrites;
    op.kept = op.kept_by_kill = m->turning_on && m->had_log ? m->left : m->saved;
    if (r->conf.appendonly && !m->turning_on) {
        op.kept = persist_synced_offset(r->p);
        /* What was written and failed to sync is neither on the disk nor, after a kill, in anybody's memory. */
        op.kept_by_kill = r->fs->n_failed_syncs ? op.kept : persist_durable_offset(r->p);
        m->had_log = true;
        if (m->early) op.kept = persist_offset(r->p);
    }
    pthread_mutex_lock(&r->fs->lock);
    trace_add(r->fs->trace, op);
    pthread_mutex_unlock(&r->fs->lock);
}

enum persist_answer rig_save(struct rig *r, enum persist_save_kind kind)
{
    uint64_t at = persist_offset(r->p);
    enum persist_answer a = persist_save(r->p, kind);

    if (kind != PERSIST_REWRITE && (a == PERSIST_STARTED || a == PERSIST_DONE)) r->promise.save_at = at;
    rig_report(r);
    return a;
}

void rig_set(struct rig *r)
{
    struct persist_info i;
    bool was_whole;

    persist_info(r->p, &i);
    was_whole = i.aof_enabled && !r->promise.turning_on && !r->fs->n_failed_syncs;
    if (r->conf.appendonly != i.aof_enabled) r->promise.turning_on = r->conf.appendonly;
    ck_assert_msg(persist_set_conf(r->p, &r->conf, r->why) == OK, "%s", r->why);
    if (!r->conf.appendonly && was_whole) r->promise.left = persist_offset(r->p);
    rig_report(r);
}

/* --- effects ----------------------------------------------------------------------------------------------- */

static void effect(struct rig *r, int db, size_t argc, const struct str *argv)
{
    r->db = db;
    ck_assert(run(r, argc, argv));
    persist_append(r->p, db, argc, argv);
}

void rig_do(struct rig *r, int db, const char *words)
{
    struct str argv[8];
    size_t argc = 0;

    while (*words) {
        size_t n = strcspn(words, " ");

        argv[argc++] = str_of(words, n);
        words += n + (words[n] == ' ');
    }
    effect(r, db, argc, argv);
    rig_mark(r);
}

static struct str text(struct buf *b, const char *fmt, uint64_t v)
{
    buf_clear(b);
    buf_printf(b, fmt, (unsigned long long)v);
    return buf_str(b);
}

static void random_effect(struct rig *r, struct rng *g)
{
    static const char *const verbs[] = { "SET", "SET", "SETPX", "RPUSH", "RPUSH", "LTRIM", "SADD", "SADD",
                                         "SREM", "HSET", "HSET", "DEL" };
    struct buf k = { 0 }, v = { 0 }, w = { 0 };
    struct str argv[4];
    size_t pick = (size_t)rng_below(g, sizeof verbs / sizeof *verbs), argc = 3;

    argv[0] = str_c(verbs[pick]);
    /* strings, lists, sets and hashes have keys of their own */
    argv[1] = text(&k, pick < 3 ? "s:%llu" : pick < 6 ? "l:%llu" : pick < 9 ? "m:%llu" : pick < 11 ? "h:%llu" : "s:%llu",
                   rng_below(g, 20));
    argv[2] = rng_below(g, 2) ? text(&v, "%llu", rng_below(g, 100)) : unit_random_bytes(g, &v, (size_t)rng_below(g, 120), 3);
    if (pick == 2) {
        argv[3] = text(&w, "%llu", (uint64_t)r->store->now_ms + 100000000);
        argc = 4;
    }
    if (pick == 5) argv[2] = text(&v, "%llu", 1 + rng_below(g, 10));
    if (pick == 9 || pick == 10) {
        argv[3] = text(&w, "v%llu", rng_below(g, 1000));
        argc = 4;
    }
    if (pick == 11) argc = 2;
    effect(r, (int)rng_below(g, 8) == 0 ? 3 : 0, argc, argv);
    buf_fini(&k);
    buf_fini(&v);
    buf_fini(&w);
}

void rig_random(struct rig *r, struct rng *rng, size_t n)
{
    while (n) {
        size_t group = rng_below(rng, 4) ? 1 : 1 + (size_t)rng_below(rng, 3);

        if (group > n) group = n;
        persist_group_begin(r->p);
        for (size_t i = 0; i < group; i++) random_effect(r, rng);
        persist_group_end(r->p);
        rig_mark(r);
        n -= group;
    }
}

void rig_turn(struct rig *r)
{
    persist_turn_end(r->p);
    rig_report(r);
    persist_turn(r->p, 1000);
    rig_report(r);
}

/* When a wait is given up. A log whose disk fails tries again after 100, 200, 400, 800, 1000, 1000 ... ms:
 * seven failures in a row take 3.5 s, on a machine that has nothing else to do. */
static int64_t patience_ends(void)
{
    return clock_mono_us() + 60 * INT64_C(1000000);
}

bool rig_settle(struct rig *r)
{
    int64_t end = patience_ends();

    while (clock_mono_us() < end) {
        struct persist_info info;

        rig_turn(r);
        persist_info(r->p, &info);
        if (!info.bgsave_in_progress && !info.rewrite_in_progress && !info.rewrite_scheduled &&
            !info.bgsave_scheduled && info.last_write_ok)
            return true;
        usleep(1000);
    }
    return false;
}

bool rig_until_held(struct rig *r)
{
    int64_t end = patience_ends();

    while (r->fs->n_held == 0 && clock_mono_us() < end) {
        rig_turn(r);
        usleep(100);
    }
    return r->fs->n_held > 0;
}

bool rig_durable(struct rig *r)
{
    int64_t end = patience_ends();

    while (clock_mono_us() < end) {
        persist_sync_soon(r->p);
        rig_turn(r);
        rig_report(r);
        if (persist_synced_offset(r->p) == persist_offset(r->p)) return true;
        usleep(100);
    }
    return false;
}

struct digest rig_digest(const struct rig *r)
{
    struct digest d;

    digest_store(r->store, &d);
    return d;
}

int64_t rig_where_at(const struct rig *r, size_t at)
{
    struct digest d = rig_digest(r);

    for (size_t i = r->n_marks; i > 0; i--)
        if (r->marks[i - 1].offset <= persist_offset(r->p) && r->marks[i - 1].lost_at >= at &&
            memcmp(&d, &r->marks[i - 1].digest, sizeof d) == 0)
            return (int64_t)r->marks[i - 1].offset;
    return -1;
}

int64_t rig_where(const struct rig *r)
{
    return rig_where_at(r, SIZE_MAX);
}
