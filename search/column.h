/* column.h -- a cell of eight bytes for each docid.
 *
 * Cells lie in pages, so that nothing is moved when there are more documents, and pages that nobody wrote to are not there. The
 * first one is as large as it has to be: indexes of a few documents are small. */
#ifndef MEMD_SEARCH_COLUMN_H
#define MEMD_SEARCH_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COLUMN_PAGE = 1024, COLUMN_FEW = 64 };

struct column {
    uint64_t **pages;
    uint32_t n_pages; /* as many as pages has room for; NULL: all its cells are empty */
    uint32_t n_first; /* cells of the first page: COLUMN_FEW and doubled */
    uint64_t empty;   /* what a cell holds that was never written */
    size_t bytes;
};

void column_init(struct column *c, uint64_t empty);
void column_fini(struct column *c);

/* The cell, if it is there. */
static inline uint64_t *column_at(const struct column *c, uint32_t doc)
{
    uint32_t page = doc / COLUMN_PAGE;

    if (page >= c->n_pages || (page == 0 && doc >= c->n_first) || c->pages[page] == NULL) return NULL;
    return &c->pages[page][doc % COLUMN_PAGE];
}

static inline uint64_t column_get(const struct column *c, uint32_t doc)
{
    const uint64_t *at = column_at(c, doc);

    return at ? *at : c->empty;
}

/* Of a page: its cells, *n of them (a multiple of COLUMN_FEW). */
static inline const uint64_t *column_page(const struct column *c, uint32_t page, uint32_t *n)
{
    bool there = page < c->n_pages && c->pages[page];

    *n = !there ? 0 : page == 0 ? c->n_first : COLUMN_PAGE;
    return there ? c->pages[page] : NULL;
}

/* Where the cell is not there yet. */
void column_set_new(struct column *c, uint32_t doc, uint64_t v);

static inline void column_set(struct column *c, uint32_t doc, uint64_t v)
{
    uint64_t *at = column_at(c, doc);

    if (at) *at = v;
    else column_set_new(c, doc, v);
}

/* The same for cells that hold pointers or doubles. */
static inline void *column_ptr(const struct column *c, uint32_t doc)
{
    return (void *)(uintptr_t)column_get(c, doc);
}

static inline void column_set_ptr(struct column *c, uint32_t doc, const void *p)
{
    column_set(c, doc, (uint64_t)(uintptr_t)p);
}

static inline double cell_double(uint64_t v)
{
    double d;

    __builtin_memcpy(&d, &v, sizeof d);
    return d;
}

static inline uint64_t double_cell(double d)
{
    uint64_t v;

    __builtin_memcpy(&v, &d, sizeof v);
    return v;
}

#endif
