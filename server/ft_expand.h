/* ft_expand.h -- JSON as values of RESP3: FORMAT EXPAND. */
#ifndef MEMD_SERVER_FT_EXPAND_H
#define MEMD_SERVER_FT_EXPAND_H

#include "protocol/reply.h"
#include "search/index.h"

/* All that a path finds in the document at key, as a JSON array. False: the key is gone, or it is no path; a legacy one has to find
 * something. */
bool ft_matches(const struct doc_reader *reader, struct str key, struct str path, struct buf *out);

/* Longer JSON is told as its text: it would take longer than a slice may (some 10 ms for 1 MiB). */
enum { FT_EXPAND_MAX = 1 << 20 };

/* Objects become maps, arrays arrays, strings bulks without quotes, whole numbers integers, others doubles, booleans 1 and 0 as in
 * RediSearch. json: one value in canonical form, or what a double prints as. */
void ft_expand(struct reply *out, struct str json);

#endif
