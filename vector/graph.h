/* graph.h -- a graph of near neighbours in layers (HNSW; Malkov and Yashunin, arXiv:1603.09320).
 *
 * Each vector is a node in layer 0, one in M of them in layer 1 too, and so on: a search goes down from the top, each layer
 * a finer map. All links go both ways: a node that leaves knows who has links to it, and they are linked with each other.
 * A node that has all the links it may have gives one up for a better one: the farthest to which another neighbour is a
 * shorter way (which is the heuristic of the paper, kept up one link at a time; distances lie with the links for it).
 *
 * Distances between nodes are those of the int8 forms, where there are any: they decide ways, not answers.
 *
 * Between the files of vector/ alone. */
#ifndef MEMD_VECTOR_GRAPH_H
#define MEMD_VECTOR_GRAPH_H

#include "base/rng.h"
#include "vector/rows.h"
#include "vector/top.h"

enum { GRAPH_LEVELS = VEC_LEVELS };

struct link {
    uint32_t to;
    float distance;
};

/* The links of a node in one layer. */
struct links {
    uint32_t n;
    struct link at[];
};

/* A node that is in more than layer 0. They are in lists by their highest. */
struct upper {
    uint32_t before, after;
    struct links *links[]; /* of layer 1 and on */
};

/* What a node has beside its links of layer 0, which lie behind it. */
struct node {
    struct upper *upper;
    uint8_t level;
    bool in;
    struct links links;
};

struct graph {
    struct rows *rows;
    uint32_t m, ef_construction;
    struct rng rng;
    char **chunks;           /* of nodes, as the rows' */
    uint32_t *caps;          /* of each chunk */
    uint32_t n_chunks;
    size_t node_bytes;
    uint32_t entry;          /* ROWS_NONE: nothing is in it */
    uint32_t tops[GRAPH_LEVELS]; /* of the lists of nodes by highest layer, from 1 on */
    uint64_t *seen;          /* bits, of insertions */
    size_t n_seen;           /* words */
    vec_told *told;          /* of each change; NULL: nobody */
    void *who;               /* is told */
};

struct graph *graph_new(struct rows *r, const struct vec_conf *conf);
void graph_free(struct graph **g);

/* Slot has a row now, or is about to lose it. */
void graph_add(struct graph *g, uint32_t slot);
void graph_remove(struct graph *g, uint32_t slot);

/* What is in slot is in another one now, which has a copy of the row; the row is about to go. */
void graph_move(struct graph *g, uint32_t slot, uint32_t to);

/* As graph_add with a level and no links, which come by graph_link: a graph that was somewhere else before. */
void graph_add_bare(struct graph *g, uint32_t slot, unsigned level);
/* False: one of them is not in that layer, has no more room, or they are linked. */
bool graph_link(struct graph *g, uint32_t a, uint32_t b, unsigned level);
void graph_unlink(struct graph *g, uint32_t a, uint32_t b, unsigned level);
/* As graph_remove, and nobody gets another link for one to it. */
void graph_remove_bare(struct graph *g, uint32_t slot);
/* Nodes without links in layer 0 get some. */
bool graph_mend(struct graph *g, uint32_t slot); /* true: that took a while */

static inline struct node *graph_node(const struct graph *g, uint32_t slot)
{
    uint32_t shift = g->rows->shift;

    return (struct node *)(g->chunks[slot >> shift] + (slot & ((1u << shift) - 1)) * g->node_bytes);
}

static inline bool graph_has(const struct graph *g, uint32_t slot)
{
    uint32_t chunk = slot >> g->rows->shift;

    return chunk < g->n_chunks && rows_in_chunk(g->rows, slot) < g->caps[chunk] && graph_node(g, slot)->in;
}

/* The links of a node in a layer it is in. */
static inline struct links *graph_links(const struct graph *g, uint32_t slot, unsigned level)
{
    struct node *n = graph_node(g, slot);

    return level == 0 ? &n->links : n->upper->links[level - 1];
}

static inline bool graph_linked(const struct links *l, uint32_t to)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->at[i].to == to) return true;
    }
    return false;
}

/* How many links a node may have in a layer. */
static inline uint32_t graph_most(const struct graph *g, unsigned level)
{
    return level == 0 ? g->m * 2 : g->m;
}

/* --- walking -------------------------------------------------------------------------------------- */

/* A walk through one layer, towards what is asked. */
struct walk {
    struct top near;  /* the nearest so far: slots */
    struct top next;  /* to go on from; distances are negative, so that the nearest is on top */
    uint64_t *seen;   /* bits of slots */
    size_t n_words;
    struct vec_search *search; /* only what it allows is near; NULL: all is */
    double slack;     /* of a range: how much farther than the radius ways may lead, as a factor above 1 */
};

void walk_init(struct walk *w, uint64_t *seen, size_t n_words, size_t ef);
void walk_fini(struct walk *w);
void walk_from(const struct graph *g, struct walk *w, const struct asked *a, uint32_t slot);
/* True: there is nothing nearer to go on to. *work is used up. */
bool walk_step(const struct graph *g, struct walk *w, const struct asked *a, unsigned level, int64_t *work);

/* From the entry down to `level`, by the nearest of each layer alone. */
uint32_t graph_descend(const struct graph *g, const struct asked *a, unsigned level);

/* The distance by which ways are chosen. */
double graph_distance(const struct graph *g, uint32_t slot, const struct asked *a);
float graph_between(const struct graph *g, uint32_t a, uint32_t b);

/* Stop when something about it is not as it should be. For tests. */
void graph_check(const struct graph *g);

#endif
