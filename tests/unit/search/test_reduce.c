#include "search/reduce.h"

#include <math.h>

#include "tests/unit/unit.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

START_TEST(quantiles_are_those_of_a_sorted_array)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 3000; round++) {
        struct reduce_world w = { .hash = { 1, 2 } };
        union reduce_state s = { 0 };
        struct reducer red;
        struct buf error = { 0 };
        size_t n = 1 + rng_below(&r, round % 100 == 0 ? 5000 : 40);
        double *v = mem_alloc(n * sizeof *v), want;
        char text[32];
        struct arena a;

        snprintf(text, sizeof text, "%.3f", rng_below(&r, 5) == 0 ? (double)rng_below(&r, 2) : rng_unit(&r));
        ck_assert(reduce_parse(&red, STR("QUANTILE"), 2, (struct str[]){ STR("@x"), str_c(text) }, &error));
        red.column = 0;
        for (size_t i = 0; i < n; i++) {
            struct datum d = datum_number(v[i] = (double)rng_below(&r, round % 3 == 0 ? 3 : 1000)); /* with many equals, too */

            reduce_add(&red, &s, &d, 1, &w);
        }
        qsort(v, n, sizeof *v, by_value);
        want = v[(size_t)(red.quantile * (double)(n - 1) + 0.5)];
        arena_init(&a);
        ck_assert_double_eq(reduce_value(&red, &s, &a).u.number, want);
        arena_fini(&a);
        reduce_fini(&red, &s);
        mem_free(v);
        buf_fini(&error);
    }
}
END_TEST

START_TEST(a_sample_is_fair)
{
    enum { ROWS = 20, ROUNDS = 20000, WANTED = 5 };
    size_t hits[ROWS] = { 0 };
    struct reduce_world w = { .hash = { 1, 2 } };
    struct reducer red = { .kind = REDUCE_RANDOM_SAMPLE, .field = STR("x"), .sample = WANTED };

    unit_rng(&w.rng);
    for (int round = 0; round < ROUNDS; round++) {
        union reduce_state s = { 0 };
        struct arena a;
        struct datum list;

        for (size_t i = 0; i < ROWS; i++) {
            struct datum d = datum_number((double)i);
            reduce_add(&red, &s, &d, 1, &w);
        }
        arena_init(&a);
        list = reduce_value(&red, &s, &a);
        ck_assert_uint_eq(list.n, WANTED);
        for (uint32_t i = 0; i < list.n; i++) hits[(size_t)list.u.items[i].u.number]++;
        arena_fini(&a);
        reduce_fini(&red, &s);
    }
    for (size_t i = 0; i < ROWS; i++) { /* 5,000 each on average, deviation 61 */
        ck_assert_uint_gt(hits[i], 4600);
        ck_assert_uint_lt(hits[i], 5400);
    }
}
END_TEST

START_TEST(distinct_values_are_counted_however_many_and_the_memory_is_known)
{
    enum { MANY = 30000 };
    struct reduce_world w = { .hash = { 1, 2 } };
    struct reducer count = { .kind = REDUCE_COUNT_DISTINCT, .field = STR("x") };
    union reduce_state s = { 0 };
    uint64_t before = mem_thread_used();
    double told;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            struct datum d = datum_number(i);

            reduce_add(&count, &s, &d, 1, &w);
            if (i % 1000 == 0) ck_assert_uint_eq(s.distinct.n, round == 0 ? (size_t)i + 1 : MANY);
        }
    }
    ck_assert_double_eq(reduce_value(&count, &s, NULL).u.number, MANY);
    told = (double)(mem_thread_used() - before);
    ck_assert_msg((double)w.bytes > 0.9 * told && (double)w.bytes <= told, "%zu, not %g", w.bytes, told);
    reduce_fini(&count, &s);
    ck_assert_uint_eq(mem_thread_used(), before);
}
END_TEST

UNIT_MAIN("reduce", quantiles_are_those_of_a_sorted_array, a_sample_is_fair, distinct_values_are_counted_however_many_and_the_memory_is_known)
