/* archive_reader.c -- one read-only connection, its statements, and the bounds of what runs on it.
 *
 * It can neither write nor checkpoint, not even when it is closed: SQLite up to 3.51.2 may damage a file in WAL mode
 * when two connections do. Nothing is mapped into memory: a damaged or shortened file is an error, not a signal. */
#include "persistence/archive_reader.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "persistence/archive_codec.h"
#include "persistence/archive_rank.h"
#include "persistence/archive_value.h"
#include "storage/store.h"

enum {
    OPS_BETWEEN_LOOKS = 64, /* of SQLite's machine, about a microsecond */
    BUSY_MS = 200
};

bool archive_reader_may_go_on(struct archive_reader *r)
{
    int64_t taken = (int64_t)(mem_thread_used() - r->memory_before);

    if (r->job != NULL) atomic_store_explicit(&r->taken, taken, memory_order_relaxed);
    if (r->stop != ARCHIVE_GOES_ON) return false;
    if (r->job != NULL && atomic_load_explicit(&r->job->cancelled, memory_order_relaxed))
        r->stop = ARCHIVE_NOBODY_WAITS;
    else if (r->closing != NULL && atomic_load_explicit(r->closing, memory_order_relaxed))
        r->stop = ARCHIVE_NOBODY_WAITS;
    else if (r->mono_us() > r->deadline_us) r->stop = ARCHIVE_TIME_IS_UP;
    else if (taken > r->memory_most) r->stop = ARCHIVE_MEMORY_IS_UP;
    return r->stop == ARCHIVE_GOES_ON;
}

static int look(void *reader)
{
    return !archive_reader_may_go_on(reader);
}

static const char *stop_text(enum archive_stop stop)
{
    switch (stop) {
    case ARCHIVE_TIME_IS_UP: return "it took longer than archive-query-timeout and was ended";
    case ARCHIVE_NOBODY_WAITS: return "it was cancelled";
    case ARCHIVE_MEMORY_IS_UP:
        return "it needs too much memory: ask for fewer rows or columns, or sort and group less";
    case ARCHIVE_GOES_ON: break;
    }
    return "it was interrupted";
}

/* What to do about it, where there is more to say than SQLite has. */
static const char *advice(int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ": the archive's file is damaged; what it holds can be saved with sqlite3 and .recover";
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return ": the archive's file cannot be read; see its disk and permissions";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ": another program has locked the archive's file";
    case SQLITE_NOMEM: return ": ask for less at a time";
    default: return "";
    }
}

void archive_reader_fail(struct archive_reader *r, sqlite3 *db, int code)
{
    if ((code & 0xff) == SQLITE_INTERRUPT) snprintf(r->error, sizeof r->error, "%s", stop_text(r->stop));
    else
        snprintf(r->error, sizeof r->error, "%.160s%s",
                 db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code), advice(code));
}

/* --- statements ------------------------------------------------------------------------------------------ */

sqlite3_stmt *archive_prepare(struct archive_reader *r, const char *sql)
{
    sqlite3_stmt *st = NULL;
    int code;

    for (int i = 0; i < r->n_kept; i++) {
        if (r->kept[i].sql != sql) continue;
        st = r->kept[i].st;
        sqlite3_reset(st);
        sqlite3_clear_bindings(st);
        return st;
    }
    ensure(r->n_kept < ARCHIVE_STATEMENTS);
    code = sqlite3_prepare_v3(r->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    if (code != SQLITE_OK) {
        archive_reader_fail(r, r->db, code);
        return NULL;
    }
    r->kept[r->n_kept].sql = sql;
    r->kept[r->n_kept].st = st;
    r->n_kept++;
    return st;
}

int archive_step(struct archive_reader *r, sqlite3_stmt *st)
{
    int code = sqlite3_step(st);

    if (code != SQLITE_ROW && code != SQLITE_DONE) archive_reader_fail(r, r->db, code);
    return code;
}

enum err archive_column_value(struct archive_reader *r, sqlite3_stmt *st, int i, struct buf *out)
{
    const void *p = sqlite3_column_blob(st, i);
    struct str value = str_of(p, (size_t)sqlite3_column_bytes(st, i));
    int coding = sqlite3_column_int(st, i + 1);
    int64_t size = sqlite3_column_int64(st, i + 3);

    if (size < 0 || coding < ARCHIVE_PLAIN || coding > ARCHIVE_ZSTD) return ERR_FORMAT;
    return archive_expand(r->codec, (enum archive_coding)coding, sqlite3_column_int64(st, i + 2), value,
                          (uint64_t)size, out);
}

/* --- the connection -------------------------------------------------------------------------------------- */

/* Its bounds. What it sorts and gathers is in memory, where it is counted. */
static int bound(struct archive_reader *r, sqlite3 *db)
{
    int code = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);

    sqlite3_progress_handler(db, OPS_BETWEEN_LOOKS, look, r);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (code == SQLITE_OK) code = sqlite3_busy_timeout(db, BUSY_MS);
    if (code == SQLITE_OK) code = sqlite3_exec(db, "PRAGMA query_only=1", NULL, NULL, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(db, "PRAGMA mmap_size=0", NULL, NULL, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(db, "PRAGMA cache_size=-8192", NULL, NULL, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    return code;
}

sqlite3 *archive_reader_connect(struct archive_reader *r)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

    if (code == SQLITE_OK) code = bound(r, db);
    if (code == SQLITE_OK) return db;
    archive_reader_fail(r, db, code);
    sqlite3_close(db);
    return NULL;
}

enum err archive_reader_open(struct archive_reader **out, const struct archive_reader_conf *conf, char *why)
{
    struct archive_reader *r = mem_zalloc(sizeof *r);

    r->mono_us = conf->mono_us;
    r->closing = conf->closing;
    r->deadline_us = INT64_MAX;
    r->memory_most = INT64_MAX;
    r->memory_before = mem_thread_used();
    r->path = mem_dup(conf->path, strlen(conf->path) + 1);
    r->db = archive_reader_connect(r);
    if (r->db == NULL) {
        snprintf(why, ARCHIVE_WHY, "%s cannot be opened for reading: %s", conf->path, r->error);
        archive_reader_close(&r);
        return ERR_IO;
    }
    if (archive_rank_register(r->db) != OK) {
        snprintf(why, ARCHIVE_WHY, "SQLite has no FTS5, which ARCHIVE.SEARCH needs");
        archive_reader_close(&r);
        return ERR_IO;
    }
    r->codec = archive_codec_new(r->db);
    r->values = archive_values_new(conf->values);
    *out = r;
    return OK;
}

void archive_reader_close(struct archive_reader **out)
{
    struct archive_reader *r = *out;

    if (r == NULL) return;
    for (int i = 0; i < r->n_kept; i++) sqlite3_finalize(r->kept[i].st);
    if (r->codec != NULL) archive_codec_free(&r->codec);
    if (r->values != NULL) store_free(&r->values);
    sqlite3_close(r->guest);
    sqlite3_close(r->db);
    mem_free(r->path);
    mem_free(r);
    *out = NULL;
}

/* --- a job ----------------------------------------------------------------------------------------------- */

static int64_t cache_of(sqlite3 *db)
{
    int now = 0, most;

    if (db != NULL) sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0);
    return now;
}

/* End what may have been left open, and the transaction: nothing of the file is held between jobs. */
static void end(struct archive_reader *r)
{
    sqlite3_stmt *st;

    for (int i = 0; i < r->n_kept; i++) sqlite3_reset(r->kept[i].st);
    r->stop = ARCHIVE_GOES_ON;
    r->deadline_us = INT64_MAX;
    r->memory_most = INT64_MAX;
    r->job = NULL;
    /* A rollback would tell the codec to forget its dictionaries. */
    st = sqlite3_get_autocommit(r->db) ? NULL : archive_prepare(r, "COMMIT");
    if (st != NULL) archive_step(r, st);
    if (st != NULL) sqlite3_reset(st);
    if (!sqlite3_get_autocommit(r->db)) sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
    atomic_store_explicit(&r->taken, 0, memory_order_relaxed);
    atomic_store_explicit(&r->cached, cache_of(r->db) + cache_of(r->guest), memory_order_relaxed);
}

void archive_reader_run(struct archive_reader *r, struct archive_job *j, int64_t query_ms, int64_t query_rows)
{
    int64_t now = r->mono_us();
    sqlite3_stmt *st;

    r->error[0] = '\0';
    r->stop = ARCHIVE_GOES_ON;
    r->job = j;
    r->memory_before = mem_thread_used();
    r->deadline_us = query_ms > (INT64_MAX - now) / 1000 ? INT64_MAX : now + query_ms * 1000;
    r->query_rows = query_rows;
    st = archive_prepare(r, "BEGIN");
    if (st != NULL) archive_step(r, st);
    if (st != NULL) sqlite3_reset(st);
    j->run(j, r);
    end(r);
}
