/* What goes to syslog: a socket of the test's own is read, or left unread. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/unit.h"

enum { USER = 1 << 3, LOCAL3 = 19 << 3 };

static char dir[64], path[80], said[8192];
static int reader = -1;

static struct sockaddr_un address(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

static void somebody_reads(int type)
{
    struct sockaddr_un a = address();

    reader = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(reader, (struct sockaddr *)&a, sizeof a), 0);
    if (type == SOCK_STREAM) ck_assert_int_eq(listen(reader, 1), 0);
}

static void he_goes(void)
{
    close(reader);
    unlink(path);
}

/* The next record behind its time, "<5> memd[1]: text", or "" when there is none. */
static const char *next(void)
{
    ssize_t n = recv(reader, said, sizeof said - 1, MSG_DONTWAIT);
    char when[16], pid[32];

    if (n <= 0) {
        ck_assert_int_eq(errno, EAGAIN);
        return "";
    }
    said[n] = '\0';
    char *head = strchr(said, '>') + 1, *p = said;

    snprintf(when, sizeof when, "%s", head);
    ck_assert_msg(strlen(when) == 15 && when[3] == ' ' && when[6] == ' ' && when[9] == ':' && when[12] == ':', "%s", said);
    memmove(head, head + 15, strlen(head + 15) + 1);
    snprintf(pid, sizeof pid, "[%d]:", (int)getpid());
    ck_assert_msg((p = strstr(said, pid)) != NULL, "%s", said);
    memmove(p, p + strlen(pid) - 1, strlen(p + strlen(pid) - 1) + 1);
    return said;
}

static void setup(void)
{
    snprintf(path, sizeof path, "%s/log", unit_dir(dir));
}

static void teardown(void)
{
    he_goes();
}

START_TEST(lines_go_there_with_their_priority_and_without_their_head)
{
    static const char *const want[] = { "<159> memd-7: a %s??b ?[2J", "<158> memd-7: a %s??b ?[2J",
                                        "<157> memd-7: a %s??b ?[2J", "<156> memd-7: a %s??b ?[2J" };
    struct log *l = log_open("/dev/null", LOG_VERBOSE);

    somebody_reads(SOCK_DGRAM);
    log_notice(l, "before");
    log_to_syslog(l, path, "memd-7", LOCAL3);
    log_debug(l, "not wanted");
    ck_assert_str_eq(next(), "");
    for (enum log_level level = LOG_VERBOSE; level <= LOG_WARNING; level++) {
        log_line(l, level, "%s", "a %s\r\nb \x1b[2J");
        ck_assert_str_eq(next(), want[level]);
    }
    log_set_level(l, LOG_DEBUG);
    log_line(l, LOG_DEBUG, "%s", "a %s\r\nb \x1b[2J");
    ck_assert_str_eq(next(), want[LOG_DEBUG]);
    log_set_format(l, LOG_FORMAT_JSON, LOG_STAMP_LEGACY);
    log_notice(l, "\"plain\"");
    ck_assert_str_eq(next(), "<157> memd-7: \"plain\"");
    log_close(&l);
}
END_TEST

START_TEST(it_can_be_left_and_entered_again_under_another_name)
{
    struct log *l = log_open("/dev/null", LOG_DEBUG);
    char name[400];

    somebody_reads(SOCK_DGRAM);
    log_to_syslog(l, path, "one", LOCAL3);
    log_leave_syslog(l);
    log_notice(l, "quiet");
    ck_assert_str_eq(next(), "");
    log_to_syslog(l, path, "two\n", USER);
    log_limited(l, LOG_NOTICE, "loud");
    ck_assert_str_eq(next(), "<13> two?: loud");
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    log_to_syslog(l, path, name, USER); /* too long: cut, and no line is lost for it */
    log_notice(l, "%5000s", "long");
    ck_assert_int_eq(strncmp(next(), "<13> nnnn", 9), 0);
    log_close(&l);
}
END_TEST

START_TEST(who_is_not_there_is_looked_for_with_each_line)
{
    struct log *l = log_open("/dev/null", LOG_NOTICE);

    log_to_syslog(l, path, "memd", USER); /* the log's file is told so */
    log_notice(l, "nobody hears");
    somebody_reads(SOCK_DGRAM);
    log_notice(l, "he is there");
    ck_assert_str_eq(next(), "<12> memd: (2 lines of the log were lost: syslog did not take them)");
    ck_assert_str_eq(next(), "<13> memd: he is there");
    he_goes();
    somebody_reads(SOCK_DGRAM);
    log_notice(l, "another is there");
    ck_assert_str_eq(next(), "<13> memd: another is there");
    log_close(&l);
}
END_TEST

/* He would be waited for without end by syslog(3): this would not come to an end. */
START_TEST(who_does_not_read_loses_lines_and_stops_nobody)
{
    struct log *l = log_open("/dev/null", LOG_NOTICE);
    int taken = 0;
    char want[128];

    somebody_reads(SOCK_DGRAM);
    log_to_syslog(l, path, "memd", USER);
    for (int i = 0; i < 3000; i++) log_notice(l, "%01000d", i);
    while (next()[0] != '\0') taken++;
    ck_assert_int_lt(taken, 3000);
    log_notice(l, "again");
    snprintf(want, sizeof want, "<12> memd: (%d lines of the log were lost: syslog did not take them)", 3000 - taken);
    ck_assert_str_eq(next(), want);
    ck_assert_str_eq(next(), "<13> memd: again");
    log_close(&l);
}
END_TEST

START_TEST(a_stream_gets_records_that_end_with_a_nul)
{
    struct log *l = log_open("/dev/null", LOG_NOTICE);
    int listener, first;

    somebody_reads(SOCK_STREAM);
    log_to_syslog(l, path, "memd", LOCAL3);
    listener = reader;
    first = reader = accept(listener, NULL, NULL);
    log_notice(l, "one");
    ck_assert_int_eq(recv(first, said, sizeof said, MSG_PEEK) > 3 && said[0] == '<', true);
    ck_assert_str_eq(next(), "<157> memd: one");
    for (int i = 0; i < 3000; i++) log_notice(l, "%01000d", i); /* more than its buffer holds */
    close(first);
    log_notice(l, "two");
    reader = accept(listener, NULL, NULL);
    ck_assert_int_gt(recv(reader, said, sizeof said, 0), 0); /* so many were lost, and two */
    ck_assert_ptr_nonnull(strstr(said, "lines of the log were lost"));
    ck_assert_ptr_nonnull(strstr(said + strlen(said) + 1, "]: two"));
    close(reader);
    reader = listener;
    log_close(&l);
}
END_TEST

UNIT_MAIN_AROUND("log_syslog", setup, teardown, lines_go_there_with_their_priority_and_without_their_head,
          it_can_be_left_and_entered_again_under_another_name, who_is_not_there_is_looked_for_with_each_line,
          who_does_not_read_loses_lines_and_stops_nobody, a_stream_gets_records_that_end_with_a_nul)
