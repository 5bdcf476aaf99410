/* graph.c -- nodes come and go. */
#include "vector/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"

enum {
    PAIRS_OF = 48, /* neighbours of a node that leaves which are held against each other */
    M_MOST = 256,  /* more links find nothing more, and an insertion would go through millions of them */
    EF_ABOVE = 64  /* looked at in the layers above the lowest, which only lead the way */
};

struct graph *graph_new(struct rows *r, const struct vec_conf *conf)
{
    struct graph *g = rows_take(r, NULL, sizeof *g);

    *g = (struct graph){ .rows = r, .m = conf->m < 2 ? 2 : conf->m < M_MOST ? conf->m : M_MOST, .ef_construction = conf->ef_construction, .entry = ROWS_NONE };
    if (g->ef_construction < g->m) g->ef_construction = g->m;
    g->node_bytes = (sizeof(struct node) + g->m * 2 * sizeof(struct link) + 7) / 8 * 8;
    rng_seed(&g->rng, conf->seed);
    for (int i = 0; i < GRAPH_LEVELS; i++) g->tops[i] = ROWS_NONE;
    return g;
}

static void drop_upper(struct graph *g, struct node *n)
{
    for (unsigned i = 0; i < n->level; i++) rows_drop(g->rows, n->upper->links[i]);
    rows_drop(g->rows, n->upper);
    n->upper = NULL;
}

static void drop_chunk(struct graph *g, uint32_t i)
{
    for (uint32_t at = 0; at < g->caps[i]; at++) {
        struct node *n = (struct node *)(g->chunks[i] + at * g->node_bytes);

        if (n->in && n->upper != NULL) drop_upper(g, n);
    }
    rows_drop(g->rows, g->chunks[i]);
    g->chunks[i] = NULL;
    g->caps[i] = 0;
}

void graph_free(struct graph **of)
{
    struct graph *g = *of;
    struct rows *r;

    *of = NULL;
    if (g == NULL) return;
    r = g->rows;
    for (uint32_t i = 0; i < g->n_chunks; i++) drop_chunk(g, i);
    rows_drop(r, g->chunks);
    rows_drop(r, g->caps);
    rows_drop(r, g->seen);
    rows_drop(r, g);
}

/* Room for the nodes of the chunk of slot. */
static void make_room(struct graph *g, uint32_t slot)
{
    uint32_t i = slot >> g->rows->shift, cap = rows_chunk(g->rows, slot)->cap;

    if (i >= g->n_chunks) {
        uint32_t n = i + 1 + g->n_chunks / 2;

        g->chunks = rows_take(g->rows, g->chunks, n * sizeof *g->chunks);
        g->caps = rows_take(g->rows, g->caps, n * sizeof *g->caps);
        for (uint32_t j = g->n_chunks; j < n; j++) {
            g->chunks[j] = NULL;
            g->caps[j] = 0;
        }
        g->n_chunks = n;
    }
    if (g->caps[i] >= cap) return;
    g->chunks[i] = rows_take(g->rows, g->chunks[i], cap * g->node_bytes);
    for (uint32_t at = g->caps[i]; at < cap; at++) *(struct node *)(g->chunks[i] + at * g->node_bytes) = (struct node){ 0 };
    g->caps[i] = cap;
}

/* --- lists by the highest layer ------------------------------------------------------------------- */

static void enlist(struct graph *g, uint32_t slot, unsigned level)
{
    struct upper *u = graph_node(g, slot)->upper;

    u->before = ROWS_NONE;
    u->after = g->tops[level];
    if (u->after != ROWS_NONE) graph_node(g, u->after)->upper->before = slot;
    g->tops[level] = slot;
}

static void delist(struct graph *g, uint32_t slot, unsigned level)
{
    struct upper *u = graph_node(g, slot)->upper;

    if (u->before != ROWS_NONE) graph_node(g, u->before)->upper->after = u->after;
    else g->tops[level] = u->after;
    if (u->after != ROWS_NONE) graph_node(g, u->after)->upper->before = u->before;
}

static void tell(const struct graph *g, enum vec_change what, uint32_t a, uint32_t b, unsigned level)
{
    if (g->told != NULL) g->told(g->who, &(struct vec_event){ what, rows_id(g->rows, a), rows_id(g->rows, b), level });
}

void graph_add_bare(struct graph *g, uint32_t slot, unsigned level)
{
    struct node *n;

    make_room(g, slot);
    n = graph_node(g, slot);
    *n = (struct node){ .level = (uint8_t)level, .in = true };
    if (level > 0) {
        n->upper = rows_take(g->rows, NULL, sizeof *n->upper + level * sizeof n->upper->links[0]);
        for (unsigned i = 0; i < level; i++) {
            n->upper->links[i] = rows_take(g->rows, NULL, sizeof(struct links) + g->m * sizeof(struct link));
            n->upper->links[i]->n = 0;
        }
        enlist(g, slot, level);
    }
    if (g->entry == ROWS_NONE || graph_node(g, g->entry)->level < level) g->entry = slot;
    tell(g, VEC_CAME, slot, slot, level);
}

/* --- links ---------------------------------------------------------------------------------------- */

static void unlink_one(struct links *l, uint32_t to)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->at[i].to != to) continue;
        l->at[i] = l->at[--l->n];
        return;
    }
}

static void tie(struct graph *g, uint32_t a, uint32_t b, float d, unsigned level)
{
    struct links *x = graph_links(g, a, level), *y = graph_links(g, b, level);

    ensure(x->n < graph_most(g, level) && y->n < graph_most(g, level));
    x->at[x->n++] = (struct link){ b, d };
    y->at[y->n++] = (struct link){ a, d };
    tell(g, VEC_LINKED, a, b, level);
}

static void untie(struct graph *g, uint32_t a, uint32_t b, unsigned level)
{
    unlink_one(graph_links(g, a, level), b);
    unlink_one(graph_links(g, b, level), a);
    tell(g, VEC_UNLINKED, a, b, level);
}

/* Is another link of l a shorter way to `to`, which is d away? */
static bool covered(const struct graph *g, const struct links *l, uint32_t to, float d)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->at[i].to != to && l->at[i].distance < d && graph_between(g, l->at[i].to, to) < d) return true;
    }
    return false;
}

/* Of a node whose links lead to many that are where it is itself (copies of one vector) one of those can go: not the
 * few that lead away. -1: it has not so many. */
static int copy_link(const struct graph *g, const struct links *l, unsigned level, float farthest)
{
    uint32_t n = 0, most = 0;
    int at = -1;

    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t has = graph_links(g, l->at[i].to, level)->n;

        if (l->at[i].distance > farthest * 1e-4f) continue;
        n++;
        if (has > most) most = has, at = (int)i;
    }
    return n > graph_most(g, level) / 2 ? at : -1;
}

/* The link that a full node can best do without for one that is d away: of the farthest few the first that is covered,
 * or else the farthest. Nobody is left with less than a quarter of the links it may have. -1: there is none. */
static int worst_link(const struct graph *g, const struct links *l, unsigned level)
{
    enum { TRIED = 6 };
    float below = INFINITY, most = 0;
    int farthest = -1, copy;
    uint32_t few = graph_most(g, level) / 4;

    for (int tried = 0; tried < TRIED;) {
        int at = -1;

        for (uint32_t i = 0; i < l->n; i++) {
            if (l->at[i].distance < below && (at < 0 || l->at[i].distance > l->at[at].distance)) at = (int)i;
        }
        if (at < 0) break;
        below = l->at[at].distance;
        if (below > most) most = below;
        if (graph_links(g, l->at[at].to, level)->n <= few) continue;
        if (farthest < 0) farthest = at;
        if (covered(g, l, l->at[at].to, below)) return at;
        tried++;
    }
    copy = copy_link(g, l, level, most);
    return copy >= 0 ? copy : farthest;
}

/* Of a full node all of whose neighbours have few links: the one with most. */
static int richest_link(const struct graph *g, const struct links *l, unsigned level)
{
    int at = 0;

    for (uint32_t i = 1; i < l->n; i++) {
        if (graph_links(g, l->at[i].to, level)->n > graph_links(g, l->at[at].to, level)->n) at = (int)i;
    }
    return at;
}

/* Link two nodes; a full one gives a link up. False: it would rather not. */
static bool offer(struct graph *g, uint32_t to, uint32_t node, float d, unsigned level, bool must)
{
    struct links *l = graph_links(g, to, level);
    uint32_t given_up = ROWS_NONE;

    if (graph_links(g, node, level)->n >= graph_most(g, level)) return false;
    if (l->n >= graph_most(g, level)) {
        int worst = worst_link(g, l, level);

        if (worst < 0 && must) worst = richest_link(g, l, level);
        if (worst < 0) return false;
        if (!must && l->at[worst].distance <= d && covered(g, l, node, d)) return false;
        given_up = l->at[worst].to;
        untie(g, to, given_up, level);
    }
    tie(g, to, node, d, level);
    /* Who has no link left gets one to the node; in layer 0 there is always room for it (join). */
    if (given_up != ROWS_NONE && graph_links(g, given_up, level)->n == 0 && graph_links(g, node, level)->n < graph_most(g, level)) {
        tie(g, node, given_up, graph_between(g, node, given_up), level);
    }
    return true;
}

bool graph_link(struct graph *g, uint32_t a, uint32_t b, unsigned level)
{
    struct links *x, *y;

    if (a == b || graph_node(g, a)->level < level || graph_node(g, b)->level < level) return false;
    x = graph_links(g, a, level), y = graph_links(g, b, level);
    if (x->n >= graph_most(g, level) || y->n >= graph_most(g, level) || graph_linked(x, b)) return false;
    tie(g, a, b, graph_between(g, a, b), level);
    return true;
}

void graph_unlink(struct graph *g, uint32_t a, uint32_t b, unsigned level)
{
    untie(g, a, b, level);
}

/* --- coming --------------------------------------------------------------------------------------- */

/* Link a node with the best of `near`, nearest first: those to which none chosen before is a shorter way, then others. */
static void join(struct graph *g, uint32_t slot, const struct top *near, unsigned level)
{
    const struct links *own = graph_links(g, slot, level);

    for (int pass = 0; pass < 2 && own->n < g->m; pass++) {
        for (size_t i = 0; i < near->n && own->n < g->m; i++) {
            const struct vec_hit *h = &near->hits[i];
            float d = (float)h->distance;

            if (h->id == slot || graph_linked(own, h->id) || (pass == 0 && covered(g, own, h->id, d))) continue;
            offer(g, h->id, slot, d, level, false);
        }
    }
    for (size_t i = 0; i < near->n && own->n == 0; i++) {
        if (near->hits[i].id != slot) offer(g, near->hits[i].id, slot, (float)near->hits[i].distance, level, true);
    }
}

static unsigned random_level(struct graph *g)
{
    double level = -log(1 - rng_unit(&g->rng)) / log(g->m);

    return level >= GRAPH_LEVELS - 1 ? GRAPH_LEVELS - 1 : (unsigned)level;
}

/* Bits for all slots, none of them set. */
static uint64_t *unseen(struct graph *g)
{
    size_t words = ((size_t)rows_end(g->rows) + 63) / 64;

    if (words > g->n_seen) {
        words += words / 4;
        g->seen = rows_take(g->rows, g->seen, words * sizeof *g->seen);
        g->n_seen = words;
    }
    memset(g->seen, 0, g->n_seen * sizeof *g->seen);
    return g->seen;
}

/* Find neighbours for a node that is in layers up to `level`, from `from` on down. */
static void settle(struct graph *g, uint32_t slot, const struct asked *a, uint32_t from, unsigned top)
{
    for (unsigned l = top + 1; l-- > 0;) {
        struct walk w;
        int64_t work = INT64_MAX;
        uint64_t *seen = unseen(g);
        uint32_t above = g->m > EF_ABOVE ? g->m : EF_ABOVE;

        walk_init(&w, seen, g->n_seen, l == 0 || g->ef_construction < above ? g->ef_construction : above);
        w.seen[slot / 64] |= 1ULL << (slot % 64); /* itself */
        walk_from(g, &w, a, from);
        walk_step(g, &w, a, l, &work);
        top_sort(&w.near);
        if (w.near.n > 0) from = w.near.hits[0].id;
        join(g, slot, &w.near, l);
        walk_fini(&w);
    }
}

void graph_add(struct graph *g, uint32_t slot)
{
    unsigned level = random_level(g), top;
    uint32_t entry = g->entry, from;
    struct asked a;

    if (entry == ROWS_NONE) {
        graph_add_bare(g, slot, level);
        return;
    }
    top = graph_node(g, entry)->level;
    if (level < top) top = level;
    asked_row(&a, g->rows, slot);
    from = graph_descend(g, &a, top);
    graph_add_bare(g, slot, level);
    settle(g, slot, &a, from, top);
    asked_fini(&a);
}

/* --- going ---------------------------------------------------------------------------------------- */

struct pair {
    uint32_t a, b; /* indices of neighbours */
    float d;
};

static int nearest_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    return x->d < y->d ? -1 : x->d > y->d;
}

/* Those who had a link to what has left get one to each other: the nearest pairs first, one or two for each. */
static void close_gap(struct graph *g, const struct link *left, uint32_t n, unsigned level)
{
    struct pair *pairs;
    uint8_t got[PAIRS_OF] = { 0 };
    size_t n_pairs = 0;

    if (n > PAIRS_OF) n = PAIRS_OF;
    if (n < 2) return;
    pairs = mem_alloc((size_t)n * (n - 1) / 2 * sizeof *pairs);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = i + 1; j < n; j++) {
            if (graph_linked(graph_links(g, left[i].to, level), left[j].to)) continue;
            pairs[n_pairs++] = (struct pair){ i, j, graph_between(g, left[i].to, left[j].to) };
        }
    }
    qsort(pairs, n_pairs, sizeof *pairs, nearest_pair);
    for (int most = 1; most <= 2; most++) {
        for (size_t i = 0; i < n_pairs; i++) {
            const struct pair *p = &pairs[i];
            uint32_t a = left[p->a].to, b = left[p->b].to;
            struct links *x = graph_links(g, a, level), *y = graph_links(g, b, level);

            if ((got[p->a] >= most && got[p->b] >= most) || graph_linked(x, b)) continue;
            if (x->n >= graph_most(g, level) || y->n >= graph_most(g, level)) continue;
            tie(g, a, b, p->d, level);
            got[p->a]++;
            got[p->b]++;
        }
    }
    mem_free(pairs);
}

/* Any node of the highest layer that there is. */
static uint32_t other_entry(const struct graph *g)
{
    for (int level = GRAPH_LEVELS - 1; level > 0; level--) {
        if (g->tops[level] != ROWS_NONE) return g->tops[level];
    }
    for (uint32_t slot = 0; slot < rows_end(g->rows); slot++) {
        if (graph_has(g, slot)) return slot;
    }
    return ROWS_NONE;
}

bool graph_mend(struct graph *g, uint32_t slot)
{
    struct asked a;
    uint32_t from;

    if (graph_links(g, slot, 0)->n > 0 || g->rows->n < 2) return false;
    asked_row(&a, g->rows, slot);
    from = g->entry != slot ? graph_descend(g, &a, 0) : ROWS_NONE;
    for (uint32_t s = 0; (from == ROWS_NONE || from == slot) && s < rows_end(g->rows); s++) { /* it is the entry: anybody will do */
        if (s != slot && graph_has(g, s)) from = s;
    }
    if (from != ROWS_NONE && from != slot) settle(g, slot, &a, from, 0);
    asked_fini(&a);
    return true;
}

/* A node's links in a layer go; who was at their other ends: to left[0..2 m), how many. */
static uint32_t cut(struct graph *g, uint32_t slot, unsigned level, struct link *left)
{
    struct links *own = graph_links(g, slot, level);
    uint32_t n = own->n;

    memcpy(left, own->at, n * sizeof *left);
    for (uint32_t i = 0; i < n; i++) unlink_one(graph_links(g, left[i].to, level), slot);
    own->n = 0;
    return n;
}

/* A node goes; who had links to it in layer 0: to left[0..2 m), how many. */
static uint32_t take_out(struct graph *g, uint32_t slot, struct link *left, bool close)
{
    struct node *n = graph_node(g, slot);
    unsigned level = n->level;
    uint32_t n_left = 0;

    tell(g, VEC_GOES, slot, slot, level);
    for (unsigned l = level + 1; l-- > 0;) {
        n_left = cut(g, slot, l, left);
        if (close) close_gap(g, left, n_left, l);
    }
    if (level > 0) {
        delist(g, slot, level);
        drop_upper(g, n);
    }
    *n = (struct node){ 0 };
    if (g->entry == slot) {
        g->entry = other_entry(g);
        if (level == 0 && n_left > 0) g->entry = left[0].to;
    }
    return n_left;
}

void graph_remove(struct graph *g, uint32_t slot)
{
    struct link *left = mem_alloc(g->m * 2 * sizeof *left);
    uint32_t n_left = take_out(g, slot, left, true);

    g->rows->n--; /* as graph_mend shall see it */
    for (uint32_t i = 0; i < n_left; i++) graph_mend(g, left[i].to);
    g->rows->n++;
    mem_free(left);
    if (rows_chunk(g->rows, slot)->n == 1) drop_chunk(g, slot >> g->rows->shift); /* it was the last one in it */
}

void graph_remove_bare(struct graph *g, uint32_t slot)
{
    struct link *left = mem_alloc(g->m * 2 * sizeof *left);

    take_out(g, slot, left, false);
    mem_free(left);
    if (rows_chunk(g->rows, slot)->n == 1) drop_chunk(g, slot >> g->rows->shift);
}

static void lead_to(struct links *l, uint32_t old, uint32_t to)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->at[i].to == old) l->at[i].to = to;
    }
}

void graph_move(struct graph *g, uint32_t slot, uint32_t to)
{
    struct node *n;

    make_room(g, to);
    n = graph_node(g, to);
    memcpy(n, graph_node(g, slot), g->node_bytes);
    for (unsigned level = 0; level <= n->level; level++) {
        const struct links *own = graph_links(g, to, level);

        for (uint32_t i = 0; i < own->n; i++) lead_to(graph_links(g, own->at[i].to, level), slot, to);
    }
    if (n->level > 0) {
        if (n->upper->before != ROWS_NONE) graph_node(g, n->upper->before)->upper->after = to;
        else g->tops[n->level] = to;
        if (n->upper->after != ROWS_NONE) graph_node(g, n->upper->after)->upper->before = to;
    }
    if (g->entry == slot) g->entry = to;
    *graph_node(g, slot) = (struct node){ 0 };
    if (rows_chunk(g->rows, slot)->n == 1) drop_chunk(g, slot >> g->rows->shift);
}
