/* index.c -- see index.h: an index, and documents that go. Those that come are index_put.c, what is asked is index_ask.c. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "search/index_impl.h"

/* --- content ---------------------------------------------------------------------------------------------------- */

static void open_column(struct index_column *c, const struct field_spec *f)
{
    *c = (struct index_column){ 0 };
    switch (f->type) {
    case FIELD_TAG:
        c->tags = mem_alloc(sizeof *c->tags);
        tags_init(c->tags);
        break;
    case FIELD_NUMERIC:
        c->numbers = mem_alloc(sizeof *c->numbers);
        numbers_init(c->numbers);
        break;
    case FIELD_GEO:
        c->places = mem_alloc(sizeof *c->places);
        places_init(c->places);
        break;
    case FIELD_VECTOR: c->vectors = vec_index_new(&f->vec); break;
    case FIELD_TEXT: break;
    }
}

static void close_column(struct index_column *c)
{
    if (c->tags) tags_fini(c->tags);
    if (c->numbers) numbers_fini(c->numbers);
    if (c->places) places_fini(c->places);
    if (c->vectors) vec_index_free(&c->vectors);
    mem_free(c->tags);
    mem_free(c->numbers);
    mem_free(c->places);
    docset_fini(&c->present);
    docset_fini(&c->empty);
}

/* Columns for the fields that have none yet. */
static void open_columns(struct search_index *ix)
{
    const struct index_spec *s = ix->spec;
    struct index_content *c = ix->c;
    struct text_rules rules = { .stop_words = ix->stop_words, .no_offsets = s->no_offsets, .no_freqs = s->no_freqs, .language = s->language,
                                .synonyms = &ix->synonyms };

    c->columns = mem_realloc(c->columns, s->n_fields * sizeof *c->columns);
    while (c->n_columns < s->n_fields) {
        open_column(&c->columns[c->n_columns], &s->fields[c->n_columns]);
        c->n_columns++;
    }
    for (size_t i = 0; c->text == NULL && i < s->n_fields; i++) {
        if (!is_indexed_text(&s->fields[i])) continue;
        for (size_t k = i; k < s->n_fields; k++) rules.suffixes |= is_indexed_text(&s->fields[k]) && s->fields[k].suffixes;
        c->text = text_index_new(&rules);
    }
}

static struct index_content *content_new(struct search_index *ix)
{
    struct index_content *c = mem_zalloc(sizeof *c);

    names_init(&c->docs);
    column_init(&c->scores, double_cell(ix->spec->score));
    column_init(&c->payloads, 0);
    return c;
}

static void content_free(void *content)
{
    struct index_content *c = content;

    for (uint32_t d = 0; d < c->payloads.n_pages * COLUMN_PAGE; d++) mem_free(column_ptr(&c->payloads, d));
    for (size_t i = 0; i < c->n_columns; i++) close_column(&c->columns[i]);
    if (c->text) text_index_free(&c->text);
    names_fini(&c->docs);
    docset_fini(&c->alive);
    column_fini(&c->scores);
    column_fini(&c->payloads);
    mem_free(c->columns);
    mem_free(c->leaving.items);
    mem_free(c->gone.items);
    mem_free(c);
}

static void throw_away(struct search_index *ix, struct index_content *c, size_t bytes)
{
    if (ix->defer && c->docs.end > 256) ix->defer(ix->defer_ctx, content_free, c, bytes);
    else content_free(c);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The definition's own stop words, folded and sorted. */
static void own_stop_words(struct search_index *ix)
{
    const struct index_spec *s = ix->spec;
    size_t *at = mem_alloc((s->n_stop_words + 1) * sizeof *at);

    ix->stop_words = mem_zalloc((s->n_stop_words + 1) * sizeof *ix->stop_words);
    for (size_t i = 0; i < s->n_stop_words; i++) {
        at[i] = ix->stop_text.n;
        words_fold(s->stop_words[i], 0, &ix->stop_text);
        buf_add_char(&ix->stop_text, 0);
    }
    for (size_t i = 0; i < s->n_stop_words; i++) ix->stop_words[i] = ix->stop_text.p + at[i];
    qsort(ix->stop_words, s->n_stop_words, sizeof *ix->stop_words, compare_words);
    mem_free(at);
}

struct search_index *index_new(struct index_spec *spec)
{
    struct search_index *ix = mem_zalloc(sizeof *ix);

    ix->spec = spec;
    if (spec->own_stop_words) own_stop_words(ix);
    else ix->stop_words = (const char **)(uintptr_t)stop_words_english;
    ix->c = content_new(ix);
    open_columns(ix);
    return ix;
}

static void close_errors(struct index_errors *e)
{
    buf_fini(&e->text);
    buf_fini(&e->key);
}

void index_free(struct search_index **ixp)
{
    struct search_index *ix = *ixp;

    if (ix == NULL) return;
    ensure(ix->holds == 0);
    content_free(ix->c); /* text_index.h: its rules' stop words are ours */
    if (ix->spec->own_stop_words) mem_free(ix->stop_words);
    buf_fini(&ix->stop_text);
    spec_free(&ix->spec);
    synonyms_fini(&ix->synonyms);
    close_errors(&ix->errors);
    for (size_t i = 0; i < ix->n_field_errors; i++) close_errors(&ix->field_errors[i]);
    mem_free(ix->field_errors);
    buf_fini(&ix->folded);
    mem_free(ix->taken);
    mem_free(ix->numbers);
    mem_free(ix->tags);
    mem_free(ix->texts);
    mem_free(ix);
    *ixp = NULL;
}

struct synonyms *index_synonyms(struct search_index *ix)
{
    return &ix->synonyms;
}

const struct index_spec *index_spec(const struct search_index *ix)
{
    return ix->spec;
}

void index_set_defer(struct search_index *ix, index_defer *defer, void *ctx)
{
    ix->defer = defer;
    ix->defer_ctx = ctx;
}

bool index_alter(struct search_index *ix, size_t argc, const struct str *argv, struct buf *error)
{
    ensure(ix->holds == 0);
    if (!spec_add(ix->spec, argc, argv, error)) return false;
    open_columns(ix);
    return true;
}

/* --- documents that go ------------------------------------------------------------------------------------------ */

void index_drop_payload(struct index_content *c, uint32_t doc)
{
    struct payload *p = column_ptr(&c->payloads, doc);

    if (p == NULL) return;
    c->payload_bytes -= mem_good_size(sizeof *p + p->n);
    mem_free(p);
    column_set_ptr(&c->payloads, doc, NULL);
}

static void push(struct docids *d, uint32_t doc)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 64;
        d->items = mem_realloc(d->items, d->cap * sizeof *d->items);
    }
    d->items[d->n++] = doc;
}

/* No list keeps the room that a storm of departures took. */
static void tidy(struct docids *d)
{
    enum { KEEP = 4096 };

    if (d->n > 0 || d->cap <= KEEP) return;
    mem_free(d->items);
    *d = (struct docids){ 0 };
}

static void take_out_values(struct search_index *ix, uint32_t doc)
{
    struct index_content *c = ix->c;

    for (size_t i = 0; i < c->n_columns; i++) {
        struct index_column *k = &c->columns[i];

        if (k->tags) tags_put(k->tags, doc, NULL, 0);
        if (k->numbers) numbers_put(k->numbers, doc, NULL, 0);
        if (k->places) places_put(k->places, doc, NULL, 0);
        if (ix->spec->fields[i].index_missing) docset_remove(&k->present, doc);
        if (k->empty.n) docset_remove(&k->empty, doc);
    }
    column_set(&c->scores, doc, c->scores.empty);
    index_drop_payload(c, doc);
}

void index_remove(struct search_index *ix, struct str key)
{
    struct index_content *c = ix->c;
    uint32_t doc = index_find(ix, key);

    if (doc == UINT32_MAX) return;
    ix->departed++;
    docset_remove(&c->alive, doc);
    names_remove(&c->docs, doc);
    if (c->text) text_index_remove(c->text, doc);
    for (size_t i = 0; i < c->n_columns; i++)
        if (c->columns[i].vectors) vec_index_remove(c->columns[i].vectors, doc);
    push(&c->leaving, doc);
}

uint64_t index_departed(const struct search_index *ix)
{
    return ix->departed;
}

size_t index_leaving(const struct search_index *ix)
{
    return ix->c->leaving.n;
}

bool index_settle(struct search_index *ix, size_t budget)
{
    struct index_content *c = ix->c;

    for (; c->leaving.n > 0 && budget > 0; budget--) {
        uint32_t doc = c->leaving.items[--c->leaving.n];

        take_out_values(ix, doc);
        push(&c->gone, doc);
    }
    for (; ix->holds == 0 && c->gone.n > 0 && budget > 0; budget--) names_recycle(&c->docs, c->gone.items[--c->gone.n]);
    tidy(&c->leaving);
    tidy(&c->gone);
    return c->leaving.n > 0 || (ix->holds == 0 && c->gone.n > 0);
}

void index_clear(struct search_index *ix)
{
    struct index_content *old = ix->c;
    size_t bytes;

    ix->departed++;
    if (ix->holds > 0) { /* searches see that nobody is alive, and the rest goes after them */
        docset_clear(&old->alive);
        ix->cleared = true;
        return;
    }
    if (old->docs.n == 0 && old->docs.end == 0) return;
    bytes = index_memory(ix);
    ix->c = content_new(ix);
    open_columns(ix);
    throw_away(ix, old, bytes);
}

void index_hold(struct search_index *ix)
{
    ix->holds++;
}

void index_release(struct search_index *ix)
{
    ensure(ix->holds > 0);
    if (--ix->holds > 0 || !ix->cleared) return;
    ix->cleared = false;
    index_clear(ix);
}

bool index_is_held(const struct search_index *ix)
{
    return ix->holds > 0;
}

void index_used(struct search_index *ix)
{
    ix->uses++;
}
