/* Patterns of clients: what they find, and what they may not cost. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/regex.h"
#include "tests/unit/unit.h"

static bool finds(const char *pattern, struct str text)
{
    struct regex *r = regex_new(str_c(pattern));
    bool yes;

    ck_assert_ptr_nonnull(r);
    yes = regex_finds(r, text);
    regex_free(&r);
    ck_assert_ptr_null(r);
    return yes;
}

START_TEST(patterns_are_found_anywhere)
{
    ck_assert(finds("b", STR("abc")));
    ck_assert(!finds("^b", STR("abc")));
    ck_assert(finds("", STR("")));
    ck_assert(finds("^.$", STR("\xc3\xa9")));
    ck_assert(finds("a.b", STR("a\0b")));
    ck_assert(!finds("a", STR("a\xff")));
}
END_TEST

START_TEST(what_is_no_pattern_is_none)
{
    static const char *const bad[] = { "(", "[", "*", "a{2,1}", "\xff", "\\C", "(?<a>b)\\k<c>" };
    struct buf b = { 0 };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(regex_new(str_c(bad[i])) == NULL, "%s", bad[i]);
    while (b.n <= REGEX_PATTERN_MAX) buf_add_char(&b, 'a');
    ck_assert_ptr_null(regex_new(buf_str(&b)));
    buf_fini(&b);
}
END_TEST

START_TEST(backtracking_has_a_bound)
{
    struct buf b = { 0 };
    size_t before;

    while (b.n < 100000) buf_add_char(&b, 'a');
    buf_add_char(&b, '!');
    before = mem_used();
    ck_assert(!finds("^(a+)+$", buf_str(&b)));
    ck_assert(!finds("^(a|a)*$", buf_str(&b)));
    ck_assert(!finds("(.*)(.*)(.*)(.*)(.*)x\\1", buf_str(&b)));
    ck_assert_uint_eq(mem_used(), before);
    buf_fini(&b);
}
END_TEST

UNIT_MAIN("regex", patterns_are_found_anywhere, what_is_no_pattern_is_none, backtracking_has_a_bound)
