#include "persistence/data_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "persistence/persist.h"
#include "tests/unit/unit.h"

static char dir[64], path[80], why[PERSIST_WHY];

static void set_up(void)
{
    unit_dir(dir);
    snprintf(path, sizeof path, "%s/LOCK", dir);
    why[0] = '\0';
}

static void tear_down(void)
{
    unlink(path);
    rmdir(dir);
}

START_TEST(the_directory_is_held_until_it_is_released)
{
    struct data_lock a, b;

    ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), OK);
    ck_assert_int_eq(data_lock_take(&b, NULL, dir, why), ERR_NOT_DONE);
    ck_assert_ptr_nonnull(strstr(why, "on this machine holds"));
    ck_assert_int_eq(b.file, -1);
    data_lock_release(&a);
    ck_assert_int_eq(data_lock_take(&b, NULL, dir, why), OK);
    data_lock_release(&b);
    data_lock_release(&b);
}
END_TEST

START_TEST(a_process_that_ends_in_any_way_holds_nothing)
{
    struct data_lock l;
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (data_lock_take(&l, NULL, dir, why) == OK) kill(getpid(), SIGKILL);
        _exit(1);
    }
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(data_lock_take(&l, NULL, dir, why), OK);
    data_lock_release(&l);
}
END_TEST

/* One that was killed while it started another program: what it leaves has the descriptors for a moment. */
START_TEST(what_a_process_that_is_no_more_has_begun_is_waited_for)
{
    struct data_lock l;
    int ends[2], status;
    pid_t child;
    char c;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        if (data_lock_take(&l, NULL, dir, why) != OK) _exit(1);
        child = getpid();
        if (fork() > 0) kill(child, SIGKILL);
        while (kill(child, 0) == 0) usleep(100); /* until nobody knows of it any more */
        usleep(20000);
        _exit(0);
    }
    close(ends[1]);
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(data_lock_take(&l, NULL, dir, why), OK);
    ck_assert_int_eq(read(ends[0], &c, 1), 0); /* it is gone */
    data_lock_release(&l);
    close(ends[0]);
}
END_TEST

START_TEST(without_the_file_the_directory_itself_is_locked)
{
    struct data_lock a, b;

    ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), OK);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(data_lock_take(&b, NULL, dir, why), ERR_NOT_DONE);
    ck_assert_ptr_nonnull(strstr(why, "process unknown"));
    data_lock_release(&a);
}
END_TEST

START_TEST(a_holder_on_another_machine_is_named)
{
    struct data_lock a, b;
    int fd;

    ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), OK);
    fd = open(path, O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(fd, "77\nelsewhere\nanother-boot\n", 26), 26);
    close(fd);
    ck_assert_int_eq(data_lock_take(&b, NULL, dir, why), ERR_NOT_DONE);
    ck_assert_ptr_nonnull(strstr(why, "process 77 on elsewhere holds"));
    data_lock_release(&a);
}
END_TEST

START_TEST(what_the_file_holds_may_be_anything)
{
    struct data_lock a, b;
    char junk[3000];
    int fd;

    memset(junk, 0xff, sizeof junk);
    for (size_t n = 0; n <= sizeof junk; n = n * 3 + 1) {
        ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), OK);
        fd = open(path, O_WRONLY | O_TRUNC);
        ck_assert_int_eq(write(fd, junk, n), (ssize_t)n);
        close(fd);
        ck_assert_int_eq(data_lock_take(&b, NULL, dir, why), ERR_NOT_DONE);
        data_lock_release(&a);
    }
}
END_TEST

START_TEST(a_copy_holds_it_and_is_taken_up_again)
{
    struct data_lock a, copy, b;

    ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), OK);
    data_lock_copy(&a, &copy);
    data_lock_release(&a);
    ck_assert_int_eq(data_lock_take(&b, NULL, dir, why), ERR_NOT_DONE);
    ck_assert_int_eq(data_lock_take(&b, &copy, dir, why), OK);
    ck_assert_int_eq(b.file, copy.file);
    ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), ERR_NOT_DONE);
    data_lock_release(&b);
    ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), OK);
    data_lock_release(&a);
}
END_TEST

/* It was of another directory, or its file has been replaced, or there is none. */
START_TEST(a_copy_that_locks_something_else_is_let_go)
{
    struct data_lock a, other, none = { -1, -1 };

    ck_assert_int_eq(data_lock_take(&a, NULL, dir, why), OK);
    other = (struct data_lock){ open("/dev/null", O_RDWR), -1 };
    data_lock_release(&a);
    ck_assert_int_eq(data_lock_take(&a, &other, dir, why), OK);
    ck_assert_int_ne(a.file, -1);
    data_lock_release(&a);
    ck_assert_int_eq(data_lock_take(&a, &none, dir, why), OK);
    data_lock_copy(&a, &other);
    data_lock_release(&a);
    unlink(path);
    ck_assert_int_eq(data_lock_take(&a, &other, dir, why), OK);
    ck_assert_int_eq(access(path, F_OK), 0);
    data_lock_release(&a);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_an_error_with_its_name)
{
    struct data_lock l;

    ck_assert_int_eq(data_lock_take(&l, NULL, "/nonexistent/dir", why), ERR_IO);
    ck_assert_str_eq(why, "/nonexistent/dir/LOCK: No such file or directory");
}
END_TEST

UNIT_MAIN_AROUND("data_lock", set_up, tear_down, the_directory_is_held_until_it_is_released,
                 a_process_that_ends_in_any_way_holds_nothing, what_a_process_that_is_no_more_has_begun_is_waited_for,
                 without_the_file_the_directory_itself_is_locked,
                 a_holder_on_another_machine_is_named, what_the_file_holds_may_be_anything,
                 a_copy_holds_it_and_is_taken_up_again, a_copy_that_locks_something_else_is_let_go,
                 a_directory_that_is_not_there_is_an_error_with_its_name)
