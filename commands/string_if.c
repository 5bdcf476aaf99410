/* string_if.c -- removing a key if it holds what the client believes: what a lock's owner does. Of the
 * names in use DELIFEQ is Valkey's, DELEX Redis's. */
#include "commands/tables.h"
#include "storage/keys.h"
#include "storage/type_string.h"

static void journal_del(const struct call *c, struct journal *j)
{
    journal_cmd(j, STR("DEL"), call_arg(c, 1));
}

static enum err remove_if(struct call *c, bool remove)
{
    if (remove) remove = keys_delete(c->db, call_arg(c, 1), c->store->conf.lazy_user_del);
    reply_int(c->out, remove);
    return OK;
}

static enum err run_delifeq(struct call *c)
{
    const struct entry *e = db_look(c->db, call_arg(c, 1));

    if (e && entry_type(e) != VALUE_STRING) return ERR_WRONG_TYPE;
    return remove_if(c, e && string_equals(e, call_arg(c, 2)));
}

/* Without a condition DEL. */
static enum err run_delex(struct call *c)
{
    const struct entry *e;

    if (c->argc == 2) return remove_if(c, true);
    if (c->argc != 4) return ERR_ARITY;
    e = db_look(c->db, call_arg(c, 1));
    if (e && entry_type(e) != VALUE_STRING) return ERR_CONDITION_TYPE;
    if (call_is(c, 2, "IFEQ")) return remove_if(c, e && string_equals(e, call_arg(c, 3)));
    if (call_is(c, 2, "IFNE")) return remove_if(c, e && !string_equals(e, call_arg(c, 3)));
    return ERR_CONDITION;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const struct command_arg condition_args[] = {
    { .name = "ifeq-value", .type = ARG_T_STRING, .token = "IFEQ" },
    { .name = "ifne-value", .type = ARG_T_STRING, .token = "IFNE" },
    { 0 },
};

const struct command string_if_commands[] = {
    { .name = "delifeq", .run = run_delifeq, .arity = 3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .journal = journal_del, .since = "9.0.0", .complexity = "O(1)",
      .summary = "Removes a key if it holds a given string.",
      .args = ARGS(ARG_KEY("key"), { .name = "value", .type = ARG_T_STRING }),
      .example = "SET lock me | DELIFEQ lock me => :1\r\n" },
    { .name = "delex", .run = run_delex, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .journal = journal_del, .since = "8.4.0", .complexity = "O(1)",
      .summary = "Removes a key, if it holds a given string or another one.",
      .args = ARGS(ARG_KEY("key"), { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                                     .subs = condition_args }),
      .example = "SET lock me | DELEX lock IFEQ other => :0\r\n" },
    { 0 },
};
