/* rdb_legacy.c -- reading ziplists and zipmaps.
 *
 *   ziplist: bytes u32 | tail u32 | count u16 | entry ... | 0xFF     (little-endian)
 *   entry:   length of the entry before (1 byte, or 0xFE and u32) | encoding | data
 *            00nnnnnn, 01nnnnnn n, 10000000 n32(big-endian): strings
 *            C0 D0 E0: 16, 32, 64 bits; F0: 24 bits; FE: 8 bits; F1..FD: 0..12
 *
 *   zipmap:  count u8 | length | field | length | free u8 | value | (free bytes) ... | 0xFF
 *            length: one byte below 254, or 254 and u32 */
#include "persistence/rdb_legacy.h"

#include <endian.h>
#include <stdint.h>

#include "base/num.h"

enum { ZIPLIST_HEADER = 10, ZIPLIST_END = 0xFF, ZIPMAP_BIG = 254 };

struct cursor {
    const unsigned char *p, *end;
};

static bool take(struct cursor *c, uint64_t n, const unsigned char **at)
{
    if ((uint64_t)(c->end - c->p) < n) return false;
    *at = c->p;
    c->p += n;
    return true;
}

/* A little-endian signed integer of n bytes. */
static bool take_int(struct cursor *c, unsigned n, int64_t *v)
{
    const unsigned char *at;
    uint64_t u = 0;

    if (!take(c, n, &at)) return false;
    for (unsigned i = 0; i < n; i++) u |= (uint64_t)at[i] << 8 * i;
    *v = (int64_t)(u << (64 - 8 * n)) >> (64 - 8 * n);
    return true;
}

static bool take_u32(struct cursor *c, uint32_t *v)
{
    const unsigned char *at;

    if (!take(c, 4, &at)) return false;
    memcpy(v, at, 4);
    *v = le32toh(*v);
    return true;
}

static bool take_str(struct cursor *c, uint64_t n, struct str *s)
{
    const unsigned char *at;

    if (!take(c, n, &at)) return false;
    *s = str_of(at, (size_t)n);
    return true;
}

/* The length of the entry before this one, which must be `want`. */
static bool take_prev(struct cursor *c, uint64_t want)
{
    const unsigned char *at;
    uint32_t prev;

    if (!take(c, 1, &at)) return false;
    prev = *at;
    if (prev == 0xFE && !take_u32(c, &prev)) return false;
    return prev == want;
}

/* One item's encoding and data; integers go to scratch. */
static bool take_item(struct cursor *c, struct str *s, char *scratch)
{
    const unsigned char *at, *more;
    uint32_t n32;
    int64_t v;

    if (!take(c, 1, &at)) return false;
    switch (*at >> 6) {
    case 0:
        return take_str(c, *at & 63, s);
    case 1:
        return take(c, 1, &more) && take_str(c, (uint64_t)(*at & 63) << 8 | *more, s);
    case 2:
        if (*at != 0x80 || !take(c, 4, &more)) return false;
        memcpy(&n32, more, 4);
        return take_str(c, be32toh(n32), s);
    default:
        break;
    }
    switch (*at) {
    case 0xC0: if (!take_int(c, 2, &v)) return false; break;
    case 0xD0: if (!take_int(c, 4, &v)) return false; break;
    case 0xE0: if (!take_int(c, 8, &v)) return false; break;
    case 0xF0: if (!take_int(c, 3, &v)) return false; break;
    case 0xFE: if (!take_int(c, 1, &v)) return false; break;
    default:
        if (*at < 0xF1 || *at > 0xFD) return false;
        v = (*at & 15) - 1;
    }
    *s = str_of(scratch, num_i64(scratch, v));
    return true;
}

bool ziplist_each(struct str bytes, bool (*fn)(void *ctx, struct str item), void *ctx)
{
    struct cursor c = { (const unsigned char *)bytes.p, (const unsigned char *)bytes.p + bytes.n };
    const unsigned char *start = c.p, *last = NULL, *at;
    char scratch[2][NUM_TEXT_MAX];
    uint32_t total, tail;
    uint64_t prev = 0, n = 0;
    uint16_t count;

    if (!take_u32(&c, &total) || !take_u32(&c, &tail) || !take(&c, 2, &at)) return false;
    memcpy(&count, at, 2);
    count = le16toh(count);
    if (total != bytes.n) return false;
    while (c.p < c.end && *c.p != ZIPLIST_END) {
        struct str s;

        last = c.p;
        if (!take_prev(&c, prev) || !take_item(&c, &s, scratch[n & 1])) return false;
        prev = (uint64_t)(c.p - last);
        n++;
        if (!fn(ctx, s)) return false;
    }
    if (c.end - c.p != 1) return false; /* exactly the end byte is left */
    if (last && tail != (uint64_t)(last - start)) return false;
    return count == UINT16_MAX || count == n;
}

static bool take_zipmap_len(struct cursor *c, uint32_t *n)
{
    const unsigned char *at;

    if (!take(c, 1, &at)) return false;
    *n = *at;
    return *at < ZIPMAP_BIG || (*at == ZIPMAP_BIG && take_u32(c, n));
}

bool zipmap_each(struct str bytes, bool (*fn)(void *ctx, struct str item), void *ctx)
{
    struct cursor c = { (const unsigned char *)bytes.p, (const unsigned char *)bytes.p + bytes.n };
    const unsigned char *at, *spare;
    uint64_t n = 0;
    unsigned count;

    if (!take(&c, 1, &at)) return false;
    count = *at;
    while (c.p < c.end && *c.p != ZIPLIST_END) {
        struct str field, value;
        uint32_t len;

        if (!take_zipmap_len(&c, &len) || !take_str(&c, len, &field)) return false;
        if (!take_zipmap_len(&c, &len) || !take(&c, 1, &spare)) return false;
        if (!take_str(&c, len, &value) || !take(&c, *spare, &at)) return false;
        n++;
        if (!fn(ctx, field) || !fn(ctx, value)) return false;
    }
    if (c.end - c.p != 1) return false;
    return count >= ZIPMAP_BIG || count == n;
}
