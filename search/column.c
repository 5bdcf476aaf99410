/* column.c -- see column.h. */
#include "search/column.h"

#include "base/mem.h"

enum { FIRST_PAGES = 4 };

void column_init(struct column *c, uint64_t empty)
{
    *c = (struct column){ .empty = empty };
}

void column_fini(struct column *c)
{
    for (uint32_t i = 0; i < c->n_pages; i++) mem_free(c->pages[i]);
    mem_free(c->pages);
    *c = (struct column){ .empty = c->empty };
}

static void reach(struct column *c, uint32_t page)
{
    uint32_t n = c->n_pages ? c->n_pages : FIRST_PAGES;

    while (n <= page) n *= 2;
    c->pages = mem_realloc(c->pages, n * sizeof *c->pages);
    for (uint32_t i = c->n_pages; i < n; i++) c->pages[i] = NULL;
    c->bytes += (n - c->n_pages) * sizeof *c->pages;
    c->n_pages = n;
}

static void grow_first(struct column *c, uint32_t doc)
{
    uint32_t n = c->n_first ? c->n_first : COLUMN_FEW;

    while (n <= doc) n *= 2;
    c->pages[0] = mem_realloc(c->pages[0], n * sizeof(uint64_t));
    for (uint32_t i = c->n_first; i < n; i++) c->pages[0][i] = c->empty;
    c->bytes += (n - c->n_first) * sizeof(uint64_t);
    c->n_first = n;
}

void column_set_new(struct column *c, uint32_t doc, uint64_t v)
{
    uint32_t page = doc / COLUMN_PAGE;

    if (page >= c->n_pages) {
        if (v == c->empty) return;
        reach(c, page);
    }
    if (page == 0 && doc >= c->n_first) {
        if (v == c->empty) return;
        grow_first(c, doc);
    } else if (c->pages[page] == NULL) {
        if (v == c->empty) return;
        c->pages[page] = mem_alloc(COLUMN_PAGE * sizeof(uint64_t));
        for (int i = 0; i < COLUMN_PAGE; i++) c->pages[page][i] = c->empty;
        c->bytes += COLUMN_PAGE * sizeof(uint64_t);
    }
    c->pages[page][doc % COLUMN_PAGE] = v;
}
