/* json_look.c -- see json.h: paths, arguments, and changes of what a path finds. */
#include "base/json_canon.h"
#include "base/json_edit.h"
#include "base/mem.h"
#include "commands/json.h"

/* --- finding ---------------------------------------------------------------------------------------------------- */

enum err json_compile(struct call *c, size_t at, struct json_path **path)
{
    struct buf why = { 0 };
    const char *what;
    size_t where;

    *path = json_path_new(at < c->argc ? call_arg(c, at) : STR("."), &where, &what);
    if (*path != NULL) return OK;
    buf_printf(&why, "Error occurred on position %zu of the path, %s", where, what);
    return call_fail_why(c, &why);
}

enum err json_look(struct call *c, size_t path_at, enum json_work work, struct json_look *l)
{
    enum err e;

    *l = (struct json_look){ 0 };
    e = json_compile(c, path_at, &l->path);
    if (e != OK) return e;
    l->legacy = json_path_is_legacy(l->path);
    e = json_doc_read(c, call_arg(c, 1), work, l->path, &l->doc);
    if (e == OK && !json_path_find(l->path, l->doc, &l->found)) e = ERR_JSON_TOO_MUCH;
    if (e == ERR_NO_KEY) e = OK;
    if (e != OK) json_look_fini(l);
    return e;
}

void json_look_fini(struct json_look *l)
{
    json_path_free(&l->path);
    json_matches_fini(&l->found);
}

struct str json_keep(struct call *c, struct str text)
{
    return arena_dup(c->arena, text);
}

enum err json_argument(struct call *c, size_t at, struct str *text)
{
    struct buf canon = { .may_fail = true }, why = { 0 };
    struct json_error error;

    if (json_is_long(c, call_arg(c, at).n, JSON_COSTLY, NULL)) return CALL_ASIDE;
    if (json_canon(call_arg(c, at), &canon, &error)) {
        *text = json_keep(c, buf_str(&canon));
        buf_fini(&canon);
        return OK;
    }
    buf_fini(&canon);
    buf_printf(&why, "%s at line %zu column %zu", error.what, error.line, error.column);
    return call_fail_why(c, &why);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

bool json_is_number(struct str value)
{
    return value.p[0] == '-' || (value.p[0] >= '0' && value.p[0] <= '9');
}

const char *json_type_name(struct str value)
{
    switch (value.p[0]) {
    case '{': return "object";
    case '[': return "array";
    case '"': return "string";
    case 't':
    case 'f': return "boolean";
    case 'n': return "null";
    default: break;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '.' || value.p[i] == 'e' || value.p[i] == 'E') return "number";
    }
    return "integer";
}

size_t json_count(struct str value)
{
    struct json_walk w;
    struct str name, item;
    size_t n = 0;

    if (!json_open(&w, value)) return 0;
    while (json_next(&w, &name, &item)) n++;
    return n;
}

/* --- changing -------------------------------------------------------------------------------------------------------- */

struct job {
    struct call *c;
    const struct json_op *op;
    void *args;
    const size_t *of;  /* which of all matches an edited one is */
    struct json_result *results;
    enum err e;
};

static void edit(void *ctx, size_t index, struct str value, struct buf *out)
{
    struct job *j = ctx;

    if (j->e == OK) j->e = j->op->edit(j->c, j->args, value, out, &j->results[j->of[index]]);
}

/* Those that the command is about, and which of all they are. */
static size_t *choose(const struct json_op *op, const struct json_matches *all, struct json_matches *some)
{
    size_t *of = mem_alloc((all->n + 1) * sizeof *of);

    some->items = mem_alloc((all->n + 1) * sizeof *some->items);
    for (size_t i = 0; i < all->n; i++) {
        if (!op->applies(all->items[i].value)) continue;
        of[some->n] = i;
        some->items[some->n++] = all->items[i];
    }
    return of;
}

void json_reply_results(struct call *c, const struct json_result *r, size_t n, bool legacy)
{
    if (!legacy) reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) {
        switch (r[i].kind) {
        case JSON_NOTHING: reply_null(c->out); break;
        case JSON_INT: reply_int(c->out, r[i].n); break;
        case JSON_TEXT: reply_bulk(c->out, r[i].text); break;
        }
    }
}

static void reply_all(const struct job *j, const struct json_look *l, size_t n_chosen)
{
    void (*reply)(struct call *c, const struct json_result *r, size_t n, bool legacy) = j->op->reply ? j->op->reply : json_reply_results;

    if (l->legacy) reply(j->c, &j->results[j->of[n_chosen - 1]], 1, true);
    else reply(j->c, j->results, l->found.n, false);
}

/* Only what is put into arrays can make a document deeper: all else that is changed so is no longer or a scalar. */
static bool puts_in(enum change_kind kind)
{
    return kind == CHANGE_JSON_ARRAPPEND || kind == CHANGE_JSON_ARRINSERT;
}

static enum err change(struct job *j, struct json_look *l)
{
    struct json_matches some = { 0 };
    struct buf text = { .may_fail = true };
    struct json_place place;
    struct str doc;
    size_t *of = choose(j->op, &l->found, &some);

    j->of = of;
    if (l->legacy && some.n == 0) {
        j->e = call_fail(j->c, ERR_JSON_PATH_OR, str_c(j->op->not_one));
    } else if (some.n > 0) {
        json_edit(l->doc, &some, edit, j, &text);
        if (j->e == OK && text.failed) j->e = ERR_OOM;
        if (j->e == OK && puts_in(j->op->kind) && json_too_deep(buf_str(&text))) j->e = ERR_JSON_TOO_DEEP;
    }
    if (j->e == OK && some.n > 0) {
        j->e = json_doc_find(j->c, call_arg(j->c, 1), &place, &doc);
        if (j->e == OK) json_doc_put(j->c, &place, buf_str(&text), false, j->op->kind);
    }
    if (j->e == OK) reply_all(j, l, some.n);
    buf_fini(&text);
    json_matches_fini(&some);
    mem_free(of);
    return j->e;
}

enum err json_change(struct call *c, size_t path_at, const struct json_op *op, void *args)
{
    struct job j = { .c = c, .op = op, .args = args };
    struct json_look l;
    enum err e = json_look(c, path_at, JSON_LIGHT, &l);

    if (e != OK) return e;
    if (l.doc.p == NULL) {
        e = ERR_JSON_NO_KEY;
    } else {
        j.results = mem_zalloc((l.found.n + 1) * sizeof *j.results);
        e = change(&j, &l);
        mem_free(j.results);
    }
    json_look_fini(&l);
    return e;
}
