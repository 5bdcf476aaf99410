/* everysec at any speed of the disk, under a clock that the test moves: a sync ends when the test says so, and
 * what was acknowledged and is not on the disk never gets older than a second. */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "persistence/aof_set.h"
#include "persistence/log_file.h"
#include "persistence/write_log.h"
#include "tests/unit/persistence/memfs.h"
#include "tests/unit/unit.h"

enum { MS = 1000, STEP = 10 * MS, WRITES_MAX = 4096 };

static _Atomic int64_t now_us;
static struct memfs disk;
static struct file_ops ops;
static struct aof_set *set;
static struct write_log *w;

/* The disk: a sync begins, and waits for leave to end. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    atomic_int begun, may_end;
    _Atomic int64_t began_us;
    int64_t longest_us;
} sync_of = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

/* Writes: how far the log was, when it was acknowledged (-1: not yet). */
static struct { uint64_t offset; int64_t acked_us; } writes[WRITES_MAX];
static size_t n_writes, n_acked, n_durable;

static int64_t clock_of_test(void)
{
    return atomic_load(&now_us);
}

static int sync_when_told(void *ctx, int fd)
{
    pthread_mutex_lock(&sync_of.lock);
    sync_of.begun++;
    sync_of.began_us = atomic_load(&now_us);
    pthread_cond_broadcast(&sync_of.moved);
    while (sync_of.may_end < sync_of.begun) pthread_cond_wait(&sync_of.moved, &sync_of.lock);
    pthread_mutex_unlock(&sync_of.lock);
    return disk.ops.sync(ctx, fd);
}

static struct write_log_figures figures(void)
{
    struct write_log_figures f;

    write_log_figures(w, &f);
    return f;
}

static void begin(void)
{
    struct write_log_env env = { .ops = &ops, .mono_us = clock_of_test };
    uint64_t seq;
    int fd;

    memfs_init(&disk);
    ops = disk.ops;
    ops.sync = sync_when_told;
    sync_of.begun = sync_of.may_end = 0;
    sync_of.longest_us = 0;
    atomic_store(&now_us, 1000 * MS);
    n_writes = n_acked = n_durable = 0;
    set = aof_set_new(&ops, NULL, "/d", "a", "f");
    w = write_log_new(&env);
    write_log_set_history(w, "0123456789012345678901234567890123456789", 0);
    fd = aof_set_new_incr(set, &seq);
    ck_assert_int_ge(fd, 0);
    write_log_on(w, set, log_file_new(fd, seq, 0), PERSIST_EVERYSEC);
}

/* From now on syncs end at once. */
static void let_go(void)
{
    pthread_mutex_lock(&sync_of.lock);
    sync_of.may_end = 1 << 30;
    pthread_cond_broadcast(&sync_of.moved);
    pthread_mutex_unlock(&sync_of.lock);
}

static void end(void)
{
    let_go();
    write_log_free(&w);
    aof_set_free(&set);
    memfs_fini(&disk);
}

/* A sync that was asked for has begun: wait for the thread to be there. */
static void see_begun(void)
{
    while (figures().sync_pending && sync_of.begun == sync_of.may_end) usleep(50);
}

/* The sync that runs ends, and the log knows. */
static void end_sync(void)
{
    uint64_t syncs = figures().syncs;
    int64_t took = atomic_load(&now_us) - sync_of.began_us;

    if (took > sync_of.longest_us) sync_of.longest_us = took;
    pthread_mutex_lock(&sync_of.lock);
    sync_of.may_end++;
    pthread_cond_broadcast(&sync_of.moved);
    pthread_mutex_unlock(&sync_of.lock);
    while (figures().syncs == syncs) usleep(50);
}

static void note(void)
{
    uint64_t may = write_log_durable(w), synced = write_log_synced(w);

    while (n_acked < n_writes && writes[n_acked].offset <= may) writes[n_acked++].acked_us = atomic_load(&now_us);
    while (n_durable < n_writes && writes[n_durable].offset <= synced) n_durable++;
}

static void try_to_write(void)
{
    const struct str argv[] = { STR("SET"), STR("k"), STR("some value") };

    if (write_log_must_wait(w) || n_writes == WRITES_MAX) return;
    write_log_append(w, 0, 3, argv);
    writes[n_writes].offset = write_log_offset(w);
    writes[n_writes++].acked_us = -1;
}

/* Age of the oldest write that was acknowledged and is not on the disk. */
static int64_t risk_us(void)
{
    return n_durable < n_acked ? atomic_load(&now_us) - writes[n_durable].acked_us : 0;
}

/* Clients write all the time for so long, on a disk whose syncs take took_us. The longest that one ever was at
 * risk; *newer: by how much the newest acknowledged write was younger than the oldest at risk. */
static int64_t write_for(int64_t us, int64_t took_us, int64_t *newer)
{
    int64_t until = atomic_load(&now_us) + us, worst = 0;

    *newer = 0;
    while (atomic_load(&now_us) < until) {
        try_to_write();
        write_log_turn_end(w, 0);
        note();
        if (risk_us() > worst) worst = risk_us();
        if (n_durable < n_acked && writes[n_acked - 1].acked_us - writes[n_durable].acked_us > *newer)
            *newer = writes[n_acked - 1].acked_us - writes[n_durable].acked_us;
        atomic_fetch_add(&now_us, STEP);
        write_log_tick(w);
        see_begun();
        if (sync_of.begun > sync_of.may_end && atomic_load(&now_us) - sync_of.began_us >= took_us) {
            end_sync();
            write_log_tick(w);
        }
        note();
    }
    return worst;
}

static void at_constant_speed(int64_t took)
{
    int64_t newer, worst;

    begin();
    /* The first syncs show how slow the disk is; see the next test for these. */
    write_for(10 * took + 1000 * MS, took, &newer);
    worst = write_for(20000 * MS, took, &newer);
    ck_assert_msg(worst < 1000 * MS, "syncs of %d ms: %d ms at risk", (int)(took / MS), (int)(worst / MS));
    ck_assert_uint_gt(n_acked, 0);
    if (took > 350 * MS) ck_assert_uint_gt(figures().delayed, 0);
    else ck_assert_uint_eq(figures().delayed, 0);
    end();
}

START_TEST(nothing_acknowledged_is_at_risk_for_a_second_at_any_constant_speed)
{
    static const int64_t speeds_ms[] = { 0, 10, 100, 340, 400, 600, 1000, 3000, 7000 };

    for (size_t i = 0; i < sizeof speeds_ms / sizeof *speeds_ms; i++) at_constant_speed(speeds_ms[i] * MS);
}
END_TEST

START_TEST(a_disk_that_hangs_without_warning_is_noticed_before_a_seconds_worth_is_acknowledged)
{
    int64_t newer, worst;

    begin();
    write_for(5000 * MS, 5 * MS, &newer);
    ck_assert_uint_eq(figures().delayed, 0);
    worst = write_for(8000 * MS, 7000 * MS, &newer);
    ck_assert_int_gt(worst, 1000 * MS); /* it could not be foreseen */
    ck_assert_int_le(newer, 860 * MS);  /* but no more was acknowledged */
    ck_assert_uint_eq(figures().delayed, 1);
    end();
}
END_TEST

START_TEST(a_disk_that_is_fast_again_is_trusted_again)
{
    int64_t newer;
    uint64_t delayed;

    begin();
    write_for(10000 * MS, 3000 * MS, &newer);
    delayed = figures().delayed;
    ck_assert_uint_gt(delayed, 0);
    write_for(3000 * MS, 5 * MS, &newer); /* the last slow one ends, and some fast ones follow */
    delayed = figures().delayed;
    for (int i = 0; i < 100; i++) {
        try_to_write();
        write_log_turn_end(w, 0);
        note();
        ck_assert_uint_eq(n_acked, n_writes); /* at once */
        write_for(STEP, 5 * MS, &newer);
    }
    ck_assert_uint_eq(figures().delayed, delayed);
    end();
}
END_TEST

START_TEST(speeds_that_change_all_the_time_put_no_more_than_a_second_at_risk)
{
    struct rng g;

    unit_rng(&g);
    begin();
    for (int i = 0; i < 60; i++) {
        int64_t took = (int64_t)rng_below(&g, rng_below(&g, 4) == 0 ? 5000 : 200) * MS, newer;

        write_for(600 * MS, took, &newer);
        ck_assert_int_lt(newer, 1000 * MS);
    }
    end();
}
END_TEST

/* One command that takes long: no turn ends, and the sync that is due begins all the same. */
START_TEST(a_busy_reactor_keeps_no_sync_from_beginning)
{
    int64_t patience = clock_mono_us() + 20000 * MS;

    begin();
    try_to_write();
    write_log_turn_end(w, 0);
    note();
    ck_assert_uint_eq(n_acked, 1);
    ck_assert_int_eq(sync_of.begun, 0);
    atomic_fetch_add(&now_us, 501 * MS);
    while (sync_of.begun == 0 && clock_mono_us() < patience) usleep(1000);
    ck_assert_int_eq(sync_of.begun, 1);
    end_sync();
    note();
    ck_assert_uint_eq(n_durable, 1);
    end();
}
END_TEST

/* What always had handed over, and no had left to the system: both are synced at once. */
START_TEST(a_new_mode_begins_with_a_sync)
{
    int64_t newer;

    begin();
    write_log_set_mode(w, PERSIST_NO);
    write_for(5000 * MS, 0, &newer);
    write_log_set_mode(w, PERSIST_EVERYSEC);
    write_log_tick(w);
    see_begun();
    ck_assert_int_gt(sync_of.begun, sync_of.may_end);
    end_sync();
    note();
    ck_assert_uint_eq(n_durable, n_writes);
    ck_assert_int_lt(write_for(5000 * MS, 100 * MS, &newer), 1000 * MS);
    end();
}
END_TEST

/* always on a slow disk: a batch waits for those who are about to write again, but not for ever. */
START_TEST(a_batch_that_waits_for_more_goes_when_none_comes)
{
    begin();
    write_log_set_mode(w, PERSIST_ALWAYS);
    for (int i = 0; i < 20; i++) {
        /* fewer and fewer, then more */
        for (int k = 0; k < (i < 10 ? 10 - i : i); k++) try_to_write();
        write_log_turn_end(w, 0);
        while (sync_of.begun == sync_of.may_end) usleep(50);
        atomic_fetch_add(&now_us, 500 * MS);
        end_sync();
        write_log_tick(w);
        ck_assert_uint_eq(write_log_durable(w), write_log_offset(w));
    }
    end();
}
END_TEST

UNIT_MAIN("log_tail", nothing_acknowledged_is_at_risk_for_a_second_at_any_constant_speed,
          a_disk_that_hangs_without_warning_is_noticed_before_a_seconds_worth_is_acknowledged,
          a_disk_that_is_fast_again_is_trusted_again,
          speeds_that_change_all_the_time_put_no_more_than_a_second_at_risk,
          a_busy_reactor_keeps_no_sync_from_beginning, a_new_mode_begins_with_a_sync,
          a_batch_that_waits_for_more_goes_when_none_comes)
