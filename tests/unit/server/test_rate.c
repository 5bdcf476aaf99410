#include "server/cron.h"
#include "tests/unit/unit.h"

START_TEST(nothing_happened)
{
    struct rate r = { 0 };

    ck_assert_uint_eq(rate_per_second(&r), 0);
    rate_sample(&r, 0, 100);
    ck_assert_uint_eq(rate_per_second(&r), 0);
}
END_TEST

START_TEST(a_steady_rate_is_told_as_it_is)
{
    struct rate r = { 0 };

    for (uint64_t i = 1; i <= 100; i++) rate_sample(&r, i * 500, 100);
    ck_assert_uint_eq(rate_per_second(&r), 5000);
}
END_TEST

START_TEST(each_sample_counts_by_its_own_length)
{
    struct rate r = { 0 };
    uint64_t total = 0;

    for (int i = 0; i < OPS_SAMPLES; i++) rate_sample(&r, total += i % 2 ? 100 : 300, i % 2 ? 100 : 300);
    ck_assert_uint_eq(rate_per_second(&r), 1000);
}
END_TEST

START_TEST(a_burst_is_forgotten)
{
    struct rate r = { 0 };

    rate_sample(&r, 1000000, 100);
    ck_assert_uint_gt(rate_per_second(&r), 0);
    for (int i = 0; i < OPS_SAMPLES; i++) rate_sample(&r, 1000000, 100);
    ck_assert_uint_eq(rate_per_second(&r), 0);
}
END_TEST

START_TEST(no_time_is_no_sample)
{
    struct rate r = { 0 };

    rate_sample(&r, 100, 0);
    rate_sample(&r, 100, -5);
    ck_assert_uint_eq(rate_per_second(&r), 0);
    for (int i = 0; i < OPS_SAMPLES; i++) rate_sample(&r, 100, 100);
    ck_assert_uint_eq(rate_per_second(&r), 100 * 10 / OPS_SAMPLES);
}
END_TEST

UNIT_MAIN("rate", nothing_happened, a_steady_rate_is_told_as_it_is, each_sample_counts_by_its_own_length,
          a_burst_is_forgotten, no_time_is_no_sample)
