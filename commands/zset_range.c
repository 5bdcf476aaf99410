/* zset_range.c -- ranges of sorted sets, by rank, by score and by name: reading them (ZRANGE and its older
 * relatives), storing, counting and removing them. Once its ends are found a range is an interval of
 * ranks, and all kinds are the same. */
#include "base/mem.h"
#include "commands/read_job.h"
#include "commands/source_job.h"
#include "commands/tables.h"
#include "commands/zset_bounds.h"
#include "commands/zset_reply.h"

/* --- reading ---------------------------------------------------------------------------------- */

struct query {
    enum zbounds_kind kind;
    bool down, scores;
    bool fixed;            /* an older command, whose name says kind and direction */
    int64_t offset, limit; /* LIMIT; a negative limit: all */
    struct zbounds bounds;
};

/* Options from argument i on. A kind or direction may be given once, and not where the name has it. */
static enum err parse_options(const struct call *c, size_t i, bool stores, struct query *q)
{
    bool kind_given = q->fixed, down_given = kind_given;
    enum err e;

    for (; i < c->argc; i++) {
        if (!stores && call_is(c, i, "withscores")) {
            q->scores = true;
        } else if (call_is(c, i, "limit") && c->argc - i > 2) {
            e = call_i64(c, i + 1, &q->offset);
            if (e == OK) e = call_i64(c, i + 2, &q->limit);
            if (e != OK) return e;
            i += 2;
        } else if (!down_given && call_is(c, i, "rev")) {
            q->down = down_given = true;
        } else if (!kind_given && call_is(c, i, "bylex")) {
            q->kind = ZBOUNDS_LEX;
            kind_given = true;
        } else if (!kind_given && call_is(c, i, "byscore")) {
            q->kind = ZBOUNDS_SCORE;
            kind_given = true;
        } else {
            return ERR_SYNTAX;
        }
    }
    if (q->limit != -1 && q->kind == ZBOUNDS_RANK) return ERR_ZRANGE_LIMIT;
    if (q->scores && q->kind == ZBOUNDS_LEX) return ERR_ZRANGE_WITHSCORES;
    return OK;
}

/* key min max [options], the key being argument i. */
static enum err parse_query(const struct call *c, size_t i, bool stores, struct query *q)
{
    bool max_first;
    enum err e;

    q->limit = -1;
    e = c->argc > i + 3 ? parse_options(c, i + 3, stores, q) : OK;
    if (e != OK) return e;
    max_first = q->down && q->kind != ZBOUNDS_RANK;
    return zbounds_parse(c, q->kind, i + (max_first ? 2 : 1), i + (max_first ? 1 : 2), &q->bounds);
}

/* The first rank in the direction of the walk, and how many there are. */
static size_t find(const struct query *q, const struct zset *z, size_t *rank)
{
    struct zrange r = zbounds_find(&q->bounds, z, q->down);
    size_t n = r.to > r.from ? r.to - r.from : 0, skip = 0;

    if (q->kind != ZBOUNDS_RANK) {
        if (q->offset < 0 || (uint64_t)q->offset >= n) return 0;
        skip = (size_t)q->offset;
        n -= skip;
        if (q->limit >= 0 && (uint64_t)q->limit < n) n = (size_t)q->limit;
    }
    if (n > 0) *rank = q->down ? r.to - 1 - skip : r.from + skip;
    return n;
}

/* Many members. */
struct ranks {
    struct read_job base;
    struct zset zset;
    struct zset_iter it;
    size_t left;
    bool scores;
};

static bool next_rank(struct read_job *j, struct reply *out)
{
    struct ranks *r = (struct ranks *)j;

    if (r->left == 0 || !zset_next(&r->it)) return false;
    r->left--;
    reply_member(out, r->it.member, r->it.score, r->scores);
    return true;
}

static void head_of_ranks(const struct read_job *j, struct reply *out, size_t n)
{
    reply_members(out, n, ((const struct ranks *)j)->scores);
}

static enum err tell_ranks(struct call *c, const struct zset *z, size_t rank, size_t n, const struct query *q)
{
    struct ranks *r = mem_zalloc(sizeof *r);

    r->base.next = next_rank;
    r->base.head = head_of_ranks;
    r->zset = *z;
    r->left = n;
    r->scores = q->scores;
    zset_iter_at(&r->it, &r->zset, rank, q->down);
    return read_job_run(c, &r->base, z->ptr);
}

static enum err range(struct call *c, struct query q)
{
    size_t rank = 0, n;
    struct zset z;
    enum err e = parse_query(c, 1, false, &q);

    if (e == OK) e = zset_read(c->db, call_arg(c, 1), &z);
    if (e == ERR_NO_KEY) {
        reply_array(c->out, 0);
        return OK;
    }
    if (e != OK) return e;
    n = find(&q, &z, &rank);
    if (read_is_long(c, n, 0)) return tell_ranks(c, &z, rank, n, &q);
    reply_ranks(c->out, &z, rank, n, q.down, q.scores);
    return OK;
}

static enum err run_zrange(struct call *c)
{
    return range(c, (struct query){ .kind = ZBOUNDS_RANK });
}

static enum err run_zrevrange(struct call *c)
{
    return range(c, (struct query){ .kind = ZBOUNDS_RANK, .down = true, .fixed = true });
}

static enum err run_zrangebyscore(struct call *c)
{
    return range(c, (struct query){ .kind = ZBOUNDS_SCORE, .fixed = true });
}

static enum err run_zrevrangebyscore(struct call *c)
{
    return range(c, (struct query){ .kind = ZBOUNDS_SCORE, .down = true, .fixed = true });
}

static enum err run_zrangebylex(struct call *c)
{
    return range(c, (struct query){ .kind = ZBOUNDS_LEX, .fixed = true });
}

static enum err run_zrevrangebylex(struct call *c)
{
    return range(c, (struct query){ .kind = ZBOUNDS_LEX, .down = true, .fixed = true });
}

/* --- storing ---------------------------------------------------------------------------------- */

/* Many members. */
struct store_job {
    struct source_job base;
    struct zset from, to;
    struct zset_iter it;
    size_t left;
};

static bool store_on(struct source_job *of, struct reply *out)
{
    struct store_job *j = (struct store_job *)of;

    (void)out;
    if (j->left == 0 || !zset_next(&j->it)) return false;
    j->left--;
    zset_put(&j->to, j->it.member, j->it.score, NULL);
    return true;
}

static enum err store_range(struct call *c);

static enum err put(struct call *c, struct source_job *of)
{
    struct store_job *j = (struct store_job *)of;

    if (!source_job_read_all(c, of, 2, 1)) return store_range(c);
    reply_int(c->out, (int64_t)zset_key_store_take(c->db, call_arg(c, 1), &j->to, CHANGE_ZRANGESTORE));
    return OK;
}

static size_t size(const struct source_job *of)
{
    const struct zset *to = &((const struct store_job *)of)->to;

    return to->ptr != NULL ? zset_weight(to->enc, to->ptr) : 0;
}

static void fini(struct source_job *of)
{
    struct zset *to = &((struct store_job *)of)->to;

    if (to->ptr != NULL) db_discard(to->store, VALUE_ZSET, to->enc, to->ptr, true);
}

static enum err store_in_slices(struct call *c, const struct zset *from, size_t rank, size_t n, bool down)
{
    struct store_job *j = mem_zalloc(sizeof *j);
    const void *source = from->ptr;

    j->base.work = store_on;
    j->base.put = put;
    j->base.size = size;
    j->base.fini = fini;
    j->from = *from;
    j->to = zset_new(c->store, n, 0);
    j->left = n;
    zset_iter_at(&j->it, &j->from, rank, down);
    return source_job_run(c, &j->base, &source, 1);
}

static enum err store_range(struct call *c)
{
    struct query q = { .kind = ZBOUNDS_RANK };
    size_t rank = 0, n = 0;
    struct zset from, to;
    struct zset_iter it;
    enum err e = parse_query(c, 2, true, &q);

    if (e != OK) return e;
    e = zset_read(c->db, call_arg(c, 2), &from);
    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK) n = find(&q, &from, &rank);
    if (read_is_long(c, n, 0)) return store_in_slices(c, &from, rank, n, q.down);
    to = zset_new(c->store, n, 0);
    if (n > 0) zset_iter_at(&it, &from, rank, q.down);
    while (n-- > 0 && zset_next(&it)) zset_put(&to, it.member, it.score, NULL);
    reply_int(c->out, (int64_t)zset_key_store_take(c->db, call_arg(c, 1), &to, CHANGE_ZRANGESTORE));
    return OK;
}

static enum err run_zrangestore(struct call *c)
{
    enum err e;

    return job_done(c, &e) ? e : store_range(c);
}

/* --- counting --------------------------------------------------------------------------------- */

static enum err count(struct call *c, enum zbounds_kind kind)
{
    struct zbounds b;
    struct zrange r = { 0, 0 };
    struct zset z;
    enum err e = zbounds_parse(c, kind, 2, 3, &b);

    if (e == OK) e = zset_read(c->db, call_arg(c, 1), &z);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == OK) r = zbounds_find(&b, &z, false);
    reply_int(c->out, r.to > r.from ? (int64_t)(r.to - r.from) : 0);
    return OK;
}

static enum err run_zcount(struct call *c)
{
    return count(c, ZBOUNDS_SCORE);
}

static enum err run_zlexcount(struct call *c)
{
    return count(c, ZBOUNDS_LEX);
}

/* --- removing --------------------------------------------------------------------------------- */

static enum err remove_range(struct call *c, enum zbounds_kind kind, enum change_kind told)
{
    struct zbounds b;
    struct zrange r;
    struct zset z;
    const struct entry *entry;
    enum err e = zbounds_parse(c, kind, 2, 3, &b);

    if (e != OK) return e;
    entry = db_peek(c->db, call_arg(c, 1)); /* no read: neither a hit nor a miss */
    if (entry == NULL) {
        reply_int(c->out, 0);
        return OK;
    }
    if (entry_type(entry) != VALUE_ZSET) return ERR_WRONG_TYPE;
    z = zset_of(c->store, entry);
    r = zbounds_find(&b, &z, false);
    if (r.to > r.from) e = zset_key_remove_ranks(c->db, call_arg(c, 1), r, told);
    if (e == OK) reply_int(c->out, r.to > r.from ? (int64_t)(r.to - r.from) : 0);
    return e;
}

static enum err run_zremrangebyrank(struct call *c)
{
    return remove_range(c, ZBOUNDS_RANK, CHANGE_ZREMRANGEBYRANK);
}

static enum err run_zremrangebyscore(struct call *c)
{
    return remove_range(c, ZBOUNDS_SCORE, CHANGE_ZREMRANGEBYSCORE);
}

static enum err run_zremrangebylex(struct call *c)
{
    return remove_range(c, ZBOUNDS_LEX, CHANGE_ZREMRANGEBYLEX);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define READ_ROW .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, \
    .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET
#define COUNT_ROW .arity = 4, .flags = CMD_READONLY | CMD_FAST, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, \
    .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET
#define REMOVE_ROW .arity = 4, .flags = CMD_WRITE, .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, \
    .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET
#define A_DOUBLE(n) { .name = (n), .type = ARG_T_DOUBLE }
#define A_STRING(n) { .name = (n), .type = ARG_T_STRING }
#define AN_INTEGER(n) { .name = (n), .type = ARG_T_INTEGER }
#define OPTION(n, t, v) \
    { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t), .flags = ARG_OPTIONAL, .since = (v) }
#define SORT_BY(v) \
    { .name = "sortby", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = sort_by_args, .since = (v) }
#define LIMIT(v) \
    { .name = "limit", .type = ARG_T_BLOCK, .token = "LIMIT", .flags = ARG_OPTIONAL, .subs = limit_args, \
      .since = (v) }

static const struct command_arg sort_by_args[] = {
    { .name = "byscore", .type = ARG_T_PURE_TOKEN, .token = "BYSCORE" },
    { .name = "bylex", .type = ARG_T_PURE_TOKEN, .token = "BYLEX" },
    { 0 },
};
static const struct command_arg limit_args[] = { AN_INTEGER("offset"), AN_INTEGER("count"), { 0 } };
static const char *const zrange_history[] = { "6.2.0", "The options REV, BYSCORE, BYLEX and LIMIT.", NULL };
static const char *const byscore_history[] = { "2.0.0", "The option WITHSCORES.", NULL };
static const char *const revbyscore_history[] = { "2.1.6", "`min` and `max` may be exclusive.", NULL };
static const char range_complexity[] = "O(log(N)+M) for M members of N";
static const char count_complexity[] = "O(log(N)) for N members in the sorted set";

const struct command zset_range_commands[] = {
    { .name = "zrange", .run = run_zrange, .arity = -4, READ_ROW, .since = "1.2.0",
      .complexity = range_complexity, .history = zrange_history,
      .summary = "Gives a range of members, by rank, by score or by name.",
      .args = ARGS(ARG_KEY("key"), A_STRING("start"), A_STRING("stop"), SORT_BY("6.2.0"),
                   OPTION("rev", "REV", "6.2.0"), LIMIT("6.2.0"), OPTION("withscores", "WITHSCORES", NULL)),
      .example = "ZADD z 1 a 2 b 3 c | ZRANGE z (1 inf BYSCORE LIMIT 0 1 => *1\r\n$1\r\nb\r\n" },
    { .name = "zrevrange", .run = run_zrevrange, .arity = -4, READ_ROW, .since = "1.2.0",
      .complexity = range_complexity, .deprecated_since = "6.2.0",
      .replaced_by = "`ZRANGE` with the `REV` argument",
      .summary = "Gives members by rank, counted from the highest score.",
      .args = ARGS(ARG_KEY("key"), AN_INTEGER("start"), AN_INTEGER("stop"),
                   OPTION("withscores", "WITHSCORES", NULL)),
      .example = "ZADD z 1 a 2 b | ZREVRANGE z 0 0 => *1\r\n$1\r\nb\r\n" },
    { .name = "zrangebyscore", .run = run_zrangebyscore, .arity = -4, READ_ROW, .since = "1.0.5",
      .complexity = range_complexity, .history = byscore_history, .deprecated_since = "6.2.0",
      .replaced_by = "`ZRANGE` with the `BYSCORE` argument",
      .summary = "Gives members within a range of scores.",
      .args = ARGS(ARG_KEY("key"), A_DOUBLE("min"), A_DOUBLE("max"),
                   OPTION("withscores", "WITHSCORES", "2.0.0"), LIMIT(NULL)),
      .example = "ZADD z 1 a 2 b | ZRANGEBYSCORE z -inf (2 => *1\r\n$1\r\na\r\n" },
    { .name = "zrevrangebyscore", .run = run_zrevrangebyscore, .arity = -4, READ_ROW, .since = "2.2.0",
      .complexity = range_complexity, .history = revbyscore_history, .deprecated_since = "6.2.0",
      .replaced_by = "`ZRANGE` with the `REV` and `BYSCORE` arguments",
      .summary = "Gives members within a range of scores, the highest first.",
      .args = ARGS(ARG_KEY("key"), A_DOUBLE("max"), A_DOUBLE("min"),
                   OPTION("withscores", "WITHSCORES", NULL), LIMIT(NULL)),
      .example = "ZADD z 1 a 2 b | ZREVRANGEBYSCORE z 2 1 => *2\r\n$1\r\nb\r\n$1\r\na\r\n" },
    { .name = "zrangebylex", .run = run_zrangebylex, .arity = -4, READ_ROW, .since = "2.8.9",
      .complexity = range_complexity, .deprecated_since = "6.2.0",
      .replaced_by = "`ZRANGE` with the `BYLEX` argument",
      .summary = "Gives members of equal scores within a range of names.",
      .args = ARGS(ARG_KEY("key"), A_STRING("min"), A_STRING("max"), LIMIT(NULL)),
      .example = "ZADD z 0 a 0 b 0 c | ZRANGEBYLEX z - (b => *1\r\n$1\r\na\r\n" },
    { .name = "zrevrangebylex", .run = run_zrevrangebylex, .arity = -4, READ_ROW, .since = "2.8.9",
      .complexity = range_complexity, .deprecated_since = "6.2.0",
      .replaced_by = "`ZRANGE` with the `REV` and `BYLEX` arguments",
      .summary = "Gives members of equal scores within a range of names, the last first.",
      .args = ARGS(ARG_KEY("key"), A_STRING("max"), A_STRING("min"), LIMIT(NULL)),
      .example = "ZADD z 0 a 0 b 0 c | ZREVRANGEBYLEX z + [b => *2\r\n$1\r\nc\r\n$1\r\nb\r\n" },
    { .name = "zrangestore", .run = run_zrangestore, .arity = -5, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS) },
      .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET, .since = "6.2.0", .complexity = range_complexity,
      .summary = "Stores a range of members as another sorted set.",
      .args = ARGS(ARG_KEY("dst"), { .name = "src", .type = ARG_T_KEY, .key_spec = 1 }, A_STRING("min"),
                   A_STRING("max"), SORT_BY(NULL), OPTION("rev", "REV", NULL), LIMIT(NULL)),
      .example = "ZADD z 1 a 2 b 3 c | ZRANGESTORE d z 0 1 => :2\r\n" },
    { .name = "zcount", .run = run_zcount, COUNT_ROW, .since = "2.0.0", .complexity = count_complexity,
      .summary = "Counts members within a range of scores.",
      .args = ARGS(ARG_KEY("key"), A_DOUBLE("min"), A_DOUBLE("max")),
      .example = "ZADD z 1 a 2 b 3 c | ZCOUNT z (1 3 => :2\r\n" },
    { .name = "zlexcount", .run = run_zlexcount, COUNT_ROW, .since = "2.8.9", .complexity = count_complexity,
      .summary = "Counts members of equal scores within a range of names.",
      .args = ARGS(ARG_KEY("key"), A_STRING("min"), A_STRING("max")),
      .example = "ZADD z 0 a 0 b 0 c | ZLEXCOUNT z [b + => :2\r\n" },
    { .name = "zremrangebyrank", .run = run_zremrangebyrank, REMOVE_ROW, .since = "2.0.0",
      .complexity = range_complexity,
      .summary = "Removes members by rank; the sorted set itself goes with its last one.",
      .args = ARGS(ARG_KEY("key"), AN_INTEGER("start"), AN_INTEGER("stop")),
      .example = "ZADD z 1 a 2 b 3 c | ZREMRANGEBYRANK z 0 -2 => :2\r\n" },
    { .name = "zremrangebyscore", .run = run_zremrangebyscore, REMOVE_ROW, .since = "1.2.0",
      .complexity = range_complexity,
      .summary = "Removes members within a range of scores; the sorted set itself goes with its last one.",
      .args = ARGS(ARG_KEY("key"), A_DOUBLE("min"), A_DOUBLE("max")),
      .example = "ZADD z 1 a 2 b 3 c | ZREMRANGEBYSCORE z -inf 2 => :2\r\n" },
    { .name = "zremrangebylex", .run = run_zremrangebylex, REMOVE_ROW, .since = "2.8.9",
      .complexity = range_complexity,
      .summary = "Removes members of equal scores within a range of names.",
      .args = ARGS(ARG_KEY("key"), A_STRING("min"), A_STRING("max")),
      .example = "ZADD z 0 a 0 b 0 c | ZREMRANGEBYLEX z - [b => :2\r\n" },
    { 0 },
};
