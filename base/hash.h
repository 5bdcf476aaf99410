/* hash.h -- SipHash-1-3 (Aumasson and Bernstein 2012) under a 128-bit key.
 *
 * Clients choose the keys that are hashed, so the hash is keyed by a secret drawn at start: nobody
 * can prepare keys that fall into one bucket. */
#ifndef MEMD_BASE_HASH_H
#define MEMD_BASE_HASH_H

#include <stdint.h>

#include "base/str.h"

struct hash_key {
    uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *k, struct str s);

#endif
