/* words.c -- texts cut into words. See words.h.
 *
 * ASCII, which most texts are, goes through one table of bytes. Everything else is decoded: for FTS5 as FTS5 does it, whatever the
 * bytes are (what is no UTF-8 becomes some character, the same one there and here); else by the letter. */
#include "text/words.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/load.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "text/words_table.h"

/* What letters and digits of ASCII are in a word; 0: the byte is something else. */
static const char plain[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
    ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
    ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
    ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v',
    ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
    ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};

/* --- characters -------------------------------------------------------------------------------------------------- */

enum { NO_CHARACTER = 0xfffd };

/* The character at p < end and the bytes it takes: a leading byte and all continuations behind it; a continuation alone stands
 * for itself. */
static uint32_t decode(const unsigned char *p, const unsigned char *end, size_t *n)
{
    static const unsigned char first_bits[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 0,  1,  2,  3,  4,  5,  6,  7,  0,  1,  2,  3,  0,  1,  0,  0,
    };
    const unsigned char *at = p + 1;
    uint32_t c = *p;

    if (c >= 0xc0) {
        c = first_bits[c - 0xc0];
        while (at < end && (*at & 0xc0) == 0x80) c = (c << 6) + (*at++ & 0x3f);
        if (c < 0x80 || (c & 0xfffff800) == 0xd800 || (c & 0xfffffffe) == 0xfffe) c = NO_CHARACTER;
    }
    *n = (size_t)(at - p);
    return c;
}

static bool is_word(uint32_t c)
{
    uint32_t page = c >> 8;
    const uint64_t *bits;

    if (page >= 0x200) {
        if (page < 0xe00 || page >= 0xe10) return true;
        page -= 0xc00;
    }
    bits = word_bits[word_page[page]];
    return (bits[c >> 6 & 3] >> (c & 63) & 1) != 0;
}

/* 0: nothing is left of it. */
static uint32_t fold(uint32_t c)
{
    unsigned table = c >> 8 < FOLD_PAGES ? fold_page[c >> 8] : 0;
    uint32_t low;

    if (table == 0) return c;
    low = fold_to[table][c & 255];
    return low == 0 ? 0 : (c & ~0xffffU) | low;
}

/* An accent that stands by itself: within a word it is nothing, and no word begins with it. */
static bool is_accent(uint32_t c)
{
    return c >= 0x300 && c < 0x340 && fold(c) == 0;
}

static bool is_han(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

/* The same for words that are compared exactly: case alone goes. */
static uint32_t fold_case_of(uint32_t c)
{
    unsigned table = c >> 8 < CASE_PAGES ? case_page[c >> 8] : 0;

    return table == 0 ? c : (c & ~0xffffU) | case_to[table][c & 255];
}

/* A byte that is no UTF-8 becomes half a surrogate, which no text has; such a half stays, so that a word that is read again (one of a
 * synonym, say) is itself. */
static uint32_t decode_exactly(const unsigned char *p, const unsigned char *end, size_t *n)
{
    uint32_t c;

    *n = utf8_take(str_of(p, (size_t)(end - p)), &c);
    if (*n > 0) return c;
    *n = 1;
    if (end - p < 3 || p[0] != 0xed || (p[1] & 0xfe) != 0xb2 || (p[2] & 0xc0) != 0x80) return 0xdc00U + *p;
    *n = 3;
    return 0xd000U | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
}

/* In texts that have no blanks punctuation must part words: that of Chinese, and of typographers. Emoji do not. */
static bool parts_han(uint32_t c)
{
    bool is_near = (c >= 0x2000 && c <= 0x200a) || (c >= 0x2010 && c <= 0x205f) || (c >= 0x3000 && c <= 0x303f) ||
                   (c >= 0xfe30 && c <= 0xfe4f) || (c >= 0xff00 && c <= 0xff65);

    return is_near && !is_word(c);
}

size_t word_char_size(struct str s)
{
    size_t n = 1;

    if (s.n == 0) return 0;
    while (n < 4 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80) n++;
    return n;
}

/* --- words ------------------------------------------------------------------------------------------------------- */

void words_open_as(struct words *w, struct str text, unsigned how)
{
    w->text = text.n > 0 ? text : STR("");
    w->next = 0;
    w->how = how;
    w->word = str_of(w->buf, 0);
    w->at = 0;
    w->len = 0;
}

void words_open(struct words *w, struct str text)
{
    words_open_as(w, text, 0);
}

/* What is to be done with a character. */
enum part { SEPARATES, BELONGS, VANISHES /* within a word; else it separates */, ALONE };

/* The character at p, its bytes *n, and what it is in a word: *c. */
static enum part look(const struct words *w, const unsigned char *p, const unsigned char *end, size_t *n, uint32_t *c)
{
    *n = 1;
    *c = *p;
    if (*c < 0x80) {
        if (*c == '\\' && !(w->how & WORDS_AS_FTS5) && p + 1 < end) {
            *c = fold_case_of(decode_exactly(p + 1, end, n));
            *n += 1;
            return BELONGS;
        }
        if (*c == '_') return w->how & WORDS_AS_FTS5 ? SEPARATES : BELONGS;
        *c = (uint32_t)plain[*c];
        return *c != 0 ? BELONGS : SEPARATES;
    }
    if (w->how & WORDS_AS_FTS5) {
        *c = decode(p, end, n);
        if (!is_word(*c)) return SEPARATES;
        if (is_accent(*c)) return VANISHES;
        *c = fold(*c);
    } else {
        *c = fold_case_of(decode_exactly(p, end, n));
        if ((w->how & WORDS_HAN_APART) && parts_han(*c)) return SEPARATES;
    }
    return (w->how & WORDS_HAN_APART) && is_han(*c) ? ALONE : BELONGS;
}

/* --- eight bytes of ASCII at once ---------------------------------------------------------------------------------- */

#define EACH(byte) (0x0101010101010101 * (uint64_t)(byte))

/* The high bit of each byte that is in a range of ASCII; those of x are clear. */
static inline uint64_t between(uint64_t x, unsigned char first, unsigned char last)
{
    return (x + EACH(0x80 - first)) & ~(x + EACH(0x7f - last)) & EACH(0x80);
}

/* 8 bytes as `plain` has them; *n: how many of them are in a word, until the first that is not. Bytes one by one would also make
 * whoever reads them by eight, as a hash does, wait until all of them are written. */
static inline uint64_t plain_8(uint64_t v, size_t *n)
{
    uint64_t letters = between((v | EACH(0x20)) & EACH(0x7f), 'a', 'z');
    uint64_t all = (letters | between(v & EACH(0x7f), '0', '9')) & ~v & EACH(0x80);

    *n = all == EACH(0x80) ? 8 : (size_t)__builtin_ctzll(~all & EACH(0x80)) / 8;
    return v | letters >> 2;
}

static inline size_t plain_bytes(const unsigned char *p, char *out)
{
    size_t n;

    store_64(out, plain_8(load_64(p), &n));
    return n;
}

/* The same of a word that does not fit; p: where it ended to. Where it is to be exact its last bytes tell of all of it. */
static const unsigned char *finish_long(struct words *w, const unsigned char *p, const unsigned char *end, size_t *used)
{
    enum { DIGITS = 32, KEEP = WORD_MAX - DIGITS };
    char room[2 * WORD_MAX], digest[SHA256_TEXT];
    size_t n_room = *used, all = n_room, n;

    memcpy(room, w->buf, n_room);
    while (p < end) {
        uint32_t c;
        enum part part = look(w, p, end, &n, &c);

        if (part == SEPARATES || part == ALONE) break;
        p += n;
        if (part != BELONGS || all >= WORD_DIGESTED || (w->how & WORDS_AS_FTS5)) continue;
        if (n_room + 4 > sizeof room) {
            sha256_hex(str_of(room, n_room), digest);
            memcpy(room, digest, sizeof digest);
            n_room = sizeof digest;
        }
        n = utf8_put(c, room + n_room);
        n_room += n;
        all += n;
    }
    if (w->how & WORDS_AS_FTS5) return p;
    sha256_hex(str_of(room, n_room), digest);
    for (*used = KEEP; ((unsigned char)w->buf[*used] & 0xc0) == 0x80; --*used) continue;
    memcpy(w->buf + *used, digest, DIGITS);
    *used += DIGITS;
    return p;
}

/* The rest of a word that began at w->at and has `used` bytes so far. */
static void finish(struct words *w, const unsigned char *p, const unsigned char *end, size_t used)
{
    while (p < end) {
        enum part part;
        uint32_t c;
        size_t n;

        /* The short way, which most of all texts go. */
        for (n = 8; n == 8 && end - p >= 8 && used + 8 <= WORD_MAX; p += n, used += n) n = plain_bytes(p, w->buf + used);
        while (p < end && plain[*p] != 0 && used < WORD_MAX) w->buf[used++] = plain[*p++];
        if (p == end || *p == ' ') break;
        part = look(w, p, end, &n, &c);
        if (part == SEPARATES || part == ALONE) break;
        if (part == BELONGS && used + utf8_bytes(c) > WORD_MAX) {
            p = finish_long(w, p, end, &used);
            break;
        }
        p += n;
        if (part == BELONGS) used += utf8_put(c, w->buf + used);
    }
    w->next = (size_t)((const char *)p - w->text.p);
    w->len = w->next - w->at;
    w->word = str_of(w->buf, used);
}

bool words_next(struct words *w)
{
    const unsigned char *start = (const unsigned char *)w->text.p, *end = start + w->text.n, *p = start + w->next;

    while (p < end) {
        uint32_t c;
        size_t n, used;
        enum part part;

        if (*p == ' ') {
            p++;
            continue;
        }
        if (plain[*p] != 0) {
            w->at = (size_t)(p - start);
            finish(w, p, end, 0);
            return true;
        }
        part = look(w, p, end, &n, &c);
        if (part == SEPARATES || part == VANISHES) {
            p += n;
            continue;
        }
        w->at = (size_t)(p - start);
        used = utf8_put(c, w->buf);
        finish(w, p + n, part == ALONE ? p + n : end, used);
        return true;
    }
    w->next = w->text.n;
    return false;
}

/* The bytes at p < end, zeros behind the end; the text begins at start. */
static inline uint64_t load_upto_8(const unsigned char *start, const unsigned char *p, const unsigned char *end)
{
    uint64_t v = 0;

    if (end - p >= 8) return load_64(p);
    if (end - start >= 8) return load_64(end - 8) >> (64 - 8 * (end - p));
    for (size_t i = 0; p + i < end; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

enum { PLAIN_MAX = 64 };

#ifdef __SSE2__
/* The bytes of v from `first` on, `count` of them, are 0xff. As bytes without a sign: what is in the range comes to lie lowest. */
static inline __m128i between_16(__m128i v, char first, char count)
{
    return _mm_cmplt_epi8(_mm_add_epi8(v, _mm_set1_epi8((char)(-128 - first))), _mm_set1_epi8((char)(-128 + count)));
}

/* As plain_run, of 16 bytes: nearly every word. 16: it may go on. */
static inline size_t plain_16(const unsigned char *p, char *out)
{
    static const unsigned char keep[32] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), small = _mm_set1_epi8(0x20);
    __m128i letters = between_16(_mm_or_si128(v, small), 'a', 26), all = _mm_or_si128(letters, between_16(v, '0', 10));
    size_t n = (size_t)__builtin_ctz(~(unsigned)_mm_movemask_epi8(all));

    v = _mm_or_si128(v, _mm_and_si128(letters, small));
    v = _mm_and_si128(v, _mm_loadu_si128((const __m128i *)(const void *)(keep + 16 - n)));
    _mm_storeu_si128((__m128i *)(void *)out, v);
    return n;
}
#endif

/* A run of ASCII letters and digits at p < end, of at most PLAIN_MAX bytes, folded to out and padded; where it ends. */
static inline const unsigned char *plain_run(const unsigned char *start, const unsigned char *p, const unsigned char *end, char *out)
{
    const unsigned char *from = p;
    size_t n;

#ifdef __SSE2__
    if (end - p >= 16 && (n = plain_16(p, out)) < 16) return p + n;
#endif
    do {
        uint64_t v = plain_8(load_upto_8(start, p, end), &n);

        if (n < 8) v &= ((uint64_t)1 << 8 * n) - 1;
        store_64(out + (p - from), v);
        p += n;
    } while (n == 8 && p < end && p - from < PLAIN_MAX);
    return p;
}

static inline bool is_separator(unsigned char c)
{
    return c == ' ' || (c < 0x80 && plain[c] == 0 && c != '_' && c != '\\');
}

static inline size_t padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

size_t words_some(struct words *w, struct str *words, size_t max, char *room, size_t n_room)
{
    const unsigned char *start = (const unsigned char *)w->text.p, *end = start + w->text.n, *p = start + w->next, *behind;
    size_t n = 0, used = 0, len;

    while (n < max && p < end && used + WORD_MAX + 16 <= n_room) {
        behind = plain_run(start, p, end, room + used);
        len = (size_t)(behind - p);
        if (len < PLAIN_MAX && (behind == end || is_separator(*behind))) {
            p = behind == end ? end : behind + 1;
            if (len == 0) continue;
        } else { /* anything else, from the beginning of the word */
            w->next = (size_t)(p - start);
            p = end;
            if (!words_next(w)) break;
            len = w->word.n;
            memset(room + used + len, 0, 8);
            memcpy(room + used, w->word.p, len);
            p = start + w->next;
        }
        words[n++] = str_of(room + used, len);
        used += padded(len);
    }
    w->next = (size_t)(p - start);
    return n;
}

void words_fold(struct str s, unsigned how, struct buf *out)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = s.n > 0 ? p + s.n : p;

    while (p < end) {
        size_t n = 1;
        uint32_t c = *p;

        if (c < 0x80) {
            buf_add_char(out, char_lower((char)c));
        } else {
            bool exactly = (how & WORDS_AS_FTS5) == 0;

            c = exactly ? decode_exactly(p, end, &n) : decode(p, end, &n);
            if (!exactly && !is_word(c)) buf_add(out, p, n);
            else if ((c = exactly ? fold_case_of(c) : fold(c)) != 0) buf_used(out, utf8_put(c, buf_room(out, 4)));
        }
        p += n;
    }
}
