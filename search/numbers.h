/* numbers.h -- the values of a NUMERIC field: a column of doubles, and an order of them for ranges.
 *
 * A range over few documents, and one that finds many, is a pass over the column. The order is made when there are
 * NUMBERS_ORDER documents, since it costs each change as much as the rest: in slices (numbers_tend), and until it is whole, ranges
 * are passes over the column. */
#ifndef MEMD_SEARCH_NUMBERS_H
#define MEMD_SEARCH_NUMBERS_H

#include "search/column.h"
#include "search/docset.h"
#include "search/sorted.h"

enum { NUMBERS_ORDER = 8192 };

struct numbers {
    struct column first;    /* NaN: none */
    struct column more;     /* pointers to all of them, of documents that have several */
    struct docset several;
    struct sorted order;
    bool wants_order;
    uint32_t n_ordered;     /* documents below are in the order; as many as there are cells: it is whole */
    uint32_t end;           /* documents with values are below */
    size_t n;               /* values */
    size_t docs;            /* that have any */
    size_t bytes;           /* of lists */
};

struct number_range {
    double lo, hi;
    bool lo_open, hi_open;
};

void numbers_init(struct numbers *n);
void numbers_fini(struct numbers *n);

/* doc has these values now, in place of those it had. None is NaN. */
void numbers_put(struct numbers *n, uint32_t doc, const double *values, size_t count);

/* Bring up to budget documents into order; true: there are more. */
bool numbers_tend(struct numbers *n, size_t budget);

/* Add to out whoever has a value in the range, in steps (about 64,000 documents each) from a zeroed *w on; true: done. Between two steps
 * documents may only go. */
struct numbers_walk {
    uint32_t page, several;
};
bool numbers_between(const struct numbers *n, const struct number_range *r, struct numbers_walk *w, struct docset *out);

/* The first value of doc. False: it has none. */
bool numbers_first(const struct numbers *n, uint32_t doc, double *out);
/* All; one: room for a single one. */
const double *numbers_of(const struct numbers *n, uint32_t doc, double *one, size_t *count);

size_t numbers_memory(const struct numbers *n); /* O(1) */
void numbers_check(const struct numbers *n, const struct docset *alive);

#endif
