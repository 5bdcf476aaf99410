#include "base/hash.h"

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

uint64_t hash_bytes(const struct hash_key *k, struct str s)
{
    uint64_t v0 = k->k0 ^ 0x736f6d6570736575;
    uint64_t v1 = k->k1 ^ 0x646f72616e646f6d;
    uint64_t v2 = k->k0 ^ 0x6c7967656e657261;
    uint64_t v3 = k->k1 ^ 0x7465646279746573;
    const char *p = s.p;
    size_t left = s.n;

    for (; left >= 8; p += 8, left -= 8) {
        uint64_t m = load_64(p);

        v3 ^= m;
        ROUND;
        v0 ^= m;
    }
    uint64_t last = (uint64_t)s.n << 56 | load_some(p, left);

    v3 ^= last;
    ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    ROUND;
    ROUND;
    ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t hash_quick_long(const struct hash_key *k, struct str s)
{
    const char *p = s.p;
    uint64_t h = k->k0;
    size_t left = s.n;

    for (; left > 16; p += 16, left -= 16) h = hash_fold(load_64(p) ^ h, load_64(p + 8) ^ k->k1);
    /* The last bytes, some of which have been read before. */
    h = hash_fold(load_64(s.p + s.n - 16) ^ h, load_64(s.p + s.n - 8) ^ k->k1);
    return hash_fold(h ^ k->k1, s.n ^ 0x9e3779b97f4a7c15);
}
