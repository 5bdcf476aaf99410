/* expr_impl.h -- what the parser of expressions, their evaluation and their functions share. */
#ifndef MEMD_SEARCH_EXPR_IMPL_H
#define MEMD_SEARCH_EXPR_IMPL_H

#include "search/expr.h"

enum expr_code {
    EXPR_CONST,   /* push constant `at` */
    EXPR_FIELD,   /* push field `at` */
    EXPR_ADD, EXPR_SUB, EXPR_MUL, EXPR_DIV, EXPR_MOD, EXPR_POW, EXPR_NEG,
    EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE, EXPR_GT, EXPR_GE, /* n: one side is NULL as it was written */
    EXPR_NOT,
    EXPR_TRUTH,   /* the top becomes 1 or 0 */
    EXPR_AND,     /* the top is false: it becomes 0, on to `at`; else it is dropped */
    EXPR_OR,      /* the top is true: it becomes 1, on to `at`; else it is dropped */
    EXPR_UNLESS,  /* drop the top; was it false: on to `at` */
    EXPR_JUMP,    /* on to `at` */
    EXPR_CALL     /* function `at` of n arguments */
};

struct expr_op {
    uint16_t code, n;
    uint32_t at;
};

struct expr {
    struct expr_op *ops;
    struct datum *consts;
    struct str *names;
    size_t n_ops, n_consts, n_names;
    size_t stack;  /* how deep it gets */
};

/* --- functions -------------------------------------------------------------------------------------------------- */

struct expr_call {
    const struct expr_row *row;
    const struct datum *args;
    size_t n;
    struct datum *out;   /* null */
    struct buf *error;
};

struct expr_function {
    const char *name;
    uint8_t min, max;    /* arguments */
    bool nulls;          /* takes them; else the result is null with one of them */
    bool (*run)(const struct expr_call *c);  /* false: *error is set */
};

enum { EXPR_ARGS_MAX = 64 };

extern const struct expr_function expr_functions[]; /* ended by one without name */

/* By name, any case; -1: none. */
int expr_function_find(struct str name);

#endif
