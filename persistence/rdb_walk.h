/* rdb_walk.h -- a value to RDB bytes in steps, for one who does other things between them: what rdb_put_value puts down at once. */
#ifndef MEMD_PERSISTENCE_RDB_WALK_H
#define MEMD_PERSISTENCE_RDB_WALK_H

#include "persistence/rdb_stream.h"
#include "persistence/rdb_suggest.h"
#include "persistence/rdb_write.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/set.h"
#include "storage/zset.h"

/* Stays where it began: iterators point into it. */
struct rdb_walk {
    enum value_type type;
    bool slow, done, ttls;
    int64_t first_ttl;
    struct str bytes; /* of a string or document, still to come */
    union {
        struct set set;
        struct zset zset;
        struct hash hash;
    } of;
    union {
        struct list_iter list;
        struct set_iter set;
        struct zset_iter zset;
        struct hash_iter hash;
        struct rdb_stream_walk stream;
        struct {
            const struct suggestions *d;
            size_t i, k;
        } suggest;
    };
};

/* Behind the type byte (rdb_put_type). The value may not change from now on; its entry is not looked at again. `slow`: a long string
 * comes in pieces, which are not compressed. Vector sets come whole. */
void rdb_walk_begin(struct rdb_walk *w, struct rdb_out *o, const struct store *s, const struct entry *e, bool slow);

/* One element more. False: that was all. */
bool rdb_walk_next(struct rdb_walk *w, struct rdb_out *o);

#endif
