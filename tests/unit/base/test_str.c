#include "tests/unit/unit.h"

START_TEST(equal_means_the_same_bytes_and_length)
{
    ck_assert(str_eq(STR("abc"), str_c("abc")));
    ck_assert(!str_eq(STR("abc"), STR("abd")));
    ck_assert(!str_eq(STR("abc"), STR("ab")));
    ck_assert(str_eq(STR(""), str_of(NULL, 0)));
}
END_TEST

START_TEST(bytes_behind_a_nul_count)
{
    ck_assert(!str_eq(STR("a\0b"), STR("a\0c")));
    ck_assert(!str_ieq(STR("a\0b"), STR("a\0c")));
    ck_assert(str_cmp(STR("a\0b"), STR("a\0c")) < 0);
    ck_assert_uint_eq(STR("a\0b").n, 3);
}
END_TEST

START_TEST(case_is_ignored_for_ascii_only)
{
    ck_assert(str_ieq(STR("GeT"), STR("gEt")));
    ck_assert(str_ieq(STR("a\0B"), STR("A\0b")));
    ck_assert(!str_ieq(STR("get"), STR("gets")));
    ck_assert(!str_ieq(STR("\xe4"), STR("\xc4")));
    ck_assert(!str_ieq(STR("@"), STR("`")));
    ck_assert(str_ieq(str_of(NULL, 0), STR("")));
}
END_TEST

START_TEST(an_option_word_matches_whole_in_any_case)
{
    ck_assert(str_is(STR("KEEPTTL"), "keepttl"));
    ck_assert(!str_is(STR("KEEP"), "keepttl"));
    ck_assert(!str_is(STR("KEEPTTL\0"), "keepttl"));
}
END_TEST

START_TEST(order_is_that_of_unsigned_bytes_with_a_prefix_first)
{
    ck_assert(str_cmp(STR("a"), STR("b")) < 0);
    ck_assert(str_cmp(STR("b"), STR("a")) > 0);
    ck_assert(str_cmp(STR("ab"), STR("a")) > 0);
    ck_assert(str_cmp(STR("\x7f"), STR("\x80")) < 0);
    ck_assert(str_cmp(STR(""), STR("a")) < 0);
    ck_assert_int_eq(str_cmp(STR("a\0"), STR("a\0")), 0);
    ck_assert_int_eq(str_cmp(str_of(NULL, 0), str_of(NULL, 0)), 0);
}
END_TEST

UNIT_MAIN("str", equal_means_the_same_bytes_and_length, bytes_behind_a_nul_count,
          case_is_ignored_for_ascii_only, an_option_word_matches_whole_in_any_case,
          order_is_that_of_unsigned_bytes_with_a_prefix_first)
