/* pages.h -- an array that grows without being moved: pages of 512 items, so that no step of its growth takes long.
 *
 * Only the first page is moved while it grows to its size, so that what is small takes little: pointers to items hold until
 * pages_reach. A zeroed struct with `item` set is empty. Items are at pages_at, below what pages_reach was asked for. */
#ifndef MEMD_SEARCH_PAGES_H
#define MEMD_SEARCH_PAGES_H

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { PAGE_ITEMS = 512, PAGE_FIRST_ITEMS = 16 };

struct pages {
    char **page;
    size_t n, cap;   /* pages */
    size_t items;    /* that there is room for: fewer than a page has, or whole pages */
    size_t item;     /* bytes of an item */
};

static inline void *pages_at(const struct pages *p, size_t i)
{
    return p->page[i / PAGE_ITEMS] + i % PAGE_ITEMS * p->item;
}

/* Room for one step more. */
static inline void pages_grow(struct pages *p, unsigned char fill)
{
    size_t has = p->items < PAGE_ITEMS ? p->items : 0; /* of the page that grows */
    size_t gets = p->items >= PAGE_ITEMS ? PAGE_ITEMS : has > 0 ? has * 2 : PAGE_FIRST_ITEMS;

    if (has == 0 && p->n == p->cap) {
        p->cap = p->cap == 0 ? 1 : p->cap * 2;
        p->page = mem_realloc(p->page, p->cap * sizeof *p->page);
    }
    if (has == 0) p->page[p->n++] = NULL;
    p->page[p->n - 1] = mem_realloc(p->page[p->n - 1], gets * p->item);
    memset(p->page[p->n - 1] + has * p->item, fill, (gets - has) * p->item);
    p->items += gets - has;
}

/* Items below n are there; new ones are filled with `fill` bytes. */
static inline void pages_reach(struct pages *p, size_t n, unsigned char fill)
{
    while (p->items < n) pages_grow(p, fill);
}

static inline void pages_fini(struct pages *p)
{
    for (size_t i = 0; i < p->n; i++) mem_free(p->page[i]);
    mem_free(p->page);
    *p = (struct pages){ .item = p->item };
}

static inline size_t pages_memory(const struct pages *p)
{
    size_t each = p->items < PAGE_ITEMS ? p->items : PAGE_ITEMS;

    return p->n == 0 ? 0 : p->n * mem_good_size(each * p->item) + mem_good_size(p->cap * sizeof *p->page);
}

#endif
