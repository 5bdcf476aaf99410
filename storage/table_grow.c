/* table_grow.c -- how a table changes its size: split, double, merge, shrink.
 *
 * What the rest relies on:
 * - An entry in a home line stays in the home line of its hash: a split and a merge keep line
 *   numbers, and more homes of a small table divide each home's range of hashes. What would have
 *   to move from a home to the stash stays undone (merge, shrink). So SCAN misses nothing.
 * - The other way, from stash to home, is what splits and restashes do to keep misses cheap.
 * - During a cut no entry changes its line: merges, shrinks and restashes wait; a split copies the
 *   bitmap; a small table that has to double is dumped first.
 * A split reads no entry but those of the stash (at most 49), whose homes only their keys tell. */
#include "storage/table_impl.h"

#include "base/mem.h"

enum {
    STASH_MAX = 19 * LINE_SLOTS, /* entries that a stash can hold, of all sizes */
    MERGE_MAX =
        30 * LINE_SLOTS, /* entries of two buddies that are merged: a quarter of their homes */
    STALE_MAX = 128,
    CHECK_EVERY = 8, /* removals between looks at the buddy; small tables shrink at 4 and 1 as well */
};

/* Small tables fill jemalloc's classes of 128, 384, 1280, 2560 and 5120 bytes with stash lines. */
static const struct {
    uint8_t n_home, n_stash;
} sizes[] = { { HOMES_MIN, 0 }, { 3, 2 }, { 15, 4 }, { 30, 9 }, { 60, 19 }, { HOMES_MAX, 7 } };

static unsigned size_of(unsigned n_home)
{
    unsigned i = 0;

    while (sizes[i].n_home != n_home) i++;
    return i;
}

/* --- segments and directory ------------------------------------------------------------------ */

static size_t segment_bytes(const struct table *t)
{
    return sizeof(struct segment) + n_lines(t) * sizeof(struct line);
}

/* Uninitialised. */
static struct segment *segment_new(struct table *t)
{
    t->bytes += segment_bytes(t);
    return mem_alloc_aligned(64, segment_bytes(t));
}

static void segment_free(struct table *t, struct segment *seg)
{
    t->bytes -= segment_bytes(t);
    mem_free(seg);
}

static void set_homes(struct table *t, unsigned n_home)
{
    t->n_home = (uint8_t)n_home;
    t->n_stash = sizes[size_of(n_home)].n_stash;
}

void table_start(struct table *t)
{
    set_homes(t, HOMES_MIN);
    t->depth = 0;
    t->n_deep = 1;
    t->dir = mem_alloc(sizeof *t->dir);
    t->bytes = sizeof *t->dir;
    t->dir[0] = segment_new(t);
    memset(t->dir[0], 0, segment_bytes(t));
}

void table_drop(struct table *t)
{
    if (!t->dir) return;
    for (size_t i = 0, n = (size_t)1 << t->depth; i < n;) {
        struct segment *seg = t->dir[i];

        i += (size_t)1 << (t->depth - seg->depth);
        mem_free(seg);
    }
    mem_free(t->dir);
    t->dir = NULL;
    t->depth = 0;
    t->count = t->bytes = 0;
}

static void resize_dir(struct table *t, unsigned depth)
{
    t->bytes -= sizeof *t->dir << t->depth;
    t->bytes += sizeof *t->dir << depth;
    t->dir = mem_realloc(t->dir, sizeof *t->dir << depth);
    t->depth = (uint8_t)depth;
}

static void double_dir(struct table *t)
{
    size_t n = (size_t)1 << t->depth;

    resize_dir(t, t->depth + 1u);
    while (n-- > 0) t->dir[2 * n] = t->dir[2 * n + 1] = t->dir[n];
    t->n_deep = 0;
}

/* A segment that one pointer alone leads to differs from its neighbour's. */
static void halve_dir(struct table *t)
{
    size_t n = (size_t)1 << (t->depth - 1);

    for (size_t i = 0; i < n; i++) t->dir[i] = t->dir[2 * i];
    resize_dir(t, t->depth - 1u);
    t->n_deep = n == 1;
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (t->dir[i] != t->dir[i + 1]) t->n_deep += 2;
    }
}

/* --- placing --------------------------------------------------------------------------------- */

/* The stash line for hash; LINES_MAX when all are full. Marks those passed over as spilled. */
static unsigned find_stash_room(const struct table *t, struct segment *seg, uint64_t hash)
{
    unsigned first = stash_of(t, hash);

    for (unsigned k = 0; k < t->n_stash; k++) {
        unsigned at = stash_line(t, first, k);

        if (!line_full(&seg->line[at])) return at;
        seg->line[at].present |= SPILLED;
    }
    return LINES_MAX;
}

bool table_place(struct table *t, struct segment *seg, uint64_t hash, struct entry *e)
{
    unsigned at = home_of(t, hash);

    if (UNLIKELY(line_full(&seg->line[at]))) {
        unsigned home = at;

        at = find_stash_room(t, seg, hash);
        if (at == LINES_MAX) return false;
        seg->line[home].present |= SPILLED;
    }
    before_line_change(t, seg, at);
    line_put(&seg->line[at], (uint8_t)hash, slot_make(hash, e));
    seg->count++;
    return true;
}

/* Entries taken out of a stash, for which a new place is sought. */
struct loose {
    unsigned n;
    struct entry *e[STASH_MAX];
};

static void take_stash(const struct table *t, struct segment *seg, struct loose *loose)
{
    for (unsigned i = t->n_home; i < n_lines(t); i++) {
        struct line *l = &seg->line[i];

        for (unsigned m = line_used(l); m; m &= m - 1) {
            struct entry *e = slot_entry(l->slot[lowest(m)]);
            __builtin_prefetch(e);
            loose->e[loose->n++] = e;
            seg->count--;
        }
        l->present = 0;
    }
}

static void place_loose(struct table *t, const struct loose *loose)
{
    for (unsigned i = 0; i < loose->n; i++) {
        struct entry *e = loose->e[i];
        uint64_t hash = table_hash(t, entry_key(e));

        while (!table_place(t, segment_at(t, hash), hash, e)) table_make_room(t, hash);
    }
}

/* Bring home from the stash who finds room there, and make SPILLED true. */
static void restash(struct table *t, struct segment *seg)
{
    struct loose loose;

    loose.n = 0;
    take_stash(t, seg, &loose);
    for (unsigned i = 0; i < t->n_home; i++) seg->line[i].present &= LINE_FULL;
    seg->stale = 0;
    place_loose(t, &loose);
}

/* --- more room ------------------------------------------------------------------------------- */

/* Slots of l whose entries share one bit more with the upper half: that of the hash after
 * `depth`. */
static unsigned upper_half(const struct table *t, const struct line *l, unsigned depth)
{
    unsigned upper = 0;

    if (LIKELY(depth < STORED_BITS)) {
        for (unsigned i = 0; i < LINE_SLOTS; i++)
            upper |= (unsigned)(l->slot[i] >> (63 - depth) & 1) << i;
        return upper & line_used(l);
    }
    for (unsigned m = line_used(l); m; m &= m - 1) {
        unsigned i = lowest(m);
        uint64_t hash = table_hash(t, entry_key(slot_entry(l->slot[i])));
        upper |= (unsigned)(dir_bits(hash, depth + 1) & 1) << i;
    }
    return upper;
}

/* Divide the lines of low between low and high, a new segment. */
static void divide(const struct table *t, struct segment *low, struct segment *high)
{
    unsigned n = n_lines(t), moved = 0;

    memcpy(high, low, sizeof *high);
    for (unsigned i = 0; i < n; i++) {
        struct line *l = &low->line[i], *h = &high->line[i];
        unsigned upper = upper_half(t, l, low->depth);

        *h = *l;
        h->present = (uint8_t)(upper | (l->present & SPILLED));
        l->present &= (uint8_t)~upper;
        moved += (unsigned)__builtin_popcount(upper);
    }
    high->count = (uint16_t)moved;
    low->count = (uint16_t)(low->count - moved);
    high->depth = ++low->depth;
}

static void split(struct table *t, uint64_t hash)
{
    struct segment *low = segment_at(t, hash), *high;
    struct loose loose;
    size_t half, at;

    loose.n = 0;
    ensure(low->depth < DEPTH_MAX); /* needs 700 keys that share 28 bits of a keyed hash */
    if (low->depth == t->depth) double_dir(t);
    high = segment_new(t);
    if (!t->cut) {
        take_stash(t, low, &loose);
        for (unsigned i = 0; i < t->n_home; i++) low->line[i].present &= LINE_FULL;
        low->stale = 0;
    }
    divide(t, low, high);

    half = (size_t)1 << (t->depth - low->depth);
    at = (dir_bits(hash, t->depth) | half) & ~(half - 1);
    for (size_t i = 0; i < half; i++) t->dir[at + i] = high;
    if (low->depth == t->depth) t->n_deep += 2;
    place_loose(t, &loose);
}

/* Lay out the one segment of a small table with another number of homes: the next larger or smaller. */
static void resize_small(struct table *t, unsigned n_home)
{
    struct segment *old = t->dir[0], *new;
    unsigned old_homes = t->n_home;
    struct loose loose;

    loose.n = 0;
    if (t->cut) table_cut_segment(t, old);
    take_stash(t, old, &loose);
    t->bytes -= segment_bytes(t);
    set_homes(t, n_home);
    new = segment_new(t);
    memset(new, 0, segment_bytes(t));
    new->epoch = old->epoch;
    memset(new->dumped, 0xff, sizeof new->dumped);
    for (unsigned i = 0; i < old_homes; i++) {
        const struct line *l = &old->line[i];

        if (i + 1 < old_homes) line_prefetch_entries(l + 1);
        for (unsigned m = line_used(l); m; m &= m - 1) {
            struct entry *e = slot_entry(l->slot[lowest(m)]);
            ensure(table_place(t, new, table_hash(t, entry_key(e)), e));
        }
    }
    t->dir[0] = new;
    mem_free(old);
    place_loose(t, &loose);
}

void table_make_room(struct table *t, uint64_t hash)
{
    if (t->n_home < HOMES_MAX)
        resize_small(t, sizes[size_of(t->n_home) + 1].n_home);
    else
        split(t, hash);
}

/* --- less room ------------------------------------------------------------------------------- */

static unsigned used_slots(const struct line *l)
{
    return (unsigned)__builtin_popcount(line_used(l));
}

/* Can the home lines of a and b be laid over each other, and do their stashes fit into one? */
static bool fit_together(const struct table *t, const struct segment *a, const struct segment *b)
{
    unsigned stashed = 0;

    for (unsigned i = 0; i < t->n_home; i++) {
        if (used_slots(&a->line[i]) + used_slots(&b->line[i]) > LINE_SLOTS) return false;
    }
    for (unsigned i = t->n_home; i < n_lines(t); i++) {
        stashed += used_slots(&a->line[i]) + used_slots(&b->line[i]);
    }
    return stashed <= (unsigned)t->n_stash * LINE_SLOTS;
}

/* Merge seg, in which hash lies, with its buddy. NULL: not now; else the merged segment. */
static struct segment *merge(struct table *t, struct segment *seg, uint64_t hash)
{
    size_t span = (size_t)1 << (t->depth - seg->depth);
    size_t at = dir_bits(hash, t->depth) & ~(2 * span - 1);
    struct segment *low = t->dir[at], *high = t->dir[at + span];
    struct loose loose;

    loose.n = 0;
    if (low->depth != high->depth || low->count + high->count > MERGE_MAX) return NULL;
    if (!fit_together(t, low, high)) return NULL;

    take_stash(t, low, &loose);
    take_stash(t, high, &loose);
    for (unsigned i = 0; i < t->n_home; i++) {
        struct line *l = &low->line[i], *h = &high->line[i];

        l->present &= LINE_FULL;
        for (unsigned m = line_used(h); m; m &= m - 1)
            line_put(l, h->tag[lowest(m)], h->slot[lowest(m)]);
    }
    low->count = (uint16_t)(low->count + high->count);
    low->stale = 0;
    for (size_t i = 0; i < span; i++) t->dir[at + span + i] = low;
    if (low->depth == t->depth) t->n_deep -= 2;
    low->depth--;
    segment_free(t, high);
    place_loose(t, &loose);
    while (t->n_deep == 0) halve_dir(t);
    return low;
}

/* Can the home lines of the one segment be laid over each other in groups of n? */
static bool fit_in_groups(const struct table *t, unsigned n)
{
    const struct segment *seg = t->dir[0];

    for (unsigned i = 0, used = 0; i < t->n_home; i++) {
        used = i % n == 0 ? 0 : used;
        used += used_slots(&seg->line[i]);
        if (used > LINE_SLOTS) return false;
    }
    return true;
}

static void shrink_small(struct table *t)
{
    unsigned fewer;

    if (t->n_home == HOMES_MIN) return;
    fewer = sizes[size_of(t->n_home) - 1].n_home;
    if (t->dir[0]->count * 4u > fewer * LINE_SLOTS || !fit_in_groups(t, t->n_home / fewer)) return;
    resize_small(t, fewer);
}

void table_tidy(struct table *t, struct segment *seg, uint64_t hash, unsigned i)
{
    bool spilled = i >= t->n_home || seg->line[i].present & SPILLED;

    if (spilled && ++seg->stale >= STALE_MAX) restash(t, seg);
    if (seg->count > MERGE_MAX || (seg->count % CHECK_EVERY != 0 && seg->count != 4 && seg->count != 1)) return;
    if (t->depth == 0) {
        shrink_small(t);
        return;
    }
    while (seg && seg->depth > 0) seg = merge(t, seg, hash);
}
