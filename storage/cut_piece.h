/* cut_piece.h -- what a snapshot is told: most entries whole, a large value in pieces.
 *
 *     begin(e) ... piece ... turn, piece, piece ... end
 *
 * A large value begins when its entry would be told: key, TTL, type and the number of its elements are those
 * of that moment. Its pieces come in order, each small, and together they are the value as it was at the
 * beginning of the snapshot. Those of different values mix, until `turn` says that from here to `end` nothing
 * else will come: so whoever writes a file keeps aside what comes before the turn. No entry is told after the
 * first turn. */
#ifndef MEMD_STORAGE_CUT_PIECE_H
#define MEMD_STORAGE_CUT_PIECE_H

#include "storage/stream.h"

enum cut_piece_kind {
    CUT_BYTES,     /* of a string: the next bytes */
    CUT_ELEMENT,   /* of a list: the next one, bytes */
    CUT_ENTRY,     /* of a hash, set or sorted set: e, in no certain order */
    CUT_BLOCK,     /* of a stream: id and bytes */
    CUT_STREAM,    /* behind the blocks: stream; then for each group */
    CUT_GROUP,     /*   group, then for each of its deliveries */
    CUT_DELIVERY,  /*     id, ms, n */
    CUT_CONSUMERS, /*   n of them, then for each */
    CUT_CONSUMER,  /*     consumer, then for each ID that is pending for it */
    CUT_PENDING,   /*       id */
    CUT_SUGGESTION, /* of a dictionary of suggestions: suggestion, in order */
    CUT_VECTOR     /* of a vector set: the name e, in no certain order */
};

struct suggestion;
struct vset;

struct cut_piece {
    enum cut_piece_kind kind;
    struct str bytes;
    const struct entry *e;
    struct stream_id id;
    int64_t ms;
    uint64_t n;
    const struct stream_info *stream;
    const struct stream_group_info *group; /* its lag is not known */
    const struct stream_consumer_info *consumer;
    const struct suggestion *suggestion;
    const struct vset *vset;
};

struct cut_sink {
    void *ctx;
    void (*entry)(void *ctx, int db, struct entry *e);
    /* NULL: all entries are told whole. What it returns is handed back with each piece. */
    void *(*begin)(void *ctx, int db, const struct entry *e);
    void (*piece)(void *ctx, void *value, const struct cut_piece *p);
    void (*turn)(void *ctx, void *value);
    void (*end)(void *ctx, void *value, bool complete); /* not complete: the snapshot is given up */
};

#endif
