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
#include "storage/stream.h"

void rdb_put_stream(struct rdb_out *o, const struct stream *s);

/* The same in steps, for one who does other things between: a block, or something pending. False: that was all. The stream may not
 * change meanwhile. */
struct rdb_stream_walk {
    const struct stream *s;
    struct stream_info info;
    const struct stream_block *block;
    struct stream_pos at;
    struct stream_pending_iter pending;
    size_t g, c, n_consumers; /* the group, and its consumer */
    int stage;
};
void rdb_stream_walk_begin(struct rdb_stream_walk *w, struct rdb_out *o, const struct stream *s);
bool rdb_stream_walk_next(struct rdb_stream_walk *w, struct rdb_out *o);

/* Its parts, for those who put them down one by one. Their number is the caller's to put before them. */
void rdb_put_stream_block(struct rdb_out *o, struct stream_id id, struct str bytes);
void rdb_put_stream_info(struct rdb_out *o, const struct stream_info *info);
void rdb_put_stream_group(struct rdb_out *o, const struct stream_group_info *info);
void rdb_put_stream_delivery(struct rdb_out *o, struct stream_id id, int64_t ms, uint64_t deliveries);
void rdb_put_stream_consumer(struct rdb_out *o, const struct stream_consumer_info *info);
void rdb_put_stream_id(struct rdb_out *o, struct stream_id id);

/* Read one of RDB_STREAM, _2 or _3; on success it is the caller's. Nothing in it is believed: blocks are
 * checked entry by entry, counts and IDs against each other. False: in->err, in->why. */
bool MUST_USE rdb_get_stream(struct rdb_in *in, unsigned type, struct stream **s);

/* Its parts, for one who does other things between them: how many blocks there are, one of them, all behind the last. What they have
 * made is the caller's, to be freed or gone on with. */
bool MUST_USE rdb_get_stream_count(struct rdb_in *in, uint64_t *n);
bool MUST_USE rdb_get_stream_block(struct rdb_in *in, struct stream *s);
bool MUST_USE rdb_get_stream_end(struct rdb_in *in, unsigned type, struct stream *s);

#endif
