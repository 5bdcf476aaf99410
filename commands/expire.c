/* expire.c -- how long keys live: EXPIRE, TTL and their relatives. */
#include "commands/tables.h"
#include "storage/keys.h"

/* --- setting ---------------------------------------------------------------------------------- */

/* What was done, for the log. */
struct note {
    int64_t at_ms;
    bool removed; /* the time had passed */
};

static void journal_expire(const struct call *c, struct journal *j)
{
    const struct note *n = c->note;

    if (n->removed)
        journal_cmd(j, STR("DEL"), call_arg(c, 1));
    else
        journal_cmd(j, STR("PEXPIREAT"), call_arg(c, 1), call_num(c, n->at_ms));
}

static enum err conditions(struct call *c, unsigned *out)
{
    enum { NOT_WITH_NX = EXPIRE_XX | EXPIRE_GT | EXPIRE_LT };
    unsigned set = 0;

    for (size_t i = 3; i < c->argc; i++) {
        if (call_is(c, i, "NX"))
            set |= EXPIRE_NX;
        else if (call_is(c, i, "XX"))
            set |= EXPIRE_XX;
        else if (call_is(c, i, "GT"))
            set |= EXPIRE_GT;
        else if (call_is(c, i, "LT"))
            set |= EXPIRE_LT;
        else
            return call_fail(c, ERR_EXPIRE_OPTION, call_arg(c, i));
    }
    if ((set & EXPIRE_NX) && (set & NOT_WITH_NX)) return ERR_EXPIRE_NX;
    if ((set & EXPIRE_GT) && (set & EXPIRE_LT)) return ERR_EXPIRE_GT_LT;
    *out = set;
    return OK;
}

static enum err expire(struct call *c, struct expire_form form)
{
    struct note *n = call_new(c, struct note, 1);
    unsigned set = 0;
    enum err e = conditions(c, &set);

    if (e == OK) e = call_expire_at(c, 2, form, false, &n->at_ms);
    if (e != OK) return e;
    c->note = n;
    e = keys_expire(c->db, call_arg(c, 1), n->at_ms, set, &n->removed);
    reply_int(c->out, e == OK);
    return OK;
}

static enum err run_expire(struct call *c)
{
    return expire(c, (struct expire_form){ .seconds = true, .relative = true });
}

static enum err run_pexpire(struct call *c)
{
    return expire(c, (struct expire_form){ .relative = true });
}

static enum err run_expireat(struct call *c)
{
    return expire(c, (struct expire_form){ .seconds = true });
}

static enum err run_pexpireat(struct call *c)
{
    return expire(c, (struct expire_form){ 0 });
}

static enum err run_persist(struct call *c)
{
    enum err e = keys_persist(c->db, call_arg(c, 1));

    reply_int(c->out, e == OK);
    return OK;
}

/* --- asking ----------------------------------------------------------------------------------- */

enum { NO_TTL = -1, NO_SUCH = -2 };

/* Reply the time of a key, counted from base_ms: rounded to the nearest second when asked for
 * those. */
static enum err reply_time(struct call *c, int64_t base_ms, bool seconds)
{
    const struct entry *e = db_look(c->db, call_arg(c, 1));
    int64_t ms;

    if (!e) {
        reply_int(c->out, NO_SUCH);
    } else if (!entry_expires(e)) {
        reply_int(c->out, NO_TTL);
    } else {
        ms = entry_expire_at(e) - base_ms;
        if (ms < 0) ms = 0;
        reply_int(c->out, seconds ? (ms + 500) / 1000 : ms);
    }
    return OK;
}

static enum err run_ttl(struct call *c)
{
    return reply_time(c, c->store->now_ms, true);
}

static enum err run_pttl(struct call *c)
{
    return reply_time(c, c->store->now_ms, false);
}

static enum err run_expiretime(struct call *c)
{
    return reply_time(c, 0, true);
}

static enum err run_pexpiretime(struct call *c)
{
    return reply_time(c, 0, false);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const char *const expire_history[] = { "7.0.0", "The options NX, XX, GT and LT.", NULL };
static const char *const ttl_history[] = { "2.8.0", "The reply -2.", NULL };
static const char *const ttl_tips[] = { "nondeterministic_output", NULL };

static const struct command_arg condition_args[] = {
    { .name = "nx", .type = ARG_T_PURE_TOKEN, .token = "NX" },
    { .name = "xx", .type = ARG_T_PURE_TOKEN, .token = "XX" },
    { .name = "gt", .type = ARG_T_PURE_TOKEN, .token = "GT" },
    { .name = "lt", .type = ARG_T_PURE_TOKEN, .token = "LT" },
    { 0 },
};

#define EXPIRE_ARGS(n, t) \
    ARGS(ARG_KEY("key"), { .name = (n), .type = (t) }, \
         { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .since = "7.0.0", \
           .subs = condition_args })

const struct command expire_commands[] = {
    { .name = "expire", .run = run_expire, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .journal = journal_expire, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Lets a key live for a number of seconds from now.", .history = expire_history,
      .args = EXPIRE_ARGS("seconds", ARG_T_INTEGER),
      .example = "SET a 1 | EXPIRE a 10 | TTL a => :10\r\n" },
    { .name = "pexpire", .run = run_pexpire, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .journal = journal_expire, .since = "2.6.0", .complexity = "O(1)",
      .summary = "Lets a key live for a number of milliseconds from now.",
      .history = expire_history,
      .args = EXPIRE_ARGS("milliseconds", ARG_T_INTEGER),
      .example = "SET a 1 | PEXPIRE a 1500 | PTTL a => :1500\r\n" },
    { .name = "expireat", .run = run_expireat, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .journal = journal_expire, .since = "1.2.0", .complexity = "O(1)",
      .summary = "Lets a key live until a Unix time in seconds.", .history = expire_history,
      .args = EXPIRE_ARGS("unix-time-seconds", ARG_T_UNIX_TIME),
      .example = "SET a 1 | EXPIREAT a 33177117420 | EXPIRETIME a => :33177117420\r\n" },
    { .name = "pexpireat", .run = run_pexpireat, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .journal = journal_expire, .since = "2.6.0", .complexity = "O(1)",
      .summary = "Lets a key live until a Unix time in milliseconds.", .history = expire_history,
      .args = EXPIRE_ARGS("unix-time-milliseconds", ARG_T_UNIX_TIME),
      .example = "SET a 1 | PEXPIREAT a 33177117420000 | PEXPIRETIME a => :33177117420000\r\n" },
    { .name = "ttl", .run = run_ttl, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "1.0.0", .complexity = "O(1)",
      .summary = "Gives the seconds that a key has to live.",
      .history = ttl_history, .tips = ttl_tips, .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 EX 100 | TTL a => :100\r\n" },
    { .name = "pttl", .run = run_pttl, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "2.6.0", .complexity = "O(1)",
      .summary = "Gives the milliseconds that a key has to live.",
      .history = ttl_history, .tips = ttl_tips, .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 PX 100 | PTTL a => :100\r\n" },
    { .name = "expiretime", .run = run_expiretime, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "7.0.0", .complexity = "O(1)",
      .summary = "Gives the Unix time in seconds until which a key lives.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 EXAT 33177117420 | EXPIRETIME a => :33177117420\r\n" },
    { .name = "pexpiretime", .run = run_pexpiretime, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "7.0.0", .complexity = "O(1)",
      .summary = "Gives the Unix time in milliseconds until which a key lives.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 PXAT 33177117420000 | PEXPIRETIME a => :33177117420000\r\n" },
    { .name = "persist", .run = run_persist, .arity = 2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_KEYSPACE, .group = GROUP_GENERIC,
      .since = "2.2.0", .complexity = "O(1)", .summary = "Lets a key live on without an end.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 EX 10 | PERSIST a => :1\r\n" },
    { 0 },
};
