/* archive_question.c -- see archive_question.h. */
#include "persistence/archive_question.h"

#include <stdio.h>

#include "base/mem.h"
#include "persistence/archive_reader.h"

static void fail(struct archive_question *q, const char *why)
{
    struct reply r = { .out = &q->out, .resp = q->resp };

    q->out.n = 0;
    q->job.failed = true;
    reply_errorf(&r, "ERR archive: %s", why);
}

static void run(struct archive_job *j, struct archive_reader *r)
{
    struct archive_question *q = (struct archive_question *)j;
    struct reply out = { .out = &q->out, .resp = q->resp };

    q->answer(q, r, &out);
    if (r->error[0] != '\0') {
        buf_fini(&q->out);
        fail(q, r->error);
    }
}

struct archive_question *archive_question_new(size_t bytes, int resp,
                                              void (*answer)(struct archive_question *,
                                                             struct archive_reader *, struct reply *),
                                              void (*fini)(struct archive_question *))
{
    struct archive_question *q;

    ensure(bytes >= sizeof *q);
    q = mem_zalloc(bytes);
    q->job.run = run;
    q->answer = answer;
    q->fini = fini;
    q->resp = resp;
    q->out.may_fail = true;
    return q;
}

struct str archive_question_reply(struct archive_job *j)
{
    struct archive_question *q = (struct archive_question *)j;

    if (j->refused != NULL && q->out.n == 0) fail(q, j->refused);
    return q->out.failed ? STR("") : buf_str(&q->out);
}

void archive_question_free(struct archive_job *j)
{
    struct archive_question *q = (struct archive_question *)j;

    if (q->fini != NULL) q->fini(q);
    buf_fini(&q->out);
    mem_free(q);
}

bool archive_question_is_full(struct archive_reader *r, const struct reply *out)
{
    if (out->out->n <= ARCHIVE_REPLY_MAX && !out->out->failed) return false;
    snprintf(r->error, sizeof r->error, "the reply is larger than %d megabytes: ask for less at a time",
             ARCHIVE_REPLY_MAX >> 20);
    return true;
}
