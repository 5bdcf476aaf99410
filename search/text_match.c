/* text_match.c -- is a word what a query's word stands for? Without an index: for texts at hand. See text_impl.h. */
#include "search/text_impl.h"

static struct str behind(struct str s, size_t n)
{
    return str_of(s.p + n, s.n - n);
}

/* One star at a time is gone back to: the last one. */
bool wildcard_match(struct str pattern, struct str text)
{
    struct str star = { NULL, 0 }, from = { NULL, 0 };

    while (text.n > 0 || pattern.n > 0) {
        size_t escape = pattern.n > 1 && pattern.p[0] == '\\';
        if (pattern.n > 0 && pattern.p[0] == '*') {
            star = pattern = behind(pattern, 1);
            from = text;
            continue;
        }
        if (pattern.n > 0 && text.n > 0 && pattern.p[0] == '?') {
            pattern = behind(pattern, 1);
            text = behind(text, word_char_size(text));
            continue;
        }
        if (pattern.n > 0 && text.n > 0 && pattern.p[escape] == text.p[0]) {
            pattern = behind(pattern, 1 + escape);
            text = behind(text, 1);
            continue;
        }
        if (star.p == NULL || from.n == 0) return false;
        from = behind(from, word_char_size(from));
        pattern = star;
        text = from;
    }
    return true;
}

size_t next_character(struct str s, uint32_t *c)
{
    size_t n = word_char_size(s);

    *c = 0;
    for (size_t i = 0; i < n; i++) *c = *c << 8 | (unsigned char)s.p[i];
    return n;
}

static size_t characters_of(struct str s, uint32_t out[WORD_MAX])
{
    size_t n = 0;

    while (s.n > 0 && n < WORD_MAX) s = behind(s, next_character(s, &out[n++]));
    return n;
}

unsigned edit_distance(struct str a, struct str b, unsigned max)
{
    uint32_t x[WORD_MAX], y[WORD_MAX];
    uint16_t row[WORD_MAX + 1];
    size_t n = characters_of(a, x), m = characters_of(b, y);

    if (n > m + max || m > n + max) return max + 1;
    for (size_t j = 0; j <= m; j++) row[j] = (uint16_t)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned corner = row[0], least;
        least = row[0] = (uint16_t)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned d = corner + (x[i - 1] != y[j - 1]);
            corner = row[j];
            if (corner + 1 < d) d = corner + 1;
            if (row[j - 1] + 1U < d) d = row[j - 1] + 1U;
            row[j] = (uint16_t)d;
            if (d < least) least = d;
        }
        if (least > max) return max + 1;
    }
    return row[m];
}

bool text_word_matches(const struct text_word *w, struct str word)
{
    struct str want = w->word;

    switch (w->how) {
    case TEXT_WORD: return str_eq(word, want);
    case TEXT_PREFIX: return str_starts(word, want);
    case TEXT_SUFFIX: return word.n >= want.n && memcmp(word.p + word.n - want.n, want.p, want.n) == 0;
    case TEXT_INFIX: return memmem(word.p, word.n, want.p, want.n) != NULL;
    case TEXT_FUZZY: return edit_distance(word, want, w->distance) <= w->distance;
    case TEXT_WILDCARD: return wildcard_match(want, word);
    }
    return false;
}
