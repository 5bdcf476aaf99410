/* json_filter.c -- does a value pass a filter of a path?
 *
 * A path in a filter stands for all that it finds: a comparison holds when it does for any of them. Numbers compare as
 * numbers (integers exactly, as far as 64 bits go), strings byte by byte, false before true; values of different types
 * are neither equal nor in an order. Arrays and objects are equal when their texts are. A string matches (=~) a string
 * that is a regular expression found anywhere in it. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/json_canon.h"
#include "base/json_path_impl.h"
#include "base/num.h"

enum order { LESS = -1, EQUAL = 0, MORE = 1, NO_ORDER = 2 };

static bool is_number(struct str v)
{
    return v.p[0] == '-' || (v.p[0] >= '0' && v.p[0] <= '9');
}

static enum order order_of(int c)
{
    return c < 0 ? LESS : c > 0 ? MORE : EQUAL;
}

/* A number's text is followed by other bytes of the document: strtod needs an end of its own. */
static double to_double(struct str v)
{
    char text[64];
    struct buf b = { 0 };
    double d;

    if (v.n < sizeof text) {
        memcpy(text, v.p, v.n);
        text[v.n] = '\0';
        return strtod(text, NULL);
    }
    buf_add_str(&b, v);
    buf_add_char(&b, '\0');
    d = strtod(b.p, NULL);
    buf_fini(&b);
    return d;
}

static enum order compare_numbers(struct str a, struct str b)
{
    int64_t i, k;
    double x, y;

    if (num_parse_i64(a, &i) && num_parse_i64(b, &k)) return i < k ? LESS : i > k ? MORE : EQUAL;
    x = to_double(a);
    y = to_double(b);
    return x < y ? LESS : x > y ? MORE : EQUAL;
}

static enum order compare_strings(struct str a, struct str b)
{
    struct buf x = { 0 }, y = { 0 };
    enum order o;

    json_unquote(a, &x);
    json_unquote(b, &y);
    o = order_of(str_cmp(buf_str(&x), buf_str(&y)));
    buf_fini(&x);
    buf_fini(&y);
    return o;
}

static enum order compare(struct str a, struct str b)
{
    if (is_number(a) && is_number(b)) return compare_numbers(a, b);
    if (a.p[0] == '"' && b.p[0] == '"') return str_eq(a, b) ? EQUAL : compare_strings(a, b);
    if (str_eq(a, b)) return EQUAL;
    if (a.p[0] == 'f' && b.p[0] == 't') return LESS;
    if (a.p[0] == 't' && b.p[0] == 'f') return MORE;
    return NO_ORDER;
}

static bool holds(enum filter_op op, enum order o)
{
    switch (op) {
    case OP_EQ:
    case OP_NE: return o == EQUAL; /* the opposite is made of the whole */
    case OP_LT: return o == LESS;
    case OP_LE: return o == LESS || o == EQUAL;
    case OP_GT: return o == MORE;
    case OP_GE: return o == MORE || o == EQUAL;
    case OP_MATCH: break; /* no order */
    }
    return false;
}

/* The pattern is most often the same for each value: what was made of it is kept. */
static const struct regex *regex_of(struct json_search *s, struct str pattern)
{
    struct buf text = { 0 };

    if (s->pattern.p == pattern.p && s->pattern.n == pattern.n) return s->regex;
    regex_free(&s->regex);
    json_unquote(pattern, &text);
    s->regex = regex_new(buf_str(&text));
    s->pattern = pattern;
    buf_fini(&text);
    return s->regex;
}

/* What a search for a pattern costs beside what it finds: that of as many bytes. */
enum { MATCH_WORK = 256 };

static bool matches(struct json_search *s, struct str value, struct str pattern)
{
    const struct regex *r;
    struct buf text = { 0 };
    bool yes;

    if (value.p[0] != '"' || pattern.p[0] != '"') return false;
    s->left = s->left > MATCH_WORK ? s->left - MATCH_WORK : 1; /* 1: nothing is looked at any more, and the caller counts it */
    if (s->left == 1) return false;
    r = regex_of(s, pattern);
    if (r == NULL) return false;
    json_unquote(value, &text);
    yes = regex_finds(r, buf_str(&text));
    buf_fini(&text);
    return yes;
}

/* The values that a term stands for. */
static bool find_term(struct json_search *s, const struct term *t, struct str value, struct json_matches *out)
{
    struct json_search literal = { .doc = t->literal, .left = t->literal.n + 1 };
    struct steps none = { 0 };

    if (!t->is_path) return json_steps_find(&literal, &none, t->literal, out);
    return json_steps_find(s, &t->path, t->from_root ? s->doc : value, out);
}

static bool any_holds(struct json_search *s, enum filter_op op, const struct json_matches *a, const struct json_matches *b)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; k < b->n && s->left > 0; k++, s->left--) {
            struct str x = a->items[i].value, y = b->items[k].value;
            enum order o;

            if (op == OP_MATCH) {
                if (matches(s, x, y)) return true;
                continue;
            }
            o = compare(x, y);
            if (o != NO_ORDER && holds(op, o)) return true;
        }
    }
    return false;
}

static bool compares(struct json_search *s, const struct filter *f, struct str value)
{
    struct json_matches a = { 0 }, b = { 0 };
    bool found = find_term(s, &f->left, value, &a) && find_term(s, &f->right, value, &b);
    bool yes = found && any_holds(s, f->op, &a, &b);

    json_matches_fini(&a);
    json_matches_fini(&b);
    return f->op == OP_NE ? !yes : yes;
}

static bool exists(struct json_search *s, const struct filter *f, struct str value)
{
    struct json_matches m = { 0 };
    bool yes;

    if (!f->left.is_path) return !str_is(f->left.literal, "false") && !str_is(f->left.literal, "null");
    yes = find_term(s, &f->left, value, &m) && m.n > 0;
    json_matches_fini(&m);
    return yes;
}

bool json_filter_passes(struct json_search *s, const struct filter *f, struct str value)
{
    switch (f->kind) {
    case FILTER_OR: return json_filter_passes(s, f->a, value) || json_filter_passes(s, f->b, value);
    case FILTER_AND: return json_filter_passes(s, f->a, value) && json_filter_passes(s, f->b, value);
    case FILTER_NOT: return !json_filter_passes(s, f->a, value);
    case FILTER_EXISTS: return exists(s, f, value);
    case FILTER_COMPARE: return compares(s, f, value);
    }
    return false;
}
