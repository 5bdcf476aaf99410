#include "server/ft_queue.h"

#include "tests/unit/unit.h"

START_TEST(each_key_waits_once_in_the_order_of_its_coming)
{
    struct ft_queue q = { 0 };
    struct str key;
    uint64_t hash;

    ck_assert(!ft_queue_take(&q, &key, &hash));
    ft_queue_add(&q, STR("a"), 7);
    ft_queue_add(&q, STR("b"), 7);
    ft_queue_add(&q, STR("a"), 7);
    ck_assert_uint_eq(ft_queue_count(&q), 2);
    ck_assert(ft_queue_take(&q, &key, &hash) && hash == 7);
    expect_str(key, STR("a"));
    ft_queue_add(&q, STR("a"), 7); /* it changed again */
    ck_assert(ft_queue_take(&q, &key, &hash));
    expect_str(key, STR("b"));
    ck_assert(ft_queue_take(&q, &key, &hash));
    expect_str(key, STR("a"));
    ck_assert(!ft_queue_take(&q, &key, &hash));
    ft_queue_fini(&q);
}
END_TEST

START_TEST(what_is_put_back_comes_again_before_the_rest)
{
    struct ft_queue q = { 0 };
    struct str key;
    uint64_t hash;
    char room[16];

    for (int i = 0; i < 100; i++) ft_queue_add(&q, str_of(room, (size_t)snprintf(room, sizeof room, "%d", i)), (uint64_t)i);
    for (int i = 0; i < 40; i++) ck_assert(ft_queue_take(&q, &key, &hash));
    ft_queue_put_back(&q, 7);
    ck_assert_uint_eq(ft_queue_count(&q), 67);
    for (int i = 33; i < 100; i++) {
        ck_assert(ft_queue_take(&q, &key, &hash) && hash == (uint64_t)i);
        expect_str(key, str_of(room, (size_t)snprintf(room, sizeof room, "%d", i)));
    }
    ck_assert(!ft_queue_take(&q, &key, &hash));
    ft_queue_fini(&q);
}
END_TEST

START_TEST(queues_are_as_a_model_of_them)
{
    static bool waits[500];
    struct ft_queue q = { 0 };
    char room[16];
    struct rng r;
    size_t n = 0;

    unit_rng(&r);
    for (int step = 0; step < 100000; step++) {
        unsigned k = (unsigned)rng_below(&r, 500);
        struct str key = str_of(room, (size_t)snprintf(room, sizeof room, "%u", k));
        uint64_t hash;

        if (rng_below(&r, 100) < (step / 10000 % 2 ? 30 : 70)) {
            ft_queue_add(&q, key, k * 2654435761u);
            n += !waits[k];
            waits[k] = true;
        } else if (ft_queue_take(&q, &key, &hash)) {
            snprintf(room, sizeof room, "%.*s", (int)key.n, key.p);
            k = (unsigned)strtoul(room, NULL, 10);
            ck_assert(waits[k] && hash == k * 2654435761u);
            waits[k] = false;
            n--;
        }
        ck_assert_uint_eq(ft_queue_count(&q), n);
        if (n == 0) ft_queue_clear(&q);
    }
    ft_queue_fini(&q);
}
END_TEST

UNIT_MAIN("ft_queue", each_key_waits_once_in_the_order_of_its_coming, what_is_put_back_comes_again_before_the_rest, queues_are_as_a_model_of_them)
