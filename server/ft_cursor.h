/* ft_cursor.h -- what is left of an aggregation's rows, to be read bit by bit: WITHCURSOR and FT.CURSOR.
 *
 * All rows are computed when the aggregation runs; a cursor holds those that were not sent. It is closed when it has been read to
 * its end, by FT.CURSOR DEL, when nobody reads for its idle time, and with its index. Rows whose documents have gone since are not
 * handed out. */
#ifndef MEMD_SERVER_FT_CURSOR_H
#define MEMD_SERVER_FT_CURSOR_H

#include "server/ft_table.h"
#include "server/server.h"

struct ft_cursors;
struct ft_cursors *ft_cursors_new(struct server *s);
void ft_cursors_free(struct ft_cursors **cs);

enum { FT_CURSOR_COUNT = 1000 }; /* rows at once, where nothing else is said */

struct ft_cursor_plan {
    uint64_t count;        /* rows a read */
    int64_t max_idle_ms;
};

/* The keys of the documents that rows are of: docids are given to others once the index is released. Zeroed: none yet. Noted in
 * slices, while the index is held; true: all of them are. */
struct ft_cursor_keys {
    struct arena arena;
    struct str *keys;
    size_t n, bytes;
};
bool ft_cursor_note(struct ft_cursor_keys *k, const struct aggregate *g, const struct search_index *ix, int64_t deadline_us);
void ft_cursor_keys_fini(struct ft_cursor_keys *k);

/* A cursor over *g from row `at` on; it takes *g and *keys, which have been noted. Its number; 0: there is no room, and *error has the
 * reply's text. */
uint64_t ft_cursor_open(struct ft_cursors *cs, struct search_index *ix, struct aggregate **g, struct ft_cursor_keys *keys, size_t at,
                        const struct ft_cursor_plan *plan, struct buf *error);

/* From time to time: close what is idle, or of an index that is gone. */
void ft_cursors_tend(struct server *s);

size_t ft_cursors_bytes(const struct ft_cursors *cs);

/* How many are open; of one index, or (NULL) of all. */
size_t ft_cursors_count(const struct ft_cursors *cs, const struct search_index *ix);

#endif
