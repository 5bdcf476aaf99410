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

/* What an inner node remembers of a child. */
struct lowest {
    double score;
    struct entry *e;
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

/* ztree_node.c: nodes, whose bytes count in t->bytes. */

/* An empty leaf for n items, and as many more as its size class holds. */
struct leaf *leaf_new(struct ztree *t, unsigned n);
void leaf_free(struct ztree *t, struct leaf *l);

/* Append items from..from+n of one leaf to another, which has room. */
void leaf_append(struct leaf *to, const struct leaf *l, unsigned from, unsigned n);

/* Put an item at place i of a leaf that has room; take n of them out. */
void leaf_put(struct leaf *l, unsigned i, double score, struct entry *e);
void leaf_cut(struct leaf *l, unsigned i, unsigned n);

static inline struct lowest leaf_lowest(const struct leaf *l)
{
    return (struct lowest){ l->score[0], leaf_entries(l)[0] };
}

struct inner *inner_new(struct ztree *t);
void inner_free(struct ztree *t, struct inner *in);

/* Copy n children of one node, counts and names with them, to a place in another, which may be itself. */
void inner_copy(struct inner *to, unsigned at, const struct inner *in, unsigned from, unsigned n);

/* Put a child at place `at` of a node that has room; take it out. */
void inner_put(struct inner *in, unsigned at, struct lowest low, void *child, size_t count);
void inner_cut(struct inner *in, unsigned at);

/* Items below. */
size_t inner_sum(const struct inner *in);

#endif
