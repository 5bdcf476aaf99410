/* zset_pop.c -- taking members from an end of a sorted set, or of the first of several that is there: at
 * once, or waiting until there is something to take.
 *
 * A blocked command is run again from the start when one of its keys becomes a sorted set. The log gets
 * what was taken in the end, as ZPOPMIN or ZPOPMAX of the key. */
#include "commands/tables.h"
#include "commands/zset_reply.h"

enum { ONE = 0 }; /* for a count: the plain form, without one */

struct taking {
    struct reply *out;
    struct str key;
    bool highest, with_key, nested;
    int64_t count; /* how many to take, ONE or more */
    size_t taken;
};

static void give(void *ctx, struct str member, double score)
{
    struct taking *t = ctx;

    if (t->nested) reply_array(t->out, 2);
    reply_bulk(t->out, member);
    reply_double(t->out, score);
    t->taken++;
}

/* Take from t->key. Only afterwards is it known how many there were. ERR_NO_KEY: nothing is written. */
static enum err take_key(struct call *c, struct taking *t)
{
    size_t mark = reply_mark(c->out);
    enum err e;

    if (t->with_key) {
        reply_array(c->out, t->nested ? 2 : 3);
        reply_bulk(c->out, t->key);
    }
    size_t members = reply_mark(c->out);

    e = zset_key_pop(c->db, t->key, t->highest, t->count == ONE ? 1 : (size_t)t->count, give, t);
    if (e != OK) {
        reply_undo(c->out, mark);
    } else if (t->nested || !t->with_key) {
        reply_array_at(c->out, members, t->nested ? t->taken : 2 * t->taken);
    }
    return e;
}

/* Take from the first of n keys that holds a sorted set; ERR_NO_KEY: there is none. */
static enum err take(struct call *c, const struct str *keys, size_t n, struct taking how)
{
    struct taking *t = call_new(c, struct taking, 1);
    enum err e = ERR_NO_KEY;

    *t = how;
    t->out = c->out;
    c->note = t;
    for (size_t i = 0; i < n && e == ERR_NO_KEY; i++) {
        t->key = keys[i];
        e = take_key(c, t);
    }
    return e;
}

static void journal_take(const struct call *c, struct journal *j)
{
    const struct taking *t = c->note;
    struct str name = t->highest ? STR("ZPOPMAX") : STR("ZPOPMIN");

    if (t->count == ONE) {
        journal_cmd(j, name, t->key);
    } else {
        journal_cmd(j, name, t->key, call_num(c, (int64_t)t->taken));
    }
}

/* --- one key ---------------------------------------------------------------------------------- */

static enum err pop(struct call *c, bool highest)
{
    struct taking how = { .highest = highest };
    struct zset z;
    enum err e;

    if (c->argc > 3) return ERR_SYNTAX;
    if (c->argc == 3) {
        e = call_range(c, 2, 0, INT64_MAX, ERR_NOT_POSITIVE, &how.count);
        if (e != OK) return ERR_NOT_POSITIVE;
        how.nested = c->out->resp > 2;
    }
    if (c->argc == 3 && how.count == 0) {
        e = zset_read(c->db, call_arg(c, 1), &z);
        if (e == OK) e = ERR_NO_KEY; /* there is nothing to take */
    } else {
        e = take(c, c->argv + 1, 1, how);
    }
    if (e != ERR_NO_KEY) return e;
    reply_array(c->out, 0);
    return OK;
}

static enum err run_zpopmin(struct call *c)
{
    return pop(c, false);
}

static enum err run_zpopmax(struct call *c)
{
    return pop(c, true);
}

/* --- several keys ----------------------------------------------------------------------------- */

/* BZPOPMIN, BZPOPMAX: keys, then the timeout. */
static enum err pop_or_wait(struct call *c, bool highest)
{
    struct taking how = { .highest = highest, .with_key = true, .count = ONE };
    int64_t timeout_ms;
    enum err e = call_timeout(c, c->argc - 1, &timeout_ms);

    if (e == OK) e = take(c, c->argv + 1, c->argc - 2, how);
    if (e != ERR_NO_KEY) return e;
    return call_block(c, c->argv + 1, c->argc - 2, VALUE_ZSET, timeout_ms, NULL_ARRAY);
}

static enum err run_bzpopmin(struct call *c)
{
    return pop_or_wait(c, false);
}

static enum err run_bzpopmax(struct call *c)
{
    return pop_or_wait(c, true);
}

/* numkeys key ... MIN|MAX [COUNT n] from argument i on. */
static enum err parse_mpop(struct call *c, size_t i, size_t *n_keys, struct taking *how)
{
    int64_t n;
    size_t at;

    *how = (struct taking){ .with_key = true, .nested = true, .count = 1 };
    if (call_range(c, i, 1, INT64_MAX, ERR_NUMKEYS, &n) != OK) return ERR_NUMKEYS;
    if ((uint64_t)n >= c->argc - i - 1) return ERR_SYNTAX;
    *n_keys = (size_t)n;
    at = i + 1 + (size_t)n;
    how->highest = call_is(c, at, "max");
    if (!how->highest && !call_is(c, at, "min")) return ERR_SYNTAX;
    if (++at == c->argc) return OK;
    if (!call_is(c, at, "count") || at + 1 == c->argc) return ERR_SYNTAX;
    if (call_range(c, at + 1, 1, INT64_MAX, ERR_COUNT_POSITIVE, &how->count) != OK)
        return ERR_COUNT_POSITIVE;
    return at + 2 == c->argc ? OK : ERR_SYNTAX;
}

static enum err run_zmpop(struct call *c)
{
    struct taking how;
    size_t n;
    enum err e = parse_mpop(c, 1, &n, &how);

    if (e == OK) e = take(c, c->argv + 2, n, how);
    if (e != ERR_NO_KEY) return e;
    reply_null_array(c->out);
    return OK;
}

static enum err run_bzmpop(struct call *c)
{
    struct taking how;
    int64_t timeout_ms;
    size_t n;
    enum err e = parse_mpop(c, 2, &n, &how);

    if (e == OK) e = call_timeout(c, 1, &timeout_ms);
    if (e == OK) e = take(c, c->argv + 3, n, how);
    if (e != ERR_NO_KEY) return e;
    return call_block(c, c->argv + 3, n, VALUE_ZSET, timeout_ms, NULL_ARRAY);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define ZSET_ROW .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET
#define TAKEN (KEY_RW | KEY_ACCESS | KEY_DELETE)
#define ARG_KEYS { .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }
#define ARG_NUMKEYS { .name = "numkeys", .type = ARG_T_INTEGER }
#define ARG_TIMEOUT { .name = "timeout", .type = ARG_T_DOUBLE }
#define ARG_WHERE { .name = "where", .type = ARG_T_ONEOF, .subs = where_args }
#define ARG_COUNT { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }

static const struct command_arg where_args[] = {
    { .name = "min", .type = ARG_T_PURE_TOKEN, .token = "MIN" },
    { .name = "max", .type = ARG_T_PURE_TOKEN, .token = "MAX" },
    { 0 },
};
static const char *const timeout_history[] = { "6.0.0", "`timeout` may have a fraction.", NULL };
static const char pop_complexity[] = "O(log(N)*M) for M members taken of N";
static const char one_complexity[] = "O(log(N)) for N members in the sorted set";
static const char mpop_complexity[] = "O(K) + O(M*log(N)) for K keys, and M members taken of N";

const struct command zset_pop_commands[] = {
    { .name = "zpopmin", .run = run_zpopmin, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, TAKEN) }, ZSET_ROW, .since = "5.0.0", .complexity = pop_complexity,
      .summary = "Takes the members with the lowest scores out.",
      .args = ARGS(ARG_KEY("key"), { .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }),
      .example = "ZADD z 1 a 2 b | ZPOPMIN z => *2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { .name = "zpopmax", .run = run_zpopmax, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, TAKEN) }, ZSET_ROW, .since = "5.0.0", .complexity = pop_complexity,
      .summary = "Takes the members with the highest scores out.",
      .args = ARGS(ARG_KEY("key"), { .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }),
      .example = "ZADD z 1 a 2 b | ZPOPMAX z => *2\r\n$1\r\nb\r\n$1\r\n2\r\n" },
    { .name = "zmpop", .run = run_zmpop, .arity = -4, .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
      .keys = { KEYS_COUNTED(1, TAKEN) }, ZSET_ROW, .journal = journal_take, .since = "7.0.0",
      .complexity = mpop_complexity,
      .summary = "Takes members from the first of several sorted sets that is there.",
      .args = ARGS(ARG_NUMKEYS, ARG_KEYS, ARG_WHERE, ARG_COUNT),
      .example = "ZADD z 1 a | ZMPOP 2 none z MIN => *2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { .name = "bzpopmin", .run = run_bzpopmin, .arity = -3, .flags = CMD_WRITE | CMD_FAST | CMD_BLOCKING,
      .keys = { KEYS_FROM(1, -2, 1, TAKEN) }, ZSET_ROW, .journal = journal_take, .since = "5.0.0",
      .complexity = one_complexity, .history = timeout_history,
      .summary = "Takes the lowest member of the first sorted set there is of several, waiting for one.",
      .args = ARGS(ARG_KEYS, ARG_TIMEOUT),
      .example = "ZADD z 1 a | BZPOPMIN none z 1 => *3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { .name = "bzpopmax", .run = run_bzpopmax, .arity = -3, .flags = CMD_WRITE | CMD_FAST | CMD_BLOCKING,
      .keys = { KEYS_FROM(1, -2, 1, TAKEN) }, ZSET_ROW, .journal = journal_take, .since = "5.0.0",
      .complexity = one_complexity, .history = timeout_history,
      .summary = "Takes the highest member of the first sorted set there is of several, waiting for one.",
      .args = ARGS(ARG_KEYS, ARG_TIMEOUT),
      .example = "ZADD z 1 a | BZPOPMAX none z 1 => *3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { .name = "bzmpop", .run = run_bzmpop, .arity = -5,
      .flags = CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS, .keys = { KEYS_COUNTED(2, TAKEN) }, ZSET_ROW,
      .journal = journal_take, .since = "7.0.0", .complexity = mpop_complexity,
      .summary = "As ZMPOP, waiting for a member.",
      .args = ARGS(ARG_TIMEOUT, ARG_NUMKEYS, ARG_KEYS, ARG_WHERE, ARG_COUNT),
      .example = "ZADD z 1 a | BZMPOP 1 1 z MAX COUNT 5 => "
                 "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { 0 },
};
