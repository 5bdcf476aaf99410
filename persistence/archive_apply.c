/* archive_apply.c -- see archive_apply.h.
 *
 * A key that is evicted, recalled and evicted again without having been changed gives the same value with the same expiry:
 * the version that is there is live again, and no other is made. So does what a snapshot brings back after a crash. */
#include "persistence/archive_apply.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>

#include "base/glob.h"
#include "base/num.h"
#include "persistence/archive_audit.h"
#include "persistence/archive_codec.h"
#include "persistence/archive_explode.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_value.h"
#include "persistence/rdb_format.h"

/* The newest row of a key; version 0: there is none. */
struct newest {
    int64_t id, version, expires_ms, size;
    bool live, is_trim;
    char type[16];
};

/* Behind the type a module's value has its id, as a length of 64 bits. */
static bool is_suggest(struct str payload)
{
    uint64_t id = htobe64(RDB_SUGGEST_ID);

    return payload.n > 2 + sizeof id && memcmp(payload.p + 2, &id, sizeof id) == 0;
}

const char *archive_payload_type(struct str payload)
{
    switch (payload.n > 0 ? (unsigned char)payload.p[0] : -1) {
    case RDB_STRING:
        return "string";
    case RDB_LIST: case RDB_LIST_ZIPLIST: case RDB_LIST_QUICKLIST: case RDB_LIST_QUICKLIST_2:
        return "list";
    case RDB_SET: case RDB_SET_INTSET: case RDB_SET_LISTPACK:
        return "set";
    case RDB_ZSET: case RDB_ZSET_2: case RDB_ZSET_ZIPLIST: case RDB_ZSET_LISTPACK:
        return "zset";
    case RDB_HASH: case RDB_HASH_ZIPMAP: case RDB_HASH_ZIPLIST: case RDB_HASH_LISTPACK: case RDB_HASH_FIELDS_PRE:
    case RDB_HASH_LISTPACK_EX_PRE: case RDB_HASH_FIELDS: case RDB_HASH_LISTPACK_EX:
        return "hash";
    case RDB_STREAM: case RDB_STREAM_2: case RDB_STREAM_3:
        return "stream";
    case RDB_MODULE_2:
        return is_suggest(payload) ? "suggestions" : "json";
    default:
        return "unknown";
    }
}

/* A statement whose first parameters are database and key. */
static sqlite3_stmt *of_key(struct archive_file *f, enum archive_sql which, const struct archive_note *n)
{
    sqlite3_stmt *st = archive_sql(f, which);

    if (st == NULL) return NULL;
    sqlite3_bind_int(st, 1, n->db);
    archive_bind(st, 2, n->key);
    return st;
}

static int find_newest(struct archive_file *f, const struct archive_note *n, struct newest *v)
{
    sqlite3_stmt *st = of_key(f, SQL_NEWEST, n);
    int rc;

    *v = (struct newest){ 0 };
    if (st == NULL) return archive_code(f);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        v->id = sqlite3_column_int64(st, 0);
        v->version = sqlite3_column_int64(st, 1);
        v->live = sqlite3_column_int(st, 2) != 0;
        snprintf(v->type, sizeof v->type, "%s", (const char *)sqlite3_column_text(st, 3));
        v->expires_ms = sqlite3_column_type(st, 4) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 4);
        v->size = sqlite3_column_int64(st, 5);
        v->is_trim = str_eq(archive_column(st, 6), str_c(archive_reason_names[ARCHIVE_TRIMMED]));
        rc = SQLITE_DONE;
    }
    sqlite3_reset(st);
    return rc;
}

/* No version of the key is live any more. */
static int unlive(struct archive_file *f, sqlite3_stmt *st)
{
    int rc = archive_run(f, st);

    if (rc == SQLITE_DONE) f->counts.live -= sqlite3_changes64(f->db);
    return rc;
}

/* --- a version --------------------------------------------------------------------------------------------- */

static bool has_value(struct archive_file *f, int64_t id, struct str payload)
{
    sqlite3_stmt *st = archive_sql(f, SQL_VALUE);
    bool same = false;

    if (st == NULL) return false;
    sqlite3_bind_int64(st, 1, id);
    if (sqlite3_step(st) == SQLITE_ROW) {
        buf_clear(&f->room2);
        same = archive_expand(f->codec, (enum archive_coding)sqlite3_column_int(st, 0), sqlite3_column_int64(st, 1),
                              archive_column(st, 2), payload.n, &f->room2) == OK &&
               str_eq(buf_str(&f->room2), payload);
    }
    sqlite3_reset(st);
    return same;
}

static bool is_same(struct archive_file *f, const struct archive_note *n, const struct newest *v)
{
    if (n->reason != ARCHIVE_EXPIRED && n->reason != ARCHIVE_EVICTED) return false;
    if (v->version == 0 || v->is_trim || v->expires_ms != n->expires_ms || v->size != (int64_t)n->payload.n) return false;
    return str_eq(str_c(v->type), str_c(archive_payload_type(n->payload))) && has_value(f, v->id, n->payload);
}

static void bind_retain_until(sqlite3_stmt *st, int i, const struct archive_note *n)
{
    int64_t until;

    if (n->retain_ms == 0 || __builtin_add_overflow(n->at_ms, n->retain_ms, &until)) sqlite3_bind_null(st, i);
    else sqlite3_bind_int64(st, i, until);
}

/* The row that is there is the newest version again. */
static int put_again(struct archive_file *f, const struct archive_note *n, const struct newest *v)
{
    sqlite3_stmt *st = archive_sql(f, SQL_AGAIN);
    int rc;

    if (st == NULL) return archive_code(f);
    sqlite3_bind_int64(st, 1, v->id);
    sqlite3_bind_int64(st, 2, n->at_ms);
    sqlite3_bind_text(st, 3, archive_reason_names[n->reason], -1, SQLITE_STATIC);
    bind_retain_until(st, 4, n);
    sqlite3_bind_int64(st, 5, n->versions);
    rc = archive_run(f, st);
    if (rc == SQLITE_DONE) f->counts.live += !v->live;
    return rc;
}

static int insert_entry(struct archive_file *f, const struct archive_note *n, int64_t version, bool live)
{
    enum archive_coding coding = ARCHIVE_PLAIN;
    struct str value = n->payload;
    int64_t dict = 0;
    sqlite3_stmt *st;
    int rc;

    if (f->compress) {
        if (archive_learn(f->codec, n->ns, n->payload) != OK) return archive_code(f);
        buf_clear(&f->room);
        archive_compress(f->codec, n->ns, n->payload, &f->room, &coding, &dict);
        if (coding != ARCHIVE_PLAIN) value = buf_str(&f->room);
    }
    /* a full disk or a read that failed may have ended the transaction: nothing may be committed on its own */
    if (sqlite3_get_autocommit(f->db)) return SQLITE_ABORT_ROLLBACK;
    st = of_key(f, SQL_INSERT, n);
    if (st == NULL) return archive_code(f);
    archive_bind(st, 3, n->ns);
    sqlite3_bind_text(st, 4, archive_payload_type(n->payload), -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 5, archive_reason_names[n->reason], -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 6, (int64_t)n->seq);
    sqlite3_bind_int64(st, 7, version);
    sqlite3_bind_int64(st, 8, n->at_ms);
    if (n->expires_ms >= 0) sqlite3_bind_int64(st, 9, n->expires_ms);
    sqlite3_bind_int(st, 10, live);
    sqlite3_bind_int64(st, 11, (int64_t)n->payload.n);
    sqlite3_bind_int(st, 12, coding);
    sqlite3_bind_int64(st, 13, dict);
    sqlite3_bind_blob64(st, 14, value.n > 0 ? value.p : "", value.n, SQLITE_STATIC);
    bind_retain_until(st, 15, n);
    sqlite3_bind_int64(st, 16, n->versions);
    rc = archive_run(f, st);
    if (rc != SQLITE_DONE) return rc;
    f->counts.entries++;
    f->counts.live += live;
    f->raw_bytes += n->payload.n;
    f->stored_bytes += value.n;
    return rc;
}

/* Rows of an entry while it is exploded; rc is that of the first that failed. */
struct rows {
    struct archive_file *f;
    int64_t entry;
    int rc;
};

static void bind_part(sqlite3_stmt *st, int i, struct str s, bool is_blob)
{
    if (is_blob) sqlite3_bind_blob64(st, i, s.n > 0 ? s.p : "", s.n, SQLITE_STATIC);
    else sqlite3_bind_text64(st, i, s.n > 0 ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

static void put_message(void *ctx, const struct archive_message *m)
{
    struct rows *r = ctx;
    sqlite3_stmt *st;

    if (r->rc != SQLITE_DONE) return;
    st = archive_sql(r->f, SQL_MESSAGE);
    if (st == NULL) {
        r->rc = archive_code(r->f);
        return;
    }
    sqlite3_bind_int64(st, 1, r->entry);
    sqlite3_bind_int64(st, 2, m->position);
    if (m->id.n > 0) archive_bind(st, 3, m->id);
    if (m->at_ms >= 0) sqlite3_bind_int64(st, 4, m->at_ms);
    if (m->role.n > 0) archive_bind(st, 5, m->role);
    bind_part(st, 6, m->content, m->is_blob);
    if (m->metadata.n > 0) archive_bind(st, 7, m->metadata);
    if (!isnan(m->score)) sqlite3_bind_double(st, 8, m->score);
    r->rc = archive_run(r->f, st);
    if (r->rc == SQLITE_DONE) r->f->counts.messages++;
    if (r->rc == SQLITE_DONE && !m->is_blob) r->rc = archive_index(r->f, SQL_INDEX_MESSAGE, m->content);
}

static void put_field(void *ctx, const struct archive_field *p)
{
    struct rows *r = ctx;
    sqlite3_stmt *st;

    if (r->rc != SQLITE_DONE) return;
    st = archive_sql(r->f, SQL_FIELD);
    if (st == NULL) {
        r->rc = archive_code(r->f);
        return;
    }
    sqlite3_bind_int64(st, 1, r->entry);
    bind_part(st, 2, p->field, p->field_is_blob);
    bind_part(st, 3, p->value, p->value_is_blob);
    if (p->expires_ms >= 0) sqlite3_bind_int64(st, 4, p->expires_ms);
    r->rc = archive_run(r->f, st);
    if (r->rc == SQLITE_DONE) r->f->counts.fields++;
    if (r->rc == SQLITE_DONE && !p->value_is_blob) r->rc = archive_index(r->f, SQL_INDEX_FIELD, p->value);
}

/* What cannot be decoded has its row in entries, and no others. */
static int insert_rows(struct archive_file *f, struct str payload, int64_t entry)
{
    struct rows r = { f, entry, SQLITE_DONE };
    const struct archive_rows to = { &r, put_message, put_field };
    const struct entry *e;

    if (archive_value_decode(f->values, payload, &e) == OK) archive_explode(f->values, e, &to);
    return r.rc;
}

/* What a key has more than so many whole versions. What was trimmed off is no version of it, and stays. */
static int drop_versions(struct archive_file *f, const struct archive_note *n)
{
    enum { AT_MOST = 100 };
    int64_t ids[AT_MOST];
    int n_ids = 0, rc;
    sqlite3_stmt *st = of_key(f, SQL_TOO_MANY, n);

    if (st == NULL) return archive_code(f);
    sqlite3_bind_int64(st, 3, n->versions);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW && n_ids < AT_MOST) ids[n_ids++] = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    for (int i = 0; i < n_ids && (rc == SQLITE_DONE || rc == SQLITE_ROW); i++) rc = archive_drop_entry(f, ids[i]);
    return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

static int out(struct archive_file *f, const struct archive_note *n)
{
    bool whole = n->reason != ARCHIVE_TRIMMED;
    bool live = whole && (n->flags & ARCHIVE_LIVE) != 0;
    struct newest v;
    int rc = find_newest(f, n, &v);

    if (rc != SQLITE_DONE) return rc;
    if (live && is_same(f, n, &v)) return put_again(f, n, &v);
    if (whole && v.version > 0) rc = unlive(f, of_key(f, SQL_UNLIVE, n));
    if (rc == SQLITE_DONE) rc = insert_entry(f, n, v.version + 1, live);
    if (rc == SQLITE_DONE && f->messages) rc = insert_rows(f, n->payload, sqlite3_last_insert_rowid(f->db));
    if (rc == SQLITE_DONE && whole && n->versions > 0 && v.version > 0) rc = drop_versions(f, n);
    return rc;
}

/* --- other notes ------------------------------------------------------------------------------------------- */

static int flushed(struct archive_file *f, int db)
{
    sqlite3_stmt *st = archive_sql(f, db < 0 ? SQL_UNLIVE_ALL : SQL_UNLIVE_DB);

    if (st != NULL && db >= 0) sqlite3_bind_int(st, 1, db);
    return unlive(f, st);
}

/* All that a database has had goes with its keys to the other's place. */
static int swapped(struct archive_file *f, const struct archive_note *n)
{
    int64_t other;
    sqlite3_stmt *st;

    if (!num_parse_i64(n->payload, &other) || other == n->db) return SQLITE_DONE;
    st = archive_sql(f, SQL_SWAP);
    if (st == NULL) return archive_code(f);
    sqlite3_bind_int(st, 1, n->db);
    sqlite3_bind_int64(st, 2, other);
    return archive_run(f, st);
}

int archive_apply(struct archive_file *f, const struct archive_note *n)
{
    switch (n->verb) {
    case ARCHIVE_OUT:
        return out(f, n);
    case ARCHIVE_GONE:
        return unlive(f, of_key(f, SQL_UNLIVE, n));
    case ARCHIVE_FLUSHED:
        return flushed(f, n->db);
    case ARCHIVE_SWAPPED:
        return swapped(f, n);
    case ARCHIVE_AUDIT:
        return archive_audit_insert(f->db, n);
    case ARCHIVE_ERASE: /* archive_erase */
    case ARCHIVE_VERBS:
        break;
    }
    return SQLITE_DONE;
}

/* --- removing ---------------------------------------------------------------------------------------------- */

enum { ERASE_LOOK = 65536, ERASE_SLICE = 500 };

/* Append the ids that a statement gives to f->room. */
static int collect(struct archive_file *f, sqlite3_stmt *st)
{
    int rc;

    if (st == NULL) return archive_code(f);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(st, 0);

        buf_add(&f->room, &id, sizeof id);
    }
    sqlite3_reset(st);
    return rc;
}

/* The least string above all that begin with prefix, in room. False: there is none. */
static bool next_prefix(struct str prefix, struct buf *room)
{
    buf_clear(room);
    buf_add_str(room, prefix);
    while (room->n > 0 && (unsigned char)room->p[room->n - 1] == 0xff) room->n--;
    if (room->n == 0) return false;
    room->p[room->n - 1]++;
    return true;
}

static int collect_range(struct archive_file *f, const struct archive_note *n, struct str prefix, bool to, bool blobs)
{
    sqlite3_stmt *st = archive_sql(f, to ? SQL_GLOB_TO : SQL_GLOB);

    if (st == NULL) return archive_code(f);
    sqlite3_bind_int(st, 1, n->db);
    bind_part(st, 2, prefix, blobs);
    sqlite3_bind_blob64(st, 3, n->key.n > 0 ? n->key.p : "", n->key.n, SQLITE_STATIC);
    sqlite3_bind_int(st, 4, ERASE_LOOK);
    if (to) bind_part(st, 5, buf_str(&f->room2), blobs);
    return collect(f, st);
}

/* Keys that are texts come before all that are blobs: a prefix is a range among either, and where it has no end the
 * first takes in the second. */
static int collect_glob(struct archive_file *f, const struct archive_note *n)
{
    struct str prefix = glob_prefix(n->key);
    bool to = next_prefix(prefix, &f->room2);
    int rc = collect_range(f, n, prefix, to, false);

    return rc == SQLITE_DONE && to ? collect_range(f, n, prefix, true, true) : rc;
}

static int collect_key(struct archive_file *f, const struct archive_note *n)
{
    sqlite3_stmt *st = of_key(f, SQL_OF_KEY, n);

    if (st == NULL) return archive_code(f);
    sqlite3_bind_int(st, 3, ERASE_LOOK);
    return collect(f, st);
}

static int drop_slice(struct archive_file *f, const int64_t *ids, size_t n, uint64_t *rows)
{
    int64_t before = f->counts.entries;
    int rc = archive_begin(f);

    if (rc != SQLITE_OK) return rc;
    rc = SQLITE_DONE;
    for (size_t i = 0; i < n && rc == SQLITE_DONE; i++) rc = archive_drop_entry(f, ids[i]);
    rc = rc == SQLITE_DONE ? archive_commit(f) : rc;
    if (rc != SQLITE_OK) archive_rollback(f);
    *rows += (uint64_t)(before - f->counts.entries);
    return rc;
}

static int drop_collected(struct archive_file *f, uint64_t *rows)
{
    const int64_t *ids = (const int64_t *)f->room.p;
    size_t n = f->room.n / sizeof *ids;

    for (size_t at = 0; at < n; at += ERASE_SLICE) {
        size_t slice = n - at < ERASE_SLICE ? n - at : ERASE_SLICE;
        int rc = drop_slice(f, ids + at, slice, rows);

        if (rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

/* What is removed on somebody's word is overwritten, not only unlinked. */
int archive_erase(struct archive_file *f, const struct archive_note *n, uint64_t *rows)
{
    bool glob = (n->flags & ARCHIVE_GLOB) != 0;
    int rc;

    archive_do(f, SQL_SECURE);
    do {
        buf_clear(&f->room);
        rc = glob ? collect_glob(f, n) : collect_key(f, n);
        if (rc == SQLITE_DONE) rc = drop_collected(f, rows);
    } while (rc == SQLITE_OK && f->room.n >= ERASE_LOOK * sizeof(int64_t));
    archive_do(f, SQL_INSECURE);
    if (rc == SQLITE_OK) archive_checkpoint(f, true); /* nor is it to be found in the log of changes */
    return rc;
}
