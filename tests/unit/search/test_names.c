#include "search/names.h"

#include "tests/unit/unit.h"

enum { KEYS = 2000 };

static struct str key_of(char room[32], uint64_t i)
{
    return str_of(room, (size_t)snprintf(room, 32, "key:%llu", (unsigned long long)i));
}

START_TEST(names_are_as_a_model_of_them_after_any_operation)
{
    static uint32_t ids[KEYS];
    struct names n;
    struct rng r;
    char room[32];
    uint32_t there = 0;

    unit_rng(&r);
    names_init(&n);
    for (int i = 0; i < KEYS; i++) ids[i] = NAMES_NONE;
    for (int step = 0; step < 60000; step++) {
        /* Now it fills up, now it empties: so that it grows and shrinks, and has moved a part only. */
        bool add = rng_below(&r, 100) < (step / 6000 % 2 ? 20 : 80);
        uint64_t k = rng_below(&r, KEYS);
        struct str key = key_of(room, k);
        bool is_new = false;

        ck_assert_uint_eq(names_find(&n, key), ids[k]);
        if (add) {
            uint32_t id = names_add(&n, key, &is_new);

            ck_assert(is_new == (ids[k] == NAMES_NONE));
            ck_assert(is_new || id == ids[k]);
            ids[k] = id;
            there += is_new;
        } else if (ids[k] != NAMES_NONE) {
            names_remove(&n, ids[k]);
            names_recycle(&n, ids[k]);
            ids[k] = NAMES_NONE;
            there--;
        }
        ck_assert_uint_eq(n.n, there);
        if (ids[k] != NAMES_NONE) expect_str(names_get(&n, ids[k]), key);
        if (step % 2000 == 0) names_check(&n);
    }
    for (int i = 0; i < KEYS; i++) ck_assert_uint_eq(names_find(&n, key_of(room, (uint64_t)i)), ids[i]);
    ck_assert_uint_le(n.end, KEYS);
    names_fini(&n);
}
END_TEST

START_TEST(a_number_is_used_again_only_when_it_is_given_back)
{
    struct names n;
    bool is_new;
    uint32_t a, b;

    names_init(&n);
    a = names_add(&n, STR("a"), &is_new);
    names_remove(&n, a);
    b = names_add(&n, STR("b"), &is_new);
    ck_assert_uint_ne(a, b);
    ck_assert_ptr_null(names_get(&n, a).p);
    names_recycle(&n, a);
    ck_assert_uint_eq(names_add(&n, STR(""), &is_new), a);
    expect_str(names_get(&n, a), STR(""));
    ck_assert_uint_eq(names_find(&n, STR("")), a);
    names_fini(&n);
}
END_TEST

START_TEST(memory_is_given_back)
{
    struct names n;
    char room[32];
    bool is_new;
    size_t full;

    names_init(&n);
    for (uint64_t i = 0; i < 20000; i++) names_add(&n, key_of(room, i), &is_new);
    full = names_memory(&n);
    ck_assert_uint_lt(full, 20000 * 100);
    for (uint32_t i = 0; i < 20000; i++) {
        names_remove(&n, i);
        names_recycle(&n, i);
    }
    names_check(&n);
    ck_assert_uint_lt(names_memory(&n), full / 2);
    names_fini(&n);
}
END_TEST

UNIT_MAIN("names", names_are_as_a_model_of_them_after_any_operation, a_number_is_used_again_only_when_it_is_given_back, memory_is_given_back)
