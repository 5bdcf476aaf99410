/* rdb_value.c -- values of RDB files to entries.
 *
 * Packed forms of today (listpack, intset) are taken over as they lie when they are within the settings'
 * thresholds; all else is poured item by item into a new object (rdb_builder.h). */
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
#include "storage/type_json.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "storage/type_suggest.h"
#include "storage/type_vset.h"
#include "storage/zset_pack.h"

/* --- plain forms ------------------------------------------------------------------------------------ */

static bool get_items(struct rdb_builder *b, uint64_t per_item, rdb_item_fn *add)
{
    uint64_t n;
    struct str s;

    if (!rdb_in_count(b->in, per_item, &n)) return false;
    b->n = n;
    for (n *= per_item; n; n--) {
        if (!rdb_in_str(b->in, &s) || !add(b, s)) return false;
    }
    return true;
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

static bool get_scored(struct rdb_builder *b, bool as_text)
{
    struct str s;
    uint64_t n;

    if (!rdb_in_count(b->in, as_text ? 2 : 1 + sizeof(double), &n)) return false;
    b->n = n;
    for (; n; n--) {
        double score;

        if (!rdb_in_str(b->in, &s)) return false;
        buf_clear(&b->field);
        buf_add_str(&b->field, s);
        if (!(as_text ? get_score_text(b->in, &score) : get_score(b->in, &score))) return false;
        if (!rdb_builder_scored(b, buf_str(&b->field), score)) return false;
    }
    return true;
}

/* Hash with field TTLs: the earliest (0 in the older form), then of each field TTL - earliest + 1 or 0. */
static bool get_ttl_fields(struct rdb_builder *b, bool relative)
{
    uint64_t n, ttl, first = 0;
    struct str s;

    if (relative && !rdb_in_u64(b->in, &first)) return false;
    if (!rdb_in_count(b->in, 3, &n)) return false;
    for (; n; n--) {
        if (!rdb_in_len(b->in, &ttl)) return false;
        if (ttl && relative) ttl += first - 1;
        if (ttl >> 48) return rdb_in_bad(b->in, "a field's time to live is out of range");
        if (!rdb_in_str(b->in, &s)) return false;
        buf_clear(&b->field);
        buf_add_str(&b->field, s);
        if (!rdb_in_str(b->in, &s)) return false;
        if (!rdb_builder_pair(b, buf_str(&b->field), s, ttl ? (int64_t)ttl : HASH_NO_TTL)) return false;
    }
    return true;
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

static bool get_quicklist(struct rdb_builder *b, bool second)
{
    uint64_t n, container = RDB_NODE_PACKED;
    struct str s;

    if (!rdb_in_count(b->in, 1, &n)) return false;
    for (; n; n--) {
        if (second && !rdb_in_len(b->in, &container)) return false;
        if (!rdb_in_str(b->in, &s)) return false;
        if (!second) {
            if (!each_legacy(b, s, rdb_builder_element, false)) return false;
        } else if (container == RDB_NODE_PLAIN) {
            rdb_builder_element(b, s);
        } else if (container == RDB_NODE_PACKED) {
            if (!each_packed(b, s, rdb_builder_element)) return false;
        } else {
            return rdb_in_bad(b->in, "a list node of unknown kind %llu", (unsigned long long)container);
        }
    }
    return true;
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

static bool build(struct rdb_builder *b, unsigned type)
{
    struct rdb_in *in = b->in;
    uint64_t ignored;
    struct str s;
    bool ok;

    switch (type) {
    case RDB_LIST: return get_items(b, 1, rdb_builder_element);
    case RDB_SET: return get_items(b, 1, rdb_builder_member);
    case RDB_HASH: return get_items(b, 2, rdb_builder_half);
    case RDB_LIST_QUICKLIST: return get_quicklist(b, false);
    case RDB_LIST_QUICKLIST_2: return get_quicklist(b, true);
    case RDB_HASH_FIELDS_PRE: return get_ttl_fields(b, false);
    case RDB_HASH_FIELDS: return get_ttl_fields(b, true);
    case RDB_LIST_ZIPLIST: return rdb_in_str(in, &s) && each_legacy(b, s, rdb_builder_element, false);
    case RDB_SET_LISTPACK: return rdb_in_str(in, &s) && each_packed(b, s, rdb_builder_member);
    case RDB_ZSET: return get_scored(b, true);
    case RDB_ZSET_2: return get_scored(b, false);
    case RDB_ZSET_ZIPLIST:
        ok = rdb_in_str(in, &s) && each_legacy(b, s, rdb_builder_scored_half, false);
        return ok && (!b->have_field || rdb_in_bad(in, "a ziplist has a %s", half_name(VALUE_ZSET)));
    case RDB_HASH_LISTPACK_EX:
        return rdb_in_u64(in, &ignored) && rdb_in_str(in, &s) && get_packed_ttls(b, s);
    case RDB_HASH_LISTPACK_EX_PRE:
        return rdb_in_str(in, &s) && get_packed_ttls(b, s);
    default:
        ok = rdb_in_str(in, &s) && each_legacy(b, s, rdb_builder_half, type == RDB_HASH_ZIPMAP);
        return ok && (!b->have_field || rdb_in_bad(in, "a hash has a field without a value"));
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

static bool get_stream(struct rdb_in *in, unsigned type, struct str key, int64_t expire_ms, struct entry **e)
{
    struct stream *s;

    if (!rdb_get_stream(in, type, &s)) return false;
    *e = stream_entry_take(&s, key, expire_ms);
    return true;
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

static bool get_suggest(struct rdb_in *in, struct str key, int64_t expire_ms, struct entry **e)
{
    struct suggestions *d;

    if (!rdb_get_suggestions(in, &d)) return false;
    *e = suggest_entry_take(&d, key, expire_ms);
    return true;
}

static bool get_vset(struct rdb_in *in, struct store *st, struct str key, int64_t expire_ms, struct entry **e)
{
    struct vset *s;

    if (!rdb_get_vset(in, st, &s)) return false;
    *e = vset_entry_take(&s, key, expire_ms);
    return true;
}

/* What modules of stock Redis have written, and is a type of its own here. */
static bool get_module(struct rdb_in *in, struct store *st, struct str key, int64_t expire_ms, struct entry **e)
{
    uint64_t id;

    if (!rdb_in_len(in, &id)) return false;
    if (id == RDB_JSON_ID) return get_json(in, key, expire_ms, e);
    if (id == RDB_SUGGEST_ID) return get_suggest(in, key, expire_ms, e);
    if (id == RDB_VSET_ID) return get_vset(in, st, key, expire_ms, e);
    return rdb_bad_module(in, id);
}

static bool refuse_type(struct rdb_in *in, unsigned type)
{
    return rdb_in_bad(in, "values of type %u (%s) cannot be read", type, rdb_type_name(type));
}

bool rdb_get_value(struct rdb_in *in, struct store *s, unsigned type, struct str key, int64_t expire_ms,
                   bool thorough, struct entry **e)
{
    enum value_type vt = type_of(type);
    struct rdb_builder b;
    struct str text;

    if (vt == VALUE_TYPES) return refuse_type(in, type);
    if (type == RDB_STRING) {
        if (!rdb_in_str(in, &text)) return false;
        *e = string_new(key, text, expire_ms);
        return true;
    }
    if (type == RDB_HASH_LISTPACK || type == RDB_ZSET_LISTPACK)
        return get_packed_pairs(in, s, vt, key, expire_ms, thorough, e);
    if (type == RDB_MODULE_2) return get_module(in, s, key, expire_ms, e);
    if (vt == VALUE_STREAM) return get_stream(in, type, key, expire_ms, e);
    if (type == RDB_SET_INTSET) return get_intset(in, s, key, expire_ms, e);
    rdb_builder_start(&b, s, in, vt);
    if (!build(&b, type)) {
        rdb_builder_drop(&b);
        return false;
    }
    *e = rdb_builder_finish(&b, key, expire_ms);
    return true;
}
