/* ft_table.h -- the rows of an aggregation as a reply: FT.AGGREGATE, FT.HYBRID and FT.CURSOR. */
#ifndef MEMD_SERVER_FT_TABLE_H
#define MEMD_SERVER_FT_TABLE_H

#include "protocol/reply.h"
#include "search/aggregate.h"
#include "search/index.h"

struct ft_table {
    const struct aggregate *g;
    /* Keys of the documents that its rows are of, where documents may have gone since; NULL: all rows are there. */
    const struct str *keys;
    const struct search_index *ix;
};

/* Up to max rows from *at on, which moves behind them: RESP2 [total, [name, value ...] ...], RESP3 a map with total_results, results
 * and a warning (NULL: none). */
void ft_table_reply(const struct ft_table *t, struct reply *out, size_t *at, size_t max, const char *warning);

/* One row: its columns that have a value. */
void ft_table_row(const struct ft_table *t, struct reply *out, size_t i);

#endif
