/* score.c -- what a word adds. See score.h.
 *
 * Numbers come out as RediSearch's do, down to its constants in single precision, so that scores can be compared. */
#include <math.h>

#include "search/score.h"

static const float k1 = 1.2F, b = 0.5F;

static const struct {
    const char *name;
    enum scorer scorer;
} scorers[] = {
    { "BM25STD", SCORE_BM25STD }, { "BM25", SCORE_BM25 },         { "TFIDF", SCORE_TFIDF },     { "TFIDF.DOCNORM", SCORE_TFIDF_DOCNORM },
    { "DISMAX", SCORE_DISMAX },   { "DOCSCORE", SCORE_DOCSCORE }, { "HAMMING", SCORE_HAMMING },
    { "BM25STD.TANH", SCORE_BM25STD_TANH }, { "BM25STD.NORM", SCORE_BM25STD_NORM },
};

bool scorer_find(struct str name, enum scorer *out)
{
    for (size_t i = 0; i < sizeof scorers / sizeof *scorers; i++) {
        if (!str_is_word(name, scorers[i].name)) continue;
        *out = scorers[i].scorer;
        return true;
    }
    return false;
}

/* How rare a word is, in whole powers of two. */
static double rarity(uint64_t docs, uint32_t df)
{
    return logb(1.0F + (double)(docs + 1) / (df > 0 ? df : 1));
}

static double rarity_std(uint64_t docs, uint32_t df)
{
    if (docs < df) docs = df;
    return log(1.0F + ((float)(docs - df) + 0.5F) / ((float)df + 0.5F));
}

double score_rarity(enum scorer s, uint64_t docs, uint32_t df)
{
    switch (s) {
    case SCORE_BM25STD: case SCORE_BM25STD_TANH: case SCORE_BM25STD_NORM: return rarity_std(docs, df);
    case SCORE_BM25: case SCORE_TFIDF: case SCORE_TFIDF_DOCNORM: return rarity(docs, df);
    case SCORE_DISMAX: case SCORE_DOCSCORE: case SCORE_HAMMING: break;
    }
    return 0;
}

double score_bend(double x)
{
    return tanh(x / 4); /* BM25STD_TANH_FACTOR */
}

double score_word(enum scorer s, const struct text_hit *h, double rare, double average_length)
{
    switch (s) {
    case SCORE_BM25STD: case SCORE_BM25STD_TANH: case SCORE_BM25STD_NORM: {
        float length = average_length > 0 ? (float)(h->length / average_length) : 1;
        return rare * h->tf * (k1 + 1) / (h->tf + k1 * (1 - b + b * length));
    }
    case SCORE_BM25: return rare * h->tf / (h->tf + k1 * (1 - b + b * average_length));
    case SCORE_TFIDF: return h->max_tf > 0 ? h->tf * rare / h->max_tf : 0;
    case SCORE_TFIDF_DOCNORM: return h->length > 0 ? h->tf * rare / h->length : 0;
    case SCORE_DISMAX: return h->tf;
    case SCORE_DOCSCORE:
    case SCORE_HAMMING: return 0; /* words do not count */
    }
    return 0;
}
