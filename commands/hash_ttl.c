/* hash_ttl.c -- how long fields live: HEXPIRE, HTTL and their relatives, and the commands that read or
 * write fields and their TTLs at once. */
#include "commands/hash_fields.h"
#include "commands/tables.h"
#include "storage/type_hash.h"

/* --- arguments -------------------------------------------------------------------------------- */

/* The last time that a field can be given: a quarter of what its 48 bits hold, as in Redis. */
#define FIELD_TIME_MAX ((int64_t)(((uint64_t)1 << 48) - 1) >> 2)

enum err fields_time(const struct call *c, size_t i, struct expire_form form, int64_t *at_ms)
{
    int64_t v, base = form.relative ? c->store->now_ms : 0;
    enum err e = call_i64(c, i, &v);

    if (e != OK) return e;
    if (v < 0) return ERR_EXPIRE_NEGATIVE;
    if (form.seconds && v > FIELD_TIME_MAX / 1000) return ERR_EXPIRE_TIME;
    if (form.seconds) v *= 1000;
    if (v > FIELD_TIME_MAX - base) return ERR_EXPIRE_TIME;
    *at_ms = v + base;
    return OK;
}

enum err fields_take(const struct call *c, size_t i, enum err not_positive, struct fields *f)
{
    int64_t n;

    if (!call_is(c, i, "FIELDS")) return ERR_FIELDS_PLACE;
    if (i + 1 >= c->argc || call_range(c, i + 1, 1, INT64_MAX, not_positive, &n) != OK)
        return not_positive;
    if ((uint64_t)n != c->argc - i - 2) return ERR_FIELDS_MATCH;
    *f = (struct fields){ c->argv + i + 2, (size_t)n };
    return OK;
}

enum err fields_check_type(struct call *c)
{
    const struct entry *e = db_peek(c->db, call_arg(c, 1));

    return e != NULL && entry_type(e) != VALUE_HASH ? ERR_WRONG_TYPE : OK;
}

/* --- what was done, for reply and log --------------------------------------------------------- */

void fields_journal(const struct call *c, struct journal *j, const struct str *words, size_t n_words,
                    bool counted, int which)
{
    const struct fields_note *note = c->note;
    struct str *argv = call_new(c, struct str, n_words + note->fields.n + 2);
    size_t n = n_words + (counted ? 2 : 0), first = n;

    memcpy(argv, words, n_words * sizeof *words);
    for (size_t i = 0; i < note->fields.n; i++)
        if (note->result[i] == which) argv[n++] = note->fields.at[i];
    if (n == first) return;
    if (counted) {
        argv[n_words] = STR("FIELDS");
        argv[n_words + 1] = call_num(c, (int64_t)(n - first));
    }
    journal_add(j, n, argv);
}

void fields_journal_expire(const struct call *c, struct journal *j)
{
    const struct fields_note *note = c->note;
    struct str key = call_arg(c, 1);

    fields_journal(c, j, (struct str[]){ STR("HDEL"), key }, 2, false, HASH_TTL_REMOVED);
    fields_journal(c, j, (struct str[]){ STR("HPEXPIREAT"), key, call_num(c, note->at_ms) }, 3, true,
                   HASH_TTL_DONE);
}

/* --- setting ---------------------------------------------------------------------------------- */

static enum hash_ttl_if take_condition(const struct call *c, size_t i)
{
    if (call_is(c, i, "NX")) return HASH_TTL_NX;
    if (call_is(c, i, "XX")) return HASH_TTL_XX;
    if (call_is(c, i, "GT")) return HASH_TTL_GT;
    if (call_is(c, i, "LT")) return HASH_TTL_LT;
    return HASH_TTL_ANY;
}

struct fields_note *fields_note(struct call *c, struct fields f, int64_t at_ms)
{
    struct fields_note *note = call_new(c, struct fields_note, 1);

    *note = (struct fields_note){ f, call_new(c, int8_t, f.n), at_ms };
    memset(note->result, HASH_NO_FIELD, f.n);
    c->note = note;
    return note;
}

static void reply_results(struct call *c, const struct fields_note *note)
{
    reply_array(c->out, note->fields.n);
    for (size_t i = 0; i < note->fields.n; i++) reply_int(c->out, note->result[i]);
}

static enum err expire(struct call *c, struct expire_form form)
{
    enum hash_ttl_if cond = take_condition(c, 3);
    struct fields f;
    struct fields_note *note;
    int64_t at_ms;
    enum err e = fields_check_type(c);

    if (e == OK) e = fields_time(c, 2, form, &at_ms);
    if (e == OK) e = fields_take(c, cond != HASH_TTL_ANY ? 4 : 3, ERR_FIELDS_GREATER_0, &f);
    if (e != OK) return e;
    note = fields_note(c, f, at_ms);
    e = hash_expire(c->db, call_arg(c, 1), f.at, f.n, at_ms, cond, note->result);
    if (e != OK && e != ERR_NO_KEY) return e;
    reply_results(c, note);
    return OK;
}

static enum err run_hexpire(struct call *c)
{
    return expire(c, (struct expire_form){ .seconds = true, .relative = true });
}

static enum err run_hpexpire(struct call *c)
{
    return expire(c, (struct expire_form){ .relative = true });
}

static enum err run_hexpireat(struct call *c)
{
    return expire(c, (struct expire_form){ .seconds = true });
}

static enum err run_hpexpireat(struct call *c)
{
    return expire(c, (struct expire_form){ 0 });
}

static enum err run_hpersist(struct call *c)
{
    struct fields f;
    struct fields_note *note;
    enum err e = fields_check_type(c);

    if (e == OK) e = fields_take(c, 2, ERR_FIELDS_POSITIVE, &f);
    if (e != OK) return e;
    note = fields_note(c, f, 0);
    e = hash_persist(c->db, call_arg(c, 1), f.at, f.n, note->result);
    if (e != OK && e != ERR_NO_KEY) return e;
    reply_results(c, note);
    return OK;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Reply the time of each field counted from base_ms; seconds are rounded up. */
static enum err reply_times(struct call *c, int64_t base_ms, bool seconds)
{
    struct fields f;
    struct hash h;
    enum err e = fields_check_type(c), there;

    if (e == OK) e = fields_take(c, 2, ERR_FIELDS_POSITIVE, &f);
    if (e != OK) return e;
    there = hash_read(c->db, call_arg(c, 1), &h);
    reply_array(c->out, f.n);
    for (size_t i = 0; i < f.n; i++) {
        int64_t ttl;
        if (there != OK || !hash_get_ttl(&h, f.at[i], &ttl))
            reply_int(c->out, HASH_NO_FIELD);
        else if (ttl < 0)
            reply_int(c->out, HASH_HAS_NO_TTL);
        else
            reply_int(c->out, seconds ? (ttl - base_ms + 999) / 1000 : ttl - base_ms);
    }
    return OK;
}

static enum err run_httl(struct call *c)
{
    return reply_times(c, c->store->now_ms, true);
}

static enum err run_hpttl(struct call *c)
{
    return reply_times(c, c->store->now_ms, false);
}

static enum err run_hexpiretime(struct call *c)
{
    return reply_times(c, 0, true);
}

static enum err run_hpexpiretime(struct call *c)
{
    return reply_times(c, 0, false);
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *const any_output[] = { "nondeterministic_output", NULL };
static const struct command_arg condition_args[] = {
    { .name = "nx", .type = ARG_T_PURE_TOKEN, .token = "NX" },
    { .name = "xx", .type = ARG_T_PURE_TOKEN, .token = "XX" },
    { .name = "gt", .type = ARG_T_PURE_TOKEN, .token = "GT" },
    { .name = "lt", .type = ARG_T_PURE_TOKEN, .token = "LT" },
    { 0 },
};
static const struct command_arg fields_args[] = {
    { .name = "numfields", .type = ARG_T_INTEGER },
    { .name = "field", .type = ARG_T_STRING, .flags = ARG_MULTIPLE },
    { 0 },
};

#define FIELDS { .name = "fields", .type = ARG_T_BLOCK, .token = "FIELDS", .subs = fields_args }
#define EXPIRE_ARGS(n, t) \
    ARGS(ARG_KEY("key"), { .name = (n), .type = (t) }, \
         { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = condition_args }, \
         FIELDS)
#define EXPIRE_ROW(n, f) \
    .name = (n), .run = (f), .arity = -6, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, \
    .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH, \
    .journal = fields_journal_expire, .since = "7.4.0", .complexity = "O(N) for N fields"
#define TTL_ROW(n, f) \
    .name = (n), .run = (f), .arity = -5, .flags = CMD_READONLY | CMD_FAST, \
    .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_HASH, .group = GROUP_HASH, \
    .since = "7.4.0", .complexity = "O(N) for N fields", .args = ARGS(ARG_KEY("key"), FIELDS)

const struct command hash_ttl_commands[] = {
    { EXPIRE_ROW("hexpire", run_hexpire),
      .summary = "Lets fields live for a number of seconds from now.",
      .args = EXPIRE_ARGS("seconds", ARG_T_INTEGER),
      .example = "HSET h a 1 | HEXPIRE h 10 FIELDS 2 a x => *2\r\n:1\r\n:-2\r\n" },
    { EXPIRE_ROW("hpexpire", run_hpexpire),
      .summary = "Lets fields live for a number of milliseconds from now.",
      .args = EXPIRE_ARGS("milliseconds", ARG_T_INTEGER),
      .example = "HSET h a 1 | HPEXPIRE h 10 XX FIELDS 1 a => *1\r\n:0\r\n" },
    { EXPIRE_ROW("hexpireat", run_hexpireat),
      .summary = "Lets fields live until a Unix time in seconds.",
      .args = EXPIRE_ARGS("unix-time-seconds", ARG_T_UNIX_TIME),
      .example = "HSET h a 1 | HEXPIREAT h 33177117420 FIELDS 1 a => *1\r\n:1\r\n" },
    { EXPIRE_ROW("hpexpireat", run_hpexpireat),
      .summary = "Lets fields live until a Unix time in milliseconds.",
      .args = EXPIRE_ARGS("unix-time-milliseconds", ARG_T_UNIX_TIME),
      .example = "HSET h a 1 b 2 | HPEXPIREAT h 1 FIELDS 1 a => *1\r\n:2\r\n" },
    { .name = "hpersist", .run = run_hpersist, .arity = -5, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .since = "7.4.0", .complexity = "O(N) for N fields",
      .summary = "Lets fields live on without an end.", .args = ARGS(ARG_KEY("key"), FIELDS),
      .example = "HSET h a 1 | HPERSIST h FIELDS 1 a => *1\r\n:-1\r\n" },
    { TTL_ROW("httl", run_httl), .tips = any_output,
      .summary = "Gives the seconds that fields have to live.",
      .example = "HSET h a 1 | HEXPIRE h 10 FIELDS 1 a | HTTL h FIELDS 1 a => *1\r\n:10\r\n" },
    { TTL_ROW("hpttl", run_hpttl), .tips = any_output,
      .summary = "Gives the milliseconds that fields have to live.",
      .example = "HSET h a 1 | HPEXPIRE h 10 FIELDS 1 a | HPTTL h FIELDS 1 a => *1\r\n:10\r\n" },
    { TTL_ROW("hexpiretime", run_hexpiretime),
      .summary = "Gives the Unix time in seconds until which fields live.",
      .example = "HSET h a 1 | HEXPIRETIME h FIELDS 1 a => *1\r\n:-1\r\n" },
    { TTL_ROW("hpexpiretime", run_hpexpiretime),
      .summary = "Gives the Unix time in milliseconds until which fields live.",
      .example = "HPEXPIRETIME h FIELDS 1 a => *1\r\n:-2\r\n" },
    { 0 },
};
