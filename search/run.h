/* run.h -- a query at work: from the tree to documents, in steps.
 *
 * Leaves become docsets (words and vectors in steps, the rest at once), inner nodes set operations; then what was found is
 * scored. The index must be held (index_hold) while a run lives; a document that goes meanwhile is not in the result. */
#ifndef MEMD_SEARCH_RUN_H
#define MEMD_SEARCH_RUN_H

#include "search/query.h"
#include "search/score.h"

struct run;
/* q is borrowed for the life of the run. want_scores: else all scores are 0. */
struct run *run_new(struct search_index *ix, const struct query_node *q, enum scorer scorer, bool want_scores);
void run_free(struct run **r);

/* What documents' payloads are compared with (HAMMING); before the first step, borrowed as q is. */
void run_set_payload(struct run *r, struct str payload);

/* Go on until deadline (us of base/clock.h's monotonic time); true: done. One step takes a moment longer at most: a tag, a
 * range, or 100 us of words and vectors. */
bool run_step(struct run *r, int64_t deadline_us);

/* After that: what was found, all of it, no order. Documents that go later are in it until run_drop_gone. */
const struct docset *run_found(const struct run *r);
void run_drop_gone(struct run *r);
double run_score(const struct run *r, uint32_t doc);
/* Can one document have another score than another? (Not when there are neither words nor a SCORE_FIELD.) */
bool run_scores_differ(const struct run *r);
/* The distance that a vector node gave doc, by the name it goes by. False: no such name, or none for doc. */
bool run_distance(const struct run *r, struct str name, uint32_t doc, double *out);
/* Names of the distances; those of KNN first. How many there are, which may be more than max. */
size_t run_distances(const struct run *r, struct str *names, size_t max);
/* Did the query ask for the nearest (KNN)? Then their order is that of distance where nothing else is said. */
bool run_is_knn(const struct run *r);

/* Stood a prefix for more words than were looked at? Then documents may be missing. After all has been found. */
bool run_cut(const struct run *r);

size_t run_memory(const struct run *r);

#endif
