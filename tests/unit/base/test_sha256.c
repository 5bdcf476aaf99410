#include "base/sha256.h"

#include "tests/unit/unit.h"

static struct str hex(struct str s)
{
    static char text[SHA256_HEX];

    sha256_hex(s, text);
    return str_of(text, SHA256_HEX);
}

/* The examples of FIPS 180-4 and of NIST's example algorithms. */
START_TEST(digests_are_those_of_the_standard)
{
    struct buf million = { 0 };

    expect_str(hex(STR("")), STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    expect_str(hex(STR("abc")), STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    expect_str(hex(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
               STR("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
    expect_str(hex(STR("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
                       "lmnopqrsmnopqrstnopqrstu")),
               STR("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"));
    for (int i = 0; i < 1000000; i++) buf_add_char(&million, 'a');
    expect_str(hex(buf_str(&million)), STR("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
    buf_fini(&million);
}
END_TEST

START_TEST(equal_is_equal)
{
    ck_assert(sha256_same("abc", "abc", 3));
    ck_assert(!sha256_same("abc", "abd", 3));
    ck_assert(!sha256_same("xbc", "abc", 3));
    ck_assert(sha256_same("xbc", "abc", 0));
}
END_TEST

UNIT_MAIN("sha256", digests_are_those_of_the_standard, equal_is_equal)
