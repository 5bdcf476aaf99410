/* object.c -- OBJECT: how a value is kept. */
#include "commands/tables.h"
#include "storage/evict.h"

static enum err run_encoding(struct call *c)
{
    const struct entry *e = db_peek(c->db, call_arg(c, 2));

    if (e)
        reply_bulk_c(c->out, entry_encoding_name(c->store, e));
    else
        reply_null(c->out);
    return OK;
}

static enum err run_idletime(struct call *c)
{
    const struct entry *e = db_peek(c->db, call_arg(c, 2));

    if (e && evict_is_lfu(c->store->conf.policy)) return ERR_IS_LFU;
    if (e)
        reply_int(c->out, evict_idle_ms(c->store, e) / 1000);
    else
        reply_null(c->out);
    return OK;
}

static enum err run_freq(struct call *c)
{
    const struct entry *e = db_peek(c->db, call_arg(c, 2));

    if (e && !evict_is_lfu(c->store->conf.policy)) return ERR_IS_NOT_LFU;
    if (e)
        reply_int(c->out, evict_freq(c->store, e));
    else
        reply_null(c->out);
    return OK;
}

/* Values are never shared; the small integers say what they say in Redis, where they are. */
static enum err run_refcount(struct call *c)
{
    enum { SHARED = 10000 };
    const struct entry *e = db_peek(c->db, call_arg(c, 2));

    if (!e)
        reply_null(c->out);
    else if (entry_enc(e) == ENC_INT && entry_int(e) >= 0 && entry_int(e) < SHARED)
        reply_int(c->out, INT32_MAX);
    else
        reply_int(c->out, 1);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Name the form in which the value at <key> is kept.",
        "FREQ <key>",
        "    How often <key> has been used lately, on a logarithmic scale (lfu policies).",
        "IDLETIME <key>",
        "    Seconds since <key> was last used.",
        "REFCOUNT <key>",
        "    Number of references to the value at <key>.",
        "HELP",
        "    Print this help.",
    };

    reply_array(c->out, sizeof lines / sizeof lines[0]);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) reply_simple(c->out, lines[i]);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const char *const tips[] = { "nondeterministic_output", NULL };

static const struct command object_subs[] = {
    { .name = "encoding", .run = run_encoding, .arity = 3, .flags = CMD_READONLY,
      .keys = { KEY_AT(2, KEY_RO) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "2.2.3",
      .complexity = "O(1)", .summary = "Names the form in which a value is kept.", .tips = tips,
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 | OBJECT ENCODING a => $3\r\nint\r\n" },
    { .name = "freq", .run = run_freq, .arity = 3, .flags = CMD_READONLY,
      .keys = { KEY_AT(2, KEY_RO) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "4.0.0",
      .complexity = "O(1)", .summary = "Gives the counter of uses of a key under an lfu policy.",
      .tips = tips, .args = ARGS(ARG_KEY("key")),
      .example = "OBJECT FREQ a => $-1\r\n" },
    { .name = "help", .run = run_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE,
      .acl = ACL_KEYSPACE,
      .group = GROUP_GENERIC, .since = "6.2.0", .complexity = "O(1)",
      .summary = "Lists the subcommands.",
      .example = "SET a 1 | OBJECT ENCODING a => $3\r\nint\r\n" },
    { .name = "idletime", .run = run_idletime, .arity = 3, .flags = CMD_READONLY,
      .keys = { KEY_AT(2, KEY_RO) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "2.2.3",
      .complexity = "O(1)", .summary = "Gives the seconds since a key was last used.", .tips = tips,
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 | OBJECT IDLETIME a => :0\r\n" },
    { .name = "refcount", .run = run_refcount, .arity = 3, .flags = CMD_READONLY,
      .keys = { KEY_AT(2, KEY_RO) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "2.2.3",
      .complexity = "O(1)", .summary = "Gives the number of references to a value.", .tips = tips,
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a x | OBJECT REFCOUNT a => :1\r\n" },
    { 0 },
};

const struct command object_commands[] = {
    { .name = "object", .arity = -2, .group = GROUP_GENERIC,
      .subs = object_subs,
      .since = "2.2.3", .complexity = "Depends on the subcommand",
      .summary = "Tells how values are kept." },
    { 0 },
};
