/* unit.h -- a test file over Check.
 *
 *     START_TEST(a_new_list_is_empty)
 *     {
 *         ck_assert(link_alone(&head));
 *     }
 *     END_TEST
 *
 *     UNIT_MAIN("list", a_new_list_is_empty, ...)
 *
 * UNIT_MAIN_AROUND("list", set_up, tear_down, ...) runs two functions around each test.
 *
 * What a test writes to a disk goes to unit_dir: it is deleted when all tests have run, also behind one that failed.
 *
 * Each test runs in a process of its own: it may crash, and it finds the state that main left. */
#ifndef MEMD_TESTS_UNIT_H
#define MEMD_TESTS_UNIT_H

#include <check.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

enum { UNIT_TIMEOUT_S = 900 }; /* of a hang: the longest takes 20 s alone, and a machine may do ten other things */

/* Check writes the place of every assertion that holds to a file: a test with ten million of them fills a small
 * disk, and what else runs on it fails. Here only those that fail say where they are. */
#undef ck_assert_msg
#define ck_assert_msg(expr, ...) \
    ((expr) ? (void)0 : _ck_assert_failed(__FILE__, __LINE__, "Assertion '" #expr "' failed", ##__VA_ARGS__))

/* Equal bytes; shows both when they are not. Each argument is evaluated once. */
#define expect_str(got, want) unit_expect_str(__FILE__, __LINE__, got, want)

static inline void unit_expect_str(const char *file, int line, struct str got, struct str want)
{
    if (str_eq(got, want)) return;
    ck_abort_msg("%s:%d: got \"%.*s\" (%zu), want \"%.*s\" (%zu)", file, line, (int)got.n,
                 got.n > 0 ? got.p : "", got.n, (int)want.n, want.n > 0 ? want.p : "", want.n);
}

/* A generator for a randomized test. Its seed is printed, and is seen when the test fails; run with
 * MEMD_TEST_SEED set to it to see the same again. Without it the seed is always the same one. */
static inline void unit_rng(struct rng *r)
{
    const char *text = getenv("MEMD_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20260101;

    rng_seed(r, seed);
    printf("MEMD_TEST_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
}

/* n random bytes out of the first `kinds` from 'a' on, in b: with few kinds long parts agree. */
static inline struct str unit_random_bytes(struct rng *r, struct buf *b, size_t n, unsigned kinds)
{
    buf_clear(b);
    for (size_t i = 0; i < n; i++) buf_add_char(b, (char)('a' + rng_below(r, kinds)));
    return buf_str(b);
}

static inline int unit_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    remove(path);
    return 0;
}

/* A new directory for a test, in memory where that can be: on a busy disk it would wait longer than it runs. `out` has
 * room for 64 bytes. */
static inline char *unit_dir(char *out)
{
    snprintf(out, 64, "%s/XXXXXX", getenv("MEMD_TEST_DIR"));
    ck_assert_ptr_nonnull(mkdtemp(out));
    return out;
}

/* set_up and tear_down run around each test, in its process; NULL for none. */
static inline int unit_run(const char *name, void (*set_up)(void), void (*tear_down)(void),
                           const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, UNIT_TIMEOUT_S);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < n; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    char dir[] = "/dev/shm/memd-unit-XXXXXX", slow[] = "/tmp/memd-unit-XXXXXX";
    const char *made = mkdtemp(dir) ? dir : mkdtemp(slow);

    if (!made || setenv("MEMD_TEST_DIR", made, 1) != 0) abort();
    srunner_run_all(runner, CK_ENV);
    nftw(made, unit_remove, 16, FTW_DEPTH | FTW_PHYS);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed;
}

#define UNIT_MAIN_AROUND(name, set_up, tear_down, ...) \
    int main(void) \
    { \
        const TTest *const tests[] = { __VA_ARGS__ }; \
\
        mem_init(); \
        return unit_run(name, set_up, tear_down, tests, sizeof tests / sizeof *tests); \
    }

#define UNIT_MAIN(name, ...) UNIT_MAIN_AROUND(name, NULL, NULL, __VA_ARGS__)

#endif
