/* set_read.c -- walking, scanning and drawing from a set. See set.h. */
#include "base/mem.h"
#include "storage/sample.h"
#include "storage/set.h"

/* --- walking ---------------------------------------------------------------------------------- */

struct str set_text(const struct listpack_item *m, char scratch[NUM_TEXT_MAX])
{
    if (m->p != NULL) return str_of(m->p, m->n);
    return str_of(scratch, num_i64(scratch, m->v));
}

void set_iter_start(struct set_iter *it, const struct set *s)
{
    it->s = s;
    it->i = 0;
    it->at = (struct table_iter){ 0 };
    if (s->enc == ENC_LISTPACK) it->p = listpack_first(s->ptr);
}

static bool next_int(struct set_iter *it)
{
    const struct intset *s = it->s->ptr;

    if (it->i == s->count) return false;
    it->item = (struct listpack_item){ NULL, 0, intset_get(s, it->i++) };
    return true;
}

static bool next_packed(struct set_iter *it)
{
    if (it->p == NULL) return false;
    it->item = listpack_get(it->p);
    it->p = listpack_next(it->p);
    return true;
}

bool set_next(struct set_iter *it)
{
    const struct entry *e;
    struct str m;

    if (it->s->enc == ENC_INTSET) return next_int(it);
    if (it->s->enc == ENC_LISTPACK) return next_packed(it);
    e = table_next(it->s->ptr, &it->at);
    if (e == NULL) return false;
    m = entry_key(e);
    it->item = (struct listpack_item){ m.p, m.n, 0 };
    return true;
}

/* --- scanning --------------------------------------------------------------------------------- */

struct scan {
    void (*fn)(void *ctx, struct str member);
    void *ctx;
    size_t n;
};

static void scan_entry(void *ctx, struct entry *e)
{
    struct scan *s = ctx;

    s->n++;
    s->fn(s->ctx, entry_key(e));
}

uint64_t set_scan(const struct set *s, uint64_t cursor, size_t count,
                  void (*fn)(void *ctx, struct str member), void *ctx)
{
    struct scan sc = { fn, ctx, 0 };
    char scratch[NUM_TEXT_MAX];
    struct set_iter it;

    if (s->enc == ENC_TABLE) {
        do cursor = table_scan(s->ptr, cursor, scan_entry, &sc);
        while (cursor != 0 && sc.n < count);
        return cursor;
    }
    set_iter_start(&it, s);
    while (set_next(&it)) fn(ctx, set_text(&it.item, scratch));
    return 0;
}

/* --- drawing ---------------------------------------------------------------------------------- */

struct draw {
    bool (*fn)(void *ctx, struct str member);
    void *ctx;
};

static bool draw_entry(void *ctx, const struct entry *e)
{
    struct draw *d = ctx;
    return d->fn(d->ctx, entry_key(e));
}

static bool draw_item(struct draw *d, const struct listpack_item *m)
{
    char scratch[NUM_TEXT_MAX];
    return d->fn(d->ctx, set_text(m, scratch));
}

/* Walk once and take each with the probability that makes all choices equally likely. */
static void draw_distinct(const struct set *s, size_t wanted, struct draw *d)
{
    size_t left = set_count(s);
    struct set_iter it;

    set_iter_start(&it, s);
    for (; wanted > 0 && set_next(&it); left--) {
        if (!sample_take(&s->store->rng, wanted, left)) continue;
        if (!draw_item(d, &it.item)) return;
        wanted--;
    }
}

static void draw_ints(const struct set *s, size_t n, struct draw *d)
{
    const struct intset *is = s->ptr;

    for (; n > 0; n--) {
        uint32_t i = (uint32_t)rng_below(&s->store->rng, is->count);
        if (!draw_item(d, &(struct listpack_item){ NULL, 0, intset_get(is, i) })) return;
    }
}

static void draw_one_packed(const struct set *s, struct draw *d)
{
    size_t i = rng_below(&s->store->rng, listpack_count(s->ptr));
    struct listpack_item m = listpack_get(listpack_at(s->ptr, i));

    draw_item(d, &m);
}

/* Remember where the members lie, then draw. */
static void draw_packed(const struct set *s, size_t n, struct draw *d)
{
    size_t count = set_count(s), i = 0;
    struct listpack_item *items = mem_alloc(count * sizeof *items);
    struct set_iter it;

    set_iter_start(&it, s);
    while (set_next(&it)) items[i++] = it.item;
    while (n-- > 0)
        if (!draw_item(d, &items[rng_below(&s->store->rng, count)])) break;
    mem_free(items);
}

void set_random(const struct set *s, size_t n, bool distinct,
                bool (*fn)(void *ctx, struct str member), void *ctx)
{
    struct draw d = { fn, ctx };
    size_t count = set_count(s);

    if (count == 0 || n == 0) return;
    if (distinct && n > count) n = count;
    if (distinct && n > 1) {
        if (s->enc == ENC_TABLE && n <= count / 3)
            sample_entries(s->ptr, &s->store->rng, n, draw_entry, &d);
        else
            draw_distinct(s, n, &d);
    } else if (s->enc == ENC_INTSET) {
        draw_ints(s, n, &d);
    } else if (s->enc == ENC_LISTPACK && n == 1) {
        draw_one_packed(s, &d);
    } else if (s->enc == ENC_LISTPACK) {
        draw_packed(s, n, &d);
    } else {
        while (n-- > 0)
            if (!draw_entry(&d, table_random_fair(s->ptr, &s->store->rng))) return;
    }
}
