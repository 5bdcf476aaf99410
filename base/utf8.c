/* utf8.c -- well-formed byte sequences, after table 3-7 of the Unicode standard. */
#include "base/utf8.h"

#include <stdint.h>

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the character of more than one byte at p, 0 when it is none. */
static size_t many(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t n;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) n = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef) n = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4) n = 4;
    else return 0;
    if (p[0] == 0xe0) low = 0xa0;  /* shorter forms exist */
    if (p[0] == 0xed) high = 0x9f; /* surrogates */
    if (p[0] == 0xf0) low = 0x90;
    if (p[0] == 0xf4) high = 0x8f; /* beyond U+10FFFF */
    if (left < n || p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if (!is_tail(p[i])) return 0;
    return n;
}

size_t utf8_take(struct str s, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n;

    if (s.n == 0) return 0;
    *c = p[0];
    if (p[0] < 0x80) return 1;
    n = many(p, s.n);
    *c &= 0x7fU >> n;
    for (size_t i = 1; i < n; i++) *c = *c << 6 | (p[i] & 0x3fU);
    return n;
}

/* The length of the run of ASCII at p, about: bytes behind it are looked at one by one. */
static size_t ascii(const unsigned char *p, size_t left)
{
    size_t n = 0;
    uint64_t word;

    for (; left - n >= sizeof word; n += sizeof word) {
        memcpy(&word, p + n, sizeof word);
        if (word & 0x8080808080808080) break;
    }
    return n;
}

bool utf8_valid(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;

    while (i < s.n) {
        size_t n;

        i += ascii(p + i, s.n - i);
        while (i < s.n && p[i] < 0x80) i++;
        while (i < s.n && p[i] >= 0x80) {
            n = many(p + i, s.n - i);
            if (n == 0) return false;
            i += n;
        }
    }
    return true;
}

bool utf8_is_text(struct str s)
{
    return s.n == 0 || (memchr(s.p, 0, s.n) == NULL && utf8_valid(s));
}
