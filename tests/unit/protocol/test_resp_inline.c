/* Requests as people type them, and words of a line by Redis's rules. */
#include "tests/unit/protocol/feed.h"
#include "tests/unit/unit.h"

START_TEST(a_line_is_split_at_blanks)
{
    expect_parsed("PING\r\n", "4:PING\n");
    expect_parsed("SET key value\r\n", "3:SET 3:key 5:value\n");
    expect_parsed(" \tSET  key\t\tvalue \r\n", "3:SET 3:key 5:value\n");
    expect_parsed("a\rb\r\n", "1:a 1:b\n");
}
END_TEST

START_TEST(a_line_may_end_without_cr)
{
    expect_parsed("PING\nPING\r\n\nPING\n", "4:PING\n4:PING\n\n4:PING\n");
    expect_parsed("PING\r\r\n", "4:PING\n");
}
END_TEST

START_TEST(a_line_without_words_is_an_empty_request)
{
    expect_parsed("\r\n", "\n");
    expect_parsed("\n", "\n");
    expect_parsed(" \t\v\f \r\nPING\r\n", "\n4:PING\n");
}
END_TEST

START_TEST(a_line_that_has_not_ended_needs_more)
{
    expect_parsed("PING", "...");
    expect_parsed("PING\r", "...");
    expect_parsed("PING \"a\r", "...");
}
END_TEST

START_TEST(vertical_tab_and_form_feed_begin_words_but_do_not_end_them)
{
    expect_parsed("a\vb c\fd\r\n", "3:a\vb 3:c\fd\n");
    expect_parsed("a \v\fb\r\n", "1:a 1:b\n");
    expect_parsed("\"a\"\v'b'\fc\r\n", "1:a 1:b 1:c\n");
}
END_TEST

START_TEST(double_quotes_keep_blanks_and_know_escapes)
{
    expect_parsed("\"a b\" \"\"\r\n", "3:a b 0:\n");
    expect_parsed("\"\\n\\r\\t\\b\\a\\\\\\\"\\q\"\r\n", "8:\n\r\t\b\a\\\"q\n");
    expect_parsed("\"'\"\r\n", "1:'\n");
}
END_TEST

START_TEST(hexadecimal_escapes_make_bytes)
{
    expect_parsed("\"\\x41\\x7a\\xFf\\x00\"\r\n", "4:Az\xff\0\n");
    expect_parsed("\"\\x4\" \"\\x\" \"\\xg1\" \"\\x1g\"\r\n", "2:x4 1:x 3:xg1 3:x1g\n");
    expect_parsed("\\x41 '\\x41'\r\n", "4:\\x41 4:\\x41\n");
}
END_TEST

START_TEST(single_quotes_know_only_the_quote_itself)
{
    expect_parsed("'a b' ''\r\n", "3:a b 0:\n");
    expect_parsed("'it\\'s' '\\n\"' '\\\\a'\r\n", "4:it's 3:\\n\" 3:\\\\a\n");
}
END_TEST

START_TEST(quotes_within_a_word_join_it)
{
    expect_parsed("a\"b c\" d'e f'\r\n", "4:ab c 4:de f\n");
    expect_parsed("\\n a\\ b\r\n", "2:\\n 2:a\\ 1:b\n");
}
END_TEST

START_TEST(a_closing_quote_ends_the_word)
{
    expect_parsed("\"a\"b\r\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("'a'b\r\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("\"a\"\"b\"\r\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("\"a\" b\r\n", "1:a 1:b\n");
}
END_TEST

START_TEST(quotes_must_balance)
{
    expect_parsed("\"a\r\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("'a\r\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("\"\r\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("\"a\\\"\r\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("\"a\\\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("'\\\\'\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("'a\\'\n", "-Protocol error: unbalanced quotes in request\n");
    expect_parsed("PING\r\nx 'y\r\nPING\r\n",
                  "4:PING\n-Protocol error: unbalanced quotes in request\n");
}
END_TEST

START_TEST(a_nul_is_a_byte_like_any_other)
{
    expect_parsed("a\0b \"\0\" \0\r\n", "3:a\0b 1:\0 1:\0\n");
}
END_TEST

START_TEST(a_line_that_begins_with_a_dollar_or_plus_is_a_command)
{
    expect_parsed("$4\r\nPING\r\n+OK\r\n", "2:$4\n4:PING\n3:+OK\n");
}
END_TEST

START_TEST(inline_words_are_copies)
{
    struct resp_parser p = { 0 };
    const char *in = "GET key\r\n";
    size_t used;

    ck_assert_int_eq(resp_parse(&p, in, strlen(in), &feed_after_auth, &used, NULL), RESP_REQUEST);
    ck_assert(p.args[1].p < in || p.args[1].p > in + used);
    expect_str(p.args[1], STR("key"));
    resp_fini(&p);
}
END_TEST

START_TEST(memory_of_a_long_line_is_given_back_at_the_next_request)
{
    struct resp_parser p = { 0 };
    struct buf in = { 0 };
    size_t used, before;

    for (int i = 0; i < RESP_MAX_LINE / 2; i++) buf_add_c(&in, "a ");
    buf_add_char(&in, '\n');
    before = mem_used();
    ck_assert_int_eq(resp_parse(&p, in.p, in.n, &feed_after_auth, &used, NULL), RESP_REQUEST);
    ck_assert_uint_eq(p.argc, RESP_MAX_LINE / 2);
    ck_assert_uint_gt(mem_used(), before + RESP_MAX_LINE);
    ck_assert_int_eq(resp_parse(&p, NULL, 0, &feed_after_auth, &used, NULL), RESP_NEED_MORE);
    ck_assert_uint_eq(mem_used(), before);
    resp_fini(&p);
    buf_fini(&in);
}
END_TEST

/* --- resp_split_words ------------------------------------------------------------------------- */

START_TEST(words_stop_at_the_room_there_is)
{
    struct str words[2];
    char copy[8];
    size_t n;

    ck_assert(resp_split_words("a b", 3, copy, words, 2, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(resp_split_words("a b ", 4, copy, words, 2, &n));
    ck_assert(!resp_split_words("a b c", 5, copy, words, 2, &n));
    ck_assert(resp_split_words("  ", 2, copy, words, 0, &n));
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(words_of_nothing_are_none)
{
    size_t n = 7;

    ck_assert(resp_split_words(NULL, 0, NULL, NULL, 0, &n));
    ck_assert_uint_eq(n, 0);
}
END_TEST

/* The copy never holds more than the line: all shorter lines over the bytes that mean something. */
START_TEST(words_fit_a_copy_of_the_length_of_the_line)
{
    static const char kinds[] = "a \"'\\x4";
    enum { LENGTH = 6, KINDS = sizeof kinds - 1 };
    struct str words[LENGTH / 2 + 1];
    char line[LENGTH], copy[LENGTH + 1];
    size_t n;

    for (unsigned code = 0; code < 117649; code++) { /* KINDS to the power of LENGTH */
        unsigned rest = code;

        for (int i = 0; i < LENGTH; i++, rest /= KINDS) line[i] = kinds[rest % KINDS];
        copy[LENGTH] = '!';
        if (!resp_split_words(line, LENGTH, copy, words, LENGTH / 2 + 1, &n)) continue;
        ck_assert_int_eq(copy[LENGTH], '!');
        ck_assert_uint_le(n, LENGTH / 2);
    }
}
END_TEST

UNIT_MAIN("resp_inline", a_line_is_split_at_blanks, a_line_may_end_without_cr,
          a_line_without_words_is_an_empty_request, a_line_that_has_not_ended_needs_more,
          vertical_tab_and_form_feed_begin_words_but_do_not_end_them,
          double_quotes_keep_blanks_and_know_escapes, hexadecimal_escapes_make_bytes,
          single_quotes_know_only_the_quote_itself, quotes_within_a_word_join_it,
          a_closing_quote_ends_the_word, quotes_must_balance, a_nul_is_a_byte_like_any_other,
          a_line_that_begins_with_a_dollar_or_plus_is_a_command, inline_words_are_copies,
          memory_of_a_long_line_is_given_back_at_the_next_request, words_stop_at_the_room_there_is,
          words_of_nothing_are_none, words_fit_a_copy_of_the_length_of_the_line)
