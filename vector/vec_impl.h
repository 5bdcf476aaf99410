/* vec_impl.h -- an index and a search of it, between the files of vector/ alone. */
#ifndef MEMD_VECTOR_VEC_IMPL_H
#define MEMD_VECTOR_VEC_IMPL_H

#include "vector/graph.h"
#include "vector/rows.h"
#include "vector/top.h"
#include "vector/vec.h"

struct vec_index {
    struct vec_conf conf;
    struct rows rows;
    struct graph *graph; /* NULL: flat */
    uint64_t n_removed;  /* ever: a search that finds it changed may have been led astray by what is gone */
};

enum flat_phase { FLAT_IDS, FLAT_ROWS, FLAT_BOUND, FLAT_CLOSER, FLAT_DONE };

/* A row whose sketch does not say that it is too far away. */
struct candidate {
    uint32_t slot;
    float at_least;
};

struct flat_search {
    enum flat_phase phase;
    size_t at;               /* of the words of allowed, of slots, of those that are surely near, of candidates */
    bool plain;              /* most of all are asked for: sketches would keep out too few */
    struct candidate *list;
    size_t n, cap;
    struct top surely;       /* ids of the k that are nearest at worst; its limit is none of the k's */
    double limit;            /* nothing farther than this is among the k */
};

enum graph_phase { GRAPH_NEAR, GRAPH_RANGE, GRAPH_EXACT, GRAPH_DONE };

struct graph_search {
    enum graph_phase phase;
    struct walk walk;
    uint64_t *seen;
    size_t at;               /* of what is near, when it is looked at closer */
};

enum search_phase { SEARCH_LOOKS, SEARCH_ORDERS, SEARCH_IS_DONE };

struct vec_search {
    const struct vec_index *v;
    struct vec_query q;
    void *data;              /* aligned */
    struct asked asked;
    struct top best;
    struct flat_search flat;
    struct graph_search graph;
    bool through_graph;
    uint64_t n_asked;        /* of q.allows */
    int64_t spent;           /* work that q.allows said it was */
    uint64_t n_removed;
    uint32_t n_frames;       /* as of rows, when `asked` was made */
    int tries;
    enum search_phase phase;
};

/* By the bits alone. */
static inline bool search_has_bit(const struct vec_search *s, uint32_t id)
{
    if (s->q.allowed == NULL) return true;
    return id / 64 < s->q.n_words && (s->q.allowed[id / 64] >> (id % 64) & 1) != 0;
}

static inline bool search_allows(struct vec_search *s, uint32_t id)
{
    if (!search_has_bit(s, id)) return false;
    if (s->q.allows == NULL) return true;
    s->n_asked++;
    return s->q.allows(s->q.ctx, id, &s->spent);
}

/* What q.allows has cost since this was last asked. */
static inline int64_t search_spent(struct vec_search *s)
{
    int64_t spent = s->spent;

    s->spent = 0;
    return spent;
}

/* It has been asked as often as it may be. */
static inline bool search_asked_enough(const struct vec_search *s)
{
    return s->q.asks > 0 && s->n_asked >= s->q.asks;
}

void flat_begin(struct vec_search *s);
void flat_end(struct vec_search *s);
/* As vec_search_step; *work is used up. */
bool flat_step(struct vec_search *s, int64_t *work);
/* How many ids are allowed. */
size_t search_n_allowed(const struct vec_search *s);

/* Is a way through the graph cheaper than to look at all? Then it has begun. */
bool graph_search_begin(struct vec_search *s);
void graph_search_end(struct vec_search *s);
bool graph_search_step(struct vec_search *s, int64_t *work);
/* It went through vectors that are all about as far: it may well have passed by nearer ones. */
bool graph_search_doubts(const struct vec_search *s);

#endif
