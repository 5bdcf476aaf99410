#include "vector/top.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void top_init(struct top *t, size_t k, double radius)
{
    *t = (struct top){ .k = k, .radius = radius };
}

void top_fini(struct top *t)
{
    mem_free(t->hits);
    mem_free(t->places);
    t->hits = NULL;
    t->places = NULL;
    t->n = t->cap = 0;
}

void top_clear(struct top *t)
{
    for (size_t i = 0; t->places != NULL && i < t->n; i++) t->places[t->hits[i].id] = 0;
    t->n = 0;
}

void top_know_ids(struct top *t, uint32_t n_ids)
{
    t->places = mem_zalloc((size_t)n_ids * sizeof *t->places);
    t->n_places = n_ids;
}

static bool farther(const struct vec_hit *a, const struct vec_hit *b)
{
    return a->distance > b->distance || (a->distance == b->distance && a->id > b->id);
}

static void set(struct top *t, size_t i, struct vec_hit hit)
{
    t->hits[i] = hit;
    if (t->places != NULL) t->places[hit.id] = (uint32_t)i + 1;
}

/* Put hit at i of a heap of n, or farther down, where it belongs. */
static void sink_from(struct top *t, size_t n, size_t i, struct vec_hit hit)
{
    size_t child;

    for (; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && farther(&t->hits[child + 1], &t->hits[child])) child++;
        if (!farther(&t->hits[child], &hit)) break;
        set(t, i, t->hits[child]);
    }
    set(t, i, hit);
}

static void rise(struct top *t, struct vec_hit hit)
{
    size_t i = t->n - 1;

    for (; i > 0 && farther(&hit, &t->hits[(i - 1) / 2]); i = (i - 1) / 2) set(t, i, t->hits[(i - 1) / 2]);
    set(t, i, hit);
}

/* It is there already: as near as it gets. */
static void come_nearer(struct top *t, size_t i, double distance)
{
    if (!(distance < t->hits[i].distance)) return;
    if (t->k == 0) t->hits[i].distance = distance;
    else sink_from(t, t->n, i, (struct vec_hit){ t->hits[i].id, distance });
}

void top_add(struct top *t, uint32_t id, double distance)
{
    struct vec_hit hit = { id, distance };

    if (t->k == 0 && !(distance <= t->radius)) return;
    if (t->places != NULL) {
        if (id >= t->n_places) return;
        if (t->places[id] > 0) {
            come_nearer(t, t->places[id] - 1, distance);
            return;
        }
    }
    if (t->k > 0 && t->n == t->k) {
        if (!farther(&t->hits[0], &hit)) return;
        if (t->places != NULL) t->places[t->hits[0].id] = 0;
        sink_from(t, t->n, 0, hit);
        return;
    }
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 16 : t->cap * 2;
        t->hits = mem_realloc(t->hits, t->cap * sizeof *t->hits);
    }
    t->n++;
    if (t->k == 0) set(t, t->n - 1, hit);
    else rise(t, hit);
}

struct vec_hit top_pop(struct top *t)
{
    struct vec_hit first = t->hits[0], last = t->hits[--t->n];

    if (t->n > 0) sink_from(t, t->n, 0, last);
    return first;
}

static int nearest_first(const void *a, const void *b)
{
    return farther(a, b) ? 1 : farther(b, a) ? -1 : 0;
}

void top_sort(struct top *t)
{
    if (t->n > 1) qsort(t->hits, t->n, sizeof *t->hits, nearest_first);
}

void top_order_begin(struct top *t)
{
    t->n_heap = t->n;
}

bool top_order(struct top *t, size_t n)
{
    for (; n > 0 && t->n_heap > 1; n--) {
        struct vec_hit first = t->hits[0], last = t->hits[--t->n_heap];

        sink_from(t, t->n_heap, 0, last);
        t->hits[t->n_heap] = first;
    }
    return t->n_heap <= 1;
}
