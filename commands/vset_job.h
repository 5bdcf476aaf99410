/* vset_job.h -- what goes on with a vector set in slices has in common: the set it is about, and a reply that grows row by row. */
#ifndef MEMD_COMMANDS_VSET_JOB_H
#define MEMD_COMMANDS_VSET_JOB_H

#include "commands/job.h"
#include "commands/job_rows.h"
#include "storage/vset.h"

/* Begins a struct that is a job. While watch.set is not NULL, s is there. */
struct vset_job {
    struct job job;
    struct vset_watch watch;
    const struct vset *s;
    struct job_rows told;
};

/* j, which is zeroed but for job and watch.changes. */
void vset_job_init(struct call *c, struct vset_job *j, const struct vset *s);
void vset_job_fini(struct vset_job *j);
size_t vset_job_bytes(const struct job *j);

static inline struct reply vset_job_out(struct vset_job *j)
{
    return job_rows_out(&j->told);
}

/* A row has been written to vset_job_out. */
static inline void vset_job_told(struct vset_job *j)
{
    job_rows_told(&j->told);
}

/* Between rows: is the set gone (then the request will run again), or time up? Then step returns what *done says. */
bool vset_job_pauses(struct vset_job *j, int64_t deadline_us, bool *done);

/* All rows are there: reply them behind the head of an array of n elements for each, or, as_map, of a map of them. */
void vset_job_reply(struct vset_job *j, size_t n, bool as_map, struct reply *out, struct reply_pieces *pieces);

#endif
