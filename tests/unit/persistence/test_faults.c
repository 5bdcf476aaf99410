/* Failing disks: whichever operation fails, with whichever error, once or for a while, nothing that was
 * acknowledged is lost, writes are refused meanwhile and only then, and service resumes (D5, D6). The same while
 * loading: an error then refuses to start, changes nothing, and the next start has everything.
 *
 * MEMD_FAULTS=all tries each error at each operation (make powercut); else each operation fails with one. */
#include <errno.h>
#include <unistd.h>

#include "tests/unit/persistence/rig.h"
#include "tests/unit/persistence/trial.h"

static struct memfs disk;
static struct rig rig;

/* The last one only once: it means to try again. */
static const int errors[] = { EIO, ENOSPC, EROFS, EDQUOT, EAGAIN, EMFILE, ENOMEM, EPERM, EINTR };
enum { N_ERRORS = sizeof errors / sizeof *errors };

static bool try_all(void)
{
    return getenv("MEMD_FAULTS") != NULL;
}

/* What goes wrong. */
struct fault {
    uint64_t at;      /* the operation, counted from the start */
    bool for_a_while; /* else once */
    int error;
    bool shorts;      /* writes are cut in pieces, also the failing one */
    enum persist_fsync mode;
    bool reads;       /* it is one of those that ask or read */
};

static void arm(const struct fault *f)
{
    disk.fail_errno = f->error;
    disk.short_writes = f->shorts;
    if (f->reads) {
        disk.ask_from = f->at;
        disk.ask_to = f->for_a_while ? UINT64_MAX : f->at;
    } else {
        disk.fail_from = f->at;
        disk.fail_to = f->for_a_while ? UINT64_MAX : f->at;
    }
}

static bool was_hit(const struct fault *f)
{
    return (f->reads ? disk.n_asks : disk.n_ops) >= f->at;
}

static void lift(void)
{
    disk.fail_from = disk.ask_from = 0;
    disk.short_writes = false;
}

/* --- a life with a fault in it ----------------------------------------------------------------------------- */

/* A start that fails says why; the next one, with a sound disk, does not. */
static void start_somehow(void)
{
    rig.why[0] = 0;
    if (rig_start(&rig) == OK) return;
    ck_assert_msg(rig.why[0], "refused without a reason");
    ck_assert_uint_eq(memfs_n_open(&disk), 0);
    lift();
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
}

/* No operation succeeds any more: what failed cannot heal before this thread lifts the fault. A fault that is met once
 * is healed by the log's own thread at any time, also between two questions. */
static bool stays_broken(void)
{
    return persist_is_failing(rig.p) && disk.fail_from && disk.fail_to == UINT64_MAX;
}

/* What the server does: writes, unless they are refused. */
static void serve(struct rng *g)
{
    for (int k = 0; k < 2; k++) {
        if (stays_broken()) ck_assert_ptr_nonnull(persist_refusal(rig.p));
        if (!persist_refusal(rig.p)) rig_random(&rig, g, 1 + (size_t)rng_below(g, 4));
        rig_turn(&rig);
    }
    persist_sync_soon(rig.p);
    rig_turn(&rig);
}

static void step(struct rng *g, int i)
{
    serve(g);
    switch (i) {
    case 1:
    case 6:
        rig_save(&rig, PERSIST_REWRITE);
        break;
    case 3:
        rig_save(&rig, PERSIST_BGSAVE_LATER);
        break;
    case 5:
        rig.conf.appendfsync = rig.conf.appendfsync == PERSIST_ALWAYS ? PERSIST_EVERYSEC : PERSIST_ALWAYS;
        rig_set(&rig);
        break;
    case 8:
        if (persist_shutdown(rig.p, PERSIST_END_SAVE, rig.why) != OK) ck_assert(rig.why[0]);
        break;
    default:
        usleep(200);
    }
}

static void tell_trace(const struct trace *t)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < t->n_names; i++) buf_printf(&text, "  name %zu %s\n", i, t->names[i].path);
    for (size_t i = 0; i < t->n; i++) trace_tell(t, i, &text);
    buf_add_char(&text, 0);
    fputs(text.p, stderr);
    buf_fini(&text);
}

/* Everything acknowledged is there after a kill. */
static void kill_and_look(void)
{
    uint64_t durable = persist_durable_offset(rig.p), synced = persist_synced_offset(rig.p), acked;

    rig_kill(&rig);
    ck_assert_uint_eq(memfs_n_open(&disk), 0);
    rig.promise.saves = rig.promise.rewrites = 0;
    start_somehow();
    /* What was written and failed to sync, perhaps while it was killed or at the start, is not on the disk. It is there
     * all the same as long as the system has it in memory. */
    acked = disk.n_failed_syncs && disk.evicts ? synced : durable;
    if (rig_where(&rig) < (int64_t)acked) tell_trace(disk.trace);
    ck_assert_msg(rig_where(&rig) >= 0, "a state that never was");
    ck_assert_msg(rig_where(&rig) >= (int64_t)acked, "loaded to %" PRId64 ", acknowledged was %" PRIu64 " (synced %" PRIu64
                  ", durable %" PRIu64 ", %" PRIu64 " failed syncs)", rig_where(&rig), acked, synced, durable,
                  (uint64_t)disk.n_failed_syncs);
    rig_forget_lost(&rig);
    rig_report(&rig);
}

/* False: the fault is behind the last operation. */
static bool live(const struct fault *f, uint64_t seed)
{
    struct trace trace;
    struct rng g;
    struct crash_count count = { 0 };
    struct crash_plan plan = { .sector = 512, .pairs = 1, .tears = 1, .every = 12, .rng = &g };
    struct trial t = { .rig = &rig, .trace = &trace, .count = &count, .name = "a fault" };
    bool hit, ok;

    rng_seed(&g, seed);
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendfsync = f->mode;
    trace_begin(&trace, &disk);
    disk.drops_unsynced = true;
    disk.evicts = seed % 2 == 0;
    arm(f);
    start_somehow();
    rig_report(&rig);
    for (int i = 0; i < 10; i++) {
        step(&g, i);
        if (i == 4) kill_and_look();
        if (f->for_a_while && was_hit(f) && rng_below(&g, 2)) lift();
    }
    hit = was_hit(f);
    lift();
    ck_assert_msg(rig_settle(&rig), "it does not heal");
    ck_assert_msg(!persist_refusal(rig.p), "%s", persist_refusal(rig.p));
    rig_random(&rig, &g, 3);
    ck_assert(rig_durable(&rig));
    rig_kill(&rig);
    ck_assert_uint_eq(memfs_n_open(&disk), 0);
    disk.trace = NULL;
    memfs_cut(&disk, &g);
    if (rig_start(&rig) != OK) {
        tell_trace(&trace);
        ck_abort_msg("%s", rig.why);
    }
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[rig.n_marks - 1].offset);
    rig_kill(&rig);
    ok = crash_states_each(&trace, &plan, trial_state, &t, &count);
    ck_assert(ok);
    trace_fini(&trace);
    rig_fini(&rig);
    memfs_fini(&disk);
    return hit;
}

/* Fault by fault, until one is never met. */
static uint64_t all_lives(struct rng *g, bool reads, bool for_a_while, uint64_t every)
{
    const char *only = getenv("MEMD_FAULT_AT");
    uint64_t n = only ? strtoull(only, NULL, 10) : 1;

    for (bool hit = true; hit; n += try_all() ? 1 : every) {
        size_t combinations = try_all() ? N_ERRORS * 3 : 1;

        hit = false;
        for (size_t k = 0; k < combinations; k++) {
            size_t pick = combinations > 1 ? k : (size_t)rng_next(g) % (N_ERRORS * 3);

            if (for_a_while && pick % N_ERRORS == N_ERRORS - 1) pick--;
            if (only) pick = strtoull(strchr(only, ':') + 1, NULL, 10);
            struct fault f = { .at = n, .for_a_while = for_a_while, .error = errors[pick % N_ERRORS],
                               .shorts = (n + pick) % 5 == 0, .mode = (enum persist_fsync)(pick / N_ERRORS),
                               .reads = reads };

            printf("operation %" PRIu64 ", choice %zu\n", n, pick);
            fflush(stdout);
            hit = live(&f, n * 1000 + pick) || hit;
        }
        ck_assert_uint_lt(n, 3000);
        hit = hit && !only;
    }
    printf("%" PRIu64 " operations%s\n", n, reads ? " that read" : "");
    return n;
}

START_TEST(whichever_operation_fails_once_nothing_acknowledged_is_lost)
{
    struct rng g;

    unit_rng(&g);
    ck_assert_uint_gt(all_lives(&g, false, false, 3), 60);
}
END_TEST

START_TEST(a_disk_that_fails_for_a_while_refuses_writes_and_loses_nothing_acknowledged)
{
    struct rng g;

    unit_rng(&g);
    ck_assert_uint_gt(all_lives(&g, false, true, 7), 20);
}
END_TEST

START_TEST(whichever_read_fails_once_nothing_acknowledged_is_lost)
{
    struct rng g;

    unit_rng(&g);
    ck_assert_uint_gt(all_lives(&g, true, false, 2), 5);
}
END_TEST

/* A sync fails, and before it says so more is written behind what is lost, in the same sector. */
static void write_while_it_fails(bool from_the_start)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    ck_assert_int_eq(rig_start(&rig), OK);
    if (!from_the_start) rig_do(&rig, 0, "SET kept 0");
    ck_assert(rig_durable(&rig));
    disk.drops_unsynced = disk.evicts = true;
    rig_do(&rig, 0, "SET lost 1");
    rig_turn(&rig);
    disk.fail_errno = EIO;
    disk.fail_from = disk.fail_to = disk.n_ops + 1;
    memfs_hold(&disk, "failed ");
    persist_sync_soon(rig.p);
    memfs_wait_held(&disk);
    rig_do(&rig, 0, "SET later 2");
    rig_turn(&rig);
    disk.fail_from = disk.n_ops + 1; /* and no other file can be made */
    disk.fail_to = UINT64_MAX;
    memfs_hold(&disk, NULL);
    rig_kill(&rig);
    lift();
}

START_TEST(what_is_written_while_a_sync_fails_does_not_make_damage_of_what_it_has_lost)
{
    for (int from_the_start = 0; from_the_start < 2; from_the_start++) {
        write_while_it_fails(from_the_start);
        ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
        ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[from_the_start ? 0 : 1].offset);
        rig_fini(&rig);
        memfs_fini(&disk);
    }
}
END_TEST

/* What is appended while a sync runs is covered by it or not; then a sync of it fails, and nobody has the bytes any more
 * (appendfsync no). */
static void fail_behind_a_write_within_a_sync(void)
{
    rig_do(&rig, 0, "SET kept 0");
    rig_turn(&rig);
    memfs_hold(&disk, "sync ");
    persist_sync_soon(rig.p);
    memfs_wait_held(&disk);
    rig_do(&rig, 0, "SET within 1");
    rig_turn(&rig);
    memfs_hold(&disk, "failed ");
    while (persist_synced_offset(rig.p) < rig.marks[1].offset) rig_turn(&rig);
    rig_do(&rig, 0, "SET behind 2");
    rig_turn(&rig);
    disk.fail_errno = EIO;
    disk.fail_from = disk.n_ops + 1; /* and no other file can be made */
    disk.fail_to = UINT64_MAX;
    persist_sync_soon(rig.p);
    memfs_wait_held(&disk);
    memfs_hold(&disk, NULL);
    rig_kill(&rig);
    lift();
}

/* The next start reads what the system still shows, or what is on the disk. Whatever it builds on is there: no cut brings
 * a file in which a part is missing, which would be damage. */
static void build_on_what_is_read(bool evicts)
{
    struct trace trace;
    struct rng g;
    struct crash_count count = { 0 };
    struct crash_plan plan = { .sector = 512, .pairs = 2, .tears = 2, .samples = 2, .every = 1, .rng = &g };
    struct trial t = { .rig = &rig, .trace = &trace, .count = &count, .name = "a write within a sync" };

    unit_rng(&g);
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendfsync = PERSIST_NO;
    trace_begin(&trace, &disk);
    disk.drops_unsynced = true;
    disk.evicts = evicts;
    ck_assert_int_eq(rig_start(&rig), OK);
    fail_behind_a_write_within_a_sync();
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_int_ge(rig_where(&rig), (int64_t)rig.marks[evicts ? 1 : 3].offset);
    rig_forget_lost(&rig);
    rig_report(&rig);
    for (int i = 0; i < 3; i++) {
        rig_random(&rig, &g, 3);
        ck_assert(rig_durable(&rig));
    }
    rig_kill(&rig);
    ck_assert(crash_states_each(&trace, &plan, trial_state, &t, &count));
    trace_fini(&trace);
    rig_fini(&rig);
    memfs_fini(&disk);
}

START_TEST(what_is_read_behind_a_failed_sync_is_certain_before_the_log_is_built_on_it)
{
    build_on_what_is_read(false);
    build_on_what_is_read(true);
}
END_TEST

START_TEST(what_was_read_and_is_gone_when_it_is_to_be_made_certain_refuses_the_start)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendfsync = PERSIST_NO;
    disk.drops_unsynced = disk.evicts_late = true;
    ck_assert_int_eq(rig_start(&rig), OK);
    fail_behind_a_write_within_a_sync();
    ck_assert_int_eq(rig_start(&rig), ERR_IO);
    ck_assert_ptr_nonnull(strstr(rig.why, "its end could not be made certain"));
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[1].offset);
    rig_fini(&rig);
    memfs_fini(&disk);
}
END_TEST

/* --- loading -------------------------------------------------------------------------------------------------- */

/* Directories to load from: what is left by a kill in the middle of things. */
static void leave_behind(int kind, struct memfs *fs, struct rng *g)
{
    memfs_init(fs);
    rig_init(&rig, fs);
    rig.conf.appendonly = kind > 0;
    ck_assert_int_eq(rig_start(&rig), OK);
    rig_random(&rig, g, 20);
    rig_turn(&rig);
    if (kind == 0) {
        ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_DONE);
        rig.n_marks = 0;
        rig_mark(&rig);
    } else {
        ck_assert_int_eq(persist_save(rig.p, PERSIST_REWRITE), PERSIST_STARTED);
        ck_assert(rig_settle(&rig));
        rig_random(&rig, g, 10);
        rig_turn(&rig);
    }
    if (kind == 2) {
        /* killed while it rewrites: an increment more, no base for it yet */
        memfs_hold(fs, "rename");
        ck_assert_int_eq(persist_save(rig.p, PERSIST_REWRITE), PERSIST_STARTED);
        for (int i = 0; i < 3; i++) {
            rig_random(&rig, g, 5);
            rig_turn(&rig);
        }
        memfs_hold(fs, NULL);
    }
    rig_kill(&rig);
}

/* The log's last batch is cut short. */
static void tear_tail(struct memfs *fs)
{
    const char *last = NULL;
    struct str s;
    struct buf copy = { 0 };

    for (size_t i = 0; i < fs->n_names; i++)
        if (fs->names[i].file && strstr(fs->names[i].path, ".incr.aof") && fs->names[i].file->n > 3)
            last = fs->names[i].path;
    s = memfs_get(fs, last);
    buf_add(&copy, s.p, s.n - 3);
    memfs_put(fs, last, buf_str(&copy));
    buf_fini(&copy);
}

START_TEST(a_fault_while_loading_refuses_the_start_and_the_next_one_has_everything)
{
    static struct memfs left;
    struct rng g;
    size_t lives = 0;

    unit_rng(&g);
    for (int kind = 0; kind < 6; kind++) {
        struct digest want;
        uint64_t offset;

        leave_behind(kind % 3, &left, &g);
        if (kind > 3) tear_tail(&left);
        memfs_copy(&disk, &left);
        rig.fs = &disk;
        ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
        want = rig_digest(&rig);
        offset = persist_offset(rig.p);
        rig_kill(&rig);
        memfs_fini(&disk);
        for (int reads = 0; reads < 2; reads++) {
            struct fault f = { .reads = reads };
            bool hit = true;

            for (f.at = 1; hit; f.at++) {
                struct digest got;
                enum err e;

                f.error = errors[f.at % 2];
                memfs_copy(&disk, &left);
                arm(&f);
                e = rig_start(&rig);
                hit = was_hit(&f);
                lives++;
                if (e != OK) {
                    ck_assert_msg(strchr(rig.why, '/') != NULL, "the file is not named: %s", rig.why);
                    ck_assert_msg(strstr(rig.why, "damaged") == NULL, "an error is not damage: %s", rig.why);
                    ck_assert_uint_eq(memfs_n_open(&disk), 0);
                    lift();
                    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
                }
                got = rig_digest(&rig);
                ck_assert_mem_eq(&got, &want, sizeof got);
                ck_assert_uint_eq(persist_offset(rig.p), offset);
                lift();
                ck_assert(rig_settle(&rig));
                rig_kill(&rig);
                ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
                got = rig_digest(&rig);
                ck_assert_mem_eq(&got, &want, sizeof got);
                rig_kill(&rig);
                memfs_fini(&disk);
            }
        }
        rig_fini(&rig);
        memfs_fini(&left);
    }
    ck_assert_uint_gt(lives, 100);
}
END_TEST

/* --- short and interrupted calls ------------------------------------------------------------------------------ */

START_TEST(reads_and_writes_that_are_short_or_interrupted_change_nothing)
{
    struct rng g;

    unit_rng(&g);
    for (int mode = 0; mode < 3; mode++) {
        memfs_init(&disk);
        disk.short_writes = disk.interrupts = true;
        rig_init(&rig, &disk);
        rig.conf.appendfsync = (enum persist_fsync)mode;
        ck_assert_int_eq(rig_start(&rig), OK);
        for (int i = 0; i < 10; i++) {
            struct persist_info info;

            step(&g, i == 8 ? 7 : i);
            ck_assert(rig_durable(&rig));
            persist_info(rig.p, &info);
            ck_assert_uint_eq(info.aof_write_errors, 0);
        }
        ck_assert(rig_settle(&rig));
        ck_assert_msg(rig_again(&rig) == OK, "%s", rig.why);
        ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[rig.n_marks - 1].offset);
        rig_fini(&rig);
        memfs_fini(&disk);
    }
}
END_TEST

UNIT_MAIN("faults", whichever_operation_fails_once_nothing_acknowledged_is_lost,
          a_disk_that_fails_for_a_while_refuses_writes_and_loses_nothing_acknowledged,
          whichever_read_fails_once_nothing_acknowledged_is_lost,
          what_is_written_while_a_sync_fails_does_not_make_damage_of_what_it_has_lost,
          what_is_read_behind_a_failed_sync_is_certain_before_the_log_is_built_on_it,
          what_was_read_and_is_gone_when_it_is_to_be_made_certain_refuses_the_start,
          a_fault_while_loading_refuses_the_start_and_the_next_one_has_everything,
          reads_and_writes_that_are_short_or_interrupted_change_nothing)
