#include "base/hash.h"

#include <endian.h>

#define ROTL(x, bits) (((x) << (bits)) | ((x) >> (64 - (bits))))

/* One SipRound. A macro over four locals: they stay in registers. */
#define ROUND \
    do { \
        v0 += v1, v2 += v3; \
        v1 = ROTL(v1, 13) ^ v0, v3 = ROTL(v3, 16) ^ v2; \
        v0 = ROTL(v0, 32); \
        v2 += v1, v0 += v3; \
        v1 = ROTL(v1, 17) ^ v2, v3 = ROTL(v3, 21) ^ v0; \
        v2 = ROTL(v2, 32); \
    } while (0)

static inline uint64_t load64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static inline uint64_t load32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

/* The n < 8 bytes at p as a little-endian number, without a loop: the loads may overlap. */
static inline uint64_t load_tail(const char *p, size_t n)
{
    if (n >= 4) return load32(p) | load32(p + n - 4) << (8 * (n - 4));
    if (n == 0) return 0;
    uint64_t first = (unsigned char)p[0];
    uint64_t middle = (unsigned char)p[n / 2];
    uint64_t last = (unsigned char)p[n - 1];

    return first | middle << (8 * (n / 2)) | last << (8 * (n - 1));
}

uint64_t hash_bytes(const struct hash_key *k, struct str s)
{
    uint64_t v0 = k->k0 ^ 0x736f6d6570736575;
    uint64_t v1 = k->k1 ^ 0x646f72616e646f6d;
    uint64_t v2 = k->k0 ^ 0x6c7967656e657261;
    uint64_t v3 = k->k1 ^ 0x7465646279746573;
    const char *p = s.p;
    size_t left = s.n;

    for (; left >= 8; p += 8, left -= 8) {
        uint64_t m = load64(p);

        v3 ^= m;
        ROUND;
        v0 ^= m;
    }
    uint64_t last = (uint64_t)s.n << 56 | load_tail(p, left);

    v3 ^= last;
    ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    ROUND;
    ROUND;
    ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}
