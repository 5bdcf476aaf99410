/* rdb_in.h -- the bytes of an RDB file or payload, read with every length checked.
 *
 * A window of the input lies in memory; strings are slices of it, so that loading copies each byte once,
 * into its entry. Before anything is allocated a length is held against what the input still has.
 *
 * The first error sticks: reading functions return false from then on, and `why` says what was wrong and
 * `bad_at` where. */
#ifndef MEMD_PERSISTENCE_RDB_IN_H
#define MEMD_PERSISTENCE_RDB_IN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "base/err.h"

struct file_ops;

struct rdb_in {
    const unsigned char *p, *end; /* what is in memory and not yet consumed */
    uint64_t base;                /* offset in the input of `from` */
    const unsigned char *from;    /* start of the window */
    uint64_t left;                /* bytes behind the window */
    const struct file_ops *ops;   /* NULL: all is in memory */
    int fd;
    struct buf window;
    uint64_t crc;                 /* of everything before crc_at */
    const unsigned char *crc_at;
    bool no_crc;                  /* nobody will ask for it */
    struct buf text;              /* decompressed strings, numbers as text */
    enum err err;                 /* ERR_FORMAT, ERR_IO */
    char why[192];
    uint64_t bad_at;
};

/* Read from memory; from a file of `size` bytes whose position is at its start. */
void rdb_in_bytes(struct rdb_in *in, struct str s);
void rdb_in_file(struct rdb_in *in, const struct file_ops *ops, int fd, uint64_t size);
void rdb_in_fini(struct rdb_in *in);

/* Offset of the next byte, and how many there are. */
uint64_t rdb_in_at(const struct rdb_in *in);
uint64_t rdb_in_left(const struct rdb_in *in);

/* Record the first error; always false. */
bool rdb_in_bad(struct rdb_in *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Bring n bytes into the window (slow path); false when there are not so many. */
bool rdb_in_fill(struct rdb_in *in, uint64_t n);

static inline bool MUST_USE rdb_in_need(struct rdb_in *in, uint64_t n)
{
    return LIKELY((uint64_t)(in->end - in->p) >= n) || rdb_in_fill(in, n);
}

/* As rdb_in_need, but running out is no error, and the window grows by doubling: for reading on from one
 * point without consuming. */
bool rdb_in_reach(struct rdb_in *in, uint64_t n);

/* CRC64 of all that was consumed so far. */
uint64_t rdb_in_crc(struct rdb_in *in);

/* Fixed sizes; numbers are little-endian. */
bool MUST_USE rdb_in_byte(struct rdb_in *in, unsigned *v);
bool MUST_USE rdb_in_u32(struct rdb_in *in, uint32_t *v);
bool MUST_USE rdb_in_u64(struct rdb_in *in, uint64_t *v);

/* n bytes, valid until the next call. */
bool MUST_USE rdb_in_raw(struct rdb_in *in, uint64_t n, struct str *s);

/* A length. */
bool MUST_USE rdb_in_len(struct rdb_in *in, uint64_t *n);

/* A count of items of which each takes at least `least` bytes (>= 1): refused when the input is too short. */
bool MUST_USE rdb_in_count(struct rdb_in *in, uint64_t least, uint64_t *n);

/* A string, valid until the next call. */
bool MUST_USE rdb_in_str(struct rdb_in *in, struct str *s);

#endif
