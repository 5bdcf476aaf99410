/* type_string.c -- strings: SET, APPEND, INCR and their like on (database, key). */
#include "storage/type_string.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "storage/blob.h"
#include "storage/cut.h"

/* --- reading ---------------------------------------------------------------------------------- */

struct str string_bytes(const struct entry *e, char *scratch)
{
    const struct blob *b;

    switch (entry_enc(e)) {
    case ENC_RAW: return entry_raw(e);
    case ENC_INT: return str_of(scratch, num_i64(scratch, entry_int(e)));
    default: b = entry_ptr(e); return str_of(b->p, b->n);
    }
}

size_t string_length(const struct entry *e)
{
    char scratch[NUM_TEXT_MAX];
    return string_bytes(e, scratch).n;
}

bool string_equals(const struct entry *e, struct str val)
{
    char scratch[NUM_TEXT_MAX];
    return str_eq(string_bytes(e, scratch), val);
}

struct str string_slice(struct str s, int64_t first, int64_t last)
{
    int64_t n = (int64_t)s.n;

    if (first < 0 && last < 0 && first > last) return str_of("", 0);
    if (first < 0) first = first + n < 0 ? 0 : first + n;
    if (last < 0) last = last + n < 0 ? 0 : last + n;
    if (last >= n) last = n - 1;
    if (first > last || n == 0) return str_of("", 0);
    return str_of(s.p + first, (size_t)(last - first + 1));
}

/* --- blobs ------------------------------------------------------------------------------------ */

/* What a string that has grown to n bytes asks for: as much again, at most 1 MiB more, so that
 * appending is cheap on average. */
static size_t with_reserve(size_t n)
{
    enum { RESERVE_MAX = 1024 * 1024 };
    return n + (n < RESERVE_MAX ? n : RESERVE_MAX);
}

static struct blob *blob_reserve(struct blob *b, size_t n)
{
    size_t all;

    if (b->cap >= n) return b;
    all = mem_good_size(sizeof *b + with_reserve(n));
    b = mem_realloc(b, all);
    b->cap = all - sizeof *b;
    return b;
}

/* --- setting ---------------------------------------------------------------------------------- */

/* The longest int64 has 20 characters, and most strings show by their first one that they are
 * none. */
static inline bool looks_int(struct str s, int64_t *v)
{
    if (s.n == 0 || s.n > 20) return false;
    if ((unsigned char)(s.p[0] - '0') > 9 && s.p[0] != '-') return false;
    return num_parse_i64(s, v);
}

static struct entry *bytes_new(struct str key, struct str val, int64_t expire_ms)
{
    struct entry *e;

    if (val.n <= STRING_INLINE_MAX) return entry_new_raw(VALUE_STRING, key, val, expire_ms);
    e = entry_new_ptr(VALUE_STRING, ENC_BLOB, key, expire_ms);
    entry_set_ptr(e, blob_of(val));
    return e;
}

struct entry *string_new(struct str key, struct str val, int64_t expire_ms)
{
    int64_t v;

    if (looks_int(val, &v)) return entry_new_int(key, v, expire_ms);
    return bytes_new(key, val, expire_ms);
}

/* As string_new, of bytes that OBJECT ENCODING calls raw. */
static struct entry *raw_new(struct str key, struct str val, int64_t expire_ms)
{
    struct entry *e = bytes_new(key, val, expire_ms);

    e->flags |= ENTRY_GROWN;
    return e;
}

/* The same length again, as counters of a fixed width and refreshed caches have it: a copy will
 * do. */
static inline bool write_over(struct entry *e, struct str val)
{
    struct str old;

    if (entry_type(e) != VALUE_STRING || entry_enc(e) != ENC_RAW) return false; /* a JSON document is such bytes, too */
    old = entry_raw(e);
    if (old.n != val.n) return false;
    memcpy((char *)(uintptr_t)old.p, val.p, val.n);
    e->flags &= (uint8_t)~ENTRY_GROWN;
    return true;
}

/* Give the entry of s the value val, where it lies if it can stay there; raw: as bytes, even where it
 * reads as an integer; other: it is another value, not what became of the old one. Key and TTL stay. val may not lie
 * within the entry. */
static inline void overwrite(struct slot *s, struct str val, bool raw, bool other)
{
    struct store *st = s->db->store;
    struct entry *e = s->ref.e;
    bool is_int, ttl = entry_expires(e);
    struct blob *b;
    int64_t v;

    if (other) db_overwriting(s);
    is_int = !raw && looks_int(val, &v);
    if (!is_int && write_over(e, val)) {
        if (raw) e->flags |= ENTRY_GROWN;
        return;
    }
    db_drop_value(st, e, st->conf.lazy_server_del);
    if (is_int) {
        e = entry_turn_int(e, v);
    } else if (val.n <= STRING_INLINE_MAX) {
        e = entry_set_raw(e, val);
    } else {
        b = blob_of(val);
        e = entry_turn_ptr(e, ENC_BLOB, b);
        entry_set_kind(e, VALUE_STRING, ENC_BLOB);
    }
    e->flags &= (uint8_t)~ENTRY_GROWN;
    if (raw) e->flags |= ENTRY_GROWN;
    db_moved(s, e, ttl);
}

/* The key of s gets another value and a TTL where it had none, or none where it had one: the entry
 * is laid out anew. */
static void renew(struct slot *s, struct str val, int64_t expire_ms, bool raw)
{
    enum { KEEP = ENTRY_MAIN | ENTRY_FREQ };
    struct store *st = s->db->store;
    struct entry *old = s->ref.e;
    struct entry *e = raw ? raw_new(s->key, val, expire_ms) : string_new(s->key, val, expire_ms);
    bool had = entry_expires(old);

    db_overwriting(s);
    memcpy(e->clock, old->clock, sizeof e->clock);
    e->flags |= old->flags & KEEP;
    e->ns = old->ns;
    db_drop_value(st, old, st->conf.lazy_server_del);
    entry_free(old);
    db_moved(s, e, had);
}

static void put(struct slot *s, struct str val, int64_t expire_ms)
{
    if (!s->ref.e) {
        db_add(s, string_new(s->key, val, expire_ms));
    } else if (entry_expires(s->ref.e) != (expire_ms >= 0)) {
        renew(s, val, expire_ms, false);
    } else {
        overwrite(s, val, false, true);
        if (expire_ms >= 0) db_set_expire(s, expire_ms);
    }
}

void string_put_raw(struct slot *s, struct str val, bool keep_ttl)
{
    if (!s->ref.e) {
        db_add(s, raw_new(s->key, val, -1));
        return;
    }
    if (entry_expires(s->ref.e) && !keep_ttl)
        renew(s, val, -1, true);
    else
        overwrite(s, val, true, !keep_ttl);
}

/* What SET's GET option and conditions say about the key as it is. */
static enum err set_allowed(const struct slot *s, const struct string_set *opt)
{
    const struct entry *e = s->ref.e;

    if (opt->old) {
        if (e && entry_type(e) != VALUE_STRING) return ERR_WRONG_TYPE;
        opt->old(opt->ctx, e);
    }
    if ((opt->flags & STRING_IF_NEW) && e) return ERR_NOT_DONE;
    if ((opt->flags & STRING_IF_THERE) && !e) return ERR_NOT_DONE;
    if (opt->flags & (STRING_IF_EQUAL | STRING_IF_DIFFERENT)) {
        bool equal;

        if (e && entry_type(e) != VALUE_STRING) return ERR_WRONG_TYPE;
        equal = e && string_equals(e, opt->than);
        if (equal != ((opt->flags & STRING_IF_EQUAL) != 0)) return ERR_NOT_DONE;
    }
    return OK;
}

enum err string_set(struct db *db, struct str key, struct str val, const struct string_set *opt)
{
    int64_t expire_ms = -1;
    struct slot s;

    db_find_write(db, key, &s);
    if (opt) {
        enum err e = set_allowed(&s, opt);

        if (e != OK) return e;
        expire_ms = opt->expire_ms;
        if ((opt->flags & STRING_KEEP_TTL) && s.ref.e) expire_ms = entry_expire_at(s.ref.e);
    }
    put(&s, val, expire_ms);
    db_tell(&s, CHANGE_SET);
    if (opt && opt->expire_ms >= 0) {
        db_tell(&s, CHANGE_EXPIRE);
        db->store->stats.dirty--; /* two events, one change */
    }
    return OK;
}

/* --- growing ---------------------------------------------------------------------------------- */

bool string_can_grow(const struct slot *s, size_t len)
{
    return len < MEM_LARGE || (s->ref.e && string_length(s->ref.e) >= len) || mem_can(with_reserve(len));
}

/* Bytes, and zeros behind them up to n: those are not written where pages come with them. */
static struct blob *with_many_zeros(struct str old, size_t n)
{
    struct blob *b = blob_new_zeroed(with_reserve(n));

    memcpy(b->p, old.p, old.n);
    b->n = n;
    return b;
}

char *string_writable(struct slot *s, size_t len, size_t *n)
{
    enum { MANY_ZEROS = 1024 * 1024 };
    struct entry *e = s->ref.e;
    bool ttl = entry_expires(e);
    char scratch[NUM_TEXT_MAX], grown[STRING_GROW_MAX];
    struct str old = string_bytes(e, scratch);
    struct blob *b;

    ensure(entry_type(e) == VALUE_STRING);
    *n = len > old.n ? len : old.n;
    if (entry_enc(e) == ENC_RAW && *n == old.n) {
        e->flags |= ENTRY_GROWN;
        return (char *)(uintptr_t)old.p;
    }
    if (entry_enc(e) != ENC_BLOB && *n <= sizeof grown) {
        memcpy(grown, old.p, old.n);
        memset(grown + old.n, 0, *n - old.n);
        e = entry_set_raw(e, str_of(grown, *n));
        e->flags |= ENTRY_GROWN;
        db_moved(s, e, ttl);
        return (char *)(uintptr_t)entry_raw(e).p;
    }
    if (entry_enc(e) != ENC_BLOB) {
        if (*n - old.n > MANY_ZEROS) {
            b = with_many_zeros(old, *n);
        } else {
            b = blob_new(with_reserve(*n));
            memcpy(b->p, old.p, old.n);
            b->n = old.n;
        }
        e = entry_turn_ptr(e, ENC_BLOB, b);
        db_moved(s, e, ttl);
    } else {
        struct cut_value *cut = cut_value_of(s->db->store, entry_ptr(e));

        b = entry_ptr(e);
        if (*n - old.n > MANY_ZEROS && b->cap < *n) {
            b = with_many_zeros(old, *n);
            mem_free(entry_ptr(e));
        } else {
            b = blob_reserve(b, *n);
        }
        entry_set_ptr(e, b);
        if (UNLIKELY(cut != NULL)) cut_moved(cut, b);
    }
    memset(b->p + b->n, 0, *n - b->n);
    b->n = *n;
    return b->p;
}

void string_will_write(const struct slot *s, size_t from, size_t to)
{
    struct cut_value *cut;

    if (entry_enc(s->ref.e) != ENC_BLOB) return;
    cut = cut_value_of(s->db->store, entry_ptr(s->ref.e));
    if (UNLIKELY(cut != NULL)) cut_string_write(cut, from, to);
}

enum err string_append(struct db *db, struct str key, struct str val, size_t *len)
{
    struct slot s;
    enum err e = db_find_type(db, key, VALUE_STRING, &s);
    size_t old;
    char *p;

    if (e == ERR_NO_KEY) {
        if (val.n > store_string_limit(db->store)) return ERR_STRING_LIMIT;
        put(&s, val, -1);
        *len = val.n;
    } else if (e == OK) {
        old = string_length(s.ref.e);
        if (val.n > store_string_limit(db->store) || old > store_string_limit(db->store) - val.n)
            return ERR_STRING_LIMIT;
        if (!string_can_grow(&s, old + val.n)) return ERR_OOM;
        p = string_writable(&s, old + val.n, len);
        memcpy(p + old, val.p, val.n);
    } else {
        return e;
    }
    db_tell(&s, CHANGE_APPEND);
    return OK;
}

enum err string_setrange(struct db *db, struct str key, size_t at, struct str val, size_t *len)
{
    size_t limit = store_string_limit(db->store);
    struct slot s;
    enum err e = db_find_type(db, key, VALUE_STRING, &s);
    char *p;

    if (e != OK && e != ERR_NO_KEY) return e;
    if (val.n == 0) {
        *len = e == OK ? string_length(s.ref.e) : 0;
        return OK;
    }
    if (val.n > limit || at > limit - val.n) return ERR_STRING_LIMIT;
    if (!string_can_grow(&s, at + val.n)) return ERR_OOM;
    if (e == ERR_NO_KEY) db_add(&s, entry_new_raw(VALUE_STRING, key, str_of("", 0), -1));
    if (e == ERR_NO_KEY) db_find_write(db, key, &s);
    p = string_writable(&s, at + val.n, len);
    string_will_write(&s, at, at + val.n);
    memcpy(p + at, val.p, val.n);
    db_tell(&s, CHANGE_SETRANGE);
    return OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool as_int(const struct entry *e, int64_t *v)
{
    char scratch[NUM_TEXT_MAX];

    if (entry_enc(e) == ENC_INT) {
        *v = entry_int(e);
        return true;
    }
    return num_parse_i64(string_bytes(e, scratch), v);
}

enum err string_incr(struct db *db, struct str key, int64_t by, int64_t *out)
{
    int64_t v = 0;
    struct slot s;
    enum err e = db_find_type(db, key, VALUE_STRING, &s);

    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK && !as_int(s.ref.e, &v)) return ERR_NOT_INT;
    if (__builtin_add_overflow(v, by, &v)) return ERR_OVERFLOW;
    if (e == ERR_NO_KEY) {
        db_add(&s, entry_new_int(key, v, -1));
    } else if (entry_enc(s.ref.e) == ENC_INT) {
        entry_set_int(s.ref.e, v);
    } else {
        char text[NUM_TEXT_MAX];

        overwrite(&s, str_of(text, num_i64(text, v)), false, false);
    }
    *out = v;
    db_tell(&s, CHANGE_INCRBY);
    return OK;
}

static enum err as_float(const struct slot *s, long double *v)
{
    char scratch[NUM_TEXT_MAX];

    return num_parse_long_double(string_bytes(s->ref.e, scratch), v) ? OK : ERR_NOT_FLOAT;
}

/* Put text as it is, even where it reads as an integer: Redis keeps the result of INCRBYFLOAT as
 * text, and OBJECT ENCODING shows it. */
static void put_text(struct slot *s, struct str text)
{
    bool ttl;
    struct entry *e = s->ref.e;

    if (!e) {
        db_add(s, entry_new_raw(VALUE_STRING, s->key, text, -1));
        return;
    }
    ttl = entry_expires(e);
    db_drop_value(s->db->store, e, false);
    e = entry_set_raw(e, text);
    e->flags &= (uint8_t)~ENTRY_GROWN;
    db_moved(s, e, ttl);
}

enum err string_incr_float(struct db *db, struct str key, long double by, char *out, size_t *n)
{
    long double v = 0;
    struct slot s;
    enum err e = db_find_type(db, key, VALUE_STRING, &s);

    if (e == OK) e = as_float(&s, &v);
    if (e != OK && e != ERR_NO_KEY) return e;
    v += by;
    if (isnan(v) || isinf(v)) return ERR_NAN_OR_INF;
    *n = num_long_double(out, v);
    put_text(&s, str_of(out, *n));
    db_tell(&s, CHANGE_INCRBYFLOAT);
    return OK;
}

/* --- the row of the type ---------------------------------------------------------------------- */

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    enum { EMBSTR_MAX = 44 };

    (void)s;
    if (entry_enc(e) == ENC_INT) return "int";
    if (entry_enc(e) == ENC_RAW && !(e->flags & ENTRY_GROWN) && entry_raw(e).n <= EMBSTR_MAX)
        return "embstr";
    return "raw";
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    (void)s;
    return string_length(e);
}

const struct type_ops string_type_ops = { blob_free_value, blob_free_effort, blob_dup_value, blob_dup_some, blob_value_bytes,
                                          encoding_name, count_of, blob_weight, NULL };
