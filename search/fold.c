/* fold.c -- see fold.h. Alphabets that have two cases lie in a few runs, in which a capital is so far from its small letter, or
 * letters come in pairs. */
#include "search/fold.h"

#include <stdint.h>

#include "base/load.h"

static const struct run {
    uint16_t first, last;
    int16_t by; /* 0: pairs, the capital being the one whose number is even as that of `first` is */
} runs[] = {
    { 0x00c0, 0x00d6, 32 }, { 0x00d8, 0x00de, 32 },                                       /* Latin */
    { 0x0100, 0x012f, 0 }, { 0x0132, 0x0137, 0 }, { 0x0139, 0x0148, 0 }, { 0x014a, 0x0177, 0 },
    { 0x0178, 0x0178, -121 }, { 0x0179, 0x017e, 0 }, { 0x01cd, 0x01dc, 0 }, { 0x01de, 0x01ef, 0 },
    { 0x01f8, 0x021f, 0 }, { 0x0222, 0x0233, 0 },
    { 0x0386, 0x0386, 38 }, { 0x0388, 0x038a, 37 }, { 0x038c, 0x038c, 64 },                /* Greek */
    { 0x038e, 0x038f, 63 }, { 0x0391, 0x03a1, 32 }, { 0x03a3, 0x03ab, 32 },
    { 0x0400, 0x040f, 80 }, { 0x0410, 0x042f, 32 }, { 0x0460, 0x0481, 0 },                 /* Cyrillic */
    { 0x048a, 0x04bf, 0 }, { 0x04c1, 0x04ce, 0 }, { 0x04d0, 0x052f, 0 },
    { 0x0531, 0x0556, 48 },                                                                /* Armenian */
    { 0x1e00, 0x1e95, 0 }, { 0x1ea0, 0x1eff, 0 },                                          /* Latin for Vietnamese and others */
    { 0xff21, 0xff3a, 32 },                                                                /* full width */
};

static uint32_t lower(uint32_t c)
{
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        if (c < runs[i].first || c > runs[i].last) continue;
        if (runs[i].by) return (uint32_t)((int32_t)c + runs[i].by);
        return (c - runs[i].first) % 2 == 0 ? c + 1 : c;
    }
    return c;
}

/* The character of two or three bytes at p, of n: how many, or 0. */
static size_t read_char(const unsigned char *p, size_t n, uint32_t *c)
{
    if (n >= 2 && (p[0] & 0xe0) == 0xc0 && (p[1] & 0xc0) == 0x80) {
        *c = (p[0] & 31u) << 6 | (p[1] & 63u);
        return 2;
    }
    if (n >= 3 && (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
        *c = (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u);
        return 3;
    }
    return 0;
}

/* A small letter takes as many bytes as its capital. */
static void write_char(char *at, uint32_t c, size_t n)
{
    if (n == 2) {
        at[0] = (char)(0xc0 | c >> 6);
    } else {
        at[0] = (char)(0xe0 | c >> 12);
        at[1] = (char)(0x80 | (c >> 6 & 63));
    }
    at[n - 1] = (char)(0x80 | (c & 63));
}

/* --- eight bytes of ASCII at once ---------------------------------------------------------------------------------- */

#define EACH(byte) (0x0101010101010101 * (uint64_t)(byte))

/* False: they are not all ASCII. */
static inline bool lower_8(uint64_t v, char *out)
{
    uint64_t capitals = (v + EACH(0x80 - 'A')) & ~(v + EACH(0x7f - 'Z')) & EACH(0x80);

    if (v & EACH(0x80)) return false;
    store_64(out, v | capitals >> 2);
    return true;
}

/* How many bytes from the first on are done, in steps of eight, the last of which goes over some again, or over some behind the
 * end. Who reads what was written byte by byte, and reads more at once, waits until all of it has arrived. */
static size_t fold_plain(struct str s, char *out)
{
    size_t i = 0;

    if (s.n < 8) return lower_8(load_some(s.p, s.n), out) ? s.n : 0;
    for (; s.n - i >= 8; i += 8)
        if (!lower_8(load_64(s.p + i), out + i)) return i;
    return i == s.n || lower_8(load_64(s.p + s.n - 8), out + s.n - 8) ? s.n : i;
}

void fold_case(struct str s, struct buf *out)
{
    char *at = buf_room(out, s.n + FOLD_ROOM);

    for (size_t i = fold_plain(s, at); i < s.n;) {
        uint32_t c = 0;
        size_t n = (signed char)s.p[i] >= 0 ? 0 : read_char((const unsigned char *)s.p + i, s.n - i, &c);

        if (n == 0) {
            at[i] = char_lower(s.p[i]);
            i++;
        } else {
            write_char(at + i, lower(c), n);
            i += n;
        }
    }
    buf_used(out, s.n);
}
