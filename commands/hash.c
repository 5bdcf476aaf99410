/* hash.c -- setting, reading and removing fields of a hash. */
#include <math.h>

#include "commands/tables.h"
#include "storage/type_hash.h"

/* --- setting ---------------------------------------------------------------------------------- */

static enum err set_pairs(struct call *c, size_t *n_new)
{
    if (c->argc % 2 != 0) return ERR_ARITY;
    return hash_set(c->db, call_arg(c, 1), c->argv + 2, (c->argc - 2) / 2, NULL, n_new);
}

static enum err run_hset(struct call *c)
{
    size_t n_new;
    enum err e = set_pairs(c, &n_new);

    if (e == OK) reply_int(c->out, (int64_t)n_new);
    return e;
}

static enum err run_hmset(struct call *c)
{
    size_t n_new;
    enum err e = set_pairs(c, &n_new);

    if (e == OK) reply_ok(c->out);
    return e;
}

static enum err run_hsetnx(struct call *c)
{
    struct hash_set opt = { HASH_IF_NONE_THERE, HASH_NO_TTL };
    size_t n_new;
    enum err e = hash_set(c->db, call_arg(c, 1), c->argv + 2, 1, &opt, &n_new);

    if (e != OK && e != ERR_NOT_DONE) return e;
    reply_int(c->out, e == OK);
    return OK;
}

static enum err run_hdel(struct call *c)
{
    size_t removed = 0;
    enum err e = hash_remove(c->db, call_arg(c, 1), c->argv + 2, c->argc - 2, &removed);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, (int64_t)removed);
    return OK;
}

static enum err run_hincrby(struct call *c)
{
    int64_t by, v;
    enum err e = call_i64(c, 3, &by);

    if (e == OK) e = hash_incr(c->db, call_arg(c, 1), call_arg(c, 2), by, &v);
    if (e == OK) reply_int(c->out, v);
    return e;
}

static enum err run_hincrbyfloat(struct call *c)
{
    char *text = arena_alloc(c->arena, NUM_DOUBLE_TEXT_MAX);
    struct str *v = call_new(c, struct str, 1);
    long double by;
    size_t n;
    enum err e;

    if (!num_parse_long_double(call_arg(c, 3), &by)) return ERR_NOT_FLOAT;
    if (isinf(by)) return ERR_INCR_NAN_OR_INF;
    e = hash_incr_float(c->db, call_arg(c, 1), call_arg(c, 2), by, text, &n);
    if (e != OK) return e;
    *v = str_of(text, n);
    c->note = v;
    reply_bulk(c->out, *v);
    return OK;
}

/* The sum itself, so that no rounding can differ when it is read again. HSET would end the field's
 * TTL: where there is one it is set again. */
static void journal_hincrbyfloat(const struct call *c, struct journal *j)
{
    const struct str *v = c->note;
    struct str key = call_arg(c, 1), field = call_arg(c, 2);
    struct hash h;
    int64_t ttl;

    journal_cmd(j, STR("HSET"), key, field, *v);
    if (hash_read(c->db, key, &h) != OK || !hash_get_ttl(&h, field, &ttl) || ttl < 0) return;
    journal_cmd(j, STR("HPEXPIREAT"), key, call_num(c, ttl), STR("FIELDS"), STR("1"), field);
}

/* --- reading one and some --------------------------------------------------------------------- */

/* The value of the field in argument i of an open hash, else null. */
static void reply_field(struct call *c, const struct hash *h, size_t i)
{
    char scratch[NUM_TEXT_MAX];
    struct str v;

    if (h != NULL && hash_get(h, call_arg(c, i), scratch, &v))
        reply_bulk(c->out, v);
    else
        reply_null(c->out);
}

static enum err run_hget(struct call *c)
{
    struct hash h;
    enum err e = hash_read(c->db, call_arg(c, 1), &h);

    if (e == ERR_WRONG_TYPE) return e;
    reply_field(c, e == OK ? &h : NULL, 2);
    return OK;
}

static enum err run_hmget(struct call *c)
{
    struct hash h;
    enum err e = hash_read(c->db, call_arg(c, 1), &h);

    if (e == ERR_WRONG_TYPE) return e;
    reply_array(c->out, c->argc - 2);
    for (size_t i = 2; i < c->argc; i++) reply_field(c, e == OK ? &h : NULL, i);
    return OK;
}

/* The length of the value in argument 2's field; -1: not there. */
static enum err value_length(struct call *c, int64_t *n)
{
    char scratch[NUM_TEXT_MAX];
    struct hash h;
    struct str v;
    enum err e = hash_read(c->db, call_arg(c, 1), &h);

    *n = -1;
    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK && hash_get(&h, call_arg(c, 2), scratch, &v)) *n = (int64_t)v.n;
    return OK;
}

static enum err run_hexists(struct call *c)
{
    int64_t n;
    enum err e = value_length(c, &n);

    if (e == OK) reply_int(c->out, n >= 0);
    return e;
}

static enum err run_hstrlen(struct call *c)
{
    int64_t n;
    enum err e = value_length(c, &n);

    if (e == OK) reply_int(c->out, n > 0 ? n : 0);
    return e;
}

static enum err run_hlen(struct call *c)
{
    struct hash h;
    enum err e = hash_read(c->db, call_arg(c, 1), &h);

    if (e == ERR_WRONG_TYPE) return e;
    reply_int(c->out, e == OK ? (int64_t)hash_size(&h) : 0);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct command_arg pair_args[] = {
    { .name = "field", .type = ARG_T_STRING },
    { .name = "value", .type = ARG_T_STRING },
    { 0 },
};
static const char *const hset_history[] = { "4.0.0", "Several fields and values.", NULL };
static const char *const hdel_history[] = { "2.4.0", "Several fields.", NULL };

#define FIELD { .name = "field", .type = ARG_T_STRING }
#define FIELDS { .name = "field", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }
#define PAIRS { .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE, .subs = pair_args }

const struct command hash_commands[] = {
    { .name = "hset", .run = run_hset, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(N) for N fields", .history = hset_history,
      .summary = "Sets fields of a hash, which is made when it is not there.",
      .args = ARGS(ARG_KEY("key"), PAIRS),
      .example = "HSET h a 1 b 2 | HGET h b => $1\r\n2\r\n" },
    { .name = "hmset", .run = run_hmset, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(N) for N fields", .deprecated_since = "4.0.0",
      .replaced_by = "`HSET` with multiple field-value pairs",
      .summary = "Sets fields of a hash, as HSET does, and replies OK.",
      .args = ARGS(ARG_KEY("key"), PAIRS), .example = "HMSET h a 1 b 2 => +OK\r\n" },
    { .name = "hsetnx", .run = run_hsetnx, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(1)",
      .summary = "Sets a field of a hash only when it is not there.",
      .args = ARGS(ARG_KEY("key"), FIELD, { .name = "value", .type = ARG_T_STRING }),
      .example = "HSET h a 1 | HSETNX h a 2 => :0\r\n" },
    { .name = "hdel", .run = run_hdel, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(N) for N fields", .history = hdel_history,
      .summary = "Removes fields of a hash; the hash itself goes with its last one.",
      .args = ARGS(ARG_KEY("key"), FIELDS), .example = "HSET h a 1 b 2 | HDEL h a x => :1\r\n" },
    { .name = "hincrby", .run = run_hincrby, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(1)",
      .summary = "Adds to the integer in a field, which counts as 0 when it is not there.",
      .args = ARGS(ARG_KEY("key"), FIELD, { .name = "increment", .type = ARG_T_INTEGER }),
      .example = "HSET h a 5 | HINCRBY h a -2 => :3\r\n" },
    { .name = "hincrbyfloat", .run = run_hincrbyfloat, .arity = 4,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .journal = journal_hincrbyfloat, .since = "2.6.0", .complexity = "O(1)",
      .summary = "Adds to the number in a field, which counts as 0 when it is not there.",
      .args = ARGS(ARG_KEY("key"), FIELD, { .name = "increment", .type = ARG_T_DOUBLE }),
      .example = "HSET h a 10.50 | HINCRBYFLOAT h a 0.1 => $4\r\n10.6\r\n" },
    { .name = "hget", .run = run_hget, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(1)", .summary = "Gives the value of a field.",
      .args = ARGS(ARG_KEY("key"), FIELD), .example = "HSET h a 1 | HGET h a => $1\r\n1\r\n" },
    { .name = "hmget", .run = run_hmget, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "2.0.0", .complexity = "O(N) for N fields", .summary = "Gives the values of fields.",
      .args = ARGS(ARG_KEY("key"), FIELDS),
      .example = "HSET h a 1 | HMGET h a x => *2\r\n$1\r\n1\r\n$-1\r\n" },
    { .name = "hexists", .run = run_hexists, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_HASH, .group = GROUP_HASH, .since = "2.0.0",
      .complexity = "O(1)", .summary = "Tells whether a hash has a field.",
      .args = ARGS(ARG_KEY("key"), FIELD), .example = "HSET h a 1 | HEXISTS h a => :1\r\n" },
    { .name = "hstrlen", .run = run_hstrlen, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_HASH, .group = GROUP_HASH, .since = "3.2.0",
      .complexity = "O(1)", .summary = "Gives the length of a field's value.",
      .args = ARGS(ARG_KEY("key"), FIELD), .example = "HSET h a hello | HSTRLEN h a => :5\r\n" },
    { .name = "hlen", .run = run_hlen, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_HASH, .group = GROUP_HASH, .since = "2.0.0",
      .complexity = "O(1)", .summary = "Gives the number of fields.", .args = ARGS(ARG_KEY("key")),
      .example = "HSET h a 1 b 2 | HLEN h => :2\r\n" },
    { 0 },
};
