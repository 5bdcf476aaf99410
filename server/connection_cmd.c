/* connection_cmd.c -- PING ECHO QUIT RESET SELECT AUTH HELLO. */
#include <limits.h>

#include "base/num.h"
#include "server/acl.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/guess.h"
#include "server/modules.h"
#include "server/monitor.h"
#include "server/pubsub.h"
#include "server/rows.h"

static enum err run_ping(struct call *c)
{
    if (c->argc > 2) return ERR_ARITY;
    if (pubsub_limits(c->client)) {
        reply_array(c->out, 2);
        reply_bulk(c->out, STR("pong"));
        reply_bulk(c->out, c->argc == 2 ? call_arg(c, 1) : STR(""));
    } else if (c->argc == 2) {
        reply_bulk(c->out, call_arg(c, 1));
    } else {
        reply_simple(c->out, "PONG");
    }
    return OK;
}

static enum err run_echo(struct call *c)
{
    reply_bulk(c->out, call_arg(c, 1));
    return OK;
}

static enum err run_quit(struct call *c)
{
    reply_ok(c->out);
    client_close_after(c->client);
    return OK;
}

static enum err run_reset(struct call *c)
{
    client_reset(c->client);
    c->out->resp = 2;
    reply_simple(c->out, "RESET");
    return OK;
}

static enum err run_select(struct call *c)
{
    int64_t i;

    if (call_i64(c, 1, &i) != OK) return ERR_NOT_INT;
    if (i < INT_MIN || i > INT_MAX) return ERR_INT_RANGE;
    if (i < 0 || i >= c->store->conf.databases) return ERR_DB_INDEX;
    c->client->db = (int)i;
    reply_ok(c->out);
    return OK;
}

static enum err authenticate(struct call *c, struct str user, struct str password)
{
    struct client *cl = c->client;
    struct acl_user *u = acl_find(cl->server->acl, user);
    enum err e = guess_may_try(c);

    if (e != OK) return e;
    /* An unknown user takes as long as a known one. */
    if (!acl_password_ok(u ? u : cl->server->acl->default_user, password) || u == NULL) {
        guess_failed(cl);
        acl_log_add(cl, ACL_NO_AUTH, cl->flags & CLIENT_MULTI ? "multi" : "toplevel", user, call_arg(c, 0));
        return ERR_WRONG_PASS;
    }
    guess_right(cl);
    if (!user_limit_may_connect(cl, u)) return ERR_USER_CONNECTIONS;
    acl_admit(cl, u);
    return OK;
}

static enum err run_auth(struct call *c)
{
    enum err e;

    if (c->argc > 3) return ERR_SYNTAX;
    if (c->argc == 2) {
        if (c->client->server->acl->default_user->nopass) return ERR_NO_PASSWORD_SET;
        e = authenticate(c, STR("default"), call_arg(c, 1));
    } else {
        e = authenticate(c, call_arg(c, 1), call_arg(c, 2));
    }
    if (e == OK) reply_ok(c->out);
    return e;
}

static bool good_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] < '!' || name.p[i] > '~') return false;
    }
    return true;
}

static void reply_hello(struct call *c)
{
    reply_map(c->out, 7);
    reply_bulk_c(c->out, "server");
    reply_bulk_c(c->out, "redis");
    reply_bulk_c(c->out, "version");
    reply_bulk_c(c->out, MEMD_REDIS_VERSION);
    reply_bulk_c(c->out, "proto");
    reply_int(c->out, c->client->resp);
    reply_bulk_c(c->out, "id");
    reply_int(c->out, (int64_t)c->client->id);
    reply_bulk_c(c->out, "mode");
    reply_bulk_c(c->out, "standalone");
    reply_bulk_c(c->out, "role");
    reply_bulk_c(c->out, "master");
    reply_bulk_c(c->out, "modules");
    modules_reply(c->out);
}

static enum err run_hello(struct call *c)
{
    int64_t version = c->client->resp;
    struct str name = { 0 }, user = { 0 }, password = { 0 };
    bool has_name = false, has_user = false;
    size_t i = 1;
    enum err e;

    if (c->argc > 1) {
        if (!num_parse_i64(call_arg(c, 1), &version)) return ERR_PROTO_NOT_INT;
        if (version < 2 || version > 3) return ERR_NO_PROTO;
        i = 2;
    }
    for (; i < c->argc; i++) {
        size_t more = c->argc - 1 - i;
        if (call_is(c, i, "auth") && more >= 2) {
            user = call_arg(c, i + 1);
            password = call_arg(c, i + 2);
            has_user = true;
            i += 2;
        } else if (call_is(c, i, "setname") && more >= 1) {
            name = call_arg(c, ++i);
            has_name = true;
            if (!good_name(name)) return ERR_CLIENT_NAME;
        } else {
            return call_fail(c, ERR_HELLO_OPTION, call_arg(c, i));
        }
    }
    if (has_user) {
        e = authenticate(c, user, password);
        if (e != OK) return e;
    }
    if (client_needs_auth(c->client)) return ERR_HELLO_NOAUTH;
    if (has_name) client_set_text(&c->client->name, name);
    c->client->resp = c->out->resp = (int)version;
    reply_hello(c);
    return OK;
}

#define ANY_TIME (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY)

const struct command connection_commands[] = {
    { ROW("ping", run_ping, -1, CMD_FAST | CMD_IN_PUBSUB, GROUP_CONNECTION, "1.0.0", "O(1)",
          "Answers, or returns its argument."),
      .acl = ACL_CONNECTION, .args = ARGS({ .name = "message", .flags = ARG_OPTIONAL }),
      .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded") },
    { ROW("echo", run_echo, 2, CMD_LOADING | CMD_STALE | CMD_FAST, GROUP_CONNECTION, "1.0.0", "O(1)",
          "Returns its argument."),
      .acl = ACL_CONNECTION, .args = ARGS({ .name = "message" }) },
    { ROW("quit", run_quit, -1, ANY_TIME | CMD_NO_MULTI_QUEUE | CMD_IN_PUBSUB, GROUP_CONNECTION, "1.0.0",
          "O(1)", "Closes the connection."),
      .acl = ACL_CONNECTION, .deprecated_since = "7.2.0", .replaced_by = "just closing the connection" },
    { ROW("reset", run_reset, 1, ANY_TIME | CMD_NO_MULTI_QUEUE | CMD_IN_PUBSUB, GROUP_CONNECTION, "6.2.0",
          "O(1)", "Makes the connection as if it were new."),
      .acl = ACL_CONNECTION },
    { ROW("select", run_select, 2, CMD_LOADING | CMD_STALE | CMD_FAST, GROUP_CONNECTION, "1.0.0", "O(1)",
          "Changes the logical database."),
      .acl = ACL_CONNECTION, .args = ARGS({ .name = "index", .type = ARG_T_INTEGER }) },
    { ROW("auth", run_auth, -2, ANY_TIME, GROUP_CONNECTION, "1.0.0", "O(1)", "Authenticates the connection."),
      .acl = ACL_CONNECTION,
      .args = ARGS({ .name = "username", .flags = ARG_OPTIONAL, .since = "6.0.0" }, { .name = "password" }),
      .history = HISTORY("6.0.0", "A user name may come first.") },
    { ROW("hello", run_hello, -1, ANY_TIME, GROUP_CONNECTION, "6.0.0", "O(1)",
          "Chooses the protocol and tells about the server."),
      .acl = ACL_CONNECTION,
      .args = ARGS({ .name = "arguments", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "protover", .type = ARG_T_INTEGER },
                                  { .name = "auth", .type = ARG_T_BLOCK, .token = "AUTH", .flags = ARG_OPTIONAL,
                                    .subs = ARGS({ .name = "username" }, { .name = "password" }) },
                                  { .name = "clientname", .token = "SETNAME", .flags = ARG_OPTIONAL }) }),
      .history = HISTORY("6.2.0", "The protocol may be left out.") },
    { 0 },
};
