/* script_run.c -- see script_run.h. */
#include "server/script_run.h"

#include "base/mem.h"
#include "persistence/persist.h"
#include "scripting/script_flags.h"
#include "server/dispatch.h"

struct script_run {
    struct server *server;
    struct client *client;        /* stands for the script */
    const struct script_job *job; /* NULL: none runs */
    bool out_of_memory;           /* when it began */
    bool wrote;                   /* it has called a command that writes: from here on it may not be stopped */
};

struct script_run *script_run_new(struct server *s)
{
    struct script_run *r = mem_zalloc(sizeof *r);

    r->server = s;
    return r;
}

void script_run_free(struct script_run **rp)
{
    struct script_run *r = *rp;

    if (r == NULL) return;
    if (r->client != NULL) client_free_script(&r->client);
    mem_free(r);
    *rp = NULL;
}

/* --- commands -------------------------------------------------------------------------------------- */

static bool only_reads(const struct script_job *job)
{
    return job->read_only || (job->declared && (job->flags & SCRIPT_NO_WRITES));
}

static bool may_exceed_memory(const struct script_job *job)
{
    return job->declared && (job->flags & SCRIPT_ALLOW_OOM);
}

/* Why the script may not run the command; NULL: it may. */
static const char *refusal(struct script_run *r, const struct command_ref *ref, size_t argc)
{
    const struct command *cmd;

    if (ref == NULL) return "ERR Unknown Redis command called from script";
    cmd = ref->cmd;
    if (!command_arity_ok(cmd, argc)) return "ERR Wrong number of args calling Redis command from script";
    if (cmd->flags & CMD_NOSCRIPT) return "ERR This Redis command is not allowed from script";
    if (only_reads(r->job) && (cmd->flags & (CMD_WRITE | CMD_MAY_REPLICATE)))
        return "ERR Write commands are not allowed from read-only scripts.";
    if ((cmd->flags & CMD_WRITE) && !r->wrote && persist_refusal(r->server->persist) != NULL)
        return persist_refusal(r->server->persist);
    if ((cmd->flags & CMD_DENYOOM) && r->out_of_memory && !r->wrote && !may_exceed_memory(r->job))
        return "OOM command not allowed when used memory > 'maxmemory'.";
    return NULL;
}

static void run_command(void *ctx, size_t argc, const struct str *argv, int resp, struct buf *out)
{
    struct script_run *r = ctx;
    struct client *c = r->client;
    struct command_ref *container, *ref = registry_resolve(r->server->commands, argc, argv, &container);
    const char *why = refusal(r, ref, argc);
    size_t mark = out->n;
    struct wait w;

    c->reply = (struct reply){ out, resp };
    if (why != NULL) {
        if (ref != NULL) ref->stats.rejected++;
        reply_error(&c->reply, str_c(why));
        dispatch_count_error(r->server, out, mark);
        return;
    }
    if (ref->cmd->flags & CMD_WRITE) r->wrote = true;
    dispatch_call(c, ref, argc, argv, false, &w);
}

static bool must_stop(void *ctx)
{
    (void)ctx;
    return false;
}

static void write_log(void *ctx, int level, struct str text)
{
    static const enum log_level levels[] = { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING };
    struct script_run *r = ctx;

    log_line(r->server->log, levels[level], "%.*s", (int)text.n, text.p);
}

static bool may_run_command(void *ctx, size_t argc, const struct str *argv, bool *may)
{
    struct script_run *r = ctx;
    struct command_ref *container;

    *may = true;
    return registry_resolve(r->server->commands, argc, argv, &container) != NULL;
}

struct vm_host script_run_host(struct script_run *r)
{
    return (struct vm_host){ r, MEMD_REDIS_VERSION, run_command, must_stop, write_log, may_run_command };
}

/* --- a run ----------------------------------------------------------------------------------------- */

enum err script_may_run(struct script_run *r, const struct script_job *job, struct call *c)
{
    const char *why = NULL;

    if (!job->declared) return OK;
    if (!(job->flags & SCRIPT_NO_WRITES)) {
        why = persist_refusal(r->server->persist);
        if (why == NULL && job->read_only) why = "ERR Can not execute a script with write flag using *_ro command.";
    }
    if (why == NULL && !(job->flags & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES)) &&
        dispatch_make_room(r->server) == MEMORY_OUT)
        why = "OOM command not allowed when used memory > 'maxmemory'.";
    if (why == NULL) return OK;
    reply_error(c->out, str_c(why));
    return CALL_REPLIED_ERROR;
}

enum err script_run(struct script_run *r, struct vm *vm, const struct script_job *job, struct call *c)
{
    struct server *s = r->server;
    struct vm_run run = { job->name, job->n_keys, job->n_args, job->keys, job->args };
    struct client *caller = c->client;
    bool ok;

    if (r->client == NULL) r->client = client_new_script(s);
    r->client->db = caller->db;
    r->client->authenticated = true;
    r->job = job;
    r->wrote = false;
    r->out_of_memory = dispatch_make_room(s) == MEMORY_OUT;
    persist_group_begin(s->persist);
    ok = vm_run(vm, &run, c->out);
    persist_group_end(s->persist);
    r->job = NULL;
    caller->wrote |= r->client->wrote;
    r->client->wrote = false;
    return ok ? OK : CALL_REPLIED_ERROR;
}
