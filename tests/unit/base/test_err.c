#include "base/err.h"
#include "tests/unit/unit.h"

START_TEST(success_and_internal_codes_have_no_text)
{
    ck_assert_int_eq(OK, 0);
    ck_assert_ptr_null(err_text(OK));
    ck_assert_ptr_null(err_text(ERR_NO_KEY));
    ck_assert_ptr_null(err_text(CALL_BLOCKED));
    ck_assert_ptr_null(err_text(ERR_COUNT));
}
END_TEST

START_TEST(the_texts_are_those_of_the_protocol)
{
    ck_assert_str_eq(err_text(ERR_SYNTAX), "ERR syntax error");
    ck_assert_str_eq(err_text(ERR_WRONG_TYPE),
                     "WRONGTYPE Operation against a key holding the wrong kind of value");
}
END_TEST

START_TEST(every_text_is_one_line_that_begins_with_a_code_in_capitals)
{
    for (int e = OK; e < ERR_COUNT; e++) {
        const char *text = err_text((enum err)e);

        if (text == NULL) continue;
        size_t n_capitals = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        ck_assert_msg(n_capitals >= 2, "%s", text);
        ck_assert_msg(text[n_capitals] == ' ' || text[n_capitals] == '\0', "%s", text);
        ck_assert_msg(strpbrk(text, "\r\n") == NULL, "%s", text);
    }
}
END_TEST

START_TEST(a_text_takes_at_most_one_argument_and_that_as_a_string)
{
    for (int e = OK; e < ERR_COUNT; e++) {
        const char *text = err_text((enum err)e);
        const char *percent = text == NULL ? NULL : strchr(text, '%');

        if (percent == NULL) continue;
        ck_assert_msg(percent[1] == 's', "%s", text);
        ck_assert_msg(strchr(percent + 1, '%') == NULL, "%s", text);
    }
}
END_TEST

UNIT_MAIN("err", success_and_internal_codes_have_no_text, the_texts_are_those_of_the_protocol,
          every_text_is_one_line_that_begins_with_a_code_in_capitals,
          a_text_takes_at_most_one_argument_and_that_as_a_string)
