/* ztree_edit.c -- changing a ztree. See ztree.h.
 *
 * The way down to an item (struct way) is all that a change needs to come back up: counts on it are
 * set at once, a node that overflows is split and its upper half goes beside it into its parent, and
 * one that runs low is joined with a neighbour or gets some of its items.
 *
 * An inner node names the lowest item of each child but the first, so when the first item of a leaf
 * changes, one name must follow: that in the nearest node above which the way does not leave by its
 * first child (set_lowest). No name of a removed item is ever left behind.
 *
 * A leaf at the right edge that overflows by an item at its end stays full, and the item starts a new
 * leaf: scores that only rise (times) fill every leaf. The same holds at the left edge. */
#include "storage/ztree_impl.h"

/* --- on the way --------------------------------------------------------------------------------------- */

/* The leaf of w is now `leaf`. */
static void set_leaf(struct ztree *t, struct way *w, struct leaf *leaf)
{
    w->leaf = leaf;
    if (t->height == 0)
        t->root = leaf;
    else
        w->node[t->height - 1]->child[w->at[t->height - 1]] = leaf;
}

/* The lowest item below child at[level - 1] of node[level - 1] has changed. */
static void set_lowest(struct way *w, unsigned level, struct lowest low)
{
    while (level-- > 0) {
        if (w->at[level] == 0) continue;
        w->node[level]->score[w->at[level]] = low.score;
        w->node[level]->first[w->at[level]] = low.e;
        return;
    }
}

static void add_counts(const struct ztree *t, struct way *w, size_t more)
{
    for (unsigned i = 0; i < t->height; i++) w->node[i]->count[w->at[i]] += more;
}

static bool at_left_edge(const struct ztree *t, const struct way *w)
{
    unsigned i = 0;

    while (i < t->height && w->at[i] == 0) i++;
    return i == t->height;
}

static bool at_right_edge(const struct way *w, unsigned levels)
{
    unsigned i = 0;

    while (i < levels && w->at[i] + 1 == w->node[i]->n) i++;
    return i == levels;
}

/* Give the leaf room for at least n items, and not for many more. */
static void resize(struct ztree *t, struct way *w, unsigned n)
{
    struct leaf *old = w->leaf, *new = leaf_new(t, n);

    leaf_append(new, old, 0, old->n);
    leaf_free(t, old);
    set_leaf(t, w, new);
}

/* --- splitting ------------------------------------------------------------------------------------------ */

static void new_root(struct ztree *t, void *left, size_t left_count, struct lowest low, void *right,
                     size_t right_count)
{
    struct inner *in = inner_new(t);

    ensure(t->height < LEVELS_MAX);
    inner_put(in, 0, low, left, left_count);
    inner_put(in, 1, low, right, right_count);
    t->root = in;
    t->height++;
}

/* Put a child at place `at` of node[level], whose count stays what it is in the nodes above. */
static void add_child(struct ztree *t, struct way *w, unsigned level, unsigned at, struct lowest low,
                      void *child, size_t count)
{
    struct inner *in = w->node[level], *right;
    unsigned cut = INNER_MAX / 2;

    if (in->n < INNER_MAX) {
        inner_put(in, at, low, child, count);
        return;
    }
    if (at == INNER_MAX && at_right_edge(w, level)) cut = INNER_MAX;
    right = inner_new(t);
    inner_copy(right, 0, in, cut, INNER_MAX - cut);
    right->n = INNER_MAX - cut;
    in->n = cut;
    if (at <= cut && cut < INNER_MAX)
        inner_put(in, at, low, child, count);
    else
        inner_put(right, at - cut, low, child, count);
    low = (struct lowest){ right->score[0], right->first[0] };
    if (level == 0) {
        new_root(t, in, inner_sum(in), low, right, inner_sum(right));
    } else {
        w->node[level - 1]->count[w->at[level - 1]] = inner_sum(in);
        add_child(t, w, level - 1, w->at[level - 1] + 1, low, right, inner_sum(right));
    }
}

/* Put (score, e) into the full leaf of w by making two of it. */
static void split(struct ztree *t, struct way *w, double score, struct entry *e)
{
    struct leaf *old = w->leaf, *left = old, *right = old;
    unsigned cut = (LEAF_MAX + 1) / 2;

    if (w->i == LEAF_MAX && at_right_edge(w, t->height)) {
        right = leaf_new(t, 1);
        leaf_put(right, 0, score, e);
    } else if (w->i == 0 && at_left_edge(t, w)) {
        left = leaf_new(t, 1);
        leaf_put(left, 0, score, e);
    } else {
        if (w->i < cut) cut--; /* the upper half starts with the same item either way */
        left = leaf_new(t, (LEAF_MAX + 1) / 2);
        right = leaf_new(t, (LEAF_MAX + 1) / 2);
        leaf_append(left, old, 0, cut);
        leaf_append(right, old, cut, LEAF_MAX - cut);
        if (left->n < right->n)
            leaf_put(left, w->i, score, e);
        else
            leaf_put(right, w->i - cut, score, e);
        leaf_free(t, old);
    }
    if (t->height == 0) {
        new_root(t, left, left->n, leaf_lowest(right), right, right->n);
        return;
    }
    set_leaf(t, w, left);
    w->node[t->height - 1]->count[w->at[t->height - 1]] = left->n;
    add_child(t, w, t->height - 1, w->at[t->height - 1] + 1, leaf_lowest(right), right, right->n);
}

static void insert(struct ztree *t, struct entry *e, double score)
{
    struct zbound b = { ZBOUND_ITEM, false, score, entry_key(e) };
    struct way w;

    t->count++;
    if (t->root == NULL) {
        t->root = leaf_new(t, LEAF_MIN);
        leaf_put(t->root, 0, score, e);
        return;
    }
    ztree_way(t, &b, &w);
    add_counts(t, &w, 1);
    if (w.leaf->n == LEAF_MAX) {
        split(t, &w, score, e);
        return;
    }
    if (w.leaf->n == w.leaf->cap) resize(t, &w, w.leaf->n + 1);
    leaf_put(w.leaf, w.i, score, e);
}

void ztree_insert(struct ztree *t, struct entry *e)
{
    insert(t, e, zentry_score(e));
}

/* --- joining -------------------------------------------------------------------------------------------- */

/* Share the items of two neighbouring leaves: all to the left one when they fit well, else half each.
 * True: the right one is gone. */
static bool share_leaves(struct ztree *t, struct inner *in, unsigned at)
{
    struct leaf *left = in->child[at], *right = in->child[at + 1], *a, *b;
    unsigned sum = left->n + right->n, keep = sum <= LEAF_MAX * 3 / 4 ? sum : sum / 2;

    a = leaf_new(t, keep);
    leaf_append(a, left, 0, left->n < keep ? left->n : keep);
    if (a->n < keep) leaf_append(a, right, 0, keep - a->n);
    in->child[at] = a;
    in->count[at] = keep;
    if (keep < sum) {
        unsigned from_left = left->n > keep ? left->n - keep : 0, n = sum - keep;
        b = leaf_new(t, n);
        leaf_append(b, left, left->n - from_left, from_left);
        leaf_append(b, right, right->n - (n - from_left), n - from_left);
        in->child[at + 1] = b;
        in->count[at + 1] = n;
        in->score[at + 1] = b->score[0];
        in->first[at + 1] = leaf_entries(b)[0];
    }
    leaf_free(t, left);
    leaf_free(t, right);
    return keep == sum;
}

/* The same for two inner nodes. */
static bool share_inners(struct ztree *t, struct inner *in, unsigned at)
{
    struct inner *left = in->child[at], *right = in->child[at + 1];
    unsigned ln = (unsigned)left->n, rn = (unsigned)right->n, sum = ln + rn;
    unsigned keep = sum <= INNER_MAX * 3 / 4 ? sum : sum / 2;

    right->score[0] = in->score[at + 1];
    right->first[0] = in->first[at + 1];
    if (ln < keep) {
        inner_copy(left, ln, right, 0, keep - ln);
        inner_copy(right, 0, right, keep - ln, rn - (keep - ln));
    } else {
        inner_copy(right, ln - keep, right, 0, rn);
        inner_copy(right, 0, left, keep, ln - keep);
    }
    left->n = keep;
    right->n = sum - keep;
    in->count[at] = inner_sum(left);
    in->count[at + 1] = inner_sum(right);
    in->score[at + 1] = right->score[0];
    in->first[at + 1] = right->first[0];
    if (keep < sum) return false;
    inner_free(t, right);
    return true;
}

/* The root has lost children. */
static void lower_root(struct ztree *t)
{
    while (t->height > 0) {
        struct inner *in = t->root;
        if (in->n > 1) return;
        t->root = in->child[0];
        t->height--;
        inner_free(t, in);
    }
}

/* Child at[level] of node[level] has run low: share with a neighbour, and see to the nodes above. */
static void relieve(struct ztree *t, struct way *w, unsigned level)
{
    for (;; level--) {
        struct inner *in = w->node[level];
        unsigned at = w->at[level] > 0 ? w->at[level] - 1 : 0;
        bool gone;

        if (in->n > 1) {
            gone = level + 1 == t->height ? share_leaves(t, in, at) : share_inners(t, in, at);
            if (gone) inner_cut(in, at + 1);
        }
        if (level == 0 || in->n >= INNER_MIN) break;
    }
    lower_root(t);
}

/* Child at[level] of node[level] is empty and has been freed. */
static void drop_child(struct ztree *t, struct way *w, unsigned level)
{
    struct inner *in = w->node[level];

    inner_cut(in, w->at[level]);
    if (in->n == 0) {
        inner_free(t, in);
        if (level > 0) {
            drop_child(t, w, level - 1);
        } else {
            t->root = NULL;
            t->height = 0;
        }
        return;
    }
    if (w->at[level] == 0) set_lowest(w, level, (struct lowest){ in->score[0], in->first[0] });
    if (level > 0 && in->n < INNER_MIN)
        relieve(t, w, level - 1);
    else
        lower_root(t);
}

/* Take n items from w->i on out of the leaf. */
static void cut(struct ztree *t, struct way *w, unsigned n)
{
    struct leaf *l = w->leaf;

    t->count -= n;
    add_counts(t, w, (size_t)0 - n);
    leaf_cut(l, w->i, n);
    if (l->n == 0) {
        leaf_free(t, l);
        if (t->height == 0)
            t->root = NULL;
        else
            drop_child(t, w, t->height - 1);
        return;
    }
    if (w->i == 0) set_lowest(w, t->height, leaf_lowest(l));
    if (l->n < LEAF_MIN && t->height > 0)
        relieve(t, w, t->height - 1);
    else if (l->n + l->n / 4 + 4 < l->cap)
        resize(t, w, l->n);
}

void ztree_remove(struct ztree *t, struct entry *e)
{
    struct way w;

    ztree_way_to_entry(t, e, &w);
    cut(t, &w, 1);
}

void ztree_remove_ranks(struct ztree *t, size_t rank, size_t n, void (*fn)(void *ctx, struct entry *e),
                        void *ctx)
{
    while (n > 0) {
        struct way w;
        unsigned k;

        ztree_way_to_rank(t, rank, &w);
        k = w.leaf->n - w.i;
        if (k > n) k = (unsigned)n;
        for (unsigned i = 0; i < k; i++) fn(ctx, leaf_entries(w.leaf)[w.i + i]);
        cut(t, &w, k);
        n -= k;
    }
}

/* --- moving --------------------------------------------------------------------------------------------- */

static int compare(double score, struct str name, double other, const struct entry *e)
{
    if (score != other) return score < other ? -1 : 1;
    return str_cmp(name, entry_key(e));
}

/* Does an item of this score belong into the leaf of w, its name being that of an item that is there? */
static bool stays(const struct ztree *t, const struct way *w, double score, struct str name)
{
    bool low = false, high = false; /* the bound has been seen */

    for (unsigned i = t->height; i-- > 0 && !(low && high);) {
        const struct inner *in = w->node[i];
        unsigned at = w->at[i];

        if (!low && at > 0) {
            if (compare(score, name, in->score[at], in->first[at]) < 0) return false;
            low = true;
        }
        if (!high && at + 1 < in->n) {
            if (compare(score, name, in->score[at + 1], in->first[at + 1]) >= 0) return false;
            high = true;
        }
    }
    return true;
}

/* The item at w->i gets a score with which it still belongs into its leaf. */
static void shift(const struct ztree *t, struct way *w, struct entry *e, double score)
{
    struct leaf *l = w->leaf;
    struct entry **entries = leaf_entries(l);
    unsigned i = w->i;
    struct str name = entry_key(e);

    for (; i + 1 < l->n && compare(score, name, l->score[i + 1], entries[i + 1]) > 0; i++) {
        l->score[i] = l->score[i + 1];
        entries[i] = entries[i + 1];
    }
    for (; i > 0 && compare(score, name, l->score[i - 1], entries[i - 1]) < 0; i--) {
        l->score[i] = l->score[i - 1];
        entries[i] = entries[i - 1];
    }
    l->score[i] = score;
    entries[i] = e;
    if (w->i == 0 || i == 0) set_lowest(w, t->height, leaf_lowest(l));
}

void ztree_move(struct ztree *t, struct entry *e, double score)
{
    int64_t bits;
    struct way w;

    ztree_way_to_entry(t, e, &w);
    memcpy(&bits, &score, sizeof bits);
    if (stays(t, &w, score, entry_key(e))) {
        entry_set_int(e, bits);
        shift(t, &w, e, score);
        return;
    }
    cut(t, &w, 1);
    entry_set_int(e, bits);
    insert(t, e, score);
}
