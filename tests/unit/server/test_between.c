/* The share of a turn that goes on in slices, with kinds that are planted here and a clock of the test's. */
#include "server/between.h"

#include "tests/unit/unit.h"

enum { N = 4 };

static int64_t now_us;

static int64_t test_clock(void)
{
    return now_us;
}

/* What a kind still has to do, what one step of it takes, and what it has had. */
static struct world {
    int64_t left_us[N], step_us[N], had_us[N];
    int order[64], n_order;
} w;

static void run(int kind, int64_t deadline_us)
{
    if (w.n_order < 64) w.order[w.n_order++] = kind;
    do {
        now_us += w.step_us[kind];
        w.had_us[kind] += w.step_us[kind];
        w.left_us[kind] -= w.step_us[kind];
    } while (w.left_us[kind] > 0 && now_us < deadline_us);
}

#define KIND(n) \
    static bool is_due_##n(const struct server *s) { (void)s; return w.left_us[n] > 0; } \
    static void turn_##n(struct server *s, int64_t deadline_us) { (void)s; run(n, deadline_us); }

KIND(0)
KIND(1)
KIND(2)
KIND(3)

static const struct between_kind kinds[N] = {
    { "zero", is_due_0, turn_0, false }, { "one", is_due_1, turn_1, false },
    { "two", is_due_2, turn_2, false }, { "three", is_due_3, turn_3, true },
};

static struct between begin(int64_t step_us)
{
    struct between b;

    w = (struct world){ 0 };
    now_us = 1000;
    for (int i = 0; i < N; i++) w.step_us[i] = step_us;
    between_init(&b, kinds, N, test_clock);
    return b;
}

START_TEST(nothing_runs_while_nothing_is_due)
{
    struct between b = begin(10);

    ck_assert(!between_is_due(&b, NULL));
    between_turn(&b, NULL);
    ck_assert_int_eq(w.n_order, 0);
    w.left_us[2] = 1;
    ck_assert(between_is_due(&b, NULL));
    between_turn(&b, NULL);
    ck_assert(w.n_order == 1 && w.order[0] == 2 && !between_is_due(&b, NULL));
}
END_TEST

START_TEST(a_turn_takes_its_budget_and_one_step_of_each_that_runs_beyond_it_at_most)
{
    struct between b = begin(30);

    for (int i = 0; i < N; i++) w.left_us[i] = INT64_MAX / 2;
    for (int turns = 0; turns < 100; turns++) {
        int64_t from = now_us;
        between_turn(&b, NULL);
        ck_assert_int_ge(now_us - from, BETWEEN_US);
        ck_assert_int_lt(now_us - from, BETWEEN_US + 30);
    }
}
END_TEST

START_TEST(kinds_that_are_never_done_share_alike)
{
    struct between b = begin(10);

    for (int i = 0; i < N; i++) w.left_us[i] = INT64_MAX / 2;
    for (int turns = 0; turns < 400; turns++) between_turn(&b, NULL);
    for (int i = 0; i < N; i++) ck_assert_int_eq(w.had_us[i], 100 * BETWEEN_US);
}
END_TEST

/* With one that leaves next to nothing of each slice: were the first not another one in each turn, the second would have scraps. */
START_TEST(one_that_leaves_a_little_does_not_starve_the_next)
{
    struct between b = begin(10);

    w.step_us[0] = 10;
    w.left_us[1] = INT64_MAX / 2;
    for (int turns = 0; turns < 400; turns++) {
        w.left_us[0] = BETWEEN_US - 10; /* done just before the end; there is more in the next turn */
        between_turn(&b, NULL);
    }
    ck_assert_int_ge(w.had_us[1], 200 * BETWEEN_US);
}
END_TEST

START_TEST(who_needs_little_has_it_in_the_same_turn)
{
    struct between b = begin(10);

    for (int i = 0; i < N; i++) w.left_us[i] = 20;
    between_turn(&b, NULL);
    ck_assert_int_eq(w.n_order, N);
    ck_assert(!between_is_due(&b, NULL));
}
END_TEST

/* A step may be longer than the budget: then it is one kind a turn, each in its turn. */
START_TEST(long_steps_take_turns)
{
    struct between b = begin(10000);

    for (int i = 0; i < N; i++) w.left_us[i] = INT64_MAX / 2;
    for (int turns = 0; turns < 2 * N; turns++) between_turn(&b, NULL);
    ck_assert_int_eq(w.n_order, 2 * N);
    for (int i = 0; i < 2 * N; i++) ck_assert_int_eq(w.order[i], i % N);
}
END_TEST

static int told;

static void tell(struct server *s, const char *name, int64_t us)
{
    (void)s;
    ck_assert_str_eq(name, "three");
    told += (int)us;
}

START_TEST(what_was_spent_is_known_and_told)
{
    struct between b = begin(40);

    b.tell = tell;
    told = 0;
    w.left_us[3] = 100;
    between_turn(&b, NULL);
    w.left_us[3] = 40;
    between_turn(&b, NULL);
    ck_assert_uint_eq(b.spent[3].turns, 2);
    ck_assert_uint_eq(b.spent[3].us, 160);
    ck_assert_int_eq(b.spent[3].us_max, 120);
    ck_assert_int_eq(told, 160);
}
END_TEST

START_TEST(one_that_answers_nobody_needs_no_turn_behind_it)
{
    struct between b = begin(10);

    w.left_us[3] = 1;
    ck_assert(!between_turn(&b, NULL));
    w.left_us[1] = w.left_us[3] = 1;
    ck_assert(between_turn(&b, NULL));
    ck_assert(!between_turn(&b, NULL)); /* nothing ran */
}
END_TEST

UNIT_MAIN("between", nothing_runs_while_nothing_is_due, a_turn_takes_its_budget_and_one_step_of_each_that_runs_beyond_it_at_most,
          kinds_that_are_never_done_share_alike, one_that_leaves_a_little_does_not_starve_the_next,
          who_needs_little_has_it_in_the_same_turn, long_steps_take_turns, what_was_spent_is_known_and_told,
          one_that_answers_nobody_needs_no_turn_behind_it)
