/* sha1.c -- see sha1.h. */
#include "base/sha1.h"

#include <stdint.h>

enum { BLOCK = 64 };

static uint32_t rotate(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static void add_block(uint32_t h[5], const unsigned char *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    for (int i = 0; i < 16; i++, p += 4) w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
        uint32_t next = rotate(a, 5) + f + e + k + w[i];

        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* What is left of the text, the bit that ends it, and its length in bits: one block or two. */
static void add_end(uint32_t h[5], struct str rest, uint64_t bits)
{
    unsigned char last[2 * BLOCK] = { 0 };
    size_t size = rest.n < BLOCK - 8 ? BLOCK : 2 * BLOCK;

    if (rest.n > 0) memcpy(last, rest.p, rest.n);
    last[rest.n] = 0x80;
    for (int i = 0; i < 8; i++) last[size - 1 - i] = (unsigned char)(bits >> 8 * i);
    for (size_t at = 0; at < size; at += BLOCK) add_block(h, last + at);
}

void sha1_hex(struct str s, char out[SHA1_HEX])
{
    static const char digits[] = "0123456789abcdef";
    uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    size_t at = 0;

    for (; s.n - at >= BLOCK; at += BLOCK) add_block(h, (const unsigned char *)s.p + at);
    add_end(h, str_of(s.n > 0 ? s.p + at : "", s.n - at), (uint64_t)s.n * 8);
    for (int i = 0; i < SHA1_HEX; i++) out[i] = digits[h[i / 8] >> (28 - 4 * (i % 8)) & 15];
}
