/* json_array.c -- changing arrays in documents: JSON.ARRAPPEND, ARRINSERT, ARRPOP, ARRTRIM; and JSON.CLEAR. */
#include <math.h>
#include <stdlib.h>

#include "commands/json.h"
#include "commands/tables.h"

static bool is_array(struct str value)
{
    return json_is(value, '[');
}

/* The element at index, or an empty text behind the last. */
static struct str element(struct str array, int64_t index)
{
    struct json_walk w;
    struct str name, item;

    json_open(&w, array);
    for (int64_t i = 0; json_next(&w, &name, &item); i++) {
        if (i == index) return item;
    }
    return str_of(array.p + array.n - 1, 0);
}

/* --- JSON.ARRAPPEND, JSON.ARRINSERT ---------------------------------------------------------------------------------- */

struct insertion {
    bool append;
    int64_t at;
    struct str items; /* joined by commas */
    int64_t n;
};

static enum err insert(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r)
{
    const struct insertion *in = args;
    int64_t n = (int64_t)json_count(value), at = in->append ? n : in->at < 0 ? in->at + n : in->at;
    size_t before;

    (void)c;
    if (at < 0 || at > n) return ERR_JSON_BOUNDS;
    before = (size_t)(element(value, at).p - value.p);
    buf_add(out, value.p, before);
    if (at == n && n > 0) buf_add_char(out, ',');
    buf_add_str(out, in->items);
    if (at < n) buf_add_char(out, ',');
    buf_add(out, value.p + before, value.n - before);
    *r = (struct json_result){ .kind = JSON_INT, .n = n + in->n };
    return OK;
}

static enum err join_arguments(struct call *c, size_t from, struct insertion *in)
{
    struct buf all = { .may_fail = true };
    struct str one;
    enum err e = OK;

    for (size_t i = from; i < c->argc && e == OK; i++, in->n++) {
        e = json_argument(c, i, &one);
        if (e != OK) break;
        if (in->n > 0) buf_add_char(&all, ',');
        buf_add_str(&all, one);
    }
    if (e == OK && all.failed) e = ERR_OOM;
    if (e == OK) in->items = json_keep(c, buf_str(&all));
    buf_fini(&all);
    return e;
}

static enum err run_arrappend(struct call *c)
{
    static const struct json_op op = { is_array, insert, NULL, "not an array", CHANGE_JSON_ARRAPPEND };
    struct insertion in = { .append = true };
    enum err e = join_arguments(c, 3, &in);

    return e == OK ? json_change(c, 2, &op, &in) : e;
}

static enum err run_arrinsert(struct call *c)
{
    static const struct json_op op = { is_array, insert, NULL, "not an array", CHANGE_JSON_ARRINSERT };
    struct insertion in = { 0 };
    enum err e = call_i64(c, 3, &in.at);

    if (e == OK) e = join_arguments(c, 4, &in);
    return e == OK ? json_change(c, 2, &op, &in) : e;
}

/* --- JSON.ARRPOP ------------------------------------------------------------------------------------------------------ */

static enum err pop(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r)
{
    int64_t n = (int64_t)json_count(value), at = *(const int64_t *)args;
    struct str gone;
    const char *from, *to, *end = value.p + value.n;

    if (n == 0) {
        buf_add_str(out, value);
        return OK;
    }
    if (at < 0) at = at + n < 0 ? 0 : at + n;
    if (at >= n) at = n - 1;
    gone = element(value, at);
    from = at > 0 ? gone.p - 1 : gone.p;                           /* with the comma before it, ... */
    to = gone.p + gone.n + (at == 0 && n > 1 ? 1 : 0);             /* or of the first the one behind */
    buf_add(out, value.p, (size_t)(from - value.p));
    buf_add(out, to, (size_t)(end - to));
    *r = (struct json_result){ JSON_TEXT, 0, json_keep(c, gone) };
    return OK;
}

/* FORMAT STRINGS is what is replied anyway. */
static enum err run_arrpop(struct call *c)
{
    static const struct json_op op = { is_array, pop, NULL, "not an array", CHANGE_JSON_ARRPOP };
    int64_t at = -1;
    enum err e = OK;

    if (c->argc > 4) return ERR_ARITY;
    if (c->argc == 4) e = call_i64(c, 3, &at);
    return e == OK ? json_change(c, 2, &op, &at) : e;
}

/* --- JSON.ARRTRIM ----------------------------------------------------------------------------------------------------- */

static enum err trim(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r)
{
    const int64_t *range = args;
    int64_t n = (int64_t)json_count(value), from = range[0], to = range[1];
    struct str last;
    const char *begin;

    (void)c;
    if (from < 0) from = from + n < 0 ? 0 : from + n;
    if (to < 0) to += n;
    if (to >= n) to = n - 1;
    if (from >= n || to < from) {
        buf_add_c(out, "[]");
        *r = (struct json_result){ .kind = JSON_INT, .n = 0 };
        return OK;
    }
    begin = element(value, from).p;
    last = element(value, to);
    buf_add_char(out, '[');
    buf_add(out, begin, (size_t)(last.p + last.n - begin));
    buf_add_char(out, ']');
    *r = (struct json_result){ .kind = JSON_INT, .n = to - from + 1 };
    return OK;
}

static enum err run_arrtrim(struct call *c)
{
    static const struct json_op op = { is_array, trim, NULL, "not an array", CHANGE_JSON_ARRTRIM };
    int64_t range[2];
    enum err e = call_i64(c, 3, &range[0]);

    if (e == OK) e = call_i64(c, 4, &range[1]);
    return e == OK ? json_change(c, 2, &op, range) : e;
}

/* --- JSON.CLEAR -------------------------------------------------------------------------------------------------------- */

static bool is_zero(struct str number)
{
    for (size_t i = 0; i < number.n && number.p[i] != 'e' && number.p[i] != 'E'; i++) {
        if (number.p[i] >= '1' && number.p[i] <= '9') return false;
    }
    return true;
}

static bool can_be_cleared(struct str value)
{
    if (json_nests(value)) return value.n > 2;
    return json_is_number(value) && !is_zero(value);
}

static enum err clear(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r)
{
    (void)c, (void)args;
    *r = (struct json_result){ .kind = JSON_INT };
    buf_add_c(out, json_is(value, '{') ? "{}" : json_is(value, '[') ? "[]" : "0");
    return OK;
}

static void reply_cleared(struct call *c, const struct json_result *r, size_t n, bool legacy)
{
    int64_t cleared = 0;

    (void)legacy;
    for (size_t i = 0; i < n; i++) cleared += r[i].kind == JSON_INT;
    reply_int(c->out, cleared);
}

static enum err run_clear(struct call *c)
{
    static const struct json_op op = { can_be_cleared, clear, reply_cleared, "", CHANGE_JSON_CLEAR };
    enum err e;

    if (c->argc > 3) return ERR_ARITY;
    e = json_change(c, 2, &op, NULL);
    if (e != ERR_JSON_PATH_OR) return e;
    reply_int(c->out, 0); /* a legacy path has found nothing that could be cleared */
    return OK;
}

/* --- rows -------------------------------------------------------------------------------------------------------------- */

#define ROW(n, f, a, more_flags, what) \
    .name = (n), .run = json_run, .aside = (f), .arity = (a), .flags = CMD_WRITE | (more_flags), \
    .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_JSON, .group = GROUP_JSON, \
    .complexity = "O(N), where N is the length of the document.", .summary = (what)
#define PATH { .name = "path", .type = ARG_T_STRING }
#define VALUES { .name = "value", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }

const struct command json_array_commands[] = {
    { ROW("json.arrappend", run_arrappend, -4, CMD_DENYOOM, "Appends values to the arrays that a path finds."), .since = "1.0.0",
      .args = ARGS(ARG_KEY("key"), PATH, VALUES),
      .example = "JSON.SET doc $ '[1]' | JSON.ARRAPPEND doc $ 2 3 => *1\r\n:3\r\n" },
    { ROW("json.arrinsert", run_arrinsert, -5, CMD_DENYOOM, "Inserts values into the arrays that a path finds, before an index."),
      .since = "1.0.0", .args = ARGS(ARG_KEY("key"), PATH, { .name = "index", .type = ARG_T_INTEGER }, VALUES),
      .example = "JSON.SET doc $ '[1,3]' | JSON.ARRINSERT doc $ 1 2 => *1\r\n:3\r\n" },
    { ROW("json.arrpop", run_arrpop, -2, 0, "Removes an element of each array that a path finds, and returns it."), .since = "1.0.0",
      .args = ARGS(ARG_KEY("key"),
                   { .name = "place", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL,
                     .subs = ARGS(PATH, { .name = "index", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }) }),
      .example = "JSON.SET doc $ '[1,2]' | JSON.ARRPOP doc => $1\r\n2\r\n" },
    { ROW("json.arrtrim", run_arrtrim, 5, 0, "Keeps of each array that a path finds a range of elements."), .since = "1.0.0",
      .args = ARGS(ARG_KEY("key"), PATH, { .name = "start", .type = ARG_T_INTEGER }, { .name = "stop", .type = ARG_T_INTEGER }),
      .example = "JSON.SET doc $ '[1,2,3]' | JSON.ARRTRIM doc $ 1 1 => *1\r\n:1\r\n" },
    { ROW("json.clear", run_clear, -2, 0, "Empties arrays and objects, and sets numbers to 0."), .since = "2.0.0",
      .args = ARGS(ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING, .flags = ARG_OPTIONAL }),
      .example = "JSON.SET doc $ '{\"a\":[1],\"b\":2}' | JSON.CLEAR doc $.* => :2\r\n" },
    { 0 },
};
