/* table_cut.c -- the table as of one moment, told while it goes on changing.
 *
 * The unit is a line. Its bit in the segment's bitmap says that the entries which it held at the
 * cut have been told: by the walker, which goes through the directory in order, or before the
 * first change of the line. Every entry told is one of the cut, because a change sets the bit
 * first; none is told twice, because entries do not change lines during a cut but by a split,
 * which copies the bits (table_grow.c). The walker's position is the first hash that it has not
 * seen: a segment that is split ahead of it is met as two, one that is split behind it is all
 * ones. */
#include "storage/table_impl.h"

static void adopt(const struct table *t, struct segment *seg)
{
    if (seg->epoch == t->cut->epoch) return;
    seg->epoch = t->cut->epoch;
    seg->dumped[0] = seg->dumped[1] = 0;
}

void table_cut_line(struct table *t, struct segment *seg, unsigned i)
{
    struct table_cut *c = t->cut;
    const struct line *l = &seg->line[i];
    uint64_t bit = (uint64_t)1 << (i & 63);

    adopt(t, seg);
    if (seg->dumped[i >> 6] & bit) return;
    seg->dumped[i >> 6] |= bit;
    for (unsigned m = line_used(l); m; m &= m - 1) c->dump(c->ctx, slot_entry(l->slot[lowest(m)]));
}

void table_cut_segment(struct table *t, struct segment *seg)
{
    for (unsigned i = 0; i < n_lines(t); i++) table_cut_line(t, seg, i);
}

/* Without the key it is not known which of a few lines is meant: those that may hold it are
 * told. */
void table_before_change_slow(struct table *t, uint64_t hash)
{
    struct segment *seg;
    unsigned at = home_of(t, hash);

    if (!t->dir) return;
    seg = segment_at(t, hash);
    for (unsigned k = 0;; k++) {
        if (line_candidates(&seg->line[at], hash)) table_cut_line(t, seg, at);
        if (!(seg->line[at].present & SPILLED) || k == t->n_stash) return;
        at = stash_line(t, stash_of(t, hash), k);
    }
}

void table_ref_before_change_slow(struct table *t, const struct table_ref *r)
{
    table_cut_line(t, r->seg, r->bucket);
}

void table_cut_begin(struct table *t, struct table_cut *cut)
{
    ensure(t->cut == NULL && cut->epoch != 0);
    cut->at = 0;
    cut->done = t->count == 0;
    t->cut = cut;
}

void table_cut_end(struct table *t)
{
    t->cut = NULL;
}

/* The first line that has not been dumped, n_lines when all have. */
static unsigned first_to_dump(const struct table *t, const struct segment *seg)
{
    unsigned n = n_lines(t), at = n;

    if (~seg->dumped[0])
        at = (unsigned)__builtin_ctzll(~seg->dumped[0]);
    else if (~seg->dumped[1])
        at = 64 + (unsigned)__builtin_ctzll(~seg->dumped[1]);
    return at < n ? at : n;
}

/* table_cut.at: the directory bits of the next hash, DEPTH_MAX of them. */
bool table_cut_step(struct table *t)
{
    struct table_cut *c = t->cut;

    while (!c->done && t->dir) {
        struct segment *seg = t->dir[c->at >> (DEPTH_MAX - t->depth)];
        unsigned i;

        adopt(t, seg);
        i = first_to_dump(t, seg);
        if (i < n_lines(t)) {
            bool any = line_used(&seg->line[i]) != 0;

            if (i + 1 < n_lines(t)) line_prefetch_entries(&seg->line[i + 1]);
            table_cut_line(t, seg, i);
            if (any) return true;
        } else {
            c->at += (uint64_t)1 << (DEPTH_MAX - seg->depth);
            c->done = c->at >> DEPTH_MAX != 0;
            if (!c->done) return true; /* a step never goes through more than one segment */
        }
    }
    c->done = true;
    return false;
}
