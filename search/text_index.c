/* text_index.c -- rows, one for each document. See text_index.h; what is in them is read in text_put.c. */
#include "base/rng.h"
#include "search/text_impl.h"

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
    t->bucket_mask = 2 * t->n_buckets - 1;
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
    text_drop_later(x);
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
    mem_free(x->heard);
    mem_free(x->occurrences);
    mem_free(x->met);
    buf_fini(&x->stem);
    buf_fini(&x->entry);
    mem_free(x);
    *t = NULL;
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

uint32_t text_add_row(struct text_index *t, uint32_t doc)
{
    uint32_t row = add_row(&t->now, doc, &(struct row){ 0 });

    if (t->sweep == SWEEP_LISTS) text_add_fresh(t, row);
    t->live++;
    return row;
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

void text_remove_row(struct text_index *t, uint32_t doc)
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

void text_index_remove(struct text_index *t, uint32_t doc)
{
    text_remove_row(t, doc);
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
    return n + text_later_memory(t) + order_memory(&t->order) + order_memory(&t->endings);
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
