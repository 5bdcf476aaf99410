/* worker.c -- one thread and its queue. */
#include "persistence/worker.h"

#include "base/mem.h"
#include "base/thread.h"

struct job {
    struct job *next;
    void (*fn)(void *arg);
    void *arg;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more, rest;
    struct job *first, **end;
    bool busy, stop;
};

static void *run(void *arg)
{
    struct worker *w = arg;

    mem_thread_enter();
    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct job *j = w->first;

        if (!j && w->stop) break;
        if (!j) {
            pthread_cond_wait(&w->more, &w->lock);
            continue;
        }
        w->first = j->next;
        if (!w->first) w->end = &w->first;
        w->busy = true;
        pthread_mutex_unlock(&w->lock);
        j->fn(j->arg);
        mem_free(j);
        pthread_mutex_lock(&w->lock);
        w->busy = false;
        pthread_cond_signal(&w->rest);
    }
    pthread_mutex_unlock(&w->lock);
    mem_thread_leave();
    return NULL;
}

static void destroy(struct worker *w)
{
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->more);
    pthread_cond_destroy(&w->rest);
    mem_free(w);
}

struct worker *worker_new(int *error)
{
    struct worker *w = mem_zalloc(sizeof *w);

    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    thread_cond_init(&w->rest);
    *error = thread_start(&w->thread, "memd-save", run, w);
    if (*error == 0) return w;
    destroy(w);
    return NULL;
}

void worker_do(struct worker *w, void (*fn)(void *arg), void *arg)
{
    struct job *j = mem_alloc(sizeof *j);

    *j = (struct job){ .fn = fn, .arg = arg };
    pthread_mutex_lock(&w->lock);
    *w->end = j;
    w->end = &j->next;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

static void give_way(void *arg)
{
    (void)arg;
    thread_give_way();
}

void worker_give_way(struct worker *w)
{
    worker_do(w, give_way, NULL);
}

void worker_drain(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->first || w->busy) pthread_cond_wait(&w->rest, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

bool worker_rests_within(struct worker *w, int ms)
{
    bool rests;

    pthread_mutex_lock(&w->lock);
    while ((w->first || w->busy) && thread_cond_wait(&w->rest, &w->lock, ms * 1000LL)) { }
    rests = !w->first && !w->busy;
    pthread_mutex_unlock(&w->lock);
    return rests;
}

void worker_free(struct worker **w)
{
    if (!*w) return;
    pthread_mutex_lock(&(*w)->lock);
    (*w)->stop = true;
    pthread_cond_signal(&(*w)->more);
    pthread_mutex_unlock(&(*w)->lock);
    pthread_join((*w)->thread, NULL);
    destroy(*w);
    *w = NULL;
}
