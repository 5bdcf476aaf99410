/* module_cmd.c -- MODULE: there is nothing to load into memd, and it says so as a server does where loading
 * fails or is not allowed. */
#include "server/commands.h"
#include "server/modules.h"
#include "server/rows.h"

/* ReJSON 2.8.3 has MERGE and MSET, search 2.10.5 the query language's second dialect; vector sets have the name and version that
 * Redis 8 tells. */
const struct module modules[N_MODULES] = {
    { "ReJSON", 20803, 1U << GROUP_JSON },
    { "search", 21005, 1U << GROUP_SEARCH | 1U << GROUP_SUGGESTION },
    { "vectorset", 1, 1U << GROUP_VECTOR_SET },
};

bool modules_has(struct str module, const struct command *cmd)
{
    for (size_t i = 0; i < N_MODULES; i++)
        if (str_is(module, modules[i].name)) return modules[i].groups >> cmd->group & 1;
    return false;
}

void modules_reply(struct reply *out)
{
    reply_array(out, N_MODULES);
    for (size_t i = 0; i < N_MODULES; i++) {
        reply_map(out, 4);
        reply_bulk_c(out, "name");
        reply_bulk_c(out, modules[i].name);
        reply_bulk_c(out, "ver");
        reply_int(out, modules[i].version);
        reply_bulk_c(out, "path");
        reply_bulk_c(out, "");
        reply_bulk_c(out, "args");
        reply_array(out, 0);
    }
}

static enum err run_list(struct call *c)
{
    modules_reply(c->out);
    return OK;
}

static enum err run_load(struct call *c)
{
    (void)c;
    return ERR_MODULE_LOAD;
}

static enum err run_unload(struct call *c)
{
    (void)c;
    return ERR_MODULE_UNLOAD;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "LIST",
        "    Return a list of loaded modules.",
        "LOAD <path> [<arg> ...]",
        "    Load a module library from <path>, passing to it any optional arguments.",
        "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
        "    Load a module library from <path>, while passing it module configurations and optional arguments.",
        "UNLOAD <name>",
        "    Unload a module.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

/* clang-format off */

#define MODULE_ROW(n, fn, ar, si, text) \
    ROW(n, fn, ar, CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_PROTECTED, GROUP_SERVER, si, "O(1)", text)

static const struct command module_subs[] = {
    { ROW("list", run_list, 2, CMD_ADMIN | CMD_NOSCRIPT, GROUP_SERVER, "4.0.0", "O(1)",
          "Lists what is a module elsewhere and is a part of memd."), .tips = TIPS("nondeterministic_output_order") },
    { MODULE_ROW("load", run_load, -3, "4.0.0", "Fails: modules cannot be loaded into memd."),
      .args = ARGS({ .name = "path" }, { .name = "arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { MODULE_ROW("loadex", run_load, -3, "7.0.0", "Fails: modules cannot be loaded into memd."),
      .args = ARGS({ .name = "path" },
                   { .name = "configs", .type = ARG_T_BLOCK, .token = "CONFIG",
                     .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
                     .subs = ARGS({ .name = "name" }, { .name = "value" }) },
                   { .name = "args", .token = "ARGS", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { MODULE_ROW("unload", run_unload, 3, "4.0.0", "Fails: there is no module."),
      .args = ARGS({ .name = "name" }) },
    { ROW("help", run_help, 2, CMD_LOADING | CMD_STALE, GROUP_SERVER, "5.0.0", "O(1)",
          "Prints what MODULE can do.") },
    { 0 },
};

const struct command module_commands[] = {
    { CONTAINER("module", GROUP_SERVER, "4.0.0", "About modules.", module_subs) },
    { 0 },
};
