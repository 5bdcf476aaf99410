/* zset_cut.c -- a large sorted set as of one moment, told in order while it goes on changing.
 *
 * Each member bears the mark of the cut that has told it, or during which it came, in the header bytes of its
 * entry that it needs for nothing else. So the walker goes down the tree from the highest member and passes over
 * those with its mark; the others are where they were at the beginning, as whoever changes one has it told and
 * marked first. Between two steps it remembers the member at which it stands, not the place. */
#include "storage/zset.h"

/* 32 bits of the epoch: clock holds the low 24, ns the others. */
static bool is_marked(const struct zset_cut *c, const struct entry *e)
{
    uint32_t epoch = e->clock[0] | (uint32_t)e->clock[1] << 8 | (uint32_t)e->clock[2] << 16 | (uint32_t)e->ns << 24;

    return epoch == c->epoch;
}

void zset_cut_mark(const struct zset_cut *c, struct entry *e)
{
    e->clock[0] = (uint8_t)c->epoch;
    e->clock[1] = (uint8_t)(c->epoch >> 8);
    e->clock[2] = (uint8_t)(c->epoch >> 16);
    e->ns = (uint16_t)(c->epoch >> 24);
}

void zset_cut_member(struct zset_cut *c, struct entry *e)
{
    if (is_marked(c, e)) return;
    zset_cut_mark(c, e);
    c->tell(c->ctx, e);
}

void zset_cut_begin(struct zset_large *l, struct zset_cut *c)
{
    ensure(l->cut == NULL && c->epoch != 0);
    l->cut = c;
}

void zset_cut_end(struct zset_large *l)
{
    buf_fini(&l->cut->member);
    l->cut = NULL;
}

bool zset_cut_step(struct zset_large *l)
{
    struct zset_cut *c = l->cut;
    struct zbound at = { .kind = ZBOUND_ITEM, .score = c->score, .name = buf_str(&c->member) };
    size_t n = c->started ? ztree_before(&l->tree, &at) : l->tree.count;
    const struct entry *low;
    struct zrun run;

    if (n == 0) return false;
    ztree_run(&l->tree, n - 1, &run);
    for (size_t i = run.at + 1; i-- > 0;) zset_cut_member(c, run.entry[i]);
    low = run.entry[0];
    c->started = true;
    c->score = run.score[0];
    buf_clear(&c->member);
    buf_add_str(&c->member, entry_key(low));
    return true;
}
