/* archive_control.c -- what others than its thread call of the writer: see archive_writer.h. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "persistence/archive_writer_impl.h"
#include "persistence/why.h"

void archive_writer_sleep(struct archive_writer *w, pthread_cond_t *cond, int64_t us)
{
    (void)thread_cond_wait(cond, &w->lock, us);
}

void archive_writer_raise(_Atomic uint64_t *to, uint64_t value)
{
    uint64_t was = atomic_load(to);

    while (was < value && !atomic_compare_exchange_weak(to, &was, value)) { }
}

struct archive_log *archive_writer_find_log(struct archive_writer *w, const char *id)
{
    struct archive_log *l = w->logs;

    while (l != NULL && strcmp(l->id, id) != 0) l = l->next;
    if (l != NULL) return l;
    l = mem_zalloc(sizeof *l);
    snprintf(l->id, sizeof l->id, "%s", id);
    l->next = w->logs;
    w->logs = l;
    return l;
}

void archive_writer_call_forward(struct archive_writer *w)
{
    if (!w->stands_back) return;
    thread_come_forward(w->thread_id);
    w->stands_back = false;
}

/* Not the thread. It may hold the lock and stand back, and then be kept from the processor for as long as others want it. */
static void lock(struct archive_writer *w)
{
    if (UNLIKELY(thread_lock_against(&w->lock, w->thread_id))) archive_writer_call_forward(w);
}

/* --- starting and ending ------------------------------------------------------------------------------------ */

static void copy_conf(struct archive_writer *w, const struct archive_conf *conf)
{
    w->conf = *conf;
    w->conf.path = w->path;
}

static void destroy(struct archive_writer *w)
{
    while (w->logs != NULL) {
        struct archive_log *l = w->logs;

        w->logs = l->next;
        mem_free(l);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->committed);
    mem_free(w->path);
    mem_free(w);
}

static void init_conds(struct archive_writer *w)
{
    thread_cond_init(&w->work);
    thread_cond_init(&w->committed);
}

enum err archive_writer_start(struct archive_writer **to, const struct archive_conf *conf, const struct archive_env *env,
                              char *why)
{
    struct archive_writer *w = mem_zalloc(sizeof *w);
    enum err e;
    int error;

    w->path = mem_dup(conf->path, strlen(conf->path) + 1);
    copy_conf(w, conf);
    w->env = *env;
    w->values = *env->values;
    w->env.values = &w->values;
    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    init_conds(w);
    error = thread_start(&w->thread, "memd-arc-write", archive_writer_run, w);
    if (error != 0) {
        destroy(w);
        return why_put(why, ERR_IO, "no thread for the archive: %s", thread_why(error));
    }
    pthread_mutex_lock(&w->lock);
    while (!w->opened) pthread_cond_wait(&w->committed, &w->lock);
    e = w->open_error;
    pthread_mutex_unlock(&w->lock);
    if (e == OK) {
        *to = w;
        return OK;
    }
    why_put(why, e, "%s", w->why);
    pthread_join(w->thread, NULL);
    destroy(w);
    return e;
}

uint64_t archive_writer_stop(struct archive_writer **to)
{
    struct archive_writer *w = *to;
    uint64_t left;

    lock(w);
    w->stop = true;
    archive_writer_call_forward(w);
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    left = w->n - w->at;
    for (const struct archive_item *it = w->first; it != NULL; it = it->ready) left++;
    destroy(w);
    *to = NULL;
    return left;
}

/* --- notes and waiting ------------------------------------------------------------------------------------- */

struct archive_log *archive_writer_log(struct archive_writer *w, const char *id)
{
    struct archive_log *l;

    lock(w);
    l = archive_writer_find_log(w, id);
    pthread_mutex_unlock(&w->lock);
    return l;
}

void archive_writer_tell(struct archive_writer *w, struct archive_readers *readers)
{
    w->readers = readers;
}

void archive_writer_set_conf(struct archive_writer *w, const struct archive_conf *conf)
{
    lock(w);
    copy_conf(w, conf);
    pthread_mutex_unlock(&w->lock);
}

void archive_writer_give(struct archive_writer *w, struct archive_item *first, struct archive_item *last, size_t n)
{
    lock(w);
    last->ready = NULL;
    *w->end = first;
    w->end = &last->ready;
    w->n_queued += n;
    if (!w->gathering || w->n_queued >= ARCHIVE_BATCH) pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

uint64_t archive_writer_done(const struct archive_writer *w)
{
    return atomic_load(&w->done);
}

uint64_t archive_writer_seq(const struct archive_writer *w)
{
    return atomic_load(&w->seq);
}

void archive_writer_urge(struct archive_writer *w, uint64_t seq)
{
    if (atomic_load(&w->wanted) >= seq) return;
    archive_writer_raise(&w->wanted, seq);
    lock(w);
    archive_writer_call_forward(w);
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

void archive_writer_press(struct archive_writer *w, bool on)
{
    if (LIKELY(atomic_load_explicit(&w->pressed, memory_order_relaxed) == on)) return;
    atomic_store(&w->pressed, on);
    if (!on) return; /* it sees by itself that it may stand back */
    lock(w);
    archive_writer_call_forward(w);
    pthread_mutex_unlock(&w->lock);
}

bool archive_writer_wait(struct archive_writer *w, uint64_t seq, uint64_t ordinal, int64_t ms)
{
    int64_t until = clock_mono_us() + ms * 1000, now;
    bool is_there;

    archive_writer_urge(w, seq);
    lock(w);
    for (;;) {
        is_there = ordinal > 0 ? atomic_load(&w->done) >= ordinal : atomic_load(&w->seq) >= seq;
        if (is_there || (now = clock_mono_us()) >= until || (ordinal > 0 && w->failing)) break;
        archive_writer_sleep(w, &w->committed, until - now);
    }
    pthread_mutex_unlock(&w->lock);
    return is_there;
}

uint64_t archive_writer_erased(struct archive_writer *w, uint64_t seq)
{
    uint64_t rows = 0;

    lock(w);
    for (int i = 0; i < ERASED_KEPT; i++) {
        if (w->erased[i].seq == seq) rows = w->erased[i].rows;
    }
    pthread_mutex_unlock(&w->lock);
    return rows;
}

void archive_writer_info(struct archive_writer *w, struct archive_info *out)
{
    lock(w);
    *out = w->info;
    snprintf(out->error, sizeof out->error, "%s", w->error);
    pthread_mutex_unlock(&w->lock);
}

size_t archive_writer_memory(const struct archive_writer *w)
{
    return mem_watch_bytes(&w->memory);
}

bool archive_writer_is_failing(struct archive_writer *w)
{
    bool failing;

    lock(w);
    failing = w->failing;
    pthread_mutex_unlock(&w->lock);
    return failing;
}
