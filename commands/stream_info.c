/* stream_info.c -- XINFO: how a stream, its groups and their consumers stand. */
#include "commands/stream_args.h"
#include "commands/tables.h"

/* --- groups and consumers --------------------------------------------------------------------- */

static void field_id(struct reply *r, const char *name, struct stream_id id)
{
    reply_bulk_c(r, name);
    reply_stream_id(r, id);
}

static void field_int(struct reply *r, const char *name, int64_t v)
{
    reply_bulk_c(r, name);
    reply_int(r, v);
}

static void field_bulk(struct reply *r, const char *name, struct str v)
{
    reply_bulk_c(r, name);
    reply_bulk(r, v);
}

/* How far a group has read and what it has before it, where that is known. */
static void fields_progress(struct reply *r, const struct stream_group_info *g)
{
    field_id(r, "last-delivered-id", g->last);
    reply_bulk_c(r, "entries-read");
    if (g->entries_read == STREAM_READ_UNKNOWN) reply_null(r);
    else reply_int(r, g->entries_read);
    reply_bulk_c(r, "lag");
    if (g->lag_known) reply_int(r, g->lag);
    else reply_null(r);
}

/* The stream of argument 2. */
static enum err open_stream(const struct call *c, const struct stream **s)
{
    enum err e = stream_read(c->db, call_arg(c, 2), s);

    return e == ERR_NO_KEY ? ERR_NO_SUCH_KEY : e;
}

static enum err run_groups(struct call *c)
{
    const struct stream *s;
    size_t n;
    enum err e = open_stream(c, &s);

    if (e != OK) return e;
    n = stream_info(s).groups;
    reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) {
        struct stream_group_info g = stream_group_info(s, stream_group_at(s, i));
        reply_map(c->out, 6);
        field_bulk(c->out, "name", g.name);
        field_int(c->out, "consumers", (int64_t)g.consumers);
        field_int(c->out, "pending", (int64_t)g.pending);
        fields_progress(c->out, &g);
    }
    return OK;
}

static enum err run_consumers(struct call *c)
{
    const struct stream *s;
    const struct stream_group *g;
    size_t n;
    enum err e = open_stream(c, &s);

    if (e != OK) return e;
    g = stream_group(s, call_arg(c, 3));
    if (g == NULL) return call_no_group_for(c, call_arg(c, 2), call_arg(c, 3));
    n = stream_group_info(s, g).consumers;
    reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) {
        struct stream_consumer_info k = stream_consumer_info(stream_consumer_at(g, i));
        int64_t idle = c->store->now_ms - k.seen_ms;
        reply_map(c->out, 4);
        field_bulk(c->out, "name", k.name);
        field_int(c->out, "pending", (int64_t)k.pending);
        field_int(c->out, "idle", idle > 0 ? idle : 0);
        field_int(c->out, "inactive", k.active_ms == -1 ? -1 : c->store->now_ms - k.active_ms);
    }
    return OK;
}

/* --- XINFO STREAM ------------------------------------------------------------------------------- */

static void fields_stream(struct reply *r, const struct stream *s, const struct stream_info *info)
{
    field_int(r, "length", (int64_t)info->length);
    field_int(r, "radix-tree-keys", (int64_t)info->blocks);
    field_int(r, "radix-tree-nodes", (int64_t)stream_radix_nodes(s));
    field_id(r, "last-generated-id", info->last);
    field_id(r, "max-deleted-entry-id", info->max_deleted);
    field_int(r, "entries-added", (int64_t)info->added);
    field_id(r, "recorded-first-entry-id", info->first);
}

static void field_end(struct reply *r, const char *name, const struct stream *s, bool last)
{
    struct stream_iter it;

    reply_bulk_c(r, name);
    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, last);
    if (stream_next(&it)) reply_stream_entry(r, &it);
    else reply_null(r);
}

static void reply_short(struct reply *r, const struct stream *s)
{
    struct stream_info info = stream_info(s);

    reply_map(r, 10);
    fields_stream(r, s, &info);
    field_int(r, "groups", (int64_t)info.groups);
    field_end(r, "first-entry", s, false);
    field_end(r, "last-entry", s, true);
}

/* What is pending in a group, or for a consumer, which then need not be named; at most count (0: all). */
static void field_pending(struct reply *r, const struct stream_group *g, const struct stream_consumer *k,
                          uint64_t count)
{
    struct stream_pending_iter it;
    size_t mark;
    uint64_t n = 0;

    reply_bulk_c(r, "pending");
    mark = reply_mark(r);
    stream_pending_start(&it, g, k, STREAM_ID_MIN, STREAM_ID_MAX);
    while ((count == 0 || n < count) && stream_pending_next(&it)) {
        reply_array(r, k ? 3 : 4);
        reply_stream_id(r, it.now.id);
        if (k == NULL) reply_bulk(r, it.now.consumer);
        reply_int(r, it.now.delivered_ms);
        reply_int(r, (int64_t)it.now.deliveries);
        n++;
    }
    reply_array_at(r, mark, n);
}

static void reply_full_consumer(struct reply *r, const struct stream_group *g, const struct stream_consumer *k,
                                uint64_t count)
{
    struct stream_consumer_info info = stream_consumer_info(k);

    reply_map(r, 5);
    field_bulk(r, "name", info.name);
    field_int(r, "seen-time", info.seen_ms);
    field_int(r, "active-time", info.active_ms);
    field_int(r, "pel-count", (int64_t)info.pending);
    field_pending(r, g, k, count);
}

static void reply_full_group(struct reply *r, const struct stream *s, const struct stream_group *g, uint64_t count)
{
    struct stream_group_info info = stream_group_info(s, g);

    reply_map(r, 7);
    field_bulk(r, "name", info.name);
    fields_progress(r, &info);
    field_int(r, "pel-count", (int64_t)info.pending);
    field_pending(r, g, NULL, count);
    reply_bulk_c(r, "consumers");
    reply_array(r, info.consumers);
    for (size_t i = 0; i < info.consumers; i++) reply_full_consumer(r, g, stream_consumer_at(g, i), count);
}

static void reply_full(struct reply *r, const struct stream *s, uint64_t count)
{
    struct stream_info info = stream_info(s);

    reply_map(r, 9);
    fields_stream(r, s, &info);
    reply_bulk_c(r, "entries");
    reply_stream_range(r, s, STREAM_ID_MIN, STREAM_ID_MAX, false, count);
    reply_bulk_c(r, "groups");
    reply_array(r, info.groups);
    for (size_t i = 0; i < info.groups; i++) reply_full_group(r, s, stream_group_at(s, i), count);
}

/* [FULL [COUNT n]] from argument 3 on. */
static enum err parse_full(struct call *c, int64_t *count)
{
    enum { USUAL_COUNT = 10, ARGS_FULL = 4, ARGS_COUNT = 6 };
    enum err e;

    *count = USUAL_COUNT;
    if ((c->argc != ARGS_FULL && c->argc != ARGS_COUNT) || !call_is(c, 3, "full")) return subcommand_syntax(c);
    if (c->argc == ARGS_FULL) return OK;
    if (!call_is(c, 4, "count")) return subcommand_syntax(c);
    e = call_i64(c, 5, count);
    if (e == OK && *count < 0) *count = USUAL_COUNT;
    return e;
}

static enum err run_stream(struct call *c)
{
    const struct stream *s;
    int64_t count;
    enum err e = open_stream(c, &s);

    if (e != OK) return e;
    if (c->argc == 3) {
        reply_short(c->out, s);
        return OK;
    }
    e = parse_full(c, &count);
    if (e == OK) reply_full(c->out, s, (uint64_t)count);
    return e;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CONSUMERS <key> <groupname>",
        "    How the consumers of a group stand.",
        "GROUPS <key>",
        "    How the groups of a stream stand.",
        "STREAM <key> [FULL [COUNT <count>]",
        "    How a stream stands, with FULL its entries and groups too.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *const any_output[] = { "nondeterministic_output", NULL };
static const char *const consumers_history[] = { "7.2.0", "Gives `inactive`.", NULL };
static const char *const groups_history[] = { "7.0.0", "Gives `entries-read` and `lag`.", NULL };
static const char *const stream_history_notes[] = {
    "6.0.0", "Takes `FULL`.",
    "7.0.0", "Gives `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`.",
    "7.2.0", "Gives `active-time`; `seen-time` is the time of the last attempt.", NULL };

static const struct command_arg full_args[] = {
    { .name = "full", .type = ARG_T_PURE_TOKEN, .token = "FULL" },
    { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL },
    { 0 },
};

#define XINFO_ROW .flags = CMD_READONLY, .keys = { KEY_AT(2, KEY_RO | KEY_ACCESS) }, .acl = ACL_STREAM, \
    .group = GROUP_STREAM, .since = "5.0.0"

static const struct command xinfo_subs[] = {
    { .name = "consumers", .run = run_consumers, .arity = 4, XINFO_ROW, .complexity = "O(N) for N consumers",
      .history = consumers_history, .tips = any_output, .summary = "Tells how the consumers of a group stand.",
      .args = ARGS(ARG_KEY("key"), { .name = "group", .type = ARG_T_STRING }),
      .example = "XGROUP CREATE x g $ MKSTREAM | XINFO CONSUMERS x g => *0\r\n" },
    { .name = "groups", .run = run_groups, .arity = 3, XINFO_ROW, .complexity = "O(N) for N groups",
      .history = groups_history, .summary = "Tells how the groups of a stream stand.", .args = ARGS(ARG_KEY("key")),
      .example = "XADD x 1-0 f v | XINFO GROUPS x => *0\r\n" },
    { .name = "help", .run = run_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE, .acl = ACL_STREAM,
      .group = GROUP_STREAM, .since = "5.0.0", .complexity = "O(1)", .summary = "Lists the subcommands.",
      .example = "XADD x 1-0 f v | XINFO GROUPS x => *0\r\n" },
    { .name = "stream", .run = run_stream, .arity = -3, XINFO_ROW, .complexity = "O(1); with FULL O(N) for N things told",
      .history = stream_history_notes, .summary = "Tells how a stream stands.",
      .args = ARGS(ARG_KEY("key"), { .name = "full-block", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL,
                                     .subs = full_args }),
      .example = "XGROUP CREATE x g $ MKSTREAM | XINFO STREAM x FULL => "
                 "*18\r\n$6\r\nlength\r\n:0\r\n$15\r\nradix-tree-keys\r\n:0\r\n$16\r\nradix-tree-nodes\r\n:1\r\n"
                 "$17\r\nlast-generated-id\r\n$3\r\n0-0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n"
                 "$13\r\nentries-added\r\n:0\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n0-0\r\n$7\r\nentries\r\n*0\r\n"
                 "$6\r\ngroups\r\n*1\r\n*14\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n"
                 "$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n"
                 "$9\r\nconsumers\r\n*0\r\n" },
    { 0 },
};

const struct command stream_info_commands[] = {
    { .name = "xinfo", .arity = -2, .group = GROUP_STREAM, .subs = xinfo_subs, .since = "5.0.0",
      .complexity = "Depends on the subcommand", .summary = "Tells how streams, groups and consumers stand." },
    { 0 },
};
