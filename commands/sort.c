/* sort.c -- SORT and SORT_RO: the elements of a list, a set or a sorted set in order, by themselves or by
 * values under other keys, as they are or as other keys have it, for reading or to be stored as a list.
 *
 *     SORT ids BY weight_* LIMIT 0 10 GET # GET user_*->name
 *
 * Many elements are sorted in slices (source_job.h). Who looks at other keys then hears of all that his patterns may name. */
#include "base/mem.h"
#include "commands/read_job.h"
#include "commands/sorting.h"
#include "commands/source_job.h"
#include "commands/tables.h"
#include "storage/type_list.h"

struct request {
    struct sorting sorting;
    bool stores;
    struct str store;
};

/* --- options ---------------------------------------------------------------------------------- */

static enum err parse(struct call *c, bool may_store, struct request *r)
{
    bool reads_all = c->reads_all_keys == NULL || c->reads_all_keys(c);
    struct sorting *s = &r->sorting;
    enum err e;

    *s = (struct sorting){ .db = c->db, .arena = c->arena, .limit = -1 };
    r->stores = false;
    s->get = arena_alloc(c->arena, c->argc * sizeof *s->get);
    for (size_t i = 2; i < c->argc; i++) {
        size_t left = c->argc - i - 1;
        if (call_is(c, i, "asc")) {
            s->down = false;
        } else if (call_is(c, i, "desc")) {
            s->down = true;
        } else if (call_is(c, i, "alpha")) {
            s->alpha = true;
        } else if (left >= 2 && call_is(c, i, "limit")) {
            e = call_i64(c, ++i, &s->offset);
            if (e == OK) e = call_i64(c, ++i, &s->limit);
            if (e != OK) return e;
        } else if (may_store && left >= 1 && call_is(c, i, "store")) {
            r->store = call_arg(c, ++i);
            r->stores = true;
        } else if (left >= 1 && call_is(c, i, "by")) {
            s->by = call_arg(c, ++i);
            s->by_pattern = true;
            /* Once a pattern names no element there is nothing to sort by, whatever follows. */
            if (memchr(s->by.p, '*', s->by.n) == NULL) s->as_it_is = true;
            else if (!reads_all) return ERR_SORT_BY_DENIED;
        } else if (left >= 1 && call_is(c, i, "get")) {
            if (!reads_all) return ERR_SORT_GET_DENIED;
            s->get[s->n_get++] = call_arg(c, ++i);
        } else {
            return ERR_SYNTAX;
        }
    }
    return OK;
}

/* --- in slices -------------------------------------------------------------------------------- */

struct sort_job {
    struct source_job base;
    struct sorting sorting;
    struct arena *arena;  /* the sorting's */
    bool sorted;
    enum err error;
    size_t at;            /* of what comes out */
    struct list *result;  /* of one who stores */
};

static bool looks_at_others(const struct sorting *s)
{
    return (s->by_pattern && !s->as_it_is) || s->n_get > 0;
}

static bool sort_on(struct sort_job *j)
{
    enum { AT_A_TIME = 16 };

    j->error = sorting_step(&j->sorting, AT_A_TIME, &j->sorted);
    if (j->base.head != NULL && j->sorting.phase != SORTING_LOADS && !looks_at_others(&j->sorting)) source_job_has_read(&j->base);
    return j->error == OK;
}

static bool work(struct source_job *of, struct reply *out)
{
    struct sort_job *j = (struct sort_job *)of;

    if (!j->sorted) return sort_on(j);
    if (j->at == j->sorting.n_out) return false;
    if (j->result != NULL) {
        sorting_push(&j->sorting, j->at++, 1, j->result);
    } else {
        sorting_reply(&j->sorting, j->at++, 1, out);
        source_job_told(of);
    }
    return true;
}

static void head(const struct source_job *of, struct reply *out, size_t n)
{
    const struct sort_job *j = (const struct sort_job *)of;

    (void)n;
    if (j->error != OK) reply_error(out, str_c(err_text(j->error)));
    else reply_array(out, sorting_replies(&j->sorting));
}

static enum err run(struct call *c, bool may_store);

static enum err put(struct call *c, struct source_job *of)
{
    struct sort_job *j = (struct sort_job *)of;
    struct request r;
    enum err e;

    if (!source_job_read_all(c, of, 1, 1)) return run(c, true);
    e = parse(c, true, &r);
    if (e == OK) e = j->error;
    if (e == OK) reply_int(c->out, (int64_t)lists_store_take(c->db, r.store, &j->result, CHANGE_SORTSTORE));
    return e;
}

static size_t size(const struct source_job *of)
{
    const struct sort_job *j = (const struct sort_job *)of;

    return sorting_bytes(&j->sorting) + (j->result != NULL ? list_weight(j->result) : 0);
}

static void fini(struct source_job *of)
{
    struct sort_job *j = (struct sort_job *)of;
    struct store *s = j->sorting.db->store;

    if (j->result != NULL) db_discard(s, VALUE_LIST, ENC_LIST, j->result, true);
    sorting_fini(&j->sorting);
    source_job_drop_arena(s, j->arena);
}

/* A change to e: to the source, or to what patterns may name. */
static bool reads(const struct value_reader *r, const struct entry *e)
{
    const struct sort_job *j = LINK_OF(r, struct sort_job, base.reader);

    return source_job_reads(r, e) || (e != NULL ? sorting_looks_at(&j->sorting, e) : looks_at_others(&j->sorting));
}

static enum err run_in_slices(struct call *c, const struct request *r, const struct entry *e)
{
    struct sort_job *j = mem_zalloc(sizeof *j);
    struct sorting *s = &j->sorting;
    const void *source = entry_ptr(e);
    enum err err;

    j->arena = source_job_arena();
    *s = r->sorting;
    s->arena = j->arena;
    s->in_pieces = true;
    s->as_of_ms = c->store->now_ms;
    s->by = arena_dup(s->arena, s->by);
    s->get = arena_alloc(s->arena, (s->n_get + 1) * sizeof *s->get);
    for (size_t i = 0; i < s->n_get; i++) s->get[i] = arena_dup(s->arena, r->sorting.get[i]);
    j->base.work = work;
    j->base.size = size;
    j->base.fini = fini;
    j->base.reader.reads = reads;
    j->base.look_every = (unsigned)(1 + 8 / (1 + s->n_get));
    if (r->stores) {
        j->base.reader.of_moment = looks_at_others(s);
        j->base.put = put;
        j->result = list_new();
    } else {
        j->base.head = head;
    }
    err = sorting_begin(s, e);
    if (err == OK) return source_job_run(c, &j->base, &source, 1);
    fini(&j->base);
    mem_free(j);
    return err;
}

/* --- the commands ----------------------------------------------------------------------------- */

static enum err sort_at_once(struct call *c, struct request *r, const struct entry *e)
{
    struct sorting *s = &r->sorting;
    bool ready = false;
    struct list *l;
    enum err err = OK;

    if (e != NULL) err = sorting_begin(s, e);
    while (e != NULL && err == OK && !ready) err = sorting_step(s, SIZE_MAX, &ready);
    if (err != OK) return err;
    if (r->stores) {
        l = list_new();
        sorting_push(s, 0, s->n_out, l);
        reply_int(c->out, (int64_t)lists_store_take(c->db, r->store, &l, CHANGE_SORTSTORE));
    } else {
        reply_array(c->out, sorting_replies(s));
        sorting_reply(s, 0, s->n_out, c->out);
    }
    return OK;
}

static enum err run(struct call *c, bool may_store)
{
    struct request r;
    const struct entry *e;
    size_t n = 0;
    enum err err = parse(c, may_store, &r);

    if (err != OK) return err;
    r.sorting.drops = r.stores;
    e = db_read(c->db, call_arg(c, 1));
    if (e != NULL) {
        enum value_type t = entry_type(e);
        if (t != VALUE_LIST && t != VALUE_SET && t != VALUE_ZSET) return ERR_WRONG_TYPE;
        /* A set has no order that a replay, or the next run of a script, would find again. Where waiting is
         * not allowed this may be a script; or a transaction, for which any order is as good. */
        n = sorting_count(&r.sorting, e, r.stores || !c->may_block);
    }
    if (read_is_long(c, n, 0)) return run_in_slices(c, &r, e);
    err = sort_at_once(c, &r, e);
    sorting_fini(&r.sorting);
    return err;
}

static enum err run_sort(struct call *c)
{
    enum err e;

    if (job_done(c, &e)) return e;
    return run(c, true);
}

static enum err run_sort_ro(struct call *c)
{
    return run(c, false);
}

/* Where SORT's destination stands: behind the last STORE that is an option and no option's argument. Stock servers take a
 * destination for an option when it is named like one; the handler does not, so who may write to one key could write to another. */
static size_t find_store(size_t argc, const struct str *argv, struct key_ref *refs, size_t max)
{
    size_t at = 0;

    for (size_t i = 2; i < argc; i++) {
        if (str_is(argv[i], "limit"))
            i += 2;
        else if (str_is(argv[i], "get") || str_is(argv[i], "by"))
            i++;
        else if (str_is(argv[i], "store") && i + 1 < argc)
            at = ++i;
    }
    if (at > 0 && max > 0) refs[0] = (struct key_ref){ (uint32_t)at, KEY_OW | KEY_UPDATE };
    return at > 0;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define SORT_ROW .arity = -2, .acl = ACL_SET | ACL_SORTEDSET | ACL_LIST | ACL_DANGEROUS, \
    .group = GROUP_GENERIC, \
    .complexity = "O(N+M*log(M)) for N elements to sort and M that come out; O(N) where nothing is sorted"
#define SORTED KEY_AT(1, KEY_RO | KEY_ACCESS), KEYS_UNKNOWN(KEY_RO | KEY_ACCESS)
#define OPTIONS \
    ARG_KEY("key"), \
    { .name = "by-pattern", .type = ARG_T_PATTERN, .token = "BY", .flags = ARG_OPTIONAL, .key_spec = 1, \
      .display = "pattern" }, \
    { .name = "limit", .type = ARG_T_BLOCK, .token = "LIMIT", .flags = ARG_OPTIONAL, .subs = limit_args }, \
    { .name = "get-pattern", .type = ARG_T_PATTERN, .token = "GET", .key_spec = 1, .display = "pattern", \
      .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN }, \
    { .name = "order", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = order_args }, \
    { .name = "sorting", .type = ARG_T_PURE_TOKEN, .token = "ALPHA", .flags = ARG_OPTIONAL }

static const struct command_arg limit_args[] = {
    { .name = "offset", .type = ARG_T_INTEGER },
    { .name = "count", .type = ARG_T_INTEGER },
    { 0 },
};
static const struct command_arg order_args[] = {
    { .name = "asc", .type = ARG_T_PURE_TOKEN, .token = "ASC" },
    { .name = "desc", .type = ARG_T_PURE_TOKEN, .token = "DESC" },
    { 0 },
};

const struct command sort_commands[] = {
    { .name = "sort", .run = run_sort, .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS, SORT_ROW,
      .keys = { SORTED, KEYS_UNKNOWN(KEY_OW | KEY_UPDATE) }, .more_keys = find_store, .since = "1.0.0",
      .summary = "Sorts the elements of a list, a set or a sorted set, and gives or stores them.",
      .args = ARGS(OPTIONS, { .name = "destination", .type = ARG_T_KEY, .token = "STORE",
                              .flags = ARG_OPTIONAL, .key_spec = 2 }),
      .example = "RPUSH l 3 1 2 | SORT l DESC LIMIT 0 2 => *2\r\n$1\r\n3\r\n$1\r\n2\r\n" },
    { .name = "sort_ro", .run = run_sort_ro, .flags = CMD_READONLY | CMD_MOVABLE_KEYS, SORT_ROW,
      .keys = { SORTED }, .since = "7.0.0",
      .summary = "Gives the elements of a list, a set or a sorted set in order.", .args = ARGS(OPTIONS),
      .example = "RPUSH l 3 1 | MSET w1 9 w3 5 | SORT_RO l BY w* => *2\r\n$1\r\n3\r\n$1\r\n1\r\n" },
    { 0 },
};
