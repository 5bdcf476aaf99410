/* snapshot_impl.h -- struct snapshot, for snapshot*.c alone. */
#ifndef MEMD_PERSISTENCE_SNAPSHOT_IMPL_H
#define MEMD_PERSISTENCE_SNAPSHOT_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "persistence/persist.h"
#include "persistence/rdb_write.h"
#include "persistence/snapshot.h"

/* Some bytes of the file, on their way from the reactor to the worker. */
struct block {
    struct block *next;
    struct rdb_out out;
};

struct snapshot {
    struct snapshot_conf conf;
    char *tmp_path;

    /* the reactor's */
    struct store_cut *cut;
    struct block *open; /* being filled */
    int db;             /* selected in the file, -1: none */
    bool walked;
    uint64_t keys_done, keys_total, dirty;
    int64_t at_ms;      /* its moment, -1 while loading */
    uint64_t put;       /* bytes serialised */
    size_t aside;       /* of large values whose turn has not come */
    size_t piece_max, walk_max;

    pthread_mutex_t lock;
    pthread_cond_t more; /* for the worker */
    pthread_cond_t less; /* for a reactor that waits */
    struct block *first, **end;
    struct block *spare;
    unsigned n_spare;
    bool complete;       /* no more blocks will come */
    bool cancelled;
    bool finished;       /* the worker has left */
    bool ok;
    char error[PERSIST_WHY];

    _Atomic size_t queued;
    _Atomic uint64_t bytes;
    _Atomic bool failed; /* what is put down from now on is for nothing */
    bool maybe_fields; /* some hash has had a field with a TTL */
};

enum { SNAPSHOT_BLOCK_BYTES = 128 * 1024 };

/* --- snapshot_write.c ------------------------------------------------------------------------------------ */

/* On the worker: the file, from its first block to its name. */
void snapshot_write_file(void *snapshot);

void snapshot_free_blocks(struct block *b);

#endif
