#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/log_line.h"
#include "base/utf8.h"
#include "tests/unit/unit.h"

static char line[LOG_LINE_MAX];

/* The line, without its newline, as it is at 21 Nov 2026 10:00:00.123 UTC, an hour and a half west of there. */
static const char *spell(enum log_format format, enum log_stamp stamp, struct str message)
{
    struct log_record r = { .level = LOG_VERBOSE, .format = format, .stamp = stamp, .pid = 4711,
                            .now = { 1795255200, 123999 }, .message = message };
    size_t n;

    setenv("TZ", "XYZ1:30", 1);
    tzset();
    n = log_line_put(line, &r);
    ck_assert_uint_le(n, LOG_LINE_MAX);
    ck_assert_int_eq(line[n - 1], '\n');
    line[n - 1] = '\0';
    ck_assert_uint_eq(strlen(line), n - 1);
    return line;
}

START_TEST(each_format_spells_the_same_facts)
{
    ck_assert_str_eq(spell(LOG_FORMAT_LEGACY, LOG_STAMP_LEGACY, STR("Ready")),
                     "4711:M 21 Nov 2026 08:30:00.123 - Ready");
    ck_assert_str_eq(spell(LOG_FORMAT_LOGFMT, LOG_STAMP_LEGACY, STR("Ready")),
                     "pid=4711 role=primary timestamp=\"21 Nov 2026 08:30:00.123\" level=info message=\"Ready\"");
    ck_assert_str_eq(spell(LOG_FORMAT_JSON, LOG_STAMP_LEGACY, STR("Ready")),
                     "{\"time\":\"2026-11-21T08:30:00.123-01:30\",\"level\":\"info\",\"pid\":4711,\"role\":\"primary\","
                     "\"message\":\"Ready\"}");
}
END_TEST

START_TEST(each_stamp_goes_with_each_format)
{
    ck_assert_str_eq(spell(LOG_FORMAT_LEGACY, LOG_STAMP_ISO8601, STR("x")), "4711:M 2026-11-21T08:30:00.123-01:30 - x");
    ck_assert_str_eq(spell(LOG_FORMAT_LEGACY, LOG_STAMP_MILLISECONDS, STR("x")), "4711:M 1795255200123 - x");
    ck_assert_ptr_nonnull(strstr(spell(LOG_FORMAT_JSON, LOG_STAMP_MILLISECONDS, STR("x")), "{\"time\":1795255200123,"));
}
END_TEST

START_TEST(what_a_client_sent_cannot_leave_its_quotes)
{
    static const char nasty[] = "a\"b\\c\nd\te\x1b[2J\0f\xff\xc3\xa9\xed\xa0\x80\x7f";
    struct str m = str_of(nasty, sizeof nasty - 1);

    ck_assert_ptr_nonnull(strstr(spell(LOG_FORMAT_LOGFMT, LOG_STAMP_LEGACY, m), "message=\"a\\\"b\\\\c?d\te?[2J?f\xff"));
    ck_assert_ptr_nonnull(strstr(spell(LOG_FORMAT_JSON, LOG_STAMP_LEGACY, m),
                                 "\"a\\\"b\\\\c\\nd\\te\\u001b[2J\\u0000f\\ufffd\xc3\xa9\\ufffd\\ufffd\\ufffd\\u007f\"}"));
}
END_TEST

START_TEST(json_is_json_whatever_the_bytes)
{
    char bytes[LOG_MESSAGE_MAX];
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 2000; round++) {
        size_t n = rng_below(&r, round % 2 ? 40 : sizeof bytes);
        unsigned mask = round % 3 ? 0xff : 0x1f; /* each byte of these becomes six: more than fits */
        const char *p;

        for (size_t i = 0; i < n; i++) bytes[i] = (char)(rng_next(&r) & mask);
        p = spell(LOG_FORMAT_JSON, LOG_STAMP_LEGACY, str_of(bytes, n));
        ck_assert(json_valid(str_c(p), NULL));
        ck_assert_ptr_null(strchr(p, '\n'));
    }
}
END_TEST

START_TEST(what_is_cut_is_cut_between_characters)
{
    char bytes[LOG_MESSAGE_MAX];

    for (size_t n = sizeof bytes - 8; n <= sizeof bytes; n++) {
        memset(bytes, 1, n);
        memcpy(bytes + n - 3, "\xe2\x82\xac", 3);
        ck_assert(json_valid(str_c(spell(LOG_FORMAT_JSON, LOG_STAMP_LEGACY, str_of(bytes, n))), NULL));
    }
    memset(bytes, 'x', sizeof bytes);
    spell(LOG_FORMAT_LEGACY, LOG_STAMP_LEGACY, str_of(bytes, sizeof bytes));
    ck_assert_uint_eq(strlen(line), LOG_LINE_MAX - 1);
}
END_TEST

START_TEST(syslog_gets_a_text_of_one_line)
{
    char text[LOG_MESSAGE_MAX], bytes[LOG_MESSAGE_MAX + 10];

    log_line_message(text, STR("a\nb\0c\td"));
    ck_assert_str_eq(text, "a?b?c\td");
    memset(bytes, 'x', sizeof bytes);
    log_line_message(text, str_of(bytes, sizeof bytes));
    ck_assert_uint_eq(strlen(text), LOG_MESSAGE_MAX - 1);
}
END_TEST

UNIT_MAIN("log_line", each_format_spells_the_same_facts, each_stamp_goes_with_each_format,
          what_a_client_sent_cannot_leave_its_quotes, json_is_json_whatever_the_bytes,
          what_is_cut_is_cut_between_characters, syslog_gets_a_text_of_one_line)
