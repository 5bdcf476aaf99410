/* cut_zset.c -- a large sorted set in pieces, from the highest member down: a skip list takes the lowest of all
 * fastest, so stock servers load such a file soonest. Pre-images come when they must. */
#include "storage/cut_impl.h"

static bool is_large(const struct store_cut *c, const struct entry *e)
{
    return entry_enc(e) == ENC_TREE && cut_table_is_large(c, &((struct zset_large *)entry_ptr(e))->table);
}

static void tell_entry(void *ctx, struct entry *e)
{
    cut_tell(ctx, &(struct cut_piece){ .kind = CUT_ENTRY, .e = e });
}

static void begin(struct cut_value *v)
{
    v->zset = (struct zset_cut){ .epoch = v->cut->epoch, .tell = tell_entry, .ctx = v };
    zset_cut_begin(v->object, &v->zset);
}

static bool step(struct cut_value *v)
{
    return zset_cut_step(v->object);
}

static void end(struct cut_value *v)
{
    zset_cut_end(v->object);
}

const struct cut_kind cut_zset = { is_large, begin, step, end };
