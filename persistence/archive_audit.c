/* archive_audit.c -- see archive_audit.h. */
#include "persistence/archive_audit.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/sha256.h"
#include "persistence/archive_reader.h"
#include "persistence/archive_schema.h"
#include "protocol/reply.h"

/* --- the payload ------------------------------------------------------------------------------------------- */

enum { PARTS = 5 };

void archive_audit_put(struct buf *out, const struct archive_audit *r)
{
    const struct str parts[PARTS] = { r->user, r->address, r->command, r->keys, r->value_hash };

    buf_add_char(out, r->failed ? 'e' : 'o');
    for (size_t i = 0; i < PARTS; i++) {
        buf_printf(out, "%zu:", parts[i].n);
        buf_add_str(out, parts[i]);
        buf_add_char(out, ',');
    }
}

/* One netstring off the front of *s. */
static bool take(struct str *s, struct str *part)
{
    const char *colon = memchr(s->p, ':', s->n);
    uint64_t n;
    size_t head;

    if (!colon || !num_parse_u64(str_of(s->p, (size_t)(colon - s->p)), &n)) return false;
    head = (size_t)(colon - s->p) + 1;
    if (n >= s->n - head || s->p[head + n] != ',') return false;
    *part = str_of(s->p + head, n);
    *s = str_of(s->p + head + n + 1, s->n - head - n - 1);
    return true;
}

bool archive_audit_get(struct str payload, struct archive_audit *r)
{
    struct str parts[PARTS];

    if (payload.n == 0) return false;
    r->failed = payload.p[0] == 'e';
    payload = str_of(payload.p + 1, payload.n - 1);
    for (size_t i = 0; i < PARTS; i++) {
        if (payload.n == 0 || !take(&payload, &parts[i])) return false;
    }
    r->user = parts[0];
    r->address = parts[1];
    r->command = parts[2];
    r->keys = parts[3];
    r->value_hash = parts[4];
    return payload.n == 0;
}

/* --- the chain --------------------------------------------------------------------------------------------- */

/* Columns of a row, in the order in which they are hashed. */
enum column { ID, AT, USER, ADDRESS, DB, NAMESPACE, COMMAND, KEYS, VALUE_HASH, STATUS, PREVIOUS, COLUMNS };

static void add_netstring(struct buf *b, struct str s)
{
    buf_printf(b, "%zu:", s.n);
    buf_add_str(b, s);
    buf_add_char(b, ',');
}

static void hash_row(const struct str columns[COLUMNS], char out[SHA256_TEXT])
{
    struct buf b = { 0 };

    for (size_t i = 0; i < COLUMNS; i++) add_netstring(&b, columns[i]);
    sha256_hex(buf_str(&b), out);
    buf_fini(&b);
}

static struct str number(char text[NUM_TEXT_MAX], int64_t v)
{
    return str_of(text, num_i64(text, v));
}

/* --- writing ----------------------------------------------------------------------------------------------- */

static const char *const head_sql =
    "SELECT (SELECT value FROM meta WHERE name = 'audit_id'), (SELECT value FROM meta WHERE name = 'audit_hash')";

/* The last row's number and hash: 0 and none before the first. */
static int read_head(sqlite3 *db, int64_t *id, char hash[SHA256_TEXT], size_t *n)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, head_sql, -1, &st, NULL);
    struct str s;

    if (rc != SQLITE_OK) return rc;
    rc = sqlite3_step(st);
    *id = sqlite3_column_int64(st, 0);
    s = archive_column(st, 1);
    *n = s.n <= SHA256_TEXT ? s.n : 0;
    memcpy(hash, s.n ? s.p : "", *n);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int run(sqlite3 *db, const char *sql, const struct str *args, int n)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    for (int i = 0; rc == SQLITE_OK && i < n; i++) {
        rc = sqlite3_bind_text(st, i + 1, args[i].n ? args[i].p : "", (int)args[i].n, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc;
}

static int write_head(sqlite3 *db, struct str id, struct str hash)
{
    const struct str args[] = { id, hash };

    return run(db, "INSERT OR REPLACE INTO meta(name, value) VALUES ('audit_id', CAST(?1 AS INTEGER)), ('audit_hash', ?2)",
               args, 2);
}

int archive_audit_insert(sqlite3 *db, const struct archive_note *n)
{
    struct archive_audit r;
    char previous[SHA256_TEXT], hash[SHA256_TEXT], id_text[NUM_TEXT_MAX], at_text[NUM_TEXT_MAX], db_text[NUM_TEXT_MAX];
    struct str row[COLUMNS + 1];
    size_t n_previous = 0;
    int64_t id = 0;
    int rc;

    if (!archive_audit_get(n->payload, &r)) return SQLITE_DONE; /* of a version to come: nothing that we know */
    rc = read_head(db, &id, previous, &n_previous);
    if (rc != SQLITE_OK) return rc;
    row[ID] = number(id_text, id + 1);
    row[AT] = number(at_text, n->at_ms);
    row[USER] = r.user;
    row[ADDRESS] = r.address;
    row[DB] = number(db_text, n->db);
    row[NAMESPACE] = n->ns;
    row[COMMAND] = r.command;
    row[KEYS] = r.keys;
    row[VALUE_HASH] = r.value_hash;
    row[STATUS] = r.failed ? STR("error") : STR("ok");
    row[PREVIOUS] = str_of(previous, n_previous);
    hash_row(row, hash);
    row[COLUMNS] = str_of(hash, SHA256_TEXT);
    rc = run(db, "INSERT INTO audit(id, at, user, address, db, namespace, command, keys, value_hash, status, previous, hash)"
                 " VALUES (CAST(?1 AS INTEGER), CAST(?2 AS INTEGER), ?3, ?4, CAST(?5 AS INTEGER), ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
             row, COLUMNS + 1);
    return rc == SQLITE_DONE ? write_head(db, row[ID], row[COLUMNS]) : rc;
}

/* --- verifying --------------------------------------------------------------------------------------------- */

struct walk {
    bool whole; /* from the first row that was ever written */
    int64_t checked, first, last, broken; /* row numbers; broken 0: none */
    const char *what;                     /* is wrong with it */
    char hash[SHA256_TEXT];               /* of the last row */
    size_t n_hash;
};

static void blame(struct walk *w, int64_t id, const char *what)
{
    w->broken = id;
    w->what = what;
}

/* False: the chain is broken here. */
static bool check_row(struct walk *w, sqlite3_stmt *st)
{
    struct str row[COLUMNS];
    char hash[SHA256_TEXT];
    int64_t id = sqlite3_column_int64(st, ID);

    for (int i = 0; i < COLUMNS; i++) row[i] = archive_column(st, i);
    if (w->checked == 0) w->first = id;
    if (w->checked == 0 && w->whole && id != 1) return blame(w, 1, "rows are missing at the beginning"), false;
    if (w->checked > 0 && id != w->last + 1) return blame(w, w->last + 1, "rows are missing"), false;
    if (w->checked > 0 && !str_eq(row[PREVIOUS], str_of(w->hash, w->n_hash)))
        return blame(w, id, "it does not follow from the row before"), false;
    hash_row(row, hash);
    if (!str_eq(archive_column(st, COLUMNS), str_of(hash, SHA256_TEXT)))
        return blame(w, id, "it was changed: its hash is another"), false;
    memcpy(w->hash, hash, sizeof hash);
    w->n_hash = sizeof hash;
    w->last = id;
    w->checked++;
    return true;
}

/* All rows were read: they must end with the one that meta names. */
static void check_end(struct walk *w, struct archive_reader *r)
{
    char hash[SHA256_TEXT];
    size_t n = 0;
    int64_t id = 0;

    if (read_head(r->db, &id, hash, &n) != SQLITE_OK) return;
    if (id > w->last) blame(w, w->last + 1, "rows are missing at the end");
    else if (w->checked && !str_eq(str_of(hash, n), str_of(w->hash, w->n_hash))) blame(w, w->last, "it is not the last row that was written");
}

static void reply_walk(const struct walk *w, struct reply *out)
{
    reply_map(out, 6);
    reply_bulk(out, STR("ok"));
    reply_int(out, w->broken == 0);
    reply_bulk(out, STR("checked"));
    reply_int(out, w->checked);
    reply_bulk(out, STR("first"));
    reply_int(out, w->first);
    reply_bulk(out, STR("last"));
    reply_int(out, w->last);
    reply_bulk(out, STR("broken"));
    reply_int(out, w->broken);
    reply_bulk(out, STR("reason"));
    reply_bulk(out, str_c(w->what ? w->what : ""));
}

void archive_audit_verify(struct archive_job *j, struct archive_reader *r)
{
    struct archive_audit_verify *v = (struct archive_audit_verify *)j;
    struct reply out = { &v->reply, v->resp };
    struct walk w = { .whole = v->from <= 1 };
    sqlite3_stmt *st = archive_prepare(r, "SELECT id, at, user, address, db, namespace, command, keys, value_hash, status,"
                                          " previous, hash FROM audit WHERE id >= ?1 ORDER BY id LIMIT ?2");
    int rc = st ? SQLITE_OK : SQLITE_ERROR;

    if (st) {
        sqlite3_bind_int64(st, 1, v->from);
        sqlite3_bind_int64(st, 2, v->count);
        while ((rc = archive_step(r, st)) == SQLITE_ROW && check_row(&w, st)) {
        }
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
        reply_errorf(&out, "ERR archive: %s", r->error);
        return;
    }
    if (w.broken == 0 && w.checked < v->count) check_end(&w, r);
    if (st) sqlite3_reset(st);
    reply_walk(&w, &out);
}
