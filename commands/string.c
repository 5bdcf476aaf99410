/* string.c -- reading and setting a whole string: GET, SET and their relatives. */
#include "commands/read_bytes.h"
#include "commands/tables.h"
#include "storage/blob.h"
#include "storage/keys.h"
#include "storage/type_string.h"

/* --- reading ---------------------------------------------------------------------------------- */

static void reply_string(struct reply *r, const struct entry *e)
{
    char scratch[NUM_TEXT_MAX];

    reply_bulk(r, string_bytes(e, scratch));
}

static inline enum err get(struct call *c, bool in_slices)
{
    const struct entry *e;
    enum err err = db_read_type(c->db, call_arg(c, 1), VALUE_STRING, &e);

    if (err == OK && UNLIKELY(entry_enc(e) == ENC_BLOB) && in_slices && read_bytes_is_long(c, blob_str(entry_ptr(e)).n))
        return read_bytes(c, e, blob_str(entry_ptr(e)));
    if (err == OK) reply_string(c->out, e);
    if (err != ERR_NO_KEY) return err;
    reply_null(c->out);
    return OK;
}

static enum err run_get(struct call *c)
{
    return get(c, true);
}

/* --- options of SET and GETEX ----------------------------------------------------------------- */

enum expiry { NO_EXPIRY, EXPIRY_AT, EXPIRY_KEEP, EXPIRY_PERSIST };

struct options {
    unsigned conditions; /* of enum string_set_flag */
    struct str than;     /* of IFEQ and IFNE */
    bool get;
    enum expiry expiry;
    struct expire_form form;
    size_t time_at; /* EXPIRY_AT: index of its argument */
};

static bool is_time_option(struct str word, struct expire_form *f)
{
    static const struct {
        const char *word;
        struct expire_form form;
    } forms[] = { { "EX", { true, true } },
                  { "PX", { false, true } },
                  { "EXAT", { true, false } },
                  { "PXAT", { false, false } } };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!str_is(word, forms[i].word)) continue;
        *f = forms[i].form;
        return true;
    }
    return false;
}

/* A time may be given once more in the same form, the last counts; different forms exclude each
 * other. */
static bool take_time(struct call *c, size_t *i, struct options *o)
{
    struct expire_form f;

    if (!is_time_option(call_arg(c, *i), &f) || *i + 1 >= c->argc) return false;
    if (o->expiry != NO_EXPIRY &&
        (o->expiry != EXPIRY_AT || f.seconds != o->form.seconds || f.relative != o->form.relative))
        return false;
    o->expiry = EXPIRY_AT;
    o->form = f;
    o->time_at = ++*i;
    return true;
}

/* NX and XX may be said again; else there is one condition. */
static bool take_condition(struct options *o, unsigned one)
{
    if (o->conditions & ~one) return false;
    o->conditions |= one;
    return true;
}

static bool take_comparison(struct call *c, size_t *i, struct options *o, unsigned one)
{
    if (o->conditions || *i + 1 >= c->argc) return false;
    o->conditions = one;
    o->than = call_arg(c, ++*i);
    return true;
}

static bool take_expiry(struct options *o, enum expiry x)
{
    if (o->expiry != NO_EXPIRY && o->expiry != x) return false;
    o->expiry = x;
    return true;
}

static bool take_set_option(struct call *c, size_t *i, struct options *o)
{
    if (call_is(c, *i, "NX")) return take_condition(o, STRING_IF_NEW);
    if (call_is(c, *i, "XX")) return take_condition(o, STRING_IF_THERE);
    if (call_is(c, *i, "IFEQ")) return take_comparison(c, i, o, STRING_IF_EQUAL);
    if (call_is(c, *i, "IFNE")) return take_comparison(c, i, o, STRING_IF_DIFFERENT);
    if (call_is(c, *i, "GET")) return o->get = true;
    if (call_is(c, *i, "KEEPTTL")) return take_expiry(o, EXPIRY_KEEP);
    return take_time(c, i, o);
}

/* The time that the options name, as absolute ms; -1 for none. */
static enum err options_time(struct call *c, const struct options *o, int64_t *at_ms)
{
    *at_ms = -1;
    if (o->expiry != EXPIRY_AT) return OK;
    return call_expire_at(c, o->time_at, o->form, true, at_ms);
}

/* --- setting ---------------------------------------------------------------------------------- */

/* What was set, for the log. */
struct set_note {
    size_t value_at; /* index of the value */
    int64_t at_ms;   /* -1: none */
    bool keep_ttl;
};

/* SET without its conditions, which held, and with an absolute time. */
static void journal_set(const struct call *c, struct journal *j)
{
    const struct set_note *n = c->note;
    struct str key = call_arg(c, 1), val = call_arg(c, n ? n->value_at : 2);

    if (n && n->at_ms >= 0)
        journal_cmd(j, STR("SET"), key, val, STR("PXAT"), call_num(c, n->at_ms));
    else if (n && n->keep_ttl)
        journal_cmd(j, STR("SET"), key, val, STR("KEEPTTL"));
    else
        journal_cmd(j, STR("SET"), key, val);
}

static void note_set(struct call *c, size_t value_at, int64_t at_ms, bool keep_ttl)
{
    struct set_note *n = call_new(c, struct set_note, 1);

    *n = (struct set_note){ value_at, at_ms, keep_ttl };
    c->note = n;
}

static void reply_old(void *ctx, const struct entry *e)
{
    struct call *c = ctx;

    if (e)
        reply_string(c->out, e);
    else
        reply_null(c->out);
}

static enum err set_with_options(struct call *c)
{
    struct options o = { 0 };
    struct string_set how = { 0 };
    enum err e;

    for (size_t i = 3; i < c->argc; i++)
        if (!take_set_option(c, &i, &o)) return ERR_SYNTAX;
    e = options_time(c, &o, &how.expire_ms);
    if (e != OK) return e;
    how.flags = o.conditions | (o.expiry == EXPIRY_KEEP ? STRING_KEEP_TTL : 0);
    how.than = o.than;
    how.old = o.get ? reply_old : NULL;
    how.ctx = c;
    note_set(c, 2, how.expire_ms, o.expiry == EXPIRY_KEEP);
    e = string_set(c->db, call_arg(c, 1), call_arg(c, 2), &how);
    if (e != OK && e != ERR_NOT_DONE) return e;
    if (o.get) return OK;
    if (e == OK)
        reply_ok(c->out);
    else
        reply_null(c->out);
    return OK;
}

static enum err run_set(struct call *c)
{
    enum err e;

    if (c->argc > 3) return set_with_options(c);
    e = string_set(c->db, call_arg(c, 1), call_arg(c, 2), NULL);
    if (e == OK) reply_ok(c->out);
    return e;
}

static enum err run_setnx(struct call *c)
{
    const struct string_set how = { .flags = STRING_IF_NEW, .expire_ms = -1 };
    enum err e = string_set(c->db, call_arg(c, 1), call_arg(c, 2), &how);

    reply_int(c->out, e == OK);
    return OK;
}

static enum err set_for_a_time(struct call *c, bool seconds)
{
    struct string_set how = { 0 };
    enum err e = call_expire_at(c, 2, (struct expire_form){ seconds, true }, true, &how.expire_ms);

    if (e == OK) e = string_set(c->db, call_arg(c, 1), call_arg(c, 3), &how);
    if (e != OK) return e;
    note_set(c, 3, how.expire_ms, false);
    reply_ok(c->out);
    return OK;
}

static enum err run_setex(struct call *c)
{
    return set_for_a_time(c, true);
}

static enum err run_psetex(struct call *c)
{
    return set_for_a_time(c, false);
}

static enum err run_getset(struct call *c)
{
    const struct string_set how = { .expire_ms = -1, .old = reply_old, .ctx = c };

    return string_set(c->db, call_arg(c, 1), call_arg(c, 2), &how);
}

/* --- reading and changing --------------------------------------------------------------------- */

static void journal_del(const struct call *c, struct journal *j)
{
    journal_cmd(j, STR("DEL"), call_arg(c, 1));
}

static enum err run_getdel(struct call *c)
{
    enum err e = get(c, false); /* it goes at once */

    if (e == OK) keys_delete(c->db, call_arg(c, 1), true);
    return e;
}

/* What GETEX did to the TTL, for the log. */
struct getex_note {
    int64_t at_ms; /* -1: removed the TTL */
    bool removed;  /* the time had passed: the key is gone */
};

static void journal_getex(const struct call *c, struct journal *j)
{
    const struct getex_note *n = c->note;
    struct str key = call_arg(c, 1);

    if (n->removed)
        journal_cmd(j, STR("DEL"), key);
    else if (n->at_ms < 0)
        journal_cmd(j, STR("PERSIST"), key);
    else
        journal_cmd(j, STR("PEXPIREAT"), key, call_num(c, n->at_ms));
}

static bool take_getex_option(struct call *c, size_t *i, struct options *o)
{
    if (call_is(c, *i, "PERSIST")) return take_expiry(o, EXPIRY_PERSIST);
    return take_time(c, i, o);
}

static enum err run_getex(struct call *c)
{
    struct getex_note *n = call_new(c, struct getex_note, 1);
    struct str key = call_arg(c, 1);
    struct options o = { 0 };
    const struct entry *e;
    enum err err;

    for (size_t i = 2; i < c->argc; i++)
        if (!take_getex_option(c, &i, &o)) return ERR_SYNTAX;
    err = db_read_type(c->db, key, VALUE_STRING, &e);
    if (err == ERR_NO_KEY) {
        reply_null(c->out);
        return OK;
    }
    if (err == OK) err = options_time(c, &o, &n->at_ms);
    if (err != OK) return err;
    reply_string(c->out, e);
    c->note = n;
    if (o.expiry == EXPIRY_AT) return keys_expire(c->db, key, n->at_ms, 0, &n->removed);
    if (o.expiry == EXPIRY_PERSIST) (void)!keys_persist(c->db, key);
    return OK;
}

/* SET reads as well when it is asked for the old value. */
static uint16_t set_key_flags(size_t argc, const struct str *argv)
{
    for (size_t i = 3; i < argc; i++) {
        if (str_is(argv[i], "GET")) return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_OW | KEY_UPDATE;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const struct command_arg condition_args[] = {
    { .name = "nx", .type = ARG_T_PURE_TOKEN, .token = "NX" },
    { .name = "xx", .type = ARG_T_PURE_TOKEN, .token = "XX" },
    { .name = "ifeq-value", .type = ARG_T_STRING, .token = "IFEQ", .since = "8.4.0" },
    { .name = "ifne-value", .type = ARG_T_STRING, .token = "IFNE", .since = "8.4.0" },
    { 0 },
};

static const struct command_arg set_expiry_args[] = {
    { .name = "seconds", .type = ARG_T_INTEGER, .token = "EX", .since = "2.6.12" },
    { .name = "milliseconds", .type = ARG_T_INTEGER, .token = "PX", .since = "2.6.12" },
    { .name = "unix-time-seconds", .type = ARG_T_UNIX_TIME, .token = "EXAT", .since = "6.2.0" },
    { .name = "unix-time-milliseconds", .type = ARG_T_UNIX_TIME, .token = "PXAT",
      .since = "6.2.0" },
    { .name = "keepttl", .type = ARG_T_PURE_TOKEN, .token = "KEEPTTL", .since = "6.0.0" },
    { 0 },
};

static const struct command_arg getex_expiry_args[] = {
    { .name = "seconds", .type = ARG_T_INTEGER, .token = "EX" },
    { .name = "milliseconds", .type = ARG_T_INTEGER, .token = "PX" },
    { .name = "unix-time-seconds", .type = ARG_T_UNIX_TIME, .token = "EXAT" },
    { .name = "unix-time-milliseconds", .type = ARG_T_UNIX_TIME, .token = "PXAT" },
    { .name = "persist", .type = ARG_T_PURE_TOKEN, .token = "PERSIST" },
    { 0 },
};

static const char *const set_history[] = {
    "2.6.12", "The options EX, PX, NX and XX.",
    "6.0.0", "The option KEEPTTL.",
    "6.2.0", "The options GET, EXAT and PXAT.",
    "7.0.0", "NX and GET may be given together.",
    NULL,
};

const struct command string_commands[] = {
    { .name = "get", .run = run_get, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .since = "1.0.0", .complexity = "O(1)", .summary = "Gives the string at a key.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 | GET a => $1\r\n1\r\n" },
    { .name = "set", .run = run_set, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS) },
      .key_flags = set_key_flags,
      .acl = ACL_STRING, .group = GROUP_STRING, .journal = journal_set,
      .since = "1.0.0", .complexity = "O(1)",
      .summary = "Sets a key to a string, whatever it held; on a condition or for a time.",
      .history = set_history,
      .args = ARGS(ARG_KEY("key"), { .name = "value", .type = ARG_T_STRING },
                   { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .since = "2.6.12", .subs = condition_args },
                   { .name = "get", .type = ARG_T_PURE_TOKEN, .token = "GET", .flags = ARG_OPTIONAL,
                     .since = "6.2.0" },
                   { .name = "expiration", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = set_expiry_args }),
      .example = "SET a 1 | SET a 2 XX GET => $1\r\n1\r\n" },
    { .name = "setnx", .run = run_setnx, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_OW | KEY_INSERT) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .journal = journal_set, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Sets a key to a string only if there is no such key.",
      .deprecated_since = "2.6.12", .replaced_by = "`SET` with the `NX` argument",
      .args = ARGS(ARG_KEY("key"), { .name = "value", .type = ARG_T_STRING }),
      .example = "SET a 1 | SETNX a 2 => :0\r\n" },
    { .name = "setex", .run = run_setex, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_OW | KEY_UPDATE) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .journal = journal_set, .since = "2.0.0", .complexity = "O(1)",
      .summary = "Sets a key to a string for a number of seconds.",
      .deprecated_since = "2.6.12", .replaced_by = "`SET` with the `EX` argument",
      .args = ARGS(ARG_KEY("key"), { .name = "seconds", .type = ARG_T_INTEGER },
                   { .name = "value", .type = ARG_T_STRING }),
      .example = "SETEX a 10 1 | TTL a => :10\r\n" },
    { .name = "psetex", .run = run_psetex, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_OW | KEY_UPDATE) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .journal = journal_set, .since = "2.6.0", .complexity = "O(1)",
      .summary = "Sets a key to a string for a number of milliseconds.",
      .deprecated_since = "2.6.12", .replaced_by = "`SET` with the `PX` argument",
      .args = ARGS(ARG_KEY("key"), { .name = "milliseconds", .type = ARG_T_INTEGER },
                   { .name = "value", .type = ARG_T_STRING }),
      .example = "PSETEX a 1500 1 | PTTL a => :1500\r\n" },
    { .name = "getex", .run = run_getex, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .journal = journal_getex, .since = "6.2.0", .complexity = "O(1)",
      .summary = "Gives the string at a key, and sets or removes its time to live.",
      .args = ARGS(ARG_KEY("key"), { .name = "expiration", .type = ARG_T_ONEOF,
      .flags = ARG_OPTIONAL,
                                     .subs = getex_expiry_args }),
      .example = "SET a 1 | GETEX a EX 10 => $1\r\n1\r\n" },
    { .name = "getdel", .run = run_getdel, .arity = 2, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .journal = journal_del, .since = "6.2.0", .complexity = "O(1)",
      .summary = "Gives the string at a key and removes the key.",
      .args = ARGS(ARG_KEY("key")),
      .example = "SET a 1 | GETDEL a => $1\r\n1\r\n" },
    { .name = "getset", .run = run_getset, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .journal = journal_set, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Sets a key to a string and gives the one that it held.",
      .deprecated_since = "6.2.0", .replaced_by = "`SET` with the `!GET` argument",
      .args = ARGS(ARG_KEY("key"), { .name = "value", .type = ARG_T_STRING }),
      .example = "SET a 1 | GETSET a 2 => $1\r\n1\r\n" },
    { 0 },
};
