/* sample.h -- random entries of a table without taking one twice. */
#ifndef MEMD_STORAGE_SAMPLE_H
#define MEMD_STORAGE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

struct entry;
struct rng;
struct table;

/* Give fn n distinct random entries; n is at most a third of the table, so that drawing again after
 * a double is rare. fn may not change the table; false stops. */
void sample_entries(const struct table *t, struct rng *r, size_t n,
                    bool (*fn)(void *ctx, const struct entry *e), void *ctx);

/* Selection sampling (Knuth 3.4.2 S): of the `left` items that are still to come, this one
 * included, `wanted` are to be taken; whether to take this one. */
bool sample_take(struct rng *r, size_t wanted, size_t left);

#endif
