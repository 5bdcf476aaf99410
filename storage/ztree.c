/* ztree.c -- finding in a ztree: by score, by name and by rank. See ztree.h. */
#include "storage/ztree_impl.h"

#include "base/mem.h"

/* --- in one node ---------------------------------------------------------------------------------- */

/* How many of n ascending scores are less than x, or with `after` at most x: first by every eighth, then
 * within its eight. Counting has no branch that could be guessed wrong, and its loads wait for none
 * before them; halving has six of each. */
static inline __attribute__((always_inline)) unsigned count_before(const double *score, unsigned n, double x,
                                                                   bool after)
{
    enum { BLOCK = 8 };
    unsigned blocks = 0, count, end;

    for (unsigned i = BLOCK - 1; i < n; i += BLOCK) blocks += after ? score[i] <= x : score[i] < x;
    count = blocks * BLOCK;
    end = count + BLOCK - 1 < n ? count + BLOCK - 1 : n; /* the eighth is not before x, or is not there */
    for (unsigned i = blocks * BLOCK; i < end; i++) count += after ? score[i] <= x : score[i] < x;
    return count;
}

static unsigned before_score(const double *score, unsigned n, double x, bool after)
{
    return after ? count_before(score, n, x, true) : count_before(score, n, x, false);
}

static unsigned before_name(struct entry *const *e, unsigned n, struct str name, bool after)
{
    unsigned from = 0;

    while (n > 0) {
        unsigned half = n / 2;
        int c = str_cmp(entry_key(e[from + half]), name);
        if (c < 0 || (after && c == 0)) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

/* How many of n items are before the place. */
static unsigned before(const double *score, struct entry *const *e, unsigned n, const struct zbound *b)
{
    unsigned low, same;

    if (b->kind == ZBOUND_SCORE) return before_score(score, n, b->score, b->after);
    if (b->kind == ZBOUND_NAME) return before_name(e, n, b->name, b->after);
    low = before_score(score, n, b->score, false);
    if (low == n || score[low] != b->score) return low;
    same = before_score(score + low, n - low, b->score, true);
    return low + before_name(e + low, same, b->name, b->after);
}

/* --- down the tree ---------------------------------------------------------------------------------- */

/* The lines of a node's scores, which a search is about to jump about in, and of most entries of a leaf. */
static inline void prefetch_node(const void *node)
{
    enum { LINE = 64, LINES = 12 };

    for (unsigned i = 0; i < LINES; i++) __builtin_prefetch((const char *)node + LINE * i);
}

/* All of the way but the place in the leaf. */
static void way_to_leaf(const struct ztree *t, const struct zbound *b, struct way *w)
{
    void *node = t->root;

    for (unsigned i = 0; i < t->height; i++) {
        struct inner *in = node;
        unsigned at = before(in->score + 1, in->first + 1, (unsigned)in->n - 1, b);

        w->node[i] = in;
        w->at[i] = at;
        node = in->child[at];
        prefetch_node(node);
    }
    w->leaf = node;
}

void ztree_way(const struct ztree *t, const struct zbound *b, struct way *w)
{
    way_to_leaf(t, b, w);
    w->i = before(w->leaf->score, leaf_entries(w->leaf), w->leaf->n, b);
}

/* In the leaf the entry is known by its address: its equals need not be fetched to compare names. */
void ztree_way_to_entry(const struct ztree *t, const struct entry *e, struct way *w)
{
    struct zbound b = { ZBOUND_ITEM, true, zentry_score(e), entry_key(e) };
    struct entry *const *entries;

    way_to_leaf(t, &b, w);
    entries = leaf_entries(w->leaf);
    w->i = before_score(w->leaf->score, w->leaf->n, b.score, false);
    while (w->i < w->leaf->n && entries[w->i] != e) w->i++;
    ensure(w->i < w->leaf->n);
}

void ztree_prefetch(const struct ztree *t, double score)
{
    const void *node = t->root;

    for (unsigned i = 0; i < t->height; i++) {
        const struct inner *in = node;

        node = in->child[before_score(in->score + 1, (unsigned)in->n - 1, score, false)];
        if (i + 1 == t->height) prefetch_node(node);
    }
}

void ztree_way_to_rank(const struct ztree *t, size_t rank, struct way *w)
{
    void *node = t->root;

    for (unsigned i = 0; i < t->height; i++) {
        struct inner *in = node;
        unsigned at = 0;

        while (rank >= in->count[at]) rank -= in->count[at++];
        w->node[i] = in;
        w->at[i] = at;
        node = in->child[at];
    }
    w->leaf = node;
    w->i = (unsigned)rank;
}

size_t ztree_before(const struct ztree *t, const struct zbound *b)
{
    struct way w;
    size_t rank;

    if (t->count == 0) return 0;
    ztree_way(t, b, &w);
    rank = w.i;
    for (unsigned i = 0; i < t->height; i++) {
        for (unsigned k = 0; k < w.at[i]; k++) rank += w.node[i]->count[k];
    }
    return rank;
}

void ztree_run(const struct ztree *t, size_t rank, struct zrun *run)
{
    struct way w;

    ztree_way_to_rank(t, rank, &w);
    *run = (struct zrun){ w.leaf->score, leaf_entries(w.leaf), w.leaf->n, w.i };
}

/* --- invariants -------------------------------------------------------------------------------------- */

struct check {
    const struct entry *last;
    size_t bytes;
};

static bool in_order(const struct entry *a, const struct entry *b)
{
    double x = zentry_score(a), y = zentry_score(b);

    return x < y || (x == y && str_cmp(entry_key(a), entry_key(b)) < 0);
}

static size_t check_leaf(struct check *c, const struct leaf *l, bool edge)
{
    ensure(l->n > 0 && l->n <= l->cap && l->cap <= LEAF_MAX);
    ensure(edge || l->n >= LEAF_MIN);
    for (unsigned i = 0; i < l->n; i++) {
        const struct entry *e = leaf_entries(l)[i];
        ensure(l->score[i] == zentry_score(e));
        ensure(c->last == NULL || in_order(c->last, e));
        c->last = e;
    }
    c->bytes += mem_good_size(sizeof *l + l->cap * (sizeof(double) + sizeof(void *)));
    return l->n;
}

static const struct entry *lowest_item(const void *node, unsigned height)
{
    while (height-- > 0) node = ((const struct inner *)node)->child[0];
    return leaf_entries(node)[0];
}

/* Items below a node. `edge`: it lies on the tree's left or right side. */
static size_t check_node(struct check *c, const void *node, unsigned height, bool left, bool right)
{
    const struct inner *in = node;
    size_t sum = 0;

    if (height == 0) return check_leaf(c, node, left || right);
    ensure(in->n > 0 && in->n <= INNER_MAX);
    ensure(left || right || in->n >= INNER_MIN);
    for (unsigned i = 0; i < in->n; i++) {
        size_t n = check_node(c, in->child[i], height - 1, left && i == 0, right && i + 1 == in->n);
        ensure(n == in->count[i]);
        sum += n;
        if (i == 0) continue;
        ensure(in->first[i] == lowest_item(in->child[i], height - 1));
        ensure(in->score[i] == zentry_score(in->first[i]));
    }
    c->bytes += mem_good_size(sizeof *in);
    return sum;
}

void ztree_check(const struct ztree *t)
{
    struct check c = { 0 };

    ensure((t->root == NULL) == (t->count == 0));
    if (t->root != NULL) {
        ensure(t->height == 0 || ((const struct inner *)t->root)->n > 1);
        ensure(check_node(&c, t->root, t->height, true, true) == t->count);
    }
    ensure(c.bytes == t->bytes);
}
