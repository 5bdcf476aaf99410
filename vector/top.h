/* top.h -- the nearest that have been found: the best k of those that were shown, or all within a radius. */
#ifndef MEMD_VECTOR_TOP_H
#define MEMD_VECTOR_TOP_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "vector/vec.h"

/* Of k: a heap with the farthest on top. Of a range (k is 0): as they came. */
struct top {
    struct vec_hit *hits;
    size_t n, cap, k;
    double radius;
    size_t n_heap;    /* while it is being put in order: those from here on are */
    uint32_t *places; /* of ids below n_places: 1 + where they are among hits, 0: nowhere; NULL: none is shown twice */
    uint32_t n_places;
};

void top_init(struct top *t, size_t k, double radius);
void top_fini(struct top *t);
void top_clear(struct top *t);

/* What is farther than this is not taken. */
static inline double top_limit(const struct top *t)
{
    if (t->k == 0) return t->radius;
    return t->n < t->k ? INFINITY : t->hits[0].distance;
}

/* Show one. Of equal distances the smaller id is nearer. */
void top_add(struct top *t, uint32_t id, double distance);

/* Ids may be shown several times, those below n_ids: each is taken once, as near as it gets, and others are not. Nothing has been
 * shown yet. */
void top_know_ids(struct top *t, uint32_t n_ids);

/* Take the farthest off; n > 0. Of k only. */
struct vec_hit top_pop(struct top *t);

/* Nearest first, of k only. Nothing can be shown to it after. */
void top_sort(struct top *t);
/* The same in pieces: begin, and put n more of them in order until it says that all are. */
void top_order_begin(struct top *t);
bool top_order(struct top *t, size_t n);

#endif
