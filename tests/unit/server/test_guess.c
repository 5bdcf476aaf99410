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

START_TEST(attempts_stand_in_line_and_the_line_has_an_end)
{
    int64_t last = 0;

    for (int i = 1; i <= 10; i++) { /* ten connections at once: one after the other */
        last = guess_until_ms(5000, last, 1000, 1000);
        ck_assert_int_eq(last, 5000 + i * 1000);
    }
    for (int i = 0; i < 100; i++) { /* a hundred more: nobody waits longer than the line is */
        last = guess_until_ms(5001, last, 1000, 1000);
        ck_assert_int_eq(last, 15001);
    }
    ck_assert_int_eq(guess_until_ms(20000, last, 1000, 1000), 21000);        /* it has run off */
    ck_assert_int_eq(guess_until_ms(0, 50000, 30000, 60000), 60000);         /* a delay longer than the line */
}
END_TEST

UNIT_MAIN("guess", five_failures_are_free_and_then_the_delay_doubles_to_its_limit, attempts_stand_in_line_and_the_line_has_an_end)
