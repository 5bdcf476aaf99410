/* tables.h -- the tables that the files of this folder define; each ends with a zeroed row. */
#ifndef MEMD_COMMANDS_TABLES_H
#define MEMD_COMMANDS_TABLES_H

#include "commands/command.h"

extern const struct command string_commands[];
extern const struct command string_many_commands[];
extern const struct command string_edit_commands[];
extern const struct command string_if_commands[];
extern const struct command lcs_commands[];
extern const struct command bits_commands[];
extern const struct command bitfield_commands[];
extern const struct command hyperloglog_commands[];
extern const struct command geo_commands[];
extern const struct command geo_search_commands[];
extern const struct command list_commands[];
extern const struct command list_blocking_commands[];
extern const struct command hash_commands[];
extern const struct command hash_read_commands[];
extern const struct command hash_ttl_commands[];
extern const struct command hash_ex_commands[];
extern const struct command set_commands[];
extern const struct command set_algebra_commands[];
extern const struct command zset_commands[];
extern const struct command zset_range_commands[];
extern const struct command zset_pop_commands[];
extern const struct command zset_algebra_commands[];
extern const struct command sort_commands[];
extern const struct command stream_commands[];
extern const struct command stream_read_commands[];
extern const struct command stream_group_commands[];
extern const struct command stream_claim_commands[];
extern const struct command stream_info_commands[];
extern const struct command json_commands[];
extern const struct command json_read_commands[];
extern const struct command json_edit_commands[];
extern const struct command json_array_commands[];
extern const struct command suggest_commands[];
extern const struct command vset_commands[];
extern const struct command vset_show_commands[];
extern const struct command vset_list_commands[];
extern const struct command vset_sim_commands[];
extern const struct command keys_commands[];
extern const struct command keys_copy_commands[];
extern const struct command scan_commands[];
extern const struct command object_commands[];
extern const struct command expire_commands[];

#endif
