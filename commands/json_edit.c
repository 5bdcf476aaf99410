/* json_edit.c -- changing scalars in documents: JSON.NUMINCRBY, NUMMULTBY, STRAPPEND, TOGGLE. */
#include <math.h>
#include <stdlib.h>

#include "base/json_canon.h"
#include "base/num.h"
#include "commands/json.h"
#include "commands/tables.h"

/* --- JSON.NUMINCRBY, JSON.NUMMULTBY -------------------------------------------------------------------------------- */

struct number {
    bool is_int;
    int64_t i;
    double d;
};

static struct number number_of(struct call *c, struct str text)
{
    struct number n = { .is_int = num_parse_i64(text, &n.i) };
    struct str ended = arena_printf(c->arena, "%.*s%c", (int)text.n, text.p, '\0');

    n.d = n.is_int ? (double)n.i : strtod(ended.p, NULL);
    return n;
}

/* A number that is none of the integers keeps a sign of it. */
static void add_double(struct buf *out, double d)
{
    char text[NUM_TEXT_MAX];
    size_t n = num_double(text, d);

    buf_add(out, text, n);
    if (memchr(text, '.', n) == NULL && memchr(text, 'e', n) == NULL) buf_add_c(out, ".0");
}

struct arithmetic {
    struct number by;
    bool multiply;
};

static enum err calculate(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r)
{
    const struct arithmetic *a = args;
    struct number v = number_of(c, value);
    struct buf text = { 0 };
    int64_t i;
    double d;

    if (v.is_int && a->by.is_int &&
        !(a->multiply ? __builtin_mul_overflow(v.i, a->by.i, &i) : __builtin_add_overflow(v.i, a->by.i, &i))) {
        buf_printf(&text, "%lld", (long long)i);
    } else {
        d = a->multiply ? v.d * a->by.d : v.d + a->by.d;
        if (!isfinite(d)) return ERR_JSON_NOT_A_NUMBER;
        add_double(&text, d);
    }
    *r = (struct json_result){ JSON_TEXT, 0, json_keep(c, buf_str(&text)) };
    buf_add_str(out, buf_str(&text));
    buf_fini(&text);
    return OK;
}

/* RESP3 has numbers; in RESP2 it is one text, of a path that may find several an array in JSON. */
static void reply_numbers(struct call *c, const struct json_result *r, size_t n)
{
    reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) {
        struct number v = r[i].kind == JSON_TEXT ? number_of(c, r[i].text) : (struct number){ 0 };

        if (r[i].kind == JSON_NOTHING) reply_null(c->out);
        else if (v.is_int) reply_int(c->out, v.i);
        else reply_double(c->out, v.d);
    }
}

static void reply_calculated(struct call *c, const struct json_result *r, size_t n, bool legacy)
{
    struct buf text = { 0 };

    if (c->out->resp > 2) {
        reply_numbers(c, r, n);
    } else if (legacy) {
        reply_bulk(c->out, r->text);
    } else {
        buf_add_char(&text, '[');
        for (size_t i = 0; i < n; i++) {
            if (i > 0) buf_add_char(&text, ',');
            buf_add_str(&text, r[i].kind == JSON_TEXT ? r[i].text : STR("null"));
        }
        buf_add_char(&text, ']');
        reply_bulk(c->out, buf_str(&text));
    }
    buf_fini(&text);
}

static enum err calculate_all(struct call *c, bool multiply)
{
    static const struct json_op add = { json_is_number, calculate, reply_calculated, "does not contains a number", CHANGE_JSON_NUMINCRBY };
    static const struct json_op times = { json_is_number, calculate, reply_calculated, "does not contains a number", CHANGE_JSON_NUMMULTBY };
    struct arithmetic a = { .multiply = multiply };
    struct str by;
    enum err e = json_argument(c, 3, &by);

    if (e != OK) return e;
    if (!json_is_number(by)) return call_fail(c, ERR_JSON_WRONG, STR("number"));
    a.by = number_of(c, by);
    return json_change(c, 2, multiply ? &times : &add, &a);
}

static enum err run_numincrby(struct call *c)
{
    return calculate_all(c, false);
}

static enum err run_nummultby(struct call *c)
{
    return calculate_all(c, true);
}

/* --- JSON.STRAPPEND -------------------------------------------------------------------------------------------------- */

static bool is_string(struct str value)
{
    return json_is(value, '"');
}

static enum err append(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r)
{
    const struct str *more = args;
    size_t at = out->n;
    struct buf raw = { 0 };

    (void)c;
    buf_add(out, value.p, value.n - 1);
    buf_add(out, more->p + 1, more->n - 1);
    if (out->failed) return ERR_OOM;
    json_unquote(str_of(out->p + at, out->n - at), &raw);
    *r = (struct json_result){ .kind = JSON_INT, .n = (int64_t)raw.n };
    buf_fini(&raw);
    return OK;
}

static enum err run_strappend(struct call *c)
{
    static const struct json_op op = { is_string, append, NULL, "not a string", CHANGE_JSON_STRAPPEND };
    struct str more;
    enum err e;

    if (c->argc > 4) return ERR_ARITY;
    e = json_argument(c, c->argc - 1, &more);
    if (e != OK) return e;
    if (!is_string(more)) return call_fail(c, ERR_JSON_WRONG, STR("string"));
    return json_change(c, c->argc == 4 ? 2 : c->argc, &op, &more);
}

/* --- JSON.TOGGLE ----------------------------------------------------------------------------------------------------- */

static bool is_boolean(struct str value)
{
    return json_is(value, 't') || json_is(value, 'f');
}

static enum err toggle(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r)
{
    bool now = json_is(value, 'f');

    (void)c, (void)args;
    buf_add_c(out, now ? "true" : "false");
    *r = (struct json_result){ .kind = JSON_INT, .n = now };
    return OK;
}

static void reply_toggled(struct call *c, const struct json_result *r, size_t n, bool legacy)
{
    if (legacy) reply_bulk_c(c->out, r->n ? "true" : "false");
    else json_reply_results(c, r, n, false);
}

static enum err run_toggle(struct call *c)
{
    static const struct json_op op = { is_boolean, toggle, reply_toggled, "not a bool", CHANGE_JSON_TOGGLE };

    return json_change(c, 2, &op, NULL);
}

/* --- rows ------------------------------------------------------------------------------------------------------------ */

#define ROW(n, f, a, more_flags, what) \
    .name = (n), .run = json_run, .aside = (f), .arity = (a), .flags = CMD_WRITE | (more_flags), \
    .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_JSON, .group = GROUP_JSON, \
    .complexity = "O(N), where N is the length of the document.", .summary = (what)
#define KEY_PATH_AND(n, t) ARGS(ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING }, { .name = (n), .type = (t) })

const struct command json_edit_commands[] = {
    { ROW("json.numincrby", run_numincrby, 4, 0, "Adds to the numbers that a path finds."), .since = "1.0.0",
      .args = KEY_PATH_AND("value", ARG_T_DOUBLE),
      .example = "JSON.SET doc $ '{\"a\":1}' | JSON.NUMINCRBY doc .a 1.5 => $3\r\n2.5\r\n" },
    { ROW("json.nummultby", run_nummultby, 4, 0, "Multiplies the numbers that a path finds."), .since = "1.0.0",
      .args = KEY_PATH_AND("value", ARG_T_DOUBLE),
      .example = "JSON.SET doc $ '[2,\"a\"]' | JSON.NUMMULTBY doc $[*] 4 => $8\r\n[8,null]\r\n" },
    { ROW("json.strappend", run_strappend, -3, CMD_DENYOOM, "Appends to the strings that a path finds."), .since = "1.0.0",
      .args = ARGS(ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING, .flags = ARG_OPTIONAL }, { .name = "value", .type = ARG_T_STRING }),
      .example = "JSON.SET doc $ '\"a\"' | JSON.STRAPPEND doc '\"bc\"' => :3\r\n" },
    { ROW("json.toggle", run_toggle, 3, 0, "Changes true to false and false to true."), .since = "2.0.0",
      .args = ARGS(ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING }),
      .example = "JSON.SET doc $ '{\"on\":true}' | JSON.TOGGLE doc $.on => *1\r\n:0\r\n" },
    { 0 },
};
