#include "base/glob.h"
#include "tests/unit/unit.h"

static bool match(const char *pattern, const char *text)
{
    return glob_match(str_c(pattern), str_c(text), false);
}

static bool match_any_case(const char *pattern, const char *text)
{
    return glob_match(str_c(pattern), str_c(text), true);
}

START_TEST(a_plain_pattern_matches_itself_only)
{
    ck_assert(match("hello", "hello"));
    ck_assert(!match("hello", "hell"));
    ck_assert(!match("hello", "hellos"));
    ck_assert(!match("hello", "Hello"));
    ck_assert(match("", ""));
    ck_assert(!match("", "a"));
    ck_assert(!match("a", ""));
}
END_TEST

START_TEST(a_star_matches_any_bytes_or_none)
{
    ck_assert(match("*", ""));
    ck_assert(match("***", "abc"));
    ck_assert(match("h*o", "ho"));
    ck_assert(match("h*o", "hello"));
    ck_assert(!match("h*o", "hell"));
    ck_assert(match("*:*:*", "a:b:c"));
    ck_assert(!match("*:*:*", "a:bc"));
    ck_assert(match("a*bc", "abbbc"));
    ck_assert(match("a*b*c", "aXbYbZc"));
    ck_assert(glob_match(STR("a*\0b"), STR("a\0\0b"), false));
}
END_TEST

START_TEST(a_question_mark_matches_one_byte)
{
    ck_assert(match("h?llo", "hallo"));
    ck_assert(!match("h?llo", "hllo"));
    ck_assert(!match("?", ""));
    ck_assert(!match("?", "ab"));
    ck_assert(match("*?", "a"));
    ck_assert(!match("*?", ""));
    ck_assert(match("?*?", "ab"));
}
END_TEST

START_TEST(a_class_matches_one_of_its_bytes)
{
    ck_assert(match("h[ae]llo", "hallo"));
    ck_assert(match("h[ae]llo", "hello"));
    ck_assert(!match("h[ae]llo", "hillo"));
    ck_assert(match("[a-c]", "b"));
    ck_assert(!match("[a-c]", "d"));
    ck_assert(match("[0-9a-f][0-9a-f]", "c7"));
    ck_assert(match("[*?]", "*"));
    ck_assert(!match("[*?]", "x"));
}
END_TEST

START_TEST(a_caret_negates_a_class)
{
    ck_assert(match("h[^e]llo", "hallo"));
    ck_assert(!match("h[^e]llo", "hello"));
    ck_assert(!match("[^a-c]", "b"));
    ck_assert(match("[^a-c]", "d"));
    ck_assert(!match("[^a]", ""));
    ck_assert(match("[a^]", "^"));
}
END_TEST

START_TEST(a_range_may_be_upside_down)
{
    ck_assert(match("[z-a]", "m"));
    ck_assert(!match("[9-0]", "m"));
}
END_TEST

START_TEST(a_backslash_makes_the_next_byte_plain)
{
    ck_assert(match("h\\*llo", "h*llo"));
    ck_assert(!match("h\\*llo", "hello"));
    ck_assert(match("\\[a]", "[a]"));
    ck_assert(match("[\\]]", "]"));
    ck_assert(match("[\\^a]", "^"));
    ck_assert(match("\\\\", "\\"));
    ck_assert(match("a\\", "a\\")); /* nothing follows: it stands for itself */
}
END_TEST

START_TEST(odd_classes_mean_what_they_mean_in_redis)
{
    ck_assert(match("[abc", "b")); /* not closed: ends with the pattern */
    ck_assert(!match("[abc", "bx"));
    ck_assert(!match("[", "["));
    ck_assert(match("[^", "x"));
    ck_assert(!match("[]", "]")); /* empty: matches nothing */
    ck_assert(match("[^]", "x"));
    ck_assert(match("[a-", "-"));
    ck_assert(match("[a-", "a"));
    ck_assert(match("[a-]", "]")); /* a range up to the bracket, not closed */
    ck_assert(match("[a-]", "^"));
    ck_assert(!match("[a-]", "-"));
    ck_assert(match("[\\", "\\"));
}
END_TEST

START_TEST(case_is_ignored_when_asked)
{
    ck_assert(match_any_case("HELLO*", "hello world"));
    ck_assert(match_any_case("[A-C]x", "bX"));
    ck_assert(!match_any_case("[A-C]", "d"));
    ck_assert(match_any_case("\\H", "h"));
    ck_assert(!match_any_case("[\\H]", "h")); /* as in Redis */
    ck_assert(!match("HELLO", "hello"));
}
END_TEST

START_TEST(many_stars_on_a_long_text_end_soon)
{
    struct buf pattern = { 0 };
    struct buf text = { 0 };

    for (int i = 0; i < 100; i++) buf_add_c(&pattern, "a*");
    buf_add_c(&pattern, "b");
    for (int i = 0; i < 20000; i++) buf_add_char(&text, 'a');
    ck_assert(!glob_match(buf_str(&pattern), buf_str(&text), false));
    buf_add_char(&text, 'b');
    ck_assert(glob_match(buf_str(&pattern), buf_str(&text), false));
    buf_fini(&pattern);
    buf_fini(&text);
}
END_TEST

/* The plain meaning of '*', '?' and '\', by recursion: slow and short. */
static bool plain_match(struct str p, struct str t)
{
    if (p.n == 0) return t.n == 0;
    struct str p_rest = str_of(p.p + 1, p.n - 1);

    if (p.p[0] == '*') {
        for (size_t i = 0; i <= t.n; i++) {
            if (plain_match(p_rest, str_of(t.p + i, t.n - i))) return true;
        }
        return false;
    }
    if (t.n == 0) return false;
    struct str t_rest = str_of(t.p + 1, t.n - 1);

    if (p.p[0] == '?') return plain_match(p_rest, t_rest);
    if (p.p[0] == '\\' && p.n > 1) {
        return p.p[1] == t.p[0] && plain_match(str_of(p.p + 2, p.n - 2), t_rest);
    }
    return p.p[0] == t.p[0] && plain_match(p_rest, t_rest);
}

START_TEST(random_patterns_match_as_by_recursion)
{
    struct rng r;
    int n_matches = 0;

    unit_rng(&r);
    for (int i = 0; i < 200000; i++) {
        char p[8];
        char t[10];
        struct str pattern = str_of(p, rng_below(&r, sizeof p));
        struct str text = str_of(t, rng_below(&r, sizeof t));

        for (size_t j = 0; j < pattern.n; j++) p[j] = "ab***?\\"[rng_below(&r, 7)];
        for (size_t j = 0; j < text.n; j++) t[j] = "ab*\\"[rng_below(&r, 4)];
        bool want = plain_match(pattern, text);

        ck_assert_msg(glob_match(pattern, text, false) == want, "\"%.*s\" \"%.*s\"", (int)pattern.n,
                      p, (int)text.n, t);
        n_matches += want;
    }
    ck_assert_int_gt(n_matches, 10000);
}
END_TEST

START_TEST(random_bytes_as_pattern_read_nothing_outside)
{
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 100000; i++) {
        size_t n = rng_below(&r, 12);
        char *p = mem_alloc(n);

        for (size_t j = 0; j < n; j++) p[j] = "[]^-\\*?a-z"[rng_below(&r, 10)];
        glob_match(str_of(p, n), STR("a-z]^"), i % 2 == 0);
        mem_free(p);
    }
}
END_TEST

START_TEST(the_prefix_is_what_stands_before_the_first_wildcard)
{
    expect_str(glob_prefix(STR("user:*")), STR("user:"));
    expect_str(glob_prefix(STR("a?c")), STR("a"));
    expect_str(glob_prefix(STR("[ab]c")), STR(""));
    expect_str(glob_prefix(STR("a\\*")), STR("a"));
    expect_str(glob_prefix(STR("plain]^-")), STR("plain]^-"));
    expect_str(glob_prefix(STR("a\0b*")), STR("a\0b"));
    expect_str(glob_prefix(STR("")), STR(""));
}
END_TEST

static bool match_long(const char *head, const char *piece, size_t times, const char *tail, size_t n_text)
{
    struct buf pattern = { 0 }, text = { 0 };
    bool found;

    buf_add_c(&pattern, head);
    for (size_t i = 0; i < times; i++) buf_add_c(&pattern, piece);
    buf_add_c(&pattern, tail);
    for (size_t i = 0; i < n_text; i++) buf_add_char(&text, 'a');
    found = glob_match(buf_str(&pattern), buf_str(&text), false);
    buf_fini(&pattern);
    buf_fini(&text);
    return found;
}

/* A million times a million steps would take a quarter of an hour: the test would run out of its time. */
START_TEST(a_megabyte_of_pattern_and_of_text_comes_to_an_end)
{
    enum { LONG = 1000000 };

    ck_assert(!match_long("*", "a", LONG / 2, "b", LONG));
    ck_assert(!match_long("", "*a", LONG / 2, "b", LONG));
    ck_assert(!match_long("*", "?", LONG / 2, "b", LONG));
    ck_assert(!match_long("*[b", "c-d", LONG / 3, "]", LONG));
    ck_assert(!match_long("*", "[a]", LONG / 6, "b", LONG));
    ck_assert(match_long("", "*a", LONG / 2, "", LONG)); /* without a detour */
    ck_assert(match_long("*", "a", LONG / 2, "", LONG / 2));
    ck_assert(match_long("", "*", LONG, "", LONG));
}
END_TEST

START_TEST(up_to_a_thousand_bytes_every_detour_is_made)
{
    ck_assert(!match_long("*", "a", 500, "b", 1000));
    ck_assert(match_long("*", "a", 500, "", 1000));
    ck_assert(match_long("", "a*", 500, "a", 1000));
    ck_assert(match_long("*", "?", 999, "", 1000));
}
END_TEST

UNIT_MAIN("glob", a_plain_pattern_matches_itself_only, a_star_matches_any_bytes_or_none,
          a_question_mark_matches_one_byte, a_class_matches_one_of_its_bytes,
          a_caret_negates_a_class, a_range_may_be_upside_down,
          a_backslash_makes_the_next_byte_plain, odd_classes_mean_what_they_mean_in_redis,
          case_is_ignored_when_asked, many_stars_on_a_long_text_end_soon,
          random_patterns_match_as_by_recursion, random_bytes_as_pattern_read_nothing_outside,
          the_prefix_is_what_stands_before_the_first_wildcard,
          a_megabyte_of_pattern_and_of_text_comes_to_an_end, up_to_a_thousand_bytes_every_detour_is_made)
