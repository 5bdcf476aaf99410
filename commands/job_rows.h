/* job_rows.h -- a reply that grows row by row while its job goes on (commands/job.h). */
#ifndef MEMD_COMMANDS_JOB_ROWS_H
#define MEMD_COMMANDS_JOB_ROWS_H

#include "base/err.h"
#include "protocol/reply.h"

/* Zeroed but for the first two: no rows. */
struct job_rows {
    int resp;                   /* of the reply */
    struct buf rows;            /* may_fail; what is full becomes a piece */
    struct reply_pieces pieces;
    size_t n;                   /* rows told */
    enum err error;             /* what is replied instead of them; OK: the rows, or that there was no memory for them */
};

void job_rows_init(struct job_rows *j, int resp);
void job_rows_fini(struct job_rows *j);
size_t job_rows_bytes(const struct job_rows *j);

static inline struct reply job_rows_out(struct job_rows *j)
{
    return (struct reply){ &j->rows, j->resp };
}

/* A row has been written to job_rows_out. */
void job_rows_told(struct job_rows *j);

/* Is it time to look at the clock? After some rows, or many bytes. */
bool job_rows_should_look(const struct job_rows *j);

/* All rows are there: reply them behind a head. */
void job_rows_reply(struct job_rows *j, struct str head, struct reply *out, struct reply_pieces *pieces);

#endif
