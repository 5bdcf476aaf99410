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

#endif
