#include "base/json.h"

#include <cjson/cJSON.h>

#include "tests/unit/unit.h"

static bool valid(const char *text)
{
    return json_valid(str_c(text), NULL);
}

START_TEST(values_by_the_letter_are_valid)
{
    static const char *const good[] = { "0", "-0", "12", "-1.5e+10", "1E5", "0.5", "true", "false", "null", "\"\"",
        "\"a\\n\\u00e9\\\"\"", " [ ] ", "{}", "[1,2]", "{\"a\":1,\"a\":2}", "[[[]]]", "{\"a\":{\"b\":[{}]}}",
        "\t\r\n[1 , \"x\" ]\n", "\"\xc3\xa9\"", "12345678901234567890123456789", "1e400", "\"\\ud800\"" };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) ck_assert_msg(valid(good[i]), "%s", good[i]);
}
END_TEST

START_TEST(everything_else_is_not)
{
    static const char *const bad[] = { "", " ", "01", "1.", ".5", "-", "+1", "1e", "1e+", "tru", "truex", "nul", "\"",
        "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\\u12\"", "\"\n\"", "[", "]", "[1", "[1,]", "[,1]", "[1 2]", "{", "}",
        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "[1] x", "[}", "{]", "{\"a\":1]", "[\"a\":1]", "'a'", "NaN",
        "Infinity", "0x10", "\"\xff\"", "\"\xed\xa0\x80\"", "[1]]", "--1", "1 1", "\x01", "// c\n1" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(!valid(bad[i]), "%s", bad[i]);
    ck_assert(!json_valid(STR("[1]\0"), NULL));
    ck_assert(!json_valid((struct str){ NULL, 0 }, NULL));
}
END_TEST

START_TEST(depth_has_a_limit)
{
    char text[2 * JSON_DEPTH + 2];

    memset(text, '[', JSON_DEPTH);
    memset(text + JSON_DEPTH, ']', JSON_DEPTH);
    ck_assert(json_valid(str_of(text, 2 * JSON_DEPTH), NULL));
    memset(text, '[', JSON_DEPTH + 1);
    memset(text + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    ck_assert(!json_valid(str_of(text, sizeof text), NULL));
}
END_TEST

START_TEST(values_are_counted_and_an_escaped_nul_is_told)
{
    struct json_facts facts;

    ck_assert(json_valid(STR("[\"a\\u0001\", \"\\\\u0000\"]"), &facts) && !facts.has_nul && facts.values == 3);
    ck_assert(json_valid(STR("{\"a\\u0000\": [[], {\"b\": 1}]}"), &facts) && facts.has_nul && facts.values == 5);
    ck_assert(json_valid(STR("1"), &facts) && facts.values == 1);
}
END_TEST

static void expect_parts(const char *text, const char *want)
{
    struct buf got = { 0 };
    struct json_walk w;
    struct str name, value;

    ck_assert(valid(text));
    ck_assert(json_open(&w, str_c(text)));
    while (json_next(&w, &name, &value)) {
        buf_add_str(&got, name);
        buf_add_char(&got, '=');
        buf_add_str(&got, value);
        buf_add_char(&got, '|');
    }
    expect_str(buf_str(&got), str_c(want));
    buf_fini(&got);
}

START_TEST(parts_are_told_as_they_lie)
{
    struct json_walk w;

    expect_parts("[]", "");
    expect_parts(" { } ", "");
    expect_parts("[1 , [2,3],\"a,]\" , {\"x\":[ ]}]", "=1|=[2,3]|=\"a,]\"|={\"x\":[ ]}|");
    expect_parts("{ \"a\" : 1.50 ,\"b\\\"}\":\"\\\\\",\"\":null}", "\"a\"=1.50|\"b\\\"}\"=\"\\\\\"|\"\"=null|");
    ck_assert(!json_open(&w, STR("12")));
    ck_assert(!json_open(&w, STR("")));
}
END_TEST

/* Escapes in any number cost what their bytes cost: quadratic would be minutes here. */
START_TEST(long_strings_of_escapes_are_passed_over)
{
    struct buf text = { 0 };
    struct json_walk w;
    struct str name, value;
    unsigned n = 0;

    buf_add_c(&text, "[\"");
    for (int i = 0; i < 1 << 20; i++) buf_add_c(&text, i % 3 ? "\\\"" : "\\\\");
    buf_add_c(&text, "\",1]");
    ck_assert(json_valid(buf_str(&text), NULL));
    ck_assert(json_open(&w, buf_str(&text)));
    while (json_next(&w, &name, &value)) {
        ck_assert_uint_eq(value.n, n == 0 ? (2u << 20) + 2 : 1);
        n++;
    }
    ck_assert_uint_eq(n, 2);
    buf_fini(&text);
}
END_TEST

START_TEST(quoted_strings_read_back)
{
    struct buf out = { 0 };
    char all[128 + 2] = "";
    cJSON *v;

    for (int i = 1; i < 128; i++) all[i - 1] = (char)i;
    memcpy(all + 127, "\xc3\xa9", 2);
    json_quote(&out, str_of(all, 129));
    ck_assert(json_valid(buf_str(&out), NULL));
    v = cJSON_ParseWithLength(out.p, out.n);
    ck_assert(cJSON_IsString(v));
    expect_str(str_c(v->valuestring), str_of(all, 129));
    cJSON_Delete(v);
    buf_fini(&out);
}
END_TEST

/* Whatever is changed in a text: what is called valid cJSON, which is laxer, reads too, and the walk finds as many
 * parts. */
START_TEST(what_is_valid_another_parser_reads_alike)
{
    static const char base[] = "{\"role\":\"user\",\"n\":[1,-2.5e3,true,null],\"x\":{\"y\":\"\\u00e9\\n\"},\"e\":[]}";
    static const char bytes[] = "{}[],:\"\\ 019-.eEtrufalsn\t\x80\xc3";
    struct rng r;
    unsigned n_valid = 0;

    unit_rng(&r);
    for (int round = 0; round < 50000; round++) {
        char text[sizeof base];
        struct str s = str_of(text, sizeof base - 1), name, value;
        struct json_walk w;
        cJSON *v;
        int n = 0;

        memcpy(text, base, sizeof base);
        for (uint64_t i = rng_below(&r, 4); i-- > 0;) text[rng_below(&r, s.n)] = bytes[rng_below(&r, sizeof bytes - 1)];
        if (!json_valid(s, NULL)) continue;
        n_valid++;
        v = cJSON_ParseWithLength(s.p, s.n);
        ck_assert_msg(v != NULL, "%.*s", (int)s.n, s.p);
        ck_assert(json_open(&w, s));
        while (json_next(&w, &name, &value)) n++;
        ck_assert_int_eq(n, cJSON_GetArraySize(v));
        cJSON_Delete(v);
    }
    ck_assert_uint_gt(n_valid, 1000);
}
END_TEST

UNIT_MAIN("json", values_by_the_letter_are_valid, everything_else_is_not, depth_has_a_limit,
          values_are_counted_and_an_escaped_nul_is_told, parts_are_told_as_they_lie,
          long_strings_of_escapes_are_passed_over, quoted_strings_read_back,
          what_is_valid_another_parser_reads_alike)
