/* Files that are none, and disks that say no: told in words, and nothing lost or doubled when they say yes again. */
#include "persistence/archive.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/persistence/archive_rig.h"
#include "tests/unit/unit.h"

static struct archive_rig r;

static void set_up(void)
{
    archive_rig_init(&r);
}

static void tear_down(void)
{
    archive_rig_fini(&r);
}

static void write_file(const char *bytes, size_t n)
{
    int fd = open(r.path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

static void expect_refusal(enum err e, const char *words)
{
    ck_assert_int_eq(archive_rig_open(&r), e);
    ck_assert_ptr_null(r.a);
    ck_assert_msg(strstr(r.why, r.path) != NULL && strstr(r.why, words) != NULL, "%s", r.why);
}

static void make_archive(int n)
{
    char key[16];

    ck_assert_msg(archive_rig_open(&r) == OK, "%s", r.why);
    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof key, "k%d", i);
        archive_rig_out(&r, 0, str_c(key), ARCHIVE_EXPIRED, true, str_c(key));
    }
    archive_rig_flush(&r);
    archive_rig_close(&r);
}

START_TEST(a_text_is_no_archive)
{
    char text[4096];

    memset(text, 'x', sizeof text);
    write_file(text, sizeof text);
    expect_refusal(ERR_FORMAT, "not an SQLite file");
}
END_TEST

START_TEST(another_programs_database_is_left_alone)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE entries(id); INSERT INTO entries VALUES(1)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    expect_refusal(ERR_FORMAT, "no archive of memd");
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries"), 1);
    ck_assert_str_eq(archive_rig_text(&r, "PRAGMA journal_mode"), "delete");
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    make_archive(1);
    archive_rig_exec(&r, "PRAGMA user_version = 2");
    expect_refusal(ERR_FORMAT, "newer memd (schema 2");
    archive_rig_exec(&r, "PRAGMA user_version = 0");
    expect_refusal(ERR_FORMAT, "damaged (schema 0)");
    archive_rig_exec(&r, "PRAGMA user_version = 1");
    ck_assert_int_eq(archive_rig_open(&r), OK);
}
END_TEST

START_TEST(a_table_that_is_missing_is_told)
{
    make_archive(1);
    archive_rig_exec(&r, "DROP TABLE applied");
    expect_refusal(ERR_FORMAT, "no such table: applied");
}
END_TEST

START_TEST(damage_is_found_at_the_start)
{
    struct stat st;
    char noise[8192];
    int fd;

    make_archive(500);
    ck_assert_int_eq(stat(r.path, &st), 0);
    ck_assert_int_gt(st.st_size, 20 * 8192);
    fd = open(r.path, O_WRONLY);
    memset(noise, 0x5a, sizeof noise);
    for (off_t at = 8192 * 2; at < st.st_size; at += 8192) ck_assert_int_eq(pwrite(fd, noise, sizeof noise, at), sizeof noise);
    expect_refusal(ERR_FORMAT, "damaged");
    ck_assert_ptr_nonnull(strstr(r.why, ".recover"));
    ck_assert_int_eq(ftruncate(fd, 100), 0);
    expect_refusal(ERR_FORMAT, "");
    close(fd);
}
END_TEST

START_TEST(a_directory_or_a_missing_one_is_told)
{
    ck_assert_int_eq(mkdir(r.path, 0700), 0);
    expect_refusal(ERR_IO, "cannot be written");
    ck_assert_int_eq(rmdir(r.path), 0);
    r.conf.path = "/tmp/memd-no-such-directory/archive.db";
    ck_assert_int_eq(archive_rig_open(&r), ERR_IO);
    ck_assert_ptr_nonnull(strstr(r.why, "/tmp/memd-no-such-directory/archive.db"));
    r.conf.path = r.path;
}
END_TEST

START_TEST(who_is_killed_while_making_the_tables_finds_a_new_file)
{
    write_file("", 0);
    ck_assert_int_eq(archive_rig_open(&r), OK);
    archive_rig_check(&r);
}
END_TEST

/* --- while it works ---------------------------------------------------------------------------------------- */

static void wait_state(const char *state)
{
    struct archive_info info;

    do {
        usleep(2000);
        archive_turn(r.a);
        archive_info(r.a, &info);
    } while (strcmp(info.state, state) != 0);
}

static void put_numbers(int from, int to, size_t size)
{
    char key[16];
    struct buf value = { 0 };

    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "k%d", i);
        buf_clear(&value);
        while (value.n < size) buf_printf(&value, "%s %d ", key, (int)(value.n * 2654435761u % 100003));
        archive_rig_out(&r, 0, str_c(key), ARCHIVE_EVICTED, true, buf_str(&value));
    }
    buf_fini(&value);
}

/* What another program does: it holds the lock that writers need. It waits for one that memd has just now. */
static sqlite3 *hold_lock(void)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

START_TEST(a_lock_of_another_process_is_waited_for)
{
    struct archive_info info;
    struct archive_note n;
    sqlite3 *db;

    ck_assert_int_eq(archive_rig_open(&r), OK);
    put_numbers(0, 10, 5);
    archive_rig_flush(&r);
    db = hold_lock();
    put_numbers(10, 20, 5);
    wait_state("failing");
    archive_info(r.a, &info);
    ck_assert_msg(strstr(info.error, "another program holds a lock") != NULL, "%s", info.error);
    ck_assert_uint_eq(info.queued, 10);
    ck_assert_int_eq(archive_pending(r.a, 0, STR("k15"), &n), PENDING_OUT); /* it can be recalled all the same */
    ck_assert(!archive_wait(r.a, archive_last_seq(r.a), 20));
    ck_assert_int_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    archive_rig_flush(&r);
    wait_state("ok");
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), max(version), max(seq) FROM entries"), "20|1|20");
    archive_rig_check(&r);
}
END_TEST

/* Files may not grow beyond n more bytes: as a quota does it, with EFBIG. */
static void limit_files(int64_t more)
{
    struct stat st;
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(stat(r.path, &st), 0);
    limit.rlim_cur = more < 0 ? limit.rlim_max : (rlim_t)(st.st_size + more);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_disk_without_room_loses_and_doubles_nothing)
{
    struct archive_info info;

    signal(SIGXFSZ, SIG_IGN);
    r.conf.compress = false;
    r.conf.queue_bytes = 1 << 20;
    ck_assert_int_eq(archive_rig_open(&r), OK);
    put_numbers(0, 10, 1000);
    archive_rig_flush(&r);
    for (int round = 0; round < 2; round++) {
        int from = 10 + round * 300;

        limit_files(40000);
        put_numbers(from, from + 300, 3000);
        wait_state("failing");
        archive_info(r.a, &info);
        ck_assert_msg(strstr(info.error, "disk") != NULL, "%s", info.error);
        ck_assert_uint_gt(info.queued, 0);
        ck_assert(!archive_has_room(r.a, 1 << 20));
        limit_files(-1);
        archive_rig_flush(&r);
        wait_state("ok");
        archive_info(r.a, &info);
        ck_assert_uint_ge(info.retries, 1);
    }
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), max(version), max(seq), sum(live) FROM entries"), "610|1|610|610");
    archive_rig_check(&r);
}
END_TEST

START_TEST(closing_does_not_wait_for_a_disk_that_fails)
{
    sqlite3 *db;

    ck_assert_int_eq(archive_rig_open(&r), OK);
    archive_begin_log(r.a, "log");
    put_numbers(0, 5, 5);
    archive_rig_flush(&r);
    db = hold_lock();
    put_numbers(5, 9, 5);
    wait_state("failing");
    archive_rig_close(&r);
    sqlite3_close(db);
    ck_assert_int_eq(archive_rig_number(&r, "SELECT count(*) FROM entries"), 5);
}
END_TEST

START_TEST(a_file_that_is_taken_away_gets_nothing_until_it_is_back)
{
    struct archive_info info;
    char away[128];

    ck_assert_int_eq(archive_rig_open(&r), OK);
    put_numbers(0, 5, 5);
    archive_rig_flush(&r);
    snprintf(away, sizeof away, "%s.away", r.path);
    ck_assert_int_eq(rename(r.path, away), 0);
    put_numbers(5, 9, 5);
    wait_state("failing");
    archive_info(r.a, &info);
    ck_assert_msg(strstr(info.error, "moved or removed") != NULL, "%s", info.error);
    ck_assert_int_eq(access(r.path, F_OK), -1);
    ck_assert_int_eq(rename(away, r.path), 0);
    archive_rig_flush(&r);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), max(version) FROM entries"), "9|1");
    archive_rig_check(&r);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
    struct archive_info info;

    r.conf.queue_bytes = 100000;
    ck_assert_int_eq(archive_rig_open(&r), OK);
    r.hold = true;
    for (int i = 0; archive_has_room(r.a, 1000); i++) put_numbers(i, i + 1, 1000);
    archive_info(r.a, &info);
    ck_assert_uint_gt(info.queued_bytes, 90000);
    ck_assert_uint_le(info.queued_bytes, 103000);
    ck_assert_uint_eq(info.queued_bytes, archive_buffer_bytes(r.a));
    archive_dropped(r.a, 3);
    archive_info(r.a, &info);
    ck_assert_uint_eq(info.dropped, 3);
    ck_assert_uint_eq(info.applied, 0); /* not synced: not taken */
    archive_rig_flush(&r);
    ck_assert(archive_has_room(r.a, 1000));
    archive_info(r.a, &info);
    ck_assert_uint_eq(info.applied, info.put);
}
END_TEST

UNIT_MAIN_AROUND("archive_failing", set_up, tear_down, a_text_is_no_archive, another_programs_database_is_left_alone,
                 a_newer_schema_is_refused, a_table_that_is_missing_is_told, damage_is_found_at_the_start,
                 a_directory_or_a_missing_one_is_told, who_is_killed_while_making_the_tables_finds_a_new_file,
                 a_lock_of_another_process_is_waited_for, a_disk_without_room_loses_and_doubles_nothing,
                 closing_does_not_wait_for_a_disk_that_fails, a_file_that_is_taken_away_gets_nothing_until_it_is_back,
                 the_queue_is_bounded)
