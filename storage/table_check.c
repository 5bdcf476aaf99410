/* table_check.c -- the invariants of a table, run. */
#include "storage/table_impl.h"

static void check_slot(const struct table *t, const struct segment *seg, size_t at, unsigned i,
                       unsigned j)
{
    const struct line *l = &seg->line[i];
    uint64_t hash = table_hash(t, entry_key(slot_entry(l->slot[j])));
    unsigned home = home_of(t, hash);

    ensure(l->tag[j] == (uint8_t)hash);
    ensure((l->slot[j] ^ hash) <= SLOT_ADDRESS);
    ensure(dir_bits(hash, seg->depth) == at >> (t->depth - seg->depth));
    if (i == home) return;

    /* In the stash: every line that a look-up reads before this one sends it on. */
    ensure(i >= t->n_home);
    for (unsigned k = 0, before = home; before != i; k++) {
        ensure(k < t->n_stash && seg->line[before].present & SPILLED);
        before = stash_line(t, stash_of(t, hash), k);
    }
}

static size_t check_segment(const struct table *t, const struct segment *seg, size_t at)
{
    size_t count = 0;

    for (unsigned i = 0; i < n_lines(t); i++) {
        for (unsigned m = line_used(&seg->line[i]); m; m &= m - 1, count++)
            check_slot(t, seg, at, i, lowest(m));
    }
    ensure(count == seg->count);
    return count;
}

void table_check(const struct table *t)
{
    size_t count = 0, n_deep = 0, n = t->dir ? (size_t)1 << t->depth : 0;
    size_t line_bytes = sizeof(struct line) * (1 + n_lines(t)), bytes = n * sizeof *t->dir;

    ensure((t->count > 0) == (t->dir != NULL));
    ensure(n < 2 || t->n_home == HOMES_MAX);
    for (size_t at = 0; at < n;) {
        const struct segment *seg = t->dir[at];
        size_t span = (size_t)1 << (t->depth - seg->depth);

        ensure(seg->depth <= t->depth && at % span == 0);
        for (size_t i = 0; i < span; i++) ensure(t->dir[at + i] == seg);
        count += check_segment(t, seg, at);
        n_deep += span == 1;
        bytes += line_bytes;
        at += span;
    }
    ensure(count == t->count && bytes == t->bytes);
    ensure(n == 0 || n_deep == t->n_deep);
}
