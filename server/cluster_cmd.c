/* cluster_cmd.c -- commands about a cluster, as a server answers that is in none.
 *
 * Clients ask them to find out with whom they speak: what they get is the one error that says so. Number of
 * arguments and names of subcommands are checked before, by the rows. */
#include "server/commands.h"
#include "server/rows.h"

static enum err run_disabled(struct call *c)
{
    (void)c;
    return ERR_CLUSTER_OFF;
}

/* clang-format off */

#define CLUSTER_ROW(n, ar, fl, si, text) ROW(n, run_disabled, ar, fl, GROUP_CLUSTER, si, "O(1)", text)
#define CHANGE (CMD_ADMIN | CMD_STALE | CMD_NO_ASYNC_LOADING)
#define VARIES .tips = TIPS("nondeterministic_output")
#define NODE .args = ARGS({ .name = "node-id" })
#define SLOTS .args = ARGS({ .name = "slot", .type = ARG_T_INTEGER, .flags = ARG_MULTIPLE })
#define RANGES \
    .args = ARGS({ .name = "range", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE, \
                   .subs = ARGS({ .name = "start-slot", .type = ARG_T_INTEGER }, \
                                { .name = "end-slot", .type = ARG_T_INTEGER }) })
#define ONE_OF(n, a, A, b, B) \
    .args = ARGS({ .name = n, .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, \
                   .subs = ARGS({ .name = a, .type = ARG_T_PURE_TOKEN, .token = A }, \
                                { .name = b, .type = ARG_T_PURE_TOKEN, .token = B }) })

static const struct command cluster_subs[] = {
    { CLUSTER_ROW("addslots", -3, CHANGE, "3.0.0", "Gives slots to a node."), SLOTS },
    { CLUSTER_ROW("addslotsrange", -4, CHANGE, "7.0.0", "Gives ranges of slots to a node."), RANGES },
    { CLUSTER_ROW("bumpepoch", 2, CHANGE, "3.0.0", "Makes the configuration newer."), VARIES },
    { CLUSTER_ROW("count-failure-reports", 3, CMD_ADMIN | CMD_STALE, "3.0.0", "Counts who thinks a node failed."),
      VARIES, NODE },
    { CLUSTER_ROW("countkeysinslot", 3, CMD_STALE, "3.0.0", "Counts the keys of a slot."),
      .args = ARGS({ .name = "slot", .type = ARG_T_INTEGER }) },
    { CLUSTER_ROW("delslots", -3, CHANGE, "3.0.0", "Takes slots from a node."), SLOTS },
    { CLUSTER_ROW("delslotsrange", -4, CHANGE, "7.0.0", "Takes ranges of slots from a node."), RANGES },
    { CLUSTER_ROW("failover", -2, CHANGE, "3.0.0", "Makes a replica the master."),
      ONE_OF("options", "force", "FORCE", "takeover", "TAKEOVER") },
    { CLUSTER_ROW("flushslots", 2, CHANGE, "3.0.0", "Takes all slots from a node.") },
    { CLUSTER_ROW("forget", 3, CHANGE, "3.0.0", "Removes a node from those known."), NODE },
    { CLUSTER_ROW("getkeysinslot", 4, CMD_STALE, "3.0.0", "Lists keys of a slot."), VARIES,
      .args = ARGS({ .name = "slot", .type = ARG_T_INTEGER }, { .name = "count", .type = ARG_T_INTEGER }) },
    { CLUSTER_ROW("help", 2, CMD_LOADING | CMD_STALE, "5.0.0", "Prints what CLUSTER can do.") },
    { CLUSTER_ROW("info", 2, CMD_STALE, "3.0.0", "Tells the state of a node."), VARIES },
    { CLUSTER_ROW("keyslot", 3, CMD_STALE, "3.0.0", "Returns the slot of a key."), .args = ARGS({ .name = "key" }) },
    { CLUSTER_ROW("links", 2, CMD_STALE, "7.0.0", "Lists the connections between nodes."), VARIES },
    { CLUSTER_ROW("meet", -4, CHANGE, "3.0.0", "Makes another node known."),
      .history = HISTORY("4.0.0", "The port of the cluster's bus."),
      .args = ARGS({ .name = "ip" }, { .name = "port", .type = ARG_T_INTEGER },
                   { .name = "cluster-bus-port", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL, .since = "4.0.0" }) },
    { CLUSTER_ROW("myid", 2, CMD_STALE, "3.0.0", "Returns the name of this node.") },
    { CLUSTER_ROW("myshardid", 2, CMD_STALE, "7.2.0", "Returns the name of this node's shard."), VARIES },
    { CLUSTER_ROW("nodes", 2, CMD_STALE, "3.0.0", "Describes the nodes."), VARIES },
    { CLUSTER_ROW("replicas", 3, CMD_ADMIN | CMD_STALE, "5.0.0", "Lists the replicas of a node."), VARIES, NODE },
    { CLUSTER_ROW("replicate", 3, CHANGE, "3.0.0", "Makes this node a replica."), NODE },
    { CLUSTER_ROW("reset", -2, CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE, "3.0.0", "Forgets the cluster."),
      ONE_OF("reset-type", "hard", "HARD", "soft", "SOFT") },
    { CLUSTER_ROW("saveconfig", 2, CHANGE, "3.0.0", "Writes the cluster's configuration to the disk.") },
    { CLUSTER_ROW("set-config-epoch", 3, CHANGE, "3.0.0", "Sets the epoch of a new node."),
      .args = ARGS({ .name = "config-epoch", .type = ARG_T_INTEGER }) },
    { CLUSTER_ROW("setslot", -4, CHANGE, "3.0.0", "Binds a slot to a node."),
      .args = ARGS({ .name = "slot", .type = ARG_T_INTEGER },
                   { .name = "subcommand", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "importing", .token = "IMPORTING", .display = "node-id" },
                                  { .name = "migrating", .token = "MIGRATING", .display = "node-id" },
                                  { .name = "node", .token = "NODE", .display = "node-id" },
                                  { .name = "stable", .type = ARG_T_PURE_TOKEN, .token = "STABLE" }) }) },
    { CLUSTER_ROW("shards", 2, CMD_LOADING | CMD_STALE, "7.0.0", "Maps slots to shards."), VARIES },
    { CLUSTER_ROW("slaves", 3, CMD_ADMIN | CMD_STALE, "3.0.0", "Lists the replicas of a node."), VARIES, NODE,
      .deprecated_since = "5.0.0", .replaced_by = "`CLUSTER REPLICAS`" },
    { CLUSTER_ROW("slots", 2, CMD_LOADING | CMD_STALE, "3.0.0", "Maps slots to nodes."), VARIES,
      .history = HISTORY("4.0.0", "The names of nodes.", "7.0.0", "More about how to reach them."),
      .deprecated_since = "7.0.0", .replaced_by = "`CLUSTER SHARDS`" },
    { 0 },
};

const struct command cluster_commands[] = {
    { CONTAINER("cluster", GROUP_CLUSTER, "3.0.0", "About a cluster: memd is in none.", cluster_subs) },
    { CLUSTER_ROW("asking", 1, CMD_FAST, "3.0.0", "Lets the next request follow an ASK."), .acl = ACL_CONNECTION },
    { CLUSTER_ROW("readonly", 1, CMD_LOADING | CMD_STALE | CMD_FAST, "3.0.0",
                  "Lets a replica of a cluster answer reads."), .acl = ACL_CONNECTION },
    { CLUSTER_ROW("readwrite", 1, CMD_LOADING | CMD_STALE | CMD_FAST, "3.0.0", "Ends READONLY."),
      .acl = ACL_CONNECTION },
    { 0 },
};
