/* zset_pack.h -- a small sorted set: one listpack of member, score, member, score ... in order.
 *
 * Scores are integers where they are whole and below 2^62, else the shortest text that reads back as the
 * same, as in Redis: the listpack is saved as it lies. So -0 becomes 0. */
#ifndef MEMD_STORAGE_ZSET_PACK_H
#define MEMD_STORAGE_ZSET_PACK_H

#include "storage/listpack.h"

/* The score of the element behind a member; NaN when it is none (of outside bytes alone). */
double zpack_score(const unsigned char *p);

/* The element of member and its score; NULL: not there. */
const unsigned char *zpack_find(const unsigned char *lp, struct str member, double *score);

/* How many members come before the one at `at`. */
size_t zpack_rank(const unsigned char *lp, const unsigned char *at);

/* Add a member that is not there. */
void zpack_insert(unsigned char **lp, struct str member, double score);

/* Pairs, their scores numbers, in order, no member longer than `longest`? Of a valid listpack. */
bool zpack_sound(const unsigned char *lp, size_t longest);

#endif
