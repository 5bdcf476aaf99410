/* archive_sieve.c -- see archive_sieve.h. */
#include "persistence/archive_sieve.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef const unsigned char *bytes;

/* --- making ---------------------------------------------------------------------------------------------- */

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static size_t characters(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* How rare a letter is in texts. Only speed depends on it. */
static size_t rarity(char c)
{
    static const char by_use[] = "etaoinshrdlcumwfgypbvk0123456789jxqz";

    return (size_t)(strchr(by_use, c) - by_use);
}

static void add_plain(struct archive_sieve *s, unsigned at, unsigned n)
{
    struct sieve_run r = { .at = (uint8_t)at, .n = (uint8_t)n, .rare = { 0, n > 1 } };
    const char *letters = s->letters + at;

    if (n > s->longest) s->longest = n;
    if (s->n_runs++ >= SIEVE_RUNS) return;
    for (unsigned i = 1; i < n; i++) {
        if (rarity(letters[i]) > rarity(letters[r.rare[0]])) {
            r.rare[1] = r.rare[0];
            r.rare[0] = (uint8_t)i;
        } else if (rarity(letters[i]) > rarity(letters[r.rare[1]])) {
            r.rare[1] = (uint8_t)i;
        }
    }
    s->runs[s->n_runs - 1] = r;
}

/* One run of letters: bits from *bit on, at most `most` of them: the beginning of a run is needed where the run is. */
static void add_run(struct archive_sieve *s, struct str run, size_t most, unsigned *bit, unsigned group)
{
    size_t n = run.n < most ? run.n : most;

    if (n == 0 || *bit + n > SIEVE_BITS) return;
    s->first |= 1ULL << *bit;
    for (size_t i = 0; i < n; i++) {
        char c = char_lower(run.p[i]);
        s->letters[*bit + i] = c;
        s->step[(unsigned char)c] |= 1ULL << (*bit + i);
        if (c >= 'a' && c <= 'z') s->step[(unsigned char)(c - 32)] |= 1ULL << (*bit + i);
    }
    add_plain(s, *bit, (unsigned)n);
    *bit += (unsigned)n;
    s->last |= 1ULL << (*bit - 1);
    s->need[group] |= 1ULL << (*bit - 1);
}

static void add_word(struct archive_sieve *s, const struct archive_word *w, size_t most, unsigned *bit)
{
    size_t from = 0;

    for (size_t i = 0; i <= w->text.n; i++) {
        if (i < w->text.n && is_letter((unsigned char)w->text.p[i])) continue;
        add_run(s, str_of(w->text.p + from, i - from), most, bit, w->group);
        from = i + 1;
    }
}

void archive_sieve_make(struct archive_sieve *s, const struct archive_words *w, size_t min)
{
    size_t wanted = 0;
    unsigned bit = 0;

    memset(s, 0, sizeof *s);
    s->groups = w->groups;
    for (size_t i = 0; i < w->n; i++) wanted += !w->list[i].excluded;
    for (size_t i = 0; i < w->n; i++) {
        const struct archive_word *word = &w->list[i];
        if (!word->excluded && characters(word->text) >= min) add_word(s, word, SIEVE_BITS / wanted, &bit);
    }
    s->open = w->everything;
    for (unsigned g = 0; g < s->groups; g++) s->open = s->open || s->need[g] == 0;
}

static bool enough(const struct archive_sieve *s, uint64_t seen)
{
    for (unsigned g = 0; g < s->groups; g++) {
        if ((seen & s->need[g]) == s->need[g]) return true;
    }
    return false;
}

/* --- byte by byte ---------------------------------------------------------------------------------------- */

/* \uXXXX at p? */
static bool is_escape(bytes p, bytes end)
{
    if (end - p < 6 || p[1] != 'u') return false;
    for (int i = 2; i < 6; i++) {
        if (!is_letter(p[i])) return false;
    }
    return true;
}

/* A character that may be any letter, or none. */
static uint64_t any_letter(const struct archive_sieve *s, uint64_t state)
{
    return state | state << 1 | s->first;
}

/* Follow all runs from p on, past the character at odd that is not plain and all others so near behind it that a run may touch
 * both. Returns the end of the last of these: no run that begins before it is left to be found. odd == end: to the end. */
static bytes follow(const struct archive_sieve *s, bytes p, bytes odd, bytes end, uint64_t *seen)
{
    uint64_t state = 0, late = 0;
    bytes late_at = end; /* where `late`, the state that an escape leads to, joins */
    bytes plain = odd;

    for (; p < end; p++) {
        uint64_t hit;
        if (p == late_at) {
            state |= late;
            late_at = end;
        }
        if (*p >= 0x80) {
            while (p + 1 < end && (p[1] & 0xc0) == 0x80) p++;
            state = any_letter(s, state);
            if (plain < p + 1) plain = p + 1;
        } else {
            if (*p == '\\' && is_escape(p, end)) {
                late = any_letter(s, state);
                *seen |= late & s->last;
                plain = late_at = p + 6;
            }
            state = (state << 1 | s->first) & s->step[*p];
        }
        hit = state & s->last & ~*seen;
        *seen |= hit;
        if (hit != 0 && enough(s, *seen)) break;
        if (p >= odd && p + 2 > plain && (size_t)(p + 2 - plain) >= s->longest) return plain;
    }
    return end;
}

/* --- plain text, 16 places at once ----------------------------------------------------------------------- */

static bool stands_at(const struct archive_sieve *s, const struct sieve_run *r, bytes p)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (char_lower((char)p[i]) != s->letters[r->at + i]) return false;
    }
    return true;
}

#ifdef __SSE2__
/* Bit i: at p + i stands c, which is in lower case; or what differs from it by bit 5 alone. */
static unsigned like(bytes p, char c)
{
    __m128i folded = _mm_or_si128(_mm_loadu_si128((const void *)p), _mm_set1_epi8(0x20));

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, _mm_set1_epi8(c)));
}

/* Bit i: the character at p + i may not be plain. */
static unsigned odd_ones(bytes p)
{
    __m128i v = _mm_loadu_si128((const void *)p);

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(v, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
}
#endif

/* Does the run begin at one of the `places` bytes from p on? All of it lies in plain text. */
static bool begins_in(const struct archive_sieve *s, const struct sieve_run *r, bytes p, size_t places)
{
    size_t i = 0;

#ifdef __SSE2__
    char a = s->letters[r->at + r->rare[0]], b = s->letters[r->at + r->rare[1]];

    while (places >= 16) {
        unsigned at = like(p + i + r->rare[0], a) & like(p + i + r->rare[1], b);
        for (; at != 0; at &= at - 1) {
            if (stands_at(s, r, p + i + __builtin_ctz(at))) return true;
        }
        if (i + 16 == places) return false;
        i = i + 32 <= places ? i + 16 : places - 16; /* the last 16 overlap with those before */
    }
#endif
    for (; i < places; i++) {
        if (stands_at(s, r, p + i)) return true;
    }
    return false;
}

static bytes next_odd(bytes p, bytes end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        for (unsigned at = odd_ones(p); at != 0; at &= at - 1) {
            bytes q = p + __builtin_ctz(at);
            if (*q >= 0x80 || is_escape(q, end)) return q;
        }
    }
#endif
    while (p < end && *p < 0x80 && !(*p == '\\' && is_escape(p, end))) p++;
    return p;
}

static void look_at_plain(const struct archive_sieve *s, bytes p, size_t n, uint64_t *seen)
{
    for (unsigned i = 0; i < s->n_runs; i++) {
        const struct sieve_run *r = &s->runs[i];
        uint64_t bit = 1ULL << (r->at + r->n - 1);

        if (n >= r->n && !(*seen & bit) && begins_in(s, r, p, n - r->n + 1)) *seen |= bit;
    }
}

bool archive_sieve_look(const struct archive_sieve *s, struct archive_sifted *v, struct str piece)
{
    bytes p = (bytes)piece.p, end = p + piece.n;

    if (s->open) return true;
    if (s->n_runs > SIEVE_RUNS) p = follow(s, p, end, end, &v->seen);
    while (p < end && !enough(s, v->seen)) {
        bytes odd = next_odd(p, end);
        size_t n = (size_t)(odd - p);

        look_at_plain(s, p, n, &v->seen);
        if (odd == end) break;
        p = follow(s, odd - (n < s->longest - 1 ? n : s->longest - 1), odd, end, &v->seen);
    }
    return enough(s, v->seen);
}
