/* What leaves: eviction within a namespace and beside it, and what is told of it and of what is overwritten or
 * trimmed. */
#include "storage/cut_piece.h"
#include "storage/keys.h"
#include "storage/namespace_roster.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "tests/unit/storage/namespace_env.h"

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

START_TEST(keys_that_are_not_known_yet_refuse_no_write)
{
    struct ns_rules rules = { .maxkeys = 10 };
    char text[16];

    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "a:%d", i);
        set(text, "v");
    }
    set_rules("a:*", rules);
    ck_assert(!ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 0, 1000000));
    rules.has_policy = true;
    rules.policy = EVICT_ALL_LRU;
    ck_assert_int_eq(ns_set(s, STR("a:*"), &rules), OK);
    ck_assert(ns_is_retagging(s));
    ck_assert(ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 0, 1000000));
    ck_assert_uint_eq(stats("a:*")->keys, 500);
    while (ns_retag_some(s, 100)) continue;
    ck_assert(ns_make_room(s, ns_by_pattern(s, STR("a:*")), 1, 0, 1000000));
    ck_assert_uint_eq(stats("a:*")->keys, 9);
}
END_TEST

/* Forty keys, of which every other has a TTL, the later the key the later; the first ten used often, the last ten
 * lately. Ten are evicted; whether key i is there then. */
static void evict_ten_of_forty(enum evict_policy policy, enum evict_policy global, bool there[40])
{
    char text[16];

    store_flush(s, 0);
    s->conf.policy = global;
    set_rules("a:*", (struct ns_rules){ .maxkeys = 30, .has_policy = true, .policy = policy });
    for (int i = 0; i < 40; i++) {
        s->now_ms += 10 * 60000;
        snprintf(text, sizeof text, "a:%d", i);
        set_in(0, text, "v", i % 2 ? s->now_ms + 1000000000 : -1);
    }
    s->now_ms += 10 * 60000;
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "a:%d", i);
        for (int k = 0; k < (i < 10 ? 50 : i < 30 ? 0 : 1); k++) (void)db_read(s->dbs[0], str_c(text));
    }
    ck_assert(ns_make_room(s, ns_by_pattern(s, STR("a:*")), 0, 0, 1000000));
    ck_assert_uint_eq(stats("a:*")->keys, 30);
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "a:%d", i);
        there[i] = db_peek(s->dbs[0], str_c(text)) != NULL;
    }
    store_check(s);
}

START_TEST(each_policy_has_its_order)
{
    static const enum evict_policy all[] = { EVICT_ALL_LRU, EVICT_ALL_LFU, EVICT_ALL_LRM, EVICT_ALL_RANDOM,
                                             EVICT_TTL_LRU, EVICT_TTL_LFU, EVICT_TTL_LRM, EVICT_TTL_RANDOM,
                                             EVICT_TTL_SOONEST };
    bool there[40];

    for (size_t g = 0; g < 2; g++) {
        for (size_t p = 0; p < sizeof all / sizeof all[0]; p++) {
            int used = 0, unused = 0;

            evict_ten_of_forty(all[p], g ? EVICT_ALL_LFU : EVICT_NONE, there);
            for (int i = 0; i < 40; i++) {
                if (all[p] >= EVICT_TTL_LRU && i % 2 == 0) ck_assert(there[i]);
                if (i < 10 || i >= 30) used += there[i];
                else unused += there[i];
            }
            if (all[p] == EVICT_TTL_SOONEST) {
                ck_assert(!there[1] && !there[3]);
                for (int i = 31; i < 40; i++) ck_assert(there[i]);
            } else if (all[p] == EVICT_ALL_LRU || all[p] == EVICT_ALL_LFU) {
                ck_assert_msg(used >= 18 && unused <= 12, "policy %d: %d used, %d unused", (int)all[p], used, unused);
            }
        }
    }
    evict_ten_of_forty(EVICT_ALL_LFU, EVICT_ALL_LFU, there);
    for (int i = 0; i < 10; i++) ck_assert(there[i]);
    ck_assert_int_eq(ns_set(s, STR("a:*"), &(struct ns_rules){ .maxkeys = 5, .has_policy = true }), OK); /* noeviction */
    ck_assert(!ns_make_room(s, ns_by_pattern(s, STR("a:*")), 0, 0, 1000000));
    ck_assert_uint_eq(stats("a:*")->keys, 30);
}
END_TEST

START_TEST(a_roster_is_as_a_set)
{
    enum { HASHES = 20000 };
    static bool in[HASHES];
    struct ns_roster *roster = roster_new();
    struct rng g;
    size_t n = 0;

    unit_rng(&g);
    ck_assert_uint_eq(roster_draw(roster, &g), 0);
    for (int i = 0; i < 200000; i++) {
        size_t k = rng_below(&g, HASHES);
        uint64_t hash = hash_bytes(&(struct hash_key){ 1, 2 }, str_of(&k, sizeof k));

        ck_assert(roster_has(roster, hash) == in[k]);
        if (rng_below(&g, 10) < (i < 100000 ? 7u : 1u)) { /* it grows, then shrinks */
            roster_add(roster, hash);
            n += !in[k];
            in[k] = true;
        } else {
            roster_remove(roster, hash);
            n -= in[k];
            in[k] = false;
        }
        ck_assert_uint_eq(roster_count(roster), n);
        if (n > 0 && i % 16 == 0) ck_assert(roster_has(roster, roster_draw(roster, &g)));
        if (i % 10000 == 0) roster_check(roster);
    }
    roster_free(&roster);
}
END_TEST

START_TEST(all_on_a_roster_are_drawn)
{
    struct ns_roster *roster = roster_new();
    bool drawn[101] = { false };
    struct rng g;
    int n = 0;

    unit_rng(&g);
    for (uint64_t i = 1; i <= 100; i++) roster_add(roster, i << 32);
    for (int i = 0; i < 5000; i++) drawn[roster_draw(roster, &g) >> 32] = true;
    for (int i = 1; i <= 100; i++) n += drawn[i];
    ck_assert_int_eq(n, 100);
    roster_free(&roster);
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

START_TEST(a_hash_whose_fields_are_replaced_or_removed_is_told_once_each_time)
{
    struct told t = { 0 };
    struct departures d = { .ctx = &t, .overwritten = on_overwritten };
    struct str ab[] = { STR("a"), STR("1"), STR("b"), STR("2") };
    struct str ac[] = { STR("c"), STR("0"), STR("a"), STR("one") }, names[] = { STR("a"), STR("b"), STR("x") };
    struct hash_set gone = { HASH_ALWAYS, 1 };
    int64_t count;
    size_t n;

    s->departures = &d;
    set_rules("a:*", (struct ns_rules){ .archive = NS_OVERWRITE });
    ck_assert_int_eq(hash_set(s->dbs[0], STR("b:1"), ab, 2, NULL, &n), OK);
    ck_assert_int_eq(hash_set(s->dbs[0], STR("b:1"), ac, 2, NULL, &n), OK);
    ck_assert_int_eq(hash_set(s->dbs[0], STR("a:1"), ab, 2, NULL, &n), OK);
    ck_assert_int_eq(hash_set(s->dbs[0], STR("a:1"), ab, 2, NULL, &n), OK); /* the same again */
    ck_assert_int_eq(hash_incr(s->dbs[0], STR("a:1"), STR("b"), 5, &count), OK);
    ck_assert_int_eq(t.overwritten, 0);
    ck_assert_int_eq(hash_set(s->dbs[0], STR("a:1"), ac, 2, NULL, &n), OK);
    ck_assert_int_eq(t.overwritten, 1);
    ck_assert_int_eq(hash_set(s->dbs[0], STR("a:1"), ac, 2, &gone, &n), OK); /* equal, but removed at once */
    ck_assert_int_eq(t.overwritten, 2);
    ck_assert_int_eq(hash_remove(s->dbs[0], STR("a:1"), names + 2, 1, &n), OK);
    ck_assert_int_eq(t.overwritten, 2);
    ck_assert_int_eq(hash_remove(s->dbs[0], STR("a:1"), names, 3, &n), OK); /* the last field: the key goes */
    ck_assert_int_eq(t.overwritten, 3);
    ck_assert_ptr_null(db_peek(s->dbs[0], STR("a:1")));
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

static void count_entry(void *ctx, int db, struct entry *e)
{
    int *n = ctx;

    (void)db;
    (void)e;
    ++*n;
}

/* A new base of the log is such a snapshot: what it leaves out is nowhere any more. */
START_TEST(what_must_not_leave_yet_is_in_a_snapshot)
{
    struct told t = { 0 };
    struct departures d = { .ctx = &t, .may_leave = on_may_leave };
    struct store_cut *cut;
    int n = 0;

    s->departures = &d;
    set_rules("a:*", (struct ns_rules){ .archive = NS_EXPIRE });
    set_in(0, "a:1", "x", s->now_ms + 1000);
    s->now_ms += 2000;
    ck_assert(db_read(s->dbs[0], STR("a:1")) == NULL);
    cut = store_cut_begin(s, &(struct cut_sink){ .entry = count_entry, .ctx = &n });
    while (store_cut_step(cut)) continue;
    store_cut_end(s, &cut);
    ck_assert_int_eq(n, 1);
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

UNIT_MAIN_AROUND("namespace evict", set_up, tear_down, a_namespace_makes_room_within_itself,
                 keys_that_are_not_known_yet_refuse_no_write,
                 each_policy_has_its_order, a_roster_is_as_a_set, all_on_a_roster_are_drawn,
                 without_a_policy_there_is_no_room, what_is_reserved_stays,
                 a_value_that_another_replaces_is_told,
                 a_hash_whose_fields_are_replaced_or_removed_is_told_once_each_time, elements_are_told_before_they_are_trimmed,
                 a_stream_knows_beforehand_what_it_will_lose, what_must_not_leave_yet_is_unseen_and_tried_again,
                 what_must_not_leave_yet_is_in_a_snapshot,
                 a_write_to_what_must_not_leave_yet_goes_on,
                 eviction_passes_over_what_must_not_leave_and_gives_up)
