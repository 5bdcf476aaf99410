/* hash.h -- SipHash-1-3 (Aumasson and Bernstein 2012) under a 128-bit key.
 *
 * Clients choose the keys that are hashed, so the hash is keyed by a secret drawn at start: nobody
 * can prepare keys that fall into one bucket. */
#ifndef MEMD_BASE_HASH_H
#define MEMD_BASE_HASH_H

#include <stdint.h>

#include "base/load.h"
#include "base/str.h"

struct hash_key {
    uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *k, struct str s);

/* --- a quick one ------------------------------------------------------------------------------------------------ */

/* For words and other short strings of which a request has many: a fifth of the instructions. Products of 64 by 64 bits, folded
 * (as in wyhash), under the same kind of key: nobody can prepare strings that fall together without knowing it, but whoever saw
 * hashes could find it out. So it is for tables whose hashes stay within the process, which all are. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t hash_pair(const struct hash_key *k, uint64_t a, uint64_t b, size_t n)
{
    return hash_fold(hash_fold(a ^ k->k0, b ^ k->k1) ^ k->k1, n ^ 0x9e3779b97f4a7c15);
}

/* More than 16 bytes. */
uint64_t hash_quick_long(const struct hash_key *k, struct str s);

static inline uint64_t hash_quick(const struct hash_key *k, struct str s)
{
    if (s.n > 16) return hash_quick_long(k, s);
    if (s.n > 8) return hash_pair(k, load_64(s.p), load_some(s.p + 8, s.n - 8), s.n);
    return hash_pair(k, load_some(s.p, s.n), 0, s.n);
}

/* The same of bytes behind which there are zeros up to a multiple of 8: lengths by chance cost no branches that nobody foresees. */
static inline uint64_t hash_quick_padded(const struct hash_key *k, struct str s)
{
    if (s.n > 16 || s.n == 0) return hash_quick(k, s);
    return hash_pair(k, load_64(s.p), s.n > 8 ? load_64(s.p + 8) : 0, s.n);
}

#endif
