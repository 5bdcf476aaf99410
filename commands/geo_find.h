/* geo_find.h -- the places of a sorted set that lie in a shape, in order, in as many pieces as its caller likes.
 *
 * What is found is copied. Of equal distance the first found comes first, so that what a replay of the log stores is the same. */
#ifndef MEMD_COMMANDS_GEO_FIND_H
#define MEMD_COMMANDS_GEO_FIND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/sort_steps.h"
#include "storage/geo.h"
#include "storage/zset.h"

enum geo_order { GEO_AS_FOUND, GEO_NEAR_FIRST, GEO_FAR_FIRST };

struct geo_found {
    struct str member;      /* in the arena */
    double score, distance; /* metres */
    size_t i;               /* the place in which it was found */
};

struct geo_chunk;

/* Zeroed but for the first part. */
struct geo_find {
    struct zset z;
    struct geo_shape shape;
    size_t most;         /* so many are enough; 0: all */
    enum geo_order order;
    struct arena *arena; /* lives longer */
    bool in_pieces;
    /* geo_find.c's */
    enum { GEO_LOOKS, GEO_GATHERS, GEO_SORTS, GEO_DONE } phase;
    struct zrange ranks[GEO_RANGES];
    size_t n_ranges, range, left; /* left: of the range, not looked at */
    struct zset_iter it;
    struct geo_chunk *first, *last;
    struct sort_steps sort;
    /* when it is done */
    struct geo_found *items;
    size_t n;
};

/* Before the first piece; f may be moved until then. How many places will be looked at. */
size_t geo_find_begin(struct geo_find *f);

/* Do n little things, or in some cases some hundreds. *ready: all is done. ERR_OOM. The set is looked at while phase is GEO_LOOKS. */
enum err MUST_USE geo_find_on(struct geo_find *f, size_t n, bool *ready);

/* Bytes held; about. */
size_t geo_find_bytes(const struct geo_find *f);

#endif
