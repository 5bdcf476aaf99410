/* write_log.c -- the reactor's side of the log: batches, and who owns the file. Their bytes: write_log_bytes.c. */
#include "persistence/write_log.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/planted.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/log_file.h"
#include "persistence/log_reserve.h"
#include "persistence/log_tail.h"
#include "persistence/log_thread.h"

/* --- life ---------------------------------------------------------------------------------------- */

struct write_log *write_log_new(const struct write_log_env *env)
{
    struct write_log *w = mem_zalloc(sizeof *w);

    w->env = *env;
    w->db = -1;
    pthread_mutex_init(&w->lock, NULL);
    log_thread_init_conds(w);
    return w;
}

void write_log_free(struct write_log **w)
{
    struct write_log *l = *w;

    if (!l) return;
    if (l->on) {
        log_thread_stop(l);
        log_thread_close_files(l);
        log_reserve_end(l);
    }
    chain_fini(&l->chain);
    mem_free(l->selects);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->done);
    mem_free(l);
    *w = NULL;
}

void write_log_set_history(struct write_log *w, const char *id, uint64_t offset)
{
    ensure(!w->on);
    memcpy(w->id, id, PERSIST_ID);
    w->id[PERSIST_ID] = 0;
    chain_fini(&w->chain);
    chain_init(&w->chain, offset);
    w->db = -1;
}

const char *write_log_id(const struct write_log *w)
{
    return w->id;
}

void write_log_on(struct write_log *w, struct aof_set *set, struct log_file *f, enum persist_fsync mode)
{
    uint64_t at = w->chain.end;

    ensure(!w->on && w->depth == 0 && f->start <= at);
    w->set = set;
    w->cur = f;
    w->mode = mode;
    w->target = w->written = at;
    w->db = -1;
    w->n_selects = 0;
    w->is_private = false;
    w->unsynced_since = 0;
    w->released = w->durable_seen = w->acked = at;
    w->sync_asked = 0;
    w->whole_pos = f->pos;
    w->must_wait = w->is_slow = false;
    w->sync_due = 0;
    atomic_store(&w->expected_us, 0);
    w->sync_failed = false;
    atomic_store(&w->durable, at);
    atomic_store(&w->gap_from, UINT64_MAX);
    atomic_store(&w->failed, false);
    atomic_store(&w->sync_state, SYNC_NONE);
    w->thread_owns = mode == PERSIST_ALWAYS;
    w->on = true;
    log_reserve_begin(w);
    log_thread_start(w);
}

bool write_log_off(struct write_log *w)
{
    bool ok;

    if (!w->on) return true;
    ok = write_log_drain(w);
    log_thread_stop(w);
    log_thread_close_files(w);
    log_reserve_end(w);
    chain_fini(&w->chain);
    w->on = false;
    atomic_store(&w->failed, false);
    w->must_wait = false;
    return ok;
}

bool write_log_is_on(const struct write_log *w)
{
    return w->on;
}

void write_log_set_private(struct write_log *w, bool on)
{
    pthread_mutex_lock(&w->lock);
    w->is_private = on;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

void write_log_set_mode(struct write_log *w, enum persist_fsync mode)
{
    uint64_t left = write_log_durable(w); /* replies up to here have left */

    pthread_mutex_lock(&w->lock);
    w->mode = mode;
    w->acked = left;
    w->sync_asked = w->chain.end;
    pthread_mutex_unlock(&w->lock);
}

void write_log_set_stamps(struct write_log *w, bool on)
{
    w->stamps = on;
}

/* --- the turn's end ---------------------------------------------------------------------------------- */

/* Hand everything appended to the thread, which owns the file. */
static void hand_over(struct write_log *w)
{
    bool idle;

    pthread_mutex_lock(&w->lock);
    if (!w->thread_owns) w->sync_asked = w->chain.end; /* replies wait for syncs from now on */
    w->thread_owns = true;
    w->target = w->chain.end;
    w->stamp_handed = w->stamp_s;
    idle = w->idle;
    pthread_mutex_unlock(&w->lock);
    log_thread_nudge(w, idle);
}

/* The reactor owns the file: write what the turn appended. */
static void write_now(struct write_log *w)
{
    struct log_batch b = { .id = w->id, .from = chain_resume(&w->chain, w->written), .to = w->chain.end,
                           .durable = log_thread_proven(w), .stamp_s = w->stamp_s,
                           .db = log_thread_batch_db(w, w->written) };
    struct log_file *f = w->cur;
    uint64_t pos = f->pos;
    int64_t now = w->env.mono_us();
    int r = log_file_write(f, w->env.ops, &b), error = errno;
    bool idle = false;

    pthread_mutex_lock(&w->lock);
    if (r == 0) {
        idle = log_tail_written(w, now) && w->idle;
        w->written = w->target = b.to;
        w->whole_pos = f->pos;
        w->bytes += f->pos - pos;
        if (w->mode == PERSIST_NO) w->released = b.to;
    } else {
        log_thread_fail(w, "write", error);
    }
    pthread_mutex_unlock(&w->lock);
    log_thread_nudge(w, idle);
    if (r != 0) hand_over(w);
}

/* May the reactor have the file back? Only when the thread has done all that it was given. */
static void take_back(struct write_log *w)
{
    pthread_mutex_lock(&w->lock);
    if (!w->writing && !atomic_load(&w->failed) && !w->next && w->written == w->target) {
        w->thread_owns = false;
        w->whole_pos = w->cur->pos;
    }
    pthread_mutex_unlock(&w->lock);
}

static void drop_tail(struct write_log *w)
{
    const struct chunk *first = w->chain.first;
    uint64_t held = log_thread_held(w);

    if (!first || held == first->start) return;
    if (held < first->start + CHAIN_CHUNK && held < w->chain.end) return;
    pthread_mutex_lock(&w->lock);
    chain_drop(&w->chain, held);
    pthread_mutex_unlock(&w->lock);
}

void write_log_turn_end(struct write_log *w, int64_t wall_ms)
{
    int64_t now;

    if (!w->on || w->depth) return;
    w->stamp_s = w->stamps ? wall_ms / 1000 : 0;
    if (w->thread_owns && w->mode != PERSIST_ALWAYS) take_back(w);
    if (w->mode == PERSIST_ALWAYS || w->thread_owns || atomic_load(&w->failed)) {
        if (w->chain.end != w->target || !w->thread_owns) hand_over(w);
    } else if (w->chain.end != w->written) {
        write_now(w);
    }
    now = w->env.mono_us();
    log_tail_watch(w, now);
    drop_tail(w);
}

void write_log_tick(struct write_log *w)
{
    if (!w->on) return;
    if (w->thread_owns && w->mode != PERSIST_ALWAYS) take_back(w);
    if (!w->thread_owns && atomic_load(&w->failed)) hand_over(w);
    log_tail_watch(w, w->env.mono_us());
    drop_tail(w);
}

void write_log_sync_soon(struct write_log *w)
{
    w->sync_asked = w->chain.end;
    write_log_tick(w);
}

bool write_log_drain(struct write_log *w)
{
    bool ok;

    if (!w->on) return true;
    ensure(w->depth == 0);
    pthread_mutex_lock(&w->lock);
    w->thread_owns = true;
    w->target = w->chain.end;
    ok = log_thread_wait_synced(w, w->target);
    pthread_mutex_unlock(&w->lock);
    return ok;
}

bool write_log_is_switching(struct write_log *w)
{
    bool is;

    pthread_mutex_lock(&w->lock);
    is = !atomic_load(&w->failed) && (w->next || w->n_old >= OLD_FILES_MAX);
    pthread_mutex_unlock(&w->lock);
    return is;
}

bool write_log_switch(struct write_log *w, struct log_file *f)
{
    ensure(w->on && w->depth == 0 && f->start == w->chain.end);
    write_log_turn_end(w, w->stamp_s * 1000);
    if (atomic_load(&w->failed)) return false;
    pthread_mutex_lock(&w->lock);
    /* A recovery may have dropped f from the manifest again. */
    if (w->next || w->n_old >= OLD_FILES_MAX || atomic_load(&w->failed) || !aof_set_has(w->set, f->seq)) {
        pthread_mutex_unlock(&w->lock);
        return false;
    }
    if (w->thread_owns) {
        w->next = f;
        pthread_cond_signal(&w->work);
    } else {
        log_thread_rotate(w, f);
    }
    pthread_mutex_unlock(&w->lock);
    w->db = -1; /* each file can be read alone */
    w->sync_asked = f->start; /* so that the old file can be closed, whatever the mode */
    return true;
}

/* --- questions ---------------------------------------------------------------------------------------- */

uint64_t write_log_offset(const struct write_log *w)
{
    return w->chain.end;
}

uint64_t write_log_synced(const struct write_log *w)
{
    return w->on ? log_thread_proven(w) : w->chain.end;
}

uint64_t write_log_durable(const struct write_log *w)
{
    uint64_t held = log_thread_held(w), left = w->acked > held ? w->acked : held;

    if (!w->on || PLANTED(BUG_REPLY_BEFORE_SYNC)) return w->chain.end;
    if (w->mode == PERSIST_ALWAYS) return log_thread_proven(w);
    return w->mode == PERSIST_EVERYSEC || w->thread_owns ? left : w->written;
}

bool write_log_has_gap(const struct write_log *w)
{
    return w->on && atomic_load_explicit(&w->gap_from, memory_order_relaxed) != UINT64_MAX;
}

void write_log_set_gap(struct write_log *w, uint64_t offset)
{
    pthread_mutex_lock(&w->lock);
    w->gap_to = w->chain.end;
    atomic_store(&w->gap_from, offset);
    pthread_mutex_unlock(&w->lock);
}

void write_log_set_base(struct write_log *w, uint64_t offset)
{
    pthread_mutex_lock(&w->lock);
    if (offset >= w->gap_to) atomic_store(&w->gap_from, UINT64_MAX);
    pthread_mutex_unlock(&w->lock);
}

bool write_log_failed(const struct write_log *w)
{
    return w->on && atomic_load_explicit(&w->failed, memory_order_acquire);
}

bool write_log_is_full(const struct write_log *w)
{
    return w->on && atomic_load_explicit(&w->full, memory_order_relaxed);
}

bool write_log_must_wait(const struct write_log *w)
{
    return w->must_wait;
}

bool write_log_reads_wait(const struct write_log *w)
{
    return w->on && w->mode == PERSIST_ALWAYS;
}

void write_log_error(const struct write_log *w, char *out, size_t n)
{
    struct write_log *l = (struct write_log *)(uintptr_t)w;

    pthread_mutex_lock(&l->lock);
    snprintf(out, n, "%s", l->error);
    pthread_mutex_unlock(&l->lock);
}

void write_log_figures(const struct write_log *w, struct write_log_figures *out)
{
    struct write_log *l = (struct write_log *)(uintptr_t)w;

    pthread_mutex_lock(&l->lock);
    *out = (struct write_log_figures){
        .bytes = w->bytes,
        .tail = w->on ? w->chain.end - log_thread_held(w) : 0,
        .written = w->on ? w->written : w->chain.end,
        .sync_pending = atomic_load(&w->sync_state) != SYNC_NONE,
        .delayed = w->delayed,
        .syncs = w->syncs,
        .errors = w->errors,
        .reopened = w->reopened,
        .last_sync_us = w->last_sync_us,
        .last_sync_end_us = w->last_sync_end_us,
        .sync_times = w->sync_times,
        .error_no = w->error_no,
        .is_slow = w->is_slow,
        .is_full = atomic_load(&w->full),
    };
    pthread_mutex_unlock(&l->lock);
}

/* Chunks come and go by the reactor alone. */
size_t write_log_memory(const struct write_log *w)
{
    return chain_bytes(&w->chain);
}
