/* worker.c -- one thread and its queue. */
#include "persistence/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "base/ensure.h"
#include "base/mem.h"

struct job {
    struct job *next;
    void (*fn)(void *arg);
    void *arg;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *first, **end;
    bool stop;
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
        pthread_mutex_unlock(&w->lock);
        j->fn(j->arg);
        mem_free(j);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    mem_thread_leave();
    return NULL;
}

struct worker *worker_new(void)
{
    struct worker *w = mem_zalloc(sizeof *w);
    sigset_t all, was;

    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was); /* signals are the reactor's */
    ensure(pthread_create(&w->thread, NULL, run, w) == 0);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return w;
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

void worker_free(struct worker **w)
{
    if (!*w) return;
    pthread_mutex_lock(&(*w)->lock);
    (*w)->stop = true;
    pthread_cond_signal(&(*w)->more);
    pthread_mutex_unlock(&(*w)->lock);
    pthread_join((*w)->thread, NULL);
    pthread_mutex_destroy(&(*w)->lock);
    pthread_cond_destroy(&(*w)->more);
    mem_free(*w);
    *w = NULL;
}
