/* highlight.c -- texts with marks, and summaries of texts. See highlight.h. */
#include <stdlib.h>

#include "search/highlight.h"
#include "search/text_impl.h"

enum { FRAGMENT_GAP = 8, WORD_BYTES = 6 /* an average word, for how much text is so many words */ };

const struct highlight_rules highlight_defaults = {
    .open = STR("<b>"), .close = STR("</b>"), .fragments = 3, .words = 20, .separator = STR("... "),
};

struct asked {
    struct text_word word;
    uint64_t fields;
    struct str stem, sound; /* owned; empty: no others match for it */
};

/* What a word of a text may be found by. */
enum known_as { UNUSED, AS_WORD, AS_STEM, AS_SOUND };

struct known {
    struct str text;
    uint64_t fields;
    uint32_t word; /* of asked */
    enum known_as as;
};

/* Queries may have thousands of words: those of a text are looked up, and compared with parts of words alone. */
struct highlighter {
    const struct text_index *t;
    struct asked *asked;
    size_t n;
    struct known *known; /* a table by hash, half empty */
    size_t mask;
    uint32_t patterns[HIGHLIGHT_PATTERNS_MAX]; /* of asked: prefixes and the like */
    size_t n_patterns;
    bool has_stems;
    struct stemmer *stemmer; /* NULL: none */
    bool han_apart;
};

static void ask(struct highlighter *h, const struct highlight_word *w, struct str text)
{
    struct term_sound room;
    struct asked *a;

    if ((h->n & (h->n - 1)) == 0) h->asked = mem_realloc(h->asked, (h->n == 0 ? 1 : h->n * 2) * sizeof *h->asked);
    a = &h->asked[h->n++];
    *a = (struct asked){ .word = w->word, .fields = w->fields };
    a->word.word = text;
    if (w->word.how != TEXT_WORD || w->word.verbatim) return;
    if (!w->word.no_sound && (w->fields & h->t->phonetic_fields) != 0) {
        a->sound = term_sound(text, &room);
        a->sound.p = mem_dup(a->sound.p, a->sound.n);
    }
    if (h->stemmer == NULL) return;
    a->stem = stemmer_stem(h->stemmer, text);
    a->stem.p = mem_dup(a->stem.p, a->stem.n);
}

static struct known *known_at(const struct highlighter *h, enum known_as as, struct str text)
{
    for (size_t i = hash_quick(&h->t->key, text) + as;; i++) {
        struct known *k = &h->known[i & h->mask];
        if (k->as == UNUSED || (k->as == as && str_eq(k->text, text))) return k;
    }
}

static void know(struct highlighter *h, enum known_as as, struct str text, size_t i)
{
    struct known *k = known_at(h, as, text);

    if (text.n == 0) return;
    if (k->as == UNUSED) *k = (struct known){ .text = text, .word = (uint32_t)i, .as = as };
    k->fields |= h->asked[i].fields;
}

static void know_all(struct highlighter *h)
{
    for (h->mask = 7; h->mask < 6 * h->n; h->mask = 2 * h->mask + 1) continue;
    h->known = mem_zalloc((h->mask + 1) * sizeof *h->known);
    for (size_t i = 0; i < h->n; i++) {
        const struct asked *a = &h->asked[i];

        if (a->word.how == TEXT_WORD) know(h, AS_WORD, a->word.word, i);
        else if (h->n_patterns < HIGHLIGHT_PATTERNS_MAX) h->patterns[h->n_patterns++] = (uint32_t)i;
        know(h, AS_STEM, a->stem, i);
        know(h, AS_SOUND, a->sound, i);
        h->has_stems |= a->stem.n > 0;
    }
}

struct highlighter *highlighter_new(const struct text_index *t, const struct highlight_word *words, size_t n, struct str language)
{
    struct highlighter *h = mem_zalloc(sizeof *h);
    struct words each;

    if (language.n == 0) language = t->languages[t->language].name;
    h->t = t;
    h->stemmer = stemmer_new(language);
    h->han_apart = str_is_word(language, "chinese");
    for (size_t i = 0; i < n; i++) {
        if (!h->han_apart || words[i].word.how != TEXT_WORD) {
            ask(h, &words[i], words[i].word.word);
            continue;
        }
        words_open_as(&each, words[i].word.word, WORDS_HAN_APART);
        while (words_next(&each)) ask(h, &words[i], str_of(words[i].word.word.p + each.at, each.len));
    }
    know_all(h);
    return h;
}

void highlighter_free(struct highlighter **h)
{
    if (*h == NULL) return;
    for (size_t i = 0; i < (*h)->n; i++) {
        mem_free((void *)(uintptr_t)(*h)->asked[i].stem.p);
        mem_free((void *)(uintptr_t)(*h)->asked[i].sound.p);
    }
    mem_free((*h)->asked);
    mem_free((*h)->known);
    stemmer_free(&(*h)->stemmer);
    mem_free(*h);
    *h = NULL;
}

/* --- words of the query in the text ------------------------------------------------------------------------------ */

struct spot {
    size_t at, len;
    uint32_t position;
    uint32_t word; /* of the query */
};
struct spots {
    struct spot *list;
    size_t n, cap;
};

/* Which of the query's words is known so; h->n: none. */
static size_t look_up(const struct highlighter *h, enum known_as as, struct str text, uint8_t field)
{
    const struct known *k = known_at(h, as, text);

    return k->as != UNUSED && (k->fields >> field & 1) ? k->word : h->n;
}

/* Which of the query's words it is; h->n: none. */
static size_t which(struct highlighter *h, struct str word, uint8_t field)
{
    struct term_sound room;
    size_t i = look_up(h, AS_WORD, word, field);

    for (size_t k = 0; i == h->n && k < h->n_patterns; k++) {
        const struct asked *a = &h->asked[h->patterns[k]];
        if ((a->fields >> field & 1) && text_word_matches(&a->word, word)) i = h->patterns[k];
    }
    if (i == h->n && (h->t->phonetic_fields >> field & 1) && word.n >= SOUND_MIN) i = look_up(h, AS_SOUND, term_sound(word, &room), field);
    if (i == h->n && h->has_stems) i = look_up(h, AS_STEM, stemmer_stem(h->stemmer, word), field);
    return i;
}

static void find_spots(struct highlighter *h, struct str text, uint8_t field, struct spots *out)
{
    struct words w;
    uint32_t position = 0;

    if (text.n > TEXT_DOCUMENT_MAX) text.n = TEXT_DOCUMENT_MAX;
    words_open_as(&w, text, h->han_apart ? WORDS_HAN_APART : 0);
    while (words_next(&w)) {
        size_t i;
        if (text_is_stop_word(h->t, w.word)) continue;
        i = which(h, w.word, field);
        position++;
        if (i == h->n) continue;
        if (out->n == out->cap) {
            out->cap = out->cap == 0 ? 32 : out->cap * 2;
            out->list = mem_realloc(out->list, out->cap * sizeof *out->list);
        }
        out->list[out->n++] = (struct spot){ .at = w.at, .len = w.len, .position = position, .word = (uint32_t)i };
    }
}

/* --- fragments -------------------------------------------------------------------------------------------------------- */

struct fragment {
    size_t first, n;    /* spots */
    size_t from, to;    /* in the text */
    size_t other_words; /* between the spots */
    size_t score;       /* words of the query in it, each once */
};

/* From spot i on. */
static struct fragment fragment_at(const struct spots *s, size_t i)
{
    struct fragment f = { .first = i, .from = s->list[i].at };

    for (size_t k = i; k < s->n; k++) {
        bool known = false;
        if (k > i && s->list[k].position - s->list[k - 1].position > FRAGMENT_GAP) break;
        if (k > i) f.other_words += s->list[k].position - s->list[k - 1].position - 1;
        for (size_t j = i; j < k && !known && k - i < 64; j++) known = s->list[j].word == s->list[k].word;
        f.score += !known && k - i < 64;
        f.to = s->list[k].at + s->list[k].len;
        f.n++;
    }
    return f;
}

static int by_score(const void *a, const void *b)
{
    const struct fragment *x = a, *y = b;

    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int by_place(const void *a, const void *b)
{
    const struct fragment *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* The best ones in their order; how many. */
static size_t best_fragments(const struct spots *s, size_t max, struct fragment **out)
{
    size_t n = 0, cap = 0;

    *out = NULL;
    for (size_t i = 0; i < s->n; n++) {
        if (n == cap) {
            cap = cap == 0 ? 8 : cap * 2;
            *out = mem_realloc(*out, cap * sizeof **out);
        }
        (*out)[n] = fragment_at(s, i);
        i += (*out)[n].n;
    }
    qsort(*out, n, sizeof **out, by_score);
    if (n > max) n = max;
    qsort(*out, n, sizeof **out, by_place);
    return n;
}

/* --- writing ------------------------------------------------------------------------------------------------------------ */

static bool separates(char c)
{
    return (unsigned char)c < 0x80 && c != '_' && c != '\\' && !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
}

/* text[from..to) with its spots marked, from spot *i on. */
static void put_marked(struct str text, size_t from, size_t to, const struct spots *s, size_t *i, const struct highlight_rules *rules,
                       struct buf *out)
{
    for (; *i < s->n && s->list[*i].at + s->list[*i].len <= to; ++*i) {
        const struct spot *x = &s->list[*i];
        buf_add(out, text.p + from, x->at - from);
        if (rules->mark) buf_add_str(out, rules->open);
        buf_add(out, text.p + x->at, x->len);
        if (rules->mark) buf_add_str(out, rules->close);
        from = x->at + x->len;
    }
    buf_add(out, text.p + from, to - from);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Runs of blanks in out[from..] become one. */
static void squeeze(struct buf *out, size_t from)
{
    size_t to = from;

    for (size_t i = from; i < out->n; i++) {
        if (!is_blank(out->p[i])) out->p[to++] = out->p[i];
        else if (to == from || out->p[to - 1] != ' ') out->p[to++] = ' ';
    }
    out->n = to;
}

/* How far around f the text is shown: about as many words as are missing, half of them on each side, whole words, and
 * nothing beyond the bounds. */
static void widen(struct str text, const struct fragment *f, size_t words, size_t lo, size_t hi, size_t *from, size_t *to)
{
    size_t room = words > f->other_words ? (words - f->other_words) / 2 * WORD_BYTES : 0;

    *from = f->from - lo > room ? f->from - room : lo;
    *to = hi - f->to > room ? f->to + room : hi;
    if (*from > 0) { /* text[0] begins a word, if any */
        while (*from < f->from && !separates(text.p[*from])) ++*from;
    }
    while (*from < f->from && separates(text.p[*from])) ++*from;
    if (*to < text.n) {
        while (*to > f->to && !separates(text.p[*to])) --*to;
    }
    while (*to > f->to && separates(text.p[*to - 1])) --*to;
}

static void put_summary(struct str text, const struct spots *s, const struct highlight_rules *rules, struct buf *out)
{
    struct fragment *f;
    size_t n = best_fragments(s, rules->fragments, &f);

    for (size_t i = 0; i < n; i++) {
        size_t from, to, spot = f[i].first, begin = out->n;
        widen(text, &f[i], rules->words, i > 0 ? f[i - 1].to : 0, i + 1 < n ? f[i + 1].from : text.n, &from, &to);
        /* What the text around has of the query's words is marked too where it is in no other fragment. */
        while (spot > 0 && s->list[spot - 1].at >= from) spot--;
        put_marked(text, from, to, s, &spot, rules, out);
        squeeze(out, begin);
        buf_add_str(out, rules->separator);
    }
    mem_free(f);
}

/* The beginning of a text that has none of the words. */
static void put_beginning(struct str text, const struct highlight_rules *rules, struct buf *out)
{
    size_t from = out->n, max;

    if (__builtin_mul_overflow(rules->words, rules->fragments, &max) || max > text.n) max = text.n;
    max = max * WORD_BYTES + WORD_BYTES;
    buf_add(out, text.p, max < text.n ? max : text.n);
    squeeze(out, from);
    if (max >= text.n) return;
    while (out->n > from + 1 && !separates(out->p[out->n - 1])) out->n--;
    while (out->n > from && is_blank(out->p[out->n - 1])) out->n--;
}

void highlight(struct highlighter *h, struct str text, uint8_t field, const struct highlight_rules *rules, struct buf *out)
{
    struct spots s = { 0 };
    size_t first = 0;

    find_spots(h, text, field, &s);
    if (s.n == 0 && rules->summarize && !rules->mark) put_beginning(text, rules, out);
    else if (s.n == 0 || !rules->summarize) put_marked(text, 0, text.n, &s, &first, rules, out);
    else put_summary(text, &s, rules, out);
    mem_free(s.list);
}

void highlight_words(struct highlighter *h, struct str text, uint8_t field, void (*fn)(void *ctx, struct str word), void *ctx)
{
    struct spots s = { 0 };
    struct buf folded = { 0 };

    find_spots(h, text, field, &s);
    for (size_t i = 0; i < s.n; i++) {
        const struct text_word *w = &h->asked[s.list[i].word].word;

        buf_clear(&folded);
        if (w->how == TEXT_WORD) buf_add_str(&folded, w->word);
        else words_fold(str_of(text.p + s.list[i].at, s.list[i].len), 0, &folded);
        fn(ctx, buf_str(&folded));
    }
    buf_fini(&folded);
    mem_free(s.list);
}
