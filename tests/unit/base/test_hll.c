/* HyperLogLogs against an array of registers, and against bytes that are none. */
#include "base/hll.h"
#include "tests/unit/unit.h"

enum { SPARSE_MAX = 3000 };

static void expect_registers(const struct hll *h, const uint8_t *model)
{
    uint8_t got[HLL_REGISTERS] = { 0 };

    ck_assert(hll_is(buf_str(&h->bytes)));
    ck_assert_int_eq(hll_merge(got, buf_str(&h->bytes)), OK);
    ck_assert_mem_eq(got, model, HLL_REGISTERS);
}

static void expect_same_count(const struct hll *h, const uint8_t *model)
{
    uint64_t count;

    ck_assert_int_eq(hll_count(buf_str(&h->bytes), &count), OK);
    ck_assert_uint_eq(count, hll_estimate(model));
}

START_TEST(a_new_one_is_empty_and_short)
{
    uint8_t none[HLL_REGISTERS] = { 0 };
    uint64_t count = 1;
    struct hll h;

    hll_init(&h, SPARSE_MAX);
    ck_assert_uint_eq(h.bytes.n, 18);
    expect_registers(&h, none);
    ck_assert(hll_cached(buf_str(&h.bytes), &count) && count == 0);
    hll_forget_cached(h.bytes.p);
    ck_assert(!hll_cached(buf_str(&h.bytes), &count));
    hll_put_cached(h.bytes.p, 0x123456789a);
    ck_assert(hll_cached(buf_str(&h.bytes), &count) && count == 0x123456789a);
    hll_fini(&h);
}
END_TEST

/* Raise registers in any order and in order, which takes the short way to a run. */
START_TEST(both_forms_hold_what_the_model_holds)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 60; round++) {
        uint8_t model[HLL_REGISTERS] = { 0 };
        struct hll sparse, dense, other;
        bool rising = round % 2, changed;
        unsigned spread = round % 3 ? HLL_REGISTERS : 200, values = round % 4 ? 4 : 34;

        hll_init(&sparse, round % 5 ? SPARSE_MAX : 40000);
        hll_init(&dense, 0);
        ck_assert_int_eq(hll_to_dense(&dense), OK);
        ck_assert_uint_eq(dense.bytes.n, HLL_DENSE_BYTES);
        for (unsigned i = 0, index = 0; i < 4000; i++) {
            unsigned count = 1 + (unsigned)rng_below(&r, values);
            bool raises;

            index = rising ? (index + (unsigned)rng_below(&r, 4)) % spread : (unsigned)rng_below(&r, spread);
            raises = model[index] < count;
            if (raises) model[index] = (uint8_t)count;
            changed = false;
            ck_assert_int_eq(hll_raise(&dense, index, count, &changed), OK);
            ck_assert_int_eq(changed, raises);
            changed = false;
            ck_assert_int_eq(hll_raise(&sparse, index, count, &changed), OK);
            ck_assert_int_eq(changed, raises);
            ck_assert_uint_eq(hll_dense_get(dense.bytes.p, index), model[index]);
            if (i % 500 == 0) expect_registers(&sparse, model);
        }
        expect_registers(&sparse, model);
        expect_registers(&dense, model);
        expect_same_count(&sparse, model);
        expect_same_count(&dense, model);
        hll_init_copy(&other, buf_str(&sparse.bytes), SPARSE_MAX);
        ck_assert_int_eq(hll_to_dense(&other), OK);
        ck_assert_mem_eq(other.bytes.p + HLL_HEADER, dense.bytes.p + HLL_HEADER, HLL_DENSE_BYTES - HLL_HEADER);
        hll_fini(&other);
        hll_fini(&sparse);
        hll_fini(&dense);
    }
}
END_TEST

/* The short way gives the very bytes that a search from the start gives. */
START_TEST(where_a_search_begins_does_not_show)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 400; round++) {
        unsigned spread = 1 + (unsigned)rng_below(&r, round % 2 ? HLL_REGISTERS : 60), index = 0;
        struct hll a, b;
        bool changed;

        hll_init(&a, 40000);
        hll_init(&b, 40000);
        for (int i = 0; i < 500; i++) {
            unsigned count = 1 + (unsigned)rng_below(&r, 3);

            index = rng_below(&r, 3) ? (index + (unsigned)rng_below(&r, 3)) % spread : (unsigned)rng_below(&r, spread);
            ck_assert_int_eq(hll_raise(&a, index, count, &changed), OK);
            b.hint_at = 0;
            ck_assert_int_eq(hll_raise(&b, index, count, &changed), OK);
            expect_str(buf_str(&a.bytes), buf_str(&b.bytes));
        }
        hll_fini(&a);
        hll_fini(&b);
    }
}
END_TEST

START_TEST(it_turns_dense_when_it_would_get_too_long_or_a_register_too_great)
{
    struct hll h;
    bool changed = false;

    hll_init(&h, SPARSE_MAX);
    ck_assert_int_eq(hll_raise(&h, 5, 32, &changed), OK);
    ck_assert(!hll_is_dense(buf_str(&h.bytes)));
    ck_assert_int_eq(hll_raise(&h, 5, 33, &changed), OK);
    ck_assert(hll_is_dense(buf_str(&h.bytes)));
    hll_fini(&h);
    hll_init(&h, 20);
    ck_assert_int_eq(hll_raise(&h, 0, 1, &changed), OK);
    ck_assert(!hll_is_dense(buf_str(&h.bytes)));
    ck_assert_int_eq(hll_raise(&h, 100, 1, &changed), OK);
    ck_assert(hll_is_dense(buf_str(&h.bytes)));
    hll_fini(&h);
}
END_TEST

START_TEST(counts_are_near_the_truth)
{
    struct hll h;
    bool changed;

    hll_init(&h, SPARSE_MAX);
    for (uint64_t i = 1; i <= 200000; i++) {
        uint64_t count;
        unsigned value, index = hll_hash(str_of(&i, sizeof i), &value);

        ck_assert_uint_le(value, 51);
        ck_assert_int_eq(hll_raise(&h, index, value, &changed), OK);
        if (i & (i - 1)) continue;
        ck_assert_int_eq(hll_count(buf_str(&h.bytes), &count), OK);
        ck_assert_msg(count <= i + i / 20 + 1 && count + i / 20 + 1 >= i, "%u for %u", (unsigned)count, (unsigned)i);
    }
    hll_fini(&h);
}
END_TEST

static void expect_corrupt(struct str s)
{
    uint8_t registers[HLL_REGISTERS] = { 0 };
    struct hll h;
    uint64_t count;

    ck_assert(hll_is(s));
    ck_assert_int_eq(hll_count(s, &count), ERR_HLL_CORRUPT);
    ck_assert_int_eq(hll_merge(registers, s), ERR_HLL_CORRUPT);
    hll_init_copy(&h, s, SPARSE_MAX);
    ck_assert_int_eq(hll_to_dense(&h), ERR_HLL_CORRUPT);
    expect_str(buf_str(&h.bytes), s);
    hll_fini(&h);
}

#define HEAD "HYLL\x01\0\0\0\0\0\0\0\0\0\0\0"

START_TEST(what_makes_no_sense_is_refused)
{
    struct str dense = str_of(mem_zalloc(HLL_DENSE_BYTES), HLL_DENSE_BYTES);

    ck_assert(!hll_is(STR("")));
    ck_assert(!hll_is(STR("HYLL\x01\0\0\0\0\0\0\0\0\0\0")));
    ck_assert(!hll_is(STR("HYLK\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff")));
    ck_assert(!hll_is(STR("HYLL\x02\0\0\0\0\0\0\0\0\0\0\0\x7f\xff")));
    ck_assert(!hll_is(STR("HYLL\0\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"))); /* dense, and too short */
    memcpy((char *)(uintptr_t)dense.p, "HYLL", 4);
    ck_assert(hll_is(dense));
    ck_assert(!hll_is(str_of(dense.p, dense.n - 1)));
    expect_corrupt(STR(HEAD));
    expect_corrupt(STR(HEAD "\x7f"));             /* half a run */
    expect_corrupt(STR(HEAD "\x7f\xfe"));         /* a register is missing */
    expect_corrupt(STR(HEAD "\x7f\xff\x00"));     /* one too many */
    expect_corrupt(STR(HEAD "\x80\x7f\xff"));
    mem_free((void *)(uintptr_t)dense.p);
}
END_TEST

START_TEST(registers_that_no_hash_gives_do_no_harm)
{
    struct str s = str_of(mem_alloc(HLL_DENSE_BYTES), HLL_DENSE_BYTES);
    uint64_t count;

    memset((char *)(uintptr_t)s.p, 0xff, s.n);
    memcpy((char *)(uintptr_t)s.p, "HYLL\0", 5);
    ck_assert_int_eq(hll_count(s, &count), OK);
    ck_assert_uint_eq(count, UINT64_C(1) << 63);
    mem_free((void *)(uintptr_t)s.p);
}
END_TEST

UNIT_MAIN("hll", a_new_one_is_empty_and_short, both_forms_hold_what_the_model_holds,
          where_a_search_begins_does_not_show,
          it_turns_dense_when_it_would_get_too_long_or_a_register_too_great, counts_are_near_the_truth,
          what_makes_no_sense_is_refused, registers_that_no_hash_gives_do_no_harm)
