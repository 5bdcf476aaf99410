/* graph_search.c -- the nearest by the graph, or not.
 *
 * A graph is for large sets. What a walk costs goes with ef and with how few are allowed, what looking at all sketches costs
 * goes with the number of vectors: the cheaper one is taken, and the second is exact. Where all vectors are about as far
 * from the query (numbers at random are; meanings are not) no graph leads to the nearest, and what a walk found says so:
 * seen from the middle they are hardly more like the query than any. Then all are looked at. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "vector/quant.h"
#include "vector/vec_impl.h"

enum {
    EF_LEAST = 64,      /* the smallest ef walks are made with: what is asked for finds too little */
    NODE_COST = 300,    /* sketches looked at in the time in which a node's neighbours are */
};

#define ALIKE 0.35f /* seen from the middle: below this a walk is not to be relied upon */

static size_t ef_of(const struct vec_search *s)
{
    size_t ef = s->q.ef != 0 ? s->q.ef : s->v->conf.ef_runtime;

    if (s->q.k > ef) ef = s->q.k;
    return ef > EF_LEAST ? ef : EF_LEAST;
}

static size_t words_of(const struct vec_search *s)
{
    return ((size_t)rows_end(&s->v->rows) + 63) / 64;
}

static bool is_cheaper(const struct vec_search *s)
{
    size_t n = s->v->rows.n, cost = ef_of(s) * NODE_COST, allowed;

    if (s->q.way != VEC_ANY_WAY) return s->q.way == VEC_BY_GRAPH;
    if (s->q.k == 0) cost *= 4;
    /* Without sketches looking at all costs more by far. */
    if (!s->asked.small) cost /= s->v->rows.dim >= QUANT_DIM_MIN ? 16 : 4;
    if (cost >= n || s->q.allowed == NULL) return cost < n;
    allowed = search_n_allowed(s);
    return allowed > 0 && cost < allowed; /* cost * n / allowed < n */
}

static void begin_walk(struct vec_search *s, size_t ef)
{
    struct graph_search *g = &s->graph;
    size_t words = words_of(s);

    walk_fini(&g->walk);
    mem_free(g->seen);
    g->seen = mem_zalloc(words * sizeof *g->seen);
    walk_init(&g->walk, g->seen, words, ef);
    if (s->q.allowed != NULL || s->q.allows != NULL) g->walk.search = s;
}

bool graph_search_begin(struct vec_search *s)
{
    const struct graph *g = s->v->graph;

    if (g == NULL || g->entry == ROWS_NONE || !is_cheaper(s)) return false;
    begin_walk(s, ef_of(s));
    walk_from(g, &s->graph.walk, &s->asked, graph_descend(g, &s->asked, 0));
    s->graph.phase = GRAPH_NEAR;
    s->graph.at = 0;
    return true;
}

void graph_search_end(struct vec_search *s)
{
    walk_fini(&s->graph.walk);
    mem_free(s->graph.seen);
    s->graph.seen = NULL;
}

/* Those near the query have been found; now from them on as far as the range goes, and a little farther. */
static void begin_range(struct vec_search *s)
{
    struct graph_search *g = &s->graph;
    struct top near = g->walk.near;
    double epsilon = s->q.epsilon >= 0 ? s->q.epsilon : s->v->conf.epsilon;

    g->walk.near = (struct top){ 0 };
    begin_walk(s, 0);
    g->walk.slack = 1 + epsilon;
    g->walk.near.radius = s->q.radius + fabs(s->q.radius) * 0.01; /* by the int8 forms: the row has the last word */
    for (size_t i = 0; i < near.n; i++) {
        if (graph_has(s->v->graph, near.hits[i].id)) walk_from(s->v->graph, &g->walk, &s->asked, near.hits[i].id);
    }
    top_fini(&near);
    g->phase = GRAPH_RANGE;
}

static void step_exact(struct vec_search *s, int64_t *work)
{
    const struct rows *r = &s->v->rows;
    struct graph_search *g = &s->graph;

    for (; g->at < g->walk.near.n && *work > 0; g->at++) {
        uint32_t slot = g->walk.near.hits[g->at].id;

        if (rows_live(r, slot)) top_add(&s->best, rows_id(r, slot), rows_distance(r, slot, &s->asked));
        *work -= r->dim + 32;
    }
    if (g->at >= g->walk.near.n) g->phase = GRAPH_DONE;
}

bool graph_search_step(struct vec_search *s, int64_t *work)
{
    struct graph_search *g = &s->graph;

    while (*work > 0 && g->phase != GRAPH_DONE) {
        *work -= search_spent(s);
        switch (g->phase) {
        case GRAPH_NEAR:
            if (!walk_step(s->v->graph, &g->walk, &s->asked, 0, work)) break;
            if (s->q.k == 0) begin_range(s);
            else g->phase = GRAPH_EXACT;
            break;
        case GRAPH_RANGE:
            if (walk_step(s->v->graph, &g->walk, &s->asked, 0, work)) g->phase = GRAPH_EXACT;
            break;
        case GRAPH_EXACT: step_exact(s, work); break;
        case GRAPH_DONE: break;
        }
    }
    return g->phase == GRAPH_DONE;
}

bool graph_search_doubts(const struct vec_search *s)
{
    const struct rows *r = &s->v->rows;
    size_t ids = r->n - r->n_more, want = ids < s->q.k ? ids : s->q.k;
    uint32_t slot;

    if (s->q.k == 0 || s->q.way == VEC_BY_GRAPH) return false;
    if (!s->asked.small && r->n_more == 0) return false; /* but where an id has many, a walk may have found the same few */
    if (s->best.n < want) return s->q.allowed == NULL || s->best.n < search_n_allowed(s);
    if (!s->asked.small) return false;
    (void)rows_id_distance(r, s->best.hits[0].id, &s->asked, &slot);
    return slot != ROWS_NONE && quant_likeness(r, slot, &s->asked, s->best.hits[0].distance) < ALIKE;
}
