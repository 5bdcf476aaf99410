/* command_cmd.c -- COMMAND: the rows, told to clients. */
#include <string.h>

#include "base/glob.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/modules.h"
#include "server/rows.h"

/* --- INFO --------------------------------------------------------------------------------------------- */

/* Some flags Redis keeps to itself, and so do we. */
static void reply_flag_names(struct call *c, uint32_t flags)
{
    size_t mark = reply_mark(c->out), n = 0;

    flags &= ~(uint32_t)(CMD_MAY_REPLICATE | CMD_PROTECTED | CMD_TOUCHES_ARBITRARY_KEYS);
#define NAME(code, name, bit) if (flags & (code)) reply_simple(c->out, name), n++;
    COMMAND_FLAG_TABLE(NAME)
#undef NAME
    reply_set_at(c->out, mark, n);
}

static void reply_categories(struct call *c, uint32_t acl)
{
    size_t mark = reply_mark(c->out), n = 0;

#define NAME(code, name, bit) if (acl & (code)) reply_simple(c->out, "@" name), n++;
    ACL_TABLE(NAME)
#undef NAME
    reply_set_at(c->out, mark, n);
}

static void reply_key_flags(struct call *c, uint16_t flags)
{
    static const struct { uint16_t bit; const char *name; } names[] = {
        { KEY_RO, "RO" }, { KEY_RW, "RW" }, { KEY_OW, "OW" }, { KEY_RM, "RM" }, { KEY_ACCESS, "access" },
        { KEY_UPDATE, "update" }, { KEY_INSERT, "insert" }, { KEY_DELETE, "delete" },
        { KEY_NOT_KEY, "not_key" }, { KEY_INCOMPLETE, "incomplete" }, { KEY_VARIABLE_FLAGS, "variable_flags" },
    };
    size_t mark = reply_mark(c->out), n = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(flags & names[i].bit)) continue;
        reply_simple(c->out, names[i].name);
        n++;
    }
    reply_set_at(c->out, mark, n);
}

static void pair_c(struct call *c, const char *name, const char *value)
{
    reply_bulk_c(c->out, name);
    reply_bulk_c(c->out, value);
}

static void pair_int(struct call *c, const char *name, int64_t value)
{
    reply_bulk_c(c->out, name);
    reply_int(c->out, value);
}

static void reply_begin_search(struct call *c, const struct key_spec *k)
{
    reply_bulk_c(c->out, "begin_search");
    reply_map(c->out, 2);
    pair_c(c, "type", k->keyword ? "keyword" : k->first ? "index" : "unknown");
    reply_bulk_c(c->out, "spec");
    if (k->keyword) {
        reply_map(c->out, 2);
        pair_c(c, "keyword", k->keyword);
        pair_int(c, "startfrom", k->first);
    } else if (k->first == 0) {
        reply_map(c->out, 0);
    } else {
        reply_map(c->out, 1);
        pair_int(c, "index", k->first);
    }
}

static void reply_find_keys(struct call *c, const struct key_spec *k)
{
    reply_bulk_c(c->out, "find_keys");
    reply_map(c->out, 2);
    pair_c(c, "type", k->first == 0 ? "unknown" : k->counted ? "keynum" : "range");
    reply_bulk_c(c->out, "spec");
    if (k->first == 0) {
        reply_map(c->out, 0);
        return;
    }
    reply_map(c->out, 3);
    if (k->counted) {
        pair_int(c, "keynumidx", 0);
        pair_int(c, "firstkey", 1);
        pair_int(c, "keystep", k->step);
    } else {
        pair_int(c, "lastkey", k->last);
        pair_int(c, "keystep", k->step);
        pair_int(c, "limit", k->limit);
    }
}

static void reply_key_specs(struct call *c, const struct command *cmd)
{
    size_t n = 0;

    while (n < COMMAND_KEY_SPECS && cmd->keys[n].flags) n++;
    reply_set(c->out, n);
    for (size_t i = 0; i < n; i++) {
        reply_map(c->out, 3);
        reply_bulk_c(c->out, "flags");
        reply_key_flags(c, cmd->keys[i].flags);
        reply_begin_search(c, &cmd->keys[i]);
        reply_find_keys(c, &cmd->keys[i]);
    }
}

/* The legacy triple: first key, last key, step. */
static void reply_key_range(struct call *c, const struct command *cmd)
{
    int first = 0, last = 0, step = 0;

    for (int i = 0; i < COMMAND_KEY_SPECS && cmd->keys[i].flags; i++) {
        const struct key_spec *k = &cmd->keys[i];
        int end = k->last >= 0 ? k->first + k->last : k->last;
        if (k->counted || k->keyword || k->first == 0 || (k->flags & KEY_NOT_KEY && k->flags & KEY_INCOMPLETE)) continue;
        if (first == 0 || k->first < first) first = k->first;
        if (last >= 0 && (end < 0 || end > last)) last = end;
        if (step == 0) step = k->step;
    }
    reply_int(c->out, first);
    reply_int(c->out, last);
    reply_int(c->out, step);
}

static bool moves_keys(const struct command *cmd)
{
    for (int i = 0; i < COMMAND_KEY_SPECS && cmd->keys[i].flags; i++) {
        if (cmd->keys[i].counted || cmd->keys[i].keyword) return true;
    }
    return false;
}

static void reply_row(struct call *c, const struct command_ref *ref)
{
    const struct command *cmd = ref->cmd;
    size_t n_tips = 0;

    reply_array(c->out, 10);
    reply_bulk_c(c->out, ref->full_name);
    reply_int(c->out, cmd->arity);
    reply_flag_names(c, cmd->flags | (moves_keys(cmd) ? CMD_MOVABLE_KEYS : 0));
    reply_key_range(c, cmd);
    reply_categories(c, command_categories(cmd));
    while (cmd->tips && cmd->tips[n_tips]) n_tips++;
    reply_array(c->out, n_tips);
    for (size_t i = 0; i < n_tips; i++) reply_bulk_c(c->out, cmd->tips[i]);
    reply_key_specs(c, cmd);
    reply_array(c->out, ref->n_subs);
    for (size_t i = 0; i < ref->n_subs; i++) reply_row(c, &ref->subs[i]);
}

static struct registry *rows(const struct call *c)
{
    return c->client->server->commands;
}

static enum err run_command(struct call *c)
{
    size_t n = registry_count(rows(c));

    reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) reply_row(c, registry_at(rows(c), i));
    return OK;
}

static enum err run_info(struct call *c)
{
    if (c->argc == 2) return run_command(c);
    reply_array(c->out, c->argc - 2);
    for (size_t i = 2; i < c->argc; i++) {
        struct command_ref *ref = registry_find_full(rows(c), call_arg(c, i));
        if (ref) reply_row(c, ref);
        else reply_null(c->out);
    }
    return OK;
}

static enum err run_count(struct call *c)
{
    reply_int(c->out, (int64_t)registry_count(rows(c)));
    return OK;
}

/* --- DOCS --------------------------------------------------------------------------------------------- */

static const char *const arg_type_names[] = {
    [ARG_T_STRING] = "string", [ARG_T_INTEGER] = "integer", [ARG_T_DOUBLE] = "double", [ARG_T_KEY] = "key",
    [ARG_T_PATTERN] = "pattern", [ARG_T_UNIX_TIME] = "unix-time", [ARG_T_PURE_TOKEN] = "pure-token",
    [ARG_T_ONEOF] = "oneof", [ARG_T_BLOCK] = "block",
};

static void reply_args(struct call *c, const struct command_arg *args);

static void reply_arg(struct call *c, const struct command_arg *a)
{
    size_t mark = reply_mark(c->out), n = 2;
    bool nested = a->type == ARG_T_ONEOF || a->type == ARG_T_BLOCK;

    pair_c(c, "name", a->name);
    pair_c(c, "type", arg_type_names[a->type]);
    if (!nested) pair_c(c, "display_text", a->display ? a->display : a->name), n++;
    if (a->type == ARG_T_KEY || a->key_spec > 0) pair_int(c, "key_spec_index", a->key_spec), n++;
    if (a->token) pair_c(c, "token", a->token), n++;
    if (a->since) pair_c(c, "since", a->since), n++;
    if (a->deprecated_since) pair_c(c, "deprecated_since", a->deprecated_since), n++;
    if (a->flags) {
        reply_bulk_c(c->out, "flags");
        reply_set(c->out, (size_t)__builtin_popcount(a->flags));
        if (a->flags & ARG_OPTIONAL) reply_simple(c->out, "optional");
        if (a->flags & ARG_MULTIPLE) reply_simple(c->out, "multiple");
        if (a->flags & ARG_MULTIPLE_TOKEN) reply_simple(c->out, "multiple_token");
        n++;
    }
    if (nested && a->subs) {
        reply_bulk_c(c->out, "arguments");
        reply_args(c, a->subs);
        n++;
    }
    reply_map_at(c->out, mark, n);
}

static void reply_args(struct call *c, const struct command_arg *args)
{
    size_t n = 0;

    while (args[n].name) n++;
    reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) reply_arg(c, &args[i]);
}

static const char *group_name(enum command_group g)
{
    static const char *const names[] = {
#define NAME(code, name) [code] = name,
        GROUP_TABLE(NAME)
#undef NAME
    };

    return names[g];
}

static void reply_docs(struct call *c, const struct command_ref *ref)
{
    const struct command *cmd = ref->cmd;
    size_t mark, n = 4;

    reply_bulk_c(c->out, ref->full_name);
    mark = reply_mark(c->out);
    pair_c(c, "summary", cmd->summary);
    pair_c(c, "since", cmd->since);
    pair_c(c, "group", group_name(cmd->group));
    pair_c(c, "complexity", cmd->complexity);
    if (cmd->deprecated_since || (cmd->flags & CMD_SYSTEM)) {
        reply_bulk_c(c->out, "doc_flags");
        reply_set(c->out, 1);
        reply_simple(c->out, cmd->deprecated_since ? "deprecated" : "syscmd");
        n++;
    }
    if (cmd->deprecated_since) {
        pair_c(c, "deprecated_since", cmd->deprecated_since);
        n++;
        if (cmd->replaced_by) pair_c(c, "replaced_by", cmd->replaced_by), n++;
    }
    if (cmd->history) {
        size_t k = 0;
        while (cmd->history[2 * k]) k++;
        reply_bulk_c(c->out, "history");
        reply_set(c->out, k);
        for (size_t i = 0; i < k; i++) {
            reply_array(c->out, 2);
            reply_bulk_c(c->out, cmd->history[2 * i]);
            reply_bulk_c(c->out, cmd->history[2 * i + 1]);
        }
        n++;
    }
    if (cmd->args) {
        reply_bulk_c(c->out, "arguments");
        reply_args(c, cmd->args);
        n++;
    }
    if (ref->n_subs) {
        reply_bulk_c(c->out, "subcommands");
        reply_map(c->out, ref->n_subs);
        for (size_t i = 0; i < ref->n_subs; i++) reply_docs(c, &ref->subs[i]);
        n++;
    }
    reply_map_at(c->out, mark, n);
}

static enum err run_docs(struct call *c)
{
    size_t mark = reply_mark(c->out), n = 0;

    if (c->argc == 2) {
        n = registry_count(rows(c));
        for (size_t i = 0; i < n; i++) reply_docs(c, registry_at(rows(c), i));
    }
    for (size_t i = 2; i < c->argc; i++) {
        struct command_ref *ref = registry_find_full(rows(c), call_arg(c, i));
        if (ref == NULL) continue;
        reply_docs(c, ref);
        n++;
    }
    reply_map_at(c->out, mark, n);
    return OK;
}

/* --- LIST --------------------------------------------------------------------------------------------- */

enum list_by { LIST_ALL, LIST_MODULE, LIST_ACL, LIST_PATTERN };

static uint32_t category_bit(struct str name)
{
#define BIT(code, text, bit) if (str_is(name, text)) return code;
    ACL_TABLE(BIT)
#undef BIT
    return 0;
}

static bool listed(const struct command_ref *ref, enum list_by by, struct str arg)
{
    switch (by) {
    case LIST_ALL: return true;
    case LIST_MODULE: return modules_has(arg, ref->cmd);
    case LIST_ACL: return command_categories(ref->cmd) & category_bit(arg);
    default: return glob_match(arg, str_c(ref->full_name), true);
    }
}

static size_t list_rows(struct call *c, const struct command_ref *ref, enum list_by by, struct str arg)
{
    size_t n = 0;

    if (listed(ref, by, arg)) {
        reply_bulk_c(c->out, ref->full_name);
        n++;
    }
    for (size_t i = 0; i < ref->n_subs; i++) n += list_rows(c, &ref->subs[i], by, arg);
    return n;
}

static enum err run_list(struct call *c)
{
    enum list_by by = LIST_ALL;
    size_t mark = reply_mark(c->out), n = 0;
    struct str arg = { 0 };

    if (c->argc == 5 && call_is(c, 2, "filterby")) {
        if (call_is(c, 3, "module")) by = LIST_MODULE;
        else if (call_is(c, 3, "aclcat")) by = LIST_ACL;
        else if (call_is(c, 3, "pattern")) by = LIST_PATTERN;
        else return ERR_SYNTAX;
        arg = call_arg(c, 4);
    } else if (c->argc != 2) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < registry_count(rows(c)); i++) n += list_rows(c, registry_at(rows(c), i), by, arg);
    reply_set_at(c->out, mark, n);
    return OK;
}

/* --- GETKEYS ------------------------------------------------------------------------------------------ */

/* Channels of shards have a specification, but are no keys. */
static bool has_keys(const struct command *cmd)
{
    for (int i = 0; i < COMMAND_KEY_SPECS && cmd->keys[i].flags; i++) {
        if (!(cmd->keys[i].flags & KEY_NOT_KEY)) return true;
    }
    return false;
}

static enum err get_keys(struct call *c, bool with_flags)
{
    struct command_ref *container, *ref = registry_resolve(rows(c), c->argc - 2, c->argv + 2, &container);
    struct key_ref *refs = call_new(c, struct key_ref, c->argc);
    long n;

    if (ref == NULL) return ERR_GETKEYS_COMMAND;
    if (!has_keys(ref->cmd)) return ERR_GETKEYS_NONE;
    if (!command_arity_ok(ref->cmd, c->argc - 2)) return ERR_GETKEYS_ARITY;
    n = command_keys(ref->cmd, c->argc - 2, c->argv + 2, refs, c->argc);
    if (n <= 0 && !(ref->cmd->flags & CMD_NO_MANDATORY_KEYS)) return ERR_GETKEYS_ARGS;
    if (n < 0) n = 0;
    reply_array(c->out, (size_t)n);
    for (long i = 0; i < n; i++) {
        if (with_flags) reply_array(c->out, 2);
        reply_bulk(c->out, call_arg(c, 2 + refs[i].at));
        if (with_flags) reply_key_flags(c, refs[i].flags);
    }
    return OK;
}

static enum err run_getkeys(struct call *c) { return get_keys(c, false); }
static enum err run_getkeysandflags(struct call *c) { return get_keys(c, true); }

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)",
        "    Return details about all Redis commands.",
        "COUNT",
        "    Return the total number of commands in this Redis server.",
        "LIST",
        "    Return a list of all commands in this Redis server.",
        "INFO [<command-name> ...]",
        "    Return details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "DOCS [<command-name> ...]",
        "    Return documentation details about multiple Redis commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "GETKEYS <full-command>",
        "    Return the keys from a full Redis command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys and the access flags from a full Redis command.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define ANY (CMD_LOADING | CMD_STALE)
#define NAMES .args = ARGS({ .name = "command-name", .flags = ARG_OPTIONAL | ARG_MULTIPLE })
#define FULL .args = ARGS({ .name = "command" }, { .name = "arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE })

static const struct command command_subs[] = {
    { ROW("count", run_count, 2, ANY, GROUP_SERVER, "2.8.13", "O(1)", "Counts the commands."),
      .acl = ACL_CONNECTION },
    { ROW("docs", run_docs, -2, ANY, GROUP_SERVER, "7.0.0", "O(N), N being the commands asked for",
          "Documents commands."), .acl = ACL_CONNECTION, NAMES,
      .tips = TIPS("nondeterministic_output_order") },
    { ROW("getkeys", run_getkeys, -3, ANY, GROUP_SERVER, "2.8.13", "O(N), N being the arguments",
          "Returns the keys of a request."), .acl = ACL_CONNECTION, FULL },
    { ROW("getkeysandflags", run_getkeysandflags, -3, ANY, GROUP_SERVER, "7.0.0", "O(N), N being the arguments",
          "Returns the keys of a request and what is done to them."), .acl = ACL_CONNECTION, FULL },
    { ROW("help", run_help, 2, ANY, GROUP_SERVER, "5.0.0", "O(1)", "Prints what COMMAND can do."),
      .acl = ACL_CONNECTION },
    { ROW("info", run_info, -2, ANY, GROUP_SERVER, "2.8.13", "O(N), N being the commands asked for",
          "Describes commands."), .acl = ACL_CONNECTION, NAMES,
      .history = HISTORY("7.0.0", "Without names it describes all."),
      .tips = TIPS("nondeterministic_output_order") },
    { ROW("list", run_list, -2, ANY, GROUP_SERVER, "7.0.0", "O(N), N being the commands", "Lists commands' names."),
      .acl = ACL_CONNECTION,
      .args = ARGS({ .name = "filterby", .type = ARG_T_ONEOF, .token = "FILTERBY", .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "module-name", .token = "MODULE" },
                                  { .name = "category", .token = "ACLCAT" },
                                  { .name = "pattern", .type = ARG_T_PATTERN, .token = "PATTERN" }) }),
      .tips = TIPS("nondeterministic_output_order") },
    { 0 },
};

const struct command command_commands[] = {
    { ROW("command", run_command, -1, ANY, GROUP_SERVER, "2.8.13", "O(N), N being the commands",
          "Describes all commands."),
      .acl = ACL_CONNECTION, .subs = command_subs,
      .tips = TIPS("nondeterministic_output_order") },
    { 0 },
};
