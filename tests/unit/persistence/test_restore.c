/* A log as it was at a moment: exactly what had been done by then, in a log of its own. */
#include <errno.h>
#include <limits.h>

#include "persistence/report.h"
#include "persistence/restore_to.h"
#include "tests/unit/persistence/rig.h"

enum { STEPS = 10, STEP_S = 10 };

static const int64_t first_s = 2000000000;
static struct memfs disk, copy;
static struct rig rig;
static size_t mark_of[STEPS]; /* the state behind each step */
static char target[128], why[PERSIST_WHY];
static size_t lines;

static void say(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
    lines++;
}

/* A step every ten seconds: a key in one of two databases, every other one in a transaction of two. */
static void set_up(void)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.aof_timestamps = true;
    ck_assert_int_eq(rig_start(&rig), OK);
    for (int i = 0; i < STEPS; i++) {
        char words[64];

        rig.store->now_ms = (first_s + STEP_S * i) * 1000 + 999;
        persist_group_begin(rig.p);
        snprintf(words, sizeof words, "SET k%d v", i);
        rig_do(&rig, i % 3 ? 3 : 0, words);
        if (i % 2) rig_do(&rig, 0, "RPUSH l e");
        persist_group_end(rig.p);
        rig_mark(&rig);
        mark_of[i] = rig.n_marks - 1;
        rig_turn(&rig);
    }
    rig_kill(&rig);
    snprintf(target, sizeof target, "%s.restored", rig.dir);
}

static void tear_down(void)
{
    rig.fs = &disk;
    rig_fini(&rig);
    memfs_fini(&disk);
}

static enum err restore(int64_t wall_ms)
{
    struct report r = { .say = say };

    lines = 0;
    memfs_copy(&copy, &disk);
    return restore_to(&copy.ops, rig.dir, target, wall_ms, &r, why);
}

/* What was restored takes the place of the original, and is loaded. */
static void load_restored(void)
{
    static const char *const names[] = { "appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof",
                                         "appendonly.aof.manifest" };
    struct buf content = { 0 };
    char path[256];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/appendonlydir/%s", target, names[i]);
        buf_clear(&content);
        ck_assert_msg(memfs_get(&copy, path).p != NULL, "%s", path);
        buf_add_str(&content, memfs_get(&copy, path));
        snprintf(path, sizeof path, "%s/appendonlydir/%s", rig.dir, names[i]);
        memfs_put(&copy, path, buf_str(&content));
    }
    buf_fini(&content);
    rig.fs = &copy;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

START_TEST(every_second_restores_what_had_been_done_by_then)
{
    for (int64_t s = 0; s < STEPS * STEP_S + 5; s++) {
        size_t step = s / STEP_S < STEPS ? (size_t)(s / STEP_S) : STEPS - 1;
        struct digest now;

        ck_assert_msg(restore((first_s + s) * 1000 + 500) == OK, "%" PRId64 ": %s", s, why);
        ck_assert_uint_ge(lines, 2);
        load_restored();
        now = rig_digest(&rig);
        ck_assert_msg(memcmp(&now, &rig.marks[mark_of[step]].digest, sizeof now) == 0, "after %" PRId64 " s", s);
        ck_assert_uint_eq(persist_offset(rig.p), rig.marks[mark_of[step]].offset);
        rig_kill(&rig);
        memfs_fini(&copy);
    }
}
END_TEST

START_TEST(what_the_log_does_not_reach_back_to_is_refused)
{
    ck_assert_msg(restore((first_s - 1) * 1000) == OK, "%s", why); /* the base is older, and nothing is between */
    memfs_fini(&copy);
    ck_assert_int_eq(restore(1000000000000), ERR_FORMAT);
    ck_assert_msg(strstr(why, "lies before the base"), "%s", why);
    ck_assert_uint_eq(lines, 0);
    memfs_fini(&copy);
}
END_TEST

START_TEST(damage_behind_the_moment_does_not_matter_and_damage_before_it_does)
{
    const char *path = memfs_find(&disk, ".1.incr.aof");
    struct buf b = { 0 };
    const char *hit;

    buf_add_str(&b, memfs_get(&disk, path));
    hit = memmem(b.p, b.n, "\r\nk6\r\n", 6);
    ck_assert_ptr_nonnull(hit);
    b.p[hit - b.p + 3] ^= 1;
    memfs_put(&disk, path, buf_str(&b));
    ck_assert_msg(restore((first_s + 4 * STEP_S) * 1000) == OK, "%s", why);
    memfs_fini(&copy);
    ck_assert_int_eq(restore((first_s + 7 * STEP_S) * 1000), ERR_FORMAT);
    ck_assert_msg(strstr(why, "DAMAGED at offset"), "%s", why);
    memfs_fini(&copy);
    buf_fini(&b);
}
END_TEST

START_TEST(whatever_fails_is_told_and_the_original_is_as_it_was)
{
    for (uint64_t n = 1;; n++) {
        struct report r = { .say = say };
        enum err e;

        memfs_copy(&copy, &disk);
        copy.fail_errno = EIO;
        copy.fail_from = copy.fail_to = copy.n_ops + n;
        e = restore_to(&copy.ops, rig.dir, target, (first_s + 45) * 1000, &r, why);
        ck_assert(e == OK || strstr(why, target));
        expect_str(memfs_get(&copy, memfs_find(&disk, ".1.incr.aof")), memfs_get(&disk, memfs_find(&disk, ".1.incr.aof")));
        memfs_fini(&copy);
        if (e == OK) break;
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

START_TEST(moments_are_read_as_people_write_them)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        { "0", 0 }, { "1700000000", 1700000000000 }, { "1700000000123", 1700000000123 },
        { "2023-11-14T22:13:20Z", 1700000000000 }, { "2023-11-14T22:13:20.5Z", 1700000000500 },
        { "2023-11-14T23:13:20+01:00", 1700000000000 }, { "2023-11-14T16:43:20-0530", 1700000000000 },
        { "2024-02-29T00:00:00Z", 1709164800000 },
    };
    static const char *const bad[] = { "", "now", "-1", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z",
                                       "2023-02-29T00:00:00Z", "2023-11-14T22:13:20Zx", "2023-11-14T22:13:20+1",
                                       "1969-12-31T23:59:59Z", "2023-11-14T22:13:20+00:60" };
    int64_t ms;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(restore_parse_time(str_c(good[i].text), &ms), "%s", good[i].text);
        ck_assert_int_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!restore_parse_time(str_c(bad[i]), &ms), "%s", bad[i]);
}
END_TEST

UNIT_MAIN_AROUND("restore", set_up, tear_down, every_second_restores_what_had_been_done_by_then,
                 what_the_log_does_not_reach_back_to_is_refused,
                 damage_behind_the_moment_does_not_matter_and_damage_before_it_does,
                 whatever_fails_is_told_and_the_original_is_as_it_was, moments_are_read_as_people_write_them)
