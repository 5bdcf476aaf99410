/* D7: a snapshot is read back before it replaces the old one, two generations are kept, and wherever saving ends
 * one of them is there; a damaged base of the log is replaced by the generation before it when, and only when,
 * that gives the same data. */
#include <errno.h>

#include "tests/unit/persistence/rig.h"

static struct memfs disk;
static struct rig rig;
static char snapshot_path[128], previous_path[128];

static void begin(bool appendonly)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendonly = appendonly;
    snprintf(snapshot_path, sizeof snapshot_path, "%s/dump.rdb", rig.dir);
    snprintf(previous_path, sizeof previous_path, "%s/dump.rdb.previous", rig.dir);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

static void end(void)
{
    rig_fini(&rig);
    memfs_fini(&disk);
}

static bool is_there(const char *path)
{
    return memfs_get(&disk, path).p != NULL;
}

static struct buf copy_of(const char *path)
{
    struct buf b = { 0 };

    buf_add_str(&b, memfs_get(&disk, path));
    return b;
}

static bool save(void)
{
    return persist_save(rig.p, PERSIST_SAVE) == PERSIST_DONE;
}

/* --- the snapshot ------------------------------------------------------------------------------------------- */

START_TEST(the_snapshot_before_is_kept)
{
    struct buf first;

    begin(false);
    rig_do(&rig, 0, "SET k one");
    ck_assert(save());
    ck_assert(!is_there(previous_path));
    first = copy_of(snapshot_path);
    rig_do(&rig, 0, "SET k two");
    ck_assert(save());
    expect_str(memfs_get(&disk, previous_path), buf_str(&first));
    ck_assert(!str_eq(memfs_get(&disk, snapshot_path), buf_str(&first)));
    ck_assert_ptr_null(memfs_find(&disk, "temp-generation.rdb"));
    buf_fini(&first);
    end();
}
END_TEST

START_TEST(with_one_generation_there_is_none_before)
{
    begin(false);
    rig_do(&rig, 0, "SET k one");
    ck_assert(save() && save());
    ck_assert(is_there(previous_path));
    rig.conf.generations = 1;
    ck_assert_int_eq(persist_set_conf(rig.p, &rig.conf, rig.why), OK);
    ck_assert(save());
    ck_assert(is_there(snapshot_path));
    ck_assert(!is_there(previous_path));
    end();
}
END_TEST

/* What a crash leaves, by kill or by power cut, when it comes at operation n of a save. */
static bool crash_in_save(uint64_t n, bool cut)
{
    struct digest old, new, got;
    bool done, whole;

    begin(false);
    rig_do(&rig, 0, "SET k one");
    ck_assert(save());
    rig_do(&rig, 0, "SET k two");
    ck_assert(save());
    old = rig_digest(&rig);
    rig_do(&rig, 0, "SET k three");
    new = rig_digest(&rig);
    disk.fail_errno = EIO;
    disk.fail_from = disk.n_ops + n;
    disk.fail_to = UINT64_MAX;
    done = save();
    disk.fail_from = 0;
    rig_kill(&rig);
    if (cut) memfs_cut(&disk, NULL);
    ck_assert(is_there(snapshot_path) && is_there(previous_path));
    ck_assert_msg(rig_start(&rig) == OK, "operation %d: %s", (int)n, rig.why);
    got = rig_digest(&rig);
    whole = memcmp(&got, &new, sizeof got) == 0;
    ck_assert(whole || (!done && memcmp(&got, &old, sizeof got) == 0));
    /* the one before is whole as well */
    rig_kill(&rig);
    ck_assert_int_eq(disk.ops.rename(disk.ops.ctx, previous_path, snapshot_path), 0);
    ck_assert_msg(rig_start(&rig) == OK, "operation %d, the one before: %s", (int)n, rig.why);
    ck_assert_ptr_null(memfs_find(&disk, "temp-generation.rdb"));
    end();
    return done;
}

START_TEST(wherever_a_save_ends_a_whole_snapshot_is_there)
{
    uint64_t n[2] = { 1, 1 };

    for (int cut = 0; cut < 2; cut++)
        while (!crash_in_save(n[cut], cut)) n[cut]++;
    ck_assert_uint_gt(n[0], 8); /* create, write, sync, link, rename, sync, rename, sync */
}
END_TEST

START_TEST(what_the_disk_has_changed_never_takes_the_place_of_the_old_one)
{
    struct buf old;
    size_t n;

    begin(false);
    rig_do(&rig, 0, "SET k one");
    ck_assert(save());
    old = copy_of(snapshot_path);
    rig_do(&rig, 0, "HSET h field value");
    n = memfs_get(&disk, snapshot_path).n + 1;
    for (size_t at = 1; at <= n; at++) {
        disk.rots_at = at;
        disk.rots_by = (unsigned char)(1 << at % 8);
        ck_assert_msg(!save(), "byte %zu", at);
        expect_str(memfs_get(&disk, snapshot_path), buf_str(&old));
        ck_assert_ptr_null(memfs_find(&disk, "temp"));
    }
    disk.rots_at = 0;
    disk.rots_off = 1;
    ck_assert(!save());
    disk.rots_off = 0;
    ck_assert(!is_there(previous_path));
    ck_assert(save());
    buf_fini(&old);
    end();
}
END_TEST

START_TEST(without_checksums_length_and_end_are_looked_at)
{
    begin(false);
    rig.conf.rdb_checksum = false;
    ck_assert_int_eq(persist_set_conf(rig.p, &rig.conf, rig.why), OK);
    rig_do(&rig, 0, "SET k one");
    ck_assert(save());
    disk.rots_off = 1;
    ck_assert(!save());
    disk.rots_off = 0;
    disk.rots_at = memfs_get(&disk, snapshot_path).n - 8; /* the mark of the end */
    disk.rots_by = 1;
    ck_assert(!save());
    end();
}
END_TEST

START_TEST(a_missing_snapshot_is_an_empty_start)
{
    begin(false);
    rig_do(&rig, 0, "SET k one");
    ck_assert(save() && save());
    rig_kill(&rig);
    ck_assert_int_eq(disk.ops.unlink(disk.ops.ctx, snapshot_path), 0);
    ck_assert_int_eq(rig_start(&rig), OK);
    ck_assert_uint_eq(rig.store->dbs[0]->n_keys, 0);
    ck_assert(is_there(previous_path));
    end();
}
END_TEST

START_TEST(a_damaged_snapshot_is_refused_and_the_way_back_named)
{
    struct buf bytes;

    begin(false);
    rig_do(&rig, 0, "SET k one");
    ck_assert(save() && save());
    rig_kill(&rig);
    bytes = copy_of(snapshot_path);
    bytes.p[bytes.n - 12] ^= 1;
    memfs_put(&disk, snapshot_path, buf_str(&bytes));
    ck_assert_int_eq(rig_start(&rig), ERR_FORMAT);
    ck_assert_msg(strstr(rig.why, snapshot_path) && strstr(rig.why, "offset") && strstr(rig.why, "memd --repair") &&
                  strstr(rig.why, previous_path), "%s", rig.why);
    expect_str(memfs_get(&disk, snapshot_path), buf_str(&bytes)); /* as it was */
    buf_fini(&bytes);
    end();
}
END_TEST

/* --- the log's base ------------------------------------------------------------------------------------------- */

static void rewrite(void)
{
    ck_assert_int_eq(persist_save(rig.p, PERSIST_REWRITE), PERSIST_STARTED);
    ck_assert(rig_settle(&rig));
}

/* A log with two generations, and `more` changes since; the newest state is marked. Stopped. */
static void two_generations(struct rng *g, size_t more)
{
    begin(true);
    rig_random(&rig, g, 40);
    rewrite();
    for (int i = 0; i < 4; i++) {
        rig_random(&rig, g, 10);
        rig_turn(&rig);
    }
    rewrite();
    rig_random(&rig, g, more);
    ck_assert(rig_durable(&rig));
    rig_kill(&rig);
}

static const char *newest_base(void)
{
    return memfs_find(&disk, ".3.base.rdb");
}

static void expect_all(void)
{
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[rig.n_marks - 1].offset);
}

/* Start with this as the newest base: nothing is missing, and soon there are two generations again. */
static void expect_recovery(struct str base)
{
    char name[256];

    snprintf(name, sizeof name, "%s", newest_base());
    memfs_put(&disk, name, base);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    expect_all();
    ck_assert(!is_there(name));
    strcat(name, ".damaged");
    expect_str(memfs_get(&disk, name), base);
    ck_assert(rig_settle(&rig)); /* a rewrite was due */
    rig_kill(&rig);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    expect_all();
    ck_assert_ptr_nonnull(memfs_find(&disk, ".4.base.rdb"));
    rig_kill(&rig);
}

static size_t aux_end(const struct buf *base)
{
    const char *last = memmem(base->p, base->n, "aof-base", 8);

    ck_assert(last != NULL);
    return (size_t)(last - base->p) + 10;
}

START_TEST(a_damaged_base_is_replaced_by_the_generation_before_it)
{
    struct buf base;
    struct memfs as_it_was;
    struct rng g;

    unit_rng(&g);
    for (size_t more = 0; more <= 20; more += 20) { /* with and without changes since */
        two_generations(&g, more);
        base = copy_of(newest_base());
        memfs_copy(&as_it_was, &disk);
        /* where nothing was written since, only the damaged base itself says where it began: its first fields */
        for (size_t at = more ? 0 : aux_end(&base); at < base.n; at += 1 + base.n / 40) {
            base.p[at] ^= 0x10;
            expect_recovery(buf_str(&base));
            base.p[at] ^= 0x10;
            memfs_fini(&disk);
            memfs_copy(&disk, &as_it_was);
        }
        expect_recovery(str_of(base.p, base.n / 2));
        memfs_fini(&disk);
        memfs_copy(&disk, &as_it_was);
        ck_assert_int_eq(disk.ops.unlink(disk.ops.ctx, newest_base()), 0);
        ck_assert_int_eq(rig_start(&rig), more ? OK : ERR_FORMAT);
        if (more) expect_all();
        buf_fini(&base);
        memfs_fini(&as_it_was);
        end();
    }
}
END_TEST

/* Start must be refused, for the newest base's sake, and change no file's content. */
static void expect_refusal(struct str base)
{
    memfs_put(&disk, newest_base(), base);
    ck_assert_int_eq(rig_start(&rig), ERR_FORMAT);
    ck_assert_msg(strstr(rig.why, ".3.base.rdb: offset"), "%s", rig.why);
    ck_assert_ptr_null(memfs_find(&disk, ".damaged"));
}

/* Damage the file whose name ends so as well: a bit of it, its last third, all of it. */
static void damage(const char *suffix, int how)
{
    const char *path = memfs_find(&disk, suffix);
    struct buf b;

    ck_assert_msg(path != NULL, "%s", suffix);
    b = copy_of(path);
    if (how == 0) b.p[b.n / 2] ^= 1;
    if (how == 1) b.n -= b.n / 3;
    memfs_put(&disk, path, buf_str(&b));
    if (how == 2) ck_assert_int_eq(disk.ops.unlink(disk.ops.ctx, path), 0);
    buf_fini(&b);
}

START_TEST(a_generation_that_does_not_lead_up_to_now_is_not_loaded)
{
    static const char *const others[] = { ".2.base.rdb", ".2.incr.aof" };
    struct memfs as_it_was;
    struct buf base;
    struct rng g;

    unit_rng(&g);
    for (size_t more = 0; more <= 20; more += 20) {
        two_generations(&g, more);
        base = copy_of(newest_base());
        base.p[base.n / 2] ^= 1;
        memfs_copy(&as_it_was, &disk);
        for (int i = 0; i < 6; i++) {
            damage(others[i / 3], i % 3);
            expect_refusal(buf_str(&base));
            memfs_fini(&disk);
            memfs_copy(&disk, &as_it_was);
        }
        buf_fini(&base);
        memfs_fini(&as_it_was);
        end();
    }
}
END_TEST

/* Whole batches cut off the end of the old increment: it looks sound, and ends too early. */
START_TEST(a_hole_at_the_joint_is_seen)
{
    struct buf base, log;
    const char *path, *mark;
    struct rng g;
    int n = 0;

    unit_rng(&g);
    two_generations(&g, 0);
    base = copy_of(newest_base());
    base.p[base.n - 20] ^= 1;
    path = memfs_find(&disk, ".2.incr.aof");
    log = copy_of(path);
    while ((mark = memrchr(log.p, '#', log.n)) != NULL && mark != log.p) {
        const char *end = memchr(mark, '\n', log.n - (size_t)(mark - log.p));

        memfs_put(&disk, path, str_of(log.p, (size_t)(end + 1 - log.p)));
        if (n++ > 0) expect_refusal(buf_str(&base));
        log.n = (size_t)(mark - log.p);
    }
    ck_assert_int_gt(n, 3);
    buf_fini(&base);
    buf_fini(&log);
    end();
}
END_TEST

START_TEST(whatever_fails_while_going_back_nothing_is_lost)
{
    struct memfs as_it_was;
    struct buf base;
    struct rng g;
    uint64_t n;

    unit_rng(&g);
    two_generations(&g, 20);
    base = copy_of(newest_base());
    base.p[base.n / 2] ^= 1;
    memfs_put(&disk, newest_base(), buf_str(&base));
    memfs_copy(&as_it_was, &disk);
    for (n = 1;; n++) {
        enum err e;

        disk.fail_errno = EIO;
        disk.fail_from = n;
        disk.fail_to = UINT64_MAX;
        e = rig_start(&rig);
        if (e == OK) rig_kill(&rig);
        disk.fail_from = 0;
        memfs_cut(&disk, NULL);
        ck_assert_msg(rig_start(&rig) == OK, "operation %d: %s", (int)n, rig.why);
        expect_all();
        rig_kill(&rig);
        memfs_fini(&disk);
        memfs_copy(&disk, &as_it_was);
        if (e == OK) break;
    }
    ck_assert_uint_gt(n, 3);
    buf_fini(&base);
    memfs_fini(&as_it_was);
    end();
}
END_TEST

START_TEST(two_generations_of_the_log_are_kept_and_no_more)
{
    struct rng g;

    unit_rng(&g);
    two_generations(&g, 20);
    ck_assert_ptr_null(memfs_find(&disk, ".1.base.rdb"));
    ck_assert_ptr_null(memfs_find(&disk, ".1.incr.aof"));
    ck_assert_ptr_nonnull(memfs_find(&disk, ".2.base.rdb"));
    ck_assert_ptr_nonnull(memfs_find(&disk, ".2.incr.aof"));
    ck_assert_int_eq(rig_start(&rig), OK); /* a start does not take them for left-overs */
    ck_assert_ptr_nonnull(memfs_find(&disk, ".2.base.rdb"));
    ck_assert_ptr_nonnull(memfs_find(&disk, ".2.incr.aof"));
    rig_kill(&rig);
    rig.conf.generations = 1;
    ck_assert_int_eq(rig_start(&rig), OK);
    ck_assert_ptr_null(memfs_find(&disk, ".2.base.rdb"));
    ck_assert_ptr_null(memfs_find(&disk, ".2.incr.aof"));
    rewrite();
    ck_assert_ptr_null(memfs_find(&disk, ".3.base.rdb"));
    expect_all();
    end();
}
END_TEST

START_TEST(the_generation_before_does_not_count_in_the_logs_size)
{
    struct persist_info a, b;
    struct rng g;

    unit_rng(&g);
    two_generations(&g, 20);
    ck_assert_int_eq(rig_start(&rig), OK);
    persist_info(rig.p, &a);
    ck_assert_uint_eq(a.aof_current_size, memfs_get(&disk, newest_base()).n +
                      memfs_get(&disk, memfs_find(&disk, ".3.incr.aof")).n);
    rewrite();
    rig_kill(&rig);
    ck_assert_int_eq(rig_start(&rig), OK);
    persist_info(rig.p, &b);
    ck_assert_uint_lt(b.aof_current_size, a.aof_current_size + 64);
    end();
}
END_TEST

/* Rewrites, kills and failing disks at random, then a damaged base: the same data or a refusal. */
START_TEST(a_damaged_base_is_never_replaced_by_other_data)
{
    int recovered = 0;
    struct rng g;

    unit_rng(&g);
    for (int round = 0; round < 30; round++) {
        struct buf base;
        char path[PERSIST_WHY];
        enum err e;

        begin(true);
        for (int step = 0; step < 8; step++) {
            rig_random(&rig, &g, 10);
            rig_turn(&rig);
            disk.fail_errno = EIO;
            disk.fail_from = rng_below(&g, 3) ? 0 : disk.n_ops + 1 + rng_below(&g, 20);
            disk.fail_to = disk.fail_from + rng_below(&g, 3);
            if (rng_below(&g, 2)) (void)persist_save(rig.p, PERSIST_REWRITE);
            rig_random(&rig, &g, 10);
            for (int i = 0; i < 20; i++) rig_turn(&rig);
            disk.fail_from = 0;
            ck_assert(rig_settle(&rig) && rig_durable(&rig));
        }
        rig_kill(&rig);
        for (uint64_t seq = 20; seq > 0; seq--) {
            snprintf(path, sizeof path, ".%d.base.rdb", (int)seq);
            if (memfs_find(&disk, path)) break;
        }
        snprintf(path, sizeof path, "%s", memfs_find(&disk, path));
        base = copy_of(path);
        base.p[rng_below(&g, base.n)] ^= (char)(1 << rng_below(&g, 8));
        memfs_put(&disk, path, buf_str(&base));
        e = rig_start(&rig);
        ck_assert_msg(e == OK || e == ERR_FORMAT, "%s", rig.why);
        if (e == OK) expect_all();
        recovered += e == OK;
        buf_fini(&base);
        end();
    }
    printf("%d of 30 recovered\n", recovered);
    ck_assert_int_gt(recovered, 10);
}
END_TEST

/* The log's thread is at a write that takes long when a second rewrite is to begin. */
START_TEST(a_rewrite_waits_until_the_log_is_in_the_file_of_the_one_before)
{
    struct persist_info info;
    int woken;

    begin(true);
    rig.conf.appendfsync = PERSIST_ALWAYS;
    rig_set(&rig);
    ck_assert(rig_durable(&rig));
    memfs_hold(&disk, "write");
    rig_do(&rig, 0, "SET k 1");
    rig_turn(&rig);
    memfs_wait_held(&disk);
    memfs_hold(&disk, "appendonly.aof.1.incr.aof");
    ck_assert_int_eq(rig_save(&rig, PERSIST_REWRITE), PERSIST_STARTED);
    do {
        rig_turn(&rig);
        persist_info(rig.p, &info);
        ck_assert(info.last_rewrite_ok);
    } while (info.rewrites == 0);
    rig_do(&rig, 0, "SET k 2");
    woken = atomic_load(&rig.woken);
    ck_assert_int_eq(rig_save(&rig, PERSIST_REWRITE), PERSIST_STARTED);
    while (atomic_load(&rig.woken) == woken) rig_turn(&rig); /* the next file is there */
    for (int i = 0; i < 3; i++) rig_turn(&rig);
    persist_info(rig.p, &info);
    ck_assert(info.rewrite_in_progress && info.last_rewrite_ok);
    memfs_hold(&disk, NULL);
    ck_assert(rig_settle(&rig));
    persist_info(rig.p, &info);
    ck_assert_uint_eq(info.rewrites, 2);
    ck_assert(rig_durable(&rig));
    ck_assert_msg(rig_again(&rig) == OK, "%s", rig.why);
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[rig.n_marks - 1].offset);
    end();
}
END_TEST

UNIT_MAIN("generations", the_snapshot_before_is_kept, with_one_generation_there_is_none_before,
          wherever_a_save_ends_a_whole_snapshot_is_there,
          what_the_disk_has_changed_never_takes_the_place_of_the_old_one,
          without_checksums_length_and_end_are_looked_at, a_missing_snapshot_is_an_empty_start,
          a_damaged_snapshot_is_refused_and_the_way_back_named,
          a_damaged_base_is_replaced_by_the_generation_before_it,
          a_generation_that_does_not_lead_up_to_now_is_not_loaded, a_hole_at_the_joint_is_seen,
          whatever_fails_while_going_back_nothing_is_lost, two_generations_of_the_log_are_kept_and_no_more,
          the_generation_before_does_not_count_in_the_logs_size,
          a_damaged_base_is_never_replaced_by_other_data,
          a_rewrite_waits_until_the_log_is_in_the_file_of_the_one_before)
