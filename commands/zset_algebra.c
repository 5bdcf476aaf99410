/* zset_algebra.c -- unions, intersections and differences of sorted sets and sets: ZUNION, ZINTER, ZDIFF,
 * their storing forms, and ZINTERCARD. All read "numkeys key ... options". What goes through many members does so in slices. */
#include "storage/zset_algebra.h"

#include "base/mem.h"
#include "commands/read_job.h"
#include "commands/source_job.h"
#include "commands/tables.h"
#include "commands/zset_reply.h"
#include "storage/type_zset.h"

/* Options that not every command of the family has. */
enum { HAS_WEIGHTS = 1 /* and AGGREGATE */, HAS_SCORES = 2, HAS_LIMIT = 4 };

struct request {
    enum zset_operation op;
    enum { TELLS, STORES, COUNTS } what;
    enum change_kind kind; /* of one who stores */
    size_t at;             /* numkeys among the arguments */
    unsigned has;          /* options */
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

static enum err parse_options(struct call *c, size_t i, struct request *r)
{
    unsigned has = r->has;
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

static size_t members_of_all(const struct request *r)
{
    size_t all = 0;

    for (size_t i = 0; i < r->n; i++) all += r->src[i].n;
    return all;
}

/* Open the keys and parse the options. A key of a wrong type is told before an option that makes no sense. */
static enum err parse(struct call *c, struct request *r)
{
    size_t i = r->at;
    int64_t n;
    enum err e = call_i64(c, i, &n);

    if (e != OK) return e;
    if (n < 1) return call_fail(c, ERR_INPUT_KEYS, str_c(c->cmd->name));
    if ((uint64_t)n > c->argc - i - 1) return ERR_SYNTAX;
    r->n = (size_t)n;
    r->src = arena_alloc(c->arena, r->n * sizeof *r->src);
    for (size_t k = 0; k < r->n && e == OK; k++)
        e = zsource_open(c->db, call_arg(c, i + 1 + k), &r->src[k]);
    if (e == OK) e = parse_options(c, i + 1 + r->n, r);
    return e;
}

/* --- in slices -------------------------------------------------------------------------------- */

struct algebra_job {
    struct source_job base;
    struct request request; /* its src are the job's */
    struct zset_algebra algebra;
    bool tells;             /* the result, which is whole */
    struct zset_iter it;
};

static bool tell_next(struct algebra_job *j, struct reply *out)
{
    if (!zset_next(&j->it)) return false;
    reply_member(out, j->it.member, j->it.score, j->request.scores);
    source_job_told(&j->base);
    return true;
}

static bool work(struct source_job *of, struct reply *out)
{
    struct algebra_job *j = (struct algebra_job *)of;

    if (j->tells) return tell_next(j, out);
    if (zset_algebra_step(&j->algebra, 1)) return true;
    if (j->request.what != TELLS || zset_count(&j->algebra.result) == 0) return false;
    source_job_has_read(of);
    zset_iter_at(&j->it, &j->algebra.result, 0, false);
    j->base.look_every = 0;
    return j->tells = true;
}

static void head(const struct source_job *of, struct reply *out, size_t n)
{
    const struct algebra_job *j = (const struct algebra_job *)of;

    if (j->request.what == COUNTS) reply_int(out, (int64_t)j->algebra.found);
    else reply_members(out, n, j->request.scores);
}

static enum err run_algebra(struct call *c, struct request r);

static enum err put(struct call *c, struct source_job *of)
{
    struct algebra_job *j = (struct algebra_job *)of;

    if (!source_job_read_all(c, of, j->request.at + 1, j->request.n)) return run_algebra(c, j->request);
    reply_int(c->out, (int64_t)zset_key_store_take(c->db, call_arg(c, 1), &j->algebra.result, j->request.kind));
    return OK;
}

static size_t size(const struct source_job *of)
{
    const struct algebra_job *j = (const struct algebra_job *)of;

    return j->request.n * sizeof *j->request.src + zset_algebra_bytes(&j->algebra);
}

static void fini(struct source_job *of)
{
    struct algebra_job *j = (struct algebra_job *)of;

    zset_algebra_end(&j->algebra);
    mem_free(j->request.src);
}

static const void *object_of(const struct zsource *src)
{
    return src->type == VALUE_ZSET ? src->zset.ptr : src->type == VALUE_SET ? src->set.ptr : NULL;
}

static void begin(struct call *c, struct zset_algebra *a, const struct request *r)
{
    zset_algebra_begin(a, c->store, r->op, r->src, r->n);
    a->how = r->how;
    a->counts = r->what == COUNTS;
    a->limit = (size_t)r->limit;
}

static enum err run_in_slices(struct call *c, const struct request *r)
{
    struct algebra_job *j = mem_zalloc(sizeof *j);
    const void **objects = call_new(c, const void *, r->n);

    for (size_t i = 0; i < r->n; i++) objects[i] = object_of(&r->src[i]);
    j->request = *r;
    j->request.src = mem_alloc(r->n * sizeof *r->src);
    memcpy(j->request.src, r->src, r->n * sizeof *r->src);
    begin(c, &j->algebra, &j->request);
    j->base.work = work;
    j->base.size = size;
    j->base.fini = fini;
    if (r->what == STORES) j->base.put = put;
    else j->base.head = head;
    j->base.look_every = (unsigned)(1 + 32 / r->n);
    return source_job_run(c, &j->base, objects, r->n);
}

/* --- the commands ----------------------------------------------------------------------------- */

static enum err run_algebra(struct call *c, struct request r)
{
    enum { MEMBER_GUESS = 96 };
    struct zset_algebra a;
    size_t all;
    enum err e = parse(c, &r);

    if (e != OK) return e;
    all = members_of_all(&r);
    if (!mem_can(all * MEMBER_GUESS)) return ERR_OOM;
    if (read_is_long(c, all, 0)) return run_in_slices(c, &r);
    begin(c, &a, &r);
    while (zset_algebra_step(&a, SIZE_MAX)) { }
    if (r.what == TELLS) reply_ranks(c->out, &a.result, 0, zset_count(&a.result), false, r.scores);
    else if (r.what == COUNTS) reply_int(c->out, (int64_t)a.found);
    else reply_int(c->out, (int64_t)zset_key_store_take(c->db, call_arg(c, 1), &a.result, r.kind));
    zset_algebra_end(&a);
    return OK;
}

static enum err tell(struct call *c, enum zset_operation op, unsigned has)
{
    return run_algebra(c, (struct request){ .op = op, .what = TELLS, .at = 1, .has = has });
}

static enum err store(struct call *c, enum zset_operation op, unsigned has, enum change_kind kind)
{
    enum err e;

    if (job_done(c, &e)) return e;
    return run_algebra(c, (struct request){ .op = op, .what = STORES, .kind = kind, .at = 2, .has = has });
}

static enum err run_zunion(struct call *c) { return tell(c, ZSET_UNITE, HAS_WEIGHTS | HAS_SCORES); }
static enum err run_zinter(struct call *c) { return tell(c, ZSET_INTERSECT, HAS_WEIGHTS | HAS_SCORES); }
static enum err run_zdiff(struct call *c) { return tell(c, ZSET_SUBTRACT, HAS_SCORES); }
static enum err run_zunionstore(struct call *c) { return store(c, ZSET_UNITE, HAS_WEIGHTS, CHANGE_ZUNIONSTORE); }
static enum err run_zinterstore(struct call *c) { return store(c, ZSET_INTERSECT, HAS_WEIGHTS, CHANGE_ZINTERSTORE); }
static enum err run_zdiffstore(struct call *c) { return store(c, ZSET_SUBTRACT, 0, CHANGE_ZDIFFSTORE); }

static enum err run_zintercard(struct call *c)
{
    return run_algebra(c, (struct request){ .op = ZSET_INTERSECT, .what = COUNTS, .at = 1, .has = HAS_LIMIT });
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
