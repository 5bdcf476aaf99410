/* json.c -- documents whole and in parts: JSON.SET, MSET, MERGE, DEL, GET, MGET. */
#include "base/json_canon.h"
#include "base/json_edit.h"
#include "base/json_merge.h"
#include "base/mem.h"
#include "commands/json.h"
#include "commands/tables.h"

/* --- JSON.SET, JSON.MSET, JSON.MERGE ------------------------------------------------------------------------------ */

enum when { ALWAYS, IF_NEW, IF_THERE };

/* One value for one path of one key. */
struct put {
    struct str key, value;
    struct json_path *path;
    enum when when;
    bool merge;
    enum change_kind kind;
};

static void put_value(void *ctx, size_t index, struct str value, struct buf *out)
{
    const struct put *p = ctx;

    (void)index;
    if (p->merge) json_merge(value, p->value, out);
    else buf_add_str(out, p->value);
}

/* A member more, behind the others. */
static void put_member(void *ctx, size_t index, struct str value, struct buf *out)
{
    const struct put *p = ctx;

    (void)index;
    buf_add(out, value.p, value.n - 1);
    if (value.n > 2) buf_add_char(out, ',');
    buf_add_str(out, json_path_last_name(p->path));
    buf_add_char(out, ':');
    if (p->merge) json_merge(str_of(NULL, 0), p->value, out);
    else buf_add_str(out, p->value);
    buf_add_char(out, '}');
}

static size_t keep_objects(struct json_matches *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        if (json_is(m->items[i].value, '{')) m->items[n++] = m->items[i];
    }
    m->n = n;
    return n;
}

/* What is there gets the value; where nothing is, a path that ends in a name makes it. ERR_NOT_DONE: neither. */
static enum err put_within(const struct put *p, struct str doc, struct buf *out)
{
    struct json_matches found = { 0 };
    enum err e = OK;

    if (!json_path_find(p->path, doc, &found)) e = ERR_JSON_TOO_MUCH;
    if (e == OK && found.n > 0) {
        if (p->when == IF_NEW) e = ERR_NOT_DONE;
        else json_edit(doc, &found, put_value, (void *)(uintptr_t)p, out);
    } else if (e == OK && p->when == IF_THERE) {
        e = ERR_NOT_DONE;
    } else if (e == OK && !json_path_is_definite(p->path)) {
        e = ERR_JSON_STATIC;
    } else if (e == OK && json_path_last_name(p->path).n == 0) {
        e = ERR_JSON_INDEX;
    } else if (e == OK) {
        if (!json_path_find_parents(p->path, doc, &found)) e = ERR_JSON_TOO_MUCH;
        else if (keep_objects(&found) == 0) e = ERR_NOT_DONE;
        else json_edit(doc, &found, put_member, (void *)(uintptr_t)p, out);
    }
    json_matches_fini(&found);
    return e;
}

static enum json_work work_of(const struct put *p)
{
    if (p->merge) return JSON_COSTLY;
    return json_path_is_root(p->path) ? JSON_UNREAD : JSON_LIGHT;
}

static enum err put(struct call *c, const struct put *p)
{
    struct buf text = { .may_fail = true };
    struct json_place place;
    struct str doc;
    enum err e = json_doc_find(c, p->key, &place, &doc);
    bool there = e == OK, root = json_path_is_root(p->path);

    if (there && json_is_long(c, doc.n, work_of(p), p->path)) return CALL_ASIDE;
    if (e != OK && e != ERR_NO_KEY) return e;
    e = OK;
    if (!there && p->when == IF_THERE) e = ERR_NOT_DONE;
    else if (!there && !root) e = ERR_JSON_NEW_ROOT;
    else if (!there) put_value((void *)(uintptr_t)p, 0, p->merge ? str_of(NULL, 0) : p->value, &text);
    else if (root && p->when == IF_NEW) e = ERR_NOT_DONE;
    else if (root) put_value((void *)(uintptr_t)p, 0, doc, &text);
    else e = put_within(p, doc, &text);
    if (e == OK && (text.failed || !mem_can(text.n))) e = ERR_OOM;
    if (e == OK && !root && json_nests(p->value) && json_too_deep(buf_str(&text))) e = ERR_JSON_TOO_DEEP;
    if (e == OK) json_doc_put(c, &place, buf_str(&text), root && !p->merge, p->kind);
    buf_fini(&text);
    return e;
}

/* Reply OK, or null when the condition did not hold. */
static enum err put_and_reply(struct call *c, struct put *p)
{
    enum err e = json_compile(c, 2, &p->path);

    if (e != OK) return e;
    e = put(c, p);
    json_path_free(&p->path);
    if (e == OK) reply_ok(c->out);
    else if (e == ERR_NOT_DONE) reply_null(c->out);
    return e == ERR_NOT_DONE ? OK : e;
}

/* NX, XX; FORMAT JSON and FPHA type are what RedisJSON takes besides, and say nothing here: text stays as it is. */
static enum err parse_set_options(struct call *c, struct put *p)
{
    for (size_t i = 4; i < c->argc; i++) {
        if (call_is(c, i, "NX") && p->when == ALWAYS) p->when = IF_NEW;
        else if (call_is(c, i, "XX") && p->when == ALWAYS) p->when = IF_THERE;
        else if (call_is(c, i, "FORMAT") && call_is(c, i + 1, "JSON")) i++;
        else if (call_is(c, i, "FPHA") && i + 1 < c->argc) i++;
        else return ERR_SYNTAX;
    }
    return OK;
}

static enum err run_set(struct call *c)
{
    struct put p = { .key = call_arg(c, 1), .kind = CHANGE_JSON_SET };
    enum err e = parse_set_options(c, &p);

    if (e == OK) e = json_argument(c, 3, &p.value);
    return e == OK ? put_and_reply(c, &p) : e;
}

static enum err run_merge(struct call *c)
{
    struct put p = { .key = call_arg(c, 1), .merge = true, .kind = CHANGE_JSON_MERGE };
    enum err e = json_argument(c, 3, &p.value);

    return e == OK ? put_and_reply(c, &p) : e;
}

/* As far as that can be told, all is looked at before anything is changed. */
static enum err check_triplet(struct call *c, size_t at, struct put *p, size_t *sum)
{
    size_t n;
    enum err there = json_doc_ask(c, call_arg(c, at), &n), e;

    *p = (struct put){ .key = call_arg(c, at), .kind = CHANGE_JSON_MSET };
    if (there == ERR_WRONG_TYPE) return there;
    e = json_argument(c, at + 2, &p->value);
    if (e == OK) e = json_compile(c, at + 1, &p->path);
    if (e == OK && there == ERR_NO_KEY && !json_path_is_root(p->path)) e = ERR_JSON_NEW_ROOT;
    *sum += n + p->value.n;
    return e == OK && json_is_long(c, *sum, work_of(p), p->path) ? CALL_ASIDE : e;
}

/* Those before the one that failed: the log has nothing that fails when it is read. */
static void journal_mset(const struct call *c, struct journal *j)
{
    const size_t *done = c->note;

    journal_add(j, 1 + 3 * *done, c->argv);
}

static enum err run_mset(struct call *c)
{
    size_t n = (c->argc - 1) / 3, ready = 0, sum = 0, *done;
    struct put *puts;
    enum err e = OK;

    if ((c->argc - 1) % 3 != 0) return ERR_ARITY;
    puts = call_new(c, struct put, n);
    while (ready < n && e == OK) {
        e = check_triplet(c, 1 + 3 * ready, &puts[ready], &sum);
        ready++;
    }
    c->may_block = false; /* from here on it is one piece, whatever the first of them make of those behind */
    c->note = done = call_new(c, size_t, 1);
    for (*done = 0; *done < n && e == OK; *done += e == OK) {
        e = put(c, &puts[*done]);
        if (e == ERR_NOT_DONE || e == ERR_JSON_STATIC || e == ERR_JSON_INDEX) e = OK; /* a path that is not there: as RedisJSON */
    }
    for (size_t i = 0; i < ready; i++) json_path_free(&puts[i].path);
    if (e == OK) reply_ok(c->out);
    return e;
}

/* --- JSON.DEL ----------------------------------------------------------------------------------------------------- */

static bool is_empty(struct str doc)
{
    return doc.n == 2 && json_nests(doc);
}

static enum err delete_found(struct call *c, const struct json_look *l, size_t *n)
{
    struct buf text = { .may_fail = true };
    bool root = json_path_is_root(l->path);
    struct json_place place;
    struct str doc;
    enum err e = json_doc_find(c, call_arg(c, 1), &place, &doc);

    for (size_t i = 0; i < l->found.n; i++) root |= l->found.items[i].value.p == l->doc.p;
    *n = root ? 1 : json_remove(l->doc, &l->found, &text);
    if (text.failed) e = ERR_OOM;
    if (e == OK && (root || is_empty(buf_str(&text)))) {
        json_doc_remove(c, &place, CHANGE_JSON_DEL);
    } else if (e == OK) {
        json_doc_put(c, &place, buf_str(&text), false, CHANGE_JSON_DEL);
    }
    buf_fini(&text);
    return e;
}

static enum err run_del(struct call *c)
{
    struct json_look l;
    size_t n = 0;
    enum err e;

    if (c->argc > 3) return ERR_ARITY;
    e = json_look(c, 2, JSON_LIGHT, &l);
    if (e != OK) return e;
    if (l.found.n > 0) e = delete_found(c, &l, &n);
    json_look_fini(&l);
    if (e == OK) reply_int(c->out, (int64_t)n);
    return e;
}

/* --- JSON.GET ----------------------------------------------------------------------------------------------------- */

struct format {
    struct str indent, newline, space;
};

static void new_line(const struct format *f, unsigned depth, struct buf *out)
{
    buf_add_str(out, f->newline);
    for (unsigned i = 0; i < depth; i++) buf_add_str(out, f->indent);
}

/* As deep as documents are. */
static void print(const struct format *f, struct str value, unsigned depth, struct buf *out)
{
    struct json_walk w;
    struct str name, item;
    bool first = true;

    if (value.n == 2 || !json_open(&w, value)) {
        buf_add_str(out, value);
        return;
    }
    buf_add_char(out, value.p[0]);
    while (json_next(&w, &name, &item)) {
        if (!first) buf_add_char(out, ',');
        first = false;
        new_line(f, depth + 1, out);
        buf_add_str(out, name);
        if (name.n > 0) buf_add_char(out, ':');
        if (name.n > 0) buf_add_str(out, f->space);
        print(f, item, depth + 1, out);
    }
    new_line(f, depth, out);
    buf_add_char(out, value.p[value.n - 1]);
}

static bool is_plain(const struct format *f)
{
    return f->indent.n + f->newline.n + f->space.n == 0;
}

static void add_found(const struct json_matches *m, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < m->n; i++) {
        if (i > 0) buf_add_char(out, ',');
        buf_add_str(out, m->items[i].value);
    }
    buf_add_char(out, ']');
}

/* Paths, the arguments at[0..n), in a document. */
struct wanted {
    struct str doc;
    size_t *at, n;
    enum json_work work;
};

/* What one path finds: an array, or the one value of a legacy path. */
static enum err add_path(struct call *c, size_t at, const struct wanted *w, bool array, struct buf *out)
{
    struct json_matches m = { 0 };
    struct json_path *p;
    enum err e = json_compile(c, at, &p);

    if (e != OK) return e;
    if (json_is_long(c, w->doc.n * w->n, w->work, p)) e = CALL_ASIDE;
    else if (!json_path_find(p, w->doc, &m)) e = ERR_JSON_TOO_MUCH;
    else if (array || !json_path_is_legacy(p)) add_found(&m, out);
    else if (m.n == 0) e = ERR_JSON_NO_PATH;
    else buf_add_str(out, m.items[0].value);
    json_matches_fini(&m);
    json_path_free(&p);
    return e;
}

static enum err add_paths(struct call *c, const struct wanted *w, struct buf *out)
{
    bool array = false;
    enum err e = OK;

    if (w->n == 1) return add_path(c, w->at[0], w, false, out);
    for (size_t i = 0; i < w->n; i++) array |= call_arg(c, w->at[i]).n > 0 && call_arg(c, w->at[i]).p[0] == '$';
    for (size_t i = 0; i < w->n && e == OK; i++) {
        buf_add_char(out, i > 0 ? ',' : '{');
        json_quote(out, call_arg(c, w->at[i]));
        buf_add_char(out, ':');
        e = add_path(c, w->at[i], w, array, out);
    }
    buf_add_char(out, '}');
    return e;
}

/* Options, which may stand between paths; where the paths stand goes to w. */
static enum err parse_get(struct call *c, struct format *f, struct wanted *w)
{
    w->at = call_new(c, size_t, c->argc);
    for (size_t i = 2; i < c->argc; i++) {
        bool has_more = i + 1 < c->argc;

        if (call_is(c, i, "INDENT") && has_more) f->indent = call_arg(c, ++i);
        else if (call_is(c, i, "NEWLINE") && has_more) f->newline = call_arg(c, ++i);
        else if (call_is(c, i, "SPACE") && has_more) f->space = call_arg(c, ++i);
        else if (call_is(c, i, "FORMAT") && has_more && c->out->resp == 2) return ERR_JSON_FORMAT;
        else if (call_is(c, i, "FORMAT") && call_is(c, i + 1, "STRING")) i++;
        else if (call_is(c, i, "NOESCAPE")) continue;
        else w->at[w->n++] = i;
    }
    w->work = is_plain(f) ? JSON_LIGHT : JSON_COSTLY;
    if (w->n == 0) w->at[w->n++] = c->argc; /* the root */
    return OK;
}

static enum err run_get(struct call *c)
{
    struct format f = { 0 };
    struct wanted w = { 0 };
    struct buf text = { .may_fail = true }, pretty = { .may_fail = true };
    enum err e = parse_get(c, &f, &w);

    if (e == OK) e = json_doc_read(c, call_arg(c, 1), JSON_UNREAD, NULL, &w.doc);
    if (e == ERR_NO_KEY) reply_null(c->out);
    if (e == ERR_NO_KEY) return OK;
    if (e == OK) e = add_paths(c, &w, &text);
    if (e == OK && !is_plain(&f)) print(&f, buf_str(&text), 0, &pretty);
    if (e == OK && (text.failed || pretty.failed)) e = ERR_OOM;
    if (e == OK) reply_bulk(c->out, is_plain(&f) ? buf_str(&text) : buf_str(&pretty));
    buf_fini(&text);
    buf_fini(&pretty);
    return e;
}

/* --- JSON.MGET ---------------------------------------------------------------------------------------------------- */

static enum err reply_of_key(struct call *c, struct str key, const struct json_path *p, size_t *sum)
{
    struct json_matches m = { 0 };
    struct buf text = { .may_fail = true };
    struct str doc;
    bool legacy = json_path_is_legacy(p);
    enum err e = json_doc_read(c, key, JSON_UNREAD, NULL, &doc);

    if (e == OK) *sum += doc.n;
    if (e == OK && json_is_long(c, *sum, JSON_LIGHT, p)) return CALL_ASIDE;
    if (e != OK || !json_path_find(p, doc, &m) || (legacy && m.n == 0)) {
        reply_null(c->out);
    } else if (legacy) {
        reply_bulk(c->out, m.items[0].value);
    } else {
        add_found(&m, &text);
        if (text.failed) reply_null(c->out);
        else reply_bulk(c->out, buf_str(&text));
    }
    buf_fini(&text);
    json_matches_fini(&m);
    return OK;
}

static enum err run_mget(struct call *c)
{
    struct json_path *p;
    size_t sum = 0;
    enum err e = json_compile(c, c->argc - 1, &p);

    if (e != OK) return e;
    reply_array(c->out, c->argc - 2);
    for (size_t i = 1; i + 1 < c->argc && e == OK; i++) e = reply_of_key(c, call_arg(c, i), p, &sum);
    json_path_free(&p);
    return e;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define KEY_AND_PATH ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING }
#define KEY_MAYBE_PATH ARGS(ARG_KEY("key"), { .name = "path", .type = ARG_T_STRING, .flags = ARG_OPTIONAL })

const struct command json_commands[] = {
    { .name = "json.set", .run = json_run, .aside = run_set, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_INSERT) }, .acl = ACL_JSON, .group = GROUP_JSON, .since = "1.0.0",
      .complexity = "O(N), where N is the length of the document.",
      .summary = "Sets a document, or the values in it that a path finds.",
      .args = ARGS(KEY_AND_PATH, { .name = "value", .type = ARG_T_STRING },
                   { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "nx", .type = ARG_T_PURE_TOKEN, .token = "NX" },
                                  { .name = "xx", .type = ARG_T_PURE_TOKEN, .token = "XX" }) }),
      .example = "JSON.SET doc $ '{\"a\": [1, 2]}' => +OK\r\n" },
    { .name = "json.mset", .run = json_run, .aside = run_mset, .journal = journal_mset, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEYS_FROM(1, -1, 3, KEY_RW | KEY_UPDATE | KEY_INSERT) }, .acl = ACL_JSON, .group = GROUP_JSON,
      .since = "2.6.0", .complexity = "O(N), where N is the length of all documents.",
      .summary = "Sets documents or values in them; when a key or a value is wrong, none.",
      .args = ARGS({ .name = "triplet", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE,
                     .subs = ARGS(KEY_AND_PATH, { .name = "value", .type = ARG_T_STRING }) }),
      .example = "JSON.MSET a $ 1 b $ 2 => +OK\r\n" },
    { .name = "json.merge", .run = json_run, .aside = run_merge, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_INSERT) }, .acl = ACL_JSON, .group = GROUP_JSON, .since = "2.6.0",
      .complexity = "O(N), where N is the length of the document.",
      .summary = "Merges a value into those that a path finds, by RFC 7396: members with null are removed.",
      .args = ARGS(KEY_AND_PATH, { .name = "value", .type = ARG_T_STRING }),
      .example = "JSON.SET doc $ '{\"a\":1,\"b\":2}' | JSON.MERGE doc $ '{\"a\":null,\"c\":3}' | JSON.GET doc => $13\r\n{\"b\":2,\"c\":3}\r\n" },
    { .name = "json.del", .run = json_run, .aside = run_del, .arity = -2, .flags = CMD_WRITE, .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_DELETE) },
      .acl = ACL_JSON, .group = GROUP_JSON, .since = "1.0.0", .complexity = "O(N), where N is the length of the document.",
      .summary = "Removes the values that a path finds, or the document.", .args = KEY_MAYBE_PATH,
      .example = "JSON.SET doc $ '{\"a\":1,\"b\":2}' | JSON.DEL doc $.a => :1\r\n" },
    { .name = "json.forget", .run = json_run, .aside = run_del, .arity = -2, .flags = CMD_WRITE, .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_DELETE) },
      .acl = ACL_JSON, .group = GROUP_JSON, .since = "1.0.0", .complexity = "O(N), where N is the length of the document.",
      .summary = "The same as JSON.DEL.", .args = KEY_MAYBE_PATH, .example = "JSON.FORGET nothing => :0\r\n" },
    { .name = "json.get", .run = json_run, .aside = run_get, .arity = -2, .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .acl = ACL_JSON, .group = GROUP_JSON, .since = "1.0.0", .complexity = "O(N), where N is the length of the document.",
      .summary = "Returns a document, or the values in it that paths find, as JSON.",
      .args = ARGS(ARG_KEY("key"), { .name = "indent", .type = ARG_T_STRING, .token = "INDENT", .flags = ARG_OPTIONAL },
                   { .name = "newline", .type = ARG_T_STRING, .token = "NEWLINE", .flags = ARG_OPTIONAL },
                   { .name = "space", .type = ARG_T_STRING, .token = "SPACE", .flags = ARG_OPTIONAL },
                   { .name = "path", .type = ARG_T_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE }),
      .example = "JSON.SET doc $ '{\"a\":[1,2]}' | JSON.GET doc $.a[*] => $5\r\n[1,2]\r\n" },
    { .name = "json.mget", .run = json_run, .aside = run_mget, .arity = -3, .flags = CMD_READONLY, .keys = { KEYS_FROM(1, -2, 1, KEY_RO | KEY_ACCESS) },
      .acl = ACL_JSON, .group = GROUP_JSON, .since = "1.0.0", .complexity = "O(N), where N is the length of all documents.",
      .summary = "Returns what a path finds in each of several documents.",
      .args = ARGS({ .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }, { .name = "path", .type = ARG_T_STRING }),
      .example = "JSON.SET a $ 1 | JSON.MGET a b $ => *2\r\n$3\r\n[1]\r\n$-1\r\n" },
    { 0 },
};
