/* mark.h -- the lines by which a log file proves what it holds.
 *
 * Stock servers skip lines that begin with '#' between commands, so these cost no compatibility.
 *
 *   #memd log 1 <id> <start> <skip> <crc>\r\n        first line of a file
 *   #memd batch <seq> <bytes> <durable> <db> <crc>\r\n    after each batch
 *
 * id       the log's history, 40 hex digits; start: the log offset of the first byte that counts
 * skip     bytes behind this line that do not count in the log's offset: a SELECT that a file beginning in
 *          mid-stream needs, so that it can be read alone
 * seq      1, 2, 3 ... within the file
 * bytes    length of the batch: everything since the line before
 * durable  the log offset that was known to be on the disk when the line was written
 * db       the database that was selected where the batch begins: so that it means the same when what was
 *          before it is lost
 * crc      CRC32C, 8 hex digits: of the id, the batch and its line up to the blank before the crc, so that a
 *          batch of another log is none of this one's; of the line alone for the first
 *
 * What is behind the last whole batch was never complete, or is damage; `durable` tells which: a batch
 * that a later line calls durable cannot be a torn tail. */
#ifndef MEMD_PERSISTENCE_MARK_H
#define MEMD_PERSISTENCE_MARK_H

#include <stdint.h>

#include "base/str.h"

enum { MARK_MAX = 128, MARK_ID = 40 };

struct mark_head {
    char id[MARK_ID + 1];
    uint64_t start, skip;
};

struct mark_batch {
    uint64_t seq, bytes, durable;
    int db;        /* -1: not said (files of early versions) */
    uint32_t crc;
    size_t crc_at; /* bytes of the line that the crc covers */
};

/* What the CRC of a batch's bytes begins with; b->db says whether its line is of an early version. */
uint32_t mark_seed(const char *id, const struct mark_batch *b);

/* Write a line to out[MARK_MAX]; returns its length. crc: CRC32C of the batch's bytes; b->crc is not read. */
size_t mark_put_head(char *out, const struct mark_head *h);
size_t mark_put_batch(char *out, const struct mark_batch *b, uint32_t crc);

/* True when line (with its \r\n) claims to be one of memd's. */
bool mark_is_ours(struct str line);

/* Parse; false when it is not exactly such a line. The head's crc is checked, the batch's is for the
 * caller, who has the bytes: mark_crc_ok with the CRC32C of them. */
bool mark_get_head(struct str line, struct mark_head *h);
bool mark_get_batch(struct str line, struct mark_batch *b);
bool mark_crc_ok(struct str line, const struct mark_batch *b, uint32_t crc);

/* Batches that are whole, in bytes of which nothing is known. */
struct mark_scan {
    const char *id;  /* of the log; NULL: not known, then only lines of early versions can be proven */
    const char *p;
    uint64_t n, at;  /* bytes, and how far the search is; 0 */
    uint64_t work;   /* bytes checksummed: bounded, as lines may claim any length */
};

struct mark_found {
    uint64_t from;   /* of the batch, in the bytes */
    uint64_t line_n; /* of the line behind it */
    struct mark_batch b;
};

/* The next one, by the place of its line. False: there is none any more. */
bool mark_next(struct mark_scan *s, struct mark_found *f);

#endif
