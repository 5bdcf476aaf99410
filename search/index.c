/* index.c -- see index.h: an index, and documents that come and go. What is asked is index_ask.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"
#include "search/fold.h"
#include "search/index_impl.h"

/* --- content ---------------------------------------------------------------------------------------------------- */

static bool is_indexed_text(const struct field_spec *f)
{
    return f->type == FIELD_TEXT && !f->no_index;
}

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
    mem_free(c->gone);
    mem_free(c);
}

static void throw_away(struct search_index *ix, struct index_content *c)
{
    if (ix->defer && c->docs.end > 256) ix->defer(ix->defer_ctx, content_free, c);
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
        words_fold(s->stop_words[i], &ix->stop_text);
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
    buf_fini(&ix->last_error);
    buf_fini(&ix->last_error_key);
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

void index_set_defer(struct search_index *ix, void (*defer)(void *ctx, void (*fn)(void *arg), void *arg), void *ctx)
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

static void drop_payload(struct index_content *c, uint32_t doc)
{
    struct payload *p = column_ptr(&c->payloads, doc);

    if (p == NULL) return;
    c->payload_bytes -= mem_good_size(sizeof *p + p->n);
    mem_free(p);
    column_set_ptr(&c->payloads, doc, NULL);
}

static void give_up_docid(struct search_index *ix, uint32_t doc)
{
    struct index_content *c = ix->c;

    if (ix->holds == 0) {
        names_recycle(&c->docs, doc);
        return;
    }
    if (c->n_gone == c->cap_gone) {
        c->cap_gone = c->cap_gone ? 2 * c->cap_gone : 64;
        c->gone = mem_realloc(c->gone, c->cap_gone * sizeof *c->gone);
    }
    c->gone[c->n_gone++] = doc;
}

static void remove_doc(struct search_index *ix, uint32_t doc)
{
    struct index_content *c = ix->c;

    for (size_t i = 0; i < c->n_columns; i++) {
        struct index_column *k = &c->columns[i];

        if (k->tags) tags_put(k->tags, doc, NULL, 0);
        if (k->numbers) numbers_put(k->numbers, doc, NULL, 0);
        if (k->places) places_put(k->places, doc, NULL, 0);
        if (k->vectors) vec_index_remove(k->vectors, doc);
        if (ix->spec->fields[i].index_missing) docset_remove(&k->present, doc);
        if (k->empty.n) docset_remove(&k->empty, doc);
    }
    if (c->text) text_index_remove(c->text, doc);
    column_set(&c->scores, doc, c->scores.empty);
    drop_payload(c, doc);
    docset_remove(&c->alive, doc);
    names_remove(&c->docs, doc);
    give_up_docid(ix, doc);
}

void index_remove(struct search_index *ix, struct str key)
{
    uint32_t doc = index_find(ix, key);

    if (doc != UINT32_MAX) remove_doc(ix, doc);
}

void index_clear(struct search_index *ix)
{
    struct index_content *old = ix->c;

    if (ix->holds > 0) { /* searches see that nobody is alive, and the rest goes after them */
        docset_clear(&old->alive);
        ix->cleared = true;
        return;
    }
    if (old->docs.n == 0 && old->docs.end == 0) return;
    ix->c = content_new(ix);
    open_columns(ix);
    throw_away(ix, old);
}

void index_hold(struct search_index *ix)
{
    ix->holds++;
}

void index_release(struct search_index *ix)
{
    struct index_content *c = ix->c;

    ensure(ix->holds > 0);
    if (--ix->holds > 0) return;
    if (ix->cleared) {
        ix->cleared = false;
        index_clear(ix);
        return;
    }
    while (c->n_gone > 0) names_recycle(&c->docs, c->gone[--c->n_gone]);
}

bool index_is_held(const struct search_index *ix)
{
    return ix->holds > 0;
}

/* --- documents that come ---------------------------------------------------------------------------------------- */

void index_fail(struct search_index *ix, struct str key, const char *fmt, ...)
{
    va_list ap;

    ix->failures++;
    buf_clear(&ix->last_error);
    va_start(ap, fmt);
    buf_vprintf(&ix->last_error, fmt, ap);
    va_end(ap);
    buf_clear(&ix->last_error_key);
    buf_add_str(&ix->last_error_key, key);
    index_remove(ix, key);
}

void index_used(struct search_index *ix)
{
    ix->uses++;
}

static int shown(struct str s)
{
    return (int)(s.n < 100 ? s.n : 100);
}

static void keep_number(struct search_index *ix, size_t at, double v)
{
    if (at >= ix->cap_numbers) {
        ix->cap_numbers = ix->cap_numbers ? 2 * ix->cap_numbers : 64;
        ix->numbers = mem_realloc(ix->numbers, ix->cap_numbers * sizeof *ix->numbers);
    }
    ix->numbers[at] = v;
}

/* Can all values be had? Numbers are left in ix->numbers, one behind the other, those of places in pairs. */
static bool look_through(struct search_index *ix, struct str key, const struct doc_content *content)
{
    size_t n = 0;

    if (ix->n_taken != ix->spec->n_fields) {
        ix->n_taken = ix->spec->n_fields;
        ix->taken = mem_realloc(ix->taken, ix->n_taken * sizeof *ix->taken);
    }
    memset(ix->taken, 0, ix->n_taken * sizeof *ix->taken);
    for (size_t i = 0; i < content->n; i++) {
        const struct field_value *v = &content->fields[i];
        enum field_type type = v->field->type;

        ix->taken[v->field - ix->spec->fields] = (struct taken_value){ v, n };
        for (size_t k = 0; k < v->n; k++) {
            struct str s = v->values[k];
            struct place p;
            double d;

            if (type == FIELD_NUMERIC) {
                if (!num_parse_double(s, &d)) return index_fail(ix, key, "Invalid numeric value: '%.*s'", shown(s), s.p), false;
                keep_number(ix, n++, d);
            } else if (type == FIELD_GEO) {
                if (!place_parse(s, &p)) return index_fail(ix, key, "Invalid geo string: '%.*s'", shown(s), s.p), false;
                keep_number(ix, n++, p.lon);
                keep_number(ix, n++, p.lat);
            } else if (type == FIELD_VECTOR && s.n != vec_bytes(v->field->vec.type, v->field->vec.dim)) {
                return index_fail(ix, key, "Could not add vector with blob size %zu (expected size %zu)", s.n,
                                  vec_bytes(v->field->vec.type, v->field->vec.dim)), false;
            }
        }
    }
    return true;
}

static struct str trim(struct str s)
{
    while (s.n > 0 && (*s.p == ' ' || *s.p == '\t' || *s.p == '\n' || *s.p == '\r')) s = str_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r')) s.n--;
    return s;
}

static void keep_tag(struct search_index *ix, size_t *n, struct str tag)
{
    if (*n >= ix->cap_tags) {
        ix->cap_tags = ix->cap_tags ? 2 * ix->cap_tags : 16;
        ix->tags = mem_realloc(ix->tags, ix->cap_tags * sizeof *ix->tags);
    }
    ix->tags[(*n)++] = tag;
}

/* The tags of one text. An empty text is a tag where the field says so; what is empty between separators never is. */
static void split_tags(struct search_index *ix, const struct field_spec *f, struct str s, size_t *n)
{
    bool alone = true;

    while (f->separator && s.n > 0) {
        const char *end = memchr(s.p, f->separator, s.n);
        struct str part = str_of(s.p, end ? (size_t)(end - s.p) : s.n);

        s = end ? str_of(end + 1, s.n - part.n - 1) : str_of(s.p + s.n, 0);
        part = trim(part);
        if (part.n > 0) keep_tag(ix, n, part);
        alone = false;
    }
    if (f->separator == 0 ? s.n > 0 || f->index_empty : alone && f->index_empty) keep_tag(ix, n, s);
}

static void put_tags(struct search_index *ix, struct tags *t, const struct field_spec *f, const struct field_value *v, uint32_t doc)
{
    size_t n = 0, all = 0;

    for (size_t k = 0; v && k < v->n; k++) all += v->values[k].n;
    buf_clear(&ix->folded);
    buf_room(&ix->folded, all + 1); /* so that what lies in it stays where it is */
    for (size_t k = 0; v && k < v->n; k++) {
        struct str s = v->values[k];
        size_t at = ix->folded.n;

        if (!f->case_sensitive) {
            fold_case(s, &ix->folded);
            s = str_of(ix->folded.p + at, s.n);
        }
        split_tags(ix, f, s, &n);
    }
    tags_put(t, doc, ix->tags, n);
}

static void put_text(struct search_index *ix, const struct doc_content *content, uint32_t doc)
{
    size_t n = 0;

    for (size_t i = 0; i < content->n; i++) {
        const struct field_value *v = &content->fields[i];

        if (!is_indexed_text(v->field)) continue;
        while (n + v->n > ix->cap_texts) {
            ix->cap_texts = ix->cap_texts ? 2 * ix->cap_texts : 16;
            ix->texts = mem_realloc(ix->texts, ix->cap_texts * sizeof *ix->texts);
        }
        for (size_t k = 0; k < v->n; k++)
            ix->texts[n++] = (struct text_value){ v->field->text_field, v->field->no_stem, v->field->weight, v->values[k] };
    }
    text_index_put(ix->c->text, doc, ix->texts, n, content->language);
}

static void put_flags(const struct field_spec *f, struct index_column *k, const struct field_value *v, uint32_t doc)
{
    bool empty = false;

    if (f->index_missing && v) docset_add(&k->present, doc);
    else if (f->index_missing) docset_remove(&k->present, doc);
    if (f->type != FIELD_TEXT || !f->index_empty) return;
    for (size_t i = 0; v && i < v->n; i++) empty |= v->values[i].n == 0;
    if (empty) docset_add(&k->empty, doc);
    else docset_remove(&k->empty, doc);
}

/* False: a vector holds a value that is no number. */
static bool put_vectors(struct search_index *ix, uint32_t doc)
{
    for (size_t i = 0; i < ix->c->n_columns; i++) {
        struct vec_index *x = ix->c->columns[i].vectors;
        const struct field_value *v = ix->taken[i].v;

        if (x == NULL) continue;
        if (v == NULL || v->n == 0 || ix->spec->fields[i].no_index) vec_index_remove(x, doc);
        else if (!vec_index_put_all(x, doc, v->values, v->n)) return false;
    }
    return true;
}

static void put_columns(struct search_index *ix, uint32_t doc)
{
    struct index_content *c = ix->c;

    for (size_t i = 0; i < c->n_columns; i++) {
        const struct field_spec *f = &ix->spec->fields[i];
        const struct field_value *v = ix->taken[i].v;
        struct index_column *k = &c->columns[i];
        const double *numbers = ix->numbers ? ix->numbers + ix->taken[i].numbers : NULL;

        if (k->tags && !f->no_index) put_tags(ix, k->tags, f, v, doc);
        if (k->numbers) numbers_put(k->numbers, doc, numbers, v ? v->n : 0);
        if (k->places) places_put(k->places, doc, (const struct place *)numbers, v ? v->n : 0);
        put_flags(f, k, v, doc);
    }
}

static void put_payload(struct index_content *c, uint32_t doc, struct str payload)
{
    struct payload *p = column_ptr(&c->payloads, doc);

    if (p && str_eq(str_of(p->p, p->n), payload)) return;
    drop_payload(c, doc);
    if (payload.n == 0) return;
    p = mem_alloc(sizeof *p + payload.n);
    p->n = payload.n;
    memcpy(p->p, payload.p, payload.n);
    c->payload_bytes += mem_good_size(sizeof *p + p->n);
    column_set_ptr(&c->payloads, doc, p);
}

bool index_put(struct search_index *ix, struct str key, const struct doc_content *content)
{
    struct index_content *c = ix->c;
    bool is_new;
    uint32_t doc;

    ensure(ix->holds == 0);
    if (!look_through(ix, key, content)) return false;
    doc = names_add(&c->docs, key, &is_new);
    if (is_new) docset_add(&c->alive, doc);
    if (!put_vectors(ix, doc)) {
        index_fail(ix, key, "Could not add vector: it holds a value that is not a finite number");
        return false;
    }
    put_columns(ix, doc);
    if (c->text) put_text(ix, content, doc);
    column_set(&c->scores, doc, double_cell(content->score));
    put_payload(c, doc, content->payload);
    return true;
}
