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

/* As top_add of an id that may be shown several times: it is taken once, as near as it gets. Of a range top_unite does that when all
 * have been shown. */
void top_add_once(struct top *t, uint32_t id, double distance);
void top_unite(struct top *t);

/* Take the farthest off; n > 0. Of k only. */
struct vec_hit top_pop(struct top *t);

/* Nearest first. Nothing can be shown to it after. */
void top_sort(struct top *t);

#endif
