/* set_algebra.c -- SINTER, SUNION, SDIFF, their storing forms, and SINTERCARD. */
#include "storage/set_algebra.h"

#include "base/mem.h"
#include "base/num.h"
#include "commands/tables.h"
#include "storage/type_set.h"

typedef void algebra_fn(struct set *sets, size_t n, set_member_fn *fn, void *ctx);

/* The sets of n keys, opened in the arena. */
static enum err open_all(struct call *c, size_t first, size_t n, struct set **sets)
{
    *sets = call_new(c, struct set, n);
    return set_read_all(c->db, c->argv + first, n, *sets);
}

struct members {
    struct reply *out;
    size_t n;
};

static bool reply_member(void *ctx, const struct listpack_item *m)
{
    struct members *r = ctx;
    char scratch[NUM_TEXT_MAX];

    reply_bulk(r->out, set_text(m, scratch));
    r->n++;
    return true;
}

static enum err reply_algebra(struct call *c, algebra_fn *fn)
{
    struct members r = { c->out, 0 };
    size_t mark = reply_mark(c->out);
    struct set *sets;
    enum err e = open_all(c, 1, c->argc - 1, &sets);

    if (e != OK) return e;
    fn(sets, c->argc - 1, reply_member, &r);
    reply_set_at(c->out, mark, r.n);
    return OK;
}

static bool collect(void *ctx, const struct listpack_item *m)
{
    set_add_item(ctx, m);
    return true;
}

/* Is there memory for a result of all their members? */
static bool can_store(const struct set *sets, size_t n)
{
    enum { MEMBER_GUESS = 48 };
    size_t all = 0;

    for (size_t i = 0; i < n; i++) all += sets[i].ptr ? set_count(&sets[i]) : 0;
    return mem_can(all * MEMBER_GUESS);
}

static enum err store_algebra(struct call *c, algebra_fn *fn, enum change_kind kind)
{
    struct set *sets, result;
    enum err e = open_all(c, 2, c->argc - 2, &sets);

    if (e != OK) return e;
    if (!can_store(sets, c->argc - 2)) return ERR_OOM;
    result = set_result(c->store);
    fn(sets, c->argc - 2, collect, &result);
    reply_int(c->out, (int64_t)set_key_store_take(c->db, call_arg(c, 1), &result, kind));
    return OK;
}

static enum err run_sinter(struct call *c) { return reply_algebra(c, set_intersect); }
static enum err run_sunion(struct call *c) { return reply_algebra(c, set_unite); }
static enum err run_sdiff(struct call *c) { return reply_algebra(c, set_subtract); }
static enum err run_sinterstore(struct call *c) { return store_algebra(c, set_intersect, CHANGE_SINTERSTORE); }
static enum err run_sunionstore(struct call *c) { return store_algebra(c, set_unite, CHANGE_SUNIONSTORE); }
static enum err run_sdiffstore(struct call *c) { return store_algebra(c, set_subtract, CHANGE_SDIFFSTORE); }

struct counter {
    int64_t n, limit; /* limit 0: none */
};

static bool count_member(void *ctx, const struct listpack_item *m)
{
    struct counter *k = ctx;

    (void)m;
    k->n++;
    return k->n != k->limit;
}

static enum err run_sintercard(struct call *c)
{
    struct counter k = { 0 };
    struct set *sets;
    int64_t n;
    enum err e = call_range(c, 1, 1, INT64_MAX, ERR_NUMKEYS, &n);

    if (e != OK) return ERR_NUMKEYS;
    if ((uint64_t)n > c->argc - 2) return ERR_NUMKEYS_ARGS;
    for (size_t i = (size_t)n + 2; i < c->argc; i += 2) {
        if (!call_is(c, i, "limit") || i + 1 == c->argc) return ERR_SYNTAX;
        if (call_range(c, i + 1, 0, INT64_MAX, ERR_LIMIT_NEGATIVE, &k.limit) != OK) return ERR_LIMIT_NEGATIVE;
    }
    e = open_all(c, 2, (size_t)n, &sets);
    if (e != OK) return e;
    set_intersect(sets, (size_t)n, count_member, &k);
    reply_int(c->out, k.n);
    return OK;
}

static const char *const any_order[] = { "nondeterministic_output_order", NULL };

#define KEYS_ARG { .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }
#define READ_ROW(n, fn, text, co, ex) \
    { .name = (n), .run = (fn), .arity = -2, .flags = CMD_READONLY, \
      .keys = { KEYS_FROM(1, -1, 1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SET, .group = GROUP_SET, \
      .since = "1.0.0", .complexity = (co), .tips = any_order, .summary = (text), \
      .args = ARGS(KEYS_ARG), .example = (ex) }
#define STORE_ROW(n, fn, key_flags, text, co, ex) \
    { .name = (n), .run = (fn), .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM, \
      .keys = { KEY_AT(1, (key_flags)), KEYS_FROM(2, -1, 1, KEY_RO | KEY_ACCESS) }, \
      .acl = ACL_SET, .group = GROUP_SET, .since = "1.0.0", .complexity = (co), .summary = (text), \
      .args = ARGS(ARG_KEY("destination"), \
                   { .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE, .key_spec = 1 }), \
      .example = (ex) }

const struct command set_algebra_commands[] = {
    READ_ROW("sinter", run_sinter, "Gives the members that all sets have.",
             "O(N*M) at worst, N being the members of the smallest set and M the sets",
             "SADD s a b | SADD t b c | SINTER s t => *1\r\n$1\r\nb\r\n"),
    READ_ROW("sunion", run_sunion, "Gives the members that any set has.", "O(N) for N members of all sets",
             "SADD s a | SUNION s x => *1\r\n$1\r\na\r\n"),
    READ_ROW("sdiff", run_sdiff, "Gives the members of the first set that no other has.",
             "O(N) for N members of all sets", "SADD s a b | SADD t b | SDIFF s t => *1\r\n$1\r\na\r\n"),
    STORE_ROW("sinterstore", run_sinterstore, KEY_RW | KEY_UPDATE, "Stores the members that all sets have.",
              "O(N*M) at worst, N being the members of the smallest set and M the sets",
              "SADD s a b | SADD t b c | SINTERSTORE d s t => :1\r\n"),
    STORE_ROW("sunionstore", run_sunionstore, KEY_OW | KEY_UPDATE, "Stores the members that any set has.",
              "O(N) for N members of all sets", "SADD s a | SADD t b | SUNIONSTORE d s t => :2\r\n"),
    STORE_ROW("sdiffstore", run_sdiffstore, KEY_OW | KEY_UPDATE, "Stores the members of the first set that no other has.",
              "O(N) for N members of all sets", "SADD s a b | SADD t b | SDIFFSTORE d s t => :1\r\n"),
    { .name = "sintercard", .run = run_sintercard, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEYS_COUNTED(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SET, .group = GROUP_SET,
      .since = "7.0.0",
      .complexity = "O(N*M) at worst, N being the members of the smallest set and M the sets",
      .summary = "Counts the members that all sets have.",
      .args = ARGS({ .name = "numkeys", .type = ARG_T_INTEGER }, KEYS_ARG,
                   { .name = "limit", .type = ARG_T_INTEGER, .token = "LIMIT", .flags = ARG_OPTIONAL }),
      .example = "SADD s a b | SADD t a b | SINTERCARD 2 s t LIMIT 1 => :1\r\n" },
    { 0 },
};
