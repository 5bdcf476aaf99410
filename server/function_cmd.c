/* function_cmd.c -- FUNCTION: the libraries of functions. Calling one is fcall_cmd.c. */
#include "base/glob.h"
#include "persistence/persist.h"
#include "scripting/script_flags.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/function.h"
#include "server/rows.h"
#include "server/script_run.h"

enum { LOAD_TIMEOUT_MS = 500 };

static struct functions *functions_of(const struct call *c)
{
    return c->client->server->functions;
}

/* Libraries are data: the request goes to the log and counts as a change. */
static void changed(struct call *c)
{
    c->store->stats.changes++;
    c->store->stats.dirty++;
}

static enum err fail_unknown(struct call *c, const char *what, struct str argument)
{
    reply_errorf(c->out, "ERR %s%.*s", what, (int)argument.n, argument.p);
    return CALL_REPLIED_ERROR;
}

/* --- LOAD, DELETE, FLUSH --------------------------------------------------------------------------- */

static enum err run_load(struct call *c)
{
    int64_t timeout_ms = c->client->flags & CLIENT_LOADER ? 0 : LOAD_TIMEOUT_MS;
    bool replace = false;
    struct buf why = { 0 };
    struct str name;

    for (size_t i = 2; i + 1 < c->argc; i++) {
        if (!call_is(c, i, "replace")) return fail_unknown(c, "Unknown option given: ", call_arg(c, i));
        replace = true;
    }
    if (!functions_load(functions_of(c), call_arg(c, c->argc - 1), replace, timeout_ms, &name, &why))
        return call_fail_why(c, &why);
    buf_fini(&why);
    changed(c);
    reply_bulk(c->out, name);
    return OK;
}

static enum err run_delete(struct call *c)
{
    if (!functions_delete(functions_of(c), call_arg(c, 2))) return ERR_NO_LIBRARY;
    changed(c);
    reply_ok(c->out);
    return OK;
}

static enum err run_flush(struct call *c)
{
    if (c->argc > 3) return subcommand_syntax(c);
    if (c->argc == 3 && !call_is(c, 2, "sync") && !call_is(c, 2, "async")) return ERR_FUNCTION_FLUSH;
    functions_flush(functions_of(c));
    changed(c);
    reply_ok(c->out);
    return OK;
}

/* --- DUMP, RESTORE --------------------------------------------------------------------------------- */

static enum err run_dump(struct call *c)
{
    struct buf payload = { 0 };

    persist_dump_libraries(functions_keeper(functions_of(c)), &payload);
    reply_bulk(c->out, buf_str(&payload));
    buf_fini(&payload);
    return OK;
}

static enum err run_restore(struct call *c)
{
    enum functions_policy policy = FUNCTIONS_APPEND;
    struct buf why = { 0 };

    if (c->argc > 4) return subcommand_syntax(c);
    if (call_is(c, 3, "replace")) policy = FUNCTIONS_REPLACE;
    else if (call_is(c, 3, "flush")) policy = FUNCTIONS_FLUSH;
    else if (c->argc == 4 && !call_is(c, 3, "append")) return ERR_RESTORE_POLICY;
    if (!functions_restore(functions_of(c), call_arg(c, 2), policy, &why)) return call_fail_why(c, &why);
    buf_fini(&why);
    changed(c);
    reply_ok(c->out);
    return OK;
}

/* --- LIST ------------------------------------------------------------------------------------------ */

static void reply_flags(struct call *c, unsigned flags)
{
    reply_set(c->out, (size_t)__builtin_popcount(flags));
#define SCRIPT_FLAG(code, text, bit) \
    if (flags & code) reply_simple(c->out, text);
    SCRIPT_FLAG_TABLE(SCRIPT_FLAG)
#undef SCRIPT_FLAG
}

static void reply_function(struct call *c, const struct library_function *f)
{
    reply_map(c->out, 3);
    reply_bulk_c(c->out, "name");
    reply_bulk(c->out, buf_str(&f->name));
    reply_bulk_c(c->out, "description");
    if (f->described) reply_bulk(c->out, buf_str(&f->description));
    else reply_null(c->out);
    reply_bulk_c(c->out, "flags");
    reply_flags(c, f->flags);
}

static void reply_library(struct call *c, const struct library *l, bool with_code)
{
    reply_map(c->out, with_code ? 4 : 3);
    reply_bulk_c(c->out, "library_name");
    reply_bulk(c->out, buf_str(&l->name));
    reply_bulk_c(c->out, "engine");
    reply_bulk_c(c->out, "LUA");
    reply_bulk_c(c->out, "functions");
    reply_array(c->out, l->n_functions);
    for (size_t i = 0; i < l->n_functions; i++) reply_function(c, l->functions[i]);
    if (!with_code) return;
    reply_bulk_c(c->out, "library_code");
    reply_bulk(c->out, buf_str(&l->text));
}

static enum err run_list(struct call *c)
{
    const struct library_set *set = functions_set(functions_of(c));
    size_t mark = reply_mark(c->out), n = 0;
    bool with_code = false, has_pattern = false;
    struct str pattern = { 0 };

    for (size_t i = 2; i < c->argc; i++) {
        if (!with_code && call_is(c, i, "withcode")) {
            with_code = true;
        } else if (!has_pattern && call_is(c, i, "libraryname")) {
            if (i + 1 == c->argc) return ERR_LIBRARY_NAME;
            pattern = call_arg(c, ++i);
            has_pattern = true;
        } else {
            return fail_unknown(c, "Unknown argument ", call_arg(c, i));
        }
    }
    for (size_t i = 0; i < set->n_libraries; i++) {
        const struct library *l = set->libraries[i];

        if (has_pattern && !glob_match(pattern, buf_str(&l->name), true)) continue;
        reply_library(c, l, with_code);
        n++;
    }
    reply_array_at(c->out, mark, n);
    return OK;
}

/* --- STATS, KILL, HELP ----------------------------------------------------------------------------- */

/* The function that runs, and who called it how. */
static void reply_running(struct call *c, const struct script_running *r)
{
    reply_map(c->out, 3);
    reply_bulk_c(c->out, "name");
    reply_bulk_c(c->out, r->name);
    reply_bulk_c(c->out, "command");
    reply_array(c->out, r->call->argc);
    for (size_t i = 0; i < r->call->argc; i++) reply_bulk(c->out, call_arg(r->call, i));
    reply_bulk_c(c->out, "duration_ms");
    reply_int(c->out, r->ms);
}

static enum err run_stats(struct call *c)
{
    const struct library_set *set = functions_set(functions_of(c));
    struct script_running running;
    bool runs = script_running(c->client->server->script, &running);

    if (runs && running.is_eval) return ERR_BUSY_SCRIPT;
    reply_map(c->out, 2);
    reply_bulk_c(c->out, "running_script");
    if (runs) reply_running(c, &running);
    else reply_null(c->out);
    reply_bulk_c(c->out, "engines");
    reply_map(c->out, 1);
    reply_bulk_c(c->out, "LUA");
    reply_map(c->out, 2);
    reply_bulk_c(c->out, "libraries_count");
    reply_int(c->out, (int64_t)set->n_libraries);
    reply_bulk_c(c->out, "functions_count");
    reply_int(c->out, (int64_t)set->n_functions);
    return OK;
}

static enum err run_kill(struct call *c)
{
    return script_kill(c->client->server->script, false, c);
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "LOAD [REPLACE] <code>",
        "    Load a library from its source.",
        "DELETE <library>",
        "    Delete a library and its functions.",
        "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
        "    Describe libraries and their functions.",
        "STATS",
        "    Show the function that runs, and how much there is of each engine.",
        "KILL",
        "    Stop the function that runs, when it has not written.",
        "FLUSH [ASYNC|SYNC]",
        "    Delete all libraries.",
        "DUMP",
        "    Return all libraries as one payload.",
        "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
        "    Load the libraries of a payload: in place of all, beside the others (the default), or",
        "    in place of those of the same name.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define SUB(n, fn, ar, fl, co, text) \
    ROW(n, fn, ar, fl, GROUP_SCRIPTING, "7.0.0", co, text), .acl = ACL_SCRIPTING
#define TOKEN(n, t) { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t) }
#define ALL_SHARDS \
    .tips = (const char *const[]){ "request_policy:all_shards", "response_policy:all_succeeded", NULL }

static const struct command function_subs[] = {
    { SUB("load", run_load, -3, CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM, "O(1), beside the time that the text runs",
          "Loads a library of functions from its source."),
      ALL_SHARDS,
      .args = ARGS({ .name = "replace", .type = ARG_T_PURE_TOKEN, .token = "REPLACE", .flags = ARG_OPTIONAL },
                   { .name = "function-code", .type = ARG_T_STRING }) },
    { SUB("list", run_list, -2, CMD_NOSCRIPT, "O(N), N being the functions",
          "Describes the libraries and their functions."),
      .tips = (const char *const[]){ "nondeterministic_output_order", NULL },
      .args = ARGS({ .name = "library-name-pattern", .type = ARG_T_STRING, .token = "LIBRARYNAME",
                     .flags = ARG_OPTIONAL },
                   { .name = "withcode", .type = ARG_T_PURE_TOKEN, .token = "WITHCODE", .flags = ARG_OPTIONAL }) },
    { SUB("delete", run_delete, 3, CMD_NOSCRIPT | CMD_WRITE, "O(1)", "Deletes a library and its functions."),
      ALL_SHARDS, .args = ARGS({ .name = "library-name", .type = ARG_T_STRING }) },
    { SUB("dump", run_dump, 2, CMD_NOSCRIPT, "O(N), N being the functions",
          "Returns all libraries as one payload.") },
    { SUB("restore", run_restore, -3, CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM,
          "O(N), N being the functions of the payload", "Loads the libraries of a payload."),
      ALL_SHARDS,
      .args = ARGS({ .name = "serialized-value", .type = ARG_T_STRING },
                   { .name = "policy", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS(TOKEN("flush", "FLUSH"), TOKEN("append", "APPEND"),
                                  TOKEN("replace", "REPLACE")) }) },
    { SUB("flush", run_flush, -2, CMD_NOSCRIPT | CMD_WRITE, "O(N), N being the functions",
          "Deletes all libraries."),
      ALL_SHARDS,
      .args = ARGS({ .name = "flush-type", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS(TOKEN("async", "ASYNC"), TOKEN("sync", "SYNC")) }) },
    { SUB("stats", run_stats, 2, CMD_NOSCRIPT | CMD_ALLOW_BUSY, "O(1)", "Shows the function that runs, and figures."),
      .tips = (const char *const[]){ "nondeterministic_output", "request_policy:all_shards",
                                     "response_policy:special", NULL } },
    { SUB("kill", run_kill, 2, CMD_NOSCRIPT | CMD_ALLOW_BUSY, "O(1)", "Stops the function that runs."),
      .tips = (const char *const[]){ "request_policy:all_shards", "response_policy:one_succeeded", NULL } },
    { SUB("help", run_help, 2, CMD_LOADING | CMD_STALE, "O(1)", "Lists the subcommands.") },
    { 0 },
};

const struct command function_commands[] = {
    { CONTAINER("function", GROUP_SCRIPTING, "7.0.0", "About libraries of functions.", function_subs) },
    { 0 },
};
