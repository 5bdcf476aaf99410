/* rdb_builder.h -- a collection that is poured item by item into a new object: for rdb_value.c.
 *
 * What occurs twice, or is no number where one must be, makes the input bad (rdb_in.h) and returns false; the builder is
 * then still to be dropped. */
#ifndef MEMD_PERSISTENCE_RDB_BUILDER_H
#define MEMD_PERSISTENCE_RDB_BUILDER_H

#include "persistence/rdb_in.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/set.h"
#include "storage/zset.h"

struct rdb_builder {
    struct store *s;
    struct rdb_in *in;
    struct list *l;
    struct set set;   /* ptr NULL until the first member comes: it chooses the form */
    struct hash h;
    struct zset z;    /* as set */
    struct buf field; /* the field whose value, or the member whose score, comes next */
    bool have_field;
    uint64_t n;       /* members that are to come, as far as is known */
    enum value_type type;
};

/* Begin a list, set, hash or sorted set. End it by one of the other two. */
void rdb_builder_start(struct rdb_builder *b, struct store *s, struct rdb_in *in, enum value_type type);
void rdb_builder_drop(struct rdb_builder *b); /* what is large goes to be freed elsewhere */

/* The finished entry, the caller's; NULL for an empty collection. */
struct entry *rdb_builder_finish(struct rdb_builder *b, struct str key, int64_t expire_ms);

/* One more item, of a type that it fits. ctx is a struct rdb_builder. */
typedef bool rdb_item_fn(void *ctx, struct str item);
bool rdb_builder_element(void *ctx, struct str item);     /* of a list */
bool rdb_builder_member(void *ctx, struct str item);      /* of a set */
bool rdb_builder_half(void *ctx, struct str item);        /* fields and values of a hash in turn */
bool rdb_builder_scored_half(void *ctx, struct str item); /* members and scores in turn */

/* ttl: when the field expires, wall clock in ms, or HASH_NO_TTL. */
bool rdb_builder_pair(struct rdb_builder *b, struct str field, struct str value, int64_t ttl);
bool rdb_builder_scored(struct rdb_builder *b, struct str member, double score);

/* An entry of an object that there is. */
struct entry *rdb_entry_of(enum value_type type, enum value_enc enc, void *ptr, struct str key, int64_t expire_ms);

#endif
