/* json_read.c -- what is in documents: JSON.TYPE, STRLEN, ARRLEN, ARRINDEX, OBJLEN, OBJKEYS, RESP, DEBUG. */
#include <stdlib.h>

#include "base/json_canon.h"
#include "base/num.h"
#include "commands/json.h"
#include "commands/tables.h"

/* A command that tells something of each value that its path finds. */
struct json_question {
    bool (*applies)(struct str value);
    void (*tell)(struct call *c, struct str value);
    enum err no_key;      /* OK: null */
    enum err no_key_legacy;
    enum err no_path;     /* of a legacy path; OK: null */
    enum err wrong;       /* of a legacy path: the value is of another kind; OK: null */
    const char *expected; /* %s of it */
    enum json_work work;
};

static enum err null_or(struct call *c, enum err e, const char *arg)
{
    if (e != OK) return call_fail(c, e, str_c(arg));
    reply_null(c->out);
    return OK;
}

static enum err tell_legacy(struct call *c, const struct json_question *q, const struct json_look *l)
{
    struct str value;

    if (l->found.n == 0) return null_or(c, q->no_path, q->expected);
    value = l->found.items[0].value;
    if (!q->applies(value)) return null_or(c, q->wrong, q->expected);
    q->tell(c, value);
    return OK;
}

static void tell_all(struct call *c, const struct json_question *q, const struct json_look *l)
{
    reply_array(c->out, l->found.n);
    for (size_t i = 0; i < l->found.n; i++) {
        if (q->applies(l->found.items[i].value)) q->tell(c, l->found.items[i].value);
        else reply_null(c->out);
    }
}

static enum err ask(struct call *c, const struct json_question *q)
{
    struct json_look l;
    enum err e = json_look(c, 2, q->work, &l);

    if (e != OK) return e;
    if (l.doc.p == NULL) e = null_or(c, l.legacy ? q->no_key_legacy : q->no_key, q->expected);
    else if (l.legacy) e = tell_legacy(c, q, &l);
    else tell_all(c, q, &l);
    json_look_fini(&l);
    return e;
}

static bool is_any(struct str value)
{
    (void)value;
    return true;
}

static bool is_string(struct str value)
{
    return json_is(value, '"');
}

static bool is_array(struct str value)
{
    return json_is(value, '[');
}

static bool is_object(struct str value)
{
    return json_is(value, '{');
}

/* --- JSON.TYPE ---------------------------------------------------------------------------------------------------- */

static void tell_type(struct call *c, struct str value)
{
    reply_bulk_c(c->out, json_type_name(value));
}

/* RESP3 wraps what RESP2 replies into an array. */
static enum err run_type(struct call *c)
{
    static const struct json_question q = { is_any, tell_type, OK, OK, OK, OK, "", JSON_LIGHT };
    size_t mark = reply_mark(c->out);
    enum err e;

    if (c->out->resp > 2) reply_array(c->out, 1);
    e = ask(c, &q);
    if (e != OK && e != CALL_REPLIED_ERROR) reply_undo(c->out, mark);
    return e;
}

/* --- lengths ------------------------------------------------------------------------------------------------------ */

static void tell_string_length(struct call *c, struct str value)
{
    struct buf raw = { 0 };

    json_unquote(value, &raw);
    reply_int(c->out, (int64_t)raw.n);
    buf_fini(&raw);
}

static enum err run_strlen(struct call *c)
{
    static const struct json_question q = { is_string, tell_string_length, ERR_JSON_NO_KEY, OK, ERR_JSON_NO_PATH, ERR_JSON_WRONG, "string", JSON_LIGHT };

    return ask(c, &q);
}

static void tell_count(struct call *c, struct str value)
{
    reply_int(c->out, (int64_t)json_count(value));
}

static enum err run_arrlen(struct call *c)
{
    static const struct json_question q = { is_array, tell_count, ERR_JSON_NO_KEY, OK, ERR_JSON_NO_PATH, ERR_JSON_PATH_OR, "not an array", JSON_LIGHT };

    return ask(c, &q);
}

static enum err run_objlen(struct call *c)
{
    static const struct json_question q = { is_object, tell_count, ERR_JSON_PATH_OR, OK, OK, ERR_JSON_WRONG, "object", JSON_LIGHT };
    static const struct json_question no_key = { is_object, tell_count, ERR_JSON_PATH_OR, OK, OK, ERR_JSON_WRONG, "not an object", JSON_LIGHT };
    size_t n;

    return ask(c, json_doc_ask(c, call_arg(c, 1), &n) != ERR_NO_KEY ? &q : &no_key);
}

static void tell_keys(struct call *c, struct str value)
{
    struct json_walk w;
    struct str name, item;
    struct buf raw = { 0 };

    reply_array(c->out, json_count(value));
    json_open(&w, value);
    while (json_next(&w, &name, &item)) {
        buf_clear(&raw);
        json_unquote(name, &raw);
        reply_bulk(c->out, buf_str(&raw));
    }
    buf_fini(&raw);
}

static enum err run_objkeys(struct call *c)
{
    static const struct json_question q = { is_object, tell_keys, ERR_JSON_NO_KEY, OK, OK, ERR_JSON_PATH_OR, "not an object", JSON_COSTLY };

    return ask(c, &q);
}

/* --- JSON.ARRINDEX -------------------------------------------------------------------------------------------------- */

struct search {
    struct str wanted;
    int64_t from, to; /* as given; to 0: the end */
};

/* Numbers are equal by value, all else by text. */
static bool equal(struct str a, struct str b)
{
    if (str_eq(a, b)) return true;
    if (!json_is_number(a) || !json_is_number(b)) return false;
    return strtod(a.p, NULL) == strtod(b.p, NULL) && json_type_name(a) == json_type_name(b);
}

static int64_t index_in(struct str array, const struct search *s)
{
    int64_t n = (int64_t)json_count(array), from = s->from, to = s->to == 0 ? n : s->to, i = 0;
    struct json_walk w;
    struct str name, item;

    if (from < 0) from = from + n < 0 ? 0 : from + n;
    if (to < 0) to = to + n < 0 ? 0 : to + n;
    json_open(&w, array);
    for (; json_next(&w, &name, &item) && i < to; i++) {
        if (i >= from && equal(item, s->wanted)) return i;
    }
    return -1;
}

static enum err tell_indexes(struct call *c, const struct json_look *l, const struct search *s)
{
    if (l->doc.p == NULL || (l->legacy && l->found.n == 0)) return ERR_JSON_NO_PATH;
    if (l->legacy) {
        if (!is_array(l->found.items[0].value)) return call_fail(c, ERR_JSON_WRONG, STR("array"));
        reply_int(c->out, index_in(l->found.items[0].value, s));
        return OK;
    }
    reply_array(c->out, l->found.n);
    for (size_t i = 0; i < l->found.n; i++) {
        if (is_array(l->found.items[i].value)) reply_int(c->out, index_in(l->found.items[i].value, s));
        else reply_null(c->out);
    }
    return OK;
}

static enum err run_arrindex(struct call *c)
{
    struct search s = { 0 };
    struct json_look l;
    enum err e;

    if (c->argc > 6) return ERR_ARITY;
    e = json_argument(c, 3, &s.wanted);
    if (e == OK && c->argc > 4) e = call_i64(c, 4, &s.from);
    if (e == OK && c->argc > 5) e = call_i64(c, 5, &s.to);
    if (e == OK) e = json_look(c, 2, JSON_COSTLY, &l);
    if (e != OK) return e;
    e = tell_indexes(c, &l, &s);
    json_look_fini(&l);
    return e;
}

/* --- JSON.RESP ------------------------------------------------------------------------------------------------------ */

static void tell_resp(struct call *c, struct str value);

/* As deep as documents are. */
static void tell_container(struct call *c, struct str value)
{
    struct json_walk w;
    struct str name, item;
    bool object = is_object(value);

    reply_array(c->out, 1 + json_count(value) * (object ? 2 : 1));
    reply_simple(c->out, object ? "{" : "[");
    json_open(&w, value);
    while (json_next(&w, &name, &item)) {
        if (object) tell_resp(c, name);
        tell_resp(c, item);
    }
}

static void tell_number(struct call *c, struct str value)
{
    struct buf text = { 0 };
    int64_t v;

    if (num_parse_i64(value, &v)) {
        reply_int(c->out, v);
        return;
    }
    buf_add_str(&text, value);
    buf_add_char(&text, '\0');
    reply_double(c->out, strtod(text.p, NULL));
    buf_fini(&text);
}

static void tell_resp(struct call *c, struct str value)
{
    struct buf raw = { 0 };

    switch (value.p[0]) {
    case '{':
    case '[': tell_container(c, value); break;
    case '"':
        json_unquote(value, &raw);
        reply_bulk(c->out, buf_str(&raw));
        buf_fini(&raw);
        break;
    case 't': reply_simple(c->out, "true"); break;
    case 'f': reply_simple(c->out, "false"); break;
    case 'n': reply_null(c->out); break;
    default: tell_number(c, value);
    }
}

static enum err run_resp(struct call *c)
{
    static const struct json_question q = { is_any, tell_resp, OK, OK, ERR_JSON_NO_PATH, OK, "", JSON_COSTLY };

    return ask(c, &q);
}

/* --- JSON.DEBUG ------------------------------------------------------------------------------------------------------ */

/* Of the document all that its key takes; of a part its text. */
static void tell_memory(struct call *c, struct str value)
{
    size_t whole = json_doc_bytes(c, call_arg(c, 1), value);

    reply_int(c->out, (int64_t)(whole > 0 ? whole : value.n));
}

static enum err run_memory(struct call *c)
{
    static const struct json_question q = { is_any, tell_memory, OK, OK, ERR_JSON_NO_PATH, OK, "", JSON_LIGHT };
    struct call inner = *c;
    enum err e;
    size_t n;

    if (c->argc < 3 || c->argc > 4) return ERR_ARITY;
    if (json_doc_ask(c, call_arg(c, 2), &n) == ERR_NO_KEY) {
        if (c->argc > 3 && call_arg(c, 3).n > 0 && call_arg(c, 3).p[0] == '$') reply_array(c->out, 0);
        else reply_int(c->out, 0);
        return OK;
    }
    inner.argv++;
    inner.argc--;
    e = ask(&inner, &q);
    c->err_arg = inner.err_arg;
    return e;
}

static enum err run_debug(struct call *c)
{
    static const char *const lines[] = { "MEMORY <key> [path] - reports memory usage", "HELP                - this message" };

    if (call_is(c, 1, "MEMORY")) return run_memory(c);
    if (!call_is(c, 1, "HELP")) return ERR_JSON_DEBUG;
    reply_array(c->out, 2);
    for (int i = 0; i < 2; i++) reply_bulk_c(c->out, lines[i]);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------------------------------ */

#define ROW(n, f, since_version, what) \
    .name = (n), .run = json_run, .aside = (f), .arity = -2, .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_JSON, \
    .group = GROUP_JSON, .since = (since_version), .complexity = "O(N), where N is the length of the document.", .summary = (what), \
    .args = ARGS(ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING, .flags = ARG_OPTIONAL })

const struct command json_read_commands[] = {
    { ROW("json.type", run_type, "1.0.0", "Returns the types of the values that a path finds."),
      .example = "JSON.SET doc $ '[1,\"a\",null]' | JSON.TYPE doc $[*] => *3\r\n$7\r\ninteger\r\n$6\r\nstring\r\n$4\r\nnull\r\n" },
    { ROW("json.strlen", run_strlen, "1.0.0", "Returns the lengths of strings in bytes."),
      .example = "JSON.SET doc $ '\"abc\"' | JSON.STRLEN doc $ => *1\r\n:3\r\n" },
    { ROW("json.arrlen", run_arrlen, "1.0.0", "Returns the lengths of arrays."),
      .example = "JSON.SET doc $ '[1,2]' | JSON.ARRLEN doc => :2\r\n" },
    { ROW("json.objlen", run_objlen, "1.0.0", "Returns the numbers of members of objects."),
      .example = "JSON.SET doc $ '{\"a\":1}' | JSON.OBJLEN doc $ => *1\r\n:1\r\n" },
    { ROW("json.objkeys", run_objkeys, "1.0.0", "Returns the names of the members of objects."),
      .example = "JSON.SET doc $ '{\"a\":1}' | JSON.OBJKEYS doc => *1\r\n$1\r\na\r\n" },
    { ROW("json.resp", run_resp, "1.0.0", "Returns values as RESP arrays, which begin with { or [."),
      .example = "JSON.SET doc $ '[1,true]' | JSON.RESP doc => *3\r\n+[\r\n:1\r\n+true\r\n" },
    { .name = "json.arrindex", .run = json_run, .aside = run_arrindex, .arity = -4, .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .acl = ACL_JSON, .group = GROUP_JSON, .since = "1.0.0", .complexity = "O(N), where N is the length of the document.",
      .summary = "Returns where in arrays a value comes first, -1 where it does not.",
      .args = ARGS(ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING }, { .name = "value", .type = ARG_T_STRING },
                   { .name = "range", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "start", .type = ARG_T_INTEGER },
                                  { .name = "stop", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }) }),
      .example = "JSON.SET doc $ '[5,6,7]' | JSON.ARRINDEX doc $ 6 => *1\r\n:1\r\n" },
    { .name = "json.debug", .run = json_run, .aside = run_debug, .arity = -2, .flags = CMD_READONLY,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .first = 1, .last = 0, .step = 1, .keyword = "MEMORY" } },
      .acl = ACL_JSON, .group = GROUP_JSON, .since = "1.0.0", .complexity = "O(N), where N is the length of the document.",
      .summary = "Tells the memory that a document takes.",
      .args = ARGS({ .name = "subcommand", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "memory", .type = ARG_T_PURE_TOKEN, .token = "MEMORY" },
                                  { .name = "help", .type = ARG_T_PURE_TOKEN, .token = "HELP" }) },
                   { .name = "key", .type = ARG_T_KEY, .flags = ARG_OPTIONAL },
                   { .name = "path", .type = ARG_T_STRING, .flags = ARG_OPTIONAL }),
      .example = "JSON.DEBUG MEMORY nothing => :0\r\n" },
    { 0 },
};
