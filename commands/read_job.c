#include "commands/read_job.h"

#include "base/clock.h"
#include "base/mem.h"

static bool step(struct job *of, int64_t deadline_us)
{
    struct read_job *j = (struct read_job *)of;
    struct reply out = job_rows_out(&j->told);

    while (j->next(j, &out)) {
        job_rows_told(&j->told);
        if (job_rows_should_look(&j->told) && deadline_us != INT64_MAX && clock_mono_us() >= deadline_us) return false;
    }
    value_reader_end(&j->reader);
    return true;
}

static void finish(struct value_reader *r)
{
    (void)job_step(&LINK_OF(r, struct read_job, reader)->job, INT64_MAX);
}

static void reply_all(struct job *of, struct reply *out, struct reply_pieces *pieces)
{
    struct read_job *j = (struct read_job *)of;
    struct buf head = { 0 };

    j->head(j, &(struct reply){ &head, out->resp }, j->told.n);
    job_rows_reply(&j->told, buf_str(&head), out, pieces);
    buf_fini(&head);
}

static size_t bytes(const struct job *of)
{
    const struct read_job *j = (const struct read_job *)of;

    return sizeof *j + j->scratch.cap + job_rows_bytes(&j->told);
}

static void free_job(struct job *of)
{
    struct read_job *j = (struct read_job *)of;

    value_reader_end(&j->reader);
    job_rows_fini(&j->told);
    buf_fini(&j->scratch);
    mem_free(j);
}

enum err read_job_run(struct call *c, struct read_job *j, const void *object)
{
    j->job = (struct job){ .step = step, .reply = reply_all, .bytes = bytes, .free = free_job };
    j->reader.finish = finish;
    job_rows_init(&j->told, c->out->resp);
    value_reader_begin(c->store, object, &j->reader);
    return job_run(c, &j->job);
}
