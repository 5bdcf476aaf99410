#include "base/biased.h"

#include <sched.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { THREADS = 4, ROUNDS = 300, WIDTH = 16 };

/* All numbers are the same for whoever is in alone. */
struct guarded {
    struct biased lock;
    long numbers[WIDTH]; /* no atomics: the thread sanitizer looks on */
    _Atomic int running;
};

static void set_all(struct guarded *g, long to)
{
    for (int i = 0; i < WIDTH; i++) {
        ck_assert_int_eq(g->numbers[i], to - 1);
        g->numbers[i] = to;
        if (i % 4 == 0) sched_yield();
    }
}

static void *come_now_and_then(void *arg)
{
    struct guarded *g = arg;

    for (int i = 0; i < ROUNDS; i++) {
        biased_lock(&g->lock);
        set_all(g, g->numbers[0] + 1);
        biased_unlock(&g->lock);
    }
    g->running--;
    return NULL;
}

/* The owner reads, and now and then writes, as long as the others come. */
static void contend(bool init)
{
    struct guarded g = { .lock = BIASED_INITIALIZER, .running = THREADS };
    pthread_t threads[THREADS];
    long own = 0, last = 0;

    if (init) biased_init(&g.lock);
    for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, come_now_and_then, &g), 0);
    for (long turn = 0; g.running > 0; turn++) {
        long seen[WIDTH];
        biased_enter(&g.lock);
        if (turn % 64 == 0) set_all(&g, g.numbers[0] + 1), own++;
        memcpy(seen, g.numbers, sizeof seen);
        biased_leave(&g.lock);
        ck_assert_int_ge(seen[0], last);
        last = seen[0];
        for (int i = 1; i < WIDTH; i++) ck_assert_int_eq(seen[i], last);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(g.numbers[0], own + THREADS * ROUNDS);
}

START_TEST(the_owner_and_the_others_are_never_in_at_once)
{
    contend(true);
}
END_TEST

START_TEST(nor_where_the_kernel_has_no_barrier)
{
    contend(false);
}
END_TEST

UNIT_MAIN("biased", the_owner_and_the_others_are_never_in_at_once, nor_where_the_kernel_has_no_barrier)
