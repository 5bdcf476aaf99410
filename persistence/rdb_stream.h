/* rdb_stream.h -- streams in RDB files and payloads.
 *
 *   blocks, each: ID (a string of 16 bytes, big-endian), listpack
 *   length | last | first | max_deleted | added        IDs are two lengths; first to added not in RDB_STREAM
 *   groups, each: name | last | entries read           the last not in RDB_STREAM
 *                 pending, each: ID (16 bytes) | delivered (8 bytes, ms) | deliveries
 *                 consumers, each: name | seen (8 bytes, ms) | active (RDB_STREAM_3 alone)
 *                                  pending, each: ID
 *
 * Written is RDB_STREAM_2, which Redis 7.0 reads: when a consumer was active is not in it, and is taken to
 * be when it was seen, as Redis does. */
#ifndef MEMD_PERSISTENCE_RDB_STREAM_H
#define MEMD_PERSISTENCE_RDB_STREAM_H

#include "persistence/rdb_in.h"
#include "persistence/rdb_write.h"

struct stream;

void rdb_put_stream(struct rdb_out *o, const struct stream *s);

/* Read one of RDB_STREAM, _2 or _3; on success it is the caller's. Nothing in it is believed: blocks are
 * checked entry by entry, counts and IDs against each other. False: in->err, in->why. */
bool MUST_USE rdb_get_stream(struct rdb_in *in, unsigned type, struct stream **s);

#endif
