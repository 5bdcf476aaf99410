#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"
#include "tests/unit/unit.h"

START_TEST(a_condition_that_holds_is_evaluated_once)
{
    int n = 0;

    ensure(++n == 1);
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(a_broken_invariant_names_itself_and_aborts)
{
    int ends[2];
    char text[256] = "";
    int status;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();

    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        ensure(1 + 1 == 3);
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
    close(ends[0]);
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "test_ensure.c:"));
    ck_assert_ptr_nonnull(strstr(text, "1 + 1 == 3"));
}
END_TEST

UNIT_MAIN("ensure", a_condition_that_holds_is_evaluated_once,
          a_broken_invariant_names_itself_and_aborts)
