#include "storage/db.h"
#include "storage/evict.h"
#include "storage/keys.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

enum { SECOND = 1000000 }; /* a budget that is never used up */

static struct store *s;
static size_t n_evicted;

static void count_evicted(void *ctx, const struct change *c)
{
    (void)ctx;
    n_evicted += c->kind == CHANGE_EVICTED;
}

static void set_up(void)
{
    s = env_store(3);
    store_subscribe(s, count_evicted, NULL);
}

static void tear_down(void)
{
    store_check(s);
    store_free(&s);
}

/* In these tests a key is a byte: maxmemory is a number of keys. */
static size_t keys_used(void *ctx)
{
    size_t n = 0;

    (void)ctx;
    for (int i = 0; i < s->conf.databases; i++) n += s->dbs[i]->n_keys;
    return n;
}

static struct str name(int i)
{
    static char text[32];
    return str_of(text, (size_t)snprintf(text, sizeof text, "key:%d", i));
}

static void set(int db, int i, int64_t expire_ms)
{
    struct string_set how = { .expire_ms = expire_ms };
    ck_assert_int_eq(string_set(s->dbs[db], name(i), STR("v"), &how), OK);
}

static bool there(int db, int i)
{
    return db_peek(s->dbs[db], name(i)) != NULL;
}

static bool make_room(size_t keys)
{
    s->conf.maxmemory = keys;
    return store_evict(s, keys_used, NULL, SECOND);
}

START_TEST(each_policy_gets_below_the_limit)
{
    for (int p = EVICT_ALL_LRU; p <= EVICT_TTL_SOONEST; p++) {
        s->conf.policy = (enum evict_policy)p;
        for (int db = 0; db < 4; db++) store_flush(s, db);
        for (int i = 0; i < 3000; i++) set(i % 3, i, s->now_ms + 100000 + i);
        n_evicted = 0;
        for (int i = 3000; i < 9000; i++) {
            set(i % 3, i, s->now_ms + 100000 + i);
            ck_assert(make_room(3000));
            ck_assert_uint_eq(keys_used(NULL), 3000);
        }
        ck_assert_uint_eq(n_evicted, 6000);
        ck_assert(make_room(0));
        ck_assert_uint_eq(keys_used(NULL), 0);
        store_check(s);
    }
    ck_assert_uint_eq(s->stats.evicted, 9 * 9000);
}
END_TEST

START_TEST(noeviction_evicts_nothing)
{
    set(0, 1, -1);
    ck_assert(!make_room(0));
    ck_assert(make_room(1));
    ck_assert(there(0, 1));
}
END_TEST

START_TEST(volatile_policies_leave_keys_without_ttl_alone)
{
    for (int p = EVICT_TTL_LRU; p <= EVICT_TTL_SOONEST; p++) {
        s->conf.policy = (enum evict_policy)p;
        store_flush(s, 0);
        for (int i = 0; i < 20000; i++) set(0, i, i % 1000 == 0 ? s->now_ms + 100000 : -1);
        ck_assert(make_room(19990));
        ck_assert(!make_room(19000));
        ck_assert_uint_eq(keys_used(NULL), 19980);
        ck_assert_uint_eq(s->dbs[0]->n_expires, 0);
    }
}
END_TEST

START_TEST(volatile_ttl_takes_who_has_least_time_left)
{
    int left = 0;

    s->conf.policy = EVICT_TTL_SOONEST;
    for (int i = 0; i < 1000; i++) set(0, i, s->now_ms + 1000 * (i + 1));
    ck_assert(make_room(500));
    for (int i = 0; i < 250; i++) left += there(0, i);
    ck_assert_int_le(left, 25);
}
END_TEST

/* 1000 keys, every tenth used over and over; then room for half: who of them is left? */
static int hot_keys_left(enum evict_policy p, bool write)
{
    int left = 0;

    s->conf.policy = p;
    for (int i = 0; i < 1000; i++) set(0, i, s->now_ms + 10000000);
    for (int n = 0; n < 20; n++) {
        s->now_ms += 10000;
        for (int i = 0; i < 1000; i += 10) {
            if (write)
                set(0, i, s->now_ms + 10000000);
            else
                ck_assert(db_read(s->dbs[0], name(i)) != NULL);
        }
    }
    ck_assert(make_room(500));
    for (int i = 0; i < 1000; i += 10) left += there(0, i);
    return left;
}

START_TEST(what_is_used_stays)
{
    ck_assert_int_ge(hot_keys_left(EVICT_ALL_LRU, false), 98);
    store_flush(s, 0);
    ck_assert_int_ge(hot_keys_left(EVICT_TTL_LRU, false), 98);
    store_flush(s, 0);
    ck_assert_int_ge(hot_keys_left(EVICT_ALL_LFU, false), 98);
    store_flush(s, 0);
    ck_assert_int_ge(hot_keys_left(EVICT_TTL_LFU, false), 98);
    store_flush(s, 0);
    ck_assert_int_ge(hot_keys_left(EVICT_ALL_LRM, true), 98);
    store_flush(s, 0);
    ck_assert_int_le(hot_keys_left(EVICT_ALL_LRM, false), 80); /* reads do not count */
    store_flush(s, 0);
    ck_assert_int_le(hot_keys_left(EVICT_ALL_RANDOM, false), 80);
}
END_TEST

START_TEST(a_scan_passes_through_the_small_queue)
{
    int left = 0;

    s->conf.policy = EVICT_ALL_LRU;
    s->conf.maxmemory = 1000;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 600; i++) {
            if (!db_read(s->dbs[0], name(i))) set(0, i, -1);
            ck_assert(make_room(1000));
        }
        s->now_ms += 1000;
    }
    for (int i = 0; i < 100000; i++) { /* each of these once */
        set(0, 1000 + i, -1);
        ck_assert(make_room(1000));
        if (i % 4 == 0) (void)db_read(s->dbs[0], name(i / 4 % 600));
    }
    for (int i = 0; i < 600; i++) left += there(0, i);
    ck_assert_int_ge(left, 570);
}
END_TEST

START_TEST(databases_may_change_places)
{
    s->conf.policy = EVICT_ALL_LRU;
    for (int i = 0; i < 2000; i++) {
        set(0, i, -1);
        ck_assert(make_room(1000));
    }
    store_swap(s, 0, 1);
    for (int i = 0; i < 2000; i++) {
        set(0, i, -1);
        ck_assert(make_room(1000));
    }
    ck_assert(make_room(0));
    ck_assert_uint_eq(keys_used(NULL), 0);
}
END_TEST

START_TEST(policies_may_change)
{
    for (int i = 0; i < 20000; i++) {
        if (i % 1000 == 0) s->conf.policy = (enum evict_policy)(EVICT_ALL_LRU + i / 1000 % 9);
        set(i % 2, i, s->now_ms + 100000);
        ck_assert(make_room(1000));
    }
    ck_assert(make_room(0));
}
END_TEST

START_TEST(the_budget_ends_the_work)
{
    s->conf.policy = EVICT_ALL_LRU;
    for (int i = 0; i < 100000; i++) set(0, i, -1);
    s->conf.maxmemory = 0;
    ck_assert(!store_evict(s, keys_used, NULL, 0));
    ck_assert_uint_ge(keys_used(NULL), 99900);
    ck_assert_uint_lt(keys_used(NULL), 100000);
}
END_TEST

START_TEST(idle_time_and_frequency_can_be_set)
{
    struct slot slot;

    set(0, 1, -1);
    ck_assert(db_find_write(s->dbs[0], name(1), &slot));
    evict_set_idle(s, slot.ref.e, 77000);
    ck_assert_int_eq(evict_idle_ms(s, slot.ref.e), 77000);
    s->now_ms -= 80000; /* the wall clock went back */
    ck_assert_int_eq(evict_idle_ms(s, slot.ref.e), 0);
    s->conf.policy = EVICT_ALL_LFU;
    evict_set_freq(s, slot.ref.e, 200);
    ck_assert_uint_eq(evict_freq(s, slot.ref.e), 200);
}
END_TEST

UNIT_MAIN_AROUND("evict", set_up, tear_down, each_policy_gets_below_the_limit,
                 noeviction_evicts_nothing, volatile_policies_leave_keys_without_ttl_alone,
                 volatile_ttl_takes_who_has_least_time_left, what_is_used_stays,
                 a_scan_passes_through_the_small_queue, databases_may_change_places,
                 policies_may_change, the_budget_ends_the_work, idle_time_and_frequency_can_be_set)
