/* slowlog.c -- see slowlog.h. A ring of kept requests, newest first when read. */
#include "server/slowlog.h"

#include "base/mem.h"
#include "server/rows.h"
#include "server/secret.h"


struct slow_entry {
    struct link in_log;
    uint64_t id;
    int64_t at_s, us;
    struct request *request;
    char *peer, *name;
};

struct slowlog {
    struct link entries; /* oldest first */
    size_t n;
    uint64_t next_id;
};

struct slowlog *slowlog_new(void)
{
    struct slowlog *l = mem_zalloc(sizeof *l);

    link_init(&l->entries);
    return l;
}

static void drop_oldest(struct slowlog *l)
{
    struct slow_entry *e = LINK_OF(l->entries.next, struct slow_entry, in_log);

    link_remove(&e->in_log);
    request_free(e->request);
    mem_free(e->peer);
    mem_free(e->name);
    mem_free(e);
    l->n--;
}

void slowlog_free(struct slowlog **l)
{
    while ((*l)->n > 0) drop_oldest(*l);
    mem_free(*l);
    *l = NULL;
}

size_t slowlog_length(const struct slowlog *l)
{
    return l->n;
}

uint64_t slowlog_total(const struct slowlog *l)
{
    return l->next_id;
}

struct str slowlog_argument(struct arena *a, const struct command *cmd, size_t argc, const struct str *argv,
                            size_t i)
{
    struct str note;
    char *text;

    if (i == SLOW_ARGS_MAX - 1 && argc > SLOW_ARGS_MAX) {
        return arena_printf(a, "... (%zu more arguments)", argc - SLOW_ARGS_MAX + 1);
    }
    if (secret_argument(cmd, argc, argv, i)) return STR("(redacted)");
    if (argv[i].n <= SLOW_ARG_BYTES) return argv[i];
    note = arena_printf(a, "... (%zu more bytes)", argv[i].n - SLOW_ARG_BYTES);
    text = arena_alloc(a, SLOW_ARG_BYTES + note.n);
    memcpy(text, argv[i].p, SLOW_ARG_BYTES);
    memcpy(text + SLOW_ARG_BYTES, note.p, note.n);
    return str_of(text, SLOW_ARG_BYTES + note.n);
}

void slowlog_add(struct slowlog *l, struct client *c, struct command_ref *ref, size_t argc,
                 const struct str *argv, int64_t us)
{
    struct str kept[SLOW_ARGS_MAX];
    size_t n = argc < SLOW_ARGS_MAX ? argc : SLOW_ARGS_MAX;
    struct slow_entry *e;
    struct arena a;

    if (c->server->conf->slowlog_max_len == 0 || (c->flags & CLIENT_LOADER)) return;
    arena_init(&a);
    for (size_t i = 0; i < n; i++) kept[i] = slowlog_argument(&a, ref->cmd, argc, argv, i);
    e = mem_zalloc(sizeof *e);
    link_init(&e->in_log);
    e->id = l->next_id++;
    e->at_s = server_now_ms(c->server) / 1000;
    e->us = us;
    e->request = request_keep(ref, n, kept);
    client_set_text(&e->peer, str_c(client_peer(c)));
    client_set_text(&e->name, str_c(c->name ? c->name : ""));
    link_add_tail(&l->entries, &e->in_log);
    l->n++;
    while (l->n > (size_t)c->server->conf->slowlog_max_len) drop_oldest(l);
    arena_fini(&a);
}

static enum err run_get(struct call *c)
{
    struct slowlog *l = c->client->server->slowlog;
    int64_t max = 10;
    struct link *at = l->entries.prev;
    enum err e = OK;

    if (c->argc > 3) return subcommand_syntax(c);
    if (c->argc > 2) e = call_range(c, 2, -1, INT64_MAX, ERR_SLOWLOG_COUNT, &max);
    if (e != OK) return ERR_SLOWLOG_COUNT;
    if (max == -1 || max > (int64_t)l->n) max = (int64_t)l->n;
    reply_array(c->out, (size_t)max);
    for (; max > 0; max--, at = at->prev) {
        struct slow_entry *s = LINK_OF(at, struct slow_entry, in_log);
        reply_array(c->out, 6);
        reply_int(c->out, (int64_t)s->id);
        reply_int(c->out, s->at_s);
        reply_int(c->out, s->us);
        reply_array(c->out, s->request->argc);
        for (size_t i = 0; i < s->request->argc; i++) reply_bulk(c->out, s->request->argv[i]);
        reply_bulk_c(c->out, s->peer ? s->peer : "");
        reply_bulk_c(c->out, s->name ? s->name : "");
    }
    return OK;
}

static enum err run_len(struct call *c)
{
    reply_int(c->out, (int64_t)c->client->server->slowlog->n);
    return OK;
}

static enum err run_reset(struct call *c)
{
    struct slowlog *l = c->client->server->slowlog;

    while (l->n > 0) drop_oldest(l);
    reply_ok(c->out);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET [<count>]",
        "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
        "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,",
        "    client name",
        "LEN",
        "    Return the length of the slowlog.",
        "RESET",
        "    Reset the slowlog.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define ADMIN (CMD_ADMIN | CMD_LOADING | CMD_STALE)

static const struct command slowlog_subs[] = {
    { ROW("get", run_get, -2, ADMIN, GROUP_SERVER, "2.2.12", "O(N), N being the entries returned",
          "Returns the slowest requests."),
      .args = ARGS({ .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }),
      .history = HISTORY("4.0.0", "Address and name of the client."),
      .tips = TIPS("request_policy:all_nodes", "nondeterministic_output") },
    { ROW("len", run_len, 2, ADMIN, GROUP_SERVER, "2.2.12", "O(1)", "Counts the entries of the slow log."),
      .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:agg_sum") },
    { ROW("reset", run_reset, 2, ADMIN, GROUP_SERVER, "2.2.12", "O(N), N being the entries",
          "Empties the slow log."),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded") },
    { ROW("help", run_help, 2, CMD_LOADING | CMD_STALE, GROUP_SERVER, "6.2.0", "O(1)",
          "Prints what SLOWLOG can do.") },
    { 0 },
};

const struct command slowlog_commands[] = {
    { CONTAINER("slowlog", GROUP_SERVER, "2.2.12", "The log of slow requests.", slowlog_subs) },
    { 0 },
};
