/* sha1.h -- SHA-1 (FIPS 180-4), by which scripts are named. Not for secrets. */
#ifndef MEMD_BASE_SHA1_H
#define MEMD_BASE_SHA1_H

#include "base/str.h"

enum { SHA1_HEX = 40 };

/* The digest of s as hex digits, lower case, without an end. */
void sha1_hex(struct str s, char out[SHA1_HEX]);

#endif
