/* Figures of namespaces against a count of everything (store_check), under random changes of all types: growth in place,
 * forms that turn into others, fields and keys that expire, keys that change their names and databases, whole
 * databases that come and go, rules that come and go, a snapshot that keeps parts of values. */
#include "storage/cut_piece.h"
#include "storage/db.h"
#include "storage/keys.h"
#include "storage/namespace.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "storage/type_zset.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

enum { KEYS = 60, TEXT = 3000 };

static struct store *s;
static struct rng r;
static struct store_cut *cut;
static char text[TEXT];
static bool for_ever; /* no times to live */

static unsigned below(unsigned n)
{
    return (unsigned)rng_below(&r, n);
}

static struct db *any_db(void)
{
    return s->dbs[below(3)];
}

static struct str key_of(char room[16], unsigned type)
{
    return str_of(room, (size_t)snprintf(room, 16, "%c:%u:%u", "abc"[below(3)], type, below(KEYS / 6)));
}

/* Short, mostly; long enough for other forms now and then. */
static struct str some_text(void)
{
    size_t n = below(20) == 0 ? below(TEXT) : below(40);

    return str_of(text + below((unsigned)(TEXT - n)), n);
}

/* Whatever a change said: the figures are what is tested. */
static void tried(enum err e)
{
    ck_assert(e != ERR_OOM);
}

static void change_string(struct db *db, struct str key)
{
    struct string_set how = { .expire_ms = for_ever || below(2) ? -1 : s->now_ms + 1 + below(5000) };
    char out[NUM_DOUBLE_TEXT_MAX];
    size_t n;
    int64_t v;

    switch (below(5)) {
    case 0: tried(string_set(db, key, some_text(), &how)); break;
    case 1: tried(string_append(db, key, some_text(), &n)); break;
    case 2: tried(string_incr(db, key, 7, &v)); break;
    case 3: tried(string_setrange(db, key, below(30000), some_text(), &n)); break;
    default: tried(string_incr_float(db, key, 0.5L, out, &n));
    }
}

static void ignore_element(void *ctx, struct str v)
{
    (void)ctx;
    (void)v;
}

static void change_list(struct db *db, struct str key)
{
    struct str v[3] = { some_text(), some_text(), some_text() };
    uint64_t n;

    switch (below(8)) {
    case 0: tried(lists_pop_one(db, key, (enum list_end)below(2), ignore_element, NULL)); break;
    case 1: tried(lists_trim(db, key, below(20), -1 - (int64_t)below(20))); break;
    case 2: tried(lists_set(db, key, below(30), v[0])); break;
    case 3: tried(lists_remove(db, key, (int64_t)below(5) - 2, v[0], &n)); break;
    case 4: tried(lists_insert(db, key, v[0], below(2), v[1], &n)); break;
    default: tried(lists_push(db, key, (enum list_end)below(2), v, 1 + below(3), false, &n));
    }
}

static void change_hash(struct db *db, struct str key)
{
    char room[3][16];
    struct str pairs[6], fields[3];
    int8_t result[3];
    size_t n;

    for (int i = 0; i < 3; i++) {
        fields[i] = str_of(room[i], (size_t)snprintf(room[i], 16, "field%u", below(200)));
        pairs[2 * i] = fields[i];
        pairs[2 * i + 1] = below(100) == 0 ? str_of(text, TEXT) : some_text();
    }
    switch (below(6)) {
    case 0: tried(hash_remove(db, key, fields, 3, &n)); break;
    case 1:
        if (for_ever) break;
        tried(hash_expire(db, key, fields, 3, s->now_ms + 1 + below(3000), HASH_TTL_ANY, result));
        break;
    case 2: tried(hash_persist(db, key, fields, 3, result)); break;
    default: tried(hash_set(db, key, pairs, 3, NULL, &n));
    }
}

static void change_set(struct db *db, struct str key)
{
    char room[16];
    struct str m[2] = { str_of(room, (size_t)snprintf(room, 16, "%u", below(1000))), some_text() };
    size_t n;

    if (below(3) == 0) tried(set_key_remove(db, key, m, 2, &n));
    else tried(set_key_add(db, key, m, 1 + (below(50) == 0), &n));
}

static void ignore_member(void *ctx, struct str m, double score)
{
    (void)ctx, (void)m, (void)score;
}

static void change_zset(struct db *db, struct str key)
{
    char room[16];
    struct zitem item = { str_of(room, (size_t)snprintf(room, 16, "m%u", below(400))), below(1000) };
    struct zadded added;
    size_t n;

    switch (below(8)) {
    case 0: tried(zset_key_remove(db, key, &item.member, 1, &n)); break;
    case 1: tried(zset_key_pop(db, key, below(2), below(4), ignore_member, NULL)); break;
    default: tried(zset_key_add(db, key, &item, 1, 0, &added));
    }
}

static void ignore_entry_of(void *ctx, struct stream_iter *entry)
{
    (void)ctx, (void)entry;
}

static void change_stream(struct db *db, struct str key)
{
    struct str pair[2] = { STR("field"), some_text() }, group = below(2) ? STR("g") : STR("h");
    struct stream_trim trim = { .by = STREAM_TRIM_MAXLEN, .max_len = below(300), .whole_blocks = below(2) };
    struct stream_add add = { .how = STREAM_ADD_AUTO, .trim = below(10) ? NULL : &trim };
    struct stream_id id = { (uint64_t)s->now_ms - below(100), below(3) }, from = STREAM_ID_MIN;
    struct stream_read_done read;
    struct stream_added done;
    uint64_t n;
    bool made;

    switch (below(12)) {
    case 0: tried(stream_key_delete(db, key, &id, 1, &n)); break;
    case 1: tried(stream_group_create(db, key, group, &from, STREAM_READ_UNKNOWN, false)); break;
    case 2:
        if (below(4) == 0) tried(stream_group_destroy(db, key, group));
        break;
    case 3: tried(stream_consumer_create(db, key, group, below(2) ? STR("one") : STR("two"), &made)); break;
    case 4: tried(stream_deliver(db, key, group, STR("one"), 20, false, ignore_entry_of, NULL, &read)); break;
    case 5: tried(stream_ack(db, key, group, &id, 1, &n)); break;
    case 6: tried(stream_consumer_delete(db, key, group, STR("one"), &n)); break;
    default: tried(stream_key_add(db, key, &add, pair, 1, &done));
    }
}

static void (*const changes[])(struct db *db, struct str key) = { change_string, change_list, change_hash,
                                                                  change_set, change_zset, change_stream };

static void change_value(void)
{
    unsigned type = below(6);
    char room[16];

    changes[below(30) == 0 ? below(6) : type](any_db(), key_of(room, type)); /* or of the wrong type */
}

static void change_key(void)
{
    char room[2][16];
    unsigned type = below(6);
    struct str a = key_of(room[0], type), b = key_of(room[1], type);
    struct db *from = any_db(), *to = any_db();
    bool removed;

    switch (below(7)) {
    case 0: tried(keys_rename(from, a, b, below(2))); break;
    case 1:
        if (from != to || !str_eq(a, b)) tried(keys_copy(from, a, to, b, below(2)));
        break;
    case 2:
        if (from != to) tried(keys_move(from, a, to));
        break;
    case 3: (void)keys_delete(from, a, below(2)); break;
    case 4: tried(keys_expire(from, a, s->now_ms + below(3000), 0, &removed)); break;
    case 5: tried(keys_persist(from, a)); break;
    default: (void)db_read(from, a);
    }
}

static const char *const patterns[] = { "a:*", "b:*", "a:1:*", "*:5", "c*", "*" };

static void change_rules(void)
{
    struct str p = str_c(patterns[below(6)]);
    struct ns_rules rules = { .maxkeys = 1 + below(40), .has_policy = below(2), .policy = EVICT_ALL_LRU };
    struct namespace *ns = ns_by_pattern(s, p);

    if (!ns || below(3) == 0) ck_assert_int_eq(ns_set(s, p, &rules), OK);
    else if (below(2)) ck_assert(ns_del(s, p));
    else (void)ns_make_room(s, ns, below(3), 0, INT64_MAX / 2);
}

static void ignore_entry(void *ctx, int db, struct entry *e)
{
    (void)ctx, (void)db, (void)e;
}

static void *ignore_begin(void *ctx, int db, const struct entry *e)
{
    (void)db, (void)e;
    return ctx;
}

static void ignore_piece(void *ctx, void *value, const struct cut_piece *p)
{
    (void)ctx, (void)value, (void)p;
}

static void ignore_turn(void *ctx, void *value)
{
    (void)ctx, (void)value;
}

static void ignore_end(void *ctx, void *value, bool complete)
{
    (void)ctx, (void)value, (void)complete;
}

static const struct cut_sink sink = { NULL, ignore_entry, ignore_begin, ignore_piece, ignore_turn, ignore_end };

static void change_cut(void)
{
    if (!cut) cut = store_cut_begin(s, &sink);
    else if (!store_cut_step(cut) || below(50) == 0) store_cut_end(s, &cut);
}

static void change_databases(void)
{
    struct store_aside *aside;

    switch (below(4)) {
    case 0: store_swap(s, (int)below(3), (int)below(3)); break;
    case 1: store_flush(s, (int)below(3)); break;
    default:
        aside = store_put_aside(s);
        for (unsigned n = below(50); n > 0; n--) change_value();
        if (below(2)) change_rules();
        if (below(2)) store_take_back(s, &aside);
        else store_drop_aside(s, &aside);
    }
}

static void step(void)
{
    unsigned what = below(2000);

    if (what < 3) change_databases();
    else if (what < 20) change_rules();
    else if (what < 60) ns_retag_some(s, 1 + below(20));
    else if (what < 260) change_key();
    else if (what < 360) change_cut();
    else if (what < 420) s->now_ms += below(200);
    else if (what < 440) store_expire_some(s, 1 + below(100));
    else change_value();
}

START_TEST(figures_agree_with_a_count)
{
    enum { STEPS = 60000, CHECK_EVERY = 300 };

    unit_rng(&r);
    for (size_t i = 0; i < TEXT; i++) text[i] = (char)('a' + below(5));
    s = env_store(5);
    s->conf.cut_elements = 30;
    s->conf.cut_bytes = 2000;
    s->conf.hash_max_listpack_entries = s->conf.set_max_listpack_entries = s->conf.zset_max_listpack_entries = 20;
    s->conf.stream_node_max_entries = 10;
    for (int i = 1; i <= STEPS; i++) {
        step();
        if (i % CHECK_EVERY == 0) store_check(s);
    }
    if (cut) store_cut_end(s, &cut);
    store_check(s);
    store_free(&s);
}
END_TEST

/* --- weights ---------------------------------------------------------------------------------- */

static size_t weight_of_all(void)
{
    size_t sum = 0;

    for (int d = 0; d < s->conf.databases; d++) {
        for (int i = 0; i < STORE_SHARDS; i++) {
            struct shard *sh = &s->dbs[d]->shards[i];
            struct table_iter it = { 0 };
            const struct entry *e;

            sum += sh->keys.bytes;
            while ((e = table_next(&sh->keys, &it))) sum += db_weight(e);
        }
    }
    return sum;
}

/* What is in use for keys and values is the sum of their weights, and that of the tables. (Times to live would make
 * wheels, so there are none.) */
START_TEST(weights_are_what_the_allocator_gave)
{
    enum { ROUNDS = 40, CHANGES = 300 };
    size_t before;

    unit_rng(&r);
    for (size_t i = 0; i < TEXT; i++) text[i] = (char)('a' + below(5));
    s = env_store(5);
    s->conf.hash_max_listpack_entries = s->conf.set_max_listpack_entries = s->conf.zset_max_listpack_entries = 20;
    s->conf.stream_node_max_entries = 10;
    for_ever = true;
    before = mem_used();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CHANGES; i++) {
            unsigned type = below(6);
            char room[16];
            struct str key = key_of(room, type);

            s->now_ms++;
            changes[type](s->dbs[0], key);
        }
#ifdef __SANITIZE_ADDRESS__ /* whose allocator has no size classes */
        ck_assert_uint_le(mem_used() - before, 2 * weight_of_all());
#else
        ck_assert_uint_eq(mem_used() - before, weight_of_all());
#endif
        store_check(s);
    }
    store_flush(s, 0);
    ck_assert_uint_eq(mem_used(), before);
    store_free(&s);
}
END_TEST

UNIT_MAIN("namespace figures", figures_agree_with_a_count, weights_are_what_the_allocator_gave)
