/* archive_reader.h -- what a question sees of the archive: a read-only connection on a thread of its own.
 *
 * Modules that answer questions (archive_get.c, archive_list.c, archive_search.c, archive_sql.c) have a struct
 * that begins with a struct archive_job; its run is called here. Replies are made as RESP bytes in the job, so that
 * the reactor only copies them. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_READER_H
#define MEMD_PERSISTENCE_ARCHIVE_READER_H

#include <sqlite3.h>

#include "persistence/archive.h"

struct archive_codec;
struct buf;

struct archive_reader {
    sqlite3 *db;                 /* read-only */
    struct archive_codec *codec; /* archive_codec.h: this thread's */
    struct store *values;        /* an empty store in which payloads are decoded (archive_value.h) */
    int64_t deadline_us;         /* of the job that runs: statements are interrupted then (or when cancelled) */
    int64_t query_rows;
    char error[256];             /* why the last statement failed */
};

/* A prepared statement of fixed text, kept for the next time: reset and unbound. NULL: r->error says why. Text is a
 * literal: it is compared by address. */
sqlite3_stmt *archive_prepare(struct archive_reader *r, const char *sql);

/* Step: SQLITE_ROW, SQLITE_DONE, or an error, with r->error set. An interrupt by time says so. */
int archive_step(struct archive_reader *r, sqlite3_stmt *st);

/* The value of an entries row, uncompressed, appended to out: columns value, codec, dict, size at i ... i + 3. */
enum err MUST_USE archive_column_value(struct archive_reader *r, sqlite3_stmt *st, int i, struct buf *out);

/* --- the threads ----------------------------------------------------------------------------------------- */

/* One for each lane. They are archive.c's; everybody else calls archive_ask. */
struct archive_readers;

struct archive_readers_conf {
    const char *path;                /* copied; the file is there, with its tables */
    int64_t query_ms, query_rows;    /* of ARCHIVE_LANE_QUERY; recalls take what they need */
    const struct store_conf *values; /* copied */
    int64_t (*mono_us)(void);
    void (*wake)(void *ctx); /* thread safe: jobs are done, call archive_readers_turn */
    void *ctx;
};

/* NULL: no threads are to be had, or the file cannot be read; why[ARCHIVE_WHY] says it. */
struct archive_readers *archive_readers_start(const struct archive_readers_conf *conf, char *why);

/* Cancel what runs and waits, call done of all, end the threads. */
void archive_readers_stop(struct archive_readers **r);

void archive_readers_set_limits(struct archive_readers *r, int64_t query_ms, int64_t query_rows);

/* The reactor's. A job whose `after` is beyond what archive_readers_committed has told waits for that. */
void archive_readers_ask(struct archive_readers *r, enum archive_lane lane, struct archive_job *j);

/* Thread safe: all notes up to seq are committed, jobs that wait for it may run. seq never falls. */
void archive_readers_committed(struct archive_readers *r, uint64_t seq);

/* The reactor's: call done of the jobs that have been run. */
void archive_readers_turn(struct archive_readers *r);

/* Jobs run ever, and those that failed (r->error was set). */
void archive_readers_count(struct archive_readers *r, uint64_t *jobs, uint64_t *failed);

#endif
