#include "storage/namespace.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct store *s;

static void set_up(void)
{
    s = env_store(5);
}

static void tear_down(void)
{
    store_check(s);
    store_free(&s);
}

static const struct entry *get(const char *key)
{
    return db_peek(s->dbs[0], str_c(key));
}

static enum value_enc enc_after_set(struct str val)
{
    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), val, NULL), OK);
    return entry_enc(get("k"));
}

static struct str repeat(struct buf *b, char c, size_t n)
{
    buf_clear(b);
    memset(buf_room(b, n), c, n);
    buf_used(b, n);
    return buf_str(b);
}

START_TEST(a_value_finds_its_form)
{
    struct buf b = { 0 };

    ck_assert_int_eq(enc_after_set(STR("")), ENC_RAW);
    ck_assert_int_eq(enc_after_set(STR("0")), ENC_INT);
    ck_assert_int_eq(enc_after_set(STR("-5")), ENC_INT);
    ck_assert_int_eq(enc_after_set(STR("-0")), ENC_RAW);
    ck_assert_int_eq(enc_after_set(STR("05")), ENC_RAW);
    ck_assert_int_eq(enc_after_set(STR("-")), ENC_RAW);
    ck_assert_int_eq(enc_after_set(STR("9223372036854775807")), ENC_INT);
    ck_assert_int_eq(enc_after_set(STR("9223372036854775808")), ENC_RAW);
    ck_assert_int_eq(enc_after_set(repeat(&b, 'x', STRING_INLINE_MAX)), ENC_RAW);
    ck_assert_int_eq(enc_after_set(repeat(&b, 'x', STRING_INLINE_MAX + 1)), ENC_BLOB);
    ck_assert_int_eq(enc_after_set(STR("1")), ENC_INT);
    buf_fini(&b);
}
END_TEST

START_TEST(a_string_that_grows_gets_room)
{
    struct buf want = { 0 };
    size_t n, moves = 0;
    const void *at = NULL;

    for (int i = 0; i < 20000; i++) {
        buf_printf(&want, "%d,", i);
        char piece[16];
        int len = snprintf(piece, sizeof piece, "%d,", i);
        ck_assert_int_eq(string_append(s->dbs[0], STR("k"), str_of(piece, (size_t)len), &n), OK);
        if (entry_enc(get("k")) == ENC_BLOB && entry_ptr(get("k")) != at) {
            at = entry_ptr(get("k"));
            moves++;
        }
    }
    char scratch[NUM_TEXT_MAX];
    expect_str(string_bytes(get("k"), scratch), buf_str(&want));
    ck_assert_uint_le(moves, 12);
    buf_fini(&want);
}
END_TEST

START_TEST(bytes_can_be_written_in_place)
{
    struct slot slot;
    size_t n;
    char scratch[NUM_TEXT_MAX];

    ck_assert_int_eq(enc_after_set(STR("12")), ENC_INT);
    ck_assert(db_find_write(s->dbs[0], STR("k"), &slot));
    char *p = string_writable(&slot, 1, &n);
    ck_assert_uint_eq(n, 2);
    p[0] = 'x';
    expect_str(string_bytes(get("k"), scratch), STR("x2"));
    p = string_writable(&slot, 5, &n);
    ck_assert_uint_eq(n, 5);
    p[4] = 'y';
    expect_str(string_bytes(get("k"), scratch), STR("x2\0\0y"));
    p = string_writable(&slot, 100000, &n);
    p[99999] = 'z';
    ck_assert_uint_eq(string_length(get("k")), 100000);
    ck_assert_int_eq(string_bytes(get("k"), scratch).p[50000], 0);
    expect_str(str_of(string_bytes(get("k"), scratch).p, 5), STR("x2\0\0y"));
}
END_TEST

START_TEST(slices)
{
    struct str t = STR("0123456789");

    expect_str(string_slice(t, 0, 0), STR("0"));
    expect_str(string_slice(t, -3, -1), STR("789"));
    expect_str(string_slice(t, 3, 2), STR(""));
    expect_str(string_slice(t, -100, 1), STR("01"));
    expect_str(string_slice(t, 9, INT64_MAX), STR("9"));
    expect_str(string_slice(t, 10, 11), STR(""));
    expect_str(string_slice(STR(""), 0, -1), STR(""));
    expect_str(string_slice(t, INT64_MIN, INT64_MIN), STR("0"));
}
END_TEST

struct seen {
    int calls;
    bool was_there;
};

static void old(void *ctx, const struct entry *e)
{
    struct seen *seen = ctx;

    seen->calls++;
    seen->was_there = e != NULL;
}

START_TEST(the_old_value_is_told_before_it_goes)
{
    struct seen seen = { 0 };
    struct string_set how = { .flags = STRING_IF_THERE, .expire_ms = -1, .old = old, .ctx = &seen };

    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), STR("v"), &how), ERR_NOT_DONE);
    ck_assert(seen.calls == 1 && !seen.was_there);
    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), STR("v"), NULL), OK);
    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), STR("w"), &how), OK);
    ck_assert(seen.calls == 2 && seen.was_there);
}
END_TEST

START_TEST(flags_for_other_parts_survive_an_overwrite)
{
    uint16_t id;

    ck_assert_int_eq(ns_set(s, STR("k*"), &(struct ns_rules){ 0 }), OK);
    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), STR("v"), NULL), OK);
    id = get("k")->ns;
    ck_assert_uint_gt(id, 0);
    ck_assert(get("k")->flags & ENTRY_MAIN);
    struct string_set how = { .expire_ms = s->now_ms + 1000 };
    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), STR("a longer value than before"), &how), OK);
    ck_assert_uint_eq(get("k")->ns, id);
    ck_assert(get("k")->flags & ENTRY_MAIN);
    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), STR("1"), NULL), OK);
    ck_assert_uint_eq(get("k")->ns, id);
    ck_assert_int_eq(entry_expire_at(get("k")), -1);
}
END_TEST

UNIT_MAIN_AROUND("string", set_up, tear_down, a_value_finds_its_form, a_string_that_grows_gets_room,
                 bytes_can_be_written_in_place, slices, the_old_value_is_told_before_it_goes,
                 flags_for_other_parts_survive_an_overwrite)
