/* The documented memd.conf, and the table behind it. */
#include <ctype.h>

#include "conf/setting.h"
#include "tests/unit/conf/fixture.h"

/* Tests run in the directory of the sources. */
START_TEST(the_file_of_the_project_is_what_is_printed)
{
    struct buf want = { 0 }, got = { 0 };
    FILE *f = fopen("memd.conf", "r");

    ck_assert_ptr_nonnull(f);
    for (int c = fgetc(f); c != EOF; c = fgetc(f)) buf_add_char(&got, (char)c);
    fclose(f);
    conf_print(&want);
    if (!str_eq(buf_str(&got), buf_str(&want))) {
        ck_abort_msg("memd.conf is out of date: make it anew with memd --print-config");
    }
    buf_fini(&want);
    buf_fini(&got);
}
END_TEST

START_TEST(the_printed_file_gives_the_defaults)
{
    struct buf text = { 0 };
    struct conf defaults;

    conf_print(&text);
    buf_add_char(&text, '\0');
    expect_loads(text.p);
    conf_init(&defaults);
    for (size_t i = 0; i < setting_count(); i++) {
        const struct setting *s = setting_at(i);

        ck_assert_msg(setting_same(s, setting_value(s, &conf), setting_value(s, &defaults)), "%s",
                      s->name);
    }
    ck_assert_uint_eq(conf.warnings.n, 0);
    conf_fini(&defaults);
    buf_fini(&text);
}
END_TEST

START_TEST(rewriting_the_printed_file_changes_nothing)
{
    struct buf text = { 0 }, out = { 0 };

    conf_print(&text);
    conf_rewrite_text(&conf, buf_str(&text), false, &out);
    expect_str(buf_str(&out), buf_str(&text));
    buf_fini(&text);
    buf_fini(&out);
}
END_TEST

START_TEST(each_row_of_the_table_makes_sense)
{
    for (size_t i = 0; i < setting_count(); i++) {
        const struct setting *s = setting_at(i);
        bool accepted = s->flags & SETTING_ACCEPTED;
        struct buf text = { 0 };

        ck_assert_ptr_nonnull(s->kind);
        ck_assert_ptr_eq(setting_find(str_c(s->name), NULL), s);
        if (s->alias != NULL) ck_assert_ptr_eq(setting_find(str_c(s->alias), NULL), s);
        if (!accepted) {
            ck_assert_msg(s->doc != NULL && ispunct(s->doc[strlen(s->doc) - 1]), "%s", s->name);
        }
        if (s->initial != NULL) ck_assert(setting_is_default(s, setting_value(s, &conf)));
        setting_accepts(s, &text);
        ck_assert_uint_gt(text.n, 0);
        ck_assert_uint_lt(text.n, 320); /* fits struct conf_error */
        buf_fini(&text);
    }
}
END_TEST

START_TEST(no_line_of_the_printed_file_is_long)
{
    struct buf text = { 0 };
    size_t width = 0;

    conf_print(&text);
    for (size_t i = 0; i < text.n; i++) {
        width = text.p[i] == '\n' ? 0 : width + 1;
        ck_assert_uint_le(width, 88);
    }
    buf_fini(&text);
}
END_TEST

UNIT_MAIN_AROUND("print", conf_set_up, conf_tear_down, the_file_of_the_project_is_what_is_printed,
                 the_printed_file_gives_the_defaults, rewriting_the_printed_file_changes_nothing,
                 each_row_of_the_table_makes_sense, no_line_of_the_printed_file_is_long)
