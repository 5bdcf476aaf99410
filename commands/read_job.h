/* read_job.h -- a large value that is told as a whole, or much of it, in slices (commands/job.h), as it was when it was asked for
 * (storage/value_reader.h). */
#ifndef MEMD_COMMANDS_READ_JOB_H
#define MEMD_COMMANDS_READ_JOB_H

#include "commands/job.h"
#include "commands/job_rows.h"
#include "storage/value_reader.h"

/* Begins a struct that is a job; zeroed. */
struct read_job {
    struct job job;
    struct value_reader reader;
    struct job_rows told;
    struct buf scratch; /* for next */
    /* Write one row more. False: there are no more. Looks at nothing but the value. */
    bool (*next)(struct read_job *j, struct reply *out);
    /* Write the head of n rows. */
    void (*head)(const struct read_job *j, struct reply *out, size_t n);
};

enum { READ_LONG_ROWS = 1000, READ_LONG_BYTES = 512 * 1024 };

/* Are n rows, or so many bytes, worth a job? The shorter ones are told at once. */
static inline bool read_is_long(const struct call *c, size_t n, size_t bytes)
{
    return UNLIKELY(n > READ_LONG_ROWS || bytes > READ_LONG_BYTES) && c->may_block && c->host != NULL;
}

/* Takes j (mem_zalloc), of which next and head are set, to read object. The code for the handler to return. */
enum err MUST_USE read_job_run(struct call *c, struct read_job *j, const void *object);

#endif
