/* The archive beside its log: what a crash leaves is brought in when the log is loaded, and nothing twice. */
#include "persistence/archive.h"

#include "base/clock.h"
#include "tests/unit/persistence/archive_rig.h"
#include "tests/unit/unit.h"

static const char first_log[] = "1111111111111111111111111111111111111111";
static const char other_log[] = "2222222222222222222222222222222222222222";
enum { EVERYTHING = 1000000 };
static struct archive_rig r;

static void set_up(void)
{
    archive_rig_init(&r);
}

static void tear_down(void)
{
    if (r.a != NULL) archive_rig_check(&r);
    archive_rig_fini(&r);
}

static void open_for(const char *log)
{
    ck_assert_msg(archive_rig_open(&r) == OK, "%s", r.why);
    archive_begin_log(r.a, log);
}

/* Read the log's notes from the nth on, at most `count`. */
static void replay(size_t from, size_t count)
{
    size_t at = 0;

    for (size_t i = 0; at < r.log.n && i < from + count; i++) {
        uint64_t n;

        memcpy(&n, r.log.p + at, sizeof n);
        at += sizeof n;
        if (i >= from) ck_assert(archive_replay(r.a, str_of(r.log.p + at, n)));
        at += n;
    }
}

static void loaded(void)
{
    archive_loaded(r.a);
    if (archive_last_seq(r.a) > 0) ck_assert(archive_wait(r.a, archive_last_seq(r.a), 20000));
    archive_turn(r.a);
}

static void out_numbers(int from, int to)
{
    char key[16];

    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "k%d", i);
        archive_rig_out(&r, 0, str_c(key), ARCHIVE_EXPIRED, true, str_c(key));
    }
}

START_TEST(a_log_that_is_read_again_changes_nothing)
{
    open_for(first_log);
    archive_loaded(r.a);
    out_numbers(0, 100);
    archive_rig_flush(&r);
    archive_rig_close(&r);
    for (int i = 0; i < 3; i++) {
        open_for(first_log);
        replay(0, EVERYTHING);
        loaded();
        ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), max(version), max(seq) FROM entries"), "100|1|100");
        archive_rig_close(&r);
    }
    open_for(first_log);
    replay(0, EVERYTHING);
    loaded();
    out_numbers(100, 101);
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT seq FROM entries WHERE key = 'k100'"), "101");
}
END_TEST

START_TEST(what_was_not_committed_comes_from_the_log)
{
    open_for(first_log);
    archive_loaded(r.a);
    out_numbers(0, 50);
    archive_rig_flush(&r);
    r.hold = true; /* in the log, but not synced: not in the file */
    out_numbers(50, 80);
    archive_turn(r.a);
    archive_rig_close(&r);

    open_for(first_log);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries"), 50);
    replay(0, EVERYTHING);
    loaded();
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), count(DISTINCT seq), max(seq) FROM entries"), "80|80|80");
    ck_assert_str_eq(archive_rig_text(&r, "SELECT log, seq FROM applied WHERE log <> ''"),
                     "1111111111111111111111111111111111111111|80");
}
END_TEST

START_TEST(parts_of_a_log_that_overlap_are_applied_once)
{
    open_for(first_log);
    archive_loaded(r.a);
    r.hold = true;
    out_numbers(0, 90);
    archive_rig_close(&r);

    open_for(first_log);
    replay(0, 40);
    replay(20, 40); /* the same again, and more */
    replay(0, 10);
    loaded();
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), max(seq) FROM entries"), "60|60");
    archive_rig_close(&r);
    open_for(first_log);
    replay(30, EVERYTHING);
    loaded();
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), max(seq), max(version) FROM entries"), "90|90|1");
}
END_TEST

START_TEST(each_log_has_its_own_numbers)
{
    open_for(first_log);
    archive_loaded(r.a);
    out_numbers(0, 30);
    archive_rig_flush(&r);
    archive_rig_close(&r);

    buf_clear(&r.log);
    open_for(other_log);
    archive_loaded(r.a);
    out_numbers(100, 110); /* numbers 1 to 10 again */
    archive_rig_flush(&r);
    archive_rig_close(&r);
    open_for(other_log);
    replay(0, EVERYTHING);
    loaded();
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries"), 40);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(substr(log, 1, 1) || ':' || seq, ' ') FROM"
                                          " (SELECT * FROM applied ORDER BY log)"), "1:30 2:10");

    /* and when the log is turned on or off in between, no number is used twice */
    archive_begin_log(r.a, first_log);
    out_numbers(200, 201);
    archive_begin_log(r.a, "");
    out_numbers(201, 202);
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT group_concat(seq) FROM entries WHERE key IN ('k200', 'k201')"), "31,32");
}
END_TEST

START_TEST(a_full_queue_waits_for_the_writer_while_loading)
{
    struct archive_info info;

    open_for(first_log);
    archive_loaded(r.a);
    r.hold = true;
    r.conf.messages = false;
    out_numbers(0, 5000);
    archive_rig_close(&r);

    r.conf.queue_bytes = 64 << 10;
    open_for(first_log);
    replay(0, EVERYTHING);
    archive_info(r.a, &info);
    ck_assert_uint_le(info.queued_bytes, r.conf.queue_bytes);
    loaded();
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries"), 5000);
}
END_TEST

START_TEST(a_damaged_note_is_told)
{
    open_for(first_log);
    ck_assert(!archive_replay(r.a, STR("memd.archive 1 out 17 3 evict 1 -1 1 0 0 0 2\nk")));
    ck_assert(!archive_replay(r.a, STR("hello")));
}
END_TEST

START_TEST(without_a_log_numbers_go_on_after_a_restart)
{
    ck_assert_int_eq(archive_rig_open(&r), OK);
    out_numbers(0, 10);
    archive_rig_close(&r); /* which commits */
    ck_assert_int_eq(archive_rig_open(&r), OK);
    out_numbers(10, 20);
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), count(DISTINCT seq), max(seq) FROM entries"), "20|20|20");
}
END_TEST

/* Random lives against a model: what each key's versions are, and whether one is live. */
enum { KEYS = 24, DBS = 3, STEPS = 1500 };

struct model {
    int versions[DBS][KEYS];
    bool live[DBS][KEYS];
};

static int random_step(struct model *m, struct rng *rng, int i)
{
    int db = (int)rng_below(rng, DBS), k = (int)rng_below(rng, KEYS);
    char key[16], value[32];
    struct archive_note swap = { .verb = ARCHIVE_SWAPPED, .db = db, .at_ms = 5, .expires_ms = -1 };

    snprintf(key, sizeof key, "k%d", k);
    snprintf(value, sizeof value, "value %d", i);
    switch (rng_below(rng, 20)) {
    case 0:
        archive_rig_say(&r, ARCHIVE_FLUSHED, db, STR(""));
        memset(m->live[db], 0, sizeof m->live[db]);
        return 1;
    case 1: {
        struct model was = *m;

        archive_rig_note(&r, &swap, STR("0"));
        memcpy(m->versions[db], was.versions[0], sizeof was.versions[0]);
        memcpy(m->versions[0], was.versions[db], sizeof was.versions[0]);
        memcpy(m->live[db], was.live[0], sizeof was.live[0]);
        memcpy(m->live[0], was.live[db], sizeof was.live[0]);
        return 1;
    }
    case 2:
        archive_rig_say(&r, ARCHIVE_ERASE, db, str_c(key));
        m->versions[db][k] = 0;
        m->live[db][k] = false;
        return 1;
    case 3: case 4: case 5: case 6: case 7:
        archive_rig_say(&r, ARCHIVE_GONE, db, str_c(key));
        m->live[db][k] = false;
        return 1;
    case 8:
        archive_rig_out(&r, db, str_c(key), ARCHIVE_DELETED, false, str_c(value));
        m->live[db][k] = false;
        break;
    default:
        archive_rig_out(&r, db, str_c(key), ARCHIVE_EVICTED, true, str_c(value));
        m->live[db][k] = true;
    }
    m->versions[db][k]++;
    return 1;
}

/* Memory never says that a key is not there when it is, nor that it waits when it does not. */
static void compare_memory(const struct model *m)
{
    struct archive_note n;
    char key[16];

    for (int db = 0; db < DBS; db++) {
        for (int k = 0; k < KEYS; k++) {
            enum archive_pending word;

            snprintf(key, sizeof key, "k%d", k);
            word = archive_pending(r.a, db, str_c(key), &n);
            if (m->live[db][k]) {
                ck_assert_int_ne(word, PENDING_GONE);
                ck_assert(archive_may_have(r.a, db, str_c(key)));
            } else {
                ck_assert_int_ne(word, PENDING_OUT);
            }
        }
    }
}

static void compare_file(const struct model *m)
{
    char sql[160];

    for (int db = 0; db < DBS; db++) {
        for (int k = 0; k < KEYS; k++) {
            snprintf(sql, sizeof sql, "SELECT count(*) * 10 + total(live) FROM entries WHERE db = %d AND key = 'k%d'", db, k);
            ck_assert_int_eq(archive_rig_number(&r, sql), m->versions[db][k] * 10 + m->live[db][k]);
        }
    }
}

START_TEST(random_lives_with_restarts_agree_with_a_model)
{
    struct rng rng;
    struct model m = { 0 };

    unit_rng(&rng);
    r.conf.messages = false;
    open_for(first_log);
    archive_loaded(r.a);
    for (int i = 0; i < STEPS; i++) {
        r.hold = rng_below(&rng, 3) > 0;
        random_step(&m, &rng, i);
        if (rng_below(&rng, 10) == 0) archive_turn(r.a);
        if (rng_below(&rng, 20) == 0) compare_memory(&m);
        if (rng_below(&rng, 300) == 0) {
            archive_rig_flush(&r);
            compare_memory(&m);
            compare_file(&m);
        }
        if (rng_below(&rng, 200) != 0) continue;
        archive_rig_close(&r); /* with notes that are in the log alone */
        open_for(first_log);
        replay(0, EVERYTHING);
        loaded();
    }
    archive_rig_flush(&r);
    compare_file(&m);
    compare_memory(&m);
}
END_TEST

UNIT_MAIN_AROUND("archive_replay", set_up, tear_down, a_log_that_is_read_again_changes_nothing,
                 what_was_not_committed_comes_from_the_log, parts_of_a_log_that_overlap_are_applied_once,
                 each_log_has_its_own_numbers, a_full_queue_waits_for_the_writer_while_loading, a_damaged_note_is_told,
                 without_a_log_numbers_go_on_after_a_restart, random_lives_with_restarts_agree_with_a_model)
