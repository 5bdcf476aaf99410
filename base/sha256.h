/* sha256.h -- SHA-256 as FIPS 180-4 defines it (sections 4.1.2, 4.2.2, 5 and 6.2): what passwords of users
 * are kept as. Plain C, all of the input at once; not fast, and it need not be. */
#ifndef MEMD_BASE_SHA256_H
#define MEMD_BASE_SHA256_H

#include "base/str.h"

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

/* The digest of s. */
void sha256(struct str s, unsigned char out[SHA256_BYTES]);

/* The digest in lower-case hexadecimal, without a NUL. */
void sha256_hex(struct str s, char out[SHA256_HEX]);

/* Are n bytes equal? Takes as long when they are as when the first one differs. */
bool sha256_same(const char *a, const char *b, size_t n);

#endif
