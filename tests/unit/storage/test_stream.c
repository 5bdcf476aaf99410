/* test_stream.c -- IDs of streams, errors of adding, blocks and their limits, what a group has read. */
#include "storage/type_stream.h"

#include "storage/stream_block.h"
#include "storage/stream_edit.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct store *st;
static struct db *db;
static const struct str key = { "s", 1 };

static void set_up(void)
{
    st = env_store(3);
    db = st->dbs[0];
}

static void tear_down(void)
{
    store_free(&st);
}

static struct stream_id id(uint64_t ms, uint64_t seq)
{
    return (struct stream_id){ ms, seq };
}

static enum err add_as(enum stream_add_id how, struct stream_id given, struct stream_id *got)
{
    struct stream_add add = { .how = how, .id = given };
    const struct str pairs[] = { STR("field"), STR("value") };
    struct stream_added done;
    enum err e = stream_key_add(db, key, &add, pairs, 1, &done);

    if (e == OK && got != NULL) *got = done.id;
    return e;
}

static void add(uint64_t ms, uint64_t seq)
{
    ck_assert_int_eq(add_as(STREAM_ADD_GIVEN, id(ms, seq), NULL), OK);
}

static const struct stream *stream(void)
{
    const struct stream *s;

    ck_assert_int_eq(stream_read(db, key, &s), OK);
    return s;
}

#define expect_id(got, m, s) ck_assert(stream_id_cmp(got, id(m, s)) == 0)

/* --- IDs -------------------------------------------------------------------------------------- */

START_TEST(ids_are_read_as_redis_reads_them)
{
    static const struct {
        const char *text;
        unsigned forms;
        bool ok;
        uint64_t ms, seq;
    } rows[] = {
        { "1-2", 0, true, 1, 2 }, { "5", 0, true, 5, 42 }, { "0-0", 0, true, 0, 0 },
        { "18446744073709551615-18446744073709551615", 0, true, UINT64_MAX, UINT64_MAX },
        { "18446744073709551616-0", 0, false, 0, 0 }, { "9223372036854775808", 0, true, 1ull << 63, 42 },
        { "007-01", 0, true, 7, 1 }, { " 1-1", 0, true, 1, 1 }, { "+1-1", 0, true, 1, 1 },
        { "", 0, false, 0, 0 }, { "-", 0, false, 0, 0 }, { "+", 0, false, 0, 0 },
        { "-", STREAM_ID_ENDS, true, 0, 0 }, { "+", STREAM_ID_ENDS, true, UINT64_MAX, UINT64_MAX },
        { "-1-1", 0, false, 0, 0 }, { "1-", 0, false, 0, 0 }, { "1--1", 0, false, 0, 0 },
        { "1-2-3", 0, false, 0, 0 },
        { "1-*", 0, false, 0, 0 }, { "1-*", STREAM_ID_ANY_SEQ, true, 1, 0 },
        { "*", STREAM_ID_ANY_SEQ, false, 0, 0 },
        { "1-**", STREAM_ID_ANY_SEQ, false, 0, 0 }, { "a", 0, false, 0, 0 }, { "1 -1", 0, false, 0, 0 },
        { "(1", 0, false, 0, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stream_id got;
        bool any = false, ok = stream_id_parse(str_c(rows[i].text), 42, rows[i].forms, &got, &any);

        ck_assert_msg(ok == rows[i].ok, "%s", rows[i].text);
        if (ok) expect_id(got, rows[i].ms, rows[i].seq);
        ck_assert_msg(any == (ok && strchr(rows[i].text, '*') != NULL), "%s", rows[i].text);
    }
}
END_TEST

START_TEST(ids_have_neighbours_but_at_the_ends)
{
    struct stream_id a = id(1, UINT64_MAX), b = id(2, 0);
    char text[STREAM_ID_TEXT_MAX];

    ck_assert(stream_id_next(&a));
    expect_id(a, 2, 0);
    ck_assert(stream_id_prev(&b));
    expect_id(b, 1, UINT64_MAX);
    a = STREAM_ID_MAX;
    b = STREAM_ID_MIN;
    ck_assert(!stream_id_next(&a) && !stream_id_prev(&b));
    expect_str(stream_id_text(a, text), STR("18446744073709551615-18446744073709551615"));
    expect_str(stream_id_text(b, text), STR("0-0"));
}
END_TEST

START_TEST(an_added_entry_gets_an_id_above_the_last)
{
    struct stream_id got;

    ck_assert_int_eq(add_as(STREAM_ADD_GIVEN, id(0, 0), NULL), ERR_XADD_ZERO);
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO_SEQ, id(0, 0), &got), OK);
    expect_id(got, 0, 1);
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO, id(0, 0), &got), OK);
    expect_id(got, (uint64_t)st->now_ms, 0);
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO, id(0, 0), &got), OK);
    expect_id(got, (uint64_t)st->now_ms, 1);
    st->now_ms -= 1000; /* a clock that goes backwards */
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO, id(0, 0), &got), OK);
    expect_id(got, (uint64_t)st->now_ms + 1000, 2);
    ck_assert_int_eq(add_as(STREAM_ADD_GIVEN, got, NULL), ERR_XADD_SMALLER);
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO_SEQ, id(5, 0), NULL), ERR_XADD_SMALLER);
    ck_assert_int_eq(add_as(STREAM_ADD_GIVEN, id(UINT64_MAX - 1, UINT64_MAX), NULL), OK);
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO_SEQ, id(UINT64_MAX - 1, 0), NULL), ERR_XADD_SMALLER);
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO, id(0, 0), &got), OK);
    expect_id(got, UINT64_MAX, 0);
    add(UINT64_MAX, UINT64_MAX);
    ck_assert_int_eq(add_as(STREAM_ADD_AUTO, id(0, 0), NULL), ERR_STREAM_EXHAUSTED);
    ck_assert_int_eq(add_as(STREAM_ADD_GIVEN, id(1, 1), NULL), ERR_STREAM_EXHAUSTED);
    ck_assert_uint_eq(stream_info(stream()).length, 7);
}
END_TEST

START_TEST(no_key_is_made_by_what_fails)
{
    struct stream_add to_be = { .must_exist = true };
    const struct str pairs[] = { STR("f"), STR("v") };
    struct stream_added done;

    ck_assert_int_eq(stream_key_add(db, key, &to_be, pairs, 1, &done), ERR_NO_KEY);
    ck_assert_int_eq(stream_group_create(db, key, STR("g"), NULL, -1, false), ERR_NO_KEY);
    ck_assert_uint_eq(db->n_keys, 0);
    ck_assert_int_eq(stream_group_create(db, key, STR("g"), NULL, -1, true), OK);
    ck_assert_int_eq(stream_group_create(db, key, STR("g"), NULL, -1, true), ERR_GROUP_EXISTS);
    ck_assert_uint_eq(stream_info(stream()).groups, 1);
}
END_TEST

/* --- blocks ----------------------------------------------------------------------------------- */

START_TEST(blocks_keep_to_their_limits)
{
    for (uint64_t i = 1; i <= 250; i++) add(i, 0);
    ck_assert_uint_eq(stream_info(stream()).blocks, 3);
    st->conf.stream_node_max_entries = 0;
    for (uint64_t i = 251; i <= 1000; i++) add(i, 0);
    ck_assert_uint_eq(stream_info(stream()).blocks, 6); /* by bytes */
    st->conf.stream_node_max_bytes = 0;
    for (uint64_t i = 1001; i <= 80000; i++) add(i, 0);
    ck_assert_uint_eq(stream_info(stream()).blocks, 6);
    stream_check(stream());
}
END_TEST

START_TEST(an_entry_takes_few_bytes)
{
    for (uint64_t i = 1; i <= 100000; i++) add(1700000000000 + i, 0);
    /* flags, ms, seq, count of elements at two or three bytes each, "value" at seven */
    ck_assert_uint_lt(db_value_bytes(db_peek(db, key), 0), 100000 * 18);
}
END_TEST

START_TEST(a_block_of_tombstones_is_no_obstacle)
{
    struct stream_trim t = { .by = STREAM_TRIM_MINID, .min_id = id(2, 0) };
    struct stream_trimmed done;
    struct stream_id top, ids[] = { { 3, 0 } };
    uint64_t deleted;

    for (uint64_t i = 1; i <= 3; i++) add(i, 0);
    ck_assert_int_eq(stream_key_delete(db, key, ids, 1, &deleted), OK);
    ck_assert_int_eq(stream_key_trim(db, key, &t, &done), OK);
    expect_id(done.floor, 2, 0);
    t.min_id = id(3, 0);
    ck_assert_int_eq(stream_key_trim(db, key, &t, &done), OK);
    ck_assert_uint_eq(done.length, 0);
    expect_id(done.floor, UINT64_MAX, UINT64_MAX);
    ck_assert(!stream_top(stream(), &top));
    stream_check(stream());
    add(4, 0);
    ck_assert(stream_top(stream(), &top));
    expect_id(top, 4, 0);
    expect_id(stream_info(stream()).first, 4, 0);
    stream_check(stream());
}
END_TEST

START_TEST(the_tree_that_redis_would_have_is_counted)
{
    st->conf.stream_node_max_entries = 1;
    add(1, 0);
    ck_assert_uint_eq(stream_radix_nodes(stream()), 2); /* a stretch, an end */
    add(2, 0);
    ck_assert_uint_eq(stream_radix_nodes(stream()), 6); /* stretch, fork, and twice stretch and end */
    add(3, 0);
    ck_assert_uint_eq(stream_radix_nodes(stream()), 8);
    add(3, 1);
    ck_assert_uint_eq(stream_radix_nodes(stream()), 10); /* the stretch is cut by a fork at its last byte */
}
END_TEST

/* --- what a group has read -------------------------------------------------------------------- */

static void nothing(void *ctx, struct stream_iter *it)
{
    (void)ctx;
    (void)it;
}

static struct stream_group_info group(void)
{
    return stream_group_info(stream(), stream_group(stream(), STR("g")));
}

static void deliver(uint64_t count)
{
    struct stream_read_done done;

    ck_assert_int_eq(stream_deliver(db, key, STR("g"), STR("c"), count, false, nothing, NULL, &done), OK);
    ck_assert_uint_eq(done.n, count);
}

START_TEST(lag_is_what_was_added_and_not_read)
{
    struct stream_id first = id(1, 0), third = id(3, 0), fourth = id(4, 0);
    uint64_t deleted;

    for (uint64_t i = 1; i <= 5; i++) add(i, 0);
    ck_assert_int_eq(stream_group_create(db, key, STR("g"), &STREAM_ID_MIN, -1, false), OK);
    ck_assert_int_eq(group().entries_read, STREAM_READ_UNKNOWN);
    ck_assert(group().lag_known);
    ck_assert_int_eq(group().lag, 5);
    deliver(1);
    ck_assert_int_eq(group().entries_read, 1);
    ck_assert_int_eq(group().lag, 4);
    ck_assert_int_eq(stream_key_delete(db, key, &first, 1, &deleted), OK);
    ck_assert_int_eq(group().lag, 4); /* behind what was read */
    ck_assert_int_eq(stream_key_delete(db, key, &third, 1, &deleted), OK);
    ck_assert(!group().lag_known); /* ahead of it */
    deliver(2);
    ck_assert_int_eq(group().entries_read, STREAM_READ_UNKNOWN); /* nor is its count */
    deliver(1);
    ck_assert_int_eq(group().entries_read, 5); /* but at the last entry */
    ck_assert_int_eq(stream_group_set_id(db, key, STR("g"), &fourth, STREAM_READ_UNKNOWN), OK);
    ck_assert(!group().lag_known);
    ck_assert_int_eq(stream_group_set_id(db, key, STR("g"), NULL, STREAM_READ_UNKNOWN), OK);
    ck_assert_int_eq(group().lag, 0); /* at the last */
}
END_TEST

START_TEST(reading_goes_on_where_it_was)
{
    struct stream_id gone = id(40, 0);
    uint64_t deleted;

    ck_assert_int_eq(stream_group_create(db, key, STR("g"), &STREAM_ID_MIN, -1, true), OK);
    st->conf.stream_node_max_entries = 300; /* the block's count outgrows its byte */
    for (uint64_t i = 1; i <= 1000; i++) {
        add(i, 0);
        deliver(1);
        ck_assert_uint_eq(group().last.ms, i);
        if (i == 500) ck_assert_int_eq(stream_key_delete(db, key, &gone, 1, &deleted), OK);
    }
    ck_assert_uint_eq(group().pending, 1000);
    stream_check(stream());
}
END_TEST

START_TEST(set_id_keeps_ids_in_order)
{
    add(5, 0);
    add(6, 0);
    ck_assert_int_eq(stream_key_set_id(db, key, id(4, 0), -1, id(5, 0)), ERR_XSETID_MAX_DELETED);
    ck_assert_int_eq(stream_key_set_id(db, key, id(5, 9), -1, id(0, 0)), ERR_XSETID_SMALLER);
    ck_assert_int_eq(stream_key_set_id(db, key, id(6, 0), 1, id(0, 0)), ERR_XSETID_ADDED);
    ck_assert_int_eq(stream_key_set_id(db, key, id(9, 0), 20, id(8, 0)), OK);
    ck_assert_uint_eq(stream_info(stream()).added, 20);
    ck_assert_int_eq(stream_key_set_id(db, key, id(7, 0), -1, id(0, 0)), ERR_XSETID_DELETED);
    ck_assert_int_eq(add_as(STREAM_ADD_GIVEN, id(9, 0), NULL), ERR_XADD_SMALLER);
}
END_TEST

UNIT_MAIN_AROUND("stream", set_up, tear_down, ids_are_read_as_redis_reads_them,
                 ids_have_neighbours_but_at_the_ends, an_added_entry_gets_an_id_above_the_last,
                 no_key_is_made_by_what_fails, blocks_keep_to_their_limits,
                 an_entry_takes_few_bytes, a_block_of_tombstones_is_no_obstacle,
                 the_tree_that_redis_would_have_is_counted, lag_is_what_was_added_and_not_read,
                 reading_goes_on_where_it_was, set_id_keeps_ids_in_order)
