/* ft_queue.h -- keys that changed and wait to be indexed: in the order in which they came, each once. */
#ifndef MEMD_SERVER_FT_QUEUE_H
#define MEMD_SERVER_FT_QUEUE_H

#include <stdint.h>

#include "base/buf.h"

struct ft_waiting {
    uint64_t hash;
    uint32_t at, n; /* where its bytes are */
};

/* A zeroed one is empty. */
struct ft_queue {
    struct buf bytes;
    struct ft_waiting *keys;
    size_t n, cap, next; /* next: of those that wait the first */
    uint32_t *slots;     /* open addressing: number + 1 of a key */
    size_t n_slots;
};

void ft_queue_fini(struct ft_queue *q);

/* hash: any that is the same for the same key; given back with it. */
void ft_queue_add(struct ft_queue *q, struct str key, uint64_t hash);

/* How many wait. */
static inline size_t ft_queue_count(const struct ft_queue *q)
{
    return q->n - q->next;
}

/* Take the first; false: none waits. *key is good until the next addition. */
bool ft_queue_take(struct ft_queue *q, struct str *key, uint64_t *hash);

/* The last n that were taken wait again, before all others; one of them that was added meanwhile waits twice. */
void ft_queue_put_back(struct ft_queue *q, size_t n);

void ft_queue_clear(struct ft_queue *q);
size_t ft_queue_bytes(const struct ft_queue *q);

#endif
