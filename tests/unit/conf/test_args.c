#include "conf/args.h"

#include "tests/unit/unit.h"

/* The words of a line between bars; "!" when the quotes do not match. */
static const char *split(const char *line)
{
    static char shown[256];
    struct buf b = { 0 };
    struct str *argv;
    struct arena a;
    size_t n;

    arena_init(&a);
    if (!args_split(&a, str_c(line), &argv, &n)) {
        buf_add_c(&b, "!");
    } else {
        for (size_t i = 0; i < n; i++) {
            if (i > 0) buf_add_char(&b, '|');
            buf_add_str(&b, argv[i]);
        }
    }
    snprintf(shown, sizeof shown, "%.*s", (int)b.n, b.n > 0 ? b.p : "");
    buf_fini(&b);
    arena_fini(&a);
    return shown;
}

START_TEST(words_are_parted_by_blanks)
{
    ck_assert_str_eq(split("port 6379"), "port|6379");
    ck_assert_str_eq(split("  save \t 60   1 \r"), "save|60|1");
    ck_assert_str_eq(split(""), "");
    ck_assert_str_eq(split("   "), "");
}
END_TEST

START_TEST(double_quotes_know_escapes)
{
    ck_assert_str_eq(split("a \"b c\" d"), "a|b c|d");
    ck_assert_str_eq(split("\"\\n\\r\\t\\b\\a\\\\\\\"\\q\""), "\n\r\t\b\a\\\"q");
    ck_assert_str_eq(split("\"\\x41\\x7a\\xZZ\\x4\""), "AzxZZx4");
    ck_assert_str_eq(split("save \"\""), "save|");
}
END_TEST

START_TEST(single_quotes_know_their_own_quote_alone)
{
    ck_assert_str_eq(split("'a \\n b' 'it\\'s'"), "a \\n b|it's");
    ck_assert_str_eq(split("logfile ''"), "logfile|");
}
END_TEST

START_TEST(quotes_must_match_and_end_a_word)
{
    ck_assert_str_eq(split("\"abc"), "!");
    ck_assert_str_eq(split("'abc"), "!");
    ck_assert_str_eq(split("\"abc\"def"), "!");
    ck_assert_str_eq(split("'abc'\"def\""), "!");
    ck_assert_str_eq(split("\"abc\\"), "!");
    ck_assert_str_eq(split("\"abc\\\""), "!");
    ck_assert_str_eq(split("ab\"c d\" e"), "abc d|e");
}
END_TEST

START_TEST(a_cut_line_never_reads_past_its_end)
{
    const char *line = "set \"a\\x41\\\"b\" 'c\\'d' e\"f g\"";

    for (size_t n = 0; n <= strlen(line); n++) {
        char *copy = mem_dup(line, n); /* the sanitizer guards its end */
        struct str *argv;
        struct arena a;
        size_t count;

        arena_init(&a);
        if (args_split(&a, str_of(copy, n), &argv, &count)) ck_assert_uint_le(count, 4);
        arena_fini(&a);
        mem_free(copy);
    }
}
END_TEST

START_TEST(what_is_quoted_reads_back_as_it_was)
{
    struct buf bytes = { 0 }, quoted = { 0 };
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 2000; i++) {
        struct str *argv;
        struct arena a;
        size_t n, len = rng_below(&r, 12);

        buf_clear(&bytes);
        buf_clear(&quoted);
        for (size_t k = 0; k < len; k++) buf_add_char(&bytes, (char)rng_below(&r, 256));
        args_quote_if_needed(&quoted, buf_str(&bytes));
        arena_init(&a);
        ck_assert(args_split(&a, buf_str(&quoted), &argv, &n));
        ck_assert_uint_eq(n, 1);
        expect_str(argv[0], buf_str(&bytes));
        arena_fini(&a);
    }
    buf_fini(&bytes);
    buf_fini(&quoted);
}
END_TEST

START_TEST(quotes_are_used_only_where_needed)
{
    struct buf b = { 0 };

    args_quote_if_needed(&b, STR("dump.rdb"));
    args_quote_if_needed(&b, STR(""));
    args_quote_if_needed(&b, STR("#1"));
    args_quote_if_needed(&b, STR("a b"));
    args_quote_if_needed(&b, STR("\x01\n"));
    expect_str(buf_str(&b), STR("dump.rdb\"\"\"#1\"\"a b\"\"\\x01\\n\""));
    buf_fini(&b);
}
END_TEST

UNIT_MAIN("args", words_are_parted_by_blanks, double_quotes_know_escapes,
          single_quotes_know_their_own_quote_alone, quotes_must_match_and_end_a_word,
          a_cut_line_never_reads_past_its_end, what_is_quoted_reads_back_as_it_was,
          quotes_are_used_only_where_needed)
