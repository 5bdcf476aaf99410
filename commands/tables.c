/* tables.c -- every table of commands on keys. A new file of commands adds its line here. */
#include "commands/tables.h"

const struct command *const command_tables[] = {
    string_commands, string_many_commands, string_edit_commands, string_if_commands, lcs_commands,
    bits_commands, bitfield_commands, hyperloglog_commands, geo_commands, geo_search_commands,
    list_commands, list_blocking_commands,
    hash_commands, hash_read_commands, hash_ttl_commands, hash_ex_commands,
    set_commands, set_algebra_commands,
    zset_commands, zset_range_commands, zset_pop_commands, zset_algebra_commands, sort_commands,
    stream_commands, stream_read_commands, stream_group_commands, stream_claim_commands, stream_info_commands,
    json_commands, json_read_commands, json_edit_commands, json_array_commands, suggest_commands,
    vset_commands, vset_show_commands, vset_list_commands, vset_sim_commands,
    keys_commands, keys_copy_commands, scan_commands, object_commands, expire_commands,
    NULL,
};
