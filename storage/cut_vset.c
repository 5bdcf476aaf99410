/* cut_vset.c -- a large vector set in pieces: the table of its names does the work, as that of a large hash does. An element is
 * told as it was at the beginning, but for its links: those are of the moment in which it is told, and may lead to elements
 * that were not there yet, or from which no link leads back any more. Whoever loads them makes do with those that do. */
#include "storage/cut_impl.h"
#include "storage/vset.h"

static bool is_large(const struct store_cut *c, const struct entry *e)
{
    const struct vset *s = entry_ptr(e);

    return vset_count(s) > c->large_elements || vset_bytes(s) > c->large_bytes;
}

static void tell_element(void *ctx, struct entry *name)
{
    struct cut_value *v = ctx;

    cut_tell(v, &(struct cut_piece){ .kind = CUT_VECTOR, .e = name, .vset = v->object });
}

static void begin(struct cut_value *v)
{
    v->table = (struct table_cut){ .epoch = v->cut->epoch, .dump = tell_element, .ctx = v };
    table_cut_begin(&((struct vset *)v->object)->names, &v->table);
}

static bool step(struct cut_value *v)
{
    return table_cut_step(&((struct vset *)v->object)->names);
}

static void end(struct cut_value *v)
{
    table_cut_end(&((struct vset *)v->object)->names);
}

const struct cut_kind cut_vset = { is_large, begin, step, end };
