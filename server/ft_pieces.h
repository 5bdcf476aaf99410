/* ft_pieces.h -- rows of a reply that are written before it is sent.
 *
 * They are written one at a time, in slices, and those whose documents are gone by the time of the reply stay out of it. They lie in
 * buffers of no great size, which the client then takes as they are (reply_take): neither does a buffer of many megabytes grow, nor is
 * one copied, in one turn. */
#ifndef MEMD_SERVER_FT_PIECES_H
#define MEMD_SERVER_FT_PIECES_H

#include "protocol/reply.h"
#include "search/index.h"

struct row_end {
    uint32_t doc;    /* UINT32_MAX: a row of none, which stays */
    uint32_t end;    /* in bytes of its piece */
};

struct ft_piece {
    struct buf bytes;
    struct row_end *ends;
    size_t n, room;
};

/* All zero: no rows. */
struct ft_pieces {
    struct ft_piece *items;
    size_t n, room;
    size_t rows;     /* all that were written */
    size_t memory;   /* of all pieces but the last */
    uint64_t departed; /* index_departed before the first row */
    bool failed;     /* there was no memory: what is here is not to be used */
};

void ft_pieces_fini(struct ft_pieces *p);

/* The buffer for the next row of ix. What is in it already is another's. */
struct buf *ft_pieces_room(struct ft_pieces *p, const struct search_index *ix);
/* The same buffer again, for what goes on with a row that has been begun. */
struct buf *ft_pieces_going_on(struct ft_pieces *p);

/* What has been written since ft_pieces_room is the row of a document (UINT32_MAX: of none). */
void ft_pieces_row(struct ft_pieces *p, uint32_t doc);

/* Take out rows whose documents are gone by now; how many are left. Then hand them over, once. */
size_t ft_pieces_settle(struct ft_pieces *p, const struct search_index *ix);
void ft_pieces_reply(struct ft_pieces *p, struct reply *out, struct reply_pieces *pieces);

size_t ft_pieces_memory(const struct ft_pieces *p);

#endif
