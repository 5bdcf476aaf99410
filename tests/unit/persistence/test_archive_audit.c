#include "persistence/archive_audit.h"

#include "base/sha256.h"
#include "tests/unit/unit.h"

static const struct archive_audit told = {
    .user = { "ada", 3 }, .address = { "127.0.0.1:5", 11 }, .command = { "config|set", 10 },
    .keys = { "[\"a,b\"]", 7 }, .value_hash = { "", 0 }, .failed = true,
};

START_TEST(a_record_is_read_as_it_was_put)
{
    struct buf b = { 0 };
    struct archive_audit r;

    archive_audit_put(&b, &told);
    ck_assert(archive_audit_get(buf_str(&b), &r));
    expect_str(r.user, told.user);
    expect_str(r.address, told.address);
    expect_str(r.command, told.command);
    expect_str(r.keys, told.keys);
    expect_str(r.value_hash, told.value_hash);
    ck_assert(r.failed);
    buf_fini(&b);
}
END_TEST

START_TEST(what_is_none_is_refused)
{
    const char *const bad[] = { "", "o", "o1:a", "o99999999999999999999:a,", "o-1:a,", "o1:a;", "o18446744073709551615:a,0:,0:,0:,0:,",
                                "o0:,0:,0:,0:,0:,x" };
    struct buf b = { 0 };
    struct archive_audit r;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(!archive_audit_get(str_c(bad[i]), &r), "%s", bad[i]);
    archive_audit_put(&b, &told);
    for (size_t n = 0; n < b.n; n++) ck_assert(!archive_audit_get(str_of(b.p, n), &r));
    buf_fini(&b);
}
END_TEST

static int text_of(sqlite3 *db, const char *sql, char *out, size_t n)
{
    sqlite3_stmt *st;
    int rc;

    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    rc = sqlite3_step(st);
    snprintf(out, n, "%s", rc == SQLITE_ROW && sqlite3_column_text(st, 0) ? (const char *)sqlite3_column_text(st, 0) : "");
    sqlite3_finalize(st);
    return rc;
}

START_TEST(each_row_names_the_one_before)
{
    static const char first[] = "1:1,4:1000,3:ada,11:127.0.0.1:5,1:2,3:a:*,10:config|set,7:[\"a,b\"],0:,5:error,0:,";
    struct archive_note n = { .verb = ARCHIVE_AUDIT, .db = 2, .at_ms = 1000, .ns = STR("a:*") };
    char hash[SHA256_TEXT + 1] = "", got[256];
    struct buf b = { 0 };
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, ARCHIVE_AUDIT_SCHEMA "CREATE TABLE meta(name TEXT PRIMARY KEY, value)", NULL, NULL, NULL),
                     SQLITE_OK);
    archive_audit_put(&b, &told);
    n.payload = buf_str(&b);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(archive_audit_insert(db, &n), SQLITE_DONE);
    n.payload = STR("of a later version");
    ck_assert_int_eq(archive_audit_insert(db, &n), SQLITE_DONE);

    sha256_hex(str_c(first), hash);
    text_of(db, "SELECT hash FROM audit WHERE id = 1", got, sizeof got);
    ck_assert_str_eq(got, hash);
    text_of(db, "SELECT count(*) FROM audit a JOIN audit b ON b.id = a.id + 1 AND b.previous = a.hash", got, sizeof got);
    ck_assert_str_eq(got, "2");
    text_of(db, "SELECT (SELECT value FROM meta WHERE name = 'audit_hash') = hash FROM audit WHERE id = 3", got, sizeof got);
    ck_assert_str_eq(got, "1");
    sqlite3_close(db);
    buf_fini(&b);
}
END_TEST

UNIT_MAIN("archive_audit", a_record_is_read_as_it_was_put, what_is_none_is_refused, each_row_names_the_one_before)
