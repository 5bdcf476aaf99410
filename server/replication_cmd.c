/* replication_cmd.c -- commands of replication and durability, as a master without replicas answers.
 *
 * memd does not replicate yet: nobody can follow it, and it follows nobody. What is there serves tools:
 * REPLCONF and SYNC for who wants a snapshot alone, WAITAOF for who wants to know that the log is on disk. */
#include <limits.h>

#include "base/num.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/rows.h"

/* --- the role ----------------------------------------------------------------------------------------- */

static enum err run_replicaof(struct call *c)
{
    int64_t port;

    if (call_is(c, 1, "no") && call_is(c, 2, "one")) {
        reply_ok(c->out);
        return OK;
    }
    if (call_range(c, 2, 0, UINT16_MAX, ERR_MASTER_PORT, &port) != OK) return ERR_MASTER_PORT;
    return ERR_NOT_A_REPLICA;
}

/* Everything that can be wrong is said before that there is nobody to take over. */
static enum err run_failover(struct call *c)
{
    bool target = false, timeout = false, force = false;
    int64_t n;

    if (c->argc == 2 && call_is(c, 1, "abort")) return ERR_FAILOVER_NONE;
    for (size_t i = 1; i < c->argc; i++) {
        if (!timeout && call_is(c, i, "timeout") && i + 1 < c->argc) {
            if (call_i64(c, ++i, &n) != OK) return ERR_NOT_INT;
            if (n <= 0) return ERR_FAILOVER_TIMEOUT;
            timeout = true;
        } else if (!target && call_is(c, i, "to") && i + 2 < c->argc) {
            i += 2;
            if (call_i64(c, i, &n) != OK) return ERR_NOT_INT;
            target = true;
        } else if (!force && call_is(c, i, "force")) {
            force = true;
        } else {
            return ERR_SYNTAX;
        }
    }
    return ERR_FAILOVER_REPLICAS;
}

/* --- the log ------------------------------------------------------------------------------------------- */

/* WAITAOF: until what the client has written is synced. No replica ever says so, hence one that waits for
 * some waits for its timeout. */
static enum err run_waitaof(struct call *c)
{
    struct persist *p = c->client->server->persist;
    int64_t local, replicas, ms;
    struct persist_info info;
    bool synced;
    enum err e;

    e = call_range(c, 1, 0, 1, ERR_RANGE_0_1, &local);
    if (e == OK) e = call_range(c, 2, 0, LONG_MAX, ERR_NOT_POSITIVE, &replicas);
    if (e != OK) return e;
    if (!num_parse_i64(call_arg(c, 3), &ms)) return ERR_TIMEOUT_NOT_INT;
    if (ms < 0) return ERR_TIMEOUT_NEGATIVE;
    persist_info(p, &info);
    if (local > 0 && !info.aof_enabled) return ERR_WAITAOF_OFF;
    synced = info.aof_enabled && persist_synced_offset(p) >= c->client->written;
    if (c->may_block && (synced < local || replicas > 0)) {
        e = call_block(c, NULL, 0, VALUE_STRING, ms, NULL_ASK_AGAIN);
        c->wait.for_sync = true;
        persist_sync_soon(p);
        return e;
    }
    reply_array(c->out, 2);
    reply_int(c->out, synced);
    reply_int(c->out, 0);
    return OK;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

/* clang-format off */

#define ROLE_ROW(n, si, text) \
    ROW(n, run_replicaof, 3, CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_NO_ASYNC_LOADING, GROUP_SERVER, si, "O(1)", \
        text), \
    .args = ARGS({ .name = "args", .type = ARG_T_ONEOF, \
                   .subs = ARGS({ .name = "host-port", .type = ARG_T_BLOCK, \
                                  .subs = ARGS({ .name = "host" }, { .name = "port", .type = ARG_T_INTEGER }) }, \
                                { .name = "no-one", .type = ARG_T_BLOCK, \
                                  .subs = ARGS({ .name = "no", .type = ARG_T_PURE_TOKEN, .token = "NO" }, \
                                               { .name = "one", .type = ARG_T_PURE_TOKEN, .token = "ONE" }) }) })

const struct command replication_commands[] = {
    { ROLE_ROW("replicaof", "5.0.0", "Makes memd a master, which it is: it follows nobody yet.") },
    { ROLE_ROW("slaveof", "1.0.0", "An older name of REPLICAOF."),
      .deprecated_since = "5.0.0", .replaced_by = "`REPLICAOF`" },
    { ROW("failover", run_failover, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE, GROUP_SERVER, "6.2.0", "O(1)",
          "Lets a replica take over: there is none."),
      .args = ARGS({ .name = "target", .type = ARG_T_BLOCK, .token = "TO", .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "host" }, { .name = "port", .type = ARG_T_INTEGER },
                                  { .name = "force", .type = ARG_T_PURE_TOKEN, .token = "FORCE",
                                    .flags = ARG_OPTIONAL }) },
                   { .name = "abort", .type = ARG_T_PURE_TOKEN, .token = "ABORT", .flags = ARG_OPTIONAL },
                   { .name = "milliseconds", .type = ARG_T_INTEGER, .token = "TIMEOUT", .flags = ARG_OPTIONAL }) },
    { ROW("waitaof", run_waitaof, 4, CMD_NOSCRIPT, GROUP_GENERIC, "7.2.0", "O(1)",
          "Waits until the connection's writes are on the disk."),
      .acl = ACL_CONNECTION, .tips = TIPS("request_policy:all_shards", "response_policy:agg_min"),
      .args = ARGS({ .name = "numlocal", .type = ARG_T_INTEGER }, { .name = "numreplicas", .type = ARG_T_INTEGER },
                   { .name = "timeout", .type = ARG_T_INTEGER }) },
    { 0 },
};
