/* table_impl.h -- what a segment looks like inside; for table*.c alone.
 *
 *   segment:  header | home 0 .. n_home-1 | stash 0 .. n_stash-1      one cache line each
 *   line:     present, tag[7], slot[7]
 *
 * "Line i" counts homes and stash together, without the header. An entry lies in its home line,
 * or, when that was full, in the stash: in the line that its hash chooses, or in the next ones,
 * as far as the SPILLED bit of the line before says that somebody was sent on. SPILLED may be
 * set without need after removals (a look-up then reads a line in vain) and is made true again
 * by every split, and after some removals (table_grow.c). */
#ifndef MEMD_STORAGE_TABLE_IMPL_H
#define MEMD_STORAGE_TABLE_IMPL_H

#include "base/ensure.h"
#include "storage/table.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    LINE_SLOTS = 7,
    LINE_FULL = 127, /* all slots of a line present */
    SPILLED = 128, /* home: an entry of it lies in the stash; stash: one was sent on to the next */
    HOMES_MIN = 1,
    HOMES_MAX =
        120, /* a multiple of every smaller number of homes, so that ranges of hashes nest */
    LINES_MAX = 127,
    STORED_BITS = 16, /* of the hash, in a slot */
    DEPTH_MAX = 28,   /* STORED_BITS and the 12 bits 23..12 */
};

#define SLOT_ADDRESS (((uint64_t)1 << 48) - 1)

struct line {
    uint8_t present;
    uint8_t tag[LINE_SLOTS];
    uint64_t slot[LINE_SLOTS];
};

struct segment {
    uint32_t epoch;     /* the cut that `dumped` speaks of; of another: as if none were dumped */
    uint16_t count;     /* entries */
    uint16_t stale;     /* removals since the last restash that may have left SPILLED in vain */
    uint8_t depth;      /* bits of the hash that all its entries share */
    uint64_t dumped[2]; /* a bit for each line */
    _Alignas(64) struct line line[];
};

_Static_assert(sizeof(struct line) == 64, "a line is a cache line");
_Static_assert(sizeof(struct segment) == 64, "the header is a cache line");
_Static_assert(DEPTH_MAX <= STORED_BITS + 12, "the directory takes no bits of shard and tag");

/* --- where a hash belongs -------------------------------------------------------------------- */

/* The first `bits` bits that the directory uses of a hash: the stored ones, then 23..12. */
static inline size_t dir_bits(uint64_t hash, unsigned bits)
{
    if (LIKELY(bits <= STORED_BITS)) return (size_t)(hash >> 1 >> (63 - bits));
    return (size_t)(hash >> 48 << (bits - STORED_BITS) |
                    (hash & 0xffffff) >> (24 - (bits - STORED_BITS)));
}

static inline struct segment *segment_at(const struct table *t, uint64_t hash)
{
    return t->dir[dir_bits(hash, t->depth)];
}

static inline unsigned home_of(const struct table *t, uint64_t hash)
{
    return ((unsigned)(hash >> 32) & 0xffff) * t->n_home >> 16;
}

/* Which stash line to try first: by bits that homes hardly depend on. */
static inline unsigned stash_of(const struct table *t, uint64_t hash)
{
    return ((unsigned)(hash >> 32) & 0xff) * t->n_stash >> 8;
}

static inline unsigned n_lines(const struct table *t)
{
    return (unsigned)t->n_home + t->n_stash;
}

/* The k-th stash line to try for a hash whose first one is `first`. */
static inline unsigned stash_line(const struct table *t, unsigned first, unsigned k)
{
    unsigned s = first + k;
    return t->n_home + (s < t->n_stash ? s : s - t->n_stash);
}

/* --- slots ----------------------------------------------------------------------------------- */

static inline struct entry *slot_entry(uint64_t slot)
{
    return (struct entry *)(uintptr_t)(slot & SLOT_ADDRESS);
}

static inline uint64_t slot_make(uint64_t hash, const struct entry *e)
{
    return (hash & ~SLOT_ADDRESS) | (uint64_t)(uintptr_t)e;
}

/* Slots of l that hold an entry. */
static inline unsigned line_used(const struct line *l)
{
    return l->present & LINE_FULL;
}

static inline bool line_full(const struct line *l)
{
    return line_used(l) == LINE_FULL;
}

static inline unsigned lowest(unsigned mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* Slots of l with this tag, as a mask. */
static inline unsigned line_match(const struct line *l, uint8_t tag)
{
#ifdef __SSE2__
    __m128i head = _mm_loadl_epi64((const __m128i *)(const void *)l);
    __m128i same = _mm_cmpeq_epi8(head, _mm_set1_epi8((char)tag));
    return (unsigned)_mm_movemask_epi8(same) >> 1 & line_used(l);
#else
    unsigned mask = 0;
    for (unsigned i = 0; i < LINE_SLOTS; i++) mask |= (unsigned)(l->tag[i] == tag) << i;
    return mask & line_used(l);
#endif
}

/* The same, and the stored bits are those of hash. */
static inline unsigned line_candidates(const struct line *l, uint64_t hash)
{
    unsigned found = 0;

    for (unsigned m = line_match(l, (uint8_t)hash); m; m &= m - 1) {
        unsigned i = lowest(m);
        if ((l->slot[i] ^ hash) <= SLOT_ADDRESS) found |= 1u << i;
    }
    return found;
}

static inline void line_put(struct line *l, uint8_t tag, uint64_t slot)
{
    unsigned i = lowest(~line_used(l));

    l->tag[i] = tag;
    l->slot[i] = slot;
    l->present |= (uint8_t)(1u << i);
}

static inline void line_prefetch_entries(const struct line *l)
{
    for (unsigned m = line_used(l); m; m &= m - 1)
        __builtin_prefetch(slot_entry(l->slot[lowest(m)]));
}

/* --- table_cut.c ----------------------------------------------------------------------------- */

/* The entries of line i are about to change, leave or be joined: dump them if the cut still has
 * to. */
void table_cut_line(struct table *t, struct segment *seg, unsigned i);
/* The same for all lines: the segment is about to be laid out anew. */
void table_cut_segment(struct table *t, struct segment *seg);

static inline void before_line_change(struct table *t, struct segment *seg, unsigned i)
{
    if (UNLIKELY(t->cut != NULL)) table_cut_line(t, seg, i);
}

/* --- table_grow.c ---------------------------------------------------------------------------- */

/* Put an entry into its home or the stash of seg. False: both are full, nothing changed. */
bool table_place(struct table *t, struct segment *seg, uint64_t hash, struct entry *e);

/* The first segment of an empty table. */
void table_start(struct table *t);
/* Free segments and directory; entries are not looked at. */
void table_drop(struct table *t);

/* Make room where hash belongs: a bigger segment, or two. */
void table_make_room(struct table *t, uint64_t hash);

/* An entry of line i of seg, with this hash, has gone: merge, shrink, clear SPILLED where due. */
void table_tidy(struct table *t, struct segment *seg, uint64_t hash, unsigned i);

#endif
