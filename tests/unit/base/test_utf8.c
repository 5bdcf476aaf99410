#include "base/utf8.h"
#include "tests/unit/unit.h"

/* Every code point, encoded by the letter, is valid; every sequence of bytes is judged as by this decoder. */
static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

START_TEST(each_character_is_valid_and_no_surrogate_is)
{
    char text[4];

    for (uint32_t c = 0; c < 0x120000; c++) {
        bool want = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
        size_t n = encode(c, text);
        char put[4];

        ck_assert(utf8_put(c, put) == n && memcmp(put, text, n) == 0);

        if (utf8_valid(str_of(text, n)) != want) ck_abort_msg("U+%x", c);
        if (n > 1 && utf8_valid(str_of(text, n - 1))) ck_abort_msg("U+%x cut short", c);
    }
}
END_TEST

START_TEST(what_is_no_utf8_is_found_at_every_place)
{
    static const struct str bad[] = { STR("\x80"), STR("\xbf"), STR("\xc0\x80"), STR("\xc1\xbf"), STR("\xe0\x80\x80"),
        STR("\xe0\x9f\xbf"), STR("\xf0\x80\x80\x80"), STR("\xf0\x8f\xbf\xbf"), STR("\xf5\x80\x80\x80"), STR("\xff"),
        STR("\xfe"), STR("\xc3"), STR("\xe2\x82"), STR("\xf0\x9f\x98"), STR("\xc3\x28"), STR("\xe2\x28\xa1"),
        STR("\xe2\x82\x28") };
    char text[40];

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        for (size_t at = 0; at + bad[k].n <= sizeof text; at++) {
            memset(text, 'a', sizeof text);
            memcpy(text + at, bad[k].p, bad[k].n);
            if (utf8_valid(str_of(text, sizeof text))) ck_abort_msg("sequence %zu at %zu", k, at);
            if (utf8_valid(str_of(text, at + bad[k].n))) ck_abort_msg("sequence %zu at %zu, at the end", k, at);
        }
    }
}
END_TEST

START_TEST(nul_is_utf8_but_no_text)
{
    ck_assert(utf8_valid(STR("a\0b")));
    ck_assert(!utf8_is_text(STR("a\0b")));
    ck_assert(!utf8_is_text(STR("\0")));
    ck_assert(utf8_is_text(STR("gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x98\x80")));
    ck_assert(utf8_is_text(STR("")));
    ck_assert(utf8_is_text((struct str){ NULL, 0 }));
    ck_assert(utf8_valid((struct str){ NULL, 0 }));
}
END_TEST

UNIT_MAIN("utf8", each_character_is_valid_and_no_surrogate_is, what_is_no_utf8_is_found_at_every_place,
          nul_is_utf8_but_no_text)
