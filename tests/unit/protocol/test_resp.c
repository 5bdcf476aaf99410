/* Requests of the form that clients send: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n". Error texts are those that
 * redis-server 7.0.15 was seen to send. */
#include "tests/unit/protocol/feed.h"
#include "tests/unit/unit.h"

START_TEST(a_request_is_its_arguments)
{
    expect_parsed("*1\r\n$4\r\nPING\r\n", "4:PING\n");
    expect_parsed("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n", "3:SET 1:k 5:value\n");
}
END_TEST

START_TEST(an_argument_may_be_empty)
{
    expect_parsed("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n", "3:SET 0: 0:\n");
    expect_parsed("*1\r\n$0\r\n\r\n", "0:\n");
}
END_TEST

START_TEST(an_argument_may_hold_any_byte)
{
    expect_parsed("*2\r\n$5\r\n\0\r\n*\xff\r\n$8\r\n$1\r\nk\r\n*\r\n",
                  "5:\0\r\n*\xff 8:$1\r\nk\r\n*\n");
}
END_TEST

START_TEST(requests_follow_one_another)
{
    expect_parsed("*1\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n$2\r\ncc\r\nPING\r\n*1\r\n$1\r\nd\r\n",
                  "1:a\n1:b 2:cc\n4:PING\n1:d\n");
}
END_TEST

START_TEST(a_request_of_no_arguments_is_empty)
{
    expect_parsed("*0\r\n*1\r\n$4\r\nPING\r\n", "\n4:PING\n");
    expect_parsed("*-1\r\n*-5\r\n*-9223372036854775808\r\n", "\n\n\n");
}
END_TEST

START_TEST(what_is_not_whole_needs_more)
{
    expect_parsed("*", "...");
    expect_parsed("*1\r", "...");
    expect_parsed("*1\r\n$4", "...");
    expect_parsed("*1\r\n$4\r\nPING", "...");
    expect_parsed("*1\r\n$4\r\nPING\r", "...");
    expect_parsed("*1\r\n$4\r\nPING\r\n*2\r\n$1\r\na\r\n", "4:PING\n...");
    expect_parsed("", "");
}
END_TEST

START_TEST(the_number_of_arguments_is_a_canonical_integer)
{
    expect_parsed("*\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*x\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*-\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*-0\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*+1\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*01\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("* 1\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*1 \r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*1\0\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*99999999999999999999\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*9223372036854775808\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*18446744073709551617\r\n", "-Protocol error: invalid multibulk length\n");
}
END_TEST

START_TEST(the_length_of_an_argument_is_a_canonical_integer)
{
    expect_parsed("*1\r\n$\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$x\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$-1\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$-0\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$00\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$ 4\r\nPING\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$4a\r\nPING\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$99999999999999999999\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*1\r\n$9223372036854775807\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed("*2\r\n$1\r\na\r\n$1\0\r\n", "-Protocol error: invalid bulk length\n");
}
END_TEST

START_TEST(an_argument_begins_with_a_dollar)
{
    expect_parsed("*1\r\nPING\r\n", "-Protocol error: expected '$', got 'P'\n");
    expect_parsed("*1\r\n:4\r\n", "-Protocol error: expected '$', got ':'\n");
    expect_parsed("*1\r\n*1\r\n", "-Protocol error: expected '$', got '*'\n");
    expect_parsed("*1\r\n\xff\r\n", "-Protocol error: expected '$', got '\xff'\n");
    expect_parsed("*1\r\n\0\r\n", "-Protocol error: expected '$', got ' '\n");
    expect_parsed("*2\r\n$1\r\na\r\n\r\n", "-Protocol error: expected '$', got '\r'\n");
}
END_TEST

START_TEST(requests_before_an_error_are_good)
{
    expect_parsed("*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n*x\r\n*1\r\n$1\r\nc\r\n",
                  "1:a\n1:b\n-Protocol error: invalid multibulk length\n");
}
END_TEST

START_TEST(bytes_at_the_place_of_an_lf_are_not_looked_at)
{
    expect_parsed("*1\rX$4\r\nPING\r\n", "4:PING\n");
    expect_parsed("*1\r\n$4\rXPINGxx*1\r\n$1\r\na\r\n", "4:PING\n1:a\n");
    expect_parsed("*1\n$4\nPING\n", "...");
}
END_TEST

START_TEST(without_authentication_only_small_requests_are_taken)
{
    expect_parsed_before_auth("*11\r\n", "-Protocol error: unauthenticated multibulk length\n");
    expect_parsed_before_auth("*2147483647\r\n",
                              "-Protocol error: unauthenticated multibulk length\n");
    expect_parsed_before_auth("*10\r\n", "...");
    expect_parsed_before_auth("*1\r\n$16385\r\n", "-Protocol error: unauthenticated bulk length\n");
    expect_parsed_before_auth("*1\r\n$536870912\r\n",
                              "-Protocol error: unauthenticated bulk length\n");
    expect_parsed_before_auth("*1\r\n$16384\r\n", "...");
    expect_parsed_before_auth("PING a b c d e f g h i j k l\r\n",
                              "4:PING 1:a 1:b 1:c 1:d 1:e 1:f 1:g 1:h 1:i 1:j 1:k 1:l\n");
}
END_TEST

START_TEST(absurd_lengths_are_invalid_even_without_authentication)
{
    expect_parsed_before_auth("*2147483648\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed_before_auth("*9223372036854775807\r\n",
                              "-Protocol error: invalid multibulk length\n");
    expect_parsed_before_auth("*1\r\n$536870913\r\n", "-Protocol error: invalid bulk length\n");
    expect_parsed_before_auth("*x\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed_before_auth("*1\r\n$-1\r\n", "-Protocol error: invalid bulk length\n");
}
END_TEST

START_TEST(limits_after_authentication_are_those_of_the_caller)
{
    static const struct resp_limits small = { 2, 3, true };

    expect_parsed("*1048577\r\n", "-Protocol error: invalid multibulk length\n");
    expect_parsed("*1\r\n$536870913\r\n", "-Protocol error: invalid bulk length\n");
    feed_expect(__FILE__, __LINE__, STR("*2\r\n$3\r\nabc\r\n$0\r\n\r\n"), &small,
                STR("3:abc 0:\n"));
    feed_expect(__FILE__, __LINE__, STR("*3\r\n"), &small,
                STR("-Protocol error: invalid multibulk length\n"));
    feed_expect(__FILE__, __LINE__, STR("*1\r\n$4\r\nabcd\r\n"), &small,
                STR("-Protocol error: invalid bulk length\n"));
}
END_TEST

START_TEST(no_limit_on_an_argument_is_a_limit_too)
{
    static const struct resp_limits none = { UINT32_MAX, UINT64_MAX, true };
    struct resp_parser p = { 0 };
    struct str in = STR("*4294967295\r\n$9223372036854775807\r\nab");
    size_t used, want;

    ck_assert_int_eq(resp_parse(&p, in.p, in.n, &none, &used, &want), RESP_NEED_MORE);
    ck_assert_uint_eq(want, (size_t)INT64_MAX);
    resp_fini(&p);
    ck_assert_int_eq(resp_parse(&p, "*4294967296\r\n", 13, &none, &used, &want), RESP_BAD);
    resp_fini(&p);
}
END_TEST

START_TEST(a_large_count_or_length_costs_no_memory_before_the_bytes_are_there)
{
    struct resp_parser p = { 0 };
    struct str count = STR("*1048576\r\n$536870912\r\nabc");
    size_t before = mem_used(), used, want;

    ck_assert_int_eq(resp_parse(&p, count.p, count.n, &feed_after_auth, &used, &want),
                     RESP_NEED_MORE);
    ck_assert_uint_eq(want, 536870912 + 2 - 3);
    ck_assert_uint_eq(mem_used(), before);
    resp_fini(&p);
}
END_TEST

START_TEST(what_is_missing_is_told_when_it_is_known)
{
    struct resp_parser p = { 0 };
    struct str in = STR("*2\r\n$3\r\nGET\r\n$10\r\n0123456789\r\n");
    size_t used, want;

    for (size_t n = 0; n < in.n; n++) {
        ck_assert_int_eq(resp_parse(&p, in.p, n, &feed_after_auth, &used, &want), RESP_NEED_MORE);
        if (n < 8)
            ck_assert_uint_eq(want, 1);
        else if (n < 13)
            ck_assert_uint_eq(want, 13 - n);
        else if (n < 18)
            ck_assert_uint_eq(want, 1);
        else
            ck_assert_uint_eq(want, in.n - n);
        ck_assert_int_eq(resp_parse(&p, in.p, n, &feed_after_auth, &used, NULL), RESP_NEED_MORE);
    }
    ck_assert_int_eq(resp_parse(&p, in.p, in.n, &feed_after_auth, &used, NULL), RESP_REQUEST);
    ck_assert_uint_eq(used, in.n);
    resp_fini(&p);
}
END_TEST

START_TEST(arguments_are_slices_of_the_buffer)
{
    struct resp_parser p = { 0 };
    const char *in = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n";
    size_t used;

    ck_assert_int_eq(resp_parse(&p, in, strlen(in), &feed_after_auth, &used, NULL), RESP_REQUEST);
    ck_assert_ptr_eq(p.args[0].p, in + 8);
    ck_assert_ptr_eq(p.args[1].p, in + 17);
    resp_fini(&p);
}
END_TEST

START_TEST(a_rewound_parser_begins_a_request)
{
    struct resp_parser p = { 0 };
    struct str whole = STR("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    size_t used;

    for (size_t n = 0; n < whole.n; n++) {
        ck_assert_int_eq(resp_parse(&p, whole.p, n, &feed_after_auth, &used, NULL), RESP_NEED_MORE);
        resp_rewind(&p);
        ck_assert_int_eq(resp_parse(&p, "PI", 2, &feed_after_auth, &used, NULL), RESP_NEED_MORE);
        resp_rewind(&p);
        ck_assert_int_eq(resp_parse(&p, whole.p, whole.n, &feed_after_auth, &used, NULL),
                         RESP_REQUEST);
        ck_assert_uint_eq(used, whole.n);
        ck_assert_uint_eq(p.argc, 2);
        expect_str(p.args[1], STR("k"));
    }
    resp_fini(&p);
}
END_TEST

START_TEST(an_error_comes_again_when_asked_again)
{
    static const char *const wrong[] = {
        "*x\r\n",        "*1048577\r\n",         "*1\r\n$x\r\n",
        "*1\r\n$-1\r\n", "*1\r\n$536870913\r\n", "*2\r\n$1\r\na\r\nb",
        "a 'b\r\n"
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct resp_parser p = { 0 };
        char text[sizeof p.error];
        size_t used = 77, n = strlen(wrong[i]);

        ck_assert_int_eq(resp_parse(&p, wrong[i], n, &feed_after_auth, &used, NULL), RESP_BAD);
        memcpy(text, p.error, sizeof text);
        ck_assert_int_eq(resp_parse(&p, wrong[i], n, &feed_after_auth, &used, NULL), RESP_BAD);
        ck_assert_str_eq(p.error, text);
        ck_assert_uint_eq(used, 77);
        resp_fini(&p);
    }
}
END_TEST

START_TEST(memory_of_a_huge_request_is_given_back_at_the_next)
{
    struct resp_parser p = { 0 };
    struct buf in = { 0 };
    size_t used, before;

    buf_printf(&in, "*%d\r\n", 100000);
    for (int i = 0; i < 100000; i++) buf_add_c(&in, "$1\r\nx\r\n");
    before = mem_used();
    ck_assert_int_eq(resp_parse(&p, in.p, in.n, &feed_after_auth, &used, NULL), RESP_REQUEST);
    ck_assert_uint_eq(p.argc, 100000);
    ck_assert_uint_ge(mem_used(), before + 100000 * sizeof(struct str));
    ck_assert_int_eq(resp_parse(&p, "*1\r\n$1\r\nx\r\n", 11, &feed_after_auth, &used, NULL),
                     RESP_REQUEST);
    ck_assert_uint_lt(mem_used(), before + 1024);
    resp_fini(&p);
    ck_assert_uint_eq(mem_used(), before);
    buf_fini(&in);
}
END_TEST

UNIT_MAIN("resp", a_request_is_its_arguments, an_argument_may_be_empty,
          an_argument_may_hold_any_byte, requests_follow_one_another,
          a_request_of_no_arguments_is_empty, what_is_not_whole_needs_more,
          the_number_of_arguments_is_a_canonical_integer,
          the_length_of_an_argument_is_a_canonical_integer, an_argument_begins_with_a_dollar,
          requests_before_an_error_are_good, bytes_at_the_place_of_an_lf_are_not_looked_at,
          without_authentication_only_small_requests_are_taken,
          absurd_lengths_are_invalid_even_without_authentication,
          limits_after_authentication_are_those_of_the_caller,
          no_limit_on_an_argument_is_a_limit_too,
          a_large_count_or_length_costs_no_memory_before_the_bytes_are_there,
          what_is_missing_is_told_when_it_is_known, arguments_are_slices_of_the_buffer,
          a_rewound_parser_begins_a_request, an_error_comes_again_when_asked_again,
          memory_of_a_huge_request_is_given_back_at_the_next)
