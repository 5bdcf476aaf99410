/* job.h -- a call that may take longer than a turn.
 *
 * The handler makes a job and gives it to job_run. It is stepped at once, for a little; if that was not enough its client is parked, and
 * it goes on in slices between turns (server/jobs.h). Within transactions and scripts, and where there is no server, it runs to its end
 * at once.
 *
 * Others run between two steps: a job refers to values that may change, move and go only in ways that hear of it (vset_watch). One
 * whose value has gone sets `again`: the request runs anew, and answers as one that has come just now.
 *
 * One that reads writes its reply (reply). One that changes data prepares the change, and makes it in a call (finish): the request runs
 * again when the job is done, and its handler asks job_done first. */
#ifndef MEMD_COMMANDS_JOB_H
#define MEMD_COMMANDS_JOB_H

#include "commands/command.h"

struct job {
    /* Go on until deadline (monotonic); true: done. For job_step alone to call. */
    bool (*step)(struct job *j, int64_t deadline_us);
    /* Done: write the one reply; large buffers may go to pieces (reply_take), which may be NULL. */
    void (*reply)(struct job *j, struct reply *out, struct reply_pieces *pieces);
    /* Done, of a job without a reply: make the change and reply, as a handler does. */
    enum err (*finish)(struct call *c, struct job *j);
    /* The arguments, of which it has borrowed some, lie elsewhere from now on; may be NULL. */
    void (*moved)(struct job *j, const struct str *argv);
    size_t (*bytes)(const struct job *j);
    void (*free)(struct job *j);
    bool again;
    bool done;      /* a step has said so: it is not asked once more */
    unsigned tries; /* so often it begins at most: the last time it runs to its end at once; 0: as often as it takes */
};

/* Go on until deadline; true: done, as often as it is asked. Who is done may be held (server/jobs.h), or has had to finish within another's
 * call (storage/value_reader.h). */
bool job_step(struct job *j, int64_t deadline_us);

/* Takes j. The code for the handler to return. */
enum err MUST_USE job_run(struct call *c, struct job *j);

/* The same for one that may not wait. */
enum err MUST_USE job_run_at_once(struct call *c, struct job *j);

/* j is done, within the call: what the handler returns. Frees j. */
enum err MUST_USE job_end(struct call *c, struct job *j);

/* True: this request has waited for a job, which is done, and *e is for the handler to return. */
bool job_done(struct call *c, enum err *e);

#endif
