#include "base/num.h"
#include "storage/db.h"
#include "storage/keys.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct store *s;

static void set_up(void)
{
    s = env_store(1);
}

static void tear_down(void)
{
    store_check(s);
    store_free(&s);
}

static struct str name(int i)
{
    static char text[32];
    return str_of(text, (size_t)snprintf(text, sizeof text, "key:%d", i));
}

static void set(struct str key, const char *val, int64_t expire_ms)
{
    struct string_set how = { .expire_ms = expire_ms };
    ck_assert_int_eq(string_set(s->dbs[0], key, str_c(val), &how), OK);
}

static size_t n_expired;

static void count_expired(void *ctx, const struct change *c)
{
    (void)ctx;
    n_expired += c->kind == CHANGE_EXPIRED;
}

/* --- hashes of keys --------------------------------------------------------------------------- */

START_TEST(an_empty_key_without_bytes_is_found_like_any_empty_key)
{
    set(STR(""), "v", -1);
    ck_assert_ptr_nonnull(db_peek(s->dbs[0], str_of(NULL, 0)));
    db_memo(s->dbs[0], STR(""), 1);
    db_forget(s->dbs[0]);
    ck_assert_ptr_nonnull(db_peek(s->dbs[0], str_of(NULL, 0)));
}
END_TEST

/* --- expiry ----------------------------------------------------------------------------------- */

START_TEST(what_is_due_leaves_memory_in_one_round)
{
    store_subscribe(s, count_expired, NULL);
    for (int i = 0; i < 20000; i++) set(name(i), "v", s->now_ms + 1 + i);
    for (int k = 0; k < 20; k++) {
        s->now_ms += 1000;
        ck_assert(!store_expire_some(s, 5000));
        ck_assert_uint_eq(s->dbs[0]->n_keys, (size_t)(20000 - 1000 * (k + 1)));
    }
    ck_assert_uint_eq(n_expired, 20000);
    ck_assert_uint_eq(s->stats.expired, 20000);
    ck_assert_uint_eq(s->dbs[0]->n_expires, 0);
}
END_TEST

START_TEST(a_round_is_bounded_and_says_that_more_is_due)
{
    for (int i = 0; i < 1000; i++) set(name(i), "v", s->now_ms + 5);
    s->now_ms += 5;
    ck_assert(store_expire_some(s, 100));
    ck_assert_uint_eq(s->dbs[0]->n_keys, 900);
    while (store_expire_some(s, 100)) {
    }
    ck_assert_uint_eq(s->dbs[0]->n_keys, 0);
}
END_TEST

START_TEST(expiry_can_be_left_to_reads)
{
    set(STR("a"), "v", s->now_ms + 5);
    s->keep_expired = true;
    s->now_ms += 5;
    ck_assert(!store_expire_some(s, 100));
    ck_assert_uint_eq(s->dbs[0]->n_keys, 1);
    ck_assert(db_read(s->dbs[0], STR("a")) == NULL);
    ck_assert_uint_eq(s->dbs[0]->n_keys, 0);
}
END_TEST

static size_t records(void)
{
    size_t n = 0;

    for (int i = 0; i < STORE_SHARDS; i++) {
        struct shard *sh = &s->dbs[0]->shards[i];
        if (sh->wheel) n += wheel_count(sh->wheel);
        if (sh->fresh) n += wheel_count(sh->fresh);
    }
    return n;
}

START_TEST(extending_a_ttl_leaves_no_records_behind)
{
    for (int i = 0; i < 100000; i++) {
        set(STR("session"), "v", s->now_ms + 1800 * 1000);
        s->now_ms += 100;
        store_expire_some(s, 100);
    }
    ck_assert_uint_le(records(), 2);
    ck_assert_uint_eq(s->dbs[0]->n_keys, 1);
}
END_TEST

START_TEST(records_of_keys_that_come_and_go_are_bounded)
{
    bool removed;

    for (int i = 0; i < 300000; i++) {
        struct str key = name(i % 10);

        set(key, "v", -1);
        ck_assert_int_eq(keys_expire(s->dbs[0], key, s->now_ms + 86400 * 1000 + i, 0, &removed),
                         OK);
        if (i % 3 == 0) keys_delete(s->dbs[0], key, true);
        if (i % 10 == 0) {
            s->now_ms++;
            store_expire_some(s, 100);
        }
    }
    ck_assert_uint_le(records(), STORE_SHARDS * 6000);
    s->now_ms += 86400 * 1000 + 300000;
    while (store_expire_some(s, 1000)) {
    }
    ck_assert_uint_eq(s->dbs[0]->n_keys, 0);
}
END_TEST

START_TEST(keys_expire_in_time_while_their_wheel_is_rebuilt)
{
    bool removed;

    /* Keys to be kept, and enough stale records in their shards to ask for a rebuild. */
    for (int i = 0; i < 20000; i++) set(name(i), "v", s->now_ms + 100000 + i);
    for (int k = 0; k < 10; k++) {
        for (int i = 0; i < 20000; i++) {
            ck_assert_int_eq(keys_persist(s->dbs[0], name(i)), OK);
            ck_assert_int_eq(keys_expire(s->dbs[0], name(i), s->now_ms + 100000 + i, 0, &removed),
                             OK);
        }
    }
    ck_assert_uint_ge(records(), 200000);
    int64_t start = s->now_ms;
    for (int i = 0; i < 20000; i++) {
        s->now_ms++;
        store_expire_some(s, 1000);
    }
    ck_assert_uint_le(records(), 2 * 20000 + STORE_SHARDS * 5000);
    ck_assert_uint_eq(s->dbs[0]->n_keys, 20000);
    for (int i = 0; i < 20000; i += 500) {
        s->now_ms = start + 100000 + i;
        while (store_expire_some(s, 1000)) {
        }
        ck_assert_uint_eq(s->dbs[0]->n_keys, (size_t)(20000 - i - 1));
    }
}
END_TEST

START_TEST(a_store_that_is_loading_expires_nothing)
{
    s->loading = true;
    set(STR("a"), "v", 1);
    ck_assert(!store_expire_some(s, 100));
    ck_assert(db_read(s->dbs[0], STR("a")) != NULL);
    s->loading = false;
    ck_assert(!store_expire_some(s, 100));
    ck_assert_uint_eq(s->dbs[0]->n_keys, 0);
}
END_TEST

/* --- changes ---------------------------------------------------------------------------------- */

START_TEST(own_changes_are_counted_and_expiry_is_not)
{
    set(STR("a"), "v", s->now_ms + 5);
    ck_assert_uint_eq(s->stats.dirty, 1);
    uint64_t changes = s->stats.changes;
    s->now_ms += 5;
    ck_assert(db_read(s->dbs[0], STR("a")) == NULL);
    ck_assert_uint_eq(s->stats.changes, changes);
    ck_assert_uint_eq(s->stats.dirty, 1);
}
END_TEST

START_TEST(changes_have_names_and_classes)
{
    ck_assert_str_eq(change_name(CHANGE_SET), "set");
    ck_assert_int_eq(change_class(CHANGE_SET), '$');
    ck_assert_str_eq(change_name(CHANGE_EXPIRED), "expired");
    ck_assert_int_eq(change_class(CHANGE_EXPIRED), 'x');
    ck_assert(change_name(CHANGE_FLUSH) == NULL);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */

START_TEST(memory_returns_after_a_flush)
{
    struct buf big = { 0 };
    size_t before;

    set(STR("warm"), "up", s->now_ms + 1);
    store_flush(s, 0);
    before = mem_used();
    for (int i = 0; i < 10000; i++) set(name(i), "some value", i % 2 ? s->now_ms + 1000 : -1);
    buf_printf(&big, "%50000d", 1);
    ck_assert_int_eq(string_set(s->dbs[0], STR("big"), buf_str(&big), NULL), OK);
    ck_assert_uint_gt(mem_used(), before + 10000 * 20);
    ck_assert_uint_eq(store_flush(s, 0), 10001);
    buf_fini(&big);
    ck_assert_uint_le(mem_used(), before + 1000);
    ck_assert(db_read(s->dbs[0], name(1)) == NULL);
}
END_TEST

static void (*deferred_fn[8])(void *arg);
static void *deferred_arg[8];
static int n_deferred;

static void defer(void *ctx, void (*fn)(void *arg), void *arg)
{
    (void)ctx;
    deferred_fn[n_deferred] = fn;
    deferred_arg[n_deferred++] = arg;
}

START_TEST(what_is_long_to_free_goes_aside)
{
    struct buf big = { 0 };

    s->defer = defer;
    memset(buf_room(&big, 50 << 20), 'x', 50 << 20);
    buf_used(&big, 50 << 20);
    ck_assert_int_eq(string_set(s->dbs[0], STR("big"), buf_str(&big), NULL), OK);
    set(STR("small"), "v", -1);
    ck_assert(keys_delete(s->dbs[0], STR("small"), true));
    ck_assert_int_eq(n_deferred, 0);
    ck_assert(keys_delete(s->dbs[0], STR("big"), true));
    ck_assert_int_eq(n_deferred, 1);
    ck_assert_uint_eq(s->lazy_pending, 1);
    deferred_fn[0](deferred_arg[0]);
    ck_assert_uint_eq(s->lazy_pending, 0);
    ck_assert_uint_eq(s->stats.lazy_freed, 1);
    for (int i = 0; i < 100; i++) set(name(i), "v", -1);
    store_flush(s, 0);
    ck_assert_int_eq(n_deferred, 2);
    ck_assert_uint_eq(s->lazy_pending, 100);
    deferred_fn[1](deferred_arg[1]);
    ck_assert_uint_eq(s->lazy_pending, 0);
    buf_fini(&big);
}
END_TEST

START_TEST(value_bytes_cover_entry_and_value)
{
    struct buf big = { 0 };

    set(STR("a"), "0123456789", -1);
    ck_assert_uint_ge(db_value_bytes(db_peek(s->dbs[0], STR("a")), 0), 8 + 1 + 11);
    buf_printf(&big, "%50000d", 1);
    ck_assert_int_eq(string_set(s->dbs[0], STR("b"), buf_str(&big), NULL), OK);
    ck_assert_uint_ge(db_value_bytes(db_peek(s->dbs[0], STR("b")), 0), 50000);
    buf_fini(&big);
}
END_TEST

/* --- going through keys ----------------------------------------------------------------------- */

static void see(void *ctx, const struct entry *e)
{
    char text[16] = { 0 };
    int i;

    memcpy(text, entry_key(e).p, entry_key(e).n);
    ck_assert_int_eq(sscanf(text, "key:%d", &i), 1);
    ((unsigned char *)ctx)[i] = 1;
}

START_TEST(a_scan_meets_who_is_there_throughout)
{
    enum { STAY = 3000, COME = 30000 };
    unsigned char *seen = mem_zalloc(STAY + COME);
    uint64_t cursor = 0;
    int come = STAY;

    for (int i = 0; i < STAY; i++) set(name(i), "v", -1);
    do {
        cursor = db_scan(s->dbs[0], cursor, 10, see, seen);
        for (int k = 0; k < 50 && come < STAY + COME; k++) set(name(come++), "v", -1);
        for (int k = 0; k < 20 && come > STAY + 1000; k++)
            keys_delete(s->dbs[0], name(STAY + (come * 7 + k * 13) % (come - STAY)), true);
    } while (cursor);
    for (int i = 0; i < STAY; i++) ck_assert_msg(seen[i], "key:%d was not met", i);
    mem_free(seen);
}
END_TEST

START_TEST(every_key_can_be_drawn)
{
    int drawn[20] = { 0 };

    ck_assert(db_random(s->dbs[0]) == NULL);
    for (int i = 0; i < 20; i++) set(name(i), "v", i >= 10 ? s->now_ms + 1 : -1);
    s->now_ms++;
    for (int n = 0; n < 2000; n++) {
        char text[16] = { 0 };
        struct str k = entry_key(db_random(s->dbs[0]));
        memcpy(text, k.p, k.n);
        drawn[atoi(text + 4)]++;
    }
    for (int i = 0; i < 10; i++) ck_assert_int_ge(drawn[i], 100);
    for (int i = 10; i < 20; i++) ck_assert_int_eq(drawn[i], 0);
}
END_TEST

START_TEST(the_memo_stands_for_these_very_bytes_only)
{
    struct str key = STR("some key"), other = STR("other key");

    db_memo(s->dbs[0], key, hash_bytes(&s->hash_key, key));
    set(key, "1", -1);
    set(other, "2", -1);
    db_forget(s->dbs[0]);
    ck_assert(db_read(s->dbs[0], key) && db_read(s->dbs[0], other));
}
END_TEST

UNIT_MAIN_AROUND("store", set_up, tear_down, an_empty_key_without_bytes_is_found_like_any_empty_key,
                 what_is_due_leaves_memory_in_one_round,
                 a_round_is_bounded_and_says_that_more_is_due, expiry_can_be_left_to_reads,
                 extending_a_ttl_leaves_no_records_behind,
                 records_of_keys_that_come_and_go_are_bounded,
                 keys_expire_in_time_while_their_wheel_is_rebuilt,
                 a_store_that_is_loading_expires_nothing, own_changes_are_counted_and_expiry_is_not,
                 changes_have_names_and_classes, memory_returns_after_a_flush,
                 what_is_long_to_free_goes_aside, value_bytes_cover_entry_and_value,
                 a_scan_meets_who_is_there_throughout, every_key_can_be_drawn,
                 the_memo_stands_for_these_very_bytes_only)
