/* words_plain.c -- the words of short texts of plain ASCII, 64 bytes at once. See words_plain in words.h.
 *
 * Bytes of words become bits: where a run of ones begins a word begins. So nothing depends on how long words are, which by
 * chance are of any length: of what words_some does with each, most is waiting for branches that nobody foresees. */
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/load.h"
#include "text/words.h"

enum { AT_ONCE = 64 };

/* Of 64 bytes: those that are in words, those that are anything but plain. */
struct classes {
    uint64_t in, other;
};

#ifdef __SSE2__
/* The bytes of v from `first` on, `count` of them, are 0xff. As bytes without a sign: what is in the range comes to lie lowest. */
static inline __m128i between(__m128i v, char first, char count)
{
    return _mm_cmplt_epi8(_mm_add_epi8(v, _mm_set1_epi8((char)(-128 - first))), _mm_set1_epi8((char)(-128 + count)));
}

static inline uint64_t bits(__m128i v)
{
    return (unsigned)_mm_movemask_epi8(v);
}

/* Fold them to out, too. */
static inline struct classes classify(const char *p, char *out)
{
    const __m128i small = _mm_set1_epi8(0x20);
    struct classes c = { 0, 0 };

    for (int i = 0; i < AT_ONCE; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i letters = between(_mm_or_si128(v, small), 'a', 26);
        __m128i in = _mm_or_si128(_mm_or_si128(letters, between(v, '0', 10)), _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));

        c.in |= bits(in) << i;
        c.other |= bits(_mm_or_si128(v, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')))) << i; /* its high bits, and backslashes */
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm_or_si128(v, _mm_and_si128(letters, small)));
    }
    return c;
}
#else
static inline struct classes classify(const char *p, char *out)
{
    struct classes c = { 0, 0 };

    for (int i = 0; i < AT_ONCE; i++) {
        char low = char_lower(p[i]);
        bool in = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') || low == '_';

        c.in |= (uint64_t)in << i;
        c.other |= (uint64_t)((unsigned char)low >= 0x80 || low == '\\') << i;
        out[i] = low;
    }
    return c;
}
#endif

size_t words_plain(struct str text, char *folded, struct word_span *words)
{
    uint64_t before = 0; /* 1: a word goes on from the 64 bytes before */
    size_t n = 0, ended = 0;

    if (text.n > WORDS_PLAIN_MAX) return WORDS_NOT_PLAIN;
    for (size_t at = 0; at < text.n; at += AT_ONCE) {
        char last[AT_ONCE] = { 0 };
        const char *p = text.p + at;
        struct classes c;
        uint64_t begins, ends;

        if (text.n - at < AT_ONCE) p = memcpy(last, p, text.n - at);
        c = classify(p, folded + at);
        if (c.other != 0) return WORDS_NOT_PLAIN;
        begins = c.in & ~(c.in << 1 | before);
        ends = ~c.in & (c.in << 1 | before);
        before = c.in >> 63;
        for (; begins != 0; begins &= begins - 1) words[n++].at = (uint16_t)(at + (size_t)__builtin_ctzll(begins));
        for (; ends != 0; ends &= ends - 1, ended++) words[ended].n = (uint16_t)(at + (size_t)__builtin_ctzll(ends) - words[ended].at);
    }
    if (before != 0) words[ended].n = (uint16_t)(text.n - words[ended].at);
    return n;
}
