#include "commands/job.h"

enum err job_end(struct call *c, struct job *j)
{
    size_t mark = reply_mark(c->out);
    enum err e = OK;

    if (j->reply == NULL) e = j->finish(c, j);
    else j->reply(j, c->out, NULL);
    if (e == OK && c->out->out->n > mark && c->out->out->p[mark] == '-') e = CALL_REPLIED_ERROR;
    j->free(j);
    return e;
}

bool job_step(struct job *j, int64_t deadline_us)
{
    if (!j->done) j->done = j->step(j, deadline_us);
    return j->done;
}

enum err job_run(struct call *c, struct job *j)
{
    return c->may_block && c->host != NULL ? c->host->go_on(c, j) : job_run_at_once(c, j);
}

enum err job_run_at_once(struct call *c, struct job *j)
{
    while (!job_step(j, INT64_MAX)) { }
    return job_end(c, j);
}

bool job_done(struct call *c, enum err *e)
{
    struct job *j = c->host != NULL ? c->host->waited(c) : NULL;

    if (j == NULL || j->again) return false;
    *e = j->finish(c, j);
    return true;
}
