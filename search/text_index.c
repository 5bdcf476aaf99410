/* text_index.c -- documents to rows of words. See text_index.h. */
#include <math.h>

#include "base/rng.h"
#include "search/text_impl.h"

enum { VALUE_GAP = 100 }; /* positions between two values of a field: no phrase spans both */

struct text_index *text_index_new(const struct text_rules *rules)
{
    struct text_index *t = mem_zalloc(sizeof *t);

    rng_secret(&t->key, sizeof t->key);
    t->no_offsets = rules->no_offsets;
    t->no_freqs = rules->no_freqs;
    t->suffixes = rules->suffixes;
    t->synonyms = rules->synonyms;
    t->buckets.item = sizeof(struct term *);
    t->now = numbering_new();
    t->fresh = numbering_new();
    t->fresh_of.item = sizeof(uint32_t);
    t->n_buckets = PAGE_FIRST_ITEMS;
    pages_reach(&t->buckets, t->n_buckets, 0);
    for (size_t i = 0; i < TEXT_FIELDS_MAX; i++) t->weights[0][i] = t->weights[1][i] = 1;
    t->language = language_get(t, rules->language.n > 0 ? rules->language : STR("english"));
    for (const char *const *w = rules->stop_words; w != NULL && *w != NULL; w++)
        if (strlen(*w) <= WORD_MAX) term_stop(t, str_c(*w));
    return t;
}

void text_index_free(struct text_index **t)
{
    struct text_index *x = *t;

    if (x == NULL) return;
    for (size_t i = 0; i < x->n_buckets; i++) {
        for (struct term *w = *bucket_at(x, i), *next; w != NULL; w = next) {
            next = w->next;
            postings_free(x, &w->postings);
            mem_free(w);
        }
    }
    pages_fini(&x->buckets);
    numbering_fini(&x->now);
    numbering_fini(&x->fresh);
    pages_fini(&x->fresh_of);
    order_fini(&x->order);
    order_fini(&x->endings);
    for (uint8_t i = 0; i < x->n_languages; i++) {
        mem_free((void *)(uintptr_t)x->languages[i].name.p);
        stemmer_free(&x->languages[i].stemmer);
    }
    mem_free(x->occurrences);
    mem_free(x->met);
    buf_fini(&x->stem);
    buf_fini(&x->entry);
    mem_free(x);
    *t = NULL;
}

/* --- a document's words ------------------------------------------------------------------------------------------- */

static inline void meet(struct text_index *t, struct term *w, uint8_t field, uint32_t position)
{
    double weight = t->weights[(w->flags & TERM_STEM) != 0][field];
    uint32_t i = (uint32_t)t->n_occurrences;
    struct met *m;

    if (t->n_occurrences == t->cap_occurrences) {
        t->cap_occurrences = t->cap_occurrences == 0 ? 32 : t->cap_occurrences * 2;
        t->occurrences = mem_realloc(t->occurrences, t->cap_occurrences * sizeof *t->occurrences);
    }
    t->occurrences[t->n_occurrences++] = (struct occurrence){ .position = position, .field = field };
    if (w->met < t->n_met && t->met[w->met].term == w) {
        m = &t->met[w->met];
        t->occurrences[m->last].next = i;
        m->last = i;
        m->n++;
        m->tf += weight;
        return;
    }
    if (t->n_met == t->cap_met) {
        t->cap_met = t->cap_met == 0 ? 32 : t->cap_met * 2;
        t->met = mem_realloc(t->met, t->cap_met * sizeof *t->met);
    }
    w->met = (uint32_t)t->n_met;
    t->met[t->n_met++] = (struct met){ .term = w, .first = i, .last = i, .n = 1, .tf = weight };
}

/* Room for one large document is not kept. */
static void tidy(struct text_index *t)
{
    enum { KEEP = 16 * 1024 };

    if (t->cap_occurrences > KEEP) {
        mem_free(t->occurrences);
        t->occurrences = NULL;
        t->cap_occurrences = 0;
    }
    if (t->cap_met > KEEP) {
        mem_free(t->met);
        t->met = NULL;
        t->cap_met = 0;
    }
    if (t->entry.cap > KEEP) buf_fini(&t->entry);
}

static void open_value(struct text_index *t, const struct text_value *v, uint8_t language)
{
    words_open_as(&t->walk, v->text, language < LANGUAGES_MAX && t->languages[language].han_apart ? WORDS_HAN_APART : 0);
}

static void read_chunk(struct text_index *t, struct text_chunk *c)
{
    c->n = words_some(&t->walk, c->words, TERMS_AT_ONCE, (char *)c->room, sizeof c->room);
    terms_expect(t, c);
}

static void meet_sound(struct text_index *t, const struct term *w, uint8_t field, uint32_t position)
{
    struct term_sound room;
    struct str sound = w->n >= SOUND_MIN ? term_sound(term_text(w), &room) : STR("");

    if (sound.n > 0) meet(t, term_get(t, sound, TERM_SOUND), field, position);
}

static uint32_t meet_chunk(struct text_index *t, const struct text_chunk *c, const struct text_value *v, uint8_t language, uint32_t position)
{
    struct term *terms[TERMS_AT_ONCE];

    terms_get(t, c, terms);
    for (size_t i = 0; i < c->n; i++) {
        struct term *word = terms[i], *stem;

        if (word->flags & TERM_STOP) continue;
        meet(t, word, v->field, position);
        stem = v->no_stem ? NULL : term_stem(t, word, language);
        if (stem != NULL) meet(t, stem, v->field, position);
        if (v->phonetic) meet_sound(t, word, v->field, position);
        position++;
    }
    return position;
}

/* Words of a value that has been opened, the first of which are in chunks[0], from `position` on; the position behind it. */
static uint32_t meet_words(struct text_index *t, const struct text_value *v, uint8_t language, uint32_t position, double *length)
{
    struct text_chunk *now = &t->chunks[0], *next = &t->chunks[1];
    uint32_t from = position;

    while (now->n > 0) {
        struct text_chunk *done = now;

        read_chunk(t, next);
        position = meet_chunk(t, now, v, language, position);
        now = next;
        next = done;
        terms_fetch(t, now);
    }
    *length += v->weight * (position - from);
    return position;
}

/* A stem counts a fifth of a word, and not less than a word of weight 1, as in RediSearch. */
static void set_weight(struct text_index *t, uint8_t field, double weight)
{
    t->weights[0][field] = weight;
    t->weights[1][field] = weight <= 1 ? weight : weight < 10 ? 1 : floor(weight / 5);
}

/* All words of a document. Values of a field stand behind each other, fields in their order: so postings want them. */
static double meet_all(struct text_index *t, const struct text_value *values, size_t n, uint8_t language)
{
    uint64_t left = 0;
    double length = 0;

    t->n_occurrences = t->n_met = 0;
    for (size_t i = 0; i < n; i++) left |= 1ULL << values[i].field;
    for (; left != 0; left &= left - 1) {
        uint8_t field = (uint8_t)__builtin_ctzll(left);
        uint32_t position = 0;
        for (size_t i = 0; i < n; i++) {
            if (values[i].field != field) continue;
            set_weight(t, field, values[i].weight);
            if (values[i].no_stem) t->no_stem_fields |= 1ULL << field;
            if (values[i].phonetic) t->phonetic_fields |= 1ULL << field;
            if (i != t->first_value) {
                open_value(t, &values[i], language);
                read_chunk(t, &t->chunks[0]);
            }
            position = meet_words(t, &values[i], language, position, &length) + VALUE_GAP;
        }
    }
    return length;
}

/* --- rows ------------------------------------------------------------------------------------------------------------ */

static void set_row(struct numbering *n, uint32_t doc, uint32_t row)
{
    pages_reach(&n->row_of, (size_t)doc + 1, 0xff);
    *(uint32_t *)pages_at(&n->row_of, doc) = row;
}

static uint32_t add_row(struct numbering *n, uint32_t doc, const struct row *row)
{
    ensure(n->n < NO_ROW);
    pages_reach(&n->rows, (size_t)n->n + 1, 0);
    pages_reach(&n->docs, (size_t)n->n + 1, 0);
    *row_at(n, n->n) = *row;
    *doc_at(n, n->n) = doc;
    set_row(n, doc, n->n);
    return n->n++;
}

uint32_t text_add_fresh(struct text_index *t, uint32_t row)
{
    uint32_t fresh = add_row(&t->fresh, *doc_at(&t->now, row), row_at(&t->now, row));

    pages_reach(&t->fresh_of, (size_t)row + 1, 0xff);
    *(uint32_t *)pages_at(&t->fresh_of, row) = fresh;
    return fresh;
}

void text_index_expect(const struct text_index *t, uint32_t doc)
{
    if (doc < t->now.row_of.items) __builtin_prefetch(pages_at(&t->now.row_of, doc), 1);
}

void text_index_remove(struct text_index *t, uint32_t doc)
{
    uint32_t row = row_of(&t->now, doc), fresh;

    if (row == NO_ROW) return;
    t->live--;
    t->total_length -= row_at(&t->now, row)->length;
    *doc_at(&t->now, row) = UINT32_MAX;
    set_row(&t->now, doc, NO_ROW);
    if (t->sweep == SWEEP_NONE) return;
    fresh = row_of(&t->fresh, doc);
    if (fresh == NO_ROW) return;
    *doc_at(&t->fresh, fresh) = UINT32_MAX;
    set_row(&t->fresh, doc, NO_ROW);
}

static uint64_t hash_of(const struct text_index *t, const struct text_value *values, size_t n, uint8_t language)
{
    enum { ODD = 0x9e3779b1 };
    uint64_t h = language, weight;

    for (size_t i = 0; i < n; i++) {
        memcpy(&weight, &values[i].weight, sizeof weight);
        h = h * ODD + hash_quick(&t->key, values[i].text); /* who writes texts cannot know the hash of one */
        h = (h ^ weight) * ODD + values[i].field * 4 + values[i].phonetic * 2 + values[i].no_stem;
    }
    return h;
}

/* The first TEXT_DOCUMENT_MAX bytes. */
static void cut_values(struct text_index *t)
{
    size_t left = TEXT_DOCUMENT_MAX, kept = 0;

    t->cut = mem_alloc(t->n_values * sizeof *t->cut);
    for (size_t i = 0; i < t->n_values && left > 0; i++) {
        t->cut[kept] = t->values[i];
        if (t->cut[kept].text.n > left) t->cut[kept].text.n = left;
        left -= t->cut[kept++].text.n;
    }
    t->values = t->cut;
    t->n_values = kept;
}

/* The value that meet_all begins with. */
static size_t first_of(const struct text_value *values, size_t n)
{
    size_t first = 0;

    for (size_t i = 1; i < n; i++)
        if (values[i].field < values[first].field) first = i;
    return first;
}

void text_index_put_begin(struct text_index *t, uint32_t doc, const struct text_value *values, size_t n, struct str language)
{
    uint32_t at = row_of(&t->now, doc);
    size_t bytes = 0;

    t->values = values;
    t->n_values = n;
    t->spoken = language.n > 0 ? language_get(t, language) : t->language;
    for (size_t i = 0; i < n; i++) bytes += values[i].text.n;
    if (bytes > TEXT_DOCUMENT_MAX) cut_values(t);
    t->values_hash = hash_of(t, t->values, t->n_values, t->spoken);
    if (at != NO_ROW && n > 0 && row_at(&t->now, at)->hash == t->values_hash) t->n_values = 0;
    else text_index_remove(t, doc);
    if (t->n_values == 0) return;
    t->first_value = first_of(t->values, t->n_values);
    open_value(t, &t->values[t->first_value], t->spoken);
    read_chunk(t, &t->chunks[0]);
}

void text_index_put_fetch(struct text_index *t)
{
    if (t->n_values > 0) terms_fetch(t, &t->chunks[0]);
}

/* Where the entries of the terms go: the blocks are on their way already, and their ends are far from their beginnings. */
static void fetch_ends(const struct text_index *t)
{
    for (size_t i = 0; i < t->n_met; i++) __builtin_prefetch(t->met[i].term->postings.last, 1);
    for (size_t i = 0; i < t->n_met; i++) {
        const struct block *b = t->met[i].term->postings.last;

        if (b != NULL) __builtin_prefetch(b->bytes + b->used, 1);
    }
}

void text_index_put_end(struct text_index *t, uint32_t doc)
{
    struct row row = { .hash = t->values_hash };
    double length, max_tf = 0;
    uint32_t at, fresh;

    if (t->n_values > 0) {
        length = meet_all(t, t->values, t->n_values, t->spoken);
        fetch_ends(t);
        for (size_t i = 0; i < t->n_met; i++)
            if (t->met[i].tf > max_tf) max_tf = t->met[i].tf;
        row.length = (uint32_t)length;
        row.max_tf = (uint32_t)max_tf;
        at = add_row(&t->now, doc, &row);
        fresh = t->sweep == SWEEP_LISTS ? text_add_fresh(t, at) : at;
        t->live++;
        t->total_length += row.length;
        postings_add_all(t, at, fresh);
        text_sweep_owes(t, t->n_met);
        tidy(t);
    }
    mem_free(t->cut);
    t->cut = NULL;
}

void text_index_put(struct text_index *t, uint32_t doc, const struct text_value *values, size_t n, struct str language)
{
    text_index_put_begin(t, doc, values, n, language);
    text_index_put_fetch(t);
    text_index_put_end(t, doc);
}

/* --- figures ----------------------------------------------------------------------------------------------------------- */

static size_t memory_of(const struct text_index *t)
{
    size_t n = t->memory + mem_good_size(sizeof *t);
    const struct pages *pages[] = { &t->buckets,    &t->now.rows,   &t->now.docs,     &t->now.row_of,
                                    &t->fresh.rows, &t->fresh.docs, &t->fresh.row_of, &t->fresh_of };

    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) n += pages_memory(pages[i]);
    if (t->cap_occurrences > 0) n += mem_good_size(t->cap_occurrences * sizeof *t->occurrences);
    if (t->cap_met > 0) n += mem_good_size(t->cap_met * sizeof *t->met);
    n += (t->stem.cap > 0 ? mem_good_size(t->stem.cap) : 0) + (t->entry.cap > 0 ? mem_good_size(t->entry.cap) : 0);
    return n + order_memory(&t->order) + order_memory(&t->endings);
}

void text_index_facts(const struct text_index *t, struct text_facts *f)
{
    *f = (struct text_facts){
        .docs = t->live,
        .terms = t->n_words,
        .postings = t->n_postings,
        .memory = memory_of(t),
        .posting_bytes = t->posting_bytes,
        .offset_bytes = t->offset_bytes,
        .average_length = t->live == 0 ? 0 : (double)t->total_length / t->live,
    };
}

static uint32_t docs_of(const struct text_index *t, const struct term *w)
{
    struct cursor c;
    uint32_t docs = 0;

    cursor_open(&c, t, w);
    while (cursor_next(&c, 0, NULL)) docs += c.doc != UINT32_MAX;
    return docs;
}

void text_index_each(const struct text_index *t, void (*fn)(void *ctx, struct str word, uint32_t docs), void *ctx)
{
    struct str text;
    struct term *w;

    for (struct order_at p = { 0, 0 }; order_get(&t->order, p, &w, &text); p = order_next(&t->order, p)) {
        uint32_t docs = docs_of(t, w);
        if (docs > 0) fn(ctx, text, docs);
    }
}

void text_index_each_term(const struct text_index *t, void (*fn)(void *ctx, struct str term, uint32_t docs), void *ctx)
{
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (const struct term *w = *bucket_at(t, i); w != NULL; w = w->next) {
            uint32_t docs = docs_of(t, w);
            if (docs > 0) fn(ctx, term_text(w), docs);
        }
    }
}
