/* rdb_legacy.h -- the packed forms of older servers: ziplist (Redis 2 to 6) and zipmap (2.4 and before).
 *
 * Both are only ever read, to be poured into today's forms. Input is not trusted: every length is held
 * against the bytes that are there. */
#ifndef MEMD_PERSISTENCE_RDB_LEGACY_H
#define MEMD_PERSISTENCE_RDB_LEGACY_H

#include "base/str.h"

/* Gives the items in order, integers as text; an item stays valid until the one after the next. False:
 * the bytes are malformed, or fn returned false. */
bool ziplist_each(struct str bytes, bool (*fn)(void *ctx, struct str item), void *ctx);

/* Fields and values in turn. */
bool zipmap_each(struct str bytes, bool (*fn)(void *ctx, struct str item), void *ctx);

#endif
