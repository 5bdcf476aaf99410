/* score.h -- how well a document answers a query: RediSearch's scorers, by name.
 *
 * BM25STD is the rule (k1 1.2, b 0.5, as RediSearch has them); a document's own score multiplies it. */
#ifndef MEMD_SEARCH_SCORE_H
#define MEMD_SEARCH_SCORE_H

#include "search/text_index.h"

enum scorer {
    SCORE_BM25STD,
    SCORE_BM25STD_TANH, /* bent into 0 to 1, so that it can be mixed with other scores */
    SCORE_BM25STD_NORM, /* as a part of the best that was found */
    SCORE_BM25, SCORE_TFIDF, SCORE_TFIDF_DOCNORM, SCORE_DISMAX, SCORE_DOCSCORE, SCORE_HAMMING
};

/* By name, any case. False: there is none. */
bool scorer_find(struct str name, enum scorer *out);

/* x as SCORE_BM25STD_TANH has it. */
double score_bend(double x);

/* How much a word counts that df of docs documents have: the same for all of them. */
double score_rarity(enum scorer s, uint64_t docs, uint32_t df);

/* What a word of this rarity adds to the score of the document of h, among documents of average length. */
double score_word(enum scorer s, const struct text_hit *h, double rarity, double average_length);

#endif
