/* archive_readers.c -- two lanes, each a queue and a thread.
 *
 * A job is in one of three lists: `ready` (may run), `early` (must first see a commit that has not come), `answered`
 * (the reactor's to collect). Its thread holds it while it runs. Lists are under the lane's lock, which nobody
 * holds for longer than a walk over what waits. */
#include "persistence/archive_readers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/thread.h"
#include "persistence/archive_reader.h"

enum { LANES = 2 };

/* First in, first out; linked by job->next. */
struct queue {
    struct archive_job *first, **end;
};

struct lane {
    struct archive_readers *all;
    struct archive_reader *reader;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct queue ready, early, answered; /* under lock, as what follows */
    uint64_t n_waiting, applied;
    int64_t query_ms, query_rows;
    bool paused, started;
    uint64_t n_asked, n_failed, n_refused;
};

struct archive_readers {
    struct archive_env env;
    _Atomic bool closing;
    struct lane lanes[LANES];
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_put(struct queue *q, struct archive_job *j)
{
    j->next = NULL;
    *q->end = j;
    q->end = &j->next;
}

static struct archive_job *queue_take(struct queue *q)
{
    struct archive_job *j = q->first;

    if (j == NULL) return NULL;
    q->first = j->next;
    if (q->first == NULL) q->end = &q->first;
    return j;
}

/* --- the thread ------------------------------------------------------------------------------------------ */

/* Under the lock: hand j back. True: the reactor is to be woken. */
static bool answer(struct lane *l, struct archive_job *j, const char *refused)
{
    bool first = l->answered.first == NULL;

    j->refused = refused;
    if (refused != NULL) l->n_refused++;
    else if (j->failed) l->n_failed++;
    queue_put(&l->answered, j);
    return first;
}

/* What has seen its commit, or is not waited for any more, need not wait longer. */
static void sort_early(struct lane *l)
{
    struct queue rest;
    struct archive_job *j;

    queue_init(&rest);
    while ((j = queue_take(&l->early)) != NULL) {
        bool is_ready = j->after <= l->applied || atomic_load_explicit(&j->cancelled, memory_order_relaxed);

        queue_put(is_ready ? &l->ready : &rest, j);
    }
    l->early = rest;
    if (rest.first == NULL) l->early.end = &l->early.first;
}

static void wake(struct lane *l)
{
    l->all->env.wake(l->all->env.ctx);
}

static void *run(void *arg)
{
    struct lane *l = arg;
    struct archive_readers *all = l->all;

    if (l == &all->lanes[ARCHIVE_LANE_QUERY]) thread_give_way(); /* a recall is waited for as a read of memory */
    mem_thread_enter();
    pthread_mutex_lock(&l->lock);
    while (!atomic_load(&all->closing)) {
        struct archive_job *j = l->paused ? NULL : queue_take(&l->ready);
        int64_t ms = l->query_ms, rows = l->query_rows;
        bool first, unwanted;

        if (j == NULL) {
            pthread_cond_wait(&l->more, &l->lock);
            continue;
        }
        l->n_waiting--;
        unwanted = atomic_load_explicit(&j->cancelled, memory_order_relaxed);
        pthread_mutex_unlock(&l->lock);
        if (!unwanted) archive_reader_run(l->reader, j, ms, rows);
        pthread_mutex_lock(&l->lock);
        first = answer(l, j, unwanted ? "it was cancelled" : NULL);
        pthread_mutex_unlock(&l->lock);
        if (first) wake(l);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    mem_thread_leave();
    return NULL;
}

/* --- start and stop -------------------------------------------------------------------------------------- */

static enum err lane_start(struct archive_readers *rs, struct lane *l, const struct archive_conf *conf,
                           char *why)
{
    struct archive_reader_conf reader = {
        .path = conf->path, .values = rs->env.values, .mono_us = rs->env.mono_us, .closing = &rs->closing
    };
    enum err e = archive_reader_open(&l->reader, &reader, why);
    int error;

    if (e != OK) return e;
    error = thread_start(&l->thread, "memd-arc-read", run, l);
    if (error != 0) {
        snprintf(why, ARCHIVE_WHY, "no thread to read the archive: %s", thread_why(error));
        return ERR_IO;
    }
    l->started = true;
    return OK;
}

enum err archive_readers_start(struct archive_readers **out, const struct archive_conf *conf,
                               const struct archive_env *env, char *why)
{
    struct archive_readers *rs = mem_zalloc(sizeof *rs);
    enum err e = OK;

    rs->env = *env;
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &rs->lanes[i];

        l->all = rs;
        queue_init(&l->ready);
        queue_init(&l->early);
        queue_init(&l->answered);
        ensure(pthread_mutex_init(&l->lock, NULL) == 0 && pthread_cond_init(&l->more, NULL) == 0);
    }
    archive_readers_set_conf(rs, conf);
    for (int i = 0; i < LANES && e == OK; i++) e = lane_start(rs, &rs->lanes[i], conf, why);
    if (e == OK) *out = rs;
    else archive_readers_stop(&rs);
    return e;
}

static void lane_stop(struct lane *l)
{
    struct archive_job *j;

    pthread_mutex_lock(&l->lock);
    pthread_cond_signal(&l->more);
    pthread_mutex_unlock(&l->lock);
    if (l->started) pthread_join(l->thread, NULL);
    while ((j = queue_take(&l->ready)) != NULL || (j = queue_take(&l->early)) != NULL)
        answer(l, j, "the archive is closed");
    l->n_waiting = 0;
    archive_reader_close(&l->reader);
}

void archive_readers_stop(struct archive_readers **out)
{
    struct archive_readers *rs = *out;

    if (rs == NULL) return;
    atomic_store(&rs->closing, true);
    for (int i = 0; i < LANES; i++) lane_stop(&rs->lanes[i]);
    while (rs->lanes[0].answered.first != NULL || rs->lanes[1].answered.first != NULL)
        archive_readers_turn(rs);
    for (int i = 0; i < LANES; i++) {
        pthread_mutex_destroy(&rs->lanes[i].lock);
        pthread_cond_destroy(&rs->lanes[i].more);
    }
    mem_free(rs);
    *out = NULL;
}

/* --- the reactor ----------------------------------------------------------------------------------------- */

void archive_readers_set_conf(struct archive_readers *rs, const struct archive_conf *conf)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &rs->lanes[i];

        pthread_mutex_lock(&l->lock);
        l->query_ms = conf->query_ms;
        l->query_rows = conf->query_rows;
        pthread_mutex_unlock(&l->lock);
    }
}

void archive_readers_ask(struct archive_readers *rs, enum archive_lane lane, struct archive_job *j)
{
    struct lane *l = &rs->lanes[lane];
    const char *refused = NULL;
    bool first = false;

    j->refused = NULL;
    j->failed = false;
    pthread_mutex_lock(&l->lock);
    l->n_asked++;
    if (atomic_load(&rs->closing)) refused = "the archive is closed";
    else if (l->n_waiting >= ARCHIVE_JOBS_MAX) refused = "too many questions wait for the archive";
    if (refused != NULL) {
        first = answer(l, j, refused);
    } else {
        l->n_waiting++;
        queue_put(j->after <= l->applied ? &l->ready : &l->early, j);
        pthread_cond_signal(&l->more);
    }
    pthread_mutex_unlock(&l->lock);
    if (first) wake(l);
}

void archive_readers_applied(struct archive_readers *rs, uint64_t seq)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &rs->lanes[i];

        pthread_mutex_lock(&l->lock);
        if (seq > l->applied) l->applied = seq;
        sort_early(l);
        if (l->ready.first != NULL) pthread_cond_signal(&l->more);
        pthread_mutex_unlock(&l->lock);
    }
}

/* One at a time: done may ask again. What is answered meanwhile is left for the next turn. */
void archive_readers_turn(struct archive_readers *rs)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &rs->lanes[i];
        struct queue answered;
        struct archive_job *j;

        pthread_mutex_lock(&l->lock);
        if (l->early.first != NULL && l->n_waiting >= ARCHIVE_JOBS_MAX / 2) {
            sort_early(l);
            pthread_cond_signal(&l->more);
        }
        answered = l->answered;
        if (answered.first == NULL) answered.end = &answered.first;
        queue_init(&l->answered);
        pthread_mutex_unlock(&l->lock);
        while ((j = queue_take(&answered)) != NULL) j->done(j);
    }
}

void archive_readers_pause(struct archive_readers *rs, bool on)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &rs->lanes[i];

        pthread_mutex_lock(&l->lock);
        l->paused = on;
        pthread_cond_signal(&l->more);
        pthread_mutex_unlock(&l->lock);
    }
}

size_t archive_readers_bytes(const struct archive_readers *rs)
{
    size_t sum = 0;

    for (int i = 0; rs != NULL && i < LANES; i++) {
        const struct archive_reader *r = rs->lanes[i].reader; /* NULL while it is closed */
        int64_t taken = r != NULL ? atomic_load_explicit(&r->taken, memory_order_relaxed) : 0;

        if (taken > 0) sum += (size_t)taken;
    }
    return sum;
}

size_t archive_readers_cached(const struct archive_readers *rs)
{
    size_t sum = 0;

    for (int i = 0; rs != NULL && i < LANES && MEM_COUNTS_LIBRARIES; i++) {
        const struct archive_reader *r = rs->lanes[i].reader;

        if (r != NULL) sum += (size_t)atomic_load_explicit(&r->cached, memory_order_relaxed);
    }
    return sum;
}

void archive_readers_info(const struct archive_readers *rs, struct archive_readers_info *out)
{
    *out = (struct archive_readers_info){ 0 };
    for (int i = 0; i < LANES; i++) {
        struct lane *l = (struct lane *)&rs->lanes[i]; /* its lock is not part of what is asked */

        pthread_mutex_lock(&l->lock);
        out->asked += l->n_asked;
        out->failed += l->n_failed;
        out->refused += l->n_refused;
        out->waiting += l->n_waiting;
        pthread_mutex_unlock(&l->lock);
    }
}
