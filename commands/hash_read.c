/* hash_read.c -- hashes as a whole: HGETALL, HSCAN, HRANDFIELD and their relatives. */
#include "base/glob.h"
#include "base/mem.h"
#include "commands/random_reply.h"
#include "commands/read_job.h"
#include "commands/scan.h"
#include "commands/tables.h"
#include "storage/type_hash.h"

enum part { NAMES = 1, VALUES = 2 };

/* --- all fields ------------------------------------------------------------------------------- */

/* All fields of a large hash. */
struct fields {
    struct read_job base;
    struct hash hash;
    struct hash_iter it;
    unsigned parts;
};

static void head(struct reply *out, unsigned parts, size_t n)
{
    if (parts == (NAMES | VALUES)) reply_map(out, n);
    else reply_array(out, n);
}

static void head_of_fields(const struct read_job *j, struct reply *out, size_t n)
{
    head(out, ((const struct fields *)j)->parts, n);
}

/* One field more; false: there are no more. */
static bool tell_next(struct hash_iter *it, unsigned parts, struct reply *out)
{
    if (!hash_next(it)) return false;
    if (parts & NAMES) reply_bulk(out, it->field);
    if (parts & VALUES) reply_bulk(out, it->value);
    return true;
}

static bool next_field(struct read_job *j, struct reply *out)
{
    struct fields *f = (struct fields *)j;

    return tell_next(&f->it, f->parts, out);
}

static enum err tell_fields(struct call *c, const struct hash *h, unsigned parts)
{
    struct fields *f = mem_zalloc(sizeof *f);

    f->base.next = next_field;
    f->base.head = head_of_fields;
    f->hash = *h;
    f->parts = parts;
    hash_iter_start(&f->it, &f->hash);
    return read_job_run(c, &f->base, h->ptr);
}

static enum err reply_all(struct call *c, unsigned parts)
{
    struct hash h;
    struct hash_iter it;
    enum err e = hash_read(c->db, call_arg(c, 1), &h);
    size_t n;

    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK && h.enc == ENC_TABLE && read_is_long(c, hash_count(&h), hash_weight(h.enc, h.ptr))) return tell_fields(c, &h, parts);
    n = e == OK ? hash_size(&h) : 0;
    head(c->out, parts, n);
    if (n == 0) return OK;
    hash_iter_start(&it, &h);
    while (tell_next(&it, parts, c->out)) { }
    return OK;
}

static enum err run_hgetall(struct call *c)
{
    return reply_all(c, NAMES | VALUES);
}

static enum err run_hkeys(struct call *c)
{
    return reply_all(c, NAMES);
}

static enum err run_hvals(struct call *c)
{
    return reply_all(c, VALUES);
}

/* --- scanning --------------------------------------------------------------------------------- */

static void visit(void *ctx, struct str field, struct str value)
{
    struct scan_visit *v = ctx;

    if (v->options->filter && !glob_match(v->options->pattern, field, false)) return;
    reply_bulk(v->out, field);
    v->n++;
    if (v->options->no_values) return;
    reply_bulk(v->out, value);
    v->n++;
}

static enum err run_hscan(struct call *c)
{
    struct scan_options o;
    struct scan_visit v = { c->out, &o, 0 };
    size_t mark = reply_mark(c->out);
    uint64_t cursor;
    struct hash h;
    enum err e = scan_cursor(c, 2, &cursor);

    if (e == OK) e = hash_read(c->db, call_arg(c, 1), &h);
    if (e == ERR_NO_KEY) {
        scan_reply_head(c->out, mark, 0, 0);
        return OK;
    }
    if (e == OK) e = scan_options(c, 3, SCAN_NOVALUES, &o);
    if (e != OK) return e;
    cursor = hash_scan(&h, cursor, o.count, visit, &v);
    scan_reply_head(c->out, mark, cursor, v.n);
    return OK;
}

/* --- drawing ---------------------------------------------------------------------------------- */

struct draw {
    struct reply *out;
    size_t n;
    bool values, too_much;
};

static bool draw(void *ctx, struct str field, struct str value)
{
    struct draw *d = ctx;

    if (d->values && d->out->resp == 3) reply_array(d->out, 2);
    reply_bulk(d->out, field);
    if (d->values) reply_bulk(d->out, value);
    d->n++;
    d->too_much = d->out->out->n > RANDOM_REPLY_MAX;
    return !d->too_much;
}

static enum err draw_one(struct call *c)
{
    struct draw d = { .out = c->out };
    struct hash h;
    enum err e = hash_read(c->db, call_arg(c, 1), &h);

    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK) hash_random(&h, 1, true, draw, &d);
    if (d.n == 0) reply_null(c->out);
    return OK;
}

/* HRANDFIELD of many. */
struct draws {
    struct draw_job base;
    struct hash hash;
    struct hash_iter it;
};

static void draw_more(struct draw_job *j, size_t n, struct reply *out)
{
    struct draw d = { .out = out, .values = j->pairs };

    hash_random(&((struct draws *)j)->hash, n, false, draw, &d);
}

static void look_at_next(struct draw_job *of, bool take, struct reply *out)
{
    struct draws *j = (struct draws *)of;
    struct draw d = { .out = out, .values = of->pairs };

    if (hash_next(&j->it) && take) draw(&d, j->it.field, j->it.value);
}

static enum err draw_many(struct call *c, const struct hash *h, size_t n, bool distinct, bool values)
{
    struct draws *j = mem_zalloc(sizeof *j);

    j->base.draw = draw_more;
    j->base.look = look_at_next;
    j->hash = *h;
    hash_iter_start(&j->it, &j->hash);
    return draw_job_run(c, &j->base, n, distinct ? hash_size(h) : 0, values, h->ptr);
}

static enum err run_hrandfield(struct call *c)
{
    struct draw d = { .out = c->out };
    struct hash h;
    bool distinct;
    size_t n, size;
    enum err e;

    if (c->argc == 2) return draw_one(c);
    e = random_count(c, 2, &distinct, &n);
    if (e != OK) return e;
    if (c->argc > 4 || (c->argc == 4 && !call_is(c, 3, "WITHVALUES"))) return ERR_SYNTAX;
    d.values = c->argc == 4;
    if (d.values && n > INT64_MAX / 2) return ERR_OUT_OF_RANGE;

    e = hash_read(c->db, call_arg(c, 1), &h);
    if (e == ERR_WRONG_TYPE) return e;
    size = e == OK ? hash_size(&h) : 0;
    if (size == 0 || (distinct && n > size)) n = size;
    if (n > RANDOM_ITEMS_MAX) return ERR_OUT_OF_RANGE;
    /* Where fields are due that nobody has dropped yet, each draw passes over them: that is done once for all. */
    if (draw_is_long(c, distinct, n) && hash_due_at(&h) > h.now_ms) return draw_many(c, &h, n, distinct, d.values);
    reply_array(c->out, d.values && c->out->resp == 2 ? 2 * n : n);
    if (n > 0) hash_random(&h, n, distinct, draw, &d);
    return d.too_much ? ERR_OUT_OF_RANGE : OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *const any_order[] = { "nondeterministic_output_order", NULL };
static const char *const any_output[] = { "nondeterministic_output", NULL };
static const struct command_arg count_args[] = {
    { .name = "count", .type = ARG_T_INTEGER },
    { .name = "withvalues", .type = ARG_T_PURE_TOKEN, .token = "WITHVALUES", .flags = ARG_OPTIONAL },
    { 0 },
};

const struct command hash_read_commands[] = {
    { .name = "hgetall", .run = run_hgetall, .arity = 2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(N) for N fields", .tips = any_order,
      .summary = "Gives all fields with their values.", .args = ARGS(ARG_KEY("key")),
      .example = "HSET h a 1 | HGETALL h => *2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { .name = "hkeys", .run = run_hkeys, .arity = 2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(N) for N fields", .tips = any_order,
      .summary = "Gives the names of all fields.", .args = ARGS(ARG_KEY("key")),
      .example = "HSET h a 1 | HKEYS h => *1\r\n$1\r\na\r\n" },
    { .name = "hvals", .run = run_hvals, .arity = 2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(N) for N fields", .tips = any_order,
      .summary = "Gives the values of all fields.", .args = ARGS(ARG_KEY("key")),
      .example = "HSET h a 1 | HVALS h => *1\r\n$1\r\n1\r\n" },
    { .name = "hscan", .run = run_hscan, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.8.0", .tips = any_output,
      .complexity = "O(COUNT) a call, O(N) for all calls until the cursor is 0 again, for N fields",
      .summary = "Goes through the fields a few at a time; who is there throughout is met.",
      .args = ARGS(ARG_KEY("key"), { .name = "cursor", .type = ARG_T_INTEGER },
                   { .name = "pattern", .type = ARG_T_PATTERN, .token = "MATCH",
                     .flags = ARG_OPTIONAL },
                   { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT",
                     .flags = ARG_OPTIONAL },
                   { .name = "novalues", .type = ARG_T_PURE_TOKEN, .token = "NOVALUES",
                     .flags = ARG_OPTIONAL }),
      .example = "HSET h a 1 | HSCAN h 0 => *2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { .name = "hrandfield", .run = run_hrandfield, .arity = -2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "6.2.0", .tips = any_output, .complexity = "O(N) for N fields drawn",
      .summary = "Gives random fields: distinct ones, or with a negative count any.",
      .args = ARGS(ARG_KEY("key"), { .name = "options", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL,
                                     .subs = count_args }),
      .example = "HSET h a 1 | HRANDFIELD h 5 WITHVALUES => *2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { 0 },
};
