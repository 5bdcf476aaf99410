/* score.h -- how well a document answers a query: RediSearch's scorers, by name.
 *
 * BM25STD is the rule (k1 1.2, b 0.5, as RediSearch has them); a document's own score multiplies it. */
#ifndef MEMD_SEARCH_SCORE_H
#define MEMD_SEARCH_SCORE_H

#include "search/text_index.h"

enum scorer { SCORE_BM25STD, SCORE_BM25, SCORE_TFIDF, SCORE_TFIDF_DOCNORM, SCORE_DISMAX, SCORE_DOCSCORE, SCORE_HAMMING };

/* By name, any case. False: there is none. */
bool scorer_find(struct str name, enum scorer *out);

/* What one word adds to the score of the document of h, out of docs documents of average length. */
double score_word(enum scorer s, const struct text_hit *h, uint64_t docs, double average_length);

#endif
