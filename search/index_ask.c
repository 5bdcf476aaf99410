/* index_ask.c -- what is asked of an index, and its figures. */
#include <math.h>

#include "base/mem.h"
#include "search/fold.h"
#include "search/index_impl.h"

/* --- documents -------------------------------------------------------------------------------------------------- */

uint32_t index_docs(const struct search_index *ix)
{
    return ix->c->alive.n;
}

uint32_t index_doc_end(const struct search_index *ix)
{
    return ix->c->docs.end;
}

const struct docset *index_all(const struct search_index *ix)
{
    return &ix->c->alive;
}

bool index_alive(const struct search_index *ix, uint32_t doc)
{
    return docset_has(&ix->c->alive, doc);
}

struct str index_key(const struct search_index *ix, uint32_t doc)
{
    return names_get(&ix->c->docs, doc);
}

uint32_t index_find(const struct search_index *ix, struct str key)
{
    uint32_t doc = names_find(&ix->c->docs, key);

    return doc != NAMES_NONE && (!ix->cleared || index_alive(ix, doc)) ? doc : UINT32_MAX;
}

double index_score(const struct search_index *ix, uint32_t doc)
{
    return cell_double(column_get(&ix->c->scores, doc));
}

struct str index_payload(const struct search_index *ix, uint32_t doc)
{
    const struct payload *p = column_ptr(&ix->c->payloads, doc);

    return p ? str_of(p->p, p->n) : str_of(NULL, 0);
}

/* --- asking ----------------------------------------------------------------------------------------------------- */

bool index_tagged_begin(const struct search_index *ix, const struct field_spec *f, struct str tag, enum text_match how, struct tags_walk *w)
{
    struct index_column *c = index_column(ix, f);
    struct buf folded = { 0 };

    if (c->tags == NULL) return false;
    if (!f->case_sensitive) {
        fold_case(tag, &folded);
        tag = buf_str(&folded);
    }
    tags_walk_init(w, c->tags, tag, how);
    buf_fini(&folded);
    return true;
}

bool index_tagged_step(const struct search_index *ix, const struct field_spec *f, struct tags_walk *w, size_t budget, struct docset *out)
{
    return tags_walk_step(w, index_column(ix, f)->tags, budget, out);
}

void index_tagged(const struct search_index *ix, const struct field_spec *f, struct str tag, enum text_match how, struct docset *out)
{
    struct tags_walk w;

    if (!index_tagged_begin(ix, f, tag, how, &w)) return;
    while (!index_tagged_step(ix, f, &w, SIZE_MAX, out)) {}
    tags_walk_fini(&w);
}

bool index_between_step(const struct search_index *ix, const struct field_spec *f, const struct number_range *range, struct numbers_walk *w,
                        struct docset *out)
{
    const struct index_column *c = index_column(ix, f);

    return c->numbers == NULL || f->no_index || numbers_between(c->numbers, range, w, out);
}

bool index_near_step(const struct search_index *ix, const struct field_spec *f, struct place centre, double radius_m, struct places_walk *w,
                     struct docset *out)
{
    const struct index_column *c = index_column(ix, f);

    return c->places == NULL || f->no_index || places_near_step(c->places, centre, radius_m, w, out);
}

void index_missing(const struct search_index *ix, const struct field_spec *f, struct docset *out)
{
    docset_copy(out, &ix->c->alive);
    docset_minus(out, &index_column(ix, f)->present);
}

void index_empty(const struct search_index *ix, const struct field_spec *f, struct docset *out)
{
    docset_copy(out, &index_column(ix, f)->empty);
    docset_and(out, &ix->c->alive);
}

struct text_index *index_text(const struct search_index *ix)
{
    return ix->c->text;
}

struct vec_index *index_vectors(const struct search_index *ix, const struct field_spec *f)
{
    return index_column(ix, f)->vectors;
}

bool index_number(const struct search_index *ix, const struct field_spec *f, uint32_t doc, double *out)
{
    const struct index_column *c = index_column(ix, f);

    return c->numbers && numbers_first(c->numbers, doc, out);
}

bool index_sort_tags(const struct search_index *ix, const struct field_spec *f, size_t budget)
{
    struct index_column *c = index_column(ix, f);

    if (c->tags == NULL) return false;
    c->tags->wants_order = true;
    return tags_tend(c->tags, budget);
}

bool index_tags(const struct search_index *ix, const struct field_spec *f, struct buf *last, size_t budget,
                void (*fn)(void *ctx, struct str tag), void *ctx)
{
    struct index_column *c = index_column(ix, f);

    return c->tags == NULL || tags_each(c->tags, last, budget, fn, ctx);
}

/* --- from time to time ------------------------------------------------------------------------------------------ */

bool index_tend(struct search_index *ix, size_t budget)
{
    enum { SMALL = 1024 };
    bool more = index_settle(ix, budget / 4);

    if (ix->holds > 0) return more;
    if (ix->c->alive.n == 0 && ix->c->docs.end > SMALL && !more) { /* what is left is for as many documents as there ever were */
        index_clear(ix);
        return false;
    }
    for (size_t i = 0; i < ix->c->n_columns; i++) {
        const struct index_column *k = &ix->c->columns[i];

        if (k->tags) more |= tags_tend(k->tags, budget / 4);
        if (k->numbers) more |= numbers_tend(k->numbers, budget);
        if (k->vectors) more |= vec_index_tend(k->vectors, budget / 100);
    }
    if (ix->c->text) more |= text_index_sweep(ix->c->text, budget);
    return more;
}

bool index_is_behind(const struct search_index *ix)
{
    for (size_t i = 0; i < ix->c->n_columns; i++)
        if (ix->c->columns[i].vectors && vec_index_is_behind(ix->c->columns[i].vectors)) return true;
    return ix->c->text != NULL && text_index_is_behind(ix->c->text);
}

/* --- figures ---------------------------------------------------------------------------------------------------- */

static size_t column_memory(const struct index_column *k)
{
    size_t n = docset_memory(&k->present) + docset_memory(&k->empty);

    if (k->tags) n += sizeof *k->tags + tags_memory(k->tags);
    if (k->numbers) n += sizeof *k->numbers + numbers_memory(k->numbers);
    if (k->places) n += sizeof *k->places + places_memory(k->places);
    if (k->vectors) n += vec_index_memory(k->vectors);
    return n;
}

static size_t doc_table(const struct index_content *c)
{
    return docset_memory(&c->alive) + c->scores.bytes + c->payloads.bytes + c->payload_bytes +
           (c->leaving.cap + c->gone.cap) * sizeof(uint32_t);
}

void index_facts(const struct search_index *ix, struct index_facts *f)
{
    const struct index_content *c = ix->c;

    *f = (struct index_facts){ .docs = c->alive.n, .max_doc = c->docs.end, .uses = ix->uses, .doc_table = doc_table(c),
                               .keys = names_memory(&c->docs) };
    f->memory = sizeof *ix + sizeof *c + c->n_columns * sizeof *c->columns + f->doc_table + f->keys;
    for (size_t i = 0; i < c->n_columns; i++) {
        const struct index_column *k = &c->columns[i];

        f->memory += column_memory(k);
        if (k->tags) f->records += k->tags->n_pairs, f->tags += tags_memory(k->tags);
        if (k->numbers) f->records += k->numbers->n, f->sortable += k->numbers->first.bytes;
        if (k->places) f->records += k->places->n;
        if (k->vectors) f->vectors += vec_index_memory(k->vectors);
    }
    if (c->text) {
        struct text_facts t;

        text_index_facts(c->text, &t);
        f->terms = t.terms;
        f->records += t.postings;
        f->inverted = t.posting_bytes;
        f->offsets = t.offset_bytes;
        f->text = t.memory;
        f->memory += t.memory + synonyms_memory(&ix->synonyms);
    }
    f->inverted += f->tags;
}

size_t index_memory(const struct search_index *ix)
{
    struct index_facts f;

    index_facts(ix, &f);
    return f.memory;
}
