/* name_order.h -- a set of names in order: front-coded in leaves of about a kilobyte.
 *
 *   leaf    [shared][length][bytes] ... : of each name what it does not share with the one before; the first is whole
 *   chunk   up to 256 leaves in a row
 *   the set its chunks in a row
 *
 * A search halves the chunks, then the leaves, then walks a leaf without putting names together: where a name shares more with
 * the one before than that has in common with what is looked for, it is less, too; where it shares less, it is greater. Names
 * as applications make them ("checkpoint:" and two UUIDs) take about half of their bytes so. */
#ifndef MEMD_STORAGE_NAME_ORDER_H
#define MEMD_STORAGE_NAME_ORDER_H

#include <stdint.h>

#include "base/str.h"

enum { NAME_ORDER_NAME_MAX = 1000 };

struct name_chunk;
struct name_order {
    struct name_chunk **chunks;
    size_t n_chunks, cap_chunks;
    size_t count;  /* names */
    size_t bytes;  /* memory */
};
/* A zeroed one is empty. */
void name_order_fini(struct name_order *o);

/* False: it was there. At most NAME_ORDER_NAME_MAX bytes. */
bool name_order_add(struct name_order *o, struct str name);
/* False: it was not there. */
bool name_order_remove(struct name_order *o, struct str name);
bool name_order_has(const struct name_order *o, struct str name);

/* A walk from the first name >= from (or, with `behind`, > from); until the set changes:
 *
 *     name_walk_begin(&w, o, from, false);
 *     while (name_walk_next(&w)) ... w.name ... */
struct name_walk {
    const struct name_order *order;
    struct str name;       /* valid until the next call */
    size_t chunk, leaf, at;
    struct str from;       /* names before it are passed over; empty: none */
    bool behind, begun;
    char bytes[NAME_ORDER_NAME_MAX];
};
void name_walk_begin(struct name_walk *w, const struct name_order *o, struct str from, bool behind);
bool name_walk_next(struct name_walk *w);

/* Invariants, ensured. Slow. */
void name_order_check(const struct name_order *o);

#endif
