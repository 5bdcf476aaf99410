/* crc.c -- checksums by table, eight bytes a step (slicing-by-8, Kounavis and Berry 2005).
 *
 * tables[0] is the classic table of a byte; tables[k] is the same byte followed by k zero bytes.
 * Eight look-ups of one word are independent, where the classic loop waits for each. The tables are
 * 24 KiB and take some ten us to fill: they are filled at the start and not kept in the source.
 *
 * Where the processor can multiply polynomials, a long input is folded first (Gopal et al., Intel 2009): a
 * block of 16 bytes may be replaced by its remainder at the place of a later one, so four blocks at a time
 * move 64 bytes on, and the table is needed for the last 16 bytes alone. Some ten times as fast. The
 * processor's instruction for CRC32C takes three cycles but begins one in each: three parts of the input run
 * beside each other, and a product with a power of x moves each sum to its place. */
#include "base/crc.h"

#include <endian.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

static uint64_t crc64_tables[8][256];
static uint32_t crc32c_tables[8][256];

/* Polynomials: CRC64 Jones and CRC32C Castagnoli bit-reversed. */
static const uint64_t CRC64_POLY = 0x95ac9329ac4bc9b5;
static const uint32_t CRC32C_POLY = 0x82f63b78;

static uint64_t reflected_byte(uint64_t crc, uint64_t poly)
{
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? poly : 0);
    return crc;
}

__attribute__((constructor)) static void fill_tables(void)
{
    for (unsigned i = 0; i < 256; i++) {
        crc64_tables[0][i] = reflected_byte(i, CRC64_POLY);
        crc32c_tables[0][i] = (uint32_t)reflected_byte(i, CRC32C_POLY);
    }
    for (int k = 1; k < 8; k++) {
        for (int i = 0; i < 256; i++) {
            uint64_t c64 = crc64_tables[k - 1][i];
            uint32_t c32 = crc32c_tables[k - 1][i];

            crc64_tables[k][i] = (c64 >> 8) ^ crc64_tables[0][c64 & 0xff];
            crc32c_tables[k][i] = (c32 >> 8) ^ crc32c_tables[0][c32 & 0xff];
        }
    }
}

static inline uint64_t load64(const unsigned char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

uint64_t crc64_by_table(uint64_t crc, const void *p, size_t n)
{
    const unsigned char *at = p;
    uint64_t(*const t)[256] = crc64_tables;

    for (; n >= 8; at += 8, n -= 8) {
        uint64_t w = load64(at) ^ crc;

        crc = t[7][w & 0xff] ^ t[6][w >> 8 & 0xff] ^ t[5][w >> 16 & 0xff] ^ t[4][w >> 24 & 0xff] ^
              t[3][w >> 32 & 0xff] ^ t[2][w >> 40 & 0xff] ^ t[1][w >> 48 & 0xff] ^ t[0][w >> 56];
    }
    for (; n > 0; at++, n--) crc = t[0][(crc ^ *at) & 0xff] ^ (crc >> 8);
    return crc;
}

uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n)
{
    const unsigned char *at = p;
    uint32_t(*const t)[256] = crc32c_tables;

    crc = ~crc;
    for (; n >= 8; at += 8, n -= 8) {
        uint64_t w = load64(at) ^ crc;

        crc = t[7][w & 0xff] ^ t[6][w >> 8 & 0xff] ^ t[5][w >> 16 & 0xff] ^ t[4][w >> 24 & 0xff] ^
              t[3][w >> 32 & 0xff] ^ t[2][w >> 40 & 0xff] ^ t[1][w >> 48 & 0xff] ^ t[0][w >> 56];
    }
    for (; n > 0; at++, n--) crc = t[0][(crc ^ *at) & 0xff] ^ (crc >> 8);
    return ~crc;
}

#ifdef __x86_64__

enum {
    FOLD_MIN = 256,  /* bytes from which folding is worth its beginning and end */
    PART = 512       /* of CRC32C's input, three at a time */
};

/* x^(bits - 1) modulo the polynomial, bit-reversed. A product of reversed words is a bit short of the reversed
 * product: hence the 1. */
static uint64_t power_of_x(unsigned bits)
{
    uint64_t r = (uint64_t)1 << 63;

    while (--bits > 0) r = (r >> 1) ^ (r & 1 ? CRC64_POLY : 0);
    return r;
}

/* To move a block on by so many bits: its first word has 64 further to go. */
static uint64_t fold_by_128[2], fold_by_512[2];

/* As power_of_x, for CRC32C: to move a sum on by one part and by two. */
static uint32_t past_part, past_parts;

static uint32_t power_of_x_32c(unsigned bits)
{
    uint32_t r = (uint32_t)1 << 31;

    while (--bits > 0) r = (r >> 1) ^ (r & 1 ? CRC32C_POLY : 0);
    return r;
}

__attribute__((constructor)) static void fill_folds(void)
{
    /* The instruction that takes the remainder of a product multiplies it by x^32. */
    past_part = power_of_x_32c(PART * 8 - 32);
    past_parts = power_of_x_32c(2 * PART * 8 - 32);
    fold_by_128[0] = power_of_x(128 + 64);
    fold_by_128[1] = power_of_x(128);
    fold_by_512[0] = power_of_x(512 + 64);
    fold_by_512[1] = power_of_x(512);
}

__attribute__((target("pclmul,sse4.1"))) static inline __m128i fold(__m128i block, __m128i by, __m128i onto)
{
    __m128i first = _mm_clmulepi64_si128(block, by, 0x00), second = _mm_clmulepi64_si128(block, by, 0x11);

    return _mm_xor_si128(_mm_xor_si128(first, second), onto);
}

__attribute__((target("pclmul,sse4.1"))) static uint64_t crc64_folding(uint64_t crc, const void *p, size_t n)
{
    const unsigned char *at = p;
    __m128i by = _mm_loadu_si128((const __m128i *)fold_by_512), b[4], rest;
    unsigned char last[16];

    for (int i = 0; i < 4; i++) b[i] = _mm_loadu_si128((const __m128i *)at + i);
    b[0] = _mm_xor_si128(b[0], _mm_set_epi64x(0, (long long)crc));
    for (at += 64, n -= 64; n >= 64; at += 64, n -= 64) {
        for (int i = 0; i < 4; i++) b[i] = fold(b[i], by, _mm_loadu_si128((const __m128i *)at + i));
    }
    by = _mm_loadu_si128((const __m128i *)fold_by_128);
    rest = fold(fold(fold(b[0], by, b[1]), by, b[2]), by, b[3]);
    _mm_storeu_si128((__m128i *)last, rest);
    return crc64_by_table(crc64_by_table(0, last, sizeof last), at, n);
}

uint64_t crc64(uint64_t crc, const void *p, size_t n)
{
    if (n >= FOLD_MIN && __builtin_cpu_supports("pclmul")) return crc64_folding(crc, p, n);
    return crc64_by_table(crc, p, n);
}

__attribute__((target("pclmul,sse4.2"))) static inline uint64_t move_on(uint64_t crc, uint32_t by)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi64_si128(by), 0);

    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* crc is the bare remainder here, not inverted. */
__attribute__((target("pclmul,sse4.2"))) static uint32_t crc32c_parts(uint32_t crc, const unsigned char *at, size_t n)
{
    uint64_t a = crc;

    for (; n >= 3 * PART; at += 3 * PART, n -= 3 * PART) {
        uint64_t b = 0, c = 0;

        for (size_t i = 0; i < PART; i += 8) {
            a = _mm_crc32_u64(a, load64(at + i));
            b = _mm_crc32_u64(b, load64(at + PART + i));
            c = _mm_crc32_u64(c, load64(at + 2 * PART + i));
        }
        a = move_on(a, past_parts) ^ move_on(b, past_part) ^ c;
    }
    return (uint32_t)a;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *p,
                                                               size_t n)
{
    const unsigned char *at = p;
    uint64_t c = (uint32_t)~crc;

    if (n >= 3 * PART && __builtin_cpu_supports("pclmul")) {
        c = crc32c_parts((uint32_t)c, at, n);
        at += n - n % (3 * PART);
        n %= 3 * PART;
    }
    for (; n >= 8; at += 8, n -= 8) c = __builtin_ia32_crc32di(c, load64(at));
    for (; n > 0; at++, n--) c = __builtin_ia32_crc32qi((uint32_t)c, *at);
    return ~(uint32_t)c;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(crc, p, n);
    return crc32c_by_table(crc, p, n);
}

#else

uint64_t crc64(uint64_t crc, const void *p, size_t n)
{
    return crc64_by_table(crc, p, n);
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    return crc32c_by_table(crc, p, n);
}

#endif
