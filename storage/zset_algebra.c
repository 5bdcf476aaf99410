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

/* A walk over the members of a source. */
struct walk {
    const struct zsource *src;
    struct str member;
    double score;
    union {
        struct zset_iter zset;
        struct set_iter set;
    };
    char scratch[NUM_TEXT_MAX];
};

static void walk_start(struct walk *w, const struct zsource *src)
{
    w->src = src;
    if (src->n == 0) return;
    if (src->type == VALUE_ZSET) {
        zset_iter_at(&w->zset, &src->zset, 0, false);
    } else {
        set_iter_start(&w->set, &src->set);
    }
}

static bool walk_next(struct walk *w)
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

/* --- the operations --------------------------------------------------------------------------- */

struct zset zset_unite(struct store *s, struct zsource *src, size_t n, enum zaggregate how)
{
    struct zset all = zset_new(s, 0, 0);
    struct zplace at;
    struct walk w;

    order(src, n);
    for (size_t i = 0; i < n; i++) {
        walk_start(&w, &src[i]);
        while (walk_next(&w)) {
            double v = number(w.score * src[i].weight);
            if (zset_find(&all, w.member, &at)) v = aggregate(how, at.score, v);
            zset_put_at(&all, &at, w.member, v);
        }
    }
    return all;
}

/* The score of w's member, which others[0..n) must have as well. */
static bool in_all(const struct walk *w, const struct zsource *others, size_t n,
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

struct zset zset_intersect(struct store *s, struct zsource *src, size_t n, enum zaggregate how)
{
    struct zset common = zset_new(s, 0, 0);
    struct walk w;
    double score;

    order(src, n);
    walk_start(&w, &src[0]);
    while (walk_next(&w))
        if (in_all(&w, src + 1, n - 1, how, &score)) zset_put(&common, w.member, score, NULL);
    return common;
}

size_t zset_intersect_count(struct zsource *src, size_t n, size_t limit)
{
    size_t found = 0;
    struct walk w;
    double score;

    order(src, n);
    walk_start(&w, &src[0]);
    while (walk_next(&w)) {
        if (!in_all(&w, src + 1, n - 1, ZAGGREGATE_SUM, &score)) continue;
        if (++found == limit) break;
    }
    return found;
}

/* Each member of the first is looked for in the others. */
static struct zset subtract_by_finding(struct store *s, const struct zsource *src, size_t n)
{
    struct zset rest = zset_new(s, 0, 0);
    struct walk w;
    double score;
    size_t i;

    walk_start(&w, &src[0]);
    while (walk_next(&w)) {
        for (i = 1; i < n && !find(&src[i], w.member, &score); i++) continue;
        if (i >= n) zset_put(&rest, w.member, w.score, NULL);
    }
    return rest;
}

/* Each member of the others is looked for in the first. What goes is kept with the scores of the first,
 * and so in its order: a walk through both at once leaves it out. */
static struct zset subtract_by_leaving_out(struct store *s, const struct zsource *src, size_t n)
{
    struct zset rest = zset_new(s, 0, 0), gone = zset_new(s, 0, 0);
    struct zset_iter out;
    struct walk w;
    double score;
    bool more;

    for (size_t i = 1; i < n; i++) {
        walk_start(&w, &src[i]);
        while (walk_next(&w))
            if (find(&src[0], w.member, &score)) zset_put(&gone, w.member, score, NULL);
    }
    more = zset_count(&gone) > 0;
    if (more) {
        zset_iter_at(&out, &gone, 0, false);
        more = zset_next(&out);
    }
    walk_start(&w, &src[0]);
    while (walk_next(&w)) {
        if (!more || !str_eq(w.member, out.member)) zset_put(&rest, w.member, w.score, NULL);
        else more = zset_next(&out);
    }
    zset_free(&gone);
    return rest;
}

struct zset zset_subtract(struct store *s, struct zsource *src, size_t n)
{
    size_t others = 0;

    for (size_t i = 1; i < n; i++) others += src[i].n;
    if (src[0].type == VALUE_ZSET && others < src[0].n) return subtract_by_leaving_out(s, src, n);
    return subtract_by_finding(s, src, n);
}
