/* archive_reader.h -- what a question sees of the archive: a read-only connection on a thread of its own.
 *
 * Modules that answer questions (archive_get.c, archive_list.c, archive_search.c, archive_sql.c) have a struct
 * that begins with a struct archive_job; its run is called here, within a transaction. Replies are made as RESP bytes
 * in the job, so that the reactor only copies them.
 *
 * What a question may use is bounded: SQLite asks now and then whether it may go on (archive_reader_may_go_on), and is
 * interrupted when the time is up, when nobody waits any more, or when the thread has taken too much memory. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_READER_H
#define MEMD_PERSISTENCE_ARCHIVE_READER_H

#include <sqlite3.h>

#include "persistence/archive.h"

struct archive_codec;
struct buf;
struct store;

enum {
    ARCHIVE_STATEMENTS = 64,         /* kept by a reader */
    ARCHIVE_QUERY_MEMORY = 96 << 20, /* for memory_most; temporary tables and sorting are in it */
    ARCHIVE_REPLY_MAX = 32 << 20     /* bytes of a reply */
};

/* Why SQLite was told to stop. */
enum archive_stop { ARCHIVE_GOES_ON, ARCHIVE_TIME_IS_UP, ARCHIVE_NOBODY_WAITS, ARCHIVE_MEMORY_IS_UP };

struct archive_reader {
    sqlite3 *db;                 /* read-only */
    struct archive_codec *codec; /* archive_codec.h: this thread's */
    struct store *values;        /* an empty store in which payloads are decoded (archive_value.h) */
    int64_t deadline_us; /* of the job that runs: statements are interrupted then (or when cancelled) */
    int64_t query_rows;
    int64_t memory_most; /* bytes that this job may take; a job whose work somebody else chose sets it */
    char error[256];             /* why the last statement failed */

    /* The rest is archive_reader.c's. */
    int64_t (*mono_us)(void);
    const struct archive_job *job;  /* that runs; NULL: none */
    const _Atomic bool *closing;
    enum archive_stop stop;
    uint64_t memory_before;
    _Atomic int64_t cached;         /* bytes of SQLite's caches after the last job; for any thread */
    _Atomic int64_t taken;          /* bytes, by the job that runs, when it was last looked at; for any thread */
    sqlite3 *guest;              /* archive_sql.c: for statements of users; opened when the first comes */
    char *path;
    struct { const char *sql; sqlite3_stmt *st; } kept[ARCHIVE_STATEMENTS];
    int n_kept;
};

/* --- for questions --------------------------------------------------------------------------------------- */

/* A prepared statement of fixed text, kept for the next time: reset and unbound. NULL: r->error says why. Text is a
 * literal: it is compared by address. */
sqlite3_stmt *archive_prepare(struct archive_reader *r, const char *sql);

/* Step: SQLITE_ROW, SQLITE_DONE, or an error, with r->error set. An interrupt says by what. */
int archive_step(struct archive_reader *r, sqlite3_stmt *st);

/* The value of an entries row, uncompressed, appended to out: columns value, codec, dict, size at i ... i + 3. */
enum err MUST_USE archive_column_value(struct archive_reader *r, sqlite3_stmt *st, int i, struct buf *out);

/* Has the job that runs time, memory, and somebody who waits for it? For loops that are not SQLite's. */
bool archive_reader_may_go_on(struct archive_reader *r);

/* Put what db's last error was, or why it was interrupted, into r->error. */
void archive_reader_fail(struct archive_reader *r, sqlite3 *db, int code);

/* --- for threads, and tests that need none ---------------------------------------------------------------- */

struct archive_reader_conf {
    const char *path;
    const struct store_conf *values;
    int64_t (*mono_us)(void);
    const _Atomic bool *closing; /* true: interrupt everything; NULL: never */
};

/* why[ARCHIVE_WHY]. */
enum err MUST_USE archive_reader_open(struct archive_reader **r, const struct archive_reader_conf *conf,
                                      char *why);
void archive_reader_close(struct archive_reader **r);

/* Another read-only connection to the same file, with the same bounds. NULL: r->error says why. */
sqlite3 *archive_reader_connect(struct archive_reader *r);

/* Run j, which may take so long and give so many rows. */
void archive_reader_run(struct archive_reader *r, struct archive_job *j, int64_t query_ms,
                        int64_t query_rows);

#endif
