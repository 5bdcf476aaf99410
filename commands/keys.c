/* keys.c -- commands on keys of any type. */
#include "storage/keys.h"

#include "commands/tables.h"

/* --- removing and counting -------------------------------------------------------------------- */

/* DEL and UNLINK differ in name only: what is long to free is always freed on the side. */
static enum err run_del(struct call *c)
{
    int64_t n = 0;

    for (size_t i = 1; i < c->argc; i++) n += keys_delete(c->db, call_arg(c, i), true);
    reply_int(c->out, n);
    return OK;
}

static enum err run_exists(struct call *c)
{
    int64_t n = 0;

    for (size_t i = 1; i < c->argc; i++) n += db_look(c->db, call_arg(c, i)) != NULL;
    reply_int(c->out, n);
    return OK;
}

static enum err run_touch(struct call *c)
{
    int64_t n = 0;

    for (size_t i = 1; i < c->argc; i++) {
        const struct entry *e = db_look(c->db, call_arg(c, i));

        if (!e) continue;
        db_touch(c->db, e);
        n++;
    }
    reply_int(c->out, n);
    return OK;
}

static enum err run_type(struct call *c)
{
    const struct entry *e = db_look(c->db, call_arg(c, 1));

    reply_simple(c->out, e ? value_type_name(entry_type(e)) : "none");
    return OK;
}

static enum err run_dbsize(struct call *c)
{
    reply_int(c->out, (int64_t)c->db->n_keys);
    return OK;
}

/* --- renaming, copying, moving ---------------------------------------------------------------- */

static enum err run_rename(struct call *c)
{
    enum err e = keys_rename(c->db, call_arg(c, 1), call_arg(c, 2), false);

    if (e == OK) reply_ok(c->out);
    return e;
}

static enum err run_renamenx(struct call *c)
{
    enum err e = keys_rename(c->db, call_arg(c, 1), call_arg(c, 2), true);

    if (e != OK && e != ERR_NOT_DONE) return e;
    reply_int(c->out, e == OK);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const char *const exists_history[] = { "3.0.3", "Takes several keys.", NULL };
static const char *const renamenx_history[] = { "3.2.0", "Two equal names are no error.", NULL };
static const char *const sum_tips[] = { "request_policy:multi_shard",
                                         "response_policy:agg_sum", NULL };
static const char *const dbsize_tips[] = { "request_policy:all_shards",
                                         "response_policy:agg_sum", NULL };

#define KEYS_ARG ARGS({ .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE })
#define RENAME_ARGS ARGS(ARG_KEY("key"), { .name = "newkey", .type = ARG_T_KEY, .key_spec = 1 })

const struct command keys_commands[] = {
    { .name = "del", .run = run_del, .arity = -2, .flags = CMD_WRITE,
      .keys = { KEYS_FROM(1, -1, 1, KEY_RM | KEY_DELETE) }, .acl = ACL_KEYSPACE,
      .group = GROUP_GENERIC,
      .since = "1.0.0", .complexity = "O(N) for N keys; large values are freed in the background",
      .summary = "Removes keys; gives the number of those that were there.", .tips = sum_tips,
      .args = KEYS_ARG,
      .example = "MSET a 1 b 2 | DEL a b c => :2\r\n" },
    { .name = "unlink", .run = run_del, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEYS_FROM(1, -1, 1, KEY_RM | KEY_DELETE) }, .acl = ACL_KEYSPACE,
      .group = GROUP_GENERIC,
      .since = "4.0.0", .complexity = "O(N) for N keys; large values are freed in the background",
      .summary = "Removes keys, and frees their values in the background.", .tips = sum_tips,
      .args = KEYS_ARG,
      .example = "MSET a 1 b 2 | UNLINK a b c => :2\r\n" },
    { .name = "exists", .run = run_exists, .arity = -2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEYS_FROM(1, -1, 1, KEY_RO) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "1.0.0", .complexity = "O(N) for N keys",
      .summary = "Counts the keys that are there; one that is named twice counts twice.",
      .history = exists_history, .tips = sum_tips, .args = KEYS_ARG,
      .example = "SET a 1 | EXISTS a a b => :2\r\n" },
    { .name = "touch", .run = run_touch, .arity = -2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEYS_FROM(1, -1, 1, KEY_RO) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "3.2.1", .complexity = "O(N) for N keys",
      .summary = "Marks keys as used just now; gives the number of those that are there.",
      .tips = sum_tips, .args = KEYS_ARG,
      .example = "SET a 1 | TOUCH a b => :1\r\n" },
    { .name = "type", .run = run_type, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "1.0.0", .complexity = "O(1)", .summary = "Names the type of the value at a key.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 | TYPE a => +string\r\n" },
    { .name = "rename", .run = run_rename, .arity = 3, .flags = CMD_WRITE,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_UPDATE) },
      .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Gives a key another name; what had that name is gone.", .args = RENAME_ARGS,
      .example = "SET a 1 | RENAME a b | GET b => $1\r\n1\r\n" },
    { .name = "renamenx", .run = run_renamenx, .arity = 3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_INSERT) },
      .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Gives a key another name unless that is taken.", .history = renamenx_history,
      .args = RENAME_ARGS,
      .example = "MSET a 1 b 2 | RENAMENX a b => :0\r\n" },
    { .name = "dbsize", .run = run_dbsize, .arity = 1, .flags = CMD_READONLY | CMD_FAST,
      .acl = ACL_KEYSPACE, .group = GROUP_SERVER, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Counts the keys of the database.", .tips = dbsize_tips,
      .example = "MSET a 1 b 2 | DBSIZE => :2\r\n" },
    { 0 },
};
