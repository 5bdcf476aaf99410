/* text_expand.c -- which words a word of a query stands for, in steps: one for each word that is looked at. */
#include "search/text_impl.h"

enum { LONGEST = 2 * WORD_MAX };

struct expansion {
    const struct text_index *t;
    const struct text_word *w;
    uint64_t fields;
    uint8_t language;
    size_t max;
    bool begun;

    const struct order *order;
    struct order_at at;
    struct str begin; /* all that is of interest begins so */

    /* TEXT_FUZZY: the query's characters, and for each beginning of the word before, row by row, how far it is from each of
     * theirs. Words that begin alike share rows. */
    uint32_t *query;
    size_t n_query;
    uint8_t *distances;
    uint32_t *characters; /* of the word before */
    size_t n_characters;  /* rows that hold */
};

static struct str behind(struct str s, size_t n)
{
    return str_of(s.p + n, s.n - n);
}

static struct str literal_begin(struct str pattern)
{
    size_t n = 0;

    while (n < pattern.n && memchr("*?\\", pattern.p[n], 3) == NULL) n++;
    return str_of(pattern.p, n);
}

/* --- fuzzy -------------------------------------------------------------------------------------------------------------- */

static uint8_t *distance_row(const struct expansion *x, size_t depth)
{
    return x->distances + depth * (x->n_query + 1);
}

static void fuzzy_begin(struct expansion *x)
{
    struct str s = x->w->word;
    uint8_t *row;

    x->query = mem_alloc((s.n + 1) * sizeof *x->query);
    while (s.n > 0) s = behind(s, next_character(s, &x->query[x->n_query++]));
    x->distances = mem_alloc((x->n_query + x->w->distance + 2) * (x->n_query + 1));
    x->characters = mem_alloc((x->n_query + x->w->distance + 2) * sizeof *x->characters);
    row = distance_row(x, 0);
    for (size_t i = 0; i <= x->n_query; i++) row[i] = i < UINT8_MAX ? (uint8_t)i : UINT8_MAX;
}

/* The row of one more character; what is least in it. */
static unsigned fuzzy_row(struct expansion *x, size_t depth, uint32_t c)
{
    const uint8_t *above = distance_row(x, depth - 1);
    uint8_t *row = distance_row(x, depth);
    unsigned least = row[0] = depth < UINT8_MAX ? (uint8_t)depth : UINT8_MAX;

    for (size_t i = 1; i <= x->n_query; i++) {
        unsigned d = above[i - 1] + (x->query[i - 1] != c);
        if (above[i] + 1U < d) d = above[i] + 1U;
        if (row[i - 1] + 1U < d) d = row[i - 1] + 1U;
        row[i] = d < UINT8_MAX ? (uint8_t)d : UINT8_MAX;
        if (d < least) least = d;
    }
    return least;
}

/* Is word near enough? Else *dead says how many of its bytes are enough to know that nothing that begins with them is, 0: it
 * may be. */
static bool fuzzy_match(struct expansion *x, struct str word, size_t *dead)
{
    struct str left = word;
    size_t depth = 0;
    bool shared = true;

    *dead = 0;
    while (left.n > 0) {
        uint32_t c;
        left = behind(left, next_character(left, &c));
        if (shared && depth < x->n_characters && x->characters[depth] == c) {
            depth++;
            continue;
        }
        shared = false;
        x->characters[depth++] = c;
        if (fuzzy_row(x, depth, c) > x->w->distance) {
            x->n_characters = depth - 1; /* the last is of no use to others: they are left out */
            *dead = word.n - left.n;
            return false;
        }
        x->n_characters = depth;
    }
    x->n_characters = depth;
    return distance_row(x, depth)[x->n_query] <= x->w->distance;
}

/* Behind all that begin with s. */
static struct order_at order_behind(const struct order *o, struct str s)
{
    char up[WORD_MAX + 4];

    ensure(s.n > 0 && s.n <= sizeof up);
    memcpy(up, s.p, s.n);
    up[s.n - 1] = (char)((unsigned char)up[s.n - 1] + 1); /* no byte of a word is 0xff */
    return order_find(o, str_of(up, s.n));
}

/* --- expansion ------------------------------------------------------------------------------------------------------------ */

static void choose(struct choices *out, struct term *w, uint64_t fields)
{
    if (w == NULL || (w->flags & TERM_STOP) || fields == 0) return;
    if (out->n == out->cap) {
        out->cap = out->cap == 0 ? 4 : out->cap * 2;
        out->list = mem_realloc(out->list, out->cap * sizeof *out->list);
    }
    out->list[out->n++] = (struct choice){ .term = w, .fields = fields };
}

static void choose_once(struct choices *out, struct term *w, uint64_t fields)
{
    for (size_t i = 0; i < out->n; i++)
        if (out->list[i].term == w) return;
    choose(out, w, fields);
}

/* The others of each group that the word is in. */
static void expand_synonyms(struct expansion *x, struct choices *out)
{
    const struct synonyms *s = x->t->synonyms;

    if (s == NULL) return;
    for (size_t i = synonyms_find(s, x->w->word); i < s->n && str_eq(s->list[i].word, x->w->word); i++) {
        for (size_t k = 0; k < s->n; k++) {
            if (!str_eq(s->list[k].group, s->list[i].group)) continue;
            choose_once(out, term_find(x->t, s->list[k].word), x->fields);
        }
    }
}

/* Those that sound like it. */
static void expand_sound(struct expansion *x, struct choices *out)
{
    struct term_sound room;
    struct str sound;

    if (x->w->no_sound || (x->fields & x->t->phonetic_fields) == 0) return;
    sound = term_sound(x->w->word, &room);
    if (sound.n > 0) choose(out, term_find(x->t, sound), x->fields);
}

/* The word, its synonyms, those that sound like it, those whose stem is the same, and the stem as a word. */
static void expand_word(struct expansion *x, struct choices *out)
{
    const struct text_index *t = x->t;
    struct str word = x->w->word, stem;
    char marked[WORD_MAX + 1];

    choose(out, term_find(t, word), x->fields);
    if (x->w->verbatim) return;
    expand_synonyms(x, out);
    expand_sound(x, out);
    if (x->language >= LANGUAGES_MAX || t->languages[x->language].stemmer == NULL) return;
    stem = stemmer_stem(t->languages[x->language].stemmer, word);
    if (stem.n == 0 || stem.n > WORD_MAX) return;
    marked[0] = STEM_MARK;
    memcpy(marked + 1, stem.p, stem.n);
    choose(out, term_find(t, str_of(marked, stem.n + 1)), x->fields);
    if (!str_eq(stem, word)) choose_once(out, term_find(t, stem), x->fields & ~t->no_stem_fields);
}

struct expansion *expansion_new(const struct text_index *t, const struct text_word *w, uint64_t fields, uint8_t language,
                                size_t max)
{
    struct expansion *x = mem_zalloc(sizeof *x);

    x->t = t;
    x->w = w;
    x->fields = fields;
    x->language = language;
    x->max = max;
    return x;
}

void expansion_free(struct expansion **x)
{
    if (*x == NULL) return;
    mem_free((*x)->query);
    mem_free((*x)->distances);
    mem_free((*x)->characters);
    mem_free(*x);
    *x = NULL;
}

static void begin(struct expansion *x)
{
    enum text_match how = x->w->how;
    bool by_ending = x->t->suffixes && x->w->word.n > 0 && (how == TEXT_SUFFIX || how == TEXT_INFIX);

    x->begun = true;
    x->order = by_ending ? &x->t->endings : &x->t->order;
    if (how == TEXT_PREFIX || by_ending) x->begin = x->w->word;
    if (how == TEXT_WILDCARD) x->begin = literal_begin(x->w->word);
    if (how == TEXT_FUZZY) fuzzy_begin(x);
    x->at = order_find(x->order, x->begin);
}

/* Does the word match? ending: what the order has of it. */
static bool matches(struct expansion *x, const struct term *w, struct str ending, size_t *dead)
{
    struct str word = term_text(w), want = x->w->word;

    if (x->w->how == TEXT_FUZZY) return fuzzy_match(x, word, dead);
    if (x->order == &x->t->order) return text_word_matches(x->w, word);
    /* In the middle: by the first place where it is, since others are the same word again. */
    return x->w->how == TEXT_SUFFIX ? ending.n == want.n : memmem(word.p, word.n, want.p, want.n) == ending.p;
}

bool expansion_step(struct expansion *x, size_t *budget, struct choices *out)
{
    struct str ending;
    struct term *w;

    if (x->w->how == TEXT_WORD) {
        expand_word(x, out);
        return true;
    }
    if (x->w->word.n > LONGEST) return true; /* no word is so long, and no pattern is tried that is */
    if (!x->begun) begin(x);
    while (order_get(x->order, x->at, &w, &ending) && str_starts(ending, x->begin) && out->n < x->max) {
        size_t dead = 0;
        if (*budget == 0) return false;
        --*budget;
        if (matches(x, w, ending, &dead)) choose(out, w, x->fields);
        x->at = dead > 0 ? order_behind(x->order, str_of(w->text, dead)) : order_next(x->order, x->at);
    }
    return true;
}
