/* pages.h -- an array that grows without being moved: pages of 512 items, so that no step of its growth takes long.
 *
 * A zeroed struct with `item` set is empty. Items are at pages_at, below what pages_reach was asked for. */
#ifndef MEMD_SEARCH_PAGES_H
#define MEMD_SEARCH_PAGES_H

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { PAGE_ITEMS = 512 };

struct pages {
    char **page;
    size_t n, cap; /* pages */
    size_t item;   /* bytes of an item */
};

static inline void *pages_at(const struct pages *p, size_t i)
{
    return p->page[i / PAGE_ITEMS] + i % PAGE_ITEMS * p->item;
}

/* Items below n are there; new ones are filled with `fill` bytes. */
static inline void pages_reach(struct pages *p, size_t n, unsigned char fill)
{
    while (p->n * PAGE_ITEMS < n) {
        if (p->n == p->cap) {
            p->cap = p->cap == 0 ? 8 : p->cap * 2;
            p->page = mem_realloc(p->page, p->cap * sizeof *p->page);
        }
        p->page[p->n] = mem_alloc(PAGE_ITEMS * p->item);
        memset(p->page[p->n++], fill, PAGE_ITEMS * p->item);
    }
}

static inline void pages_fini(struct pages *p)
{
    for (size_t i = 0; i < p->n; i++) mem_free(p->page[i]);
    mem_free(p->page);
    p->page = NULL;
    p->n = p->cap = 0;
}

static inline size_t pages_memory(const struct pages *p)
{
    return p->n * mem_good_size(PAGE_ITEMS * p->item) + (p->cap == 0 ? 0 : mem_good_size(p->cap * sizeof *p->page));
}

#endif
