/* The filter of what may be recalled: never wrong about what is there, seldom about what is not. */
#include "persistence/archive_filter.h"

#include <unistd.h>

#include "base/hash.h"
#include "persistence/archive_builder.h"
#include "tests/unit/persistence/archive_rig.h"
#include "tests/unit/unit.h"

static const struct hash_key secret = { 1, 2 };
static struct archive_rig r;

static void set_up(void)
{
    archive_rig_init(&r);
}

static void tear_down(void)
{
    archive_rig_fini(&r);
}

static uint64_t hash_number(int db, int i)
{
    char key[16];

    return archive_hash(&secret, db, str_of(key, (size_t)snprintf(key, sizeof key, "key:%d", i)));
}

START_TEST(what_was_added_is_there_and_little_else)
{
    enum { KEYS = 100000 };
    struct archive_filter *f = archive_filter_new(KEYS);
    int wrong = 0;

    for (int i = 0; i < KEYS; i++) archive_filter_add(f, hash_number(0, i));
    for (int i = 0; i < KEYS; i++) {
        if (!archive_filter_has(f, hash_number(0, i))) ck_abort_msg("key %d is missing", i);
        wrong += archive_filter_has(f, hash_number(1, i)); /* another database's */
    }
    printf("false positives: %d of %d\n", wrong, KEYS);
    ck_assert_int_lt(wrong, KEYS / 50);
    ck_assert_uint_ge(archive_filter_added(f), KEYS - KEYS / 100);
    ck_assert_uint_le(archive_filter_added(f), KEYS);
    ck_assert_uint_le(archive_filter_bytes(f), KEYS * 10 / 8 + 64);
    archive_filter_free(&f);
    ck_assert_ptr_null(f);
}
END_TEST

/* --- the archive's ----------------------------------------------------------------------------------------- */

static struct archive_info wait_ready(void)
{
    struct archive_info info;

    for (;;) {
        archive_turn(r.a);
        archive_info(r.a, &info);
        if (info.filter_ready) return info;
        usleep(1000);
    }
}

static bool may_have(int db, int i)
{
    char key[16];

    snprintf(key, sizeof key, "k%d", i);
    return archive_may_have(r.a, db, str_c(key));
}

static void put_numbers(int from, int to)
{
    char key[16];

    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "k%d", i);
        archive_rig_out(&r, 0, str_c(key), ARCHIVE_EVICTED, true, STR("v"));
    }
}

START_TEST(it_is_made_from_the_file_at_the_start)
{
    int wrong = 0;

    r.conf.messages = false;
    ck_assert_int_eq(archive_rig_open(&r), OK);
    put_numbers(0, 2000);
    for (int i = 0; i < 1000; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%d", i);
        archive_rig_say(&r, ARCHIVE_GONE, 0, str_c(key));
    }
    archive_rig_close(&r);
    ck_assert_int_eq(archive_rig_open(&r), OK);
    put_numbers(2000, 2100); /* while it is being made */
    ck_assert_uint_ge(wait_ready().filter_keys, 1090);
    archive_rig_flush(&r);
    for (int i = 1000; i < 2100; i++) ck_assert(may_have(0, i));
    for (int i = 0; i < 1000; i++) wrong += may_have(0, i) + may_have(1, i + 1000);
    ck_assert_int_lt(wrong, 20);
}
END_TEST

START_TEST(before_it_is_made_everything_may_be_there)
{
    struct archive_info info;

    ck_assert_int_eq(archive_rig_open(&r), OK);
    archive_info(r.a, &info); /* no turn yet */
    ck_assert(!info.filter_ready);
    ck_assert(may_have(0, 1));
    wait_ready();
    ck_assert(!may_have(0, 1));
    archive_info(r.a, &info);
    ck_assert_uint_eq(info.filter_hits, 1);
    ck_assert_uint_eq(info.filter_misses, 1);
}
END_TEST

START_TEST(it_grows_and_forgets_what_is_gone)
{
    enum { MANY = 70000 };
    struct archive_info info;
    int wrong = 0;

    r.conf.messages = false;
    r.conf.queue_bytes = 64 << 20;
    ck_assert_int_eq(archive_rig_open(&r), OK);
    wait_ready();
    put_numbers(0, MANY);
    archive_rig_flush(&r);
    do {
        archive_turn(r.a);
        archive_info(r.a, &info);
        usleep(1000);
    } while (info.filter_keys > MANY || info.filter_bytes * 8 < MANY * 10 + 10);
    for (int i = 0; i < MANY; i++) {
        if (!may_have(0, i)) ck_abort_msg("key %d is missing", i);
    }
    archive_rig_say(&r, ARCHIVE_FLUSHED, 0, STR(""));
    for (int i = 0; i < 1000; i++) ck_assert(!may_have(0, i)); /* the note says so */
    archive_rig_flush(&r);
    do {
        archive_turn(r.a);
        archive_info(r.a, &info);
        usleep(1000);
    } while (info.filter_keys > 0);
    for (int i = 0; i < MANY; i++) wrong += may_have(0, i);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

START_TEST(after_databases_change_places_it_is_made_anew)
{
    struct archive_note swap = { .verb = ARCHIVE_SWAPPED, .db = 0, .at_ms = 5, .expires_ms = -1 };

    ck_assert_int_eq(archive_rig_open(&r), OK);
    wait_ready();
    put_numbers(0, 10);
    archive_rig_note(&r, &swap, STR("5"));
    for (int i = 0; i < 10; i++) ck_assert(may_have(5, i));
    archive_rig_flush(&r);
    wait_ready();
    for (int i = 0; i < 10; i++) ck_assert(may_have(5, i) && !may_have(0, i));
}
END_TEST

UNIT_MAIN_AROUND("archive_filter", set_up, tear_down, what_was_added_is_there_and_little_else,
                 it_is_made_from_the_file_at_the_start, before_it_is_made_everything_may_be_there,
                 it_grows_and_forgets_what_is_gone, after_databases_change_places_it_is_made_anew)
