/* stream_group.c -- XGROUP, and XACK: making and ending the groups that read a stream, and what they have
 * done with. Reading as one is in stream_read.c, taking over from others in stream_claim.c. */
#include "commands/stream_args.h"
#include "commands/tables.h"

/* --- XGROUP CREATE, SETID ---------------------------------------------------------------------- */

struct xgroup {
    struct stream_id id;
    const struct stream_id *at; /* id, or NULL: the stream's last */
    int64_t entries_read;
    bool make;
};

/* Options from argument 5 on; those of CREATE when `creates`. */
static enum err parse_options(struct call *c, bool creates, struct xgroup *x)
{
    x->entries_read = STREAM_READ_UNKNOWN;
    for (size_t i = 5; i < c->argc; i++) {
        if (creates && call_is(c, i, "mkstream")) {
            x->make = true;
        } else if (call_is(c, i, "entriesread") && i + 1 < c->argc) {
            enum err e = call_range(c, ++i, STREAM_READ_UNKNOWN, INT64_MAX, ERR_ENTRIES_READ, &x->entries_read);
            if (e != OK) return e;
        } else {
            return subcommand_syntax(c);
        }
    }
    return OK;
}

/* Argument 4: "$" or an id; with `ends` also "-" and "+". */
static enum err parse_at(const struct call *c, unsigned ends, struct xgroup *x)
{
    if (call_is(c, 4, "$")) return OK;
    if (!stream_id_parse(call_arg(c, 4), 0, ends, &x->id, NULL)) return ERR_STREAM_ID;
    x->at = &x->id;
    return OK;
}

/* Whether the key is there, which matters more than what else is wrong with a request. */
static enum err look(const struct call *c, const struct stream **s)
{
    enum err e = stream_read(c->db, call_arg(c, 2), s);

    return e == ERR_NO_KEY ? ERR_XGROUP_NO_KEY : e;
}

static enum err run_create(struct call *c)
{
    enum { ARGS_MAX = 8 };
    struct xgroup x = { 0 };
    const struct stream *s;
    enum err e = parse_options(c, true, &x), bad;

    if (e != OK) return e;
    bad = c->argc > ARGS_MAX ? ERR_SYNTAX : parse_at(c, 0, &x);
    if (bad != OK) {
        e = look(c, &s);
        if (e != OK && !(e == ERR_XGROUP_NO_KEY && x.make)) return e;
        return bad == ERR_SYNTAX ? subcommand_syntax(c) : bad;
    }
    e = stream_group_create(c->db, call_arg(c, 2), call_arg(c, 3), x.at, x.entries_read, x.make);
    if (e == ERR_NO_KEY) return ERR_XGROUP_NO_KEY;
    if (e == OK) reply_ok(c->out);
    return e;
}

/* What the commands on a group reply when there is no key or no group. */
static enum err refuse(struct call *c, enum err e)
{
    if (e == ERR_NO_KEY) return ERR_XGROUP_NO_KEY;
    if (e == ERR_NO_GROUP) return call_no_group_for(c, call_arg(c, 2), call_arg(c, 3));
    return e;
}

static enum err run_setid(struct call *c)
{
    enum { ARGS_PLAIN = 5, ARGS_READ = 7 };
    struct xgroup x = { 0 };
    const struct stream *s;
    enum err e = parse_options(c, false, &x), bad;

    if (e != OK) return e;
    bad = c->argc != ARGS_PLAIN && c->argc != ARGS_READ ? ERR_SYNTAX : parse_at(c, STREAM_ID_ENDS, &x);
    if (bad != OK) {
        e = look(c, &s);
        if (e != OK) return e;
        if (stream_group(s, call_arg(c, 3)) == NULL) return refuse(c, ERR_NO_GROUP);
        return bad == ERR_SYNTAX ? subcommand_syntax(c) : bad;
    }
    e = stream_group_set_id(c->db, call_arg(c, 2), call_arg(c, 3), x.at, x.entries_read);
    if (e != OK) return refuse(c, e);
    reply_ok(c->out);
    return OK;
}

/* --- the rest of XGROUP ------------------------------------------------------------------------- */

static enum err run_destroy(struct call *c)
{
    enum err e = stream_group_destroy(c->db, call_arg(c, 2), call_arg(c, 3));

    if (e != OK && e != ERR_NO_GROUP) return refuse(c, e);
    reply_int(c->out, e == OK);
    return OK;
}

static enum err run_createconsumer(struct call *c)
{
    bool made;
    enum err e = stream_consumer_create(c->db, call_arg(c, 2), call_arg(c, 3), call_arg(c, 4), &made);

    if (e != OK) return refuse(c, e);
    reply_int(c->out, made);
    return OK;
}

static enum err run_delconsumer(struct call *c)
{
    uint64_t pending;
    enum err e = stream_consumer_delete(c->db, call_arg(c, 2), call_arg(c, 3), call_arg(c, 4), &pending);

    if (e != OK) return refuse(c, e);
    reply_int(c->out, (int64_t)pending);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CREATE <key> <groupname> <id|$> [option]",
        "    Make a group that reads what follows <id>, or what comes from now on. Options are:",
        "    * MKSTREAM",
        "      Make an empty stream where there is none.",
        "    * ENTRIESREAD entries_read",
        "      How many entries the group has read (of internal use).",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Make a consumer in a group.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Remove a consumer, with what is pending for it.",
        "DESTROY <key> <groupname>",
        "    Remove a group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
        "    Set from where a group reads on.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

/* --- XACK --------------------------------------------------------------------------------------- */

/* One bad id, and nothing is acknowledged; without the group they are not looked at. */
static enum err run_xack(struct call *c)
{
    const struct stream_id *ids = NULL;
    uint64_t acked = 0;
    size_t n = c->argc - 3;
    enum err bad = stream_arg_ids(c, 3, n, &ids);
    enum err e = stream_ack(c->db, call_arg(c, 1), call_arg(c, 2), ids, bad == OK ? n : 0, &acked);

    if (e == OK) e = bad;
    if (e != OK && e != ERR_NO_KEY && e != ERR_NO_GROUP) return e;
    reply_int(c->out, (int64_t)acked);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *const create_history[] = { "7.0.0", "Takes `entries_read`.", NULL };

static const struct command_arg id_args[] = {
    { .name = "id", .type = ARG_T_STRING },
    { .name = "new-id", .type = ARG_T_PURE_TOKEN, .token = "$" },
    { 0 },
};

#define STREAM_ROW .acl = ACL_STREAM, .group = GROUP_STREAM
#define ARG_STRING(n) { .name = (n), .type = ARG_T_STRING }
#define ARG_FROM { .name = "id-selector", .type = ARG_T_ONEOF, .subs = id_args }
#define ARG_READ(n, shown) \
    { .name = (n), .type = ARG_T_INTEGER, .token = "ENTRIESREAD", .flags = ARG_OPTIONAL, .display = (shown) }
#define GROUP_EXAMPLE "XGROUP CREATE x g $ MKSTREAM | "

static const struct command xgroup_subs[] = {
    { .name = "create", .run = run_create, .arity = -5, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(2, KEY_RW | KEY_INSERT) }, STREAM_ROW, .since = "5.0.0", .complexity = "O(1)",
      .history = create_history, .summary = "Makes a group of consumers that read a stream together.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"), ARG_FROM,
                   { .name = "mkstream", .type = ARG_T_PURE_TOKEN, .token = "MKSTREAM", .flags = ARG_OPTIONAL },
                   ARG_READ("entries-read", "entries-read")),
      .example = "XGROUP CREATE x g $ MKSTREAM => +OK\r\n" },
    { .name = "createconsumer", .run = run_createconsumer, .arity = 5, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(2, KEY_RW | KEY_INSERT) }, STREAM_ROW, .since = "6.2.0", .complexity = "O(1)",
      .summary = "Makes a consumer in a group.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"), ARG_STRING("consumer")),
      .example = GROUP_EXAMPLE "XGROUP CREATECONSUMER x g c => :1\r\n" },
    { .name = "delconsumer", .run = run_delconsumer, .arity = 5, .flags = CMD_WRITE,
      .keys = { KEY_AT(2, KEY_RW | KEY_DELETE) }, STREAM_ROW, .since = "5.0.0",
      .complexity = "O(N) for N entries pending for the consumer",
      .summary = "Removes a consumer; gives the number of entries that were pending for it.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"), ARG_STRING("consumer")),
      .example = GROUP_EXAMPLE "XADD x 1-0 f v | XREADGROUP GROUP g c STREAMS x > | XGROUP DELCONSUMER x g c => :1\r\n" },
    { .name = "destroy", .run = run_destroy, .arity = 4, .flags = CMD_WRITE,
      .keys = { KEY_AT(2, KEY_RW | KEY_DELETE) }, STREAM_ROW, .since = "5.0.0",
      .complexity = "O(N) for N entries pending in the group", .summary = "Removes a group.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group")),
      .example = GROUP_EXAMPLE "XGROUP DESTROY x g => :1\r\n" },
    { .name = "help", .run = run_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE, STREAM_ROW, .since = "5.0.0",
      .complexity = "O(1)", .summary = "Lists the subcommands.", .example = "XGROUP CREATE x g $ MKSTREAM => +OK\r\n" },
    { .name = "setid", .run = run_setid, .arity = -5, .flags = CMD_WRITE,
      .keys = { KEY_AT(2, KEY_RW | KEY_UPDATE) }, STREAM_ROW, .since = "5.0.0", .complexity = "O(1)",
      .history = create_history, .summary = "Sets from where a group reads on.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"), ARG_FROM, ARG_READ("entriesread", "entries-read")),
      .example = GROUP_EXAMPLE "XGROUP SETID x g 0 => +OK\r\n" },
    { 0 },
};

const struct command stream_group_commands[] = {
    { .name = "xgroup", .arity = -2, .group = GROUP_STREAM, .subs = xgroup_subs, .since = "5.0.0",
      .complexity = "Depends on the subcommand", .summary = "Makes, changes and removes groups of consumers." },
    { .name = "xack", .run = run_xack, .arity = -4, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, STREAM_ROW, .since = "5.0.0", .complexity = "O(1) for each ID",
      .summary = "Tells that a group is done with entries; gives the number of those that were pending.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"),
                   { .name = "id", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }),
      .example = GROUP_EXAMPLE "XADD x 1-0 f v | XREADGROUP GROUP g c STREAMS x > | XACK x g 1-0 1-0 => :1\r\n" },
    { 0 },
};
