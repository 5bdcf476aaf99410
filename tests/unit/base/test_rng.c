#include "tests/unit/unit.h"

START_TEST(a_seed_gives_the_same_numbers_again)
{
    struct rng a, b, c;

    rng_seed(&a, 7);
    rng_seed(&b, 7);
    rng_seed(&c, 8);
    int n_same = 0;

    for (int i = 0; i < 100; i++) {
        uint64_t x = rng_next(&a);

        ck_assert_uint_eq(x, rng_next(&b));
        n_same += x == rng_next(&c);
    }
    ck_assert_int_eq(n_same, 0);
}
END_TEST

START_TEST(the_numbers_are_those_of_xoshiro256starstar)
{
    struct rng r = { { 1, 2, 3, 4 } };
    static const uint64_t first[] = { 11520, 0, 1509978240, 1215971899390074240 };

    for (int i = 0; i < 4; i++) ck_assert_uint_eq(rng_next(&r), first[i]);
}
END_TEST

START_TEST(the_seed_zero_works)
{
    struct rng r;

    rng_seed(&r, 0);
    ck_assert_uint_ne(rng_next(&r) | rng_next(&r), 0);
}
END_TEST

START_TEST(a_number_below_n_is_below_n)
{
    struct rng r;

    unit_rng(&r);
    for (int bits = 0; bits < 64; bits++) {
        uint64_t n = (uint64_t)1 << bits;

        for (int i = 0; i < 200; i++) {
            ck_assert_uint_lt(rng_below(&r, n), n);
            ck_assert_uint_lt(rng_below(&r, n + 1), n + 1);
            ck_assert_uint_lt(rng_below(&r, UINT64_MAX - n + 1), UINT64_MAX - n + 1);
        }
    }
    for (int i = 0; i < 10; i++) ck_assert_uint_eq(rng_below(&r, 1), 0);
}
END_TEST

START_TEST(all_numbers_below_n_come_equally_often)
{
    struct rng r;
    int counts[6] = { 0 };

    rng_seed(&r, 42);
    for (int i = 0; i < 60000; i++) counts[rng_below(&r, 6)]++;
    for (int i = 0; i < 6; i++) {
        ck_assert_int_gt(counts[i], 9500);
        ck_assert_int_lt(counts[i], 10500);
    }
}
END_TEST

START_TEST(a_large_n_has_no_bias_to_small_numbers)
{
    struct rng r;
    uint64_t n = UINT64_MAX / 4 * 3; /* a plain remainder would give the lowest third twice */
    int n_low = 0;

    rng_seed(&r, 42);
    for (int i = 0; i < 30000; i++) n_low += rng_below(&r, n) < n / 3;
    ck_assert_int_gt(n_low, 9500);
    ck_assert_int_lt(n_low, 10500);
}
END_TEST

START_TEST(a_unit_number_is_at_least_zero_and_below_one)
{
    struct rng r;
    double sum = 0;

    rng_seed(&r, 42);
    for (int i = 0; i < 10000; i++) {
        double x = rng_unit(&r);

        ck_assert(x >= 0 && x < 1);
        sum += x;
    }
    ck_assert(sum > 4800 && sum < 5200);
}
END_TEST

START_TEST(secrets_differ_and_fill_all_bytes)
{
    unsigned char a[1000] = { 0 };
    unsigned char b[1000] = { 0 };
    int n_zero = 0;

    rng_secret(a, sizeof a);
    rng_secret(b, sizeof b);
    ck_assert(memcmp(a, b, sizeof a) != 0);
    for (size_t i = 0; i < sizeof a; i++) n_zero += a[i] == 0;
    ck_assert_int_lt(n_zero, 50);
    rng_secret(a, 0);
}
END_TEST

UNIT_MAIN("rng", a_seed_gives_the_same_numbers_again, the_numbers_are_those_of_xoshiro256starstar,
          the_seed_zero_works, a_number_below_n_is_below_n, all_numbers_below_n_come_equally_often,
          a_large_n_has_no_bias_to_small_numbers, a_unit_number_is_at_least_zero_and_below_one,
          secrets_differ_and_fill_all_bytes)
