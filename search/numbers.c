/* numbers.c -- see numbers.h. */
#include "search/numbers.h"

#include <math.h>

#include "base/ensure.h"
#include "base/mem.h"

struct item {
    double v;
    uint64_t doc;
};

struct several {
    size_t n;
    double values[];
};

enum { MANY = 8 }; /* a range with an eighth of all values is a pass over the column */

static int compare_items(const void *ctx, const void *a, const void *b)
{
    struct item x, y;

    (void)ctx;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x.v != y.v) return x.v < y.v ? -1 : 1;
    return x.doc < y.doc ? -1 : x.doc > y.doc;
}

void numbers_init(struct numbers *n)
{
    *n = (struct numbers){ 0 };
    column_init(&n->first, double_cell((double)NAN));
    column_init(&n->more, 0);
    sorted_init(&n->order, sizeof(struct item), compare_items, NULL);
}

void numbers_fini(struct numbers *n)
{
    for (uint32_t d = docset_next(&n->several, 0); d != UINT32_MAX; d = docset_next(&n->several, d + 1)) mem_free(column_ptr(&n->more, d));
    docset_fini(&n->several);
    column_fini(&n->first);
    column_fini(&n->more);
    sorted_fini(&n->order);
    *n = (struct numbers){ 0 };
}

const double *numbers_of(const struct numbers *n, uint32_t doc, double *one, size_t *count)
{
    const struct several *s = n->several.n ? column_ptr(&n->more, doc) : NULL;

    if (s) {
        *count = s->n;
        return s->values;
    }
    *one = cell_double(column_get(&n->first, doc));
    *count = !isnan(*one);
    return one;
}

bool numbers_first(const struct numbers *n, uint32_t doc, double *out)
{
    double v = cell_double(column_get(&n->first, doc));

    if (isnan(v)) return false;
    *out = v;
    return true;
}

/* --- changing --------------------------------------------------------------------------------------------------- */

/* A value that a document has twice is there once. */
static void order_values(struct numbers *n, uint32_t doc, const double *values, size_t count, bool add)
{
    for (size_t i = 0; i < count; i++) {
        struct item it = { values[i], doc };

        if (add) sorted_add(&n->order, &it);
        else sorted_remove(&n->order, &it);
    }
}

static bool is_ordered(const struct numbers *n)
{
    return n->wants_order && n->n_ordered >= n->end;
}

bool numbers_tend(struct numbers *n, size_t budget)
{
    for (; n->wants_order && n->n_ordered < n->end && budget > 0; budget--) {
        double one;
        size_t count;
        const double *v = numbers_of(n, n->n_ordered, &one, &count);

        order_values(n, n->n_ordered++, v, count, true);
    }
    return n->wants_order && n->n_ordered < n->end;
}

static size_t several_bytes(size_t count)
{
    return mem_good_size(sizeof(struct several) + count * sizeof(double));
}

static void set_several(struct numbers *n, uint32_t doc, const double *values, size_t count)
{
    struct several *s = n->several.n ? column_ptr(&n->more, doc) : NULL;

    if (s) {
        n->bytes -= several_bytes(s->n);
        mem_free(s);
        column_set_ptr(&n->more, doc, NULL);
        docset_remove(&n->several, doc);
    }
    if (count < 2) return;
    s = mem_alloc(sizeof *s + count * sizeof(double));
    s->n = count;
    memcpy(s->values, values, count * sizeof(double));
    n->bytes += several_bytes(count);
    column_set_ptr(&n->more, doc, s);
    docset_add(&n->several, doc);
}

void numbers_put(struct numbers *n, uint32_t doc, const double *values, size_t count)
{
    double one;
    size_t n_old;
    const double *old = numbers_of(n, doc, &one, &n_old);

    if (count == n_old && (count == 0 || memcmp(old, values, count * sizeof *old) == 0)) return;
    if (doc < n->n_ordered) order_values(n, doc, old, n_old, false);
    else if (doc >= n->end && is_ordered(n)) n->n_ordered = doc + 1; /* it stays whole */
    if (doc >= n->end) n->end = doc + 1;
    n->n = n->n - n_old + count;
    n->docs = n->docs - (n_old > 0) + (count > 0);
    set_several(n, doc, values, count);
    column_set(&n->first, doc, count ? double_cell(values[0]) : n->first.empty);
    if (doc < n->n_ordered) order_values(n, doc, values, count, true);
    if (n->docs >= NUMBERS_ORDER) n->wants_order = true;
}

/* --- asking ----------------------------------------------------------------------------------------------------- */

static bool is_in(const struct number_range *r, double v)
{
    return (r->lo_open ? v > r->lo : v >= r->lo) & (r->hi_open ? v < r->hi : v <= r->hi);
}

/* The smallest double above v, or the largest below: a range with its ends. */
static struct number_range closed(const struct number_range *r)
{
    return (struct number_range){ r->lo_open ? nextafter(r->lo, INFINITY) : r->lo, r->hi_open ? nextafter(r->hi, -INFINITY) : r->hi,
                                  false, false };
}

static void scan_page(const struct numbers *n, const struct number_range *r, uint32_t p, struct docset *out)
{
    uint32_t cells;
    const uint64_t *page = column_page(&n->first, p, &cells);

    for (uint32_t w = 0; w < cells / 64; w++) {
        uint64_t bits = 0, *at = &out->bits[(size_t)p * (COLUMN_PAGE / 64) + w];

        for (int i = 0; i < 64; i++) {
            double v = cell_double(page[w * 64 + i]);

            bits |= (uint64_t)((v >= r->lo) & (v <= r->hi)) << i;
        }
        out->n += (uint32_t)__builtin_popcountll(bits & ~*at);
        *at |= bits;
    }
}

static void walk_order(struct sorted_at from, struct sorted_at to, const struct numbers *n, struct docset *out)
{
    while (from.chunk < to.chunk || (from.chunk == to.chunk && from.i < to.i)) {
        struct item it;

        memcpy(&it, sorted_get(&n->order, from), sizeof it);
        docset_add(out, (uint32_t)it.doc);
        sorted_next(&n->order, &from);
    }
}

static bool is_empty(const struct number_range *r)
{
    if (r->lo > r->hi || isnan(r->lo) || isnan(r->hi)) return true;
    return (r->lo_open && r->lo == (double)INFINITY) || (r->hi_open && r->hi == -(double)INFINITY);
}

/* By the order, where it is there and finds few. False: nobody has been looked at. */
static bool find_few(const struct numbers *n, const struct number_range *r, struct docset *out)
{
    struct number_range c = closed(r);
    struct item lo = { c.lo, 0 }, hi = { c.hi, UINT64_MAX };
    struct sorted_at from, to;
    size_t count;

    if (!is_ordered(n)) return false;
    from = sorted_lower(&n->order, &lo, NULL);
    to = sorted_lower(&n->order, &hi, NULL);
    count = c.lo <= c.hi ? sorted_between(&n->order, from, to) : 0;
    if (count > 0 && count >= n->order.n / MANY) return false;
    if (count > 64) docset_make_bits(out, (size_t)n->first.n_pages * (COLUMN_PAGE / 64));
    if (count > 0) walk_order(from, to, n, out);
    return true;
}

bool numbers_between(const struct numbers *n, const struct number_range *r, struct numbers_walk *w, struct docset *out)
{
    enum { PAGES_A_STEP = 64, SEVERAL_A_STEP = 1024 };
    struct number_range c = closed(r);
    uint32_t end = w->page + PAGES_A_STEP, d;

    if (w->page == 0 && (is_empty(r) || find_few(n, r, out))) return true;
    if (w->page < n->first.n_pages) {
        docset_make_bits(out, (size_t)n->first.n_pages * (COLUMN_PAGE / 64));
        for (; w->page < end && w->page < n->first.n_pages; w->page++) scan_page(n, &c, w->page, out);
    }
    if (w->page < n->first.n_pages) return false;
    for (int left = SEVERAL_A_STEP; left > 0 && (d = docset_next(&n->several, w->several)) != UINT32_MAX; left--) {
        const struct several *s = column_ptr(&n->more, d);

        for (size_t i = 0; i < s->n; i++)
            if (is_in(r, s->values[i])) docset_add(out, d);
        w->several = d + 1;
    }
    return docset_next(&n->several, w->several) == UINT32_MAX;
}

/* --- figures ---------------------------------------------------------------------------------------------------- */

size_t numbers_memory(const struct numbers *n)
{
    return n->first.bytes + n->more.bytes + n->order.bytes + docset_memory(&n->several) + n->bytes;
}

void numbers_check(const struct numbers *n, const struct docset *alive)
{
    size_t values = 0, docs = 0, bytes = 0;

    sorted_check(&n->order);
    for (uint32_t d = 0; d < n->first.n_pages * COLUMN_PAGE; d++) {
        double one;
        size_t count;
        const double *v = numbers_of(n, d, &one, &count);

        if (count == 0) continue;
        ensure(docset_has(alive, d) && docset_has(&n->several, d) == (count > 1) && cell_double(column_get(&n->first, d)) == v[0]);
        if (count > 1) bytes += several_bytes(count);
        values += count;
        docs++;
        ensure(d < n->end);
        for (size_t i = 0; d < n->n_ordered && i < count; i++) {
            struct item it = { v[i], d };
            const void *there = sorted_get(&n->order, sorted_lower(&n->order, &it, NULL));

            ensure(there && compare_items(NULL, there, &it) == 0);
        }
    }
    ensure(values == n->n && docs == n->docs && bytes == n->bytes && n->order.n <= n->n && (n->wants_order || n->order.n == 0));
}
