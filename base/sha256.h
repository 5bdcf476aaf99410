/* sha256.h -- SHA-256 (FIPS 180-4), for passwords that are kept as hashes. */
#ifndef MEMD_BASE_SHA256_H
#define MEMD_BASE_SHA256_H

#include "base/str.h"

enum { SHA256_BYTES = 32, SHA256_TEXT = 2 * SHA256_BYTES };

/* The digest of s as lower case hex digits, without a NUL. */
void sha256_hex(struct str s, char out[SHA256_TEXT]);

#endif
