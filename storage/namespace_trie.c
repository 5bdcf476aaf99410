/* namespace_trie.c -- which namespace has a key.
 *
 * The patterns' literal prefixes, sorted, make a trie whose edges are runs of bytes. It is built whole, from the
 * sorted array, when a key is first matched after rules changed: a few thousand patterns take less than a millisecond.
 * A key is walked down as far as it goes, and the patterns that end on the way are tried from the deepest up: each node knows
 * the next one above it that ends some. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/glob.h"
#include "base/mem.h"
#include "storage/namespace_impl.h"

static struct str prefix_of(const struct namespace *ns)
{
    return str_of(ns->pattern, ns->prefix_n);
}

static int compare_prefix(const void *a, const void *b)
{
    const struct namespace *x = *(struct namespace *const *)a, *y = *(struct namespace *const *)b;
    struct str px = prefix_of(x), py = prefix_of(y);
    int c = str_cmp(px, py);

    if (c != 0) return c;
    if (x->pattern_n != y->pattern_n) return x->pattern_n > y->pattern_n ? -1 : 1;
    return strcmp(x->pattern, y->pattern);
}

/* Node `at` stands for by_prefix[lo..hi), which share their first `depth` bytes at least. */
static void build(struct namespaces *n, size_t at, uint32_t above, size_t lo, size_t hi, size_t depth)
{
    struct str first = prefix_of(n->by_prefix[lo]), last = prefix_of(n->by_prefix[hi - 1]);
    struct ns_node *node = &n->nodes[at];
    size_t end = depth, kid;

    /* The first is the shortest of those that begin like it, so it ends no sooner than the run. */
    while (end < first.n && end < last.n && first.p[end] == last.p[end]) end++;
    node->label = first.p + depth;
    node->label_n = (uint16_t)(end - depth);
    node->rule = (uint16_t)lo;
    while (lo < hi && prefix_of(n->by_prefix[lo]).n == end) lo++;
    node->n_rules = (uint16_t)(lo - node->rule);
    node->above = above;
    if (node->n_rules > 0) above = (uint32_t)at;
    node->kids = (uint32_t)n->n_nodes;
    for (size_t i = lo; i < hi; i++)
        if (i == lo || prefix_of(n->by_prefix[i]).p[end] != prefix_of(n->by_prefix[i - 1]).p[end]) node->n_kids++;
    n->n_nodes += node->n_kids;
    kid = node->kids;
    for (size_t i = lo, from = lo; i < hi; i++) {
        if (i + 1 < hi && prefix_of(n->by_prefix[i]).p[end] == prefix_of(n->by_prefix[i + 1]).p[end]) continue;
        build(n, kid++, above, from, i + 1, end); /* as deep as prefixes are long, NS_PATTERN_MAX at most */
        from = i + 1;
    }
}

static void build_all(struct namespaces *n)
{
    memcpy(n->by_prefix, n->sorted, n->n * sizeof n->sorted[0]);
    qsort(n->by_prefix, n->n, sizeof n->by_prefix[0], compare_prefix);
    n->nodes = mem_zalloc(2 * n->n * sizeof n->nodes[0]); /* each node but the root ends a pattern or parts two */
    n->n_nodes = 1;
    build(n, 0, NS_NO_NODE, 0, n->n, 0);
    ensure(n->n_nodes <= 2 * n->n);
}

void ns_trie_drop(struct namespaces *n)
{
    mem_free(n->nodes);
    n->nodes = NULL;
}

static const struct ns_node *kid_for(const struct namespaces *n, const struct ns_node *node, unsigned char c)
{
    size_t lo = node->kids, hi = lo + node->n_kids;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        unsigned char at = (unsigned char)n->nodes[mid].label[0];

        if (at == c) return &n->nodes[mid];
        if (at < c) lo = mid + 1;
        else hi = mid;
    }
    return NULL;
}

/* Does the pattern, whose prefix the key begins with, match it? Nearly all are a prefix and one star. */
static bool matches(const struct namespace *ns, struct str key)
{
    if (ns->prefix_n + 1 == ns->pattern_n && ns->pattern[ns->prefix_n] == '*') return true;
    return glob_match(str_of(ns->pattern, ns->pattern_n), key, false);
}

/* Labels are a few bytes: a call takes longer than the loop. */
static bool begins_with(const char *p, const struct ns_node *node)
{
    for (size_t i = 0; i < node->label_n; i++)
        if (p[i] != node->label[i]) return false;
    return true;
}

struct namespace *ns_match(struct namespaces *n, struct str key)
{
    const struct ns_node *node, *deepest = NULL;
    size_t at = 0;

    if (n->n == 0) return NULL;
    if (UNLIKELY(n->nodes == NULL)) build_all(n);
    for (node = &n->nodes[0]; node; node = kid_for(n, node, (unsigned char)key.p[at])) {
        if (key.n - at < node->label_n || !begins_with(key.p + at, node)) break;
        at += node->label_n;
        deepest = node;
        if (node->n_kids == 0 || at == key.n) break;
    }
    for (node = deepest; node; node = node->above == NS_NO_NODE ? NULL : &n->nodes[node->above]) {
        for (size_t i = node->rule; i < node->rule + (size_t)node->n_rules; i++)
            if (matches(n->by_prefix[i], key)) return n->by_prefix[i];
    }
    return NULL;
}
