/* test_table.c -- the table against an array, and what its shape promises. */
#include "storage/wheel.h"
#include "tests/unit/storage/table_model.h"
#include "tests/unit/unit.h"

static void count(void *ctx, struct entry *e)
{
    (void)e;
    ++*(size_t *)ctx;
}

START_TEST(an_empty_table_has_no_memory_and_finds_nothing)
{
    struct model *m = model_new();
    struct table_iter it = { 0 };
    struct rng r;

    rng_seed(&r, 1);
    ck_assert_ptr_null(model_find(m, 1).e);
    ck_assert_ptr_null(table_next(&m->t, &it));
    ck_assert_ptr_null(table_random(&m->t, &r));
    ck_assert_ptr_null(table_random_fair(&m->t, &r));
    table_prefetch_bucket(&m->t, 1);
    table_prefetch_entry(&m->t, 1);
    ck_assert_uint_eq(m->t.bytes, 0);
    table_check(&m->t);

    model_put(m, 1);
    ck_assert_uint_gt(m->t.bytes, 0);
    model_del(m, 1);
    ck_assert_uint_eq(m->t.bytes, 0);
    table_check(&m->t);
    model_free(m);
}
END_TEST

START_TEST(long_keys_and_keys_with_equal_lengths_are_told_apart)
{
    struct hash_key hk = { 3, 4 };
    struct table t;
    char text[1000];

    table_init(&t, &hk);
    memset(text, 'x', sizeof text);
    for (size_t n = 0; n < sizeof text; n++) {
        struct str key = str_of(text, n);
        ck_assert_ptr_null(table_find(&t, table_hash(&t, key), key).e);
        table_insert(&t, table_hash(&t, key), entry_new_none(key));
    }
    for (size_t n = 0; n < sizeof text; n++) {
        struct str key = str_of(text, n);
        struct table_ref r = table_find(&t, table_hash(&t, key), key);
        ck_assert_ptr_nonnull(r.e);
        expect_str(entry_key(r.e), key);
        entry_free(table_remove(&t, &r));
    }
    table_check(&t);
    table_fini(&t, NULL, NULL);
}
END_TEST

START_TEST(random_changes_leave_what_an_array_holds)
{
    struct model *m = model_new();
    struct rng r;

    unit_rng(&r);
    for (int step = 0; step < 400000; step++) {
        /* Waves: from empty to all keys and back, through every size of the small table. */
        unsigned wave = (unsigned)step / 50000 % 4, n_keys = wave == 3 ? 500 : MODEL_KEYS;
        model_churn(m, &r, n_keys, wave == 0 ? 95 : wave == 1 ? 55 : wave == 2 ? 3 : 50);
        if (step % 20000 == 0) model_check(m);
    }
    model_check(m);
    model_free(m);
}
END_TEST

START_TEST(a_table_that_empties_gives_its_memory_back_step_by_step)
{
    struct model *m = model_new();
    size_t full;

    for (unsigned id = 0; id < MODEL_KEYS; id++) model_put(m, id);
    full = m->t.bytes;
    ck_assert_uint_lt(full, MODEL_KEYS * 24);
    for (unsigned id = 0; id < MODEL_KEYS - 2000; id++) {
        model_del(m, id);
        if (id % 1000 == 0) table_check(&m->t);
    }
    ck_assert_uint_lt(m->t.bytes, full / 4);
    for (unsigned id = MODEL_KEYS - 2000; id < MODEL_KEYS - 20; id++) model_del(m, id);
    ck_assert_uint_lt(m->t.bytes, 3000);
    model_check(m);
    model_free(m);
}
END_TEST

START_TEST(small_tables_are_small)
{
    struct model *m = model_new();

    for (unsigned id = 0; id < 7; id++) model_put(m, id);
    ck_assert_uint_le(m->t.bytes, 136);
    for (unsigned id = 7; id < 15; id++) model_put(m, id);
    ck_assert_uint_le(m->t.bytes, 392);
    for (unsigned id = 15; id < 64; id++) model_put(m, id);
    ck_assert_uint_le(m->t.bytes, 1288);
    for (unsigned id = 64; id < 128; id++) model_put(m, id);
    ck_assert_uint_le(m->t.bytes, 2568);
    for (unsigned id = 128; id < 400; id++) model_put(m, id);
    ck_assert_uint_le(m->t.bytes, 5128);
    model_check(m);
    for (unsigned id = 1; id < 400; id++) {
        model_del(m, id);
        table_check(&m->t);
    }
    ck_assert_uint_le(m->t.bytes, 392); /* what is left may lie where more of it was */
    model_check(m);
    model_free(m);
}
END_TEST

START_TEST(an_iterator_meets_every_entry_once)
{
    struct model *m = model_new();
    static unsigned char seen[MODEL_KEYS];
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 6; round++) {
        struct table_iter it = { 0 };
        struct entry *e;
        size_t n = 0;

        for (int i = 0; i < 6000; i++) model_churn(m, &r, MODEL_KEYS, round < 4 ? 90 : 20);
        memset(seen, 0, sizeof seen);
        for (; (e = table_next(&m->t, &it)); n++) {
            ck_assert_ptr_eq(e, m->e[model_id(e)]);
            ck_assert_int_eq(seen[model_id(e)]++, 0);
        }
        ck_assert_uint_eq(n, m->n);
    }
    model_free(m);
}
END_TEST

/* --- candidates ------------------------------------------------------------------------------ */

struct search {
    const struct entry *want;
    size_t n;
    bool found;
};

static bool look(void *ctx, struct entry *e)
{
    struct search *s = ctx;

    s->n++;
    s->found |= e == s->want;
    return true;
}

static bool stop_at_once(void *ctx, struct entry *e)
{
    (void)e;
    ++*(int *)ctx;
    return false;
}

START_TEST(candidates_of_a_part_of_the_hash_are_few_and_hold_the_entry)
{
    struct model *m = model_new();
    size_t n = 0;
    int calls = 0;

    for (unsigned id = 0; id < MODEL_KEYS; id++) model_put(m, id);
    for (unsigned id = 0; id < MODEL_KEYS; id++) {
        struct search s = { .want = m->e[id] };
        table_candidates(&m->t, model_hash(m, id) & WHEEL_HASH_BITS, look, &s);
        ck_assert(s.found);
        n += s.n;
    }
    ck_assert_uint_lt(n, MODEL_KEYS + MODEL_KEYS / 20);
    table_candidates(&m->t, model_hash(m, 1), stop_at_once, &calls);
    ck_assert_int_eq(calls, 1);
    model_free(m);
}
END_TEST

/* --- random choice --------------------------------------------------------------------------- */

START_TEST(a_fair_random_entry_is_any_with_equal_chance)
{
    enum { KEYS = 3000, EACH = 100 };
    struct model *m = model_new();
    static unsigned hits[KEYS];
    double chi2 = 0;
    struct rng r;

    unit_rng(&r);
    for (unsigned id = 0; id < KEYS; id++) model_put(m, id);
    for (int i = 0; i < KEYS * EACH; i++) hits[model_id(table_random_fair(&m->t, &r))]++;
    for (unsigned id = 0; id < KEYS; id++)
        chi2 += ((double)hits[id] - EACH) * ((double)hits[id] - EACH) / EACH;
    /* 2999 degrees of freedom: mean 2999, standard deviation 77. */
    ck_assert_double_lt(chi2, 2999 + 5 * 77);
    model_free(m);
}
END_TEST

START_TEST(a_quick_random_entry_can_be_any)
{
    enum { KEYS = 3000 };
    struct model *m = model_new();
    static unsigned hits[KEYS];
    struct rng r;

    unit_rng(&r);
    for (unsigned id = 0; id < KEYS; id++) model_put(m, id);
    for (int i = 0; i < KEYS * 100; i++) hits[model_id(table_random(&m->t, &r))]++;
    for (unsigned id = 0; id < KEYS; id++) ck_assert(hits[id] > 10 && hits[id] < 1000);
    model_free(m);
}
END_TEST

START_TEST(random_choice_works_in_a_table_that_a_cut_keeps_from_merging)
{
    struct model *m = model_new();
    size_t n_dumped = 0;
    struct table_cut cut = { .epoch = 1, .dump = count, .ctx = &n_dumped };
    struct rng r;

    unit_rng(&r);
    for (unsigned id = 0; id < MODEL_KEYS; id++) model_put(m, id);
    table_cut_begin(&m->t, &cut);
    for (unsigned id = 3; id < MODEL_KEYS; id++) model_del(m, id);
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_lt(model_id(table_random(&m->t, &r)), 3);
        ck_assert_uint_lt(model_id(table_random_fair(&m->t, &r)), 3);
    }
    table_cut_end(&m->t);
    model_free(m);
}
END_TEST

/* --- beyond the 16 stored bits --------------------------------------------------------------- */

enum { ALIKE = 1000 };

/* Keys whose hashes share their first 16 bits: one in 65536. */
static void find_alike(const struct table *t, uint64_t keys[ALIKE])
{
    for (uint64_t i = 0, n = 0; n < ALIKE; i++) {
        if (table_hash(t, str_of(&i, sizeof i)) >> 48 == 0x1234) keys[n++] = i;
    }
}

START_TEST(a_table_splits_beyond_the_bits_that_it_stores)
{
    struct hash_key hk = { 5, 6 };
    static uint64_t keys[ALIKE];
    struct table t;
    uint64_t cursor = 0;
    size_t scanned = 0;

    table_init(&t, &hk);
    find_alike(&t, keys);
    for (int i = 0; i < ALIKE; i++) {
        struct str key = str_of(&keys[i], sizeof keys[i]);
        table_insert(&t, table_hash(&t, key), entry_new_none(key));
    }
    table_check(&t);
    ck_assert_uint_gt(t.depth, 16);
    do {
        cursor = table_scan(&t, cursor, count, &scanned);
        ck_assert_uint_eq(cursor >> 40, 0);
    } while (cursor != 0);
    ck_assert_uint_eq(scanned, ALIKE);
    for (int i = 0; i < ALIKE; i++) {
        struct str key = str_of(&keys[i], sizeof keys[i]);
        struct table_ref r = table_find(&t, table_hash(&t, key), key);
        struct search s = { .want = r.e };

        ck_assert_ptr_nonnull(r.e);
        table_candidates(&t, r.hash & WHEEL_HASH_BITS, look, &s);
        ck_assert(s.found);
        entry_free(table_remove(&t, &r));
    }
    table_check(&t);
    ck_assert_uint_eq(t.count, 0);
    table_fini(&t, NULL, NULL);
}
END_TEST

UNIT_MAIN("table", an_empty_table_has_no_memory_and_finds_nothing,
          long_keys_and_keys_with_equal_lengths_are_told_apart,
          random_changes_leave_what_an_array_holds,
          a_table_that_empties_gives_its_memory_back_step_by_step, small_tables_are_small,
          an_iterator_meets_every_entry_once,
          candidates_of_a_part_of_the_hash_are_few_and_hold_the_entry,
          a_fair_random_entry_is_any_with_equal_chance, a_quick_random_entry_can_be_any,
          random_choice_works_in_a_table_that_a_cut_keeps_from_merging,
          a_table_splits_beyond_the_bits_that_it_stores)
