#include "base/glob.h"
#include "storage/db.h"
#include "storage/keys.h"
#include "storage/namespace.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct store *s;

static void set_up(void)
{
    s = env_store(11);
}

static void tear_down(void)
{
    store_check(s);
    store_free(&s);
}

static void set_rules(const char *pattern, struct ns_rules rules)
{
    ck_assert_int_eq(ns_set(s, str_c(pattern), &rules), OK);
    while (ns_retag_some(s, 100)) continue;
}

static void set_in(int db, const char *key, const char *value, int64_t expire_ms)
{
    struct string_set how = { .expire_ms = expire_ms };
    ck_assert_int_eq(string_set(s->dbs[db], str_c(key), str_c(value), &how), OK);
}

static void set(const char *key, const char *value)
{
    set_in(0, key, value, -1);
}

static const struct ns_stats *stats(const char *pattern)
{
    struct namespace *ns = ns_by_pattern(s, str_c(pattern));

    ck_assert(ns != NULL);
    return &ns->stats;
}

static void expect_owner(const char *key, const char *pattern)
{
    struct namespace *ns = ns_of_key(s, str_c(key));

    if (!pattern) ck_assert_msg(ns == NULL, "%s has %s", key, ns ? ns->pattern : "");
    else ck_assert_msg(ns && strcmp(ns->pattern, pattern) == 0, "%s has %s", key, ns ? ns->pattern : "none");
}

/* --- matching --------------------------------------------------------------------------------- */

START_TEST(the_longest_literal_prefix_has_the_key)
{
    expect_owner("a", NULL);
    set_rules("session:*", (struct ns_rules){ 0 });
    set_rules("session:admin:*", (struct ns_rules){ 0 });
    set_rules("session:*:draft", (struct ns_rules){ 0 });
    set_rules("sess", (struct ns_rules){ 0 });
    expect_owner("session:1", "session:*");
    expect_owner("session:", "session:*");
    expect_owner("session", NULL);
    expect_owner("sess", "sess");
    expect_owner("session:admin:1", "session:admin:*");
    expect_owner("session:admin", "session:*");
    expect_owner("session:7:draft", "session:*:draft"); /* of the same prefix the longer pattern */
    expect_owner("x", NULL);
    expect_owner("", NULL);
    set_rules("*", (struct ns_rules){ 0 });
    expect_owner("x", "*");
    expect_owner("", "*");
    ck_assert(ns_del(s, STR("session:*")));
    ck_assert(!ns_del(s, STR("session:*")));
    expect_owner("session:1", "*");
    ck_assert_uint_eq(ns_count(s), 4);
}
END_TEST

START_TEST(a_pattern_is_checked)
{
    struct ns_rules none = { 0 };
    char long_one[NS_PATTERN_MAX + 1];

    memset(long_one, 'a', sizeof long_one);
    ck_assert_int_eq(ns_set(s, STR(""), &none), ERR_SYNTAX);
    ck_assert_int_eq(ns_set(s, STR("a\0b"), &none), ERR_SYNTAX);
    ck_assert_int_eq(ns_set(s, str_of(long_one, sizeof long_one), &none), ERR_SYNTAX);
    ck_assert(!ns_any(s));
    ck_assert_int_eq(ns_set(s, str_of(long_one, NS_PATTERN_MAX), &none), OK);
    ck_assert(ns_of_key(s, str_of(long_one, NS_PATTERN_MAX)) != NULL);
    ck_assert(ns_of_key(s, str_of(long_one, NS_PATTERN_MAX - 1)) == NULL);
    ck_assert(ns_del(s, str_of(long_one, NS_PATTERN_MAX)));
    ck_assert(!ns_any(s));
}
END_TEST

START_TEST(there_is_a_limit_and_numbers_are_used_again)
{
    struct ns_rules none = { 0 };
    char text[16];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < NS_MAX; i++) {
            snprintf(text, sizeof text, "p%d:*", i);
            ck_assert_int_eq(ns_set(s, str_c(text), &none), OK);
        }
        ck_assert_int_eq(ns_set(s, STR("one more"), &none), ERR_NOT_DONE);
        ck_assert_int_eq(ns_set(s, STR("p77:*"), &none), OK);
        set("p4095:x", "v");
        expect_owner("p4095:x", "p4095:*");
        expect_owner("p409:x", "p409:*");
        for (int i = 0; i < NS_MAX; i++) {
            snprintf(text, sizeof text, "p%d:*", i);
            ck_assert(ns_del(s, str_c(text)));
        }
        while (ns_retag_some(s, 100)) continue;
        ck_assert(!ns_any(s));
        ck_assert_int_eq(db_peek(s->dbs[0], STR("p4095:x"))->ns, 0);
    }
}
END_TEST

/* What the header says, word by word. */
static int naive_owner(const char (*patterns)[12], int n, struct str key)
{
    int best = -1;

    for (int i = 0; i < n; i++) {
        struct str p = str_c(patterns[i]), b;

        if (p.n == 0 || !glob_match(p, key, false)) continue;
        if (best < 0) {
            best = i;
            continue;
        }
        b = str_c(patterns[best]);
        if (glob_prefix(p).n > glob_prefix(b).n) best = i;
        else if (glob_prefix(p).n == glob_prefix(b).n && (p.n > b.n || (p.n == b.n && str_cmp(p, b) < 0))) best = i;
    }
    return best;
}

START_TEST(matching_is_as_if_all_patterns_were_tried)
{
    static const char letters[] = "aab:*?";
    char patterns[24][12];
    struct ns_rules none = { 0 };
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 200; round++) {
        int n = (int)rng_below(&r, 24);

        for (int i = 0; i < n; i++) {
            size_t len = 1 + rng_below(&r, 6), k;

            for (k = 0; k < len; k++) patterns[i][k] = letters[rng_below(&r, 6)];
            patterns[i][k] = '\0';
            if (rng_below(&r, 3) == 0) strcat(patterns[i], "*");
            ck_assert_int_eq(ns_set(s, str_c(patterns[i]), &none), OK);
        }
        for (int k = 0; k < 100; k++) {
            char key[12];
            size_t len = rng_below(&r, 10);
            struct namespace *ns;
            int want;

            for (size_t j = 0; j < len; j++) key[j] = letters[rng_below(&r, 4)];
            ns = ns_of_key(s, str_of(key, len));
            want = naive_owner((const char (*)[12])patterns, n, str_of(key, len));
            if (want < 0) ck_assert(ns == NULL);
            else ck_assert(ns && strcmp(ns->pattern, patterns[want]) == 0);
        }
        for (int i = 0; i < n; i++) (void)ns_del(s, str_c(patterns[i]));
        ck_assert(!ns_any(s));
    }
}
END_TEST

/* --- figures ---------------------------------------------------------------------------------- */

START_TEST(keys_bytes_and_uses_are_counted)
{
    const struct entry *e;

    set_rules("a:*", (struct ns_rules){ 0 });
    set("a:1", "one");
    set("a:2", "two");
    set("b:1", "one");
    ck_assert_uint_eq(stats("a:*")->keys, 2);
    e = db_read(s->dbs[0], STR("a:1"));
    ck_assert_uint_eq(stats("a:*")->bytes, 2 * db_weight(e));
    ck_assert(db_read(s->dbs[0], STR("a:none")) == NULL);
    ck_assert(db_read(s->dbs[0], STR("b:none")) == NULL);
    ck_assert_uint_eq(stats("a:*")->hits, 1);
    ck_assert_uint_eq(stats("a:*")->misses, 1);
    ck_assert(keys_delete(s->dbs[0], STR("a:1"), false));
    ck_assert(keys_delete(s->dbs[0], STR("a:2"), false));
    ck_assert_uint_eq(stats("a:*")->keys, 0);
    ck_assert_uint_eq(stats("a:*")->bytes, 0);
}
END_TEST

START_TEST(times_to_live_are_counted_by_size)
{
    set_rules("a:*", (struct ns_rules){ 0 });
    set_in(0, "a:1", "x", s->now_ms + 1000);
    set_in(0, "a:2", "x", s->now_ms + 59000);
    set_in(0, "a:3", "x", s->now_ms + (int64_t)400 * 86400 * 1000);
    ck_assert_uint_eq(stats("a:*")->ttl[0], 1);
    ck_assert_uint_eq(stats("a:*")->ttl[2], 1);
    ck_assert_uint_eq(stats("a:*")->ttl[NS_TTL_BUCKETS - 1], 1);
    ck_assert_uint_eq(stats("a:*")->expires, 3);
    set_in(0, "a:1", "x", s->now_ms + 5000); /* another one */
    ck_assert_uint_eq(stats("a:*")->ttl[1], 1);
    ck_assert_int_eq(keys_persist(s->dbs[0], STR("a:2")), OK);
    ck_assert_uint_eq(stats("a:*")->expires, 2);
    s->now_ms += 10000;
    while (store_expire_some(s, 100)) continue;
    ck_assert_uint_eq(stats("a:*")->expired, 1);
    ck_assert_uint_eq(stats("a:*")->expires, 1);
    ck_assert_uint_eq(stats("a:*")->keys, 2);
}
END_TEST

START_TEST(a_name_decides_not_where_the_value_came_from)
{
    bool removed;

    set_rules("a:*", (struct ns_rules){ 0 });
    set_rules("b:*", (struct ns_rules){ 0 });
    set("a:1", "some value that is long enough to be seen");
    ck_assert_int_eq(keys_rename(s->dbs[0], STR("a:1"), STR("b:1"), false), OK);
    ck_assert_uint_eq(stats("a:*")->keys, 0);
    ck_assert_uint_eq(stats("a:*")->bytes, 0);
    ck_assert_uint_eq(stats("b:*")->keys, 1);
    ck_assert_int_eq(keys_copy(s->dbs[0], STR("b:1"), s->dbs[1], STR("a:1"), false), OK);
    ck_assert_uint_eq(stats("a:*")->bytes, stats("b:*")->bytes);
    ck_assert_int_eq(keys_move(s->dbs[0], STR("b:1"), s->dbs[2]), OK);
    ck_assert_uint_eq(stats("b:*")->keys, 1);
    ck_assert_int_eq(keys_expire(s->dbs[2], STR("b:1"), 1, 0, &removed), OK);
    ck_assert(removed);
    ck_assert_uint_eq(stats("b:*")->keys, 0);
}
END_TEST

START_TEST(whole_databases_take_their_share_along)
{
    set_rules("a:*", (struct ns_rules){ .maxkeys = 100, .has_policy = true, .policy = EVICT_ALL_LRU });
    set("a:1", "x");
    set_in(1, "a:1", "x", s->now_ms + 1000);
    set_in(1, "a:2", "x", -1);
    store_swap(s, 0, 1);
    store_check(s);
    store_flush(s, 0);
    ck_assert_uint_eq(stats("a:*")->keys, 1);
    ck_assert_uint_eq(stats("a:*")->expires, 0);
    store_check(s);
    store_flush(s, 1);
    ck_assert_uint_eq(stats("a:*")->keys, 0);
    ck_assert_uint_eq(stats("a:*")->bytes, 0);
}
END_TEST

START_TEST(what_was_put_aside_comes_back_under_the_rules_of_now)
{
    struct store_aside *aside;

    set_rules("a:*", (struct ns_rules){ 0 });
    set("a:1", "x");
    set("b:1", "x");
    aside = store_put_aside(s);
    ck_assert_uint_eq(stats("a:*")->keys, 0);
    set("a:2", "x");
    ck_assert(ns_del(s, STR("a:*")));
    set_rules("b:*", (struct ns_rules){ 0 });
    store_check(s);
    store_take_back(s, &aside);
    while (ns_retag_some(s, 1)) continue;
    ck_assert_uint_eq(stats("b:*")->keys, 1);
    ck_assert(db_peek(s->dbs[0], STR("a:2")) == NULL);
    store_check(s);
    aside = store_put_aside(s);
    set("b:7", "x");
    ck_assert(ns_del(s, STR("b:*")));
    store_drop_aside(s, &aside);
    while (ns_retag_some(s, 1)) continue;
    ck_assert(!ns_any(s));
}
END_TEST

START_TEST(keys_that_exist_get_their_numbers_in_slices)
{
    enum { KEYS = 3000 };
    char text[32];
    int turns = 0;

    for (int i = 0; i < KEYS; i++) {
        snprintf(text, sizeof text, "%c:%d", "ab"[i % 2], i);
        set(text, "value");
    }
    ck_assert_int_eq(ns_set(s, STR("a:*"), &(struct ns_rules){ .maxkeys = 1000, .has_policy = true, .policy = EVICT_ALL_RANDOM }), OK);
    ck_assert(ns_is_retagging(s));
    while (ns_retag_some(s, 100)) {
        snprintf(text, sizeof text, "a:new:%d", turns);
        set(text, "value"); /* meanwhile */
        snprintf(text, sizeof text, "a:%d", turns * 2);
        ck_assert(keys_delete(s->dbs[0], str_c(text), false));
        if (++turns % 10 == 0) store_check(s);
    }
    ck_assert(!ns_is_retagging(s));
    ck_assert_int_gt(turns, 10);
    store_check(s);
    ck_assert_uint_eq(stats("a:*")->keys, KEYS / 2);
    store_swap(s, 0, 1);
    ck_assert(ns_del(s, STR("a:*")));
    ck_assert_int_eq(ns_set(s, STR("b:*"), &(struct ns_rules){ 0 }), OK); /* in the middle of it */
    for (int i = 0; ns_retag_some(s, 100); i++) {
        if (i == 3) store_swap(s, 0, 1); /* to where the walk has been already */
        if (i % 10 == 0) store_check(s);
    }
    ck_assert_uint_eq(stats("b:*")->keys, KEYS / 2);
    ck_assert_uint_eq(ns_count(s), 1);
}
END_TEST

/* --- eviction --------------------------------------------------------------------------------- */

START_TEST(a_namespace_makes_room_within_itself)
{
    char text[32];

    set_rules("a:*", (struct ns_rules){ .maxkeys = 10, .has_policy = true, .policy = EVICT_ALL_LRU });
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "b:%d", i);
        set(text, "v");
        s->now_ms += 1000;
        ck_assert(ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 0, 1000000));
        snprintf(text, sizeof text, "a:%d", i);
        set(text, "v");
        ck_assert_uint_le(stats("a:*")->keys, 10);
    }
    ck_assert_uint_eq(s->dbs[0]->n_keys, 110);
    ck_assert_uint_eq(stats("a:*")->evicted, 90);
    for (int i = 95; i < 100; i++) { /* sixteen draws among ten: one of the older half is always drawn */
        snprintf(text, sizeof text, "a:%d", i);
        ck_assert_msg(db_peek(s->dbs[0], str_c(text)) != NULL, "%s", text);
    }
}
END_TEST

START_TEST(without_a_policy_there_is_no_room)
{
    set_rules("a:*", (struct ns_rules){ .maxmemory = 200 });
    set("a:1", "v");
    ck_assert(ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 50, 1000000));
    ck_assert(!ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 300, 1000000));
    ck_assert_uint_eq(stats("a:*")->keys, 1);
    set_rules("a:*", (struct ns_rules){ .maxmemory = 100, .has_policy = true, .policy = EVICT_TTL_SOONEST });
    set("a:2", "v");
    ck_assert(!ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 90, 1000000)); /* nothing has a TTL */
    set_in(0, "a:3", "v", s->now_ms + 1000);
    ck_assert(!ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 90, 1000000));
    ck_assert(db_peek(s->dbs[0], STR("a:3")) == NULL);
    ck_assert_uint_eq(stats("a:*")->keys, 2);
}
END_TEST

static size_t keys_used(void *ctx)
{
    size_t n = 0;

    (void)ctx;
    for (int i = 0; i < s->conf.databases; i++) n += s->dbs[i]->n_keys;
    return n;
}

START_TEST(what_is_reserved_stays)
{
    static const enum evict_policy policies[] = { EVICT_ALL_LRU, EVICT_ALL_LFU, EVICT_ALL_RANDOM, EVICT_TTL_SOONEST,
                                                  EVICT_TTL_LRU, EVICT_TTL_RANDOM };
    char text[32];

    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        store_flush(s, 0);
        set_rules("a:*", (struct ns_rules){ .reserve = 20 * 48 });
        s->conf.policy = policies[p];
        s->conf.maxmemory = 40;
        for (int i = 0; i < 200; i++) {
            snprintf(text, sizeof text, "%c:%d", "ab"[i % 2], i);
            set_in(0, text, "v", s->now_ms + 100000);
        }
        ck_assert(store_evict(s, keys_used, NULL, 1000000));
        ck_assert_uint_eq(keys_used(NULL), 40);
        for (int i = 0; i < 20; i++) { /* all others must go before the last of these */
            snprintf(text, sizeof text, "c:%d", i);
            set_in(0, text, "v", s->now_ms + 100000);
            ck_assert(store_evict(s, keys_used, NULL, 1000000));
        }
        ck_assert_uint_ge(stats("a:*")->bytes + 48, 20 * 48);
        s->conf.maxmemory = 1;
        ck_assert(!store_evict(s, keys_used, NULL, 1000000));
        ck_assert_uint_le(stats("a:*")->bytes, 20 * 48);
        ck_assert_uint_ge(stats("a:*")->bytes + 48, 20 * 48);
        ck_assert_uint_eq(keys_used(NULL), stats("a:*")->keys);
        s->conf.maxmemory = 0;
    }
}
END_TEST

/* --- departures ------------------------------------------------------------------------------- */

struct told {
    int overwritten, asked;
    bool leave;
};

static void on_overwritten(void *ctx, const struct db *db, const struct entry *e)
{
    struct told *t = ctx;

    (void)db;
    ck_assert(e->ns != 0);
    t->overwritten++;
}

static bool on_may_leave(void *ctx, const struct db *db, const struct entry *e, bool expired)
{
    struct told *t = ctx;

    (void)db;
    (void)e;
    (void)expired;
    t->asked++;
    return t->leave;
}

struct trims {
    int calls;
    uint64_t n[2], whole;
    bool from_end[2];
};

static void on_trimmed(void *ctx, const struct db *db, const struct entry *e, bool from_end, uint64_t n)
{
    struct trims *t = ctx;

    (void)db;
    ck_assert_int_lt(t->calls, 2);
    t->from_end[t->calls] = from_end;
    t->n[t->calls++] = n;
    t->whole = type_ops[entry_type(e)]->count(s, e);
}

START_TEST(a_value_that_another_replaces_is_told)
{
    struct told t = { 0 };
    struct departures d = { .ctx = &t, .overwritten = on_overwritten };
    struct str members[] = { STR("x"), STR("y") };
    uint64_t n;
    size_t k;

    s->departures = &d;
    set_rules("a:*", (struct ns_rules){ .archive = NS_OVERWRITE });
    set("a:1", "x");
    set("b:1", "x");
    set("b:1", "y");
    ck_assert_int_eq(t.overwritten, 0);
    set("a:1", "y"); /* of the same length, in place */
    ck_assert_int_eq(t.overwritten, 1);
    set_in(0, "a:1", "z", s->now_ms + 1000);
    ck_assert_int_eq(t.overwritten, 2);
    ck_assert_int_eq(string_append(s->dbs[0], STR("a:1"), STR("more"), &k), OK); /* no other value */
    ck_assert_int_eq(t.overwritten, 2);
    ck_assert_int_eq(keys_rename(s->dbs[0], STR("b:1"), STR("a:1"), false), OK);
    ck_assert_int_eq(t.overwritten, 3);
    ck_assert_int_eq(keys_copy(s->dbs[0], STR("a:1"), s->dbs[1], STR("a:1"), true), OK);
    ck_assert_int_eq(keys_copy(s->dbs[0], STR("a:1"), s->dbs[1], STR("a:1"), true), OK);
    ck_assert_int_eq(t.overwritten, 4);
    struct set result = set_new(s, members[0], 2);
    set_add(&result, members[0]);
    ck_assert_uint_eq(set_key_store_take(s->dbs[0], STR("a:1"), &result, CHANGE_SUNIONSTORE), 1);
    ck_assert_int_eq(t.overwritten, 5);
    ck_assert_int_eq(lists_push(s->dbs[0], STR("a:2"), LIST_RIGHT, members, 2, false, &n), OK);
    struct list *l = list_new();
    list_push(l, LIST_LEFT, STR("x"));
    ck_assert_uint_eq(lists_store_take(s->dbs[0], STR("a:2"), &l, CHANGE_SORTSTORE), 1);
    ck_assert_int_eq(t.overwritten, 6);
    s->loading = true;
    set("a:1", "loaded");
    s->loading = false;
    ck_assert_int_eq(t.overwritten, 6);
    s->departures = NULL;
}
END_TEST

START_TEST(elements_are_told_before_they_are_trimmed)
{
    struct trims t = { 0 };
    struct departures d = { .ctx = &t, .trimmed = on_trimmed };
    struct str v[] = { STR("1"), STR("2"), STR("3"), STR("4"), STR("5") };
    uint64_t n;

    s->departures = &d;
    set_rules("a:*", (struct ns_rules){ .archive = NS_TRIM });
    ck_assert_int_eq(lists_push(s->dbs[0], STR("a:l"), LIST_RIGHT, v, 5, false, &n), OK);
    ck_assert_int_eq(lists_trim(s->dbs[0], STR("a:l"), 0, -1), OK);
    ck_assert_int_eq(t.calls, 0);
    ck_assert_int_eq(lists_trim(s->dbs[0], STR("a:l"), 1, 2), OK);
    ck_assert_int_eq(t.calls, 2);
    ck_assert(t.from_end[0] && t.n[0] == 2 && !t.from_end[1] && t.n[1] == 1);
    ck_assert_uint_eq(t.whole, 5);
    ck_assert_uint_eq(stats("a:*")->trimmed, 3);
    t.calls = 0;
    ck_assert_int_eq(lists_trim(s->dbs[0], STR("a:l"), 5, 7), OK);
    ck_assert(t.calls == 1 && t.n[0] == 2);
    s->departures = NULL;
}
END_TEST

START_TEST(a_stream_knows_beforehand_what_it_will_lose)
{
    struct trims t = { 0 };
    struct departures d = { .ctx = &t, .trimmed = on_trimmed };
    struct str pair[] = { STR("f"), STR("v") };
    struct stream_added added;
    struct rng r;
    uint64_t deleted;

    unit_rng(&r);
    s->departures = &d;
    s->conf.stream_node_max_entries = 10;
    set_rules("a:*", (struct ns_rules){ .archive = NS_TRIM });
    for (int round = 0; round < 3000; round++) {
        struct stream_add add = { .how = STREAM_ADD_GIVEN, .id = { (uint64_t)round + 1, 0 } };
        struct stream_trim trim = { .by = rng_below(&r, 2) ? STREAM_TRIM_MAXLEN : STREAM_TRIM_MINID,
                                    .max_len = rng_below(&r, 200), .whole_blocks = rng_below(&r, 2),
                                    .min_id = { (uint64_t)round - rng_below(&r, (uint64_t)round + 1), 0 },
                                    .limit = rng_below(&r, 3) ? 0 : rng_below(&r, 50) };
        struct stream_id id = { 1 + rng_below(&r, (uint64_t)round + 1), 0 };

        add.trim = rng_below(&r, 20) == 0 ? &trim : NULL;
        t.calls = 0;
        ck_assert_int_eq(stream_key_add(s->dbs[0], STR("a:s"), &add, pair, 1, &added), OK);
        if (add.trim) ck_assert_uint_eq(added.trim.removed, t.calls ? t.n[0] : 0);
        ck_assert_int_eq(stream_key_delete(s->dbs[0], STR("a:s"), &id, 1, &deleted), OK);
    }
    ck_assert_uint_gt(stats("a:*")->trimmed, 100);
    s->departures = NULL;
}
END_TEST

START_TEST(what_must_not_leave_yet_is_unseen_and_tried_again)
{
    struct told t = { 0 };
    struct departures d = { .ctx = &t, .may_leave = on_may_leave };

    s->departures = &d;
    set_rules("a:*", (struct ns_rules){ .archive = NS_EXPIRE });
    set_in(0, "a:1", "x", s->now_ms + 1000);
    set_in(0, "b:1", "x", s->now_ms + 1000);
    s->now_ms += 2000;
    ck_assert(db_read(s->dbs[0], STR("a:1")) == NULL);
    ck_assert_int_eq(t.asked, 1);
    ck_assert_uint_eq(s->dbs[0]->n_keys, 2);
    while (store_expire_some(s, 100)) continue;
    ck_assert_int_eq(t.asked, 2);
    ck_assert_uint_eq(s->dbs[0]->n_keys, 1);
    while (store_expire_some(s, 100)) continue;
    ck_assert_int_eq(t.asked, 2); /* not before a second is over */
    s->now_ms += 3000;
    while (store_expire_some(s, 100)) continue;
    ck_assert_int_eq(t.asked, 3);
    t.leave = true;
    s->now_ms += 3000;
    while (store_expire_some(s, 100)) continue;
    ck_assert_uint_eq(s->dbs[0]->n_keys, 0);
    ck_assert_uint_eq(stats("a:*")->expired, 1);
    s->departures = NULL;
}
END_TEST

START_TEST(a_write_to_what_must_not_leave_yet_goes_on)
{
    struct told t = { 0 };
    struct departures d = { .ctx = &t, .may_leave = on_may_leave, .overwritten = on_overwritten };

    s->departures = &d;
    set_rules("a:*", (struct ns_rules){ .archive = NS_EXPIRE | NS_OVERWRITE });
    set_in(0, "a:1", "x", s->now_ms + 1000);
    s->now_ms += 2000;
    set("a:1", "new");
    ck_assert_uint_eq(stats("a:*")->expired, 1);
    ck_assert_uint_eq(stats("a:*")->keys, 1);
    ck_assert_int_eq(t.overwritten, 0);
    s->departures = NULL;
}
END_TEST

START_TEST(eviction_passes_over_what_must_not_leave_and_gives_up)
{
    struct told t = { 0 };
    struct departures d = { .ctx = &t, .may_leave = on_may_leave };
    char text[32];

    s->departures = &d;
    set_rules("a:*", (struct ns_rules){ .archive = NS_EVICT });
    s->conf.policy = EVICT_ALL_LRU;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%c:%d", "aab"[i % 3], i);
        set(text, "v");
    }
    s->conf.maxmemory = 700;
    ck_assert(store_evict(s, keys_used, NULL, 10000000));
    ck_assert_uint_ge(stats("a:*")->keys, 667);
    s->conf.maxmemory = 600;
    ck_assert(!store_evict(s, keys_used, NULL, INT64_MAX / 2)); /* an end, though the time has none */
    ck_assert_uint_ge(stats("a:*")->keys, 667);
    s->departures = NULL;
}
END_TEST

UNIT_MAIN_AROUND("namespace", set_up, tear_down, the_longest_literal_prefix_has_the_key, a_pattern_is_checked,
                 there_is_a_limit_and_numbers_are_used_again, matching_is_as_if_all_patterns_were_tried,
                 keys_bytes_and_uses_are_counted, times_to_live_are_counted_by_size,
                 a_name_decides_not_where_the_value_came_from, whole_databases_take_their_share_along,
                 what_was_put_aside_comes_back_under_the_rules_of_now, keys_that_exist_get_their_numbers_in_slices,
                 a_namespace_makes_room_within_itself, without_a_policy_there_is_no_room, what_is_reserved_stays,
                 a_value_that_another_replaces_is_told, elements_are_told_before_they_are_trimmed,
                 a_stream_knows_beforehand_what_it_will_lose, what_must_not_leave_yet_is_unseen_and_tried_again, a_write_to_what_must_not_leave_yet_goes_on,
                 eviction_passes_over_what_must_not_leave_and_gives_up)
