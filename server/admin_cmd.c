/* admin_cmd.c -- databases as wholes, saving, stopping, and a few facts. */
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/num.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/loop.h"
#include "server/monitor.h"
#include "server/restart.h"
#include "server/rows.h"
#include "server/script_run.h"
#include "server/times.h"

static struct persist *persist_of(const struct call *c)
{
    return c->client->server->persist;
}

/* --- databases ----------------------------------------------------------------------------------------- */

/* ASYNC and SYNC are both taken: emptying a database is O(shards) either way, its memory is freed on
 * the side. */
static enum err flush_mode(const struct call *c)
{
    if (c->argc == 1 || (c->argc == 2 && (call_is(c, 1, "async") || call_is(c, 1, "sync")))) return OK;
    return ERR_SYNTAX;
}

static enum err run_flushdb(struct call *c)
{
    enum err e = flush_mode(c);

    if (e != OK) return e;
    store_flush(c->store, c->db->id);
    reply_ok(c->out);
    return OK;
}

static enum err run_flushall(struct call *c)
{
    enum err e = flush_mode(c);

    if (e != OK) return e;
    for (int i = 0; i < c->store->conf.databases; i++) store_flush(c->store, i);
    persist_flushed(persist_of(c));
    reply_ok(c->out);
    return OK;
}

static enum err run_swapdb(struct call *c)
{
    int64_t a, b;

    if (call_range(c, 1, INT_MIN, INT_MAX, ERR_FIRST_DB, &a) != OK) return ERR_FIRST_DB;
    if (call_range(c, 2, INT_MIN, INT_MAX, ERR_SECOND_DB, &b) != OK) return ERR_SECOND_DB;
    if (a < 0 || b < 0 || a >= c->store->conf.databases || b >= c->store->conf.databases) return ERR_DB_INDEX;
    store_swap(c->store, (int)a, (int)b);
    reply_ok(c->out);
    return OK;
}

/* --- saving -------------------------------------------------------------------------------------------- */

static enum err run_save(struct call *c)
{
    switch (persist_save(persist_of(c), PERSIST_SAVE)) {
    case PERSIST_DONE: reply_ok(c->out); return OK;
    case PERSIST_SAME_RUNS: case PERSIST_OTHER_RUNS: return ERR_BGSAVE_RUNS;
    default: return ERR_SAVE_FAILED;
    }
}

static enum err run_bgsave(struct call *c)
{
    bool schedule = c->argc == 2 && call_is(c, 1, "schedule");

    if (c->argc > 2 || (c->argc == 2 && !schedule)) return ERR_SYNTAX;
    switch (persist_save(persist_of(c), schedule ? PERSIST_BGSAVE_LATER : PERSIST_BGSAVE)) {
    case PERSIST_STARTED: reply_simple(c->out, "Background saving started"); return OK;
    case PERSIST_SCHEDULED: reply_simple(c->out, "Background saving scheduled"); return OK;
    case PERSIST_SAME_RUNS: return ERR_BGSAVE_RUNS;
    case PERSIST_OTHER_RUNS: return ERR_REWRITE_BLOCKS_SAVE;
    default: return ERR_SAVE_FAILED;
    }
}

static enum err run_bgrewriteaof(struct call *c)
{
    switch (persist_save(persist_of(c), PERSIST_REWRITE)) {
    case PERSIST_STARTED:
        reply_simple(c->out, "Background append only file rewriting started");
        return OK;
    case PERSIST_SCHEDULED:
        reply_simple(c->out, "Background append only file rewriting scheduled");
        return OK;
    case PERSIST_SAME_RUNS: case PERSIST_OTHER_RUNS: return ERR_REWRITE_RUNS;
    default: return ERR_REWRITE_FAILED;
    }
}

static enum err run_lastsave(struct call *c)
{
    struct persist_info info;

    persist_info(persist_of(c), &info);
    reply_int(c->out, info.last_save_time);
    return OK;
}

/* What a script has written so far belongs to a group of the log: the script ends first. */
static enum err shutdown_busy(struct call *c, bool nosave)
{
    struct script_run *r = c->client->server->script;

    if (!nosave) return call_fail_text(c, str_c(script_busy(r)));
    script_stop_all(r);
    client_close_after(c->client);
    c->client->flags |= CLIENT_REPLY_OFF;
    return OK;
}

static enum err run_shutdown(struct call *c)
{
    bool save = false, nosave = false, force = false, now = false, abort = false;

    for (size_t i = 1; i < c->argc; i++) {
        if (call_is(c, i, "save")) save = true;
        else if (call_is(c, i, "nosave")) nosave = true;
        else if (call_is(c, i, "force")) force = true;
        else if (call_is(c, i, "abort")) abort = true;
        else if (call_is(c, i, "now")) now = true;
        else return ERR_SYNTAX;
    }
    if ((save && nosave) || (abort && (save || nosave || force || now))) return ERR_SYNTAX;
    /* A shutdown waits for replicas alone (shutdown-timeout, NOW), and there are none: there is never one to abort. */
    if (abort) return ERR_NO_SHUTDOWN;
    if (script_busy(c->client->server->script) != NULL) return shutdown_busy(c, nosave);
    if (!server_shutdown(c->client->server, save ? 1 : nosave ? 0 : -1, force)) return ERR_SHUTDOWN;
    client_close_after(c->client);
    c->client->flags |= CLIENT_REPLY_OFF;
    return OK;
}

static enum err run_restart(struct call *c)
{
    bool save = false, nosave = false, force = false;
    char why[RESTART_WHY];

    for (size_t i = 1; i < c->argc; i++) {
        if (call_is(c, i, "save")) save = true;
        else if (call_is(c, i, "nosave")) nosave = true;
        else if (call_is(c, i, "force")) force = true;
        else return ERR_SYNTAX;
    }
    if (save && nosave) return ERR_SYNTAX;
    if (!restart_begin(c->client->server, save ? 1 : nosave ? 0 : -1, force, why)) {
        struct buf text = { 0 };
        enum err e;

        buf_printf(&text, "ERR Not restarted: %s", why);
        e = call_fail_text(c, buf_str(&text));
        buf_fini(&text);
        return e;
    }
    reply_ok(c->out);
    client_close_after(c->client);
    return OK;
}

/* --- facts --------------------------------------------------------------------------------------------- */

static enum err run_time(struct call *c)
{
    struct server *s = c->client->server;
    int64_t us = s->units > 0 && s->unit_us != 0 ? s->unit_us : times_wall_us(s);

    s->unit_us = us;
    reply_array(c->out, 2);
    reply_bulk_int(c->out, us / 1000000);
    reply_bulk_int(c->out, us % 1000000);
    return OK;
}

/* A small picture, drawn from the text cells of a waving line. */
static enum err run_lolwut(struct call *c)
{
    static const int wave[] = { 3, 2, 1, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 5, 6, 6, 6, 5, 5, 4 };
    enum { COLUMNS = 60, ROWS = 7 };
    struct buf text = { 0 };
    int64_t version;
    size_t shift = (size_t)rng_below(&c->store->rng, 20);

    if (c->argc >= 3 && call_is(c, 1, "version") && call_i64(c, 2, &version) != OK) return ERR_NOT_INT;
    for (int row = 0; row < ROWS; row++) {
        for (size_t col = 0; col < COLUMNS; col++) {
            buf_add_char(&text, wave[(col + shift) % 20] == row ? '~' : ' ');
        }
        buf_add_char(&text, '\n');
    }
    buf_printf(&text, "\nmemd ver. %s\n", MEMD_VERSION);
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

static enum err run_monitor(struct call *c)
{
    monitor_start(c->client);
    reply_ok(c->out);
    return OK;
}

static enum err run_role(struct call *c)
{
    reply_array(c->out, 3);
    reply_bulk_c(c->out, "master");
    reply_int(c->out, (int64_t)persist_offset(persist_of(c)));
    reply_array(c->out, 0);
    return OK;
}

/* WAIT: there are no replicas to wait for. */
static enum err run_wait(struct call *c)
{
    int64_t n, ms;

    if (call_i64(c, 1, &n) != OK) return ERR_NOT_INT;
    if (!num_parse_i64(call_arg(c, 2), &ms)) return ERR_TIMEOUT_NOT_INT;
    if (ms < 0) return ERR_TIMEOUT_NEGATIVE;
    reply_int(c->out, 0);
    return OK;
}

#define FLUSH_ARGS \
    .args = ARGS({ .name = "flush-type", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, \
                   .subs = ARGS({ .name = "async", .type = ARG_T_PURE_TOKEN, .token = "ASYNC", .since = "4.0.0" }, \
                                { .name = "sync", .type = ARG_T_PURE_TOKEN, .token = "SYNC", .since = "6.2.0" }) })
#define OFFLINE (CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING)

const struct command admin_commands[] = {
    { ROW("flushdb", run_flushdb, -1, CMD_WRITE, GROUP_SERVER, "1.0.0", "O(1)",
          "Empties the database; its memory is freed in the background."),
      .acl = ACL_KEYSPACE | ACL_DANGEROUS, FLUSH_ARGS,
      .history = HISTORY("4.0.0", "ASYNC.",
                         "6.2.0", "SYNC."),
      .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded") },
    { ROW("flushall", run_flushall, -1, CMD_WRITE, GROUP_SERVER, "1.0.0", "O(1)",
          "Empties all databases; their memory is freed in the background."),
      .acl = ACL_KEYSPACE | ACL_DANGEROUS, FLUSH_ARGS,
      .history = HISTORY("4.0.0", "ASYNC.",
                         "6.2.0", "SYNC."),
      .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded") },
    { ROW("swapdb", run_swapdb, 3, CMD_WRITE | CMD_FAST, GROUP_SERVER, "4.0.0", "O(N), N being the clients that watch or wait",
          "Exchanges two databases."),
      .acl = ACL_KEYSPACE | ACL_DANGEROUS,
      .args = ARGS({ .name = "index1", .type = ARG_T_INTEGER }, { .name = "index2", .type = ARG_T_INTEGER }) },
    { ROW("save", run_save, 1, OFFLINE | CMD_NO_MULTI, GROUP_SERVER, "1.0.0", "O(N), N being the keys",
          "Saves a snapshot and waits for it.") },
    { ROW("bgsave", run_bgsave, -1, OFFLINE, GROUP_SERVER, "1.0.0", "O(1)", "Saves a snapshot in the background."),
      .args = ARGS({ .name = "schedule", .type = ARG_T_PURE_TOKEN, .token = "SCHEDULE", .flags = ARG_OPTIONAL,
                     .since = "3.2.2" }),
      .history = HISTORY("3.2.2", "SCHEDULE.") },
    { ROW("bgrewriteaof", run_bgrewriteaof, 1, OFFLINE, GROUP_SERVER, "1.0.0", "O(1)",
          "Rewrites the append-only file in the background.") },
    { ROW("lastsave", run_lastsave, 1, CMD_LOADING | CMD_STALE | CMD_FAST, GROUP_SERVER, "1.0.0", "O(1)",
          "Returns when the last snapshot was completed."),
      .acl = ACL_ADMIN | ACL_DANGEROUS,
      .tips = TIPS("nondeterministic_output") },
    { ROW("shutdown", run_shutdown, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI | CMD_ALLOW_BUSY,
          GROUP_SERVER, "1.0.0", "O(N) when saving, N being the keys", "Saves as configured and stops memd."),
      .args = ARGS({ .name = "save-selector", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "nosave", .type = ARG_T_PURE_TOKEN, .token = "NOSAVE" },
                                  { .name = "save", .type = ARG_T_PURE_TOKEN, .token = "SAVE" }) },
                   { .name = "now", .type = ARG_T_PURE_TOKEN, .token = "NOW", .flags = ARG_OPTIONAL,
                     .since = "7.0.0" },
                   { .name = "force", .type = ARG_T_PURE_TOKEN, .token = "FORCE", .flags = ARG_OPTIONAL,
                     .since = "7.0.0" },
                   { .name = "abort", .type = ARG_T_PURE_TOKEN, .token = "ABORT", .flags = ARG_OPTIONAL,
                     .since = "7.0.0" }),
      .history = HISTORY("7.0.0", "NOW, FORCE and ABORT.") },
    { ROW("restart", run_restart, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_NO_MULTI, GROUP_SERVER, "7.2.0",
          "O(N), N being the keys", "Saves as configured, and starts memd's program anew without closing its sockets."),
      .args = ARGS({ .name = "save-selector", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "nosave", .type = ARG_T_PURE_TOKEN, .token = "NOSAVE" },
                                  { .name = "save", .type = ARG_T_PURE_TOKEN, .token = "SAVE" }) },
                   { .name = "force", .type = ARG_T_PURE_TOKEN, .token = "FORCE", .flags = ARG_OPTIONAL }) },
    { ROW("time", run_time, 1, CMD_LOADING | CMD_STALE | CMD_FAST, GROUP_SERVER, "2.6.0", "O(1)",
          "Returns the server's time."),
      .tips = TIPS("nondeterministic_output") },
    { ROW("lolwut", run_lolwut, -1, CMD_READONLY | CMD_FAST, GROUP_SERVER, "5.0.0", "O(1)", "Draws something."),
      .args = ARGS({ .name = "version", .type = ARG_T_INTEGER, .token = "VERSION", .flags = ARG_OPTIONAL }) },
    { ROW("monitor", run_monitor, 1, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, GROUP_SERVER, "1.0.0",
          "O(1)", "Shows every request as it comes.") },
    { ROW("role", run_role, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST, GROUP_SERVER, "2.8.12", "O(1)",
          "Returns the replication role."),
      .acl = ACL_ADMIN | ACL_DANGEROUS },
    { ROW("wait", run_wait, 3, 0, GROUP_GENERIC, "3.0.0", "O(1)",
          "Waits for replicas: there are none, so it answers 0 at once."),
      .acl = ACL_CONNECTION,
      .args = ARGS({ .name = "numreplicas", .type = ARG_T_INTEGER }, { .name = "timeout", .type = ARG_T_INTEGER }),
      .tips = TIPS("request_policy:all_shards", "response_policy:agg_min") },
    { 0 },
};
