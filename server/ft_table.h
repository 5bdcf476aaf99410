/* ft_table.h -- the rows of an aggregation as a reply: FT.AGGREGATE, FT.HYBRID and FT.CURSOR. */
#ifndef MEMD_SERVER_FT_TABLE_H
#define MEMD_SERVER_FT_TABLE_H

#include "protocol/reply.h"
#include "search/aggregate.h"
#include "search/index.h"
#include "server/ft_pieces.h"

enum { FT_TABLE_BYTES = 1024 * 1024, FT_TABLE_ROWS = 4096 };

struct ft_table {
    const struct aggregate *g;
    /* Keys of the documents that its rows are of, where documents may have gone since; NULL: all rows are there. */
    const struct str *keys;
    const struct search_index *ix;
};

/* Up to max rows (no more than FT_TABLE_ROWS, and about FT_TABLE_BYTES) from *at on, which moves behind them: RESP2 [total, [name,
 * value ...] ...], RESP3 a map with total_results, results and a warning (NULL: none). */
void ft_table_reply(const struct ft_table *t, struct reply *out, size_t *at, size_t max, const char *warning);

/* The same of all rows, in two parts: write rows from *at on until deadline (monotonic us; true: all are written), and then the reply
 * of those whose documents are still there. */
struct ft_table_at {
    size_t row, column, item; /* of a list: TOLIST's may be long */
    bool within;              /* the row has been begun */
};
bool ft_table_write(const struct ft_table *t, struct ft_pieces *rows, int resp, struct ft_table_at *at, int64_t deadline_us);
void ft_table_reply_written(const struct ft_table *t, struct ft_pieces *rows, struct reply *out, struct reply_pieces *pieces,
                            const char *warning);

/* What stands before the results in RESP3, and behind them (warning NULL: none). */
void ft_results_begin(struct reply *out, bool expand);
void ft_results_end(struct reply *out, int64_t total, const char *warning);

/* One row: its columns that have a value. */
void ft_table_row(const struct ft_table *t, struct reply *out, size_t i);

#endif
