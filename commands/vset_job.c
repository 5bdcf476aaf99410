#include "commands/vset_job.h"

#include "base/clock.h"

enum { PIECE = 128 * 1024, LOOK_ROWS = 64 /* between two looks at the clock */ };

void vset_job_init(struct call *c, struct vset_job *j, const struct vset *s)
{
    j->s = s;
    j->resp = c->out->resp;
    j->rows.may_fail = true;
    j->job.bytes = vset_job_bytes;
    vset_watch(c->store, s, &j->watch);
}

void vset_job_fini(struct vset_job *j)
{
    vset_unwatch(&j->watch);
    buf_fini(&j->rows);
    reply_pieces_fini(&j->pieces);
}

size_t vset_job_bytes(const struct job *of)
{
    const struct vset_job *j = (const struct vset_job *)of;
    size_t n = sizeof *j + j->rows.cap;

    for (size_t i = 0; i < j->pieces.n; i++) n += j->pieces.items[i].cap;
    return n;
}

void vset_job_told(struct vset_job *j)
{
    j->n++;
    if (j->rows.n >= PIECE) reply_take(&(struct reply){ &(struct buf){ 0 }, 2 }, &j->pieces, &j->rows);
}

bool vset_job_pauses(struct vset_job *j, int64_t deadline_us, bool *done)
{
    *done = j->watch.set == NULL;
    if (*done) {
        j->job.again = true;
        return true;
    }
    return j->n % LOOK_ROWS == LOOK_ROWS - 1 && deadline_us != INT64_MAX && clock_mono_us() >= deadline_us;
}

static bool has_failed(const struct vset_job *j)
{
    bool failed = j->rows.failed;

    for (size_t i = 0; i < j->pieces.n; i++) failed |= j->pieces.items[i].failed;
    return failed;
}

void vset_job_reply(struct vset_job *j, size_t n, bool as_map, struct reply *out, struct reply_pieces *pieces)
{
    struct buf head = { 0 };

    if (as_map) reply_map(&(struct reply){ &head, out->resp }, j->n);
    else reply_array(&(struct reply){ &head, out->resp }, j->n * n);
    vset_job_reply_after(j, buf_str(&head), out, pieces);
    buf_fini(&head);
}

void vset_job_reply_after(struct vset_job *j, struct str head, struct reply *out, struct reply_pieces *pieces)
{
    if (has_failed(j)) {
        reply_error(out, str_c(err_text(ERR_OOM)));
        return;
    }
    reply_raw(out, head.p, head.n);
    for (size_t i = 0; i < j->pieces.n; i++) reply_take(out, pieces, &j->pieces.items[i]);
    if (j->pieces.n > 0) reply_take(out, pieces, &j->rows);
    else reply_raw(out, j->rows.p, j->rows.n);
}
