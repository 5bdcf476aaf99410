/* flat.c -- the nearest by looking at all: sketches first, then what they let through, closer.
 *
 * First all sketches are held against the query. Each says about how far its row is, and how far at least; the k rows that
 * are nearest at worst bound the distance of the answer, and what is farther at best is dropped at once. Then those left
 * are looked at: by their int8 form, and by the row itself where that leaves it open. A row is dropped only when a bound
 * says that it is too far, so the answer is that of looking at every row, but for what lies beyond three standard
 * deviations of a sketch.
 *
 * Few vectors, or few allowed ones, are looked at themselves. */
#include <string.h>

#include "base/mem.h"
#include "vector/quant.h"
#include "vector/vec_impl.h"

enum {
    FEW_ALLOWED = 1024,     /* ids whose rows are asked one by one */
    PLAIN_PART = 4,         /* where one in so many is asked for, sketches keep out too few */
    HEAP_COST = 32,         /* of a vector that becomes one of the best, in work */
    LIST_MIN = 4096,        /* candidates before the list is gone through */
};

size_t search_n_allowed(const struct vec_search *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->q.n_words; i++) n += (size_t)__builtin_popcountll(s->q.allowed[i]);
    return n;
}

void flat_begin(struct vec_search *s)
{
    struct flat_search *f = &s->flat;

    f->at = f->n = 0;
    f->limit = INFINITY;
    f->plain = s->q.k >= s->v->rows.n / PLAIN_PART;
    top_clear(&s->best);
    top_fini(&f->surely);
    top_init(&f->surely, s->q.k, 0);
    if (s->v->rows.n_more > 0) top_know_ids(&f->surely, s->v->rows.n_ids);
    f->phase = s->q.allowed != NULL && search_n_allowed(s) <= FEW_ALLOWED ? FLAT_IDS : FLAT_ROWS;
}

void flat_end(struct vec_search *s)
{
    mem_free(s->flat.list);
    s->flat.list = NULL;
    top_fini(&s->flat.surely);
}

static void look_at_row(struct vec_search *s, uint32_t slot)
{
    const struct rows *r = &s->v->rows;

    if (s->flat.phase != FLAT_CLOSER && !search_allows(s, rows_id(r, slot))) return;
    top_add(&s->best, rows_id(r, slot), rows_distance(r, slot, &s->asked));
}

/* The allowed ids of a word, one by one. */
static void step_ids(struct vec_search *s, int64_t *work)
{
    const struct rows *r = &s->v->rows;

    for (; s->flat.at < s->q.n_words && *work > 0; s->flat.at++) {
        *work -= 1;
        for (uint64_t word = s->q.allowed[s->flat.at]; word != 0; word &= word - 1) {
            uint32_t slot = rows_slot(r, (uint32_t)(s->flat.at * 64) + (uint32_t)__builtin_ctzll(word));

            for (; slot != ROWS_NONE; slot = rows_next(r, slot)) {
                look_at_row(s, slot);
                *work -= r->dim + HEAP_COST;
            }
        }
        *work -= search_spent(s);
    }
    if (s->flat.at >= s->q.n_words) s->flat.phase = FLAT_DONE;
}

/* --- sketches ------------------------------------------------------------------------------------- */

static double limit_of_sketches(const struct vec_search *s)
{
    return s->q.k == 0 ? s->q.radius : top_limit(&s->flat.surely);
}

/* What has turned out to be too far meanwhile leaves the list; if that does not help it grows. */
static void make_room(struct flat_search *f, double limit)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (!(f->list[i].at_least > limit)) f->list[n++] = f->list[i];
    }
    f->n = n;
    if (n <= f->cap / 2 && f->cap > 0) return;
    f->cap = f->cap == 0 ? LIST_MIN : f->cap * 2;
    f->list = mem_realloc(f->list, f->cap * sizeof *f->list);
}

static void consider(struct vec_search *s, uint32_t slot, float about, float at_least)
{
    struct flat_search *f = &s->flat;
    double limit = limit_of_sketches(s), at_most = 2.0 * about - at_least;

    if (at_least > limit) return; /* a row that has no bound has NaN, and is not too far */
    if (!search_allows(s, rows_id(&s->v->rows, slot))) return;
    if (f->n == f->cap) make_room(f, limit);
    f->list[f->n++] = (struct candidate){ slot, at_least };
    if (s->q.k > 0 && at_most < limit) top_add(&f->surely, rows_id(&s->v->rows, slot), at_most);
}

/* The live slots among the 64 from `slot` on. */
static uint64_t live_block(const struct rows *r, uint32_t slot)
{
    const struct chunk *c = rows_chunk(r, slot);
    uint32_t at = rows_in_chunk(r, slot);

    if (c == NULL || at >= c->cap) return 0;
    if (r->shift >= 6) return c->live[at / 64];
    return c->live[0];
}

static void look_at_block(struct vec_search *s, uint32_t slot, int64_t *work)
{
    const struct rows *r = &s->v->rows;
    uint64_t live = live_block(r, slot);
    float about[QUANT_BLOCK], at_least[QUANT_BLOCK];
    bool sketched = false;

    *work -= 16;
    if (live == 0) return;
    if (s->asked.small && !s->flat.plain && r->frame != NULL && slot < r->n_small && rows_chunk(r, slot)->bits != NULL) {
        uint32_t room = rows_chunk(r, slot)->cap - rows_in_chunk(r, slot);
        uint32_t n = room < QUANT_BLOCK ? room : QUANT_BLOCK;

        quant_sketches(r, slot, n, &s->asked, about, at_least);
        *work -= (int64_t)n * (r->dim / 32 + 4);
        sketched = true;
    }
    for (; live != 0; live &= live - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(live);

        if (s->q.allowed != NULL && !search_has_bit(s, rows_id(r, slot + i))) continue;
        if (sketched && slot + i < r->n_small) {
            consider(s, slot + i, about[i], at_least[i]);
        } else {
            look_at_row(s, slot + i);
            *work -= r->dim + HEAP_COST;
        }
    }
    *work -= search_spent(s);
}

/* --- closer --------------------------------------------------------------------------------------- */

static void begin_closer(struct vec_search *s, double limit)
{
    s->flat.limit = limit;
    s->flat.at = 0;
    s->flat.phase = FLAT_CLOSER;
}

/* The rows that are nearest at worst bound the answer, as long as all are there. */
static void step_bound(struct vec_search *s, int64_t *work)
{
    const struct rows *r = &s->v->rows;
    const struct top *t = &s->flat.surely;
    struct flat_search *f = &s->flat;

    for (; f->at < t->n && *work > 0; f->at++) {
        uint32_t slot;
        double d = rows_id_distance(r, t->hits[f->at].id, &s->asked, &slot);

        if (d > f->limit) f->limit = d;
        *work -= r->dim + 32;
    }
    if (f->at >= t->n) begin_closer(s, f->limit);
}

static void step_rows(struct vec_search *s, int64_t *work)
{
    const struct rows *r = &s->v->rows;
    uint32_t block = r->shift < 6 ? 1u << r->shift : 64;

    for (; s->flat.at < rows_end(r) && *work > 0; s->flat.at += block) look_at_block(s, (uint32_t)s->flat.at, work);
    if (s->flat.at < rows_end(r)) return;
    if (s->q.k == 0 || s->flat.surely.n < s->q.k) {
        begin_closer(s, INFINITY);
        return;
    }
    s->flat.limit = 0;
    s->flat.at = 0;
    s->flat.phase = FLAT_BOUND;
}

static double closer_limit(const struct vec_search *s)
{
    double limit = top_limit(&s->best);

    return limit < s->flat.limit ? limit : s->flat.limit;
}

static void step_closer(struct vec_search *s, int64_t *work)
{
    const struct rows *r = &s->v->rows;
    struct flat_search *f = &s->flat;

    for (; f->at < f->n && *work > 0; f->at++) {
        const struct candidate *c = &f->list[f->at];
        double limit = closer_limit(s);

        *work -= 8;
        if (c->at_least > limit || !rows_live(r, c->slot)) continue;
        if (s->asked.bytes != NULL && c->slot < r->n_small) {
            float within, d = quant_distance(r, c->slot, &s->asked, &within);

            *work -= r->dim / 3;
            if (d - within > limit) continue;
        }
        look_at_row(s, c->slot);
        *work -= r->dim + HEAP_COST;
    }
    if (f->at >= f->n) f->phase = FLAT_DONE;
}

bool flat_step(struct vec_search *s, int64_t *work)
{
    while (*work > 0 && s->flat.phase != FLAT_DONE) {
        switch (s->flat.phase) {
        case FLAT_IDS: step_ids(s, work); break;
        case FLAT_ROWS: step_rows(s, work); break;
        case FLAT_BOUND: step_bound(s, work); break;
        case FLAT_CLOSER: step_closer(s, work); break;
        case FLAT_DONE: break;
        }
    }
    return s->flat.phase == FLAT_DONE;
}
