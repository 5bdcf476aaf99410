#include "base/json_canon.h"

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/rng.h"
#include "tests/unit/unit.h"

static void expect_canon(const char *text, const char *canon)
{
    struct buf b = { 0 };
    struct json_error why;

    ck_assert_msg(json_canon(str_c(text), &b, &why), "%s: %s", text, why.what);
    expect_str(buf_str(&b), str_c(canon));
    buf_fini(&b);
}

START_TEST(a_document_has_one_form)
{
    static const char *const pairs[][2] = {
        { " { \"a\" : [ 1 , 2 ] , \"b\" : null } ", "{\"a\":[1,2],\"b\":null}" },
        { "[]", "[]" }, { "{ }", "{}" }, { " true", "true" }, { "\"x\"", "\"x\"" },
        { "[1.50,1e400,-0,12345678901234567890123]", "[1.50,1e400,-0,12345678901234567890123]" },
        { "\"\\u00e9\\/\\u0041\"", "\"\xc3\xa9/A\"" },
        { "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
        { "\"\\u0000\\u001F\\u0008\\u000c\\u000a\\u000d\\u0009\"", "\"\\u0000\\u001f\\b\\f\\n\\r\\t\"" },
        { "\"\\u0022\\u005c\"", "\"\\\"\\\\\"" },
        { "\"\\u20ac\\u07ff\"", "\"\xe2\x82\xac\xdf\xbf\"" },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) expect_canon(pairs[i][0], pairs[i][1]);
}
END_TEST

START_TEST(of_members_with_one_name_the_last_value_stands_first)
{
    expect_canon("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
    expect_canon("{\"a\":{\"x\":1,\"x\":2},\"\\u0061\":[{\"y\":1,\"y\":[]}],\"c\":0}", "{\"a\":[{\"y\":[]}],\"c\":0}");
    expect_canon("[{\"a\":1,\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]");
}
END_TEST

START_TEST(many_members_are_looked_through_as_few_are)
{
    struct buf text = { 0 }, want = { 0 }, got = { 0 };
    struct json_error why;

    buf_add_char(&text, '{');
    buf_add_char(&want, '{');
    for (int i = 0; i < 2000; i++) buf_printf(&text, "%s\"k%d\":%d", i ? "," : "", i % 1500, i);
    for (int i = 0; i < 1500; i++) buf_printf(&want, "%s\"k%d\":%d", i ? "," : "", i, i < 500 ? i + 1500 : i);
    buf_add_char(&text, '}');
    buf_add_char(&want, '}');
    ck_assert(json_canon(buf_str(&text), &got, &why));
    expect_str(buf_str(&got), buf_str(&want));
    buf_fini(&text);
    buf_fini(&want);
    buf_fini(&got);
}
END_TEST

START_TEST(what_is_not_json_is_told_with_its_place)
{
    static const struct { const char *text, *what; size_t line, column; } bad[] = {
        { "", "EOF while parsing a value", 1, 1 }, { "{\"a\":1", "EOF while parsing an object", 1, 7 },
        { "[1,\n 2,]", "expected value", 2, 4 }, { "[1 2]", "expected `,` or `]`", 1, 4 },
        { "{\"a\" 1}", "expected `:`", 1, 6 }, { "{a:1}", "key must be a string", 1, 2 }, { "[1]x", "trailing characters", 1, 4 },
        { "\"\\ud800\"", "lone leading surrogate in hex escape", 1, 8 },
        { "\"\\ude00\"", "lone trailing surrogate in hex escape", 1, 8 }, { "01", "invalid number", 1, 2 },
        { "tru", "EOF while parsing a value", 1, 4 }, { "trux", "expected ident", 1, 4 }, { "1.", "EOF while parsing a value", 1, 3 },
        { "\"a\nb\"", "control character (\\u0000-\\u001F) found while parsing a string", 1, 3 },
        { "\"\\x\"", "invalid escape", 1, 3 }, { "\"\xff\"", "invalid UTF-8", 1, 1 },
    };
    struct buf b = { 0 };
    struct json_error why;

    buf_add_c(&b, "kept");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(!json_canon(str_c(bad[i].text), &b, &why));
        ck_assert_str_eq(why.what, bad[i].what);
        ck_assert_msg(why.line == bad[i].line && why.column == bad[i].column, "%s: %zu:%zu", bad[i].text, why.line, why.column);
        expect_str(buf_str(&b), STR("kept"));
    }
    buf_fini(&b);
}
END_TEST

START_TEST(depth_has_a_bound)
{
    char text[2 * JSON_DEPTH + 2];
    struct buf b = { 0 };
    struct json_error why;

    memset(text, '[', JSON_DEPTH);
    memset(text + JSON_DEPTH, ']', JSON_DEPTH);
    ck_assert(json_canon(str_of(text, 2 * JSON_DEPTH), &b, &why));
    memset(text, '[', JSON_DEPTH + 1);
    memset(text + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    ck_assert(!json_canon(str_of(text, 2 * JSON_DEPTH + 2), &b, &why));
    ck_assert_str_eq(why.what, "recursion limit exceeded");
    buf_fini(&b);
}
END_TEST

/* A random value, with white space, escapes and names that come again. */
static void random_value(struct rng *r, struct buf *out, int depth)
{
    static const char *const scalars[] = { "0", "-1.5e3", "true", "null", "\"a\"", "\"\\u00e9\\n\"", "\"\\\"\\\\\"", "12" };
    static const char *const spaces[] = { "", "", " ", "\n\t" };
    unsigned kind = (unsigned)rng_below(r, depth > 0 ? 4 : 2);
    int n = (int)(rng_below(r, 5));

    buf_add_c(out, spaces[rng_below(r, 4)]);
    if (kind < 2) {
        buf_add_c(out, scalars[rng_below(r, 8)]);
    } else {
        buf_add_char(out, kind == 2 ? '[' : '{');
        for (int i = 0; i < n; i++) {
            if (i > 0) buf_add_char(out, ',');
            if (kind == 3) buf_printf(out, "%s\"%s%c\" :", spaces[rng_below(r, 4)], rng_below(r, 2) ? "\\u0061" : "a", (char)('b' + rng_below(r, 3)));
            random_value(r, out, depth - 1);
        }
        buf_add_char(out, kind == 2 ? ']' : '}');
    }
    buf_add_c(out, spaces[rng_below(r, 4)]);
}

/* As cJSON prints what it has read, but for its members that come twice. */
START_TEST(random_documents_mean_the_same_and_have_one_form)
{
    struct rng r;
    struct json_error why;

    rng_seed(&r, 7);
    for (int i = 0; i < 3000; i++) {
        struct buf text = { 0 }, once = { 0 }, twice = { 0 };

        random_value(&r, &text, 4);
        ck_assert_msg(json_canon(buf_str(&text), &once, &why), "%.*s: %s", (int)text.n, text.p, why.what);
        ck_assert(json_canon(buf_str(&once), &twice, &why));
        expect_str(buf_str(&twice), buf_str(&once));
        cJSON *theirs = cJSON_ParseWithLength(once.p, once.n);
        ck_assert_ptr_nonnull(theirs);
        cJSON_Delete(theirs);
        ck_assert(json_valid(buf_str(&once), NULL));
        buf_fini(&text);
        buf_fini(&once);
        buf_fini(&twice);
    }
}
END_TEST

START_TEST(strings_are_unquoted_to_their_bytes)
{
    struct buf canon = { 0 }, raw = { 0 };
    struct json_error why;
    char all[256 * 2];

    for (unsigned i = 0; i < 128; i++) all[i] = (char)i;
    json_quote(&canon, str_of(all, 128));
    json_unquote(buf_str(&canon), &raw);
    expect_str(buf_str(&raw), str_of(all, 128));
    buf_clear(&raw);
    ck_assert(json_canon(buf_str(&canon), &raw, &why));
    expect_str(buf_str(&raw), buf_str(&canon));
    buf_fini(&canon);
    buf_fini(&raw);
}
END_TEST

UNIT_MAIN("json_canon", a_document_has_one_form, of_members_with_one_name_the_last_value_stands_first,
          many_members_are_looked_through_as_few_are, what_is_not_json_is_told_with_its_place, depth_has_a_bound,
          random_documents_mean_the_same_and_have_one_form, strings_are_unquoted_to_their_bytes)
