/* reduce_hll.c -- see reduce.h: values counted in HyperLogLogs of Redis's form. */
#include "search/reduce.h"

enum { SPARSE_MAX = 3000 }; /* bytes, as hll-sparse-max-bytes is where nothing is said */

/* Room for more is told before and after. */
static struct hll *begin(struct hll *h, struct reduce_world *w)
{
    if (h->bytes.p == NULL) hll_init(h, SPARSE_MAX);
    else w->bytes -= h->bytes.cap;
    return h;
}

static void raise_to(struct hll *h, unsigned index, unsigned count)
{
    bool changed = false;
    enum err e = hll_raise(h, index, count, &changed);

    ensure(e == OK); /* it is our own */
}

static void count_text(struct hll *h, struct str text)
{
    unsigned count, index = hll_hash(text, &count);

    raise_to(h, index, count);
}

static void count_value(struct hll *h, const struct datum *d)
{
    char number[DATUM_NUMBER_MAX];

    if (d->kind == DATUM_TEXT) count_text(h, d->u.text);
    if (d->kind == DATUM_NUMBER) count_text(h, str_of(number, datum_number_text(number, d->u.number)));
    for (uint32_t i = 0; d->kind == DATUM_LIST && i < d->n; i++) count_value(h, &d->u.items[i]);
}

void reduce_hll_add(struct hll *h, const struct datum *d, struct reduce_world *w)
{
    count_value(begin(h, w), d);
    w->bytes += h->bytes.cap;
}

void reduce_hll_merge(struct hll *h, const struct datum *d, struct reduce_world *w)
{
    uint8_t registers[HLL_REGISTERS] = { 0 };

    if (d->kind != DATUM_TEXT || !hll_is(d->u.text) || hll_merge(registers, d->u.text) != OK) return;
    begin(h, w);
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        if (registers[i] > 0) raise_to(h, i, registers[i]);
    w->bytes += h->bytes.cap;
}

struct datum reduce_hll_bytes(const struct hll *h, struct arena *a)
{
    struct hll none;
    struct datum d;

    if (h->bytes.p != NULL) return datum_text(arena_dup(a, buf_str(&h->bytes)));
    hll_init(&none, SPARSE_MAX);
    d = datum_text(arena_dup(a, buf_str(&none.bytes)));
    hll_fini(&none);
    return d;
}

struct datum reduce_hll_count(const struct hll *h)
{
    uint64_t count = 0;
    enum err e = h->bytes.p != NULL ? hll_count(buf_str(&h->bytes), &count) : OK;

    ensure(e == OK);
    return datum_number((double)count);
}
