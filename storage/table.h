/* table.h -- the core table: a set of entries found by key.
 *
 * Extendible hashing over fixed segments of 8 KiB. A segment is 128 cache lines: one of header, 120
 * home buckets, 7 stash buckets. A bucket is one cache line: a presence byte (7 bits, 1 bit
 * "spilled to the stash"), 7 tag bytes, 7 slots. A slot holds the entry's 48-bit address and, in
 * its top 16 bits, the top 16 bits of the key's hash, so that a split moves entries without reading
 * them and a tag match is verified to 24 bits before an entry is touched.
 *
 *   hash:  63........48  47.........32  31....24  23.........12  11.....8  7......0
 *          directory     home bucket    unused    directory      shard     tag
 *                                                 beyond 16 bits
 *
 * Growth splits one segment at a time (a few us): there is never a second table and no long rehash.
 * A small table has one segment with 1, 3, 15, 30 or 60 home buckets until it needs 120 (a hash that
 * is one long text takes 128 bytes of it); an empty one has no memory. Buddy segments that fell to a quarter together are merged again.
 *
 * A home entry never moves to the stash, so SCAN (stash of a segment first, then buckets in
 * hash order) returns every key that was there throughout, whatever splits or merges happen.
 *
 * The hash given to a function is always table_hash of the key; only prefetching and
 * table_candidates make do with some of its bits. */
#ifndef MEMD_STORAGE_TABLE_H
#define MEMD_STORAGE_TABLE_H

#include <stdint.h>

#include "base/hash.h"
#include "base/rng.h"
#include "storage/entry.h"

struct segment;

/* Embedded by its owner; the fields are table.c's alone, but for load. */
struct table {
    struct segment **dir; /* 1 << depth pointers; NULL: empty */
    uint8_t depth;
    uint8_t n_home, n_stash; /* buckets of each segment */
    uint32_t n_deep;   /* segments that one pointer of dir leads to */
    size_t count;      /* entries */
    size_t bytes;      /* memory of segments and directory */
    const struct hash_key *key;
    struct table_cut *cut; /* snapshot in progress, else NULL */
    size_t load;       /* the owner's: memory of the entries, where it keeps count */
};

/* A found entry: where it lies, so that it can be replaced or removed without a second look-up.
 * Valid until the table next changes. */
struct table_ref {
    struct entry *e; /* NULL: not found */
    uint64_t hash;
    struct segment *seg;
    uint16_t bucket; /* line within the segment */
    uint8_t slot;
};

void table_init(struct table *t, const struct hash_key *key);

/* Free all segments. free_entry (may be NULL) is called for each entry. */
void table_fini(struct table *t, void (*free_entry)(void *ctx, struct entry *e), void *ctx);

static inline uint64_t table_hash(const struct table *t, struct str key)
{
    return hash_bytes(t->key, key);
}

/* Look up: true when found. r is written in place, since a struct that is returned gets copied, and the
 * copy must wait for what was just stored. */
bool table_look(const struct table *t, uint64_t hash, struct str key, struct table_ref *r);

static inline struct table_ref table_find(const struct table *t, uint64_t hash, struct str key)
{
    struct table_ref r;

    table_look(t, hash, key, &r);
    return r;
}

/* Bring the bucket line, and in a second step the entries its tags point at, towards the cache:
 * called for a whole batch of keys before the first is looked up. */
void table_prefetch_bucket(const struct table *t, uint64_t hash);
void table_prefetch_entry(const struct table *t, uint64_t hash);

/* Add an entry whose key is not in the table. */
void table_insert(struct table *t, uint64_t hash, struct entry *e);

/* The entry at r has moved to (or been replaced by) e, which has the same key. */
void table_ref_set(struct table *t, struct table_ref *r, struct entry *e);

/* Take the entry at r out; it is the caller's. May merge segments. */
struct entry *table_remove(struct table *t, struct table_ref *r);

/* Call fn for every entry that may have this hash, as far as the table remembers it: a few at most.
 * Of the hash bits 63..32 and 7..0 are enough. Used to act on a hash without its key (expiry
 * records). fn may not change the table; false stops. */
void table_candidates(const struct table *t, uint64_t hash, bool (*fn)(void *ctx, struct entry *e),
                      void *ctx);

/* Visit one bucket's worth of entries or more from cursor (0 starts; returned 0: the end). Every
 * entry present from the first call to the last is visited at least once. The cursor fits 40 bits;
 * any other number is harmless. fn may not change the table. */
uint64_t table_scan(const struct table *t, uint64_t cursor, void (*fn)(void *ctx, struct entry *e),
                    void *ctx);

/* Walk all entries; the table may not change meanwhile. A zeroed iterator is at the start. */
struct table_iter {
    size_t dir_at;
    uint16_t bucket;
    uint8_t slot;
};
struct entry *table_next(const struct table *t, struct table_iter *it);

/* A random entry, NULL from an empty table: every entry has a chance, uniform but for the fill of
 * buckets. table_random_fair is uniform, at the price of rejection sampling. */
struct entry *table_random(const struct table *t, struct rng *r);
struct entry *table_random_fair(const struct table *t, struct rng *r);

/* Walk buckets with a persistent hand (eviction's clock, defragmentation): visits the entries of
 * the next bucket after *hand and advances it, wrapping at the end. Returns true when it
 * wrapped. */
bool table_hand(const struct table *t, uint64_t *hand, void (*fn)(void *ctx, struct entry *e),
                void *ctx);

/* --- the snapshot cut ---------------------------------------------------------------------------
 * Between table_cut_begin and table_cut_end each entry that was in the table at begin is given to
 * `dump` exactly once: by the walker, or before the first change to its bucket. table_insert,
 * table_ref_set, table_remove and table_touch are changes. A split copies the bitmap. Marks for LRU
 * and reads are no changes. Starting is O(1): each segment compares its epoch with the cut's. */
struct table_cut {
    uint32_t epoch; /* unique per cut, never 0 */
    void (*dump)(void *ctx, struct entry *e);
    void *ctx;
    uint64_t at; /* walker position */
    bool done;
};
void table_cut_begin(struct table *t, struct table_cut *cut);
void table_cut_end(struct table *t);

/* Dump the next not yet dumped bucket. False: all are done. */
bool table_cut_step(struct table *t);

/* The entry at this hash is about to be changed in place (or through the object it points to). */
void table_before_change_slow(struct table *t, uint64_t hash);
static inline void table_before_change(struct table *t, uint64_t hash)
{
    if (__builtin_expect(t->cut != NULL, 0)) table_before_change_slow(t, hash);
}

/* The same of an entry that has been found. */
void table_ref_before_change_slow(struct table *t, const struct table_ref *r);
static inline void table_ref_before_change(struct table *t, const struct table_ref *r)
{
    if (__builtin_expect(t->cut != NULL, 0)) table_ref_before_change_slow(t, r);
}

/* Invariants; ensures. Slow. */
void table_check(const struct table *t);

#endif
