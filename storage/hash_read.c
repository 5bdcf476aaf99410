/* hash_read.c -- walking, scanning and drawing from a hash. See hash.h.
 *
 * Fields that are due are dropped by whoever opens the hash (type_hash.c), but only so many at a
 * time: when a million are due at once some are still here, and every reader passes over them. The
 * quick ways, O(1) sizes and draws, are taken when nothing is due, which is nearly always. */
#include "base/load.h"
#include "base/mem.h"
#include "storage/hash.h"
#include "storage/sample.h"

static const struct table *table_of(const struct hash *h)
{
    return &((const struct hash_large *)h->ptr)->table;
}

static bool some_due(const struct hash *h)
{
    return hash_due_at(h) <= h->now_ms;
}

static bool is_due(const struct hash *h, int64_t ttl)
{
    return ttl >= 0 && ttl <= h->now_ms;
}

static struct str value_of(const struct entry *e)
{
    const struct blob *b;

    if (entry_enc(e) == ENC_RAW) return entry_raw(e);
    b = entry_ptr(e);
    return str_of(b->p, b->n);
}

bool hash_get(const struct hash *h, struct str field, char scratch[NUM_TEXT_MAX], struct str *value)
{
    struct hash_place at;

    if (!hash_find(h, field, &at)) return false;
    if (is_due(h, hash_ttl_at(h, &at))) return false;
    *value = hash_value_at(h, &at, scratch);
    return true;
}

bool hash_get_ttl(const struct hash *h, struct str field, int64_t *ttl)
{
    struct hash_place at;

    if (!hash_find(h, field, &at)) return false;
    *ttl = hash_ttl_at(h, &at);
    return !is_due(h, *ttl);
}

/* --- several fields --------------------------------------------------------------------------- */

/* The last byte differs most often between fields of one family; and names are short. */
static inline bool is_same(struct str a, struct str b)
{
    if (a.n != b.n || (a.n > 0 && a.p[a.n - 1] != b.p[a.n - 1])) return false;
    return a.n <= 8 ? load_some(a.p, a.n) == load_some(b.p, b.n) : memcmp(a.p, b.p, a.n) == 0;
}

/* The one that is named so, looked for from `at` on; n: none. */
static size_t picked(struct str name, const struct hash_pick *picks, size_t n, size_t at)
{
    for (size_t left = n; left > 0; left--, at++) {
        if (at == n) at = 0;
        if (is_same(name, picks[at].field)) return at;
    }
    return n;
}

static void pick_small(const struct hash *h, const unsigned char *p, bool has_ttl, struct hash_pick *picks, size_t n)
{
    char scratch[NUM_TEXT_MAX];
    size_t at = 0, left = n;

    while (left > 0 && *p != LISTPACK_END) {
        const unsigned char *value = listpack_quick_skip(p), *next = listpack_quick_skip(value);
        size_t i = picked(listpack_quick_str(p, scratch), picks, n, at);
        int64_t ttl = has_ttl ? listpack_get(next).v : 0;

        p = has_ttl ? listpack_quick_skip(next) : next;
        if (i == n) continue;
        left--;
        at = i + 1;
        if (ttl == 0 || !is_due(h, ttl)) picks[i].value = listpack_quick_str(value, picks[i].scratch);
    }
}

void hash_pick(const struct hash *h, struct hash_pick *picks, size_t n)
{
    for (size_t i = 0; i < n; i++) picks[i].value = str_of(NULL, 0);
    if (h->enc == ENC_LISTPACK) {
        pick_small(h, (const unsigned char *)h->ptr + LISTPACK_HEADER, false, picks, n);
    } else if (h->enc == ENC_LISTPACK_EX) {
        pick_small(h, ((const struct hash_small *)h->ptr)->lp + LISTPACK_HEADER, true, picks, n);
    } else {
        for (size_t i = 0; i < n; i++) (void)hash_get(h, picks[i].field, picks[i].scratch, &picks[i].value);
    }
}

/* --- walking ---------------------------------------------------------------------------------- */

void hash_iter_start(struct hash_iter *it, const struct hash *h)
{
    it->h = h;
    it->at = (struct table_iter){ 0 };
    if (h->enc == ENC_LISTPACK) it->p = listpack_first(h->ptr);
    if (h->enc == ENC_LISTPACK_EX) it->p = listpack_first(((const struct hash_small *)h->ptr)->lp);
}

static bool next_small(struct hash_iter *it)
{
    if (it->p == NULL) return false;
    it->field = listpack_str(it->p, it->scratch[0]);
    it->p = listpack_next(it->p);
    it->value = listpack_str(it->p, it->scratch[1]);
    it->p = listpack_next(it->p);
    it->ttl = HASH_NO_TTL;
    if (it->h->enc == ENC_LISTPACK) return true;
    int64_t ttl = listpack_get(it->p).v;
    if (ttl > 0) it->ttl = ttl;
    it->p = listpack_next(it->p);
    return true;
}

static bool next_large(struct hash_iter *it)
{
    const struct entry *e = table_next(table_of(it->h), &it->at);

    if (e == NULL) return false;
    it->field = entry_key(e);
    it->value = value_of(e);
    it->ttl = entry_expire_at(e);
    return true;
}

bool hash_next(struct hash_iter *it)
{
    do {
        if (it->h->enc == ENC_TABLE ? !next_large(it) : !next_small(it)) return false;
    } while (is_due(it->h, it->ttl));
    return true;
}

size_t hash_size(const struct hash *h)
{
    struct hash_iter it;
    size_t n = 0;

    if (!some_due(h)) return hash_count(h);
    hash_iter_start(&it, h);
    while (hash_next(&it)) n++;
    return n;
}

/* --- scanning --------------------------------------------------------------------------------- */

struct scan {
    const struct hash *h;
    hash_fn *fn;
    void *ctx;
    size_t n;
};

static void scan_entry(void *ctx, struct entry *e)
{
    struct scan *s = ctx;

    s->n++;
    if (!is_due(s->h, entry_expire_at(e))) s->fn(s->ctx, entry_key(e), value_of(e));
}

uint64_t hash_scan(const struct hash *h, uint64_t cursor, size_t count, hash_fn *fn, void *ctx)
{
    struct scan s = { h, fn, ctx, 0 };
    struct hash_iter it;

    if (h->enc == ENC_TABLE) {
        do cursor = table_scan(table_of(h), cursor, scan_entry, &s);
        while (cursor != 0 && s.n < count);
        return cursor;
    }
    hash_iter_start(&it, h);
    while (hash_next(&it)) fn(ctx, it.field, it.value);
    return 0;
}

/* --- drawing ---------------------------------------------------------------------------------- */

struct draw {
    bool (*fn)(void *ctx, struct str field, struct str value);
    void *ctx;
};

static bool draw_entry(void *ctx, const struct entry *e)
{
    struct draw *d = ctx;
    return d->fn(d->ctx, entry_key(e), value_of(e));
}

/* Walk once and take each with the probability that makes all choices equally likely. */
static void draw_distinct(const struct hash *h, size_t wanted, size_t left, struct draw *d)
{
    struct hash_iter it;

    hash_iter_start(&it, h);
    for (; wanted > 0 && hash_next(&it); left--) {
        if (!sample_take(&h->store->rng, wanted, left)) continue;
        if (!d->fn(d->ctx, it.field, it.value)) return;
        wanted--;
    }
}

static bool draw_one(const struct hash *h, size_t size, struct draw *d)
{
    struct hash_iter it;
    size_t skip = rng_below(&h->store->rng, size);

    hash_iter_start(&it, h);
    while (hash_next(&it))
        if (skip-- == 0) return d->fn(d->ctx, it.field, it.value);
    return false;
}

/* Fields that are due are drawn again; where nearly all are, walking ends the search. */
static bool draw_large(const struct hash *h, size_t size, struct draw *d)
{
    enum { TRIES = 64 };

    for (int i = 0; i < TRIES; i++) {
        const struct entry *e = table_random_fair(table_of(h), &h->store->rng);
        if (!is_due(h, entry_expire_at(e))) return draw_entry(d, e);
    }
    return draw_one(h, size, d);
}

/* Draw with doubles from a small form: remember where each field lies first. */
static void draw_many(const struct hash *h, size_t n, size_t size, struct draw *d)
{
    struct hash_iter *its = mem_alloc(size * sizeof *its), it;
    size_t i = 0;
    bool go_on = true;

    hash_iter_start(&it, h);
    for (its[0] = it; i < size && hash_next(&it); i++)
        if (i + 1 < size) its[i + 1] = it;
    for (; n > 0 && go_on; n--) {
        it = its[rng_below(&h->store->rng, size)];
        hash_next(&it);
        go_on = d->fn(d->ctx, it.field, it.value);
    }
    mem_free(its);
}

void hash_random(const struct hash *h, size_t n, bool distinct,
                 bool (*fn)(void *ctx, struct str field, struct str value), void *ctx)
{
    struct draw d = { fn, ctx };
    size_t size = hash_size(h);
    bool quick = h->enc == ENC_TABLE && !some_due(h);

    if (size == 0 || n == 0) return;
    if (distinct && n > size) n = size;
    if (h->enc == ENC_TABLE && (!distinct || n == 1)) {
        while (n-- > 0)
            if (!draw_large(h, size, &d)) return;
    } else if (n == 1) {
        draw_one(h, size, &d);
    } else if (!distinct) {
        draw_many(h, n, size, &d);
    } else if (quick && n <= size / 3) {
        sample_entries(table_of(h), &h->store->rng, n, draw_entry, &d);
    } else {
        draw_distinct(h, n, size, &d);
    }
}
