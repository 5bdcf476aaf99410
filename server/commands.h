/* commands.h -- tables of the files that hold nothing but commands. */
#ifndef MEMD_SERVER_COMMANDS_H
#define MEMD_SERVER_COMMANDS_H

#include "commands/command.h"

extern const struct command connection_commands[]; /* connection_cmd.c: PING HELLO AUTH SELECT ... */
extern const struct command client_commands[];     /* client_cmd.c: CLIENT */
extern const struct command command_commands[];    /* command_cmd.c: COMMAND */
extern const struct command config_commands[];     /* config_cmd.c: CONFIG */
extern const struct command info_commands[];       /* info.c: INFO */
extern const struct command admin_commands[];      /* admin_cmd.c: SAVE FLUSHALL SHUTDOWN ... */
extern const struct command namespace_commands[];  /* namespace_cmd.c: NAMESPACE */
extern const struct command archive_search_commands[]; /* archive_search_cmd.c: ARCHIVE.SEARCH */
extern const struct command memory_commands[];     /* memory_cmd.c: MEMORY */
extern const struct command debug_commands[];      /* debug_cmd.c: DEBUG */
extern const struct command archive_query_commands[]; /* archive_query_cmd.c: ARCHIVE.GET .VERSIONS .LIST .SQL */
extern const struct command ft_search_commands[];   /* ft_search.c: FT.SEARCH */
extern const struct command ft_explain_commands[];  /* ft_explain.c: FT.EXPLAIN .EXPLAINCLI */
extern const struct command ft_profile_commands[];  /* ft_profile.c: FT.PROFILE */
extern const struct command archive_commands[];    /* archive_cmd.c: ARCHIVE.PUT .MOVE .RECALL .DROP .FLUSH .STATS */
extern const struct command dump_commands[];       /* dump_cmd.c: DUMP RESTORE */
extern const struct command migrate_commands[];    /* migrate_cmd.c: MIGRATE */
extern const struct command cluster_commands[];    /* cluster_cmd.c: CLUSTER ASKING READONLY READWRITE */
extern const struct command module_commands[];     /* module_cmd.c: MODULE */
extern const struct command replication_commands[]; /* replication_cmd.c: REPLICAOF REPLCONF SYNC WAITAOF ... */
extern const struct command acl_commands[], audit_commands[];        /* acl_cmd.c: ACL */
extern const struct command function_commands[];   /* function_cmd.c: FUNCTION */
extern const struct command eval_commands[];       /* eval_cmd.c: EVAL EVALSHA SCRIPT ... */
extern const struct command ft_commands[];         /* ft_cmd.c: FT.CREATE .ALTER .DROPINDEX .ALIAS... ._LIST .TAGVALS */
extern const struct command ft_info_commands[];    /* ft_info_cmd.c: FT.INFO */
extern const struct command ft_config_commands[];  /* ft_config_cmd.c: FT.CONFIG */
extern const struct command ft_synonym_commands[]; /* ft_synonym_cmd.c: FT.SYNUPDATE FT.SYNDUMP */
extern const struct command ft_spell_commands[];   /* ft_spell_cmd.c: FT.SPELLCHECK */
extern const struct command ft_dictionary_commands[]; /* ft_dictionary_cmd.c: FT.DICTADD FT.DICTDEL FT.DICTDUMP */
extern const struct command unlink_match_commands[]; /* unlink_match_cmd.c: UNLINK.MATCH */
extern const struct command ft_aggregate_commands[]; /* ft_aggregate.c: FT.AGGREGATE */
extern const struct command ft_hybrid_commands[];  /* ft_hybrid.c: FT.HYBRID */
extern const struct command ft_cursor_commands[];  /* ft_cursor.c: FT.CURSOR */
extern const struct command fcall_commands[];      /* fcall_cmd.c: FCALL FCALL_RO */

#endif
