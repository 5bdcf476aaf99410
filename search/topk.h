/* topk.h -- the first k documents of many by a score, a number or a text.
 *
 * A heap with the last of them on top: a document that would come behind it costs one comparison and is forgotten. What is
 * equal stands in the order of docids; under a descending field the other way round, as in RediSearch. A document without a
 * value comes last in either order. */
#ifndef MEMD_SEARCH_TOPK_H
#define MEMD_SEARCH_TOPK_H

#include <stdint.h>

#include "base/str.h"

enum rank_kind { RANK_NUMBER, RANK_TEXT, RANK_NOTHING };

struct ranked {
    uint32_t doc;
    enum rank_kind kind;
    double number;
    struct str text; /* in the heap: its own */
};

struct topk {
    struct ranked *items; /* a heap; after topk_order in order */
    size_t n, room, k;
    size_t in_order;      /* items at the end that are at their place */
    bool descending, descending_ties;
    size_t text_bytes, n_texts;
};

void topk_init(struct topk *t, size_t k, bool descending, bool descending_ties);
void topk_fini(struct topk *t);

/* No more than n are to be offered: room is made at once, and nothing has to be moved later. Before the first. */
void topk_expect(struct topk *t, size_t n);

/* Offer a document; text is copied when it is taken. */
void topk_offer(struct topk *t, const struct ranked *r);

/* No more come: put about so many of them in order, the last ones first; true: all are, the first first. */
bool topk_order(struct topk *t, size_t n);

/* Cheap enough to be asked after each offer. */
static inline size_t topk_memory(const struct topk *t)
{
    return t->room * sizeof *t->items + t->text_bytes;
}

#endif
