#include "storage/key_order.h"

#include "storage/db.h"
#include "storage/keys.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct store *ordered_store(void)
{
    struct store *s = env_store(7);

    s->conf.key_order_bytes = 64 << 20;
    return s;
}

static void set(struct db *db, struct str key, int64_t expire_ms)
{
    struct slot s;

    if (!db_find_write(db, key, &s)) db_add(&s, entry_new_raw(VALUE_STRING, key, STR("v"), expire_ms));
    db_tell(&s, CHANGE_SET);
}

static struct str numbered(char *room, const char *what, uint64_t i)
{
    return str_of(room, (size_t)snprintf(room, 64, "%s%" PRIu64, what, i));
}

static void fill(struct db *db, const char *what, uint64_t n)
{
    char room[64];

    for (uint64_t i = 0; i < n; i++) set(db, numbered(room, what, i), -1);
}

static void finish(struct store *s)
{
    while (key_order_step(s, 1)) continue;
    ck_assert(!key_order_is_due(s));
}

/* Ask until there is an order. */
static void ask(struct db *db, struct str prefix)
{
    ck_assert(!key_order_has(db, prefix));
    ck_assert(!key_order_has(db, prefix));
    finish(db->store);
    ck_assert(key_order_has(db, prefix));
}

struct told {
    size_t n, most;
    char last[128];
};

static bool tell(void *ctx, const struct entry *e)
{
    struct told *t = ctx;
    struct str key = entry_key(e);

    ck_assert(t->n == 0 || str_cmp(str_c(t->last), key) < 0);
    snprintf(t->last, sizeof t->last, "%.*s", (int)key.n, key.p);
    return ++t->n < t->most;
}

static size_t count_of(struct db *db, const char *prefix)
{
    struct told t = { .most = SIZE_MAX };

    key_order_each(db, str_c(prefix), STR(""), tell, &t);
    return t.n;
}

START_TEST(a_prefix_that_is_asked_for_twice_is_put_in_order)
{
    struct store *s = ordered_store();
    struct db *db = s->dbs[0];

    fill(db, "user:", 3000);
    fill(db, "other:", 500);
    ck_assert(!key_order_has(db, STR("user:12")));
    ck_assert(!key_order_is_due(s));
    ck_assert(!key_order_has(db, STR("user:77"))); /* another prefix of the same part */
    ck_assert(key_order_is_due(s));
    finish(s);
    ck_assert(key_order_has(db, STR("user:12")));
    ck_assert_uint_eq(count_of(db, "user:12"), 111);
    ck_assert_uint_eq(count_of(db, "user:"), 3000);
    ck_assert_uint_eq(count_of(db, "user:zz"), 0);
    ck_assert(!key_order_has(db, STR("other:")));
    ck_assert(!key_order_has(s->dbs[1], STR("user:")));
    ck_assert(!key_order_has(db, STR("")));
    store_check(s);
    store_free(&s);
}
END_TEST

START_TEST(a_small_database_and_a_switched_off_index_are_left_alone)
{
    struct store *s = ordered_store();

    fill(s->dbs[0], "user:", KEY_ORDER_WORTH - 1);
    for (int i = 0; i < 5; i++) ck_assert(!key_order_has(s->dbs[0], STR("user:")));
    fill(s->dbs[1], "user:", 5000);
    s->conf.key_order_bytes = 0;
    for (int i = 0; i < 5; i++) ck_assert(!key_order_has(s->dbs[1], STR("user:")));
    ck_assert(!key_order_is_due(s));
    store_free(&s);
}
END_TEST

START_TEST(what_nobody_asks_for_is_dropped)
{
    struct store *s = ordered_store();
    struct db *db = s->dbs[0];

    fill(db, "user:", 3000);
    ask(db, STR("user:"));
    s->now_ms += KEY_ORDER_REMEMBERED_MS;
    key_order_tend(s);
    ck_assert(key_order_has(db, STR("user:")));
    s->now_ms += KEY_ORDER_REMEMBERED_MS + 1;
    key_order_tend(s);
    ck_assert_uint_eq(key_order_bytes(s), 0);
    ck_assert(!key_order_has(db, STR("user:")));
    s->now_ms += KEY_ORDER_REMEMBERED_MS + 1; /* two questions that are far apart are not two */
    ck_assert(!key_order_has(db, STR("user:")));
    ck_assert(!key_order_is_due(s));
    store_free(&s);
}
END_TEST

START_TEST(there_are_bounds_on_parts_and_on_memory)
{
    struct store *s = ordered_store();
    struct db *db = s->dbs[0];
    char room[64], roots[KEY_ORDER_PARTS + 1][16];

    fill(db, "a:", 3000);
    for (size_t i = 0; i <= KEY_ORDER_PARTS; i++) {
        snprintf(roots[i], sizeof roots[i], "p%zu:", i);
        s->now_ms++;
        ask(db, str_c(roots[i]));
    }
    ck_assert(key_order_has(db, str_c(roots[KEY_ORDER_PARTS])));
    ck_assert(!key_order_has(db, str_c(roots[0])));
    s->conf.key_order_bytes = 5000;
    key_order_tend(s);
    ck_assert_uint_le(key_order_bytes(s), 5000);
    for (int i = 0; i < 3; i++) { /* a: takes more, and is not tried again and again */
        key_order_has(db, STR("a:"));
        finish(s);
        ck_assert_uint_le(key_order_bytes(s), 5000);
    }
    ck_assert(!key_order_has(db, STR("a:")));
    ck_assert(!key_order_is_due(s));

    s->conf.key_order_bytes = 64 << 20;
    s->now_ms += 2 * KEY_ORDER_REMEMBERED_MS;
    ask(db, STR("a:"));
    set(db, numbered(room, "a:", 99999), -1);
    {
        struct buf b = { 0 }; /* a name that is too long for it */

        buf_add_c(&b, "a:");
        for (int i = 0; i < 1001; i++) buf_add_char(&b, 'x');
        set(db, buf_str(&b), -1);
        buf_fini(&b);
    }
    ck_assert(!key_order_has(db, STR("a:")));
    ck_assert(!key_order_has(db, STR("a:")));
    ck_assert(!key_order_is_due(s));
    store_check(s);
    store_free(&s);
}
END_TEST

START_TEST(flush_and_swap_drop_it)
{
    struct store *s = ordered_store();

    fill(s->dbs[0], "u:", 3000);
    ask(s->dbs[0], STR("u:"));
    store_swap(s, 0, 1);
    store_check(s);
    ck_assert(!key_order_has(s->dbs[0], STR("u:")));
    ask(s->dbs[1], STR("u:"));
    store_flush(s, 1);
    ck_assert(!key_order_has(s->dbs[1], STR("u:")));
    ck_assert_uint_eq(key_order_bytes(s), 0);
    store_free(&s);
}
END_TEST

START_TEST(places_are_remembered_for_a_while)
{
    struct store *s = ordered_store();
    struct db *db = s->dbs[0];
    struct told t = { .most = 10 };
    struct str behind;
    uint64_t place, first;

    fill(db, "u:", 3000);
    ask(db, STR("u:"));
    key_order_each(db, STR("u:"), STR(""), tell, &t);
    first = place = key_order_place(db, str_c(t.last));
    ck_assert(key_order_is_place(place) && place < 1ull << 53);
    ck_assert(!key_order_find_place(db, place + 1, STR("u:"), &behind));
    ck_assert(!key_order_find_place(s->dbs[1], place, STR("u:"), &behind));
    ck_assert(!key_order_find_place(db, place, STR("v:"), &behind));
    ck_assert(keys_delete(db, str_c(t.last), false)); /* the place stays where its key was */
    ck_assert(key_order_find_place(db, place, STR("u:"), &behind));
    expect_str(behind, str_c(t.last));
    t.most = SIZE_MAX;
    key_order_each(db, STR("u:"), behind, tell, &t);
    ck_assert_uint_eq(t.n, 3000);
    for (int i = 0; i < KEY_ORDER_PLACES; i++) place = key_order_place(db, STR("u:1"));
    ck_assert(!key_order_find_place(db, first, STR("u:"), &behind));
    ck_assert(key_order_find_place(db, place, STR("u:"), &behind));
    store_free(&s);
}
END_TEST

/* Whatever happens to keys while they are gathered and afterwards: what is in order is what is there (store_check). */
START_TEST(random_changes_keep_it_true)
{
    static const char *const roots[] = { "a:", "b:", "a/", "c" };
    struct store *s = ordered_store();
    struct rng r;
    char x[64], y[64];

    unit_rng(&r);
    for (size_t i = 0; i < 4; i++) fill(s->dbs[0], roots[i], 1000);
    for (size_t step = 0; step < 40000; step++) {
        struct db *db = s->dbs[rng_below(&r, 50) == 0];
        struct str key = numbered(x, roots[rng_below(&r, 4)], rng_below(&r, 2000));
        struct str other = numbered(y, roots[rng_below(&r, 4)], rng_below(&r, 2000));
        enum err e = OK;
        bool removed;

        switch (rng_below(&r, 12)) {
        case 0: case 1: case 2: set(db, key, -1); break;
        case 3: set(db, key, s->now_ms + (int64_t)rng_below(&r, 500)); break;
        case 4: keys_delete(db, key, false); break;
        case 5: if (!str_eq(key, other)) e = keys_rename(db, key, other, rng_below(&r, 2)); break;
        case 6: if (!str_eq(key, other)) e = keys_copy(db, key, db, other, rng_below(&r, 2)); break;
        case 7: e = keys_move(s->dbs[0], key, s->dbs[1]); break;
        case 8: e = keys_expire(db, key, s->now_ms + (int64_t)rng_below(&r, 400) - 20, 0, &removed); break;
        case 9: s->now_ms += (int64_t)rng_below(&r, 5); break;
        case 10: store_expire_some(s, rng_below(&r, 20)); break;
        case 11: key_order_step(s, rng_below(&r, 3)); break;
        }
        (void)e;
        if (rng_below(&r, 40) == 0) key_order_has(s->dbs[0], key);
        if (rng_below(&r, 5000) == 0) store_swap(s, 0, 1);
        if (rng_below(&r, 8000) == 0) store_flush(s, 1);
        if (s->dbs[0]->n_keys < KEY_ORDER_WORTH) fill(s->dbs[0], roots[rng_below(&r, 4)], 2000);
        if (step % 500 == 0) store_check(s);
    }
    finish(s);
    for (size_t i = 0; i < 4; i++) {
        key_order_has(s->dbs[0], str_c(roots[i]));
        key_order_has(s->dbs[0], str_c(roots[i]));
    }
    finish(s);
    for (size_t i = 0; i < 4; i++) ck_assert(key_order_has(s->dbs[0], str_c(roots[i])));
    store_check(s);
    store_free(&s);
}
END_TEST

UNIT_MAIN("key_order", a_prefix_that_is_asked_for_twice_is_put_in_order, a_small_database_and_a_switched_off_index_are_left_alone,
          what_nobody_asks_for_is_dropped, there_are_bounds_on_parts_and_on_memory, flush_and_swap_drop_it,
          places_are_remembered_for_a_while, random_changes_keep_it_true)
