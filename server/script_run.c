/* script_run.c -- see script_run.h. */
#include "server/script_run.h"

#include "base/mem.h"
#include "persistence/persist.h"
#include "scripting/script_flags.h"
#include "server/acl.h"
#include "server/dispatch.h"
#include "server/function.h"
#include "server/loop.h"
#include "server/scripts.h"

struct script_run {
    struct server *server;
    struct client *client;        /* stands for the script */
    const struct script_job *job; /* NULL: none runs */
    bool out_of_memory;           /* when it began */
    struct client *caller;
    const struct call *call;      /* the caller's */
    int64_t started_us;           /* monotonic */
    bool shut_down;               /* when it has stopped */
    bool busy, killed;            /* others are heard; one of them wants it stopped */
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

bool script_running(const struct script_run *r, struct script_running *out)
{
    if (r->job == NULL) return false;
    *out = (struct script_running){ r->job->name, r->job->is_eval, (clock_mono_us() - r->started_us) / 1000, r->call };
    return true;
}

/* Why the script may not run the command; NULL: it may. */
static const char *refusal(const struct script_run *r, const struct command_ref *ref, size_t argc, const struct str *argv)
{
    const struct command *cmd;
    const char *why;

    if (ref == NULL) return "ERR Unknown Redis command called from script";
    cmd = ref->cmd;
    if (!command_arity_ok(cmd, argc)) return "ERR Wrong number of args calling Redis command from script";
    if ((cmd->flags & CMD_NOSCRIPT) && !r->server->scripts_run_all) return "ERR This Redis command is not allowed from script";
    if (only_reads(r->job) && (cmd->flags & (CMD_WRITE | CMD_MAY_REPLICATE)))
        return "ERR Write commands are not allowed from read-only scripts.";
    if ((cmd->flags & CMD_WRITE) && !r->wrote && (why = dispatch_write_refusal(r->server, cmd->flags)) != NULL) return why;
    if ((cmd->flags & CMD_DENYOOM) && r->out_of_memory && !r->wrote && !may_exceed_memory(r->job))
        return err_text(ERR_OOM);
    if (!dispatch_fits(argc, argv)) return err_text(ERR_OOM);
    return NULL;
}

static void run_command(void *ctx, size_t argc, const struct str *argv, int resp, struct buf *out)
{
    struct script_run *r = ctx;
    struct client *c = r->client;
    struct command_ref *container, *ref = registry_resolve(r->server->commands, argc, argv, &container);
    const char *why = refusal(r, ref, argc, argv);
    struct buf denied = { 0 };
    size_t mark = out->n;
    struct wait w;

    c->reply = (struct reply){ out, resp };
    if (why != NULL || !acl_allows(c, ref, argc, argv, "lua", &denied)) {
        if (ref != NULL) ref->stats.rejected++;
        if (why != NULL) reply_error(&c->reply, str_c(why));
        else reply_errorf(&c->reply, "ERR ACL failure in script: %.*s", (int)denied.n, denied.p);
        buf_fini(&denied);
        dispatch_count_error(r->server, out, mark);
        return;
    }
    if (ref->cmd->flags & CMD_WRITE) r->wrote = true;
    dispatch_call(c, ref, argc, argv, false, &w);
}

/* Asked every so many instructions. Within busy-reply-threshold the script has the daemon to itself; then
 * others are heard, and told that it is busy. */
static bool must_stop(void *ctx)
{
    struct script_run *r = ctx;
    struct server *s = r->server;
    int64_t ms = (clock_mono_us() - r->started_us) / 1000;

    if (s->conf->busy_reply_threshold == 0 || r->caller->flags & CLIENT_LOADER) return false;
    if (!r->busy) {
        if (ms < s->conf->busy_reply_threshold) return false;
        log_limited(s->log, LOG_WARNING, "Slow script detected: still in execution after %lld milliseconds. You can try killing "
                    "the script using the %s KILL command. Script name is: %s.", (long long)ms,
                    r->job->is_eval ? "SCRIPT" : "FUNCTION", r->job->name);
        r->busy = true;
        loop_busy_begin(s, r->caller);
    }
    loop_busy_turn(s);
    if (r->killed && !r->shut_down && s->signal_later == 0) log_notice(s->log, "Lua script killed by user with SCRIPT KILL.");
    return r->killed || s->stopping;
}

static enum err busy_as(const struct script_run *r)
{
    return r->job->is_eval ? ERR_BUSY_SCRIPT : ERR_BUSY_FUNCTION;
}

const char *script_busy(const struct script_run *r)
{
    if (LIKELY(!r->busy)) return NULL;
    return err_text(busy_as(r));
}

void script_stop_all(struct script_run *r)
{
    r->killed = r->shut_down = true;
}

bool script_give_way(struct script_run *r)
{
    if (r->job == NULL) return true;
    if (!r->wrote) r->killed = true;
    log_notice(r->server->log, r->wrote ? "A script runs that has written already: the end waits for it."
                                        : "The script that runs is stopped: it has written nothing.");
    return false;
}

bool script_wants_shutdown(const struct script_run *r)
{
    return r->shut_down;
}

enum err script_kill(struct script_run *r, bool eval, struct call *c)
{
    if (r->job == NULL) return ERR_NOT_BUSY;
    if (r->wrote) return ERR_UNKILLABLE;
    if (r->job->is_eval != eval && r->busy) return busy_as(r);
    r->killed = true;
    reply_ok(c->out);
    return OK;
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
    struct command_ref *container, *ref;
    size_t at;

    ref = registry_resolve(r->server->commands, argc, argv, &container);
    *may = ref != NULL && acl_check(r->server->acl, r->client->user, ref, argc, argv, &at) == ACL_OK;
    return ref != NULL;
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
        why = dispatch_write_refusal(r->server, job->flags & SCRIPT_ALLOW_OOM ? 0 : CMD_DENYOOM);
        if (why == NULL && job->read_only) why = "ERR Can not execute a script with write flag using *_ro command.";
    }
    if (why == NULL && !(job->flags & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES)) &&
        dispatch_make_room(r->server) == MEMORY_OUT)
        why = err_text(ERR_OOM);
    return why == NULL ? OK : call_fail_text(c, str_c(why));
}

/* What the request would run says of itself; false: nothing. */
static bool declared_flags(struct server *s, const struct command *cmd, struct str what, unsigned *flags)
{
    const struct library_function *f;
    const struct script *x = NULL;
    struct buf why = { 0 };

    if (strcmp(cmd->name, "fcall") == 0) {
        f = library_set_function(functions_set(s->functions), what);
        if (f != NULL) *flags = f->flags;
        return f != NULL;
    }
    if (strcmp(cmd->name, "evalsha") == 0) x = scripts_find(s->scripts, what);
    else if (strcmp(cmd->name, "eval") == 0) x = scripts_load(s->scripts, what, &why);
    buf_fini(&why);
    if (x != NULL) *flags = x->flags;
    return x != NULL && x->declared;
}

uint32_t script_command_flags(struct server *s, const struct command *cmd, size_t argc, const struct str *argv)
{
    unsigned script = 0;

    if (LIKELY(cmd->group != GROUP_SCRIPTING) || argc < 2 || !(cmd->flags & CMD_MAY_REPLICATE)) return cmd->flags;
    if (!declared_flags(s, cmd, argv[1], &script)) return cmd->flags;
    if (script & SCRIPT_NO_WRITES) return cmd->flags & ~(uint32_t)CMD_MAY_REPLICATE;
    return cmd->flags | CMD_WRITE | (script & SCRIPT_ALLOW_OOM ? 0 : CMD_DENYOOM);
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
    acl_become(r->client, caller->user);
    r->job = job;
    r->wrote = false;
    r->out_of_memory = dispatch_make_room(s) == MEMORY_OUT;
    r->caller = caller;
    r->call = c;
    r->started_us = clock_mono_us();
    r->busy = r->killed = false;
    loop_unit_begin(s);
    persist_group_begin(s->persist);
    ok = job->is_eval ? vm_run_with_globals(vm, &run, c->out) : vm_run(vm, &run, c->out);
    persist_group_end(s->persist);
    if (UNLIKELY(r->busy)) loop_busy_end(s, caller);
    loop_unit_end(s);
    r->busy = false;
    r->job = NULL;
    caller->wrote |= r->client->wrote;
    r->client->wrote = false;
    if (ok) return OK;
    return vm_failed_by_command(vm) ? CALL_COUNTED_ERROR : CALL_REPLIED_ERROR;
}
