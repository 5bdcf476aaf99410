/* zset_algebra.c -- unions, intersections and differences of sorted sets and sets: ZUNION, ZINTER, ZDIFF,
 * their storing forms, and ZINTERCARD. All read "numkeys key ... options". */
#include "storage/zset_algebra.h"

#include "base/mem.h"
#include "commands/tables.h"
#include "commands/zset_reply.h"
#include "storage/type_zset.h"

/* Options that not every command of the family has. */
enum { HAS_WEIGHTS = 1 /* and AGGREGATE */, HAS_SCORES = 2, HAS_LIMIT = 4 };

struct request {
    struct zsource *src;
    size_t n;
    enum zaggregate how;
    bool scores;
    int64_t limit;
};

static enum err parse_weights(struct call *c, size_t i, struct request *r)
{
    for (size_t k = 0; k < r->n; k++)
        if (call_double(c, i + k, &r->src[k].weight) != OK) return ERR_WEIGHT;
    return OK;
}

static enum err parse_aggregate(struct call *c, size_t i, struct request *r)
{
    if (call_is(c, i, "sum"))
        r->how = ZAGGREGATE_SUM;
    else if (call_is(c, i, "min"))
        r->how = ZAGGREGATE_MIN;
    else if (call_is(c, i, "max"))
        r->how = ZAGGREGATE_MAX;
    else
        return ERR_SYNTAX;
    return OK;
}

static enum err parse_options(struct call *c, size_t i, unsigned has, struct request *r)
{
    enum err e = OK;

    while (i < c->argc && e == OK) {
        size_t left = c->argc - i;
        if ((has & HAS_WEIGHTS) && left > r->n && call_is(c, i, "weights")) {
            e = parse_weights(c, i + 1, r);
            i += r->n + 1;
        } else if ((has & HAS_WEIGHTS) && left > 1 && call_is(c, i, "aggregate")) {
            e = parse_aggregate(c, i + 1, r);
            i += 2;
        } else if ((has & HAS_SCORES) && call_is(c, i, "withscores")) {
            r->scores = true;
            i++;
        } else if ((has & HAS_LIMIT) && left > 1 && call_is(c, i, "limit")) {
            if (call_range(c, i + 1, 0, INT64_MAX, ERR_LIMIT_NEGATIVE, &r->limit) != OK)
                return ERR_LIMIT_NEGATIVE;
            i += 2;
        } else {
            e = ERR_SYNTAX;
        }
    }
    return e;
}

/* Is there memory for a result of all their members? */
static bool can_compute(const struct request *r)
{
    enum { MEMBER_GUESS = 96 };
    size_t all = 0;

    for (size_t i = 0; i < r->n; i++) all += r->src[i].n;
    return mem_can(all * MEMBER_GUESS);
}

/* Open the keys and parse the options, numkeys being argument i. A key of a wrong type is told before
 * an option that makes no sense. */
static enum err parse(struct call *c, size_t i, unsigned has, struct request *r)
{
    int64_t n;
    enum err e = call_i64(c, i, &n);

    if (e != OK) return e;
    if (n < 1) return call_fail(c, ERR_INPUT_KEYS, str_c(c->cmd->name));
    if ((uint64_t)n > c->argc - i - 1) return ERR_SYNTAX;
    *r = (struct request){ .n = (size_t)n };
    r->src = arena_alloc(c->arena, r->n * sizeof *r->src);
    for (size_t k = 0; k < r->n && e == OK; k++)
        e = zsource_open(c->db, call_arg(c, i + 1 + k), &r->src[k]);
    if (e == OK) e = parse_options(c, i + 1 + r->n, has, r);
    return e == OK && !can_compute(r) ? ERR_OOM : e;
}

/* --- replying --------------------------------------------------------------------------------- */

static enum err reply_result(struct call *c, const struct request *r, struct zset *result)
{
    reply_ranks(c->out, result, 0, zset_count(result), false, r->scores);
    zset_free(result);
    return OK;
}

static enum err run_zunion(struct call *c)
{
    struct request r;
    struct zset z;
    enum err e = parse(c, 1, HAS_WEIGHTS | HAS_SCORES, &r);

    if (e != OK) return e;
    z = zset_unite(c->store, r.src, r.n, r.how);
    return reply_result(c, &r, &z);
}

static enum err run_zinter(struct call *c)
{
    struct request r;
    struct zset z;
    enum err e = parse(c, 1, HAS_WEIGHTS | HAS_SCORES, &r);

    if (e != OK) return e;
    z = zset_intersect(c->store, r.src, r.n, r.how);
    return reply_result(c, &r, &z);
}

static enum err run_zdiff(struct call *c)
{
    struct request r;
    struct zset z;
    enum err e = parse(c, 1, HAS_SCORES, &r);

    if (e != OK) return e;
    z = zset_subtract(c->store, r.src, r.n);
    return reply_result(c, &r, &z);
}

static enum err run_zintercard(struct call *c)
{
    struct request r;
    enum err e = parse(c, 1, HAS_LIMIT, &r);

    if (e == OK) reply_int(c->out, (int64_t)zset_intersect_count(r.src, r.n, (size_t)r.limit));
    return e;
}

/* --- storing ---------------------------------------------------------------------------------- */

static enum err store_result(struct call *c, struct zset *result, enum change_kind kind)
{
    reply_int(c->out, (int64_t)zset_key_store_take(c->db, call_arg(c, 1), result, kind));
    return OK;
}

static enum err run_zunionstore(struct call *c)
{
    struct request r;
    struct zset z;
    enum err e = parse(c, 2, HAS_WEIGHTS, &r);

    if (e != OK) return e;
    z = zset_unite(c->store, r.src, r.n, r.how);
    return store_result(c, &z, CHANGE_ZUNIONSTORE);
}

static enum err run_zinterstore(struct call *c)
{
    struct request r;
    struct zset z;
    enum err e = parse(c, 2, HAS_WEIGHTS, &r);

    if (e != OK) return e;
    z = zset_intersect(c->store, r.src, r.n, r.how);
    return store_result(c, &z, CHANGE_ZINTERSTORE);
}

static enum err run_zdiffstore(struct call *c)
{
    struct request r;
    struct zset z;
    enum err e = parse(c, 2, 0, &r);

    if (e != OK) return e;
    z = zset_subtract(c->store, r.src, r.n);
    return store_result(c, &z, CHANGE_ZDIFFSTORE);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define READ_ROW .arity = -3, .flags = CMD_READONLY | CMD_MOVABLE_KEYS, \
    .keys = { KEYS_COUNTED(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET
#define STORE_ROW .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS, \
    .keys = { KEY_AT(1, KEY_OW | KEY_UPDATE), KEYS_COUNTED(2, KEY_RO | KEY_ACCESS) }, \
    .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET
#define ARG_DESTINATION ARG_KEY("destination")
#define ARG_NUMKEYS { .name = "numkeys", .type = ARG_T_INTEGER }
#define ARG_KEYS(spec) { .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE, .key_spec = (spec) }
#define ARG_SCORES \
    { .name = "withscores", .type = ARG_T_PURE_TOKEN, .token = "WITHSCORES", .flags = ARG_OPTIONAL }
#define ARG_WEIGHT \
    { .name = "weight", .type = ARG_T_INTEGER, .token = "WEIGHTS", .flags = ARG_OPTIONAL | ARG_MULTIPLE }
#define ARG_AGGREGATE \
    { .name = "aggregate", .type = ARG_T_ONEOF, .token = "AGGREGATE", .flags = ARG_OPTIONAL, \
      .subs = aggregate_args }

static const struct command_arg aggregate_args[] = {
    { .name = "sum", .type = ARG_T_PURE_TOKEN, .token = "SUM" },
    { .name = "min", .type = ARG_T_PURE_TOKEN, .token = "MIN" },
    { .name = "max", .type = ARG_T_PURE_TOKEN, .token = "MAX" },
    { 0 },
};
static const char union_complexity[] =
    "O(N)+O(M*log(M)) for N members in all sources, and M in the result";
static const char inter_complexity[] =
    "O(N*K)+O(M*log(M)) for N members in the smallest of K sources, and M in the result";
static const char diff_complexity[] =
    "O(N*K)+O(M*log(M)) for N members in the first of K sources, and M in the result";

const struct command zset_algebra_commands[] = {
    { .name = "zunion", .run = run_zunion, READ_ROW, .since = "6.2.0", .complexity = union_complexity,
      .summary = "Gives the union of several sorted sets, with aggregated scores.",
      .args = ARGS(ARG_NUMKEYS, ARG_KEYS(0), ARG_WEIGHT, ARG_AGGREGATE, ARG_SCORES),
      .example = "ZADD x 1 a | ZADD y 2 a 1 b | ZUNION 2 x y => *2\r\n$1\r\nb\r\n$1\r\na\r\n" },
    { .name = "zinter", .run = run_zinter, READ_ROW, .since = "6.2.0", .complexity = inter_complexity,
      .summary = "Gives the intersection of several sorted sets, with aggregated scores.",
      .args = ARGS(ARG_NUMKEYS, ARG_KEYS(0), ARG_WEIGHT, ARG_AGGREGATE, ARG_SCORES),
      .example = "ZADD x 1 a | ZADD y 2 a 1 b | ZINTER 2 x y WITHSCORES => *2\r\n$1\r\na\r\n$1\r\n3\r\n" },
    { .name = "zdiff", .run = run_zdiff, READ_ROW, .since = "6.2.0", .complexity = diff_complexity,
      .summary = "Gives what of the first of several sorted sets is in none of the others.",
      .args = ARGS(ARG_NUMKEYS, ARG_KEYS(0), ARG_SCORES),
      .example = "ZADD x 1 a 2 b | ZADD y 2 a | ZDIFF 2 x y => *1\r\n$1\r\nb\r\n" },
    { .name = "zintercard", .run = run_zintercard, READ_ROW, .since = "7.0.0",
      .complexity = "O(N*K) for N members in the smallest of K sources",
      .summary = "Counts the members of an intersection, up to a limit.",
      .args = ARGS(ARG_NUMKEYS, ARG_KEYS(0),
                   { .name = "limit", .type = ARG_T_INTEGER, .token = "LIMIT", .flags = ARG_OPTIONAL }),
      .example = "ZADD x 1 a | ZADD y 2 a 1 b | ZINTERCARD 2 x y => :1\r\n" },
    { .name = "zunionstore", .run = run_zunionstore, STORE_ROW, .since = "2.0.0",
      .complexity = union_complexity, .summary = "Stores the union of several sorted sets.",
      .args = ARGS(ARG_DESTINATION, ARG_NUMKEYS, ARG_KEYS(1), ARG_WEIGHT, ARG_AGGREGATE),
      .example = "ZADD x 1 a | ZADD y 2 a 1 b | ZUNIONSTORE d 2 x y => :2\r\n" },
    { .name = "zinterstore", .run = run_zinterstore, STORE_ROW, .since = "2.0.0",
      .complexity = inter_complexity, .summary = "Stores the intersection of several sorted sets.",
      .args = ARGS(ARG_DESTINATION, ARG_NUMKEYS, ARG_KEYS(1), ARG_WEIGHT, ARG_AGGREGATE),
      .example = "ZADD x 1 a | ZADD y 2 a 1 b | ZINTERSTORE d 2 x y => :1\r\n" },
    { .name = "zdiffstore", .run = run_zdiffstore, STORE_ROW, .since = "6.2.0",
      .complexity = diff_complexity, .summary = "Stores the difference of several sorted sets.",
      .args = ARGS(ARG_DESTINATION, ARG_NUMKEYS, ARG_KEYS(1)),
      .example = "ZADD x 1 a 2 b | ZADD y 2 a | ZDIFFSTORE d 2 x y => :1\r\n" },
    { 0 },
};
