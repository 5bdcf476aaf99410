/* archive_get.c -- see archive_get.h.
 *
 * All statements go by the index over (db, key, version, reason), or the one of live rows: what they cost does not
 * depend on how many versions there are. */
#include "persistence/archive_get.h"

#include <stdio.h>

#include "base/mem.h"
#include "persistence/archive_reader.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_value.h"

#define COLUMNS "value, codec, dict, size, version, archived_at, expires_at, reason, live"
#define OF_KEY " FROM entries WHERE db = ?1 AND key = ?2 "

static const char sql_live[] = "SELECT " COLUMNS OF_KEY "AND live = 1 LIMIT 1";
static const char sql_newest[] =
    "SELECT " COLUMNS OF_KEY "AND reason <> 'trim' ORDER BY version DESC LIMIT 1";
static const char sql_version[] = "SELECT " COLUMNS OF_KEY "AND version = ?3 LIMIT 1";
static const char sql_up_to[] = "SELECT " COLUMNS OF_KEY
                                "AND version <= ?3 AND reason <> 'trim' ORDER BY version DESC LIMIT 1";
static const char sql_after[] =
    "SELECT " COLUMNS OF_KEY "AND version > ?3 AND reason <> 'trim' ORDER BY version LIMIT 1";

static const char sql_last[] = "SELECT max(version)" OF_KEY;
static const char sql_when[] =
    "SELECT version, archived_at" OF_KEY "AND version >= ?3 ORDER BY version LIMIT 1";

static const char sql_versions[] =
    "SELECT version, type, reason, archived_at, expires_at, live, size, namespace" OF_KEY
    "AND version < ?3 ORDER BY version DESC LIMIT ?4";

/* sql about the key, with a number as ?3, and its first step. NULL: an error, or there is no row. */
static sqlite3_stmt *first_row(const struct archive_get *g, struct archive_reader *r, const char *sql,
                               int64_t number)
{
    sqlite3_stmt *st = archive_prepare(r, sql);

    if (st == NULL) return NULL;
    sqlite3_bind_int(st, 1, g->db);
    archive_bind(st, 2, buf_str(&g->key));
    if (sqlite3_bind_parameter_count(st) > 2) sqlite3_bind_int64(st, 3, number);
    return archive_step(r, st) == SQLITE_ROW ? st : NULL;
}

/* The last version that had left by `ms`; 0: none had. Versions are numbered as they come, so their times grow
 * with their numbers, and halving finds the place. */
static int64_t last_by(const struct archive_get *g, struct archive_reader *r, int64_t ms)
{
    sqlite3_stmt *st = first_row(g, r, sql_last, 0);
    int64_t from = 0, to = st != NULL ? sqlite3_column_int64(st, 0) : 0;

    while (from < to) {
        int64_t middle = from + (to - from) / 2 + 1; /* at least one version lies at or above it: `to` */

        st = first_row(g, r, sql_when, middle);
        if (st == NULL) break;
        if (sqlite3_column_int64(st, 1) <= ms) from = sqlite3_column_int64(st, 0);
        else to = middle - 1;
    }
    return from;
}

static enum archive_reason reason_of(sqlite3_stmt *st, int i)
{
    struct str name = archive_column(st, i);

    for (int n = 0; n < ARCHIVE_REASONS; n++)
        if (str_is_word(name, archive_reason_names[n])) return (enum archive_reason)n;
    return ARCHIVE_ASKED;
}

static sqlite3_stmt *row_at(const struct archive_get *g, struct archive_reader *r)
{
    int64_t last = last_by(g, r, g->number);
    sqlite3_stmt *st = r->error[0] == '\0' ? first_row(g, r, sql_up_to, last) : NULL;

    if (r->error[0] != '\0') return NULL;
    if (st != NULL && reason_of(st, 7) != ARCHIVE_OVERWRITTEN) return st;
    return first_row(g, r, sql_after, last);
}

static sqlite3_stmt *row_asked_for(const struct archive_get *g, struct archive_reader *r)
{
    switch (g->which) {
    case ARCHIVE_NEWEST_LIVE: return first_row(g, r, sql_live, 0);
    case ARCHIVE_NEWEST: return first_row(g, r, sql_newest, 0);
    case ARCHIVE_VERSION_NUMBER: return first_row(g, r, sql_version, g->number);
    case ARCHIVE_AT_MS: break;
    }
    return row_at(g, r);
}

static enum err look_up(struct archive_get *g, struct archive_reader *r)
{
    sqlite3_stmt *st = row_asked_for(g, r);
    enum err e;

    if (st == NULL) return r->error[0] != '\0' ? ERR_IO : ERR_NO_KEY;
    g->version = sqlite3_column_int64(st, 4);
    g->archived_at = sqlite3_column_int64(st, 5);
    g->expires_at = sqlite3_column_type(st, 6) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 6);
    g->reason = reason_of(st, 7);
    g->live = sqlite3_column_int(st, 8) != 0;
    e = archive_column_value(r, st, 0, &g->out);
    sqlite3_reset(st);
    return e;
}

static void fail(const struct archive_get *g, struct archive_reader *r)
{
    if (g->result == ERR_FORMAT)
        snprintf(r->error, sizeof r->error, "version %lld of the key is damaged and cannot be read",
                 (long long)g->version);
    else if (g->result == ERR_OOM)
        snprintf(r->error, sizeof r->error, "there is no memory to read version %lld of the key",
                 (long long)g->version);
}

static void find(struct archive_get *g, struct archive_reader *r)
{
    g->result = look_up(g, r);
    fail(g, r);
}

/* --- a recall's ------------------------------------------------------------------------------------------ */

static void run(struct archive_job *j, struct archive_reader *r)
{
    struct archive_get *g = (struct archive_get *)j;

    find(g, r);
    g->job.failed = g->result != OK && g->result != ERR_NO_KEY;
    if (g->job.failed) buf_fini(&g->out);
    memcpy(g->error, r->error, sizeof g->error);
}

static void init(struct archive_get *g, int db, struct str key, enum archive_which which, int64_t number)
{
    g->db = db;
    buf_add_str(&g->key, key);
    g->which = which;
    g->number = number;
    g->result = ERR_IO; /* until it has run */
    g->expires_at = -1;
}

struct archive_get *archive_get_new(int db, struct str key, enum archive_which which, int64_t number)
{
    struct archive_get *g = mem_zalloc(sizeof *g);

    init(g, db, key, which, number);
    g->job.run = run;
    return g;
}

static void fini(struct archive_get *g)
{
    buf_fini(&g->key);
    buf_fini(&g->out);
}

void archive_get_free(struct archive_get **g)
{
    if (*g == NULL) return;
    fini(*g);
    mem_free(*g);
    *g = NULL;
}

/* --- ARCHIVE.GET ----------------------------------------------------------------------------------------- */

struct get_question {
    struct archive_question q;
    struct archive_get get; /* its job is not asked */
};

static void reply_value(struct archive_get *g, struct archive_reader *r, struct reply *out)
{
    const struct entry *e;

    g->result = archive_value_decode(r->values, buf_str(&g->out), &e);
    buf_fini(&g->out);
    fail(g, r);
    if (g->result == OK) archive_value_reply(r->values, e, out);
}

static void answer_get(struct archive_question *q, struct archive_reader *r, struct reply *out)
{
    struct archive_get *g = &((struct get_question *)q)->get;

    find(g, r);
    if (g->result == ERR_NO_KEY) reply_null(out);
    if (g->result == OK) reply_value(g, r, out);
}

static void answer_pending(struct archive_question *q, struct archive_reader *r, struct reply *out)
{
    reply_value(&((struct get_question *)q)->get, r, out);
}

static void fini_get(struct archive_question *q)
{
    fini(&((struct get_question *)q)->get);
}

struct archive_question *archive_get_question(int db, struct str key, enum archive_which which,
                                              int64_t number, int resp)
{
    struct archive_question *q =
        archive_question_new(sizeof(struct get_question), resp, answer_get, fini_get);

    init(&((struct get_question *)q)->get, db, key, which, number);
    return q;
}

struct archive_question *archive_get_pending(struct str payload, int resp)
{
    struct archive_question *q =
        archive_question_new(sizeof(struct get_question), resp, answer_pending, fini_get);

    buf_add_str(&((struct get_question *)q)->get.out, payload);
    return q;
}

/* --- ARCHIVE.VERSIONS ------------------------------------------------------------------------------------ */

struct versions_question {
    struct archive_question q;
    struct archive_get of; /* db and key; number: before */
    int64_t count;
};

static void put_version(sqlite3_stmt *st, struct reply *out)
{
    reply_map(out, 8);
    reply_bulk_c(out, "version");
    reply_int(out, sqlite3_column_int64(st, 0));
    reply_bulk_c(out, "type");
    reply_bulk(out, archive_column(st, 1));
    reply_bulk_c(out, "reason");
    reply_bulk(out, archive_column(st, 2));
    reply_bulk_c(out, "archived_at");
    reply_int(out, sqlite3_column_int64(st, 3));
    reply_bulk_c(out, "expires_at");
    reply_int(out, sqlite3_column_type(st, 4) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 4));
    reply_bulk_c(out, "live");
    reply_int(out, sqlite3_column_int64(st, 5));
    reply_bulk_c(out, "size");
    reply_int(out, sqlite3_column_int64(st, 6));
    reply_bulk_c(out, "namespace");
    reply_bulk(out, archive_column(st, 7));
}

static void answer_versions(struct archive_question *q, struct archive_reader *r, struct reply *out)
{
    struct versions_question *v = (struct versions_question *)q;
    sqlite3_stmt *st = archive_prepare(r, sql_versions);
    size_t mark = reply_mark(out), n = 0;
    int code;

    if (st == NULL) return;
    sqlite3_bind_int(st, 1, v->of.db);
    archive_bind(st, 2, buf_str(&v->of.key));
    sqlite3_bind_int64(st, 3, v->of.number > 0 ? v->of.number : INT64_MAX);
    sqlite3_bind_int64(st, 4, v->count < r->query_rows ? v->count : r->query_rows);
    while ((code = archive_step(r, st)) == SQLITE_ROW && !archive_question_is_full(r, out)) {
        put_version(st, out);
        n++;
    }
    sqlite3_reset(st);
    if (code == SQLITE_DONE) reply_array_at(out, mark, n);
}

static void fini_versions(struct archive_question *q)
{
    fini(&((struct versions_question *)q)->of);
}

struct archive_question *archive_versions_question(int db, struct str key, int64_t before, int64_t count,
                                                   int resp)
{
    struct archive_question *q =
        archive_question_new(sizeof(struct versions_question), resp, answer_versions, fini_versions);
    struct versions_question *v = (struct versions_question *)q;

    init(&v->of, db, key, ARCHIVE_NEWEST, before);
    v->count = count;
    return q;
}
