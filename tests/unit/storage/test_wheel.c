/* test_wheel.c -- the wheel against a list of what is due when. */
#include "base/ensure.h"
#include "storage/wheel.h"
#include "tests/unit/unit.h"

enum { MODEL = 20000, BATCH = 64 };
enum { SECOND = 1000, HOUR = 3600 * SECOND, DAY = 24 * HOUR };
#define START ((int64_t)1767225600123)

/* Record number i is pushed as a hash that holds i, with rubbish in the bits that are not kept. */
struct model {
    struct wheel *w;
    int64_t at[MODEL]; /* -1: not in the wheel */
    size_t n;
};

static uint64_t hash_for(uint64_t i)
{
    return i << 40 | (i & 0xff) << 32 | 0xabcdef00 | (i & 0xff);
}

static void push(struct model *m, size_t i, int64_t at)
{
    ensure(m->at[i] == -1);
    wheel_push(m->w, hash_for(i), at);
    m->at[i] = at;
    m->n++;
}

static struct model *model_new(int64_t now)
{
    struct model *m = mem_alloc(sizeof *m);

    m->w = wheel_new(now);
    m->n = 0;
    for (size_t i = 0; i < MODEL; i++) m->at[i] = -1;
    return m;
}

static void model_free(struct model *m)
{
    wheel_free(&m->w);
    ck_assert_ptr_null(m->w);
    mem_free(m);
}

/* Take until nothing more is due: exactly what the model says. (ensure, because ck_assert in loops
 * this long takes most of the time.) */
static void take(struct model *m, int64_t now)
{
    uint64_t out[BATCH];
    size_t n;

    do {
        n = wheel_take(m->w, now, out, BATCH);
        for (size_t k = 0; k < n; k++) {
            uint64_t i = out[k] >> 40;

            ensure(i < MODEL);
            ensure(out[k] == (hash_for(i) & WHEEL_HASH_BITS));
            ensure(m->at[i] != -1);
            ensure(m->at[i] <= now);
            m->at[i] = -1;
            m->n--;
        }
    } while (n == BATCH || wheel_behind(m->w));
    ck_assert_uint_eq(wheel_count(m->w), m->n);
    for (size_t i = 0; i < MODEL; i++) ensure(m->at[i] == -1 || m->at[i] > now);
}

/* Near times often, far times sometimes. */
static int64_t some_delay(struct rng *r)
{
    static const int64_t ranges[] = { 10,
                                      300,
                                      2 * SECOND,
                                      70 * SECOND,
                                      2 * HOUR,
                                      6 * HOUR,
                                      3 * DAY,
                                      40 * (int64_t)DAY,
                                      60 * (int64_t)DAY,
                                      400 * (int64_t)DAY,
                                      10000 * (int64_t)DAY };
    return (int64_t)rng_below(r, (uint64_t)ranges[rng_below(r, sizeof ranges / sizeof *ranges)]);
}

START_TEST(records_fire_in_their_millisecond)
{
    struct model *m = model_new(START);

    for (int i = 0; i < 2000; i++) push(m, (size_t)i, START + i * 37 % 1500);
    for (int64_t now = START; now < START + 1500; now++) {
        take(m, now);
        wheel_check(m->w);
    }
    ck_assert_uint_eq(m->n, 0);
    model_free(m);
}
END_TEST

START_TEST(what_is_past_is_due_at_the_next_take)
{
    struct model *m = model_new(START);

    take(m, START + 100);
    push(m, 1, START + 100);
    push(m, 2, START);
    push(m, 3, -7);
    push(m, 4, START + 101);
    wheel_check(m->w);
    take(m, START + 100);
    ck_assert_uint_eq(m->n, 1);
    take(m, START + 101);
    ck_assert_uint_eq(m->n, 0);
    model_free(m);
}
END_TEST

START_TEST(every_distance_is_exact)
{
    struct rng r;

    unit_rng(&r);
    for (int64_t far = 1; far < (int64_t)1 << 46; far = far * 3 / 2 + 1) {
        struct model *m = model_new(START);
        int64_t at = START + far;

        push(m, 7, at);
        /* Look in on the way, or not at all. */
        for (int k = 0; k < (int)rng_below(&r, 4); k++)
            take(m, START + (int64_t)rng_below(&r, (uint64_t)far));
        wheel_check(m->w);
        take(m, at - 1);
        ck_assert_uint_eq(m->n, 1);
        take(m, at);
        ck_assert_uint_eq(m->n, 0);
        model_free(m);
    }
}
END_TEST

START_TEST(random_pushes_and_steps_fire_as_a_list_does)
{
    struct model *m = model_new(START);
    int64_t now = START;
    struct rng r;

    unit_rng(&r);
    for (int step = 0; step < 1500; step++) {
        for (uint64_t k = rng_below(&r, 300); k > 0; k--) {
            size_t i = rng_below(&r, MODEL);
            if (m->at[i] == -1) push(m, i, now + some_delay(&r) - (int64_t)rng_below(&r, 20));
        }
        now += rng_below(&r, 20) ? (int64_t)rng_below(&r, 50) : some_delay(&r);
        take(m, now);
        if (step % 10 == 0) wheel_check(m->w);
    }
    model_free(m);
}
END_TEST

START_TEST(a_clock_that_goes_back_fires_nothing_early_and_nothing_late)
{
    struct model *m = model_new(START);
    int64_t now = START;
    struct rng r;

    unit_rng(&r);
    for (int step = 0; step < 3000; step++) {
        for (uint64_t k = rng_below(&r, 40); k > 0; k--) {
            size_t i = rng_below(&r, MODEL);
            if (m->at[i] == -1) push(m, i, now + some_delay(&r));
        }
        if (rng_below(&r, 10) == 0)
            now -= rng_below(&r, 3) ? (int64_t)rng_below(&r, 100) : some_delay(&r) % DAY;
        else
            now += rng_below(&r, 20) ? (int64_t)rng_below(&r, 50) : some_delay(&r) % (2 * DAY);
        if (rng_below(&r, 3) == 0) continue; /* pushes before the wheel hears of it */
        take(m, now);
        if (step % 10 == 0) wheel_check(m->w);
    }
    model_free(m);
}
END_TEST

START_TEST(an_empty_wheel_follows_the_clock_anywhere)
{
    struct model *m = model_new(START);
    size_t bytes = wheel_bytes(m->w);

    take(m, START + 100 * (int64_t)DAY);
    take(m, 5);
    take(m, -5);
    push(m, 1, 200);
    take(m, 199);
    ck_assert_uint_eq(m->n, 1);
    take(m, 200);
    ck_assert_uint_eq(m->n, 0);
    take(m, START);
    ck_assert_uint_eq(wheel_bytes(m->w), bytes);
    model_free(m);
}
END_TEST

START_TEST(one_call_does_bounded_work)
{
    enum { MANY = 200000 };
    struct wheel *w = wheel_new(START);
    uint64_t out[BATCH];
    size_t taken = 0, calls = 0, empty = 0;
    int64_t at = START + 5 * HOUR;

    for (uint64_t i = 0; i < MANY; i++) wheel_push(w, i << 32, at);
    while (taken < MANY) {
        size_t n = wheel_take(w, at, out, BATCH);

        ck_assert(n == BATCH || wheel_behind(w) || taken + n == MANY);
        taken += n;
        empty += n == 0;
        calls++;
        if (calls % 100 == 0) wheel_check(w);
    }
    ck_assert_uint_gt(empty, 50); /* sorting went on over many calls */
    ck_assert_uint_lt(calls, MANY / BATCH + 1000);
    ck_assert_uint_eq(wheel_take(w, at, out, BATCH), 0);
    wheel_free(&w);
}
END_TEST

START_TEST(many_records_take_little_more_than_eight_bytes)
{
    enum { MANY = 300000 };
    struct wheel *w = wheel_new(START);
    size_t before = mem_used();
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < MANY; i++) wheel_push(w, rng_next(&r), START + (int64_t)rng_below(&r, DAY));
    ck_assert_uint_lt(wheel_bytes(w), MANY * 105 / 10);
    ck_assert_uint_lt(mem_used() - before, MANY * 105 / 10);
    wheel_free(&w);
    ck_assert_uint_lt(mem_used(), before);
}
END_TEST

UNIT_MAIN("wheel", records_fire_in_their_millisecond, what_is_past_is_due_at_the_next_take,
          every_distance_is_exact, random_pushes_and_steps_fire_as_a_list_does,
          a_clock_that_goes_back_fires_nothing_early_and_nothing_late,
          an_empty_wheel_follows_the_clock_anywhere, one_call_does_bounded_work,
          many_records_take_little_more_than_eight_bytes)
