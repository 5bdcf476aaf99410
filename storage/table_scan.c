/* table_scan.c -- going through a table: SCAN, iteration, random choice.
 *
 * A scan cursor is a place in the order of hashes:
 *
 *   39 ............ 12 | 11 ........ 7 | 6 ............ 0
 *   directory bits     | segment depth | next home, as of 120
 *
 * A segment is visited stash first, then home by home. A home entry stays in the home of its
 * hash whatever the table does (table_grow.c), so after a split, or when a small table has
 * doubled, going on at the same home misses nobody; the other halves of the segment come later,
 * as a whole. When the segment is now less deep than the cursor says it has been merged with one
 * that may not have been visited: it starts again. An entry may be seen twice then, as SCAN
 * allows. */
#include "storage/table_impl.h"

enum { HOME_BITS = 7, LEVEL_BITS = 5 };

static void visit(const struct line *l, void (*fn)(void *ctx, struct entry *e), void *ctx)
{
    line_prefetch_entries(l);
    for (unsigned m = line_used(l); m; m &= m - 1) fn(ctx, slot_entry(l->slot[lowest(m)]));
}

uint64_t table_scan(const struct table *t, uint64_t cursor, void (*fn)(void *ctx, struct entry *e),
                    void *ctx)
{
    unsigned home = cursor & ((1u << HOME_BITS) - 1);
    unsigned depth = (unsigned)(cursor >> HOME_BITS) & ((1u << LEVEL_BITS) - 1);
    uint64_t prefix = cursor >> (HOME_BITS + LEVEL_BITS) & (((uint64_t)1 << DEPTH_MAX) - 1), span;
    const struct segment *seg;
    unsigned step, i;

    if (!t->dir) return 0;
    seg = t->dir[prefix >> (DEPTH_MAX - t->depth)];
    span = (uint64_t)1 << (DEPTH_MAX - seg->depth);
    if (seg->depth < depth) home = 0;
    prefix &= ~(span - 1);

    step = HOMES_MAX / t->n_home;
    i = home / step;
    if (home == 0) {
        for (unsigned s = t->n_home; s < n_lines(t); s++) visit(&seg->line[s], fn, ctx);
    }
    if (i < t->n_home) visit(&seg->line[i], fn, ctx);
    home = (i + 1) * step;
    if (home >= HOMES_MAX) {
        home = 0;
        prefix += span;
        if (prefix >> DEPTH_MAX) return 0;
    }
    return prefix << (HOME_BITS + LEVEL_BITS) | (uint64_t)seg->depth << HOME_BITS | home;
}

bool table_hand(const struct table *t, uint64_t *hand, void (*fn)(void *ctx, struct entry *e),
                void *ctx)
{
    *hand = table_scan(t, *hand, fn, ctx);
    return *hand == 0;
}

struct entry *table_next(const struct table *t, struct table_iter *it)
{
    size_t n = t->dir ? (size_t)1 << t->depth : 0;

    while (it->dir_at < n) {
        const struct segment *seg = t->dir[it->dir_at];

        for (; it->bucket < n_lines(t); it->bucket++, it->slot = 0) {
            const struct line *l = &seg->line[it->bucket];
            unsigned left = line_used(l) >> it->slot;

            if (it->slot == 0 && it->bucket + 1u < n_lines(t)) line_prefetch_entries(l + 1);
            if (left == 0) continue;
            it->slot = (uint8_t)(it->slot + lowest(left) + 1);
            return slot_entry(l->slot[it->slot - 1]);
        }
        it->bucket = 0;
        it->dir_at += (size_t)1 << (t->depth - seg->depth);
    }
    return NULL;
}

/* --- random choice --------------------------------------------------------------------------- */

/* Merging keeps tables a quarter full, so a few tries find an entry; but a table that was emptied
 * during a cut has not been merged yet. Who gives up trying takes the next entry that there is. */
enum { QUICK_TRIES = 50, FAIR_TRIES = 1000 };

/* A number in [0, n) from 36 random bits; n is small enough for the bias not to matter. */
static unsigned pick(uint64_t random, unsigned n)
{
    return (unsigned)((random >> 28) * n >> 36);
}

/* A random segment by the low 28 bits. */
static size_t pick_dir(const struct table *t, uint64_t random)
{
    return random & (((size_t)1 << t->depth) - 1);
}

/* A random entry of l, which has one. */
static struct entry *pick_entry(const struct line *l, struct rng *r)
{
    unsigned m = line_used(l), k = 0;

    if (m & (m - 1)) k = pick(rng_next(r), (unsigned)__builtin_popcount(m));
    while (k-- > 0) m &= m - 1;
    return slot_entry(l->slot[lowest(m)]);
}

/* The next line from a random one on that is not empty. */
static struct entry *random_next(const struct table *t, struct rng *r)
{
    uint64_t random = rng_next(r);
    size_t at = pick_dir(t, random);
    unsigned i = pick(random, n_lines(t));

    for (;; i = 0, at = pick_dir(t, at + 1)) {
        const struct segment *seg = t->dir[at];

        for (; seg->count > 0 && i < n_lines(t); i++) {
            if (line_used(&seg->line[i])) return pick_entry(&seg->line[i], r);
        }
    }
}

struct entry *table_random(const struct table *t, struct rng *r)
{
    if (t->count == 0) return NULL;
    for (int i = 0; i < QUICK_TRIES; i++) {
        uint64_t random = rng_next(r);
        const struct line *l = &t->dir[pick_dir(t, random)]->line[pick(random, n_lines(t))];

        if (line_used(l)) return pick_entry(l, r);
    }
    return random_next(t, r);
}

/* Any slot of any segment with equal chance, until one holds an entry. A segment that several
 * pointers lead to counts by its first one only. */
struct entry *table_random_fair(const struct table *t, struct rng *r)
{
    if (t->count == 0) return NULL;
    for (int i = 0; i < FAIR_TRIES; i++) {
        uint64_t random = rng_next(r);
        size_t at = pick_dir(t, random);
        const struct segment *seg = t->dir[at];
        unsigned slot = pick(random, n_lines(t) * LINE_SLOTS);
        const struct line *l = &seg->line[slot / LINE_SLOTS];

        if (at & (((size_t)1 << (t->depth - seg->depth)) - 1)) continue;
        if (l->present >> (slot % LINE_SLOTS) & 1) return slot_entry(l->slot[slot % LINE_SLOTS]);
    }
    return random_next(t, r);
}
