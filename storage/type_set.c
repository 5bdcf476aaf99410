/* type_set.c -- operations on the set at a key. */
#include "storage/type_set.h"

/* --- reading ---------------------------------------------------------------------------------- */

enum err set_read(struct db *db, struct str key, struct set *s)
{
    const struct entry *found;
    enum err e = db_read_type(db, key, VALUE_SET, &found);

    if (e == OK) *s = set_of(db->store, found);
    return e;
}

enum err set_read_all(struct db *db, const struct str *keys, size_t n, struct set *sets)
{
    for (size_t i = 0; i < n; i++) {
        enum err e = set_read(db, keys[i], &sets[i]);
        if (e == ERR_NO_KEY)
            sets[i] = (struct set){ db->store, ENC_NONE, NULL };
        else if (e != OK)
            return e;
    }
    return OK;
}

/* --- changing --------------------------------------------------------------------------------- */

/* Put form and address of the set into its entry. */
static void keep(struct slot *s, const struct set *set)
{
    entry_set_kind(s->ref.e, VALUE_SET, set->enc);
    entry_set_ptr(s->ref.e, set->ptr);
}

static void remove_empty(struct slot *s)
{
    uint64_t dirty = s->db->store->stats.dirty;

    db_remove(s, CHANGE_DEL, false);
    s->db->store->stats.dirty = dirty; /* it belongs to the change that emptied the set */
}

static size_t add_all(struct set *set, const struct str *members, size_t n)
{
    size_t added = 0;

    for (size_t i = 0; i < n; i++) added += set_add(set, members[i]);
    return added;
}

static size_t add_new(struct slot *s, const struct str *members, size_t n)
{
    struct set set = set_new(s->db->store, members[0], n);
    size_t added = add_all(&set, members, n);

    db_add(s, set_entry_take(&set, s->key, -1));
    return added;
}

enum err set_key_add(struct db *db, struct str key, const struct str *members, size_t n,
                     size_t *added)
{
    struct slot s;
    struct set set;
    enum err e = db_find_type(db, key, VALUE_SET, &s);

    if (e == ERR_WRONG_TYPE) return e;
    if (e == ERR_NO_KEY) {
        *added = add_new(&s, members, n);
    } else {
        set = set_of(db->store, s.ref.e);
        if (n > 1) set_expect(&set, n);
        *added = add_all(&set, members, n);
        keep(&s, &set);
    }
    if (*added > 0) db_tell(&s, CHANGE_SADD);
    return OK;
}

enum err set_key_remove(struct db *db, struct str key, const struct str *members, size_t n,
                        size_t *removed)
{
    struct slot s;
    struct set set;
    enum err e = db_find_type(db, key, VALUE_SET, &s);

    if (e != OK) return e;
    *removed = 0;
    set = set_of(db->store, s.ref.e);
    for (size_t i = 0; i < n; i++) *removed += set_remove(&set, members[i]);
    keep(&s, &set);
    if (*removed > 0) db_tell(&s, CHANGE_SREM);
    if (set_count(&set) == 0) remove_empty(&s);
    return OK;
}

/* Every member goes: no need to take them out one by one. */
static void pop_all(struct slot *s, void (*fn)(void *ctx, struct str member), void *ctx)
{
    struct store *st = s->db->store;
    uint64_t dirty;
    char scratch[NUM_TEXT_MAX];
    struct set set = set_of(st, s->ref.e);
    struct set_iter it;

    set_iter_start(&it, &set);
    while (set_next(&it)) fn(ctx, set_text(&it.item, scratch));
    db_tell(s, CHANGE_SPOP);
    dirty = st->stats.dirty;
    db_remove(s, CHANGE_DEL, st->conf.lazy_server_del);
    st->stats.dirty = dirty;
}

enum err set_key_pop(struct db *db, struct str key, size_t n,
                     void (*fn)(void *ctx, struct str member), void *ctx)
{
    struct slot s;
    struct set set;
    struct buf text = { 0 };
    enum err e = db_find_type(db, key, VALUE_SET, &s);

    if (e != OK || n == 0) return e;
    set = set_of(db->store, s.ref.e);
    if (n >= set_count(&set)) {
        pop_all(&s, fn, ctx);
        return OK;
    }
    for (; n > 0; n--) {
        buf_clear(&text);
        set_pop(&set, &text);
        fn(ctx, buf_str(&text));
    }
    buf_fini(&text);
    keep(&s, &set);
    db_tell(&s, CHANGE_SPOP);
    return OK;
}

enum err set_key_move(struct db *db, struct str from, struct str to, struct str member)
{
    struct set a, b;
    size_t n;
    enum err e = set_read(db, from, &a);

    if (e != OK) return e;
    e = set_read(db, to, &b);
    if (e == ERR_WRONG_TYPE) return e;
    if (str_eq(from, to)) return set_has(&a, member) ? OK : ERR_NOT_DONE;
    e = set_key_remove(db, from, &member, 1, &n);
    if (e != OK) return e;
    if (n == 0) return ERR_NOT_DONE;
    return set_key_add(db, to, &member, 1, &n);
}

size_t set_key_store_take(struct db *db, struct str key, struct set *result, enum change_kind kind)
{
    size_t n = set_count(result);
    struct slot s;
    bool there = db_find_write(db, key, &s);

    if (n == 0) {
        if (there) db_remove(&s, CHANGE_DEL, db->store->conf.lazy_server_del);
        set_free(result);
        return 0;
    }
    if (there) {
        db_give_value(&s, VALUE_SET, result->enc, result->ptr);
        result->ptr = NULL;
    } else {
        db_add(&s, set_entry_take(result, key, -1));
    }
    db_tell(&s, kind);
    return n;
}

/* --- the type --------------------------------------------------------------------------------- */

struct entry *set_entry_take(struct set *s, struct str key, int64_t expire_ms)
{
    struct entry *e = entry_new_ptr(VALUE_SET, s->enc, key, expire_ms);

    entry_set_ptr(e, s->ptr);
    s->ptr = NULL;
    return e;
}

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s;
    switch (entry_enc(e)) {
    case ENC_INTSET: return "intset";
    case ENC_LISTPACK: return "listpack";
    default: return "hashtable";
    }
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    struct set set = set_of((struct store *)(uintptr_t)s, e);

    return set_count(&set);
}

const struct type_ops set_type_ops = {
    .free_value = set_free_value,
    .free_effort = set_free_effort,
    .dup_value = set_dup_value,
    .dup_some = set_dup_some,
    .value_bytes = set_value_bytes,
    .weight = set_weight,
    .encoding_name = encoding_name,
    .count = count_of,
};
