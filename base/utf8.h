/* utf8.h -- are bytes text? And characters to bytes.
 *
 * UTF-8 by the letter (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MEMD_BASE_UTF8_H
#define MEMD_BASE_UTF8_H

#include <stdint.h>

#include "base/str.h"

/* The bytes that c takes. */
static inline size_t utf8_bytes(uint32_t c)
{
    return (size_t)1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
}

/* Write the character c to out[0..4); how many bytes it has. Of what is no character (above 0x1fffff) the upper bits are lost. */
static inline size_t utf8_put(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18 & 7));
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* The character that s begins with, and how many bytes it has; 0: what is there is none. */
size_t utf8_take(struct str s, uint32_t *c);

bool utf8_valid(struct str s);

/* Valid, and without NUL: what may go where texts end in one. */
bool utf8_is_text(struct str s);

#endif
