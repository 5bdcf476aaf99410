/* rdb_value.h -- one value of an RDB file, in any form that Redis ever wrote, to an entry. */
#ifndef MEMD_PERSISTENCE_RDB_VALUE_H
#define MEMD_PERSISTENCE_RDB_VALUE_H

#include "persistence/rdb_builder.h"

struct entry;
struct store;

/* Read a value of the given RDB type and make the entry of key from it. On success *e is the caller's, or
 * NULL when the value is an empty collection. False: in->err, in->why. key must not point into the
 * input's window. `thorough`: look for members that occur twice also where a sound writer cannot have
 * left any (payloads from outside, files without a checksum). */
bool MUST_USE rdb_get_value(struct rdb_in *in, struct store *s, unsigned type, struct str key,
                            int64_t expire_ms, bool thorough, struct entry **e);

/* The same in steps, for one who does other things between them; zeroed by begin, which it follows, even where that failed, that it is
 * finished or dropped. Packed forms, strings and documents are read by begin. */
struct rdb_pour {
    struct rdb_in *in;
    struct store *store;
    unsigned type;
    uint64_t left;  /* items to come */
    uint64_t first; /* of times to live */
    rdb_item_fn *add;
    struct rdb_builder b; /* when it `builds` */
    bool builds;
    struct stream *stream;
    struct suggestions *suggestions;
    struct rdb_vset_load *vset;
    struct entry *e; /* what was read at once */
};
bool MUST_USE rdb_pour_begin(struct rdb_pour *p, struct rdb_in *in, struct store *s, unsigned type, struct str key, int64_t expire_ms,
                             bool thorough);
bool MUST_USE rdb_pour_step(struct rdb_pour *p, uint64_t n, bool *more);                 /* about n items */
struct entry *rdb_pour_finish(struct rdb_pour *p, struct str key, int64_t expire_ms); /* when there are no more; as rdb_get_value */
void rdb_pour_drop(struct rdb_pour *p);

/* Data of the module with this ID cannot be read; always false, and in->why names the module. */
bool rdb_bad_module(struct rdb_in *in, uint64_t id);

/* The name of a type, for messages. */
const char *rdb_type_name(unsigned type);

#endif
