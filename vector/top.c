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
    t->hits = NULL;
    t->n = t->cap = 0;
}

void top_clear(struct top *t)
{
    t->n = 0;
}

static bool farther(const struct vec_hit *a, const struct vec_hit *b)
{
    return a->distance > b->distance || (a->distance == b->distance && a->id > b->id);
}

/* Put hit at i, or farther down, where it belongs. */
static void sink_from(struct top *t, size_t i, struct vec_hit hit)
{
    size_t child;

    for (; (child = 2 * i + 1) < t->n; i = child) {
        if (child + 1 < t->n && farther(&t->hits[child + 1], &t->hits[child])) child++;
        if (!farther(&t->hits[child], &hit)) break;
        t->hits[i] = t->hits[child];
    }
    t->hits[i] = hit;
}

static void sink(struct top *t, struct vec_hit hit)
{
    sink_from(t, 0, hit);
}

static void rise(struct top *t, struct vec_hit hit)
{
    size_t i = t->n - 1;

    for (; i > 0 && farther(&hit, &t->hits[(i - 1) / 2]); i = (i - 1) / 2) t->hits[i] = t->hits[(i - 1) / 2];
    t->hits[i] = hit;
}

void top_add(struct top *t, uint32_t id, double distance)
{
    struct vec_hit hit = { id, distance };

    if (t->k == 0 && !(distance <= t->radius)) return;
    if (t->k > 0 && t->n == t->k) {
        if (farther(&t->hits[0], &hit)) sink(t, hit);
        return;
    }
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 16 : t->cap * 2;
        t->hits = mem_realloc(t->hits, t->cap * sizeof *t->hits);
    }
    t->n++;
    if (t->k == 0) t->hits[t->n - 1] = hit;
    else rise(t, hit);
}

void top_add_once(struct top *t, uint32_t id, double distance)
{
    if (t->k > 0 && distance > top_limit(t)) return;
    for (size_t i = 0; t->k > 0 && i < t->n; i++) {
        if (t->hits[i].id != id) continue;
        if (distance < t->hits[i].distance) sink_from(t, i, (struct vec_hit){ id, distance });
        return;
    }
    top_add(t, id, distance);
}

static int by_id(const void *a, const void *b)
{
    const struct vec_hit *x = a, *y = b;

    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return x->distance < y->distance ? -1 : x->distance > y->distance;
}

void top_unite(struct top *t)
{
    size_t n = 0;

    if (t->n > 1) qsort(t->hits, t->n, sizeof *t->hits, by_id);
    for (size_t i = 0; i < t->n; i++)
        if (n == 0 || t->hits[n - 1].id != t->hits[i].id) t->hits[n++] = t->hits[i];
    t->n = n;
}

struct vec_hit top_pop(struct top *t)
{
    struct vec_hit first = t->hits[0], last = t->hits[--t->n];

    if (t->n > 0) sink(t, last);
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
