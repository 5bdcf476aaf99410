/* graph_walk.c -- ways through the graph. */
#include <math.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "vector/graph.h"
#include "vector/quant.h"
#include "vector/vec_impl.h"

static bool has_bytes(const struct rows *r, uint32_t slot)
{
    return r->frame != NULL && r->frame->has_bytes && slot < r->n_small;
}

double graph_distance(const struct graph *g, uint32_t slot, const struct asked *a)
{
    float within, d;

    if (a->bytes != NULL && has_bytes(g->rows, slot)) {
        d = quant_distance(g->rows, slot, a, &within);
        if (isfinite(d)) return d;
    }
    return rows_distance(g->rows, slot, a);
}

float graph_between(const struct graph *g, uint32_t a, uint32_t b)
{
    if (has_bytes(g->rows, a) && has_bytes(g->rows, b)) {
        float d = quant_between(g->rows, a, b);

        if (isfinite(d)) return d;
    }
    return (float)rows_between(g->rows, a, b);
}

uint32_t graph_descend(const struct graph *g, const struct asked *a, unsigned level)
{
    uint32_t at = g->entry;
    double best = graph_distance(g, at, a);

    for (unsigned l = graph_node(g, at)->level; l > level; l--) {
        for (bool nearer = true; nearer;) {
            const struct links *links = graph_links(g, at, l);

            nearer = false;
            for (uint32_t i = 0; i < links->n; i++) {
                double d = graph_distance(g, links->at[i].to, a);

                if (d >= best) continue;
                best = d;
                at = links->at[i].to;
                nearer = true;
            }
        }
    }
    return at;
}

void walk_init(struct walk *w, uint64_t *seen, size_t n_words, size_t ef)
{
    *w = (struct walk){ .seen = seen, .n_words = n_words, .slack = 1 };
    top_init(&w->near, ef, 0);
    top_init(&w->next, SIZE_MAX, 0);
}

void walk_fini(struct walk *w)
{
    top_fini(&w->near);
    top_fini(&w->next);
}

static bool saw(struct walk *w, uint32_t slot)
{
    uint64_t bit = 1ULL << (slot % 64), *word = &w->seen[slot / 64];
    bool was;

    if (UNLIKELY(slot / 64 >= w->n_words)) return true; /* it has come while the walk was under way */
    was = (*word & bit) != 0;
    *word |= bit;
    return was;
}

/* How far a place may be to be gone to. */
static double reach(const struct walk *w)
{
    double limit = top_limit(&w->near);

    if (w->near.k > 0) return limit;
    return limit < 0 ? limit / w->slack : limit * w->slack;
}

static void come_to(const struct graph *g, struct walk *w, uint32_t slot, double d)
{
    if (w->near.k > 0 && d > reach(w)) return;
    top_add(&w->next, slot, -d);
    if (w->search == NULL || search_allows(w->search, rows_id(g->rows, slot))) top_add(&w->near, slot, d);
}

void walk_from(const struct graph *g, struct walk *w, const struct asked *a, uint32_t slot)
{
    if (saw(w, slot)) return;
    come_to(g, w, slot, graph_distance(g, slot, a));
}

/* Rows are far from each other in memory: the next ones are fetched while one is reckoned with. */
static void fetch(const struct graph *g, uint32_t slot)
{
    const struct rows *r = g->rows;
    const struct chunk *c = rows_chunk(r, slot);
    size_t at = rows_in_chunk(r, slot);
    const char *p = has_bytes(r, slot) ? (const char *)c->bytes + at * r->frame->padded : c->rows + at * r->row_bytes;
    size_t n = has_bytes(r, slot) ? r->frame->padded : r->row_bytes;

    for (size_t i = 0; i < n && i < 512; i += 64) __builtin_prefetch(p + i);
}

bool walk_step(const struct graph *g, struct walk *w, const struct asked *a, unsigned level, int64_t *work)
{
    uint32_t todo[64];

    while (*work > 0) {
        if (w->next.n == 0 || (w->search != NULL && search_asked_enough(w->search))) return true;

        struct vec_hit from = top_pop(&w->next);

        if (-from.distance > reach(w)) return true;
        *work -= 64;
        /* Between steps of a search nodes may have left. */
        if (!graph_has(g, from.id) || graph_node(g, from.id)->level < level) continue;

        const struct links *links = graph_links(g, from.id, level);

        for (uint32_t i = 0; i < links->n;) {
            uint32_t n = 0;

            for (; i < links->n && n < 64; i++) {
                if (saw(w, links->at[i].to)) continue;
                todo[n++] = links->at[i].to;
            }
            if (n > 0) fetch(g, todo[0]);
            for (uint32_t j = 0; j < n; j++) {
                if (j + 1 < n) fetch(g, todo[j + 1]);
                come_to(g, w, todo[j], graph_distance(g, todo[j], a));
            }
            *work -= (int64_t)n * (g->rows->dim / 2 + 32);
            if (w->search != NULL) *work -= search_spent(w->search);
        }
    }
    return false;
}
