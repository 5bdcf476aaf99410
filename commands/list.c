/* list.c -- commands on one list. Those that move between lists or wait for an element are in
 * list_blocking.c. */
#include "base/mem.h"
#include "commands/list_reply.h"
#include "commands/read_job.h"
#include "commands/tables.h"

/* --- pushing ---------------------------------------------------------------------------------- */

static enum err push(struct call *c, enum list_end end, bool if_there)
{
    uint64_t n = 0;
    enum err e = lists_push(c->db, call_arg(c, 1), end, c->argv + 2, c->argc - 2, if_there, &n);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, (int64_t)n);
    return OK;
}

static enum err run_lpush(struct call *c)
{
    return push(c, LIST_LEFT, false);
}

static enum err run_rpush(struct call *c)
{
    return push(c, LIST_RIGHT, false);
}

static enum err run_lpushx(struct call *c)
{
    return push(c, LIST_LEFT, true);
}

static enum err run_rpushx(struct call *c)
{
    return push(c, LIST_RIGHT, true);
}

/* --- popping ---------------------------------------------------------------------------------- */

static void give_bulk(void *ctx, struct str v)
{
    reply_bulk(ctx, v);
}

struct popping {
    struct reply *out;
    enum list_end end;
};

static void give_array(void *ctx, const struct list *l, uint64_t n)
{
    struct popping *p = ctx;
    reply_list_end(p->out, l, p->end, n);
}

static enum err pop_many(struct call *c, enum list_end end)
{
    struct popping p = { c->out, end };
    const struct list *l;
    int64_t count;
    enum err e = call_range(c, 2, 0, INT64_MAX, ERR_NOT_POSITIVE, &count);

    if (e != OK) return ERR_NOT_POSITIVE; /* of what is no number, too */
    if (count > 0) {
        e = lists_pop(c->db, call_arg(c, 1), end, (uint64_t)count, give_array, &p);
    } else {
        e = lists_read(c->db, call_arg(c, 1), &l);
        if (e == OK) reply_array(c->out, 0);
    }
    if (e != ERR_NO_KEY) return e;
    reply_null_array(c->out);
    return OK;
}

static enum err pop(struct call *c, enum list_end end)
{
    enum err e;

    if (c->argc > 3) return ERR_ARITY;
    if (c->argc == 3) return pop_many(c, end);
    e = lists_pop_one(c->db, call_arg(c, 1), end, give_bulk, c->out);
    if (e != ERR_NO_KEY) return e;
    reply_null(c->out);
    return OK;
}

static enum err run_lpop(struct call *c)
{
    return pop(c, LIST_LEFT);
}

static enum err run_rpop(struct call *c)
{
    return pop(c, LIST_RIGHT);
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum err run_llen(struct call *c)
{
    const struct list *l;
    enum err e = lists_read(c->db, call_arg(c, 1), &l);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, e == OK ? (int64_t)list_count(l) : 0);
    return OK;
}

static void give_span(void *ctx, const char *p, size_t n)
{
    reply_raw(ctx, p, n);
}

/* Elements are stored framed as bulks: a range goes out as it lies. */
void reply_list_range(struct reply *r, const struct list *l, uint64_t start, uint64_t stop)
{
    reply_array(r, stop - start + 1);
    list_spans(l, start, stop, give_span, r);
}

void reply_list_end(struct reply *r, const struct list *l, enum list_end end, uint64_t n)
{
    struct buf scratch = { 0 };
    struct list_iter it;

    if (end == LIST_LEFT) {
        reply_list_range(r, l, 0, n - 1);
        return;
    }
    reply_array(r, n);
    list_iter_at(&it, l, list_count(l) - 1, LIST_LEFT);
    while (n-- > 0 && list_next(&it)) reply_bulk(r, list_iter_get(&it, &scratch));
    buf_fini(&scratch);
}

/* Many elements. */
struct elements {
    struct read_job base;
    struct list_iter it;
    uint64_t left;
};

static bool next_element(struct read_job *j, struct reply *out)
{
    struct elements *l = (struct elements *)j;

    if (l->left == 0 || !list_next(&l->it)) return false;
    l->left--;
    reply_bulk(out, list_iter_get(&l->it, &j->scratch));
    return true;
}

static void head_of_elements(const struct read_job *j, struct reply *out, size_t n)
{
    (void)j;
    reply_array(out, n);
}

static enum err tell_elements(struct call *c, const struct list *l, uint64_t start, uint64_t n)
{
    struct elements *all = mem_zalloc(sizeof *all);

    all->base.next = next_element;
    all->base.head = head_of_elements;
    all->left = n;
    list_iter_at(&all->it, l, start, LIST_RIGHT);
    return read_job_run(c, &all->base, l);
}

enum { ROWS_COPIED = 16 }; /* told at once they are copied as they lie, so many for one that is told by itself */

/* About so many bytes have n elements. */
static size_t bytes_of(const struct list *l, uint64_t n)
{
    size_t all = list_frames(l);

    return LIKELY(all <= READ_LONG_BYTES) ? all : (size_t)(all / list_count(l) * n);
}

static enum err run_lrange(struct call *c)
{
    const struct list *l;
    int64_t start, stop;
    enum err e = call_i64(c, 2, &start);

    if (e == OK) e = call_i64(c, 3, &stop);
    if (e == OK) e = lists_read(c->db, call_arg(c, 1), &l);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == OK && lists_range(&start, &stop, list_count(l))) {
        uint64_t n = (uint64_t)(stop - start) + 1;

        if (read_is_long(c, n / ROWS_COPIED, bytes_of(l, n))) return tell_elements(c, l, (uint64_t)start, n);
        reply_list_range(c->out, l, (uint64_t)start, (uint64_t)stop);
    } else {
        reply_array(c->out, 0);
    }
    return OK;
}

static enum err run_lindex(struct call *c)
{
    struct buf scratch = { 0 };
    const struct list *l;
    int64_t index;
    uint64_t at;
    enum err e = lists_read(c->db, call_arg(c, 1), &l);

    if (e == OK) e = call_i64(c, 2, &index);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == OK && lists_index(index, list_count(l), &at)) {
        reply_bulk(c->out, list_get(l, at, &scratch));
        buf_fini(&scratch);
    } else {
        reply_null(c->out);
    }
    return OK;
}

/* --- LPOS ------------------------------------------------------------------------------------- */

/* The number of an option, not negative; whatever else it is, the error is `otherwise`. */
static enum err option_number(struct call *c, size_t i, uint64_t *out, enum err otherwise)
{
    int64_t v;

    if (call_range(c, i, 0, INT64_MAX, otherwise, &v) != OK) return otherwise;
    *out = (uint64_t)v;
    return OK;
}

static enum err lpos_option(struct call *c, size_t i, struct lists_search *s, bool *array)
{
    enum err e;

    if (i + 1 >= c->argc) return ERR_SYNTAX;
    if (call_is(c, i, "rank")) {
        e = call_range(c, i + 1, -INT64_MAX, INT64_MAX, ERR_LONG_RANGE, &s->rank);
        return e == OK && s->rank == 0 ? ERR_RANK_ZERO : e;
    }
    if (call_is(c, i, "count")) {
        *array = true;
        return option_number(c, i + 1, &s->count, ERR_COUNT_NEGATIVE);
    }
    if (call_is(c, i, "maxlen")) return option_number(c, i + 1, &s->maxlen, ERR_MAXLEN_NEGATIVE);
    return ERR_SYNTAX;
}

static void give_index(void *ctx, uint64_t index)
{
    reply_int(ctx, (int64_t)index);
}

static enum err run_lpos(struct call *c)
{
    struct lists_search s = { .v = call_arg(c, 2), .rank = 1, .count = 1 };
    size_t mark = reply_mark(c->out);
    const struct list *l;
    bool array = false;
    uint64_t n = 0;
    enum err e = OK;

    for (size_t i = 3; i < c->argc && e == OK; i += 2) e = lpos_option(c, i, &s, &array);
    if (e == OK) e = lists_read(c->db, call_arg(c, 1), &l);
    if (e == OK) n = lists_find(l, &s, give_index, c->out);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (array) {
        reply_array_at(c->out, mark, n);
    } else if (n == 0) {
        reply_null(c->out);
    }
    return OK;
}

/* --- changing --------------------------------------------------------------------------------- */

static enum err run_lset(struct call *c)
{
    const struct list *l;
    int64_t index;
    enum err bad = call_i64(c, 2, &index), e;

    if (bad == OK) {
        e = lists_set(c->db, call_arg(c, 1), index, call_arg(c, 3));
    } else { /* what is wrong with the key is told before what is wrong with the index */
        e = lists_read(c->db, call_arg(c, 1), &l);
        if (e == OK) e = bad;
    }
    if (e == OK) reply_ok(c->out);
    return e == ERR_NO_KEY ? ERR_NO_SUCH_KEY : e;
}

static enum err run_linsert(struct call *c)
{
    bool after = call_is(c, 2, "after");
    uint64_t n = 0;
    enum err e;

    if (!after && !call_is(c, 2, "before")) return ERR_SYNTAX;
    e = lists_insert(c->db, call_arg(c, 1), call_arg(c, 3), after, call_arg(c, 4), &n);
    if (e != OK && e != ERR_NO_KEY && e != ERR_NOT_DONE) return e;
    reply_int(c->out, e == ERR_NOT_DONE ? -1 : (int64_t)n);
    return OK;
}

static enum err run_lrem(struct call *c)
{
    uint64_t n = 0;
    int64_t count;
    enum err e = call_i64(c, 2, &count);

    if (e == OK) e = lists_remove(c->db, call_arg(c, 1), count, call_arg(c, 3), &n);
    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, (int64_t)n);
    return OK;
}

static enum err run_ltrim(struct call *c)
{
    int64_t start, stop;
    enum err e = call_i64(c, 2, &start);

    if (e == OK) e = call_i64(c, 3, &stop);
    if (e == OK) e = lists_trim(c->db, call_arg(c, 1), start, stop);
    if (e != OK && e != ERR_NO_KEY) return e;
    reply_ok(c->out);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

#define PUSH_ARGS \
    ARGS(ARG_KEY("key"), { .name = "element", .type = ARG_T_STRING, .flags = ARG_MULTIPLE })
#define POP_ARGS \
    ARGS(ARG_KEY("key"), \
         { .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL, .since = "6.2.0" })
#define LIST_ROW .acl = ACL_LIST, .group = GROUP_LIST

static const char *const push_history[] = { "2.4.0", "Several elements may be given.", NULL };
static const char *const pushx_history[] = { "4.0.0", "Several elements may be given.", NULL };
static const char *const pop_history[] = { "6.2.0", "The argument `count`.", NULL };
static const char push_complexity[] = "O(N) where N is the number of elements given.";

static const struct command_arg where_args[] = {
    { .name = "before", .type = ARG_T_PURE_TOKEN, .token = "BEFORE" },
    { .name = "after", .type = ARG_T_PURE_TOKEN, .token = "AFTER" },
    { 0 },
};

const struct command list_commands[] = {
    { .name = "lpush", .run = run_lpush, .arity = -3,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) },
      LIST_ROW, .since = "1.0.0", .complexity = push_complexity,
      .summary = "Adds elements at the left end of a list, one after the other; makes the list.",
      .history = push_history, .args = PUSH_ARGS,
      .example = "LPUSH k a b | LRANGE k 0 -1 => *2\r\n$1\r\nb\r\n$1\r\na\r\n" },
    { .name = "rpush", .run = run_rpush, .arity = -3,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) },
      LIST_ROW, .since = "1.0.0", .complexity = push_complexity,
      .summary = "Adds elements at the right end of a list, one after the other; makes the list.",
      .history = push_history, .args = PUSH_ARGS,
      .example = "RPUSH k a b | LRANGE k 0 -1 => *2\r\n$1\r\na\r\n$1\r\nb\r\n" },
    { .name = "lpushx", .run = run_lpushx, .arity = -3,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) },
      LIST_ROW, .since = "2.2.0", .complexity = push_complexity,
      .summary = "Adds elements at the left end of a list that is there.",
      .history = pushx_history, .args = PUSH_ARGS, .example = "LPUSHX k a => :0\r\n" },
    { .name = "rpushx", .run = run_rpushx, .arity = -3,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) },
      LIST_ROW, .since = "2.2.0", .complexity = push_complexity,
      .summary = "Adds elements at the right end of a list that is there.",
      .history = pushx_history, .args = PUSH_ARGS, .example = "RPUSHX k a => :0\r\n" },
    { .name = "lpop", .run = run_lpop, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, LIST_ROW, .since = "1.0.0",
      .complexity = "O(N) where N is the number of elements taken.",
      .summary = "Takes elements from the left end of a list; the key goes with the last one.",
      .history = pop_history, .args = POP_ARGS, .example = "RPUSH k a b | LPOP k => $1\r\na\r\n" },
    { .name = "rpop", .run = run_rpop, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, LIST_ROW, .since = "1.0.0",
      .complexity = "O(N) where N is the number of elements taken.",
      .summary = "Takes elements from the right end of a list; the key goes with the last one.",
      .history = pop_history, .args = POP_ARGS, .example = "RPUSH k a b | RPOP k => $1\r\nb\r\n" },
    { .name = "llen", .run = run_llen, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, LIST_ROW, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Gives the number of elements of a list.", .args = ARGS(ARG_KEY("key")),
      .example = "RPUSH k a b | LLEN k => :2\r\n" },
    { .name = "lrange", .run = run_lrange, .arity = 4, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, LIST_ROW, .since = "1.0.0",
      .complexity = "O(S+N) where S is the distance of the start from the nearer end, in blocks of "
                    "some hundred to some thousand bytes, and N is the number of elements given.",
      .summary = "Gives a range of elements of a list.",
      .args = ARGS(ARG_KEY("key"), { .name = "start", .type = ARG_T_INTEGER },
                   { .name = "stop", .type = ARG_T_INTEGER }),
      .example = "RPUSH k a b c | LRANGE k -2 -1 => *2\r\n$1\r\nb\r\n$1\r\nc\r\n" },
    { .name = "lindex", .run = run_lindex, .arity = 3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, LIST_ROW, .since = "1.0.0",
      .complexity = "O(S) where S is the distance from the nearer end, in blocks of some hundred "
                    "to some thousand bytes.",
      .summary = "Gives the element of a list at an index.",
      .args = ARGS(ARG_KEY("key"), { .name = "index", .type = ARG_T_INTEGER }),
      .example = "RPUSH k a b c | LINDEX k -1 => $1\r\nc\r\n" },
    { .name = "lpos", .run = run_lpos, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, LIST_ROW, .since = "6.0.6",
      .complexity = "O(N) where N is the number of elements looked at: all, or up to MAXLEN.",
      .summary = "Finds the indexes of the elements of a list that equal a value.",
      .args = ARGS(ARG_KEY("key"), { .name = "element", .type = ARG_T_STRING },
                   { .name = "rank", .type = ARG_T_INTEGER, .token = "RANK",
                     .flags = ARG_OPTIONAL },
                   { .name = "num-matches", .type = ARG_T_INTEGER, .token = "COUNT",
                     .flags = ARG_OPTIONAL },
                   { .name = "len", .type = ARG_T_INTEGER, .token = "MAXLEN",
                     .flags = ARG_OPTIONAL }),
      .example = "RPUSH k a b a | LPOS k a RANK 2 => :2\r\n" },
    { .name = "lset", .run = run_lset, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, LIST_ROW, .since = "1.0.0",
      .complexity = "O(S) where S is the distance from the nearer end, in blocks of some hundred "
                    "to some thousand bytes.",
      .summary = "Replaces the element of a list at an index.",
      .args = ARGS(ARG_KEY("key"), { .name = "index", .type = ARG_T_INTEGER },
                   { .name = "element", .type = ARG_T_STRING }),
      .example = "RPUSH k a b | LSET k 1 c | LINDEX k 1 => $1\r\nc\r\n" },
    { .name = "linsert", .run = run_linsert, .arity = 5, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) }, LIST_ROW, .since = "2.2.0",
      .complexity = "O(N) where N is the number of elements to the left of the pivot.",
      .summary = "Puts an element before or after the first one that equals a pivot.",
      .args = ARGS(ARG_KEY("key"), { .name = "where", .type = ARG_T_ONEOF, .subs = where_args },
                   { .name = "pivot", .type = ARG_T_STRING },
                   { .name = "element", .type = ARG_T_STRING }),
      .example = "RPUSH k a c | LINSERT k BEFORE c b => :3\r\n" },
    { .name = "lrem", .run = run_lrem, .arity = 4, .flags = CMD_WRITE,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, LIST_ROW, .since = "1.0.0",
      .complexity = "O(N) where N is the number of elements of the list.",
      .summary = "Removes elements that equal a value: the first so many, the last, or all.",
      .args = ARGS(ARG_KEY("key"), { .name = "count", .type = ARG_T_INTEGER },
                   { .name = "element", .type = ARG_T_STRING }),
      .example = "RPUSH k a b a | LREM k -1 a | LRANGE k 0 -1 => "
                 "*2\r\n$1\r\na\r\n$1\r\nb\r\n" },
    { .name = "ltrim", .run = run_ltrim, .arity = 4, .flags = CMD_WRITE,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, LIST_ROW, .since = "1.0.0",
      .complexity = "O(N) where N is the number of blocks, of some hundred to some thousand bytes, "
                    "that are removed.",
      .summary = "Keeps a range of elements of a list and removes the others.",
      .args = ARGS(ARG_KEY("key"), { .name = "start", .type = ARG_T_INTEGER },
                   { .name = "stop", .type = ARG_T_INTEGER }),
      .example = "RPUSH k a b c | LTRIM k -2 -1 | LRANGE k 0 -1 => "
                 "*2\r\n$1\r\nb\r\n$1\r\nc\r\n" },
    { 0 },
};
