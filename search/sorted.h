/* sorted.h -- items of one size in order: numbers with their documents, values of a TAG field.
 *
 * A list of chunks of at most SORTED_CHUNK sorted items. An addition moves half a chunk at most, and now and then the
 * pointers of the list; a walk is a walk over arrays. */
#ifndef MEMD_SEARCH_SORTED_H
#define MEMD_SEARCH_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SORTED_CHUNK = 256 };

struct sorted_chunk;

/* < 0, 0, > 0. */
typedef int sorted_cmp(const void *ctx, const void *a, const void *b);

struct sorted {
    size_t item;      /* bytes */
    sorted_cmp *cmp;
    const void *ctx;
    struct sorted_chunk **chunks; /* none is empty */
    char *lasts;                  /* of each chunk the last item: to find a chunk reads nothing else */
    size_t n_chunks, cap, n, bytes;
};

void sorted_init(struct sorted *o, size_t item, sorted_cmp *cmp, const void *ctx);
void sorted_fini(struct sorted *o);

/* False: an equal one is there already, or there is none to remove. */
bool sorted_add(struct sorted *o, const void *item);
bool sorted_remove(struct sorted *o, const void *item);

/* A place in it; valid until the next change. */
struct sorted_at {
    size_t chunk;
    uint32_t i;
};

/* The first item that cmp finds not less than probe (NULL cmp: the order's own). */
struct sorted_at sorted_lower(const struct sorted *o, const void *probe, sorted_cmp *cmp);

/* The item there; NULL: the end. */
const void *sorted_get(const struct sorted *o, struct sorted_at at);
void sorted_next(const struct sorted *o, struct sorted_at *at);

/* Items from a on and before b; O(chunks between). */
size_t sorted_between(const struct sorted *o, struct sorted_at a, struct sorted_at b);

/* Invariants; slow. */
void sorted_check(const struct sorted *o);

#endif
