/* expr.c -- evaluation: operations on a stack. */
#include "search/expr.h"

#include <math.h>

#include "base/ensure.h"
#include "search/expr_impl.h"

static double compute(enum expr_code code, double a, double b)
{
    switch (code) {
    case EXPR_ADD: return a + b;
    case EXPR_SUB: return a - b;
    case EXPR_MUL: return a * b;
    case EXPR_DIV: return a / b; /* by zero: inf or nan, as RediSearch */
    case EXPR_MOD: return fmod(a, b);
    default: return pow(a, b);
    }
}

/* a becomes what code makes of a and b. */
static bool arithmetic(enum expr_code code, struct datum *a, const struct datum *b, struct buf *error)
{
    double x, y;

    if (a->kind == DATUM_NULL || b->kind == DATUM_NULL) {
        *a = (struct datum){ .kind = DATUM_NULL };
        return true;
    }
    if (!datum_to_number(a, &x) || !datum_to_number(b, &y)) {
        buf_add_c(error, "SEARCH_NUMERIC_VALUE_INVALID Could not convert value to a number");
        return false;
    }
    *a = datum_number(compute(code, x, y));
    return true;
}

/* A number, and a text that says none: neither is more. */
static bool comparable(const struct datum *a, const struct datum *b)
{
    double x;

    if (a->kind == DATUM_NUMBER && b->kind == DATUM_TEXT) return datum_to_number(b, &x);
    if (a->kind == DATUM_TEXT && b->kind == DATUM_NUMBER) return datum_to_number(a, &x);
    return true;
}

/* No comparison holds of what a row does not have, not even that it is something else; with NULL itself (with_null) it is
 * compared. */
static bool holds(enum expr_code code, const struct datum *a, const struct datum *b, bool with_null)
{
    int order;

    if ((a->kind == DATUM_NULL || b->kind == DATUM_NULL) && !with_null) return false;
    if (code == EXPR_EQ) return datum_equal(a, b);
    if (code == EXPR_NE) return !datum_equal(a, b);
    if (a->kind == DATUM_NULL || b->kind == DATUM_NULL || !comparable(a, b)) return false;
    order = datum_compare(a, b);
    switch (code) {
    case EXPR_LT: return order < 0;
    case EXPR_LE: return order <= 0;
    case EXPR_GT: return order > 0;
    default: return order >= 0;
    }
}

static bool call(const struct expr_op *op, const struct expr_row *row, struct datum *args, struct buf *error)
{
    const struct expr_function *f = &expr_functions[op->at];
    struct datum out = { .kind = DATUM_NULL };
    struct expr_call c = { row, args, op->n, &out, error };
    bool null = false;

    for (size_t i = 0; i < op->n && !f->nulls; i++) null |= args[i].kind == DATUM_NULL;
    if (!null && !f->run(&c)) return false;
    args[0] = out; /* there is room for one where there was no argument */
    return true;
}

/* One operation; top is behind the stack's last item. It moves by what was pushed. *next: where to go on. */
static bool step(const struct expr *e, const struct expr_op *op, const struct expr_row *row, struct datum **top, size_t *next,
                 struct buf *error)
{
    struct datum *t = *top;

    switch ((enum expr_code)op->code) {
    case EXPR_CONST:
        *t = e->consts[op->at];
        *top = t + 1;
        return true;
    case EXPR_FIELD:
        *t = (struct datum){ .kind = DATUM_NULL };
        row->get(row->ctx, op->at, t);
        *top = t + 1;
        return true;
    case EXPR_ADD: case EXPR_SUB: case EXPR_MUL: case EXPR_DIV: case EXPR_MOD: case EXPR_POW:
        *top = t - 1;
        return arithmetic(op->code, &t[-2], &t[-1], error);
    case EXPR_NEG: {
        struct datum minus = datum_number(-1);

        return arithmetic(EXPR_MUL, &t[-1], &minus, error);
    }
    case EXPR_EQ: case EXPR_NE: case EXPR_LT: case EXPR_LE: case EXPR_GT: case EXPR_GE:
        t[-2] = datum_number(holds(op->code, &t[-2], &t[-1], op->n != 0));
        *top = t - 1;
        return true;
    case EXPR_NOT:
        t[-1] = datum_number(!datum_true(&t[-1]));
        return true;
    case EXPR_TRUTH:
        t[-1] = datum_number(datum_true(&t[-1]));
        return true;
    case EXPR_AND: case EXPR_OR:
        if (datum_true(&t[-1]) == (op->code == EXPR_OR)) {
            t[-1] = datum_number(op->code == EXPR_OR);
            *next = op->at;
        } else {
            *top = t - 1;
        }
        return true;
    case EXPR_UNLESS:
        *top = t - 1;
        if (!datum_true(&t[-1])) *next = op->at;
        return true;
    case EXPR_JUMP:
        *next = op->at;
        return true;
    case EXPR_CALL:
        *top = t - op->n + 1;
        return call(op, row, t - op->n, error);
    }
    return true;
}

bool expr_eval(const struct expr *e, const struct expr_row *row, struct datum *out, struct buf *error)
{
    struct datum *stack = arena_alloc(row->arena, (e->stack + 1) * sizeof *stack), *top = stack;

    for (size_t i = 0; i < e->n_ops;) {
        size_t next = i + 1;

        if (!step(e, &e->ops[i], row, &top, &next, error)) return false;
        i = next;
    }
    ensure(top == stack + 1);
    *out = stack[0];
    return true;
}
