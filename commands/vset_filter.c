/* vset_filter.c -- see vset_filter.h.
 *
 * The text is cut into tokens, and these are ordered by how operators bind into a program for a stack, whose depth is known then:
 * nothing recurses, whatever is sent. */
#include "commands/vset_filter.h"

#include <ctype.h>
#include <math.h>

#include "base/json.h"
#include "base/json_canon.h"
#include "base/num.h"

enum { TOKENS_MAX = 4096 };

enum kind { IS_NUMBER, IS_TEXT, IS_LIST, IS_JSON_LIST, IS_NULL, IS_FIELD, IS_OPERATOR };

enum operator {
    OP_OPEN, OP_CLOSE, OP_NOT, OP_POW, OP_TIMES, OP_OVER, OP_MODULO, OP_PLUS, OP_MINUS, OP_GREATER, OP_GREATER_EQUAL, OP_LESS,
    OP_LESS_EQUAL, OP_EQUAL, OP_NOT_EQUAL, OP_IN, OP_AND, OP_OR
};

static const struct {
    const char *word;
    enum operator op;
    int binds, operands;
} operators[] = {
    { "(", OP_OPEN, 7, 0 }, { ")", OP_CLOSE, 7, 0 }, { "!", OP_NOT, 6, 1 }, { "not", OP_NOT, 6, 1 }, { "**", OP_POW, 5, 2 },
    { "*", OP_TIMES, 4, 2 }, { "/", OP_OVER, 4, 2 }, { "%", OP_MODULO, 4, 2 }, { "+", OP_PLUS, 3, 2 }, { "-", OP_MINUS, 3, 2 },
    { ">", OP_GREATER, 2, 2 }, { ">=", OP_GREATER_EQUAL, 2, 2 }, { "<", OP_LESS, 2, 2 }, { "<=", OP_LESS_EQUAL, 2, 2 },
    { "==", OP_EQUAL, 2, 2 }, { "!=", OP_NOT_EQUAL, 2, 2 }, { "in", OP_IN, 2, 2 }, { "and", OP_AND, 1, 2 }, { "&&", OP_AND, 1, 2 },
    { "or", OP_OR, 0, 2 }, { "||", OP_OR, 0, 2 },
};

struct token {
    enum kind kind;
    double number;
    struct str text;      /* of a text, a field, a JSON list */
    struct token *items;  /* of a list */
    size_t n;
    int at;               /* of an operator: its row */
};

struct vset_filter {
    struct token *program, *stack;
    size_t n, n_fields;
    struct buf scratch;   /* texts whose escapes are resolved */
};

struct cutter {
    struct arena *a;
    const char *p, *end;
    struct token *tokens;
    size_t n, cap;
};

/* --- tokens --------------------------------------------------------------------------------------- */

static bool is_field_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool is_operator_char(char c)
{
    return isalpha((unsigned char)c) || (c != '\0' && strchr("+-*%/!()<>=|&", c) != NULL);
}

static void skip_blanks(struct cutter *c)
{
    while (c->p < c->end && isspace((unsigned char)*c->p)) c->p++;
}

static bool cut_number(struct cutter *c, struct token *t)
{
    const char *start = c->p;

    t->kind = IS_NUMBER;
    for (; c->p < c->end; c->p++) {
        if (!isdigit((unsigned char)*c->p) && *c->p != '.' && *c->p != 'e' && *c->p != 'E' && !(c->p == start && *c->p == '-')
            && !((*c->p == '-' || *c->p == '+') && (c->p[-1] == 'e' || c->p[-1] == 'E'))) break;
    }
    return num_parse_double(str_of(start, (size_t)(c->p - start)), &t->number);
}

static bool cut_text(struct cutter *c, struct token *t)
{
    char quote = *c->p++, *out = arena_alloc(c->a, (size_t)(c->end - c->p) + 1);
    size_t n = 0;

    for (; c->p < c->end && *c->p != quote; c->p++) {
        if (*c->p == '\\' && c->p + 1 < c->end) c->p++;
        out[n++] = *c->p;
    }
    t->kind = IS_TEXT;
    t->text = str_of(out, n);
    return c->p < c->end && *c->p++ == quote;
}

static bool cut_item(struct cutter *c, struct token *t)
{
    if (c->p == c->end) return false;
    if (isdigit((unsigned char)*c->p) || *c->p == '-') return cut_number(c, t);
    return (*c->p == '"' || *c->p == '\'') && cut_text(c, t);
}

static bool cut_list(struct cutter *c, struct token *t)
{
    size_t cap = 0;

    t->kind = IS_LIST;
    c->p++;
    for (skip_blanks(c); c->p < c->end && *c->p != ']'; skip_blanks(c)) {
        if (t->n == TOKENS_MAX) return false;
        if (t->n == cap) {
            struct token *more = arena_zalloc(c->a, cap = cap == 0 ? 8 : cap * 2, sizeof *more);

            if (t->n > 0) memcpy(more, t->items, t->n * sizeof *more);
            t->items = more;
        }
        if (!cut_item(c, &t->items[t->n])) return false;
        t->n++;
        skip_blanks(c);
        if (c->p < c->end && *c->p == ',') c->p++;
        else if (c->p == c->end || *c->p != ']') return false;
    }
    return c->p < c->end && *c->p++ == ']';
}

/* The longest operator that what follows begins with. */
static bool cut_operator(struct cutter *c, struct token *t)
{
    const char *end = c->p;
    size_t best = 0;

    while (end < c->end && is_operator_char(*end)) end++;

    struct str run = str_of(c->p, (size_t)(end - c->p));

    if (str_eq(run, STR("null"))) {
        t->kind = IS_NULL;
        c->p = end;
        return true;
    }
    t->kind = IS_OPERATOR;
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        struct str word = str_c(operators[i].word);

        if (word.n <= best || !str_starts(run, word)) continue;
        best = word.n;
        t->at = (int)i;
    }
    c->p = best > 0 ? c->p + best : end;
    return best > 0;
}

/* A minus behind a value takes off; elsewhere it belongs to a number. */
static bool minus_is_sign(const struct cutter *c)
{
    const struct token *last = c->n > 0 ? &c->tokens[c->n - 1] : NULL;

    return last == NULL || (last->kind == IS_OPERATOR && operators[last->at].op != OP_CLOSE);
}

static bool cut_one(struct cutter *c, struct token *t)
{
    char now = *c->p, next = c->p + 1 < c->end ? c->p[1] : '\0';

    if (isdigit((unsigned char)now) || (now == '-' && isdigit((unsigned char)next) && minus_is_sign(c))) return cut_number(c, t);
    if (now == '"' || now == '\'') return cut_text(c, t);
    if (now == '[') return cut_list(c, t);
    if (now == '.' && is_field_char(next)) {
        const char *start = ++c->p;

        while (c->p < c->end && is_field_char(*c->p)) c->p++;
        t->kind = IS_FIELD;
        t->text = str_of(start, (size_t)(c->p - start));
        return true;
    }
    return is_operator_char(now) && cut_operator(c, t);
}

static bool cut(struct cutter *c)
{
    for (skip_blanks(c); c->p < c->end; skip_blanks(c)) {
        struct token t = { 0 };

        if (c->n == TOKENS_MAX || !cut_one(c, &t)) return false;
        if (c->n == c->cap) {
            struct token *more = arena_zalloc(c->a, c->cap = c->cap == 0 ? 16 : c->cap * 2, sizeof *more);

            if (c->n > 0) memcpy(more, c->tokens, c->n * sizeof *more);
            c->tokens = more;
        }
        c->tokens[c->n++] = t;
    }
    return true;
}

/* --- the program ---------------------------------------------------------------------------------- */

struct orderer {
    struct vset_filter *f;
    const struct token **waiting; /* operators */
    size_t n_waiting, depth, deepest;
};

/* False: it has not the operands that it wants. */
static bool emit(struct orderer *o, const struct token *t)
{
    size_t operands = t->kind == IS_OPERATOR ? (size_t)operators[t->at].operands : 0;

    if (o->depth < operands || (t->kind == IS_OPERATOR && operators[t->at].op == OP_OPEN)) return false;
    o->depth += 1 - operands;
    if (o->depth > o->deepest) o->deepest = o->depth;
    o->f->n_fields += t->kind == IS_FIELD;
    o->f->program[o->f->n++] = *t;
    return true;
}

static bool close_bracket(struct orderer *o)
{
    while (o->n_waiting > 0) {
        const struct token *t = o->waiting[--o->n_waiting];

        if (operators[t->at].op == OP_OPEN) return true;
        if (!emit(o, t)) return false;
    }
    return false;
}

static bool order_operator(struct orderer *o, const struct token *t)
{
    enum operator op = operators[t->at].op;
    int binds = operators[t->at].binds;

    if (op == OP_CLOSE) return close_bracket(o);
    while (op != OP_OPEN && op != OP_NOT && o->n_waiting > 0) {
        const struct token *top = o->waiting[o->n_waiting - 1];
        int theirs = operators[top->at].binds;

        if (operators[top->at].op == OP_OPEN || theirs < binds || (op == OP_POW && theirs == binds)) break;
        o->n_waiting--;
        if (!emit(o, top)) return false;
    }
    o->waiting[o->n_waiting++] = t;
    return true;
}

static bool order(struct orderer *o, const struct token *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(tokens[i].kind == IS_OPERATOR ? order_operator(o, &tokens[i]) : emit(o, &tokens[i]))) return false;
    }
    while (o->n_waiting > 0) {
        if (!emit(o, o->waiting[--o->n_waiting])) return false;
    }
    return o->depth == 1;
}

struct vset_filter *vset_filter_new(struct arena *a, struct str text, struct str *near)
{
    struct cutter c = { .a = a, .p = text.p, .end = text.p + text.n };
    struct orderer o = { 0 };

    *near = text;
    if (!cut(&c)) {
        if (c.p < c.end) *near = str_of(c.p, (size_t)(c.end - c.p));
        return NULL;
    }
    o.f = arena_zalloc(a, 1, sizeof *o.f);
    o.f->program = arena_zalloc(a, c.n + 1, sizeof *o.f->program);
    o.waiting = arena_zalloc(a, c.n + 1, sizeof *o.waiting);
    if (!order(&o, c.tokens, c.n)) return NULL;
    o.f->stack = arena_zalloc(a, o.deepest, sizeof *o.f->stack);
    return o.f;
}

void vset_filter_fini(struct vset_filter *f)
{
    buf_fini(&f->scratch);
}

/* --- running -------------------------------------------------------------------------------------- */

static double as_number(const struct token *t)
{
    double v;

    if (t->kind == IS_NUMBER) return t->number;
    return t->kind == IS_TEXT && num_parse_double(t->text, &v) ? v : 0;
}

static bool as_bool(const struct token *t)
{
    switch (t->kind) {
    case IS_NUMBER: return t->number != 0;
    case IS_TEXT: return t->text.n > 0;
    case IS_NULL: return false;
    default: return true;
    }
}

static bool equal(const struct token *a, const struct token *b)
{
    if (a->kind == IS_TEXT && b->kind == IS_TEXT) return str_eq(a->text, b->text);
    if (a->kind == IS_NULL || b->kind == IS_NULL) return a->kind == b->kind;
    return as_number(a) == as_number(b);
}

/* A JSON value as one of ours; false: an object. */
static bool value_of(struct vset_filter *f, struct str json, struct token *t)
{
    *t = (struct token){ .kind = IS_NUMBER };
    switch (json.p[0]) {
    case '"':
        t->kind = IS_TEXT;
        t->text = str_of(json.p + 1, json.n - 2);
        if (memchr(t->text.p, '\\', t->text.n) != NULL) {
            size_t from = f->scratch.n;
            struct buf canon = { 0 };
            struct json_error why;

            if (json_canon(json, &canon, &why)) json_unquote(buf_str(&canon), &f->scratch);
            buf_fini(&canon);
            t->text = str_of(f->scratch.p + from, f->scratch.n - from);
        }
        return true;
    case '[':
        t->kind = IS_JSON_LIST;
        t->text = json;
        return true;
    case '{': return false;
    case 't': t->number = 1; return true;
    case 'f': return true;
    case 'n': t->kind = IS_NULL; return true;
    default: return num_parse_double(json, &t->number);
    }
}

static bool get_field(struct vset_filter *f, struct str json, struct str name, struct token *t)
{
    struct json_walk w;
    struct str key, value;

    if (!json_open(&w, json) || !w.object) return false;
    while (json_next(&w, &key, &value)) {
        if (key.n == name.n + 2 && memcmp(key.p + 1, name.p, name.n) == 0) return value_of(f, value, t);
    }
    return false;
}

static bool is_in(struct vset_filter *f, const struct token *a, const struct token *b)
{
    struct json_walk w;
    struct str none, value;

    if (b->kind == IS_TEXT && a->kind == IS_TEXT) return memmem(b->text.p, b->text.n, a->text.p, a->text.n) != NULL;
    for (size_t i = 0; b->kind == IS_LIST && i < b->n; i++) {
        if (equal(a, &b->items[i])) return true;
    }
    if (b->kind != IS_JSON_LIST || !json_open(&w, b->text)) return false;
    while (json_next(&w, &none, &value)) {
        size_t from = f->scratch.n;
        struct token item;
        bool same = value_of(f, value, &item) && equal(a, &item);

        f->scratch.n = from;
        if (same) return true;
    }
    return false;
}

static double compute(struct vset_filter *f, enum operator op, const struct token *a, const struct token *b)
{
    switch (op) {
    case OP_NOT: return !as_bool(b);
    case OP_POW: return pow(as_number(a), as_number(b));
    case OP_TIMES: return as_number(a) * as_number(b);
    case OP_OVER: return as_number(a) / as_number(b);
    case OP_MODULO: return fmod(as_number(a), as_number(b));
    case OP_PLUS: return as_number(a) + as_number(b);
    case OP_MINUS: return as_number(a) - as_number(b);
    case OP_GREATER: return as_number(a) > as_number(b);
    case OP_GREATER_EQUAL: return as_number(a) >= as_number(b);
    case OP_LESS: return as_number(a) < as_number(b);
    case OP_LESS_EQUAL: return as_number(a) <= as_number(b);
    case OP_EQUAL: return equal(a, b);
    case OP_NOT_EQUAL: return !equal(a, b);
    case OP_IN: return is_in(f, a, b);
    case OP_AND: return as_bool(a) && as_bool(b);
    case OP_OR: return as_bool(a) || as_bool(b);
    default: return 0;
    }
}

bool vset_filter_passes(struct vset_filter *f, struct str json)
{
    size_t depth = 0;

    if (json.n == 0 || !json_valid(json, NULL)) return false;
    while (json.n > 0 && isspace((unsigned char)json.p[0])) json = str_of(json.p + 1, json.n - 1);
    while (json.n > 0 && isspace((unsigned char)json.p[json.n - 1])) json.n--;
    /* Texts point into it: it must not move. An item of a list needs room once more. */
    buf_clear(&f->scratch);
    if (memchr(json.p, '\\', json.n) != NULL) (void)buf_room(&f->scratch, json.n * (f->n_fields + 1));
    for (size_t i = 0; i < f->n; i++) {
        const struct token *t = &f->program[i];

        if (t->kind == IS_OPERATOR) {
            const struct token *of = &f->stack[depth -= (size_t)operators[t->at].operands];
            double v = compute(f, operators[t->at].op, of, of + operators[t->at].operands - 1);

            f->stack[depth++] = (struct token){ .kind = IS_NUMBER, .number = v };
        } else if (t->kind == IS_FIELD) {
            if (!get_field(f, json, t->text, &f->stack[depth++])) return false;
        } else {
            f->stack[depth++] = *t;
        }
    }
    return as_bool(&f->stack[0]);
}
