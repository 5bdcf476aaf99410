/* archive_schema.c -- the tables, and whether a file has them.
 *
 * Texts are searched through FTS5 tables with external content: they hold the index alone, and triggers keep it, so
 * that also somebody who deletes rows by hand leaves it right. Deleting an entry deletes what hangs on it.
 *
 * Pages are of 16 KiB: a session compressed is of two or three, and of four of them one page of 8 KiB holds two; with larger
 * pages the file of values alone is a sixth smaller.
 *
 * entries_key has the reason too, so that the newest whole version is found without a look at the rows of what was
 * trimmed. live is 1 in one row of a key at most; its index holds these rows alone, and is what a recall reads. */
#include "persistence/archive_schema.h"

#include <stdio.h>

#include "base/utf8.h"
#include "persistence/archive_audit.h"
#include "persistence/why.h"

enum {
    APPLICATION_ID = 0x6d656d64, /* "memd" */
    QUICK_CHECK_PAGES = 1024     /* a file of up to so many pages is looked through when it is opened */
};

static const char tables[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE applied(log TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE dictionaries(id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, created_at INTEGER NOT NULL,"
    " data BLOB NOT NULL);"
    "CREATE INDEX dictionaries_namespace ON dictionaries(namespace);"
    "CREATE TABLE entries(id INTEGER PRIMARY KEY, db INTEGER NOT NULL, key TEXT NOT NULL, namespace TEXT NOT NULL,"
    " type TEXT NOT NULL, reason TEXT NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL,"
    " archived_at INTEGER NOT NULL, expires_at INTEGER, live INTEGER NOT NULL, size INTEGER NOT NULL,"
    " codec INTEGER NOT NULL, dict INTEGER NOT NULL, value BLOB NOT NULL, retain_until INTEGER,"
    " versions INTEGER NOT NULL);"
    "CREATE INDEX entries_key ON entries(db, key, version, reason);"
    "CREATE INDEX entries_live ON entries(db, key) WHERE live = 1;"
    "CREATE INDEX entries_time ON entries(archived_at);"
    "CREATE INDEX entries_retain ON entries(retain_until) WHERE retain_until IS NOT NULL;"
    "CREATE TABLE messages(id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, position INTEGER NOT NULL,"
    " message_id TEXT, at INTEGER, role TEXT, content TEXT NOT NULL, metadata TEXT, score REAL);"
    "CREATE INDEX messages_entry ON messages(entry, position);"
    "CREATE TABLE fields(id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,"
    " expires_at INTEGER);"
    "CREATE INDEX fields_entry ON fields(entry, field);"
    "CREATE TRIGGER entries_delete AFTER DELETE ON entries BEGIN"
    " DELETE FROM messages WHERE entry = old.id; DELETE FROM fields WHERE entry = old.id; END;"
    "CREATE VIEW latest AS SELECT id, db, key, namespace, type, reason, version, archived_at, expires_at, live, size"
    " FROM entries AS e WHERE reason <> 'trim' AND version = (SELECT max(version) FROM entries AS x"
    " WHERE x.db = e.db AND x.key = e.key AND x.reason <> 'trim');"
    "CREATE VIEW sessions AS SELECT id AS entry, db, key, namespace, type, version, live,"
    " datetime(archived_at / 1000, 'unixepoch') AS archived, datetime(expires_at / 1000, 'unixepoch') AS expires,"
    " (SELECT count(*) FROM messages WHERE entry = e.id) AS messages,"
    " (SELECT content FROM messages WHERE entry = e.id ORDER BY position LIMIT 1) AS first_message,"
    " (SELECT content FROM messages WHERE entry = e.id ORDER BY position DESC LIMIT 1) AS last_message"
    " FROM latest AS e;"
    "INSERT INTO meta VALUES('entries', 0), ('messages', 0), ('fields', 0), ('live', 0);";

/* For a table, its text column and its FTS5 table; the last is how it splits. */
static const char fts_of_messages[] =
    "CREATE VIRTUAL TABLE messages_fts USING fts5(content, content='messages', content_rowid='id', tokenize='%s');"
    "CREATE TRIGGER messages_insert AFTER INSERT ON messages WHEN typeof(new.content) = 'text' BEGIN"
    " INSERT INTO messages_fts(rowid, content) VALUES(new.id, new.content); END;"
    "CREATE TRIGGER messages_delete AFTER DELETE ON messages WHEN typeof(old.content) = 'text' BEGIN"
    " INSERT INTO messages_fts(messages_fts, rowid, content) VALUES('delete', old.id, old.content); END;"
    "CREATE TRIGGER messages_update AFTER UPDATE OF id, content ON messages BEGIN"
    " INSERT INTO messages_fts(messages_fts, rowid, content) SELECT 'delete', old.id, old.content"
    " WHERE typeof(old.content) = 'text';"
    " INSERT INTO messages_fts(rowid, content) SELECT new.id, new.content WHERE typeof(new.content) = 'text'; END;";

static const char fts_of_fields[] =
    "CREATE VIRTUAL TABLE fields_fts USING fts5(value, content='fields', content_rowid='id', tokenize='%s');"
    "CREATE TRIGGER fields_insert AFTER INSERT ON fields WHEN typeof(new.value) = 'text' BEGIN"
    " INSERT INTO fields_fts(rowid, value) VALUES(new.id, new.value); END;"
    "CREATE TRIGGER fields_delete AFTER DELETE ON fields WHEN typeof(old.value) = 'text' BEGIN"
    " INSERT INTO fields_fts(fields_fts, rowid, value) VALUES('delete', old.id, old.value); END;"
    "CREATE TRIGGER fields_update AFTER UPDATE OF id, value ON fields BEGIN"
    " INSERT INTO fields_fts(fields_fts, rowid, value) SELECT 'delete', old.id, old.value"
    " WHERE typeof(old.value) = 'text';"
    " INSERT INTO fields_fts(rowid, value) SELECT new.id, new.value WHERE typeof(new.value) = 'text'; END;";

static const struct {
    const char *name, *tokenize; /* NULL: no tables of it */
} splitters[] = {
    [ARCHIVE_FTS_UNICODE] = { "unicode61", "unicode61 remove_diacritics 2" },
    [ARCHIVE_FTS_TRIGRAM] = { "trigram", "trigram" },
    [ARCHIVE_FTS_NONE] = { "none", NULL },
};

/* What this version of the program reads and writes; each must be there. */
static const char *const needed[] = {
    "SELECT name, value FROM meta LIMIT 1",
    "SELECT log, seq FROM applied LIMIT 1",
    "SELECT id, namespace, created_at, data FROM dictionaries LIMIT 1",
    "SELECT id, db, key, namespace, type, reason, seq, version, archived_at, expires_at, live, size, codec, dict, value,"
    " retain_until, versions FROM entries ORDER BY id DESC LIMIT 1",
    "SELECT db, key FROM entries INDEXED BY entries_live WHERE live = 1 LIMIT 1",
    "SELECT id, entry, position, message_id, at, role, content, metadata, score FROM messages ORDER BY id DESC LIMIT 1",
    "SELECT id, entry, field, value, expires_at FROM fields ORDER BY id DESC LIMIT 1",
    "SELECT id, at, hash FROM audit ORDER BY id DESC LIMIT 1",
};

/* The number that a statement of one row and column gives. An SQLite error code, or SQLITE_OK. */
static int ask_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    *out = 0;
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) *out = sqlite3_column_int64(st, 0);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) rc = SQLITE_OK;
    sqlite3_finalize(st);
    return rc;
}

/* Words for an error that SQLite gave while the file was looked at. */
static enum err refuse(sqlite3 *db, const char *path, int rc, char *why)
{
    switch (rc & 0xff) {
    case SQLITE_NOTADB:
        return why_put(why, ERR_FORMAT, "%s is not an SQLite file: move it away, or give archive-file another name", path);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* tables that are not as they should be */
    case SQLITE_SCHEMA:
        return why_put(why, ERR_FORMAT, "%s is damaged (%s): move it and its -wal and -shm away to begin anew, or save "
                       "what it holds with: sqlite3 %s .recover", path, sqlite3_errmsg(db), path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return why_put(why, ERR_IO, "%s is locked: another program is writing to it; stop that first", path);
    default:
        return why_put(why, ERR_IO, "%s cannot be used: %s (%s)", path, sqlite3_errmsg(db), sqlite3_errstr(rc));
    }
}

/* --- a new file -------------------------------------------------------------------------------------------- */

static int make_fts(sqlite3 *db, const char *form, enum archive_fts fts)
{
    char *sql;
    int rc;

    if (splitters[fts].tokenize == NULL) return SQLITE_OK;
    sql = sqlite3_mprintf(form, splitters[fts].tokenize);
    rc = sql != NULL ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

static int put_meta(sqlite3 *db, enum archive_fts fts)
{
    char *sql = sqlite3_mprintf("INSERT INTO meta VALUES('fts', %Q); PRAGMA application_id = %d; PRAGMA user_version = %d;",
                                splitters[fts].name, APPLICATION_ID, ARCHIVE_SCHEMA_VERSION);
    int rc = sql != NULL ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return rc;
}

/* All in one transaction: whoever is killed in the middle finds a new file again. */
static int make_tables(sqlite3 *db, enum archive_fts fts)
{
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc == SQLITE_OK) rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, ARCHIVE_AUDIT_SCHEMA, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = make_fts(db, fts_of_messages, fts);
    if (rc == SQLITE_OK) rc = make_fts(db, fts_of_fields, fts);
    if (rc == SQLITE_OK) rc = put_meta(db, fts);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

/* --- a file that is there ---------------------------------------------------------------------------------- */

static enum err check_identity(const char *path, int64_t application, int64_t version, char *why)
{
    if (application != APPLICATION_ID) {
        return why_put(why, ERR_FORMAT, "%s is an SQLite file, but no archive of memd: move it away, or give archive-file "
                       "another name", path);
    }
    if (version > ARCHIVE_SCHEMA_VERSION) {
        return why_put(why, ERR_FORMAT, "%s has been made by a newer memd (schema %lld, this one knows up to %d): run that "
                       "one, or give archive-file another name", path, (long long)version, ARCHIVE_SCHEMA_VERSION);
    }
    if (version < 1) {
        return why_put(why, ERR_FORMAT, "%s is damaged (schema %lld): move it and its -wal and -shm away", path,
                       (long long)version);
    }
    return OK;
}

/* A small file is looked through. Of a large one that would take minutes: what is damaged in it is found when it is
 * read. */
static enum err check_pages(sqlite3 *db, const char *path, char *why)
{
    int64_t pages;
    sqlite3_stmt *st = NULL;
    enum err e = OK;
    int rc = ask_number(db, "PRAGMA page_count", &pages);

    if (rc != SQLITE_OK) return refuse(db, path, rc, why);
    if (pages > QUICK_CHECK_PAGES) return OK;
    rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(st, 0), "ok") != 0) {
        e = why_put(why, ERR_FORMAT, "%s is damaged (%s): move it and its -wal and -shm away to begin anew, or save what "
                    "it holds with: sqlite3 %s .recover", path, (const char *)sqlite3_column_text(st, 0), path);
    } else if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        e = refuse(db, path, rc, why);
    }
    sqlite3_finalize(st);
    return e;
}

static enum err check_tables(sqlite3 *db, const char *path, char *why)
{
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        int64_t ignored;
        int rc = ask_number(db, needed[i], &ignored);

        if (rc != SQLITE_OK) return refuse(db, path, rc, why);
    }
    return OK;
}

static int is_new(sqlite3 *db, bool *is)
{
    int64_t n, application = 0, version = 0;
    int rc = ask_number(db, "SELECT count(*) FROM sqlite_schema", &n);

    if (rc == SQLITE_OK) rc = ask_number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK) rc = ask_number(db, "PRAGMA user_version", &version);
    *is = n == 0 && application == 0 && version == 0;
    return rc;
}

enum err archive_schema_open(sqlite3 *db, const struct archive_conf *conf, char *why)
{
    int64_t application = 0, version = 0;
    bool fresh;
    int rc = is_new(db, &fresh);
    enum err e;

    if (rc == SQLITE_OK && fresh) {
        /* before the first page is written; on any other file they do nothing */
        rc = sqlite3_exec(db, "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;", NULL,
                          NULL, NULL);
        if (rc == SQLITE_OK) rc = make_tables(db, conf->fts);
        return rc == SQLITE_OK ? OK : refuse(db, conf->path, rc, why);
    }
    if (rc == SQLITE_OK) rc = ask_number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK) rc = ask_number(db, "PRAGMA user_version", &version);
    if (rc != SQLITE_OK) return refuse(db, conf->path, rc, why);
    e = check_identity(conf->path, application, version, why);
    if (e == OK) e = check_pages(db, conf->path, why);
    if (e == OK) e = check_tables(db, conf->path, why);
    if (e != OK) return e;
    rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    return rc == SQLITE_OK ? OK : refuse(db, conf->path, rc, why);
}

/* --- bytes ------------------------------------------------------------------------------------------------- */

int archive_bind(sqlite3_stmt *st, int i, struct str s)
{
    if (s.n == 0) return sqlite3_bind_text(st, i, "", 0, SQLITE_STATIC);
    if (utf8_is_text(s)) return sqlite3_bind_text64(st, i, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
    return sqlite3_bind_blob64(st, i, s.p, s.n, SQLITE_STATIC);
}

struct str archive_column(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i); /* text as it is: the file's encoding is UTF-8 */
    int n = sqlite3_column_bytes(st, i);

    return p != NULL && n > 0 ? str_of(p, (size_t)n) : STR("");
}
