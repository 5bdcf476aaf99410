/* set.c -- commands on sets. */
#include "base/mem.h"
#include "commands/random_reply.h"
#include "commands/read_job.h"
#include "commands/scan.h"
#include "commands/tables.h"
#include "base/glob.h"
#include "base/num.h"
#include "storage/type_set.h"

/* --- members ---------------------------------------------------------------------------------- */

static enum err run_sadd(struct call *c)
{
    size_t added = 0;
    enum err e = set_key_add(c->db, call_arg(c, 1), c->argv + 2, c->argc - 2, &added);

    if (e == OK) reply_int(c->out, (int64_t)added);
    return e;
}

static enum err run_srem(struct call *c)
{
    size_t removed = 0;
    enum err e = set_key_remove(c->db, call_arg(c, 1), c->argv + 2, c->argc - 2, &removed);

    if (e == ERR_WRONG_TYPE) return e;
    reply_int(c->out, (int64_t)removed);
    return OK;
}

static enum err run_smove(struct call *c)
{
    enum err e = set_key_move(c->db, call_arg(c, 1), call_arg(c, 2), call_arg(c, 3));

    if (e == ERR_WRONG_TYPE) return e;
    reply_int(c->out, e == OK);
    return OK;
}

static enum err run_sismember(struct call *c)
{
    struct set s;
    enum err e = set_read(c->db, call_arg(c, 1), &s);

    if (e == ERR_WRONG_TYPE) return e;
    reply_int(c->out, e == OK && set_has(&s, call_arg(c, 2)));
    return OK;
}

static enum err run_smismember(struct call *c)
{
    struct set s;
    enum err e = set_read(c->db, call_arg(c, 1), &s);

    if (e == ERR_WRONG_TYPE) return e;
    reply_array(c->out, c->argc - 2);
    for (size_t i = 2; i < c->argc; i++) reply_int(c->out, e == OK && set_has(&s, call_arg(c, i)));
    return OK;
}

static enum err run_scard(struct call *c)
{
    struct set s;
    enum err e = set_read(c->db, call_arg(c, 1), &s);

    if (e == ERR_WRONG_TYPE) return e;
    reply_int(c->out, e == OK ? (int64_t)set_count(&s) : 0);
    return OK;
}

/* SMEMBERS of a large set. */
struct members {
    struct read_job base;
    struct set set;
    struct set_iter it;
};

static bool next_member(struct read_job *j, struct reply *out)
{
    struct members *m = (struct members *)j;
    char scratch[NUM_TEXT_MAX];

    if (!set_next(&m->it)) return false;
    reply_bulk(out, set_text(&m->it.item, scratch));
    return true;
}

static void head_of_set(const struct read_job *j, struct reply *out, size_t n)
{
    (void)j;
    reply_set(out, n);
}

static enum err tell_members(struct call *c, const struct set *s)
{
    struct members *m = mem_zalloc(sizeof *m);

    m->base.next = next_member;
    m->base.head = head_of_set;
    m->set = *s;
    set_iter_start(&m->it, &m->set);
    return read_job_run(c, &m->base, s->ptr);
}

static enum err run_smembers(struct call *c)
{
    struct set s;
    struct set_iter it;
    char scratch[NUM_TEXT_MAX];
    enum err e = set_read(c->db, call_arg(c, 1), &s);

    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK && read_is_long(c, set_count(&s), s.enc == ENC_TABLE ? set_weight(s.enc, s.ptr) : 0)) return tell_members(c, &s);
    reply_set(c->out, e == OK ? set_count(&s) : 0);
    if (e != OK) return OK;
    set_iter_start(&it, &s);
    while (set_next(&it)) reply_bulk(c->out, set_text(&it.item, scratch));
    return OK;
}

/* --- random members --------------------------------------------------------------------------- */

struct popped {
    struct call *call;
    struct str *members; /* in the arena: what the journal tells */
    size_t n, cap;
};

static void pop_one(void *ctx, struct str member)
{
    struct popped *p = ctx;

    reply_bulk(p->call->out, member);
    if (p->n == p->cap) {
        struct str *more = call_new(p->call, struct str, p->cap ? p->cap * 2 : 4);
        if (p->n > 0) memcpy(more, p->members, p->n * sizeof *more);
        p->members = more;
        p->cap = p->cap ? p->cap * 2 : 4;
    }
    p->members[p->n++] = arena_dup(p->call->arena, member);
}

static enum err run_spop(struct call *c)
{
    struct popped *p = call_new(c, struct popped, 1);
    int64_t count = 1;
    size_t mark = reply_mark(c->out);
    enum err e;

    if (c->argc > 3) return ERR_SYNTAX;
    if (c->argc == 3 && call_range(c, 2, 0, INT64_MAX, ERR_NOT_POSITIVE, &count) != OK) return ERR_NOT_POSITIVE;
    p->call = c;
    c->note = p;
    e = set_key_pop(c->db, call_arg(c, 1), (size_t)count, pop_one, p);
    if (e == ERR_WRONG_TYPE) return e;
    if (c->argc == 3) reply_set_at(c->out, mark, p->n);
    else if (p->n == 0) reply_null(c->out);
    return OK;
}

/* What left by chance is logged by name, some hundred a command. */
static void journal_spop(const struct call *c, struct journal *j)
{
    enum { AT_ONCE = 1024 };
    struct popped *p = c->note;
    struct str *argv = call_new(c, struct str, AT_ONCE + 2);

    argv[0] = STR("SREM");
    argv[1] = call_arg(c, 1);
    for (size_t i = 0; i < p->n;) {
        size_t n = p->n - i < AT_ONCE ? p->n - i : AT_ONCE;
        memcpy(argv + 2, p->members + i, n * sizeof *argv);
        journal_add(j, n + 2, argv);
        i += n;
    }
}

struct draw {
    struct reply *out;
    size_t n;
    bool too_much;
};

static bool draw(void *ctx, struct str member)
{
    struct draw *d = ctx;

    reply_bulk(d->out, member);
    d->n++;
    d->too_much = d->out->out->n > RANDOM_REPLY_MAX;
    return !d->too_much;
}

/* SRANDMEMBER of many. */
struct draws {
    struct draw_job base;
    struct set set;
    struct set_iter it;
};

static void draw_more(struct draw_job *j, size_t n, struct reply *out)
{
    struct draw d = { .out = out };

    set_random(&((struct draws *)j)->set, n, false, draw, &d);
}

static void look_at_next(struct draw_job *of, bool take, struct reply *out)
{
    struct draws *j = (struct draws *)of;
    char scratch[NUM_TEXT_MAX];

    if (set_next(&j->it) && take) reply_bulk(out, set_text(&j->it.item, scratch));
}

static enum err draw_many(struct call *c, const struct set *s, size_t n, bool distinct)
{
    struct draws *j = mem_zalloc(sizeof *j);

    j->base.draw = draw_more;
    j->base.look = look_at_next;
    j->set = *s;
    set_iter_start(&j->it, &j->set);
    return draw_job_run(c, &j->base, n, distinct ? set_count(s) : 0, false, s->ptr);
}

static enum err run_srandmember(struct call *c)
{
    struct draw d = { .out = c->out };
    bool distinct = true;
    size_t n = 1, size;
    struct set s;
    enum err e;

    if (c->argc > 3) return ERR_SYNTAX;
    if (c->argc == 3) {
        e = random_count(c, 2, &distinct, &n);
        if (e != OK) return e;
    }
    e = set_read(c->db, call_arg(c, 1), &s);
    if (e == ERR_WRONG_TYPE) return e;
    size = e == OK ? set_count(&s) : 0;
    if (size == 0 || (distinct && n > size)) n = size;
    if (n > RANDOM_ITEMS_MAX) return ERR_OUT_OF_RANGE;
    if (draw_is_long(c, distinct, n)) return draw_many(c, &s, n, distinct);
    if (c->argc == 3) reply_array(c->out, n);
    if (n > 0) set_random(&s, n, distinct, draw, &d);
    else if (c->argc == 2) reply_null(c->out);
    return d.too_much ? ERR_OUT_OF_RANGE : OK;
}

static void scan_member(void *ctx, struct str member)
{
    struct scan_visit *v = ctx;

    if (v->options->filter && !glob_match(v->options->pattern, member, false)) return;
    reply_bulk(v->out, member);
    v->n++;
}

static enum err run_sscan(struct call *c)
{
    struct scan_options o;
    struct scan_visit v = { c->out, &o, 0 };
    size_t mark = reply_mark(c->out);
    uint64_t cursor;
    struct set s;
    enum err e = scan_cursor(c, 2, &cursor);

    if (e == OK) e = set_read(c->db, call_arg(c, 1), &s);
    if (e == ERR_NO_KEY) {
        scan_reply_head(c->out, mark, 0, 0);
        return OK;
    }
    if (e == OK) e = scan_options(c, 3, 0, &o);
    if (e != OK) return e;
    cursor = set_scan(&s, cursor, o.count, scan_member, &v);
    scan_reply_head(c->out, mark, cursor, v.n);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *const any_order[] = { "nondeterministic_output_order", NULL };
static const char *const any_output[] = { "nondeterministic_output", NULL };
static const char *const sadd_history[] = { "2.4.0", "Takes several members.", NULL };

#define MEMBERS { .name = "member", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }
#define MEMBER { .name = "member", .type = ARG_T_STRING }

const struct command set_commands[] = {
    { .name = "sadd", .run = run_sadd, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) }, .acl = ACL_SET, .group = GROUP_SET,
      .since = "1.0.0", .complexity = "O(N) for N members", .history = sadd_history,
      .summary = "Adds members to a set, which is made when it is not there.",
      .args = ARGS(ARG_KEY("key"), MEMBERS), .example = "SADD s a b a => :2\r\n" },
    { .name = "srem", .run = run_srem, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, .acl = ACL_SET, .group = GROUP_SET,
      .since = "1.0.0", .complexity = "O(N) for N members", .history = sadd_history,
      .summary = "Removes members; the set itself goes with its last one.",
      .args = ARGS(ARG_KEY("key"), MEMBERS), .example = "SADD s a b | SREM s a x => :1\r\n" },
    { .name = "smove", .run = run_smove, .arity = 4, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT) },
      .acl = ACL_SET, .group = GROUP_SET, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Moves a member from one set to another.",
      .args = ARGS(ARG_KEY("source"), { .name = "destination", .type = ARG_T_KEY, .key_spec = 1 }, MEMBER),
      .example = "SADD s a b | SMOVE s t a => :1\r\n" },
    { .name = "sismember", .run = run_sismember, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_SET, .group = GROUP_SET, .since = "1.0.0",
      .complexity = "O(1)", .summary = "Tells whether a set has a member.",
      .args = ARGS(ARG_KEY("key"), MEMBER), .example = "SADD s a | SISMEMBER s a => :1\r\n" },
    { .name = "smismember", .run = run_smismember, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SET, .group = GROUP_SET, .since = "6.2.0",
      .complexity = "O(N) for N members", .summary = "Tells of several members whether a set has them.",
      .args = ARGS(ARG_KEY("key"), MEMBERS), .example = "SADD s a | SMISMEMBER s a x => *2\r\n:1\r\n:0\r\n" },
    { .name = "scard", .run = run_scard, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_SET, .group = GROUP_SET, .since = "1.0.0",
      .complexity = "O(1)", .summary = "Gives the number of members.", .args = ARGS(ARG_KEY("key")),
      .example = "SADD s a b | SCARD s => :2\r\n" },
    { .name = "smembers", .run = run_smembers, .arity = 2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SET, .group = GROUP_SET,
      .since = "1.0.0", .complexity = "O(N) for N members", .tips = any_order,
      .summary = "Gives all members.", .args = ARGS(ARG_KEY("key")),
      .example = "SADD s a | SMEMBERS s => *1\r\n$1\r\na\r\n" },
    { .name = "spop", .run = run_spop, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, .acl = ACL_SET, .group = GROUP_SET,
      .journal = journal_spop, .since = "1.0.0", .complexity = "O(N) for N members taken",
      .tips = any_output, .summary = "Takes random members out.",
      .args = ARGS(ARG_KEY("key"), { .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL,
                                     .since = "3.2.0" }),
      .history = HISTORY("3.2.0", "The count."),
      .example = "SADD s a | SPOP s => $1\r\na\r\n" },
    { .name = "srandmember", .run = run_srandmember, .arity = -2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SET, .group = GROUP_SET,
      .since = "1.0.0", .complexity = "O(N) for N members drawn", .tips = any_output,
      .summary = "Gives random members: distinct ones, or with a negative count any.",
      .args = ARGS(ARG_KEY("key"), { .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL,
                                     .since = "2.6.0" }),
      .history = HISTORY("2.6.0", "The count."),
      .example = "SADD s a | SRANDMEMBER s -2 => *2\r\n$1\r\na\r\n$1\r\na\r\n" },
    { .name = "sscan", .run = run_sscan, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SET, .group = GROUP_SET,
      .since = "2.8.0", .tips = any_output,
      .complexity = "O(COUNT) a call, O(N) for all calls until the cursor is 0 again, for N members",
      .summary = "Goes through the members a few at a time; who is there throughout is met.",
      .args = ARGS(ARG_KEY("key"), { .name = "cursor", .type = ARG_T_INTEGER },
                   { .name = "pattern", .type = ARG_T_PATTERN, .token = "MATCH", .flags = ARG_OPTIONAL },
                   { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }),
      .example = "SADD s a | SSCAN s 0 => *2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n" },
    { 0 },
};
