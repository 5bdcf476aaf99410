/* tags.h -- the values of a TAG field: which documents have a value, and which values a document has.
 *
 * Values are numbered (search/names.h); most have one document or a few, so a set is made only for the second. Once
 * somebody asks by prefix, or for all values in order, they are kept in order, too: what is there already is brought in
 * in slices (tags_tend), and until then the rest is looked through. */
#ifndef MEMD_SEARCH_TAGS_H
#define MEMD_SEARCH_TAGS_H

#include "search/docset.h"
#include "search/names.h"
#include "search/sorted.h"
#include "search/text_index.h"

struct tag;

struct tags {
    struct names values;
    struct tag *tags;       /* by number */
    uint32_t cap;
    struct column of_doc;   /* 0: none; an odd number: one value's; else a pointer to several */
    struct sorted order;     /* numbers below n_ordered */
    uint32_t n_ordered;
    bool wants_order;
    size_t bytes;           /* of sets and lists */
    size_t n_pairs;         /* document and value */
};

void tags_init(struct tags *t);
void tags_fini(struct tags *t);

/* doc has these values now, in place of those it had: n of them, any of which may come twice. */
void tags_put(struct tags *t, uint32_t doc, const struct str *values, size_t n);

/* Add to out whoever has a value that matches. */
void tags_match(struct tags *t, struct str pattern, enum text_match how, struct docset *out);

/* The same in steps of `budget` values: there may be millions. Between steps documents may go, but none may come. */
enum { TAGS_OF_DOC_MAX = 16384 }; /* of one document in a field: they are put in one piece, which takes 2 ms then */

struct tags_walk {
    enum text_match how;
    struct buf pattern;   /* of a wildcard: the glob */
    struct buf last;      /* the value in order that was looked at last */
    uint32_t at, end;     /* numbers of values that are to be looked at one by one */
};
void tags_walk_init(struct tags_walk *w, struct tags *t, struct str pattern, enum text_match how);
void tags_walk_fini(struct tags_walk *w);
/* True: done. */
bool tags_walk_step(struct tags_walk *w, struct tags *t, size_t budget, struct docset *out);

/* Values in the order of bytes, those behind *last (empty: all): up to `budget`, the last of which is in *last then. True: there
 * are no more. All are in order (tags_tend), or those that are not are left out. */
bool tags_each(struct tags *t, struct buf *last, size_t budget, void (*fn)(void *ctx, struct str value), void *ctx);

/* The values of doc: fn for each. */
void tags_of(const struct tags *t, uint32_t doc, void (*fn)(void *ctx, struct str value), void *ctx);

/* Bring up to budget values into order; true: there is more to do. */
bool tags_tend(struct tags *t, size_t budget);

size_t tags_memory(const struct tags *t); /* O(1) */
void tags_check(const struct tags *t, const struct docset *alive);

#endif
