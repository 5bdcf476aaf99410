/* rdb_write.c -- entries to RDB bytes, in the forms that Redis 7.0 reads. */
#include "persistence/rdb_write.h"

#include <endian.h>
#include <liblzf/lzf.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_stream.h"
#include "persistence/rdb_suggest.h"
#include "persistence/rdb_vset.h"
#include "storage/evict.h"
#include "storage/hash.h"
#include "storage/intset.h"
#include "storage/list.h"
#include "storage/listpack.h"
#include "storage/set.h"
#include "storage/store.h"
#include "storage/type_json.h"
#include "storage/zset.h"

enum {
    INT_TEXT_MAX = 11,  /* texts up to this long may be integers of 32 bits */
    COMPRESS_MIN = 21,  /* shorter strings never gain */
    COMPRESS_GAIN = 4   /* bytes that must be saved */
};

void rdb_out_fini(struct rdb_out *o)
{
    buf_fini(&o->bytes);
    mem_free(o->spans);
    o->spans = NULL;
    o->n_spans = o->cap_spans = 0;
}

void rdb_out_clear(struct rdb_out *o)
{
    buf_clear(&o->bytes);
    o->n_spans = 0;
    o->has_field_ttls = false;
}

/* --- numbers and strings -------------------------------------------------------------------------- */

void rdb_put_byte(struct rdb_out *o, unsigned v)
{
    buf_add_char(&o->bytes, (char)v);
}

static void put_len(struct buf *b, uint64_t n)
{
    unsigned char *p = (unsigned char *)buf_room(b, 9);

    if (n < 1 << 6) {
        p[0] = (unsigned char)(RDB_LEN_6 << 6 | n);
        buf_used(b, 1);
    } else if (n < 1 << 14) {
        p[0] = (unsigned char)(RDB_LEN_14 << 6 | n >> 8);
        p[1] = (unsigned char)n;
        buf_used(b, 2);
    } else if (n <= UINT32_MAX) {
        uint32_t big = htobe32((uint32_t)n);

        p[0] = RDB_LEN_32;
        memcpy(p + 1, &big, 4);
        buf_used(b, 5);
    } else {
        uint64_t big = htobe64(n);

        p[0] = RDB_LEN_64;
        memcpy(p + 1, &big, 8);
        buf_used(b, 9);
    }
}

void rdb_put_len(struct rdb_out *o, uint64_t n)
{
    put_len(&o->bytes, n);
}

void rdb_put_u64(struct rdb_out *o, uint64_t v)
{
    v = htole64(v);
    buf_add(&o->bytes, &v, sizeof v);
}

void rdb_put_double(struct rdb_out *o, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    rdb_put_u64(o, bits);
}

/* v in one of the integer forms; false when it has none. */
static bool put_int(struct rdb_out *o, int64_t v)
{
    unsigned char *p;
    size_t n;
    unsigned enc;

    if (v >= INT8_MIN && v <= INT8_MAX) enc = RDB_ENC_INT8, n = 1;
    else if (v >= INT16_MIN && v <= INT16_MAX) enc = RDB_ENC_INT16, n = 2;
    else if (v >= INT32_MIN && v <= INT32_MAX) enc = RDB_ENC_INT32, n = 4;
    else return false;
    p = (unsigned char *)buf_room(&o->bytes, 1 + n);
    p[0] = (unsigned char)(RDB_LEN_ENCODED << 6 | enc);
    for (size_t i = 0; i < n; i++) p[1 + i] = (unsigned char)((uint64_t)v >> 8 * i);
    buf_used(&o->bytes, 1 + n);
    return true;
}

/* Bytes that are no integer's text. */
static void put_bytes(struct rdb_out *o, struct str s)
{
    if (o->compress && s.n >= COMPRESS_MIN) {
        if (o->n_spans == o->cap_spans) {
            o->cap_spans = o->cap_spans ? o->cap_spans * 2 : 64;
            o->spans = mem_realloc(o->spans, o->cap_spans * sizeof *o->spans);
        }
        o->spans[o->n_spans++] = (struct rdb_span){ o->bytes.n, s.n };
    } else {
        rdb_put_len(o, s.n);
    }
    buf_add_str(&o->bytes, s);
}

void rdb_put_str(struct rdb_out *o, struct str s)
{
    int64_t v;

    if (s.n <= INT_TEXT_MAX && num_parse_i64(s, &v) && put_int(o, v)) return;
    put_bytes(o, s);
}

void rdb_put_header(struct rdb_out *o, int version)
{
    buf_printf(&o->bytes, "REDIS%04d", version);
}

void rdb_put_aux(struct rdb_out *o, const char *name, struct str value)
{
    rdb_put_byte(o, RDB_OP_AUX);
    rdb_put_str(o, str_c(name));
    rdb_put_str(o, value);
}

void rdb_put_library(struct rdb_out *o, struct str text)
{
    rdb_put_byte(o, RDB_OP_FUNCTION2);
    rdb_put_str(o, text);
}

/* --- values ------------------------------------------------------------------------------------------ */

/* hash_due_at may still tell of TTLs that are gone: only a look at the fields of a small hash is certain. */
static bool hash_has_ttls(const struct hash *h)
{
    struct hash_iter it;

    if (h->enc == ENC_TABLE) return ((const struct hash_large *)h->ptr)->due.n > 0;
    if (hash_due_at(h) == HASH_NEVER) return false;
    hash_iter_start(&it, h);
    while (hash_next(&it)) {
        if (it.ttl != HASH_NO_TTL) return true;
    }
    return false;
}

static struct hash open_hash(const struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash h = hash_of((struct store *)(uintptr_t)s, e);

    if (o->at_ms != 0) h.now_ms = o->at_ms;
    return h;
}

static unsigned type_of(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash h;

    switch (entry_type(e)) {
    case VALUE_STRING: return RDB_STRING;
    case VALUE_LIST: return RDB_LIST;
    case VALUE_SET: return entry_enc(e) == ENC_INTSET ? RDB_SET_INTSET : RDB_SET;
    case VALUE_ZSET: return entry_enc(e) == ENC_LISTPACK ? RDB_ZSET_LISTPACK : RDB_ZSET_2;
    case VALUE_STREAM: return RDB_STREAM_2;
    case VALUE_JSON:
    case VALUE_SUGGEST:
    case VALUE_VSET: return RDB_MODULE_2;
    default: break;
    }
    ensure(entry_type(e) == VALUE_HASH);
    h = open_hash(o, s, e);
    if (!hash_has_ttls(&h)) return h.enc == ENC_LISTPACK ? RDB_HASH_LISTPACK : RDB_HASH;
    o->has_field_ttls = true;
    return RDB_HASH_FIELDS;
}

unsigned rdb_put_type(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    unsigned type = type_of(o, s, e);

    rdb_put_byte(o, type);
    return type;
}

static void put_string(struct rdb_out *o, const struct entry *e)
{
    char text[NUM_TEXT_MAX];
    const struct blob *b;

    switch (entry_enc(e)) {
    case ENC_INT:
        if (!put_int(o, entry_int(e))) put_bytes(o, str_of(text, num_i64(text, entry_int(e))));
        break;
    case ENC_RAW:
        rdb_put_str(o, entry_raw(e));
        break;
    default:
        b = entry_ptr(e);
        rdb_put_str(o, str_of(b->p, b->n));
    }
}

void rdb_put_json_head(struct rdb_out *o)
{
    rdb_put_len(o, RDB_JSON_ID);
    rdb_put_len(o, RDB_MODULE_STRING);
}

void rdb_put_module_end(struct rdb_out *o)
{
    rdb_put_len(o, RDB_MODULE_EOF);
}

static void put_json(struct rdb_out *o, const struct entry *e)
{
    rdb_put_json_head(o);
    rdb_put_str(o, json_text(e));
    rdb_put_module_end(o);
}

static void put_list(struct rdb_out *o, const struct entry *e)
{
    const struct list *l = entry_ptr(e);
    struct buf scratch = { 0 };
    struct list_iter it;

    rdb_put_len(o, list_count(l));
    list_iter_at(&it, l, 0, LIST_RIGHT);
    while (list_next(&it)) rdb_put_str(o, list_iter_get(&it, &scratch));
    buf_fini(&scratch);
}

static void put_set(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct set set = set_of((struct store *)(uintptr_t)s, e);
    struct set_iter it;
    char scratch[NUM_TEXT_MAX];

    if (entry_enc(e) == ENC_INTSET) {
        const struct intset *ints = entry_ptr(e);

        put_bytes(o, str_of(ints, intset_bytes(ints)));
        return;
    }
    rdb_put_len(o, set_count(&set));
    set_iter_start(&it, &set);
    while (set_next(&it)) rdb_put_str(o, set_text(&it.item, scratch));
}

/* The highest first: a skip list takes the lowest of all fastest, so stock servers load it soonest. */
static void put_zset(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct zset z = zset_of((struct store *)(uintptr_t)s, e);
    size_t n = zset_count(&z);
    struct zset_iter it;

    if (z.enc == ENC_LISTPACK) {
        put_bytes(o, str_of(z.ptr, listpack_bytes(z.ptr)));
        return;
    }
    rdb_put_len(o, n);
    zset_iter_at(&it, &z, n - 1, true);
    while (zset_next(&it)) {
        rdb_put_str(o, it.member);
        rdb_put_double(o, it.score);
    }
}

void rdb_put_field_ttl(struct rdb_out *o, int64_t ttl, int64_t first)
{
    rdb_put_len(o, ttl == HASH_NO_TTL ? 0 : (uint64_t)(ttl - first) + 1);
}

static void put_hash(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash h = open_hash(o, s, e);
    bool ttls = hash_has_ttls(&h);
    int64_t first = hash_due_at(&h);
    struct hash_iter it;

    if (h.enc == ENC_LISTPACK) {
        put_bytes(o, str_of(h.ptr, listpack_bytes(h.ptr)));
        return;
    }
    if (ttls) rdb_put_u64(o, (uint64_t)first);
    rdb_put_len(o, hash_size(&h));
    hash_iter_start(&it, &h);
    while (hash_next(&it)) {
        /* first may be earlier than any TTL that is left, never later */
        if (ttls) rdb_put_field_ttl(o, it.ttl, first);
        rdb_put_str(o, it.field);
        rdb_put_str(o, it.value);
    }
}

void rdb_put_value(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    switch (entry_type(e)) {
    case VALUE_STRING: put_string(o, e); break;
    case VALUE_LIST: put_list(o, e); break;
    case VALUE_SET: put_set(o, s, e); break;
    case VALUE_ZSET: put_zset(o, s, e); break;
    case VALUE_HASH: put_hash(o, s, e); break;
    case VALUE_STREAM: rdb_put_stream(o, entry_ptr(e)); break;
    case VALUE_JSON: put_json(o, e); break;
    case VALUE_SUGGEST: rdb_put_suggestions(o, entry_ptr(e)); break;
    case VALUE_VSET: rdb_put_vset(o, entry_ptr(e)); break;
    default: ensure(!"a type that cannot be saved");
    }
}

static bool is_empty(const struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash h;

    if (entry_type(e) != VALUE_HASH) return false;
    h = open_hash(o, s, e);
    return hash_due_at(&h) != HASH_NEVER && hash_size(&h) == 0;
}

/* What the policy would otherwise forget over a restart. */
static void put_clock(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    switch (s->conf.policy) {
    case EVICT_ALL_LRU:
    case EVICT_TTL_LRU:
    case EVICT_ALL_LRM:
    case EVICT_TTL_LRM:
        rdb_put_byte(o, RDB_OP_IDLE);
        rdb_put_len(o, (uint64_t)evict_idle_ms(s, e) / 1000);
        break;
    case EVICT_ALL_LFU:
    case EVICT_TTL_LFU:
        rdb_put_byte(o, RDB_OP_FREQ);
        rdb_put_byte(o, evict_freq(s, e));
        break;
    default:
        break;
    }
}

unsigned rdb_put_head(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    unsigned type;

    if (entry_expires(e)) {
        rdb_put_byte(o, RDB_OP_EXPIRE_MS);
        rdb_put_u64(o, (uint64_t)entry_expire_at(e));
    }
    put_clock(o, s, e);
    type = rdb_put_type(o, s, e);
    rdb_put_str(o, entry_key(e));
    return type;
}

bool rdb_put_entry(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    if (is_empty(o, s, e)) return false;
    rdb_put_head(o, s, e);
    rdb_put_value(o, s, e);
    return true;
}

/* --- the thread's share ---------------------------------------------------------------------------- */

/* A string of a span: compressed when that gains. False: it did not. */
static bool finish_str(struct str s, struct buf *to, struct buf *scratch, bool compress)
{
    size_t max = s.n - COMPRESS_GAIN, n = 0;

    if (compress && s.n <= UINT32_MAX) {
        buf_clear(scratch);
        n = lzf_compress(s.p, (unsigned)s.n, buf_room(scratch, max), (unsigned)max);
    }
    if (n) {
        buf_add_char(to, (char)(RDB_LEN_ENCODED << 6 | RDB_ENC_LZF));
        put_len(to, n);
        put_len(to, s.n);
        buf_add(to, scratch->p, n);
    } else {
        put_len(to, s.n);
        buf_add_str(to, s);
    }
    return n > 0;
}

/* Where one short string after another gains nothing, the next few are not even tried: it would be half of the
 * work of saving them. */
void rdb_finish(const struct rdb_out *o, struct buf *to, struct buf *scratch)
{
    enum { DOUBT = 8, TRY_EVERY = 8, SHORT = 256 };
    unsigned in_vain = 0;
    size_t at = 0;

    for (size_t i = 0; i < o->n_spans; i++) {
        const struct rdb_span *sp = &o->spans[i];
        bool try = in_vain < DOUBT || i % TRY_EVERY == 0 || sp->n > SHORT;

        buf_add(to, o->bytes.p + at, sp->at - at);
        if (finish_str(str_of(o->bytes.p + sp->at, sp->n), to, scratch, try)) in_vain = 0;
        else if (try && sp->n <= SHORT) in_vain++;
        at = sp->at + sp->n;
    }
    buf_add(to, o->bytes.p + at, o->bytes.n - at);
}
