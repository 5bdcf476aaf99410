/* snapshot.h -- the store at one moment, to a file, while the store goes on.
 *
 *   reactor: cut -> walk, or pre-image of a write -> block --queue--> thread: compress, checksum, write
 *
 * The store's cut gives each entry once, as it was when the snapshot began (store.h), a large value in pieces
 * (cut_piece.h); here they become RDB bytes in blocks, which a worker makes a file of: temporary name, sync,
 * then `publish` puts it in its place. Walking stops while `buffer` bytes wait for the disk; pre-images are taken all the same, as the
 * write that causes them cannot wait. */
#ifndef MEMD_PERSISTENCE_SNAPSHOT_H
#define MEMD_PERSISTENCE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_ops;
struct log;
struct persist_libraries;
struct snapshot;
struct store;
struct worker;

struct snapshot_conf {
    struct store *store;
    const struct file_ops *ops;
    struct worker *worker;
    int64_t (*mono_us)(void);
    void (*wake)(void *ctx); /* from the worker */
    void *ctx;
    void (*waiting)(void *waiting_ctx); /* snapshot_finish: about every waiting_ms */
    void *waiting_ctx;
    int waiting_ms;
    const char *tmp_path;
    /* Called on the worker when tmp_path is complete, synced and verified: put it in its place durably. False and
     * errno: failed. */
    bool (*publish)(void *arg);
    void *arg;
    bool checksum, compress;
    bool verify; /* read the file back before it is published */
    size_t buffer;
    const char *redis_version;
    const char *log_id;
    uint64_t log_offset;
    bool aof_base;
    const struct persist_libraries *libraries; /* NULL: none */
    const struct persist_libraries *definitions; /* NULL: none */
};

/* Begin: the moment is now. There is no other snapshot of the store. */
struct snapshot *snapshot_begin(const struct snapshot_conf *conf);

enum snapshot_state { SNAPSHOT_WALKS, SNAPSHOT_WRITES, SNAPSHOT_DONE, SNAPSHOT_FAILED, SNAPSHOT_BROKEN };

/* Walk for about budget_us. SNAPSHOT_WALKS: there is more to walk (snapshot_waits: not before the disk
 * has caught up); SNAPSHOT_WRITES: the worker is busy with the rest. SNAPSHOT_BROKEN: the database was
 * flushed or swapped, and the file is worthless. */
enum snapshot_state snapshot_walk(struct snapshot *s, int64_t budget_us);
bool snapshot_waits(const struct snapshot *s);

/* Walk to the end and wait for the file. */
enum snapshot_state snapshot_finish(struct snapshot *s);

/* Give up, and wait for the worker to leave the file. SNAPSHOT_DONE: it was complete and published all the same;
 * else SNAPSHOT_FAILED. Figures and error can still be asked for. */
enum snapshot_state snapshot_stop(struct snapshot *s);

/* Give up or, after the end, let go: waits for the worker to leave the file, and removes what was not
 * published. */
void snapshot_free(struct snapshot **s);

/* Why it failed. */
const char *snapshot_error(const struct snapshot *s);

struct snapshot_figures {
    uint64_t keys_done, keys_total;
    uint64_t dirty;       /* the store's changes counter at the beginning */
    uint64_t bytes;       /* of the file so far */
    size_t queued;        /* serialised, not yet written */
    size_t kept;          /* of values that have changed or gone meanwhile, not yet serialised */
    size_t piece_max;     /* bytes of the largest entry or piece that was serialised at once ... */
    size_t walk_max;      /* ... and of the longest walk */
};
void snapshot_figures(const struct snapshot *s, struct snapshot_figures *out);

#endif
