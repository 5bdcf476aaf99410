/* stream_block.h -- a block of stream entries: one listpack, in the form of Redis.
 *
 *   live | deleted | n | name 1 .. n | 0 | entry ...
 *   entry:  flags | ms | seq | value 1 .. n                     | count     with STREAM_SAME
 *           flags | ms | seq | n | name | value | name ...      | count     without
 *
 * The block's names (those of its first entry) are said once; an entry with the same names has
 * STREAM_SAME and values alone. ms and seq are differences from the ID of the block, the key under which
 * it is kept. `count` tells how many elements the entry has before it, for walking backwards; the 0
 * behind the names ends such a walk. A deleted entry keeps its place with STREAM_DELETED set.
 *
 * (t_stream.c of Redis describes the form; snapshots and DUMP exchange it.) */
#ifndef MEMD_STORAGE_STREAM_BLOCK_H
#define MEMD_STORAGE_STREAM_BLOCK_H

#include "storage/listpack.h"
#include "storage/stream.h"

enum { STREAM_DELETED = 1, STREAM_SAME = 2 };

struct stream_head {
    uint64_t live, deleted;
    size_t n_names;
    const unsigned char *names;
    const unsigned char *entries; /* the first entry, or the end mark */
};
struct stream_head stream_block_head(const unsigned char *lp);

/* Live and deleted entries alone: cheaper. */
void stream_block_counts(const unsigned char *lp, uint64_t *live, uint64_t *deleted);

/* One entry, decoded up to its names and values. */
struct stream_entry {
    struct stream_id id;
    unsigned flags;
    size_t n_fields;
    const unsigned char *fields; /* the first name, or value with STREAM_SAME */
};
struct stream_entry stream_block_entry(const struct stream_head *h, struct stream_id master,
                                       const unsigned char *entry);

/* Behind an entry, whose next name or value is p and which has `left` fields from there on: the next entry
 * or the end mark. */
const unsigned char *stream_block_behind(const unsigned char *p, size_t left, bool same);

/* Elements of names and values that `left` fields take. */
static inline size_t stream_field_elements(size_t left, bool same)
{
    return same ? left : left * 2;
}

/* The entry before this one, or before the end of the block when entry is NULL; NULL: this is the first. */
const unsigned char *stream_block_before(const unsigned char *lp, const unsigned char *entry);

/* ID of the last entry, deleted or not; master when there is none. */
struct stream_id stream_block_last(const unsigned char *lp, struct stream_id master);

/* A new block without an entry, with the names of n pairs. */
unsigned char *stream_block_new(const struct str *pairs, size_t n);

/* Append an entry. Returns true when the places of older entries have changed in the block. */
bool stream_block_append(unsigned char **lp, struct stream_id master, struct stream_id id,
                         const struct str *pairs, size_t n);

/* Upper bound of what an entry of n pairs, `bytes` long in all, adds to a block with its names. */
static inline size_t stream_block_room(size_t bytes, size_t n)
{
    return bytes + (bytes + LISTPACK_OVERHEAD * (2 * n + 8)) + LISTPACK_OVERHEAD * (n + 8);
}

/* Mark an entry; stream_block_count_deleted follows. */
static inline void stream_block_mark(const unsigned char *entry)
{
    *(unsigned char *)(uintptr_t)entry |= STREAM_DELETED;
}

/* n entries more have been marked. */
void stream_block_count_deleted(unsigned char **lp, uint64_t n);

/* Why outside bytes, with this master ID, are no block: entries out of order, counts that do not agree ...;
 * NULL: they are one, and all other functions are safe on it. */
const char *stream_block_fault(struct str bytes, struct stream_id master);

#endif
