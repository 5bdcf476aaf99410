/* lazy.h -- a thread that frees what is too large to free between two requests. */
#ifndef MEMD_SERVER_LAZY_H
#define MEMD_SERVER_LAZY_H

#include <stddef.h>

struct lazy;

/* NULL: *error says why there is no thread to be had (thread_why). */
struct lazy *lazy_new(int *error);

/* Waits until everything queued is freed. */
void lazy_free(struct lazy **l);

/* Run fn(arg) on the thread: the form of store->defer. */
void lazy_defer(void *lazy, void (*fn)(void *arg), void *arg);

/* The same for something of so many bytes. lazy_bytes: of all such that are not freed yet; they are as good as free, and
 * nothing has to make room for them. */
void lazy_defer_bytes(struct lazy *l, void (*fn)(void *arg), void *arg, size_t bytes);
size_t lazy_bytes(const struct lazy *l);

/* Jobs queued and not yet done. */
unsigned long lazy_pending(const struct lazy *l);

#endif
