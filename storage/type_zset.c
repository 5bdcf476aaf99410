/* type_zset.c -- operations on the sorted set at a key. */
#include "storage/type_zset.h"

#include <math.h>

/* --- reading ---------------------------------------------------------------------------------- */

enum err zset_read(struct db *db, struct str key, struct zset *z)
{
    const struct entry *found;
    enum err e = db_read_type(db, key, VALUE_ZSET, &found);

    if (e == OK) *z = zset_of(db->store, found);
    return e;
}

/* --- changing --------------------------------------------------------------------------------- */

/* Put form and address of the sorted set into its entry. */
static void keep(struct slot *s, const struct zset *z)
{
    entry_set_kind(s->ref.e, VALUE_ZSET, z->enc);
    entry_set_ptr(s->ref.e, z->ptr);
}

/* The key goes, as part of a change that has been told. */
static void remove_key(struct slot *s)
{
    struct store *st = s->db->store;
    uint64_t dirty = st->stats.dirty;

    db_remove(s, CHANGE_DEL, st->conf.lazy_server_del);
    st->stats.dirty = dirty;
}

/* Set one score as the flags have it. ERR_SCORE_NAN: nothing is changed. */
static enum err add_one(struct zset *z, const struct zitem *item, unsigned flags, struct zadded *done)
{
    struct zplace at;
    double score = item->score;
    bool there = flags & ZADD_INCR ? zset_find(z, item->member, &at)
                                   : zset_find_for(z, item->member, score, &at);

    if (there ? flags & ZADD_NX : flags & ZADD_XX) return OK;
    if (there) {
        if (flags & ZADD_INCR) score += at.score;
        if (isnan(score)) return ERR_SCORE_NAN;
        if ((flags & ZADD_GT && score <= at.score) || (flags & ZADD_LT && score >= at.score)) return OK;
        done->updated += score != at.score;
    } else {
        done->added++;
    }
    zset_put_at(z, &at, item->member, score);
    done->processed++;
    done->score = score;
    return OK;
}

static enum err add_all(struct zset *z, const struct zitem *items, size_t n, unsigned flags,
                        struct zadded *done)
{
    enum err e = OK;

    for (size_t i = 0; i < n && e == OK; i++) e = add_one(z, &items[i], flags, done);
    return e;
}

enum err zset_key_add(struct db *db, struct str key, const struct zitem *items, size_t n, unsigned flags,
                      struct zadded *done)
{
    struct slot s;
    struct zset z;
    enum err e = db_find_type(db, key, VALUE_ZSET, &s);

    *done = (struct zadded){ 0 };
    if (e == ERR_WRONG_TYPE || (e == ERR_NO_KEY && flags & ZADD_XX)) return e == ERR_NO_KEY ? OK : e;
    if (e == ERR_NO_KEY) {
        z = zset_new(db->store, n, items[0].member.n);
        e = add_all(&z, items, n, flags, done);
        db_add(&s, zset_entry_take(&z, s.key, -1));
    } else {
        z = zset_of(db->store, s.ref.e);
        if (n > 1) zset_expect(&z, n);
        e = add_all(&z, items, n, flags, done);
        keep(&s, &z);
    }
    if (done->added + done->updated > 0) db_tell(&s, flags & ZADD_INCR ? CHANGE_ZINCR : CHANGE_ZADD);
    return e;
}

enum err zset_key_remove(struct db *db, struct str key, const struct str *members, size_t n,
                         size_t *removed)
{
    struct slot s;
    struct zset z;
    enum err e = db_find_type(db, key, VALUE_ZSET, &s);

    if (e != OK) return e;
    *removed = 0;
    z = zset_of(db->store, s.ref.e);
    for (size_t i = 0; i < n; i++) *removed += zset_remove(&z, members[i]);
    keep(&s, &z);
    if (*removed > 0) db_tell(&s, CHANGE_ZREM);
    if (zset_count(&z) == 0) remove_key(&s);
    return OK;
}

/* Members that remain: take the others out one by one; else the whole goes with the key. */
static void remove_ranks(struct slot *s, struct zrange r, enum change_kind kind)
{
    struct zset z = zset_of(s->db->store, s->ref.e);
    bool all = r.from == 0 && r.to >= zset_count(&z);

    if (r.from >= r.to) return;
    if (!all) {
        zset_remove_ranks(&z, r.from, r.to, NULL, NULL);
        keep(s, &z);
    }
    db_tell(s, kind);
    if (all) remove_key(s);
}

enum err zset_key_remove_ranks(struct db *db, struct str key, struct zrange r, enum change_kind kind)
{
    struct slot s;
    enum err e = db_find_type(db, key, VALUE_ZSET, &s);

    if (e == OK) remove_ranks(&s, r, kind);
    return e;
}

enum err zset_key_pop(struct db *db, struct str key, bool highest, size_t n,
                      void (*fn)(void *ctx, struct str member, double score), void *ctx)
{
    struct slot s;
    struct zset z;
    struct zset_iter it;
    size_t count;
    enum err e = db_find_type(db, key, VALUE_ZSET, &s);

    if (e != OK) return e;
    z = zset_of(db->store, s.ref.e);
    count = zset_count(&z);
    if (n > count) n = count;
    zset_iter_at(&it, &z, highest ? count - 1 : 0, highest);
    for (size_t i = 0; i < n && zset_next(&it); i++) fn(ctx, it.member, it.score);
    remove_ranks(&s, highest ? (struct zrange){ count - n, count } : (struct zrange){ 0, n },
                 highest ? CHANGE_ZPOPMAX : CHANGE_ZPOPMIN);
    return OK;
}

size_t zset_key_store_take(struct db *db, struct str key, struct zset *result, enum change_kind kind)
{
    size_t n = zset_count(result);
    struct slot s;
    bool there = db_find_write(db, key, &s);

    if (n == 0) {
        if (there) db_remove(&s, CHANGE_DEL, db->store->conf.lazy_server_del);
        zset_free(result);
        return 0;
    }
    if (there) {
        db_give_value(&s, VALUE_ZSET, result->enc, result->ptr);
        result->ptr = NULL;
    } else {
        db_add(&s, zset_entry_take(result, key, -1));
    }
    db_tell(&s, kind);
    return n;
}

/* --- the type --------------------------------------------------------------------------------- */

struct entry *zset_entry_take(struct zset *z, struct str key, int64_t expire_ms)
{
    struct entry *e = entry_new_ptr(VALUE_ZSET, z->enc, key, expire_ms);

    entry_set_ptr(e, z->ptr);
    z->ptr = NULL;
    return e;
}

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s;
    return entry_enc(e) == ENC_LISTPACK ? "listpack" : "skiplist";
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    struct zset z = zset_of((struct store *)(uintptr_t)s, e);

    return zset_count(&z);
}

const struct type_ops zset_type_ops = {
    .free_value = zset_free_value,
    .free_effort = zset_free_effort,
    .dup_value = zset_dup_value,
    .dup_some = zset_dup_some,
    .value_bytes = zset_value_bytes,
    .weight = zset_weight,
    .encoding_name = encoding_name,
    .count = count_of,
};
