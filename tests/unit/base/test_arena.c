#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "tests/unit/unit.h"

START_TEST(what_is_taken_is_aligned_and_apart)
{
    struct arena a;
    struct rng r;
    char *last = NULL;
    size_t last_n = 0;

    unit_rng(&r);
    arena_init(&a);
    for (int i = 0; i < 2000; i++) {
        size_t n = rng_below(&r, i % 50 == 0 ? 60000 : 200);
        char *p = arena_alloc(&a, n);

        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        memset(p, i & 0xff, n);
        for (size_t j = 0; j < last_n; j++) ck_assert_int_eq(last[j], (char)((i - 1) & 0xff));
        last = p;
        last_n = n;
    }
    arena_fini(&a);
}
END_TEST

START_TEST(a_reset_keeps_one_block_for_the_next_request)
{
    struct arena a;
    size_t before = mem_used();

    arena_init(&a);
    ck_assert_uint_eq(mem_used(), before);
    arena_alloc(&a, 100);
    size_t one_block = mem_used();

    for (int i = 0; i < 1000; i++) arena_alloc(&a, 1000);
    arena_alloc(&a, 1 << 20);
    ck_assert_uint_gt(mem_used(), one_block + (1 << 20));
    arena_reset(&a);
    ck_assert_uint_eq(mem_used(), one_block);
    for (int i = 0; i < 10; i++) arena_alloc(&a, 1000);
    ck_assert_uint_eq(mem_used(), one_block);
    arena_fini(&a);
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

START_TEST(a_large_piece_first_does_not_stay_after_a_reset)
{
    struct arena a;

    arena_init(&a);
    memset(arena_alloc(&a, 5 << 20), 1, 5 << 20);
    arena_alloc(&a, 10);
    size_t before = mem_used();

    arena_reset(&a);
    ck_assert_uint_lt(mem_used(), before - (5 << 20) + 1);
    arena_fini(&a);
}
END_TEST

START_TEST(an_unused_arena_can_be_reset_and_ended_twice)
{
    struct arena a;

    arena_init(&a);
    arena_reset(&a);
    arena_fini(&a);
    arena_fini(&a);
    ck_assert_ptr_nonnull(arena_alloc(&a, 0));
    arena_fini(&a);
}
END_TEST

START_TEST(zeroed_items_are_zero_where_other_bytes_were)
{
    struct arena a;

    arena_init(&a);
    memset(arena_alloc(&a, 1000), 0xff, 1000);
    arena_reset(&a);
    char *p = arena_zalloc(&a, 10, 100);

    for (int i = 0; i < 1000; i++) ck_assert_int_eq(p[i], 0);
    arena_fini(&a);
}
END_TEST

START_TEST(an_impossible_count_stops_the_program)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct arena a;

        arena_init(&a);
        fclose(stderr);
        arena_zalloc(&a, SIZE_MAX / 2, 3);
        _exit(0);
    }
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

START_TEST(copies_and_texts_live_in_the_arena)
{
    struct arena a;

    arena_init(&a);
    struct str copy = arena_dup(&a, STR("a\0b"));
    struct str none = arena_dup(&a, str_of(NULL, 0));
    struct str text = arena_printf(&a, "%s=%d", "n", 7);

    expect_str(copy, STR("a\0b"));
    ck_assert_uint_eq(none.n, 0);
    expect_str(text, STR("n=7"));
    ck_assert_uint_eq(arena_printf(&a, "%010000d", 1).n, 10000);
    arena_fini(&a);
}
END_TEST

UNIT_MAIN("arena", what_is_taken_is_aligned_and_apart, a_reset_keeps_one_block_for_the_next_request,
          a_large_piece_first_does_not_stay_after_a_reset,
          an_unused_arena_can_be_reset_and_ended_twice,
          zeroed_items_are_zero_where_other_bytes_were, an_impossible_count_stops_the_program,
          copies_and_texts_live_in_the_arena)
