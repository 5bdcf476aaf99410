/* ztree_node.c -- the nodes of a ztree. See ztree_impl.h. */
#include "base/mem.h"
#include "storage/ztree_impl.h"

static size_t leaf_bytes(unsigned cap)
{
    return sizeof(struct leaf) + cap * (sizeof(double) + sizeof(struct entry *));
}

struct leaf *leaf_new(struct ztree *t, unsigned n)
{
    size_t bytes = mem_good_size(leaf_bytes(n));
    size_t cap = (bytes - sizeof(struct leaf)) / (sizeof(double) + sizeof(struct entry *));
    struct leaf *l;

    if (cap > LEAF_MAX) cap = LEAF_MAX;
    l = mem_alloc(leaf_bytes((unsigned)cap));
    l->n = 0;
    l->cap = (uint32_t)cap;
    t->bytes += mem_good_size(leaf_bytes((unsigned)cap));
    return l;
}

void leaf_free(struct ztree *t, struct leaf *l)
{
    t->bytes -= mem_good_size(leaf_bytes(l->cap));
    mem_free_sized(l, leaf_bytes(l->cap));
}

struct inner *inner_new(struct ztree *t)
{
    struct inner *in = mem_alloc(sizeof *in);

    in->n = 0;
    t->bytes += mem_good_size(sizeof *in);
    return in;
}

void inner_free(struct ztree *t, struct inner *in)
{
    t->bytes -= mem_good_size(sizeof *in);
    mem_free_sized(in, sizeof *in);
}

void leaf_append(struct leaf *to, const struct leaf *l, unsigned from, unsigned n)
{
    memcpy(to->score + to->n, l->score + from, n * sizeof(double));
    memcpy(leaf_entries(to) + to->n, leaf_entries(l) + from, n * sizeof(struct entry *));
    to->n += n;
}

void leaf_put(struct leaf *l, unsigned i, double score, struct entry *e)
{
    struct entry **entries = leaf_entries(l);

    memmove(l->score + i + 1, l->score + i, (l->n - i) * sizeof(double));
    memmove(entries + i + 1, entries + i, (l->n - i) * sizeof(struct entry *));
    l->score[i] = score;
    entries[i] = e;
    l->n++;
}

void leaf_cut(struct leaf *l, unsigned i, unsigned n)
{
    struct entry **entries = leaf_entries(l);

    l->n -= n;
    memmove(l->score + i, l->score + i + n, (l->n - i) * sizeof(double));
    memmove(entries + i, entries + i + n, (l->n - i) * sizeof(struct entry *));
}

void inner_copy(struct inner *to, unsigned at, const struct inner *in, unsigned from, unsigned n)
{
    memmove(to->score + at, in->score + from, n * sizeof in->score[0]);
    memmove(to->first + at, in->first + from, n * sizeof in->first[0]);
    memmove(to->child + at, in->child + from, n * sizeof in->child[0]);
    memmove(to->count + at, in->count + from, n * sizeof in->count[0]);
}

void inner_put(struct inner *in, unsigned at, struct lowest low, void *child, size_t count)
{
    inner_copy(in, at + 1, in, at, (unsigned)in->n - at);
    in->score[at] = low.score;
    in->first[at] = low.e;
    in->child[at] = child;
    in->count[at] = count;
    in->n++;
}

void inner_cut(struct inner *in, unsigned at)
{
    in->n--;
    inner_copy(in, at, in, at + 1, (unsigned)in->n - at);
}

size_t inner_sum(const struct inner *in)
{
    size_t sum = 0;

    for (unsigned i = 0; i < in->n; i++) sum += in->count[i];
    return sum;
}

static void node_free(struct ztree *t, void *node, unsigned height)
{
    struct inner *in = node;

    if (height == 0) {
        leaf_free(t, node);
        return;
    }
    for (unsigned i = 0; i < in->n; i++) node_free(t, in->child[i], height - 1);
    inner_free(t, in);
}

void ztree_fini(struct ztree *t)
{
    if (t->root != NULL) node_free(t, t->root, t->height);
    ensure(t->bytes == 0);
    *t = (struct ztree){ 0 };
}
