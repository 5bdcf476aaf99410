/* rdb_verify.h -- a snapshot that has been written is read back before it takes the place of the old one.
 *
 * A disk, its controller and the memory between can all keep something else than what was written, and say
 * nothing. While the old file is still there, that costs a failed save; found at the next start, it would
 * cost the data. */
#ifndef MEMD_PERSISTENCE_RDB_VERIFY_H
#define MEMD_PERSISTENCE_RDB_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"

struct file_ops;

struct rdb_verify {
    const struct file_ops *ops;
    const char *path;  /* complete, synced and closed */
    uint64_t bytes;    /* that were written */
    uint64_t crc;      /* the checksum that was written; 0: the file has none */
    bool (*go_on)(void *ctx); /* asked now and then; false gives up: ERR_NOT_DONE */
    void *ctx;
};

/* Read the file past the page cache, as far as the system lets us: its length, the mark of its end and its
 * checksum must be what was written. ERR_FORMAT: they are not; ERR_IO: it could not be read. why[n] says
 * what is the matter, and where. */
enum err MUST_USE rdb_verify(const struct rdb_verify *v, char *why, size_t n);

#endif
