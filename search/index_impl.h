/* index_impl.h -- what the files of index.h share. */
#ifndef MEMD_SEARCH_INDEX_IMPL_H
#define MEMD_SEARCH_INDEX_IMPL_H

#include "search/index.h"
#include "search/numbers.h"
#include "search/places.h"
#include "search/tags.h"

/* What one field knows; by its type one of the first four. */
struct index_column {
    struct tags *tags;
    struct numbers *numbers;
    struct places *places;
    struct vec_index *vectors;
    struct docset present; /* INDEXMISSING: documents that have the field */
    struct docset empty;   /* INDEXEMPTY, TEXT: whose value is an empty text */
};

struct docids {
    uint32_t *items;
    size_t n, cap;
};

/* All that goes when an index is cleared. */
struct index_content {
    struct names docs;
    struct docset alive;
    struct column scores;       /* doubles, where they are not the definition's */
    struct column payloads;     /* struct payload *, or NULL */
    size_t payload_bytes;
    struct index_column *columns;
    size_t n_columns;
    struct text_index *text;    /* NULL: no field is text */
    struct docids leaving;      /* of documents that are gone, whose values are still to be taken out */
    struct docids gone;         /* and of those that have none left: given up when no search is on */
};

/* A field of the document at hand: its values (NULL: it is not there), and where its numbers are. */
struct taken_value {
    const struct field_value *v;
    size_t numbers;
};

/* Documents that could not be taken: how many, what the last one was, and why. */
struct index_errors {
    uint64_t n;
    struct buf text, key;
};

struct search_index {
    struct synonyms synonyms;
    struct index_spec *spec;
    struct index_content *c;
    unsigned holds;
    bool cleared;               /* while it was held: the content is to be thrown away */
    const char **stop_words;
    struct buf stop_text;       /* that they lie in */
    uint64_t uses, departed;
    struct index_errors errors, *field_errors; /* by field, as far as there were any */
    size_t n_field_errors;
    index_defer *defer;
    void *defer_ctx;
    /* of index_put, kept for the next */
    struct taken_value *taken; /* by field */
    size_t n_taken;
    double *numbers;
    size_t cap_numbers;
    struct buf folded;
    struct str *tags;
    size_t cap_tags;
    struct text_value *texts;
    size_t cap_texts;
};

struct payload {
    size_t n;
    char p[];
};

static inline bool is_indexed_text(const struct field_spec *f)
{
    return f->type == FIELD_TEXT && !f->no_index;
}

/* index.c: give a document's payload up. */
void index_drop_payload(struct index_content *c, uint32_t doc);

/* The column of f, which is of ix's definition. */
static inline struct index_column *index_column(const struct search_index *ix, const struct field_spec *f)
{
    return &ix->c->columns[f - ix->spec->fields];
}

#endif
