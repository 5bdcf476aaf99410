/* fcall_cmd.c -- FCALL and FCALL_RO: calling a function of a library. */
#include "base/num.h"
#include "scripting/script_flags.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/function.h"
#include "server/monitor.h"
#include "server/rows.h"
#include "server/script_run.h"

static enum err call_function(struct call *c, const struct library_function *f, bool read_only)
{
    struct server *s = c->client->server;
    struct buf name = { 0 };
    struct script_job job = { .flags = f->flags, .declared = true, .read_only = read_only };
    int64_t n;
    enum err e;

    if (!num_parse_i64(call_arg(c, 2), &n)) return ERR_FCALL_KEYS;
    if (n > (int64_t)c->argc - 3) return ERR_NUMKEYS_ARGS;
    if (n < 0) return ERR_KEYS_NEGATIVE;
    job.keys = c->argv + 3;
    job.n_keys = (size_t)n;
    job.args = job.keys + n;
    job.n_args = c->argc - 3 - (size_t)n;
    e = script_may_run(s->script, &job, c);
    if (e != OK) return e;
    buf_add_str(&name, buf_str(&f->name));
    buf_add_char(&name, '\0');
    job.name = name.p;
    e = script_run(s->script, functions_push(s->functions, f), &job, c);
    buf_fini(&name);
    return e;
}

static enum err run(struct call *c, bool read_only)
{
    const struct library_function *f = library_set_function(functions_set(c->client->server->functions), call_arg(c, 1));

    monitor_feed_first(c);
    return f == NULL ? ERR_NO_FUNCTION : call_function(c, f, read_only);
}

static enum err run_fcall(struct call *c)
{
    return run(c, false);
}

static enum err run_fcall_ro(struct call *c)
{
    return run(c, true);
}

/* Its effects are in the log, not the call. */
static void journal_nothing(const struct call *c, struct journal *j)
{
    (void)c;
    (void)j;
}

#define CALL_ARGS \
    .args = ARGS({ .name = "function", .type = ARG_T_STRING }, { .name = "numkeys", .type = ARG_T_INTEGER }, \
                 { .name = "key", .type = ARG_T_KEY, .flags = ARG_OPTIONAL | ARG_MULTIPLE }, \
                 { .name = "arg", .type = ARG_T_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE })

const struct command fcall_commands[] = {
    { ROW("fcall", run_fcall, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_MAY_REPLICATE | CMD_NO_MANDATORY_KEYS | CMD_STALE,
          GROUP_SCRIPTING, "7.0.0", "Depends on the function", "Calls a function."),
      .keys = { KEYS_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .journal = journal_nothing, .acl = ACL_SCRIPTING, CALL_ARGS },
    { ROW("fcall_ro", run_fcall_ro, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_STALE | CMD_READONLY,
          GROUP_SCRIPTING, "7.0.0", "Depends on the function", "Calls a function that only reads."),
      .keys = { KEYS_COUNTED(2, KEY_RO | KEY_ACCESS) }, .acl = ACL_SCRIPTING, CALL_ARGS },
    { 0 },
};
