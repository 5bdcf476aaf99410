#include "search/docset.h"

#include "tests/unit/unit.h"

enum { END = 3000 };

/* The model: a byte for each docid. */
struct model {
    uint8_t has[END];
};

static void expect_same(const struct docset *s, const struct model *m)
{
    uint32_t n = 0, next = docset_next(s, 0);

    for (uint32_t d = 0; d < END; d++) {
        ck_assert_int_eq(docset_has(s, d), m->has[d]);
        if (!m->has[d]) continue;
        ck_assert_uint_eq(next, d);
        next = docset_next(s, d + 1);
        n++;
    }
    ck_assert_uint_eq(next, UINT32_MAX);
    ck_assert_uint_eq(s->n, n);
    ck_assert(!s->list || !s->bits);
}

/* Some, few or many, of them in any order, gathered at one end or all over. */
static void fill(struct rng *r, struct docset *s, struct model *m)
{
    static const uint32_t counts[] = { 0, 1, 5, 33, 100, 700, 2500 };
    uint32_t n = counts[rng_below(r, 7)], end = rng_below(r, 3) == 0 ? END / 8 : END;
    bool ascending = rng_below(r, 2);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t d = ascending ? (uint32_t)((uint64_t)i * end / n) : (uint32_t)rng_below(r, end);

        docset_add(s, d);
        m->has[d] = 1;
    }
    if (rng_below(r, 4) == 0) docset_make_bits(s, rng_below(r, 60));
}

START_TEST(a_zeroed_set_is_empty)
{
    struct docset s = { 0 };

    ck_assert(!docset_has(&s, 0));
    ck_assert_uint_eq(docset_next(&s, 0), UINT32_MAX);
    ck_assert_uint_eq(docset_memory(&s), 0);
    docset_remove(&s, 3);
    docset_make_bits(&s, 2);
    ck_assert_uint_eq(s.n_words, 2);
    ck_assert_uint_eq(docset_next(&s, 0), UINT32_MAX);
    docset_fini(&s);
}
END_TEST

START_TEST(sets_are_as_a_model_of_them_after_any_operation)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 1500; round++) {
        struct docset a = { 0 }, b = { 0 }, c = { 0 };
        struct model ma = { { 0 } }, mb = { { 0 } };

        fill(&r, &a, &ma);
        fill(&r, &b, &mb);
        for (int i = (int)rng_below(&r, 40); i > 0; i--) {
            uint32_t d = (uint32_t)rng_below(&r, END);

            docset_remove(&a, d);
            ma.has[d] = 0;
        }
        int op = (int)rng_below(&r, 4);

        if (op == 0) docset_and(&a, &b);
        if (op == 1) docset_or(&a, &b);
        if (op == 2) docset_minus(&a, &b);
        for (uint32_t d = 0; d < END; d++) {
            if (op == 0) ma.has[d] &= mb.has[d];
            if (op == 1) ma.has[d] |= mb.has[d];
            if (op == 2) ma.has[d] &= !mb.has[d];
        }
        docset_copy(&c, &a);
        expect_same(&a, &ma);
        expect_same(&b, &mb);
        expect_same(&c, &ma);
        docset_fini(&a);
        docset_fini(&b);
        docset_fini(&c);
    }
}
END_TEST

START_TEST(a_set_takes_no_more_than_bits_or_a_list_would)
{
    struct docset s = { 0 };

    for (uint32_t d = 0; d < 100000; d++) docset_add(&s, d);
    ck_assert_uint_le(docset_memory(&s), 100000 / 8 * 2);
    ck_assert_ptr_nonnull(s.bits);
    for (uint32_t d = 0; d < 99990; d++) docset_remove(&s, d);
    ck_assert_uint_eq(s.n, 10);
    ck_assert_ptr_nonnull(s.list);
    ck_assert_uint_eq(docset_next(&s, 0), 99990);
    docset_fini(&s);
    docset_add(&s, 4000000);
    ck_assert_uint_le(docset_memory(&s), 64);
    docset_fini(&s);
}
END_TEST

UNIT_MAIN("docset", a_zeroed_set_is_empty, sets_are_as_a_model_of_them_after_any_operation,
          a_set_takes_no_more_than_bits_or_a_list_would)
