/* type_hash.c -- operations on the hash at a key. */
#include "storage/type_hash.h"

#include <math.h>

#include "storage/hash_edit.h"
#include "storage/namespace.h"

/* --- opening ---------------------------------------------------------------------------------- */

enum { EXPIRE_AT_OPEN = 256 }; /* fields removed on the way to other work: about 100 us */

/* Put form and address of the hash into its entry. */
static void keep(struct hash_edit *ed)
{
    struct entry *e;

    if (ed->is_new) {
        if (hash_due_at(&ed->h) != HASH_NEVER) field_clock_start(ed->h.store);
        e = entry_new_ptr(VALUE_HASH, ed->h.enc, ed->slot.key, -1);
        entry_set_ptr(e, ed->h.ptr);
        db_add(&ed->slot, e);
        ed->is_new = false;
        ed->due_at = hash_due_at(&ed->h); /* the clock has heard of the new key */
        return;
    }
    entry_set_kind(ed->slot.ref.e, VALUE_HASH, ed->h.enc);
    entry_set_ptr(ed->slot.ref.e, ed->h.ptr);
}

void hash_edit_tell(struct hash_edit *ed, enum change_kind kind)
{
    keep(ed);
    ed->told = true;
    db_tell(&ed->slot, kind);
}

void hash_edit_tell_too(struct hash_edit *ed, enum change_kind kind)
{
    hash_edit_tell(ed, kind);
    ed->h.store->stats.dirty--;
}

static void tell_expired(struct hash_edit *ed, struct str field)
{
    keep(ed);
    ed->h.store->stats.expired_fields++;
    store_tell(ed->h.store, &(struct change){ .kind = CHANGE_HEXPIRED,
                                              .db = ed->slot.db->id,
                                              .key = ed->slot.key,
                                              .e = ed->slot.ref.e,
                                              .field = field });
}

size_t hash_edit_expire(struct hash_edit *ed, size_t max)
{
    struct buf name = { 0 };
    size_t n = 0;

    for (; n < max && hash_drop_due(&ed->h, &name); n++) tell_expired(ed, buf_str(&name));
    buf_fini(&name);
    return n;
}

/* The hash is empty: its key goes. When all that happened is that its last fields expired, that is
 * no change of the caller's. */
static void remove_key(struct hash_edit *ed)
{
    struct store_stats *st = &ed->h.store->stats;
    uint64_t dirty = st->dirty, changes = st->changes;

    keep(ed);
    db_remove(&ed->slot, CHANGE_DEL, false);
    st->dirty = dirty;
    if (!ed->told) st->changes = changes;
}

static void make(struct hash_edit *ed)
{
    ed->h = hash_new(ed->slot.db->store);
    ed->is_new = true;
    ed->due_at = HASH_NEVER;
}

enum err hash_edit_open(struct db *db, struct str key, bool create, struct hash_edit *ed)
{
    enum err e = db_find_type(db, key, VALUE_HASH, &ed->slot);

    ed->told = false;
    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK) {
        ed->h = hash_of(db->store, ed->slot.ref.e);
        ed->is_new = false;
        ed->due_at = hash_due_at(&ed->h);
        if (LIKELY(ed->due_at > ed->h.now_ms)) return OK;
        hash_edit_expire(ed, EXPIRE_AT_OPEN);
        if (hash_count(&ed->h) > 0) return OK;
        remove_key(ed);
        e = db_find_type(db, key, VALUE_HASH, &ed->slot);
    }
    if (!create) return e;
    make(ed);
    return OK;
}

bool hash_edit_find(struct hash_edit *ed, struct str field, struct hash_place *at)
{
    int64_t ttl;

    if (!hash_find(&ed->h, field, at)) return false;
    ttl = hash_ttl_at(&ed->h, at);
    if (LIKELY(ttl < 0 || ttl > ed->h.now_ms)) return true;
    hash_drop(&ed->h, at);
    tell_expired(ed, field);
    hash_find(&ed->h, field, at);
    return false;
}

void hash_edit_close(struct hash_edit *ed)
{
    int64_t due_at;

    if (ed->is_new) {
        hash_free(&ed->h);
        return;
    }
    if (hash_count(&ed->h) == 0) {
        remove_key(ed);
        return;
    }
    due_at = hash_due_at(&ed->h);
    if (due_at == ed->due_at || due_at == HASH_NEVER) return;
    field_clock_push(ed->h.store, ed->slot.ref.hash, due_at);
}

enum err hash_read(struct db *db, struct str key, struct hash *h)
{
    struct hash_edit ed;
    const struct entry *found;
    enum err e = db_read_type(db, key, VALUE_HASH, &found);

    if (e != OK) return e;
    *h = hash_of(db->store, found);
    if (LIKELY(hash_due_at(h) > h->now_ms)) return OK;

    e = hash_edit_open(db, key, false, &ed);
    if (e != OK) return e;
    hash_edit_close(&ed);
    *h = ed.h;
    return OK;
}

void hash_expire_field(struct db *db, struct str key, struct str field)
{
    struct hash_edit ed;
    struct hash_place at;

    if (hash_edit_open(db, key, false, &ed) != OK) return;
    (void)hash_edit_find(&ed, field, &at);
    hash_edit_close(&ed);
}

/* --- changing --------------------------------------------------------------------------------- */

/* Is one of n fields, each `step` behind the one before, there and will its value go? It does not
 * where what replaces it, which stands behind the field, is equal. */
static bool any_goes(const struct hash_edit *ed, const struct str *fields, size_t step, size_t n,
                     bool replaced)
{
    for (size_t i = 0; i < n; i++) {
        const struct str *field = fields + i * step;
        char num[NUM_TEXT_MAX];
        struct hash_place at;

        if (!hash_find(&ed->h, *field, &at)) continue;
        if (!replaced || !str_eq(hash_value_at(&ed->h, &at, num), field[1])) return true;
    }
    return false;
}

/* What the fields hold is about to be replaced or removed by name: a version of the hash as it is,
 * where every one is kept. Counting (HINCRBY) makes none, as INCR does not. */
static void overwriting(const struct hash_edit *ed, const struct str *fields, size_t step, size_t n,
                        bool replaced)
{
    if (LIKELY(ed->is_new || ed->slot.ref.e->ns == 0)) return;
    if (!ns_archives(ed->h.store, ed->slot.ref.e, NS_OVERWRITE)) return;
    if (any_goes(ed, fields, step, n, replaced)) db_overwriting(&ed->slot);
}

/* Whether a set's condition on all its fields holds. */
static bool holds(struct hash_edit *ed, enum hash_when when, const struct str *pairs, size_t n)
{
    struct hash_place at;

    if (when == HASH_ALWAYS) return true;
    for (size_t i = 0; i < n; i++)
        if (hash_edit_find(ed, pairs[2 * i], &at) != (when == HASH_IF_ALL_THERE)) return false;
    return true;
}

static size_t set_all(struct hash_edit *ed, const struct str *pairs, size_t n, int64_t ttl)
{
    size_t n_new = 0;

    for (size_t i = 0; i < n; i++) {
        struct str field = pairs[2 * i], value = pairs[2 * i + 1];
        struct hash_place at;
        if (hash_edit_find(ed, field, &at)) {
            hash_put(&ed->h, &at, field, value, ttl);
        } else {
            hash_add(&ed->h, &at, field, value, ttl == HASH_KEEP_TTL ? HASH_NO_TTL : ttl);
            n_new++;
        }
    }
    return n_new;
}

/* A TTL that has passed leaves none of the fields that were set behind. */
static void drop_all(struct hash_edit *ed, const struct str *pairs, size_t n)
{
    struct hash_place at;

    for (size_t i = 0; i < n; i++)
        if (hash_edit_find(ed, pairs[2 * i], &at)) hash_drop(&ed->h, &at);
}

enum err hash_set(struct db *db, struct str key, const struct str *pairs, size_t n,
                  const struct hash_set *opt, size_t *n_new)
{
    int64_t ttl = opt != NULL ? opt->ttl : HASH_NO_TTL;
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, true, &ed);
    bool passed;

    if (e != OK) return e;
    if (opt != NULL && !holds(&ed, opt->when, pairs, n)) {
        hash_edit_close(&ed);
        return ERR_NOT_DONE;
    }
    passed = ttl >= 0 && ttl <= ed.h.now_ms;
    overwriting(&ed, pairs, 2, n, !passed);
    *n_new = set_all(&ed, pairs, n, passed ? HASH_NO_TTL : ttl);
    hash_edit_tell(&ed, CHANGE_HSET);
    if (passed) drop_all(&ed, pairs, n);
    if (ttl >= 0) hash_edit_tell_too(&ed, passed ? CHANGE_HDEL : CHANGE_HEXPIRE);
    hash_edit_close(&ed);
    return OK;
}

enum err hash_remove(struct db *db, struct str key, const struct str *fields, size_t n,
                     size_t *removed)
{
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, false, &ed);

    if (e != OK) return e;
    *removed = 0;
    overwriting(&ed, fields, 1, n, false);
    for (size_t i = 0; i < n && hash_count(&ed.h) > 0; i++) {
        struct hash_place at;
        if (!hash_edit_find(&ed, fields[i], &at)) continue;
        hash_drop(&ed.h, &at);
        ++*removed;
    }
    if (*removed > 0) hash_edit_tell(&ed, CHANGE_HDEL);
    hash_edit_close(&ed);
    return OK;
}

/* Set field to text where find found it or not, keeping a TTL. */
static void set_kept(struct hash_edit *ed, struct hash_place *at, bool found, struct str field,
                     struct str text)
{
    if (found)
        hash_put(&ed->h, at, field, text, HASH_KEEP_TTL);
    else
        hash_add(&ed->h, at, field, text, HASH_NO_TTL);
}

static enum err incr(struct hash_edit *ed, struct str field, int64_t by, int64_t *out)
{
    char text[NUM_TEXT_MAX];
    struct hash_place at;
    int64_t old = 0, v;
    bool found = hash_edit_find(ed, field, &at);

    if (found && !num_parse_i64(hash_value_at(&ed->h, &at, text), &old)) return ERR_HASH_NOT_INT;
    if (__builtin_add_overflow(old, by, &v)) return ERR_OVERFLOW;
    set_kept(ed, &at, found, field, str_of(text, num_i64(text, v)));
    hash_edit_tell(ed, CHANGE_HINCRBY);
    *out = v;
    return OK;
}

enum err hash_incr(struct db *db, struct str key, struct str field, int64_t by, int64_t *out)
{
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, true, &ed);

    if (e != OK) return e;
    e = incr(&ed, field, by, out);
    hash_edit_close(&ed);
    return e;
}

static enum err incr_float(struct hash_edit *ed, struct str field, long double by, char *out,
                           size_t *n)
{
    char text[NUM_TEXT_MAX];
    struct hash_place at;
    long double v = 0;
    bool found = hash_edit_find(ed, field, &at);

    if (found && !num_parse_long_double(hash_value_at(&ed->h, &at, text), &v))
        return ERR_HASH_NOT_FLOAT;
    v += by;
    if (isnan(v) || isinf(v)) return ERR_NAN_OR_INF;
    *n = num_long_double(out, v);
    set_kept(ed, &at, found, field, str_of(out, *n));
    hash_edit_tell(ed, CHANGE_HINCRBYFLOAT);
    return OK;
}

enum err hash_incr_float(struct db *db, struct str key, struct str field, long double by, char *out,
                         size_t *n)
{
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, true, &ed);

    if (e != OK) return e;
    e = incr_float(&ed, field, by, out, n);
    hash_edit_close(&ed);
    return e;
}

/* --- the type --------------------------------------------------------------------------------- */

struct entry *hash_entry_take(struct hash *h, struct str key, int64_t expire_ms)
{
    struct entry *e = entry_new_ptr(VALUE_HASH, h->enc, key, expire_ms);

    entry_set_ptr(e, h->ptr);
    if (hash_due_at(h) != HASH_NEVER) field_clock_start(h->store);
    h->ptr = NULL;
    return e;
}

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s;
    switch (entry_enc(e)) {
    case ENC_LISTPACK: return "listpack";
    case ENC_LISTPACK_EX: return "listpackex";
    default: return "hashtable";
    }
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    struct hash h = hash_of((struct store *)(uintptr_t)s, e);

    return hash_size(&h);
}

const struct type_ops hash_type_ops = {
    .free_value = hash_free_value,
    .free_effort = hash_free_effort,
    .dup_value = hash_dup_value,
    .dup_some = hash_dup_some,
    .value_bytes = hash_value_bytes,
    .weight = hash_weight,
    .encoding_name = encoding_name,
    .count = count_of,
};
