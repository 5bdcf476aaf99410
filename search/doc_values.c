/* doc_values.c -- see doc_values.h. */
#include "search/doc_values.h"

#include "base/mem.h"

/* Without a call, which the compiler makes of its builtin where not every processor has the instruction. */
static inline uint32_t bits_of(uint64_t w)
{
    w -= w >> 1 & 0x5555555555555555;
    w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
    w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (uint32_t)(w * 0x0101010101010101 >> 56);
}

void doc_values_init(struct doc_values *d, struct docset *set_take)
{
    uint32_t n = 0;

    *d = (struct doc_values){ .set = *set_take };
    *set_take = (struct docset){ 0 };
    d->v = mem_zalloc((d->set.n > 0 ? d->set.n : 1) * sizeof *d->v);
    if (d->set.bits == NULL) return;
    d->before = mem_alloc((d->set.n_words > 0 ? d->set.n_words : 1) * sizeof *d->before);
    for (size_t i = 0; i < d->set.n_words; i++) {
        d->before[i] = n;
        n += bits_of(d->set.bits[i]);
    }
}

void doc_values_fini(struct doc_values *d)
{
    docset_fini(&d->set);
    mem_free(d->before);
    mem_free(d->v);
    *d = (struct doc_values){ .v = NULL };
}

static double *in_list(const struct doc_values *d, uint32_t doc)
{
    uint32_t lo = 0, hi = d->set.n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (d->set.list[mid] < doc) lo = mid + 1;
        else hi = mid;
    }
    return lo < d->set.n && d->set.list[lo] == doc ? &d->v[lo] : NULL;
}

double *doc_values_at(const struct doc_values *d, uint32_t doc)
{
    size_t w = doc / 64;
    uint64_t bit = 1ULL << doc % 64;

    if (d->set.bits == NULL) return in_list(d, doc);
    if (w >= d->set.n_words || !(d->set.bits[w] & bit)) return NULL;
    return &d->v[d->before[w] + bits_of(d->set.bits[w] & (bit - 1))];
}

size_t doc_values_memory(const struct doc_values *d)
{
    return docset_memory(&d->set) + d->set.n * sizeof *d->v + (d->before ? d->set.n_words * sizeof *d->before : 0);
}
