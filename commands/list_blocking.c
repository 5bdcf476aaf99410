/* list_blocking.c -- commands that move an element from list to list or take from the first of
 * several lists: at once, or waiting until there is something to take.
 *
 * A blocked command is run again from the start when one of its keys becomes a list, so the two
 * forms of each differ only in what they do when there is nothing to take. The log gets what a
 * blocking one did in the end, as the form that does not block. */
#include "commands/list_reply.h"
#include "commands/tables.h"

/* LEFT or RIGHT. */
static enum err parse_end(const struct call *c, size_t i, enum list_end *end)
{
    if (call_is(c, i, "left")) {
        *end = LIST_LEFT;
    } else if (call_is(c, i, "right")) {
        *end = LIST_RIGHT;
    } else {
        return ERR_SYNTAX;
    }
    return OK;
}

/* --- moving ----------------------------------------------------------------------------------- */

static void give_bulk(void *ctx, struct str v)
{
    reply_bulk(ctx, v);
}

/* From argument 1 to argument 2. */
static enum err move(struct call *c, enum list_end from, enum list_end to)
{
    return lists_move(c->db, call_arg(c, 1), from, call_arg(c, 2), to, give_bulk, c->out);
}

static enum err move_now(struct call *c, enum list_end from, enum list_end to)
{
    enum err e = move(c, from, to);

    if (e != ERR_NO_KEY) return e;
    reply_null(c->out);
    return OK;
}

/* Where waiting is not allowed the reply is a null; when the time is up it is a null array. */
static enum err move_or_wait(struct call *c, enum list_end from, enum list_end to,
                             int64_t timeout_ms)
{
    enum err e;

    if (!c->may_block) return move_now(c, from, to);
    e = move(c, from, to);
    if (e != ERR_NO_KEY) return e;
    return call_block(c, c->argv + 1, 1, VALUE_LIST, timeout_ms, NULL_ARRAY);
}

static enum err parse_ends(const struct call *c, enum list_end *from, enum list_end *to)
{
    enum err e = parse_end(c, 3, from);

    return e == OK ? parse_end(c, 4, to) : e;
}

static enum err run_lmove(struct call *c)
{
    enum list_end from, to;
    enum err e = parse_ends(c, &from, &to);

    return e == OK ? move_now(c, from, to) : e;
}

static enum err run_rpoplpush(struct call *c)
{
    return move_now(c, LIST_RIGHT, LIST_LEFT);
}

static enum err run_blmove(struct call *c)
{
    enum list_end from, to;
    int64_t timeout_ms;
    enum err e = parse_ends(c, &from, &to);

    if (e == OK) e = call_timeout(c, 5, &timeout_ms);
    return e == OK ? move_or_wait(c, from, to, timeout_ms) : e;
}

static enum err run_brpoplpush(struct call *c)
{
    int64_t timeout_ms;
    enum err e = call_timeout(c, 3, &timeout_ms);

    return e == OK ? move_or_wait(c, LIST_RIGHT, LIST_LEFT, timeout_ms) : e;
}

static void journal_blmove(const struct call *c, struct journal *j)
{
    journal_cmd(j, STR("LMOVE"), call_arg(c, 1), call_arg(c, 2), call_arg(c, 3), call_arg(c, 4));
}

static void journal_brpoplpush(const struct call *c, struct journal *j)
{
    journal_cmd(j, STR("RPOPLPUSH"), call_arg(c, 1), call_arg(c, 2));
}

/* --- taking from the first list that is there ------------------------------------------------- */

struct taking {
    struct reply *out;
    struct str key; /* of the list that was there */
    enum list_end end;
    int64_t count;  /* how many to take, then how many there were; 0: one, and the plain reply */
};

static void give_one(void *ctx, struct str v)
{
    struct taking *t = ctx;

    reply_array(t->out, 2);
    reply_bulk(t->out, t->key);
    reply_bulk(t->out, v);
}

static void give_many(void *ctx, const struct list *l, uint64_t n)
{
    struct taking *t = ctx;

    reply_array(t->out, 2);
    reply_bulk(t->out, t->key);
    reply_list_end(t->out, l, t->end, n);
    t->count = (int64_t)n;
}

/* Take from the first of n keys that holds a list; ERR_NO_KEY: there is none. */
static enum err take(struct call *c, const struct str *keys, size_t n, enum list_end end,
                     int64_t count)
{
    struct taking *t = call_new(c, struct taking, 1);
    enum err e = ERR_NO_KEY;

    *t = (struct taking){ .out = c->out, .end = end, .count = count };
    c->note = t;
    for (size_t i = 0; i < n && e == ERR_NO_KEY; i++) {
        t->key = keys[i];
        if (count == 0) {
            e = lists_pop_one(c->db, t->key, end, give_one, t);
        } else {
            e = lists_pop(c->db, t->key, end, (uint64_t)count, give_many, t);
        }
    }
    return e;
}

static void journal_take(const struct call *c, struct journal *j)
{
    const struct taking *t = c->note;
    struct str name = t->end == LIST_LEFT ? STR("LPOP") : STR("RPOP");

    if (t->count == 0) {
        journal_cmd(j, name, t->key);
    } else {
        journal_cmd(j, name, t->key, call_num(c, t->count));
    }
}

/* BLPOP, BRPOP: keys, then the timeout. */
static enum err pop_or_wait(struct call *c, enum list_end end)
{
    int64_t timeout_ms;
    enum err e = call_timeout(c, c->argc - 1, &timeout_ms);

    if (e == OK) e = take(c, c->argv + 1, c->argc - 2, end, 0);
    if (e != ERR_NO_KEY) return e;
    return call_block(c, c->argv + 1, c->argc - 2, VALUE_LIST, timeout_ms, NULL_ARRAY);
}

static enum err run_blpop(struct call *c)
{
    return pop_or_wait(c, LIST_LEFT);
}

static enum err run_brpop(struct call *c)
{
    return pop_or_wait(c, LIST_RIGHT);
}

/* numkeys key ... LEFT|RIGHT [COUNT n] from argument i on. */
struct mpop {
    const struct str *keys;
    size_t n;
    enum list_end end;
    int64_t count;
};

static enum err parse_mpop(struct call *c, size_t i, struct mpop *m)
{
    int64_t n;
    size_t at;
    enum err e;

    if (call_range(c, i, 1, INT64_MAX, ERR_NUMKEYS, &n) != OK) return ERR_NUMKEYS;
    if ((uint64_t)n >= c->argc - i - 1) return ERR_SYNTAX;
    at = i + 1 + (size_t)n;
    *m = (struct mpop){ .keys = c->argv + i + 1, .n = (size_t)n, .count = 1 };
    e = parse_end(c, at++, &m->end);
    if (e != OK || at == c->argc) return e;
    if (!call_is(c, at, "count") || at + 1 == c->argc) return ERR_SYNTAX;
    if (call_range(c, at + 1, 1, INT64_MAX, ERR_COUNT_POSITIVE, &m->count) != OK)
        return ERR_COUNT_POSITIVE;
    return at + 2 == c->argc ? OK : ERR_SYNTAX;
}

static enum err run_lmpop(struct call *c)
{
    struct mpop m;
    enum err e = parse_mpop(c, 1, &m);

    if (e == OK) e = take(c, m.keys, m.n, m.end, m.count);
    if (e != ERR_NO_KEY) return e;
    reply_null_array(c->out);
    return OK;
}

static enum err run_blmpop(struct call *c)
{
    int64_t timeout_ms;
    struct mpop m;
    enum err e = parse_mpop(c, 2, &m);

    if (e == OK) e = call_timeout(c, 1, &timeout_ms);
    if (e == OK) e = take(c, m.keys, m.n, m.end, m.count);
    if (e != ERR_NO_KEY) return e;
    return call_block(c, m.keys, m.n, VALUE_LIST, timeout_ms, NULL_ARRAY);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define LIST_ROW .acl = ACL_LIST, .group = GROUP_LIST
#define MOVE_KEYS { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT) }
#define ARG_SOURCE ARG_KEY("source")
#define ARG_DESTINATION { .name = "destination", .type = ARG_T_KEY, .key_spec = 1 }
#define ARG_TIMEOUT { .name = "timeout", .type = ARG_T_DOUBLE }
#define ARG_END(n) { .name = (n), .type = ARG_T_ONEOF, .subs = end_args }
#define ARG_KEYS { .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }
#define ARG_NUMKEYS { .name = "numkeys", .type = ARG_T_INTEGER }
#define ARG_COUNT \
    { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }

static const struct command_arg end_args[] = {
    { .name = "left", .type = ARG_T_PURE_TOKEN, .token = "LEFT" },
    { .name = "right", .type = ARG_T_PURE_TOKEN, .token = "RIGHT" },
    { 0 },
};

static const char *const timeout_history[] = { "6.0.0", "`timeout` may have a fraction.", NULL };
static const char keys_complexity[] = "O(N) where N is the number of keys.";
static const char mpop_complexity[] =
    "O(N+M) where N is the number of keys and M is the number of elements taken.";

const struct command list_blocking_commands[] = {
    { .name = "lmove", .run = run_lmove, .arity = 5, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = MOVE_KEYS, LIST_ROW, .since = "6.2.0", .complexity = "O(1)",
      .summary = "Moves an element from an end of a list to an end of another, or of the same.",
      .args = ARGS(ARG_SOURCE, ARG_DESTINATION, ARG_END("wherefrom"), ARG_END("whereto")),
      .example = "RPUSH k a b | LMOVE k d RIGHT LEFT => $1\r\nb\r\n" },
    { .name = "rpoplpush", .run = run_rpoplpush, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = MOVE_KEYS, LIST_ROW, .since = "1.2.0", .complexity = "O(1)",
      .summary = "Moves the last element of a list to the front of another, or of the same.",
      .deprecated_since = "6.2.0", .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments",
      .args = ARGS(ARG_SOURCE, ARG_DESTINATION),
      .example = "RPUSH k a b | RPOPLPUSH k k => $1\r\nb\r\n" },
    { .name = "lmpop", .run = run_lmpop, .arity = -4, .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
      .keys = { KEYS_COUNTED(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, LIST_ROW,
      .journal = journal_take, .since = "7.0.0", .complexity = mpop_complexity,
      .summary = "Takes elements from the first of several lists that is there.",
      .args = ARGS(ARG_NUMKEYS, ARG_KEYS, ARG_END("where"), ARG_COUNT),
      .example = "RPUSH k a b | LMPOP 2 none k LEFT COUNT 5 => "
                 "*2\r\n$1\r\nk\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n" },
    { .name = "blpop", .run = run_blpop, .arity = -3, .flags = CMD_WRITE | CMD_BLOCKING,
      .keys = { KEYS_FROM(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, LIST_ROW,
      .journal = journal_take, .since = "2.0.0", .complexity = keys_complexity,
      .summary = "Takes the first element of the first list there is of several, waiting for one.",
      .history = timeout_history, .args = ARGS(ARG_KEYS, ARG_TIMEOUT),
      .example = "RPUSH k a b | BLPOP none k 1 => *2\r\n$1\r\nk\r\n$1\r\na\r\n" },
    { .name = "brpop", .run = run_brpop, .arity = -3, .flags = CMD_WRITE | CMD_BLOCKING,
      .keys = { KEYS_FROM(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, LIST_ROW,
      .journal = journal_take, .since = "2.0.0", .complexity = keys_complexity,
      .summary = "Takes the last element of the first list there is of several, waiting for one.",
      .history = timeout_history, .args = ARGS(ARG_KEYS, ARG_TIMEOUT),
      .example = "RPUSH k a b | BRPOP none k 1 => *2\r\n$1\r\nk\r\n$1\r\nb\r\n" },
    { .name = "blmove", .run = run_blmove, .arity = 6,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING, .keys = MOVE_KEYS, LIST_ROW,
      .journal = journal_blmove, .since = "6.2.0", .complexity = "O(1)",
      .summary = "As LMOVE, waiting for an element.",
      .args = ARGS(ARG_SOURCE, ARG_DESTINATION, ARG_END("wherefrom"), ARG_END("whereto"),
                   ARG_TIMEOUT),
      .example = "RPUSH k a b | BLMOVE k d LEFT LEFT 1 => $1\r\na\r\n" },
    { .name = "brpoplpush", .run = run_brpoplpush, .arity = 4,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING, .keys = MOVE_KEYS, LIST_ROW,
      .journal = journal_brpoplpush, .since = "2.2.0", .complexity = "O(1)",
      .summary = "As RPOPLPUSH, waiting for an element.", .history = timeout_history,
      .deprecated_since = "6.2.0", .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
      .args = ARGS(ARG_SOURCE, ARG_DESTINATION, ARG_TIMEOUT),
      .example = "RPUSH k a b | BRPOPLPUSH k d 1 => $1\r\nb\r\n" },
    { .name = "blmpop", .run = run_blmpop, .arity = -5,
      .flags = CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS,
      .keys = { KEYS_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_DELETE) }, LIST_ROW,
      .journal = journal_take, .since = "7.0.0", .complexity = mpop_complexity,
      .summary = "As LMPOP, waiting for an element.",
      .args = ARGS(ARG_TIMEOUT, ARG_NUMKEYS, ARG_KEYS, ARG_END("where"), ARG_COUNT),
      .example = "RPUSH k a b | BLMPOP 1 2 none k RIGHT => *2\r\n$1\r\nk\r\n*1\r\n$1\r\nb\r\n" },
    { 0 },
};
