/* log_reserve.c -- see log_reserve.h. */
#include "persistence/log_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/log_thread.h"

enum { RESERVE = 1 << 20, RETRY_US = 1000 * 1000 };

bool log_reserve_is_for(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

static void drop(struct write_log *w)
{
    char path[PATH_MAX];

    aof_set_reserve_path(w->set, path);
    w->env.ops->unlink(w->env.ops->ctx, path);
}

/* Make the file n bytes long on the disk; 0, or errno, and then there is none. */
static int hold(struct write_log *w, int64_t n)
{
    const struct file_ops *ops = w->env.ops;
    char path[PATH_MAX];
    int fd, error = 0;

    aof_set_reserve_path(w->set, path);
    fd = ops->open(ops->ctx, path, O_WRONLY | O_CREAT);
    if (fd == -1) return errno;
    if (ops->allocate(ops->ctx, fd, n) != 0) error = errno;
    ops->close(ops->ctx, fd);
    if (error) drop(w);
    return error;
}

/* Whatever but want of space keeps it from being held is no reason to refuse anything. */
static void note(struct write_log *w, int error)
{
    bool full = log_reserve_is_for(error), was = atomic_load(&w->full);

    w->reserve_due = error ? w->env.mono_us() + RETRY_US : 0;
    if (error && !was && w->reserve_error != error)
        log_warning(w->env.log, "No space could be held back for the AOF: %s%s", strerror(error),
                    full ? ". Commands that need more space are refused until it can" : "");
    if (!error && was) log_notice(w->env.log, "The AOF's disk has room again");
    w->reserve_error = error;
    atomic_store(&w->full, full);
}

void log_reserve_begin(struct write_log *w)
{
    w->reserve_error = 0;
    atomic_store(&w->full, false);
    note(w, hold(w, RESERVE));
}

void log_reserve_end(struct write_log *w)
{
    if (w->reserve_error == 0) drop(w);
    atomic_store(&w->full, false);
}

bool log_reserve_use(struct write_log *w, int error)
{
    if (!log_reserve_is_for(error) || w->reserve_error != 0) return false;
    drop(w);
    w->reserve_error = error;
    w->reserve_due = w->env.mono_us() + RETRY_US;
    atomic_store(&w->full, true);
    log_warning(w->env.log, "The AOF's disk is full (%s): commands that need more space are refused until there is "
                "room, others use what was held back for this", strerror(error));
    return true;
}

void log_reserve_retry(struct write_log *w)
{
    int error;

    pthread_mutex_unlock(&w->lock);
    /* Room for one alone would be used up by the next write, and so on in turns. */
    error = hold(w, 2 * RESERVE);
    if (error == 0) {
        drop(w);
        error = hold(w, RESERVE);
    }
    pthread_mutex_lock(&w->lock);
    note(w, error);
}
