/* expr_parse.c -- from an expression's text to operations: one pass, by recursive descent.
 *
 * Binding, loosest first: || && ! (== != < <= > >=) (+ -) (* / %) ^ and signs. RediSearch reads "2-1" as the two numbers 2 and -1,
 * and refuses it; here a sign belongs to a number only where one may begin. */
#include <ctype.h>
#include <math.h>

#include "base/num.h"
#include "search/expr_impl.h"

enum level { LEVEL_OR = 1, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_POWER };

struct parser {
    struct expr *e;
    struct str text;
    size_t at;          /* what is read is before */
    size_t depth, stack;
    char *room;         /* for texts and names without backslashes: no longer than all of the text */
    struct buf *error;  /* set once */
};

/* --- errors ----------------------------------------------------------------------------------------------------- */

/* Words at offset `at`, for the message. */
static struct str token_at(const struct parser *p, size_t at)
{
    size_t end = at;

    while (end < p->text.n && end < at + 32 && (isalnum((unsigned char)p->text.p[end]) || p->text.p[end] == '_')) end++;
    if (end == at && at < p->text.n) end++;
    return str_of(p->text.p + at, end - at);
}

static bool fail_at(struct parser *p, size_t at)
{
    struct str token = token_at(p, at);

    buf_printf(p->error, "SEARCH_EXPR Syntax error at offset %zu near '%.*s'", at, (int)token.n, token.p);
    return false;
}

static bool fail_word(struct parser *p, const char *what, struct str word)
{
    buf_printf(p->error, "SEARCH_EXPR %s '%.*s'", what, str_shown(word), word.p);
    return false;
}

/* --- operations ------------------------------------------------------------------------------------------------- */

/* push: by how much the stack grows (-1, 0, 1 ...). Where it stands. */
static size_t emit(struct parser *p, enum expr_code code, size_t at, int push)
{
    struct expr *e = p->e;

    e->ops[e->n_ops] = (struct expr_op){ (uint16_t)code, 0, (uint32_t)at };
    p->stack = (size_t)((int64_t)p->stack + push);
    if (p->stack > e->stack) e->stack = p->stack;
    return e->n_ops++;
}

static void emit_const(struct parser *p, struct datum d)
{
    p->e->consts[p->e->n_consts] = d;
    emit(p, EXPR_CONST, p->e->n_consts++, 1);
}

/* The jump at op leads here. */
static void land(struct parser *p, size_t op)
{
    p->e->ops[op].at = (uint32_t)p->e->n_ops;
}

/* --- words ------------------------------------------------------------------------------------------------------ */

static unsigned char peek(struct parser *p)
{
    while (p->at < p->text.n && (isspace((unsigned char)p->text.p[p->at]) || iscntrl((unsigned char)p->text.p[p->at]))) p->at++;
    return p->at < p->text.n ? (unsigned char)p->text.p[p->at] : 0;
}

static bool take(struct parser *p, const char *sign)
{
    size_t n = strlen(sign);

    peek(p);
    if (p->text.n - p->at < n || memcmp(p->text.p + p->at, sign, n) != 0) return false;
    p->at += n;
    return true;
}

static bool want(struct parser *p, const char *sign)
{
    return take(p, sign) || fail_at(p, p->at);
}

static size_t digits(const struct parser *p, size_t at)
{
    while (at < p->text.n && isdigit((unsigned char)p->text.p[at])) at++;
    return at;
}

/* A number without sign: 12, 1.5, .5, 1e9. */
static bool parse_number(struct parser *p)
{
    size_t begin = p->at, end = digits(p, begin);
    const char *t = p->text.p;
    double x;

    if (end < p->text.n && t[end] == '.' && digits(p, end + 1) > end + 1) end = digits(p, end + 1);
    if (end > begin && end < p->text.n && (t[end] | 32) == 'e') {
        size_t power = end + 1;

        if (power < p->text.n && (t[power] == '-' || t[power] == '+')) power++;
        if (digits(p, power) > power) end = digits(p, power);
    }
    if (end == begin || !num_parse_double(str_of(t + begin, end - begin), &x)) return fail_at(p, begin);
    p->at = end;
    emit_const(p, datum_number(x));
    return true;
}

/* From behind `begin` to the quote, unescaped: a backslash goes when punctuation or a blank is behind it. */
static bool parse_text(struct parser *p, char quote)
{
    size_t begin = p->at++;
    char *out = p->room;
    size_t n = 0;

    for (; p->at < p->text.n && p->text.p[p->at] != quote; p->at++) {
        char c = p->text.p[p->at];
        unsigned char next = p->at + 1 < p->text.n ? (unsigned char)p->text.p[p->at + 1] : 0;

        if (c == '\\' && (ispunct(next) || isspace(next))) c = p->text.p[++p->at];
        out[n++] = c;
    }
    if (p->at >= p->text.n) return fail_at(p, begin);
    p->at++;
    p->room += n;
    emit_const(p, datum_text(str_of(out, n)));
    return true;
}

/* The number of name among the fields; EXPR_NAMES_MAX: there are too many. */
static size_t name_number(struct parser *p, struct str name)
{
    struct expr *e = p->e;

    for (size_t i = 0; i < e->n_names; i++)
        if (str_eq(e->names[i], name)) return i;
    if (e->n_names == EXPR_NAMES_MAX) return EXPR_NAMES_MAX;
    e->names[e->n_names] = name;
    p->room += name.n;
    return e->n_names++;
}

static bool is_name_byte(unsigned char c)
{
    return c == '_' || !(ispunct(c) || iscntrl(c) || isspace(c));
}

/* @name: no punctuation but _, . and : between others, $ in front, and what is behind a backslash. */
static bool parse_field(struct parser *p)
{
    size_t begin = p->at++;
    char *out = p->room;
    size_t n = 0, number;

    for (; p->at < p->text.n; p->at++) {
        unsigned char c = (unsigned char)p->text.p[p->at], next = p->at + 1 < p->text.n ? (unsigned char)p->text.p[p->at + 1] : 0;

        if (c == '\\' && (ispunct(next) || isspace(next))) {
            c = next;
            p->at++;
        } else if (c == '$' && n == 0) {
            /* a JSONPath that was loaded under its own name */
        } else if ((c == '.' || c == ':') && n > 0) {
            if (!is_name_byte(next)) break;
        } else if (!is_name_byte(c)) {
            break;
        }
        out[n++] = (char)c;
    }
    if (n == 0) return fail_at(p, begin);
    number = name_number(p, str_of(out, n));
    if (number == EXPR_NAMES_MAX) {
        buf_printf(p->error, "SEARCH_EXPR Expression names more than %d fields", EXPR_NAMES_MAX);
        return false;
    }
    emit(p, EXPR_FIELD, number, 1);
    return true;
}

/* --- what is built of them ----------------------------------------------------------------------------------------- */

static bool parse_level(struct parser *p, enum level level);

static bool parse_inner(struct parser *p)
{
    if (++p->depth > EXPR_DEPTH_MAX) {
        buf_printf(p->error, "SEARCH_EXPR Expression is nested more than %d deep", EXPR_DEPTH_MAX);
        return false;
    }
    if (!parse_level(p, LEVEL_OR)) return false;
    p->depth--;
    return true;
}

/* case(condition, a, b): of a and b only the one that is asked for is evaluated. */
static bool parse_case(struct parser *p)
{
    size_t unless, jump;

    if (!parse_inner(p) || !want(p, ",")) return false;
    unless = emit(p, EXPR_UNLESS, 0, -1);
    if (!parse_inner(p) || !want(p, ",")) return false;
    jump = emit(p, EXPR_JUMP, 0, -1); /* one of the two is there in the end */
    land(p, unless);
    if (!parse_inner(p) || !want(p, ")")) return false;
    land(p, jump);
    return true;
}

static bool parse_call(struct parser *p, struct str name)
{
    int f = expr_function_find(name);
    const struct expr_function *fn;
    size_t n = 0;

    if (str_is(name, "case")) return parse_case(p);
    if (f < 0) return fail_word(p, "Unknown function name", name);
    fn = &expr_functions[f];
    while (peek(p) != ')') {
        if (n > 0 && !want(p, ",")) return false;
        if (!parse_inner(p)) return false;
        if (++n > fn->max) break;
    }
    if (n < fn->min || n > fn->max) {
        buf_printf(p->error, "SEARCH_PARSE_ARGS Invalid number of arguments for %s", fn->name);
        return false;
    }
    p->at++;
    p->e->ops[emit(p, EXPR_CALL, (size_t)f, 1 - (int)n)].n = (uint16_t)n;
    return true;
}

static bool parse_word(struct parser *p)
{
    size_t begin = p->at;
    struct str word;

    while (p->at < p->text.n && (isalnum((unsigned char)p->text.p[p->at]) || p->text.p[p->at] == '_')) p->at++;
    word = str_of(p->text.p + begin, p->at - begin);
    if (take(p, "(")) return parse_call(p, word);
    if (str_eq(word, STR("NULL"))) emit_const(p, (struct datum){ .kind = DATUM_NULL });
    else if (str_is(word, "inf")) emit_const(p, datum_number(INFINITY));
    else return fail_word(p, "Unknown symbol", word);
    return true;
}

/* Signs bind closest: -2^2 is 4, as in RediSearch, where the sign is part of the number. */
static bool parse_operand(struct parser *p)
{
    bool negative = false;
    unsigned char c;

    while ((c = peek(p)) == '-' || c == '+') {
        negative ^= c == '-';
        p->at++;
    }
    if (c == '(') {
        p->at++;
        if (!parse_inner(p) || !want(p, ")")) return false;
    } else if (c == '\'' || c == '"') {
        if (!parse_text(p, (char)c)) return false;
    } else if (c == '@') {
        if (!parse_field(p)) return false;
    } else if (isalpha(c)) {
        if (!parse_word(p)) return false;
    } else if (!parse_number(p)) {
        return false;
    }
    if (negative) emit(p, EXPR_NEG, 0, 0);
    return true;
}

struct sign {
    const char *sign;
    enum level level;
    enum expr_code code;
};

/* Longer signs before those that they begin with. */
static const struct sign signs[] = {
    { "||", LEVEL_OR, EXPR_OR },       { "&&", LEVEL_AND, EXPR_AND },     { "==", LEVEL_COMPARE, EXPR_EQ },
    { "!=", LEVEL_COMPARE, EXPR_NE },  { "<=", LEVEL_COMPARE, EXPR_LE },  { "<", LEVEL_COMPARE, EXPR_LT },
    { ">=", LEVEL_COMPARE, EXPR_GE },  { ">", LEVEL_COMPARE, EXPR_GT },   { "+", LEVEL_SUM, EXPR_ADD },
    { "-", LEVEL_SUM, EXPR_SUB },      { "*", LEVEL_PRODUCT, EXPR_MUL },  { "/", LEVEL_PRODUCT, EXPR_DIV },
    { "%", LEVEL_PRODUCT, EXPR_MOD },  { "^", LEVEL_POWER, EXPR_POW },
};

static const struct sign *peek_sign(struct parser *p)
{
    peek(p);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (str_starts(str_of(p->text.p + p->at, p->text.n - p->at), str_c(signs[i].sign))) return &signs[i];
    return NULL;
}

/* Is the operation before `behind` the constant NULL? */
static bool is_null(const struct expr *e, size_t behind)
{
    const struct expr_op *op = &e->ops[behind - 1];

    return op->code == EXPR_CONST && e->consts[op->at].kind == DATUM_NULL;
}

/* The right side of s, whose left side is on the stack. */
static bool parse_right(struct parser *p, const struct sign *s)
{
    size_t op, right = p->e->n_ops;

    p->at += strlen(s->sign);
    if (s->level == LEVEL_POWER) {
        if (++p->depth > EXPR_DEPTH_MAX) return fail_at(p, p->at);
        if (!parse_level(p, LEVEL_POWER)) return false;
        p->depth--;
        emit(p, s->code, 0, -1);
        return true;
    }
    if (s->level > LEVEL_AND) {
        if (!parse_level(p, s->level + 1)) return false;
        op = emit(p, s->code, 0, -1);
        p->e->ops[op].n = s->level == LEVEL_COMPARE && (is_null(p->e, right) || is_null(p->e, op));
        return true;
    }
    op = emit(p, s->code, 0, -1);
    if (!parse_level(p, s->level + 1)) return false;
    emit(p, EXPR_TRUTH, 0, 0);
    land(p, op);
    return true;
}

static bool parse_not(struct parser *p)
{
    p->at++;
    if (++p->depth > EXPR_DEPTH_MAX) return fail_at(p, p->at);
    if (!parse_level(p, LEVEL_NOT)) return false;
    p->depth--;
    emit(p, EXPR_NOT, 0, 0);
    return true;
}

/* What binds as closely as level, or closer. A ! takes the comparison behind it, wherever it stands. */
static bool parse_level(struct parser *p, enum level level)
{
    const struct sign *s;
    bool compared = false;

    if (peek(p) == '!') {
        if (!parse_not(p)) return false;
    } else if (!parse_operand(p)) {
        return false;
    }
    while ((s = peek_sign(p)) != NULL && s->level >= level) {
        if (s->level == LEVEL_COMPARE && compared) return fail_at(p, p->at);
        compared = s->level == LEVEL_COMPARE || (compared && s->level > LEVEL_COMPARE);
        if (!parse_right(p, s)) return false;
    }
    return true;
}

struct expr *expr_parse(struct arena *a, struct str text, struct buf *error)
{
    struct expr *e = arena_zalloc(a, 1, sizeof *e);
    struct parser p = { .e = e, .text = text, .error = error };

    if (text.n > EXPR_BYTES_MAX) {
        buf_printf(error, "SEARCH_EXPR Expression is longer than %d bytes", EXPR_BYTES_MAX);
        return NULL;
    }
    /* Each byte makes at most two operations, one constant or one name. */
    e->ops = arena_zalloc(a, 2 * text.n + 1, sizeof *e->ops);
    e->consts = arena_zalloc(a, text.n + 1, sizeof *e->consts);
    e->names = arena_zalloc(a, text.n / 2 < EXPR_NAMES_MAX ? text.n / 2 + 1 : EXPR_NAMES_MAX, sizeof *e->names);
    p.room = arena_alloc(a, text.n + 1);
    if (!parse_level(&p, LEVEL_OR)) return NULL;
    if (peek(&p) != 0 || p.at < text.n) {
        fail_at(&p, p.at);
        return NULL;
    }
    return e;
}

size_t expr_names(const struct expr *e)
{
    return e->n_names;
}

struct str expr_name(const struct expr *e, size_t i)
{
    return e->names[i];
}
