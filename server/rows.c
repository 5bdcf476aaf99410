/* rows.c -- see rows.h, and the list of all tables of this folder. */
#include "server/rows.h"

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

const struct command *const server_tables[] = {
    connection_commands, client_commands, command_commands, config_commands, info_commands,
    admin_commands,      memory_commands, debug_commands,   multi_commands,  pubsub_commands,
    slowlog_commands,    latency_commands, NULL,
};
