/* aof_read.h -- an increment back into effects.
 *
 * memd's own files are read batch by batch: a batch is applied when its mark proves it. Files of stock
 * servers, which have no marks, are applied command by command.
 *
 * Where a file stops making sense, the question is whether it is torn (a cut left the last, never
 * synced part incomplete: it is dropped) or damaged (something that was on the disk has changed: loading
 * is refused). It is damage when a mark further on says that what is missing was durable; when the last
 * batch is there in full length, with no block of zeros in it, as a cut leaves them, and none in the
 * place of a batch's beginning or end, as a failed sync leaves them; and in files without marks, when what is there is not the beginning of a command.
 *
 * A file that is damaged may be salvaged: batches are self-delimiting and numbered, so that each that is whole
 * can be told from what is not, and is applied in its turn, wherever in the file it is. */
#ifndef MEMD_PERSISTENCE_AOF_READ_H
#define MEMD_PERSISTENCE_AOF_READ_H

#include "base/err.h"
#include "persistence/batch_places.h"
#include "persistence/mark.h"
#include "persistence/rdb_in.h"

enum aof_end {
    AOF_WHOLE,    /* read to its end, or to stop_at */
    AOF_TORN,     /* good up to good_pos, then a torn tail */
    AOF_DAMAGED,  /* good up to good_pos; why */
    AOF_SALVAGED, /* damaged behind good_pos; what is whole further on was applied too */
    AOF_UNTIL,    /* good_pos is where until_s cuts */
    AOF_ERROR,    /* reading failed: nothing is known of the file; why */
    AOF_STOPPED   /* progress gave up */
};

/* A part of a damaged file that is lost. */
struct aof_loss {
    uint64_t from, to;        /* bytes of the file */
    uint64_t offset;          /* of the log, where it begins: exact for the first loss, else the least it can be */
    uint64_t first_seq, last_seq; /* batches; 0: it cannot be told which */
    struct str before, after; /* keys named by the last command before and the first one behind; p NULL: none */
};

struct aof_reader {
    struct rdb_in *in;    /* at the start of the RESP part */
    uint64_t stop_at;     /* log offset at which the next file begins; UINT64_MAX: none */
    int64_t until_s;      /* >= 0: stop before what is annotated with a later time; -1: do not */
    bool salvage;         /* go on behind damage; commands that are refused are counted and left out */
    const char *id;       /* the log's, where it is known: for a file whose first line is lost. May be NULL */
    enum err (*apply)(void *ctx, size_t argc, const struct str *argv, struct str *why); /* NULL: the file is only looked at */
    void *apply_ctx;
    bool (*progress)(void *ctx, uint64_t bytes); /* may be NULL */
    void *progress_ctx;
    bool eager;           /* tell progress behind each batch or command, not now and then */
    void (*lost)(void *ctx, const struct aof_loss *x); /* may be NULL */
    void *lost_ctx;

    /* in: the log offset of the first byte as far as is known; out: of the end */
    uint64_t offset;

    /* out */
    bool marked;          /* a file of memd's own */
    struct mark_head head;
    uint64_t good_pos;    /* bytes of the file that are whole batches or commands */
    uint64_t batches;     /* of them: the number of the last one */
    struct batch_places places; /* in what is whole */
    uint64_t unproven;    /* bytes at the end that no mark covers: a stock server wrote them */
    uint64_t commands;
    uint64_t refused;     /* of them, when salvaging */
    int64_t first_s, last_s; /* annotated times; 0: none */
    uint64_t bad_pos;     /* AOF_TORN, AOF_DAMAGED: where */
    char why[256];
    struct buf key;       /* when salvaging: the key of the last command, the caller frees it */
};

enum aof_end aof_read(struct aof_reader *r);

/* Look at a file's first line: true for a head of memd's. in is not consumed. */
bool aof_peek_head(struct rdb_in *in, struct mark_head *head);

/* True when some batch of log `id` in the rest of the input is whole and was written when more than `offset` was
 * durable. Consumes the input. */
bool aof_claims_durable(struct rdb_in *in, const char *id, uint64_t offset);

#endif
