/* The promises: what is acknowledged is kept, through kills, power cuts and failing disks; a snapshot is the
 * store at one moment. */
#include <errno.h>
#include <unistd.h>

#include "storage/db.h"
#include "storage/type_string.h"
#include "tests/unit/persistence/rig.h"

static struct memfs disk;
static struct rig rig;

static void begin(enum persist_fsync mode)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendfsync = mode;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

static void end(void)
{
    rig_fini(&rig);
    memfs_fini(&disk);
}

/* Kill, or cut the power, and start again. */
static void restart(bool cut, struct rng *g)
{
    rig_kill(&rig);
    if (cut) memfs_cut(&disk, g);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

static void expect_all(void)
{
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[rig.n_marks - 1].offset);
}

static struct persist_info info(void)
{
    struct persist_info i;

    persist_info(rig.p, &i);
    return i;
}

/* --- the log ------------------------------------------------------------------------------------------ */

START_TEST(everysec_loses_nothing_to_a_kill)
{
    struct rng g;

    unit_rng(&g);
    begin(PERSIST_EVERYSEC);
    for (int i = 0; i < 30; i++) {
        rig_random(&rig, &g, 10);
        rig_turn(&rig);
        ck_assert_uint_eq(persist_durable_offset(rig.p), persist_offset(rig.p));
        restart(false, NULL);
        expect_all();
    }
    end();
}
END_TEST

START_TEST(always_releases_replies_only_after_the_sync)
{
    struct rng g;
    uint64_t before, offset;

    unit_rng(&g);
    begin(PERSIST_ALWAYS);
    ck_assert(rig_durable(&rig));
    before = persist_durable_offset(rig.p);
    __atomic_store_n(&disk.syncs_hang, true, __ATOMIC_RELEASE);
    for (int i = 0; i < 20; i++) {
        rig_random(&rig, &g, 5);
        rig_turn(&rig); /* the reactor goes on */
        usleep(1000);
        ck_assert_uint_eq(persist_durable_offset(rig.p), before);
    }
    offset = persist_offset(rig.p);
    __atomic_store_n(&disk.syncs_hang, false, __ATOMIC_RELEASE);
    ck_assert(rig_durable(&rig));
    ck_assert_uint_eq(persist_durable_offset(rig.p), offset);
    ck_assert_int_gt(atomic_load(&rig.woken), 0);
    ck_assert_uint_lt(info().aof_syncs, 10); /* many turns, few syncs: a group commit */
    restart(true, NULL);
    expect_all();
    end();
}
END_TEST

START_TEST(a_power_cut_costs_nothing_that_was_durable)
{
    struct rng g;

    unit_rng(&g);
    for (int round = 0; round < 60; round++) {
        enum persist_fsync mode = round % 2 ? PERSIST_ALWAYS : PERSIST_EVERYSEC;
        uint64_t durable;

        begin(mode);
        for (int i = 0; i < 6; i++) {
            rig_random(&rig, &g, 1 + (size_t)rng_below(&g, 20));
            rig_turn(&rig);
            if (rng_below(&g, 4) == 0) persist_save(rig.p, PERSIST_REWRITE);
            if (rng_below(&g, 4) == 0) ck_assert(rig_durable(&rig));
            if (rng_below(&g, 2)) usleep((unsigned)rng_below(&g, 2000));
            if (rng_below(&g, 3) == 0) {
                durable = persist_synced_offset(rig.p);
                restart(true, round % 3 ? &g : NULL);
                ck_assert_msg(rig_where(&rig) >= 0, "a state that never was");
                ck_assert_int_ge(rig_where(&rig), (int64_t)durable);
                rig.n_marks = 0; /* what was lost is lost: a new history begins here */
                rig_mark(&rig);
            }
        }
        end();
    }
}
END_TEST

START_TEST(a_group_is_wrapped_only_when_it_has_two_effects)
{
    static const char want[] = "\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
                               "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n"
                               "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\n1\r\n"
                               "*1\r\n$4\r\nEXEC\r\n#memd ";
    struct str log;

    begin(PERSIST_EVERYSEC);
    persist_group_begin(rig.p);
    rig_do(&rig, 0, "SET a 1");
    persist_group_end(rig.p);
    persist_group_begin(rig.p);
    persist_group_begin(rig.p);
    rig_do(&rig, 0, "SET b 1");
    persist_group_end(rig.p);
    rig_do(&rig, 3, "SET c 1");
    persist_group_end(rig.p);
    persist_group_begin(rig.p);
    persist_group_end(rig.p);
    rig_turn(&rig);
    log = memfs_get(&disk, memfs_find(&disk, ".1.incr.aof"));
    ck_assert_ptr_nonnull(memmem(log.p, log.n, want, sizeof want - 1));
    restart(false, NULL);
    expect_all();
    end();
}
END_TEST

START_TEST(large_effects_cross_chunks_in_one_piece)
{
    struct buf big = { 0 };
    struct rng g;

    unit_rng(&g);
    begin(PERSIST_EVERYSEC);
    for (int i = 0; i < 30; i++) {
        buf_clear(&big);
        buf_add_c(&big, "SET big ");
        for (size_t n = (size_t)rng_below(&g, 400000); n; n--) buf_add_char(&big, (char)('a' + n % 26));
        buf_add_char(&big, 0);
        persist_group_begin(rig.p);
        if (rng_below(&g, 2)) rig_do(&rig, 0, "SET small 1");
        rig_do(&rig, (int)rng_below(&g, 2), big.p);
        if (rng_below(&g, 2)) rig_do(&rig, 0, "SET small 2");
        persist_group_end(rig.p);
        if (rng_below(&g, 2)) rig_turn(&rig);
    }
    rig_turn(&rig);
    restart(false, NULL);
    expect_all();
    buf_fini(&big);
    end();
}
END_TEST

START_TEST(with_everysec_writers_wait_for_a_disk_that_hangs)
{
    begin(PERSIST_EVERYSEC);
    __atomic_store_n(&disk.syncs_hang, true, __ATOMIC_RELEASE);
    rig_do(&rig, 0, "SET a 1");
    rig_turn(&rig);
    while (!persist_must_wait(rig.p)) { /* when exactly: test_log_tail.c, under a clock of its own */
        rig_turn(&rig);
        usleep(10000);
    }
    ck_assert_uint_eq(info().aof_delayed_fsync, 1);
    __atomic_store_n(&disk.syncs_hang, false, __ATOMIC_RELEASE);
    ck_assert(rig_durable(&rig));
    rig_turn(&rig);
    ck_assert(!persist_must_wait(rig.p));
    end();
}
END_TEST

START_TEST(the_sync_policy_can_be_changed_at_any_time)
{
    struct rng g;

    unit_rng(&g);
    begin(PERSIST_EVERYSEC);
    for (int i = 0; i < 100; i++) {
        rig.conf.appendfsync = (enum persist_fsync)rng_below(&g, 3);
        ck_assert_int_eq(persist_set_conf(rig.p, &rig.conf, rig.why), OK);
        rig_random(&rig, &g, 5);
        rig_turn(&rig);
        if (rng_below(&g, 5) == 0) ck_assert(rig_durable(&rig));
        while (persist_durable_offset(rig.p) != persist_offset(rig.p)) {
            usleep(1000);
            rig_turn(&rig);
        }
    }
    restart(false, NULL);
    expect_all();
    end();
}
END_TEST

/* --- failing disks ------------------------------------------------------------------------------------- */

/* A workload during which operation n and the following `more` fail; in the end nothing is lost. */
static bool fail_at(uint64_t n, uint64_t more, int error, enum persist_fsync mode, bool short_writes, struct rng *g)
{
    bool hit;

    begin(mode);
    disk.fail_errno = error;
    disk.short_writes = short_writes;
    disk.fail_from = disk.n_ops + n;
    disk.fail_to = disk.fail_from + more;
    for (int i = 0; i < 12; i++) {
        rig_random(&rig, g, 6);
        rig_turn(&rig);
        if (i == 4) persist_save(rig.p, PERSIST_REWRITE);
        if (i == 8) persist_save(rig.p, PERSIST_BGSAVE_LATER);
        for (int k = 0; k < 4; k++) {
            persist_sync_soon(rig.p);
            rig_turn(&rig);
            usleep(100);
        }
    }
    hit = disk.n_ops >= disk.fail_from;
    ck_assert_msg(rig_settle(&rig), "it does not heal");
    ck_assert(persist_refusal(rig.p) == NULL);
    rig_random(&rig, g, 5);
    ck_assert(rig_durable(&rig));
    disk.fail_from = 0;
    restart(true, g);
    expect_all();
    /* And each file is good for a server that reads files one after the other. */
    rig_do(&rig, 0, "SET once more");
    ck_assert(rig_durable(&rig));
    restart(false, NULL);
    expect_all();
    end();
    return hit;
}

START_TEST(whichever_operation_fails_once_nothing_is_lost)
{
    struct rng g;
    uint64_t n = 1;

    unit_rng(&g);
    while (fail_at(n, 0, n % 2 ? EIO : ENOSPC, n % 3 ? PERSIST_EVERYSEC : PERSIST_ALWAYS, n % 5 == 0, &g)) {
        n++;
        ck_assert_uint_lt(n, 1000);
    }
    ck_assert_uint_gt(n, 8); /* how many it takes depends on how the threads share their time */
}
END_TEST

START_TEST(whichever_operations_fail_in_a_row_nothing_is_lost)
{
    struct rng g;

    unit_rng(&g);
    for (uint64_t n = 1; n < 60; n += 2)
        fail_at(n, 1 + rng_below(&g, 6), EIO, n % 4 == 1 ? PERSIST_EVERYSEC : PERSIST_ALWAYS, n % 3 == 0, &g);
}
END_TEST

START_TEST(a_full_disk_refuses_writes_and_heals)
{
    begin(PERSIST_ALWAYS);
    rig_do(&rig, 0, "SET a 1");
    ck_assert(rig_durable(&rig));
    disk.space = 1;
    rig_do(&rig, 0, "SET b 2");
    while (!persist_refusal(rig.p)) {
        rig_turn(&rig);
        usleep(1000);
    }
    ck_assert(strstr(persist_refusal(rig.p), "MISCONF"));
    ck_assert_uint_lt(persist_durable_offset(rig.p), persist_offset(rig.p)); /* its reply waits */
    ck_assert(!info().last_write_ok);
    pthread_mutex_lock(&disk.lock); /* the log's thread tries again and again */
    disk.space = 0;
    pthread_mutex_unlock(&disk.lock);
    ck_assert(rig_settle(&rig));
    ck_assert_ptr_null(persist_refusal(rig.p));
    ck_assert(rig_durable(&rig));
    ck_assert_uint_ge(info().aof_files_reopened, 1);
    restart(true, NULL);
    expect_all();
    end();
}
END_TEST

START_TEST(a_new_file_in_mid_stream_knows_its_database)
{
    begin(PERSIST_EVERYSEC);
    rig_do(&rig, 3, "SET a 1");
    ck_assert(rig_durable(&rig));
    disk.fail_from = disk.n_ops + 1;
    disk.fail_to = disk.n_ops + 2;
    disk.fail_errno = EIO;
    rig_do(&rig, 3, "SET b 2");
    rig_turn(&rig);
    ck_assert(rig_settle(&rig));
    rig_do(&rig, 3, "SET c 3");
    rig_turn(&rig);
    restart(false, NULL);
    expect_all();
    ck_assert_uint_eq(rig.store->dbs[3]->n_keys, 3);
    end();
}
END_TEST

/* What was written before is let go of, so that the new file has nothing yet to begin with. */
START_TEST(a_new_file_that_begins_empty_knows_its_database)
{
    begin(PERSIST_NO);
    rig_do(&rig, 3, "SET a 1");
    rig_turn(&rig);
    disk.fail_from = disk.fail_to = disk.n_ops + 1;
    disk.fail_errno = EIO;
    persist_sync_soon(rig.p);
    while (info().aof_files_reopened == 0) { /* and before the rewrite that follows */
        persist_turn_end(rig.p);
        usleep(100);
    }
    rig_do(&rig, 3, "SET b 2");
    while (persist_durable_offset(rig.p) != persist_offset(rig.p)) persist_turn_end(rig.p);
    restart(false, NULL);
    expect_all();
    ck_assert_uint_eq(rig.store->dbs[3]->n_keys, 2);
    end();
}
END_TEST

/* --- rewriting -------------------------------------------------------------------------------------------- */

START_TEST(a_rewrite_under_writes_keeps_everything)
{
    struct rng g;

    unit_rng(&g);
    begin(PERSIST_EVERYSEC);
    for (int round = 0; round < 10; round++) {
        rig_random(&rig, &g, 300);
        rig_turn(&rig);
        ck_assert_int_eq(persist_save(rig.p, PERSIST_REWRITE), PERSIST_STARTED);
        ck_assert_int_eq(persist_save(rig.p, PERSIST_REWRITE), PERSIST_SAME_RUNS);
        for (int i = 0; i < 20; i++) {
            rig_random(&rig, &g, 5);
            persist_turn_end(rig.p);
            persist_turn(rig.p, 1);
        }
        if (round % 3 == 0) {
            restart(round % 2, NULL); /* somewhere in the middle */
            ck_assert_int_ge(rig_where(&rig), 0);
            if (round % 2 == 0) expect_all();
            continue;
        }
        ck_assert(rig_settle(&rig));
        ck_assert_uint_ge(info().rewrites, 1);
        ck_assert(info().last_rewrite_ok);
        restart(false, NULL);
        expect_all();
    }
    ck_assert_ptr_null(memfs_find(&disk, ".1.incr.aof")); /* history is deleted */
    ck_assert_ptr_null(memfs_find(&disk, ".1.base.rdb"));
    end();
}
END_TEST

START_TEST(growth_starts_a_rewrite)
{
    struct rng g;
    uint64_t base;

    unit_rng(&g);
    begin(PERSIST_EVERYSEC);
    rig.conf.rewrite_percentage = 100;
    rig.conf.rewrite_min_size = 20000;
    ck_assert_int_eq(persist_set_conf(rig.p, &rig.conf, rig.why), OK);
    for (int i = 0; i < 40 && info().rewrites == 0; i++) {
        rig_random(&rig, &g, 100);
        rig_turn(&rig);
        usleep(10000);
        rig_settle(&rig);
    }
    ck_assert_uint_ge(info().rewrites, 1);
    ck_assert_uint_gt(info().aof_base_size, 100);
    rig.conf.rewrite_percentage = 0;
    restart(false, NULL);
    expect_all();
    base = info().aof_base_size;
    rig_random(&rig, &g, 1000);
    ck_assert(rig_settle(&rig));
    restart(false, NULL); /* what has been written since the base counts as growth, over any number of starts */
    ck_assert_uint_eq(info().aof_base_size, base);
    ck_assert_uint_gt(info().aof_current_size, info().aof_base_size);
    end();
}
END_TEST

/* --- snapshots -------------------------------------------------------------------------------------------- */

static void without_log(void)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendonly = false;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

START_TEST(a_snapshot_under_writes_is_the_state_at_its_beginning)
{
    struct rng g;

    unit_rng(&g);
    without_log();
    for (int round = 0; round < 30; round++) {
        struct digest then, now;

        rig_random(&rig, &g, 200);
        then = rig_digest(&rig);
        ck_assert_int_eq(persist_save(rig.p, PERSIST_BGSAVE), PERSIST_STARTED);
        ck_assert_int_eq(persist_save(rig.p, PERSIST_BGSAVE), PERSIST_SAME_RUNS);
        ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_SAME_RUNS);
        for (int i = 0; i < 50; i++) {
            rig_random(&rig, &g, 3);
            if (rng_below(&g, 3) == 0) rig_turn(&rig);
        }
        ck_assert(rig_settle(&rig));
        ck_assert(info().last_bgsave_ok);
        restart(false, NULL);
        now = rig_digest(&rig);
        ck_assert_mem_eq(&then, &now, sizeof then);
    }
    end();
}
END_TEST

START_TEST(a_slow_disk_makes_the_walker_wait)
{
    struct rng g;
    struct digest then, now;

    unit_rng(&g);
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendonly = false;
    rig.conf.snapshot_buffer = 1;
    ck_assert_int_eq(rig_start(&rig), OK);
    for (int i = 0; i < 3000; i++) {
        char words[300];

        snprintf(words, sizeof words, "SET key:%d %0250d", i, i);
        rig_do(&rig, 0, words);
    }
    then = rig_digest(&rig);
    ck_assert_int_eq(persist_save(rig.p, PERSIST_BGSAVE), PERSIST_STARTED);
    rig_random(&rig, &g, 500);
    ck_assert(rig_settle(&rig));
    restart(false, NULL);
    now = rig_digest(&rig);
    ck_assert_mem_eq(&then, &now, sizeof then);
    end();
}
END_TEST

START_TEST(a_save_walks_in_the_turns_that_give_it_time_and_in_no_others)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendonly = false;
    ck_assert_int_eq(rig_start(&rig), OK);
    for (int i = 0; i < 100; i++) {
        char words[32];

        snprintf(words, sizeof words, "SET key:%d v", i);
        rig_do(&rig, 0, words);
    }
    ck_assert_int_eq(persist_save(rig.p, PERSIST_BGSAVE), PERSIST_STARTED);
    for (int i = 0; i < 10; i++) ck_assert(persist_turn(rig.p, 0));
    ck_assert_uint_eq(info().save_keys_processed, 0);
    ck_assert(info().bgsave_in_progress);
    ck_assert(rig_settle(&rig));
    ck_assert_uint_eq(info().saves, 1);
    end();
}
END_TEST

START_TEST(a_failed_save_leaves_the_old_file_and_says_so)
{
    struct rng g;
    struct digest then, now;

    unit_rng(&g);
    without_log();
    rig.conf.n_rules = 1;
    rig.conf.rules[0] = (struct persist_rule){ 1000, 1 };
    rig.conf.stop_writes_on_bgsave_error = true;
    ck_assert_int_eq(persist_set_conf(rig.p, &rig.conf, rig.why), OK);
    rig_random(&rig, &g, 100);
    then = rig_digest(&rig);
    ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_DONE);
    ck_assert_uint_eq(info().changes_since_save, 0);
    for (uint64_t n = 1;; n++) {
        enum persist_answer a;

        rig_random(&rig, &g, 10);
        disk.fail_errno = ENOSPC;
        disk.fail_from = disk.fail_to = disk.n_ops + n;
        a = persist_save(rig.p, PERSIST_SAVE);
        disk.fail_from = 0;
        if (a == PERSIST_DONE) break;
        ck_assert_int_eq(a, PERSIST_FAILED);
        ck_assert(!info().last_bgsave_ok);
        ck_assert(strstr(persist_refusal(rig.p), "MISCONF"));
        ck_assert_uint_gt(info().changes_since_save, 0);
        restart(true, NULL);
        now = rig_digest(&rig);
        ck_assert_mem_eq(&then, &now, sizeof then);
        ck_assert_uint_lt(n, 50);
    }
    ck_assert_ptr_null(persist_refusal(rig.p));
    ck_assert_ptr_null(memfs_find(&disk, "temp"));
    end();
}
END_TEST

START_TEST(a_flush_begins_the_save_anew)
{
    struct rng g;
    struct digest then, now;

    unit_rng(&g);
    without_log();
    rig_random(&rig, &g, 500);
    ck_assert_int_eq(persist_save(rig.p, PERSIST_BGSAVE), PERSIST_STARTED);
    rig_do(&rig, 0, "FLUSHDB");
    rig_do(&rig, 0, "SET after 1");
    ck_assert(rig_settle(&rig));
    then = rig_digest(&rig);
    restart(false, NULL);
    now = rig_digest(&rig);
    ck_assert_mem_eq(&then, &now, sizeof then);
    end();
}
END_TEST

START_TEST(rules_start_a_save)
{
    without_log();
    rig.conf.n_rules = 1;
    rig.conf.rules[0] = (struct persist_rule){ 10, 2 };
    ck_assert_int_eq(persist_set_conf(rig.p, &rig.conf, rig.why), OK);
    rig.store->now_ms += 20000;
    rig_do(&rig, 0, "SET a 1");
    usleep(110000);
    ck_assert(rig_settle(&rig));
    ck_assert_uint_eq(info().saves, 0);
    rig_do(&rig, 0, "SET b 1");
    usleep(110000);
    ck_assert(rig_settle(&rig));
    ck_assert_uint_eq(info().saves, 1);
    ck_assert_int_eq(info().last_save_time, rig.store->now_ms / 1000);
    end();
}
END_TEST

START_TEST(what_has_expired_is_not_loaded_from_a_snapshot)
{
    char words[64];

    without_log();
    snprintf(words, sizeof words, "SETPX soon 1 %lld", (long long)rig.store->now_ms + 20);
    rig_do(&rig, 0, words);
    rig_do(&rig, 0, "SET stays 1");
    ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_DONE);
    usleep(30000);
    restart(false, NULL);
    ck_assert_uint_eq(rig.store->dbs[0]->n_keys, 1);
    ck_assert_uint_eq(info().keys_loaded, 1);
    ck_assert_uint_eq(info().keys_expired_at_load, 1);
    end();
}
END_TEST

/* --- reloading, the end ------------------------------------------------------------------------------------ */

START_TEST(a_reload_gives_the_same_and_a_failed_one_changes_nothing)
{
    struct rng g;
    struct digest then, now;
    struct buf damaged = { 0 };
    const char *path;

    unit_rng(&g);
    begin(PERSIST_EVERYSEC);
    rig_random(&rig, &g, 300);
    then = rig_digest(&rig);
    ck_assert_msg(persist_reload(rig.p, 0, rig.why) == OK, "%s", rig.why);
    store_check(rig.store);
    now = rig_digest(&rig);
    ck_assert_mem_eq(&then, &now, sizeof then);
    ck_assert_msg(persist_load_log(rig.p, rig.why) == OK, "%s", rig.why);
    store_check(rig.store);
    now = rig_digest(&rig);
    ck_assert_mem_eq(&then, &now, sizeof then);
    path = memfs_find(&disk, "dump.rdb");
    buf_add_str(&damaged, memfs_get(&disk, path));
    damaged.p[damaged.n / 2] ^= 1;
    memfs_put(&disk, path, buf_str(&damaged));
    ck_assert_int_eq(persist_reload(rig.p, PERSIST_NO_SAVE, rig.why), ERR_FORMAT);
    ck_assert(strstr(rig.why, "dump.rdb: offset"));
    store_check(rig.store);
    now = rig_digest(&rig);
    ck_assert_mem_eq(&then, &now, sizeof then);
    rig_random(&rig, &g, 50);
    rig_turn(&rig);
    restart(false, NULL);
    expect_all();
    buf_fini(&damaged);
    end();
}
END_TEST

START_TEST(a_second_daemon_is_refused)
{
    static struct rig second;
    static struct memfs other;

    begin(PERSIST_EVERYSEC);
    memfs_init(&other);
    rig_init(&second, &other);
    rmdir(second.dir);
    strcpy(second.dir, rig.dir);
    ck_assert_int_eq(rig_start(&second), ERR_NOT_DONE);
    ck_assert_msg(strstr(second.why, "in use by another daemon"), "%s", second.why);
    ck_assert(strstr(second.why, rig.dir));
    memfs_fini(&other);
    restart(false, NULL); /* the lock goes with its holder */
    end();
}
END_TEST

START_TEST(a_shutdown_leaves_all_on_the_disk)
{
    struct rng g;

    unit_rng(&g);
    begin(PERSIST_NO);
    rig_random(&rig, &g, 100);
    ck_assert_int_eq(persist_shutdown(rig.p, PERSIST_END_BY_RULES, rig.why), OK);
    restart(true, NULL);
    expect_all();
    rig_random(&rig, &g, 10);
    disk.fail_from = disk.n_ops + 1;
    disk.fail_to = UINT64_MAX;
    disk.fail_errno = EIO;
    ck_assert_int_eq(persist_shutdown(rig.p, PERSIST_END_NOSAVE, rig.why), ERR_IO);
    disk.fail_from = 0;
    ck_assert(rig_settle(&rig));
    ck_assert_int_eq(persist_shutdown(rig.p, PERSIST_END_SAVE, rig.why), OK);
    ck_assert_ptr_nonnull(memfs_find(&disk, "dump.rdb"));
    restart(true, NULL);
    expect_all();
    end();
}
END_TEST

/* An archive that lags, and has all when it has been asked so many times. */
static _Atomic int archive_asked, archive_has_after;

static uint64_t archive_mark(void *ctx)
{
    (void)ctx;
    return 7;
}

static bool archive_wait(void *ctx, uint64_t mark, int64_t ms)
{
    (void)ctx, (void)mark, (void)ms;
    return atomic_fetch_add(&archive_asked, 1) >= archive_has_after;
}

START_TEST(the_end_waits_longer_for_the_archive_than_a_save_that_holds_all)
{
    static const struct persist_archive archive = { .mark = archive_mark, .wait = archive_wait };

    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendonly = false;
    rig.archive = &archive;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    rig_do(&rig, 0, "SET a 1");
    archive_asked = 0;
    archive_has_after = 100; /* five seconds' worth of asking */
    ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_FAILED);
    archive_asked = 0;
    ck_assert_int_eq(persist_shutdown(rig.p, PERSIST_END_SAVE, rig.why), OK);
    ck_assert_int_eq(archive_asked, archive_has_after + 1);
    archive_asked = 0;
    archive_has_after = 1000;
    ck_assert_int_eq(persist_shutdown(rig.p, PERSIST_END_SAVE, rig.why), ERR_IO);
    end();
}
END_TEST

UNIT_MAIN("persist", everysec_loses_nothing_to_a_kill, always_releases_replies_only_after_the_sync,
          a_power_cut_costs_nothing_that_was_durable, a_group_is_wrapped_only_when_it_has_two_effects,
          large_effects_cross_chunks_in_one_piece, with_everysec_writers_wait_for_a_disk_that_hangs,
          the_sync_policy_can_be_changed_at_any_time, whichever_operation_fails_once_nothing_is_lost,
          whichever_operations_fail_in_a_row_nothing_is_lost, a_full_disk_refuses_writes_and_heals,
          a_new_file_in_mid_stream_knows_its_database, a_new_file_that_begins_empty_knows_its_database, a_rewrite_under_writes_keeps_everything,
          growth_starts_a_rewrite, a_snapshot_under_writes_is_the_state_at_its_beginning,
          a_slow_disk_makes_the_walker_wait,
          a_save_walks_in_the_turns_that_give_it_time_and_in_no_others,
          a_failed_save_leaves_the_old_file_and_says_so, a_flush_begins_the_save_anew, rules_start_a_save,
          what_has_expired_is_not_loaded_from_a_snapshot,
          a_reload_gives_the_same_and_a_failed_one_changes_nothing, a_second_daemon_is_refused,
          a_shutdown_leaves_all_on_the_disk, the_end_waits_longer_for_the_archive_than_a_save_that_holds_all)
