/* cut_suggest.c -- a large dictionary of suggestions in pieces: its leaves are held, and who changes one makes his own. */
#include "storage/cut_impl.h"

#include "base/mem.h"
#include "storage/suggest.h"

static bool is_large(const struct store_cut *c, const struct entry *e)
{
    const struct suggestions *d = entry_ptr(e);

    return d->count > c->large_elements || d->bytes > c->large_bytes;
}

static void begin(struct cut_value *v)
{
    const struct suggestions *d = v->object;

    v->suggest.n = d->n;
    v->suggest.at = 0;
    v->suggest.leaf = mem_dup(d->leaf, d->n * sizeof *d->leaf);
    for (size_t i = 0; i < d->n; i++) suggest_leaf_hold(d->leaf[i]);
}

static bool step(struct cut_value *v)
{
    struct suggest_leaf *l = v->suggest.leaf[v->suggest.at++];

    for (uint32_t k = 0; k < l->n; k++) cut_tell(v, &(struct cut_piece){ .kind = CUT_SUGGESTION, .suggestion = l->item[k] });
    suggest_leaf_drop(l);
    return v->suggest.at < v->suggest.n;
}

static void end(struct cut_value *v)
{
    while (v->suggest.at < v->suggest.n) suggest_leaf_drop(v->suggest.leaf[v->suggest.at++]);
    mem_free(v->suggest.leaf);
}

const struct cut_kind cut_suggest = { is_large, begin, step, end };
