#include "base/roff.h"
#include "tests/unit/unit.h"

static struct buf out;

static struct str written(void)
{
    return buf_str(&out);
}

static void clear(void)
{
    buf_fini(&out);
}

START_TEST(words_are_marked_and_nothing_else)
{
    roff_paragraph(&out, "*bold* and _italic_ (*both*), 2*3*4, a_b_c, __x__, * alone");
    expect_str(written(), STR(".PP\n\\fBbold\\fR and \\fIitalic\\fR (\\fBboth\\fR), 2*3*4, a_b_c, __x__, * alone\n"));
    clear();
    roff_item(&out, "*--a-b* _C_", "*as* it _is_");
    expect_str(written(), STR(".TP\n\\fB\\-\\-a\\-b\\fR \\fIC\\fR\n*as* it _is_\n"));
    clear();
}
END_TEST

START_TEST(no_text_is_an_order)
{
    roff_paragraph(&out, ".TH x");
    roff_more(&out, "'tis \\fBnot\\fR a `way` out. .sp of ~ ^");
    roff_example(&out, ".one\n.two\\");
    expect_str(written(), STR(".PP\n\\&.TH x\n.IP\n\\(aqtis \\efBnot\\efR a \\(gaway\\(ga out.\n\\&.sp of \\(ti \\(ha\n"
                              ".PP\n.nf\n.RS\n\\&.one\n\\&.two\\e\n.RE\n.fi\n"));
    clear();
}
END_TEST

START_TEST(a_heading_makes_the_paragraph_itself)
{
    roff_section(&out, "NAME");
    roff_paragraph(&out, "a");
    roff_paragraph(&out, "b");
    roff_line(&out, "c");
    roff_part(&out, "More");
    roff_example(&out, "d");
    expect_str(written(), STR(".SH \"NAME\"\na\n.PP\nb\n.br\nc\n.SS \"More\"\n.nf\n.RS\nd\n.RE\n.fi\n"));
    clear();
}
END_TEST

UNIT_MAIN("roff", words_are_marked_and_nothing_else, no_text_is_an_order, a_heading_makes_the_paragraph_itself)
