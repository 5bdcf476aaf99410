#include "base/json_path.h"

#include "base/buf.h"
#include "base/json_canon.h"
#include "tests/unit/unit.h"

/* What path finds in doc (any form of JSON), as an array. */
static void expect_found(const char *doc, const char *path, const char *want)
{
    struct buf canon = { 0 }, got = { 0 };
    struct json_matches m = { 0 };
    struct json_error why;
    const char *what = "";
    size_t at = 0;
    struct json_path *p = json_path_new(str_c(path), &at, &what);

    ck_assert_msg(p != NULL, "%s: byte %zu: %s", path, at, what);
    ck_assert_msg(json_canon(str_c(doc), &canon, &why), "%s: %s", doc, why.what);
    ck_assert(json_path_find(p, buf_str(&canon), &m));
    buf_add_char(&got, '[');
    for (size_t i = 0; i < m.n; i++) {
        if (i > 0) buf_add_char(&got, ',');
        buf_add_str(&got, m.items[i].value);
    }
    buf_add_char(&got, ']');
    ck_assert_msg(str_eq(buf_str(&got), str_c(want)), "%s of %s: %.*s, not %s", path, doc, (int)got.n, got.p, want);
    json_matches_fini(&m);
    buf_fini(&canon);
    buf_fini(&got);
    json_path_free(&p);
}

#define BOOKS                                                                                                       \
    "{\"store\":{\"book\":[{\"category\":\"reference\",\"author\":\"Rees\",\"title\":\"Sayings\",\"price\":8.95},"   \
    "{\"category\":\"fiction\",\"author\":\"Waugh\",\"title\":\"Sword\",\"price\":12.99},"                          \
    "{\"category\":\"fiction\",\"author\":\"Melville\",\"title\":\"Moby\",\"isbn\":\"0-553\",\"price\":8.99}],"      \
    "\"bicycle\":{\"color\":\"red\",\"price\":19.95}},\"limit\":10}"

START_TEST(steps_find_what_they_name)
{
    static const char *const rows[][3] = {
        { "{\"a\":1}", "$", "[{\"a\":1}]" }, { "{\"a\":1}", ".", "[{\"a\":1}]" }, { "7", "$", "[7]" },
        { "{\"a\":{\"b\":[1,2]}}", "$.a.b", "[[1,2]]" }, { "{\"a\":{\"b\":2}}", ".a.b", "[2]" }, { "{\"a\":{\"b\":2}}", "a.b", "[2]" },
        { "{\"a\":{\"b\":2}}", "[\"a\"]['b']", "[2]" }, { "{\"a b\":1,\"c'd\":2}", "$['a b','c\\'d']", "[1,2]" },
        { "{\"a\":1,\"b\":2}", "$['b','a','x']", "[2,1]" }, { "{\"a\":1}", "$.x", "[]" }, { "[1]", "$.a", "[]" },
        { "[10,11,12,13]", "$[0]", "[10]" }, { "[10,11,12,13]", "$[-1]", "[13]" }, { "[10,11]", "$[2]", "[]" }, { "[10,11]", "$[-3]", "[]" },
        { "[10,11,12,13]", "$[3,0,-2]", "[13,10,12]" }, { "[10,11,12,13]", "[1]", "[11]" },
        { "[0,1,2,3,4,5]", "$[1:3]", "[1,2]" }, { "[0,1,2,3,4,5]", "$[:2]", "[0,1]" }, { "[0,1,2,3,4,5]", "$[4:]", "[4,5]" },
        { "[0,1,2,3,4,5]", "$[-2:]", "[4,5]" }, { "[0,1,2,3,4,5]", "$[:-4]", "[0,1]" }, { "[0,1,2,3,4,5]", "$[::2]", "[0,2,4]" },
        { "[0,1,2,3,4,5]", "$[1:5:3]", "[1,4]" }, { "[0,1]", "$[:]", "[0,1]" }, { "[0,1]", "$[5:9]", "[]" }, { "[0,1]", "$[-9:1]", "[0]" },
        { "{\"a\":1,\"b\":[2]}", "$.*", "[1,[2]]" }, { "[1,[2]]", "$[*]", "[1,[2]]" }, { "[1,[2]]", "$.*", "[1,[2]]" }, { "3", "$.*", "[]" },
        { "{\"a\":{\"a\":[{\"a\":1}]}}", "$..a", "[{\"a\":[{\"a\":1}]},[{\"a\":1}],1]" },
        { "[[1,2],[3]]", "$..[0]", "[[1,2],1,3]" }, { "{\"a\":[1],\"b\":{\"c\":2}}", "$..*", "[[1],{\"c\":2},1,2]" },
        { "{\"a\":[{\"b\":1},{\"b\":2}]}", "$.a[*].b", "[1,2]" }, { "{\"a\":[{\"b\":1},{\"b\":2}]}", "$.a[1].b", "[2]" },
        { "{\"x-y\":1,\"_z\":2}", "$.x-y", "[1]" }, { "{\"\xc3\xa9\":1}", "$.\xc3\xa9", "[1]" }, { "{\"\xc3\xa9\":1}", "$[\"\xc3\xa9\"]", "[1]" },
        { "{\"a\\\"b\":1}", "$[\"a\\\"b\"]", "[1]" }, { "{\"a\\\\b\":1}", "$['a\\\\b']", "[1]" }, { "{\"\":5}", "$['']", "[5]" },
        { BOOKS, "$.store..price", "[8.95,12.99,8.99,19.95]" }, { BOOKS, "$..book[-1:].title", "[\"Moby\"]" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_found(rows[i][0], rows[i][1], rows[i][2]);
}
END_TEST

START_TEST(filters_choose)
{
    static const char *const rows[][3] = {
        { BOOKS, "$.store.book[?(@.price<10)].title", "[\"Sayings\",\"Moby\"]" }, { BOOKS, "$..book[?(@.isbn)].title", "[\"Moby\"]" },
        { BOOKS, "$..book[?(@.price < $.limit)].author", "[\"Rees\",\"Melville\"]" },
        { BOOKS, "$..book[?(@.category==\"fiction\" && @.price>10)].title", "[\"Sword\"]" },
        { BOOKS, "$..book[?(@.category=='fiction'&&(@.price>10||@.isbn=='0-553'))].title", "[\"Sword\",\"Moby\"]" },
        { BOOKS, "$..book[?!@.isbn].title", "[\"Sayings\",\"Sword\"]" }, { BOOKS, "$..book[?(!(@.price>9))].title", "[\"Sayings\",\"Moby\"]" },
        { "[1,2.0,\"2\",true,null,[2],{\"a\":2}]", "$[?(@==2)]", "[2.0]" }, { "[1,\"2\",null]", "$[?(@!=1)]", "[\"2\",null]" },
        { "[9007199254740993,9007199254740992]", "$[?(@==9007199254740993)]", "[9007199254740993]" },
        { "[\"a\",\"b\",\"ab\"]", "$[?(@>\"a\")]", "[\"b\",\"ab\"]" }, { "[true,false]", "$[?(@<true)]", "[false]" }, { "[null,0]", "$[?(@==null)]", "[null]" },
        { "[[1],[1,2],[]]", "$[?(@==[1, 2])]", "[[1,2]]" }, { "[{\"t\":[\"x\",\"y\"]},{\"t\":[\"z\"]}]", "$[?(@.t[*]==\"y\")]", "[{\"t\":[\"x\",\"y\"]}]" },
        { "{\"a\":1,\"b\":5}", "$[?(@>2)]", "[5]" }, { "[1,2,3]", "$[?(@>1 && @<3)]", "[2]" }, { "[1,2]", "$[?(1==1)]", "[1,2]" },
        { "[{\"a\":1},{\"b\":1}]", "$[?(@.a==@.b)]", "[]" }, { "[1,\"a\"]", "$[?(@>=1)]", "[1]" }, { "[-1,-2]", "$[?(@<=-2)]", "[-2]" },
        { "[\"foo\",\"bar\",\"afo\",7]", "$[?(@ =~ \"f.o\")]", "[\"foo\"]" }, { "[\"foo\",\"bar\"]", "$[?(@=~'^(?i)B')]", "[\"bar\"]" },
        { "[\"a+b\",\"ab\"]", "$[?(@=~\"a\\\\+b\")]", "[\"a+b\"]" }, { "[\"foo\"]", "$[?(@=~\"(\")]", "[]" }, { "[\"foo\"]", "$[?(@=~7)]", "[]" },
        { "{\"p\":\"^o\",\"v\":[\"one\",\"two\"]}", "$.v[?(@=~$.p)]", "[\"one\"]" },
        { "[{\"v\":\"ab\",\"p\":\"b\"},{\"v\":\"ab\",\"p\":\"^b\"}]", "$[?(@.v=~@.p)].p", "[\"b\"]" },
        { "[\"\\u00e9t\\u00e9\"]", "$[?(@=~\"^.t.$\")]", "[\"\xc3\xa9t\xc3\xa9\"]" },
        { "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"]", "$[?(@=~\"^(a+)+$\")]", "[]" },
        { "[\"\\u00e9\"]", "$[?(@=='\xc3\xa9')]", "[\"\xc3\xa9\"]" }, { "[]", "$[?(@>2)]", "[]" }, { "5", "$[?(@>2)]", "[]" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_found(rows[i][0], rows[i][1], rows[i][2]);
}
END_TEST

START_TEST(what_is_no_path_is_told)
{
    static const char *const bad[] = { "", "$.", "$..", "$[", "$[]", "$[1", "$['a", "$['a']]", "$a b", "$.a b", "..", "$[a]", "$[1:2:0]",
        "$[?]", "$[?(]", "$[?(@.a", "$[?(@.a==)]", "$[?(@.a=1)]", "$[?(@.a==1", "$[1,]", "$['a',]", "$[99999999999999999999]", "$.a\xff",
        "$[?(((((((((((((((((((((((((((((((((((((((((@))))]", "$[?(@==bad)]", "$['a' 'b']" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *what = NULL;
        size_t at = 0;
        struct json_path *p = json_path_new(str_c(bad[i]), &at, &what);

        ck_assert_msg(p == NULL, "%s", bad[i]);
        ck_assert_ptr_nonnull(what);
        ck_assert_uint_le(at, strlen(bad[i]));
    }
}
END_TEST

static struct json_path *path(const char *text)
{
    const char *what;
    size_t at;

    return json_path_new(str_c(text), &at, &what);
}

START_TEST(a_path_tells_what_it_is)
{
    static const struct { const char *text; bool legacy, root, definite; const char *last; } rows[] = {
        { "$", false, true, true, "" }, { ".", true, true, true, "" }, { "$.a[0]['b']", false, false, true, "\"b\"" },
        { ".a", true, false, true, "\"a\"" }, { "$.*", false, false, false, "" }, { "$..a", false, false, false, "" },
        { "$[0,1]", false, false, false, "" }, { "$[0]", false, false, true, "" }, { "$.a.*.c", false, false, false, "\"c\"" },
        { "$[1:2]", false, false, false, "" }, { "$[?(@)]", false, false, false, "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_path *p = path(rows[i].text);

        ck_assert_int_eq(json_path_is_legacy(p), rows[i].legacy);
        ck_assert_int_eq(json_path_is_root(p), rows[i].root);
        ck_assert_int_eq(json_path_is_definite(p), rows[i].definite);
        expect_str(json_path_last_name(p), str_c(rows[i].last));
        json_path_free(&p);
    }
}
END_TEST

START_TEST(parents_are_found_without_the_last_step)
{
    struct json_path *p = path("$..a.x"), *root = path("$");
    struct json_matches m = { 0 };

    ck_assert(json_path_find_parents(p, STR("{\"a\":{\"a\":{}},\"b\":1}"), &m));
    ck_assert_uint_eq(m.n, 2);
    expect_str(m.items[0].value, STR("{\"a\":{}}"));
    expect_str(m.items[0].name, STR("\"a\""));
    json_matches_fini(&m);
    ck_assert(json_path_find_parents(root, STR("{}"), &m));
    ck_assert_uint_eq(m.n, 0);
    json_path_free(&p);
    json_path_free(&root);
}
END_TEST

/* Descents within descents find a number of values that grows with the power of their number. */
START_TEST(work_has_a_bound)
{
    struct buf doc = { 0 };
    struct json_matches m = { 0 };
    struct json_path *p = path("$..*..*..*..*..*..*..*..*");

    for (int i = 0; i < 100; i++) buf_add_char(&doc, '[');
    for (int i = 0; i < 100; i++) buf_add_char(&doc, ']');
    ck_assert(!json_path_find(p, buf_str(&doc), &m));
    json_matches_fini(&m);
    buf_fini(&doc);
    json_path_free(&p);
}
END_TEST

UNIT_MAIN("json_path", steps_find_what_they_name, filters_choose, what_is_no_path_is_told, a_path_tells_what_it_is,
          parents_are_found_without_the_last_step, work_has_a_bound)
