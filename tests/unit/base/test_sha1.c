#include "base/sha1.h"
#include "tests/unit/unit.h"

static void expect_digest(struct str s, const char *want)
{
    char hex[SHA1_HEX];

    sha1_hex(s, hex);
    expect_str(str_of(hex, sizeof hex), str_c(want));
}

START_TEST(digests_are_those_of_the_standard)
{
    expect_digest(STR(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect_digest(str_of(NULL, 0), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect_digest(STR("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_digest(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                  "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}
END_TEST

START_TEST(every_length_around_a_block_is_right)
{
    /* The digest of the digests of 'a' repeated 0 to 200 times, as sha1sum makes it. */
    struct buf text = { 0 }, all = { 0 };
    char hex[SHA1_HEX];

    for (int i = 0; i <= 200; i++) {
        sha1_hex(buf_str(&text), hex);
        buf_add(&all, hex, sizeof hex);
        buf_add_char(&text, 'a');
    }
    expect_digest(buf_str(&all), "7088615e42aaa1f4ebf506af750412752e1ef172");
    buf_fini(&text);
    buf_fini(&all);
}
END_TEST

UNIT_MAIN("sha1", digests_are_those_of_the_standard, every_length_around_a_block_is_right)
