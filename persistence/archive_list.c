/* archive_list.c -- see archive_list.h.
 *
 * A walk by skipping: each key is one descent of the index over (db, key, version, reason), however many versions
 * it has; its newest version is another one. The literal beginning of a pattern bounds the walk from both sides.
 *
 * SQLite has all texts before all blobs, each in the order of bytes. So there are two stretches to walk, and for each
 * the same beginning gives two limits of the same class. */
#include "persistence/archive_list.h"

#include <stdio.h>

#include "base/glob.h"
#include "base/mem.h"
#include "persistence/archive_reader.h"
#include "persistence/archive_schema.h"

enum {
    LOOKED_AT_MIN = 1000, /* keys in a call, */
    LOOKED_AT_TIMES = 10, /* or so many times COUNT */
    LOOKED_AT_MAX = 100000
};

/* Behind ?2, before ?3. */
static const char sql_next[] =
    "SELECT key FROM entries WHERE db = ?1 AND key > ?2 AND key < ?3 ORDER BY key LIMIT 1";
static const char sql_next_to_end[] =
    "SELECT key FROM entries WHERE db = ?1 AND key > ?2 ORDER BY key LIMIT 1";
static const char sql_from[] =
    "SELECT key FROM entries WHERE db = ?1 AND key >= ?2 AND key < ?3 ORDER BY key LIMIT 1";
static const char sql_from_to_end[] =
    "SELECT key FROM entries WHERE db = ?1 AND key >= ?2 ORDER BY key LIMIT 1";

static const char sql_newest[] =
    "SELECT type, reason, version, archived_at, expires_at, live, size, namespace FROM entries "
    "WHERE db = ?1 AND key = ?2 ORDER BY version DESC LIMIT 1";

struct list_question {
    struct archive_question q;
    int db;
    int64_t since, until, count;
    struct buf match;
    bool matches;          /* there is such a pattern */
    struct buf at;         /* the last key that was looked at; */
    bool begun, in_blobs;  /* if any, and in which stretch */
    struct buf low, high;  /* the literal beginning, and the first bytes behind all that begin so */
};

bool archive_list_cursor_ok(struct str cursor)
{
    return str_eq(cursor, STR("0")) || (cursor.n >= 1 && (cursor.p[0] == 't' || cursor.p[0] == 'b'));
}

/* --- a walk ---------------------------------------------------------------------------------------------- */

static void bind_class(sqlite3_stmt *st, int i, const struct buf *b, bool blob)
{
    const char *p = b->n > 0 ? b->p : "";

    if (blob) sqlite3_bind_blob64(st, i, p, b->n, SQLITE_STATIC);
    else sqlite3_bind_text64(st, i, p, b->n, SQLITE_STATIC, SQLITE_UTF8);
}

/* The next key of the stretch into l->at: SQLITE_ROW, SQLITE_DONE, or an error. */
static int next_in_stretch(struct list_question *l, struct archive_reader *r)
{
    bool ends = l->high.n > 0 || !l->in_blobs; /* texts end at the first blob */
    const char *behind = ends ? sql_next : sql_next_to_end, *from = ends ? sql_from : sql_from_to_end;
    sqlite3_stmt *st = archive_prepare(r, l->begun ? behind : from);
    int code;

    if (st == NULL) return SQLITE_ERROR;
    sqlite3_bind_int(st, 1, l->db);
    bind_class(st, 2, l->begun ? &l->at : &l->low, l->in_blobs);
    if (ends && l->high.n > 0) bind_class(st, 3, &l->high, l->in_blobs);
    else if (ends) sqlite3_bind_blob64(st, 3, "", 0, SQLITE_STATIC);
    code = archive_step(r, st);
    if (code == SQLITE_ROW) {
        buf_clear(&l->at); /* its bytes were bound: SQLite is done with them */
        buf_add_str(&l->at, archive_column(st, 0));
        l->begun = true;
    }
    sqlite3_reset(st);
    return code;
}

static int next_key(struct list_question *l, struct archive_reader *r)
{
    int code = next_in_stretch(l, r);

    if (code != SQLITE_DONE || l->in_blobs) return code;
    l->in_blobs = true;
    l->begun = false;
    return next_in_stretch(l, r);
}

/* --- an answer ------------------------------------------------------------------------------------------- */

static void put_number(struct reply *out, const char *name, sqlite3_stmt *st, int i)
{
    reply_bulk_c(out, name);
    reply_int(out, sqlite3_column_type(st, i) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, i));
}

static void put_text(struct reply *out, const char *name, struct str s)
{
    reply_bulk_c(out, name);
    reply_bulk(out, s);
}

/* The key that the walk stands at, if its newest version is of the time asked for: 1. 0: it is not. -1: an error. */
static int put_key(struct list_question *l, struct archive_reader *r, struct reply *out)
{
    sqlite3_stmt *st = archive_prepare(r, sql_newest);
    int64_t at;
    int code;

    if (st == NULL) return -1;
    sqlite3_bind_int(st, 1, l->db);
    bind_class(st, 2, &l->at, l->in_blobs);
    code = archive_step(r, st);
    if (code != SQLITE_ROW) return code == SQLITE_DONE ? 0 : -1;
    at = sqlite3_column_int64(st, 3);
    if (at >= l->since && at <= l->until) {
        reply_map(out, 9);
        put_text(out, "key", buf_str(&l->at));
        put_text(out, "type", archive_column(st, 0));
        put_text(out, "reason", archive_column(st, 1));
        put_number(out, "version", st, 2);
        put_number(out, "archived_at", st, 3);
        put_number(out, "expires_at", st, 4);
        put_number(out, "live", st, 5);
        put_number(out, "size", st, 6);
        put_text(out, "namespace", archive_column(st, 7));
    }
    sqlite3_reset(st);
    return at >= l->since && at <= l->until;
}

static int64_t most_looked_at(const struct list_question *l)
{
    if (l->count >= LOOKED_AT_MAX / LOOKED_AT_TIMES) return LOOKED_AT_MAX;
    return l->count * LOOKED_AT_TIMES > LOOKED_AT_MIN ? l->count * LOOKED_AT_TIMES : LOOKED_AT_MIN;
}

/* Keys into out. False: an error; else *n of them, and whether the walk has come to its end. */
static bool put_keys(struct list_question *l, struct archive_reader *r, struct reply *out, size_t *n,
                     bool *at_end)
{
    int64_t left = most_looked_at(l);
    int64_t count = l->count < r->query_rows ? l->count : r->query_rows;

    *n = 0;
    *at_end = false;
    for (; left > 0 && (int64_t)*n < count; left--) {
        int code = next_key(l, r);
        int put;

        if (code == SQLITE_DONE) {
            *at_end = true;
            return true;
        }
        if (code != SQLITE_ROW) return false;
        if (l->matches && !glob_match(buf_str(&l->match), buf_str(&l->at), false)) continue;
        put = put_key(l, r, out);
        if (put < 0 || archive_question_is_full(r, out)) return false;
        *n += (size_t)put;
    }
    return true;
}

static void answer(struct archive_question *q, struct archive_reader *r, struct reply *out)
{
    struct list_question *l = (struct list_question *)q;
    struct buf keys = { .may_fail = true };
    struct reply inner = { .out = &keys, .resp = out->resp };
    size_t n;
    bool at_end;

    if (put_keys(l, r, &inner, &n, &at_end)) {
        buf_insert(&l->at, 0, l->in_blobs ? "b" : "t", 1);
        reply_array(out, 2);
        reply_bulk(out, at_end ? STR("0") : buf_str(&l->at));
        reply_array(out, n);
        reply_raw(out, keys.p, keys.n);
    }
    buf_fini(&keys);
}

/* --- a question ------------------------------------------------------------------------------------------ */

/* The first bytes behind all that begin with low; none: there are no such. */
static void put_behind(struct buf *high, struct str low)
{
    while (low.n > 0 && (unsigned char)low.p[low.n - 1] == 0xff) low.n--;
    buf_add_str(high, low);
    if (low.n > 0) high->p[low.n - 1] = (char)((unsigned char)high->p[low.n - 1] + 1);
}

static void fini(struct archive_question *q)
{
    struct list_question *l = (struct list_question *)q;

    buf_fini(&l->match);
    buf_fini(&l->at);
    buf_fini(&l->low);
    buf_fini(&l->high);
}

struct archive_question *archive_list_question(const struct archive_list_args *args, int resp)
{
    struct archive_question *q = archive_question_new(sizeof(struct list_question), resp, answer, fini);
    struct list_question *l = (struct list_question *)q;

    l->db = args->db;
    l->since = args->since;
    l->until = args->until;
    l->count = args->count;
    l->matches = args->match.p != NULL;
    buf_add_str(&l->match, args->match);
    buf_add_str(&l->low, glob_prefix(args->match));
    put_behind(&l->high, buf_str(&l->low));
    if (args->cursor.p[0] != '0') {
        l->begun = true;
        l->in_blobs = args->cursor.p[0] == 'b';
        buf_add(&l->at, args->cursor.p + 1, args->cursor.n - 1);
    }
    return q;
}
