/* ztree_impl.h -- the nodes of a ztree and the way down to one; for ztree*.c alone. */
#ifndef MEMD_STORAGE_ZTREE_IMPL_H
#define MEMD_STORAGE_ZTREE_IMPL_H

#include "base/ensure.h"
#include "storage/ztree.h"

enum {
    LEAF_MAX = 63,  /* with the header just within the size class of 1 KiB */
    LEAF_MIN = 16,  /* fewer, and a neighbour helps out; the tree's edges may have less */
    INNER_MAX = 63, /* ... of 2 KiB */
    INNER_MIN = 16,
    LEVELS_MAX = 16 /* of inner nodes: INNER_MIN to this power is more than any memory holds */
};

struct leaf {
    uint32_t n, cap;
    double score[]; /* cap of them, then cap entries */
};

/* Child i holds the items from (score[i], first[i]) up to the next child's. What stands at 0 is not
 * kept: the node's parent knows. */
struct inner {
    uint64_t n;
    double score[INNER_MAX];
    struct entry *first[INNER_MAX];
    void *child[INNER_MAX];
    size_t count[INNER_MAX];
};

static inline struct entry **leaf_entries(const struct leaf *l)
{
    return (struct entry **)(uintptr_t)(l->score + l->cap);
}

/* The way from the root to a leaf: child at[i] of node[i], for i below the tree's height. */
struct way {
    struct inner *node[LEVELS_MAX];
    unsigned at[LEVELS_MAX];
    struct leaf *leaf;
    unsigned i; /* in the leaf: the first item that is not before the place */
};

/* Go to the place; the tree is not empty. */
void ztree_way(const struct ztree *t, const struct zbound *b, struct way *w);
void ztree_way_to_entry(const struct ztree *t, const struct entry *e, struct way *w); /* w->i is it */
void ztree_way_to_rank(const struct ztree *t, size_t rank, struct way *w);

#endif
