/* test_entry.c -- entries keep their parts whatever is changed, in the size class of their size. */
#include "storage/entry.h"
#include "tests/unit/unit.h"

static char big[70000];

static const size_t lengths[] = { 0,   1,   2,   7,   8,    63,    64,    127,  128,
                                  129, 254, 255, 256, 1000, 16383, 16384, 66000 };
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static void fill_big(void)
{
    for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7 + i / 251);
}

static void expect_entry(const struct entry *e, struct str key, int64_t expire)
{
    expect_str(entry_key(e), key);
    ck_assert_int_eq(entry_expire_at(e), expire);
    ck_assert_uint_ge(mem_usable(e), entry_bytes(e));
    ck_assert_uint_eq(mem_usable(e), mem_good_size(entry_bytes(e)));
}

START_TEST(a_raw_entry_holds_key_value_and_ttl_of_any_length)
{
    for (size_t k = 0; k < LENGTHS; k++) {
        for (size_t v = 0; v < LENGTHS; v++) {
            for (int64_t at = -1; at < (int64_t)1 << 48; at = at < 0 ? 0 : at * 65537 + 1) {
                struct str key = str_of(big, lengths[k]), val = str_of(big + 3, lengths[v]);
                struct entry *e = entry_new_raw(VALUE_STRING, key, val, at);

                expect_entry(e, key, at);
                expect_str(entry_raw(e), val);
                ck_assert_int_eq(entry_type(e), VALUE_STRING);
                ck_assert_int_eq(entry_enc(e), ENC_RAW);
                ck_assert_uint_eq(e->ns, 0);
                entry_free(e);
            }
        }
    }
}
END_TEST

START_TEST(sizes_are_as_promised)
{
    struct entry *e = entry_new_raw(VALUE_STRING, str_of(big, 16), str_of(big, 64), -1);

    ck_assert_uint_eq(entry_bytes(e), 89);
    e = entry_set_expire(e, 1);
    ck_assert_uint_eq(entry_bytes(e), 95);
    entry_free(e);
    e = entry_new_none(str_of(big, 16));
    ck_assert_uint_eq(entry_bytes(e), 24);
    entry_free(e);
}
END_TEST

START_TEST(a_value_that_stays_in_its_size_class_does_not_move)
{
    struct entry *e = entry_new_raw(VALUE_STRING, str_of(big, 16), str_of(big, 64), -1), *was = e;

    e = entry_set_raw(e, str_of(big + 5, 60));
    e = entry_set_raw(e, str_of(big + 9, 71));
    e = entry_set_expire(e, -1);
    ck_assert_ptr_eq(e, was);
    expect_str(entry_raw(e), str_of(big + 9, 71));
    entry_free(e);
}
END_TEST

START_TEST(a_value_may_be_set_from_its_own_bytes)
{
    struct entry *e = entry_new_raw(VALUE_STRING, STR("k"), str_of(big, 300), -1);

    for (size_t n = 300; n > 0; n -= n / 10 + 1) {
        struct str own = entry_raw(e);
        size_t skip = own.n - n;

        e = entry_set_raw(e, str_of(own.p + skip, own.n - skip));
        expect_str(entry_raw(e), str_of(big + 300 - n, n));
    }
    entry_free(e);
}
END_TEST

START_TEST(random_changes_keep_key_ttl_clock_and_flags)
{
    struct rng r;

    unit_rng(&r);
    for (size_t k = 0; k < LENGTHS; k++) {
        struct str key = str_of(big, lengths[k]), val = STR("first");
        struct entry *e = entry_new_raw(VALUE_HASH, key, val, -1);
        int64_t expire = -1, number = 0;
        enum value_enc enc = ENC_RAW;

        ck_assert_int_eq(entry_type(e), VALUE_HASH);
        e->ns = 513;
        e->flags |= ENTRY_MAIN;
        memcpy(e->clock, "\1\2\3", 3);
        for (int i = 0; i < 2000; i++) {
            switch (rng_below(&r, 4)) {
            case 0:
                val = str_of(big + rng_below(&r, 1000),
                             rng_below(&r, rng_below(&r, 10) ? 200 : 60000));
                e = entry_set_raw(e, val);
                enc = ENC_RAW;
                break;
            case 1:
                number = (int64_t)rng_next(&r);
                e = entry_turn_int(e, number);
                enc = ENC_INT;
                break;
            case 2:
                e = entry_turn_ptr(e, ENC_BLOB, &r);
                enc = ENC_BLOB;
                break;
            default:
                expire = rng_below(&r, 2) ? -1 : (int64_t)rng_below(&r, (uint64_t)1 << 48);
                e = entry_set_expire(e, expire);
            }
            expect_entry(e, key, expire);
            ck_assert_int_eq(entry_enc(e), enc);
            if (enc == ENC_RAW) expect_str(entry_raw(e), val);
            if (enc == ENC_INT) ck_assert_int_eq(entry_int(e), number);
            if (enc == ENC_BLOB) ck_assert_ptr_eq(entry_ptr(e), &r);
            ck_assert_uint_eq(e->ns, 513);
            ck_assert_int_eq(e->flags & ~ENTRY_EXPIRES, ENTRY_MAIN);
            ck_assert_mem_eq(e->clock, "\1\2\3", 3);
        }
        entry_free(e);
    }
}
END_TEST

START_TEST(memory_comes_back)
{
    size_t before = mem_used();

    for (size_t v = 0; v < LENGTHS; v++) {
        struct entry *e = entry_new_ptr(VALUE_LIST, ENC_LIST, STR("key"), 5);

        ck_assert_ptr_null(entry_ptr(e));
        e = entry_set_raw(e, str_of(big, lengths[v]));
        e = entry_turn_int(e, 1);
        entry_free(e);
        entry_free(entry_new_int(STR("n"), -5, -1));
    }
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

UNIT_MAIN_AROUND("entry", fill_big, NULL, a_raw_entry_holds_key_value_and_ttl_of_any_length,
                 sizes_are_as_promised, a_value_that_stays_in_its_size_class_does_not_move,
                 a_value_may_be_set_from_its_own_bytes, random_changes_keep_key_ttl_clock_and_flags,
                 memory_comes_back)
