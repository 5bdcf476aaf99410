/* due.c -- see due.h. */
#include "storage/due.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "storage/entry.h"

enum { ARY = 4, FIRST_CAP = 4 };

/* 40 bits of position: clock holds the low 24, ns the high 16. */
size_t due_place(const struct entry *e)
{
    return (size_t)e->clock[0] | (size_t)e->clock[1] << 8 | (size_t)e->clock[2] << 16 |
           (size_t)e->ns << 24;
}

static void put(struct due_heap *h, size_t i, struct due d)
{
    h->heap[i] = d;
    d.e->clock[0] = (uint8_t)i;
    d.e->clock[1] = (uint8_t)(i >> 8);
    d.e->clock[2] = (uint8_t)(i >> 16);
    d.e->ns = (uint16_t)(i >> 24);
}

/* Place d at the hole i or above it. */
static void rise(struct due_heap *h, size_t i, struct due d)
{
    while (i > 0) {
        size_t up = (i - 1) / ARY;
        if (h->heap[up].at_ms <= d.at_ms) break;
        put(h, i, h->heap[up]);
        i = up;
    }
    put(h, i, d);
}

/* Place d at the hole i or below it. */
static void sink(struct due_heap *h, size_t i, struct due d)
{
    for (;;) {
        size_t kid = i * ARY + 1, least = kid;
        if (kid >= h->n) break;
        for (size_t k = kid + 1; k < kid + ARY && k < h->n; k++)
            if (h->heap[k].at_ms < h->heap[least].at_ms) least = k;
        if (h->heap[least].at_ms >= d.at_ms) break;
        put(h, i, h->heap[least]);
        i = least;
    }
    put(h, i, d);
}

static void settle(struct due_heap *h, size_t i, struct due d)
{
    if (i > 0 && h->heap[(i - 1) / ARY].at_ms > d.at_ms)
        rise(h, i, d);
    else
        sink(h, i, d);
}

void due_add(struct due_heap *h, struct entry *e, int64_t at_ms)
{
    if (h->n == h->cap) {
        h->cap = h->cap > 0 ? h->cap * 2 : FIRST_CAP;
        h->heap = mem_realloc(h->heap, h->cap * sizeof h->heap[0]);
    }
    rise(h, h->n++, (struct due){ at_ms, e });
}

void due_change(struct due_heap *h, struct entry *e, int64_t at_ms)
{
    size_t i = due_place(e);

    ensure(i < h->n && h->heap[i].e == e);
    settle(h, i, (struct due){ at_ms, e });
}

static void shrink(struct due_heap *h)
{
    if (h->n == 0) {
        due_fini(h);
        return;
    }
    if (h->cap <= FIRST_CAP || h->n > h->cap / 4) return;
    h->cap /= 2;
    h->heap = mem_realloc(h->heap, h->cap * sizeof h->heap[0]);
}

void due_remove(struct due_heap *h, struct entry *e)
{
    size_t i = due_place(e);

    ensure(i < h->n && h->heap[i].e == e);
    h->n--;
    if (i < h->n) settle(h, i, h->heap[h->n]);
    shrink(h);
}

void due_moved(struct due_heap *h, size_t i, struct entry *e)
{
    ensure(i < h->n);
    put(h, i, (struct due){ h->heap[i].at_ms, e });
}

void due_fini(struct due_heap *h)
{
    mem_free(h->heap);
    *h = (struct due_heap){ 0 };
}

void due_check(const struct due_heap *h)
{
    ensure(h->n <= h->cap);
    for (size_t i = 0; i < h->n; i++) {
        ensure(due_place(h->heap[i].e) == i);
        ensure(entry_expire_at(h->heap[i].e) == h->heap[i].at_ms);
        ensure(i == 0 || h->heap[(i - 1) / ARY].at_ms <= h->heap[i].at_ms);
    }
}
