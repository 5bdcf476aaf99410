#include "tests/unit/unit.h"

START_TEST(a_zeroed_buffer_is_empty_and_usable)
{
    struct buf b = { 0 };

    ck_assert_uint_eq(buf_str(&b).n, 0);
    buf_add(&b, NULL, 0);
    buf_drop(&b, 0);
    buf_insert(&b, 0, NULL, 0);
    ck_assert_uint_eq(b.cap, 0);
    buf_fini(&b);
}
END_TEST

START_TEST(what_is_added_stands_in_order)
{
    struct buf b = { 0 };

    buf_add(&b, "a\0b", 3);
    buf_add_char(&b, '-');
    buf_add_c(&b, "word");
    buf_add_str(&b, STR("!"));
    expect_str(buf_str(&b), STR("a\0b-word!"));
    buf_fini(&b);
}
END_TEST

START_TEST(room_is_promised_and_used_as_told)
{
    struct buf b = { 0 };

    memset(buf_room(&b, 1000), 'x', 1000);
    ck_assert_uint_ge(b.cap, 1000);
    ck_assert_uint_eq(b.n, 0);
    buf_used(&b, 2);
    expect_str(buf_str(&b), STR("xx"));
    buf_fini(&b);
}
END_TEST

START_TEST(growth_doubles_so_that_adding_is_cheap)
{
    struct buf b = { 0 };
    size_t cap = 0;
    int n_growths = 0;

    for (int i = 0; i < 1000000; i++) {
        buf_add_char(&b, (char)i);
        if (b.cap != cap) n_growths++;
        cap = b.cap;
    }
    ck_assert_int_le(n_growths, 16);
    for (int i = 0; i < 1000000; i += 999) ck_assert_int_eq(b.p[i], (char)i);
    buf_fini(&b);
}
END_TEST

START_TEST(growth_within_a_bound_makes_no_room_behind_it)
{
    struct buf b = { 0 };

    memset(buf_room(&b, 100000), 'x', 100000);
    buf_used(&b, b.cap);
    size_t n = b.n;
    buf_grow_within(&b, 1000, 10000000); /* far from the bound it doubles */
    ck_assert_uint_ge(b.cap, 2 * n);
    ck_assert_uint_le(b.cap, 3 * n);
    buf_used(&b, b.cap - b.n);
    n = b.n;
    buf_grow_within(&b, 1000, 20000);
    ck_assert_uint_ge(b.cap, n + 20000);
    ck_assert_uint_le(b.cap, n + 20000 + n / 4); /* the allocator's next size */
    n = b.cap;
    buf_grow_within(&b, 1, 1); /* there is room */
    ck_assert_uint_eq(b.cap, n);
    buf_fini(&b);
}
END_TEST

START_TEST(dropping_keeps_the_rest)
{
    struct buf b = { 0 };

    buf_add_c(&b, "0123456789");
    buf_drop(&b, 4);
    expect_str(buf_str(&b), STR("456789"));
    buf_drop(&b, 6);
    expect_str(buf_str(&b), STR(""));
    buf_fini(&b);
}
END_TEST

START_TEST(inserting_works_at_both_ends_and_between)
{
    struct buf b = { 0 };

    buf_insert(&b, 0, "d", 1);
    buf_insert(&b, 0, "a", 1);
    buf_insert(&b, 1, "bc", 2);
    buf_insert(&b, 4, "ef", 2);
    expect_str(buf_str(&b), STR("abcdef"));
    buf_fini(&b);
}
END_TEST

START_TEST(printed_text_grows_the_buffer_as_needed)
{
    struct buf b = { 0 };

    buf_printf(&b, "%d-%s;", 42, "x");
    for (int i = 0; i < 100; i++) buf_printf(&b, "%050d", i);
    ck_assert_uint_eq(b.n, 5 + 100 * 50);
    expect_str(str_of(b.p, 5), STR("42-x;"));
    ck_assert_int_eq(b.p[b.n - 1], '9');
    buf_printf(&b, "%s", "");
    ck_assert_uint_eq(b.n, 5 + 100 * 50);
    buf_fini(&b);
}
END_TEST

START_TEST(a_text_of_any_length_around_the_free_room_is_whole)
{
    for (int n = 0; n < 300; n++) {
        struct buf b = { 0 };

        buf_add_c(&b, ">");
        buf_printf(&b, "%0*d", n, 0);
        ck_assert_uint_eq(b.n, 1 + (n == 0 ? 1 : (size_t)n));
        for (size_t i = 1; i < b.n; i++) ck_assert_int_eq(b.p[i], '0');
        buf_fini(&b);
    }
}
END_TEST

START_TEST(clearing_keeps_the_memory_and_fini_gives_it_back)
{
    size_t before = mem_used();
    struct buf b = { 0 };

    buf_add_c(&b, "something");
    size_t cap = b.cap;

    buf_clear(&b);
    ck_assert_uint_eq(b.cap, cap);
    ck_assert_uint_eq(b.n, 0);
    buf_fini(&b);
    ck_assert_uint_eq(b.cap, 0);
    ck_assert_uint_eq(mem_used(), before);
    buf_add_c(&b, "again");
    expect_str(buf_str(&b), STR("again"));
    buf_fini(&b);
}
END_TEST

static struct buf lossy(size_t n)
{
    struct buf b = { .may_fail = true };

    for (size_t i = 0; i < n; i++) buf_add_char(&b, 'x');
    return b;
}

START_TEST(a_buffer_that_may_fail_is_lost_when_there_is_no_memory)
{
    static const char much[BUF_SURE + 1000];
    struct buf b = lossy(100);
    size_t before;

    mem_fail_try(1, true);
    buf_add(&b, much, 1000); /* small enough to succeed always */
    ck_assert(!b.failed);
    ck_assert_uint_eq(b.n, 1100);
    buf_add(&b, much, sizeof much);
    ck_assert(b.failed);
    ck_assert_ptr_null(buf_room(&b, BUF_SMALL + 1 + b.cap));
    before = b.cap;
    for (int i = 0; i < 100000; i++) {
        ck_assert_ptr_nonnull(buf_room(&b, BUF_SMALL));
        buf_add(&b, much, 50);
        buf_printf(&b, "%d and %s", i, "text");
        ck_assert_uint_le(b.n, b.cap);
    }
    buf_insert(&b, b.n, "more", 4);
    buf_insert(&b, 1000000, "more", 4); /* where there once was something */
    buf_drop(&b, 1000000);
    ck_assert(b.cap == before || b.cap >= BUF_SMALL);
    ck_assert(b.failed);
    mem_fail_try(0, false);
    buf_clear(&b);
    buf_add(&b, much, sizeof much);
    ck_assert(!b.failed);
    ck_assert_uint_eq(b.n, sizeof much);
    buf_fini(&b);
    ck_assert(b.may_fail);
}
END_TEST

START_TEST(one_that_is_lost_before_it_has_any_memory_takes_small_things)
{
    static const char much[BUF_SURE * 2];
    struct buf b = { .may_fail = true };

    mem_fail_try(1, true);
    buf_add(&b, much, sizeof much);
    ck_assert(b.failed);
    ck_assert_uint_eq(b.cap, 0);
    buf_add_c(&b, "+OK");
    ck_assert(b.failed && b.cap >= BUF_SMALL);
    mem_fail_try(0, false);
    buf_fini(&b);
}
END_TEST

UNIT_MAIN("buf", a_zeroed_buffer_is_empty_and_usable, what_is_added_stands_in_order,
          room_is_promised_and_used_as_told, growth_doubles_so_that_adding_is_cheap,
          growth_within_a_bound_makes_no_room_behind_it,
          dropping_keeps_the_rest, inserting_works_at_both_ends_and_between,
          printed_text_grows_the_buffer_as_needed,
          a_text_of_any_length_around_the_free_room_is_whole,
          clearing_keeps_the_memory_and_fini_gives_it_back,
          a_buffer_that_may_fail_is_lost_when_there_is_no_memory,
          one_that_is_lost_before_it_has_any_memory_takes_small_things)
