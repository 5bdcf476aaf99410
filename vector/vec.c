/* vec.c -- vec.h put together. */
#include "vector/vec.h"

#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "vector/vec_impl.h"

enum { TRIES = 4 }; /* of a search among what is being removed */

struct vec_index *vec_index_new(const struct vec_conf *conf)
{
    struct vec_index *v = mem_zalloc(sizeof *v);

    ensure(conf->dim >= 1 && conf->dim <= VEC_DIM_MAX);
    v->conf = *conf;
    rows_init(&v->rows, conf);
    if (conf->algorithm == VEC_HNSW) v->graph = graph_new(&v->rows, conf);
    return v;
}

void vec_index_free(struct vec_index **of)
{
    struct vec_index *v = *of;

    *of = NULL;
    if (v == NULL) return;
    graph_free(&v->graph);
    rows_fini(&v->rows);
    mem_free(v);
}

/* Has id just these? */
static bool has_all(const struct rows *r, uint32_t slot, const struct str *data, size_t n)
{
    for (size_t i = 0; i < n; i++, slot = rows_next(r, slot))
        if (slot == ROWS_NONE || memcmp(rows_data(r, slot), data[i].p, data[i].n) != 0) return false;
    return slot == ROWS_NONE;
}

bool vec_index_put_all(struct vec_index *v, uint32_t id, const struct str *data, size_t n)
{
    struct rows *r = &v->rows;

    for (size_t i = 0; i < n; i++)
        if (data[i].n != r->row_bytes || !rows_finite(r, data[i].p)) return false;
    if (has_all(r, rows_slot(r, id), data, n)) return true;
    vec_index_remove(v, id);
    while (n-- > 0) { /* each is put before those that are there */
        uint32_t slot = rows_add(r, id, data[n].p);

        if (slot == ROWS_NONE) {
            vec_index_remove(v, id);
            return false;
        }
        if (v->graph != NULL) graph_add(v->graph, slot);
    }
    return true;
}

bool vec_index_put(struct vec_index *v, uint32_t id, struct str data)
{
    return vec_index_put_all(v, id, &data, 1);
}

void vec_index_remove(struct vec_index *v, uint32_t id)
{
    uint32_t slot;

    while ((slot = rows_slot(&v->rows, id)) != ROWS_NONE) {
        if (v->graph != NULL) graph_remove(v->graph, slot);
        rows_remove(&v->rows, slot);
        v->n_removed++;
    }
}

/* Are more places free than `part` of them, and a chunk? To empty a chunk is then paid for by as many removals. */
static bool has_holes(const struct rows *r, uint32_t part)
{
    return r->n_places - r->n > r->n_places / part + (1u << r->shift);
}

/* The last vector of the last chunk. */
static uint32_t last_slot(const struct rows *r)
{
    const struct chunk *c = r->chunks[r->n_chunks - 1];
    uint32_t i = (c->cap + 63) / 64;

    while (c->live[--i] == 0) {}
    return ((r->n_chunks - 1) << r->shift) + i * 64 + 63 - (uint32_t)__builtin_clzll(c->live[i]);
}

bool vec_index_tend(struct vec_index *v, size_t n)
{
    struct rows *r = &v->rows;

    for (; n > 0 && has_holes(r, 4); n--) {
        uint32_t slot = last_slot(r), to = rows_copy(r, slot);

        ensure(to != ROWS_NONE); /* a chunk is but a part of the places that are free */
        if (v->graph != NULL) graph_move(v->graph, slot, to);
        rows_forget(r, slot, to);
    }
    return has_holes(r, 4);
}

bool vec_index_is_behind(const struct vec_index *v)
{
    return has_holes(&v->rows, 2);
}

bool vec_index_has(const struct vec_index *v, uint32_t id)
{
    return rows_slot(&v->rows, id) != ROWS_NONE;
}

size_t vec_index_count(const struct vec_index *v)
{
    return v->rows.n;
}

size_t vec_index_memory(const struct vec_index *v)
{
    return mem_usable(v) + v->rows.bytes;
}

double vec_index_distance(const struct vec_index *v, uint32_t id, struct str query)
{
    const struct rows *r = &v->rows;
    uint32_t slot = rows_slot(r, id);
    struct asked a;
    double d;
    void *data;

    if (slot == ROWS_NONE || query.n != r->row_bytes) return NAN;
    data = mem_dup(query.p, query.n); /* aligned */
    asked_init(&a, r, data, false);
    d = rows_id_distance(r, id, &a, &slot);
    asked_fini(&a);
    mem_free(data);
    return d;
}

const void *vec_index_data(const struct vec_index *v, uint32_t id)
{
    uint32_t slot = rows_slot(&v->rows, id);

    return slot == ROWS_NONE ? NULL : rows_data(&v->rows, slot);
}

void vec_index_set_ef(struct vec_index *v, uint32_t ef_construction)
{
    if (v->graph != NULL) v->graph->ef_construction = ef_construction > v->graph->m ? ef_construction : v->graph->m;
}

void vec_index_check(const struct vec_index *v)
{
    const struct rows *r = &v->rows;
    uint32_t n = 0, ids = 0;

    for (uint32_t id = 0; id < r->n_ids; id++) {
        ids += rows_slot(r, id) != ROWS_NONE;
        for (uint32_t slot = rows_slot(r, id); slot != ROWS_NONE; slot = rows_next(r, slot), n++) ensure(rows_live(r, slot) && rows_id(r, slot) == id);
    }
    ensure(n == r->n && n - ids == r->n_more);
    for (uint32_t i = 0, places = 0; i <= r->n_chunks; i++) {
        if (i == r->n_chunks) ensure(places == r->n_places);
        else if (r->chunks[i] != NULL) places += r->chunks[i]->cap;
    }
    if (v->graph != NULL) graph_check(v->graph);
}

/* --- the graph ------------------------------------------------------------------------------------ */

unsigned vec_index_highest(const struct vec_index *v)
{
    return v->graph->entry == ROWS_NONE ? 0 : graph_node(v->graph, v->graph->entry)->level;
}

unsigned vec_index_level(const struct vec_index *v, uint32_t id)
{
    return graph_node(v->graph, rows_slot(&v->rows, id))->level;
}

size_t vec_index_links(const struct vec_index *v, uint32_t id, unsigned level, struct vec_hit *out, size_t max)
{
    const struct links *l = graph_links(v->graph, rows_slot(&v->rows, id), level);

    for (uint32_t i = 0; i < l->n && i < max; i++) out[i] = (struct vec_hit){ rows_id(&v->rows, l->at[i].to), l->at[i].distance };
    return l->n;
}

bool vec_index_put_bare(struct vec_index *v, uint32_t id, struct str data, unsigned level)
{
    uint32_t slot;

    if (data.n != v->rows.row_bytes || !rows_finite(&v->rows, data.p) || level >= VEC_LEVELS) return false;
    slot = rows_add(&v->rows, id, data.p);
    if (slot == ROWS_NONE) return false;
    graph_add_bare(v->graph, slot, level);
    return true;
}

bool vec_index_link(struct vec_index *v, uint32_t a, uint32_t b, unsigned level)
{
    uint32_t x = rows_slot(&v->rows, a), y = rows_slot(&v->rows, b);

    return x != ROWS_NONE && y != ROWS_NONE && graph_link(v->graph, x, y, level);
}

void vec_index_follow(struct vec_index *v, vec_told *told, void *who)
{
    v->graph->told = told;
    v->graph->who = who;
}

void vec_index_unlink(struct vec_index *v, uint32_t a, uint32_t b, unsigned level)
{
    graph_unlink(v->graph, rows_slot(&v->rows, a), rows_slot(&v->rows, b), level);
}

void vec_index_remove_bare(struct vec_index *v, uint32_t id)
{
    uint32_t slot = rows_slot(&v->rows, id);

    if (slot == ROWS_NONE) return;
    graph_remove_bare(v->graph, slot);
    rows_remove(&v->rows, slot);
    v->n_removed++;
}

bool vec_index_mend(struct vec_index *v, uint32_t id)
{
    return graph_mend(v->graph, rows_slot(&v->rows, id));
}

/* --- searches ------------------------------------------------------------------------------------- */

static void begin(struct vec_search *s)
{
    s->n_removed = s->v->n_removed;
    top_clear(&s->best);
    if (s->v->rows.n_more > 0 && s->best.places == NULL) top_know_ids(&s->best, s->v->rows.n_ids);
    s->through_graph = graph_search_begin(s);
    if (!s->through_graph) flat_begin(s);
}

static void ask(struct vec_search *s)
{
    asked_init(&s->asked, &s->v->rows, s->data, true);
    s->n_frames = s->v->rows.n_frames;
    begin(s);
}

struct vec_search *vec_search_new(const struct vec_index *v, const struct vec_query *q)
{
    struct vec_search *s = mem_zalloc(sizeof *s);

    s->v = v;
    s->q = *q;
    top_init(&s->best, q->k, q->radius);
    if (q->data.n != v->rows.row_bytes) { /* nothing is near to what is no vector of this index */
        s->phase = SEARCH_IS_DONE;
        return s;
    }
    s->data = mem_dup(q->data.p, q->data.n);
    ask(s);
    return s;
}

/* True: all has been looked at. */
static bool look(struct vec_search *s, int64_t *work)
{
    if (!s->through_graph) return flat_step(s, work);
    if (!graph_search_step(s, work)) return false;
    if (!graph_search_doubts(s)) return true;
    s->through_graph = false;
    flat_begin(s);
    return false;
}

static void looks(struct vec_search *s, int64_t *work)
{
    if (UNLIKELY(s->n_frames != s->v->rows.n_frames)) { /* what was asked is in forms that are no longer those of the rows */
        asked_fini(&s->asked);
        ask(s);
    }
    if (!look(s, work)) return;
    if (s->n_removed != s->v->n_removed && ++s->tries < TRIES) {
        begin(s);
        return;
    }
    top_order_begin(&s->best);
    s->phase = SEARCH_ORDERS;
}

/* Hits that were removed behind the search; and of one that was met in two places, as it moved, the farther. */
static void drop_gone(struct vec_search *s)
{
    uint64_t *met = mem_zalloc((s->v->rows.n_ids / 64 + 1) * sizeof *met);
    size_t n = 0;

    for (size_t i = 0; i < s->best.n; i++) {
        uint32_t id = s->best.hits[i].id;

        if (!vec_index_has(s->v, id) || (met[id / 64] >> (id % 64) & 1) != 0) continue;
        met[id / 64] |= 1ULL << (id % 64);
        s->best.hits[n++] = s->best.hits[i];
    }
    s->best.n = n;
    mem_free(met);
}

static void orders(struct vec_search *s, int64_t *work)
{
    enum { COST = 128, ITEMS = 64 };

    *work -= COST * ITEMS;
    if (s->q.k > 0 && !top_order(&s->best, ITEMS)) return;
    if (s->n_removed != s->v->n_removed) drop_gone(s);
    s->phase = SEARCH_IS_DONE;
}

bool vec_search_step(struct vec_search *s, size_t work)
{
    int64_t left = work > INT64_MAX ? INT64_MAX : (int64_t)work;

    while (s->phase != SEARCH_IS_DONE && left > 0) {
        if (s->phase == SEARCH_LOOKS) looks(s, &left);
        else orders(s, &left);
    }
    return s->phase == SEARCH_IS_DONE;
}

/* Two lists, each nearest first, to one. */
static void merge(struct vec_search *s, const struct top *other)
{
    struct vec_hit *hits = mem_alloc((s->best.n + other->n) * sizeof *hits);
    const struct vec_hit *a = s->best.hits, *b = other->hits;
    size_t n = s->best.n + other->n;

    for (size_t i = 0, j = 0; i + j < n;) {
        bool first = j == other->n || (i < s->best.n && a[i].distance <= b[j].distance);

        hits[i + j] = first ? a[i] : b[j];
        i += first;
        j += !first;
    }
    mem_free(s->best.hits);
    s->best.hits = hits;
    s->best.n = s->best.cap = n;
}

void vec_search_look_again(struct vec_search *s, const uint32_t *ids, size_t n)
{
    const struct rows *r = &s->v->rows;
    size_t words = r->n_ids / 64 + 1, kept = 0;
    uint64_t *changed = mem_zalloc(words * sizeof *changed);
    struct top anew;

    top_init(&anew, s->best.n + 1, 0);
    for (size_t i = 0; i < n; i++) {
        if (ids[i] / 64 < words) changed[ids[i] / 64] |= 1ULL << (ids[i] % 64);
    }
    for (size_t i = 0; i < s->best.n; i++) {
        struct vec_hit h = s->best.hits[i];
        uint32_t slot;

        if (h.id / 64 < words && (changed[h.id / 64] >> (h.id % 64) & 1) == 0) {
            s->best.hits[kept++] = h;
        } else if (vec_index_has(s->v, h.id) && search_allows(s, h.id)) {
            top_add(&anew, h.id, rows_id_distance(r, h.id, &s->asked, &slot));
        }
    }
    s->best.n = kept;
    top_sort(&anew);
    if (anew.n > 0) merge(s, &anew);
    top_fini(&anew);
    mem_free(changed);
}

const struct vec_hit *vec_search_hits(const struct vec_search *s, size_t *n)
{
    *n = s->best.n;
    return s->best.hits;
}

void vec_search_free(struct vec_search **of)
{
    struct vec_search *s = *of;

    *of = NULL;
    if (s == NULL) return;
    flat_end(s);
    graph_search_end(s);
    asked_fini(&s->asked);
    top_fini(&s->best);
    mem_free(s->data);
    mem_free(s);
}
