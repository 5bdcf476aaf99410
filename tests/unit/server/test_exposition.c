#include "server/exposition.h"
#include "tests/unit/unit.h"

static void expect(struct exposition *x, const char *text)
{
    buf_add_char(&x->text, '\0');
    ck_assert_str_eq(x->text.p, text);
    buf_fini(&x->text);
}

START_TEST(a_family_has_its_help_and_type)
{
    struct exposition x = { 0 };

    expo_gauge(&x, "memd_keys", "Keys.", -5);
    expo_counter(&x, "memd_hits_total", "Hits.", UINT64_MAX);
    expo_end(&x);
    expect(&x, "# HELP memd_keys Keys.\n# TYPE memd_keys gauge\nmemd_keys -5\n"
               "# HELP memd_hits_total Hits.\n# TYPE memd_hits_total counter\nmemd_hits_total 18446744073709551615\n");
}
END_TEST

START_TEST(openmetrics_names_a_counters_family_without_total_and_has_an_end)
{
    struct exposition x = { .open = true };

    expo_counter(&x, "memd_hits_total", "Hits.", 1);
    expo_end(&x);
    expect(&x, "# HELP memd_hits Hits.\n# TYPE memd_hits counter\nmemd_hits_total 1\n# EOF\n");
}
END_TEST

START_TEST(a_family_of_one_label_has_a_sample_for_each_value)
{
    struct exposition x = { 0 };
    const struct expo_part kinds[] = { { "requests", 3 }, { "connections", 0 } };

    expo_parts(&x, EXPO_COUNTER, "memd_refused_total", "What was refused.", "kind", kinds, 2);
    expect(&x, "# HELP memd_refused_total What was refused.\n# TYPE memd_refused_total counter\n"
               "memd_refused_total{kind=\"requests\"} 3\nmemd_refused_total{kind=\"connections\"} 0\n");
}
END_TEST

START_TEST(times_are_seconds)
{
    struct exposition x = { 0 };
    const int64_t us[] = { 0, 1, 1500000, -1, 86400000000, 1795270264317001 };

    for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
        expo_sample(&x, "t", "_sum");
        expo_seconds(&x, us[i]);
    }
    expect(&x, "t_sum 0\nt_sum 0.000001\nt_sum 1.5\nt_sum -0.000001\nt_sum 86400\nt_sum 1795270264.317001\n");
}
END_TEST

START_TEST(labels_are_escaped_and_always_text)
{
    static const struct { struct str value; const char *shown; } cases[] = {
        { STR("plain"), "plain" },
        { STR(""), "" },
        { STR("a\"b\\c\nd"), "a\\\"b\\\\c\\nd" },
        { STR("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f" },
        { STR("\xff\xc3"), "\\\\xff\\\\xc3" },
        { STR("\xc3\xbc\xff"), "\\\\xc3\\\\xbc\\\\xff" }, /* not UTF-8 as a whole */
        { STR("\0\x1f\x7f\t"), "\\\\x00\\\\x1f\\\\x7f\\\\x09" },
        { STR("\xed\xa0\x80"), "\\\\xed\\\\xa0\\\\x80" }, /* a surrogate */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct exposition x = { 0 };
        char want[100];

        expo_sample(&x, "m", "_bucket");
        expo_label(&x, "a", cases[i].value);
        expo_label(&x, "le", STR("+Inf"));
        expo_uint(&x, 3);
        snprintf(want, sizeof want, "m_bucket{a=\"%s\",le=\"+Inf\"} 3\n", cases[i].shown);
        expect(&x, want);
    }
}
END_TEST

START_TEST(a_sample_does_not_have_the_labels_of_the_one_before)
{
    struct exposition x = { 0 };

    expo_sample(&x, "m", "");
    expo_label(&x, "a", STR("b"));
    expo_int(&x, 1);
    expo_sample(&x, "m", "");
    expo_int(&x, 2);
    expect(&x, "m{a=\"b\"} 1\nm 2\n");
}
END_TEST

START_TEST(a_histogram_counts_up_and_has_the_rest_in_inf)
{
    struct exposition x = { 0 };
    const uint64_t counts[] = { 1, 2, 4, 8, 16 };

    expo_histogram(&x, "h", "a", STR("b"), 1, 2, counts, 5, 2500000);
    expo_histogram(&x, "h", NULL, STR(""), 0, 0, counts, 1, 1);
    expect(&x, "h_bucket{a=\"b\",le=\"2e-06\"} 3\nh_bucket{a=\"b\",le=\"4e-06\"} 7\nh_bucket{a=\"b\",le=\"+Inf\"} 31\n"
               "h_sum{a=\"b\"} 2.5\nh_count{a=\"b\"} 31\n"
               "h_bucket{le=\"1e-06\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 0.000001\nh_count 1\n");
}
END_TEST

UNIT_MAIN("exposition", a_family_has_its_help_and_type,
          openmetrics_names_a_counters_family_without_total_and_has_an_end,
          a_family_of_one_label_has_a_sample_for_each_value, times_are_seconds,
          labels_are_escaped_and_always_text, a_histogram_counts_up_and_has_the_rest_in_inf,
          a_sample_does_not_have_the_labels_of_the_one_before)
