/* archive_where.c -- see archive_where.h. */
#include <stdio.h>

#include "base/glob.h"
#include "base/num.h"
#include "persistence/archive_reader.h"
#include "persistence/archive_where.h"

/* --- making ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum archive_where_op op;
} ops[] = {
    { "=", WHERE_EQ },  { "==", WHERE_EQ }, { "!=", WHERE_NE }, { "<>", WHERE_NE }, { "<", WHERE_LT },
    { "<=", WHERE_LE }, { ">", WHERE_GT },  { ">=", WHERE_GE }, { "IN", WHERE_IN }, { "GLOB", WHERE_GLOB },
};

static bool find_op(struct str name, enum archive_where_op *op)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!str_is_word(name, ops[i].name)) continue;
        *op = ops[i].op;
        return true;
    }
    return false;
}

/* One name or [index] of a path, from *p on, in SQLite's form. */
static bool put_step(struct str path, size_t *at, struct buf *out)
{
    size_t from = *at;

    if (path.p[from] == '[') {
        for (*at = from + 1; *at < path.n && path.p[*at] >= '0' && path.p[*at] <= '9'; ++*at) continue;
        if (*at == path.n || path.p[*at] != ']' || *at == from + 1 || *at - from > 10) return false;
        ++*at;
        buf_add(out, path.p + from, *at - from);
        return true;
    }
    for (; *at < path.n && path.p[*at] != '.' && path.p[*at] != '['; ++*at) {
        if (path.p[*at] == '"' || path.p[*at] == '\\' || path.p[*at] == '\0' || path.p[*at] == ']')
            return false;
    }
    if (*at == from) return false;
    buf_add_c(out, ".\"");
    buf_add(out, path.p + from, *at - from);
    buf_add_char(out, '"');
    return true;
}

static bool put_path(struct archive_where *w, struct str path)
{
    size_t at = 0, steps = 0;

    buf_add_char(&w->path, '$');
    buf_add_char(&w->rest, '$');
    while (at < path.n) {
        size_t before = w->path.n;
        if (!put_step(path, &at, &w->path)) return false;
        if (steps++ > 0)
            buf_add(&w->rest, w->path.p + before, w->path.n - before);
        else
            w->first = at;
        if (at == path.n) return true;
        if (path.p[at] == '.' && ++at == path.n) return false;
    }
    return false;
}

enum err archive_where_make(struct archive_where *w, struct str path, struct str op, struct str value,
                            char why[ARCHIVE_WHERE_WHY])
{
    memset(w, 0, sizeof *w);
    if (!find_op(op, &w->op)) {
        snprintf(why, ARCHIVE_WHERE_WHY, "WHERE wants one of = != < <= > >= IN GLOB between path and value");
        return ERR_SYNTAX;
    }
    if (str_starts(path, STR("$."))) path = str_of(path.p + 2, path.n - 2);
    if (path.n > ARCHIVE_WHERE_PATH || !put_path(w, path)) {
        snprintf(why, ARCHIVE_WHERE_WHY,
                 "a path of WHERE is names with dots between, or [index]: user.name, tags[0]");
        archive_where_fini(w);
        return ERR_SYNTAX;
    }
    buf_add_str(&w->field, path);
    buf_add_str(&w->value, value);
    return OK;
}

void archive_where_fini(struct archive_where *w)
{
    buf_fini(&w->path);
    buf_fini(&w->rest);
    buf_fini(&w->field);
    buf_fini(&w->value);
}

/* --- asking ---------------------------------------------------------------------------------------------- */

static bool is_in(struct str list, struct str text)
{
    size_t from = 0;

    for (size_t i = 0; i <= list.n; i++) {
        if (i < list.n && list.p[i] != ',') continue;
        if (str_eq(str_of(list.p + from, i - from), text)) return true;
        from = i + 1;
    }
    return false;
}

static bool by_order(enum archive_where_op op, int order)
{
    switch (op) {
    case WHERE_LT: return order < 0;
    case WHERE_LE: return order <= 0;
    case WHERE_GT: return order > 0;
    case WHERE_GE: return order >= 0;
    default: return order == 0;
    }
}

/* NE is asked as EQ. number: the text is a JSON number. */
static bool meets(const struct archive_where *w, struct str text, bool number)
{
    struct str value = buf_str(&w->value);
    bool equal = w->op == WHERE_EQ || w->op == WHERE_NE;
    double a, b;

    if (w->op == WHERE_GLOB) return glob_match(value, text, false);
    if (w->op == WHERE_IN) return is_in(value, text);
    if ((number || !equal) && num_parse_double(text, &a) && num_parse_double(value, &b)) {
        return by_order(w->op, (a > b) - (a < b));
    }
    return by_order(w->op, str_cmp(text, value));
}

static enum archive_where_says says(const struct archive_where *w, bool met)
{
    return met == (w->op != WHERE_NE) ? WHERE_YES : WHERE_NO;
}

enum archive_where_says archive_where_text(const struct archive_where *w, struct str text)
{
    return says(w, meets(w, text, false));
}

static bool row_meets(const struct archive_where *w, sqlite3_stmt *st)
{
    const char *type = (const char *)sqlite3_column_text(st, 0);
    const char *text = (const char *)sqlite3_column_text(st, 1);
    bool number = type != NULL && (strcmp(type, "integer") == 0 || strcmp(type, "real") == 0);

    if (type == NULL) return false;
    if (strcmp(type, "true") == 0 || strcmp(type, "false") == 0 || strcmp(type, "null") == 0)
        return meets(w, str_c(type), false);
    return text != NULL && meets(w, str_of(text, (size_t)sqlite3_column_bytes(st, 1)), number);
}

enum archive_where_says archive_where_json(const struct archive_where *w, struct archive_reader *r,
                                           const struct buf *path, struct str json)
{
    sqlite3_stmt *st;
    bool any = false, met = false;

    if (json.n == 0 || json.n > INT32_MAX) return WHERE_NOT_THERE;
    st = archive_prepare(
        r, "SELECT j.type, j.atom FROM json_each(CASE WHEN json_valid(?1) THEN ?1 ELSE '{}' END, ?2) AS j "
           "WHERE typeof(j.key) <> 'text'");
    if (st == NULL) return WHERE_NOT_THERE;
    sqlite3_bind_text(st, 1, json.p, (int)json.n, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, path->p, (int)path->n, SQLITE_STATIC);
    while (!met && archive_step(r, st) == SQLITE_ROW) {
        any = true;
        met = row_meets(w, st);
    }
    sqlite3_reset(st);
    return any ? says(w, met) : WHERE_NOT_THERE;
}
