#include "tests/unit/persistence/histories.h"

#include <errno.h>

void history_play(const struct history *h, struct rig *rig, struct memfs *disk, struct trace *trace, uint64_t seed,
                  const struct mistake *mistake)
{
    struct rng g;

    rng_seed(&g, seed);
    memfs_init(disk);
    rig_init(rig, disk);
    rig->conf.appendonly = h->appendonly;
    rig->conf.appendfsync = h->mode;
    disk->skip = mistake->skip;
    disk->hide_failed_syncs = mistake->hide_failed_syncs;
    rig->promise.early = mistake->early;
    if (h->prepare) h->prepare(rig);
    trace_begin(trace, disk);
    ck_assert_msg(rig_start(rig) == OK, "%s", rig->why);
    rig_report(rig);
    h->play(rig, &g);
    rig_report(rig);
    rig_kill(rig);
    disk->trace = NULL;
}

static void some(struct rig *r, struct rng *g, size_t most)
{
    rig_random(r, g, 1 + (size_t)rng_below(g, most));
    rig_turn(r);
}

static void durable(struct rig *r)
{
    ck_assert(rig_durable(r));
}

/* --- the log ---------------------------------------------------------------------------------------------- */

static void play_always(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 8; i++) {
        some(r, g, 4);
        durable(r);
    }
}

/* The reactor goes on while a batch is being synced. */
static void play_overlap(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 4; i++) {
        memfs_hold(r->fs, i % 2 ? "write" : "sync");
        some(r, g, 3);
        memfs_wait_held(r->fs);
        some(r, g, 8);
        some(r, g, 3);
        memfs_hold(r->fs, NULL);
        durable(r);
    }
}

static void play_seldom_synced(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 12; i++) {
        some(r, g, 6);
        if (rng_below(g, 5) == 0) durable(r);
    }
}

/* Batches longer than a sector, written in pieces. */
static void play_short_writes(struct rig *r, struct rng *g)
{
    char words[4096];

    r->fs->short_writes = true;
    for (int i = 0; i < 4; i++) {
        snprintf(words, sizeof words, "SET big:%d %0*d", i, (int)(200 + rng_below(g, 1000)), i);
        rig_do(r, 0, words);
        some(r, g, 4);
        if (i == 1) durable(r);
    }
    r->fs->short_writes = false;
}

/* --- several files ---------------------------------------------------------------------------------------- */

static void rewrite_held_at(struct rig *r, struct rng *g, const char *place)
{
    memfs_hold(r->fs, place);
    ck_assert_int_eq(rig_save(r, PERSIST_REWRITE), PERSIST_STARTED);
    if (strstr(place, "incr")) memfs_wait_held(r->fs);
    else ck_assert(rig_until_held(r));
    some(r, g, 4);
    some(r, g, 2);
    memfs_hold(r->fs, NULL);
    if (rng_below(g, 2)) some(r, g, 2);
    ck_assert(rig_settle(r));
}

static void play_rewrites(struct rig *r, struct rng *g)
{
    static const char *const places[] = { "incr.aof", "temp-appendonly.aof.base", ".base.rdb", "aof.manifest" };

    some(r, g, 8);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        /* an increment is made on the worker; under always, the log's thread writes others */
        rewrite_held_at(r, g, r->conf.appendfsync == PERSIST_ALWAYS && i == 0 ? "open" : places[i]);
        some(r, g, 3);
        if (i % 2) durable(r);
    }
}

static void play_snapshots(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 4; i++) {
        some(r, g, 10);
        memfs_hold(r->fs, i % 2 ? "rename" : "sync");
        ck_assert_int_eq(rig_save(r, PERSIST_BGSAVE), PERSIST_STARTED);
        ck_assert(rig_until_held(r));
        some(r, g, 5);
        memfs_hold(r->fs, NULL);
        ck_assert(rig_settle(r));
        rig_report(r);
    }
}

static void turn_log(struct rig *r, bool on)
{
    r->conf.appendonly = on;
    rig_set(r);
}

static void play_on_and_off(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 2; i++) {
        some(r, g, 6);
        if (i) ck_assert_int_eq(rig_save(r, PERSIST_SAVE), PERSIST_DONE);
        turn_log(r, true);
        some(r, g, 3);
        ck_assert(rig_settle(r));
        some(r, g, 3);
        durable(r);
        some(r, g, 3);
        turn_log(r, false);
        some(r, g, 3);
    }
}

/* A log that is being turned on, or rewritten, is turned off and on again, wherever the worker is. */
static void play_on_again(struct rig *r, struct rng *g)
{
    static const char *const places[] = { "temp-appendonly.aof.base", "rename", "aof.manifest", "syncdir" };

    for (size_t i = 0; i < 2 * sizeof places / sizeof *places; i++) {
        some(r, g, 4);
        if (i % 2) durable(r);
        if (i % 2) rig_save(r, PERSIST_REWRITE);
        else turn_log(r, false), some(r, g, 3), turn_log(r, true);
        memfs_hold(r->fs, places[i / 2]);
        ck_assert(rig_until_held(r));
        some(r, g, 3);
        memfs_hold(r->fs, NULL);
        turn_log(r, false);
        some(r, g, 3);
        turn_log(r, true);
        ck_assert(rig_settle(r));
    }
}

/* --- failures and ends ------------------------------------------------------------------------------------ */

static void play_disk_errors(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 4; i++) {
        some(r, g, 4);
        if (i % 2) durable(r);
        r->fs->fail_errno = i % 2 ? EIO : ENOSPC;
        r->fs->fail_from = r->fs->n_ops + 1 + (uint64_t)i / 2;
        r->fs->fail_to = r->fs->fail_from + rng_below(g, 3);
        r->fs->short_writes = i > 1;
        some(r, g, 4);
        persist_sync_soon(r->p);
        some(r, g, 2);
        ck_assert(rig_settle(r));
        r->fs->short_writes = false;
        r->fs->fail_from = 0;
        some(r, g, 2);
        durable(r);
    }
}

static void play_full_disk(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 3; i++) {
        some(r, g, 4);
        durable(r);
        r->fs->space = 1; /* what is held back for this is there already */
        for (int k = 0; k < 6; k++) {
            some(r, g, 3);
            persist_sync_soon(r->p);
            rig_turn(r);
        }
        if (i == 1) ck_assert_msg(rig_again(r) == OK, "%s", r->why);
        r->fs->space = 0;
        ck_assert(rig_settle(r));
        some(r, g, 2);
        durable(r);
    }
}

static void play_modes(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 12; i++) {
        some(r, g, 4);
        r->conf.appendfsync = (enum persist_fsync)rng_below(g, 3);
        rig_set(r);
        some(r, g, 3);
        if (i % 4 == 1) rig_save(r, PERSIST_REWRITE);
        if (i % 5 == 4) durable(r);
        if (i % 6 == 5) ck_assert_msg(rig_again(r) == OK, "%s", r->why);
    }
}

static void play_restarts(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 5; i++) {
        some(r, g, 4);
        if (i % 2) {
            ck_assert_int_eq(rig_save(r, PERSIST_REWRITE), PERSIST_STARTED);
            for (int k = 0; k < i * 3; k++) some(r, g, 1);
            if (i == 3) usleep(3000);
        }
        ck_assert_msg(rig_again(r) == OK, "%s", r->why);
        ck_assert_int_ge(rig_where(r), 0);
        some(r, g, 4);
        if (i % 3 == 0) durable(r);
    }
}

static void play_shutdowns(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 3; i++) {
        some(r, g, 6);
        if (i == 1) rig_save(r, PERSIST_REWRITE);
        ck_assert_int_eq(persist_shutdown(r->p, i ? PERSIST_END_NOSAVE : PERSIST_END_SAVE, r->why), OK);
        rig_report(r);
        ck_assert_msg(rig_again(r) == OK, "%s", r->why);
        ck_assert_uint_eq(persist_offset(r->p), r->marks[r->n_marks - 1].offset);
    }
}

/* A single file as servers before Redis 7 wrote it. */
static void put_old_file(struct rig *r)
{
    static const char old[] = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\nold\r\n$1\r\n1\r\n";
    char path[128];

    snprintf(path, sizeof path, "%s/appendonly.aof", r->dir);
    memfs_put_dir(r->fs, r->dir);
    memfs_put(r->fs, path, str_of(old, sizeof old - 1));
}

/* Nothing is asked or slowed down: what the threads do meets as it may. */
static void play_at_will(struct rig *r, struct rng *g)
{
    for (int i = 0; i < 40; i++) {
        some(r, g, 3);
        if (rng_below(g, 6) == 0) rig_save(r, PERSIST_REWRITE);
        if (rng_below(g, 10) == 0) rig_save(r, PERSIST_BGSAVE);
        if (rng_below(g, 4) == 0) usleep((unsigned)rng_below(g, 400));
    }
    ck_assert(rig_settle(r));
    durable(r);
}

const struct history histories[] = {
    { "always", true, PERSIST_ALWAYS, play_always, NULL },
    { "always, syncs and turns overlap", true, PERSIST_ALWAYS, play_overlap, NULL },
    { "everysec", true, PERSIST_EVERYSEC, play_seldom_synced, NULL },
    { "no", true, PERSIST_NO, play_seldom_synced, NULL },
    { "everysec, short writes", true, PERSIST_EVERYSEC, play_short_writes, NULL },
    { "always, short writes", true, PERSIST_ALWAYS, play_short_writes, NULL },
    { "rewrites, everysec", true, PERSIST_EVERYSEC, play_rewrites, NULL },
    { "rewrites, always", true, PERSIST_ALWAYS, play_rewrites, NULL },
    { "snapshots only", false, PERSIST_EVERYSEC, play_snapshots, NULL },
    { "snapshots beside the log", true, PERSIST_EVERYSEC, play_snapshots, NULL },
    { "on and off, always", false, PERSIST_ALWAYS, play_on_and_off, NULL },
    { "on and off, everysec", false, PERSIST_EVERYSEC, play_on_and_off, NULL },
    { "on, off and on again, always", true, PERSIST_ALWAYS, play_on_again, NULL },
    { "on, off and on again, everysec", true, PERSIST_EVERYSEC, play_on_again, NULL },
    { "disk errors, always", true, PERSIST_ALWAYS, play_disk_errors, NULL },
    { "disk errors, everysec", true, PERSIST_EVERYSEC, play_disk_errors, NULL },
    { "disk errors, no", true, PERSIST_NO, play_disk_errors, NULL },
    { "a full disk, always", true, PERSIST_ALWAYS, play_full_disk, NULL },
    { "a full disk, everysec", true, PERSIST_EVERYSEC, play_full_disk, NULL },
    { "modes", true, PERSIST_NO, play_modes, NULL },
    { "restarts, always", true, PERSIST_ALWAYS, play_restarts, NULL },
    { "restarts, everysec", true, PERSIST_EVERYSEC, play_restarts, NULL },
    { "shutdowns", true, PERSIST_NO, play_shutdowns, NULL },
    { "an old single file", true, PERSIST_ALWAYS, play_always, put_old_file },
    { "at will, always", true, PERSIST_ALWAYS, play_at_will, NULL },
    { "at will, everysec", true, PERSIST_EVERYSEC, play_at_will, NULL },
    { NULL, false, PERSIST_NO, NULL, NULL },
};
