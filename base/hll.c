/* hll.c -- HyperLogLogs: the hash, the dense form, the estimate. */
#include "base/hll.h"

#include <endian.h>
#include <math.h>

#include "base/mem.h"
#include "base/hll_impl.h"

enum {
    INDEX_BITS = 14,
    COUNT_BITS = 64 - INDEX_BITS, /* of the hash, beside the index */
    FORM_AT = 4,
    CARD_AT = 8,
    REGISTER_BITS = 6,
    VALUES = HLL_REGISTER_MAX + 1
};

static const char magic[4] = { 'H', 'Y', 'L', 'L' };

/* Longer than this no sparse one can be: each run has at most two bytes and at least one register. */
enum { SPARSE_MOST = HLL_HEADER + 2 * HLL_REGISTERS };

bool hll_is(struct str s)
{
    if (s.n < HLL_HEADER || memcmp(s.p, magic, sizeof magic) != 0) return false;
    if (s.p[FORM_AT] == HLL_DENSE) return s.n == HLL_DENSE_BYTES;
    return s.p[FORM_AT] == HLL_SPARSE;
}

bool hll_is_dense(struct str s)
{
    return hll_form(s) == HLL_DENSE;
}

/* --- the hash --------------------------------------------------------------------------------- */

/* MurmurHash64A by Austin Appleby, who placed it in the public domain. */
static uint64_t murmur(struct str s, uint64_t seed)
{
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    const int r = 47;
    uint64_t h = seed ^ s.n * m, k = 0;
    size_t i = 0;

    for (; i + sizeof k <= s.n; i += sizeof k) {
        memcpy(&k, s.p + i, sizeof k);
        k = le64toh(k) * m;
        k ^= k >> r;
        h = (h ^ k * m) * m;
    }
    if (i < s.n) {
        k = 0;
        memcpy(&k, s.p + i, s.n - i);
        h = (h ^ le64toh(k)) * m;
    }
    h ^= h >> r;
    h *= m;
    return h ^ h >> r;
}

unsigned hll_hash(struct str element, unsigned *count)
{
    uint64_t h = murmur(element, 0xadc83b19);

    /* A bit above all others ends the run of zeros. */
    *count = (unsigned)__builtin_ctzll(h >> INDEX_BITS | UINT64_C(1) << COUNT_BITS) + 1;
    return (unsigned)(h & (HLL_REGISTERS - 1));
}

/* --- the dense form --------------------------------------------------------------------------- */

/* The two bytes in which a register lies. The last one's end with the string: its second byte is not
 * there, and none of its bits are in it. */
static unsigned two_bytes(const unsigned char *p, size_t at)
{
    return at + 1 < HLL_DENSE_BYTES ? p[at] | (unsigned)p[at + 1] << 8 : p[at];
}

unsigned hll_dense_get(const char *p, unsigned index)
{
    size_t at = HLL_HEADER + index * REGISTER_BITS / 8;

    return two_bytes((const unsigned char *)p, at) >> (index * REGISTER_BITS % 8) & HLL_REGISTER_MAX;
}

static void dense_put(char *bytes, unsigned index, unsigned count)
{
    size_t at = HLL_HEADER + index * REGISTER_BITS / 8;
    unsigned shift = index * REGISTER_BITS % 8;
    unsigned char *p = (unsigned char *)bytes;
    unsigned both = (two_bytes(p, at) & ~((unsigned)HLL_REGISTER_MAX << shift)) | count << shift;

    p[at] = (unsigned char)both;
    if (shift > 8 - REGISTER_BITS) p[at + 1] = (unsigned char)(both >> 8);
}

bool hll_dense_raise(char *p, unsigned index, unsigned count)
{
    if (hll_dense_get(p, index) >= count) return false;
    dense_put(p, index, count);
    return true;
}

/* All registers of a dense one as bytes: four of them lie in three. */
static void unpack(const char *bytes, uint8_t *out)
{
    const unsigned char *p = (const unsigned char *)bytes + HLL_HEADER;

    for (unsigned i = 0; i < HLL_REGISTERS; i += 4, p += 3, out += 4) {
        unsigned w = p[0] | (unsigned)p[1] << 8 | (unsigned)p[2] << 16;

        out[0] = w & HLL_REGISTER_MAX;
        out[1] = w >> 6 & HLL_REGISTER_MAX;
        out[2] = w >> 12 & HLL_REGISTER_MAX;
        out[3] = (uint8_t)(w >> 18);
    }
}

/* --- the cached count ------------------------------------------------------------------------- */

bool hll_cached(struct str s, uint64_t *count)
{
    uint64_t v;

    memcpy(&v, s.p + CARD_AT, sizeof v);
    v = le64toh(v);
    if (v >> 63) return false;
    *count = v;
    return true;
}

void hll_put_cached(char *p, uint64_t count)
{
    count = htole64(count);
    memcpy(p + CARD_AT, &count, sizeof count);
}

void hll_forget_cached(char *p)
{
    p[CARD_AT + 7] |= (char)0x80;
}

/* --- the estimate ----------------------------------------------------------------------------- */

/* Ertl's sigma and tau, summed until the sum stands still. */
static double sigma(double x)
{
    double y = 1, z = x, before;

    if (x == 1) return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;

    if (x == 0 || x == 1) return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

/* The count, from how many registers hold each value. */
static uint64_t estimate(const unsigned *n_of)
{
    const double m = HLL_REGISTERS, alpha = 0.721347520444481703680; /* 1 / (2 ln 2) */
    double z = m * tau((m - n_of[COUNT_BITS + 1]) / m), count;

    for (int i = COUNT_BITS; i >= 1; i--) z = (z + n_of[i]) * 0.5;
    z += m * sigma(n_of[0] / m);
    count = roundl(alpha * m * m / z);
    /* Registers that no hash can give make it infinite. Redis's number for that is kept: it reads as
     * invalid when it is cached. */
    return count < 0x1p63 ? (uint64_t)count : UINT64_C(1) << 63;
}

uint64_t hll_estimate(const uint8_t *registers)
{
    unsigned n_of[VALUES] = { 0 }, more[VALUES] = { 0 };

    /* Neighbours often hold the same, and one counter cannot be counted up twice at once. */
    for (unsigned i = 0; i < HLL_REGISTERS; i += 2) {
        n_of[registers[i]]++;
        more[registers[i + 1]]++;
    }
    for (int v = 0; v < VALUES; v++) n_of[v] += more[v];
    return estimate(n_of);
}

/* --- both forms ------------------------------------------------------------------------------- */

static void merge_max(uint8_t *restrict into, const uint8_t *restrict from)
{
    for (unsigned i = 0; i < HLL_REGISTERS; i++) into[i] = into[i] > from[i] ? into[i] : from[i];
}

static enum err merge_sparse(uint8_t *registers, struct str s)
{
    struct hll_run r;
    unsigned index = 0;

    if (s.n > SPARSE_MOST) return ERR_HLL_CORRUPT;
    for (size_t at = HLL_HEADER; at < s.n; at += r.bytes, index += r.n) {
        if (!hll_run_at(s, at, &r) || index + r.n > HLL_REGISTERS) return ERR_HLL_CORRUPT;
        for (unsigned i = index; r.value > 0 && i < index + r.n; i++) {
            if (registers[i] < r.value) registers[i] = (uint8_t)r.value;
        }
    }
    return index == HLL_REGISTERS ? OK : ERR_HLL_CORRUPT;
}

enum err hll_merge(uint8_t *registers, struct str s)
{
    uint8_t own[HLL_REGISTERS];

    if (!hll_is_dense(s)) return merge_sparse(registers, s);
    unpack(s.p, own);
    merge_max(registers, own);
    return OK;
}

static enum err count_sparse(struct str s, uint64_t *count)
{
    unsigned n_of[VALUES] = { 0 }, n = 0;
    struct hll_run r;

    if (s.n > SPARSE_MOST) return ERR_HLL_CORRUPT;
    for (size_t at = HLL_HEADER; at < s.n; at += r.bytes) {
        if (!hll_run_at(s, at, &r)) return ERR_HLL_CORRUPT;
        n_of[r.value] += r.n;
        n += r.n;
    }
    if (n != HLL_REGISTERS) return ERR_HLL_CORRUPT;
    *count = estimate(n_of);
    return OK;
}

enum err hll_count(struct str s, uint64_t *count)
{
    uint8_t registers[HLL_REGISTERS];

    if (!hll_is_dense(s)) return count_sparse(s, count);
    unpack(s.p, registers);
    *count = hll_estimate(registers);
    return OK;
}

void hll_init(struct hll *h, size_t sparse_max)
{
    static const char empty[] = "HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"; /* one run of all registers */

    *h = (struct hll){ .sparse_max = sparse_max };
    buf_add(&h->bytes, empty, sizeof empty - 1);
}

void hll_init_copy(struct hll *h, struct str s, size_t sparse_max)
{
    *h = (struct hll){ .sparse_max = sparse_max };
    buf_add_str(&h->bytes, s);
}

void hll_fini(struct hll *h)
{
    buf_fini(&h->bytes);
}

enum err hll_to_dense(struct hll *h)
{
    uint8_t registers[HLL_REGISTERS] = { 0 };
    struct str s = buf_str(&h->bytes);
    enum err e;

    if (hll_is_dense(s)) return OK;
    e = merge_sparse(registers, s);
    if (e != OK) return e;
    h->bytes.n = HLL_HEADER;
    memset(buf_room(&h->bytes, HLL_DENSE_BYTES - HLL_HEADER), 0, HLL_DENSE_BYTES - HLL_HEADER);
    h->bytes.n = HLL_DENSE_BYTES;
    h->bytes.p[FORM_AT] = HLL_DENSE;
    for (unsigned i = 0; i < HLL_REGISTERS; i++) {
        if (registers[i] > 0) dense_put(h->bytes.p, i, registers[i]);
    }
    return OK;
}

enum err hll_raise(struct hll *h, unsigned index, unsigned count, bool *changed)
{
    bool raised = false;
    enum err e = OK;

    if (hll_is_dense(buf_str(&h->bytes)))
        raised = hll_dense_raise(h->bytes.p, index, count);
    else if (h->bytes.n > SPARSE_MOST)
        e = ERR_HLL_CORRUPT;
    else
        e = hll_sparse_raise(h, index, count, &raised);
    if (e != OK || !raised) return e;
    hll_forget_cached(h->bytes.p);
    *changed = true;
    return OK;
}
