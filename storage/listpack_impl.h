/* listpack_impl.h -- elements as they lie; for listpack*.c alone. */
#ifndef MEMD_STORAGE_LISTPACK_IMPL_H
#define MEMD_STORAGE_LISTPACK_IMPL_H

#include "storage/listpack.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "listpacks are read in place");

enum { STR12 = 0xE0, STR32 = 0xF0, INT16 = 0xF1, INT24 = 0xF2, INT32 = 0xF3, INT64 = 0xF4 };
enum { BACK_MAX = 5, HEAD_MAX = 9 };

/* Bytes of the back length of an element of n bytes. That 16383 takes three is how the format is. */
static inline unsigned back_bytes(size_t n)
{
    return n <= 127 ? 1 : n < 16383 ? 2 : n < 2097151 ? 3 : n < 268435455 ? 4 : 5;
}

/* Written so that it can be read backwards: groups of 7 bits, most significant first, all but the
 * first marked. */
static inline void put_back(unsigned char *p, unsigned n_bytes, size_t n)
{
    for (unsigned i = n_bytes; i-- > 0; n >>= 7)
        p[i] = (unsigned char)((n & 127) | (i > 0 ? 128 : 0));
}

/* Bytes of encoding and data of the element at p, which is no end mark. */
static inline size_t data_bytes(const unsigned char *p)
{
    unsigned char b = *p;
    uint32_t n;

    if (b < 0x80) return 1;
    if (b < 0xC0) return 1 + (b & 63);
    if (b < 0xE0) return 2;
    if (b < 0xF0) return 2 + ((size_t)(b & 15) << 8 | p[1]);
    switch (b) {
    case INT16: return 3;
    case INT24: return 4;
    case INT32: return 5;
    case INT64: return 9;
    default: memcpy(&n, p + 1, sizeof n); return 5 + (size_t)n;
    }
}

static inline const unsigned char *skip(const unsigned char *p)
{
    size_t n;

    if (*p < 0x80) return p + 2;
    if (*p < 0xC0) return p + (*p & 63) + 2;
    n = data_bytes(p);
    return p + n + back_bytes(n);
}

static inline const unsigned char *end_of(const unsigned char *lp)
{
    return lp + listpack_bytes(lp) - 1;
}

#endif
