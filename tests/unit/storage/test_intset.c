/* test_intset.c -- intsets against a sorted array. */
#include "storage/intset.h"

#include "base/mem.h"
#include "base/rng.h"
#include "tests/unit/unit.h"

enum { MODEL_MAX = 600 };

struct model {
    int64_t at[MODEL_MAX];
    size_t n;
};

static size_t place(const struct model *m, int64_t v)
{
    size_t i = 0;
    while (i < m->n && m->at[i] < v) i++;
    return i;
}

static bool model_has(const struct model *m, int64_t v)
{
    size_t i = place(m, v);
    return i < m->n && m->at[i] == v;
}

static bool model_add(struct model *m, int64_t v)
{
    size_t i = place(m, v);
    if (i < m->n && m->at[i] == v) return false;
    memmove(&m->at[i + 1], &m->at[i], (m->n - i) * sizeof v);
    m->at[i] = v;
    m->n++;
    return true;
}

static bool model_remove(struct model *m, int64_t v)
{
    size_t i = place(m, v);
    if (i == m->n || m->at[i] != v) return false;
    memmove(&m->at[i], &m->at[i + 1], (m->n - i - 1) * sizeof v);
    m->n--;
    return true;
}

static int64_t random_int(struct rng *r, unsigned width)
{
    if (width == 64 && rng_below(r, 10) == 0) return rng_below(r, 2) ? INT64_MIN : INT64_MAX;
    return (int64_t)(rng_next(r) << (64 - width)) >> (64 - width);
}

static void same(const struct intset *s, const struct model *m)
{
    intset_check(s);
    ck_assert_uint_eq(s->count, m->n);
    for (uint32_t i = 0; i < s->count; i++) ck_assert_int_eq(intset_get(s, i), m->at[i]);
}

START_TEST(intset_behaves_as_a_sorted_array)
{
    static const unsigned widths[] = { 8, 9, 15, 16, 17, 31, 32, 33, 64 };
    struct rng r;

    unit_rng(&r);
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        struct intset *s = intset_new();
        struct model m = { .n = 0 };
        for (int i = 0; i < 25000; i++) {
            /* Mostly narrow, so that a widening comes at some point and finds members to move. */
            int64_t v = random_int(&r, rng_below(&r, 50) == 0 ? widths[w] : 9);
            switch (rng_below(&r, m.n < MODEL_MAX - 1 ? 3 : 1)) {
            case 0: ck_assert_int_eq(intset_remove(&s, v), model_remove(&m, v)); break;
            case 1: ck_assert_int_eq(intset_add(&s, v), model_add(&m, v)); break;
            default: ck_assert_int_eq(intset_has(s, v), model_has(&m, v)); break;
            }
            if (i % 500 == 0) same(s, &m);
        }
        same(s, &m);
        struct intset *d = intset_dup(s);
        same(d, &m);
        intset_free(&d);
        intset_free(&s);
    }
}
END_TEST

START_TEST(intset_from_damaged_bytes_is_refused_or_safe)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 50000; round++) {
        struct intset *s = intset_new(), *out;
        for (size_t n = rng_below(&r, 8); n > 0; n--)
            intset_add(&s, random_int(&r, 8 + (unsigned)rng_below(&r, 30)));
        size_t len = intset_bytes(s);
        char *bad = mem_alloc(len);
        memcpy(bad, s, len);
        for (size_t i = 1 + rng_below(&r, 2); i > 0; i--)
            bad[rng_below(&r, len)] = (char)rng_next(&r);
        out = intset_from(str_of(bad, rng_below(&r, 4) ? len : rng_below(&r, len)));
        if (out != NULL) {
            intset_check(out);
            ck_assert(!intset_has(out, 12345678901234));
        }
        intset_free(&out);
        mem_free(bad);
        intset_free(&s);
    }
}
END_TEST

UNIT_MAIN("intset", intset_behaves_as_a_sorted_array, intset_from_damaged_bytes_is_refused_or_safe)
