/* lazy.c -- see lazy.h. One thread, one queue under a mutex: jobs are few and large. */
#include "server/lazy.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/thread.h"

struct job {
    struct job *next;
    void (*fn)(void *arg);
    void *arg;
    size_t bytes;
};

struct lazy {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *first, **last;
    atomic_ulong pending;
    atomic_size_t bytes;
    bool stop;
};

static struct job *take(struct lazy *l)
{
    struct job *j;

    pthread_mutex_lock(&l->lock);
    while (l->first == NULL && !l->stop) pthread_cond_wait(&l->more, &l->lock);
    j = l->first;
    if (j) {
        l->first = j->next;
        if (l->first == NULL) l->last = &l->first;
    }
    pthread_mutex_unlock(&l->lock);
    return j;
}

static void *work(void *arg)
{
    struct lazy *l = arg;
    struct job *j;

    mem_thread_enter();
    while ((j = take(l)) != NULL) {
        j->fn(j->arg);
        atomic_fetch_sub(&l->bytes, j->bytes);
        mem_free(j);
        atomic_fetch_sub(&l->pending, 1);
    }
    mem_thread_leave();
    return NULL;
}

static void destroy(struct lazy *l)
{
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->more);
    mem_free(l);
}

struct lazy *lazy_new(int *error)
{
    struct lazy *l = mem_zalloc(sizeof *l);

    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->more, NULL);
    l->last = &l->first;
    *error = thread_start(&l->thread, "memd-free", work, l);
    if (*error == 0) return l;
    destroy(l);
    return NULL;
}

void lazy_defer(void *lazy, void (*fn)(void *arg), void *arg)
{
    lazy_defer_bytes(lazy, fn, arg, 0);
}

void lazy_defer_bytes(struct lazy *l, void (*fn)(void *arg), void *arg, size_t bytes)
{
    struct job *j = mem_alloc(sizeof *j);

    *j = (struct job){ NULL, fn, arg, bytes };
    atomic_fetch_add(&l->bytes, bytes);
    atomic_fetch_add(&l->pending, 1);
    pthread_mutex_lock(&l->lock);
    *l->last = j;
    l->last = &j->next;
    pthread_cond_signal(&l->more);
    pthread_mutex_unlock(&l->lock);
}

unsigned long lazy_pending(const struct lazy *l)
{
    return atomic_load(&((struct lazy *)(void *)l)->pending);
}

size_t lazy_bytes(const struct lazy *l)
{
    return atomic_load_explicit(&((struct lazy *)(void *)l)->bytes, memory_order_relaxed);
}

void lazy_free(struct lazy **l)
{
    if (*l == NULL) return;
    pthread_mutex_lock(&(*l)->lock);
    (*l)->stop = true;
    pthread_cond_signal(&(*l)->more);
    pthread_mutex_unlock(&(*l)->lock);
    pthread_join((*l)->thread, NULL);
    destroy(*l);
    *l = NULL;
}
