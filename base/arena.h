/* arena.h -- memory of one request, freed all at once.
 *
 * A handler takes parsed options, temporary lists and sort buffers from call->arena and never frees
 * them; the dispatcher resets the arena when the call ends. The first block stays, so that an
 * ordinary request allocates nothing. Nothing taken here may outlive the request. */
#ifndef MEMD_BASE_ARENA_H
#define MEMD_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    char *at;  /* next free byte */
    char *end; /* end of the current block */
    struct arena_block *blocks;
};

void arena_init(struct arena *a);
void arena_fini(struct arena *a);

/* Free all that was taken, keep the first block. */
void arena_reset(struct arena *a);

/* n bytes, aligned to 16, uninitialised. */
void *arena_alloc(struct arena *a, size_t n);

/* As arena_alloc, zeroed, for count items of size bytes. Stops the program on overflow. */
void *arena_zalloc(struct arena *a, size_t count, size_t size);

/* A copy of s. */
struct str arena_dup(struct arena *a, struct str s);

/* Formatted text. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
