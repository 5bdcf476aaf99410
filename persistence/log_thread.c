/* log_thread.c -- the thread that waits for the log's disk, so that the reactor need not. */
#include "persistence/log_thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/planted.h"
#include "base/thread.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/log_file.h"
#include "persistence/log_reserve.h"
#include "persistence/log_tail.h"

enum { RETRY_MS = 100, RETRY_MAX_MS = 1000 };
enum { GATHER_PART = 4, GATHER_LEAST_US = 100, GATHER_MOST_US = 1000 };

/* --- small things ------------------------------------------------------------------------------------ */

void log_thread_init_conds(struct write_log *w)
{
    thread_cond_init(&w->work);
    thread_cond_init(&w->done);
}

/* True: nobody has woken the thread before. */
static bool wait_us(struct write_log *w, int64_t us)
{
    return !thread_cond_wait(&w->work, &w->lock, us);
}

static void wait_ms(struct write_log *w, int ms)
{
    wait_us(w, (int64_t)ms * 1000);
}

/* Rounded up: never too early by a part of a ms, for then it would turn in circles. */
static int ms_until(const struct write_log *w, int64_t us)
{
    int64_t left = us - w->env.mono_us();

    return left <= 0 ? 0 : (int)(left / 1000 + 1);
}

void log_thread_want_sync(struct write_log *w)
{
    int none = SYNC_NONE;
    bool idle;

    if (!atomic_compare_exchange_strong(&w->sync_state, &none, SYNC_WANTED)) return;
    pthread_mutex_lock(&w->lock);
    idle = w->idle;
    pthread_mutex_unlock(&w->lock);
    log_thread_nudge(w, idle);
}

void log_thread_fail(struct write_log *w, const char *what, int error)
{
    snprintf(w->error, sizeof w->error, "%s: %s", what, strerror(error));
    if (!atomic_load(&w->failed))
        log_warning(w->env.log, "The AOF cannot be written (%s): writes are refused until it can", w->error);
    w->error_no = error;
    w->errors++;
    w->sync_due = 0;
    atomic_store(&w->failed, true);
    pthread_cond_broadcast(&w->done);
}

void log_thread_rotate(struct write_log *w, struct log_file *f)
{
    struct log_file **end = &w->old;

    while (*end) end = &(*end)->next;
    w->cur->pos = w->whole_pos;
    *end = w->cur;
    w->n_old++;
    w->cur = f;
    w->whole_pos = f->pos;
}

static void close_file(struct write_log *w, struct log_file *f)
{
    w->env.ops->close(w->env.ops->ctx, f->fd);
    mem_free(f);
}

static void close_list(struct write_log *w, struct log_file *f)
{
    while (f) {
        struct log_file *next = f->next;

        close_file(w, f);
        f = next;
    }
}

void log_thread_close_files(struct write_log *w)
{
    close_list(w, w->old);
    if (w->cur) close_file(w, w->cur);
    if (w->next) close_file(w, w->next);
    w->old = w->cur = w->next = NULL;
}

static void wake(struct write_log *w)
{
    if (w->env.wake) w->env.wake(w->env.ctx);
}

/* --- syncing -------------------------------------------------------------------------------------------- */

static void count_sync(struct persist_syncs *s, int64_t us)
{
    int i = us <= 1 ? 0 : 64 - __builtin_clzll((uint64_t)us - 1);

    s->us += us > 0 ? (uint64_t)us : 0;
    s->took[i < PERSIST_SYNC_BUCKETS ? i : PERSIST_SYNC_BUCKETS - 1]++;
}

/* Sync what is written, older files first: the log is durable as a prefix or not at all. Called and
 * returns with the lock held. */
static void sync_all(struct write_log *w)
{
    const struct file_ops *ops = w->env.ops;
    struct log_file *cur = w->cur, *f;
    uint64_t upto = w->written, pos = w->whole_pos;
    int64_t began = w->env.mono_us(), ended;
    int fds[OLD_FILES_MAX + 1], n = 0, r = 0, error;

    atomic_store(&w->sync_state, SYNC_RUNS);
    atomic_store(&w->sync_runs_since, began);
    for (f = w->old; f; f = f->next) fds[n++] = f->fd;
    fds[n++] = cur->fd;
    /* The reactor may make cur an old file meanwhile; only this thread closes any. */
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < n && r == 0; i++) r = ops->sync(ops->ctx, fds[i]);
    if (r != 0 && PLANTED(BUG_SAME_DESCRIPTOR_AGAIN)) r = ops->sync(ops->ctx, fds[n - 1]);
    error = errno;
    ended = w->env.mono_us();
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->sync_state, SYNC_NONE);
    atomic_store(&w->sync_runs_since, 0);
    w->last_sync_us = ended - began;
    if (r != 0) {
        w->sync_failed = true;
        log_thread_fail(w, "fdatasync", error);
        return;
    }
    w->syncs++;
    count_sync(&w->sync_times, w->last_sync_us);
    w->last_sync_end_us = ended;
    log_tail_synced(w, began, upto);
    cur->synced_pos = pos;
    while (w->old && w->old != cur) {
        f = w->old;
        w->old = f->next;
        w->n_old--;
        close_file(w, f);
    }
    atomic_store(&w->sync_began, began);
    if (upto > atomic_load(&w->durable)) atomic_store_explicit(&w->durable, upto, memory_order_release);
    pthread_cond_broadcast(&w->done);
}

/* --- writing, where the thread owns the file ---------------------------------------------------------- */

/* A sync that takes long begins better a little later with all in it than at once with a part: those whose
 * replies have just left are about to write again, and would wait for this sync and the next. At most a part of
 * a sync's time is spent so, until as much is there as clients had on their way when the last one ended. True:
 * some time has passed, look again. */
static bool gathers(struct write_log *w)
{
    int64_t us = w->last_sync_us / GATHER_PART;

    if (us < GATHER_LEAST_US || w->gathered || w->next) return false;
    if (w->target - w->written >= w->enough || atomic_load(&w->sync_state) == SYNC_WANTED) return false;
    w->idle = true;
    w->gathered = wait_us(w, us < GATHER_MOST_US ? us : GATHER_MOST_US);
    w->idle = false;
    return true;
}

/* All of it was on its way: what has just been synced, and what has come meanwhile. */
static void note_batch(struct write_log *w, uint64_t bytes)
{
    w->enough = (bytes + w->target - w->written) / 8 * 7;
    w->gathered = false;
}

/* One batch of all that was handed over, up to a switch. Lock as sync_all. */
static void write_batch(struct write_log *w)
{
    struct log_file *f = w->cur;
    struct log_batch b = { .id = w->id, .from = chain_find(&w->chain, w->written), .to = w->target,
                           .durable = log_thread_proven(w), .stamp_s = w->stamp_handed,
                           .db = log_thread_batch_db(w, w->written) };
    uint64_t pos = f->pos;
    int r, error;

    if (w->next && w->next->start < b.to) b.to = w->next->start;
    w->writing = true;
    pthread_mutex_unlock(&w->lock);
    r = log_file_write(f, w->env.ops, &b);
    error = errno;
    pthread_mutex_lock(&w->lock);
    w->writing = false;
    if (r != 0) {
        log_thread_fail(w, "write", error);
        return;
    }
    w->written = b.to;
    w->whole_pos = f->pos;
    w->bytes += f->pos - pos;
}

/* --- recovery --------------------------------------------------------------------------------------------- */

/* What a new file takes the place of. */
struct plan {
    uint64_t held;        /* the new file begins here */
    uint64_t keep_seq;    /* the last file that stays */
    struct log_file *keep; /* it, when it is one of ours */
    uint64_t keep_pos;    /* and how much of it counts */
    int db;               /* selected at `held`; -1 none */
    uint64_t proven;      /* up to here all is on the disk; where that is before `held`, what is between is in
                           * the old files alone */
};

static void consider(struct plan *p, struct log_file *f, uint64_t pos)
{
    if (f->start >= p->held) return;
    p->keep = f;
    p->keep_seq = f->seq;
    p->keep_pos = pos;
}

static struct plan make_plan(const struct write_log *w, uint64_t base_offset)
{
    const struct log_file *oldest = w->old ? w->old : w->cur;
    struct plan p = { .held = log_thread_held(w), .keep_seq = oldest->seq - 1, .db = -1 };

    if (base_offset > p.held) p.held = base_offset; /* what a base holds is durable there */
    p.proven = log_thread_proven(w) > base_offset ? log_thread_proven(w) : base_offset;

    for (struct log_file *f = w->old; f; f = f->next) {
        const struct log_file *after = f->next ? f->next : w->cur;

        consider(&p, f, after->start <= p.held ? f->pos : f->synced_pos);
    }
    consider(&p, w->cur, p.held > atomic_load(&w->durable) ? w->whole_pos : w->cur->synced_pos);
    p.db = log_thread_db_at(w, p.held);
    return p;
}

/* A new file with everything from plan->held to `to`, synced and in the manifest; NULL and errno. */
static struct log_file *rescue(struct write_log *w, const struct plan *p, struct chain_at from, uint64_t to,
                               int64_t stamp_s)
{
    const struct file_ops *ops = w->env.ops;
    struct log_batch b = { .id = w->id, .from = from, .to = to, .durable = p->proven, .stamp_s = stamp_s,
                           .db = p->db < 0 ? 0 : p->db };
    struct log_file *f;
    uint64_t seq;
    int fd = aof_set_new_incr(w->set, &seq), saved, r = 0;

    if (fd == -1) return NULL;
    f = log_file_new(fd, seq, p->held);
    f->select_db = p->db;
    if (to > p->held) r = log_file_write(f, ops, &b);
    if (r == 0) r = ops->sync(ops->ctx, fd);
    if (r == 0) {
        f->synced_pos = f->pos;
        if (aof_set_publish(w->set, seq, p->held, p->keep_seq)) return f;
        /* The manifest may speak of it after all: the file stays. */
        saved = errno;
    } else {
        saved = errno;
        aof_set_discard(w->set, seq);
    }
    close_file(w, f);
    errno = saved;
    return NULL;
}

/* With appendfsync no, what was written is in its files alone: sync those, unless a sync of them has failed
 * before. Then nobody knows what they hold, whatever another sync says. Lock as sync_all. */
static bool sync_released(struct write_log *w)
{
    const struct file_ops *ops = w->env.ops;
    bool ok = !w->sync_failed;

    /* The reactor changes nothing of the list while the thread is at it. */
    pthread_mutex_unlock(&w->lock);
    for (struct log_file *f = w->old; f && ok; f = f->next) ok = ops->sync(ops->ctx, f->fd) == 0;
    ok = ok && ops->sync(ops->ctx, w->cur->fd) == 0;
    pthread_mutex_lock(&w->lock);
    w->sync_failed = !ok;
    return ok;
}

/* A write found no space: the files hold whole batches up to there, and no sync of them has failed. When they are
 * synced, the new file need not hold all that again. Lock as sync_all. */
static void sync_before_full(struct write_log *w)
{
    uint64_t upto = w->written, pos = w->whole_pos;

    if (!log_reserve_is_for(w->error_no) || w->sync_failed || atomic_load(&w->durable) >= upto) return;
    if (!sync_released(w)) return;
    w->cur->synced_pos = pos;
    atomic_store_explicit(&w->durable, upto, memory_order_release);
}

static void note_gap(struct write_log *w, const struct plan *p)
{
    if (p->proven >= p->held) return;
    atomic_store(&w->gap_from, p->proven);
    w->gap_to = p->held;
    log_warning(w->env.log, "A sync of the AOF failed after appendfsync no had let go of its end: %llu bytes of it "
                "are not certain to be on the disk before it has been rewritten",
                (unsigned long long)(p->held - p->proven));
}

/* One attempt to get the log going again. Lock as sync_all. False: not yet. */
static bool recover(struct write_log *w)
{
    struct log_file *f, *old, *cur, *next;
    struct chain_at from;
    struct plan p;
    int64_t stamp_s;
    uint64_t to;
    int error;

    w->writing = true;
    sync_before_full(w);
    p = make_plan(w, aof_set_base_offset(w->set));
    from = chain_find(&w->chain, p.held);
    to = w->target;
    stamp_s = w->stamp_handed;
    old = w->old;
    cur = w->cur;
    next = w->next;
    if (p.proven < p.held && sync_released(w)) p.proven = p.held;
    pthread_mutex_unlock(&w->lock);
    f = rescue(w, &p, from, to, stamp_s);
    error = errno;
    if (!f && log_reserve_use(w, error)) {
        /* What a large batch has left there takes space, and is no part of the log. */
        if (cur == p.keep && w->env.ops->truncate(w->env.ops->ctx, cur->fd, (int64_t)cur->pos) != 0)
            log_warning(w->env.log, "The torn end of the AOF could not be cut: %s", strerror(errno));
        f = rescue(w, &p, from, to, stamp_s);
        error = errno;
    }
    /* Stock servers read a file to its end: cut what the new file holds again. memd's loader stops where
     * the next file begins, so that nothing depends on this. */
    if (f && p.keep && !aof_set_cut(w->set, p.keep->seq, p.keep_pos))
        log_warning(w->env.log, "Could not cut increment %llu to %llu bytes: %s", (unsigned long long)p.keep->seq,
                    (unsigned long long)p.keep_pos, strerror(errno));
    pthread_mutex_lock(&w->lock);
    w->writing = false;
    if (!f) {
        snprintf(w->error, sizeof w->error, "%s", strerror(error));
        w->error_no = error;
        w->errors++;
        w->rescues_failed++;
        pthread_cond_broadcast(&w->done);
        return false;
    }
    note_gap(w, &p);
    w->sync_failed = false;
    w->bytes += f->pos;
    w->reopened++;
    w->old = w->next = NULL;
    w->n_old = 0;
    w->cur = f;
    w->written = to;
    w->whole_pos = f->pos;
    atomic_store(&w->sync_began, w->env.mono_us());
    atomic_store_explicit(&w->durable, to, memory_order_release);
    atomic_store(&w->failed, false);
    log_notice(w->env.log, "The AOF can be written again, in a new file; nothing was lost");
    pthread_cond_broadcast(&w->done);
    close_list(w, old);
    close_file(w, cur);
    if (next) close_file(w, next);
    return true;
}

/* --- the thread --------------------------------------------------------------------------------------------- */

/* One piece of work; false when there is none. Lock held. */
static bool step(struct write_log *w, int *retry_ms)
{
    if (atomic_load(&w->failed)) {
        if (!w->thread_owns || w->is_private) return false; /* the reactor has to see it first */
        if (!recover(w)) {
            wait_ms(w, *retry_ms);
            *retry_ms = *retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : *retry_ms * 2;
            return true;
        }
    } else if (w->thread_owns && w->next && w->written == w->next->start) {
        struct log_file *f = w->next;

        w->next = NULL;
        log_thread_rotate(w, f);
        pthread_cond_broadcast(&w->done);
        return true;
    } else if (w->thread_owns && w->written < w->target) {
        uint64_t from = w->written;

        if (gathers(w)) return true;
        write_batch(w);
        if (!atomic_load(&w->failed)) sync_all(w);
        note_batch(w, w->written - from);
    } else if (atomic_load(&w->sync_state) == SYNC_WANTED || (w->sync_due != 0 && ms_until(w, w->sync_due) == 0)) {
        sync_all(w);
    } else if (w->reserve_due != 0 && ms_until(w, w->reserve_due) == 0) {
        log_reserve_retry(w);
    } else {
        return false;
    }
    if (!atomic_load(&w->failed)) *retry_ms = RETRY_MS;
    pthread_mutex_unlock(&w->lock);
    wake(w);
    pthread_mutex_lock(&w->lock);
    return true;
}

static void *run(void *arg)
{
    struct write_log *w = arg;
    int retry_ms = RETRY_MS;
    int64_t due;

    mem_thread_enter();
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (step(w, &retry_ms) || w->stop) continue;
        w->idle = true;
        due = w->sync_due;
        if (due == 0 || (w->reserve_due != 0 && w->reserve_due < due)) due = w->reserve_due;
        if (due == 0) pthread_cond_wait(&w->work, &w->lock);
        else wait_ms(w, ms_until(w, due));
        w->idle = false;
    }
    pthread_mutex_unlock(&w->lock);
    mem_thread_leave();
    return NULL;
}

void log_thread_start(struct write_log *w)
{
    int error;

    w->stop = false;
    error = thread_start(&w->thread, "memd-log", run, w);
    if (error == 0) return;
    log_warning(w->env.log, "The thread of the log could not be started: %s", thread_why(error));
    ensure(error == 0); /* nothing has been written yet that would need it */
}

void log_thread_stop(struct write_log *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
}

bool log_thread_wait_synced(struct write_log *w, uint64_t offset)
{
    uint64_t failed = w->rescues_failed;
    int none = SYNC_NONE;

    for (;;) {
        if (!atomic_load(&w->failed) && atomic_load(&w->durable) >= offset && !w->next) return true;
        if (w->rescues_failed != failed || (w->is_private && atomic_load(&w->failed))) return false;
        none = SYNC_NONE;
        atomic_compare_exchange_strong(&w->sync_state, &none, SYNC_WANTED);
        pthread_cond_signal(&w->work);
        pthread_cond_wait(&w->done, &w->lock);
    }
}
