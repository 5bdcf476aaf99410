/* hll_impl.h -- what hll.c and hll_sparse.c share: the runs of the sparse form. */
#ifndef MEMD_BASE_HLL_IMPL_H
#define MEMD_BASE_HLL_IMPL_H

#include "base/hll.h"

enum hll_form { HLL_DENSE, HLL_SPARSE };

static inline enum hll_form hll_form(struct str s)
{
    return (enum hll_form)s.p[4];
}

enum hll_kind { HLL_ZERO, HLL_XZERO, HLL_VAL };

struct hll_run {
    enum hll_kind kind;
    unsigned bytes;  /* 1, 2 for HLL_XZERO */
    unsigned n;      /* registers */
    unsigned value;  /* what each holds */
};

/* Read the run at offset `at` < s.n; false when its second byte is missing. */
bool hll_run_at(struct str s, size_t at, struct hll_run *r);

/* Raise a register of a sparse one. */
enum err MUST_USE hll_sparse_raise(struct hll *h, unsigned index, unsigned count, bool *changed);

#endif
