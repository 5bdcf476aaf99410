/* intset.h -- a small set of integers: sorted, all of one width. The format of Redis.
 *
 *   width u32 (2, 4 or 8 bytes) | count u32 | integers, ascending, little-endian
 *
 * The width is that of the widest member ever added. Snapshots hold these very bytes. Allocated
 * with mem_good_size of its bytes, as a listpack is. */
#ifndef MEMD_STORAGE_INTSET_H
#define MEMD_STORAGE_INTSET_H

#include <stdint.h>

#include "base/str.h"

struct intset {
    uint32_t width;
    uint32_t count;
    char at[];
};

struct intset *intset_new(void);
void intset_free(struct intset **s);
struct intset *intset_dup(const struct intset *s);

/* A copy of outside bytes; NULL when they are no intset: size, width, and strictly ascending. */
struct intset *intset_from(struct str bytes);

static inline size_t intset_bytes(const struct intset *s)
{
    return sizeof *s + (size_t)s->width * s->count;
}

/* The i-th smallest; i < count. */
int64_t intset_get(const struct intset *s, uint32_t i);

bool intset_has(const struct intset *s, int64_t v);

/* Add v; false: it was there. May move *s. */
bool intset_add(struct intset **s, int64_t v);

/* Remove v; false: it was not there. May move *s. */
bool intset_remove(struct intset **s, int64_t v);

void intset_check(const struct intset *s);

#endif
