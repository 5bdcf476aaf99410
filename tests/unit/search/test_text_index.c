/* An index of words against a model that keeps all documents as they came and reads them whole for every question. */
#include "search/text_index.h"
#include "tests/unit/unit.h"
#include "text/phonetic.h"

enum { DOCS = 60, FIELDS = 3, VALUES = 4, NO_STEM_FIELD = 2, PHONETIC_FIELD = 1 };

static const char *const vocabulary[] = { "run", "running", "runs", "runner", "the", "of", "city", "cities", "cat", "cats", "caf\xc3\xa9",
    "banana", "bandana", "an", "ana", "connected", "connection", "x", "user_1", "\xe5\x8c\x97\xe4\xba\xac", "aa", "aaa", "ab", "b" };
static const char *const stop[] = { "of", "the", NULL };
static const double weights[FIELDS] = { 1, 2.5, 10 };

struct model_doc {
    struct text_value values[VALUES];
    char text[VALUES][200];
    size_t n;
};
struct model {
    struct model_doc docs[DOCS];
    struct stemmer *stemmer;
};

/* A place of a word in a document. */
struct spot {
    struct str word;
    uint8_t field;
    uint32_t position;
};

static char spot_bytes[64 * 1024];

/* All words of a document but stop words, with positions by field. */
static size_t spots_of(const struct model_doc *d, struct spot *out)
{
    size_t n = 0, used = 0;

    for (uint8_t f = 0; f < FIELDS; f++) {
        uint32_t position = 0;
        for (size_t v = 0; v < d->n; v++) {
            struct words w;
            if (d->values[v].field != f) continue;
            words_open(&w, d->values[v].text);
            while (words_next(&w)) {
                if (str_eq(w.word, STR("the")) || str_eq(w.word, STR("of"))) continue;
                memcpy(spot_bytes + used, w.word.p, w.word.n);
                out[n++] = (struct spot){ str_of(spot_bytes + used, w.word.n), f, position++ };
                used += w.word.n;
            }
            position += 100;
        }
    }
    return n;
}

static size_t distance(struct str a, struct str b) /* of characters */
{
    uint32_t x[64], y[64];
    size_t n = 0, m = 0, row[65], above[65];

    for (size_t i = 0, k; i < a.n; i += k) {
        k = word_char_size(str_of(a.p + i, a.n - i));
        x[n] = 0;
        memcpy(&x[n++], a.p + i, k);
    }
    for (size_t i = 0, k; i < b.n; i += k) {
        k = word_char_size(str_of(b.p + i, b.n - i));
        y[m] = 0;
        memcpy(&y[m++], b.p + i, k);
    }
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        memcpy(above, row, sizeof row);
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = above[j - 1] + (x[i - 1] != y[j - 1]);
            if (above[j] + 1 < row[j]) row[j] = above[j] + 1;
            if (row[j - 1] + 1 < row[j]) row[j] = row[j - 1] + 1;
        }
    }
    return row[m];
}

static bool wild(struct str p, struct str t)
{
    if (p.n == 0) return t.n == 0;
    if (*p.p == '*') return wild(str_of(p.p + 1, p.n - 1), t) || (t.n > 0 && wild(p, str_of(t.p + 1, t.n - 1)));
    if (t.n == 0) return false;
    if (*p.p == '?') {
        size_t k = word_char_size(t);
        return wild(str_of(p.p + 1, p.n - 1), str_of(t.p + k, t.n - k));
    }
    return *p.p == *t.p && wild(str_of(p.p + 1, p.n - 1), str_of(t.p + 1, t.n - 1));
}

static bool stems_meet(const struct model *m, struct str word, struct str asked)
{
    struct buf stem = { 0 };
    bool same;

    buf_add_str(&stem, stemmer_stem(m->stemmer, asked));
    same = str_eq(word, buf_str(&stem));
    if (word.n >= 4) {
        struct str its = stemmer_stem(m->stemmer, word);
        same = same || (!str_eq(its, word) && str_eq(its, buf_str(&stem)));
    }
    buf_fini(&stem);
    return same;
}

static bool sounds_meet(struct str word, struct str asked)
{
    char a[PHONETIC_MAX], b[PHONETIC_MAX];
    size_t n = phonetic_code(word, a), m = phonetic_code(asked, b);

    return word.n >= 3 && n > 0 && str_eq(str_of(a, n), str_of(b, m));
}

static bool model_word(const struct model *m, const struct text_word *w, const struct spot *s)
{
    switch (w->how) {
    case TEXT_WORD:
        if (str_eq(w->word, s->word)) return true;
        if (!w->verbatim && !w->no_sound && s->field == PHONETIC_FIELD && sounds_meet(s->word, w->word)) return true;
        return !w->verbatim && s->field != NO_STEM_FIELD && stems_meet(m, s->word, w->word);
    case TEXT_PREFIX: return str_starts(s->word, w->word);
    case TEXT_SUFFIX: return s->word.n >= w->word.n && memcmp(s->word.p + s->word.n - w->word.n, w->word.p, w->word.n) == 0;
    case TEXT_INFIX: return memmem(s->word.p, s->word.n, w->word.p, w->word.n) != NULL;
    case TEXT_FUZZY: return distance(w->word, s->word) <= w->distance;
    case TEXT_WILDCARD: return wild(w->word, s->word);
    }
    return false;
}

/* Words from i on, all in the field; those before lie in lo..hi, the last at `last`. */
static bool model_near(const struct model *m, const struct text_phrase *p, size_t i, const struct spot *spots, size_t n, int field,
                       int64_t lo, int64_t hi, int64_t last)
{
    if (i == p->n) return p->slop < 0 || hi - lo + 1 - (int64_t)p->n <= p->slop;
    for (size_t k = 0; k < n; k++) {
        int64_t at = spots[k].position;
        if ((field >= 0 && spots[k].field != field) || !(p->fields >> spots[k].field & 1) || !model_word(m, &p->words[i], &spots[k])) continue;
        if (i > 0 && p->in_order && at <= last) continue;
        if (model_near(m, p, i + 1, spots, n, spots[k].field, i == 0 || at < lo ? at : lo, i == 0 || at > hi ? at : hi, at)) return true;
    }
    return false;
}

static bool model_has(const struct model *m, const struct text_phrase *p, const struct spot *spots, size_t n)
{
    if (p->n > 1 && (p->slop >= 0 || p->in_order)) return model_near(m, p, 0, spots, n, -1, 0, 0, 0);
    for (size_t i = 0; i < p->n; i++) {
        bool any = false;
        for (size_t k = 0; k < n && !any; k++) any = (p->fields >> spots[k].field & 1) && model_word(m, &p->words[i], &spots[k]);
        if (!any) return false;
    }
    return true;
}

/* --- random ----------------------------------------------------------------------------------------------------------- */

static void random_doc(struct rng *r, struct model_doc *d)
{
    d->n = rng_below(r, VALUES) + 1;
    for (size_t v = 0; v < d->n; v++) {
        size_t n = 0;
        uint8_t field = (uint8_t)rng_below(r, FIELDS);
        for (uint64_t k = rng_below(r, 8); k > 0; k--)
            n += (size_t)snprintf(d->text[v] + n, sizeof d->text[v] - n, "%s ", vocabulary[rng_below(r, sizeof vocabulary / sizeof *vocabulary)]);
        d->values[v] = (struct text_value){ .field = field, .no_stem = field == NO_STEM_FIELD, .phonetic = field == PHONETIC_FIELD,
                                            .weight = weights[field], .text = str_of(d->text[v], n) };
    }
}

static struct text_word random_word(struct rng *r, char *room)
{
    static const char *const patterns[] = { "*", "r*", "*an*a", "?", "b?n*", "caf?", "*s", "run*", "\xe5\x8c\x97?", "a*?" };
    struct text_word w = { .how = (enum text_match)rng_below(r, 6), .verbatim = rng_below(r, 2) == 0, .no_sound = rng_below(r, 2) == 0,
                           .distance = (uint8_t)(rng_below(r, 3) + 1) };
    struct words each;

    words_open(&each, str_c(vocabulary[rng_below(r, sizeof vocabulary / sizeof *vocabulary)]));
    words_next(&each);
    memcpy(room, each.word.p, each.word.n);
    w.word = str_of(room, each.word.n);
    if (w.how == TEXT_WILDCARD) w.word = str_c(patterns[rng_below(r, sizeof patterns / sizeof *patterns)]);
    if (w.how == TEXT_PREFIX && (unsigned char)*room < 0x80) w.word.n = rng_below(r, w.word.n + 1);
    if ((w.how == TEXT_SUFFIX || w.how == TEXT_INFIX) && (unsigned char)*room < 0x80 && w.word.n > 1) {
        size_t cut = rng_below(r, w.word.n);
        if (((unsigned char)w.word.p[cut] & 0xc0) != 0x80) w.word = str_of(w.word.p + cut, w.word.n - cut);
    }
    return w;
}

struct expected {
    struct docset found;
    double tf[DOCS];
};

static void note_hit(void *ctx, const struct text_hit *h)
{
    struct expected *x = ctx;

    ck_assert(docset_has(&x->found, h->doc) && h->df > 0 && h->max_tf > 0 && h->tf > 0);
    x->tf[h->doc] += h->tf;
}

/* Ask both. Documents may go while the question is on. */
static void ask(struct rng *r, struct text_index *t, struct model *m)
{
    char room[3][64];
    struct text_word words[3];
    struct text_phrase p = { .words = words, .n = rng_below(r, 3) + 1, .slop = (int)rng_below(r, 5) - 1, .in_order = rng_below(r, 2) == 0,
                             .fields = rng_below(r, 3) == 0 ? 1ULL << rng_below(r, FIELDS) : ~0ULL, .expansions = 1000 };
    struct expected got = { 0 };
    struct text_scan *s;
    size_t budget = rng_below(r, 2) == 0 ? 1 + rng_below(r, 20) : 1000000;
    static struct spot spots[2000];

    for (size_t i = 0; i < p.n; i++) words[i] = random_word(r, room[i]);
    s = text_scan_new(t, &p);
    while (!text_scan_step(s, budget, &got.found)) {
        uint32_t doc = (uint32_t)rng_below(r, DOCS);
        if (rng_below(r, 50) > 0) continue;
        text_index_remove(t, doc);
        m->docs[doc].n = 0;
    }
    for (uint32_t d = 0; d < DOCS; d++) {
        size_t n = spots_of(&m->docs[d], spots);
        bool want = model_has(m, &p, spots, n);
        if (m->docs[d].n == 0) docset_remove(&got.found, d);
        if (docset_has(&got.found, d) != want)
            ck_abort_msg("doc %u: %s; %zu words, first %d \"%.*s\", slop %d, in order %d, fields %llx", d, want ? "missing" : "too much",
                         p.n, (int)words[0].how, (int)words[0].word.n, words[0].word.p, p.slop, p.in_order, (unsigned long long)p.fields);
    }
    while (!text_scan_hits_step(s, budget, &got.found, note_hit, &got)) continue;
    for (uint32_t d = 0; d < DOCS; d++) ck_assert(docset_has(&got.found, d) == (got.tf[d] > 0));
    text_scan_free(&s);
    docset_fini(&got.found);
}

static void play(bool suffixes, int steps)
{
    struct text_rules rules = { .stop_words = stop, .suffixes = suffixes, .language = STR("english") };
    struct text_index *t = text_index_new(&rules);
    static struct model m;
    struct rng r;
    bool sweeping = false;

    unit_rng(&r);
    m.stemmer = stemmer_new(STR("english"));
    for (int i = 0; i < steps; i++) {
        uint32_t doc = (uint32_t)rng_below(&r, DOCS);
        uint64_t what = rng_below(&r, 8);

        if (what > 3) text_index_flush(t);
        switch (what) {
        case 0:
            text_index_remove(t, doc);
            m.docs[doc].n = 0;
            break;
        case 1:
        case 2:
        case 3:
            random_doc(&r, &m.docs[doc]);
            /* Several at once, the same one more than once, and gone before they are flushed, too. */
            text_index_take(t, doc, m.docs[doc].values, m.docs[doc].n, STR(""));
            if (rng_below(&r, 4) == 0) continue;
            text_index_flush(t);
            break;
        case 4:
        case 5: sweeping = text_index_sweep(t, 1 + rng_below(&r, 100)); break;
        default: ask(&r, t, &m);
        }
        text_index_flush(t);
        if (i % 50 == 0) text_index_check(t);
    }
    while (sweeping) sweeping = text_index_sweep(t, 1000);
    text_index_check(t);
    text_index_free(&t);
    stemmer_free(&m.stemmer);
}

START_TEST(an_index_finds_what_the_texts_hold)
{
    play(false, 20000);
}
END_TEST

START_TEST(an_index_of_endings_finds_the_same)
{
    play(true, 20000);
}
END_TEST

/* --- single things -------------------------------------------------------------------------------------------------------- */

static void put_as(struct text_index *t, uint32_t doc, const char *text, bool phonetic)
{
    struct text_value v = { .weight = 1, .phonetic = phonetic, .text = str_c(text) };

    text_index_put(t, doc, &v, 1, STR(""));
}

static void put(struct text_index *t, uint32_t doc, const char *text)
{
    put_as(t, doc, text, false);
}

static size_t count(struct text_index *t, enum text_match how, const char *word)
{
    struct text_word w = { .how = how, .word = str_c(word), .distance = 1 };
    struct text_phrase p = { .words = &w, .n = 1, .slop = -1, .fields = ~0ULL };
    struct text_scan *s = text_scan_new(t, &p);
    struct docset found = { 0 };
    size_t n;

    while (!text_scan_step(s, 1000, &found)) continue;
    n = found.n;
    text_scan_free(&s);
    docset_fini(&found);
    return n;
}

static void add_up(void *ctx, struct str word, uint32_t docs)
{
    (void)word;
    *(uint64_t *)ctx += docs;
}

START_TEST(what_is_removed_leaves_nothing_behind)
{
    struct text_rules rules = { .stop_words = stop, .suffixes = true };
    struct text_index *t = text_index_new(&rules);
    struct text_facts f;
    uint64_t words = 0;
    char text[64];

    for (uint32_t d = 0; d < 3000; d++) {
        snprintf(text, sizeof text, "cities word%u common running", d);
        put_as(t, d, text, true);
    }
    text_index_each(t, add_up, &words);
    ck_assert_uint_eq(words, 4 * 3000);
    words = 0;
    text_index_each_term(t, add_up, &words);
    ck_assert_uint_eq(words, (4 + 2 + 4) * 3000); /* two have stems, all have a sound */
    for (uint32_t d = 0; d < 3000; d++) text_index_remove(t, d);
    ck_assert_uint_eq(count(t, TEXT_WORD, "common"), 0);
    for (int i = 0; i < 3; i++) /* stems go when the words that have them are gone */
        do put(t, 1, "x"), text_index_remove(t, 1); while (text_index_sweep(t, 500));
    for (uint32_t d = 0; d < 100; d++) put(t, d, "x"), text_index_remove(t, d);
    while (text_index_sweep(t, 500)) continue;
    text_index_check(t);
    text_index_facts(t, &f);
    ck_assert_uint_eq(f.docs, 0);
    ck_assert_uint_eq(f.terms, 0);
    ck_assert_uint_eq(f.postings, 0);
    ck_assert_uint_eq(f.posting_bytes, 0);
    text_index_free(&t);
}
END_TEST

START_TEST(memory_is_counted_to_the_byte)
{
    struct text_rules rules = { .suffixes = true, .language = STR("none") }; /* a stemmer has memory of its own */
    size_t before = mem_used();
    struct text_index *t = text_index_new(&rules);
    struct text_facts f;
    struct rng r;
    struct buf text = { 0 }, word = { 0 };

    unit_rng(&r);
    buf_room(&text, 4000);
    buf_room(&word, 100);
    before += mem_good_size(text.cap) + mem_good_size(word.cap);
    for (uint32_t i = 0; i < 3000; i++) {
        buf_clear(&text);
        for (int k = 0; k < 20; k++) {
            buf_add_str(&text, unit_random_bytes(&r, &word, rng_below(&r, 6) + 1, 20));
            buf_add_char(&text, ' ');
        }
        struct text_value v = { .weight = 1, .text = buf_str(&text) };
        text_index_put(t, (uint32_t)rng_below(&r, 500), &v, 1, STR(""));
        if (i % 3 == 0) text_index_sweep(t, 300);
        if (i % 100 > 0) continue;
        text_index_facts(t, &f);
        if (MEM_COUNTS_LIBRARIES) ck_assert_uint_eq(f.memory, mem_used() - before);
    }
    text_index_free(&t);
    buf_fini(&text);
    buf_fini(&word);
}
END_TEST

START_TEST(the_same_text_again_costs_no_row)
{
    struct text_rules rules = { 0 };
    struct text_index *t = text_index_new(&rules);
    struct text_facts f;

    for (int i = 0; i < 1000; i++) put(t, 7, "hello world");
    text_index_facts(t, &f);
    ck_assert_uint_eq(f.postings, 2);
    ck_assert(f.average_length == 2);
    text_index_free(&t);
}
END_TEST

START_TEST(chinese_is_found_by_characters_and_words_of_them)
{
    struct text_rules rules = { .language = STR("chinese") };
    struct text_index *t = text_index_new(&rules);

    put(t, 1, "\xe6\x88\x91\xe7\x88\xb1\xe5\x8c\x97\xe4\xba\xac"); /* I love Beijing */
    put(t, 2, "\xe4\xba\xac\xe5\x8c\x97");                         /* its characters the other way round */
    ck_assert_uint_eq(count(t, TEXT_WORD, "\xe5\x8c\x97\xe4\xba\xac"), 1);
    ck_assert_uint_eq(count(t, TEXT_WORD, "\xe5\x8c\x97"), 2);
    text_index_free(&t);
}
END_TEST

START_TEST(stop_words_are_not_found_and_leave_no_hole_in_phrases)
{
    struct text_rules rules = { .stop_words = stop };
    struct text_index *t = text_index_new(&rules);
    struct text_word w[] = { { .word = STR("king"), .verbatim = true }, { .word = STR("spain"), .verbatim = true } };
    struct text_phrase p = { .words = w, .n = 2, .slop = 0, .in_order = true, .fields = ~0ULL };
    struct text_scan *s;
    struct docset found = { 0 };
    static char longest[1 << 20];

    memset(longest, 'a', sizeof longest - 1);
    put(t, 1, "the king of spain");
    ck_assert_uint_eq(count(t, TEXT_WORD, "the"), 0);
    ck_assert_uint_eq(count(t, TEXT_PREFIX, "th"), 0);
    ck_assert_uint_eq(count(t, TEXT_FUZZY, longest), 0); /* and costs nothing */
    ck_assert(text_is_stop_word(t, STR("of")) && !text_is_stop_word(t, STR("king")) && !text_is_stop_word(t, STR("nowhere")));
    s = text_scan_new(t, &p);
    ck_assert(text_scan_step(s, 1000, &found));
    ck_assert(docset_has(&found, 1));
    text_scan_free(&s);
    docset_fini(&found);
    text_index_free(&t);
}
END_TEST

START_TEST(one_document_of_many_words_is_one_posting_each)
{
    struct text_rules rules = { 0 };
    struct text_index *t = text_index_new(&rules);
    struct buf text = { 0 };
    struct text_facts f;

    for (int i = 0; i < 300000; i++) buf_add_c(&text, i % 2 == 0 ? "ab " : "cd ");
    struct text_value v = { .weight = 1, .text = buf_str(&text) };
    text_index_put(t, 0, &v, 1, STR(""));
    put(t, 1, "ab");
    text_index_check(t);
    text_index_facts(t, &f);
    ck_assert_uint_eq(f.postings, 3);
    ck_assert_uint_eq(count(t, TEXT_WORD, "ab"), 2);
    buf_fini(&text);
    text_index_free(&t);
}
END_TEST

START_TEST(of_a_very_long_document_the_beginning_is_indexed)
{
    struct text_rules rules = { 0 };
    struct text_index *t = text_index_new(&rules);
    struct buf text = { 0 };

    buf_add_c(&text, "first ");
    while (text.n < TEXT_DOCUMENT_MAX) buf_add_c(&text, "more ");
    buf_add_c(&text, " last");
    struct text_value v[] = { { .weight = 1, .text = buf_str(&text) }, { .weight = 1, .text = STR("second") } };
    text_index_put(t, 0, v, 2, STR(""));
    ck_assert_uint_eq(count(t, TEXT_WORD, "first"), 1);
    ck_assert_uint_eq(count(t, TEXT_WORD, "more"), 1);
    ck_assert_uint_eq(count(t, TEXT_WORD, "last"), 0);
    ck_assert_uint_eq(count(t, TEXT_WORD, "second"), 0);
    text_index_check(t);
    buf_fini(&text);
    text_index_free(&t);
}
END_TEST

/* --- long documents ---------------------------------------------------------------------------------------------------- */

static void say_word(void *ctx, struct str word, uint32_t docs)
{
    buf_printf(ctx, "%.*s:%u ", (int)word.n, word.p, docs);
}

static void expect_alike(struct text_index *a, struct text_index *b)
{
    static const char *const asked[] = { "word7", "runs", "josé5" }; /* by their stems, too */
    struct buf x = { 0 }, y = { 0 };
    struct text_facts f, g;

    text_index_check(a);
    text_index_each(a, say_word, &x);
    text_index_each(b, say_word, &y);
    for (size_t i = 0; i < 3; i++) ck_assert_uint_eq(count(a, TEXT_WORD, asked[i]), count(b, TEXT_WORD, asked[i]));
    ck_assert(str_eq(buf_str(&x), buf_str(&y)));
    text_index_facts(a, &f);
    text_index_facts(b, &g);
    ck_assert_uint_eq(f.docs, g.docs);
    ck_assert_double_eq(f.average_length, g.average_length);
    buf_fini(&x);
    buf_fini(&y);
}

/* Two values of one field, one of another, and one more of the first. */
static void random_long(struct rng *r, struct buf *text, struct text_value v[3])
{
    size_t at[4] = { 0 };

    buf_clear(text);
    for (int i = 0; i < 3; i++) {
        for (uint64_t n = rng_below(r, 4000); n > 0; n--) buf_printf(text, rng_below(r, 9) ? "words%u " : "José%u, running ", (unsigned)rng_below(r, 3000));
        at[i + 1] = text->n;
    }
    for (uint8_t i = 0; i < 3; i++)
        v[i] = (struct text_value){ .field = i == 1 ? 1 : 0, .weight = 1 + i % 2, .phonetic = i == 1, .text = str_of(text->p + at[i], at[i + 1] - at[i]) };
}

START_TEST(a_long_document_that_goes_on_in_steps_is_the_same_in_the_end)
{
    struct text_rules rules = { .stop_words = stop, .suffixes = true, .language = STR("english") };
    struct text_index *steps = text_index_new(&rules), *once = text_index_new(&rules);
    struct buf text = { 0 };
    struct rng r;
    size_t began = 0, dropped = 0;

    unit_rng(&r);
    for (int round = 0; round < 120; round++) {
        uint32_t doc = (uint32_t)rng_below(&r, 6);
        struct text_value v[3];

        random_long(&r, &text, v);
        text_index_put(once, doc, v, 3, STR(""));
        text_index_take(steps, doc, v, 3, STR(""));
        text_index_flush(steps);
        memset(text.p, 'x', text.n); /* values may go */
        began += text_index_is_going_on(steps);
        for (uint64_t n = rng_below(&r, 40); n > 0 && !text_index_go_on(steps); n--) continue;
        if (text_index_is_going_on(steps)) ck_assert(!text_index_sweep(steps, 1000));
        if (rng_below(&r, 3) == 0) { /* gone in the midst of it, perhaps */
            dropped += text_index_is_going_on(steps);
            text_index_remove(once, doc);
            text_index_remove(steps, doc);
        }
        if (rng_below(&r, 3) == 0) { /* another one finishes it */
            put(once, 7, "short one");
            put(steps, 7, "short one");
            ck_assert(!text_index_is_going_on(steps));
        }
        while (!text_index_go_on(steps)) continue;
        if (round % 3 == 0) while (text_index_sweep(steps, 1000)) continue;
        if (round % 10 == 0) expect_alike(steps, once);
    }
    ck_assert(began > 30 && dropped > 5);
    expect_alike(steps, once);
    random_long(&r, &text, (struct text_value[3]){ { 0 } });
    while (text.n <= TEXT_LONG) buf_add_c(&text, "more words ");
    text_index_take(steps, 0, &(struct text_value){ .weight = 1, .text = buf_str(&text) }, 1, STR(""));
    ck_assert(text_index_is_going_on(steps));
    buf_fini(&text);
    text_index_free(&steps); /* in the midst of it */
    text_index_free(&once);
}
END_TEST

UNIT_MAIN("text_index", an_index_finds_what_the_texts_hold, an_index_of_endings_finds_the_same, what_is_removed_leaves_nothing_behind,
          memory_is_counted_to_the_byte, the_same_text_again_costs_no_row, chinese_is_found_by_characters_and_words_of_them,
          stop_words_are_not_found_and_leave_no_hole_in_phrases, one_document_of_many_words_is_one_posting_each,
          of_a_very_long_document_the_beginning_is_indexed, a_long_document_that_goes_on_in_steps_is_the_same_in_the_end)
