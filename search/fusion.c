#include "search/fusion.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_doc(const void *a, const void *b)
{
    const struct fused *x = a, *y = b;

    return x->doc < y->doc ? -1 : x->doc > y->doc;
}

size_t fuse(const struct ranking rankings[2], const struct fusion_rule *rule, struct fused *out)
{
    size_t n = 0, kept = 0;

    for (int which = 0; which < 2; which++) {
        for (size_t i = 0; i < rankings[which].n; i++) {
            struct fused f = { .doc = rankings[which].docs[i] };

            f.in[which] = true;
            f.score[which] = rankings[which].scores[i];
            f.total = rule->linear ? rule->weight[which] * f.score[which] : 1 / (rule->constant + (double)(i + 1));
            out[n++] = f;
        }
    }
    qsort(out, n, sizeof *out, by_doc);
    for (size_t i = 0; i < n; i++) {
        struct fused *before = &out[kept - (kept > 0)];

        if (kept == 0 || before->doc != out[i].doc) {
            out[kept++] = out[i];
            continue;
        }
        for (int which = 0; which < 2; which++) {
            if (!out[i].in[which]) continue;
            before->in[which] = true;
            before->score[which] = out[i].score[which];
        }
        before->total += out[i].total;
    }
    return kept;
}

const struct fused *fused_find(const struct fused *all, size_t n, uint32_t doc)
{
    return n > 0 ? bsearch(&(struct fused){ .doc = doc }, all, n, sizeof *all, by_doc) : NULL;
}

static int by_total(const void *a, const void *b)
{
    const struct fused *x = *(const struct fused *const *)a, *y = *(const struct fused *const *)b;

    if (x->total != y->total) return x->total > y->total ? -1 : 1;
    return by_doc(x, y);
}

void fused_order(const struct fused *all, size_t n, uint32_t *docs)
{
    const struct fused **order = mem_alloc((n + 1) * sizeof *order);

    for (size_t i = 0; i < n; i++) order[i] = &all[i];
    qsort(order, n, sizeof *order, by_total);
    for (size_t i = 0; i < n; i++) docs[i] = order[i]->doc;
    mem_free(order);
}
