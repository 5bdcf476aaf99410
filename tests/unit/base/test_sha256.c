#include "base/mem.h"
#include "base/sha256.h"
#include "tests/unit/unit.h"

static void expect_hash(struct str s, const char *want)
{
    char got[SHA256_TEXT];

    sha256_hex(s, got);
    ck_assert_msg(memcmp(got, want, sizeof got) == 0, "%zu bytes: %.64s", s.n, got);
}

/* The examples of FIPS 180-4, and a million times "a". */
START_TEST(the_examples_of_the_standard)
{
    char *many = mem_alloc(1000000);

    memset(many, 'a', 1000000);
    expect_hash(STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_hash(STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_hash(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_hash(str_of(many, 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    mem_free(many);
}
END_TEST

/* Around the ends of a block, where the padding changes; made with sha256sum. */
START_TEST(lengths_about_a_block)
{
    char a[64];

    memset(a, 'a', sizeof a);
    expect_hash(str_of(a, 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    expect_hash(str_of(a, 56), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
    expect_hash(str_of(a, 63), "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
    expect_hash(str_of(a, 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}
END_TEST

UNIT_MAIN("sha256", the_examples_of_the_standard, lengths_about_a_block)
