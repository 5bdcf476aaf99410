/* expr.h -- RediSearch's expressions: what APPLY computes and FILTER asks of a row.
 *
 *     @price * 1.2                    (@a == 'x' && @b < 0.5) || !exists(@c)
 *     (2 - @vector_distance) / 2      pow(2, -@days / 7)
 *
 * Numbers, 'text', "text", @fields (dots allowed, other punctuation behind a backslash), NULL; || && ! == != < <= > >= + - * / % ^
 * and parentheses, in this order of binding; ^ binds to the right, comparisons are not chained. Functions are in
 * expr_function.c.
 *
 * Null: a field that the row does not have. What is computed from null is null; the comparisons < <= > >= with it do not hold, == holds
 * between nulls alone, and a condition that is null does not hold. (RediSearch ends the query with an error there.)
 *
 * An expression is compiled to a few operations on a stack of known depth: evaluation does not recurse. */
#ifndef MEMD_SEARCH_EXPR_H
#define MEMD_SEARCH_EXPR_H

#include "search/datum.h"

enum {
    EXPR_BYTES_MAX = 64 * 1024,  /* of an expression's text */
    EXPR_NAMES_MAX = 1024,       /* fields that it names */
    EXPR_DEPTH_MAX = 128,        /* parentheses and functions within each other */
    EXPR_TEXT_MAX = 1024 * 1024  /* of a text that is made */
};

struct expr;

/* Compile text; all of it lives in a, and text is not needed any more. NULL: *error has the reply's text. */
struct expr *expr_parse(struct arena *a, struct str text, struct buf *error);

/* The fields that it names, each once, unescaped and without @. */
size_t expr_names(const struct expr *e);
struct str expr_name(const struct expr *e, size_t i);

/* What it is evaluated over. */
struct expr_row {
    void *ctx;
    void (*get)(void *ctx, size_t name, struct datum *out); /* the value of expr_name(e, name); *out is null before */
    void (*terms)(void *ctx, struct datum *out); /* matched_terms(): a list; NULL: not known */
    double now_s;         /* seconds since 1970: now() and decay() */
    struct arena *arena;  /* what is made goes here */
};

/* False: *error has the reply's text (a text that is no number where one is needed ...), *out is as it was. */
bool expr_eval(const struct expr *e, const struct expr_row *row, struct datum *out, struct buf *error);

#endif
