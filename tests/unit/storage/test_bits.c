/* Bits against a model that looks at one bit after the other. */
#include "storage/bits.h"
#include "tests/unit/unit.h"

enum { BYTES = 70 };

static bool model_bit(struct str s, uint64_t at)
{
    return at / 8 < s.n && ((unsigned char)s.p[at / 8] & 0x80 >> at % 8);
}

static void model_put(unsigned char *p, uint64_t at, unsigned width, uint64_t v)
{
    for (unsigned i = 0; i < width; i++) {
        unsigned char bit = (unsigned char)(0x80 >> (at + i) % 8);
        if (v >> (width - 1 - i) & 1) p[(at + i) / 8] |= bit;
        else p[(at + i) / 8] &= (unsigned char)~bit;
    }
}

static uint64_t model_get(struct str s, uint64_t at, unsigned width)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < width; i++) v = v << 1 | model_bit(s, at + i);
    return v;
}

/* Bytes of which many are all ones or all zeros, at any alignment, in an allocation of just that size
 * so that a step too far is seen. */
static struct str random_bits(struct rng *r, char *p, size_t n)
{
    static const unsigned char common[] = { 0, 0, 0, 0xff, 0xff, 0xff, 0x80, 0x01 };
    unsigned run = 0;
    unsigned char b = 0;

    for (size_t i = 0; i < n; i++) {
        if (run-- == 0) {
            run = (unsigned)rng_below(r, 20);
            b = common[rng_below(r, sizeof common)];
        }
        p[i] = (char)(rng_below(r, 10) ? b : rng_below(r, 256));
    }
    return str_of(p, n);
}

START_TEST(counting_and_finding_agree_with_the_model)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 20000; round++) {
        size_t n = 1 + rng_below(&r, BYTES);
        struct str s = random_bits(&r, mem_alloc(n), n);
        uint64_t first = rng_below(&r, n * 8), last = first + rng_below(&r, n * 8 - first), count = 0;
        int64_t found[2] = { -1, -1 };

        for (uint64_t i = first; i <= last; i++) {
            bool bit = model_bit(s, i);
            count += bit;
            if (found[bit] < 0) found[bit] = (int64_t)i;
            ck_assert_int_eq(bits_test(s, i), bit);
        }
        ck_assert_uint_eq(bits_count(s, first, last), count);
        ck_assert_int_eq(bits_find(s, first, last, false), found[0]);
        ck_assert_int_eq(bits_find(s, first, last, true), found[1]);
        ck_assert(!bits_test(s, n * 8));
        mem_free((void *)(uintptr_t)s.p);
    }
}
END_TEST

static bool model_combined(enum bits_op op, const struct str *src, size_t n, uint64_t at)
{
    bool first = model_bit(src[0], at);
    size_t set = 0, others = 0;

    for (size_t i = 0; i < n; i++) set += model_bit(src[i], at);
    others = set - first;
    switch (op) {
    case BITS_AND: return set == n;
    case BITS_OR: return set > 0;
    case BITS_XOR: return set % 2;
    case BITS_NOT: return !first;
    case BITS_DIFF: return first && !others;
    case BITS_DIFF1: return !first && others;
    case BITS_ANDOR: return first && others;
    case BITS_ONE: return set == 1;
    }
    return false;
}

START_TEST(combining_agrees_with_the_model_for_sources_of_any_lengths)
{
    enum { SOURCES = 5, LONG = 9000 };
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 4000; round++) {
        size_t n = 1 + rng_below(&r, SOURCES), len = 1, most = round % 200 == 0 ? LONG : BYTES;
        struct str src[SOURCES];
        unsigned char *out;
        enum bits_op op = (enum bits_op)(round % 8);

        if (op == BITS_NOT) n = 1;
        for (size_t i = 0; i < n; i++) {
            size_t bytes = rng_below(&r, most);
            src[i] = random_bits(&r, mem_alloc(bytes + 1), bytes);
            if (bytes > len) len = bytes;
        }
        out = mem_alloc(len);
        bits_combine(op, out, len, src, n);
        for (uint64_t at = 0; at < len * 8; at++)
            ck_assert_msg(model_bit(str_of(out, len), at) == model_combined(op, src, n, at), "op %d bit %u", op, (unsigned)at);
        for (size_t i = 0; i < n; i++) mem_free((void *)(uintptr_t)src[i].p);
        mem_free(out);
    }
}
END_TEST

START_TEST(numbers_of_any_width_lie_where_the_model_puts_them)
{
    unsigned char own[BYTES] = { 0 }, model[BYTES] = { 0 };
    struct str s = str_of(own, BYTES);
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 200000; round++) {
        struct bits_field f = { .width = (uint8_t)(1 + rng_below(&r, 64)), .is_signed = rng_below(&r, 2) };
        uint64_t v = rng_next(&r), got;

        if (!f.is_signed && f.width == 64) f.width = 63;
        f.at = rng_below(&r, BYTES * 8 - f.width + 1);
        bits_put(own, &f, (int64_t)v);
        model_put(model, f.at, f.width, v);
        ck_assert_mem_eq(own, model, BYTES);
        got = (uint64_t)bits_get(s, &f);
        v = model_get(s, f.at, f.width);
        if (f.is_signed && f.width < 64 && v >> (f.width - 1)) v |= UINT64_MAX << f.width;
        ck_assert_uint_eq(got, v);
    }
}
END_TEST

START_TEST(a_number_beyond_the_end_reads_as_zeros)
{
    struct bits_field f = { .at = 12, .width = 8 };

    ck_assert_int_eq(bits_get(STR("\xff\xff"), &f), 0xf0);
    f.at = 1000;
    ck_assert_int_eq(bits_get(STR("\xff\xff"), &f), 0);
}
END_TEST

START_TEST(sums_out_of_range_wrap_saturate_or_fail)
{
    struct bits_field u8 = { 0, 8, false }, i8 = { 0, 8, true }, i64 = { 0, 64, true }, u63 = { 0, 63, false };
    int64_t v = 7;

    ck_assert(bits_add(&u8, BITS_WRAP, 200, 100, &v) && v == 44);
    ck_assert(bits_add(&u8, BITS_SATURATE, 200, 100, &v) && v == 255);
    ck_assert(bits_add(&u8, BITS_SATURATE, 20, -100, &v) && v == 0);
    ck_assert(bits_add(&u8, BITS_WRAP, 20, -21, &v) && v == 255);
    ck_assert(!bits_add(&u8, BITS_FAIL, 200, 56, &v) && v == 255);
    ck_assert(bits_add(&u8, BITS_FAIL, 200, 55, &v) && v == 255);
    ck_assert(bits_add(&i8, BITS_WRAP, 127, 1, &v) && v == -128);
    ck_assert(bits_add(&i8, BITS_SATURATE, -128, -1, &v) && v == -128);
    ck_assert(bits_add(&i64, BITS_WRAP, INT64_MAX, 1, &v) && v == INT64_MIN);
    ck_assert(bits_add(&i64, BITS_SATURATE, INT64_MAX, INT64_MAX, &v) && v == INT64_MAX);
    ck_assert(bits_add(&i64, BITS_SATURATE, INT64_MIN, INT64_MIN, &v) && v == INT64_MIN);
    ck_assert(!bits_add(&i64, BITS_FAIL, INT64_MIN, -1, &v));
    ck_assert(bits_add(&u63, BITS_WRAP, INT64_MAX, INT64_MAX, &v) && v == INT64_MAX - 1);
    ck_assert(bits_fit(&u8, BITS_SATURATE, -1, &v) && v == 255);
    ck_assert(bits_fit(&u8, BITS_WRAP, -1, &v) && v == 255);
    ck_assert(!bits_fit(&u8, BITS_FAIL, -1, &v));
    ck_assert(bits_fit(&i8, BITS_WRAP, 255, &v) && v == -1);
    ck_assert(bits_fit(&i8, BITS_SATURATE, 255, &v) && v == 127);
}
END_TEST

UNIT_MAIN("bits", counting_and_finding_agree_with_the_model,
          combining_agrees_with_the_model_for_sources_of_any_lengths,
          numbers_of_any_width_lie_where_the_model_puts_them, a_number_beyond_the_end_reads_as_zeros,
          sums_out_of_range_wrap_saturate_or_fail)
