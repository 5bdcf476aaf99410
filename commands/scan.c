/* scan.c -- going through the keys: SCAN, KEYS, RANDOMKEY. */
#include "commands/scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/glob.h"
#include "base/num.h"
#include "commands/tables.h"
#include "storage/key_order.h"
#include "storage/keys.h"

/* Keys that KEYS goes through without a break. */
enum { KEYS_AT_ONCE = 50000 };

/* --- options ---------------------------------------------------------------------------------- */

/* As strtoul reads it, whose leniency clients may rely on: zeros may lead, nothing at all is 0. */
/* What strtoul takes, as in Redis: nothing counts as 0, a sign is allowed. */
enum err scan_cursor(const struct call *c, size_t i, uint64_t *cursor)
{
    struct str text = arena_printf(c->arena, "%.*s", (int)(call_arg(c, i).n & INT_MAX), call_arg(c, i).p);
    char *end;
    uint64_t v;

    errno = 0;
    v = strtoull(text.p, &end, 10);
    if (isspace((unsigned char)text.p[0]) || *end != '\0' || errno == ERANGE) return ERR_CURSOR;
    *cursor = v;
    return OK;
}

enum err scan_options(const struct call *c, size_t i, unsigned has, struct scan_options *o)
{
    int64_t count;
    enum err e;

    *o = (struct scan_options){ .count = 10, .type = VALUE_ANY };
    for (; i < c->argc; i += 2) {
        if (call_is(c, i, "NOVALUES")) {
            if (!(has & SCAN_NOVALUES)) return ERR_NOVALUES;
            o->no_values = true;
            i--;
            continue;
        }
        if ((has & SCAN_NOSCORES) && call_is(c, i, "NOSCORES")) {
            o->no_scores = true;
            i--;
            continue;
        }
        if (i + 1 == c->argc) return ERR_SYNTAX;
        if (call_is(c, i, "COUNT")) {
            e = call_range(c, i + 1, 1, INT64_MAX, ERR_SYNTAX, &count);
            if (e != OK) return e;
            o->count = count < SCAN_AT_ONCE ? (size_t)count : SCAN_AT_ONCE;
        } else if (call_is(c, i, "MATCH")) {
            o->pattern = call_arg(c, i + 1);
            o->filter = !str_eq(o->pattern, STR("*"));
        } else if ((has & SCAN_TYPE) && call_is(c, i, "TYPE")) {
            o->typed = true;
            o->type = value_type_of(call_arg(c, i + 1));
        } else {
            return ERR_SYNTAX;
        }
    }
    return OK;
}

void scan_reply_head(struct reply *r, size_t mark, uint64_t cursor, size_t n)
{
    char head[96], text[NUM_TEXT_MAX];
    int text_n = (int)num_u64(text, cursor);
    int len = snprintf(head, sizeof head, "*2\r\n$%d\r\n%.*s\r\n*%zu\r\n", text_n, text_n, text, n);

    buf_insert(r->out, mark, head, (size_t)len);
}

/* --- commands --------------------------------------------------------------------------------- */

static void visit(void *ctx, const struct entry *e)
{
    struct scan_visit *v = ctx;
    const struct scan_options *o = v->options;

    if (o->typed && entry_type(e) != o->type) return;
    if (o->filter && !glob_match(o->pattern, entry_key(e), false)) return;
    reply_bulk(v->out, entry_key(e));
    v->n++;
}

/* A walk over keys in order. */
struct ordered {
    struct scan_visit *visit;
    size_t left;       /* that may still be looked at */
    struct str last;   /* key that was; in the entry */
};

static bool visit_ordered(void *ctx, const struct entry *e)
{
    struct ordered *w = ctx;

    visit(w->visit, e);
    w->last = entry_key(e);
    return --w->left > 0;
}

/* The next keys that begin with prefix, from `behind` on; the cursor to go on with. */
static uint64_t scan_ordered(struct call *c, struct str prefix, struct str behind, struct scan_visit *v)
{
    struct ordered w = { v, v->options->count, { NULL, 0 } };

    key_order_each(c->db, prefix, behind, visit_ordered, &w);
    return w.left > 0 ? 0 : key_order_place(c->db, w.last);
}

/* SCAN with a pattern that says how keys begin is a walk in order where there is one: it meets each key once. A cursor whose place
 * is forgotten goes on with the table, from its beginning. */
static uint64_t scan_keys(struct call *c, uint64_t cursor, struct scan_visit *v)
{
    struct str prefix = v->options->filter ? glob_prefix(v->options->pattern) : STR(""), behind = STR("");

    if (key_order_is_place(cursor)) {
        if (key_order_find_place(c->db, cursor, prefix, &behind)) return scan_ordered(c, prefix, behind, v);
        cursor = 0;
    } else if (cursor == 0 && prefix.n > 0 && prefix.n < v->options->pattern.n && key_order_has(c->db, prefix)) {
        return scan_ordered(c, prefix, behind, v);
    }
    return db_scan(c->db, cursor, v->options->count, visit, v);
}

static enum err run_scan(struct call *c)
{
    struct scan_options o;
    struct scan_visit v = { c->out, &o, 0 };
    size_t mark = reply_mark(c->out);
    uint64_t cursor;
    enum err e = scan_cursor(c, 1, &cursor);

    if (e == OK) e = scan_options(c, 2, SCAN_TYPE, &o);
    if (e != OK) return e;
    cursor = scan_keys(c, cursor, &v);
    scan_reply_head(c->out, mark, cursor, v.n);
    return OK;
}

static enum err run_keys(struct call *c)
{
    struct scan_options o = { .pattern = call_arg(c, 1) };
    struct scan_visit v = { c->out, &o, 0 };
    struct ordered w = { .visit = &v, .left = SIZE_MAX };
    struct str prefix = glob_prefix(o.pattern);
    size_t mark = reply_mark(c->out);
    const struct entry *e;
    uint64_t cursor = 0;

    o.filter = !str_eq(o.pattern, STR("*"));
    if (prefix.n == o.pattern.n) { /* a name and no pattern */
        e = db_peek(c->db, o.pattern);
        if (e) visit(&v, e);
    } else if (c->may_block && c->host != NULL && c->db->n_keys > KEYS_AT_ONCE) {
        return c->host->walk_keys(c);
    } else if (key_order_has(c->db, prefix)) {
        key_order_each(c->db, prefix, STR(""), visit_ordered, &w);
    } else {
        do cursor = db_scan(c->db, cursor, SIZE_MAX, visit, &v);
        while (cursor != 0);
    }
    reply_array_at(c->out, mark, v.n);
    return OK;
}

static enum err run_randomkey(struct call *c)
{
    const struct entry *e = db_random(c->db);

    if (e)
        reply_bulk(c->out, entry_key(e));
    else
        reply_null(c->out);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const char *const scan_history[] = { "6.0.0", "The option TYPE.", NULL };
static const char *const scan_tips[] = { "nondeterministic_output", "request_policy:special",
                                         "response_policy:special", NULL };
static const char *const keys_tips[] = { "request_policy:all_shards",
                                         "nondeterministic_output_order", NULL };
static const char *const random_tips[] = { "request_policy:all_shards", "response_policy:special",
                                           "nondeterministic_output", NULL };

const struct command scan_commands[] = {
    { .name = "scan", .run = run_scan, .arity = -2,
      .flags = CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS,
      .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "2.8.0",
      .complexity = "O(COUNT) a call, O(N) for all calls until the cursor is 0 again, for N keys",
      .summary = "Goes through the keys a few at a time; who is there throughout is met.",
      .history = scan_history, .tips = scan_tips,
      .args = ARGS({ .name = "cursor", .type = ARG_T_INTEGER },
                   { .name = "pattern", .type = ARG_T_PATTERN, .token = "MATCH",
                     .flags = ARG_OPTIONAL },
                   { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT",
                     .flags = ARG_OPTIONAL },
                   { .name = "type", .type = ARG_T_STRING, .token = "TYPE", .flags = ARG_OPTIONAL,
                     .since = "6.0.0" }),
      .example = "SET a 1 | SCAN 0 COUNT 1000 => *2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n" },
    { .name = "keys", .run = run_keys, .arity = 2, .flags = CMD_READONLY,
      .acl = ACL_KEYSPACE | ACL_DANGEROUS, .group = GROUP_GENERIC, .since = "1.0.0",
      .complexity = "O(N) for N keys in the database, in slices where there are many; O(M) for M keys that begin as the pattern does, when it is "
                    "asked for again and again (key-index-memory)",
      .summary = "Gives all keys that match a pattern.", .tips = keys_tips,
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN }),
      .example = "MSET ab 1 b 2 | KEYS a* => *1\r\n$2\r\nab\r\n" },
    { .name = "randomkey", .run = run_randomkey, .arity = 1,
      .flags = CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS, .acl = ACL_KEYSPACE,
      .group = GROUP_GENERIC,
      .since = "1.0.0", .complexity = "O(1)", .summary = "Gives some key of the database.",
      .tips = random_tips,
      .example = "SET a 1 | RANDOMKEY => $1\r\na\r\n" },
    { 0 },
};
