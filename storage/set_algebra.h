/* set_algebra.h -- intersection, union and difference of open sets.
 *
 * Sets with ptr NULL are empty. Nothing is built that need not be: members are given to fn as they
 * are found, each once, in no order; false stops. The array of sets may be reordered. */
#ifndef MEMD_STORAGE_SET_ALGEBRA_H
#define MEMD_STORAGE_SET_ALGEBRA_H

#include "storage/set.h"

typedef bool set_member_fn(void *ctx, const struct listpack_item *m);

void set_intersect(struct set *sets, size_t n, set_member_fn *fn, void *ctx);
void set_unite(struct set *sets, size_t n, set_member_fn *fn, void *ctx);

/* Members of sets[0] that are in none of the others. */
void set_subtract(struct set *sets, size_t n, set_member_fn *fn, void *ctx);

/* A new, empty set to collect a result in: add with set_add_item. */
struct set set_result(struct store *s);

#endif
