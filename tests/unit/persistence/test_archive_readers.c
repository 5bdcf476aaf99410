/* The reader threads: order, waiting for commits, cancelling, closing, many readers beside a writer. */
#include "persistence/archive_readers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "persistence/archive_sql.h"
#include "tests/unit/persistence/reader_rig.h"

static struct reader_rig g;
static struct archive_readers *rs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken_cond = PTHREAD_COND_INITIALIZER;
static int woken;

static void wake(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    woken++;
    pthread_cond_signal(&woken_cond);
    pthread_mutex_unlock(&lock);
}

static void set_up(void)
{
    struct archive_env env = { .mono_us = reader_rig_clock, .wake = wake };

    reader_rig_init(&g);
    env.values = &g.store->conf;
    ck_assert_msg(archive_readers_start(&rs, &g.conf, &env, g.why) == OK, "%s", g.why);
}

static void tear_down(void)
{
    archive_readers_stop(&rs);
    reader_rig_fini(&g);
}

/* A turn of the reactor, when it has been woken. */
static void turn(void)
{
    pthread_mutex_lock(&lock);
    while (woken == 0) pthread_cond_wait(&woken_cond, &lock);
    woken = 0;
    pthread_mutex_unlock(&lock);
    archive_readers_turn(rs);
}

struct probe {
    struct archive_job job;
    int name;
    _Atomic bool *go; /* run waits until it is true */
    _Atomic bool running;
};

static int answered[64], n_answered;
static const char *refused[64];

static void run_probe(struct archive_job *j, struct archive_reader *r)
{
    struct probe *p = (struct probe *)j;

    atomic_store(&p->running, true);
    while (p->go != NULL && !atomic_load(p->go))
        if (!archive_reader_may_go_on(r)) p->job.failed = true, p->go = NULL;
}

static void note_done(struct archive_job *j)
{
    refused[n_answered] = j->refused;
    answered[n_answered++] = ((struct probe *)j)->name;
}

static struct probe probe(int name, uint64_t after)
{
    return (struct probe){ .job = { .run = run_probe, .done = note_done, .after = after }, .name = name };
}

static void expect_answered(const char *names)
{
    while (n_answered < (int)strlen(names)) turn();
    for (int i = 0; names[i] != '\0'; i++) ck_assert_int_eq(answered[i], names[i]);
    ck_assert_int_eq(n_answered, (int)strlen(names));
    n_answered = 0;
}

START_TEST(jobs_of_a_lane_are_answered_in_order)
{
    struct probe p[3] = { probe('a', 0), probe('b', 0), probe('c', 0) };
    struct archive_readers_info info;

    for (int i = 0; i < 3; i++) archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &p[i].job);
    expect_answered("abc");
    archive_readers_info(rs, &info);
    ck_assert_uint_eq(info.asked, 3);
    ck_assert_uint_eq(info.waiting, 0);
    ck_assert_uint_eq(info.failed, 0);
}
END_TEST

START_TEST(a_lane_does_not_wait_for_the_other)
{
    _Atomic bool go = false;
    struct probe slow = probe('s', 0), quick = probe('q', 0);

    slow.go = &go;
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &slow.job);
    archive_readers_ask(rs, ARCHIVE_LANE_RECALL, &quick.job);
    expect_answered("q");
    atomic_store(&go, true);
    expect_answered("s");
}
END_TEST

START_TEST(a_job_that_needs_a_commit_waits_for_it_and_lets_others_pass)
{
    struct probe first = probe('1', 7), second = probe('2', 0), third = probe('3', 8);

    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &first.job);
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &third.job);
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &second.job);
    expect_answered("2");
    archive_readers_applied(rs, 6);
    second = probe('2', 6);
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &second.job);
    expect_answered("2");
    archive_readers_applied(rs, 7);
    expect_answered("1");
    archive_readers_applied(rs, 7);
    archive_readers_applied(rs, 20);
    expect_answered("3");
}
END_TEST

START_TEST(what_is_cancelled_is_not_run_and_what_runs_ends_early)
{
    _Atomic bool never = false;
    struct probe runs = probe('r', 0), waits = probe('w', 0), early = probe('e', 100);

    runs.go = &never;
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &runs.job);
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &waits.job);
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &early.job);
    while (!atomic_load(&runs.running)) sched_yield();
    atomic_store(&waits.job.cancelled, true);
    atomic_store(&early.job.cancelled, true);
    atomic_store(&runs.job.cancelled, true);
    while (n_answered < 2) turn();
    ck_assert_int_eq(answered[0], 'r');
    ck_assert_ptr_null(refused[0]);
    ck_assert(runs.job.failed);
    ck_assert_int_eq(answered[1], 'w');
    ck_assert_str_eq(refused[1], "it was cancelled");
    ck_assert(!waits.running);
    archive_readers_applied(rs, 1); /* not the one that it waits for, but it need not wait any more */
    while (n_answered < 3) turn();
    ck_assert_str_eq(refused[2], "it was cancelled");
}
END_TEST

START_TEST(at_the_end_all_jobs_are_handed_back)
{
    _Atomic bool never = false;
    struct probe runs = probe('r', 0), waits = probe('w', 0), early = probe('e', 100),
                 recall = probe('c', 100);

    runs.go = &never;
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &runs.job);
    while (!atomic_load(&runs.running)) sched_yield();
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &waits.job);
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &early.job);
    archive_readers_ask(rs, ARCHIVE_LANE_RECALL, &recall.job);
    archive_readers_stop(&rs);
    ck_assert_ptr_null(rs);
    ck_assert_int_eq(n_answered, 4);
    for (int i = 0; i < 4; i++)
        if (answered[i] != 'r') ck_assert_str_eq(refused[i], "the archive is closed");
}
END_TEST

static void run_large(struct archive_job *j, struct archive_reader *r)
{
    struct probe *p = (struct probe *)j;
    void *volatile large = mem_alloc(10 << 20);

    ck_assert(archive_reader_may_go_on(r));
    atomic_store(&p->running, true);
    while (!atomic_load(p->go)) sched_yield();
    mem_free(large);
}

START_TEST(what_a_job_takes_is_told_while_it_runs)
{
    _Atomic bool go = false;
    struct probe p = probe('p', 0);

    p.job.run = run_large;
    p.go = &go;
    ck_assert_uint_eq(archive_readers_bytes(rs), 0);
    archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &p.job);
    while (!atomic_load(&p.running)) sched_yield();
    ck_assert_uint_ge(archive_readers_bytes(rs), 10 << 20);
    ck_assert_uint_lt(archive_readers_bytes(rs), 11 << 20);
    atomic_store(&go, true);
    expect_answered("p");
    ck_assert_uint_eq(archive_readers_bytes(rs), 0);
    archive_readers_stop(&rs);
    ck_assert_uint_eq(archive_readers_bytes(rs), 0);
}
END_TEST

static int n_too_many;

static void count_refused(struct archive_job *j)
{
    n_too_many += j->refused != NULL;
}

START_TEST(so_many_may_wait_and_no_more)
{
    struct archive_job *jobs = calloc(ARCHIVE_JOBS_MAX + 10, sizeof *jobs);

    for (int i = 0; i < ARCHIVE_JOBS_MAX + 10; i++) {
        jobs[i].run = run_probe;
        jobs[i].done = count_refused;
        jobs[i].after = 1;
        archive_readers_ask(rs, ARCHIVE_LANE_RECALL, &jobs[i]);
    }
    turn();
    ck_assert_int_eq(n_too_many, 10);
    archive_readers_stop(&rs);
    ck_assert_int_eq(n_too_many, ARCHIVE_JOBS_MAX + 10);
    free(jobs);
}
END_TEST

START_TEST(a_pause_holds_jobs_until_it_ends)
{
    struct probe p = probe('p', 0);

    archive_readers_pause(rs, true);
    archive_readers_ask(rs, ARCHIVE_LANE_RECALL, &p.job);
    archive_readers_turn(rs);
    ck_assert_int_eq(n_answered, 0);
    archive_readers_pause(rs, false);
    expect_answered("p");
}
END_TEST

/* --- beside a writer ------------------------------------------------------------------------------------- */

static int n_seen;

static void check_pairs(struct archive_job *j)
{
    struct str got = archive_question_reply(j);
    static const char want[] = "*1\r\n*1\r\n:0\r\n$4\r\nmore\r\n:0\r\n"; /* no two rows differ */

    ck_assert_msg(got.n > sizeof want &&
                      memcmp(got.p + got.n - (sizeof want - 1), want, sizeof want - 1) == 0,
                  "%.*s", (int)got.n, got.p);
    n_seen++;
    archive_question_free(j);
}

/* The writer changes two rows in each transaction; whoever reads sees both or none, also across statements. */
START_TEST(readers_see_whole_transactions_while_it_is_written)
{
    enum { ROUNDS = 300 };

    reader_rig_sql(&g, "INSERT INTO meta VALUES('left', 0), ('right', 0)");
    for (int i = 0; i < ROUNDS; i++) {
        struct archive_question *q = archive_sql_question(
            STR("SELECT max(value) - min(value) AS n FROM meta WHERE name IN ('left', 'right')"), 0, NULL, 2);

        q->job.done = check_pairs;
        archive_readers_ask(rs, ARCHIVE_LANE_QUERY, &q->job);
        reader_rig_sql(&g, "BEGIN; UPDATE meta SET value = value + 1 WHERE name = 'left'; UPDATE meta SET "
                           "value = value + 1 WHERE name = "
                           "'right'; COMMIT");
        if (i % 50 == 0) reader_rig_sql(&g, "PRAGMA wal_checkpoint(TRUNCATE)");
        archive_readers_turn(rs);
    }
    while (n_seen < ROUNDS) turn();
}
END_TEST

START_TEST(a_file_that_is_none_is_refused_with_words)
{
    struct archive_env env = { .mono_us = reader_rig_clock, .wake = wake, .values = &g.store->conf };
    struct archive_conf conf = g.conf;
    struct archive_readers *none = NULL;
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/none.db", g.dir);
    conf.path = path;
    ck_assert_int_eq(archive_readers_start(&none, &conf, &env, g.why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(g.why, "none.db"));
    f = fopen(path, "w");
    for (int i = 0; i < 1000; i++) fputs("no archive ", f);
    fclose(f);
    ck_assert_int_eq(archive_readers_start(&none, &conf, &env, g.why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(g.why, "not a database"));
    ck_assert_ptr_null(none);
    unlink(path);
}
END_TEST

UNIT_MAIN_AROUND("archive readers", set_up, tear_down, jobs_of_a_lane_are_answered_in_order,
                 a_lane_does_not_wait_for_the_other,
                 a_job_that_needs_a_commit_waits_for_it_and_lets_others_pass,
                 what_is_cancelled_is_not_run_and_what_runs_ends_early, at_the_end_all_jobs_are_handed_back,
                 so_many_may_wait_and_no_more, what_a_job_takes_is_told_while_it_runs,
                 a_pause_holds_jobs_until_it_ends,
                 readers_see_whole_transactions_while_it_is_written,
                 a_file_that_is_none_is_refused_with_words)
