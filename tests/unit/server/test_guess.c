/* test_guess.c -- how long an attempt waits. */
#include "server/guess.h"
#include "tests/unit/unit.h"

START_TEST(five_failures_are_free_and_then_the_delay_doubles_to_its_limit)
{
    static const int64_t want[] = { 0, 0, 0, 0, 0, 0, 100, 200, 400, 800, 1000, 1000 };

    for (uint32_t n = 0; n < sizeof want / sizeof *want; n++) ck_assert_int_eq(guess_delay_ms(n, 1000), want[n]);
    ck_assert_int_eq(guess_delay_ms(64, 60000), 60000);
    ck_assert_int_eq(guess_delay_ms(6, 50), 50); /* a limit below the first step */
    ck_assert_int_eq(guess_delay_ms(UINT32_MAX, 1000), 1000);
    for (uint32_t n = 0; n < 100; n++) ck_assert_int_eq(guess_delay_ms(n, 0), 0);
}
END_TEST

UNIT_MAIN("guess", five_failures_are_free_and_then_the_delay_doubles_to_its_limit)
