/* ft_pieces.c -- see ft_pieces.h. */
#include "server/ft_pieces.h"

#include "base/mem.h"

enum { PIECE = 128 * 1024 }; /* one that has so much gets no more rows */

void ft_pieces_fini(struct ft_pieces *p)
{
    for (size_t i = 0; i < p->n; i++) {
        buf_fini(&p->items[i].bytes);
        mem_free(p->items[i].ends);
    }
    mem_free(p->items);
    *p = (struct ft_pieces){ 0 };
}

static size_t memory_of(const struct ft_piece *piece)
{
    return piece->bytes.cap + piece->room * sizeof *piece->ends;
}

static void add_piece(struct ft_pieces *p)
{
    if (p->n > 0) p->memory += memory_of(&p->items[p->n - 1]);
    if (p->n == p->room) {
        p->room = p->room > 0 ? 2 * p->room : 4;
        p->items = mem_realloc(p->items, p->room * sizeof *p->items);
    }
    p->items[p->n++] = (struct ft_piece){ .bytes.may_fail = true };
}

struct buf *ft_pieces_room(struct ft_pieces *p, const struct search_index *ix)
{
    if (p->n == 0) p->departed = index_departed(ix);
    if (p->n == 0 || p->items[p->n - 1].bytes.n >= PIECE) add_piece(p);
    return &p->items[p->n - 1].bytes;
}

struct buf *ft_pieces_going_on(struct ft_pieces *p)
{
    return &p->items[p->n - 1].bytes;
}

void ft_pieces_row(struct ft_pieces *p, uint32_t doc)
{
    struct ft_piece *piece = &p->items[p->n - 1];

    if (piece->bytes.failed || piece->bytes.n > UINT32_MAX) {
        p->failed = true;
        return;
    }
    if (piece->n == piece->room) {
        piece->room = piece->room > 0 ? 2 * piece->room : 16;
        piece->ends = mem_realloc(piece->ends, piece->room * sizeof *piece->ends);
    }
    piece->ends[piece->n++] = (struct row_end){ doc, (uint32_t)piece->bytes.n };
    p->rows++;
}

/* Rows that stay move over those that do not. How many do. */
static size_t drop_gone(struct ft_piece *piece, const struct search_index *ix)
{
    size_t from = 0, to = 0, n = 0;

    for (size_t k = 0; k < piece->n; k++) {
        struct row_end row = piece->ends[k];

        if (row.doc == UINT32_MAX || index_alive(ix, row.doc)) {
            if (to < from) memmove(piece->bytes.p + to, piece->bytes.p + from, row.end - from);
            to += row.end - from;
            piece->ends[n++] = (struct row_end){ row.doc, (uint32_t)to };
        }
        from = row.end;
    }
    piece->bytes.n = to;
    piece->n = n;
    return n;
}

size_t ft_pieces_settle(struct ft_pieces *p, const struct search_index *ix)
{
    if (p->departed == index_departed(ix)) return p->rows;
    p->rows = 0;
    for (size_t i = 0; i < p->n; i++) p->rows += drop_gone(&p->items[i], ix);
    return p->rows;
}

void ft_pieces_reply(struct ft_pieces *p, struct reply *out, struct reply_pieces *pieces)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i].bytes.n > 0) reply_take(out, pieces, &p->items[i].bytes);
}

size_t ft_pieces_memory(const struct ft_pieces *p)
{
    return p->memory + p->room * sizeof *p->items + (p->n > 0 ? memory_of(&p->items[p->n - 1]) : 0);
}
