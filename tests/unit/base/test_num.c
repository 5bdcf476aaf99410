#include <limits.h>
#include <math.h>

#include "base/num.h"
#include "tests/unit/unit.h"

static char out[NUM_DOUBLE_TEXT_MAX];

static void expect_i64(const char *text, int64_t want)
{
    int64_t v;

    ck_assert_msg(num_parse_i64(str_c(text), &v), "%s", text);
    ck_assert_int_eq(v, want);
    expect_str(str_of(out, num_i64(out, want)), str_c(text));
}

static bool is_i64(const char *text)
{
    int64_t v = 99;
    bool good = num_parse_i64(str_c(text), &v);

    ck_assert(good || v == 99);
    return good;
}

static void expect_double(const char *text, double want)
{
    double v;

    ck_assert_msg(num_parse_double(str_c(text), &v), "%s", text);
    ck_assert_msg(memcmp(&v, &want, sizeof v) == 0, "%s: got %.17g, want %.17g", text, v, want);
}

static bool is_double(const char *text)
{
    double v = 99;
    bool good = num_parse_double(str_c(text), &v);

    ck_assert(good || v == 99);
    return good;
}

static struct str double_text(double v)
{
    return str_of(out, num_double(out, v));
}

START_TEST(integers_are_read_and_written_up_to_the_limits)
{
    expect_i64("0", 0);
    expect_i64("7", 7);
    expect_i64("-1", -1);
    expect_i64("1234567890", 1234567890);
    expect_i64("9223372036854775807", INT64_MAX);
    expect_i64("-9223372036854775808", INT64_MIN);
    ck_assert(!is_i64("9223372036854775808"));
    ck_assert(!is_i64("-9223372036854775809"));
    ck_assert(!is_i64("18446744073709551616"));
    ck_assert(!is_i64("99999999999999999999"));
    ck_assert(!is_i64("100000000000000000000"));
}
END_TEST

START_TEST(only_the_canonical_form_of_an_integer_is_accepted)
{
    static const char *const bad[] = { "",   "-",   "-0",   "+1",  "01",  "-01", "00", " 1",
                                       "1 ", "1.0", "0x10", "1e3", "--1", "abc", "1a" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!is_i64(bad[i]), "%s", bad[i]);
    }
    int64_t v;

    ck_assert(!num_parse_i64(STR("1\0"), &v));
    ck_assert(!num_parse_i64(str_of(NULL, 0), &v));
}
END_TEST

START_TEST(unsigned_integers_reach_their_own_limit)
{
    uint64_t v = 99;

    ck_assert(num_parse_u64(STR("18446744073709551615"), &v));
    ck_assert_uint_eq(v, UINT64_MAX);
    expect_str(str_of(out, num_u64(out, v)), STR("18446744073709551615"));
    ck_assert(!num_parse_u64(STR("18446744073709551616"), &v));
    ck_assert(!num_parse_u64(STR("99999999999999999999"), &v));
    ck_assert(!num_parse_u64(STR("-1"), &v));
    ck_assert(!num_parse_u64(STR("007"), &v));
}
END_TEST

START_TEST(digits_are_counted)
{
    uint64_t v = 1;

    ck_assert_uint_eq(num_digits(0), 1);
    for (unsigned n = 1; n <= 20; n++, v *= 10) {
        ck_assert_uint_eq(num_digits(v), n);
        if (n > 1) ck_assert_uint_eq(num_digits(v - 1), n - 1);
    }
    ck_assert_uint_eq(num_digits(UINT64_MAX), 20);
}
END_TEST

START_TEST(random_integers_come_back)
{
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 100000; i++) {
        int64_t v = (int64_t)(rng_next(&r) >> rng_below(&r, 64)) * (i % 2 == 0 ? 1 : -1);
        int64_t back;
        char want[32];

        expect_str(str_of(out, num_i64(out, v)),
                   str_of(want, (size_t)snprintf(want, sizeof want, "%" PRId64, v)));
        ck_assert(num_parse_i64(str_c(want), &back));
        ck_assert_int_eq(back, v);
    }
}
END_TEST

START_TEST(doubles_are_read_by_the_grammar_of_strtod)
{
    expect_double("0", 0);
    expect_double("-0", -0.0);
    expect_double("3.25", 3.25);
    expect_double("-1e3", -1000);
    expect_double("+5", 5);
    expect_double(".5", 0.5);
    expect_double("5.", 5);
    expect_double("-.5", -0.5);
    expect_double("0x10", 16);
    expect_double("007.50", 7.5);
    expect_double("inf", INFINITY);
    expect_double("-Infinity", -INFINITY);
    expect_double("4.9e-324", 0x1p-1074);
    expect_double("0.1", 0.1);
    expect_double("123456789012345", 123456789012345);
    expect_double("1.7976931348623157e308", 0x1.fffffffffffffp1023);
    expect_double("123456789012345678901234567890", 123456789012345678901234567890.0);
}
END_TEST

START_TEST(what_is_not_wholly_a_double_is_refused)
{
    static const char *const bad[] = { "",    "-",   "+",    ".",      "-.",    " 1",     "1 ",
                                       "\t1", "1e",  "1a",   "1.2.3",  "1e400", "-1e400", "1e-400",
                                       "nan", "NaN", "-nan", "nan(1)", "abc",   "--1" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!is_double(bad[i]), "%s", bad[i]);
    }
    double v;

    ck_assert(!num_parse_double(STR("1\0"), &v));
    ck_assert(!num_parse_double(STR("1\0 2"), &v));
}
END_TEST

START_TEST(a_double_of_many_digits_is_read)
{
    struct buf b = { 0 };
    double v;

    buf_add_c(&b, "0.");
    for (int i = 0; i < 10000; i++) buf_add_char(&b, '0');
    buf_add_c(&b, "1e10000");
    ck_assert(num_parse_double(buf_str(&b), &v));
    ck_assert(v == 0.1);
    buf_fini(&b);
}
END_TEST

START_TEST(short_decimals_are_read_as_strtod_reads_them)
{
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 200000; i++) {
        char text[40];
        double v;
        int decimals = (int)rng_below(&r, 17);
        double around = (double)rng_below(&r, 1000000) / (double)(1 + rng_below(&r, 1000));

        snprintf(text, sizeof text, "%s%.*f", i % 2 == 0 ? "-" : "", decimals, around);
        ck_assert(num_parse_double(str_c(text), &v));
        ck_assert_msg(v == strtod(text, NULL), "%s", text);
    }
}
END_TEST

START_TEST(doubles_are_written_as_redis_replies_them)
{
    static const struct {
        double v;
        const char *text;
    } known[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 3, "3" },
        { -17, "-17" },
        { 3.5, "3.5" },
        { -0.25, "-0.25" },
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { 3.14159, "3.14159" },
        { 1e17, "100000000000000000" },
        { 4611686018427387904.0, "4611686018427387904" },
        { 1e19, "1e+19" },
        { 1e30, "1e+30" },
        { -1.5e300, "-1.5e+300" },
        { 12345678901234567890.0, "12345678901234567000" },
        { 0.00001, "0.00001" },
        { 0.000001, "0.000001" },
        { 0.0000012, "1.2e-6" },
        { 1e-7, "1e-7" },
        { 1.5e-7, "1.5e-7" },
        { 1.5e-10, "1.5e-10" },
        { 0.001234567890123, "0.001234567890123" },
        { 0x1p-1074, "5e-324" },
        { 0x1.fffffffffffffp1023, "1.7976931348623157e+308" },
        { 4503599627370495.5, "4503599627370495.5" },
        { INFINITY, "inf" },
        { -INFINITY, "-inf" },
        { NAN, "nan" },
        { -NAN, "nan" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        expect_str(double_text(known[i].v), str_c(known[i].text));
    }
}
END_TEST

static void expect_double_returns(double v)
{
    double back;

    ck_assert(num_parse_double(double_text(v), &back));
    ck_assert_uint_le(double_text(v).n, NUM_TEXT_MAX);
    ck_assert_msg(back == v, "%.17g", v);
}

START_TEST(any_double_reads_back_as_itself)
{
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = rng_next(&r);
        double v;

        memcpy(&v, &bits, sizeof v);
        if (isnan(v)) continue;
        expect_double_returns(v);
        expect_double_returns((double)(int64_t)bits);
        expect_double_returns((double)(bits >> 40) / 1000);
        expect_double_returns(rng_unit(&r));
    }
}
END_TEST

START_TEST(no_shorter_text_would_do)
{
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 50000; i++) {
        char text[40];
        int digits = 1 + (int)rng_below(&r, 15);
        double v = rng_unit(&r) * pow(10, (double)rng_below(&r, 20) - 12);

        snprintf(text, sizeof text, "%.*e", digits - 1, v);
        v = strtod(text, NULL); /* has a text of this many digits */
        if (v == 0 || v >= 1e15) continue;
        struct str s = double_text(v);
        int n = 0;
        bool leading = true;

        for (size_t j = 0; j < s.n && s.p[j] != 'e'; j++) {
            if (s.p[j] == '.' || (leading && s.p[j] == '0')) continue;
            leading = false;
            n++;
        }
        if (v != floor(v)) ck_assert_msg(n <= digits, "%s: %.*s", text, (int)s.n, s.p);
    }
}
END_TEST

static struct str long_text(const char *text)
{
    long double v;

    ck_assert_msg(num_parse_long_double(str_c(text), &v), "%s", text);
    return str_of(out, num_long_double(out, v));
}

START_TEST(long_doubles_are_written_without_exponent_and_trailing_zeros)
{
    expect_str(long_text("3"), STR("3"));
    expect_str(long_text("3.0"), STR("3"));
    expect_str(long_text("10.50"), STR("10.5"));
    expect_str(long_text("0.1"), STR("0.1"));
    expect_str(long_text("-0"), STR("0"));
    expect_str(long_text("-1e-30"), STR("0"));
    expect_str(long_text("1e3"), STR("1000"));
    expect_str(long_text("5.0e3"), STR("5000"));
    expect_str(long_text("inf"), STR("inf"));
    expect_str(long_text("-inf"), STR("-inf"));
    ck_assert_uint_eq(long_text("1e4931").n, 4932);
}
END_TEST

START_TEST(what_is_not_wholly_a_long_double_is_refused)
{
    static const char *const bad[] = { "", " 1", "1 ", "nan", "1e5000", "1e-5000", "1x" };
    struct buf b = { 0 };
    long double v = 99;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!num_parse_long_double(str_c(bad[i]), &v), "%s", bad[i]);
    }
    for (int i = 0; i < NUM_DOUBLE_TEXT_MAX; i++) buf_add_char(&b, '0');
    ck_assert(!num_parse_long_double(buf_str(&b), &v));
    ck_assert(v == 99);
    buf_fini(&b);
}
END_TEST

START_TEST(sizes_have_units_as_in_a_settings_file)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } known[] = {
        { "0", 0 },
        { "1024", 1024 },
        { "1b", 1 },
        { "1k", 1000 },
        { "1kb", 1024 },
        { "2MB", 2 << 20 },
        { "3m", 3000000 },
        { "1Gb", 1 << 30 },
        { "4g", 4000000000 },
        { "010k", 10000 },
        { "18446744073709551615", UINT64_MAX },
    };
    static const char *const bad[] = {
        "", "kb", "-1", "1 kb", "1t", "1.5m", "18446744073709551616", "18446744073709551615k"
    };
    uint64_t v = 0;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ck_assert_msg(num_parse_bytes(str_c(known[i].text), &v), "%s", known[i].text);
        ck_assert_uint_eq(v, known[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!num_parse_bytes(str_c(bad[i]), &v), "%s", bad[i]);
    }
}
END_TEST

START_TEST(hexadecimal_digits_have_either_case)
{
    static const char digits[] = "0123456789abcdef", capitals[] = "ABCDEF";
    int known = 0;

    for (int i = 0; i < 16; i++) ck_assert_int_eq(num_hex_digit(digits[i]), i);
    for (int i = 0; i < 6; i++) ck_assert_int_eq(num_hex_digit(capitals[i]), 10 + i);
    for (int c = CHAR_MIN; c <= CHAR_MAX; c++) known += num_hex_digit((char)c) >= 0;
    ck_assert_int_eq(known, 22);
}
END_TEST

UNIT_MAIN("num", integers_are_read_and_written_up_to_the_limits,
          only_the_canonical_form_of_an_integer_is_accepted,
          unsigned_integers_reach_their_own_limit, digits_are_counted, random_integers_come_back,
          doubles_are_read_by_the_grammar_of_strtod, what_is_not_wholly_a_double_is_refused,
          a_double_of_many_digits_is_read, short_decimals_are_read_as_strtod_reads_them,
          doubles_are_written_as_redis_replies_them, any_double_reads_back_as_itself,
          no_shorter_text_would_do, long_doubles_are_written_without_exponent_and_trailing_zeros,
          what_is_not_wholly_a_long_double_is_refused, sizes_have_units_as_in_a_settings_file,
          hexadecimal_digits_have_either_case)
