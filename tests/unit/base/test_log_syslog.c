/* What goes to syslog. The C library's functions are replaced by those here: there may be no syslog on this machine. */
#include <stdarg.h>

#include "base/log.h"
#include "tests/unit/unit.h"

static char ident[32], said[8192];
static int facility, priority, n_said, n_closed;

void openlog(const char *name, int option, int code);
void closelog(void);
void syslog(int level, const char *fmt, ...);
void __syslog_chk(int level, int flag, const char *fmt, ...);

void openlog(const char *name, int option, int code)
{
    (void)option;
    snprintf(ident, sizeof ident, "%s", name);
    facility = code;
}

void closelog(void)
{
    n_closed++;
}

static void take(int level, const char *fmt, va_list ap)
{
    vsnprintf(said, sizeof said, fmt, ap);
    priority = level;
    n_said++;
}

void syslog(int level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    take(level, fmt, ap);
    va_end(ap);
}

void __syslog_chk(int level, int flag, const char *fmt, ...)
{
    va_list ap;

    (void)flag;
    va_start(ap, fmt);
    take(level, fmt, ap);
    va_end(ap);
}

START_TEST(lines_go_there_with_their_priority_and_without_their_head)
{
    static const int priorities[] = { 7, 6, 5, 4 }; /* debug, info, notice, warning */
    struct log *l = log_open("/dev/null", LOG_VERBOSE);

    log_notice(l, "before");
    ck_assert_int_eq(n_said, 0);
    ck_assert(log_to_syslog(l, "memd-7", "local3"));
    ck_assert_str_eq(ident, "memd-7");
    ck_assert_int_eq(facility, 19 << 3);
    log_debug(l, "not wanted");
    ck_assert_int_eq(n_said, 0);
    for (enum log_level level = LOG_VERBOSE; level <= LOG_WARNING; level++) {
        log_line(l, level, "%s", "a %s\r\nb \x1b[2J");
        ck_assert_int_eq(priority, priorities[level]);
        ck_assert_str_eq(said, "a %s??b ?[2J");
    }
    log_set_format(l, LOG_FORMAT_JSON, LOG_STAMP_LEGACY);
    log_notice(l, "\"plain\"");
    ck_assert_str_eq(said, "\"plain\"");
    log_close(&l);
    ck_assert_int_eq(n_closed, 1);
}
END_TEST

START_TEST(it_can_be_left_and_entered_again_under_another_name)
{
    struct log *l = log_open("/dev/null", LOG_DEBUG);
    int n = n_said;

    ck_assert(log_to_syslog(l, "one", "user"));
    log_leave_syslog(l);
    log_notice(l, "quiet");
    ck_assert_int_eq(n_said, n);
    ck_assert(log_to_syslog(l, "two", "user"));
    log_limited(l, LOG_NOTICE, "loud");
    ck_assert_str_eq(ident, "two");
    ck_assert_str_eq(said, "loud");
    ck_assert(!log_to_syslog(l, "three", "nosuch"));
    ck_assert_str_eq(ident, "two");
    log_close(&l);
}
END_TEST

UNIT_MAIN("log_syslog", lines_go_there_with_their_priority_and_without_their_head,
          it_can_be_left_and_entered_again_under_another_name)
