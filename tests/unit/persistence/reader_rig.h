/* reader_rig.h -- an archive's file filled by hand, and a reader that answers questions to it on the test's own
 * thread. */
#ifndef MEMD_TESTS_READER_RIG_H
#define MEMD_TESTS_READER_RIG_H

#include "persistence/archive_get.h"
#include "persistence/archive_question.h"
#include "persistence/archive_reader.h"
#include "storage/store.h"
#include "tests/unit/unit.h"

struct reader_rig {
    char dir[64], path[96];
    struct archive_conf conf;
    struct store *store;           /* values are made in it */
    sqlite3 *db;                   /* the one connection that writes */
    struct archive_reader *reader;
    int64_t query_ms, query_rows;
    char why[ARCHIVE_WHY];
};

/* A version of a key, as ARCHIVE_OUT leaves it. */
struct archive_row {
    int db;
    struct str key;
    int64_t version;
    const char *reason;
    int64_t at, expires; /* -1: none */
    bool live;
    struct str payload;
};

/* A new file in a directory of its own, with the tables of the schema. */
void reader_rig_init(struct reader_rig *g);
void reader_rig_fini(struct reader_rig *g);

/* Statements of the writer's. */
void reader_rig_sql(struct reader_rig *g, const char *sql);
void reader_rig_insert(struct reader_rig *g, const struct archive_row *row);

/* The payload of a string. */
struct str reader_rig_payload(struct reader_rig *g, struct buf *out, struct str text);

/* Run q here and free it; its reply in *out. */
struct str reader_rig_ask(struct reader_rig *g, struct archive_question *q, struct buf *out);

/* A clock that stands still until it is moved, for limits of time. */
int64_t reader_rig_clock(void);
void reader_rig_set_clock(int64_t us);

/* How SQLite goes about sql: the lines of EXPLAIN QUERY PLAN. */
void reader_rig_plan(struct reader_rig *g, const char *sql, struct buf *out);

#endif
