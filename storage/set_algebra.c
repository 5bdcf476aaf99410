/* set_algebra.c -- see set_algebra.h.
 *
 * Looking a member up costs about as much as adding it to a set that is being built, without the
 * memory, so all three work by looking up: intersections walk the smallest set, differences the
 * first, unions walk all and leave out what an earlier set has. With many sets that would be
 * quadratic: then a union is built, and what a difference takes away is united first. */
#include "storage/set_algebra.h"

#include <stdlib.h>

#include "storage/db.h"

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

struct set set_result(struct store *s)
{
    return set_new(s, STR("0"), 0);
}

/* --- what is to be done ------------------------------------------------------------------------ */

/* Unite the sets from `first` on before anything else. */
static void build(struct set_algebra *a, size_t first)
{
    a->building = true;
    a->builds = first;
    a->built = set_result(a->sets[first].store);
    a->i = first;
}

static void begin_intersection(struct set_algebra *a)
{
    for (size_t i = 0; i < a->n; i++) {
        if (count_of(&a->sets[i]) > 0) continue;
        a->n = 0;
        return;
    }
    a->n = prepare(a->sets, a->n, by_size);
}

static void begin_union(struct set_algebra *a)
{
    a->n = prepare(a->sets, a->n, by_size_down);
    if (a->n > LOOK_UP_MAX) build(a, 0);
}

static void begin_difference(struct set_algebra *a)
{
    struct set *sets = a->sets;
    size_t n = a->n, others = 0;

    a->n = 0;
    if (count_of(&sets[0]) == 0) return;
    for (size_t i = 1; i < n; i++)
        if (sets[i].ptr == sets[0].ptr) return;
    n = prepare(sets + 1, n - 1, by_size_down);
    for (size_t i = 1; i <= n; i++) others += set_count(&sets[i]);
    a->n = n + 1;
    if (n > LOOK_UP_MAX && others < set_count(&sets[0]) * n) build(a, 1);
}

void set_algebra_begin(struct set_algebra *a, enum set_operation op, struct set *sets, size_t n)
{
    *a = (struct set_algebra){ .op = op, .sets = sets, .n = n };
    if (op == SET_INTERSECT) begin_intersection(a);
    else if (op == SET_UNITE) begin_union(a);
    else begin_difference(a);
}

/* --- a step ------------------------------------------------------------------------------------- */

static void walk(struct set_algebra *a)
{
    if (!a->walks) set_iter_start(&a->it, &a->sets[a->i]);
    a->walks = true;
}

static void build_on(struct set_algebra *a, size_t n)
{
    while (a->i < a->n) {
        walk(a);
        for (; n > 0 && set_next(&a->it); n--) set_add_item(&a->built, &a->it.item);
        if (n == 0) return;
        a->walks = false;
        a->i++;
    }
    a->building = false;
    a->sets[a->builds] = a->built;
    a->n = a->builds + 1;
    a->i = 0;
}

/* Is the member at hand in the result? */
static inline bool is_found(const struct set_algebra *a)
{
    switch (a->op) {
    case SET_INTERSECT: return in_all(a->sets + 1, a->n - 1, &a->it.item);
    case SET_UNITE: return !in_any(a->sets, a->i, &a->it.item);
    default: return !in_any(a->sets + 1, a->n - 1, &a->it.item);
    }
}

size_t set_algebra_step(struct set_algebra *a, size_t n, struct listpack_item found[SET_FOUND])
{
    size_t n_found = 0;

    if (UNLIKELY(a->building)) {
        build_on(a, n);
        return 0;
    }
    while (a->i < a->n) {
        walk(a);
        for (; n > 0 && n_found < SET_FOUND && set_next(&a->it); n--)
            if (is_found(a)) found[n_found++] = a->it.item;
        if (n == 0 || n_found == SET_FOUND) break;
        a->walks = false;
        a->i = a->op == SET_UNITE ? a->i + 1 : a->n;
    }
    return n_found;
}

size_t set_algebra_bytes(const struct set_algebra *a)
{
    return a->built.ptr != NULL ? set_weight(a->built.enc, a->built.ptr) : 0;
}

void set_algebra_end(struct set_algebra *a)
{
    if (a->built.ptr != NULL) db_discard(a->built.store, VALUE_SET, a->built.enc, a->built.ptr, true);
    a->built.ptr = NULL;
}

size_t set_algebra_looks(const struct set_algebra *a)
{
    return a->n > 0 ? a->n : 1;
}
