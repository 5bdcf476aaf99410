/* vec_impl.h -- an index and a search of it, between the files of vector/ alone. */
#ifndef MEMD_VECTOR_VEC_IMPL_H
#define MEMD_VECTOR_VEC_IMPL_H

#include "vector/rows.h"
#include "vector/top.h"
#include "vector/vec.h"

struct graph; /* graph.h */

struct vec_index {
    struct vec_conf conf;
    struct rows rows;
    struct graph *graph; /* NULL: flat */
    uint64_t n_removed;  /* ever: a search that finds it changed may have been led astray by what is gone */
};

enum flat_phase { FLAT_IDS, FLAT_ROWS, FLAT_CLOSER, FLAT_DONE };

/* A row whose sketch does not say that it is too far away. */
struct candidate {
    uint32_t slot;
    float at_least;
};

struct flat_search {
    enum flat_phase phase;
    size_t at;               /* of the words of allowed, of slots, of candidates */
    struct candidate *list;
    size_t n, cap;
    struct top surely;       /* slots of the k that are nearest at worst; its limit is none of the k's */
    double limit;            /* nothing farther than this is among the k */
};

struct vec_search {
    const struct vec_index *v;
    struct vec_query q;
    void *data;              /* aligned */
    struct asked asked;
    struct top best;
    struct flat_search flat;
    struct graph_search *graph; /* NULL: not through a graph */
    uint64_t n_removed;
    int tries;
    bool done;
};

static inline bool search_allows(const struct vec_search *s, uint32_t id)
{
    if (s->q.allowed == NULL) return true;
    return id / 64 < s->q.n_words && (s->q.allowed[id / 64] >> (id % 64) & 1) != 0;
}

void flat_begin(struct vec_search *s);
void flat_end(struct vec_search *s);
/* As vec_search_step; *work is used up. */
bool flat_step(struct vec_search *s, int64_t *work);

#endif
