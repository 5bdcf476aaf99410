/* rdb_builder.c -- see rdb_builder.h. */
#include "persistence/rdb_builder.h"

#include <math.h>

#include "base/num.h"
#include "storage/store.h"
#include "storage/type_hash.h"
#include "storage/type_set.h"
#include "storage/type_zset.h"

void rdb_builder_start(struct rdb_builder *b, struct store *s, struct rdb_in *in, enum value_type type)
{
    *b = (struct rdb_builder){ .s = s, .in = in, .type = type };
    if (type == VALUE_LIST) b->l = list_new();
    if (type == VALUE_HASH) b->h = hash_new(s);
}

void rdb_builder_drop(struct rdb_builder *b)
{
    if (b->type == VALUE_LIST) db_discard(b->s, VALUE_LIST, ENC_LIST, b->l, true);
    if (b->type == VALUE_SET && b->set.ptr) db_discard(b->s, VALUE_SET, b->set.enc, b->set.ptr, true);
    if (b->type == VALUE_HASH) db_discard(b->s, VALUE_HASH, b->h.enc, b->h.ptr, true);
    if (b->type == VALUE_ZSET && b->z.ptr) db_discard(b->s, VALUE_ZSET, b->z.enc, b->z.ptr, true);
    buf_fini(&b->field);
}

struct entry *rdb_entry_of(enum value_type type, enum value_enc enc, void *ptr, struct str key, int64_t expire_ms)
{
    struct entry *e = entry_new_ptr(type, enc, key, expire_ms);

    entry_set_ptr(e, ptr);
    return e;
}

struct entry *rdb_builder_finish(struct rdb_builder *b, struct str key, int64_t expire_ms)
{
    bool empty = b->type == VALUE_LIST ? list_count(b->l) == 0
               : b->type == VALUE_SET ? !b->set.ptr
               : b->type == VALUE_ZSET ? !b->z.ptr : hash_count(&b->h) == 0;

    if (empty) {
        rdb_builder_drop(b);
        return NULL;
    }
    buf_fini(&b->field);
    if (b->type == VALUE_HASH) return hash_entry_take(&b->h, key, expire_ms);
    if (b->type == VALUE_SET) return set_entry_take(&b->set, key, expire_ms);
    if (b->type == VALUE_ZSET) return zset_entry_take(&b->z, key, expire_ms);
    list_settle_name(b->l, b->s->conf.list_max_listpack_size);
    return rdb_entry_of(VALUE_LIST, ENC_LIST, b->l, key, expire_ms);
}

/* --- items ---------------------------------------------------------------------------------------- */

bool rdb_builder_element(void *ctx, struct str item)
{
    struct rdb_builder *b = ctx;

    list_push(b->l, LIST_RIGHT, item);
    return true;
}

bool rdb_builder_member(void *ctx, struct str item)
{
    struct rdb_builder *b = ctx;

    if (!b->set.ptr) b->set = set_new(b->s, item, b->n);
    return set_add(&b->set, item) || rdb_in_bad(b->in, "a set's member occurs twice");
}

bool rdb_builder_pair(struct rdb_builder *b, struct str field, struct str value, int64_t ttl)
{
    struct hash_place at;

    if (hash_find(&b->h, field, &at)) return rdb_in_bad(b->in, "a hash's field occurs twice");
    hash_add(&b->h, &at, field, value, ttl);
    return true;
}

bool rdb_builder_scored(struct rdb_builder *b, struct str member, double score)
{
    struct zplace at;

    if (isnan(score)) return rdb_in_bad(b->in, "a score is no number");
    if (!b->z.ptr) b->z = zset_new(b->s, b->n, member.n);
    if (zset_find(&b->z, member, &at)) return rdb_in_bad(b->in, "a sorted set's member occurs twice");
    zset_put_at(&b->z, &at, member, score);
    return true;
}

/* True: this is the first of two, kept until the second comes. */
static bool keep_first(struct rdb_builder *b, struct str item)
{
    b->have_field = !b->have_field;
    if (!b->have_field) return false;
    buf_clear(&b->field);
    buf_add_str(&b->field, item);
    return true;
}

bool rdb_builder_scored_half(void *ctx, struct str item)
{
    struct rdb_builder *b = ctx;
    double score;

    if (keep_first(b, item)) return true;
    return rdb_builder_scored(b, buf_str(&b->field), num_parse_double(item, &score) ? score : (double)NAN);
}

bool rdb_builder_half(void *ctx, struct str item)
{
    struct rdb_builder *b = ctx;

    if (keep_first(b, item)) return true;
    return rdb_builder_pair(b, buf_str(&b->field), item, HASH_NO_TTL);
}
