/* zset_read.c -- ranks, ranges, walks and draws of a sorted set. See zset.h. */
#include "base/mem.h"
#include "storage/sample.h"
#include "storage/zset.h"
#include "storage/zset_pack.h"

static const struct zset_large *large(const struct zset *z)
{
    return z->ptr;
}

/* --- one member -------------------------------------------------------------------------------- */

bool zset_score(const struct zset *z, struct str member, double *score)
{
    struct zplace at;

    if (!zset_find(z, member, &at)) return false;
    *score = at.score;
    return true;
}

bool zset_rank(const struct zset *z, struct str member, size_t *rank, double *score)
{
    struct zplace at;

    if (!zset_find(z, member, &at)) return false;
    if (score != NULL) *score = at.score;
    if (z->enc == ENC_LISTPACK)
        *rank = zpack_rank(z->ptr, at.p);
    else
        *rank = ztree_before(&large(z)->tree, &(struct zbound){ ZBOUND_ITEM, false, at.score, member });
    return true;
}

/* --- ranges -------------------------------------------------------------------------------------- */

/* Is the item below the range, or above it? */
static bool below_scores(const struct zrange_score *r, double score)
{
    return r->min_open ? score <= r->min : score < r->min;
}

static bool above_scores(const struct zrange_score *r, double score)
{
    return r->max_open ? score >= r->max : score > r->max;
}

/* A name against a bound: -1, 0, 1. */
static int compare_name(struct str name, struct str bound, enum zlex_bound kind)
{
    if (kind == ZLEX_LOWEST) return 1;
    if (kind == ZLEX_HIGHEST) return -1;
    return str_cmp(name, bound);
}

static bool below_names(const struct zrange_lex *r, struct str name)
{
    int c = compare_name(name, r->min, r->min_kind);
    return c < 0 || (c == 0 && r->min_kind == ZLEX_OPEN);
}

static bool above_names(const struct zrange_lex *r, struct str name)
{
    int c = compare_name(name, r->max, r->max_kind);
    return c > 0 || (c == 0 && r->max_kind == ZLEX_OPEN);
}

/* Members from the first that is not below up to the first that is above; none when the two would
 * cross. */
static struct zrange between(size_t from, size_t to)
{
    return from < to ? (struct zrange){ from, to } : (struct zrange){ 0, 0 };
}

struct zrange zset_range_score(const struct zset *z, const struct zrange_score *r)
{
    size_t from = 0, to;
    struct zset_iter it;

    if (z->enc == ENC_TREE) {
        const struct ztree *t = &large(z)->tree;

        from = ztree_before(t, &(struct zbound){ ZBOUND_SCORE, r->min_open, r->min, { NULL, 0 } });
        to = ztree_before(t, &(struct zbound){ ZBOUND_SCORE, !r->max_open, r->max, { NULL, 0 } });
        return between(from, to);
    }
    zset_iter_at(&it, z, 0, false);
    for (to = 0; zset_next(&it) && !above_scores(r, it.score); to++) from += below_scores(r, it.score);
    return between(from, to);
}

/* Members whose name is before a bound, or with `after` at it. */
static size_t names_before(const struct zset *z, struct str name, enum zlex_bound kind, bool after)
{
    if (kind == ZLEX_LOWEST) return 0;
    if (kind == ZLEX_HIGHEST) return zset_count(z);
    return ztree_before(&large(z)->tree, &(struct zbound){ ZBOUND_NAME, after, 0, name });
}

struct zrange zset_range_lex(const struct zset *z, const struct zrange_lex *r)
{
    struct zset_iter it;
    size_t from = 0, to;

    if (z->enc == ENC_TREE)
        return between(names_before(z, r->min, r->min_kind, r->min_kind == ZLEX_OPEN),
                       names_before(z, r->max, r->max_kind, r->max_kind == ZLEX_CLOSED));
    zset_iter_at(&it, z, 0, false);
    while (zset_next(&it) && below_names(r, it.member)) from++;
    zset_iter_at(&it, z, from, false);
    for (to = from; zset_next(&it) && !above_names(r, it.member); to++) continue;
    return between(from, to);
}

/* --- walking --------------------------------------------------------------------------------------- */

void zset_iter_at(struct zset_iter *it, const struct zset *z, size_t rank, bool down)
{
    size_t n = zset_count(z);

    it->z = z;
    it->down = down;
    it->rank = rank;
    it->left = rank >= n ? 0 : down ? rank + 1 : n - rank;
    it->p = NULL;
    it->run = (struct zrun){ 0 };
    if (it->left > 0 && z->enc == ENC_LISTPACK) it->p = listpack_at(z->ptr, 2 * rank);
}

static void next_packed(struct zset_iter *it)
{
    const unsigned char *lp = it->z->ptr, *behind = listpack_next(it->p);

    it->member = listpack_str(it->p, it->scratch);
    it->score = zpack_score(behind);
    if (it->left == 0) return;
    it->p = it->down ? listpack_prev(lp, listpack_prev(lp, it->p)) : listpack_next(behind);
}

static void next_in_tree(struct zset_iter *it)
{
    enum { AHEAD = 6 }; /* members whose bytes are on the way to the cache */
    struct zrun *r = &it->run;
    uint32_t ahead;

    /* downwards, the place before the first wraps to a number that is no place */
    if (r->at >= r->n) ztree_run(&large(it->z)->tree, it->rank, r);
    ahead = it->down ? r->at - AHEAD : r->at + AHEAD;
    if (ahead < r->n) __builtin_prefetch(r->entry[ahead]);
    it->member = entry_key(r->entry[r->at]);
    it->score = r->score[r->at];
    r->at += it->down ? UINT32_MAX : 1;
}

bool zset_next(struct zset_iter *it)
{
    if (it->left == 0) return false;
    it->left--;
    if (it->z->enc == ENC_LISTPACK)
        next_packed(it);
    else
        next_in_tree(it);
    it->rank += it->down ? SIZE_MAX : 1;
    return true;
}

/* --- scanning -------------------------------------------------------------------------------------- */

struct scan {
    void (*fn)(void *ctx, struct str member, double score);
    void *ctx;
    size_t n;
};

static void scan_entry(void *ctx, struct entry *e)
{
    struct scan *s = ctx;

    s->n++;
    s->fn(s->ctx, entry_key(e), zentry_score(e));
}

uint64_t zset_scan(const struct zset *z, uint64_t cursor, size_t count,
                   void (*fn)(void *ctx, struct str member, double score), void *ctx)
{
    struct scan sc = { fn, ctx, 0 };
    struct zset_iter it;

    if (z->enc == ENC_TREE) {
        do cursor = table_scan(&large(z)->table, cursor, scan_entry, &sc);
        while (cursor != 0 && sc.n < count);
        return cursor;
    }
    zset_iter_at(&it, z, 0, false);
    while (zset_next(&it)) fn(ctx, it.member, it.score);
    return 0;
}

/* --- drawing --------------------------------------------------------------------------------------- */

struct draw {
    bool (*fn)(void *ctx, struct str member, double score);
    void *ctx;
};

static bool draw_entry(void *ctx, const struct entry *e)
{
    struct draw *d = ctx;

    return d->fn(d->ctx, entry_key(e), zentry_score(e));
}

/* Walk once and take each with the probability that makes all choices equally likely. */
static void draw_distinct(const struct zset *z, size_t wanted, struct draw *d)
{
    size_t left = zset_count(z);
    struct zset_iter it;

    zset_iter_at(&it, z, 0, false);
    for (; wanted > 0 && zset_next(&it); left--) {
        if (!sample_take(&z->store->rng, wanted, left)) continue;
        if (!d->fn(d->ctx, it.member, it.score)) return;
        wanted--;
    }
}

/* Remember where the members lie, then draw. */
static void draw_packed(const struct zset *z, size_t n, struct draw *d)
{
    size_t count = zset_count(z), i = 0;
    const unsigned char **members = mem_alloc(count * sizeof *members);
    char scratch[NUM_TEXT_MAX];

    for (const unsigned char *p = listpack_first(z->ptr); p != NULL; p = listpack_next(listpack_next(p)))
        members[i++] = p;
    for (; n > 0; n--) {
        const unsigned char *p = members[rng_below(&z->store->rng, count)];

        if (!d->fn(d->ctx, listpack_str(p, scratch), zpack_score(listpack_next(p)))) break;
    }
    mem_free(members);
}

static void draw_by_rank(const struct zset *z, size_t n, struct draw *d)
{
    size_t count = zset_count(z);

    for (; n > 0; n--) {
        struct zset_iter it;

        zset_iter_at(&it, z, rng_below(&z->store->rng, count), false);
        if (!zset_next(&it) || !d->fn(d->ctx, it.member, it.score)) return;
    }
}

void zset_random(const struct zset *z, size_t n, bool distinct,
                 bool (*fn)(void *ctx, struct str member, double score), void *ctx)
{
    struct draw d = { fn, ctx };
    size_t count = zset_count(z);

    if (count == 0 || n == 0) return;
    if (n == 1)
        draw_by_rank(z, 1, &d);
    else if (!distinct && z->enc == ENC_LISTPACK)
        draw_packed(z, n, &d);
    else if (!distinct)
        draw_by_rank(z, n, &d);
    else if (z->enc == ENC_TREE && n <= count / 3)
        sample_entries(&large(z)->table, &z->store->rng, n, draw_entry, &d);
    else
        draw_distinct(z, n < count ? n : count, &d);
}
