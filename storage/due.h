/* due.h -- which entries of one large hash are due first.
 *
 * A 4-ary heap of (time, entry) that knows where each entry lies: an entry that is in a heap
 * carries its position in the header bytes that a field needs for nothing else (clock and ns), so a
 * TTL that is extended, shortened or removed costs a few moves within the heap and leaves nothing
 * stale behind. 16 bytes a field that has a TTL, the others cost nothing.
 *
 * The wheel of a shard is no choice here: it takes 10 KB before its first record and cannot say
 * when the next one is due. */
#ifndef MEMD_STORAGE_DUE_H
#define MEMD_STORAGE_DUE_H

#include <stddef.h>
#include <stdint.h>

struct entry;

struct due {
    int64_t at_ms;
    struct entry *e;
};

/* Zeroed: empty. */
struct due_heap {
    struct due *heap;
    size_t n, cap;
};

void due_fini(struct due_heap *h);

/* Add e, which is not in the heap; its TTL is given, not read. */
void due_add(struct due_heap *h, struct entry *e, int64_t at_ms);

/* e, which is in the heap, is due at another time. */
void due_change(struct due_heap *h, struct entry *e, int64_t at_ms);

/* Take e, which is in the heap, out. */
void due_remove(struct due_heap *h, struct entry *e);

/* The entry at position i (from due_place, before it moved) has become e. */
size_t due_place(const struct entry *e);
void due_moved(struct due_heap *h, size_t i, struct entry *e);

/* The first entry and its time; NULL, INT64_MAX for an empty heap. */
static inline struct entry *due_first(const struct due_heap *h)
{
    return h->n > 0 ? h->heap[0].e : NULL;
}

static inline int64_t due_first_at(const struct due_heap *h)
{
    return h->n > 0 ? h->heap[0].at_ms : INT64_MAX;
}

void due_check(const struct due_heap *h);

#endif
