#include "tests/unit/unit.h"

#include <math.h>

#include "storage/vset.h"

static struct store *new_store(void)
{
    struct hash_key key = { 1, 2 };
    struct store_conf conf = { .databases = 1 };

    return store_new(&conf, &key, 7);
}

static struct str name_of(char text[24], uint64_t i)
{
    return str_of(text, (size_t)snprintf(text, 24, "e%u", (unsigned)i));
}

/* Elements come, change and go, and an array says what is there. */
static void live(enum vset_quant quant)
{
    enum { N = 120, DIM = 9, STEPS = 4000 };
    struct store *st = new_store();
    struct vset *s = vset_new(st, quant, DIM, 4, 0), *copy;
    static float rows[N][DIM];
    bool has[N] = { false }, attr[N] = { false };
    char text[24], name[24];
    float out[DIM];
    size_t n = 0;
    struct rng r;

    unit_rng(&r);
    for (int step = 0; step < STEPS; step++) {
        uint64_t i = rng_below(&r, N);
        struct str a = rng_below(&r, 2) == 0 ? str_of("", 0) : name_of(text, step);

        if (rng_below(&r, 3) == 0) {
            ck_assert(vset_remove(s, name_of(name, i)) == has[i]);
            n -= has[i];
            has[i] = attr[i] = false;
        } else if (rng_below(&r, 4) == 0) {
            ck_assert(vset_set_attr(s, name_of(name, i), a) == has[i]);
            attr[i] = has[i] && a.n > 0;
        } else {
            for (int j = 0; j < DIM; j++) rows[i][j] = (float)(rng_unit(&r) - 0.5);
            ck_assert_int_eq(vset_put(s, name_of(name, i), rows[i], 30, &a), has[i] ? VSET_UPDATED : VSET_ADDED);
            n += !has[i];
            has[i] = true;
            attr[i] = a.n > 0;
            ck_assert_int_eq(vset_put(s, name_of(name, i), rows[i], 30, NULL), VSET_SAME);
        }
        if (step % 100 == 0) vset_check(s);
        ck_assert_uint_eq(vset_count(s), n);
    }
    copy = vset_dup(st, s);
    vset_check(copy);
    for (uint64_t i = 0; i < N; i++) {
        uint32_t id = vset_find(s, name_of(name, i)), id2 = vset_find(copy, name_of(name, i));

        ck_assert((id != VSET_NONE) == has[i] && (id2 != VSET_NONE) == has[i]);
        if (!has[i]) continue;
        ck_assert((vset_item(s, id)->attr != NULL) == attr[i]);
        expect_str(vset_attr(copy, id2), vset_attr(s, id));
        ck_assert_mem_eq(vset_row(copy, id2), vset_row(s, id), vset_row_bytes(s));
        vset_unpack(s, id, out);
        for (int j = 0; j < DIM; j++) {
            ck_assert(quant == VSET_BIN ? out[j] == (rows[i][j] > 0 ? 1 : -1) : fabsf(out[j] - rows[i][j]) < 0.01f);
        }
    }
    for (size_t i = 1; i < n; i++) ck_assert_int_lt(str_cmp(vset_name_at(s, i - 1), vset_name_at(s, i)), 0);
    vset_free(&copy);
    vset_free(&s);
    store_free(&st);
}

START_TEST(a_set_holds_what_was_put_and_not_removed)
{
    live(VSET_F32);
    live(VSET_Q8);
    live(VSET_BIN);
}
END_TEST

START_TEST(its_bytes_are_what_the_allocator_says)
{
    enum { DIM = 40 };
    struct store *st = new_store();
    uint64_t before = mem_thread_used();
    struct vset *s = vset_new(st, VSET_Q8, DIM, 8, 64);
    float in[64], v[DIM];
    char name[24];
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 1500; i++) {
        struct str a = name_of(name, rng_below(&r, 500));

        for (int j = 0; j < 64; j++) in[j] = (float)rng_unit(&r);
        vset_project(s, in, v);
        if (rng_below(&r, 3) == 0) vset_remove(s, a);
        else vset_put(s, a, v, 20, i % 2 ? &a : NULL);
        if (i % 50 != 0) continue;
        /* Nodes of trees are weighed by the allocator's size classes, which a sanitizer's has not. */
        if (MEM_COUNTS_LIBRARIES) ck_assert_uint_eq(vset_bytes(s), mem_thread_used() - before);
        else ck_assert(fabs((double)vset_bytes(s) / (double)(mem_thread_used() - before) - 1) < 0.01);
    }
    vset_free(&s);
    ck_assert_uint_eq(mem_thread_used(), before);
    store_free(&st);
}
END_TEST

START_TEST(what_is_not_finite_is_refused_and_changes_nothing)
{
    struct store *st = new_store();
    struct vset *s = vset_new(st, VSET_Q8, 2, 4, 0);
    float good[2] = { 3, 4 }, bad[2] = { 1, NAN }, large[2] = { 3e38f, 3e38f };

    ck_assert_int_eq(vset_put(s, STR("a"), bad, 20, NULL), VSET_REFUSED);
    ck_assert_int_eq(vset_put(s, STR("a"), large, 20, NULL), VSET_REFUSED);
    ck_assert_uint_eq(vset_count(s), 0);
    ck_assert_int_eq(vset_put(s, STR("a"), good, 20, NULL), VSET_ADDED);
    ck_assert_int_eq(vset_put(s, STR("a"), bad, 20, NULL), VSET_REFUSED);
    ck_assert(vset_item(s, vset_find(s, STR("a")))->length == 5);
    vset_check(s);
    vset_free(&s);
    store_free(&st);
}
END_TEST

UNIT_MAIN("vset", a_set_holds_what_was_put_and_not_removed, its_bytes_are_what_the_allocator_says,
          what_is_not_finite_is_refused_and_changes_nothing)
