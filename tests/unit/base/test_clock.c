#include <time.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

START_TEST(the_wall_clock_is_that_of_the_system)
{
    int64_t s = time(NULL);

    ck_assert_int_ge(clock_wall_ms() / 1000, s);
    ck_assert_int_le(clock_wall_ms() / 1000, s + 60);
    ck_assert_int_ge(clock_wall_us() / 1000000, s);
    ck_assert_int_le(clock_wall_us() / 1000000, s + 60);
}
END_TEST

START_TEST(the_monotonic_clock_never_goes_back)
{
    int64_t last = clock_mono_us();

    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_mono_us();

        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

START_TEST(the_clock_that_counts_sleep_is_ahead_of_the_other)
{
    int64_t mono = clock_mono_us();

    ck_assert_int_ge(clock_boot_us(), mono);
}
END_TEST

UNIT_MAIN("clock", the_wall_clock_is_that_of_the_system, the_monotonic_clock_never_goes_back,
          the_clock_that_counts_sleep_is_ahead_of_the_other)
