#include "base/glob.h"
#include "storage/keys.h"
#include "tests/unit/storage/namespace_env.h"

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
    ck_assert(ns_of_key(s, (struct str){ 0 }) != NULL); /* an empty name without an address */
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

UNIT_MAIN_AROUND("namespace", set_up, tear_down, the_longest_literal_prefix_has_the_key, a_pattern_is_checked,
                 there_is_a_limit_and_numbers_are_used_again, matching_is_as_if_all_patterns_were_tried,
                 keys_bytes_and_uses_are_counted, times_to_live_are_counted_by_size,
                 a_name_decides_not_where_the_value_came_from, whole_databases_take_their_share_along,
                 what_was_put_aside_comes_back_under_the_rules_of_now,
                 keys_that_exist_get_their_numbers_in_slices)
