/* lazy.h -- a thread that frees what is too large to free between two requests. */
#ifndef MEMD_SERVER_LAZY_H
#define MEMD_SERVER_LAZY_H

struct lazy;

/* NULL: *error says why there is no thread to be had (thread_why). */
struct lazy *lazy_new(int *error);

/* Waits until everything queued is freed. */
void lazy_free(struct lazy **l);

/* Run fn(arg) on the thread: the form of store->defer. */
void lazy_defer(void *lazy, void (*fn)(void *arg), void *arg);

/* Jobs queued and not yet done. */
unsigned long lazy_pending(const struct lazy *l);

#endif
