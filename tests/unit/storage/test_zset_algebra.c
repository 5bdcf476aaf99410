/* Unions, intersections and differences of random sorted sets and sets against sums in plain arrays. */
#include "storage/zset_algebra.h"

#include <math.h>
#include <stdio.h>

#include "storage/type_set.h"
#include "storage/type_zset.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

enum { KEYS = 6, MEMBERS = 300, SOURCES = 5 };

static struct store *store;
static struct rng rng;

/* What each key holds: NAN is not there. */
static double model[KEYS][MEMBERS];
static bool is_set[KEYS];

static void set_up(void)
{
    store = env_store(11);
    rng_seed(&rng, 11);
}

static void tear_down(void)
{
    store_check(store);
    store_free(&store);
}

static struct str name(char *text, const char *form, int i)
{
    return str_of(text, (size_t)sprintf(text, form, i));
}

static double score_of_some_kind(void)
{
    switch (rng_below(&rng, 8)) {
    case 0: return INFINITY;
    case 1: return -INFINITY;
    case 2: return (double)rng_below(&rng, 1000) / 7;
    default: return (double)rng_below(&rng, 20) - 10;
    }
}

/* Fill key k with members at random, a few or most of them. */
static void fill(int k)
{
    struct db *db = store->dbs[0];
    unsigned chance = (unsigned)rng_below(&rng, 100);
    char key[16], member[16];
    struct zadded done;
    struct slot slot;
    size_t added;

    if (db_find_write(db, name(key, "k%d", k), &slot)) db_remove(&slot, CHANGE_DEL, false);
    is_set[k] = rng_below(&rng, 3) == 0;
    for (int i = 0; i < MEMBERS; i++) {
        model[k][i] = NAN;
        if (rng_below(&rng, 100) >= chance) continue;
        model[k][i] = is_set[k] ? 1 : score_of_some_kind();
        struct str m = name(member, "%d", i * 37);
        struct zitem item = { m, model[k][i] };
        if (is_set[k])
            ck_assert_int_eq(set_key_add(db, name(key, "k%d", k), &m, 1, &added), OK);
        else
            ck_assert_int_eq(zset_key_add(db, name(key, "k%d", k), &item, 1, 0, &done), OK);
    }
}

static size_t size_of(int k)
{
    size_t n = 0;

    for (int i = 0; i < MEMBERS; i++) n += !isnan(model[k][i]);
    return n;
}

static double nought(double v)
{
    return isnan(v) ? 0 : v;
}

/* Keys from the smallest up, as they came among equals: the order in which scores are aggregated. */
static void order(int *keys, double *weights, int n)
{
    for (int i = 1; i < n; i++) {
        for (int j = i; j > 0 && size_of(keys[j]) < size_of(keys[j - 1]); j--) {
            int k = keys[j];
            double w = weights[j];
            keys[j] = keys[j - 1], weights[j] = weights[j - 1];
            keys[j - 1] = k, weights[j - 1] = w;
        }
    }
}

/* The score that a union (or an intersection) gives member i; NAN: it is not in it. */
static double expected(const int *keys, const double *weights, int n, enum zaggregate how, int i,
                       bool all)
{
    double sum = NAN;

    for (int s = 0; s < n; s++) {
        double v = model[keys[s]][i];
        if (isnan(v) && all) return NAN;
        if (isnan(v)) continue;
        v *= weights[s];
        if (!all)
            v = nought(v); /* an intersection adds what is no number, and makes 0 of the sum */
        if (isnan(sum))
            sum = nought(v);
        else if (how == ZAGGREGATE_SUM)
            sum = nought(sum + v);
        else if (how == ZAGGREGATE_MIN)
            sum = v < sum ? v : sum;
        else
            sum = v > sum ? v : sum;
    }
    return sum;
}

static void compare(struct zset *z, const double *want)
{
    char member[16];
    size_t n = 0;
    double got;

    for (int i = 0; i < MEMBERS; i++) {
        bool there = zset_score(z, name(member, "%d", i * 37), &got);
        ck_assert_int_eq(there, !isnan(want[i]));
        if (there) ck_assert_msg(got == want[i], "member %d: %.17g, not %.17g", i, got, want[i]);
        n += there;
    }
    ck_assert_uint_eq(zset_count(z), n);
    zset_check(z);
    ck_assert_int_eq(z->enc, n <= store->conf.zset_max_listpack_entries ? ENC_LISTPACK : ENC_TREE);
    zset_free(z);
}

static void open_all(struct zsource *src, const int *keys, const double *weights, int n)
{
    char key[16];

    for (int s = 0; s < n; s++) {
        ck_assert_int_eq(zsource_open(store->dbs[0], name(key, "k%d", keys[s]), &src[s]), OK);
        src[s].weight = weights[s];
    }
}

static struct zset_algebra work_out(enum zset_operation op, struct zsource *src, int n, enum zaggregate how, bool counts, size_t limit)
{
    struct zset_algebra a;

    zset_algebra_begin(&a, store, op, src, (size_t)n);
    a.how = how;
    a.counts = counts;
    a.limit = limit;
    while (zset_algebra_step(&a, 1 + rng_below(&rng, 5))) { }
    return a;
}

static void compare_result(struct zset_algebra a, const double *want)
{
    struct zset z = a.result;

    a.result.ptr = NULL;
    zset_algebra_end(&a);
    compare(&z, want);
}

static size_t count(struct zsource *src, int n, size_t limit)
{
    struct zset_algebra a = work_out(ZSET_INTERSECT, src, n, ZAGGREGATE_SUM, true, limit);

    zset_algebra_end(&a);
    return a.found;
}

static void round_of_all(void)
{
    static const double kinds[] = { 1, 1, 2, -1, 0, 0.1, INFINITY };
    int n = 1 + (int)rng_below(&rng, SOURCES), keys[SOURCES], sorted[SOURCES];
    double weights[SOURCES], sorted_weights[SOURCES], want[MEMBERS];
    enum zaggregate how = (enum zaggregate)rng_below(&rng, 3);
    struct zsource src[SOURCES];
    size_t common = 0;

    for (int s = 0; s < n; s++) {
        sorted[s] = keys[s] = (int)rng_below(&rng, KEYS);
        sorted_weights[s] = weights[s] = kinds[rng_below(&rng, sizeof kinds / sizeof *kinds)];
    }
    order(sorted, sorted_weights, n);

    open_all(src, keys, weights, n);
    for (int i = 0; i < MEMBERS; i++) want[i] = expected(sorted, sorted_weights, n, how, i, false);
    compare_result(work_out(ZSET_UNITE, src, n, how, false, 0), want);

    open_all(src, keys, weights, n);
    for (int i = 0; i < MEMBERS; i++) {
        want[i] = expected(sorted, sorted_weights, n, how, i, true);
        common += !isnan(want[i]);
    }
    compare_result(work_out(ZSET_INTERSECT, src, n, how, false, 0), want);
    open_all(src, keys, weights, n);
    ck_assert_uint_eq(count(src, n, 0), common);
    open_all(src, keys, weights, n);
    ck_assert_uint_eq(count(src, n, 3), common < 3 ? common : 3);

    open_all(src, keys, weights, n);
    for (int i = 0; i < MEMBERS; i++) {
        want[i] = model[keys[0]][i];
        for (int s = 1; s < n; s++)
            if (!isnan(model[keys[s]][i])) want[i] = NAN;
    }
    compare_result(work_out(ZSET_SUBTRACT, src, n, ZAGGREGATE_SUM, false, 0), want);
}

START_TEST(results_are_those_of_plain_arrays)
{
    for (int k = 0; k < KEYS; k++) fill(k);
    for (int i = 0; i < 600; i++) {
        round_of_all();
        if (i % 4 == 0) fill((int)rng_below(&rng, KEYS));
    }
}
END_TEST

START_TEST(a_key_of_another_type_is_refused)
{
    struct zsource src;
    struct slot s;

    ck_assert(!db_find_write(store->dbs[0], STR("k"), &s));
    db_add(&s, entry_new_raw(VALUE_STRING, STR("k"), STR("v"), -1));
    ck_assert_int_eq(zsource_open(store->dbs[0], STR("k"), &src), ERR_WRONG_TYPE);
    ck_assert_int_eq(zsource_open(store->dbs[0], STR("none"), &src), OK);
    ck_assert_uint_eq(src.n, 0);
}
END_TEST

UNIT_MAIN_AROUND("zset_algebra", set_up, tear_down, results_are_those_of_plain_arrays,
                 a_key_of_another_type_is_refused)
