#include "base/wall.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000)

enum { START = 1000 };

static struct wall w;
static int64_t boot;

static void set_up(void)
{
    boot = 5 * S;
    wall_init(&w, START * S, boot);
}

/* Time goes on by passed_us; the system's clock is then at system_us. */
static enum wall_event look(int64_t passed_us, int64_t system_us)
{
    boot += passed_us;
    return wall_look(&w, system_us, boot, false);
}

START_TEST(time_goes_on_with_the_system)
{
    ck_assert_int_eq(look(3 * S, (START + 3) * S), WALL_QUIET);
    ck_assert_int_eq(w.now_us, (START + 3) * S);
    ck_assert_int_eq(w.ahead_us, 0);
    ck_assert_int_eq(wall_at(&w, boot + 7), (START + 3) * S + 7);
}
END_TEST

START_TEST(a_small_difference_is_made_up_for_by_a_tenth)
{
    ck_assert_int_eq(look(1 * S, (START + 3) * S), WALL_QUIET);
    ck_assert_int_eq(w.now_us, START * S + S + S / 10);
    ck_assert_int_eq(w.ahead_us, 2 * S - S / 10);
    ck_assert_int_eq(look(19 * S, (START + 22) * S), WALL_QUIET);
    ck_assert_int_eq(w.now_us, (START + 22) * S);
    ck_assert_int_eq(w.ahead_us, 0);
}
END_TEST

START_TEST(also_when_looked_at_all_the_time_and_never_backwards)
{
    int64_t last = w.now_us;

    for (int i = 1; i <= 200000; i++) {
        ck_assert_int_eq(look(3, START * S + 3 * i - 10000), WALL_QUIET);
        ck_assert_int_ge(w.now_us, last);
        last = w.now_us;
    }
    ck_assert_int_eq(w.ahead_us, 0);
}
END_TEST

START_TEST(a_jump_is_told_once_and_not_followed)
{
    int64_t ten_years = 3652 * 86400 * S;

    ck_assert_int_eq(look(1 * S, (START + 1) * S + ten_years), WALL_JUMPED);
    ck_assert_int_eq(w.now_us, (START + 1) * S);
    ck_assert_int_eq(w.ahead_us, ten_years);
    ck_assert_int_eq(look(1 * S, (START + 2) * S + ten_years), WALL_QUIET);
    ck_assert_int_eq(w.now_us, (START + 2) * S);
    ck_assert_int_eq(look(1 * S, (START + 3) * S - ten_years), WALL_JUMPED);
    ck_assert_uint_eq(w.jumps, 2);
    ck_assert_int_eq(look(1 * S, (START + 4) * S), WALL_TOGETHER);
    ck_assert_int_eq(look(1 * S, (START + 5) * S), WALL_QUIET);
    ck_assert_int_eq(w.now_us, (START + 5) * S);
}
END_TEST

START_TEST(many_small_steps_become_a_jump_at_a_minute)
{
    ck_assert_int_eq(look(0, (START + 60) * S), WALL_QUIET);
    ck_assert_int_eq(look(0, (START + 61) * S), WALL_JUMPED);
    ck_assert_int_eq(look(0, (START + 100) * S), WALL_QUIET);
    ck_assert_int_eq(look(0, (START + 122) * S), WALL_JUMPED);
    ck_assert_int_eq(w.now_us, START * S);
}
END_TEST

START_TEST(a_clock_that_runs_away_is_told_less_and_less_often)
{
    for (int i = 1; i <= 100000; i++) look(S, (START + (int64_t)1000 * i) * S);
    ck_assert_uint_lt(w.jumps, 100);
    ck_assert_int_eq(w.now_us, (START + 100000) * S);
}
END_TEST

START_TEST(a_jump_is_followed_where_that_is_asked_for)
{
    ck_assert_int_eq(wall_look(&w, (START + 4000) * S, boot, true), WALL_JUMPED);
    ck_assert_int_eq(w.now_us, (START + 4000) * S);
    ck_assert_int_eq(w.ahead_us, 4000 * S); /* what it was: for the log */
    ck_assert_int_eq(wall_look(&w, START * S, boot, true), WALL_JUMPED);
    ck_assert_int_eq(w.now_us, START * S);
    ck_assert_int_eq(wall_look(&w, START * S, boot, true), WALL_QUIET);
    ck_assert_int_eq(w.ahead_us, 0);
}
END_TEST

START_TEST(a_second_look_at_the_same_moment_changes_nothing)
{
    look(1 * S, (START + 3) * S);
    int64_t now = w.now_us;

    ck_assert_int_eq(look(0, (START + 3) * S), WALL_QUIET);
    ck_assert_int_eq(w.now_us, now);
}
END_TEST

UNIT_MAIN_AROUND("wall", set_up, NULL, time_goes_on_with_the_system, a_small_difference_is_made_up_for_by_a_tenth,
                 also_when_looked_at_all_the_time_and_never_backwards, a_jump_is_told_once_and_not_followed,
                 many_small_steps_become_a_jump_at_a_minute, a_clock_that_runs_away_is_told_less_and_less_often,
                 a_jump_is_followed_where_that_is_asked_for, a_second_look_at_the_same_moment_changes_nothing)
