/* set_algebra.c -- SINTER, SUNION, SDIFF, their storing forms, and SINTERCARD. What goes through many members does so in slices. */
#include "storage/set_algebra.h"

#include "base/mem.h"
#include "base/num.h"
#include "commands/read_job.h"
#include "commands/source_job.h"
#include "commands/tables.h"
#include "storage/type_set.h"

struct request {
    enum set_operation op;
    enum { TELLS, STORES, COUNTS } what;
    enum change_kind kind; /* of one who stores */
    int64_t limit;         /* of one who counts; 0: none */
    size_t first, n;       /* the keys among the arguments */
};

/* --- in slices -------------------------------------------------------------------------------- */

struct algebra_job {
    struct source_job base;
    struct request request;
    struct set *sets;
    struct set_algebra algebra;
    struct set result; /* of one who stores */
    int64_t count;
};

/* False: enough have been counted. */
static bool take(struct algebra_job *j, const struct listpack_item *m, struct reply *out)
{
    char scratch[NUM_TEXT_MAX];

    switch (j->request.what) {
    case TELLS:
        reply_bulk(out, set_text(m, scratch));
        source_job_told(&j->base);
        return true;
    case STORES: set_add_item(&j->result, m); return true;
    default: return ++j->count != j->request.limit;
    }
}

static bool work(struct source_job *of, struct reply *out)
{
    enum { AT_A_TIME = 4 };
    struct algebra_job *j = (struct algebra_job *)of;
    struct listpack_item found[SET_FOUND];
    size_t n = set_algebra_step(&j->algebra, AT_A_TIME, found);

    for (size_t i = 0; i < n; i++)
        if (!take(j, &found[i], out)) return false;
    return !set_algebra_done(&j->algebra);
}

static void head(const struct source_job *of, struct reply *out, size_t n)
{
    const struct algebra_job *j = (const struct algebra_job *)of;

    if (j->request.what == COUNTS) reply_int(out, j->count);
    else reply_set(out, n);
}

static enum err run_algebra(struct call *c, struct request r);

static enum err put(struct call *c, struct source_job *of)
{
    struct algebra_job *j = (struct algebra_job *)of;

    if (!source_job_read_all(c, of, j->request.first, j->request.n)) return run_algebra(c, j->request);
    reply_int(c->out, (int64_t)set_key_store_take(c->db, call_arg(c, 1), &j->result, j->request.kind));
    return OK;
}

static size_t size(const struct source_job *of)
{
    const struct algebra_job *j = (const struct algebra_job *)of;
    size_t n = j->request.n * sizeof *j->sets + set_algebra_bytes(&j->algebra);

    return j->result.ptr != NULL ? n + set_weight(j->result.enc, j->result.ptr) : n;
}

static void fini(struct source_job *of)
{
    struct algebra_job *j = (struct algebra_job *)of;

    set_algebra_end(&j->algebra);
    if (j->result.ptr != NULL) db_discard(j->result.store, VALUE_SET, j->result.enc, j->result.ptr, true);
    mem_free(j->sets);
}

static enum err run_in_slices(struct call *c, const struct request *r, const struct set *sets)
{
    struct algebra_job *j = mem_zalloc(sizeof *j);
    const void **objects = call_new(c, const void *, r->n);

    for (size_t i = 0; i < r->n; i++) objects[i] = sets[i].ptr;
    j->request = *r;
    j->sets = mem_alloc(r->n * sizeof *sets);
    memcpy(j->sets, sets, r->n * sizeof *sets);
    set_algebra_begin(&j->algebra, r->op, j->sets, r->n);
    if (r->what == STORES) j->result = set_result(c->store);
    j->base.work = work;
    j->base.size = size;
    j->base.fini = fini;
    if (r->what == STORES) j->base.put = put;
    else j->base.head = head;
    j->base.look_every = (unsigned)(1 + 16 / set_algebra_looks(&j->algebra));
    return source_job_run(c, &j->base, objects, r->n);
}

/* --- at once ---------------------------------------------------------------------------------- */

static void tell(struct call *c, struct set_algebra *a)
{
    size_t mark = reply_mark(c->out), all = 0;
    struct listpack_item found[SET_FOUND];
    char scratch[NUM_TEXT_MAX];

    while (!set_algebra_done(a)) {
        size_t n = set_algebra_step(a, SIZE_MAX, found);

        for (size_t i = 0; i < n; i++) reply_bulk(c->out, set_text(&found[i], scratch));
        all += n;
    }
    reply_set_at(c->out, mark, all);
}

static void store(struct call *c, struct set_algebra *a, enum change_kind kind)
{
    struct set result = set_result(c->store);
    struct listpack_item found[SET_FOUND];

    while (!set_algebra_done(a)) {
        size_t n = set_algebra_step(a, SIZE_MAX, found);

        for (size_t i = 0; i < n; i++) set_add_item(&result, &found[i]);
    }
    reply_int(c->out, (int64_t)set_key_store_take(c->db, call_arg(c, 1), &result, kind));
}

static void count(struct call *c, struct set_algebra *a, int64_t limit)
{
    struct listpack_item found[SET_FOUND];
    int64_t n = 0;

    while (!set_algebra_done(a) && (limit == 0 || n < limit)) n += (int64_t)set_algebra_step(a, SIZE_MAX, found);
    reply_int(c->out, limit > 0 && n > limit ? limit : n);
}

/* --- the commands ----------------------------------------------------------------------------- */

static size_t members_of_all(const struct set *sets, size_t n)
{
    size_t all = 0;

    for (size_t i = 0; i < n; i++) all += sets[i].ptr ? set_count(&sets[i]) : 0;
    return all;
}

static enum err run_algebra(struct call *c, struct request r)
{
    enum { MEMBER_GUESS = 48 };
    struct set *sets = call_new(c, struct set, r.n);
    struct set_algebra a;
    size_t all;
    enum err e = set_read_all(c->db, c->argv + r.first, r.n, sets);

    if (e != OK) return e;
    all = members_of_all(sets, r.n);
    if (r.what == STORES && !mem_can(all * MEMBER_GUESS)) return ERR_OOM;
    if (read_is_long(c, all, 0)) return run_in_slices(c, &r, sets);
    set_algebra_begin(&a, r.op, sets, r.n);
    if (r.what == TELLS) tell(c, &a);
    else if (r.what == STORES) store(c, &a, r.kind);
    else count(c, &a, r.limit);
    set_algebra_end(&a);
    return OK;
}

static enum err tell_algebra(struct call *c, enum set_operation op)
{
    return run_algebra(c, (struct request){ .op = op, .what = TELLS, .first = 1, .n = c->argc - 1 });
}

static enum err store_algebra(struct call *c, enum set_operation op, enum change_kind kind)
{
    enum err e;

    if (job_done(c, &e)) return e;
    return run_algebra(c, (struct request){ .op = op, .what = STORES, .kind = kind, .first = 2, .n = c->argc - 2 });
}

static enum err run_sinter(struct call *c) { return tell_algebra(c, SET_INTERSECT); }
static enum err run_sunion(struct call *c) { return tell_algebra(c, SET_UNITE); }
static enum err run_sdiff(struct call *c) { return tell_algebra(c, SET_SUBTRACT); }
static enum err run_sinterstore(struct call *c) { return store_algebra(c, SET_INTERSECT, CHANGE_SINTERSTORE); }
static enum err run_sunionstore(struct call *c) { return store_algebra(c, SET_UNITE, CHANGE_SUNIONSTORE); }
static enum err run_sdiffstore(struct call *c) { return store_algebra(c, SET_SUBTRACT, CHANGE_SDIFFSTORE); }

static enum err run_sintercard(struct call *c)
{
    struct request r = { .op = SET_INTERSECT, .what = COUNTS, .first = 2 };
    int64_t n;

    if (call_range(c, 1, 1, INT64_MAX, ERR_NUMKEYS, &n) != OK) return ERR_NUMKEYS;
    if ((uint64_t)n > c->argc - 2) return ERR_NUMKEYS_ARGS;
    for (size_t i = (size_t)n + 2; i < c->argc; i += 2) {
        if (!call_is(c, i, "limit") || i + 1 == c->argc) return ERR_SYNTAX;
        if (call_range(c, i + 1, 0, INT64_MAX, ERR_LIMIT_NEGATIVE, &r.limit) != OK) return ERR_LIMIT_NEGATIVE;
    }
    r.n = (size_t)n;
    return run_algebra(c, r);
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
