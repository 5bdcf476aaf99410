/* rdb_value.c -- values of RDB files to entries.
 *
 * Packed forms of today (listpack, intset) are taken over as they lie when they are within the settings'
 * thresholds; all else is poured item by item into a new object (rdb_builder.h), in as many steps as one likes. */
#include "persistence/rdb_value.h"

#include <math.h>

#include "base/buf.h"
#include "base/json_canon.h"
#include "base/num.h"
#include "persistence/rdb_builder.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_legacy.h"
#include "persistence/rdb_stream.h"
#include "persistence/rdb_suggest.h"
#include "persistence/rdb_vset.h"
#include "storage/intset.h"
#include "storage/listpack.h"
#include "storage/store.h"
#include "storage/stream_edit.h"
#include "storage/type_json.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "storage/type_suggest.h"
#include "storage/type_vset.h"
#include "storage/zset_pack.h"

/* --- plain forms ------------------------------------------------------------------------------------ */

static bool begin_items(struct rdb_pour *p, uint64_t per_item, rdb_item_fn *add)
{
    if (!rdb_in_count(p->in, per_item, &p->b.n)) return false;
    p->left = p->b.n * per_item;
    p->add = add;
    return true;
}

static bool get_item(struct rdb_pour *p)
{
    struct str s;

    return rdb_in_str(p->in, &s) && p->add(&p->b, s);
}

/* A score as text, in the form before RDB 8. */
static bool get_score_text(struct rdb_in *in, double *score)
{
    enum { NOT_A_NUMBER = 253, PLUS_INFINITY = 254, MINUS_INFINITY = 255 };
    struct str text;
    unsigned n;

    if (!rdb_in_byte(in, &n)) return false;
    switch (n) {
    case NOT_A_NUMBER: *score = (double)NAN; return true;
    case PLUS_INFINITY: *score = (double)INFINITY; return true;
    case MINUS_INFINITY: *score = -(double)INFINITY; return true;
    default: break;
    }
    if (!rdb_in_raw(in, n, &text)) return false;
    return num_parse_double(text, score) || rdb_in_bad(in, "a score is no number");
}

static bool get_score(struct rdb_in *in, double *score)
{
    uint64_t bits;

    if (!rdb_in_u64(in, &bits)) return false;
    memcpy(score, &bits, sizeof bits);
    return true;
}

static bool get_scored(struct rdb_pour *p)
{
    struct rdb_builder *b = &p->b;
    struct str s;
    double score;

    if (!rdb_in_str(b->in, &s)) return false;
    buf_clear(&b->field);
    buf_add_str(&b->field, s);
    if (!(p->type == RDB_ZSET ? get_score_text(b->in, &score) : get_score(b->in, &score))) return false;
    return rdb_builder_scored(b, buf_str(&b->field), score);
}

/* Hash with field TTLs: the earliest (0 in the older form), then of each field TTL - earliest + 1 or 0. */
static bool begin_ttl_fields(struct rdb_pour *p)
{
    if (p->type == RDB_HASH_FIELDS && !rdb_in_u64(p->in, &p->first)) return false;
    return rdb_in_count(p->in, 3, &p->left);
}

static bool get_ttl_field(struct rdb_pour *p)
{
    struct rdb_builder *b = &p->b;
    uint64_t ttl;
    struct str s;

    if (!rdb_in_len(b->in, &ttl)) return false;
    if (ttl && p->type == RDB_HASH_FIELDS) ttl += p->first - 1;
    if (ttl >> 48) return rdb_in_bad(b->in, "a field's time to live is out of range");
    if (!rdb_in_str(b->in, &s)) return false;
    buf_clear(&b->field);
    buf_add_str(&b->field, s);
    if (!rdb_in_str(b->in, &s)) return false;
    return rdb_builder_pair(b, buf_str(&b->field), s, ttl ? (int64_t)ttl : HASH_NO_TTL);
}

/* What there is when the second of a pair is missing. */
static const char *half_name(enum value_type vt)
{
    return vt == VALUE_HASH ? "field without a value" : "member without a score";
}

/* --- packed forms ----------------------------------------------------------------------------------- */

static bool each_packed(struct rdb_builder *b, struct str bytes, rdb_item_fn *add)
{
    char scratch[2][NUM_TEXT_MAX];
    unsigned n = 0;

    if (!listpack_valid(bytes)) return rdb_in_bad(b->in, "a listpack is malformed");
    for (const unsigned char *p = listpack_first((const unsigned char *)bytes.p); p; p = listpack_next(p)) {
        if (!add(b, listpack_str(p, scratch[n++ & 1]))) return false;
    }
    return true;
}

/* Pour a ziplist or zipmap. */
static bool each_legacy(struct rdb_builder *b, struct str bytes, rdb_item_fn *add, bool zipmap)
{
    bool ok = zipmap ? zipmap_each(bytes, add, b) : ziplist_each(bytes, add, b);

    return ok || rdb_in_bad(b->in, "a %s is malformed", zipmap ? "zipmap" : "ziplist");
}

/* field, value, ttl ... */
static bool get_packed_ttls(struct rdb_builder *b, struct str bytes)
{
    const unsigned char *p;
    char scratch[2][NUM_TEXT_MAX];

    if (!listpack_valid(bytes)) return rdb_in_bad(b->in, "a listpack is malformed");
    for (p = listpack_first((const unsigned char *)bytes.p); p; p = listpack_next(p)) {
        const unsigned char *v = listpack_next(p), *t = v ? listpack_next(v) : NULL;
        int64_t ttl;

        if (!t) return rdb_in_bad(b->in, "a hash's listpack does not consist of triples");
        if (!listpack_int(t, &ttl) || ttl < 0 || ttl >> 48)
            return rdb_in_bad(b->in, "a field's time to live is out of range");
        if (!rdb_builder_pair(b, listpack_str(p, scratch[0]), listpack_str(v, scratch[1]), ttl ? ttl : HASH_NO_TTL))
            return false;
        p = t;
    }
    return true;
}

static bool get_quicklist_node(struct rdb_pour *p)
{
    uint64_t container = RDB_NODE_PACKED;
    bool second = p->type == RDB_LIST_QUICKLIST_2;
    struct str s;

    if (second && !rdb_in_len(p->in, &container)) return false;
    if (!rdb_in_str(p->in, &s)) return false;
    if (!second) return each_legacy(&p->b, s, rdb_builder_element, false);
    if (container == RDB_NODE_PLAIN) return rdb_builder_element(&p->b, s);
    if (container == RDB_NODE_PACKED) return each_packed(&p->b, s, rdb_builder_element);
    return rdb_in_bad(p->in, "a list node of unknown kind %llu", (unsigned long long)container);
}

/* May the listpack be a hash as it lies? Pairs, and within the thresholds. */
static bool hash_fits(const struct store *s, const unsigned char *lp)
{
    char scratch[NUM_TEXT_MAX];
    size_t n = listpack_count(lp);

    if (n == 0 || n % 2 || n / 2 > s->conf.hash_max_listpack_entries) return false;
    for (const unsigned char *p = listpack_first(lp); p; p = listpack_next(p)) {
        if (listpack_str(p, scratch).n > s->conf.hash_max_listpack_value) return false;
    }
    return true;
}

/* A sorted set that is not in order is poured anew. */
static bool zset_fits(const struct store *s, const unsigned char *lp)
{
    size_t n = listpack_count(lp);

    return n > 0 && n / 2 <= s->conf.zset_max_listpack_entries &&
           zpack_sound(lp, s->conf.zset_max_listpack_value);
}

/* A hash or a sorted set in one listpack. */
static bool get_packed_pairs(struct rdb_in *in, struct store *s, enum value_type vt, struct str key,
                             int64_t expire_ms, bool thorough, struct entry **e)
{
    struct rdb_builder b;
    struct str bytes;
    const unsigned char *lp;

    if (!rdb_in_str(in, &bytes)) return false;
    if (!listpack_valid(bytes)) return rdb_in_bad(in, "a listpack is malformed");
    lp = (const unsigned char *)bytes.p;
    if (!thorough && (vt == VALUE_HASH ? hash_fits(s, lp) : zset_fits(s, lp))) {
        *e = rdb_entry_of(vt, ENC_LISTPACK, listpack_from(bytes), key, expire_ms);
        return true;
    }
    rdb_builder_start(&b, s, in, vt);
    if (!each_packed(&b, bytes, vt == VALUE_HASH ? rdb_builder_half : rdb_builder_scored_half) ||
        (b.have_field && !rdb_in_bad(in, "a listpack has a %s", half_name(vt)))) {
        rdb_builder_drop(&b);
        return false;
    }
    *e = rdb_builder_finish(&b, key, expire_ms);
    return true;
}

static bool get_intset(struct rdb_in *in, struct store *s, struct str key, int64_t expire_ms,
                       struct entry **e)
{
    struct intset *ints;
    struct rdb_builder b;
    struct str bytes;

    if (!rdb_in_str(in, &bytes)) return false;
    ints = intset_from(bytes);
    if (!ints) return rdb_in_bad(in, "an intset is malformed");
    *e = NULL;
    if (ints->count > 0 && ints->count <= s->conf.set_max_intset_entries) {
        *e = rdb_entry_of(VALUE_SET, ENC_INTSET, ints, key, expire_ms);
        return true;
    }
    rdb_builder_start(&b, s, in, VALUE_SET);
    b.n = ints->count;
    for (uint32_t i = 0; i < ints->count; i++) {
        char text[NUM_TEXT_MAX];

        rdb_builder_member(&b, str_of(text, num_i64(text, intset_get(ints, i))));
    }
    intset_free(&ints);
    *e = rdb_builder_finish(&b, key, expire_ms);
    return true;
}

/* --- all --------------------------------------------------------------------------------------------- */

/* Of a list, set, hash or sorted set: what is before its items, or all of a packed one. */
static bool begin_items_of(struct rdb_pour *p)
{
    struct rdb_builder *b = &p->b;
    struct rdb_in *in = p->in;
    uint64_t ignored;
    struct str s;
    bool ok;

    switch (p->type) {
    case RDB_LIST: return begin_items(p, 1, rdb_builder_element);
    case RDB_SET: return begin_items(p, 1, rdb_builder_member);
    case RDB_HASH: return begin_items(p, 2, rdb_builder_half);
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: return rdb_in_count(in, 1, &p->left);
    case RDB_HASH_FIELDS_PRE:
    case RDB_HASH_FIELDS: return begin_ttl_fields(p);
    case RDB_ZSET:
    case RDB_ZSET_2:
        if (!rdb_in_count(in, p->type == RDB_ZSET ? 2 : 1 + sizeof(double), &p->left)) return false;
        b->n = p->left;
        return true;
    case RDB_LIST_ZIPLIST: return rdb_in_str(in, &s) && each_legacy(b, s, rdb_builder_element, false);
    case RDB_SET_LISTPACK: return rdb_in_str(in, &s) && each_packed(b, s, rdb_builder_member);
    case RDB_ZSET_ZIPLIST:
        ok = rdb_in_str(in, &s) && each_legacy(b, s, rdb_builder_scored_half, false);
        return ok && (!b->have_field || rdb_in_bad(in, "a ziplist has a %s", half_name(VALUE_ZSET)));
    case RDB_HASH_LISTPACK_EX:
        return rdb_in_u64(in, &ignored) && rdb_in_str(in, &s) && get_packed_ttls(b, s);
    case RDB_HASH_LISTPACK_EX_PRE:
        return rdb_in_str(in, &s) && get_packed_ttls(b, s);
    default:
        ok = rdb_in_str(in, &s) && each_legacy(b, s, rdb_builder_half, p->type == RDB_HASH_ZIPMAP);
        return ok && (!b->have_field || rdb_in_bad(in, "a hash has a field without a value"));
    }
}

static bool get_one(struct rdb_pour *p)
{
    switch (p->type) {
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: return get_quicklist_node(p);
    case RDB_HASH_FIELDS_PRE:
    case RDB_HASH_FIELDS: return get_ttl_field(p);
    case RDB_ZSET:
    case RDB_ZSET_2: return get_scored(p);
    case RDB_STREAM:
    case RDB_STREAM_2:
    case RDB_STREAM_3: return rdb_get_stream_block(p->in, p->stream);
    case RDB_MODULE_2: return rdb_get_suggestion(p->in, p->suggestions);
    default: return get_item(p);
    }
}

static enum value_type type_of(unsigned type)
{
    switch (type) {
    case RDB_STRING: return VALUE_STRING;
    case RDB_LIST:
    case RDB_LIST_ZIPLIST:
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: return VALUE_LIST;
    case RDB_SET:
    case RDB_SET_INTSET:
    case RDB_SET_LISTPACK: return VALUE_SET;
    case RDB_ZSET:
    case RDB_ZSET_2:
    case RDB_ZSET_ZIPLIST:
    case RDB_ZSET_LISTPACK: return VALUE_ZSET;
    case RDB_HASH:
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK:
    case RDB_HASH_FIELDS_PRE:
    case RDB_HASH_LISTPACK_EX_PRE:
    case RDB_HASH_FIELDS:
    case RDB_HASH_LISTPACK_EX: return VALUE_HASH;
    case RDB_STREAM:
    case RDB_STREAM_2:
    case RDB_STREAM_3: return VALUE_STREAM;
    case RDB_MODULE_2: return VALUE_JSON;
    default: return VALUE_TYPES;
    }
}

const char *rdb_type_name(unsigned type)
{
    switch (type) {
    case RDB_MODULE: return "module";
    default: break;
    }
    switch (type_of(type)) {
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "list";
    case VALUE_SET: return "set";
    case VALUE_HASH: return "hash";
    case VALUE_ZSET: return "sorted set";
    case VALUE_STREAM: return "stream";
    case VALUE_JSON: return "module";
    default: return "unknown";
    }
}

bool rdb_bad_module(struct rdb_in *in, uint64_t id)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char name[10] = "";

    /* nine characters of six bits, the first highest, then ten bits for the version of its encoding */
    for (int i = 0; i < 9; i++) name[i] = chars[(id >> (58 - 6 * i)) & 63];
    return rdb_in_bad(in, "data of the Redis module '%s' (version %u), which cannot be read", name,
                      (unsigned)(id & 1023));
}

/* The text may come from a program that writes it in another form than ours. */
static bool get_json(struct rdb_in *in, struct str key, int64_t expire_ms, struct entry **e)
{
    struct buf canon = { .may_fail = true };
    struct json_error why;
    uint64_t opcode;
    struct str text;
    bool ok;

    if (!rdb_in_len(in, &opcode)) return false;
    if (opcode != RDB_MODULE_STRING) return rdb_in_bad(in, "a JSON document begins with opcode %llu", (unsigned long long)opcode);
    if (!rdb_in_str(in, &text)) return false;
    ok = json_canon(text, &canon, &why) || rdb_in_bad(in, "a JSON document is none: %s", why.what);
    if (ok) *e = json_new(key, buf_str(&canon), expire_ms);
    buf_fini(&canon);
    if (!ok) return false;
    if (rdb_in_len(in, &opcode) && (opcode == RDB_MODULE_EOF || rdb_in_bad(in, "a JSON document does not end"))) return true;
    db_free_value(*e);
    entry_free(*e);
    return false;
}

/* What modules of stock Redis have written, and is a type of its own here. */
static bool begin_module(struct rdb_pour *p, struct str key, int64_t expire_ms)
{
    uint64_t id;

    if (!rdb_in_len(p->in, &id)) return false;
    if (id == RDB_JSON_ID) return get_json(p->in, key, expire_ms, &p->e);
    if (id == RDB_VSET_ID) return rdb_vset_load_new(p->in, p->store, &p->vset);
    if (id != RDB_SUGGEST_ID) return rdb_bad_module(p->in, id);
    if (!rdb_get_suggest_count(p->in, &p->left)) return false;
    p->suggestions = suggestions_new();
    return true;
}

static bool refuse_type(struct rdb_in *in, unsigned type)
{
    return rdb_in_bad(in, "values of type %u (%s) cannot be read", type, rdb_type_name(type));
}

static bool get_string(struct rdb_in *in, struct str key, int64_t expire_ms, struct entry **e)
{
    struct str text;

    if (!rdb_in_str(in, &text)) return false;
    *e = string_new(key, text, expire_ms);
    return true;
}

bool rdb_pour_begin(struct rdb_pour *p, struct rdb_in *in, struct store *s, unsigned type, struct str key, int64_t expire_ms, bool thorough)
{
    enum value_type vt = type_of(type);

    *p = (struct rdb_pour){ .in = in, .store = s, .type = type };
    if (vt == VALUE_TYPES) return refuse_type(in, type);
    if (type == RDB_STRING) return get_string(in, key, expire_ms, &p->e);
    if (type == RDB_HASH_LISTPACK || type == RDB_ZSET_LISTPACK)
        return get_packed_pairs(in, s, vt, key, expire_ms, thorough, &p->e);
    if (type == RDB_MODULE_2) return begin_module(p, key, expire_ms);
    if (type == RDB_SET_INTSET) return get_intset(in, s, key, expire_ms, &p->e);
    if (vt == VALUE_STREAM) {
        p->stream = stream_new();
        return rdb_get_stream_count(in, &p->left);
    }
    rdb_builder_start(&p->b, s, in, vt);
    p->builds = true;
    return begin_items_of(p);
}

/* Behind the last item. */
static bool end_items(struct rdb_pour *p)
{
    if (p->stream != NULL) return rdb_get_stream_end(p->in, p->type, p->stream);
    return p->suggestions == NULL || rdb_get_suggest_end(p->in);
}

bool rdb_pour_step(struct rdb_pour *p, uint64_t n, bool *more)
{
    if (p->vset != NULL) return rdb_vset_load_step(p->vset, n, more);
    for (; n > 0 && p->left > 0; n--, p->left--) {
        if (!get_one(p)) return false;
    }
    *more = p->left > 0;
    return *more || end_items(p);
}

struct entry *rdb_pour_finish(struct rdb_pour *p, struct str key, int64_t expire_ms)
{
    struct entry *e = p->e;

    if (p->vset != NULL) {
        struct vset *s = rdb_vset_load_take(p->vset);

        e = vset_entry_take(&s, key, expire_ms);
    }
    if (p->stream != NULL) e = stream_entry_take(&p->stream, key, expire_ms);
    if (p->suggestions != NULL) e = suggest_entry_take(&p->suggestions, key, expire_ms);
    if (p->builds) e = rdb_builder_finish(&p->b, key, expire_ms);
    p->e = NULL;
    p->builds = false;
    rdb_pour_drop(p);
    return e;
}

void rdb_pour_drop(struct rdb_pour *p)
{
    if (p->vset != NULL) rdb_vset_load_free(&p->vset);
    if (p->stream != NULL) stream_free(&p->stream);
    if (p->suggestions != NULL) suggestions_free(&p->suggestions);
    if (p->builds) rdb_builder_drop(&p->b);
    p->builds = false;
    if (p->e != NULL) {
        db_free_value(p->e);
        entry_free(p->e);
        p->e = NULL;
    }
}

bool rdb_get_value(struct rdb_in *in, struct store *s, unsigned type, struct str key, int64_t expire_ms,
                   bool thorough, struct entry **e)
{
    struct rdb_pour p;
    bool more = true, ok;

    if (type == RDB_STRING) return get_string(in, key, expire_ms, e); /* most are */
    ok = rdb_pour_begin(&p, in, s, type, key, expire_ms, thorough);
    while (ok && more) ok = rdb_pour_step(&p, UINT64_MAX, &more);
    if (ok) *e = rdb_pour_finish(&p, key, expire_ms);
    else rdb_pour_drop(&p);
    return ok;
}
