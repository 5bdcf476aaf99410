/* replication_cmd.c -- commands of replication and durability, as a master without replicas answers.
 *
 * memd does not replicate yet: nobody can follow it, and it follows nobody. What is there serves tools:
 * REPLCONF and SYNC for who wants a snapshot alone, WAITAOF for who wants to know that the log is on disk. */
#include <limits.h>

#include "base/num.h"
#include "conf/args.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/function.h"
#include "server/rows.h"
#include "server/transfer.h"

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

/* --- snapshots for tools --------------------------------------------------------------------------------- */

/* REPLCONF rdb-filter-only: "functions", or nothing at all. */
static enum err want_filtered(struct call *c, size_t i)
{
    struct str *words;
    size_t n;

    if (!args_split(c->arena, call_arg(c, i), &words, &n)) return ERR_REPLCONF_NO_FILTER;
    c->client->sync_wants |= SYNC_FILTERED;
    c->client->sync_wants &= (uint8_t)~SYNC_FUNCTIONS;
    for (size_t k = 0; k < n; k++) {
        if (!str_is(words[k], "functions")) return call_fail(c, ERR_REPLCONF_FILTER, words[k]);
        c->client->sync_wants |= SYNC_FUNCTIONS;
    }
    return OK;
}

static enum err want_rdb_only(struct call *c, size_t i)
{
    int64_t on;
    enum err e = call_range(c, i, 0, 1, ERR_RANGE_0_1, &on);

    if (e != OK) return e;
    if (on) c->client->sync_wants |= SYNC_RDB_ONLY;
    else c->client->sync_wants &= (uint8_t)~SYNC_RDB_ONLY;
    return OK;
}

static enum err check_address(struct call *c, size_t i)
{
    enum { HOST_MAX = 256 };
    struct str address = call_arg(c, i);

    if (address.n < HOST_MAX) return OK;
    return call_fail(c, ERR_REPLCONF_ADDRESS, call_num(c, (int64_t)address.n));
}

static enum err replconf_option(struct call *c, size_t i)
{
    int64_t port;

    if (call_is(c, i, "listening-port")) return call_i64(c, i + 1, &port);
    if (call_is(c, i, "ip-address")) return check_address(c, i + 1);
    if (call_is(c, i, "rdb-only")) return want_rdb_only(c, i + 1);
    if (call_is(c, i, "rdb-filter-only")) return want_filtered(c, i + 1);
    if (!call_is(c, i, "capa")) return call_fail(c, ERR_REPLCONF_OPTION, call_arg(c, i));
    if (call_is(c, i + 1, "eof")) c->client->sync_wants |= SYNC_EOF;
    return OK; /* other capabilities are for replicas */
}

/* ACK and GETACK, which only replicas and their masters send, get no reply. */
static enum err run_replconf(struct call *c)
{
    enum err e = OK;

    if (c->argc % 2 == 0) return ERR_SYNTAX;
    for (size_t i = 1; i < c->argc && e == OK; i += 2) {
        if (call_is(c, i, "ack") || call_is(c, i, "getack")) return OK;
        e = replconf_option(c, i);
    }
    if (e == OK) reply_ok(c->out);
    return e;
}

/* A file without keys is small: it is made at once. */
static void send_filtered(struct call *c, const struct server *s)
{
    bool functions = c->client->sync_wants & SYNC_FUNCTIONS;
    struct buf file = { 0 };

    persist_libraries_file(s->persist, functions ? functions_keeper(s->functions) : NULL, &file);
    buf_printf(c->out->out, "$%zu\r\n", file.n);
    reply_raw(c->out, file.p, file.n);
    buf_fini(&file);
    client_close_after(c->client);
}

static enum err run_sync(struct call *c)
{
    struct client *client = c->client;
    bool psync = c->argc > 1;
    int64_t offset;

    if (c->argc > 3 && call_is(c, 3, "failover")) return ERR_SYNC_FAILOVER;
    if (!(client->sync_wants & SYNC_RDB_ONLY)) return ERR_SYNC;
    if ((client->sync_wants & SYNC_FILTERED) && !(client->sync_wants & SYNC_EOF)) return ERR_SYNC_EOF;
    if (psync && call_i64(c, 2, &offset) != OK) return ERR_NOT_INT;
    if (psync) {
        buf_printf(c->out->out, "+FULLRESYNC %s %llu\r\n", persist_log_id(client->server->persist),
                   (unsigned long long)persist_offset(client->server->persist));
    }
    if (client->sync_wants & SYNC_FILTERED) send_filtered(c, client->server);
    else transfer_begin(client);
    return OK;
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
    if (e != OK) return e;
    if (call_range(c, 2, 0, LONG_MAX, ERR_NOT_POSITIVE, &replicas) != OK) return ERR_NOT_POSITIVE;
    if (!num_parse_i64(call_arg(c, 3), &ms)) return ERR_TIMEOUT_NOT_INT;
    if (ms < 0) return ERR_TIMEOUT_NEGATIVE;
    persist_info(p, &info);
    if (local > 0 && !info.aof_enabled) return ERR_WAITAOF_OFF;
    synced = info.aof_enabled && persist_synced_offset(p) >= c->client->last_write;
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

#define SYNC_FLAGS (CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI)

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
    { ROW("replconf", run_replconf, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_ALLOW_BUSY | CMD_SYSTEM,
          GROUP_SERVER, "3.0.0", "O(1)", "Tells what kind of snapshot SYNC is to send.") },
    { ROW("sync", run_sync, 1, SYNC_FLAGS, GROUP_SERVER, "1.0.0", "O(N), N being the keys, in the background",
          "Sends a snapshot, to who wants nothing else.") },
    { ROW("psync", run_sync, -3, SYNC_FLAGS, GROUP_SERVER, "2.8.0", "O(N), N being the keys, in the background",
          "The same, with the log's place before it."),
      .args = ARGS({ .name = "replicationid" }, { .name = "offset", .type = ARG_T_INTEGER }) },
    { ROW("waitaof", run_waitaof, 4, CMD_NOSCRIPT, GROUP_GENERIC, "7.2.0", "O(1)",
          "Waits until the connection's writes are on the disk."),
      .acl = ACL_CONNECTION, .tips = TIPS("request_policy:all_shards", "response_policy:agg_min"),
      .args = ARGS({ .name = "numlocal", .type = ARG_T_INTEGER }, { .name = "numreplicas", .type = ARG_T_INTEGER },
                   { .name = "timeout", .type = ARG_T_INTEGER }) },
    { 0 },
};
