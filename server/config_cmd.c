/* config_cmd.c -- CONFIG. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/setting.h"
#include "server/acl.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/namespaces.h"
#include "server/rows.h"
#include "server/server_conf.h"

/* --- GET -------------------------------------------------------------------------------------------- */

static void reply_pair(void *ctx, struct str name, struct str value)
{
    struct reply *out = ctx;

    reply_bulk(out, name);
    reply_bulk(out, value);
}

static enum err run_get(struct call *c)
{
    size_t mark = reply_mark(c->out);
    size_t n = conf_get(c->client->server->conf, c->argv + 2, c->argc - 2, reply_pair, c->out);

    reply_map_at(c->out, mark, n);
    return OK;
}

/* --- SET -------------------------------------------------------------------------------------------- */

static bool put_to_work(void *ctx, const struct setting *const *changed, size_t n, struct conf_refusal *r)
{
    struct server *s = ctx;
    char why[PERSIST_WHY] = "";
    const char *blame;

    if (server_apply_conf(s, changed, n, &blame, why)) return true;
    r->setting = changed[0];
    for (size_t i = 0; blame && i < n; i++) {
        if (conf_changed(&changed[i], 1, blame)) r->setting = changed[i];
    }
    snprintf(r->why, sizeof r->why, "%.255s", why);
    return false;
}

enum err server_config_set(struct call *c, const struct str *pairs, size_t n)
{
    struct server *s = c->client->server;
    struct conf_change how = { .is_local = client_is_local(c->client), .is_loading = s->store->loading,
                               .apply = put_to_work, .ctx = s };
    struct buf error = { 0 };
    enum err e;

    e = conf_set(s->conf, pairs, n, &how, &error);
    if (e == OK) {
        reply_ok(c->out);
    } else {
        reply_error(c->out, buf_str(&error));
        e = CALL_REPLIED_ERROR;
    }
    buf_fini(&error);
    return e;
}

static enum err run_set(struct call *c)
{
    return c->argc % 2 != 0 ? ERR_SYNTAX : server_config_set(c, c->argv + 2, (c->argc - 2) / 2);
}

/* --- REWRITE, RESETSTAT ------------------------------------------------------------------------------ */

static enum err run_rewrite(struct call *c)
{
    struct server *s = c->client->server;
    struct buf error = { 0 };
    enum err e;

    acl_to_conf(s->acl, &s->conf->user);
    e = conf_rewrite(s->conf, false, &error);

    if (e == OK) {
        log_notice(s->log, "CONFIG REWRITE executed with success.");
        reply_ok(c->out);
    } else {
        struct str why = str_of(error.p + strlen("ERR "), error.n - strlen("ERR "));
        log_warning(s->log, "CONFIG REWRITE failed: %.*s", (int)why.n, why.p);
        reply_error(c->out, buf_str(&error));
        e = CALL_REPLIED_ERROR;
    }
    buf_fini(&error);
    return e;
}

static void free_entry(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

static enum err run_resetstat(struct call *c)
{
    struct server *s = c->client->server;
    const struct store_stats *st = &s->store->stats;

    s->stats = (struct server_stats){
        .hits_base = st->hits, .misses_base = st->misses, .expired_base = st->expired,
        .evicted_base = st->evicted, .expired_fields_base = st->expired_fields,
        .lazy_freed_base = st->lazy_freed,
        .peak_memory = mem_used(), .peak_time = server_now_ms(s) / 1000, .peak_clients = s->n_clients,
    };
    s->ops.last = s->net_in.last = s->net_out.last = 0;
    if (s->over_memory_since_us != 0) s->over_memory_since_us = s->now_us;
    registry_reset_stats(s->commands);
    namespaces_reset_stats(s);
    table_fini(&s->errorstats, free_entry, NULL);
    table_init(&s->errorstats, &s->store->hash_key);
    reply_ok(c->out);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET <pattern>",
        "    Return parameters matching the glob-like <pattern> and their values.",
        "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.",
        "RESETSTAT",
        "    Reset statistics reported by the INFO command.",
        "REWRITE",
        "    Rewrite the configuration file.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define ADMIN (CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)

static const struct command config_subs[] = {
    { ROW("get", run_get, -3, ADMIN, GROUP_SERVER, "2.0.0", "O(N), N being the settings",
          "Returns settings whose names match patterns."),
      .args = ARGS({ .name = "parameter", .flags = ARG_MULTIPLE }),
      .history = HISTORY("7.0.0", "Several patterns.") },
    { ROW("set", run_set, -4, ADMIN, GROUP_SERVER, "2.0.0", "O(N), N being the settings given",
          "Changes settings, all or none."),
      .args = ARGS({ .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE,
                     .subs = ARGS({ .name = "parameter" }, { .name = "value" }) }),
      .history = HISTORY("7.0.0", "Several settings."),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded") },
    { ROW("rewrite", run_rewrite, 2, ADMIN, GROUP_SERVER, "2.8.0", "O(N), N being the settings",
          "Writes the settings to the configuration file, keeping its comments."),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded") },
    { ROW("resetstat", run_resetstat, 2, ADMIN, GROUP_SERVER, "2.0.0", "O(1)", "Zeroes the statistics."),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded") },
    { ROW("help", run_help, 2, CMD_LOADING | CMD_STALE, GROUP_SERVER, "5.0.0", "O(1)",
          "Prints what CONFIG can do.") },
    { 0 },
};

const struct command config_commands[] = {
    { CONTAINER("config", GROUP_SERVER, "2.0.0", "About the settings.", config_subs) },
    { 0 },
};
