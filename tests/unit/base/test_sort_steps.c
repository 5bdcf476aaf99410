#include <stdlib.h>
#include <string.h>

#include "base/sort_steps.h"
#include "tests/unit/unit.h"

enum { MANY = 3000 };

struct thing {
    unsigned key, place;
    char more[12]; /* items are moved whole */
};

static int compare(const void *x, const void *y, void *ctx)
{
    const struct thing *a = x, *b = y;

    ck_assert_ptr_eq(ctx, &compare);
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* Sort n things of so many keys, so many at a time. */
static void sort(struct rng *r, size_t n, unsigned keys, size_t at_a_time, bool merges)
{
    static struct thing items[MANY], other[MANY];
    struct sort_steps s = { .items = items, .other = merges ? other : NULL, .size = sizeof *items, .n = n, .compare = compare, .ctx = &compare };
    const struct thing *sorted;
    size_t steps = 0;

    for (size_t i = 0; i < n; i++) {
        items[i] = (struct thing){ .key = (unsigned)rng_below(r, keys), .place = (unsigned)i };
        memset(items[i].more, (int)(items[i].key & 0x7f), sizeof items[i].more);
    }
    while (!sort_steps_on(&s, at_a_time)) steps++;
    ck_assert(sort_steps_on(&s, at_a_time)); /* it stays so */
    ck_assert(merges || steps == 0);
    ck_assert(n / at_a_time < 300 || !merges || steps > n / at_a_time);
    sorted = s.items;
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(sorted[i].more[11], (int)(sorted[i].key & 0x7f));
        if (i > 0) ck_assert_int_lt(compare(&sorted[i - 1], &sorted[i], &compare), 0); /* of equal keys, too: each once */
    }
}

START_TEST(whatever_the_pieces_all_comes_out_in_order)
{
    static const size_t sizes[] = { 0, 1, 2, 255, 256, 257, 511, 512, 513, 1024, 1500, MANY };
    static const size_t pieces[] = { 1, 7, 256, 1000, SIZE_MAX };
    struct rng r;

    unit_rng(&r);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            sort(&r, sizes[i], 10, pieces[k], true);
            sort(&r, sizes[i], 1000000, pieces[k], true);
        }
        sort(&r, sizes[i], 100, 1, false);
    }
}
END_TEST

UNIT_MAIN("sort_steps", whatever_the_pieces_all_comes_out_in_order)
