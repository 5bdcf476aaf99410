#include "tests/unit/persistence/churn.h"

#include "base/buf.h"
#include "storage/expire.h"
#include "storage/keys.h"
#include "storage/type_hash.h"
#include "storage/type_json.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "storage/type_string_bits.h"
#include "storage/type_string_hll.h"
#include "storage/type_suggest.h"
#include "storage/type_vset.h"
#include "storage/type_zset.h"
#include "tests/unit/unit.h"

/* Errors are as good as success here: a key may hold another type by now, or be gone. */
#define TRY(call) do { enum err e_ = (call); (void)e_; } while (0)

enum { TEXT = 64, MANY = 8 };

/* A call's arguments. */
struct args {
    char key[TEXT], other[TEXT], text[MANY][TEXT];
    struct str k, o, v[MANY]; /* texts from a small set, so that they occur again */
    size_t n;                 /* of v, even */
    struct db *db;
};

static uint64_t below(struct churn *c, uint64_t n)
{
    return rng_below(c->rng, n);
}

static bool one_in(struct churn *c, uint64_t n)
{
    return below(c, n) == 0;
}

static struct str print_key(char out[TEXT], enum value_type type, uint64_t i)
{
    return str_of(out, (size_t)snprintf(out, TEXT, "%s:%u", value_type_name(type), (unsigned)i));
}

static struct str print_text(struct churn *c, char out[TEXT])
{
    unsigned v = (unsigned)below(c, c->size * 2);

    return str_of(out, (size_t)snprintf(out, TEXT, one_in(c, 3) ? "%u" : "text %u that is longer", v));
}

static void pick(struct churn *c, enum value_type type, struct args *a)
{
    a->db = c->store->dbs[below(c, CHURN_DBS)];
    a->k = print_key(a->key, type, below(c, CHURN_KEYS));
    a->o = print_key(a->other, type, below(c, CHURN_KEYS));
    for (int i = 0; i < MANY; i++) a->v[i] = print_text(c, a->text[i]);
    a->n = 2 * (1 + below(c, MANY / 2));
}

/* --- strings ------------------------------------------------------------------------------------------ */

static void set_string(struct churn *c, struct args *a)
{
    struct buf b = { 0 };

    for (size_t i = below(c, c->size); i > 0 || b.n <= STRING_INLINE_MAX; i -= i > 0)
        buf_add_str(&b, print_text(c, a->text[0]));
    TRY(string_set(a->db, a->k, buf_str(&b), NULL));
    buf_fini(&b);
}

static void churn_string(struct churn *c, struct args *a)
{
    struct bits_step step = { .kind = BITS_STEP_ADD, .overflow = BITS_WRAP, .value = 77 };
    char out[NUM_TEXT_MAX];
    uint64_t at = below(c, 20000);
    size_t len;
    int64_t v;
    bool old;

    switch (below(c, 12)) {
    case 0: set_string(c, a); break;
    case 1: case 2: case 3: TRY(string_append(a->db, a->k, a->v[0], &len)); break;
    case 4: case 5: case 6: TRY(string_setrange(a->db, a->k, at, a->v[0], &len)); break;
    case 7: case 8: TRY(string_setbit(a->db, a->k, at * 8 + at % 8, at % 3 > 0, &old)); break;
    case 9:
        step.field = (struct bits_field){ at * 8 + 3, 60, true };
        TRY(string_bitfield(a->db, a->k, &step, 1));
        break;
    case 10: TRY(string_incr(a->db, a->k, 1, &v)); break;
    default:
        if (one_in(c, 10)) TRY(string_set(a->db, a->k, a->v[0], NULL));
        else TRY(string_incr_float(a->db, a->k, 1, out, &len));
    }
}

/* --- lists -------------------------------------------------------------------------------------------- */

static void ignore_str(void *ctx, struct str v)
{
    (void)ctx, (void)v;
}

static void ignore_list(void *ctx, const struct list *l, uint64_t n)
{
    (void)ctx, (void)l, (void)n;
}

static void fill_list(struct churn *c, struct args *a)
{
    struct list *l = list_new();

    for (size_t i = c->size + below(c, c->size); i > 0; i--)
        list_push(l, LIST_RIGHT, print_text(c, a->text[0]));
    lists_store_take(a->db, a->k, &l, CHANGE_SORTSTORE);
}

static void churn_list(struct churn *c, struct args *a)
{
    enum list_end end = one_in(c, 2) ? LIST_LEFT : LIST_RIGHT, other = one_in(c, 2) ? LIST_LEFT : LIST_RIGHT;
    int64_t at = (int64_t)below(c, c->size) - (int64_t)(c->size / 2);
    uint64_t n;

    switch (below(c, 24)) {
    case 0: if (one_in(c, 4)) fill_list(c, a); break;
    case 1: TRY(lists_trim(a->db, a->k, (int64_t)below(c, c->size / 2), -1)); break;
    case 2: TRY(lists_trim(a->db, a->k, 0, -(int64_t)below(c, c->size / 2))); break;
    case 3: TRY(lists_trim(a->db, a->k, 2, -3)); break;
    case 4: TRY(lists_pop(a->db, a->k, end, 1 + below(c, c->size / 4), ignore_list, NULL)); break;
    case 5: if (one_in(c, 8)) TRY(lists_trim(a->db, a->k, 5, 4)); break;
    case 6: case 7: TRY(lists_insert(a->db, a->k, a->v[0], one_in(c, 2), a->v[1], &n)); break;
    case 8: case 9: TRY(lists_remove(a->db, a->k, (int64_t)below(c, 7) - 3, a->v[0], &n)); break;
    case 10: TRY(lists_move(a->db, a->k, end, a->k, other, ignore_str, NULL)); break;
    case 11: TRY(lists_move(a->db, a->k, end, a->o, other, ignore_str, NULL)); break;
    case 12: case 13: case 14: case 15: TRY(lists_set(a->db, a->k, at, a->v[0])); break;
    case 16: case 17: case 18: case 19: TRY(lists_pop_one(a->db, a->k, end, ignore_str, NULL)); break;
    default: TRY(lists_push(a->db, a->k, end, a->v, a->n, false, &n));
    }
}

/* --- hashes, sets, sorted sets ------------------------------------------------------------------------- */

static int64_t soon(struct churn *c)
{
    return c->store->now_ms + 1 + (int64_t)below(c, one_in(c, 3) ? 50 : 100000);
}

static void fill_hash(struct churn *c, struct args *a)
{
    struct hash_set how = { .ttl = HASH_NO_TTL };
    size_t n;

    keys_delete(a->db, a->k, false);
    for (unsigned i = 0; i < c->size * 2; i++) {
        a->v[0] = print_text(c, a->text[0]);
        how.ttl = one_in(c, 5) ? soon(c) + 1000 : HASH_NO_TTL;
        TRY(hash_set(a->db, a->k, a->v, 1, &how, &n));
    }
}

static void churn_hash(struct churn *c, struct args *a)
{
    struct hash_set how = { .ttl = one_in(c, 2) ? soon(c) : HASH_KEEP_TTL };
    struct buf big = { 0 };
    int8_t result[MANY];
    int64_t v;
    size_t n;

    switch (below(c, 12)) {
    case 0: if (one_in(c, 8)) fill_hash(c, a); break;
    case 1: case 2: TRY(hash_remove(a->db, a->k, a->v, a->n, &n)); break;
    case 3: TRY(hash_incr(a->db, a->k, a->v[0], 5, &v)); break;
    case 4: case 5: TRY(hash_expire(a->db, a->k, a->v, a->n, soon(c), 0, result)); break;
    case 6: TRY(hash_persist(a->db, a->k, a->v, a->n, result)); break;
    case 7: case 8: TRY(hash_set(a->db, a->k, a->v, a->n / 2, &how, &n)); break;
    case 9:
        a->v[1] = unit_random_bytes(c->rng, &big, one_in(c, 20) ? HASH_INLINE_MAX + 5 : 200, 3);
        TRY(hash_set(a->db, a->k, a->v, 1, NULL, &n));
        break;
    default: TRY(hash_set(a->db, a->k, a->v, a->n / 2, NULL, &n));
    }
    buf_fini(&big);
}

static void fill_set(struct churn *c, struct args *a)
{
    struct set s = set_new(c->store, a->v[0], c->size * 2);

    for (unsigned i = 0; i < c->size * 2; i++) set_add(&s, print_text(c, a->text[0]));
    set_key_store_take(a->db, a->k, &s, CHANGE_SUNIONSTORE);
}

static void churn_set(struct churn *c, struct args *a)
{
    size_t n;

    switch (below(c, 8)) {
    case 0: if (one_in(c, 8)) fill_set(c, a); break;
    case 1: TRY(set_key_pop(a->db, a->k, 1 + below(c, 3), ignore_str, NULL)); break;
    case 2: TRY(set_key_move(a->db, a->k, a->o, a->v[0])); break;
    case 3: case 4: TRY(set_key_remove(a->db, a->k, a->v, a->n, &n)); break;
    case 5: if (one_in(c, 20)) TRY(set_key_pop(a->db, a->k, c->size * 4, ignore_str, NULL)); break;
    default: TRY(set_key_add(a->db, a->k, a->v, a->n, &n));
    }
}

static double random_score(struct churn *c)
{
    return (double)below(c, 100) / (one_in(c, 2) ? 4 : 1);
}

static void ignore_scored(void *ctx, struct str member, double score)
{
    (void)ctx, (void)member, (void)score;
}

static void fill_zset(struct churn *c, struct args *a)
{
    struct zset z = zset_new(c->store, c->size * 2, 1);
    double old;

    for (unsigned i = 0; i < c->size * 2; i++) zset_put(&z, print_text(c, a->text[0]), random_score(c), &old);
    zset_key_store_take(a->db, a->k, &z, CHANGE_ZUNIONSTORE);
}

static void churn_zset(struct churn *c, struct args *a)
{
    struct zitem items[MANY];
    struct zadded done;
    uint64_t from = below(c, c->size);
    struct zrange range = { from, from + below(c, 10) };
    struct zset z;
    size_t n;

    for (int i = 0; i < MANY; i++) items[i] = (struct zitem){ a->v[i], random_score(c) };
    switch (below(c, 10)) {
    case 0: if (one_in(c, 8)) fill_zset(c, a); break;
    case 1: TRY(zset_key_pop(a->db, a->k, one_in(c, 2), 1 + below(c, 3), ignore_scored, NULL)); break;
    case 2: case 3: TRY(zset_key_remove(a->db, a->k, a->v, a->n, &n)); break;
    case 4:
        if (zset_read(a->db, a->k, &z) != OK) break;
        if (range.from > zset_count(&z)) range.from = zset_count(&z);
        if (range.to > zset_count(&z)) range.to = zset_count(&z);
        TRY(zset_key_remove_ranks(a->db, a->k, range, CHANGE_ZREMRANGEBYRANK));
        break;
    case 5: TRY(zset_key_add(a->db, a->k, items, 1, ZADD_INCR, &done)); break;
    default: TRY(zset_key_add(a->db, a->k, items, a->n, 0, &done));
    }
}

/* --- streams ------------------------------------------------------------------------------------------ */

static const char *const names[] = { "a", "bb", "ccc", "dddd" };

static struct str any_name(struct churn *c)
{
    return str_c(names[below(c, 4)]);
}

/* IDs are near the clock, some of them given before. */
static struct stream_id any_id(struct churn *c, struct args *a)
{
    const struct stream *s;
    struct stream_info info;
    uint64_t span;

    if (stream_read(a->db, a->k, &s) != OK) return STREAM_ID_MIN;
    info = stream_info(s);
    span = info.last.seq > info.first.seq ? info.last.seq - info.first.seq : 0;
    return (struct stream_id){ info.last.ms, info.first.seq + below(c, span + 2) };
}

static void add_entries(struct churn *c, struct args *a, size_t n)
{
    static const struct stream_add add = { .how = STREAM_ADD_AUTO };
    struct stream_added done;

    while (n-- > 0) {
        size_t pairs = 1 + below(c, MANY / 2);

        for (int i = 0; i < MANY; i++) a->v[i] = print_text(c, a->text[i]);
        TRY(stream_key_add(a->db, a->k, &add, a->v, pairs, &done));
    }
}

static void ignore_entry(void *ctx, struct stream_iter *entry)
{
    (void)ctx, (void)entry;
}

static void ignore_told(void *ctx, const struct stream_pending *p, struct stream_iter *entry)
{
    (void)ctx, (void)p, (void)entry;
}

static void fill_stream(struct churn *c, struct args *a)
{
    struct stream_read_done done;
    struct stream_id zero = { 0, 0 };

    keys_delete(a->db, a->k, false);
    add_entries(c, a, c->size + below(c, c->size * 2));
    for (int i = 0; i < 2; i++) TRY(stream_group_create(a->db, a->k, str_c(names[i]), &zero, 0, false));
    for (int i = 0; i < 6; i++)
        TRY(stream_deliver(a->db, a->k, str_c(names[i % 2]), any_name(c), c->size / 4, false, ignore_entry, NULL,
                           &done));
}

static void churn_entries(struct churn *c, struct args *a)
{
    struct stream_trim trim = { .by = STREAM_TRIM_MAXLEN, .max_len = below(c, c->size * 2) };
    struct stream_id ids[MANY];
    struct stream_trimmed done;
    uint64_t n;

    for (int i = 0; i < MANY; i++) ids[i] = any_id(c, a);
    switch (below(c, 8)) {
    case 0: if (one_in(c, 8)) fill_stream(c, a); break;
    case 1: trim.whole_blocks = one_in(c, 2); TRY(stream_key_trim(a->db, a->k, &trim, &done)); break;
    case 2: if (one_in(c, 10)) trim.max_len = 0; TRY(stream_key_trim(a->db, a->k, &trim, &done)); break;
    case 3: case 4: case 5: TRY(stream_key_delete(a->db, a->k, ids, MANY, &n)); break;
    case 6: TRY(stream_key_set_id(a->db, a->k, ids[0], -1, STREAM_ID_MIN)); break;
    default: add_entries(c, a, 1 + below(c, 5));
    }
}

static void churn_groups(struct churn *c, struct args *a)
{
    struct stream_claim how = { .delivered_ms = -1, .deliveries = -1, .force = one_in(c, 2) };
    struct str group = any_name(c), consumer = any_name(c);
    struct stream_id ids[MANY];
    struct stream_read_done read;
    struct stream_claim_done claimed;
    uint64_t n;
    bool made;

    for (int i = 0; i < MANY; i++) ids[i] = any_id(c, a);
    switch (below(c, 16)) {
    case 0: TRY(stream_group_create(a->db, a->k, group, &ids[0], STREAM_READ_UNKNOWN, one_in(c, 4))); break;
    case 1: if (one_in(c, 4)) TRY(stream_group_destroy(a->db, a->k, group)); break;
    case 2: TRY(stream_group_set_id(a->db, a->k, group, &ids[0], STREAM_READ_UNKNOWN)); break;
    case 3: TRY(stream_consumer_create(a->db, a->k, group, consumer, &made)); break;
    case 4: if (one_in(c, 4)) TRY(stream_consumer_delete(a->db, a->k, group, consumer, &n)); break;
    case 5: case 6:
        TRY(stream_history(a->db, a->k, group, consumer, STREAM_ID_MIN, 3, ignore_told, NULL, &read));
        break;
    case 7: TRY(stream_claim(a->db, a->k, group, consumer, ids, 3, &how, ignore_told, NULL, &claimed)); break;
    case 8:
        TRY(stream_autoclaim(a->db, a->k, group, consumer, ids[0], 4, 0, one_in(c, 2), ignore_told, NULL,
                             &claimed));
        break;
    case 9: case 10: case 11:
        TRY(stream_deliver(a->db, a->k, group, consumer, 3, one_in(c, 8), ignore_entry, NULL, &read));
        break;
    default: TRY(stream_ack(a->db, a->k, group, ids, MANY, &n));
    }
}

static void churn_stream(struct churn *c, struct args *a)
{
    if (one_in(c, 2)) churn_entries(c, a);
    else churn_groups(c, a);
}

/* --- documents ---------------------------------------------------------------------------------------- */

static void set_json(struct churn *c, struct args *a)
{
    struct buf b = { 0 };
    struct slot s;
    struct str old;

    buf_add_char(&b, '[');
    for (size_t i = below(c, c->size); i > 0 || b.n <= 8192; i -= i > 0) buf_printf(&b, "\"%.*s\",", (int)a->v[i % MANY].n, a->v[i % MANY].p);
    buf_add_c(&b, "null]");
    if (json_find(a->db, a->k, &s, &old) != ERR_WRONG_TYPE) json_put(&s, buf_str(&b), true, CHANGE_JSON_SET);
    buf_fini(&b);
}

/* As an edit does: the whole text anew, a little longer or much shorter. */
static void churn_json(struct churn *c, struct args *a)
{
    struct buf b = { 0 };
    struct slot s;
    struct str old;

    if (json_find(a->db, a->k, &s, &old) != OK) {
        set_json(c, a);
        return;
    }
    if (one_in(c, 20)) {
        buf_add_c(&b, "{\"short\":true}");
    } else {
        buf_add_char(&b, '[');
        buf_add_str(&b, old);
        buf_add_c(&b, ",1]");
    }
    json_put(&s, buf_str(&b), false, CHANGE_JSON_ARRAPPEND);
    buf_fini(&b);
}

/* --- suggestions -------------------------------------------------------------------------------------- */

static void churn_suggestions(struct churn *c, struct args *a)
{
    struct str text = a->v[0];
    uint64_t count;
    bool removed;

    if (text.n > 40) text.n = 40;
    if (text.n == 0) text = STR("nothing");
    if (one_in(c, 3)) TRY(suggest_remove(a->db, a->k, text, &removed));
    else TRY(suggest_put(a->db, a->k, text, (double)below(c, 100), one_in(c, 2), one_in(c, 2) ? a->v[1] : STR(""), &count));
}

static void fill_suggestions(struct churn *c, struct args *a)
{
    char text[32];
    uint64_t count;

    for (uint64_t n = one_in(c, 8) ? 3000 : 1 + below(c, 20); n > 0; n--) {
        int k = snprintf(text, sizeof text, "s%u", (unsigned)below(c, 100000));
        TRY(suggest_put(a->db, a->k, str_of(text, (size_t)k), (double)n, false, one_in(c, 5) ? a->v[1] : STR(""), &count));
    }
}

/* --- vector sets -------------------------------------------------------------------------------------- */

enum { VSET_DIM = 6 };

static void put_vector(struct churn *c, struct args *a, struct str name)
{
    struct str attr = one_in(c, 3) ? a->v[below(c, MANY)] : str_of("", 0);
    float v[VSET_DIM];
    struct slot slot;
    struct vset *s;
    enum err e = vset_find_write(a->db, a->k, &slot, &s);

    if (e != OK && e != ERR_NO_KEY) return;
    for (int i = 0; i < VSET_DIM; i++) v[i] = (float)below(c, 200) - 100;
    if (e == ERR_NO_KEY) s = vset_new(c->store, (enum vset_quant)below(c, 3), VSET_DIM, 4, 0);
    vset_put(s, name, v, 20, one_in(c, 2) ? &attr : NULL);
    if (e == ERR_NO_KEY) vset_key_add(&slot, s);
    db_tell(&slot, CHANGE_VADD);
}

static void fill_vset(struct churn *c, struct args *a)
{
    char name[24];

    for (size_t i = below(c, c->size) + 1; i > 0; i--) {
        put_vector(c, a, str_of(name, (size_t)snprintf(name, sizeof name, "e%u", (unsigned)i)));
    }
}

static void churn_vset(struct churn *c, struct args *a)
{
    char text[24];
    struct str name = str_of(text, (size_t)snprintf(text, sizeof text, "e%u", (unsigned)below(c, c->size + 2)));
    struct slot slot;
    struct vset *s;

    if (one_in(c, 3)) {
        TRY(vset_key_remove(a->db, a->k, name));
    } else if (one_in(c, 3)) {
        if (vset_find_write(a->db, a->k, &slot, &s) == OK && vset_set_attr(s, name, a->v[0])) db_tell(&slot, CHANGE_VSETATTR);
    } else {
        put_vector(c, a, name);
    }
}

/* --- names -------------------------------------------------------------------------------------------- */

static void churn_names(struct churn *c, struct args *a)
{
    struct db *other = c->store->dbs[below(c, CHURN_DBS)];
    struct args b;
    bool removed;

    pick(c, (enum value_type)below(c, VALUE_TYPES), &b);
    switch (below(c, 24)) {
    case 0: keys_delete(a->db, a->k, one_in(c, 2)); break;
    case 1: case 2: TRY(keys_rename(a->db, a->k, b.k, one_in(c, 4))); break;
    case 3: case 4: if (a->db != other || !str_eq(a->k, b.k)) TRY(keys_copy(a->db, a->k, other, b.k, true)); break;
    case 5: if (a->db != other) TRY(keys_move(a->db, a->k, other)); break;
    case 6: case 7: case 8: case 9: TRY(keys_expire(a->db, a->k, soon(c), 0, &removed)); break;
    case 10: case 11: TRY(keys_persist(a->db, a->k)); break;
    case 12:
        c->store->now_ms += (int64_t)below(c, 30);
        store_expire_some(c->store, 100);
        break;
    default: TRY(string_set(a->db, a->v[0], a->v[1], NULL));
    }
}

/* --- all ---------------------------------------------------------------------------------------------- */

static void (*const fills[VALUE_TYPES])(struct churn *c, struct args *a) = {
    [VALUE_STRING] = set_string, [VALUE_LIST] = fill_list, [VALUE_SET] = fill_set,
    [VALUE_ZSET] = fill_zset,    [VALUE_HASH] = fill_hash, [VALUE_STREAM] = fill_stream,
    [VALUE_JSON] = set_json,     [VALUE_SUGGEST] = fill_suggestions,
    [VALUE_VSET] = fill_vset,
};

static void (*const churns[VALUE_TYPES + 1])(struct churn *c, struct args *a) = {
    [VALUE_STRING] = churn_string, [VALUE_LIST] = churn_list, [VALUE_SET] = churn_set,
    [VALUE_ZSET] = churn_zset,     [VALUE_HASH] = churn_hash, [VALUE_STREAM] = churn_stream,
    [VALUE_JSON] = churn_json,     [VALUE_SUGGEST] = churn_suggestions,
    [VALUE_VSET] = churn_vset,
    [VALUE_TYPES] = churn_names,
};

void churn_fill(struct churn *c, unsigned kinds)
{
    struct args a;

    for (int type = 0; type < VALUE_TYPES; type++) {
        for (int i = 0; (kinds >> type & 1) && i < CHURN_DBS * CHURN_KEYS; i++) {
            pick(c, (enum value_type)type, &a);
            a.db = c->store->dbs[i % CHURN_DBS];
            a.k = print_key(a.key, (enum value_type)type, (uint64_t)i / CHURN_DBS);
            fills[type](c, &a);
        }
    }
}

void churn_some(struct churn *c, unsigned kinds, size_t n)
{
    struct args a;

    while (n > 0) {
        unsigned kind = (unsigned)below(c, VALUE_TYPES + 1);

        if (!(kinds >> kind & 1)) continue;
        pick(c, kind < VALUE_TYPES ? (enum value_type)kind : (enum value_type)below(c, VALUE_TYPES), &a);
        churns[kind](c, &a);
        n--;
    }
}
