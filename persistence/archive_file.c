/* archive_file.c -- see archive_file.h.
 *
 * synchronous is FULL: a commit is on the disk. The log of changes (WAL) is not checkpointed by SQLite itself but
 * by the writer between transactions, so that it is known when the disk is busy with it. Triggers, which keep the index
 * for others who write to the file, are off here: a statement that fires one can be undone by itself, and for that FTS5
 * writes out its index before and after each, which makes it three times as slow. Memory is not mapped: a file
 * that another process cuts would kill this one. */
#include "persistence/archive_file.h"

#include <errno.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/glob.h"
#include "persistence/archive_codec.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_value.h"
#include "persistence/why.h"
#include "storage/store.h"

enum { BUSY_MS = 500, OPEN_BUSY_MS = 3000 };

static const char *const texts[ARCHIVE_SQLS] = {
#define ARCHIVE_SQL(code, text) [code] = text,
    ARCHIVE_SQL_TABLE(ARCHIVE_SQL)
#undef ARCHIVE_SQL
};

/* --- opening ----------------------------------------------------------------------------------------------- */

/* memd_glob(pattern, key): as KEYS matches, to the byte. */
static void run_glob(sqlite3_context *c, int argc, sqlite3_value **argv)
{
    struct str part[2];

    (void)argc;
    for (int i = 0; i < 2; i++) {
        const void *p = sqlite3_value_blob(argv[i]);

        part[i] = str_of(p != NULL ? p : "", (size_t)sqlite3_value_bytes(argv[i]));
    }
    sqlite3_result_int(c, glob_match(part[0], part[1], false));
}

static int note_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct archive_file *f = ctx;

    (void)db;
    (void)name;
    f->wal_pages = pages;
    return SQLITE_OK;
}

static int look_for_index(struct archive_file *f)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(f->db, "SELECT 1 FROM sqlite_schema WHERE name = 'messages_fts'", -1, &st, NULL);

    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    f->is_indexed = rc == SQLITE_ROW;
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int set_up(struct archive_file *f)
{
    int rc = sqlite3_exec(f->db,
                          "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
                          "PRAGMA cache_size = -16384; PRAGMA secure_delete = OFF; PRAGMA trusted_schema = ON;"
                          "PRAGMA journal_size_limit = 67108864;",
                          NULL, NULL, NULL);

    if (rc == SQLITE_OK) rc = sqlite3_create_function(f->db, "memd_glob", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                                      NULL, run_glob, NULL, NULL);
    sqlite3_wal_hook(f->db, note_wal, f); /* also ends SQLite's own checkpoints */
    if (rc == SQLITE_OK) rc = sqlite3_db_config(f->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    if (rc == SQLITE_OK) rc = look_for_index(f);
    return rc;
}

static int64_t read_count(struct archive_file *f, const char *name, int *rc)
{
    sqlite3_stmt *st = archive_sql(f, SQL_META);
    int64_t n = 0;
    int got = SQLITE_ERROR;

    if (st != NULL) {
        sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
        got = sqlite3_step(st);
        if (got == SQLITE_ROW) n = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    if (got != SQLITE_ROW && got != SQLITE_DONE) *rc = got;
    return n;
}

static int read_counts(struct archive_file *f)
{
    int rc = SQLITE_OK;

    f->counts.entries = read_count(f, "entries", &rc);
    f->counts.messages = read_count(f, "messages", &rc);
    f->counts.fields = read_count(f, "fields", &rc);
    f->counts.live = read_count(f, "live", &rc);
    return rc;
}

static enum err refuse(struct archive_file *f, const char *path, int rc, char *why)
{
    char text[ARCHIVE_WHY / 2];

    archive_file_error(f, rc, text, sizeof text);
    return why_put(why, ERR_IO, "%s: %s", path, text);
}

/* What is found in the log of changes may be in the system's memory alone, where a sync failed and the process ended: it is
 * written to the file and synced there, and the log begins anew, before anything is appended to it. On a full disk, and
 * while another program reads, it is left as it is. */
static int take_in(struct archive_file *f)
{
    int rc = archive_checkpoint(f, true);

    return (rc & 0xff) == SQLITE_FULL ? SQLITE_OK : rc;
}

enum err archive_file_open(struct archive_file *f, const struct archive_conf *conf, const struct store_conf *values,
                           char *why)
{
    enum err e = OK;
    int rc;

    *f = (struct archive_file){ .compress = conf->compress, .messages = conf->messages };
    rc = sqlite3_open_v2(conf->path, &f->db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(f->db, OPEN_BUSY_MS);
        e = archive_schema_open(f->db, conf, why);
    }
    if (rc == SQLITE_OK && e == OK) rc = set_up(f);
    if (rc == SQLITE_OK && e == OK) rc = take_in(f);
    if (rc == SQLITE_OK && e == OK) rc = read_counts(f);
    if (rc != SQLITE_OK) e = refuse(f, conf->path, rc, why);
    if (e != OK) {
        archive_file_close(f);
        return e;
    }
    sqlite3_busy_timeout(f->db, BUSY_MS);
    f->codec = archive_codec_new(f->db);
    f->values = archive_values_new(values);
    return OK;
}

void archive_file_close(struct archive_file *f)
{
    if (f->begun) archive_rollback(f);
    if (f->codec != NULL) archive_codec_free(&f->codec);
    if (f->values != NULL) store_free(&f->values);
    for (int i = 0; i < ARCHIVE_SQLS; i++) sqlite3_finalize(f->statements[i]);
    buf_fini(&f->room);
    buf_fini(&f->room2);
    sqlite3_close(f->db);
    *f = (struct archive_file){ 0 };
}

/* --- statements -------------------------------------------------------------------------------------------- */

sqlite3_stmt *archive_sql(struct archive_file *f, enum archive_sql which)
{
    sqlite3_stmt **st = &f->statements[which];

    if (*st == NULL) {
        if (sqlite3_prepare_v3(f->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, st, NULL) != SQLITE_OK) return NULL;
    } else {
        sqlite3_reset(*st);
        sqlite3_clear_bindings(*st);
    }
    return *st;
}

int archive_code(const struct archive_file *f)
{
    int rc = sqlite3_extended_errcode(f->db);

    return rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_ERROR : rc;
}

int archive_run(struct archive_file *f, sqlite3_stmt *st)
{
    int rc;

    if (st == NULL) return archive_code(f);
    do {
        rc = sqlite3_step(st);
    } while (rc == SQLITE_ROW);
    sqlite3_reset(st);
    return rc;
}

int archive_do(struct archive_file *f, enum archive_sql which)
{
    return archive_run(f, archive_sql(f, which));
}

/* --- transactions ------------------------------------------------------------------------------------------ */

int archive_begin(struct archive_file *f)
{
    int rc = archive_do(f, SQL_BEGIN);

    if (rc != SQLITE_DONE) return rc;
    f->begun = true;
    f->before = f->counts;
    return SQLITE_OK;
}

static int write_count(struct archive_file *f, const char *name, int64_t n, int64_t was)
{
    sqlite3_stmt *st;

    if (n == was) return SQLITE_DONE;
    st = archive_sql(f, SQL_SET_META);
    if (st == NULL) return archive_code(f);
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, n);
    return archive_run(f, st);
}

int archive_commit(struct archive_file *f)
{
    int rc = write_count(f, "entries", f->counts.entries, f->before.entries);

    if (rc == SQLITE_DONE) rc = write_count(f, "messages", f->counts.messages, f->before.messages);
    if (rc == SQLITE_DONE) rc = write_count(f, "fields", f->counts.fields, f->before.fields);
    if (rc == SQLITE_DONE) rc = write_count(f, "live", f->counts.live, f->before.live);
    if (rc == SQLITE_DONE) rc = archive_do(f, SQL_COMMIT);
    if (rc != SQLITE_DONE) return rc;
    f->begun = false;
    return SQLITE_OK;
}

void archive_rollback(struct archive_file *f)
{
    /* after some errors SQLite has done it already */
    if (!sqlite3_get_autocommit(f->db)) archive_do(f, SQL_ROLLBACK);
    f->begun = false;
    f->counts = f->before;
    /* a dictionary that was trained in it is not in the file */
    archive_codec_free(&f->codec);
    f->codec = archive_codec_new(f->db);
}

static int drop_where(struct archive_file *f, enum archive_sql which, int64_t id, int64_t *count)
{
    sqlite3_stmt *st = archive_sql(f, which);
    int rc;

    if (st == NULL) return archive_code(f);
    sqlite3_bind_int64(st, 1, id);
    rc = archive_run(f, st);
    if (rc == SQLITE_DONE) *count -= sqlite3_changes64(f->db); /* without those of triggers */
    return rc;
}

int archive_index(struct archive_file *f, enum archive_sql which, struct str text)
{
    sqlite3_stmt *st;

    if (!f->is_indexed) return SQLITE_DONE;
    st = archive_sql(f, which);
    if (st == NULL) return archive_code(f);
    sqlite3_bind_int64(st, 1, sqlite3_last_insert_rowid(f->db));
    sqlite3_bind_text64(st, 2, text.n > 0 ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8);
    return archive_run(f, st);
}

/* The index is told the texts that are to be forgotten: it has not kept them. */
static int unindex(struct archive_file *f, enum archive_sql texts_of, enum archive_sql which, int64_t entry)
{
    sqlite3_stmt *rows = f->is_indexed ? archive_sql(f, texts_of) : NULL;
    int rc = SQLITE_DONE, done = SQLITE_DONE;

    if (!f->is_indexed) return SQLITE_DONE;
    if (rows == NULL) return archive_code(f);
    sqlite3_bind_int64(rows, 1, entry);
    while (done == SQLITE_DONE && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        sqlite3_stmt *st = archive_sql(f, which);

        if (st == NULL) {
            done = archive_code(f);
            break;
        }
        sqlite3_bind_int64(st, 1, sqlite3_column_int64(rows, 0));
        sqlite3_bind_value(st, 2, sqlite3_column_value(rows, 1));
        done = archive_run(f, st);
    }
    sqlite3_reset(rows);
    return done == SQLITE_DONE ? rc : done;
}

int archive_drop_entry(struct archive_file *f, int64_t id)
{
    sqlite3_stmt *st;
    int rc = unindex(f, SQL_MESSAGE_TEXTS, SQL_UNINDEX_MESSAGE, id);

    if (rc == SQLITE_DONE) rc = unindex(f, SQL_FIELD_TEXTS, SQL_UNINDEX_FIELD, id);
    if (rc == SQLITE_DONE) rc = drop_where(f, SQL_DROP_MESSAGES, id, &f->counts.messages);
    if (rc == SQLITE_DONE) rc = drop_where(f, SQL_DROP_FIELDS, id, &f->counts.fields);
    if (rc != SQLITE_DONE) return rc;
    st = archive_sql(f, SQL_DROP_ENTRY);
    if (st == NULL) return archive_code(f);
    sqlite3_bind_int64(st, 1, id);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        f->counts.entries--;
        f->counts.live -= sqlite3_column_int64(st, 0);
    }
    sqlite3_reset(st);
    return rc;
}

/* Readers that are in the middle of a question are not waited for. */
int archive_checkpoint(struct archive_file *f, bool all)
{
    int in_log = 0, moved = 0, rc;

    sqlite3_busy_timeout(f->db, 0);
    rc = sqlite3_wal_checkpoint_v2(f->db, NULL, all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
    if (rc == SQLITE_OK) f->wal_pages = in_log > moved ? in_log - moved : 0;
    sqlite3_busy_timeout(f->db, BUSY_MS);
    return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED ? SQLITE_OK : rc;
}

/* --- errors ------------------------------------------------------------------------------------------------ */

void archive_file_error(const struct archive_file *f, int rc, char *out, size_t room)
{
    const char *text = f->db != NULL ? sqlite3_errmsg(f->db) : sqlite3_errstr(rc);
    int os = f->db != NULL ? sqlite3_system_errno(f->db) : 0;

    switch (rc & 0xff) {
    case SQLITE_FULL:
        snprintf(out, room, "the disk is full: free some space");
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        snprintf(out, room, "another program holds a lock on the file: end its transaction");
        break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        snprintf(out, room, "the file cannot be written (%s): look at its owner, its mode and its directory", text);
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        snprintf(out, room, "the file is damaged (%s): stop memd, move it away, or save it with sqlite3's .recover", text);
        break;
    case SQLITE_IOERR:
        snprintf(out, room, "the disk fails (%s%s%s)", text, os != 0 ? ": " : "", os != 0 ? strerror(os) : "");
        break;
    default:
        snprintf(out, room, "%s", text);
    }
}
