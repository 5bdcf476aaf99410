/* test_table_scan.c -- a scan returns whoever was there from its first call to its last. */
#include "base/ensure.h"
#include "tests/unit/storage/table_model.h"
#include "tests/unit/unit.h"

static unsigned char seen[MODEL_KEYS];

static void mark(void *ctx, struct entry *e)
{
    const struct model *m = ctx;
    unsigned id = model_id(e);

    ensure(e == m->e[id]); /* not ck_assert: that takes longer than all the rest in such loops */
    if (seen[id] < 255) seen[id]++;
}

START_TEST(a_scan_of_a_table_at_rest_returns_each_entry_once)
{
    struct model *m = model_new();

    for (unsigned size = 1; size <= 20000; size = size * 3 / 2 + 1) {
        uint64_t cursor = 0;

        for (unsigned id = 0; id < size; id++) model_put(m, id);
        memset(seen, 0, sizeof seen);
        do {
            cursor = table_scan(&m->t, cursor, mark, m);
            ensure(cursor >> 40 == 0);
        } while (cursor != 0);
        for (unsigned id = 0; id < size; id++) ensure(seen[id] == 1);
    }
    model_free(m);
}
END_TEST

/* Scan while keys that are no multiple of `stable` come and go between the calls. */
static void scan_with_changes(struct model *m, struct rng *r, unsigned n_keys, unsigned stable,
                              unsigned put_percent, unsigned changes)
{
    uint64_t cursor = 0;
    size_t calls = 0;

    for (unsigned id = 0; id < n_keys; id += stable) model_put(m, id);
    memset(seen, 0, sizeof seen);
    do {
        for (unsigned i = 0; i < changes; i++) {
            unsigned id = (unsigned)rng_below(r, n_keys);

            if (rng_below(r, 100) < put_percent)
                model_put(m, id);
            else if (id % stable != 0)
                model_del(m, id);
        }
        cursor = table_scan(&m->t, cursor, mark, m);
        ensure(calls++ < 1000000);
    } while (cursor != 0);
    for (unsigned id = 0; id < n_keys; id += stable) ensure(seen[id] > 0);
}

START_TEST(a_scan_misses_nothing_while_the_table_grows)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 12; round++) {
        struct model *m = model_new();
        scan_with_changes(m, &r, 20000, 40, 100, 10 + (unsigned)round * 20);
        model_free(m);
    }
}
END_TEST

START_TEST(a_scan_misses_nothing_while_the_table_shrinks)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 12; round++) {
        struct model *m = model_new();
        for (unsigned id = 0; id < 20000; id++) model_put(m, id);
        scan_with_changes(m, &r, 20000, 40, 0, 10 + (unsigned)round * 40);
        ck_assert_uint_lt(m->n, 20000);
        model_free(m);
    }
}
END_TEST

START_TEST(a_scan_misses_nothing_while_a_small_table_changes_its_size)
{
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 300; round++) {
        struct model *m = model_new();
        unsigned n_keys = round % 2 ? 10 + (unsigned)rng_below(&r, 60) : 50 + (unsigned)rng_below(&r, 1500),
                 fill = (unsigned)rng_below(&r, n_keys);

        for (unsigned id = 0; id < fill; id++) model_put(m, id);
        scan_with_changes(m, &r, n_keys, 9, 100 * (unsigned)rng_below(&r, 2),
                          1 + (unsigned)rng_below(&r, 30));
        model_free(m);
    }
}
END_TEST

START_TEST(a_scan_misses_nothing_in_waves)
{
    struct model *m = model_new();
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 24; round++) {
        scan_with_changes(m, &r, 10000, 200, round % 2 ? 5 : 90, 20 + (unsigned)round * 3);
    }
    model_check(m);
    model_free(m);
}
END_TEST

START_TEST(any_cursor_is_harmless)
{
    struct model *m = model_new();
    struct rng r;

    unit_rng(&r);
    for (unsigned n = 0; n < 3000; n = n * 2 + 7) {
        for (unsigned id = 0; id < n; id++) model_put(m, id);
        for (int i = 0; i < 20000; i++) {
            uint64_t cursor = table_scan(&m->t, rng_next(&r) >> rng_below(&r, 64), mark, m);
            ensure(cursor >> 40 == 0);
        }
    }
    model_free(m);
}
END_TEST

START_TEST(a_hand_goes_round)
{
    struct model *m = model_new();
    uint64_t hand = 0;

    ck_assert(table_hand(&m->t, &hand, mark, m));
    for (unsigned id = 0; id < 5000; id++) model_put(m, id);
    memset(seen, 0, sizeof seen);
    for (int round = 0; round < 2; round++) {
        while (!table_hand(&m->t, &hand, mark, m)) {
        }
        ck_assert_uint_eq(hand, 0);
    }
    for (unsigned id = 0; id < 5000; id++) ensure(seen[id] == 2);
    model_free(m);
}
END_TEST

UNIT_MAIN("table_scan", a_scan_of_a_table_at_rest_returns_each_entry_once,
          a_scan_misses_nothing_while_the_table_grows,
          a_scan_misses_nothing_while_the_table_shrinks,
          a_scan_misses_nothing_while_a_small_table_changes_its_size,
          a_scan_misses_nothing_in_waves, any_cursor_is_harmless, a_hand_goes_round)
