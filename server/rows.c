/* rows.c -- see rows.h, and the list of all tables of this folder. */
#include "server/rows.h"

#include <ctype.h>
#include <stdint.h>

#include "server/commands.h"
#include "server/latency.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/slowlog.h"
#include "server/tables.h"

void reply_help(struct call *c, const char *const *lines, size_t n)
{
    reply_array(c->out, n + 2);
    for (size_t i = 0; i < n; i++) reply_simple(c->out, lines[i]);
    reply_simple(c->out, "HELP");
    reply_simple(c->out, "    Print this help.");
}

enum err subcommand_syntax(struct call *c)
{
    struct str sub = call_arg(c, 1), name = call_arg(c, 0);
    struct str upper = arena_dup(c->arena, name);

    for (size_t i = 0; i < upper.n; i++) ((char *)(uintptr_t)upper.p)[i] = (char)toupper((unsigned char)upper.p[i]);
    reply_errorf(c->out, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %.*s HELP.",
                 (int)(sub.n < 128 ? sub.n : 128), sub.p, (int)upper.n, upper.p);
    return CALL_REPLIED_ERROR;
}

const struct command *const server_tables[] = {
    connection_commands, client_commands, command_commands, config_commands, info_commands,
    admin_commands,      memory_commands, debug_commands,   multi_commands,  pubsub_commands,
    slowlog_commands,    latency_commands, dump_commands,   NULL,
};
