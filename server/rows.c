/* rows.c -- see rows.h, and the list of all tables of this folder. */
#include "server/rows.h"

#include "server/commands.h"
#include "server/latency.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/slowlog.h"
#include "server/tables.h"

const struct command *const server_tables[] = {
    connection_commands, client_commands, command_commands, config_commands, info_commands,
    admin_commands,      memory_commands, debug_commands,   multi_commands,  pubsub_commands,
    slowlog_commands,    latency_commands, dump_commands,    migrate_commands, function_commands,
    archive_commands,    archive_query_commands,
    eval_commands,       fcall_commands,   acl_commands,     cluster_commands, module_commands,
    namespace_commands,  replication_commands, archive_search_commands, audit_commands, ft_commands,
    ft_info_commands,    ft_config_commands, ft_search_commands, ft_explain_commands, ft_profile_commands, ft_aggregate_commands, ft_cursor_commands,
    ft_hybrid_commands,  ft_synonym_commands, ft_spell_commands, ft_dictionary_commands, unlink_match_commands, NULL,
};
