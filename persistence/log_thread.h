/* log_thread.h -- the log's shared state, and the thread that syncs, and writes where it owns the file.
 *
 * Who may touch what:
 *   reactor alone     chain (bytes behind `target`, links), db, group, mode of waiting
 *   owner of the file cur's content and pos, written; ownership passes under the lock
 *   under the lock    everything else; chain.first, which the reactor moves and the thread follows
 *   atomic            durable, gap_from, failed, sync_state, and the times of syncs
 * Nothing is written, synced or opened under the lock. */
#ifndef MEMD_PERSISTENCE_LOG_THREAD_H
#define MEMD_PERSISTENCE_LOG_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "persistence/chain.h"
#include "persistence/write_log.h"

/* From offset `at` (exclusive) on, database db is selected. */
struct log_select {
    uint64_t at;
    int db;
};

enum { OLD_FILES_MAX = 32 };

enum sync_state { SYNC_NONE, SYNC_WANTED, SYNC_RUNS };

struct write_log {
    struct write_log_env env;
    char id[PERSIST_ID + 1];
    bool on;

    /* the reactor's */
    struct chain chain;
    int db;               /* selected in the stream; -1: none yet in this file */
    unsigned depth;       /* of groups */
    uint64_t group_at;    /* where the group's first effect begins */
    unsigned group_n;     /* its effects */
    bool stamps;
    int64_t stamp_s;      /* wall clock s for #TS annotations, 0: none */
    bool must_wait;       /* writers are not to run */
    bool is_slow;         /* or their replies wait for the sync (log_tail.c) */
    int64_t told_us;      /* when that was last told */
    uint64_t acked;       /* everysec: replies up to here may leave, synced or not */
    int64_t unsynced_since; /* monotonic us of the oldest unsynced byte, 0: none */
    uint64_t durable_seen;  /* as of the last look */
    uint64_t sync_asked;    /* offset that somebody wants synced */
    uint64_t delayed;

    /* the owner's */
    uint64_t written;     /* offset of the end of the last whole batch */

    pthread_mutex_t lock;
    pthread_cond_t work;  /* for the thread */
    pthread_cond_t done;  /* for a reactor that waits in write_log_drain */
    pthread_t thread;
    enum persist_fsync mode;
    bool thread_owns;
    uint64_t enough;      /* bytes for which a batch need not wait longer (always) */
    bool gathered;        /* it has waited as long as it may */
    int64_t sync_due;     /* monotonic us, everysec: a sync is to begin; 0: none */
    bool writing;         /* the thread is at it, outside the lock */
    bool stop;
    bool idle;            /* the thread waits for work: who brings some must wake it */
    uint64_t target;      /* offset up to which the thread may write */
    uint64_t released;    /* up to here the bytes are the system's affair (appendfsync no) */
    uint64_t whole_pos;   /* cur->pos as of the last whole batch */
    int64_t stamp_handed; /* stamp_s as the thread may see it */
    struct aof_set *set;
    struct log_file *cur;
    struct log_file *old; /* switched from, not yet known to be synced; oldest first */
    unsigned n_old;
    struct log_file *next; /* to be switched to when written == next->start */
    bool is_private;
    bool sync_failed;     /* what it was for is in a file alone: no other sync of that file proves anything */
    uint64_t gap_to;      /* see gap_from */
    struct log_select *selects;
    size_t n_selects, cap_selects;
    char error[160];
    int error_no;         /* of the last failure */
    uint64_t rescues_failed;
    int reserve_error;    /* why no space is held back; 0: it is. The thread's */
    int64_t reserve_due;  /* monotonic us: try again; 0: held */
    int64_t last_sync_end_us; /* monotonic; 0: none was */
    uint64_t bytes, syncs, errors, reopened;
    int64_t last_sync_us;
    struct persist_syncs sync_times;

    _Atomic uint64_t durable;  /* offset up to which all is on the disk */
    _Atomic uint64_t gap_from; /* from here to gap_to (appendfsync no) a failed sync may have lost bytes that
                                * nobody has any more; until a base holds them, what follows proves nothing
                                * either. UINT64_MAX: no gap */
    _Atomic bool failed;
    _Atomic bool full;         /* no space is held back, for want of it */
    _Atomic int sync_state;
    _Atomic int64_t sync_runs_since; /* monotonic us; 0: none runs */
    _Atomic int64_t expected_us; /* what a sync may take, by those that were */
    _Atomic int64_t sync_began; /* of the last sync that succeeded */
};

void log_thread_init_conds(struct write_log *w);
void log_thread_start(struct write_log *w);
void log_thread_stop(struct write_log *w);

/* Close all files; the thread has stopped. */
void log_thread_close_files(struct write_log *w);

/* Wake the thread if it waits for work; `idle` is what was seen under the lock, which is free again: a
 * thread that is woken must not find it taken. */
static inline void log_thread_nudge(struct write_log *w, bool idle)
{
    if (idle) pthread_cond_signal(&w->work);
}

/* Ask for a sync unless one is asked for or running. */
void log_thread_want_sync(struct write_log *w);

/* Under the lock: note a failure of `what`. */
void log_thread_fail(struct write_log *w, const char *what, int error);

/* Under the lock, the caller owning the file: f is the current one from now on. */
void log_thread_rotate(struct write_log *w, struct log_file *f);

/* Under the lock: wait until offset is synced; false when an attempt has failed. */
bool log_thread_wait_synced(struct write_log *w, uint64_t offset);

/* The database selected at offset `at`, which is held or written; -1: none yet. Under the lock, or by the
 * reactor. */
static inline int log_thread_db_at(const struct write_log *w, uint64_t at)
{
    size_t i = w->n_selects;

    while (i && w->selects[i - 1].at >= at) i--;
    return i ? w->selects[i - 1].db : -1;
}

/* The same for the batch that begins there: one that begins where none is selected selects one itself. */
static inline int log_thread_batch_db(const struct write_log *w, uint64_t at)
{
    int db = log_thread_db_at(w, at);

    return db < 0 ? 0 : db;
}

/* The offset up to which the log can be had back for certain. */
static inline uint64_t log_thread_proven(const struct write_log *w)
{
    uint64_t durable = atomic_load_explicit(&w->durable, memory_order_acquire);
    uint64_t gap = atomic_load_explicit(&w->gap_from, memory_order_acquire);

    return durable < gap ? durable : gap;
}

/* The offset from which on the bytes must be kept in memory. */
static inline uint64_t log_thread_held(const struct write_log *w)
{
    uint64_t durable = atomic_load_explicit(&w->durable, memory_order_acquire);

    return durable > w->released ? durable : w->released;
}

#endif
