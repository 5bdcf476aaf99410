/* ft_rows.h -- the rows of FT.SEARCH's reply, written one at a time.
 *
 * A row is written when its turn comes, and stays out of the reply when its document is gone by the time that the reply is
 * sent (ft_pieces.h). */
#ifndef MEMD_SERVER_FT_ROWS_H
#define MEMD_SERVER_FT_ROWS_H

#include "protocol/reply.h"
#include "search/highlight.h"
#include "search/run.h"
#include "search/topk.h"
#include "server/ft_ask.h"
#include "server/ft_pieces.h"

struct ft_rows {
    const struct ft_ask *ask;
    struct search_index *ix;
    const struct run *run;
    const struct doc_reader *reader;
    const struct field_spec *sort_field; /* SORTBY a field of the index; NULL: not */
    struct highlighter *highlighter;     /* NULL: nothing is to be marked */
    int resp;
    struct ft_pieces pieces;
    uint32_t n_gone;  /* documents whose key was gone when their row was to be written */
    struct buf scratch, marked;
};

/* The words of the tree, which the result borrows from the tree and from a, as something that finds them in texts; NULL: the index has
 * no words. */
struct highlighter *ft_words_of(const struct search_index *ix, const struct query_node *tree, struct str language, struct arena *a);

/* What HIGHLIGHT and SUMMARIZE look for: the words of the tree, which lives in the arena of the rows' ask. */
void ft_rows_mark(struct ft_rows *r, const struct query_node *tree);

void ft_rows_fini(struct ft_rows *r);

/* The row of a document. */
void ft_rows_add(struct ft_rows *r, const struct ranked *ranked);

/* Elements of the reply that a row is in RESP2. */
size_t ft_rows_parts(const struct ft_ask *ask);

size_t ft_rows_memory(const struct ft_rows *r);

/* A number as FT.* writes it among fields. */
struct str ft_number(char out[32], double v);

#endif
