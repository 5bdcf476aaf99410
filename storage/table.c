/* table.c -- look-up and change of single entries; table.h tells the idea, table_impl.h the layout.
 *
 * A look-up reads three cache lines that are likely to be cold: the directory's word, the home
 * line and the entry. The segment's header is not among them: all segments of a table have the
 * same number of lines, which the table knows. One home in ten or so has spilled and costs a
 * stash line. */
#include "storage/table_impl.h"

#include "base/mem.h"

void table_init(struct table *t, const struct hash_key *key)
{
    *t = (struct table){ .key = key };
}

void table_fini(struct table *t, void (*free_entry)(void *ctx, struct entry *e), void *ctx)
{
    struct table_iter it = { 0 };
    struct entry *e;

    if (free_entry) {
        while ((e = table_next(t, &it))) free_entry(ctx, e);
    }
    table_drop(t);
}

/* --- look-up --------------------------------------------------------------------------------- */

static inline bool has_key(const struct entry *e, struct str key)
{
    struct str k;

    if (e->klen != (key.n < ENTRY_LONG_KEY ? key.n : ENTRY_LONG_KEY)) return false;
    k = entry_key(e);
    return str_eq(k, key);
}

/* The slot of l that holds key, LINE_SLOTS for none. */
static inline unsigned line_find(const struct line *l, uint64_t hash, struct str key)
{
    for (unsigned m = line_match(l, (uint8_t)hash); m; m &= m - 1) {
        unsigned i = lowest(m);
        if ((l->slot[i] ^ hash) <= SLOT_ADDRESS && has_key(slot_entry(l->slot[i]), key)) return i;
    }
    return LINE_SLOTS;
}

static bool ref_to(struct table_ref *r, struct segment *seg, unsigned line, unsigned slot)
{
    r->e = slot_entry(seg->line[line].slot[slot]);
    r->seg = seg;
    r->bucket = (uint16_t)line;
    r->slot = (uint8_t)slot;
    return true;
}

static __attribute__((noinline)) bool find_in_stash(const struct table *t, struct segment *seg, uint64_t hash,
                                                    struct str key, struct table_ref *r)
{
    unsigned first = stash_of(t, hash);

    for (unsigned k = 0; k < t->n_stash; k++) {
        unsigned at = stash_line(t, first, k), i = line_find(&seg->line[at], hash, key);

        if (i < LINE_SLOTS) return ref_to(r, seg, at, i);
        if (!(seg->line[at].present & SPILLED)) break;
    }
    return false;
}

bool table_look(const struct table *t, uint64_t hash, struct str key, struct table_ref *r)
{
    struct segment *seg;
    unsigned home, i;

    r->hash = hash;
    r->e = NULL;
    r->seg = NULL;
    if (UNLIKELY(t->dir == NULL)) return false;
    seg = segment_at(t, hash);
    home = home_of(t, hash);
    i = line_find(&seg->line[home], hash, key);
    if (LIKELY(i < LINE_SLOTS)) return ref_to(r, seg, home, i);
    if (UNLIKELY(seg->line[home].present & SPILLED)) return find_in_stash(t, seg, hash, key, r);
    return false;
}

void table_candidates(const struct table *t, uint64_t hash, bool (*fn)(void *ctx, struct entry *e),
                      void *ctx)
{
    /* Beyond 16 bits the directory uses bits that the caller may not have: try all they can be. */
    unsigned more = t->depth > STORED_BITS ? t->depth - STORED_BITS : 0;
    size_t at = dir_bits(hash, t->depth) >> more << more, end = at + ((size_t)1 << more);

    if (!t->dir) return;
    while (at < end) {
        struct segment *seg = t->dir[at];
        const struct line *l = &seg->line[home_of(t, hash)];

        for (unsigned k = 0;; k++) {
            for (unsigned m = line_candidates(l, hash); m; m &= m - 1) {
                if (!fn(ctx, slot_entry(l->slot[lowest(m)]))) return;
            }
            if (!(l->present & SPILLED) || k == t->n_stash) break;
            l = &seg->line[stash_line(t, stash_of(t, hash), k)];
        }
        at += (size_t)1 << (t->depth - seg->depth);
    }
}

/* --- prefetching ----------------------------------------------------------------------------- */

/* A function that does nothing but prefetch counts as one without effect: where gcc sees its body (LTO,
 * -O3) it deletes the calls. An empty asm is an effect. */
#define KEEP_CALL __asm__ volatile("")

void table_prefetch_bucket(const struct table *t, uint64_t hash)
{
    if (UNLIKELY(t->dir == NULL)) return;
    __builtin_prefetch(&segment_at(t, hash)->line[home_of(t, hash)]);
    KEEP_CALL;
}

/* No branch depends on the line: of several matches the first is fetched, of none whatever the last
 * slot holds, which is harmless; a prefetch of any address is. */
void table_prefetch_entry(const struct table *t, uint64_t hash)
{
    const struct segment *seg;
    const struct line *l;
    uintptr_t p; /* an address, as NULL has no 64th byte */
    unsigned m;

    if (UNLIKELY(t->dir == NULL)) return;
    seg = segment_at(t, hash);
    l = &seg->line[home_of(t, hash)];
    m = line_match(l, (uint8_t)hash);
    p = (uintptr_t)slot_entry(l->slot[lowest(m | 1u << (LINE_SLOTS - 1))]);
    if (m == 0 && l->present & SPILLED)
        p = (uintptr_t)&seg->line[stash_line(t, stash_of(t, hash), 0)];
    __builtin_prefetch((const void *)p);
    __builtin_prefetch((const void *)(p + 64));
    KEEP_CALL;
}

/* --- change ---------------------------------------------------------------------------------- */

void table_insert(struct table *t, uint64_t hash, struct entry *e)
{
    ensure(((uintptr_t)e & ~SLOT_ADDRESS) == 0); /* or there is no room for the hash beside it */
    if (UNLIKELY(t->dir == NULL)) table_start(t);
    while (UNLIKELY(!table_place(t, segment_at(t, hash), hash, e))) table_make_room(t, hash);
    t->count++;
}

void table_ref_set(struct table *t, struct table_ref *r, struct entry *e)
{
    ensure(((uintptr_t)e & ~SLOT_ADDRESS) == 0);
    if (UNLIKELY(t->cut != NULL)) table_cut_line(t, r->seg, r->bucket);
    r->seg->line[r->bucket].slot[r->slot] = slot_make(r->hash, e);
    r->e = e;
}

struct entry *table_remove(struct table *t, struct table_ref *r)
{
    struct entry *e = r->e;
    struct segment *seg = r->seg;

    before_line_change(t, seg, r->bucket);
    seg->line[r->bucket].present &= (uint8_t) ~(1u << r->slot);
    seg->count--;
    r->e = NULL;
    if (--t->count == 0)
        table_drop(t);
    else if (LIKELY(t->cut == NULL))
        table_tidy(t, seg, r->hash, r->bucket);
    return e;
}
