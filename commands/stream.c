/* stream.c -- commands on the entries of a stream. Reading with waiting is in stream_read.c, what
 * concerns groups in stream_group.c and stream_claim.c. */
#include "base/mem.h"
#include "commands/read_job.h"
#include "commands/stream_args.h"
#include "commands/tables.h"

/* --- adding ----------------------------------------------------------------------------------- */

struct xadd {
    struct stream_add add;
    struct stream_trim_args trim;
    size_t id_at; /* the id's argument; the pairs follow */
    struct stream_added done;
    struct str id_text; /* of the id that the entry got: for the reply and the log */
};

static enum err parse_id(const struct call *c, size_t i, struct stream_add *add)
{
    bool any_seq;

    if (call_is(c, i, "*")) {
        add->how = STREAM_ADD_AUTO;
        return OK;
    }
    if (!stream_id_parse(call_arg(c, i), 0, STREAM_ID_ANY_SEQ, &add->id, &any_seq)) return ERR_STREAM_ID;
    add->how = any_seq ? STREAM_ADD_AUTO_SEQ : STREAM_ADD_GIVEN;
    return OK;
}

/* Options, then the id. The first argument that is no option is the id. */
static enum err parse_xadd(const struct call *c, struct xadd *x)
{
    size_t i = 2;
    bool taken = true;
    enum err e = OK;

    while (i < c->argc && taken) {
        e = stream_trim_option(c, &i, &x->trim, &taken);
        if (e != OK) return e;
        if (!taken && call_is(c, i, "nomkstream")) taken = x->add.must_exist = true;
        i += taken;
    }
    x->id_at = i;
    if (i < c->argc) e = parse_id(c, i, &x->add);
    if (e == OK) e = stream_trim_finish(c, &x->trim);
    if (e != OK) return e;
    if (c->argc < i + 3 || (c->argc - i) % 2 == 0) return ERR_ARITY;
    if (x->trim.given) x->add.trim = &x->trim.trim;
    return OK;
}

static enum err run_xadd(struct call *c)
{
    struct xadd *x = call_new(c, struct xadd, 1);
    enum err e = parse_xadd(c, x);

    if (e != OK) return e;
    c->note = x;
    e = stream_key_add(c->db, call_arg(c, 1), &x->add, c->argv + x->id_at + 1, (c->argc - x->id_at - 1) / 2, &x->done);
    if (e == ERR_NO_KEY) {
        reply_null(c->out);
        return OK;
    }
    if (e != OK) return e;
    x->id_text = call_stream_id(c, x->done.id);
    reply_bulk(c->out, x->id_text);
    return OK;
}

/* With the id that it got, and an exact trim. */
static void journal_xadd(const struct call *c, struct journal *j)
{
    const struct xadd *x = c->note;
    size_t argc = c->argc;
    struct str *argv = arena_alloc(c->arena, argc * sizeof *argv);

    memcpy(argv, c->argv, argc * sizeof *argv);
    argv[0] = STR("XADD");
    if (x->add.how != STREAM_ADD_GIVEN) argv[x->id_at] = x->id_text;
    stream_trim_exact(c, &x->trim, &x->done.trim, argv, &argc);
    journal_add(j, argc, argv);
}

/* --- trimming, deleting ----------------------------------------------------------------------- */

struct xtrim {
    struct stream_trim_args args;
    struct stream_trimmed done;
};

static enum err parse_xtrim(const struct call *c, struct stream_trim_args *t)
{
    for (size_t i = 2; i < c->argc; i++) {
        bool taken;
        enum err e = stream_trim_option(c, &i, t, &taken);
        if (e != OK) return e;
        if (!taken) return ERR_SYNTAX;
    }
    if (!t->given && t->trim.limit == 0) return ERR_TRIM_NONE;
    return stream_trim_finish(c, t);
}

static enum err run_xtrim(struct call *c)
{
    struct xtrim *x = call_new(c, struct xtrim, 1);
    enum err e = parse_xtrim(c, &x->args);

    if (e != OK) return e;
    c->note = x;
    e = stream_key_trim(c->db, call_arg(c, 1), &x->args.trim, &x->done);
    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, e == OK ? (int64_t)x->done.removed : 0);
    return OK;
}

static void journal_xtrim(const struct call *c, struct journal *j)
{
    const struct xtrim *x = c->note;
    size_t argc = c->argc;
    struct str *argv = arena_alloc(c->arena, argc * sizeof *argv);

    memcpy(argv, c->argv, argc * sizeof *argv);
    argv[0] = STR("XTRIM");
    stream_trim_exact(c, &x->args, &x->done, argv, &argc);
    journal_add(j, argc, argv);
}

/* One bad id, and nothing is deleted. What the key holds matters more: where it is not there the ids are
 * not looked at. */
static enum err run_xdel(struct call *c)
{
    const struct stream_id *ids = NULL;
    uint64_t deleted = 0;
    size_t n = c->argc - 2;
    enum err bad = stream_arg_ids(c, 2, n, &ids);
    enum err e = stream_key_delete(c->db, call_arg(c, 1), ids, bad == OK ? n : 0, &deleted);

    if (e == OK) e = bad;
    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, (int64_t)deleted);
    return OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum err run_xlen(struct call *c)
{
    const struct stream *s;
    enum err e = stream_read(c->db, call_arg(c, 1), &s);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, e == OK ? (int64_t)stream_info(s).length : 0);
    return OK;
}

/* COUNT n from argument i on, as often as wanted; -1 stays when there is none. */
static enum err parse_count(const struct call *c, size_t i, int64_t *count)
{
    for (; i < c->argc; i += 2) {
        enum err e;
        if (!call_is(c, i, "count") || i + 1 == c->argc) return ERR_SYNTAX;
        e = call_i64(c, i + 1, count);
        if (e != OK) return e;
        if (*count < 0) *count = 0;
    }
    return OK;
}

/* What may be many entries. */
struct entries {
    struct read_job base;
    struct stream_iter it;
    uint64_t left;
};

static bool next_entry(struct read_job *j, struct reply *out)
{
    struct entries *e = (struct entries *)j;

    if (e->left == 0 || !stream_next(&e->it)) return false;
    e->left--;
    reply_stream_entry(out, &e->it);
    return true;
}

static void head_of_entries(const struct read_job *j, struct reply *out, size_t n)
{
    reply_raw(out, j->scratch.p, j->scratch.n);
    reply_array(out, n);
}

enum err stream_tell_entries(struct call *c, const struct stream *s, struct stream_id from, struct stream_id to, bool down, uint64_t most,
                             struct str head)
{
    struct entries *e = mem_zalloc(sizeof *e);

    e->base.next = next_entry;
    e->base.head = head_of_entries;
    buf_add_str(&e->base.scratch, head);
    e->left = most;
    stream_iter_start(&e->it, s, from, to, down);
    return read_job_run(c, &e->base, s);
}

static enum err range(struct call *c, size_t start_at, size_t end_at)
{
    struct stream_id from, to;
    const struct stream *s;
    int64_t count = -1;
    enum err e = stream_arg_start(c, start_at, &from);

    if (e == OK) e = stream_arg_end(c, end_at, &to);
    if (e == OK) e = parse_count(c, 4, &count);
    if (e == OK) e = stream_read(c->db, call_arg(c, 1), &s);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == ERR_NO_KEY) reply_array(c->out, 0);
    else if (count == 0) reply_null_array(c->out);
    else if ((uint64_t)count > READ_LONG_ROWS && read_is_long(c, (size_t)stream_info(s).length, 0))
        return stream_tell_entries(c, s, from, to, start_at > end_at, (uint64_t)count, STR(""));
    else reply_stream_range(c->out, s, from, to, start_at > end_at, count < 0 ? 0 : (uint64_t)count);
    return OK;
}

static enum err run_xrange(struct call *c)
{
    return range(c, 2, 3);
}

static enum err run_xrevrange(struct call *c)
{
    return range(c, 3, 2);
}

/* --- XSETID ----------------------------------------------------------------------------------- */

struct xsetid {
    struct stream_id id, max_deleted;
    int64_t added; /* -1: not given */
};

static enum err parse_xsetid(const struct call *c, struct xsetid *x)
{
    enum err e = stream_arg_id(c, 2, &x->id);

    for (size_t i = 3; e == OK && i < c->argc; i += 2) {
        if (i + 1 == c->argc) return ERR_SYNTAX;
        if (call_is(c, i, "entriesadded")) {
            e = call_range(c, i + 1, 0, INT64_MAX, ERR_XSETID_NEGATIVE, &x->added);
        } else if (call_is(c, i, "maxdeletedid")) {
            e = stream_arg_id(c, i + 1, &x->max_deleted);
            if (e == OK && stream_id_cmp(x->id, x->max_deleted) < 0) e = ERR_XSETID_MAX_DELETED;
        } else {
            return ERR_SYNTAX;
        }
    }
    return e;
}

static enum err run_xsetid(struct call *c)
{
    struct xsetid x = { .added = -1 };
    enum err e = parse_xsetid(c, &x);

    if (e == OK) e = stream_key_set_id(c->db, call_arg(c, 1), x.id, x.added, x.max_deleted);
    if (e == ERR_NO_KEY) return ERR_NO_SUCH_KEY;
    if (e == OK) reply_ok(c->out);
    return e;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *const any_output[] = { "nondeterministic_output", NULL };
static const char *const xadd_history[] = {
    "6.2.0", "Takes `NOMKSTREAM`, `MINID` and `LIMIT`.",
    "7.0.0", "Takes an ID of the form `<ms>-*`.", NULL };
static const char *const xtrim_history[] = { "6.2.0", "Takes `MINID` and `LIMIT`.", NULL };
static const char *const range_history[] = { "6.2.0", "The ends of a range can be left out of it.", NULL };
static const char *const xsetid_history[] = {
    "7.0.0", "Takes `entries_added` and `max_deleted_entry_id`.", NULL };

static const struct command_arg strategy_args[] = {
    { .name = "maxlen", .type = ARG_T_PURE_TOKEN, .token = "MAXLEN" },
    { .name = "minid", .type = ARG_T_PURE_TOKEN, .token = "MINID", .since = "6.2.0" },
    { 0 },
};
static const struct command_arg operator_args[] = {
    { .name = "equal", .type = ARG_T_PURE_TOKEN, .token = "=" },
    { .name = "approximately", .type = ARG_T_PURE_TOKEN, .token = "~" },
    { 0 },
};
static const struct command_arg trim_args[] = {
    { .name = "strategy", .type = ARG_T_ONEOF, .subs = strategy_args },
    { .name = "operator", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = operator_args },
    { .name = "threshold", .type = ARG_T_STRING },
    { .name = "count", .type = ARG_T_INTEGER, .token = "LIMIT", .flags = ARG_OPTIONAL, .since = "6.2.0" },
    { 0 },
};
static const struct command_arg id_args[] = {
    { .name = "auto-id", .type = ARG_T_PURE_TOKEN, .token = "*" },
    { .name = "id", .type = ARG_T_STRING },
    { 0 },
};
static const struct command_arg data_args[] = {
    { .name = "field", .type = ARG_T_STRING },
    { .name = "value", .type = ARG_T_STRING },
    { 0 },
};

#define STREAM_ROW .acl = ACL_STREAM, .group = GROUP_STREAM
#define ARG_COUNT { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }
#define ARG_STRING(n) { .name = (n), .type = ARG_T_STRING }
#define RANGE_COMPLEXITY "O(N) for N entries given, O(1) when COUNT keeps their number small"

const struct command stream_commands[] = {
    { .name = "xadd", .run = run_xadd, .arity = -5, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, STREAM_ROW, .journal = journal_xadd, .since = "5.0.0",
      .complexity = "O(1), and O(N) for N entries trimmed", .history = xadd_history, .tips = any_output,
      .summary = "Adds an entry to a stream, which is made when it is not there.",
      .args = ARGS(ARG_KEY("key"),
                   { .name = "nomkstream", .type = ARG_T_PURE_TOKEN, .token = "NOMKSTREAM", .flags = ARG_OPTIONAL,
                     .since = "6.2.0" },
                   { .name = "trim", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL, .subs = trim_args },
                   { .name = "id-selector", .type = ARG_T_ONEOF, .subs = id_args },
                   { .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE, .subs = data_args }),
      .example = "XADD x 1-0 f v | XADD x 1-* f w => $3\r\n1-1\r\n" },
    { .name = "xlen", .run = run_xlen, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, STREAM_ROW, .since = "5.0.0", .complexity = "O(1)",
      .summary = "Gives the number of entries.", .args = ARGS(ARG_KEY("key")),
      .example = "XADD x 1-0 f v | XLEN x => :1\r\n" },
    { .name = "xrange", .run = run_xrange, .arity = -4, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, STREAM_ROW, .since = "5.0.0", .complexity = RANGE_COMPLEXITY,
      .history = range_history, .summary = "Gives the entries from one ID up to another.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("start"), ARG_STRING("end"), ARG_COUNT),
      .example = "XADD x 1-0 f v | XRANGE x - + => *1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n" },
    { .name = "xrevrange", .run = run_xrevrange, .arity = -4, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, STREAM_ROW, .since = "5.0.0", .complexity = RANGE_COMPLEXITY,
      .history = range_history, .summary = "Gives the entries from one ID down to another.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("end"), ARG_STRING("start"), ARG_COUNT),
      .example = "XADD x 1-0 f v | XADD x 2-0 f v | XREVRANGE x + - COUNT 1 => "
                 "*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n" },
    { .name = "xdel", .run = run_xdel, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, STREAM_ROW, .since = "5.0.0",
      .complexity = "O(log(N)) for each ID, for N entries", .summary = "Deletes entries; the stream stays.",
      .args = ARGS(ARG_KEY("key"), { .name = "id", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }),
      .example = "XADD x 1-0 f v | XDEL x 1-0 2-0 => :1\r\n" },
    { .name = "xtrim", .run = run_xtrim, .arity = -4, .flags = CMD_WRITE,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, STREAM_ROW, .journal = journal_xtrim, .since = "5.0.0",
      .complexity = "O(N) for N entries removed, a block of them at a time", .history = xtrim_history,
      .tips = any_output, .summary = "Removes the oldest entries of a stream.",
      .args = ARGS(ARG_KEY("key"), { .name = "trim", .type = ARG_T_BLOCK, .subs = trim_args }),
      .example = "XADD x 1-0 f v | XADD x 2-0 f v | XTRIM x MAXLEN 1 => :1\r\n" },
    { .name = "xsetid", .run = run_xsetid, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, STREAM_ROW, .since = "5.0.0", .complexity = "O(1)",
      .history = xsetid_history, .summary = "Sets the last ID of a stream; logs and replicas use it.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("last-id"),
                   { .name = "entries-added", .type = ARG_T_INTEGER, .token = "ENTRIESADDED", .flags = ARG_OPTIONAL,
                     .since = "7.0.0" },
                   { .name = "max-deleted-id", .type = ARG_T_STRING, .token = "MAXDELETEDID", .flags = ARG_OPTIONAL,
                     .since = "7.0.0" }),
      .example = "XADD x 1-0 f v | XSETID x 5-0 | XADD x 5-* f v => $3\r\n5-1\r\n" },
    { 0 },
};
