#include "persistence/mark.h"

#include "base/crc.h"
#include "tests/unit/unit.h"

static const char id[] = "0123456789abcdef0123456789abcdef01234567";

START_TEST(a_head_reads_back)
{
    struct mark_head h = { .start = 12345678901234, .skip = 23 }, back;
    char line[MARK_MAX];
    size_t n;

    memcpy(h.id, id, sizeof id);
    n = mark_put_head(line, &h);
    ck_assert_uint_lt(n, 128);
    ck_assert(mark_is_ours(str_of(line, n)));
    ck_assert(mark_get_head(str_of(line, n), &back));
    ck_assert_str_eq(back.id, id);
    ck_assert_uint_eq(back.start, h.start);
    ck_assert_uint_eq(back.skip, 23);
}
END_TEST

START_TEST(no_altered_bit_of_a_line_goes_unnoticed)
{
    struct mark_head h = { .start = 77 }, hb;
    struct mark_batch b;
    char line[MARK_MAX];
    uint32_t crc = crc32c(0, "batch", 5);
    size_t n;

    memcpy(h.id, id, sizeof id);
    n = mark_put_head(line, &h);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        line[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert(!mark_get_head(str_of(line, n), &hb));
        line[bit / 8] ^= (char)(1 << bit % 8);
    }
    n = mark_put_batch(line, &(struct mark_batch){ .seq = 3, .bytes = 5, .durable = 1000, .db = 2 }, crc);
    ck_assert_uint_lt(n, 128);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        struct str s = str_of(line, n);

        line[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert(!mark_get_batch(s, &b) || !mark_crc_ok(s, &b, crc));
        line[bit / 8] ^= (char)(1 << bit % 8);
    }
    ck_assert(mark_get_batch(str_of(line, n), &b) && mark_crc_ok(str_of(line, n), &b, crc));
    ck_assert_uint_eq(b.seq, 3);
    ck_assert_uint_eq(b.bytes, 5);
    ck_assert_uint_eq(b.durable, 1000);
    ck_assert_int_eq(b.db, 2);
}
END_TEST

START_TEST(the_greatest_numbers_fit)
{
    char line[MARK_MAX];
    struct mark_batch b, most = { .seq = UINT64_MAX, .bytes = UINT64_MAX, .durable = UINT64_MAX, .db = INT32_MAX };
    size_t n = mark_put_batch(line, &most, 0);

    ck_assert_uint_le(n, MARK_MAX);
    ck_assert(mark_get_batch(str_of(line, n), &b));
    ck_assert_uint_eq(b.bytes, UINT64_MAX);
    ck_assert_int_eq(b.db, INT32_MAX);
}
END_TEST

START_TEST(a_line_may_say_nothing_of_the_database)
{
    struct mark_batch b;

    ck_assert(mark_get_batch(STR("#memd batch 3 5 1000 0a0b0c0d\r\n"), &b));
    ck_assert_int_eq(b.db, -1);
    ck_assert_uint_eq(b.crc, 0x0a0b0c0d);
    ck_assert(!mark_get_batch(STR("#memd batch 3 5 1000 99999999999 0a0b0c0d\r\n"), &b));
}
END_TEST

UNIT_MAIN("mark", a_head_reads_back, no_altered_bit_of_a_line_goes_unnoticed, the_greatest_numbers_fit,
          a_line_may_say_nothing_of_the_database)
