/* ztree.h -- the members of a large sorted set in order: a B+ tree that counts.
 *
 *   leaf   scores in a row, and beside them the entries in a row: a search by score touches no
 *          member, and members are compared among equal scores alone
 *   inner  up to 63 children, and for each the number of items below it and (but for the first) its
 *          lowest item
 *
 * So a rank is a sum of counts on the way down, and the n-th item is found by going down with n: both
 * O(log n), as are changes. A leaf holds up to 63 items and takes only the size class that they need, so
 * that leaves half full after a split waste nothing. Nodes are not linked: whoever walks from leaf to
 * leaf finds the next by its rank.
 *
 * An entry is a member with its score as an ENC_INT value (zentry_score); it belongs to the owner of
 * the tree, keeps its address, and is in the tree at most once. The order is that of scores, then of
 * bytes; scores are never NaN. */
#ifndef MEMD_STORAGE_ZTREE_H
#define MEMD_STORAGE_ZTREE_H

#include <stdint.h>

#include "storage/entry.h"

struct ztree {
    void *root;    /* NULL: empty */
    unsigned height; /* levels of inner nodes above the leaves */
    size_t count;
    size_t bytes;  /* memory of nodes */
};

/* --- members ----------------------------------------------------------------------------------- */

static inline struct entry *zentry_new(struct str member, double score)
{
    int64_t bits;

    memcpy(&bits, &score, sizeof bits);
    return entry_new_int(member, bits, -1);
}

static inline double zentry_score(const struct entry *e)
{
    double score;

    memcpy(&score, entry_value(e), sizeof score);
    return score;
}

/* --- finding (ztree.c) --------------------------------------------------------------------------- */

/* A place between items. What lies before it:
 * ZBOUND_ITEM   items less than (score, name)
 * ZBOUND_SCORE  items of lesser score
 * ZBOUND_NAME   items of lesser name; only where all scores are equal is that a place
 * and with `after` those that are equal, too. */
enum zbound_kind { ZBOUND_ITEM, ZBOUND_SCORE, ZBOUND_NAME };
struct zbound {
    enum zbound_kind kind;
    bool after;
    double score;
    struct str name;
};

/* Bring the leaf of a score towards the cache: for whoever is about to look up the member that gets it. */
void ztree_prefetch(const struct ztree *t, double score);

/* The number of items before the place. */
size_t ztree_before(const struct ztree *t, const struct zbound *b);

/* Items that lie side by side: scores and entries 0..n-1, of which `at` has the rank asked for.
 * Valid until the tree changes. rank is less than count. */
struct zrun {
    const double *score;
    struct entry *const *entry;
    uint32_t n, at;
};
void ztree_run(const struct ztree *t, size_t rank, struct zrun *run);

/* --- changing (ztree_edit.c) ---------------------------------------------------------------------- */

/* Free all nodes; the entries are the caller's. The tree is empty then. */
void ztree_fini(struct ztree *t);

/* Add e, with the score it holds. */
void ztree_insert(struct ztree *t, struct entry *e);

/* Take e, which is there with the score it holds, out. */
void ztree_remove(struct ztree *t, struct entry *e);

/* Give e, which is there, another score, and bring it to its new place. */
void ztree_move(struct ztree *t, struct entry *e, double score);

/* Take n items from a rank on out. Each is given to fn first, in order, which may free it. */
void ztree_remove_ranks(struct ztree *t, size_t rank, size_t n, void (*fn)(void *ctx, struct entry *e),
                        void *ctx);

/* Invariants, ensured. Slow. */
void ztree_check(const struct ztree *t);

#endif
