#include "commands/vset_job.h"

#include "base/clock.h"

void vset_job_init(struct call *c, struct vset_job *j, const struct vset *s)
{
    j->s = s;
    job_rows_init(&j->told, c->out->resp);
    j->job.bytes = vset_job_bytes;
    vset_watch(c->store, s, &j->watch);
}

void vset_job_fini(struct vset_job *j)
{
    vset_unwatch(&j->watch);
    job_rows_fini(&j->told);
}

size_t vset_job_bytes(const struct job *of)
{
    const struct vset_job *j = (const struct vset_job *)of;

    return sizeof *j + job_rows_bytes(&j->told);
}

bool vset_job_pauses(struct vset_job *j, int64_t deadline_us, bool *done)
{
    *done = j->watch.set == NULL;
    if (*done) {
        j->job.again = true;
        return true;
    }
    return job_rows_should_look(&j->told) && deadline_us != INT64_MAX && clock_mono_us() >= deadline_us;
}

void vset_job_reply(struct vset_job *j, size_t n, bool as_map, struct reply *out, struct reply_pieces *pieces)
{
    struct buf head = { 0 };

    if (as_map) reply_map(&(struct reply){ &head, out->resp }, j->told.n);
    else reply_array(&(struct reply){ &head, out->resp }, j->told.n * n);
    job_rows_reply(&j->told, buf_str(&head), out, pieces);
    buf_fini(&head);
}
