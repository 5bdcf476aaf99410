/* string_edit.c -- parts of strings, and strings as numbers: APPEND, SETRANGE, INCR and their
 * kind. */
#include "commands/read_bytes.h"
#include "commands/tables.h"
#include "storage/type_string.h"

/* --- parts ------------------------------------------------------------------------------------ */

static enum err run_strlen(struct call *c)
{
    const struct entry *e;
    enum err err = db_read_type(c->db, call_arg(c, 1), VALUE_STRING, &e);

    if (err != OK && err != ERR_NO_KEY) return err;
    reply_int(c->out, err == OK ? (int64_t)string_length(e) : 0);
    return OK;
}

static enum err run_getrange(struct call *c)
{
    char scratch[NUM_TEXT_MAX];
    const struct entry *entry = NULL;
    struct str bytes = STR("");
    int64_t first, last;
    enum err e = call_i64(c, 2, &first);

    if (e == OK) e = call_i64(c, 3, &last);
    if (e == OK) e = db_read_type(c->db, call_arg(c, 1), VALUE_STRING, &entry);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == OK) bytes = string_slice(string_bytes(entry, scratch), first, last);
    if (read_bytes_is_long(c, bytes.n)) return read_bytes(c, entry, bytes);
    reply_bulk(c->out, bytes);
    return OK;
}

static enum err run_append(struct call *c)
{
    size_t n;
    enum err e = string_append(c->db, call_arg(c, 1), call_arg(c, 2), &n);

    if (e == OK) reply_int(c->out, (int64_t)n);
    return e;
}

static enum err run_setrange(struct call *c)
{
    int64_t at;
    size_t n;
    enum err e = call_i64(c, 2, &at);

    if (e != OK) return e;
    if (at < 0) return ERR_OFFSET_RANGE;
    e = string_setrange(c->db, call_arg(c, 1), (size_t)at, call_arg(c, 3), &n);
    if (e == OK) reply_int(c->out, (int64_t)n);
    return e;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static enum err add(struct call *c, int64_t by)
{
    int64_t v;
    enum err e = string_incr(c->db, call_arg(c, 1), by, &v);

    if (e == OK) reply_int(c->out, v);
    return e;
}

static enum err run_incr(struct call *c)
{
    return add(c, 1);
}

static enum err run_decr(struct call *c)
{
    return add(c, -1);
}

static enum err run_incrby(struct call *c)
{
    int64_t by;
    enum err e = call_i64(c, 2, &by);

    return e == OK ? add(c, by) : e;
}

static enum err run_decrby(struct call *c)
{
    int64_t by;
    enum err e = call_i64(c, 2, &by);

    if (e != OK) return e;
    if (by == INT64_MIN) return ERR_DECR_OVERFLOW;
    return add(c, -by);
}

/* Another machine's floating point may round differently: the log gets the result. */
static void journal_incrbyfloat(const struct call *c, struct journal *j)
{
    const struct str *sum = c->note;

    journal_cmd(j, STR("SET"), call_arg(c, 1), *sum, STR("KEEPTTL"));
}

static enum err run_incrbyfloat(struct call *c)
{
    struct str key = call_arg(c, 1), *sum = call_new(c, struct str, 1);
    char *text = arena_alloc(c->arena, NUM_DOUBLE_TEXT_MAX);
    const struct entry *old;
    long double by;
    enum err e;

    if (!num_parse_long_double(call_arg(c, 2), &by)) {
        old = db_peek(c->db, key);
        return old && entry_type(old) != VALUE_STRING ? ERR_WRONG_TYPE : ERR_NOT_FLOAT;
    }
    e = string_incr_float(c->db, key, by, text, &sum->n);
    if (e != OK) return e;
    sum->p = text;
    c->note = sum;
    reply_bulk(c->out, *sum);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define RANGE_ARGS ARGS(ARG_KEY("key"), { .name = "start", .type = ARG_T_INTEGER }, \
                        { .name = "end", .type = ARG_T_INTEGER })

const struct command string_edit_commands[] = {
    { .name = "append", .run = run_append, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .since = "2.0.0", .complexity = "O(1) on average: a string grows by doubling its room",
      .summary = "Adds bytes to the end of a string; makes the key if there is none.",
      .args = ARGS(ARG_KEY("key"), { .name = "value", .type = ARG_T_STRING }),
      .example = "SET a x | APPEND a yz => :3\r\n" },
    { .name = "strlen", .run = run_strlen, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .since = "2.2.0", .complexity = "O(1)", .summary = "Gives the length of a string.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a xyz | STRLEN a => :3\r\n" },
    { .name = "setrange", .run = run_setrange, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .since = "2.2.0", .complexity = "O(M) for M bytes written, and zero bytes before them",
      .summary = "Writes over a part of a string, which grows as needed; makes the key.",
      .args = ARGS(ARG_KEY("key"), { .name = "offset", .type = ARG_T_INTEGER },
                   { .name = "value", .type = ARG_T_STRING }),
      .example = "SET a xyz | SETRANGE a 1 __ => :3\r\n" },
    { .name = "getrange", .run = run_getrange, .arity = 4, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .since = "2.4.0", .complexity = "O(N) for N bytes given",
      .summary = "Gives a part of a string; negative positions count from its end.",
      .args = RANGE_ARGS,
      .example = "SET a xyz | GETRANGE a -2 -1 => $2\r\nyz\r\n" },
    { .name = "substr", .run = run_getrange, .arity = 4, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .since = "1.0.0", .complexity = "O(N) for N bytes given",
      .summary = "Gives a part of a string, by an older name.",
      .deprecated_since = "2.0.0", .replaced_by = "`GETRANGE`",
      .args = RANGE_ARGS,
      .example = "SET a xyz | SUBSTR a 0 0 => $1\r\nx\r\n" },
    { .name = "incr", .run = run_incr, .arity = 2, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .since = "1.0.0", .complexity = "O(1)",
      .summary = "Adds one to an integer; no key counts as 0.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 41 | INCR a => :42\r\n" },
    { .name = "decr", .run = run_decr, .arity = 2, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .since = "1.0.0", .complexity = "O(1)",
      .summary = "Takes one from an integer; no key counts as 0.",
      .args = ARGS(ARG_KEY("key")),
      .example = "DECR a => :-1\r\n" },
    { .name = "incrby", .run = run_incrby, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .since = "1.0.0", .complexity = "O(1)", .summary = "Adds to an integer; no key counts as 0.",
      .args = ARGS(ARG_KEY("key"), { .name = "increment", .type = ARG_T_INTEGER }),
      .example = "SET a 40 | INCRBY a 2 => :42\r\n" },
    { .name = "decrby", .run = run_decrby, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .since = "1.0.0", .complexity = "O(1)",
      .summary = "Takes from an integer; no key counts as 0.",
      .args = ARGS(ARG_KEY("key"), { .name = "decrement", .type = ARG_T_INTEGER }),
      .example = "SET a 44 | DECRBY a 2 => :42\r\n" },
    { .name = "incrbyfloat", .run = run_incrbyfloat, .arity = 3,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .journal = journal_incrbyfloat, .since = "2.6.0", .complexity = "O(1)",
      .summary = "Adds to a floating point number; no key counts as 0.",
      .args = ARGS(ARG_KEY("key"), { .name = "increment", .type = ARG_T_DOUBLE }),
      .example = "SET a 1.5 | INCRBYFLOAT a 0.25 => $4\r\n1.75\r\n" },
    { 0 },
};
