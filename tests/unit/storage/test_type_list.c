/* Lists at keys: results, and the events that are told. */
#include "storage/type_list.h"
#include "tests/unit/unit.h"

static struct store *store;
static struct db *db;
static struct buf events, seen;

static void note_event(void *ctx, const struct change *c)
{
    (void)ctx;
    if (events.n > 0) buf_add_char(&events, ' ');
    buf_add_c(&events, change_name(c->kind));
    buf_add_char(&events, ':');
    buf_add_str(&events, c->key);
}

static void set_up(void)
{
    static const struct hash_key secret = { 1, 2 };
    struct store_conf conf = { .databases = 2, .list_max_listpack_size = -2 };

    store = store_new(&conf, &secret, 7);
    store->now_ms = 1000;
    db = store->dbs[0];
    store_subscribe(store, note_event, NULL);
}

static void tear_down(void)
{
    store_free(&store);
    buf_fini(&events);
    buf_fini(&seen);
}

/* What was told since the last look. */
static void expect_events(const char *want)
{
    expect_str(buf_str(&events), str_c(want));
    buf_clear(&events);
}

static void collect(void *ctx, const char *p, size_t n)
{
    buf_add(ctx, p, n);
}

/* The elements, a blank between. */
static void expect_list(struct str key, const char *want)
{
    struct buf text = { 0 }, scratch = { 0 };
    const struct list *l;
    struct list_iter it;
    enum err err = lists_read(db, key, &l);

    if (err == OK) {
        list_check(l);
        list_iter_at(&it, l, 0, LIST_RIGHT);
        while (list_next(&it)) {
            if (text.n > 0) buf_add_char(&text, ' ');
            buf_add_str(&text, list_iter_get(&it, &scratch));
        }
    }
    expect_str(buf_str(&text), str_c(want));
    buf_fini(&text);
    buf_fini(&scratch);
}

static void push(struct str key, const char *letters)
{
    uint64_t n;

    for (; *letters != '\0'; letters++) {
        struct str v = str_of(letters, 1);

        ck_assert_int_eq(lists_push(db, key, LIST_RIGHT, &v, 1, false, &n), OK);
    }
    buf_clear(&events);
}

static void give_list(void *ctx, const struct list *l, uint64_t n)
{
    (void)ctx;
    buf_clear(&seen);
    list_spans(l, 0, list_count(l) - 1, collect, &seen);
    buf_printf(&seen, "%d", (int)n);
}

static void give_one(void *ctx, struct str v)
{
    (void)ctx;
    buf_clear(&seen);
    buf_add_str(&seen, v);
}

START_TEST(push_makes_the_key_and_tells_one_event)
{
    struct str v[] = { STR("a"), STR("b"), STR("c") };
    uint64_t n;

    ck_assert_int_eq(lists_push(db, STR("k"), LIST_LEFT, v, 3, true, &n), ERR_NO_KEY);
    ck_assert_int_eq(lists_push(db, STR("k"), LIST_LEFT, v, 3, false, &n), OK);
    ck_assert_uint_eq(n, 3);
    expect_list(STR("k"), "c b a");
    expect_events("new:k lpush:k");
    ck_assert_uint_eq(store->stats.dirty, 3);
    ck_assert_uint_eq(store->stats.changes, 1);
    ck_assert_int_eq(lists_push(db, STR("k"), LIST_RIGHT, v, 1, true, &n), OK);
    expect_list(STR("k"), "c b a a");
    expect_events("rpush:k");
}
END_TEST

START_TEST(pop_gives_the_elements_and_removes_an_empty_key)
{
    push(STR("k"), "abc");
    ck_assert_int_eq(lists_pop(db, STR("k"), LIST_RIGHT, 2, give_list, NULL), OK);
    expect_str(buf_str(&seen), STR("$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n2"));
    expect_list(STR("k"), "a");
    expect_events("rpop:k");
    ck_assert_int_eq(lists_pop(db, STR("k"), LIST_LEFT, 9, give_list, NULL), OK);
    expect_str(buf_str(&seen), STR("$1\r\na\r\n1"));
    expect_events("lpop:k del:k");
    ck_assert_int_eq(lists_pop(db, STR("k"), LIST_LEFT, 1, give_list, NULL), ERR_NO_KEY);
    ck_assert_uint_eq(db->n_keys, 0);
    ck_assert_uint_eq(store->stats.dirty, 6);
}
END_TEST

START_TEST(pop_of_one_gives_its_bytes)
{
    push(STR("k"), "ab");
    ck_assert_int_eq(lists_pop_one(db, STR("k"), LIST_RIGHT, give_one, NULL), OK);
    expect_str(buf_str(&seen), STR("b"));
    expect_events("rpop:k");
    ck_assert_int_eq(lists_pop_one(db, STR("k"), LIST_LEFT, give_one, NULL), OK);
    expect_str(buf_str(&seen), STR("a"));
    expect_events("lpop:k del:k");
    ck_assert_int_eq(lists_pop_one(db, STR("k"), LIST_LEFT, give_one, NULL), ERR_NO_KEY);
}
END_TEST

START_TEST(set_and_insert_find_their_place)
{
    uint64_t n;

    push(STR("k"), "abc");
    ck_assert_int_eq(lists_set(db, STR("k"), -1, STR("z")), OK);
    ck_assert_int_eq(lists_set(db, STR("k"), 3, STR("z")), ERR_INDEX_RANGE);
    ck_assert_int_eq(lists_set(db, STR("k"), -4, STR("z")), ERR_INDEX_RANGE);
    ck_assert_int_eq(lists_insert(db, STR("k"), STR("b"), false, STR("x"), &n), OK);
    ck_assert_int_eq(lists_insert(db, STR("k"), STR("z"), true, STR("y"), &n), OK);
    ck_assert_uint_eq(n, 5);
    ck_assert_int_eq(lists_insert(db, STR("k"), STR("?"), true, STR("y"), &n), ERR_NOT_DONE);
    expect_list(STR("k"), "a x b z y");
    expect_events("lset:k linsert:k linsert:k");
    ck_assert_int_eq(lists_set(db, STR("no"), 0, STR("z")), ERR_NO_KEY);
}
END_TEST

START_TEST(remove_counts_from_either_end)
{
    uint64_t n;

    push(STR("k"), "abacada");
    ck_assert_int_eq(lists_remove(db, STR("k"), -2, STR("a"), &n), OK);
    ck_assert_uint_eq(n, 2);
    expect_list(STR("k"), "a b a c d");
    ck_assert_int_eq(lists_remove(db, STR("k"), 1, STR("a"), &n), OK);
    expect_list(STR("k"), "b a c d");
    ck_assert_int_eq(lists_remove(db, STR("k"), INT64_MIN, STR("?"), &n), OK);
    ck_assert_uint_eq(n, 0);
    expect_events("lrem:k lrem:k");
    push(STR("one"), "aa");
    ck_assert_int_eq(lists_remove(db, STR("one"), 0, STR("a"), &n), OK);
    expect_events("lrem:one del:one");
}
END_TEST

START_TEST(trim_follows_redis_ranges)
{
    uint64_t changes;

    push(STR("k"), "abcdef");
    ck_assert_int_eq(lists_trim(db, STR("k"), -4, -2), OK);
    expect_list(STR("k"), "c d e");
    changes = store->stats.changes;
    ck_assert_int_eq(lists_trim(db, STR("k"), -100, 100), OK);
    ck_assert_uint_eq(store->stats.changes, changes);
    expect_events("ltrim:k ltrim:k");
    ck_assert_int_eq(lists_trim(db, STR("k"), 2, 1), OK);
    expect_events("ltrim:k del:k");
    ck_assert_int_eq(lists_trim(db, STR("k"), 2, 1), ERR_NO_KEY);
}
END_TEST

START_TEST(move_rotates_or_carries_over)
{
    push(STR("k"), "abc");
    ck_assert_int_eq(lists_move(db, STR("k"), LIST_RIGHT, STR("k"), LIST_LEFT, give_one, NULL), OK);
    expect_list(STR("k"), "c a b");
    expect_str(buf_str(&seen), STR("c"));
    expect_events("lpush:k rpop:k");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(lists_move(db, STR("k"), LIST_LEFT, STR("d"), LIST_RIGHT, give_one, NULL),
                         OK);
    }
    expect_list(STR("d"), "c a b");
    expect_events("new:d rpush:d lpop:k rpush:d lpop:k rpush:d lpop:k del:k");
    ck_assert_int_eq(lists_move(db, STR("k"), LIST_LEFT, STR("d"), LIST_RIGHT, give_one, NULL),
                     ERR_NO_KEY);
    ck_assert_uint_eq(db->n_keys, 1);
}
END_TEST

static void note_index(void *ctx, uint64_t i)
{
    buf_printf(ctx, "%d,", (int)i);
}

static void expect_found(int64_t rank, uint64_t count, uint64_t maxlen, const char *want)
{
    struct lists_search s = { STR("a"), rank, count, maxlen };
    const struct list *l;

    buf_clear(&seen);
    ck_assert_int_eq(lists_read(db, STR("k"), &l), OK);
    lists_find(l, &s, note_index, &seen);
    expect_str(buf_str(&seen), str_c(want));
}

START_TEST(find_counts_ranks_from_either_end)
{
    push(STR("k"), "abacada");
    expect_found(1, 0, 0, "0,2,4,6,");
    expect_found(2, 2, 0, "2,4,");
    expect_found(-1, 0, 0, "6,4,2,0,");
    expect_found(-3, 1, 0, "2,");
    expect_found(1, 0, 3, "0,2,");
    expect_found(-1, 0, 1, "6,");
    expect_found(9, 0, 0, "");
    expect_found(-INT64_MAX, 0, 0, "");
}
END_TEST

START_TEST(another_type_is_refused_and_left_alone)
{
    struct str v = STR("x");
    const struct list *l;
    struct slot s;
    uint64_t n;

    db_find_write(db, STR("s"), &s);
    db_add(&s, entry_new_raw(VALUE_STRING, STR("s"), STR("text"), -1));
    push(STR("k"), "a");
    ck_assert_int_eq(lists_read(db, STR("s"), &l), ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_push(db, STR("s"), LIST_LEFT, &v, 1, false, &n), ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_pop(db, STR("s"), LIST_LEFT, 1, give_list, NULL), ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_set(db, STR("s"), 0, v), ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_insert(db, STR("s"), v, false, v, &n), ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_remove(db, STR("s"), 0, v, &n), ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_trim(db, STR("s"), 0, 0), ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_move(db, STR("s"), LIST_LEFT, STR("k"), LIST_LEFT, give_one, NULL),
                     ERR_WRONG_TYPE);
    ck_assert_int_eq(lists_move(db, STR("k"), LIST_LEFT, STR("s"), LIST_LEFT, give_one, NULL),
                     ERR_WRONG_TYPE);
    expect_list(STR("k"), "a");
    expect_events("");
}
END_TEST

UNIT_MAIN_AROUND("type_list", set_up, tear_down, push_makes_the_key_and_tells_one_event,
                 pop_gives_the_elements_and_removes_an_empty_key, pop_of_one_gives_its_bytes,
                 set_and_insert_find_their_place, remove_counts_from_either_end,
                 trim_follows_redis_ranges, move_rotates_or_carries_over,
                 find_counts_ranks_from_either_end, another_type_is_refused_and_left_alone)
