/* client_cmd.c -- CLIENT. */
#include <string.h>

#include "base/num.h"
#include "server/acl.h"
#include "server/block.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/loop.h"
#include "server/rows.h"
#include "server/tracking.h"

static enum err run_id(struct call *c)
{
    reply_int(c->out, (int64_t)c->client->id);
    return OK;
}

static enum err run_getname(struct call *c)
{
    if (c->client->name) reply_bulk_c(c->out, c->client->name);
    else reply_null(c->out);
    return OK;
}

static bool printable(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '!' || s.p[i] > '~') return false;
    }
    return true;
}

static enum err run_setname(struct call *c)
{
    if (!printable(call_arg(c, 2))) return ERR_CLIENT_NAME;
    client_set_text(&c->client->name, call_arg(c, 2));
    reply_ok(c->out);
    return OK;
}

static enum err run_setinfo(struct call *c)
{
    char **field = call_is(c, 2, "lib-name") ? &c->client->lib_name
                   : call_is(c, 2, "lib-ver") ? &c->client->lib_ver : NULL;

    if (field == NULL) return call_fail(c, ERR_CLIENT_INFO_OPTION, call_arg(c, 2));
    if (!printable(call_arg(c, 3))) return call_fail(c, ERR_CLIENT_INFO_TEXT, call_arg(c, 2));
    client_set_text(field, call_arg(c, 3));
    reply_ok(c->out);
    return OK;
}

static enum err run_info(struct call *c)
{
    struct buf text = { 0 };

    client_describe(c->client, &text);
    buf_add_char(&text, '\n');
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

/* --- LIST and KILL -------------------------------------------------------------------------------- */

/* What LIST and KILL choose clients by. */
struct filter {
    const int64_t *ids;
    size_t n_ids;
    int class; /* -1: any; -2: one that no client of memd has (master) */
    struct str addr, laddr;
    const struct acl_user *user; /* NULL: any */
    bool skip_me;
    int64_t max_age_s; /* -1: any */
};

static int class_of(struct str name)
{
    if (str_is(name, "normal")) return CLASS_NORMAL;
    if (str_is(name, "pubsub")) return CLASS_PUBSUB;
    if (str_is(name, "replica") || str_is(name, "slave")) return CLASS_REPLICA;
    return str_is(name, "master") ? -2 : -3;
}

static bool has_id(const struct filter *f, uint64_t id)
{
    for (size_t i = 0; i < f->n_ids; i++) {
        if ((uint64_t)f->ids[i] == id) return true;
    }
    return f->n_ids == 0;
}

static bool chosen(const struct filter *f, struct client *cl, const struct client *me)
{
    if (f->class != -1 && (int)client_class(cl) != f->class) return false;
    if (f->addr.p && !str_eq(f->addr, str_c(client_peer(cl)))) return false;
    if (f->laddr.p && !str_eq(f->laddr, str_c(client_local(cl)))) return false;
    if (f->user && cl->user != f->user) return false;
    if (f->skip_me && cl == me) return false;
    if (f->max_age_s >= 0 && (server_mono_ms(cl->server) - cl->created_ms) / 1000 < f->max_age_s) return false;
    return has_id(f, cl->id);
}

/* The ids from argument i to the end. */
static enum err parse_ids(struct call *c, size_t i, struct filter *f)
{
    int64_t *ids = call_new(c, int64_t, c->argc);

    f->ids = ids;
    for (; i < c->argc; i++) {
        if (!num_parse_i64(call_arg(c, i), &ids[f->n_ids])) return ERR_CLIENT_ID;
        f->n_ids++;
    }
    return OK;
}

static enum err run_list(struct call *c)
{
    struct filter f = { .class = -1, .max_age_s = -1 };
    struct buf text = { 0 };
    enum err e = OK;

    if (c->argc == 4 && call_is(c, 2, "type")) {
        f.class = class_of(call_arg(c, 3));
        if (f.class == -3) return call_fail(c, ERR_CLIENT_TYPE, call_arg(c, 3));
    } else if (c->argc > 3 && call_is(c, 2, "id")) {
        e = parse_ids(c, 3, &f);
    } else if (c->argc != 2) {
        return ERR_SYNTAX;
    }
    if (e != OK) return e;
    LINK_EACH(&c->client->server->clients, l) {
        struct client *cl = LINK_OF(l, struct client, all);
        if (!chosen(&f, cl, c->client)) continue;
        client_describe(cl, &text);
        buf_add_char(&text, '\n');
    }
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

static enum err parse_kill_option(struct call *c, size_t i, struct filter *f)
{
    struct str v = call_arg(c, i + 1);

    if (call_is(c, i, "id")) {
        int64_t *id = call_new(c, int64_t, 1);
        if (!num_parse_i64(v, id) || *id < 1) return ERR_CLIENT_ID_POSITIVE;
        f->ids = id;
        f->n_ids = 1;
    } else if (call_is(c, i, "type")) {
        f->class = class_of(v);
        if (f->class == -3) return call_fail(c, ERR_CLIENT_TYPE, v);
    } else if (call_is(c, i, "addr")) {
        f->addr = v;
    } else if (call_is(c, i, "laddr")) {
        f->laddr = v;
    } else if (call_is(c, i, "user")) {
        f->user = acl_find(c->client->server->acl, v);
        if (f->user == NULL) return call_fail(c, ERR_NO_SUCH_USER, v);
    } else if (call_is(c, i, "skipme")) {
        if (!str_is(v, "yes") && !str_is(v, "no")) return ERR_SYNTAX;
        f->skip_me = str_is(v, "yes");
    } else if (call_is(c, i, "maxage")) {
        if (!num_parse_i64(v, &f->max_age_s)) return ERR_MAXAGE_NOT_INT;
        if (f->max_age_s <= 0) return ERR_MAXAGE_POSITIVE;
    } else {
        return ERR_SYNTAX;
    }
    return OK;
}

static size_t kill_chosen(struct call *c, const struct filter *f)
{
    struct server *s = c->client->server;
    struct link *l = s->clients.next;
    size_t n = 0;

    while (l != &s->clients) {
        struct client *cl = LINK_OF(l, struct client, all);
        l = l->next;
        if (!chosen(f, cl, c->client)) continue;
        n++;
        /* Its own reply still has to leave. */
        if (cl == c->client) client_close_after(cl);
        else client_close(cl);
    }
    return n;
}

static enum err run_kill(struct call *c)
{
    struct filter f = { .class = -1, .max_age_s = -1 };

    if (c->argc == 3) {
        f.addr = call_arg(c, 2);
        if (kill_chosen(c, &f) == 0) return ERR_NO_SUCH_CLIENT;
        reply_ok(c->out);
        return OK;
    }
    f.skip_me = true;
    for (size_t i = 2; i < c->argc; i += 2) {
        enum err e = i + 1 < c->argc ? parse_kill_option(c, i, &f) : ERR_SYNTAX;
        if (e != OK) return e;
    }
    reply_int(c->out, (int64_t)kill_chosen(c, &f));
    return OK;
}

/* --- modes ------------------------------------------------------------------------------------------ */

static enum err set_flag(struct call *c, uint32_t flag)
{
    if (call_is(c, 2, "on")) c->client->flags |= flag;
    else if (call_is(c, 2, "off")) c->client->flags &= ~flag;
    else return ERR_SYNTAX;
    client_count_memory(c->client); /* one that is not to be evicted stands in no list for that */
    reply_ok(c->out);
    return OK;
}

static enum err run_no_evict(struct call *c) { return set_flag(c, CLIENT_NO_EVICT); }
static enum err run_no_touch(struct call *c) { return set_flag(c, CLIENT_NO_TOUCH); }

static enum err run_reply(struct call *c)
{
    struct client *cl = c->client;

    if (call_is(c, 2, "on")) {
        cl->flags &= ~(uint32_t)(CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP);
        reply_ok(c->out);
    } else if (call_is(c, 2, "off")) {
        cl->flags |= CLIENT_REPLY_OFF;
    } else if (call_is(c, 2, "skip")) {
        if (!(cl->flags & CLIENT_REPLY_OFF)) cl->flags |= CLIENT_REPLY_SKIP_NEXT;
    } else {
        return ERR_SYNTAX;
    }
    return OK;
}

static enum err run_pause(struct call *c)
{
    struct server *s = c->client->server;
    int64_t ms;
    bool all = true;

    if (c->argc == 4) {
        if (call_is(c, 3, "write")) all = false;
        else if (!call_is(c, 3, "all")) return ERR_PAUSE_MODE;
    } else if (c->argc != 3) {
        return ERR_SYNTAX;
    }
    if (!num_parse_i64(call_arg(c, 2), &ms) || ms > INT64_MAX - server_mono_ms(s)) return ERR_TIMEOUT_NOT_INT;
    if (ms < 0) return ERR_TIMEOUT_NEGATIVE;
    server_pause(s, server_mono_ms(s) + ms, all);
    reply_ok(c->out);
    return OK;
}

static enum err run_unpause(struct call *c)
{
    /* The next turn of the loop lets the paused clients go on. */
    server_unpause(c->client->server);
    loop_wake(c->client->server);
    reply_ok(c->out);
    return OK;
}

static enum err run_unblock(struct call *c)
{
    struct client *target;
    bool with_error = false;
    int64_t id;

    if (c->argc == 4) {
        if (call_is(c, 3, "error")) with_error = true;
        else if (!call_is(c, 3, "timeout")) return ERR_UNBLOCK_REASON;
    } else if (c->argc != 3) {
        return ERR_SYNTAX;
    }
    if (call_i64(c, 2, &id) != OK) return ERR_NOT_INT;
    target = client_by_id(c->client->server, (uint64_t)id);
    reply_int(c->out, target != NULL && target->blocked != NULL && block_cancel(target, with_error));
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CACHING (YES|NO)",
        "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
        "GETREDIR",
        "    Return the client ID we are redirecting to when tracking is enabled.",
        "GETNAME",
        "    Return the name of the current connection.",
        "ID",
        "    Return the ID of the current connection.",
        "INFO",
        "    Return information about the current client connection.",
        "KILL <ip:port>",
        "    Kill connection made from <ip:port>.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Kill connections. Options are:",
        "    * ADDR (<ip:port>|<unixsocket>:0)",
        "      Kill connections made from the specified address",
        "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      Kill connections made to specified local address",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Kill connections by type.",
        "    * USER <username>",
        "      Kill connections authenticated by <username>.",
        "    * SKIPME (YES|NO)",
        "      Skip killing current connection (default: yes).",
        "    * MAXAGE <maxage>",
        "      Kill connections older than the specified age.",
        "LIST [options ...]",
        "    Return information about client connections. Options:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Return clients of specified type.",
        "UNPAUSE",
        "    Stop the current client pause, resuming traffic.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Suspend all, or just write, clients for <timeout> milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Control the replies sent to the current connection.",
        "SETNAME <name>",
        "    Assign the name <name> to the current connection.",
        "SETINFO <option> <value>",
        "    Set client meta attr. Options are:",
        "    * LIB-NAME: the client lib name.",
        "    * LIB-VER: the client lib version.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Control server assisted client side caching.",
        "TRACKINGINFO",
        "    Report tracking status for the current connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Unblock the specified blocked client.",
        "NO-EVICT (ON|OFF)",
        "    Protect current client connection from eviction.",
        "NO-TOUCH (ON|OFF)",
        "    Will not touch LRU/LFU stats when this mode is on.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define HERE (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define SUB(n, fn, ar, fl, si, co, text) ROW(n, fn, ar, fl, GROUP_CONNECTION, si, co, text), .acl = ACL_CONNECTION
#define ON_OFF \
    .args = ARGS({ .name = "enabled", .type = ARG_T_ONEOF, \
                   .subs = ARGS({ .name = "on", .type = ARG_T_PURE_TOKEN, .token = "ON" }, \
                                { .name = "off", .type = ARG_T_PURE_TOKEN, .token = "OFF" }) })

static const struct command_arg kill_filters[] = {
    { .name = "client-id", .type = ARG_T_INTEGER, .token = "ID", .flags = ARG_OPTIONAL, .since = "2.8.12" },
    { .name = "client-type", .type = ARG_T_ONEOF, .token = "TYPE", .flags = ARG_OPTIONAL, .since = "2.8.12",
      .subs = ARGS({ .name = "normal", .type = ARG_T_PURE_TOKEN, .token = "NORMAL" },
                   { .name = "master", .type = ARG_T_PURE_TOKEN, .token = "MASTER", .since = "3.2.0" },
                   { .name = "slave", .type = ARG_T_PURE_TOKEN, .token = "SLAVE" },
                   { .name = "replica", .type = ARG_T_PURE_TOKEN, .token = "REPLICA", .since = "5.0.0" },
                   { .name = "pubsub", .type = ARG_T_PURE_TOKEN, .token = "PUBSUB" }) },
    { .name = "username", .token = "USER", .flags = ARG_OPTIONAL },
    { .name = "addr", .token = "ADDR", .flags = ARG_OPTIONAL, .display = "ip:port" },
    { .name = "laddr", .token = "LADDR", .flags = ARG_OPTIONAL, .display = "ip:port", .since = "6.2.0" },
    { .name = "skipme", .type = ARG_T_ONEOF, .token = "SKIPME", .flags = ARG_OPTIONAL,
      .subs = ARGS({ .name = "yes", .type = ARG_T_PURE_TOKEN, .token = "YES" },
                   { .name = "no", .type = ARG_T_PURE_TOKEN, .token = "NO" }) },
    { .name = "maxage", .type = ARG_T_INTEGER, .token = "MAXAGE", .flags = ARG_OPTIONAL },
    { 0 },
};

static const struct command client_subs[] = {
    { SUB("id", run_id, 2, HERE, "5.0.0", "O(1)", "Returns the connection's id.") },
    { SUB("info", run_info, 2, HERE, "6.2.0", "O(1)", "Describes the connection."),
      .tips = TIPS("nondeterministic_output") },
    { SUB("getname", run_getname, 2, HERE, "2.6.9", "O(1)", "Returns the connection's name.") },
    { SUB("setname", run_setname, 3, HERE, "2.6.9", "O(1)", "Names the connection."),
      .args = ARGS({ .name = "connection-name" }),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded") },
    { SUB("setinfo", run_setinfo, 4, HERE, "7.2.0", "O(1)", "Tells which client library this is."),
      .args = ARGS({ .name = "attr", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "libname", .token = "LIB-NAME" },
                                  { .name = "libver", .token = "LIB-VER" }) }),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded") },
    { SUB("list", run_list, -2, HERE | CMD_ADMIN, "2.4.0", "O(N), N being the connections",
          "Describes all connections."),
      .args = ARGS({ .name = "client-type", .type = ARG_T_ONEOF, .token = "TYPE", .flags = ARG_OPTIONAL, .since = "5.0.0",
                     .subs = ARGS({ .name = "normal", .type = ARG_T_PURE_TOKEN, .token = "NORMAL" },
                                  { .name = "master", .type = ARG_T_PURE_TOKEN, .token = "MASTER" },
                                  { .name = "replica", .type = ARG_T_PURE_TOKEN, .token = "REPLICA" },
                                  { .name = "pubsub", .type = ARG_T_PURE_TOKEN, .token = "PUBSUB" }) },
                   { .name = "client-id", .type = ARG_T_INTEGER, .token = "ID", .since = "6.2.0",
                     .flags = ARG_OPTIONAL | ARG_MULTIPLE }),
      .history = HISTORY("2.8.12", "Every connection has an id.",
                         "5.0.0", "TYPE.",
                         "6.0.0", "The user.",
                         "6.2.0", "argv-mem, tot-mem, laddr and redir, and the filter ID.",
                         "7.0.0", "resp, multi-mem, rbs and rbp.",
                         "7.0.3", "ssub."),
      .tips = TIPS("nondeterministic_output") },
    { SUB("kill", run_kill, -3, HERE | CMD_ADMIN, "2.4.0", "O(N), N being the connections",
          "Closes connections."),
      .args = ARGS({ .name = "filter", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "old-format", .display = "ip:port", .deprecated_since = "2.8.12" },
                                  { .name = "new-format", .type = ARG_T_ONEOF, .flags = ARG_MULTIPLE,
                                    .subs = kill_filters }) }),
      .history = HISTORY("2.8.12", "Filters.",
                         "2.8.12", "ID.",
                         "3.2.0", "TYPE master.",
                         "5.0.0", "TYPE replica, beside slave.",
                         "6.2.0", "LADDR.") },
    { SUB("no-evict", run_no_evict, 3, HERE | CMD_ADMIN, "7.0.0", "O(1)",
          "Keeps the connection when client memory runs out."), ON_OFF },
    { SUB("no-touch", run_no_touch, 3, HERE, "7.2.0", "O(1)",
          "Lets reads of this connection leave no trace in LRU and LFU."), ON_OFF },
    { SUB("reply", run_reply, 3, HERE, "3.2.0", "O(1)", "Turns replies off and on."),
      .args = ARGS({ .name = "action", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "on", .type = ARG_T_PURE_TOKEN, .token = "ON" },
                                  { .name = "off", .type = ARG_T_PURE_TOKEN, .token = "OFF" },
                                  { .name = "skip", .type = ARG_T_PURE_TOKEN, .token = "SKIP" }) }) },
    { SUB("pause", run_pause, -3, HERE | CMD_ADMIN, "3.0.0", "O(1)", "Holds requests back for a time."),
      .args = ARGS({ .name = "timeout", .type = ARG_T_INTEGER },
                   { .name = "mode", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .since = "6.2.0",
                     .subs = ARGS({ .name = "write", .type = ARG_T_PURE_TOKEN, .token = "WRITE" },
                                  { .name = "all", .type = ARG_T_PURE_TOKEN, .token = "ALL" }) }),
      .history = HISTORY("6.2.0", "WRITE, and the mode as an argument.") },
    { SUB("unpause", run_unpause, 2, HERE | CMD_ADMIN, "6.2.0", "O(N), N being the paused connections",
          "Ends a pause.") },
    { SUB("unblock", run_unblock, -3, HERE | CMD_ADMIN, "5.0.0", "O(log N), N being the connections",
          "Ends the waiting of another connection."),
      .args = ARGS({ .name = "client-id", .type = ARG_T_INTEGER },
                   { .name = "unblock-type", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "timeout", .type = ARG_T_PURE_TOKEN, .token = "TIMEOUT" },
                                  { .name = "error", .type = ARG_T_PURE_TOKEN, .token = "ERROR" }) }) },
    { SUB("tracking", run_tracking, -3, HERE, "6.0.0", "O(1); with PREFIX O(N) for N prefixes followed",
          "Lets the connection be told when keys that it read change."),
      .args = ARGS({ .name = "status", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "on", .type = ARG_T_PURE_TOKEN, .token = "ON" },
                                  { .name = "off", .type = ARG_T_PURE_TOKEN, .token = "OFF" }) },
                   { .name = "client-id", .type = ARG_T_INTEGER, .token = "REDIRECT", .flags = ARG_OPTIONAL },
                   { .name = "prefix", .token = "PREFIX",
                     .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN },
                   { .name = "bcast", .type = ARG_T_PURE_TOKEN, .token = "BCAST", .flags = ARG_OPTIONAL },
                   { .name = "optin", .type = ARG_T_PURE_TOKEN, .token = "OPTIN", .flags = ARG_OPTIONAL },
                   { .name = "optout", .type = ARG_T_PURE_TOKEN, .token = "OPTOUT", .flags = ARG_OPTIONAL },
                   { .name = "noloop", .type = ARG_T_PURE_TOKEN, .token = "NOLOOP", .flags = ARG_OPTIONAL }) },
    { SUB("caching", run_caching, 3, HERE, "6.0.0", "O(1)", "Tells whether the next command's keys are tracked."),
      .args = ARGS({ .name = "mode", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "yes", .type = ARG_T_PURE_TOKEN, .token = "YES" },
                                  { .name = "no", .type = ARG_T_PURE_TOKEN, .token = "NO" }) }) },
    { SUB("getredir", run_getredir, 2, HERE, "6.0.0", "O(1)",
          "Returns the id of the connection that gets the tracking messages.") },
    { SUB("trackinginfo", run_trackinginfo, 2, HERE, "6.2.0", "O(N), N being the prefixes followed",
          "Tells how the connection tracks.") },
    { SUB("help", run_help, 2, CMD_LOADING | CMD_STALE, "5.0.0", "O(1)", "Prints what CLIENT can do.") },
    { 0 },
};

const struct command client_commands[] = {
    { CONTAINER("client", GROUP_CONNECTION, "2.4.0", "About connections.", client_subs) },
    { 0 },
};
