/* json_scan.c -- see json_scan.h.
 *
 * What differs between processors is how 64 bytes become four words, and nothing else. SSE2 and NEON are there wherever the compiler
 * says so; AVX2 is asked for at run time, as a branch: what is picked need not be kept anywhere. */
#include "base/json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/ensure.h"

#if defined __x86_64__
#include <immintrin.h>
#elif defined __aarch64__ && defined __ARM_NEON
#include <arm_neon.h>
#endif

enum { BLOCK = 64 };

/* Bit i is byte i. A bracket of one kind differs from that of the other by 0x20 alone, which no other pair of bytes makes equal to it. */
struct words {
    uint64_t slash, quote, open, close;
};

/* --- words of a block ---------------------------------------------------------------------------------------------- */

static inline struct words plain_words(const char *p)
{
    struct words w = { 0 };

    for (int i = 0; i < BLOCK; i++) {
        uint64_t bit = UINT64_C(1) << i;

        if (p[i] == '\\') w.slash |= bit;
        else if (p[i] == '"') w.quote |= bit;
        else if ((p[i] | 0x20) == '{') w.open |= bit;
        else if ((p[i] | 0x20) == '}') w.close |= bit;
    }
    return w;
}

#if defined __x86_64__
static inline uint64_t sse2_equal(const __m128i v[4], char c)
{
    __m128i all = _mm_set1_epi8(c);
    uint64_t word = 0;

    for (int i = 0; i < 4; i++) word |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], all)) << 16 * i;
    return word;
}

static inline struct words sse2_words(const char *p)
{
    __m128i v[4], folded[4];

    for (int i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        folded[i] = _mm_or_si128(v[i], _mm_set1_epi8(0x20));
    }
    return (struct words){ sse2_equal(v, '\\'), sse2_equal(v, '"'), sse2_equal(folded, '{'), sse2_equal(folded, '}') };
}

#define AVX2 __attribute__((target("avx2,popcnt,bmi")))

AVX2 static inline uint64_t avx2_equal(__m256i low, __m256i high, char c)
{
    __m256i all = _mm256_set1_epi8(c);

    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all)) << 32;
}

AVX2 static inline struct words avx2_words(const char *p)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p), high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    __m256i bit = _mm256_set1_epi8(0x20), low_folded = _mm256_or_si256(low, bit), high_folded = _mm256_or_si256(high, bit);

    return (struct words){ avx2_equal(low, high, '\\'), avx2_equal(low, high, '"'), avx2_equal(low_folded, high_folded, '{'),
                           avx2_equal(low_folded, high_folded, '}') };
}
#elif defined __aarch64__ && defined __ARM_NEON
/* Each byte keeps the bit of its place; adding neighbours three times makes a bit of each byte. */
static inline uint64_t neon_equal(const uint8x16_t v[4], uint8_t c)
{
    static const uint8_t places[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
    uint8x16_t bits = vld1q_u8(places), all = vdupq_n_u8(c), sum;

    sum = vpaddq_u8(vpaddq_u8(vandq_u8(vceqq_u8(v[0], all), bits), vandq_u8(vceqq_u8(v[1], all), bits)),
                    vpaddq_u8(vandq_u8(vceqq_u8(v[2], all), bits), vandq_u8(vceqq_u8(v[3], all), bits)));
    sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}

static inline struct words neon_words(const char *p)
{
    uint8x16_t v[4], folded[4];

    for (int i = 0; i < 4; i++) {
        v[i] = vld1q_u8((const uint8_t *)p + 16 * i);
        folded[i] = vorrq_u8(v[i], vdupq_n_u8(0x20));
    }
    return (struct words){ neon_equal(v, '\\'), neon_equal(v, '"'), neon_equal(folded, '{'), neon_equal(folded, '}') };
}
#endif

/* --- containers ------------------------------------------------------------------------------------------------------ */

/* Between blocks. */
struct state {
    uint64_t taken;     /* 1: the first byte stands behind a backslash that takes it */
    uint64_t in_string; /* all ones: the first byte lies in one */
    uint64_t depth;
};

/* Bytes that a backslash takes; one that is itself taken takes none. */
static inline uint64_t taken_by(uint64_t slash, uint64_t *carry)
{
    uint64_t taken = *carry;

    *carry = 0;
    slash &= ~taken;
    while (UNLIKELY(slash != 0)) {
        uint64_t first = slash & -slash;

        if (first >> 63) *carry = 1;
        taken |= first << 1;
        slash &= ~(first | first << 1);
    }
    return taken;
}

/* Bit i: the parity of bits 0 to i. */
static inline uint64_t parities(uint64_t w)
{
    for (int n = 1; n < 64; n *= 2) w ^= w << n;
    return w;
}

/* True: the container ends in this block, behind byte *at. */
static inline __attribute__((always_inline)) bool ends_in(const struct words *w, struct state *s, int *at)
{
    uint64_t quote = w->quote & ~taken_by(w->slash, &s->taken), within = parities(quote) ^ s->in_string;
    uint64_t open = w->open & ~within, close = w->close & ~within;
    uint64_t n_close = (uint64_t)__builtin_popcountll(close);

    s->in_string = 0 - (within >> 63);
    if (LIKELY(s->depth > n_close)) {
        s->depth += (uint64_t)__builtin_popcountll(open) - n_close;
        return false;
    }
    for (uint64_t n = 1; close != 0; close &= close - 1, n++) {
        uint64_t before = (close & -close) - 1;

        if (s->depth + (uint64_t)__builtin_popcountll(open & before) > n) continue;
        *at = __builtin_ctzll(close);
        return true;
    }
    s->depth += (uint64_t)__builtin_popcountll(open) - n_close;
    return false;
}

/* What is left behind the last whole block is looked at with spaces behind it. */
#define CONTAINER(name, look, target)                                                                              \
    target static const char *name(const char *p, const char *end)                                                 \
    {                                                                                                              \
        struct state s = { 0 };                                                                                    \
        char rest[BLOCK];                                                                                          \
        int at = 0;                                                                                                \
                                                                                                                   \
        for (; end - p >= BLOCK; p += BLOCK) {                                                                     \
            struct words w = look(p);                                                                              \
            if (ends_in(&w, &s, &at)) return p + at + 1;                                                           \
        }                                                                                                          \
        if (p < end) {                                                                                             \
            struct words w;                                                                                        \
            memset(rest, ' ', sizeof rest);                                                                        \
            memcpy(rest, p, (size_t)(end - p));                                                                    \
            w = look(rest);                                                                                        \
            if (ends_in(&w, &s, &at)) return p + at + 1;                                                           \
        }                                                                                                          \
        return end;                                                                                                \
    }

CONTAINER(plain_container, plain_words, )
#if defined __x86_64__
CONTAINER(sse2_container, sse2_words, )
CONTAINER(avx2_container, avx2_words, AVX2)
#elif defined __aarch64__ && defined __ARM_NEON
CONTAINER(neon_container, neon_words, )
#endif

static const struct json_scanner scanners[] = {
    { "plain", plain_container },
#if defined __x86_64__
    { "sse2", sse2_container },
    { "avx2", avx2_container }, /* the last of all */
#elif defined __aarch64__ && defined __ARM_NEON
    { "neon", neon_container },
#endif
};

static bool has_avx2(void)
{
#if defined __x86_64__
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
#else
    return false;
#endif
}

const struct json_scanner *json_scanner_at(size_t i)
{
    if (i >= sizeof scanners / sizeof *scanners || (i == 2 && !has_avx2())) return NULL;
    return &scanners[i];
}

const char *json_scan_container(const char *p, const char *end)
{
#if defined __x86_64__
    return LIKELY(has_avx2()) ? avx2_container(p, end) : sse2_container(p, end);
#elif defined __aarch64__ && defined __ARM_NEON
    return neon_container(p, end);
#else
    return plain_container(p, end);
#endif
}

/* --- strings ----------------------------------------------------------------------------------------------------------- */

/* Bytes that stop both of these, and for one of them those below `low`, which is 0 for the other. */
static inline const char *scan(const char *p, const char *end, unsigned char low)
{
#if defined __x86_64__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), most = _mm_set1_epi8((char)(low - 1));

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i stops = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
        int found;

        if (low > 0) stops = _mm_or_si128(stops, _mm_cmpeq_epi8(_mm_min_epu8(v, most), v));
        found = _mm_movemask_epi8(stops);
        if (found != 0) return p + __builtin_ctz((unsigned)found);
    }
#elif defined __aarch64__ && defined __ARM_NEON
    for (; end - p >= 16; p += 16) {
        uint8x16_t v = vld1q_u8((const uint8_t *)p);
        uint8x16_t stops = vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\')));

        if (low > 0) stops = vorrq_u8(stops, vcltq_u8(v, vdupq_n_u8(low)));
        if (vmaxvq_u8(stops) != 0) break; /* which of them: one by one */
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= low) p++;
    return p;
}

const char *json_scan_plain(const char *p, const char *end)
{
    return scan(p, end, ' ');
}

const char *json_scan_string(const char *p, const char *end)
{
    for (p = scan(p + 1, end, 0); p < end; p = scan(p, end, 0)) {
        if (*p == '"') return p + 1;
        if (end - p < 2) return end;
        p += 2;
    }
    return end;
}
