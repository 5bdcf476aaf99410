#include "commands/job_rows.h"

enum { PIECE = 128 * 1024, LOOK_ROWS = 64 /* between two looks at the clock */ };

void job_rows_init(struct job_rows *j, int resp)
{
    *j = (struct job_rows){ .resp = resp, .rows.may_fail = true };
}

void job_rows_fini(struct job_rows *j)
{
    buf_fini(&j->rows);
    reply_pieces_fini(&j->pieces);
}

size_t job_rows_bytes(const struct job_rows *j)
{
    size_t n = j->rows.cap;

    for (size_t i = 0; i < j->pieces.n; i++) n += j->pieces.items[i].cap;
    return n;
}

void job_rows_told(struct job_rows *j)
{
    j->n++;
    if (j->rows.n >= PIECE) reply_take(&(struct reply){ &(struct buf){ 0 }, 2 }, &j->pieces, &j->rows);
}

bool job_rows_should_look(const struct job_rows *j)
{
    return j->n % LOOK_ROWS == LOOK_ROWS - 1 || (j->n > 0 && j->rows.n == 0);
}

static bool has_failed(const struct job_rows *j)
{
    bool failed = j->rows.failed || j->error != OK;

    for (size_t i = 0; i < j->pieces.n; i++) failed |= j->pieces.items[i].failed;
    return failed;
}

void job_rows_reply(struct job_rows *j, struct str head, struct reply *out, struct reply_pieces *pieces)
{
    if (has_failed(j)) {
        reply_error(out, str_c(err_text(j->error != OK ? j->error : ERR_OOM)));
        return;
    }
    reply_raw(out, head.p, head.n);
    for (size_t i = 0; i < j->pieces.n; i++) reply_take(out, pieces, &j->pieces.items[i]);
    if (j->pieces.n > 0) reply_take(out, pieces, &j->rows);
    else reply_raw(out, j->rows.p, j->rows.n);
}
