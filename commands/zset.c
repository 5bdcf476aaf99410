/* zset.c -- commands on sorted sets: adding, removing, and asking for members. */
#include "base/mem.h"
#include "commands/random_reply.h"
#include "commands/scan.h"
#include "commands/tables.h"
#include "commands/zset_reply.h"
#include "base/glob.h"

/* --- adding ----------------------------------------------------------------------------------- */

enum { CHANGED = 1 << 8 }; /* CH, beside the flags of zset_key_add */

/* The flag of an option's name; 0: it is none. */
static unsigned option(struct str word)
{
    if (word.n < 2 || word.n > 4 || word.p[0] < 'A') return 0; /* a score, nearly always */
    if (str_is(word, "nx")) return ZADD_NX;
    if (str_is(word, "xx")) return ZADD_XX;
    if (str_is(word, "gt")) return ZADD_GT;
    if (str_is(word, "lt")) return ZADD_LT;
    if (str_is(word, "ch")) return CHANGED;
    if (str_is(word, "incr")) return ZADD_INCR;
    return 0;
}

static enum err check_options(unsigned flags, size_t n)
{
    unsigned only = flags & (ZADD_NX | ZADD_GT | ZADD_LT);

    if ((flags & ZADD_NX) && (flags & ZADD_XX)) return ERR_ZADD_NX_XX;
    if ((only & (only - 1)) != 0) return ERR_ZADD_GT_LT_NX; /* more than one of them */
    if ((flags & ZADD_INCR) && n > 1) return ERR_ZADD_INCR;
    return OK;
}

static void reply_added(struct call *c, unsigned flags, const struct zadded *done)
{
    if (!(flags & ZADD_INCR)) {
        reply_int(c->out, (int64_t)(done->added + (flags & CHANGED ? done->updated : 0)));
    } else if (done->processed > 0) {
        reply_double(c->out, done->score);
    } else {
        reply_null(c->out);
    }
}

/* Options, then pairs of score and member. All scores are read before anything changes. */
static enum err add(struct call *c, unsigned flags)
{
    struct zitem one, *items = &one;
    struct zadded done = { 0 };
    size_t i = 2, n;
    unsigned flag;
    enum err e;

    for (; i < c->argc && (flag = option(call_arg(c, i))) != 0; i++) flags |= flag;
    n = (c->argc - i) / 2;
    if (n == 0 || (c->argc - i) % 2 != 0) return ERR_SYNTAX;
    e = check_options(flags, n);
    if (e != OK) return e;
    if (n > 1) items = arena_alloc(c->arena, n * sizeof *items);
    for (size_t at = 0; at < n; at++) {
        e = call_double(c, i + 2 * at, &items[at].score);
        if (e != OK) return e;
        items[at].member = call_arg(c, i + 2 * at + 1);
    }
    e = zset_key_add(c->db, call_arg(c, 1), items, n, flags & ~(unsigned)CHANGED, &done);
    if (e == OK) reply_added(c, flags, &done);
    return e;
}

static enum err run_zadd(struct call *c)
{
    return add(c, 0);
}

static enum err run_zincrby(struct call *c)
{
    return add(c, ZADD_INCR);
}

static enum err run_zrem(struct call *c)
{
    size_t removed = 0;
    enum err e = zset_key_remove(c->db, call_arg(c, 1), c->argv + 2, c->argc - 2, &removed);

    if (e == ERR_WRONG_TYPE) return e;
    reply_int(c->out, (int64_t)removed);
    return OK;
}

/* --- asking ----------------------------------------------------------------------------------- */

static enum err run_zcard(struct call *c)
{
    struct zset z;
    enum err e = zset_read(c->db, call_arg(c, 1), &z);

    if (e == ERR_WRONG_TYPE) return e;
    reply_int(c->out, e == OK ? (int64_t)zset_count(&z) : 0);
    return OK;
}

static void reply_score(struct call *c, const struct zset *z, struct str member)
{
    double score;

    if (z != NULL && zset_score(z, member, &score)) {
        reply_double(c->out, score);
    } else {
        reply_null(c->out);
    }
}

static enum err run_zscore(struct call *c)
{
    struct zset z;
    enum err e = zset_read(c->db, call_arg(c, 1), &z);

    if (e == ERR_WRONG_TYPE) return e;
    reply_score(c, e == OK ? &z : NULL, call_arg(c, 2));
    return OK;
}

static enum err run_zmscore(struct call *c)
{
    struct zset z;
    enum err e = zset_read(c->db, call_arg(c, 1), &z);

    if (e == ERR_WRONG_TYPE) return e;
    reply_array(c->out, c->argc - 2);
    for (size_t i = 2; i < c->argc; i++) reply_score(c, e == OK ? &z : NULL, call_arg(c, i));
    return OK;
}

static enum err rank(struct call *c, bool from_top)
{
    bool with_score = c->argc == 4;
    size_t at = 0;
    double score;
    struct zset z;
    enum err e;

    if (c->argc > 4) return call_fail(c, ERR_ARITY, str_c(c->cmd->name));
    if (with_score && !call_is(c, 3, "withscore")) return ERR_SYNTAX;
    e = zset_read(c->db, call_arg(c, 1), &z);
    if (e == ERR_WRONG_TYPE) return e;
    if (e != OK || !zset_rank(&z, call_arg(c, 2), &at, &score)) {
        if (with_score)
            reply_null_array(c->out);
        else
            reply_null(c->out);
        return OK;
    }
    if (with_score) reply_array(c->out, 2);
    reply_int(c->out, (int64_t)(from_top ? zset_count(&z) - 1 - at : at));
    if (with_score) reply_double(c->out, score);
    return OK;
}

static enum err run_zrank(struct call *c)
{
    return rank(c, false);
}

static enum err run_zrevrank(struct call *c)
{
    return rank(c, true);
}

/* --- some members ----------------------------------------------------------------------------- */

struct draw {
    struct reply *out;
    size_t n;
    bool scores, too_much;
};

static bool draw(void *ctx, struct str member, double score)
{
    struct draw *d = ctx;

    reply_member(d->out, member, score, d->scores);
    d->n++;
    d->too_much = d->out->out->n > RANDOM_REPLY_MAX;
    return !d->too_much;
}

/* ZRANDMEMBER of many. */
struct draws {
    struct draw_job base;
    struct zset zset;
    struct zset_iter it;
};

static void draw_more(struct draw_job *j, size_t n, struct reply *out)
{
    struct draw d = { .out = out, .scores = j->pairs };

    zset_random(&((struct draws *)j)->zset, n, false, draw, &d);
}

static void look_at_next(struct draw_job *of, bool take, struct reply *out)
{
    struct draws *j = (struct draws *)of;

    if (zset_next(&j->it) && take) reply_member(out, j->it.member, j->it.score, of->pairs);
}

static enum err draw_many(struct call *c, const struct zset *z, size_t n, bool distinct, bool scores)
{
    struct draws *j = mem_zalloc(sizeof *j);

    j->base.draw = draw_more;
    j->base.look = look_at_next;
    j->zset = *z;
    zset_iter_at(&j->it, &j->zset, 0, false);
    return draw_job_run(c, &j->base, n, distinct ? zset_count(z) : 0, scores, z->ptr);
}

static enum err run_zrandmember(struct call *c)
{
    struct draw d = { .out = c->out, .scores = c->argc == 4 };
    bool distinct = true;
    size_t n = 1, size;
    struct zset z;
    enum err e = c->argc > 2 ? random_count(c, 2, &distinct, &n) : OK;

    if (e != OK) return e;
    if (c->argc > 4 || (d.scores && !call_is(c, 3, "withscores"))) return ERR_SYNTAX;
    if (d.scores && n > INT64_MAX / 2) return ERR_OUT_OF_RANGE;
    e = zset_read(c->db, call_arg(c, 1), &z);
    if (e == ERR_WRONG_TYPE) return e;
    size = e == OK ? zset_count(&z) : 0;
    if (size == 0 || (distinct && n > size)) n = size;
    if (n > RANDOM_ITEMS_MAX) return ERR_OUT_OF_RANGE;
    if (draw_is_long(c, distinct, n)) return draw_many(c, &z, n, distinct, d.scores);
    if (c->argc > 2) reply_members(c->out, n, d.scores);
    if (n > 0)
        zset_random(&z, n, distinct, draw, &d);
    else if (c->argc == 2)
        reply_null(c->out);
    return d.too_much ? ERR_OUT_OF_RANGE : OK;
}

static void scan_member(void *ctx, struct str member, double score)
{
    struct scan_visit *v = ctx;
    char text[NUM_TEXT_MAX];

    if (v->options->filter && !glob_match(v->options->pattern, member, false)) return;
    reply_bulk(v->out, member);
    v->n++;
    if (v->options->no_scores) return;
    reply_bulk(v->out, str_of(text, num_double(text, score)));
    v->n++;
}

static enum err run_zscan(struct call *c)
{
    struct scan_options o;
    struct scan_visit v = { c->out, &o, 0 };
    size_t mark = reply_mark(c->out);
    uint64_t cursor;
    struct zset z;
    enum err e = scan_cursor(c, 2, &cursor);

    if (e == OK) e = zset_read(c->db, call_arg(c, 1), &z);
    if (e == ERR_NO_KEY) {
        scan_reply_head(c->out, mark, 0, 0);
        return OK;
    }
    if (e == OK) e = scan_options(c, 3, SCAN_NOSCORES, &o);
    if (e != OK) return e;
    cursor = zset_scan(&z, cursor, o.count, scan_member, &v);
    scan_reply_head(c->out, mark, cursor, v.n);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define ZSET_ROW .acl = ACL_SORTEDSET, .group = GROUP_SORTED_SET
#define MEMBER { .name = "member", .type = ARG_T_STRING }
#define MEMBERS { .name = "member", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }
#define TOKEN(n, t) { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t) }
#define OPTION(n, t, v) \
    { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t), .flags = ARG_OPTIONAL, .since = (v) }

static const struct command_arg condition_args[] = { TOKEN("nx", "NX"), TOKEN("xx", "XX"), { 0 } };
static const struct command_arg comparison_args[] = { TOKEN("gt", "GT"), TOKEN("lt", "LT"), { 0 } };
static const struct command_arg pair_args[] = {
    { .name = "score", .type = ARG_T_DOUBLE },
    { .name = "member", .type = ARG_T_STRING },
    { 0 },
};
static const struct command_arg random_args[] = {
    { .name = "count", .type = ARG_T_INTEGER },
    OPTION("withscores", "WITHSCORES", NULL),
    { 0 },
};
static const char *const any_output[] = { "nondeterministic_output", NULL };
static const char *const zadd_history[] = {
    "2.4.0", "Takes several members.",
    "3.0.2", "The options XX, NX, CH and INCR.",
    "6.2.0", "The options GT and LT.", NULL,
};
static const char *const several_history[] = { "2.4.0", "Takes several members.", NULL };
static const char *const rank_history[] = { "7.2.0", "The option WITHSCORE.", NULL };

const struct command zset_commands[] = {
    { .name = "zadd", .run = run_zadd, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, ZSET_ROW, .since = "1.2.0", .history = zadd_history,
      .complexity = "O(log(N)) for each member, for N members in the sorted set",
      .summary = "Sets the scores of members of a sorted set, which is made when it is not there.",
      .args = ARGS(ARG_KEY("key"),
                   { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = condition_args, .since = "3.0.2" },
                   { .name = "comparison", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = comparison_args, .since = "6.2.0" },
                   OPTION("change", "CH", "3.0.2"), OPTION("increment", "INCR", "3.0.2"),
                   { .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE, .subs = pair_args }),
      .example = "ZADD z 1 a 2.5 b => :2\r\n" },
    { .name = "zincrby", .run = run_zincrby, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, ZSET_ROW, .since = "1.2.0",
      .complexity = "O(log(N)) for N members in the sorted set",
      .summary = "Adds to the score of a member, which is made when it is not there.",
      .args = ARGS(ARG_KEY("key"), { .name = "increment", .type = ARG_T_INTEGER }, MEMBER),
      .example = "ZADD z 1 a | ZINCRBY z 0.5 a => $3\r\n1.5\r\n" },
    { .name = "zrem", .run = run_zrem, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, ZSET_ROW, .since = "1.2.0", .history = several_history,
      .complexity = "O(M*log(N)) for M members to remove of N",
      .summary = "Removes members; the sorted set itself goes with its last one.",
      .args = ARGS(ARG_KEY("key"), MEMBERS), .example = "ZADD z 1 a 2 b | ZREM z a x => :1\r\n" },
    { .name = "zcard", .run = run_zcard, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, ZSET_ROW, .since = "1.2.0", .complexity = "O(1)",
      .summary = "Gives the number of members.", .args = ARGS(ARG_KEY("key")),
      .example = "ZADD z 1 a 2 b | ZCARD z => :2\r\n" },
    { .name = "zscore", .run = run_zscore, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, ZSET_ROW, .since = "1.2.0", .complexity = "O(1)",
      .summary = "Gives the score of a member.", .args = ARGS(ARG_KEY("key"), MEMBER),
      .example = "ZADD z 1.5 a | ZSCORE z a => $3\r\n1.5\r\n" },
    { .name = "zmscore", .run = run_zmscore, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, ZSET_ROW, .since = "6.2.0",
      .complexity = "O(N) for N members asked for", .summary = "Gives the scores of several members.",
      .args = ARGS(ARG_KEY("key"), MEMBERS),
      .example = "ZADD z 1 a | ZMSCORE z a x => *2\r\n$1\r\n1\r\n$-1\r\n" },
    { .name = "zrank", .run = run_zrank, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, ZSET_ROW, .since = "2.0.0", .complexity = "O(log(N))",
      .history = rank_history, .summary = "Gives a member's place, counted from the lowest score.",
      .args = ARGS(ARG_KEY("key"), MEMBER, OPTION("withscore", "WITHSCORE", NULL)),
      .example = "ZADD z 1 a 2 b | ZRANK z b => :1\r\n" },
    { .name = "zrevrank", .run = run_zrevrank, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, ZSET_ROW, .since = "2.0.0", .complexity = "O(log(N))",
      .history = rank_history, .summary = "Gives a member's place, counted from the highest score.",
      .args = ARGS(ARG_KEY("key"), MEMBER, OPTION("withscore", "WITHSCORE", NULL)),
      .example = "ZADD z 1 a 2 b | ZREVRANK z b WITHSCORE => *2\r\n:0\r\n$1\r\n2\r\n" },
    { .name = "zrandmember", .run = run_zrandmember, .arity = -2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, ZSET_ROW, .since = "6.2.0",
      .complexity = "O(N) for N members drawn", .tips = any_output,
      .summary = "Gives random members: distinct ones, or with a negative count any.",
      .args = ARGS(ARG_KEY("key"), { .name = "options", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL,
                                     .subs = random_args }),
      .example = "ZADD z 1 a | ZRANDMEMBER z -2 => *2\r\n$1\r\na\r\n$1\r\na\r\n" },
    { .name = "zscan", .run = run_zscan, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, ZSET_ROW, .since = "2.8.0", .tips = any_output,
      .complexity = "O(COUNT) a call, O(N) for all calls until the cursor is 0 again, for N members",
      .summary = "Goes through members and scores a few at a time; who is there throughout is met.",
      .args = ARGS(ARG_KEY("key"), { .name = "cursor", .type = ARG_T_INTEGER },
                   { .name = "pattern", .type = ARG_T_PATTERN, .token = "MATCH", .flags = ARG_OPTIONAL },
                   { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }),
      .example = "ZADD z 1 a | ZSCAN z 0 => *2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { 0 },
};
