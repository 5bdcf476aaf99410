#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/crash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include "tests/unit/unit.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose own reports come instead */

static char path[80], text[65536];
static char *volatile nowhere; /* an address that cannot be used */

/* What the log holds after fn has run in a child; *status is how that ended. Standard error is elsewhere. */
static const char *last_words(void (*fn)(void), bool json, int *status)
{
    char dir[64];
    pid_t child;
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "%s/log", unit_dir(dir));
    nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    child = fork();
    if (child == 0) {
        struct log *l = log_open(path, LOG_DEBUG);

        if (json) log_set_format(l, LOG_FORMAT_JSON, LOG_STAMP_LEGACY);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        ensure(crash_open(l, "1.2.3"));
        fn();
        _exit(77);
    }
    ck_assert_int_eq(waitpid(child, status, 0), child);
    fd = open(path, O_RDONLY);
    n = read(fd, text, sizeof text - 1);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    close(fd);
    unlink(path);
    return text;
}

static void fault(void)
{
    *nowhere = 1;
}

START_TEST(a_fault_is_reported_and_ends_by_its_signal)
{
    int status;
    const char *t = last_words(fault, false, &status);
    char at[40];

    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ck_assert_ptr_nonnull(strstr(t, "memd 1.2.3 crashed by signal: 11 (SIGSEGV)"));
    snprintf(at, sizeof at, "Accessing address: %p\n", (void *)nowhere);
    ck_assert_ptr_nonnull(strstr(t, at));
    ck_assert_ptr_nonnull(strstr(t, "\n  #0 "));
    ck_assert_ptr_nonnull(strstr(t, " main+0x"));
    ck_assert_ptr_nonnull(strstr(t, "MEMD BUG REPORT END"));
}
END_TEST

static void call_nothing(void)
{
    void (*volatile f)(void) = NULL;

    f();
}

START_TEST(a_jump_to_nowhere_still_has_a_stack)
{
    int status;
    const char *t = last_words(call_nothing, false, &status);

    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    ck_assert_ptr_nonnull(strstr(t, "Accessing address: 0x0\n"));
    ck_assert_ptr_nonnull(strstr(t, "  #0 0x0\n"));
    ck_assert_ptr_nonnull(strstr(t, " main+0x"));
}
END_TEST

static int deep(volatile char *above, int n)
{
    volatile char frame[4096];

    frame[0] = above ? above[0] : 1;
    return n < 0 ? 0 : deep(frame, n + 1) + frame[0];
}

static void overflow(void)
{
    _exit(deep(NULL, 1));
}

START_TEST(a_stack_that_is_used_up_is_reported)
{
    int status;
    const char *t = last_words(overflow, false, &status);

    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    ck_assert_ptr_nonnull(strstr(t, "MEMD BUG REPORT END"));
}
END_TEST

static void *in_thread(void *overflowing)
{
    if (overflowing) overflow();
    *nowhere = 1;
    return NULL;
}

static void fault_in_thread(void)
{
    pthread_t t;

    ensure(thread_start(&t, "worker-7", in_thread, NULL) == 0);
    pthread_join(t, NULL);
}

static void overflow_in_thread(void)
{
    pthread_t t;

    ensure(thread_start(&t, "worker-8", in_thread, (void *)1) == 0);
    pthread_join(t, NULL);
}

START_TEST(threads_have_names_and_stacks_too)
{
    int status;

    ck_assert_ptr_nonnull(strstr(last_words(fault_in_thread, false, &status), "in thread worker-7\n"));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    ck_assert_ptr_nonnull(strstr(last_words(overflow_in_thread, false, &status), "in thread worker-8\n"));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
}
END_TEST

static void broken(void)
{
    ensure(nowhere == NULL);
}

START_TEST(a_broken_invariant_is_named)
{
    int status;
    const char *t = last_words(broken, false, &status);

    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(t, "Assertion failed: tests/unit/base/test_crash.c:"));
    ck_assert_ptr_nonnull(strstr(t, ": nowhere == NULL\n"));
}
END_TEST

static void fault_again(void *ctx, struct crash_pen *p)
{
    (void)ctx;
    crash_line(p, "more");
    *nowhere = 1;
}

static void fault_twice(void)
{
    crash_tell_more(fault_again, NULL);
    *nowhere = 1;
}

static void abort_again(void *ctx, struct crash_pen *p)
{
    (void)ctx;
    crash_line(p, "more");
    abort();
}

static void fault_and_abort(void)
{
    crash_tell_more(abort_again, NULL);
    *nowhere = 1;
}

START_TEST(a_crash_in_the_report_ends_it)
{
    int status;
    const char *t = last_words(fault_twice, false, &status);

    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ck_assert_ptr_nonnull(strstr(t, "\nmore\n"));
    ck_assert_ptr_null(strstr(t, "REPORT END"));
    t = last_words(fault_and_abort, false, &status);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(t, "\nmore\n"));
}
END_TEST

static void quote(void *ctx, struct crash_pen *p)
{
    (void)ctx;
    crash_line(p, "a \"quoted\" \\ \x01 \xff line");
    crash_put_u64(p, UINT64_MAX);
    crash_put_u64(p, 0);
    crash_put_hex(p, 0xabc0);
    for (int i = 0; i < 100; i++) crash_put(p, "longer than a line may be ");
    crash_end_line(p);
}

static void fault_quoting(void)
{
    crash_tell_more(quote, NULL);
    *nowhere = 1;
}

START_TEST(in_a_log_of_json_each_line_is_an_object)
{
    int status, n = 0;
    char *t = (char *)last_words(fault_quoting, true, &status);

    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    for (char *line = strtok(t, "\n"); line; line = strtok(NULL, "\n"), n++) {
        ck_assert(json_valid(str_c(line), NULL));
        ck_assert(strncmp(line, "{\"time\":\"20", 11) == 0);
    }
    ck_assert_int_gt(n, 10);
    t = (char *)last_words(fault_quoting, true, &status);
    ck_assert_ptr_nonnull(strstr(t, "\"a \\\"quoted\\\" \\\\ ? ? line\"}"));
    ck_assert_ptr_nonnull(strstr(t, "\"1844674407370955161500xabc0longer"));
}
END_TEST

/* A word that a compiler keeps in a register. */
static void fault_with_text(void)
{
    register uint64_t word __asm__("r12") = 0x5952414e41433231; /* 12CANARY */

    __asm__ volatile("" : "+r"(word));
    *nowhere = 1;
    __asm__ volatile("" : : "r"(word));
}

START_TEST(a_register_that_may_be_text_is_not_shown)
{
    int status;
    const char *t = last_words(fault_with_text, false, &status);

#if defined(__x86_64__)
    ck_assert_ptr_nonnull(strstr(t, "r12=(not shown)"));
#endif
    ck_assert_ptr_null(strstr(t, "5952414e4143"));
}
END_TEST

static void sent(void)
{
    raise(SIGBUS);
}

static void off(void)
{
    crash_close();
    *nowhere = 1;
}

START_TEST(what_is_sent_ends_it_and_without_the_handlers_there_is_no_word)
{
    int status;

    ck_assert_ptr_nonnull(strstr(last_words(sent, false, &status), "signal: 7 (SIGBUS), si_code: -"));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    ck_assert_str_eq(last_words(off, false, &status), "");
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
END_TEST

UNIT_MAIN("crash", a_fault_is_reported_and_ends_by_its_signal, a_jump_to_nowhere_still_has_a_stack,
          a_stack_that_is_used_up_is_reported, threads_have_names_and_stacks_too, a_broken_invariant_is_named,
          a_crash_in_the_report_ends_it, in_a_log_of_json_each_line_is_an_object,
          a_register_that_may_be_text_is_not_shown, what_is_sent_ends_it_and_without_the_handlers_there_is_no_word)

#else

START_TEST(a_sanitizer_reports_itself)
{
    ck_assert(!crash_open(NULL, ""));
}
END_TEST

UNIT_MAIN("crash", a_sanitizer_reports_itself)

#endif
