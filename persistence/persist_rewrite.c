/* persist_rewrite.c -- rewrites of the AOF, and the log turned on and off while memd runs.
 *
 * A rewrite of the AOF is a snapshot that becomes the new base, and a new increment that begins at the very
 * moment of the snapshot:
 *
 *   1. worker   makes the new increment, empty, and publishes it behind the current one
 *   2. reactor  in one turn: the log goes on in the new file, the cut begins
 *   3. worker   writes the base; publishes it and retires what came before the new increment
 *
 * A crash anywhere leaves a manifest whose files make up the same data.
 *
 * Turning the log on is a rewrite whose increment nobody knows of (it is private) until the base is there: the
 * manifest names both in one step. Until then the files of an earlier log count, as they were when it was turned
 * off, and nothing is promised of what is written: INFO says aof_state:starting, WAITAOF waits. */
#include "persistence/persist_impl.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/log_file.h"
#include "persistence/snapshot.h"
#include "persistence/why.h"
#include "persistence/worker.h"
#include "persistence/write_log.h"
#include "storage/store.h"

enum { RETRY_REWRITE_US = 10000000 }; /* after one that failed */

static void try_later(struct persist *p)
{
    p->retry_rewrite_us = p->env.mono_us() + RETRY_REWRITE_US;
}

/* --- a rewrite's beginning ------------------------------------------------------------------------------ */

/* On the worker. */
static void prepare(void *arg)
{
    struct persist *p = arg;
    int fd = aof_set_new_incr(p->set, &p->new_seq);
    bool ok = fd != -1;

    p->prepare_errno = errno;
    if (ok && !p->turning_on && !aof_set_publish(p->set, p->new_seq, UINT64_MAX, UINT64_MAX)) {
        p->prepare_errno = errno;
        p->ops->close(p->ops->ctx, fd);
        fd = -1;
        ok = false;
    }
    p->new_fd = fd;
    atomic_store(&p->prepared, ok ? PREPARED_OK : PREPARED_FAILED);
    if (p->env.wake) p->env.wake(p->env.ctx);
}

/* The directory and the manifest, while the log is off: what an earlier log has left there. Neither its names nor its
 * numbers may be taken, or a crash halfway would leave its manifest with a file of ours. */
static enum err look_at_files(struct persist *p, char *why)
{
    bool there;
    enum err e = aof_set_read(p->set, &there, why);

    if (e == ERR_IO) return e;
    /* A manifest that cannot be read does not matter, it is about to be replaced; but its files may be all that
     * somebody has. */
    if ((e != OK || !there) && !aof_set_pass_names(p->set)) e = ERR_IO;
    else e = aof_set_make_dir(p->set) ? OK : ERR_IO;
    return e == OK ? OK : why_put(why, e, "%s/%s: %s", p->conf.dir, p->conf.appenddirname, strerror(errno));
}

void persist_begin_rewrite(struct persist *p)
{
    char why[PERSIST_WHY];

    p->wait_rewrite = false;
    p->began_us = p->env.mono_us();
    p->with_log = write_log_is_on(p->log) || p->turning_on;
    if (!p->with_log) {
        if (look_at_files(p, why) == OK) {
            persist_begin_snapshot(p, SAVING_BASE);
            return;
        }
        log_warning(p->env.log, "Rewriting the AOF failed: %s", why);
        p->last_rewrite_ok = false;
        return;
    }
    p->saving = SAVING_PREPARES;
    p->new_fd = -1;
    atomic_store(&p->prepared, PREPARED_NOT);
    worker_do(p->worker, prepare, p);
}

static void rewrite_failed(struct persist *p, const char *reason)
{
    log_warning(p->env.log, "Rewriting the AOF failed: %s", reason);
    p->saving = SAVING_NOTHING;
    p->last_rewrite_ok = false;
    p->wait_rewrite = p->turning_on;
    try_later(p);
}

/* The new increment is there: cut. */
static void cut_over(struct persist *p)
{
    struct log_file *f = log_file_new(p->new_fd, p->new_seq, write_log_offset(p->log));

    p->new_fd = -1;
    if (p->turning_on) {
        write_log_set_mode(p->log, p->conf.appendfsync);
        write_log_on(p->log, p->set, f, p->conf.appendfsync);
        write_log_set_private(p->log, true);
    } else if (!write_log_switch(p->log, f)) {
        p->ops->close(p->ops->ctx, f->fd);
        mem_free(f);
        rewrite_failed(p, "the log's disk is failing, or was a moment ago");
        return;
    }
    persist_begin_snapshot(p, SAVING_BASE);
}

void persist_see_prepared(struct persist *p)
{
    int state = atomic_load(&p->prepared);

    if (state == PREPARED_OK && !p->turning_on && write_log_is_switching(p->log)) return;
    if (state == PREPARED_OK) cut_over(p);
    else if (state == PREPARED_FAILED) rewrite_failed(p, strerror(p->prepare_errno));
}

void persist_stop_preparing(struct persist *p)
{
    /* The worker ends it by itself; what it made stays, an empty increment, where the manifest names it. */
    worker_drain(p->worker);
    if (p->new_fd != -1) p->ops->close(p->ops->ctx, p->new_fd);
    p->new_fd = -1;
    p->saving = SAVING_NOTHING;
    if (!p->turning_on) return;
    aof_set_discard(p->set, p->new_seq);
    p->wait_rewrite = true;
    try_later(p);
}

/* --- its end -------------------------------------------------------------------------------------------- */

void persist_note_base(struct persist *p, bool ok, int64_t sec)
{
    struct snapshot_figures f;
    struct write_log_figures lf;

    snapshot_figures(p->snapshot, &f);
    p->last_rewrite_ok = ok;
    p->last_rewrite_sec = sec;
    if (!ok) {
        log_warning(p->env.log, "Rewriting the AOF failed: %s", snapshot_error(p->snapshot));
        try_later(p);
        return;
    }
    p->rewrites++;
    if (p->with_log) write_log_set_base(p->log, p->cut_offset);
    write_log_figures(p->log, &lf);
    /* What was written since the cut is in the new increment; counting it from here is near enough. */
    p->base_bytes = f.bytes;
    p->incr_bytes = 0;
    p->log_bytes_then = lf.bytes;
    p->rewrite_base = f.bytes;
    if (p->turning_on && p->with_log) {
        p->turning_on = false;
        write_log_set_private(p->log, false);
    }
    log_notice(p->env.log, "AOF rewritten: %llu keys, %llu bytes", (unsigned long long)f.keys_done,
               (unsigned long long)f.bytes);
}

void persist_abandon_turning_on(struct persist *p)
{
    write_log_off(p->log);
    /* Where the manifest was about to name it, nobody knows whether it does: it stays until the next start. */
    if (p->with_log && !atomic_load(&p->naming)) aof_set_discard(p->set, p->new_seq);
    p->wait_rewrite = true;
    try_later(p);
}

/* --- when it is due ------------------------------------------------------------------------------------- */

/* What may be lost of the log is still in the store: a new base brings it to the disk. */
static bool gap_says_rewrite(const struct persist *p)
{
    return write_log_has_gap(p->log) && !p->turning_on && !write_log_failed(p->log) &&
           p->env.mono_us() >= p->retry_rewrite_us;
}

static bool growth_says_rewrite(const struct persist *p)
{
    uint64_t size, base = p->rewrite_base ? p->rewrite_base : 1, growth;

    if (!write_log_is_on(p->log) || p->turning_on || p->conf.rewrite_percentage == 0) return false;
    if (p->env.mono_us() < p->retry_rewrite_us || write_log_failed(p->log)) return false;
    size = persist_aof_size(p);
    if (size <= p->conf.rewrite_min_size || size <= base) return false;
    growth = (size - base) * 100 / base;
    if (growth < (uint64_t)p->conf.rewrite_percentage) return false;
    log_notice(p->env.log, "The AOF has grown by %llu%%: rewriting it", (unsigned long long)growth);
    return true;
}

bool persist_rewrite_is_due(const struct persist *p)
{
    return gap_says_rewrite(p) || growth_says_rewrite(p);
}

/* --- the log turned on and off ---------------------------------------------------------------------------- */

static void cancel_rewrite(struct persist *p)
{
    if (p->saving == SAVING_BASE || p->saving == SAVING_PREPARES) persist_cancel(p);
}

enum err persist_turn_on(struct persist *p, char *why)
{
    enum err e;

    cancel_rewrite(p); /* its worker may be changing the very manifest that is read now */
    e = look_at_files(p, why);
    if (e != OK) return e;
    p->turning_on = true;
    p->wait_rewrite = true;
    p->retry_rewrite_us = 0;
    return OK;
}

void persist_turn_off(struct persist *p)
{
    cancel_rewrite(p);
    p->turning_on = p->wait_rewrite = false;
    if (write_log_is_on(p->log)) write_log_turn_end(p->log, p->env.store->now_ms);
    if (!write_log_off(p->log)) log_warning(p->env.log, "The end of the AOF could not be synced");
}

bool persist_make_first_base(struct persist *p)
{
    p->with_log = false;
    return persist_save_now(p, true);
}
