/* Statements of users: what they may and what not, and what they may use. */
#include "persistence/archive_sql.h"

#include <unistd.h>

#include "persistence/archive_schema.h"
#include "tests/unit/persistence/reader_rig.h"

/* Under ThreadSanitizer each call of memmem looks at all of the text that is left: millions of calls take hours. */
#ifdef __SANITIZE_THREAD__
enum { MILLIONS_OF_FINDS = false };
#else
enum { MILLIONS_OF_FINDS = true };
#endif

static struct reader_rig g;
static struct buf out;

static void set_up(void)
{
    reader_rig_init(&g);
    reader_rig_sql(
        &g, "INSERT INTO entries(id, db, key, namespace, type, reason, seq, version, archived_at, live, "
            "size, codec, dict, "
            "value, versions) VALUES(1, 0, 'a', '', 'list', 'expire', 1, 1, 1000, 1, 3, 0, 0, x'00ff01', 0),"
            "(2, 0, 'b', '', 'hash', 'evict', 2, 1, 2000, 1, 3, 0, 0, 'abc', 0);"
            "INSERT INTO messages(entry, position, at, role, content, metadata, score) VALUES"
            "(1, 0, NULL, 'user', 'Hello world', '{\"n\":1}', NULL),"
            "(1, 1, 5, 'assistant', 'Good day, Zo\xc3\xab', NULL, 1.5);"
            "INSERT INTO fields(entry, field, value) VALUES(2, 'color', 'green')");
}

static void tear_down(void)
{
    reader_rig_fini(&g);
    buf_fini(&out);
}

static struct str ask(const char *sql, size_t n, const struct str *params, int resp)
{
    return reader_rig_ask(&g, archive_sql_question(str_c(sql), n, params, resp), &out);
}

static void expect_rows(const char *sql, const char *rows)
{
    struct str got = ask(sql, 0, NULL, 2);
    const char *at = memmem(got.p, got.n, "$4\r\nrows\r\n", 10);

    ck_assert_msg(at != NULL, "%s: %.*s", sql, (int)got.n, got.p);
    ck_assert_msg(strncmp(at + 10, rows, strlen(rows)) == 0, "%s: %.*s", sql, (int)got.n, got.p);
}

static void expect_error(const char *sql, const char *part)
{
    struct str got = ask(sql, 0, NULL, 2);

    ck_assert_msg(str_starts(got, STR("-ERR archive: ")), "%s: %.*s", sql, (int)got.n, got.p);
    ck_assert_msg(memmem(got.p, got.n, part, strlen(part)) != NULL, "%s: %.*s", sql, (int)got.n, got.p);
}

START_TEST(a_reply_has_columns_rows_and_whether_there_are_more)
{
    expect_str(ask("SELECT id, key AS name, NULL, 1.5, value FROM entries ORDER BY id", 0, NULL, 3),
               STR("%3\r\n$7\r\ncolumns\r\n*5\r\n$2\r\nid\r\n$4\r\nname\r\n$4\r\nNULL\r\n$3\r\n1.5\r\n$"
                   "5\r\nvalue\r\n"
                   "$4\r\nrows\r\n*2\r\n*5\r\n:1\r\n$1\r\na\r\n_\r\n,1.5\r\n$3\r\n\0\xff\1\r\n"
                   "*5\r\n:2\r\n$1\r\nb\r\n_\r\n,1.5\r\n$3\r\nabc\r\n$4\r\nmore\r\n:0\r\n"));
    expect_str(ask("SELECT 1 WHERE 0", 0, NULL, 2),
               STR("*6\r\n$7\r\ncolumns\r\n*1\r\n$1\r\n1\r\n$4\r\nrows\r\n*0\r\n$4\r\nmore\r\n:0\r\n"));
    expect_rows("SELECT 2.5, null, ''", "*1\r\n*3\r\n$3\r\n2.5\r\n$-1\r\n$0\r\n\r\n");
}
END_TEST

START_TEST(no_more_rows_than_allowed_are_given_and_that_is_told)
{
    static const char numbers[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n";
    char sql[256];

    g.query_rows = 3;
    snprintf(sql, sizeof sql, numbers, 3);
    expect_rows(sql, "*3\r\n*1\r\n:1\r\n*1\r\n:2\r\n*1\r\n:3\r\n$4\r\nmore\r\n:0\r\n");
    snprintf(sql, sizeof sql, numbers, 4);
    expect_rows(sql, "*3\r\n*1\r\n:1\r\n*1\r\n:2\r\n*1\r\n:3\r\n$4\r\nmore\r\n:1\r\n");
    snprintf(sql, sizeof sql, numbers, 2000000000); /* and no more is computed */
    expect_rows(sql, "*3\r\n*1\r\n:1\r\n*1\r\n:2\r\n*1\r\n:3\r\n$4\r\nmore\r\n:1\r\n");
}
END_TEST

START_TEST(what_people_need_is_allowed)
{
    static const char *const sqls[] = {
        "SELECT * FROM entries",
        "SELECT * FROM messages",
        "SELECT * FROM fields",
        "SELECT * FROM sessions",
        "SELECT * FROM latest",
        "SELECT * FROM audit",
        "SELECT name, value FROM meta",
        "SELECT * FROM applied",
        "SELECT id, namespace FROM dictionaries",
        "select role, count(*), sum(length(content)) from messages group by role order by 2 desc, 1 limit 10 "
        "offset 0",
        "SELECT e.key, m.content FROM entries e JOIN messages m ON m.entry = e.id WHERE m.role = 'user'",
        "SELECT content FROM messages WHERE id IN (SELECT rowid FROM messages_fts WHERE messages_fts MATCH "
        "'hello')",
        "SELECT highlight(messages_fts, 0, '<', '>'), bm25(messages_fts), rank FROM messages_fts WHERE "
        "content MATCH 'zoe' ORDER BY rank",
        "SELECT rowid FROM messages_fts('hello')",
        "SELECT key, value FROM json_each('[1,2]')",
        "SELECT fullkey FROM json_tree('{\"a\":[1]}')",
        "SELECT metadata ->> 'n', json_extract(metadata, '$.n') FROM messages",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT group_concat(i) "
        "FROM n",
        "SELECT row_number() OVER (ORDER BY id), lag(id) OVER (ORDER BY id) FROM entries",
        "SELECT datetime(archived_at / 1000, 'unixepoch'), strftime('%Y', 'now') FROM entries",
        "SELECT key FROM entries UNION SELECT field FROM fields EXCEPT SELECT 'x'",
        "VALUES (1, 2), (3, 4)",
        "SELECT DISTINCT type FROM entries WHERE key LIKE 'a%' AND key GLOB '*'",
        "SELECT 1;",
        "SELECT 1 ; -- the end",
        " /* first */ SELECT CASE WHEN 1 THEN 'a' ELSE 'b' END",
        "SELECT name FROM sqlite_schema",
        "SELECT EXISTS (SELECT 1)",
        "SELECT hex(value), typeof(value), lower(key), upper(key), printf('%d', 1), coalesce(NULL, 1) FROM "
        "entries",
        "SELECT 1;;;  ;",
    };

    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) {
        struct str got = ask(sqls[i], 0, NULL, 3);

        ck_assert_msg(str_starts(got, STR("%3\r\n$7\r\ncolumns\r\n")), "%s: %.*s", sqls[i], (int)got.n, got.p);
    }
}
END_TEST

START_TEST(nothing_else_is)
{
    static const char *const sqls[] = {
        "", " ; ", "-- nothing", "SELEC 1", "SELECT", "SELECT 1; SELECT 2", "SELECT 1; garbage",
        "SELECT 1 FROM nothing", "INSERT INTO meta VALUES('a', 1)",
        "INSERT INTO meta VALUES('a', 1) RETURNING name", "UPDATE entries SET live = 0",
        "UPDATE entries SET live = 0 RETURNING id", "DELETE FROM entries",
        "DELETE FROM entries RETURNING id", "REPLACE INTO meta VALUES(1, 2)", "DROP TABLE entries",
        "CREATE TABLE t(x)", "CREATE TEMP TABLE t(x)", "CREATE TEMP TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1", "CREATE TEMP VIEW v AS SELECT 1", "CREATE INDEX i ON entries(size)",
        "CREATE TRIGGER t AFTER DELETE ON entries BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE t USING fts5(x)", "CREATE VIRTUAL TABLE temp.t USING rtree(a, b, c)",
        "ALTER TABLE meta RENAME TO m", "ATTACH DATABASE '/tmp/x.db' AS x", "ATTACH ':memory:' AS x",
        "ATTACH 'file:/tmp/x.db?mode=rwc' AS x", "DETACH main", "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = 1", "PRAGMA query_only = 0", "PRAGMA data_version = 1",
        "PRAGMA table_info(entries)", "PRAGMA cache_size = 1000000", "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA database_list", "PRAGMA incremental_vacuum",
        "PRAGMA optimize", "PRAGMA hard_heap_limit = 1", "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_table_info('entries')", "SELECT * FROM pragma_function_list",
        "SELECT * FROM pragma_compile_options", "SELECT * FROM PRAGMA_journal_mode", "VACUUM",
        "VACUUM INTO '/tmp/copy.db'", "REINDEX", "ANALYZE", "BEGIN", "BEGIN IMMEDIATE", "COMMIT",
        "ROLLBACK", "SAVEPOINT s", "RELEASE s", "EXPLAIN SELECT 1", "EXPLAIN QUERY PLAN SELECT 1",
        "SELECT load_extension('/tmp/x.so')", "SELECT load_extension('/tmp/x.so', 'f')",
        "SELECT writefile('/tmp/x', 'y')", "SELECT readfile('/etc/passwd')", "SELECT edit('x')",
        "SELECT fts3_tokenizer('simple')", "SELECT fts3_tokenizer('simple', x'0000000000000000')",
        "SELECT fts5(?1)", "SELECT fts5_source_id()", "SELECT randomblob(10)", "SELECT last_insert_rowid()",
        "SELECT changes()", "SELECT sqlite_compileoption_get(0)", "SELECT sqlite_log(1, 'x')",
        "SELECT rtreecheck('t')", "SELECT optimize(messages_fts) FROM messages_fts", "SELECT * FROM dbstat",
        "SELECT * FROM sqlite_dbpage", "SELECT * FROM sqlite_stmt", "SELECT * FROM bytecode('SELECT 1')",
        "SELECT * FROM tables_used('SELECT 1')", "SELECT * FROM fts3tokenize",
        "SELECT * FROM fts3tokenize('simple') WHERE input = 'a'", "SELECT * FROM fsdir('/')",
        "SELECT * FROM main.dbstat", "SELECT * FROM DBSTAT",
        "INSERT INTO messages_fts(messages_fts) VALUES('rebuild')",
        "INSERT INTO messages_fts(messages_fts, rank) VALUES('pgsz', 32)",
        "SELECT * FROM temp.sqlite_schema", "SELECT * FROM entries INDEXED BY nothing",
        "SELECT \"no column\" FROM entries", "WITH x AS (SELECT 1) DELETE FROM entries",
        "WITH x AS (SELECT 1) INSERT INTO meta SELECT * FROM x", "SELECT zeroblob(100000000)",
        "SELECT json_patch('{}', '{}')", "SELECT 1 LIMIT 'x'", "UPDATE sqlite_master SET sql = ''",
        "UPDATE sqlite_schema SET name = 'x' RETURNING 1",
        "WITH x AS (SELECT 1) UPDATE sqlite_master SET rootpage = 2",
        "UPDATE main.sqlite_master SET type = 'view' WHERE 0",
    };

    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) expect_error(sqls[i], "");
    expect_error("SELECT 1; SELECT 2", "more than one statement");
    expect_error("DELETE FROM entries", "only SELECT");
    expect_error("ATTACH ':memory:' AS x", "only SELECT");
    expect_error("  ;", "there is no statement");
    expect_error("SELECT load_extension('x')", "load_extension");
    expect_rows("SELECT count(*), sum(live) FROM entries", "*1\r\n*2\r\n:2\r\n:2\r\n");
    reader_rig_sql(&g, "CREATE INDEX of_someone_else ON entries(size)"); /* the schema is read again */
    expect_rows("SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'hello'", "*1\r\n*1\r\n:1\r\n");
    expect_error("UPDATE sqlite_master SET sql = ''", "");
    ck_assert_int_eq(access("/tmp/copy.db", F_OK), -1);
}
END_TEST

/* Whatever this SQLite makes up by itself, but for json_each and json_tree, cannot be read; what the file has can. */
START_TEST(every_table_that_sqlite_makes_up_is_refused)
{
    sqlite3_stmt *st;
    int n = 0;

    ck_assert_int_eq(
        sqlite3_prepare_v2(
            g.db,
            "SELECT name FROM pragma_module_list UNION SELECT 'pragma_' || name FROM pragma_pragma_list", -1,
            &st, NULL),
        SQLITE_OK);
    for (; sqlite3_step(st) == SQLITE_ROW; n++) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        char sql[256];

        snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", name);
        if (strcmp(name, "json_each") != 0 && strcmp(name, "json_tree") != 0) expect_error(sql, "");
    }
    sqlite3_finalize(st);
    ck_assert_int_gt(n, 20);
}
END_TEST

START_TEST(parameters_are_values_and_never_text_of_the_statement)
{
    static const struct str one = { "a' OR '1'='1", 12 }, id = { "2", 1 }, blob = { "\0\xff\1", 3 };
    const struct str two[] = { { "a", 1 }, { "b", 1 } };

    expect_str(ask("SELECT id FROM entries WHERE key = ?", 1, &one, 2),
               STR("*6\r\n$7\r\ncolumns\r\n*1\r\n$2\r\nid\r\n$4\r\nrows\r\n*0\r\n$4\r\nmore\r\n:0\r\n"));
    ck_assert_ptr_nonnull(
        memmem(ask("SELECT key FROM entries WHERE id = ?", 1, &id, 2).p, out.n, "$1\r\nb\r\n", 7));
    ck_assert_ptr_nonnull(
        memmem(ask("SELECT key FROM entries WHERE value = ?", 1, &blob, 2).p, out.n, "$1\r\na\r\n", 7));
    ck_assert_ptr_nonnull(
        memmem(ask("SELECT key FROM entries LIMIT ?", 1, &id, 2).p, out.n, "$4\r\nrows\r\n*2\r\n", 14));
    ck_assert_ptr_nonnull(memmem(ask("SELECT :x || :y || :x", 2, two, 2).p, out.n, "$3\r\naba\r\n", 9));
    ck_assert_ptr_nonnull(memmem(ask("SELECT ?2", 2, two, 2).p, out.n, "$1\r\nb\r\n", 7));
    expect_error("SELECT ?", "has 1 parameters, and PARAMS gives 0");
    ck_assert(str_starts(ask("SELECT 1", 2, two, 2),
                         STR("-ERR archive: the statement has 0 parameters, and PARAMS gives 2")));
    ck_assert(str_starts(ask("SELECT ?9999", 1, &id, 2), STR("-ERR archive: ")));
}
END_TEST

/* --- bounds ---------------------------------------------------------------------------------------------- */

static const char endless[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

static int64_t now_us;

static int64_t moving_clock(void)
{
    return now_us += 1000;
}

START_TEST(what_takes_too_long_is_ended_and_the_next_one_runs)
{
    g.reader->mono_us = moving_clock; /* a millisecond at each look */
    g.query_ms = 50;
    expect_error(endless, "it took longer than archive-query-timeout");
    expect_error("SELECT count(*) FROM messages a, messages b, messages c, messages d, messages e, messages "
                 "f, messages g, messages h, "
                 "messages i, messages j, messages k, messages l",
                 "archive-query-timeout");
    expect_rows("SELECT 1", "*1\r\n*1\r\n:1\r\n");
}
END_TEST

START_TEST(what_nobody_waits_for_any_more_is_ended)
{
    struct archive_question *q = archive_sql_question(str_c(endless), 0, NULL, 2);
    struct str got;

    q->job.cancelled = true;
    archive_reader_run(g.reader, &q->job, 60000, 10);
    got = archive_question_reply(&q->job);
    expect_str(got, STR("-ERR archive: it was cancelled\r\n"));
    ck_assert(q->job.failed);
    archive_question_free(&q->job);
}
END_TEST

START_TEST(what_takes_too_much_memory_is_ended)
{
    static const char *const sqls[] = {
        "WITH RECURSIVE n(i, b) AS (SELECT 1, zeroblob(1000000) UNION ALL SELECT i + 1, zeroblob(1000000) "
        "FROM n WHERE i < 100000) "
        "SELECT i, b FROM n ORDER BY b, i DESC",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT count(*) FROM n", /* UNION remembers all rows */
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(DISTINCT hex(i) || "
        "printf('%0100d', i)) FROM n",
    };

    g.query_ms = 3600000; /* however slow the machine */
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) expect_error(sqls[i], "too much memory");
    if (MILLIONS_OF_FINDS) expect_error("SELECT replace(hex(zeroblob(4000000)), '0', 'abcdefgh')", "too big");
    expect_rows("SELECT 1", "*1\r\n*1\r\n:1\r\n");
}
END_TEST

START_TEST(a_reply_that_grows_too_large_is_refused)
{
    expect_error("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) SELECT i, "
                 "zeroblob(1000000) FROM n",
                 "the reply is larger than 32 megabytes");
}
END_TEST

/* Ours against SQLite's own, on the writer's connection, which has those. */
START_TEST(functions_that_take_the_place_of_sqlite_s_own_mean_the_same)
{
    static const char *const forms[] = {
        "SELECT quote(instr(%s, %s)) || %s", "SELECT quote(replace(%s, %s, %s))",
        "SELECT quote(trim(%s, %s)) || %s", "SELECT quote(ltrim(%s, %s)) || %s",
        "SELECT quote(rtrim(%s, %s)) || %s",
    };
    static const char *const values[] = {
        "''", "'a'", "'b'", "'ab'", "'aba'", "'aaaa'", "'abcabcabc'", "'bca'", "'Zo\xc3\xab'", "'\xc3\xab'",
        "'\xc3\xab\xc3\xab o'", "NULL", "1", "12.5", "x''", "x'61'", "x'6162'", "x'c3'", "x'ab'",
        "'\xe2\x82\xac \xe2\x82\xac'", "' '",
    };
    enum { VALUES = sizeof values / sizeof *values };
    char sql[256];
    struct rng rng;

    unit_rng(&rng);
    for (int round = 0; round < 4000; round++) {
        sqlite3_stmt *st;
        struct str got, want;
        char frame[256];

        snprintf(sql, sizeof sql, forms[rng_below(&rng, 5)], values[rng_below(&rng, VALUES)],
                 values[rng_below(&rng, VALUES)], values[rng_below(&rng, VALUES)]);
        ck_assert_int_eq(sqlite3_prepare_v2(g.db, sql, -1, &st, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
        want = archive_column(st, 0);
        if (sqlite3_column_type(st, 0) == SQLITE_NULL) snprintf(frame, sizeof frame, "*1\r\n*1\r\n$-1\r\n");
        else snprintf(frame, sizeof frame, "*1\r\n*1\r\n$%zu\r\n%.*s\r\n", want.n, (int)want.n, want.p);
        got = ask(sql, 0, NULL, 2);
        ck_assert_msg(memmem(got.p, got.n, frame, strlen(frame)) != NULL, "%s: want %s, got %.*s", sql, frame,
                      (int)got.n, got.p);
        sqlite3_finalize(st);
    }
}
END_TEST

/* SQLite's own would be busy for hours, in one step. */
START_TEST(long_texts_compared_with_long_texts_take_no_hours)
{
    expect_rows("SELECT instr(zeroblob(8000000), zeroblob(3999999) || x'01')", "*1\r\n*1\r\n:0\r\n");
    expect_rows(
        "WITH t(x) AS (SELECT printf('%04000000d', 0)) SELECT length(replace(x || x, x || '1', 'y')) FROM t",
        "*1\r\n*1\r\n:8000000\r\n");
    expect_error("WITH t(x) AS (SELECT printf('%04000000d', 0)) SELECT length(trim(x, x)) FROM t",
                 "trim takes at most 100 characters");
    if (MILLIONS_OF_FINDS) expect_error("SELECT replace(hex(zeroblob(3000000)), '0', 'abcdefgh')", "too big");
}
END_TEST

START_TEST(odd_texts_are_refused_with_words)
{
    struct buf sql = { 0 };

    ck_assert(str_starts(reader_rig_ask(&g, archive_sql_question(STR("SELECT 1\0, 2"), 0, NULL, 2), &out),
                         STR("-ERR archive: the statement holds a NUL byte")));
    buf_add_c(&sql, "SELECT ");
    for (int i = 0; i < 40000; i++) buf_add_c(&sql, "1,");
    ck_assert(str_starts(reader_rig_ask(&g, archive_sql_question(buf_str(&sql), 0, NULL, 2), &out),
                         STR("-ERR archive: the statement is longer than 65536 bytes")));
    sql.n = 7 + 2 * 300;
    buf_add_c(&sql, "1");
    ck_assert(str_starts(reader_rig_ask(&g, archive_sql_question(buf_str(&sql), 0, NULL, 2), &out),
                         STR("-ERR archive: too many columns")));
    sql.n = 7;
    for (int i = 0; i < 5000; i++) buf_add_char(&sql, '(');
    ck_assert(str_starts(reader_rig_ask(&g, archive_sql_question(buf_str(&sql), 0, NULL, 2), &out),
                         STR("-ERR archive: ")));
    ck_assert(
        str_starts(reader_rig_ask(&g, archive_sql_question(STR("SELECT '\xff\xfe', \xff"), 0, NULL, 2), &out),
                   STR("-ERR archive: ")));
    buf_fini(&sql);
}
END_TEST

/* Random words of SQL one after another: an answer or an error, never a change. */
START_TEST(noise_is_answered)
{
    static const char *const words[] = {
        "SELECT", "FROM", "entries", "messages", "*", "(", ")", ",", "1", "'x'", "WHERE", "=", "key",
        "JOIN", "ON", "id", "GROUP BY", "ORDER BY", "LIMIT", "DELETE", "INSERT INTO", "VALUES", "WITH",
        "RECURSIVE", "AS", "n", "UNION", "NOT", "NULL", "?", ";", "PRAGMA", "ATTACH", "messages_fts",
        "MATCH", "count", "json_each", "--", "\"", "'", "[", "x'00'", "CASE", "END", "IN", "EXISTS", "live",
    };
    struct buf sql = { 0 };
    struct rng rng;

    unit_rng(&rng);
    g.query_ms = 200;
    for (int round = 0; round < 3000; round++) {
        size_t n = 1 + rng_below(&rng, 12);
        struct str got;

        buf_clear(&sql);
        if (rng_below(&rng, 2) == 0) buf_add_c(&sql, "SELECT * FROM entries ");
        for (size_t i = 0; i < n; i++)
            buf_printf(&sql, "%s ", words[rng_below(&rng, sizeof words / sizeof *words)]);
        got = reader_rig_ask(&g, archive_sql_question(buf_str(&sql), 0, NULL, 2), &out);
        ck_assert_msg(str_starts(got, STR("-ERR archive: ")) ||
                          str_starts(got, STR("*6\r\n$7\r\ncolumns\r\n")),
                      "%.*s", (int)sql.n, sql.p);
    }
    buf_fini(&sql);
    expect_rows("SELECT count(*), sum(live) FROM entries", "*1\r\n*2\r\n:2\r\n:2\r\n");
}
END_TEST

UNIT_MAIN_AROUND("archive sql", set_up, tear_down, a_reply_has_columns_rows_and_whether_there_are_more,
                 no_more_rows_than_allowed_are_given_and_that_is_told, what_people_need_is_allowed,
                 nothing_else_is, every_table_that_sqlite_makes_up_is_refused,
                 parameters_are_values_and_never_text_of_the_statement,
                 what_takes_too_long_is_ended_and_the_next_one_runs, what_nobody_waits_for_any_more_is_ended,
                 what_takes_too_much_memory_is_ended, a_reply_that_grows_too_large_is_refused,
                 functions_that_take_the_place_of_sqlite_s_own_mean_the_same,
                 long_texts_compared_with_long_texts_take_no_hours, odd_texts_are_refused_with_words,
                 noise_is_answered)
