#include "search/expr.h"

#include <math.h>

#include "tests/unit/unit.h"

/* A row: name and value by turns. */
struct planted {
    const struct expr *e;
    const char *const *pairs; /* ended by NULL; "#5" is the number 5, "[a,b]" a list */
    struct arena *arena;
};

static void value_of(const char *text, struct arena *a, struct datum *out)
{
    struct datum *items;

    if (text[0] == '#') {
        *out = datum_number(strtod(text + 1, NULL));
    } else if (text[0] == '[') {
        items = arena_zalloc(a, 2, sizeof *items);
        items[0] = datum_text(str_of(text + 1, 1));
        items[1] = datum_text(str_of(text + 3, 1));
        *out = (struct datum){ DATUM_LIST, 2, { .items = items } };
    } else {
        *out = datum_text(str_c(text));
    }
}

static void get(void *ctx, size_t name, struct datum *out)
{
    const struct planted *p = ctx;

    for (const char *const *at = p->pairs; at[0] != NULL; at += 2)
        if (str_eq(expr_name(p->e, name), str_c(at[0]))) value_of(at[1], p->arena, out);
}

static const char *const row[] = {
    "a",  "#10", "b",     "#3",   "s",      "hello", "n",    "7",    "empty",      "",  "l",      "[x,y]",
    "ts", "#0",  "a.b.c", "#1.5", "Ünïcöd", "u",     "a-b",  "dash", "__key",      "k", "$.path", "p",
    "tm", "#1700000000", "vector_distance", "#0.5", "zero", "#0", "place", "29.69465,34.95126", NULL,
};

/* What text comes to, as replies have it: "error: ..." with what went wrong, "null", "[x y]". */
static const char *of(const char *text)
{
    static char out[2048];
    struct arena a;
    struct buf error = { 0 };
    struct planted p = { .pairs = row, .arena = &a };
    struct expr_row r = { .ctx = &p, .get = get, .now_s = 1000, .arena = &a };
    struct datum d;
    struct expr *e;

    arena_init(&a);
    e = expr_parse(&a, str_c(text), &error);
    p.e = e;
    if (e == NULL || !expr_eval(e, &r, &d, &error)) {
        snprintf(out, sizeof out, "error: %.*s", (int)error.n, error.p);
    } else if (d.kind == DATUM_NULL) {
        snprintf(out, sizeof out, "null");
    } else if (d.kind == DATUM_LIST) {
        size_t n = (size_t)snprintf(out, sizeof out, "[");

        for (uint32_t i = 0; i < d.n; i++) {
            struct str item = datum_as_text(&d.u.items[i], &a);
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", i > 0 ? " " : "", (int)item.n, item.p);
        }
        snprintf(out + n, sizeof out - n, "]");
    } else {
        struct str s = datum_as_text(&d, &a);
        snprintf(out, sizeof out, "%.*s", (int)s.n, s.p);
    }
    buf_fini(&error);
    arena_fini(&a);
    return out;
}

#define IS(text, want) ck_assert_str_eq(of(text), want)

START_TEST(arithmetic_binds_as_in_school)
{
    IS("1 + 2 * 3", "7");
    IS("(1+2)*3", "9");
    IS("2-1", "1");
    IS("2 -1-1", "0");
    IS("10/4", "2.5");
    IS("7 % 4 + 1", "4");
    IS("-7 % 4", "-3");
    IS("547758.3 % 5.1", "3.00000000008");
    IS("2 ^ 3 ^ 2", "512");
    IS("-2^2", "4");
    IS("- @a + 1", "-9");
    IS("--5", "5");
    IS("1e3 + 1.5E-1 + .5", "1000.65");
    IS("@a*@b", "30");
    IS("@n + 1", "8");
    IS("1/0", "inf");
    IS("-1/0", "-inf");
    IS("0/0", "nan");
    IS("1 % 0", "nan");
    IS("1/3", "0.333333333333");
    IS("inf", "inf");
    IS("-inf", "-inf");
    IS("0 * -1", "0");
    IS("9007199254740993", "9007199254740992");
    IS("1e17", "100000000000000000");
    IS("1e19", "1e+19");
}
END_TEST

START_TEST(comparisons_and_logic)
{
    IS("@a > 9 && @b < 4", "1");
    IS("@a > 9 && @b < 3", "0");
    IS("@a > 90 || @b == 3", "1");
    IS("0 || 0", "0");
    IS("5 || 0", "1");
    IS("1 || 0 && 0", "1");
    IS("!@a == 10", "0");
    IS("!(@a == 11)", "1");
    IS("!0 && 1", "1");
    IS("1 == !0", "1");
    IS("@s == 'hello'", "1");
    IS("@s != \"hello\"", "0");
    IS("@n == 7", "1");
    IS("@s == 7", "0");
    IS("@s != 7", "1");
    IS("@s > 7 || @s < 7 || 7 >= @s", "0");
    IS("@s < 'help'", "1");
    IS("'b' >= 'abc'", "1");
    IS("@l == 'x'", "1");
    IS("1 < 2 == 1", "error: SEARCH_EXPR Syntax error at offset 6 near '='");
    IS("1 + 1 <= 2", "1");
    IS("(@s == 'x' && @a < 0.5) || (@s == 'hello' && @a < 10.5)", "1");
}
END_TEST

START_TEST(the_second_side_is_not_evaluated_when_the_first_decides)
{
    IS("0 && to_number('x')", "0");
    IS("1 || to_number('x')", "1");
    IS("case(1, 'yes', to_number('x'))", "yes");
    IS("case(@zero, to_number('x'), case(1 > 2, 'b', 'c'))", "c");
}
END_TEST

START_TEST(a_field_that_is_not_there_is_null_and_so_is_what_is_made_of_it)
{
    IS("@none", "null");
    IS("@none + 1", "null");
    IS("-@none", "null");
    IS("max(0, @none)", "null");
    IS("upper(@none)", "null");
    IS("@none < 5", "0");
    IS("@none >= 5", "0");
    IS("@none == NULL", "1");
    IS("@a == NULL", "0");
    IS("@none != 5", "0");
    IS("@none == @nil", "0");
    IS("@none != NULL", "0");
    IS("NULL != @a", "1");
    IS("NULL == @none && @a != NULL", "1");
    IS("!@none", "1");
    IS("exists(@none)", "0");
    IS("exists(@zero)", "1");
    IS("exists(@none + 1) + exists(@empty)", "1");
    IS("case(exists(@none), @none, 5)", "5");
    IS("format('<%s>', @none)", "<(null)>");
}
END_TEST

START_TEST(names_may_have_dots_and_what_is_escaped)
{
    IS("@a.b.c * 2", "3");
    IS("@a\\-b", "dash");
    IS("@__key", "k");
    IS("@$.path", "p");
    IS("@Ünïcöd", "u");
    IS("@a.", "error: SEARCH_EXPR Syntax error at offset 2 near '.'");
    IS("@a-b", "error: SEARCH_EXPR Unknown symbol 'b'");
    IS("@", "error: SEARCH_EXPR Syntax error at offset 0 near '@'");
}
END_TEST

START_TEST(texts_may_hold_quotes_behind_backslashes)
{
    IS("'it\\'s'", "it's");
    IS("\"a'b\"", "a'b");
    IS("'a\\\\b'", "a\\b");
    IS("'a\\nb'", "a\\nb");
    IS("''", "");
    IS("'open", "error: SEARCH_EXPR Syntax error at offset 0 near '''");
}
END_TEST

START_TEST(functions_of_numbers)
{
    IS("log(1)", "0");
    IS("log2(8) + log10(100)", "5");
    IS("floor(-1.5)", "-2");
    IS("CEIL(1.2)", "2");
    IS("abs(-3)", "3");
    IS("sqrt(16)", "4");
    IS("exp(0)", "1");
    IS("log('x')", "nan");
    IS("pow(2, -@a/10)", "0.5");
    IS("min(3, @a, -1)", "-1");
    IS("max(0, (5 - @a) / 86400)", "0");
    IS("max(@b)", "3");
    IS("max(1, 'x')", "nan");
    IS("round(2.5)", "3");
    IS("round(1/3, 2)", "0.33");
    IS("now()", "1000");
    IS("decay(900, 100)", "0.5");
    IS("decay(2000, 100)", "1");
    IS("decay(0, 10, 20)", "0.25");
    IS("decay(@ts, 1000, now())", "0.5");
    IS("(2 - @vector_distance)/2", "0.75");
}
END_TEST

START_TEST(functions_of_text)
{
    IS("upper(@s)", "HELLO");
    IS("lower('ÄBc')", "Äbc");
    IS("substr(@s, 1, 3)", "ell");
    IS("substr(@s, -3, -1)", "ll");
    IS("substr(@s, 99, 5)", "");
    IS("substr(@s, -99, 99)", "hello");
    IS("strlen(@s) + strlen('')", "5");
    IS("strlen(@a)", "2");
    IS("startswith(@s, 'he')", "1");
    IS("startswith(@s, 'helloo')", "0");
    IS("contains('aaaa', 'aa')", "3");
    IS("contains(@s, 'x')", "0");
    IS("contains('abc', '')", "4");
    IS("format('%s-%s%%', @s, 1.5)", "hello-1.5%");
    IS("format('%d', 1)", "error: SEARCH_PARSE_ARGS Unknown format specifier passed");
    IS("format('%s')", "error: SEARCH_PARSE_ARGS Not enough arguments for format");
    IS("format('x%')", "error: SEARCH_PARSE_ARGS Bad format string!");
    IS("split('a, b,,c')", "[a b c]");
    IS("split('a|b;-c-', '|;', '-')", "[a b c]");
    IS("split('')", "[]");
    IS("to_number('12.5') + 1", "13.5");
    IS("to_number('x')", "error: SEARCH_PARSE_ARGS to_number: cannot convert string 'x'");
    IS("to_str(3) == '3'", "1");
    IS("matched_terms()", "null");
}
END_TEST

START_TEST(functions_of_time)
{
    IS("timefmt(@tm)", "2023-11-14T22:13:20Z");
    IS("timefmt(@tm, '%Y')", "2023");
    IS("timefmt('x')", "null");
    IS("parsetime('2023-11-14', '%Y-%m-%d')", "1699920000");
    IS("parsetime('x', '%Y')", "null");
    IS("minute(@tm)", "1699999980");
    IS("hour(@tm)", "1699999200");
    IS("day(@tm)", "1699920000");
    IS("month(@tm)", "1698796800");
    IS("monthofyear(@tm)", "10");
    IS("dayofmonth(@tm)", "14");
    IS("dayofweek(@tm)", "2");
    IS("dayofyear(@tm)", "317");
    IS("year(@tm)", "2023");
    IS("year(-1)", "null");
    IS("year(1e300)", "null");
}
END_TEST

START_TEST(distances_between_places)
{
    IS("geodistance(@place, '29.69350,34.94737')", "445.19");
    IS("geodistance(29.69465, 34.95126, 29.69350, 34.94737)", "445.19");
    IS("geodistance(@place, 29.69350, 34.94737)", "445.19");
    IS("geodistance(@place, 'x')", "nan");
}
END_TEST

START_TEST(mistakes_are_told_with_their_place)
{
    IS("", "error: SEARCH_EXPR Syntax error at offset 0 near ''");
    IS("1 +", "error: SEARCH_EXPR Syntax error at offset 3 near ''");
    IS("(1", "error: SEARCH_EXPR Syntax error at offset 2 near ''");
    IS("1 2", "error: SEARCH_EXPR Syntax error at offset 2 near '2'");
    IS("@a = 1", "error: SEARCH_EXPR Syntax error at offset 3 near '='");
    IS("foo(1)", "error: SEARCH_EXPR Unknown function name 'foo'");
    IS("foo", "error: SEARCH_EXPR Unknown symbol 'foo'");
    IS("log()", "error: SEARCH_PARSE_ARGS Invalid number of arguments for log");
    IS("log(1, 2)", "error: SEARCH_PARSE_ARGS Invalid number of arguments for log");
    IS("case(1, 2)", "error: SEARCH_EXPR Syntax error at offset 9 near ')'");
    IS("max(1,)", "error: SEARCH_EXPR Syntax error at offset 6 near ')'");
    IS("max(,1)", "error: SEARCH_EXPR Syntax error at offset 4 near ','");
    IS("@s + 1", "error: SEARCH_NUMERIC_VALUE_INVALID Could not convert value to a number");
}
END_TEST

/* n times open, "1", n times close. */
static const char *nested(const char *open, size_t n, const char *close)
{
    static struct buf b;

    buf_clear(&b);
    for (size_t i = 0; i < n; i++) buf_add_c(&b, open);
    buf_add_char(&b, '1');
    for (size_t i = 0; i < n; i++) buf_add_c(&b, close);
    buf_add_char(&b, '\0');
    return of(b.p);
}

START_TEST(depth_is_bounded_and_length_costs_no_depth)
{
    ck_assert_str_eq(nested("(", EXPR_DEPTH_MAX, ")"), "1");
    ck_assert_str_eq(nested("(", 20000, ")"), "error: SEARCH_EXPR Expression is nested more than 128 deep");
    ck_assert_str_eq(nested("abs(", 10000, ")"), "error: SEARCH_EXPR Expression is nested more than 128 deep");
    ck_assert_ptr_nonnull(strstr(nested("!", 10000, ""), "Syntax error"));
    ck_assert_ptr_nonnull(strstr(nested("2^", 10000, ""), "Syntax error"));
    ck_assert_str_eq(nested("-", 10000, ""), "1");
    ck_assert_str_eq(nested("1+", 10000, ""), "10001");
    ck_assert_str_eq(nested("0||", 10000, ""), "1");
    ck_assert_ptr_nonnull(strstr(nested("1+", EXPR_BYTES_MAX, ""), "longer than"));
}
END_TEST

static void get_long(void *ctx, size_t name, struct datum *out)
{
    (void)name;
    *out = datum_text(*(struct str *)ctx);
}

START_TEST(format_does_not_make_more_than_a_megabyte)
{
    static char half[EXPR_TEXT_MAX / 2];
    struct str s = str_of(memset(half, 'x', sizeof half), sizeof half);
    struct arena a;
    struct buf error = { 0 };
    struct expr_row r = { .ctx = &s, .get = get_long, .arena = &a };
    struct datum d;

    arena_init(&a);
    ck_assert(expr_eval(expr_parse(&a, STR("format('%s%s', @x, @x)"), &error), &r, &d, &error));
    ck_assert_uint_eq(d.u.text.n, EXPR_TEXT_MAX);
    ck_assert(!expr_eval(expr_parse(&a, STR("format('%s%s.', @x, @x)"), &error), &r, &d, &error));
    expect_str(buf_str(&error), STR("SEARCH_PARSE_ARGS The text that format makes is too long"));
    buf_fini(&error);
    arena_fini(&a);
}
END_TEST

UNIT_MAIN("expr", arithmetic_binds_as_in_school, comparisons_and_logic, the_second_side_is_not_evaluated_when_the_first_decides,
          a_field_that_is_not_there_is_null_and_so_is_what_is_made_of_it, names_may_have_dots_and_what_is_escaped,
          texts_may_hold_quotes_behind_backslashes, functions_of_numbers, functions_of_text, functions_of_time,
          distances_between_places, mistakes_are_told_with_their_place, depth_is_bounded_and_length_costs_no_depth,
          format_does_not_make_more_than_a_megabyte)
