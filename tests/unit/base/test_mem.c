#include <pthread.h>
#include <stdatomic.h>

#include "base/ensure.h"
#include "tests/unit/unit.h"

START_TEST(freeing_all_brings_used_back_to_where_it_was)
{
    void *p[100];
    size_t before = mem_used();

    for (size_t i = 0; i < 100; i++) p[i] = mem_alloc(i * 37);
    ck_assert_uint_ge(mem_used(), before + 37 * 99 * 50);
    for (size_t i = 0; i < 100; i++) mem_free(p[i]);
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

START_TEST(used_counts_the_size_that_an_allocation_really_has)
{
    for (size_t n = 1; n < 100000; n += n / 3 + 1) {
        size_t before = mem_used();
        void *p = mem_alloc(n);

        ck_assert_uint_eq(mem_used() - before, mem_usable(p));
        ck_assert_uint_ge(mem_usable(p), n);
        ck_assert_uint_le(mem_usable(p), mem_good_size(n));
        mem_free(p);
    }
}
END_TEST

START_TEST(a_thread_s_own_use_is_told_by_what_it_allocates_and_frees)
{
    uint64_t before = mem_thread_used();
    void *p = mem_alloc(1 << 20);
    void *volatile q = malloc(1 << 20); /* else the compiler leaves it out */

    ck_assert_uint_ge(mem_thread_used() - before, 2 << 20);
    ck_assert_uint_lt(mem_thread_used() - before, 3 << 20);
    mem_free(p);
    free(q);
    ck_assert_uint_lt(mem_thread_used() - before, 1 << 20);
}
END_TEST

START_TEST(every_way_to_allocate_is_counted)
{
    size_t before = mem_used();
    void *a = mem_zalloc(1000);
    void *b = mem_alloc_aligned(64, 1000);
    void *c = mem_dup("hello", 5);
    void *d = mem_realloc(NULL, 50);

    d = mem_realloc(d, 5000);
    ck_assert_uint_eq(mem_used() - before,
                      mem_usable(a) + mem_usable(b) + mem_usable(c) + mem_usable(d));
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
    mem_free(NULL);
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

START_TEST(a_sized_free_takes_the_size_asked_for_or_any_of_its_class)
{
    size_t before = mem_used();

    for (size_t n = 1; n < 5000; n += 7) {
        mem_free_sized(mem_alloc(n), n);
        mem_free_sized(mem_alloc(n), mem_good_size(n));
    }
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

START_TEST(a_good_size_is_enough_monotonic_and_stays_itself)
{
    size_t last = 0;

    for (size_t n = 1; n <= 10000; n++) {
        size_t good = mem_good_size(n);

        ck_assert_uint_ge(good, n);
        ck_assert_uint_ge(good, last);
        ck_assert_uint_eq(mem_good_size(good), good);
        last = good;
    }
    ck_assert_uint_eq(mem_good_size(17), 32);
    ck_assert_uint_eq(mem_good_size(100), 112);
}
END_TEST

START_TEST(zero_bytes_are_a_pointer_of_their_own)
{
    void *a = mem_alloc(0);
    void *b = mem_alloc(0);
    void *c = mem_zalloc(0);
    void *d = mem_realloc(mem_alloc(9), 0);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_ne(a, b);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_nonnull(d);
    mem_free(a);
    mem_free_sized(b, 0);
    mem_free(c);
    mem_free(d);
}
END_TEST

START_TEST(zeroed_memory_is_zero_even_where_other_bytes_were)
{
    char *dirty = mem_alloc(300);

    memset(dirty, 0xff, 300);
    mem_free(dirty);
    char *p = mem_zalloc(300);

    for (int i = 0; i < 300; i++) ck_assert_int_eq(p[i], 0);
    mem_free(p);
}
END_TEST

START_TEST(growing_and_shrinking_keep_the_content)
{
    char *p = mem_dup("0123456789", 10);

    p = mem_realloc(p, 100000);
    ck_assert_mem_eq(p, "0123456789", 10);
    p = mem_realloc(p, 5);
    ck_assert_mem_eq(p, "01234", 5);
    mem_free(p);
}
END_TEST

START_TEST(resizing_keeps_what_is_used_and_counts_the_rest_no_more)
{
    size_t before = mem_used();

    for (size_t from = 1; from < 3000; from = from * 3 / 2 + 1) {
        for (size_t to = 1; to < 3000; to = to * 3 / 2 + 1) {
            size_t used = from < to ? from : to;
            unsigned char *p = mem_resize(NULL, 0, from);

            for (size_t i = 0; i < used; i++) p[i] = (unsigned char)(i * 7);
            p = mem_resize(p, used, to);
            ck_assert_uint_ge(mem_usable(p), to);
            for (size_t i = 0; i < used; i++) ck_assert_uint_eq(p[i], (unsigned char)(i * 7));
            mem_free(p);
        }
    }
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

START_TEST(aligned_memory_is_aligned)
{
    for (size_t align = 1; align <= 65536; align *= 2) {
        void *p = mem_alloc_aligned(align, 100);

        ck_assert_uint_eq((uintptr_t)p % align, 0);
        mem_free(p);
    }
}
END_TEST

struct parcel {
    void *p;
    _Atomic int step;
};

static void wait_for(struct parcel *parcel, int step)
{
    while (parcel->step < step) sched_yield();
}

static void *allocate_and_stay(void *arg)
{
    struct parcel *parcel = arg;

    mem_thread_enter();
    parcel->p = mem_alloc(100000);
    parcel->step = 1;
    wait_for(parcel, 2);
    mem_thread_leave();
    return NULL;
}

START_TEST(what_another_thread_allocates_counts_while_it_lives_and_after)
{
    struct parcel parcel = { 0 };
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, allocate_and_stay, &parcel), 0);
    wait_for(&parcel, 1);
    size_t with = mem_used();

    parcel.step = 2;
    pthread_join(thread, NULL);
    ck_assert_uint_eq(mem_used(), with);
    size_t bytes = mem_usable(parcel.p);

    mem_free(parcel.p); /* here, not where it was allocated */
    ck_assert_uint_eq(mem_used(), with - bytes);
}
END_TEST

static void *come_and_go(void *arg)
{
    (void)arg;
    mem_thread_enter();
    for (int i = 1; i < 200; i++) mem_free(mem_alloc((size_t)i * 11));
    mem_thread_leave();
    return NULL;
}

START_TEST(threads_may_come_and_go_while_used_is_read)
{
    size_t before = mem_used();
    pthread_t threads[8];

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, come_and_go, NULL);
        for (int i = 0; i < 1000; i++) ck_assert_uint_lt(mem_used(), before + (64 << 20));
        for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    }
    /* what the C library keeps for itself per thread is not ours to count, but it is little */
    ck_assert_uint_lt(mem_used(), before + 65536);
}
END_TEST

START_TEST(the_figures_of_the_allocator_make_sense)
{
    struct mem_stats stats;
    void *p = mem_alloc(8 << 20);

    memset(p, 1, 8 << 20);
    mem_stats(&stats);
    ck_assert_uint_ge(stats.allocated, 8 << 20);
    ck_assert_uint_ge(stats.active, stats.allocated);
    ck_assert_uint_ge(stats.resident, stats.active);
    mem_free(p);
    mem_purge();
}
END_TEST

/* What nobody counts is told: with it blocks come to the pages that they have. */
START_TEST(pages_beside_large_blocks_are_told)
{
    enum { N = 200 };
    struct mem_stats before, after;
    int64_t page, has = 0;
    void *p[N];

    if (mem_number("arenas.page", &page) != 0) return; /* another allocator */
    mem_number("opt.cache_oblivious", &has);
    mem_do("thread.tcache.flush");
    mem_stats(&before);
    for (size_t i = 0; i < N; i++) p[i] = mem_alloc((16 << 10) * (1 + i % 5));
    mem_stats(&after);
    ck_assert_uint_eq(mem_beside(), after.beside);
    ck_assert_uint_eq(after.beside - before.beside, has ? N * (size_t)page : 0);
    ck_assert_uint_eq(after.active - before.active, after.allocated - before.allocated + after.beside - before.beside);
    for (size_t i = 0; i < N; i++) mem_free(p[i]);
    mem_do("thread.tcache.flush");
    ck_assert_uint_eq(mem_beside(), before.beside);
}
END_TEST

START_TEST(what_moves_never_comes_back)
{
    uint64_t before = mem_thread_moved();
    void *p = mem_alloc(1 << 20);

    mem_free(p);
    ck_assert_uint_ge(mem_thread_moved() - before, 2 << 20);
}
END_TEST

START_TEST(what_may_fail_fails_when_a_test_says_so)
{
    size_t before = mem_used();
    void *p = mem_try_alloc(100), *q;

    ck_assert_ptr_nonnull(p);
    memset(p, 7, 100);
    mem_fail_try(2, false);
    q = mem_try_realloc(p, 200);
    ck_assert_ptr_nonnull(q);
    ck_assert_ptr_null(mem_try_realloc(q, 300000));
    ck_assert_int_eq(((char *)q)[99], 7);
    ck_assert(mem_can(5 << 20));
    ck_assert_uint_eq(mem_fail_try(1, true), 3);
    ck_assert(!mem_can(5 << 20));
    ck_assert_ptr_null(mem_try_alloc(1));
    ck_assert(mem_can(5)); /* what is small is not asked for */
    ck_assert_uint_eq(mem_fail_try(0, false), 2);
    mem_free(q);
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

START_TEST(what_is_impossible_is_refused)
{
    ck_assert(!mem_can((size_t)1 << 48));
    ck_assert_ptr_null(mem_try_alloc((size_t)1 << 48));
    ck_assert(mem_can(1 << 20));
}
END_TEST

START_TEST(the_reserve_is_no_memory_in_use)
{
    size_t before = mem_used();

    ck_assert(mem_reserve_fill());
    ck_assert(!mem_is_short() && !mem_is_scarce());
    ck_assert_uint_eq(mem_used(), before);
    ck_assert_uint_eq(mem_failures(), 0);
    ck_assert(mem_reserve_fill());
    ck_assert_uint_eq(mem_used(), before);
}
END_TEST

UNIT_MAIN("mem", freeing_all_brings_used_back_to_where_it_was,
          used_counts_the_size_that_an_allocation_really_has, every_way_to_allocate_is_counted,
          a_thread_s_own_use_is_told_by_what_it_allocates_and_frees,
          a_sized_free_takes_the_size_asked_for_or_any_of_its_class,
          a_good_size_is_enough_monotonic_and_stays_itself, zero_bytes_are_a_pointer_of_their_own,
          zeroed_memory_is_zero_even_where_other_bytes_were, growing_and_shrinking_keep_the_content,
          resizing_keeps_what_is_used_and_counts_the_rest_no_more, aligned_memory_is_aligned, what_another_thread_allocates_counts_while_it_lives_and_after,
          threads_may_come_and_go_while_used_is_read, the_figures_of_the_allocator_make_sense,
          pages_beside_large_blocks_are_told, what_moves_never_comes_back, what_may_fail_fails_when_a_test_says_so, what_is_impossible_is_refused, the_reserve_is_no_memory_in_use)
