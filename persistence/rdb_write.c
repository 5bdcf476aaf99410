/* rdb_write.c -- numbers, strings and heads of entries to RDB bytes, and their last form. Values are in rdb_walk.c. */
#include "persistence/rdb_write.h"

#include <endian.h>
#include <liblzf/lzf.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"
#include "persistence/rdb_format.h"
#include "storage/evict.h"
#include "storage/store.h"

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

void rdb_put_bytes(struct rdb_out *o, struct str s)
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
    rdb_put_bytes(o, s);
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

/* --- heads ------------------------------------------------------------------------------------------ */

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
