/* ft_job.h -- a search that may take longer than a turn.
 *
 * The handler makes a job and gives it here. It begins when its index is up to date (ft_ready), is stepped for up to
 * BETWEEN_INLINE_US at once, and answered then and there if that was enough; else its client is parked (server/block.h), and it goes
 * on in slices between turns, with the others in turn. In transactions, scripts and for clients that may not wait it runs to the
 * end at once. TIMEOUT (or search-timeout) bounds it, counted from when it came.
 *
 * It is answered when all that has expired by then has left the index: an answer has no row of what is gone. */
#ifndef MEMD_SERVER_FT_JOB_H
#define MEMD_SERVER_FT_JOB_H

#include "server/ft.h"

struct ft_job {
    struct search_index *ix;    /* held while the job runs */
    int64_t timeout_ms;         /* 0: none; ft_job_timeout says what is the rule */
    bool of_any;                /* also of an index that is made again, and of one that is not up to date when time is up */
    struct reply_pieces *pieces; /* while it replies: where large buffers go (reply_take); NULL: nowhere */
    /* The index is up to date: begin. False: *error is the reply. */
    bool (*begin)(struct ft_job *j, struct buf *error);
    /* Go on until deadline; true: done. */
    bool (*step)(struct ft_job *j, int64_t deadline_us);
    /* Done: write the one reply. timed_out: with what there is, or an error (search-on-timeout). Called in one piece with the last
     * step, and the keys are as they are now. Not called when begin has not been, but of_any. */
    void (*reply)(struct ft_job *j, struct reply *out, bool timed_out);
    /* On any thread: what is large is freed by another (lazy.h). So nothing that others have is touched. */
    void (*free)(struct ft_job *j);
    size_t (*bytes)(const struct ft_job *j); /* also after the reply */
    /* FT.PROFILE, after the reply: two more names with what each has to say (ft_search.c). NULL: none. */
    void (*profile)(struct ft_job *j, struct reply *out);
};

/* search-timeout. */
int64_t ft_job_timeout(const struct server *s);

/* The text of the error: time is up. */
#define FT_TIMED_OUT "Timeout limit was reached"
#define FT_CUT "Max prefix expansions limit was reached" /* of run_cut; both as RediSearch says them */

/* Takes j. The code for the handler to return. */
enum err MUST_USE ft_job_run(struct call *c, struct ft_job *j);

/* Between turns (between.h), after what has expired has been looked at: one of them goes on. */
void ft_jobs_turn(struct server *s, int64_t deadline_us);
bool ft_jobs_are_due(const struct server *s);

/* Run all that hold ix to their end, now. */
void ft_jobs_finish(struct server *s, struct search_index *ix);

/* Answer all that hold ix or wait for it with an error ("CODE text", or a text alone): it is about to go, or to be emptied. */
void ft_jobs_cancel(struct server *s, struct search_index *ix, const char *text);

#endif
