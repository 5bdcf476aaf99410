/* zset_algebra.c -- see zset_algebra.h.
 *
 * A result begins in the small form and grows as it is filled: it ends in the form that the same
 * members would have if they had been added one by one. */
#include "storage/zset_algebra.h"

#include <math.h>
#include <stdlib.h>

/* --- sources ---------------------------------------------------------------------------------- */

enum err zsource_open(struct db *db, struct str key, struct zsource *src)
{
    const struct entry *e = db_read(db, key);

    *src = (struct zsource){ .type = VALUE_ANY, .weight = 1 };
    if (e == NULL) return OK;
    if (entry_type(e) == VALUE_ZSET) {
        src->zset = zset_of(db->store, e);
        src->n = zset_count(&src->zset);
    } else if (entry_type(e) == VALUE_SET) {
        src->set = set_of(db->store, e);
        src->n = set_count(&src->set);
    } else {
        return ERR_WRONG_TYPE;
    }
    src->type = entry_type(e);
    return OK;
}

static void walk_start(struct zwalk *w, const struct zsource *src)
{
    w->src = src;
    if (src->n == 0) return;
    if (src->type == VALUE_ZSET) {
        zset_iter_at(&w->zset, &src->zset, 0, false);
    } else {
        set_iter_start(&w->set, &src->set);
    }
}

static bool walk_next(struct zwalk *w)
{
    if (w->src->n == 0) return false;
    if (w->src->type == VALUE_ZSET) {
        if (!zset_next(&w->zset)) return false;
        w->member = w->zset.member;
        w->score = w->zset.score;
    } else {
        if (!set_next(&w->set)) return false;
        w->member = set_text(&w->set.item, w->scratch);
        w->score = 1;
    }
    return true;
}

static bool find(const struct zsource *src, struct str member, double *score)
{
    if (src->type == VALUE_ZSET) return zset_score(&src->zset, member, score);
    *score = 1;
    return src->type == VALUE_SET && set_has(&src->set, member);
}

static int by_size(const void *a, const void *b)
{
    const struct zsource *x = a, *y = b;

    if (x->n != y->n) return x->n < y->n ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

static void order(struct zsource *src, size_t n)
{
    for (size_t i = 0; i < n; i++) src[i].i = i;
    if (n > 1) qsort(src, n, sizeof *src, by_size);
}

/* --- scores ----------------------------------------------------------------------------------- */

static double number(double v)
{
    return isnan(v) ? 0 : v;
}

static double aggregate(enum zaggregate how, double so_far, double v)
{
    switch (how) {
    case ZAGGREGATE_MIN: return v < so_far ? v : so_far;
    case ZAGGREGATE_MAX: return v > so_far ? v : so_far;
    default: return number(so_far + v);
    }
}

/* The score of w's member, which others[0..n) must have as well. */
static bool in_all(const struct zwalk *w, const struct zsource *others, size_t n,
                   enum zaggregate how, double *score)
{
    double v;

    *score = number(w->score * w->src->weight);
    for (size_t i = 0; i < n; i++) {
        if (!find(&others[i], w->member, &v)) return false;
        *score = aggregate(how, *score, v * others[i].weight);
    }
    return true;
}

/* --- the operations --------------------------------------------------------------------------- */

void zset_algebra_begin(struct zset_algebra *a, struct store *s, enum zset_operation op, struct zsource *src, size_t n)
{
    size_t others = 0;

    *a = (struct zset_algebra){ .op = op, .src = src, .n = n, .result = zset_new(s, 0, 0) };
    if (op == ZSET_SUBTRACT) {
        for (size_t i = 1; i < n; i++) others += src[i].n;
        a->leaves_out = n > 1 && src[0].type == VALUE_ZSET && others < src[0].n;
        if (!a->leaves_out) return;
        a->gone = zset_new(s, 0, 0);
        a->i = 1;
        return;
    }
    order(src, n);
}

/* Begin with source i, unless it is being walked. */
static inline void walk(struct zset_algebra *a, size_t i)
{
    if (!a->walks) walk_start(&a->walk, &a->src[i]);
    a->walks = true;
}

static bool unite(struct zset_algebra *a, size_t n)
{
    struct zplace at;

    while (a->i < a->n) {
        walk(a, a->i);
        for (; n > 0 && walk_next(&a->walk); n--) {
            double v = number(a->walk.score * a->walk.src->weight);
            if (zset_find(&a->result, a->walk.member, &at)) v = aggregate(a->how, at.score, v);
            zset_put_at(&a->result, &at, a->walk.member, v);
        }
        if (n == 0) return true;
        a->walks = false;
        a->i++;
    }
    return false;
}

static bool intersect(struct zset_algebra *a, size_t n)
{
    double score;

    walk(a, 0);
    for (; n > 0; n--) {
        if (!walk_next(&a->walk)) return false;
        if (!in_all(&a->walk, a->src + 1, a->n - 1, a->how, &score)) continue;
        if (!a->counts) zset_put(&a->result, a->walk.member, score, NULL);
        if (++a->found == a->limit) return false;
    }
    return true;
}

/* Each member of the first is looked for in the others. */
static bool subtract_by_finding(struct zset_algebra *a, size_t n)
{
    double score;
    size_t i;

    walk(a, 0);
    for (; n > 0; n--) {
        if (!walk_next(&a->walk)) return false;
        for (i = 1; i < a->n && !find(&a->src[i], a->walk.member, &score); i++) continue;
        if (i >= a->n) zset_put(&a->result, a->walk.member, a->walk.score, NULL);
    }
    return true;
}

static void next_gone(struct zset_algebra *a)
{
    a->more_gone = zset_count(&a->gone) > 0 && zset_next(&a->next_gone);
}

/* Each member of the others is looked for in the first, and kept with the scores of the first, and so in its order. */
static void find_gone(struct zset_algebra *a)
{
    double score;

    walk(a, a->i);
    if (walk_next(&a->walk)) {
        if (find(&a->src[0], a->walk.member, &score)) zset_put(&a->gone, a->walk.member, score, NULL);
        return;
    }
    a->walks = false;
    if (++a->i == a->n) {
        a->i = 0;
        zset_iter_at(&a->next_gone, &a->gone, 0, false);
        next_gone(a);
    }
}

/* Then a walk through both at once leaves out what goes. */
static bool subtract_by_leaving_out(struct zset_algebra *a, size_t n)
{
    for (; n > 0 && a->i > 0; n--) find_gone(a);
    if (n > 0) walk(a, 0);
    for (; n > 0; n--) {
        if (!walk_next(&a->walk)) return false;
        if (a->more_gone && str_eq(a->walk.member, a->next_gone.member)) next_gone(a);
        else zset_put(&a->result, a->walk.member, a->walk.score, NULL);
    }
    return true;
}

bool zset_algebra_step(struct zset_algebra *a, size_t n)
{
    switch (a->op) {
    case ZSET_UNITE: return unite(a, n);
    case ZSET_INTERSECT: return intersect(a, n);
    default: return a->leaves_out ? subtract_by_leaving_out(a, n) : subtract_by_finding(a, n);
    }
}

static size_t weight_of(const struct zset *z)
{
    return z->ptr != NULL ? zset_weight(z->enc, z->ptr) : 0;
}

size_t zset_algebra_bytes(const struct zset_algebra *a)
{
    return weight_of(&a->result) + weight_of(&a->gone);
}

static void discard(struct zset *z)
{
    if (z->ptr != NULL) db_discard(z->store, VALUE_ZSET, z->enc, z->ptr, true);
    z->ptr = NULL;
}

void zset_algebra_end(struct zset_algebra *a)
{
    discard(&a->result);
    discard(&a->gone);
}
