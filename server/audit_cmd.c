/* audit_cmd.c -- AUDIT.VERIFY: is the audit log as it was written? Its rows are read with ARCHIVE.SQL. */
#include "base/mem.h"
#include "persistence/archive_audit.h"
#include "server/archive_wait.h"
#include "server/commands.h"
#include "server/rows.h"

enum { ROWS = 100000 }; /* of one call, unless it says COUNT */

static struct str reply_of(struct archive_job *j)
{
    return buf_str(&((struct archive_audit_verify *)j)->reply);
}

static void free_job(struct archive_job *j)
{
    buf_fini(&((struct archive_audit_verify *)j)->reply);
    mem_free(j);
}

static const struct archive_asking asking_verify = { reply_of, free_job };

/* [FROM id] [COUNT n] */
static enum err parse(struct call *c, int64_t *from, int64_t *count)
{
    for (size_t i = 1; i < c->argc; i += 2) {
        int64_t *to = call_is(c, i, "from") ? from : call_is(c, i, "count") ? count : NULL;
        enum err e;

        if (!to || i + 1 == c->argc) return ERR_SYNTAX;
        e = call_range(c, i + 1, 1, INT64_MAX, ERR_NOT_INT, to);
        if (e != OK) return e;
    }
    return OK;
}

static enum err run_verify(struct call *c)
{
    struct archive_audit_verify *v;
    int64_t from = 0, count = ROWS;
    struct archive *a;
    enum err e = parse(c, &from, &count);

    if (e == OK) e = archive_wait_open(c, &a);
    if (e != OK) return e;
    v = mem_zalloc(sizeof *v);
    v->job.run = archive_audit_verify;
    v->job.after = archive_last_seq(a);
    v->from = from;
    v->count = count;
    v->resp = c->out->resp;
    return archive_wait_for(c, ARCHIVE_LANE_QUERY, &v->job, &asking_verify);
}

/* clang-format off */

const struct command audit_commands[] = {
    { ROW("audit.verify", run_verify, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_MULTI, GROUP_SERVER, "0.1.0",
          "O(N) with N being the rows that are looked at",
          "Tells whether rows of the audit log were changed, put in or taken out."),
      .args = ARGS({ .name = "id", .type = ARG_T_INTEGER, .token = "FROM", .flags = ARG_OPTIONAL },
                   { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }) },
    { 0 },
};
