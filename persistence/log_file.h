/* log_file.h -- one increment that is being written: batches of the log, each closed by its mark.
 *
 * A batch that fails leaves the file with a torn end and the struct as it was before: the file is not
 * written to again, and `pos` says how much of it is whole. */
#ifndef MEMD_PERSISTENCE_LOG_FILE_H
#define MEMD_PERSISTENCE_LOG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "persistence/chain.h"
#include "persistence/mark.h"

struct file_ops;

struct log_file {
    struct log_file *next; /* for lists of their owner */
    int fd;
    uint64_t seq;          /* of the increment, in the manifest */
    uint64_t start;        /* log offset of its first byte */
    uint64_t batches;      /* written so far: the last mark's seq */
    uint64_t pos;          /* bytes of the file that are whole batches */
    uint64_t synced_pos;   /* of those, known to be on the disk */
    int64_t stamp_s;       /* the last #TS annotation */
    int select_db;         /* selected in mid-stream, where the file begins: its first batch says so. -1: none */
};

/* A new, empty file at log offset start. */
struct log_file *log_file_new(int fd, uint64_t seq, uint64_t start);

/* What a batch is made of. */
struct log_batch {
    const char *id;        /* of the log */
    struct chain_at from;  /* where its bytes begin */
    uint64_t to;           /* log offset of its end */
    uint64_t durable;      /* log offset known to be on the disk */
    int64_t stamp_s;       /* > 0: annotate the time when it has changed */
    int db;                /* the database that is selected at its start */
};

/* Write a batch (with the file's first line before the first): 0, or -1 and errno. */
int log_file_write(struct log_file *f, const struct file_ops *ops, const struct log_batch *b);

#endif
