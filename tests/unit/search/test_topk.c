#include "search/topk.h"

#include "tests/unit/unit.h"

static bool descending, descending_ties;

/* By the rules, without a heap. */
static int compare(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    int order = 0, ties = a->doc < b->doc ? -1 : 1;

    if (a->kind == RANK_NOTHING || b->kind == RANK_NOTHING) {
        if (a->kind != b->kind) return a->kind == RANK_NOTHING ? 1 : -1;
    } else if (a->kind != b->kind) {
        order = a->kind == RANK_TEXT ? 1 : -1;
    } else if (a->kind == RANK_NUMBER) {
        order = (a->number > b->number) - (a->number < b->number);
    } else {
        order = str_cmp(a->text, b->text);
    }
    if (order != 0) return descending ? -order : order;
    return descending_ties ? -ties : ties;
}

START_TEST(the_first_k_are_those_of_a_sort)
{
    static const char *const texts[] = { "", "a", "ab", "b" };
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 500; round++) {
        struct ranked all[200];
        struct topk t;
        size_t n = rng_below(&r, 200), k = rng_below(&r, 60);

        descending = rng_below(&r, 2);
        descending_ties = rng_below(&r, 2);
        topk_init(&t, k, descending, descending_ties);
        for (size_t i = 0; i < n; i++) {
            all[i] = (struct ranked){ .doc = (uint32_t)i, .kind = (enum rank_kind)rng_below(&r, 3), .number = (double)rng_below(&r, 10) };
            if (all[i].kind == RANK_TEXT) all[i].text = str_c(texts[rng_below(&r, 4)]);
            topk_offer(&t, &all[i]);
        }
        while (!topk_order(&t, 1 + rng_below(&r, 5))) {}
        qsort(all, n, sizeof *all, compare);
        ck_assert_uint_eq(t.n, n < k ? n : k);
        for (size_t i = 0; i < t.n; i++) ck_assert_uint_eq(t.items[i].doc, all[i].doc);
        topk_fini(&t);
    }
}
END_TEST

UNIT_MAIN("topk", the_first_k_are_those_of_a_sort)
