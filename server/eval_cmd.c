/* eval_cmd.c -- EVAL and its like, SCRIPT. */
#include "base/num.h"
#include "scripting/vm.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/monitor.h"
#include "server/rows.h"
#include "server/script_run.h"
#include "server/scripts.h"

/* --- EVAL ------------------------------------------------------------------------------------------ */

static enum err run_script(struct call *c, const struct script *x, bool read_only, size_t n_keys)
{
    struct server *s = c->client->server;
    struct script_job job = { .name = x->sha, .flags = x->flags, .declared = x->declared, .read_only = read_only,
                              .is_eval = true, .keys = c->argv + 3, .n_keys = n_keys,
                              .args = c->argv + 3 + n_keys, .n_args = c->argc - 3 - n_keys };
    enum err e = script_may_run(s->script, &job, c);

    if (e != OK) return e;
    vm_push(scripts_vm(s->scripts), x->function);
    return script_run(s->script, scripts_vm(s->scripts), &job, c);
}

static enum err eval(struct call *c, bool by_sha, bool read_only)
{
    struct scripts *scripts = c->client->server->scripts;
    struct buf why = { 0 };
    const struct script *x;
    int64_t n;

    monitor_feed_first(c);
    if (by_sha && call_arg(c, 1).n != 40) return ERR_NO_SCRIPT;
    if (!num_parse_i64(call_arg(c, 2), &n)) return ERR_NOT_INT;
    if (n > (int64_t)c->argc - 3) return ERR_NUMKEYS_ARGS;
    if (n < 0) return ERR_KEYS_NEGATIVE;
    x = by_sha ? scripts_find(scripts, call_arg(c, 1)) : scripts_load(scripts, call_arg(c, 1), &why);
    if (x == NULL) return by_sha ? ERR_NO_SCRIPT : call_fail_why(c, &why);
    return run_script(c, x, read_only, (size_t)n);
}

static enum err run_eval(struct call *c)
{
    return eval(c, false, false);
}

static enum err run_eval_ro(struct call *c)
{
    return eval(c, false, true);
}

static enum err run_evalsha(struct call *c)
{
    return eval(c, true, false);
}

static enum err run_evalsha_ro(struct call *c)
{
    return eval(c, true, true);
}

/* Its effects are in the log, not the call. */
static void journal_nothing(const struct call *c, struct journal *j)
{
    (void)c;
    (void)j;
}

/* --- SCRIPT ---------------------------------------------------------------------------------------- */

static enum err run_load(struct call *c)
{
    struct buf why = { 0 };
    const struct script *x = scripts_load(c->client->server->scripts, call_arg(c, 2), &why);

    if (x == NULL) return call_fail_why(c, &why);
    reply_bulk(c->out, str_of(x->sha, 40));
    return OK;
}

static enum err run_exists(struct call *c)
{
    reply_array(c->out, c->argc - 2);
    for (size_t i = 2; i < c->argc; i++) {
        reply_int(c->out, scripts_find(c->client->server->scripts, call_arg(c, i)) != NULL);
    }
    return OK;
}

static enum err run_flush(struct call *c)
{
    bool known = c->argc == 2 || (c->argc == 3 && (call_is(c, 2, "sync") || call_is(c, 2, "async")));

    if (!known) return ERR_SCRIPT_FLUSH;
    scripts_flush(c->client->server->scripts);
    reply_ok(c->out);
    return OK;
}

static enum err run_kill(struct call *c)
{
    return script_kill(c->client->server->script, true, c);
}

/* There is no debugger: scripts run as ever. */
static enum err run_debug(struct call *c)
{
    if (!call_is(c, 2, "no") && !call_is(c, 2, "yes") && !call_is(c, 2, "sync")) return ERR_SCRIPT_DEBUG;
    if (!call_is(c, 2, "no")) return ERR_NO_DEBUGGER;
    reply_ok(c->out);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DEBUG (YES|SYNC|NO)",
        "    Set the debug mode for subsequent scripts executed.",
        "EXISTS <sha1> [<sha1> ...]",
        "    Return information about the existence of the scripts in the script cache.",
        "FLUSH [ASYNC|SYNC]",
        "    Flush the Lua scripts cache. Very dangerous on replicas.",
        "    When called without the optional mode argument, the behavior is determined by the",
        "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
        "    * ASYNC: Asynchronously flush the scripts cache.",
        "    * SYNC: Synchronously flush the scripts cache.",
        "KILL",
        "    Kill the currently executing Lua script.",
        "LOAD <script>",
        "    Load a script into the scripts cache without executing it.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------------- */

#define EVAL_FLAGS (CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_STALE)
#define EVAL_ARGS(first) \
    .args = ARGS({ .name = (first), .type = ARG_T_STRING }, { .name = "numkeys", .type = ARG_T_INTEGER }, \
                 { .name = "key", .type = ARG_T_KEY, .flags = ARG_OPTIONAL | ARG_MULTIPLE }, \
                 { .name = "arg", .type = ARG_T_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE })
#define EVAL_WRITES \
    .keys = { KEYS_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_SCRIPTING, .journal = journal_nothing
#define EVAL_READS .keys = { KEYS_COUNTED(2, KEY_RO | KEY_ACCESS) }, .acl = ACL_SCRIPTING
#define SCRIPT_TIPS(request, response) \
    .tips = (const char *const[]){ "request_policy:" request, "response_policy:" response, NULL }
#define SUB(n, fn, ar, fl, si, co, text) ROW(n, fn, ar, fl, GROUP_SCRIPTING, si, co, text), .acl = ACL_SCRIPTING

static const struct command script_subs[] = {
    { SUB("load", run_load, 3, CMD_NOSCRIPT | CMD_STALE, "2.6.0", "O(N), N being the length of the script",
          "Compiles a script and keeps it under its SHA-1."),
      SCRIPT_TIPS("all_nodes", "all_succeeded"), .args = ARGS({ .name = "script", .type = ARG_T_STRING }) },
    { SUB("exists", run_exists, -3, CMD_NOSCRIPT, "2.6.0", "O(N), N being the number of scripts asked for",
          "Tells which scripts are known."),
      SCRIPT_TIPS("all_shards", "agg_logical_and"),
      .args = ARGS({ .name = "sha1", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }) },
    { SUB("flush", run_flush, -2, CMD_NOSCRIPT, "2.6.0", "O(N), N being the number of scripts", "Forgets all scripts."),
      SCRIPT_TIPS("all_nodes", "all_succeeded"),
      .history = (const char *const[]){ "6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers.", NULL },
      .args = ARGS({ .name = "flush-type", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .since = "6.2.0",
                     .subs = ARGS({ .name = "async", .type = ARG_T_PURE_TOKEN, .token = "ASYNC" },
                                  { .name = "sync", .type = ARG_T_PURE_TOKEN, .token = "SYNC" }) }) },
    { SUB("kill", run_kill, 2, CMD_NOSCRIPT | CMD_ALLOW_BUSY, "2.6.0", "O(1)", "Stops the script that runs."),
      SCRIPT_TIPS("all_shards", "one_succeeded") },
    { SUB("debug", run_debug, 3, CMD_NOSCRIPT, "3.2.0", "O(1)", "Turns debugging off; there is none to be turned on."),
      .args = ARGS({ .name = "mode", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "yes", .type = ARG_T_PURE_TOKEN, .token = "YES" },
                                  { .name = "sync", .type = ARG_T_PURE_TOKEN, .token = "SYNC" },
                                  { .name = "no", .type = ARG_T_PURE_TOKEN, .token = "NO" }) }) },
    { SUB("help", run_help, 2, CMD_LOADING | CMD_STALE, "5.0.0", "O(1)", "Lists the subcommands.") },
    { 0 },
};

const struct command eval_commands[] = {
    { ROW("eval", run_eval, -3, EVAL_FLAGS | CMD_MAY_REPLICATE, GROUP_SCRIPTING, "2.6.0", "Depends on the script",
          "Runs a script."),
      EVAL_WRITES, EVAL_ARGS("script") },
    { ROW("eval_ro", run_eval_ro, -3, EVAL_FLAGS | CMD_READONLY, GROUP_SCRIPTING, "7.0.0", "Depends on the script",
          "Runs a script that only reads."),
      EVAL_READS, EVAL_ARGS("script") },
    { ROW("evalsha", run_evalsha, -3, EVAL_FLAGS | CMD_MAY_REPLICATE, GROUP_SCRIPTING, "2.6.0",
          "Depends on the script", "Runs a script that is known, by its SHA-1."),
      EVAL_WRITES, EVAL_ARGS("sha1") },
    { ROW("evalsha_ro", run_evalsha_ro, -3, EVAL_FLAGS | CMD_READONLY, GROUP_SCRIPTING, "7.0.0",
          "Depends on the script", "Runs a script that is known and only reads, by its SHA-1."),
      EVAL_READS, EVAL_ARGS("sha1") },
    { CONTAINER("script", GROUP_SCRIPTING, "2.6.0", "About scripts.", script_subs) },
    { 0 },
};
