/* chain.h -- the log's bytes in memory, from the oldest that may still be needed to the newest.
 *
 *   offset   kept            written          appended
 *              |                |                |
 *   chunks  [ ..#######][###########][########   ]
 *
 * The log is one stream; its offset counts from the start of its history. Chunks are equal in size, so
 * that an offset finds its chunk by counting. Bytes are appended by the reactor alone. The log's thread
 * reads bytes that were appended before it took the log's lock; the reactor drops chunks and links new
 * ones under that lock (write_log.c). */
#ifndef MEMD_PERSISTENCE_CHAIN_H
#define MEMD_PERSISTENCE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { CHAIN_CHUNK = 128 * 1024, CHAIN_SPARE_MAX = 2 };

struct chunk {
    struct chunk *next;
    uint64_t start; /* offset of p[0] */
    char p[CHAIN_CHUNK];
};

struct chain {
    struct chunk *first, *last; /* NULL: no bytes are held */
    struct chunk *resumed;      /* where chain_resume looks first, or NULL */
    struct chunk *spare;
    unsigned n_spare;
    size_t n_chunks;
    uint64_t end; /* offset behind the newest byte */
};

/* An empty chain whose next byte has this offset. */
void chain_init(struct chain *c, uint64_t offset);
void chain_fini(struct chain *c);

/* Room for at least one byte at the end: where it is and how much (at most `want`); a new chunk is linked
 * when the last is full. chain_used says what was written there. */
char *chain_room(struct chain *c, size_t want, size_t *n);
static inline void chain_used(struct chain *c, size_t n)
{
    c->end += n;
}

/* True when room for n more bytes is in the last chunk: nothing will be linked. */
static inline bool chain_fits(const struct chain *c, size_t n)
{
    return c->last && c->last->start + CHAIN_CHUNK - c->end >= n;
}

void chain_add(struct chain *c, const void *p, size_t n);

/* Take the bytes from offset `at` on back; they are appended to *out. Only for bytes that no other thread
 * knows of yet. */
struct buf;
void chain_rewind(struct chain *c, uint64_t at, struct buf *out);

/* Let go of what lies wholly before `kept`. */
void chain_drop(struct chain *c, uint64_t kept);

/* A place in the chain for reading. */
struct chain_at {
    const struct chunk *chunk;
    uint64_t at;
};

/* The place of offset, which is held. */
struct chain_at chain_find(const struct chain *c, uint64_t at);

/* The same, by the reactor alone and for offsets that grow: it goes on from the chunk it found last. Thousands
 * may lie before that when a disk is slow. */
struct chain_at chain_resume(struct chain *c, uint64_t at);

/* The contiguous bytes from a on, at most up to offset `to`; steps a behind them. Empty at `to`. */
struct str chain_next(struct chain_at *a, uint64_t to);

/* Memory. */
size_t chain_bytes(const struct chain *c);

#endif
