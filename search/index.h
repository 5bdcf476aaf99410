/* index.h -- one index: documents, and for each field what finds them.
 *
 * A document is a key; its docid is small, dense, and its own until it goes. Fields of documents are told by the owner as
 * text (index_put): the index knows no store. What a document had and has is compared field by field, so that a change of a
 * number costs no more than that number:
 *
 *     TAG      dictionary of values, each with a docset; a column of value numbers a document
 *     NUMERIC  a column of doubles, and an order for ranges
 *     GEO      a column of places
 *     TEXT     text_index.h       VECTOR  vector/vec.h
 *
 * While searches are on (index_hold) nothing changes but that documents go (index_remove, index_settle), and their docids are not given
 * to others. */
#ifndef MEMD_SEARCH_INDEX_H
#define MEMD_SEARCH_INDEX_H

#include "search/docset.h"
#include "search/numbers.h"
#include "search/places.h"
#include "search/spec.h"
#include "search/tags.h"
#include "search/text_index.h"

/* Values of one field of a document; several for a JSON path that matches several. */
struct field_value {
    const struct field_spec *field;
    const struct str *values;  /* VECTOR: the bytes as vec.h wants them, of each */
    size_t n;                  /* 0: the field is there and empty of values (an empty array) */
};

struct doc_content {
    const struct field_value *fields; /* of those that the document has */
    size_t n;
    double score;
    struct str language, payload;
};

struct search_index;
struct search_index *index_new(struct index_spec *spec); /* takes spec */
void index_free(struct search_index **ix);
const struct index_spec *index_spec(const struct search_index *ix);
struct synonyms *index_synonyms(struct search_index *ix);

/* How large contents are freed, when an index is cleared or freed: by a thread, say (as struct store's defer; bytes: of memory).
 * NULL: at once. */
typedef void index_defer(void *ctx, void (*fn)(void *arg), void *arg, size_t bytes);
void index_set_defer(struct search_index *ix, index_defer *defer, void *ctx);

/* FT.ALTER's SCHEMA ADD. Not while it is held: fields move. What documents have of the new fields is to be told again. */
bool index_alter(struct search_index *ix, size_t argc, const struct str *argv, struct buf *error);

/* The document at key is as content says. False: a value is not what its field wants ("Invalid numeric value: ..."): it is
 * not in the index then, and what is counted and kept for FT.INFO. */
bool index_put(struct search_index *ix, struct str key, const struct doc_content *content);
/* The same for several documents, faster: they are in the index when it is flushed, and nothing is asked of it before. */
bool index_take(struct search_index *ix, struct str key, const struct doc_content *content);
void index_flush(struct search_index *ix);
/* A document of long text is not in the index when it is flushed, but goes on (until the deadline, monotonic us; true: it is done, or there
 * is none). Nothing is asked of the index until it is; another one that is taken finishes it at once. */
bool index_is_going_on(const struct search_index *ix);
bool index_go_on(struct search_index *ix, int64_t deadline_us);
/* These are to be put now: memory brings all that it may want to know of them at once. */
enum { INDEX_EXPECTS = 32 };
void index_expect(const struct search_index *ix, const struct str *keys, size_t n);
void index_remove(struct search_index *ix, struct str key); /* no-op when it is not there */
/* A document that is removed is found no more, in no words and by no vector, at once; its tags, numbers and places are taken out
 * by and by, since there may be many documents at a time: those of up to `budget` here. True: there are more. Who asks for sets
 * (below) and for figures may meet such documents and their values, until then. */
bool index_settle(struct search_index *ix, size_t budget);
size_t index_leaving(const struct search_index *ix); /* so many */
/* Documents that have gone so far; the same number as before: all that were there are there. */
uint64_t index_departed(const struct search_index *ix);
void index_clear(struct search_index *ix);

/* A document that could not be made, for what its field f holds: counted and kept for FT.INFO, and it is not in the index. */
void index_fail(struct search_index *ix, struct str key, const struct field_spec *f, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void index_used(struct search_index *ix); /* a query: FT.INFO counts them */

void index_hold(struct search_index *ix);
void index_release(struct search_index *ix);
bool index_is_held(const struct search_index *ix);

/* Do what is to be done from time to time: steps that take less than a millisecond for a budget of 1000; true: more is due. */
bool index_tend(struct search_index *ix, size_t budget);
/* So much has changed that this is due before anything else comes, lest the index grow without end. */
bool index_is_behind(const struct search_index *ix);

/* --- documents -------------------------------------------------------------------------------------------------- */

uint32_t index_docs(const struct search_index *ix);      /* how many there are */
uint32_t index_doc_end(const struct search_index *ix);   /* docids are below */
const struct docset *index_all(const struct search_index *ix); /* those that are there */

bool index_alive(const struct search_index *ix, uint32_t doc);
struct str index_key(const struct search_index *ix, uint32_t doc);  /* until it goes */
uint32_t index_find(const struct search_index *ix, struct str key); /* UINT32_MAX: it is not there */
double index_score(const struct search_index *ix, uint32_t doc);
struct str index_payload(const struct search_index *ix, uint32_t doc);

/* --- asking: each appends to an empty docset --------------------------------------------------------------------- */

/* tag as the query has it, unescaped; folded here where the field folds. how: TEXT_WORD, PREFIX, SUFFIX, INFIX, WILDCARD. */
void index_tagged(const struct search_index *ix, const struct field_spec *f, struct str tag, enum text_match how, struct docset *out);
/* The same in steps of `budget` values (tags.h): begin is false when nobody has a tag. */
bool index_tagged_begin(const struct search_index *ix, const struct field_spec *f, struct str tag, enum text_match how, struct tags_walk *w);
bool index_tagged_step(const struct search_index *ix, const struct field_spec *f, struct tags_walk *w, size_t budget, struct docset *out);
/* In steps, as numbers.h and places.h have them; true: done. */
bool index_between_step(const struct search_index *ix, const struct field_spec *f, const struct number_range *range, struct numbers_walk *w,
                        struct docset *out);
bool index_near_step(const struct search_index *ix, const struct field_spec *f, struct place centre, double radius_m, struct places_walk *w,
                     struct docset *out);
void index_missing(const struct search_index *ix, const struct field_spec *f, struct docset *out);
/* Whose value is an empty text: of TEXT fields with INDEXEMPTY. */
void index_empty(const struct search_index *ix, const struct field_spec *f, struct docset *out);

struct text_index *index_text(const struct search_index *ix);
struct vec_index *index_vectors(const struct search_index *ix, const struct field_spec *f);

/* What a column knows of doc, to sort and to group by. */
bool index_number(const struct search_index *ix, const struct field_spec *f, uint32_t doc, double *out); /* false: none */
/* Bring up to budget values of a TAG field into order, as index_tags has them; true: there are more. */
bool index_sort_tags(const struct search_index *ix, const struct field_spec *f, size_t budget);
/* The distinct values of a TAG field, in byte order, in steps (tags_each); those that are not in order yet are left out. */
bool index_tags(const struct search_index *ix, const struct field_spec *f, struct buf *last, size_t budget,
                void (*fn)(void *ctx, struct str tag), void *ctx);

/* --- what the keys hold ------------------------------------------------------------------------------------------- */

enum doc_value { DOC_NONE, DOC_NULL, DOC_VALUE }; /* NULL: JSON's, which counts as none but is told */

/* The owner's way to what a document is made of, for RETURN, LOAD, SORTBY and HIGHLIGHT. */
struct doc_reader {
    void *ctx;
    /* Append the value that identifier (a hash's field, a JSONPath) has at key, if any. NONE also: the key is gone. */
    enum doc_value (*field)(void *ctx, struct str key, struct str identifier, struct buf *out);
    /* All: a hash's fields, or "$" and the document. False: the key is gone. */
    bool (*all)(void *ctx, struct str key, void (*fn)(void *arg, struct str name, struct str value), void *arg);
};

/* --- figures: FT.INFO ---------------------------------------------------------------------------------------------- */

struct index_facts {
    uint64_t docs, max_doc, terms, records, uses;
    size_t memory, doc_table, inverted, offsets, vectors, sortable, tags, keys, text; /* bytes */
};
void index_facts(const struct search_index *ix, struct index_facts *f);

/* Documents that could not be taken (for what f holds; NULL: at all), and the last: why, and its key. */
struct index_trouble {
    uint64_t n;
    struct str text, key;
};
struct index_trouble index_trouble(const struct search_index *ix, const struct field_spec *f);
size_t index_memory(const struct search_index *ix); /* O(1) */

/* Invariants of an index that is settled; slow. */
void index_check(const struct search_index *ix);

/* Do a and b, of the same definition, hold the same documents? False: *why says in what they differ. Slow. */
bool index_same(const struct search_index *a, const struct search_index *b, struct buf *why);

#endif
