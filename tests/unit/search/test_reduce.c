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

static struct datum reduced(const char *name, const struct datum *values, size_t n, struct arena *a, struct reduce_world *w)
{
    union reduce_state s = { 0 };
    struct buf error = { 0 };
    struct reducer red;
    struct datum d;

    ck_assert(reduce_parse(&red, str_c(name), 1, &STR("@x"), &error));
    for (size_t i = 0; i < n; i++) reduce_add(&red, &s, &values[i], 1, w);
    d = reduce_value(&red, &s, a);
    reduce_fini(&red, &s);
    return d;
}

START_TEST(counters_are_merged_and_what_is_none_is_passed_over)
{
    enum { MANY = 20000 };
    static struct datum low[MANY], high[MANY];
    struct reduce_world w = { .hash = { 1, 2 } };
    uint64_t before = mem_thread_used(), count;
    struct datum parts[8];
    struct arena a;
    char damaged[18] = "HYLL\x01";

    arena_init(&a);
    for (int i = 0; i < MANY; i++) low[i] = datum_number(i), high[i] = datum_number(i + MANY / 2);
    parts[0] = reduced("HLL", low, MANY, &a, &w);
    parts[1] = reduced("hll", high, MANY, &a, &w);
    parts[2] = reduced("HLL", low, 5, &a, &w);
    parts[3] = reduced("HLL", NULL, 0, &a, &w);
    parts[4] = datum_text(STR("HYLL"));
    parts[5] = datum_text(str_of(damaged, sizeof damaged));
    parts[6] = datum_number(7);
    parts[7] = (struct datum){ .kind = DATUM_NULL };
    ck_assert(hll_is_dense(parts[0].u.text) && !hll_is_dense(parts[2].u.text));
    ck_assert(hll_count(parts[2].u.text, &count) == OK && count == 5);
    ck_assert(hll_count(parts[3].u.text, &count) == OK && count == 0);
    ck_assert_double_eq_tol(reduced("HLL_SUM", parts, 8, &a, &w).u.number, 1.5 * MANY, 0.03 * MANY);
    ck_assert_double_eq(reduced("HLL_SUM", parts + 2, 6, &a, &w).u.number, 5);
    ck_assert_double_eq(reduced("HLL_SUM", parts + 3, 5, &a, &w).u.number, 0);
    arena_fini(&a);
    ck_assert_uint_eq(mem_thread_used(), before);
}
END_TEST

/* A value counts as its text, so that the counter is the one that PFADD makes. */
START_TEST(a_counter_takes_the_memory_that_it_tells)
{
    struct datum items[] = { datum_number(2.5), datum_text(STR("a")) };
    struct datum values[] = { datum_text(STR("2.5")), { DATUM_LIST, 2, { .items = items } }, datum_text(STR("b")) };
    struct reduce_world w = { .hash = { 1, 2 } };
    struct reducer red = { .kind = REDUCE_HLL, .field = STR("x") };
    union reduce_state s = { 0 };
    uint64_t before = mem_thread_used(), count;

    for (size_t i = 0; i < 3; i++) reduce_add(&red, &s, &values[i], 1, &w);
    ck_assert(hll_count(buf_str(&s.hll.bytes), &count) == OK && count == 3);
    for (int i = 0; i < 20000; i++) {
        struct datum d = datum_number(i);

        reduce_add(&red, &s, &d, 1, &w);
        if (i % 100 == 0) ck_assert(w.bytes > 0 && w.bytes <= mem_thread_used() - before);
    }
    ck_assert(w.bytes >= HLL_DENSE_BYTES);
    reduce_fini(&red, &s);
    ck_assert_uint_eq(mem_thread_used(), before);
}
END_TEST

UNIT_MAIN("reduce", counters_are_merged_and_what_is_none_is_passed_over, a_counter_takes_the_memory_that_it_tells, quantiles_are_those_of_a_sorted_array, a_sample_is_fair, distinct_values_are_counted_however_many_and_the_memory_is_known)
