#include "tests/unit/persistence/reader_rig.h"

#include <unistd.h>

#include "base/clock.h"
#include "persistence/archive_schema.h"
#include "persistence/persist.h"
#include "storage/db.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"

static _Atomic int64_t clock_us; /* 0: it is the real one */

int64_t reader_rig_clock(void)
{
    int64_t us = clock_us;

    return us != 0 ? us : clock_mono_us();
}

void reader_rig_set_clock(int64_t us)
{
    clock_us = us;
}

void reader_rig_init(struct reader_rig *g)
{
    struct archive_reader_conf conf = { .path = g->path, .mono_us = reader_rig_clock };

    memset(g, 0, sizeof *g);
    unit_dir(g->dir);
    snprintf(g->path, sizeof g->path, "%s/archive.db", g->dir);
    g->conf = (struct archive_conf){
        .path = g->path, .fts = ARCHIVE_FTS_UNICODE, .query_ms = 60000, .query_rows = 10000
    };
    g->query_ms = 60000;
    g->query_rows = 10000;
    g->store = env_store(1);
    conf.values = &g->store->conf;
    ck_assert_int_eq(sqlite3_open(g->path, &g->db), SQLITE_OK);
    /* A reader that meets a header half written takes the writer's lock for a moment. */
    sqlite3_busy_timeout(g->db, 5000);
    ck_assert_msg(archive_schema_open(g->db, &g->conf, g->why) == OK, "%s", g->why);
    reader_rig_sql(g, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=1000");
    ck_assert_msg(archive_reader_open(&g->reader, &conf, g->why) == OK, "%s", g->why);
}

void reader_rig_fini(struct reader_rig *g)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char path[128];

    archive_reader_close(&g->reader);
    sqlite3_close(g->db);
    store_free(&g->store);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", g->path, ends[i]);
        unlink(path);
    }
    rmdir(g->dir);
}

void reader_rig_sql(struct reader_rig *g, const char *sql)
{
    char *error = NULL;
    int code = sqlite3_exec(g->db, sql, NULL, NULL, &error);

    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, error);
}

void reader_rig_insert(struct reader_rig *g, const struct archive_row *row)
{
    static const char sql[] = "INSERT INTO entries(db, key, namespace, type, reason, seq, version, "
                              "archived_at, expires_at, live, size, codec, dict, "
                              "value, versions) VALUES(?1, ?2, 'session:*', 'string', ?3, ?4, ?4, ?5, "
                              "nullif(?6, -1), ?7, ?8, 0, 0, ?9, 0)";
    sqlite3_stmt *st;

    ck_assert_int_eq(sqlite3_prepare_v2(g->db, sql, -1, &st, NULL), SQLITE_OK);
    sqlite3_bind_int(st, 1, row->db);
    archive_bind(st, 2, row->key);
    sqlite3_bind_text(st, 3, row->reason, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, row->version);
    sqlite3_bind_int64(st, 5, row->at);
    sqlite3_bind_int64(st, 6, row->expires);
    sqlite3_bind_int(st, 7, row->live);
    sqlite3_bind_int64(st, 8, (int64_t)row->payload.n);
    sqlite3_bind_blob64(st, 9, row->payload.n > 0 ? row->payload.p : "", row->payload.n, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
}

struct str reader_rig_payload(struct reader_rig *g, struct buf *out, struct str text)
{
    ck_assert_int_eq(string_set(g->store->dbs[0], STR("k"), text, NULL), OK);
    buf_clear(out);
    persist_dump_plain(g->store, db_peek(g->store->dbs[0], STR("k")), out);
    return buf_str(out);
}

struct str reader_rig_ask(struct reader_rig *g, struct archive_question *q, struct buf *out)
{
    archive_reader_run(g->reader, &q->job, g->query_ms, g->query_rows);
    buf_clear(out);
    buf_add_str(out, archive_question_reply(&q->job));
    archive_question_free(&q->job);
    return buf_str(out);
}

void reader_rig_plan(struct reader_rig *g, const char *sql, struct buf *out)
{
    char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *st;

    buf_clear(out);
    ck_assert_int_eq(sqlite3_prepare_v2(g->db, text, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) buf_printf(out, "%s\n", (const char *)sqlite3_column_text(st, 3));
    sqlite3_finalize(st);
    sqlite3_free(text);
}
