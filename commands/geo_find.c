#include "commands/geo_find.h"

#include "base/mem.h"

enum { CHUNK_MIN = 16, CHUNK_MAX = 256 };

/* What has been found lies in chunks, until it is known how much that is. */
struct geo_chunk {
    struct geo_chunk *next;
    size_t n, cap;
    struct geo_found found[];
};

size_t geo_find_begin(struct geo_find *f)
{
    struct geo_range ranges[GEO_RANGES];
    size_t n = 0;

    f->n_ranges = geo_cover(&f->shape, ranges);
    for (size_t i = 0; i < f->n_ranges; i++) {
        struct zrange_score scores = { .min = ranges[i].min, .max = ranges[i].max, .max_open = true };
        struct zrange r = zset_range_score(&f->z, &scores);

        if (r.from > r.to) r.to = r.from;
        f->ranks[i] = r;
        n += r.to - r.from;
    }
    return n;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void keep(struct geo_find *f, struct str member, double score, double distance)
{
    struct geo_chunk *c = f->last;

    if (c == NULL || c->n == c->cap) {
        size_t cap = c == NULL ? CHUNK_MIN : c->cap < CHUNK_MAX ? c->cap * 2 : CHUNK_MAX;

        c = arena_alloc(f->arena, sizeof *c + cap * sizeof *c->found);
        *c = (struct geo_chunk){ .cap = cap };
        if (f->last != NULL) f->last->next = c;
        else f->first = c;
        f->last = c;
    }
    c->found[c->n++] = (struct geo_found){ arena_dup(f->arena, member), score, distance, f->n++ };
}

/* Look at n places more; false: there are no more, or enough. */
static bool look(struct geo_find *f, size_t n)
{
    double distance;

    for (; n > 0; n--) {
        if (f->most > 0 && f->n >= f->most) return false;
        while (f->left == 0) {
            struct zrange r;

            if (f->range == f->n_ranges) return false;
            r = f->ranks[f->range++];
            f->left = r.to - r.from;
            if (f->left > 0) zset_iter_at(&f->it, &f->z, r.from, false);
        }
        ensure(zset_next(&f->it));
        f->left--;
        if (geo_within(&f->shape, geo_decode(f->it.score), &distance)) keep(f, f->it.member, f->it.score, distance);
    }
    return true;
}

/* --- the order -------------------------------------------------------------------------------- */

static int nearer(const struct geo_found *a, const struct geo_found *b)
{
    return (a->distance > b->distance) - (a->distance < b->distance);
}

static int compare(const void *x, const void *y, void *ctx)
{
    const struct geo_found *a = x, *b = y;
    int order = ((const struct geo_find *)ctx)->order == GEO_NEAR_FIRST ? nearer(a, b) : nearer(b, a);

    return order != 0 ? order : (a->i > b->i) - (a->i < b->i);
}

static enum err begin_gathering(struct geo_find *f)
{
    size_t bytes = f->n * sizeof *f->items;
    bool merges = f->in_pieces && f->order != GEO_AS_FOUND;

    if (!mem_can(bytes * (merges ? 2 : 1))) return ERR_OOM;
    f->items = arena_alloc(f->arena, bytes);
    f->sort = (struct sort_steps){ .items = f->items, .size = sizeof *f->items, .n = f->n, .compare = compare, .ctx = f };
    if (merges) f->sort.other = arena_alloc(f->arena, bytes);
    f->n = 0;
    f->phase = GEO_GATHERS;
    return OK;
}

/* The next chunk; false: there are no more. */
static bool gather(struct geo_find *f)
{
    const struct geo_chunk *c = f->first;

    if (c == NULL) return false;
    memcpy(f->items + f->n, c->found, c->n * sizeof *c->found);
    f->n += c->n;
    f->first = c->next;
    return true;
}

enum err geo_find_on(struct geo_find *f, size_t n, bool *ready)
{
    enum err e = OK;

    switch (f->phase) {
    case GEO_LOOKS:
        if (!look(f, n)) e = begin_gathering(f);
        break;
    case GEO_GATHERS:
        if (!gather(f)) f->phase = f->order == GEO_AS_FOUND ? GEO_DONE : GEO_SORTS;
        break;
    case GEO_SORTS:
        if (!sort_steps_on(&f->sort, n)) break;
        f->items = f->sort.items;
        f->phase = GEO_DONE;
        break;
    case GEO_DONE: break;
    }
    *ready = f->phase == GEO_DONE;
    return e;
}

size_t geo_find_bytes(const struct geo_find *f)
{
    enum { MEMBER_GUESS = 16 };

    return f->sort.n * (f->sort.other != NULL ? 2 : 1) * sizeof *f->items + f->n * (sizeof *f->items + MEMBER_GUESS);
}
