#include "server/inherit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static struct inheritance in;

static int listening(struct sockaddr_in *a)
{
    socklen_t n = sizeof *a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    ck_assert_int_eq(bind(fd, (struct sockaddr *)a, n), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)a, &n), 0);
    return fd;
}

START_TEST(what_is_given_is_found_by_the_next_program_with_its_name_and_number)
{
    struct sockaddr_in a, other;
    char text[INHERIT_ENV], *env[] = { "HOME=/", text, "TERM=x", NULL };
    struct inheritance from = { 0 };
    int fd = listening(&a), lock = open("/dev/null", O_RDONLY), second = listening(&other);

    inherit_give(&from, fd, INHERIT_TCP);
    inherit_give(&from, lock, INHERIT_LOCK);
    inherit_pass(&from, text);
    ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
    inherit_open(&in, env);
    ck_assert_str_eq(env[0], "HOME=/");
    ck_assert_str_eq(env[1], "TERM=x");
    ck_assert_ptr_null(env[2]);
    ck_assert(in.restarted);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(inherit_listener(&in, INHERIT_TCP, (struct sockaddr *)&other, sizeof other), -1);
    ck_assert_int_eq(inherit_listener(&in, INHERIT_UNIX, (struct sockaddr *)&a, sizeof a), -1);
    ck_assert_int_eq(inherit_listener(&in, INHERIT_TCP, (struct sockaddr *)&a, sizeof a), fd);
    ck_assert_int_eq(inherit_listener(&in, INHERIT_TCP, (struct sockaddr *)&a, sizeof a), -1);
    ck_assert_int_eq(inherit_named(&in, INHERIT_LOCK), lock);
    ck_assert_int_eq(inherit_named(&in, INHERIT_LOCK), -1);
    close(fd);
    close(lock);
    close(second);
}
END_TEST

START_TEST(variables_of_others_and_nonsense_give_nothing)
{
    static const char *const texts[] = {
        "MEMD_INHERIT=1:memd-tcp=0", "MEMD_INHERIT=", "MEMD_INHERIT=:::=:", "MEMD_INHERIT=x:memd-tcp=3",
        "LISTEN_FDS=2", "LISTEN_PID=1", "LISTEN_FDNAMES=a:b:c",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[64], *env[] = { text, NULL };

        strcpy(text, texts[i]);
        inherit_open(&in, env);
        ck_assert_uint_eq(in.n, 0);
        ck_assert_ptr_null(env[0]);
        ck_assert(!in.restarted);
    }
}
END_TEST

/* 0, 1 and 2 are never among them, and neither is what is not open. */
START_TEST(numbers_that_are_no_descriptors_of_ours_are_left_out)
{
    char text[128], *env[] = { text, NULL };

    snprintf(text, sizeof text, "MEMD_INHERIT=%d:memd-tcp=2:a=99999:b=-1:c=:d:=7777:e=99999999999999", (int)getpid());
    inherit_open(&in, env);
    ck_assert(in.restarted);
    ck_assert_uint_eq(in.n, 0);
}
END_TEST

START_TEST(what_nobody_takes_is_closed)
{
    struct sockaddr_in a;
    char text[64], *env[] = { text, NULL };
    int fd = listening(&a);

    snprintf(text, sizeof text, "MEMD_INHERIT=%d:memd-tcp=%d", (int)getpid(), fd);
    inherit_open(&in, env);
    inherit_close(&in);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(a_supervisor_cannot_give_what_only_memd_itself_may)
{
    char pid[32], fds[32] = "LISTEN_FDS=1", names[64] = "LISTEN_FDNAMES=" INHERIT_LOCK, *env[] = { pid, fds, names, NULL };

    snprintf(pid, sizeof pid, "LISTEN_PID=%d", (int)getpid());
    inherit_open(&in, env);
    ck_assert_uint_eq(in.n, 0);
}
END_TEST

UNIT_MAIN("inherit", what_is_given_is_found_by_the_next_program_with_its_name_and_number,
          variables_of_others_and_nonsense_give_nothing, numbers_that_are_no_descriptors_of_ours_are_left_out,
          what_nobody_takes_is_closed, a_supervisor_cannot_give_what_only_memd_itself_may)
