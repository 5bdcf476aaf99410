/* The log is turned on and off while memd runs, and rewrites are given up at any moment: what was acknowledged while
 * the log was on is there after a power cut, what is called durable is, and the files always load. */
#include <errno.h>

#include "tests/unit/persistence/rig.h"

static struct memfs disk;
static struct rig rig;
static struct rng g;

static void begin(bool on, enum persist_fsync mode)
{
    unit_rng(&g);
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendonly = on;
    rig.conf.appendfsync = mode;
    rig.conf.generations = 1;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

static void end(void)
{
    rig_fini(&rig);
    memfs_fini(&disk);
}

static struct persist_info info(void)
{
    struct persist_info i;

    persist_info(rig.p, &i);
    return i;
}

static uint64_t last_mark(void)
{
    return rig.marks[rig.n_marks - 1].offset;
}

static void write_some(void)
{
    rig_random(&rig, &g, 20);
    rig_turn(&rig);
}

/* Some that are durable, in the log that is on. */
static void write_durably(void)
{
    write_some();
    ck_assert(rig_durable(&rig));
}

static void turn(bool on)
{
    rig.conf.appendonly = on;
    rig_set(&rig);
}

/* A helper thread is about to do what `text` says; it waits until let_go. */
static void go_on_until(const char *text)
{
    memfs_hold(&disk, text);
    ck_assert(rig_until_held(&rig));
}

static void let_go(void)
{
    memfs_hold(&disk, NULL);
}

/* The power fails; then the log is on. What is there is one of the states that were, `least` or later. */
static void cut_and_expect(uint64_t least)
{
    rig_kill(&rig);
    memfs_cut(&disk, NULL);
    rig.conf.appendonly = true;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_int_ge(rig_where(&rig), (int64_t)least);
}

/* Its first base is about to be written. */
static void turn_on_until_base(void)
{
    turn(true);
    go_on_until("temp-appendonly.aof.base");
}

static bool is_there(const char *suffix)
{
    return memfs_find(&disk, suffix) != NULL;
}

START_TEST(the_log_can_be_turned_on_and_off)
{
    begin(false, PERSIST_EVERYSEC);
    for (int round = 0; round < 3; round++) {
        write_some();
        ck_assert_uint_eq(persist_durable_offset(rig.p), persist_offset(rig.p));
        turn(true);
        write_some();
        ck_assert(rig_settle(&rig));
        write_some();
        rig_kill(&rig); /* the system has what was written */
        ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
        ck_assert_int_eq(rig_where(&rig), (int64_t)last_mark());
        turn(false);
    }
    end();
}
END_TEST

/* --- files of an earlier attempt --------------------------------------------------------------------------- */

START_TEST(what_a_failed_attempt_has_written_does_not_come_back_in_the_next)
{
    static const enum persist_fsync modes[] = { PERSIST_ALWAYS, PERSIST_EVERYSEC, PERSIST_NO };

    for (int i = 0; i < 3; i++) {
        begin(true, modes[i]);
        write_durably();
        turn(false);
        write_some();
        turn_on_until_base();
        write_some();
        persist_sync_soon(rig.p);
        while (persist_log_synced(rig.p) < last_mark()) rig_turn(&rig);
        disk.space = 1; /* none for the base */
        let_go();
        while (info().last_rewrite_ok) rig_turn(&rig);
        disk.space = 0;
        ck_assert(!is_there(".2.incr.aof"));
        turn(false);
        write_some();
        turn(true);
        ck_assert(rig_settle(&rig));
        cut_and_expect(last_mark()); /* nothing has been written since, nor synced: the increment is empty */
        end();
    }
}
END_TEST

START_TEST(what_a_crash_has_left_does_not_come_back)
{
    char path[200];

    begin(true, PERSIST_EVERYSEC);
    write_durably();
    rig_kill(&rig);
    snprintf(path, sizeof path, "%s", memfs_find(&disk, ".1.incr.aof"));
    strcpy(strstr(path, ".1.incr.aof"), ".2.incr.aof");
    memfs_put(&disk, path, memfs_get(&disk, memfs_find(&disk, ".1.incr.aof")));
    rig.conf.appendonly = false;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    write_some();
    turn(true);
    ck_assert(rig_settle(&rig));
    ck_assert(is_there(".2.incr.aof"));
    cut_and_expect(last_mark());
    end();
}
END_TEST

static void live_and_start(bool rewrite)
{
    write_some();
    if (rewrite) ck_assert_int_eq(rig_save(&rig, PERSIST_REWRITE), PERSIST_STARTED);
    ck_assert(rig_settle(&rig));
    rig_kill(&rig);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_int_eq(rig_where(&rig), (int64_t)last_mark());
}

/* The old log, which is not loaded, counts until the new base does: whenever the power fails it is whole. Nor is a name
 * taken that is left of it when all goes on. */
START_TEST(a_rewrite_while_the_log_is_off_takes_no_name_of_the_old_log)
{
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        uint64_t left;

        begin(true, PERSIST_EVERYSEC);
        rig.conf.generations = 2;
        rig_set(&rig);
        write_durably();
        left = last_mark();
        rig_kill(&rig);
        rig.conf.appendonly = false;
        ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
        disk.fail_errno = EIO;
        disk.fail_from = disk.n_ops + n;
        disk.fail_to = UINT64_MAX;
        if (rig_save(&rig, PERSIST_REWRITE) == PERSIST_STARTED) rig_settle(&rig);
        done = info().rewrites == 1 && disk.n_ops < disk.fail_from;
        rig_kill(&rig);
        disk.fail_from = 0;
        memfs_cut(&disk, NULL);
        rig.conf.appendonly = true;
        ck_assert_msg(rig_start(&rig) == OK, "operation %" PRIu64 ": %s", n, rig.why);
        if (!is_there(".2.base.rdb")) ck_assert_int_eq(rig_where(&rig), (int64_t)left);
        for (int i = 0; i < 3; i++) live_and_start(i == 1);
        ck_assert_uint_lt(n, 100);
        end();
    }
}
END_TEST

START_TEST(a_manifest_that_cannot_be_read_loses_none_of_its_files)
{
    char manifest[200];

    begin(true, PERSIST_EVERYSEC);
    write_durably();
    rig_kill(&rig);
    snprintf(manifest, sizeof manifest, "%s", memfs_find(&disk, ".manifest"));
    memfs_put(&disk, manifest, str_c("nonsense\n"));
    rig.conf.appendonly = false;
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    write_some();
    turn(true);
    ck_assert(rig_settle(&rig));
    ck_assert(is_there(".1.base.rdb") && is_there(".1.incr.aof"));
    ck_assert(is_there(".2.base.rdb") && is_there(".2.incr.aof"));
    cut_and_expect(last_mark());
    end();
}
END_TEST

/* --- a rewrite that is given up ------------------------------------------------------------------------------- */

/* Where its worker is: "unlink" is behind the manifest. */
static const char *const places[] = { "incr.aof", "temp-appendonly.aof.base", "rename", "aof.manifest", "syncdir",
                                      "unlink" };
enum { PLACES = sizeof places / sizeof *places };

static void go_on_to_place(int i)
{
    if (i > 0) go_on_until("temp-appendonly.aof.base");
    go_on_until(places[i]);
}

/* The log is turned off there, and perhaps on again; where it was being turned on, or rewritten. */
static void turn_off_at(int place, bool was_on, bool again)
{
    uint64_t left;

    begin(true, PERSIST_ALWAYS);
    write_durably();
    if (was_on) {
        memfs_hold(&disk, "open");
        ck_assert_int_eq(rig_save(&rig, PERSIST_REWRITE), PERSIST_STARTED);
    } else {
        turn(false);
        left = last_mark();
        write_some();
        turn(true);
    }
    go_on_to_place(place);
    if (place > 0) write_some();
    let_go();
    turn(false);
    if (was_on) left = last_mark();
    write_some();
    if (again) turn(true);
    if (again) ck_assert(rig_settle(&rig));
    cut_and_expect(again ? last_mark() : left);
    end();
}

START_TEST(a_rewrite_gives_way_to_the_log_turned_off_at_any_place)
{
    for (int i = 0; i < PLACES; i++) {
        turn_off_at(i, true, false);
        turn_off_at(i, true, true);
    }
}
END_TEST

START_TEST(turning_on_gives_way_to_turning_off_at_any_place)
{
    for (int i = 0; i < PLACES; i++) {
        turn_off_at(i, false, false);
        turn_off_at(i, false, true);
    }
}
END_TEST

static bool manifest_names(const char *file)
{
    struct str text;
    bool names;

    pthread_mutex_lock(&disk.lock);
    text = memfs_get(&disk, memfs_find(&disk, "/appendonly.aof.manifest"));
    names = memmem(text.p, text.n, file, strlen(file)) != NULL;
    pthread_mutex_unlock(&disk.lock);
    return names;
}

START_TEST(a_rewrite_that_is_complete_when_it_is_given_up_counts)
{
    for (int on = 0; on < 2; on++) {
        begin(on, PERSIST_ALWAYS);
        write_some();
        if (on) ck_assert_int_eq(rig_save(&rig, PERSIST_REWRITE), PERSIST_STARTED);
        else turn(true);
        go_on_until("temp-appendonly.aof.base");
        go_on_until("aof.manifest");
        write_some();
        let_go();
        while (!manifest_names(on ? ".2.base.rdb" : ".1.base.rdb")) usleep(100);
        persist_cancel(rig.p);
        ck_assert_uint_eq(info().rewrites, 1);
        ck_assert_str_eq(info().aof_state, "ok");
        write_durably();
        cut_and_expect(last_mark());
        end();
    }
}
END_TEST

/* As when memory runs short. */
START_TEST(turning_on_is_tried_again_after_it_was_given_up)
{
    for (int i = 0; i < 2; i++) {
        begin(false, PERSIST_ALWAYS);
        write_some();
        memfs_hold(&disk, i ? "temp-appendonly.aof.base" : "open");
        turn(true);
        go_on_until(i ? "temp-appendonly.aof.base" : "open");
        disk.space = i; /* 1: none for the base */
        let_go();
        ck_assert(persist_shed(rig.p));
        disk.space = 0;
        ck_assert(info().rewrite_scheduled);
        ck_assert_str_eq(info().aof_state, "starting");
        write_some();
        ck_assert_int_eq(rig_save(&rig, PERSIST_REWRITE), PERSIST_STARTED); /* no need to wait for the next try */
        ck_assert(rig_settle(&rig));
        ck_assert_str_eq(info().aof_state, "ok");
        cut_and_expect(last_mark());
        end();
    }
}
END_TEST

/* --- what is promised --------------------------------------------------------------------------------------- */

START_TEST(nothing_is_called_durable_before_the_first_base_is)
{
    begin(true, PERSIST_ALWAYS);
    write_durably();
    turn(false);
    write_some();
    turn(true);
    for (int i = 0; i < PLACES; i++) {
        go_on_until(places[i]);
        write_some();
        ck_assert_uint_eq(persist_synced_offset(rig.p), 0);
        ck_assert_uint_eq(info().synced_offset, 0);
        ck_assert_str_eq(info().aof_state, "starting");
    }
    let_go();
    while (strcmp(info().aof_state, "starting") == 0) rig_turn(&rig);
    cut_and_expect(persist_synced_offset(rig.p));
    end();
}
END_TEST

/* n operations of the disk fail from the at-th on while the log is turned on, for the first time or again; then the
 * power does, sooner or later. False: fewer are done than that. */
static bool fails_while_turned_on(bool again, uint64_t at, uint64_t n, bool later)
{
    uint64_t least = 0, from;
    bool reached;

    begin(again, PERSIST_ALWAYS);
    if (again) {
        write_durably();
        turn(false);
        least = last_mark();
    }
    write_some();
    disk.fail_errno = EIO;
    disk.fail_from = from = disk.n_ops + at;
    disk.fail_to = from + n - 1;
    rig.conf.appendonly = true;
    if (persist_set_conf(rig.p, &rig.conf, rig.why) == OK) {
        do {
            write_some();
            usleep(100);
        } while (info().last_rewrite_ok && strcmp(info().aof_state, "starting") == 0 && !info().rewrite_scheduled);
    }
    reached = disk.n_ops >= from;
    if (later) {
        disk.fail_from = 0;
        ck_assert_msg(persist_set_conf(rig.p, &rig.conf, rig.why) == OK, "%s", rig.why);
        rig_save(&rig, PERSIST_REWRITE); /* no need to wait for the next try */
        ck_assert(rig_settle(&rig));
        ck_assert_str_eq(info().aof_state, "ok");
        write_some();
    }
    if (info().aof_enabled && persist_synced_offset(rig.p) > least) least = persist_synced_offset(rig.p);
    disk.fail_from = 0;
    cut_and_expect(least);
    end();
    return reached;
}

START_TEST(whichever_operations_fail_while_it_is_turned_on_nothing_promised_is_lost)
{
    for (int form = 0; form < 4; form++)
        for (uint64_t n = 1; n <= 100; n *= 10) {
            uint64_t at = 1;

            while (fails_while_turned_on(form & 1, at, n, form & 2)) at++;
            ck_assert(at > 10 && at < 200);
        }
}
END_TEST

/* SHUTDOWN, or RESTART: the old files do not have what has been written since they were left. */
START_TEST(an_end_while_the_log_is_turned_on_leaves_everything)
{
    static const enum persist_ending hows[] = { PERSIST_END_BY_RULES, PERSIST_END_SAVE, PERSIST_END_NOSAVE };

    for (int turns = 0; turns < 6; turns++) {
        begin(turns % 2, PERSIST_ALWAYS);
        write_some();
        turn(false);
        write_some();
        turn(true);
        for (int i = 0; i < turns; i++) write_some();
        ck_assert_msg(persist_shutdown(rig.p, hows[turns % 3], rig.why) == OK, "%s", rig.why);
        cut_and_expect(last_mark());
        end();
    }
}
END_TEST

START_TEST(an_end_is_refused_when_the_first_base_cannot_be_written)
{
    begin(true, PERSIST_ALWAYS);
    write_some();
    turn(false);
    write_some();
    turn(true);
    disk.fail_errno = ENOSPC;
    disk.fail_from = disk.n_ops + 1;
    disk.fail_to = UINT64_MAX;
    ck_assert_int_eq(persist_shutdown(rig.p, PERSIST_END_NOSAVE, rig.why), ERR_IO);
    ck_assert_msg(strstr(rig.why, "first base"), "%s", rig.why);
    disk.fail_from = 0;
    ck_assert_int_eq(rig_save(&rig, PERSIST_REWRITE), PERSIST_STARTED);
    ck_assert(rig_settle(&rig));
    ck_assert_str_eq(info().aof_state, "ok");
    write_durably();
    cut_and_expect(last_mark());
    end();
}
END_TEST

UNIT_MAIN("turn_on", the_log_can_be_turned_on_and_off,
          what_a_failed_attempt_has_written_does_not_come_back_in_the_next,
          what_a_crash_has_left_does_not_come_back, a_rewrite_while_the_log_is_off_takes_no_name_of_the_old_log,
          a_manifest_that_cannot_be_read_loses_none_of_its_files,
          a_rewrite_gives_way_to_the_log_turned_off_at_any_place, turning_on_gives_way_to_turning_off_at_any_place,
          a_rewrite_that_is_complete_when_it_is_given_up_counts, turning_on_is_tried_again_after_it_was_given_up,
          nothing_is_called_durable_before_the_first_base_is,
          whichever_operations_fail_while_it_is_turned_on_nothing_promised_is_lost,
          an_end_while_the_log_is_turned_on_leaves_everything,
          an_end_is_refused_when_the_first_base_cannot_be_written)
