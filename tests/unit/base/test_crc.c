#include "base/crc.h"
#include "tests/unit/unit.h"

START_TEST(the_check_values_are_those_of_the_catalogue)
{
    ck_assert_uint_eq(crc64(0, "123456789", 9), 0xe9c6d914c4b8d9ca);
    ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
    ck_assert_uint_eq(crc32c_by_table(0, "123456789", 9), 0xe3069283);
}
END_TEST

START_TEST(a_long_text_has_the_crc64_that_rdb_files_have)
{
    static const char text[] = "This is a test of the emergency broadcast system.";
    uint64_t bit_by_bit = 0;

    for (size_t i = 0; i < sizeof text - 1; i++) {
        bit_by_bit ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++) {
            bit_by_bit = (bit_by_bit >> 1) ^ (bit_by_bit & 1 ? 0x95ac9329ac4bc9b5 : 0);
        }
    }
    ck_assert_uint_eq(crc64(0, text, sizeof text - 1), bit_by_bit);
}
END_TEST

START_TEST(no_bytes_change_nothing)
{
    ck_assert_uint_eq(crc64(0x1234, "", 0), 0x1234);
    ck_assert_uint_eq(crc32c(0x1234, "", 0), 0x1234);
    ck_assert_uint_eq(crc32c_by_table(0x1234, "", 0), 0x1234);
}
END_TEST

START_TEST(pieces_give_the_sum_of_the_whole)
{
    struct buf b = { 0 };
    struct rng r;

    unit_rng(&r);
    struct str s = unit_random_bytes(&r, &b, 300, 100);
    uint64_t whole64 = crc64(0, s.p, s.n);
    uint32_t whole32 = crc32c(0, s.p, s.n);

    for (size_t cut = 0; cut <= s.n; cut++) {
        ck_assert_uint_eq(crc64(crc64(0, s.p, cut), s.p + cut, s.n - cut), whole64);
        ck_assert_uint_eq(crc32c(crc32c(0, s.p, cut), s.p + cut, s.n - cut), whole32);
    }
    buf_fini(&b);
}
END_TEST

START_TEST(the_table_and_the_instructions_agree)
{
    struct buf b = { 0 };
    struct rng r;

    unit_rng(&r);
    for (size_t n = 0; n < 200; n++) {
        struct str s = unit_random_bytes(&r, &b, n, 256);

        ck_assert_uint_eq(crc32c((uint32_t)n, s.p, n), crc32c_by_table((uint32_t)n, s.p, n));
    }
    for (size_t n = 200; n < 1200; n++) {
        struct str s = unit_random_bytes(&r, &b, n, 256);
        uint64_t from = rng_next(&r);

        ck_assert_uint_eq(crc64(from, s.p, n), crc64_by_table(from, s.p, n));
    }
    for (size_t n = 1400; n < 6000; n += 1 + n % 13) {
        struct str s = unit_random_bytes(&r, &b, n, 256);

        ck_assert_uint_eq(crc32c((uint32_t)n, s.p, n), crc32c_by_table((uint32_t)n, s.p, n));
    }
    buf_fini(&b);
}
END_TEST

UNIT_MAIN("crc", the_check_values_are_those_of_the_catalogue,
          a_long_text_has_the_crc64_that_rdb_files_have, no_bytes_change_nothing,
          pieces_give_the_sum_of_the_whole, the_table_and_the_instructions_agree)
