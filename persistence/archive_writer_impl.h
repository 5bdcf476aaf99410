/* archive_writer_impl.h -- the writer's state: archive_writer.c is its thread, archive_control.c what others call.
 *
 * Under the lock nothing waits: the reactor takes it too. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_WRITER_IMPL_H
#define MEMD_PERSISTENCE_ARCHIVE_WRITER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "persistence/archive_file.h"
#include "persistence/archive_writer.h"
#include "storage/store.h"

enum { ARCHIVE_BATCH = 1000, ERASED_KEPT = 256 };

struct erased {
    uint64_t seq, rows;
};

struct archive_writer {
    char *path;               /* the same as conf.path, but never changed */
    struct archive_conf conf; /* under the lock */
    struct archive_env env;
    struct store_conf values;
    pthread_t thread;
    struct archive_readers *readers;
    _Atomic uint64_t done, seq, wanted;
    _Atomic bool pressed;     /* the queue is long, or old */
    struct mem_watch memory; /* what the thread takes: SQLite's pages, training */

    pthread_mutex_t lock;
    pthread_cond_t work;      /* for the thread */
    pthread_cond_t committed; /* for those who wait */
    struct archive_item *first, **end;
    size_t n_queued;          /* of these */
    struct archive_log *logs;
    bool stop, opened, failing, gathering;
    bool stands_back;         /* the thread: nobody is in a hurry (base/thread.h) */
    int thread_id;
    enum err open_error;
    char why[ARCHIVE_WHY];
    char error[sizeof((struct archive_info *)0)->error];
    struct archive_info info; /* the thread's figures, as of the last transaction */
    struct erased erased[ERASED_KEPT];
    unsigned erased_at;

    /* the thread's */
    struct archive_file file;
    bool reopen;              /* the connection is not to be trusted any more */
    struct archive_item *batch[ARCHIVE_BATCH];
    size_t at, n;             /* of the batch, what is not committed */
    int64_t retry_at, housekeeping_at, last_commit;
    uint64_t erasing;         /* rows that the ERASE under way has removed so far */
};

/* Wait on cond for at most us, under the lock. */
void archive_writer_sleep(struct archive_writer *w, pthread_cond_t *cond, int64_t us);

/* Let *to be at least value. */
void archive_writer_raise(_Atomic uint64_t *to, uint64_t value);

/* The log of this id, made if it is not known; under the lock. */
struct archive_log *archive_writer_find_log(struct archive_writer *w, const char *id);

/* Somebody is in a hurry now. Under the lock. */
void archive_writer_call_forward(struct archive_writer *w);

void *archive_writer_run(void *w);

#endif
