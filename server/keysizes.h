/* keysizes.h -- how large the values are: INFO keysizes, as Redis 8 tells it.
 *
 *     db0_distrib_strings_sizes:1=19,2=655,512=100899,1K=31
 *     db0_distrib_lists_items:1=578,32=3558
 *
 * For each database and type the number of values of 1, 2-3, 4-7 ... elements (bytes of a string), by the
 * smallest of each range; 0 is for empty strings. Counted by walking: the whole at once when there are few
 * keys; else in slices while somebody has asked within the last minute, and what is told is the last walk
 * that came to its end. */
#ifndef MEMD_SERVER_KEYSIZES_H
#define MEMD_SERVER_KEYSIZES_H

#include "server/server.h"

struct buf;
struct keysizes;

enum {
    KEYSIZES_AT_ONCE = 50000, /* keys of all databases */
    KEYSIZES_ASKED_MS = 60000
};

struct keysizes *keysizes_new(int databases);
void keysizes_free(struct keysizes **k);

/* Append the lines. */
void keysizes_print(struct server *s, struct buf *out);

/* Walk on, for at most a millisecond. */
void keysizes_tend(struct server *s);

#endif
