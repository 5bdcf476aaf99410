/* fusion.h -- two rankings of documents as one: reciprocal ranks, or weighted scores. */
#ifndef MEMD_SEARCH_FUSION_H
#define MEMD_SEARCH_FUSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fused {
    uint32_t doc;
    bool in[2];        /* is it in the first ranking, in the second? */
    double score[2];   /* what it has there */
    double total;
};

struct fusion_rule {
    bool linear;       /* weight[0] * score[0] + weight[1] * score[1]; else 1 / (constant + rank) of both */
    double constant;
    double weight[2];
};

/* Documents and scores of a ranking, best first. */
struct ranking {
    const uint32_t *docs;
    const double *scores;
    size_t n;
};

/* The documents of both, each once, by docid; out has room for all. How many. */
size_t fuse(const struct ranking rankings[2], const struct fusion_rule *rule, struct fused *out);

/* By docid; NULL: it is not there. */
const struct fused *fused_find(const struct fused *all, size_t n, uint32_t doc);

/* Docids, the best total first; equals by docid. */
void fused_order(const struct fused *all, size_t n, uint32_t *docs);

#endif
