/* set_algebra.c -- see set_algebra.h.
 *
 * Looking a member up costs about as much as adding it to a set that is being built, without the
 * memory, so all three work by looking up: intersections walk the smallest set, differences the
 * first, unions walk all and leave out what an earlier set has. With many sets that would be
 * quadratic: then a union is built, and what a difference takes away is united first. */
#include "storage/set_algebra.h"

#include <stdlib.h>

enum { LOOK_UP_MAX = 4 }; /* more look-ups a member than this: build */

static size_t count_of(const struct set *s)
{
    return s->ptr != NULL ? set_count(s) : 0;
}

static int by_size(const void *a, const void *b)
{
    size_t x = count_of(a), y = count_of(b);
    return (x > y) - (x < y);
}

static int by_size_down(const void *a, const void *b)
{
    return by_size(b, a);
}

/* Order sets; drop empty ones and doubles, which are neighbours then when sizes differ ... and are
 * looked up in vain when not. Returns how many are left. */
static size_t prepare(struct set *sets, size_t n, int (*order)(const void *, const void *))
{
    size_t kept = 0;

    if (n > 1) qsort(sets, n, sizeof sets[0], order);
    for (size_t i = 0; i < n; i++) {
        if (count_of(&sets[i]) == 0) continue;
        if (kept > 0 && sets[kept - 1].ptr == sets[i].ptr) continue;
        sets[kept++] = sets[i];
    }
    return kept;
}

static bool in_all(const struct set *sets, size_t n, const struct listpack_item *m)
{
    for (size_t i = 0; i < n; i++)
        if (!set_has_item(&sets[i], m)) return false;
    return true;
}

static bool in_any(const struct set *sets, size_t n, const struct listpack_item *m)
{
    for (size_t i = 0; i < n; i++)
        if (set_has_item(&sets[i], m)) return true;
    return false;
}

void set_intersect(struct set *sets, size_t n, set_member_fn *fn, void *ctx)
{
    struct set_iter it;

    for (size_t i = 0; i < n; i++)
        if (count_of(&sets[i]) == 0) return;
    n = prepare(sets, n, by_size);
    set_iter_start(&it, &sets[0]);
    while (set_next(&it))
        if (in_all(sets + 1, n - 1, &it.item) && !fn(ctx, &it.item)) return;
}

struct set set_result(struct store *s)
{
    return set_new(s, STR("0"), 0);
}

static struct set build_union(struct set *sets, size_t n)
{
    struct set all = set_result(sets[0].store);
    struct set_iter it;

    for (size_t i = 0; i < n; i++) {
        set_iter_start(&it, &sets[i]);
        while (set_next(&it)) set_add_item(&all, &it.item);
    }
    return all;
}

static bool give_all(const struct set *s, set_member_fn *fn, void *ctx)
{
    struct set_iter it;

    set_iter_start(&it, s);
    while (set_next(&it))
        if (!fn(ctx, &it.item)) return false;
    return true;
}

void set_unite(struct set *sets, size_t n, set_member_fn *fn, void *ctx)
{
    struct set_iter it;

    n = prepare(sets, n, by_size_down);
    if (n > LOOK_UP_MAX) {
        struct set all = build_union(sets, n);
        give_all(&all, fn, ctx);
        set_free(&all);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        set_iter_start(&it, &sets[i]);
        while (set_next(&it))
            if (!in_any(sets, i, &it.item) && !fn(ctx, &it.item)) return;
    }
}

static void subtract(const struct set *from, const struct set *others, size_t n, set_member_fn *fn,
                     void *ctx)
{
    struct set_iter it;

    set_iter_start(&it, from);
    while (set_next(&it))
        if (!in_any(others, n, &it.item) && !fn(ctx, &it.item)) return;
}

void set_subtract(struct set *sets, size_t n, set_member_fn *fn, void *ctx)
{
    size_t others = 0;

    if (count_of(&sets[0]) == 0) return;
    for (size_t i = 1; i < n; i++)
        if (sets[i].ptr == sets[0].ptr) return;
    n = prepare(sets + 1, n - 1, by_size_down);
    for (size_t i = 1; i <= n; i++) others += set_count(&sets[i]);
    if (n > LOOK_UP_MAX && others < set_count(&sets[0]) * n) {
        struct set all = build_union(sets + 1, n);
        subtract(&sets[0], &all, 1, fn, ctx);
        set_free(&all);
        return;
    }
    subtract(&sets[0], sets + 1, n, fn, ctx);
}
