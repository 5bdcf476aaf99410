/* rdb_vset.h -- vector sets to RDB bytes and back, as Redis 8's module "vectorset" writes them, graph included.
 *
 *   dimensions, elements, quantization | M << 8, flags, [input dimensions, matrix]
 *   for each element: name, [attributes], vector, number of what follows, and:
 *     node id, level | version << 24, for each layer: links, most links, ids of links ..., the farthest of them,
 *     length and range as two floats
 *
 * Each item has its opcode before it. Redis wants each link to go both ways; here those that do not are left out, and who
 * has none left gets some (storage/cut_vset.c). */
#ifndef MEMD_PERSISTENCE_RDB_VSET_H
#define MEMD_PERSISTENCE_RDB_VSET_H

#include "persistence/rdb_in.h"
#include "persistence/rdb_write.h"
#include "storage/vset.h"

/* All before the first element; true: elements are told with their attributes. */
bool rdb_put_vset_head(struct rdb_out *o, const struct vset *s);
void rdb_put_vset_element(struct rdb_out *o, const struct vset *s, const struct entry *name, bool attrs);

void rdb_put_vset(struct rdb_out *o, const struct vset *s);

/* The value behind its module's id, in steps of n elements; false: `in` says why. *l is to be freed in any case. */
struct rdb_vset_load;
bool MUST_USE rdb_vset_load_new(struct rdb_in *in, struct store *st, struct rdb_vset_load **l);
bool MUST_USE rdb_vset_load_step(struct rdb_vset_load *l, size_t n, bool *more);
struct vset *rdb_vset_load_take(struct rdb_vset_load *l); /* when there is no more: it is the caller's */
void rdb_vset_load_free(struct rdb_vset_load **l);

#endif
