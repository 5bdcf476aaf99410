/* hash_ex.c -- a hash's values and TTLs in one step: HGETDEL, HGETEX, HSETEX. */
#include "commands/hash_fields.h"
#include "commands/tables.h"
#include "storage/type_hash.h"

static void reply_values(struct call *c, struct fields f)
{
    char scratch[NUM_TEXT_MAX];
    struct hash h;
    struct str v;
    bool there = hash_read(c->db, call_arg(c, 1), &h) == OK;

    reply_array(c->out, f.n);
    for (size_t i = 0; i < f.n; i++) {
        if (there && hash_get(&h, f.at[i], scratch, &v))
            reply_bulk(c->out, v);
        else
            reply_null(c->out);
    }
}

/* --- HGETDEL ---------------------------------------------------------------------------------- */

static enum err run_hgetdel(struct call *c)
{
    struct fields f;
    size_t removed;
    enum err e = fields_check_type(c);

    if (e == OK) e = fields_take(c, 2, ERR_FIELDS_POSITIVE, &f);
    if (e != OK) return e;
    reply_values(c, f);
    e = hash_remove(c->db, call_arg(c, 1), f.at, f.n, &removed);
    return e == ERR_NO_KEY ? OK : e;
}

static void journal_hgetdel(const struct call *c, struct journal *j)
{
    struct str *argv = call_new(c, struct str, c->argc - 2);

    argv[0] = STR("HDEL");
    argv[1] = call_arg(c, 1);
    memcpy(argv + 2, c->argv + 4, (c->argc - 4) * sizeof *argv);
    journal_add(j, c->argc - 2, argv);
}

/* --- HGETEX ----------------------------------------------------------------------------------- */

/* EX, PX, EXAT or PXAT at argument i. */
static bool take_form(const struct call *c, size_t i, struct expire_form *form)
{
    bool ex = call_is(c, i, "EX"), px = call_is(c, i, "PX"), exat = call_is(c, i, "EXAT");

    *form = (struct expire_form){ .seconds = ex || exat, .relative = ex || px };
    return ex || px || exat || call_is(c, i, "PXAT");
}

static enum err run_hgetex(struct call *c)
{
    struct expire_form form;
    struct fields f;
    struct fields_note *note;
    int64_t at_ms = HASH_KEEP_TTL;
    size_t i = 2;
    enum err e = fields_check_type(c);

    if (e != OK) return e;
    if (take_form(c, 2, &form)) {
        e = fields_time(c, 3, form, &at_ms);
        i = 4;
    } else if (call_is(c, 2, "PERSIST")) {
        at_ms = HASH_NO_TTL;
        i = 3;
    }
    if (e == OK) e = fields_take(c, i, ERR_FIELDS_POSITIVE, &f);
    if (e != OK) return e;

    reply_values(c, f);
    if (at_ms == HASH_KEEP_TTL) return OK;
    note = fields_note(c, f, at_ms);
    if (at_ms == HASH_NO_TTL)
        e = hash_persist(c->db, call_arg(c, 1), f.at, f.n, note->result);
    else
        e = hash_expire(c->db, call_arg(c, 1), f.at, f.n, at_ms, HASH_TTL_ANY, note->result);
    return e == ERR_NO_KEY ? OK : e;
}

static void journal_hgetex(const struct call *c, struct journal *j)
{
    const struct fields_note *note = c->note;

    if (note == NULL) return; /* fields that were due went; that was told as it happened */
    if (note->at_ms == HASH_NO_TTL)
        fields_journal(c, j, (struct str[]){ STR("HPERSIST"), call_arg(c, 1) }, 2, true, HASH_TTL_DONE);
    else
        fields_journal_expire(c, j);
}

/* --- HSETEX ----------------------------------------------------------------------------------- */

struct set_note {
    const struct str *pairs;
    size_t n;
    int64_t ttl;
};

/* FIELDS n field value ... at argument i. */
static enum err take_pairs(const struct call *c, size_t i, struct set_note *note)
{
    int64_t n;
    size_t left;

    if (i + 3 >= c->argc) return ERR_ARITY;
    if (call_range(c, i + 1, 1, INT32_MAX, ERR_FIELDS_NUMBER, &n) != OK) return ERR_FIELDS_NUMBER;
    left = c->argc - i - 2;
    if (left % 2 != 0 || (size_t)n != left / 2) return ERR_ARITY;
    note->pairs = c->argv + i + 2;
    note->n = (size_t)n;
    return OK;
}

static enum err take_when(const struct call *c, size_t i, struct hash_set *opt)
{
    if (opt->when != HASH_ALWAYS) return ERR_HSETEX_CONDITION;
    opt->when = call_is(c, i, "FNX") ? HASH_IF_NONE_THERE : HASH_IF_ALL_THERE;
    return OK;
}

/* The TTL option at argument *i, which is moved to its last word. */
static enum err take_ttl(const struct call *c, size_t *i, struct hash_set *opt)
{
    struct expire_form form;

    if (opt->ttl != HASH_NO_TTL) return ERR_HSETEX_EXPIRY;
    if (call_is(c, *i, "KEEPTTL")) {
        opt->ttl = HASH_KEEP_TTL;
        return OK;
    }
    (void)take_form(c, *i, &form);
    if (++*i >= c->argc) return ERR_EXPIRE_MISSING;
    return fields_time(c, *i, form, &opt->ttl);
}

static enum err take_set(struct call *c, struct hash_set *opt, struct set_note *note)
{
    struct expire_form form;

    for (size_t i = 2; i < c->argc; i++) {
        enum err e;
        if (call_is(c, i, "FIELDS")) return take_pairs(c, i, note);
        if (call_is(c, i, "FNX") || call_is(c, i, "FXX"))
            e = take_when(c, i, opt);
        else if (call_is(c, i, "KEEPTTL") || take_form(c, i, &form))
            e = take_ttl(c, &i, opt);
        else
            e = call_fail(c, ERR_UNKNOWN_ARGUMENT, call_arg(c, i));
        if (e != OK) return e;
    }
    return ERR_FIELDS_PLACE;
}

static enum err run_hsetex(struct call *c)
{
    struct hash_set opt = { HASH_ALWAYS, HASH_NO_TTL };
    struct set_note *note = call_new(c, struct set_note, 1);
    size_t n_new;
    enum err e = take_set(c, &opt, note);

    if (e != OK) return e;
    note->ttl = opt.ttl;
    c->note = note;
    e = hash_set(c->db, call_arg(c, 1), note->pairs, note->n, &opt, &n_new);
    if (e != OK && e != ERR_NOT_DONE) return e;
    reply_int(c->out, e == OK);
    return OK;
}

/* HDEL or HPEXPIREAT of the fields that were set. */
static void journal_names(const struct call *c, struct journal *j, const struct str *words, size_t n_words)
{
    const struct set_note *note = c->note;
    struct str *argv = call_new(c, struct str, n_words + note->n);

    memcpy(argv, words, n_words * sizeof *words);
    for (size_t i = 0; i < note->n; i++) argv[n_words + i] = note->pairs[2 * i];
    journal_add(j, n_words + note->n, argv);
}

/* KEEPTTL: HSET ends the TTLs, so those that were kept are set again. */
static void journal_kept(const struct call *c, struct journal *j)
{
    const struct set_note *note = c->note;
    struct str key = call_arg(c, 1);
    struct hash h;
    int64_t ttl;

    if (hash_read(c->db, key, &h) != OK) return;
    for (size_t i = 0; i < note->n; i++) {
        struct str field = note->pairs[2 * i];
        if (!hash_get_ttl(&h, field, &ttl) || ttl < 0) continue;
        journal_cmd(j, STR("HPEXPIREAT"), key, call_num(c, ttl), STR("FIELDS"), STR("1"), field);
    }
}

/* In words that servers know which have no HSETEX. */
static void journal_hsetex(const struct call *c, struct journal *j)
{
    const struct set_note *note = c->note;
    struct str key = call_arg(c, 1);
    struct str *argv;

    if (note->ttl >= 0 && note->ttl <= c->store->now_ms) {
        journal_names(c, j, (struct str[]){ STR("HDEL"), key }, 2);
        return;
    }
    argv = call_new(c, struct str, 2 + 2 * note->n);
    argv[0] = STR("HSET");
    argv[1] = key;
    memcpy(argv + 2, note->pairs, 2 * note->n * sizeof *argv);
    journal_add(j, 2 + 2 * note->n, argv);
    if (note->ttl == HASH_KEEP_TTL) journal_kept(c, j);
    if (note->ttl < 0) return;
    journal_names(c, j, (struct str[]){ STR("HPEXPIREAT"), key, call_num(c, note->ttl), STR("FIELDS"),
                                        call_num(c, (int64_t)note->n) }, 5);
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct command_arg fields_args[] = {
    { .name = "numfields", .type = ARG_T_INTEGER },
    { .name = "field", .type = ARG_T_STRING, .flags = ARG_MULTIPLE },
    { 0 },
};
static const struct command_arg pair_args[] = {
    { .name = "field", .type = ARG_T_STRING },
    { .name = "value", .type = ARG_T_STRING },
    { 0 },
};
static const struct command_arg pairs_args[] = {
    { .name = "numfields", .type = ARG_T_INTEGER },
    { .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE, .subs = pair_args },
    { 0 },
};
#define TIMES \
    { .name = "seconds", .type = ARG_T_INTEGER, .token = "EX" }, \
    { .name = "milliseconds", .type = ARG_T_INTEGER, .token = "PX" }, \
    { .name = "unix-time-seconds", .type = ARG_T_UNIX_TIME, .token = "EXAT" }, \
    { .name = "unix-time-milliseconds", .type = ARG_T_UNIX_TIME, .token = "PXAT" }
static const struct command_arg getex_args[] = {
    TIMES, { .name = "persist", .type = ARG_T_PURE_TOKEN, .token = "PERSIST" }, { 0 },
};
static const struct command_arg setex_args[] = {
    TIMES, { .name = "keepttl", .type = ARG_T_PURE_TOKEN, .token = "KEEPTTL" }, { 0 },
};
static const struct command_arg condition_args[] = {
    { .name = "fnx", .type = ARG_T_PURE_TOKEN, .token = "FNX" },
    { .name = "fxx", .type = ARG_T_PURE_TOKEN, .token = "FXX" },
    { 0 },
};

const struct command hash_ex_commands[] = {
    { .name = "hgetdel", .run = run_hgetdel, .arity = -5, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .journal = journal_hgetdel, .since = "8.0.0", .complexity = "O(N) for N fields",
      .summary = "Gives the values of fields and removes these.",
      .args = ARGS(ARG_KEY("key"), { .name = "fields", .type = ARG_T_BLOCK, .token = "FIELDS",
                                     .subs = fields_args }),
      .example = "HSET h a 1 b 2 | HGETDEL h FIELDS 2 a x => *2\r\n$1\r\n1\r\n$-1\r\n" },
    { .name = "hgetex", .run = run_hgetex, .arity = -5, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .journal = journal_hgetex, .since = "8.0.0", .complexity = "O(N) for N fields",
      .summary = "Gives the values of fields, and sets or ends their TTL if asked to.",
      .args = ARGS(ARG_KEY("key"), { .name = "expiration", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                                     .subs = getex_args },
                   { .name = "fields", .type = ARG_T_BLOCK, .token = "FIELDS", .subs = fields_args }),
      .example = "HSET h a 1 | HGETEX h EX 10 FIELDS 1 a => *1\r\n$1\r\n1\r\n" },
    { .name = "hsetex", .run = run_hsetex, .arity = -6, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_HASH, .group = GROUP_HASH,
      .journal = journal_hsetex, .since = "8.0.0", .complexity = "O(N) for N fields",
      .summary = "Sets fields of a hash for a time, or on conditions.",
      .args = ARGS(ARG_KEY("key"), { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                                     .subs = condition_args },
                   { .name = "expiration", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = setex_args },
                   { .name = "fields", .type = ARG_T_BLOCK, .token = "FIELDS", .subs = pairs_args }),
      .example = "HSETEX h EX 10 FIELDS 1 a 1 | HTTL h FIELDS 1 a => *1\r\n:10\r\n" },
    { 0 },
};
