/* bits.c -- bits of a string, a word at a time. */
#include "storage/bits.h"

#include <endian.h>

#include "base/ensure.h"

enum { WORD = sizeof(uint64_t) };

static inline uint64_t load(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

static inline void store(void *p, uint64_t w)
{
    memcpy(p, &w, sizeof w);
}

static inline unsigned char byte_at(struct str s, size_t i)
{
    return (unsigned char)s.p[i];
}

/* The bits of a byte from its bit `first` (0 the highest) to bit `last`. */
static inline unsigned char mask(unsigned first, unsigned last)
{
    return (unsigned char)(0xff >> first & 0xff << (7 - last));
}

/* --- counting --------------------------------------------------------------------------------- */

/* Four words in flight: the instruction takes three cycles, and a processor starts one each cycle. */
static inline __attribute__((always_inline)) uint64_t count_words(const char *p, size_t n)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;

    for (; n >= 4 * WORD; p += 4 * WORD, n -= 4 * WORD) {
        a += (uint64_t)__builtin_popcountll(load(p));
        b += (uint64_t)__builtin_popcountll(load(p + WORD));
        c += (uint64_t)__builtin_popcountll(load(p + 2 * WORD));
        d += (uint64_t)__builtin_popcountll(load(p + 3 * WORD));
    }
    for (; n > 0; p++, n--) a += (uint64_t)__builtin_popcountll((unsigned char)*p);
    return a + b + c + d;
}

#ifdef __x86_64__
/* The instruction is not in the oldest machines' set, for which the program is compiled. */
__attribute__((target("popcnt"))) static uint64_t count_fast(const char *p, size_t n)
{
    return count_words(p, n);
}
#endif

static uint64_t count_bytes(const char *p, size_t n)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("popcnt")) return count_fast(p, n);
#endif
    return count_words(p, n);
}

uint64_t bits_count(struct str s, uint64_t first, uint64_t last)
{
    size_t from = first >> 3, to = last >> 3;
    unsigned char outside_first = (unsigned char)~mask(first & 7, 7);
    unsigned char outside_last = (unsigned char)~mask(0, last & 7);

    ensure(first <= last && to < s.n);
    return count_bytes(s.p + from, to - from + 1) -
           (uint64_t)__builtin_popcount(byte_at(s, from) & outside_first) -
           (uint64_t)__builtin_popcount(byte_at(s, to) & outside_last);
}

/* --- finding ---------------------------------------------------------------------------------- */

/* The first set bit of a byte that is not 0. */
static inline uint64_t first_bit(unsigned char b)
{
    return (uint64_t)__builtin_clz(b) - 24;
}

/* The first byte of from..to that is not `skip`, or to + 1. */
static size_t skip_bytes(struct str s, size_t from, size_t to, unsigned char skip)
{
    uint64_t word = skip ? UINT64_MAX : 0;

    while (from + WORD <= to + 1 && load(s.p + from) == word) from += WORD;
    while (from <= to && byte_at(s, from) == skip) from++;
    return from;
}

int64_t bits_find(struct str s, uint64_t first, uint64_t last, bool bit)
{
    size_t from = first >> 3, to = last >> 3, at;
    unsigned char skip = bit ? 0 : 0xff, b;

    ensure(first <= last && to < s.n);
    b = (byte_at(s, from) ^ skip) & mask(first & 7, from == to ? last & 7 : 7);
    if (b) return (int64_t)(from * 8 + first_bit(b));
    if (from == to) return -1;
    at = skip_bytes(s, from + 1, to, skip);
    if (at > to) return -1;
    b = (byte_at(s, at) ^ skip) & mask(0, at == to ? last & 7 : 7);
    return b ? (int64_t)(at * 8 + first_bit(b)) : -1;
}

bool bits_test(struct str s, uint64_t at)
{
    return at >> 3 < s.n && (byte_at(s, at >> 3) >> (7 - (at & 7)) & 1);
}

/* --- combining -------------------------------------------------------------------------------- */

/* out[i] = expression of out's word a and the source's word b. */
#define EACH_WORD(expression) \
    for (; i + WORD <= n; i += WORD) { \
        uint64_t a = load(out + i), b = load(p + i); \
        store(out + i, (expression)); \
    } \
    for (; i < n; i++) { \
        unsigned char a = out[i], b = p[i]; \
        out[i] = (unsigned char)(expression); \
    }

static void and_with(unsigned char *out, const unsigned char *p, size_t n)
{
    size_t i = 0;
    EACH_WORD(a & b)
}

static void or_with(unsigned char *out, const unsigned char *p, size_t n)
{
    size_t i = 0;
    EACH_WORD(a | b)
}

static void xor_with(unsigned char *out, const unsigned char *p, size_t n)
{
    size_t i = 0;
    EACH_WORD(a ^ b)
}

static void and_not_with(unsigned char *out, const unsigned char *p, size_t n)
{
    size_t i = 0;
    EACH_WORD(a & ~b)
}

/* Invert out; p is out itself. */
static void not_with(unsigned char *out, const unsigned char *p, size_t n)
{
    size_t i = 0;
    EACH_WORD(~(a & b))
}

/* What of s lies in the n bytes from `at` on. */
static struct str part(struct str s, size_t at, size_t n)
{
    if (at >= s.n) return str_of("", 0);
    return str_of(s.p + at, s.n - at < n ? s.n - at : n);
}

/* out = s, with zeros after its end. */
static void copy(unsigned char *out, size_t n, struct str s)
{
    memcpy(out, s.p, s.n);
    memset(out + s.n, 0, n - s.n);
}

static inline const unsigned char *bytes(struct str s)
{
    return (const unsigned char *)s.p;
}

/* Sources are a block each: at..at+n of what the caller gave. */
struct blocks {
    const struct str *src;
    size_t n_src, at, n;
};

static struct str block(const struct blocks *b, size_t i)
{
    return part(b->src[i], b->at, b->n);
}

/* out = the union of sources `from` on. */
static void unite(unsigned char *out, const struct blocks *b, size_t from)
{
    memset(out, 0, b->n);
    for (size_t i = from; i < b->n_src; i++) or_with(out, bytes(block(b, i)), block(b, i).n);
}

static void intersect(unsigned char *out, const struct blocks *b)
{
    copy(out, b->n, block(b, 0));
    for (size_t i = 1; i < b->n_src; i++) {
        struct str s = block(b, i);

        and_with(out, bytes(s), s.n);
        memset(out + s.n, 0, b->n - s.n);
    }
}

enum { BLOCK = 4096 };

/* In exactly one source: `seen` are those met, `twice` those met again. */
static void in_one(unsigned char *seen, const struct blocks *b)
{
    unsigned char twice[BLOCK] = { 0 }, both[BLOCK];

    copy(seen, b->n, block(b, 0));
    for (size_t i = 1; i < b->n_src; i++) {
        struct str s = block(b, i);

        memcpy(both, seen, s.n);
        and_with(both, bytes(s), s.n);
        or_with(twice, both, s.n);
        or_with(seen, bytes(s), s.n);
    }
    and_not_with(seen, twice, b->n);
}

static void combine(enum bits_op op, unsigned char *out, const struct blocks *b)
{
    struct str first = block(b, 0);

    switch (op) {
    case BITS_AND: intersect(out, b); break;
    case BITS_OR: unite(out, b, 0); break;
    case BITS_XOR:
        copy(out, b->n, first);
        for (size_t i = 1; i < b->n_src; i++) xor_with(out, bytes(block(b, i)), block(b, i).n);
        break;
    case BITS_NOT:
        copy(out, b->n, first);
        not_with(out, out, b->n);
        break;
    case BITS_DIFF:
        copy(out, b->n, first);
        for (size_t i = 1; i < b->n_src; i++) and_not_with(out, bytes(block(b, i)), block(b, i).n);
        break;
    case BITS_DIFF1:
        unite(out, b, 1);
        and_not_with(out, bytes(first), first.n);
        break;
    case BITS_ANDOR:
        unite(out, b, 1);
        and_with(out, bytes(first), first.n);
        memset(out + first.n, 0, b->n - first.n);
        break;
    case BITS_ONE: in_one(out, b); break;
    }
}

/* Block by block, so that the result stays in the nearest cache however many sources there are. */
void bits_combine(enum bits_op op, unsigned char *out, size_t len, const struct str *src, size_t n)
{
    for (size_t at = 0; at < len; at += BLOCK) {
        struct blocks b = { src, n, at, len - at < BLOCK ? len - at : BLOCK };

        combine(op, out + at, &b);
    }
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* A field touches at most 9 bytes: 64 bits that begin within a byte. */
enum { FIELD_BYTES = 9 };

static inline uint64_t low_bits(unsigned width)
{
    return width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

static inline int64_t extend_sign(uint64_t v, unsigned width)
{
    return (int64_t)(v << (64 - width)) >> (64 - width);
}

int64_t bits_get(struct str s, const struct bits_field *f)
{
    unsigned char b[FIELD_BYTES] = { 0 };
    struct str there = part(s, f->at >> 3, FIELD_BYTES);
    unsigned skip = f->at & 7;
    uint64_t v;

    memcpy(b, there.p, there.n);
    v = be64toh(load(b)) << skip | b[8] >> (8 - skip);
    v >>= 64 - f->width;
    return f->is_signed ? extend_sign(v, f->width) : (int64_t)v;
}

void bits_put(unsigned char *p, const struct bits_field *f, int64_t v)
{
    unsigned char b[FIELD_BYTES] = { 0 };
    unsigned skip = f->at & 7, end = skip + f->width;
    size_t n = (end + 7) / 8;
    unsigned __int128 x, field = (unsigned __int128)low_bits(f->width) << (72 - end);

    p += f->at >> 3;
    memcpy(b, p, n);
    x = (unsigned __int128)be64toh(load(b)) << 8 | b[8];
    x = (x & ~field) | ((unsigned __int128)(uint64_t)v << (72 - end) & field);
    store(b, htobe64((uint64_t)(x >> 8)));
    b[8] = (unsigned char)x;
    memcpy(p, b, n);
}

/* v, which may be out of range on either side, as the field can hold it. */
static bool fit(const struct bits_field *f, enum bits_overflow how, __int128 v, int64_t *out)
{
    __int128 max = low_bits(f->is_signed ? f->width - 1 : f->width);
    __int128 min = f->is_signed ? -max - 1 : 0;
    uint64_t low = (uint64_t)v & low_bits(f->width);

    if (v >= min && v <= max) {
        *out = (int64_t)v;
    } else if (how == BITS_WRAP) {
        *out = f->is_signed ? extend_sign(low, f->width) : (int64_t)low;
    } else if (how == BITS_SATURATE) {
        *out = (int64_t)(v > max ? max : min);
    } else {
        return false;
    }
    return true;
}

bool bits_add(const struct bits_field *f, enum bits_overflow how, int64_t old, int64_t by, int64_t *sum)
{
    return fit(f, how, (__int128)old + by, sum);
}

bool bits_fit(const struct bits_field *f, enum bits_overflow how, int64_t v, int64_t *out)
{
    return fit(f, how, f->is_signed ? (__int128)v : (__int128)(uint64_t)v, out);
}
