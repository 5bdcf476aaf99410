/* run_impl.h -- what run.c (finding) and run_score.c (scoring) share. */
#ifndef MEMD_SEARCH_RUN_IMPL_H
#define MEMD_SEARCH_RUN_IMPL_H

#include "search/doc_values.h"
#include "search/run.h"

struct vec_part {
    struct docset allowed;
    struct vec_search *search;
    struct doc_values distances; /* when done */
};

/* A node of the query at work: small, as query_node is. */
struct part {
    const struct query_node *q;
    struct part *parent;
    struct part **children;  /* cheapest first */
    size_t n_children;
    size_t at;               /* the child that is next */
    bool some;               /* set is what has been found so far, else nothing has been asked */
    bool has_words;
    struct docset set;
    union {                     /* while it is asked for, by its kind; then of those that score, and of vectors */
        struct text_scan *scan;
        struct tags_walk *tags; /* TAG, while `some` */
        struct places_walk places;   /* GEO */
        struct numbers_walk numbers; /* RANGE */
        struct vec_part *vector;
    };
    size_t counted;             /* bytes of it that are in run->part_bytes */
};

/* One operation of the scoring, see run_score.c. */
enum score_op { SCORE_HITS, SCORE_CLEAR, SCORE_MAX, SCORE_ADD, SCORE_NORM };

struct score_step {
    enum score_op op;
    struct part *part;         /* HITS */
    double weight;
    uint32_t to, from;         /* columns */
};

struct run {
    struct search_index *ix;
    enum scorer scorer;
    bool want_scores;
    struct str payload;
    const struct query_node *q;
    struct part *parts;        /* the root first; NULL: the first step makes them */
    size_t n_parts, n_vectors, part_bytes;
    struct part *now;          /* at work; NULL: all has been found */
    struct docset found;
    bool done;
    bool cut;                  /* see run_cut */
    struct doc_values scores;  /* of what was found; its v is column 0 */
    double **columns;          /* scratch of the scoring, by slot of scores */
    size_t n_columns;
    struct score_step *steps;
    size_t n_steps, step_at;
    bool is_telling, is_among;
    struct docset among;       /* is_among: the documents that the step at work tells hits of; else all that was found */
    uint32_t norm_at;          /* SCORE_NORM: the document to look at next, and */
    double best;               /* the best before it */
};

/* All is found: what is to be done to score it. */
void run_score_begin(struct run *r);
/* Some of it; true: done. */
bool run_score_step(struct run *r, int64_t deadline_us);
void run_score_fini(struct run *r);

#endif
