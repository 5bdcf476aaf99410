/* bits.h -- strings of bytes as strings of bits: counting, finding, combining, numbers of any width.
 *
 * Bit 0 is the highest of byte 0, bit 8 the highest of byte 1, and so on: a number that begins at a
 * byte lies there in big-endian order. Nothing here knows of keys. Positions are in bits, sizes in
 * bytes unless their name says otherwise. All work goes a word of 8 bytes at a time. */
#ifndef MEMD_STORAGE_BITS_H
#define MEMD_STORAGE_BITS_H

#include <stdint.h>

#include "base/str.h"

/* Set bits among bits first..last of s. first <= last < 8 * s.n. */
uint64_t bits_count(struct str s, uint64_t first, uint64_t last);

/* Position of the first bit of value `bit` among bits first..last of s, -1 when there is none.
 * first <= last < 8 * s.n. */
int64_t bits_find(struct str s, uint64_t first, uint64_t last, bool bit);

/* One bit; what lies beyond the end is 0. */
bool bits_test(struct str s, uint64_t at);

enum bits_op {
    BITS_AND,
    BITS_OR,
    BITS_XOR,
    BITS_NOT,   /* of the first source, the only one */
    BITS_DIFF,  /* in the first source and in no other */
    BITS_DIFF1, /* in some other and not in the first */
    BITS_ANDOR, /* in the first and in some other */
    BITS_ONE    /* in exactly one source */
};

/* Combine n >= 1 sources into out, which has len bytes, the length of the longest source; shorter ones
 * go on as zeros. out lies in none of them. */
void bits_combine(enum bits_op op, unsigned char *out, size_t len, const struct str *src, size_t n);

/* --- numbers ---------------------------------------------------------------------------------- */

/* A number within a string: `width` bits from bit `at` on; two's complement when is_signed. Width is
 * 1 to 64, for unsigned ones 1 to 63. */
struct bits_field {
    uint64_t at;
    uint8_t width;
    bool is_signed;
};

enum bits_overflow { BITS_WRAP, BITS_SATURATE, BITS_FAIL };

/* The number; bits beyond the end of s are 0. */
int64_t bits_get(struct str s, const struct bits_field *f);

/* Write the low bits of v. All of the field lies within p. */
void bits_put(unsigned char *p, const struct bits_field *f, int64_t v);

/* old + by as the field can hold it: a sum out of its range wraps, is cut to the nearest number it can
 * hold, or (false) fails. */
bool bits_add(const struct bits_field *f, enum bits_overflow how, int64_t old, int64_t by, int64_t *sum);

/* v as the field can hold it, by the same rules. For an unsigned field v is taken as a uint64. */
bool bits_fit(const struct bits_field *f, enum bits_overflow how, int64_t v, int64_t *out);

#endif
