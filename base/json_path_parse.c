/* json_path_parse.c -- text to a compiled path: a descent by the grammar, of bounded depth.
 *
 * Grammar: that of RedisJSON 2.x (its paths, and the filters of JSONPath as commonly written, with or without
 * parentheses around the whole). */
#include "base/buf.h"
#include "base/json_canon.h"
#include "base/json_path_impl.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/utf8.h"

struct parse {
    const char *begin, *p, *end;
    struct arena *arena;
    unsigned depth;
    const char *what;
};

static struct filter *parse_or(struct parse *s);

static bool wrong(struct parse *s, const char *what)
{
    if (s->what == NULL) s->what = what;
    return false;
}

static bool at_end(const struct parse *s)
{
    return s->p == s->end;
}

static void skip_space(struct parse *s)
{
    while (!at_end(s) && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')) s->p++;
}

static bool eats(struct parse *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0) return false;
    s->p += n;
    return true;
}

/* --- names and numbers ------------------------------------------------------------------------------------------ */

static bool is_name_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80) return true;
    return c != '\0' && strchr("-_`+#%$^/:~", c) != NULL;
}

/* The string in canonical form. */
static struct str canonical(struct parse *s, struct str raw)
{
    struct buf b = { 0 };
    struct str kept;

    json_quote(&b, raw);
    kept = arena_dup(s->arena, buf_str(&b));
    buf_fini(&b);
    return kept;
}

static bool parse_name(struct parse *s, struct str *name)
{
    const char *from = s->p;

    while (!at_end(s) && is_name_char(*s->p)) s->p++;
    if (s->p == from) return wrong(s, "expected a name");
    *name = canonical(s, str_of(from, (size_t)(s->p - from)));
    return true;
}

/* 'a' or "a", where a backslash takes the next byte as it is. */
static bool parse_string(struct parse *s, struct str *out)
{
    char quote = *s->p++;
    struct buf raw = { 0 };
    bool ok;

    while (!at_end(s) && *s->p != quote) {
        if (*s->p == '\\' && s->p + 1 < s->end) s->p++;
        buf_add_char(&raw, *s->p++);
    }
    ok = !at_end(s) || wrong(s, "a string does not end");
    if (ok) {
        s->p++;
        *out = canonical(s, buf_str(&raw));
    }
    buf_fini(&raw);
    return ok;
}

static bool is_quote(const struct parse *s)
{
    return !at_end(s) && (*s->p == '"' || *s->p == '\'');
}

static bool is_number(const struct parse *s)
{
    return !at_end(s) && (*s->p == '-' || (*s->p >= '0' && *s->p <= '9'));
}

static bool parse_integer(struct parse *s, int64_t *v)
{
    const char *from = s->p;

    if (!at_end(s) && *s->p == '-') s->p++;
    while (!at_end(s) && *s->p >= '0' && *s->p <= '9') s->p++;
    if (num_parse_i64(str_of(from, (size_t)(s->p - from)), v)) return true;
    s->p = from;
    return wrong(s, "expected an index");
}

/* --- brackets ------------------------------------------------------------------------------------------------------ */

enum { LIST_MAX = 4096 };

static bool parse_names(struct parse *s, struct step *step)
{
    struct str *names = mem_alloc(LIST_MAX * sizeof *names);
    bool ok = true;

    step->kind = STEP_NAMES;
    do {
        skip_space(s);
        ok = is_quote(s) ? parse_string(s, &names[step->n]) : wrong(s, "expected a name in quotes");
        step->n += ok;
        skip_space(s);
    } while (ok && step->n < LIST_MAX && eats(s, ","));
    step->names = arena_zalloc(s->arena, step->n + 1, sizeof *names);
    if (step->n > 0) memcpy(step->names, names, step->n * sizeof *names);
    mem_free(names);
    return ok;
}

/* Behind "from:": [to][:step]. */
static bool parse_slice(struct parse *s, struct step *step, int64_t from)
{
    int64_t v[3] = { from, INT64_MAX, 1 };

    step->kind = STEP_SLICE;
    skip_space(s);
    if (is_number(s) && !parse_integer(s, &v[1])) return false;
    skip_space(s);
    if (eats(s, ":")) {
        skip_space(s);
        if (is_number(s) && !parse_integer(s, &v[2])) return false;
        if (v[2] < 1) return wrong(s, "a slice's step begins at 1");
    }
    step->indexes = arena_alloc(s->arena, sizeof v);
    memcpy(step->indexes, v, sizeof v);
    return true;
}

static bool parse_indexes(struct parse *s, struct step *step)
{
    int64_t *list, v = 0;

    skip_space(s);
    if (eats(s, ":")) return parse_slice(s, step, 0);
    if (!parse_integer(s, &v)) return false;
    skip_space(s);
    if (eats(s, ":")) return parse_slice(s, step, v);
    step->kind = STEP_INDEXES;
    list = mem_alloc(LIST_MAX * sizeof *list);
    list[step->n++] = v;
    while (step->n < LIST_MAX && eats(s, ",")) {
        skip_space(s);
        if (!parse_integer(s, &list[step->n])) break;
        step->n++;
        skip_space(s);
    }
    step->indexes = arena_alloc(s->arena, step->n * sizeof *list);
    memcpy(step->indexes, list, step->n * sizeof *list);
    mem_free(list);
    return s->what == NULL;
}

static bool parse_bracket(struct parse *s, struct step *step)
{
    bool ok;

    skip_space(s);
    if (at_end(s)) return wrong(s, "a bracket does not close");
    if (is_quote(s)) {
        ok = parse_names(s, step);
    } else if (eats(s, "*")) {
        step->kind = STEP_ALL;
        ok = true;
    } else if (eats(s, "?")) {
        step->kind = STEP_FILTER;
        step->filter = parse_or(s);
        ok = step->filter != NULL;
    } else {
        ok = parse_indexes(s, step);
    }
    skip_space(s);
    if (!ok) return false;
    return eats(s, "]") || wrong(s, "expected ]");
}

/* --- steps ----------------------------------------------------------------------------------------------------------- */

static bool parse_plain(struct parse *s, struct step *step)
{
    if (eats(s, "*")) {
        step->kind = STEP_ALL;
        return true;
    }
    step->kind = STEP_NAMES;
    step->n = 1;
    step->names = arena_zalloc(s->arena, 1, sizeof *step->names);
    return parse_name(s, step->names);
}

/* One step: .name  .*  [...]  .[...]  ..name  ..*  ..[...] ; and a bare name or * at the beginning. */
static bool parse_step(struct parse *s, bool first, struct step *step)
{
    *step = (struct step){ .descend = eats(s, "..") };
    if (!step->descend && !eats(s, ".") && (at_end(s) || *s->p != '[') && !first) return wrong(s, "expected . or [");
    if (eats(s, "[")) return parse_bracket(s, step);
    return parse_plain(s, step);
}

/* Does a path go on here? In a filter it ends where an operator or a closing bracket stands. */
static bool goes_on(const struct parse *s, bool first)
{
    if (at_end(s)) return false;
    if (*s->p == '.' || *s->p == '[') return true;
    return first && (*s->p == '*' || is_name_char(*s->p));
}

static bool parse_steps(struct parse *s, struct steps *out)
{
    struct step *items = NULL;
    size_t cap = 0;
    bool ok = true;

    *out = (struct steps){ 0 };
    while (ok && goes_on(s, out->n == 0)) {
        if (out->n == cap) {
            cap = cap ? cap * 2 : 8;
            items = mem_realloc(items, cap * sizeof *items);
        }
        ok = parse_step(s, out->n == 0, &items[out->n]);
        out->n++;
    }
    out->items = arena_zalloc(s->arena, out->n + 1, sizeof *items);
    if (out->n > 0) memcpy(out->items, items, out->n * sizeof *items);
    mem_free(items);
    return ok;
}

/* --- filters --------------------------------------------------------------------------------------------------------- */

/* A number, a word, an array or an object: as far as JSON goes. */
static bool parse_literal(struct parse *s, struct str *out)
{
    const char *from = s->p;
    struct buf canon = { 0 };
    struct json_error why;
    unsigned open = 0;
    bool ok;

    while (!at_end(s)) {
        char c = *s->p;

        if (c == '"') {
            for (s->p++; !at_end(s) && *s->p != '"'; s->p++) {
                if (*s->p == '\\' && s->p + 1 < s->end) s->p++;
            }
            if (at_end(s)) break;
        } else if (open == 0 && strchr(" \t\r\n)]&|<>=!,", c) != NULL) {
            break;
        }
        open += c == '[' || c == '{';
        open -= c == ']' || c == '}';
        s->p++;
    }
    ok = json_canon(str_of(from, (size_t)(s->p - from)), &canon, &why);
    if (ok) *out = arena_dup(s->arena, buf_str(&canon));
    else s->p = from;
    buf_fini(&canon);
    return ok || wrong(s, "expected @, $ or a value");
}

static bool parse_term(struct parse *s, struct term *t)
{
    *t = (struct term){ 0 };
    skip_space(s);
    if (at_end(s)) return wrong(s, "expected @, $ or a value");
    if (is_quote(s)) return parse_string(s, &t->literal);
    t->is_path = *s->p == '@' || *s->p == '$';
    if (!t->is_path) return parse_literal(s, &t->literal);
    t->from_root = *s->p++ == '$';
    return parse_steps(s, &t->path);
}

static struct filter *new_filter(struct parse *s, enum filter_kind kind, struct filter *a, struct filter *b)
{
    struct filter *f = arena_zalloc(s->arena, 1, sizeof *f);

    f->kind = kind;
    f->a = a;
    f->b = b;
    return f;
}

static bool parse_op(struct parse *s, enum filter_op *op)
{
    static const struct { const char *word; enum filter_op op; } ops[] = {
        { "==", OP_EQ }, { "=~", OP_MATCH }, { "!=", OP_NE }, { "<=", OP_LE }, { ">=", OP_GE }, { "<", OP_LT }, { ">", OP_GT },
    };

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        *op = ops[i].op;
        if (eats(s, ops[i].word)) return true;
    }
    return false;
}

static struct filter *parse_test(struct parse *s)
{
    struct filter *f = new_filter(s, FILTER_EXISTS, NULL, NULL);

    if (!parse_term(s, &f->left)) return NULL;
    skip_space(s);
    if (!parse_op(s, &f->op)) return f;
    f->kind = FILTER_COMPARE;
    return parse_term(s, &f->right) ? f : NULL;
}

static struct filter *parse_unary(struct parse *s)
{
    struct filter *f;

    if (++s->depth > JSON_PATH_NESTING) {
        wrong(s, "filters are nested too deeply");
        return NULL;
    }
    skip_space(s);
    if (eats(s, "!")) {
        f = parse_unary(s);
        if (f) f = new_filter(s, FILTER_NOT, f, NULL);
    } else if (eats(s, "(")) {
        f = parse_or(s);
        skip_space(s);
        if (f && !eats(s, ")")) {
            wrong(s, "expected )");
            f = NULL;
        }
    } else {
        f = parse_test(s);
    }
    s->depth--;
    skip_space(s);
    return f;
}

static struct filter *parse_and(struct parse *s)
{
    struct filter *f = parse_unary(s), *next;

    while (f && eats(s, "&&")) {
        next = parse_unary(s);
        f = next ? new_filter(s, FILTER_AND, f, next) : NULL;
    }
    return f;
}

static struct filter *parse_or(struct parse *s)
{
    struct filter *f = parse_and(s), *next;

    while (f && eats(s, "||")) {
        next = parse_and(s);
        f = next ? new_filter(s, FILTER_OR, f, next) : NULL;
    }
    return f;
}

/* --- the whole --------------------------------------------------------------------------------------------------------- */

static bool parse_path(struct parse *s, struct json_path *p)
{
    if ((size_t)(s->end - s->begin) > JSON_PATH_MAX) return wrong(s, "the path is too long");
    if (!utf8_valid(str_of(s->begin, (size_t)(s->end - s->begin)))) return wrong(s, "invalid UTF-8");
    p->legacy = !eats(s, "$");
    if (p->legacy && s->end - s->p == 1 && *s->p == '.') return true;
    if (p->legacy && at_end(s)) return wrong(s, "the path is empty");
    if (!parse_steps(s, &p->steps)) return false;
    return at_end(s) || wrong(s, "expected . or [");
}

struct json_path *json_path_new(struct str text, size_t *at, const char **what)
{
    struct json_path *p = mem_zalloc(sizeof *p);
    struct parse s = { .begin = text.p, .p = text.p, .end = text.p + text.n, .arena = &p->arena };

    arena_init(&p->arena);
    if (parse_path(&s, p)) return p;
    *at = (size_t)(s.p - s.begin);
    *what = s.what;
    json_path_free(&p);
    return NULL;
}

void json_path_free(struct json_path **p)
{
    if (*p == NULL) return;
    arena_fini(&(*p)->arena);
    mem_free(*p);
    *p = NULL;
}

enum { HEAVY = 16 };

bool json_path_is_legacy(const struct json_path *p)
{
    return p->legacy;
}

bool json_path_is_root(const struct json_path *p)
{
    return p->steps.n == 0;
}

bool json_path_is_definite(const struct json_path *p)
{
    for (size_t i = 0; i < p->steps.n; i++) {
        const struct step *s = &p->steps.items[i];

        if (s->descend || s->n != 1 || (s->kind != STEP_NAMES && s->kind != STEP_INDEXES)) return false;
    }
    return true;
}

/* --- what it costs ----------------------------------------------------------------------------------------------------- */

static size_t times_of_steps(const struct steps *steps);

/* As deep as filters nest. */
static size_t times_of_filter(const struct filter *f)
{
    if (f->kind == FILTER_OR || f->kind == FILTER_AND) return times_of_filter(f->a) + times_of_filter(f->b);
    if (f->kind == FILTER_NOT) return times_of_filter(f->a);
    if (f->left.from_root || f->right.from_root) return HEAVY;
    return 1 + times_of_steps(&f->left.path) + times_of_steps(&f->right.path);
}

/* How often a byte of the text is looked at, about. */
static size_t times_of_steps(const struct steps *steps)
{
    size_t times = 0, descents = 0;

    for (size_t i = 0; i < steps->n; i++) {
        const struct step *s = &steps->items[i];

        descents += s->descend;
        if (s->kind == STEP_FILTER) times += times_of_filter(s->filter);
        else if (s->kind == STEP_NAMES || s->kind == STEP_INDEXES) times += s->n - 1;
    }
    return descents > 1 ? HEAVY : times + descents;
}

bool json_path_is_heavy(const struct json_path *p)
{
    return times_of_steps(&p->steps) >= HEAVY;
}

struct str json_path_last_name(const struct json_path *p)
{
    const struct step *last = p->steps.n > 0 ? &p->steps.items[p->steps.n - 1] : NULL;

    if (last == NULL || last->kind != STEP_NAMES || last->n != 1 || last->descend) return str_of(NULL, 0);
    return last->names[0];
}
