/* rdb_pieces.h -- a large value to RDB bytes, piece by piece (storage/cut_piece.h). What comes of it is as
 * rdb_put_entry would have it, but that the bytes of a large string are not compressed. */
#ifndef MEMD_PERSISTENCE_RDB_PIECES_H
#define MEMD_PERSISTENCE_RDB_PIECES_H

#include <stdbool.h>
#include <stdint.h>

struct cut_piece;
struct entry;
struct rdb_out;
struct store;

/* What the form of a value's pieces depends on. */
struct rdb_pieces {
    unsigned type; /* RDB_... */
    int of;        /* VALUE_... */
    int64_t first_ttl;
    bool attrs; /* of a vector set: elements come with their attributes */
};

/* All that comes before the first piece. */
void rdb_begin_pieces(struct rdb_out *o, const struct store *s, const struct entry *e, struct rdb_pieces *how);

/* All that comes behind the last one. */
void rdb_end_pieces(struct rdb_out *o, const struct rdb_pieces *how);

void rdb_put_piece(struct rdb_out *o, const struct rdb_pieces *how, const struct cut_piece *p);

#endif
