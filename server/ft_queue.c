/* ft_queue.c -- see ft_queue.h. */
#include "server/ft_queue.h"

#include "base/ensure.h"
#include "base/mem.h"

enum { FEW = 64, KEEP = 4096 };

void ft_queue_fini(struct ft_queue *q)
{
    buf_fini(&q->bytes);
    mem_free(q->keys);
    mem_free(q->slots);
    *q = (struct ft_queue){ 0 };
}

/* A few keys in a table that was larger once: all of it would pass through the cache at each turn. A key lies in the run of used
 * slots from its own on, and of a run only the end is ever free already. */
static void free_slots(struct ft_queue *q)
{
    if (q->n > q->n_slots / 32) {
        memset(q->slots, 0, q->n_slots * sizeof *q->slots);
        return;
    }
    for (size_t i = 0; i < q->n; i++)
        for (size_t at = q->keys[i].hash & (q->n_slots - 1); q->slots[at]; at = (at + 1) & (q->n_slots - 1)) q->slots[at] = 0;
}

/* All have been taken. What a storm of changes needed is given back. */
void ft_queue_clear(struct ft_queue *q)
{
    if (q->cap > KEEP || q->bytes.cap > KEEP * 64) {
        ft_queue_fini(q);
        return;
    }
    free_slots(q);
    q->n = q->next = 0;
    buf_clear(&q->bytes);
}

static struct str key_of(const struct ft_queue *q, const struct ft_waiting *w)
{
    return str_of(q->bytes.p + w->at, w->n);
}

static void put_slot(struct ft_queue *q, size_t i)
{
    size_t at = q->keys[i].hash & (q->n_slots - 1);

    while (q->slots[at]) at = (at + 1) & (q->n_slots - 1);
    q->slots[at] = (uint32_t)i + 1;
}

/* What has been taken is left out. */
static void grow(struct ft_queue *q)
{
    q->cap = q->cap ? 2 * q->cap : FEW;
    q->keys = mem_realloc(q->keys, q->cap * sizeof *q->keys);
    q->n_slots = 2 * q->cap;
    mem_free(q->slots);
    q->slots = mem_zalloc(q->n_slots * sizeof *q->slots);
    for (size_t i = q->next; i < q->n; i++) put_slot(q, i);
}

static bool is_waiting(const struct ft_queue *q, struct str key, uint64_t hash)
{
    for (size_t at = hash & (q->n_slots - 1); q->slots[at]; at = (at + 1) & (q->n_slots - 1)) {
        size_t i = q->slots[at] - 1;

        if (i >= q->next && q->keys[i].hash == hash && str_eq(key_of(q, &q->keys[i]), key)) return true;
    }
    return false;
}

void ft_queue_add(struct ft_queue *q, struct str key, uint64_t hash)
{
    if (q->n == q->cap) grow(q);
    if (is_waiting(q, key, hash)) return;
    q->keys[q->n] = (struct ft_waiting){ hash, (uint32_t)q->bytes.n, (uint32_t)key.n };
    buf_add_str(&q->bytes, key);
    put_slot(q, q->n++);
}

bool ft_queue_take(struct ft_queue *q, struct str *key, uint64_t *hash)
{
    if (q->next == q->n) return false;
    *hash = q->keys[q->next].hash;
    *key = key_of(q, &q->keys[q->next++]);
    return true;
}

void ft_queue_put_back(struct ft_queue *q, size_t n)
{
    ensure(n <= q->next);
    q->next -= n;
}

size_t ft_queue_bytes(const struct ft_queue *q)
{
    return q->bytes.cap + q->cap * sizeof *q->keys + q->n_slots * sizeof *q->slots;
}
