/* doc_values.h -- a number for each member of a set of docids: scores, distances.
 *
 * The numbers lie in the order of the members; where one lies is counted: how many members stand before its word, and how
 * many bits before it in the word. 8 bytes a member, and 4 for each 64 docids. */
#ifndef MEMD_SEARCH_DOC_VALUES_H
#define MEMD_SEARCH_DOC_VALUES_H

#include "search/docset.h"

struct doc_values {
    struct docset set;
    uint32_t *before; /* members in the words before each; NULL: the set is a list */
    double *v;        /* set.n of them */
};

/* Zero for each member. The set is taken over, and must not change. */
void doc_values_init(struct doc_values *d, struct docset *set_take);
void doc_values_fini(struct doc_values *d);

/* NULL: doc is no member. */
double *doc_values_at(const struct doc_values *d, uint32_t doc);

size_t doc_values_memory(const struct doc_values *d);

#endif
