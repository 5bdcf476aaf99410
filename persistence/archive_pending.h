/* archive_pending.h -- the notes that wait, by key: what a read is told before the archive's file is asked.
 *
 * Keys have buckets of their notes, newest first. Notes about whole databases are in a list of their own, newest first as
 * well; a look-up goes back through both, following a key through swaps of databases. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_PENDING_H
#define MEMD_PERSISTENCE_ARCHIVE_PENDING_H

#include "persistence/archive.h"
#include "persistence/archive_item.h"

struct archive_pendings {
    struct link *buckets; /* a power of two; NULL before the first note */
    size_t n_buckets, n;
    struct link wide;     /* FLUSHED, SWAPPED, ERASE of a pattern */
    uint64_t (*hash)(const void *ctx, int db, struct str key);
    const void *ctx;
};

/* queue_bytes: about so much may wait. */
void archive_pendings_init(struct archive_pendings *p, size_t queue_bytes,
                           uint64_t (*hash)(const void *ctx, int db, struct str key), const void *ctx);
void archive_pendings_fini(struct archive_pendings *p);

/* Memory of the index: none before the first note, then for good at most 1 MB (by queue_bytes). */
size_t archive_pendings_bytes(const struct archive_pendings *p);

/* Newer than all that are there. Notes that say nothing about what may be recalled are left out. */
void archive_pendings_add(struct archive_pendings *p, struct archive_item *it);

/* it has been committed. */
void archive_pendings_remove(struct archive_pendings *p, struct archive_item *it);

/* The newest word on a key whose hash is as given. */
enum archive_pending archive_pendings_find(const struct archive_pendings *p, int db, struct str key, uint64_t hash,
                                           struct archive_note *n);

#endif
