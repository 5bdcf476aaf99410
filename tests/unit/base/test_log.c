#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/unit.h"

static char path[80];
static char text[65536];

static struct log *open_new(enum log_level level)
{
    char dir[64];

    snprintf(path, sizeof path, "%s/log", unit_dir(dir));
    return log_open(path, level);
}

/* What the file holds now. */
static const char *content(const char *name)
{
    int fd = open(name, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    ck_assert_int_ge(n, 0);
    close(fd);
    text[n] = '\0';
    return text;
}

static bool matches(const char *s, const char *expression)
{
    regex_t re;

    ck_assert_int_eq(regcomp(&re, expression, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&re, s, 0, NULL, 0) == 0;

    regfree(&re);
    return found;
}

static void end(struct log **l)
{
    log_close(l);
    unlink(path);
}

START_TEST(a_line_looks_as_redis_writes_it)
{
    struct log *l = open_new(LOG_DEBUG);

    log_notice(l, "Ready to accept %s", "connections");
    ck_assert(matches(content(path),
                      "^[0-9]+:M [0-9]{2} [A-Z][a-z]{2} [0-9]{4} "
                      "[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} \\* Ready to accept connections\n$"));
    end(&l);
    ck_assert_ptr_null(l);
}
END_TEST

START_TEST(each_level_has_its_sign)
{
    struct log *l = open_new(LOG_DEBUG);

    log_debug(l, "a");
    log_verbose(l, "b");
    log_notice(l, "c");
    log_warning(l, "d");
    ck_assert(matches(content(path), " \\. a\n.* - b\n.* \\* c\n.* # d\n$"));
    end(&l);
}
END_TEST

START_TEST(lines_below_the_level_are_dropped)
{
    struct log *l = open_new(LOG_NOTICE);

    log_verbose(l, "quiet");
    ck_assert_str_eq(content(path), "");
    log_set_level(l, LOG_VERBOSE);
    log_verbose(l, "loud");
    ck_assert_ptr_nonnull(strstr(content(path), "loud"));
    log_set_level(l, LOG_NOTHING);
    log_warning(l, "never");
    log_line(l, LOG_NOTHING, "nor this");
    ck_assert_ptr_null(strstr(content(path), "n"));
    end(&l);
}
END_TEST

START_TEST(no_log_swallows_lines)
{
    struct log *none = NULL;

    log_warning(NULL, "nothing");
    log_close(&none);
}
END_TEST

START_TEST(an_unwritable_path_gives_no_log)
{
    fclose(stderr);
    ck_assert_ptr_null(log_open("/nonexistent/dir/log", LOG_DEBUG));
}
END_TEST

START_TEST(a_message_cannot_forge_a_line)
{
    struct log *l = open_new(LOG_DEBUG);

    log_notice(l, "key: %s", "a\r\n1:M fake\x1b[2J\tb\xc3\xa9");
    ck_assert_ptr_nonnull(strstr(content(path), "key: a??1:M fake?[2J\tb\xc3\xa9\n"));
    end(&l);
}
END_TEST

START_TEST(a_long_message_is_cut_and_still_ends_its_line)
{
    struct log *l = open_new(LOG_DEBUG);

    for (int n = 3900; n < 4200; n++) log_debug(l, "%0*d", n, 0);
    end(&l);
    l = open_new(LOG_DEBUG);
    log_notice(l, "%010000d", 0);
    log_notice(l, "next");
    ck_assert(matches(content(path), "0000\n[0-9]+:M .* next\n$"));
    ck_assert_uint_lt(strlen(text), 4300);
    end(&l);
}
END_TEST

START_TEST(after_a_reopen_lines_go_to_the_new_file)
{
    struct log *l = open_new(LOG_DEBUG);
    char moved[96];

    snprintf(moved, sizeof moved, "%s.1", path);
    log_notice(l, "first");
    ck_assert_int_eq(rename(path, moved), 0);
    log_notice(l, "second");
    ck_assert(log_reopen(l));
    log_notice(l, "third");
    ck_assert_ptr_null(strstr(content(path), "second"));
    ck_assert_ptr_nonnull(strstr(content(path), "third"));
    ck_assert(matches(content(moved), "first\n.*second\n$"));
    unlink(moved);
    end(&l);
}
END_TEST

START_TEST(a_line_leaves_errno_alone)
{
    struct log *l = open_new(LOG_DEBUG);

    errno = ENOSPC;
    log_notice(l, "x");
    ck_assert_int_eq(errno, ENOSPC);
    end(&l);
}
END_TEST

START_TEST(a_line_can_change_its_form_while_it_runs)
{
    struct log *l = open_new(LOG_DEBUG);

    log_set_format(l, LOG_FORMAT_JSON, LOG_STAMP_MILLISECONDS);
    log_notice(l, "said \"%s\"", "yes");
    log_set_format(l, LOG_FORMAT_LEGACY, LOG_STAMP_LEGACY);
    log_notice(l, "said");
    ck_assert(matches(content(path), "^\\{\"time\":[0-9]{13},\"level\":\"notice\",.*\"message\":\"said \\\\\"yes\\\\\"\"\\}\n"
                                     "[0-9]+:M .* \\* said\n$"));
    end(&l);
}
END_TEST

START_TEST(a_log_can_move_to_another_file_and_stays_where_it_cannot)
{
    struct log *l = open_new(LOG_DEBUG);
    char other[96];
    int fd = log_fd(l);

    snprintf(other, sizeof other, "%s.other", path);
    log_notice(l, "first");
    ck_assert(!log_move(l, "/nonexistent/dir/log"));
    ck_assert_int_eq(errno, ENOENT);
    log_notice(l, "second");
    ck_assert(log_move(l, other));
    log_notice(l, "third");
    ck_assert(matches(content(path), "first\n.*second\n$"));
    ck_assert(matches(content(other), "^[^\n]*third\n$"));
    ck_assert_int_eq(unlink(other), 0);
    ck_assert(log_reopen(l)); /* by the new name */
    log_notice(l, "fourth");
    ck_assert(matches(content(other), "^[^\n]*fourth\n$"));
    ck_assert_int_eq(log_fd(l), fd);
    unlink(other);
    end(&l);
}
END_TEST

/* Lines with "crowd" in them, once the second is over in which the first came. */
static void crowd(struct log *l, int n)
{
    for (int i = 0; i < n; i++) log_limited(l, LOG_WARNING, "crowd %.*s%-5d of 100%%", 0, "", i);
}

static int count(const char *in, const char *word)
{
    int n = 0;

    for (; (in = strstr(in, word)) != NULL; in++) n++;
    return n;
}

START_TEST(of_lines_that_strangers_cause_ten_are_written_a_second_and_the_rest_is_told)
{
    struct log *l = open_new(LOG_DEBUG);
    int left_out = 0;
    const char *p;

    crowd(l, 1000); /* within one second, or in two */
    log_limited(l, LOG_WARNING, "others are not held up");
    log_limited(NULL, LOG_WARNING, "nor is no log");
    log_close(&l); /* tells what is left */
    p = content(path);
    ck_assert_ptr_nonnull(strstr(p, "others are not held up"));
    ck_assert_int_le(count(p, "crowd "), 2 * LOG_LIMIT + 2);
    for (; (p = strstr(p, " more lines like \"crowd ...... of 100%\"")) != NULL; p++) {
        const char *n = p;
        while (n[-1] >= '0' && n[-1] <= '9') n--;
        left_out += atoi(n);
    }
    ck_assert_int_eq(left_out + count(text, "# crowd "), 1000);
    unlink(path);
}
END_TEST

START_TEST(keys_are_shown_unless_they_are_hidden)
{
    struct log *l = log_open("", LOG_NOTICE);

    ck_assert(str_eq(log_shown(l, STR("key")), STR("key")));
    log_hide_data(l, true);
    ck_assert(str_eq(log_shown(l, STR("key")), STR("(hidden)")));
    log_hide_data(l, false);
    ck_assert(str_eq(log_shown(l, STR("key")), STR("key")));
    log_close(&l);
}
END_TEST

START_TEST(a_full_disk_stops_nobody)
{
    struct log *l = log_open("/dev/full", LOG_DEBUG);

    errno = EPERM;
    for (int i = 0; i < 100; i++) log_notice(l, "lost");
    ck_assert_int_eq(errno, EPERM);
    log_close(&l);
}
END_TEST

/* All that is in the pipe. */
static const char *drain(int fd)
{
    ssize_t n, all = 0;

    while (all < (ssize_t)sizeof text - 1 && (n = read(fd, text + all, sizeof text - 1 - (size_t)all)) > 0) all += n;
    text[all] = '\0';
    return text;
}

START_TEST(a_reader_who_stops_to_read_stops_nobody_and_is_told_what_he_missed)
{
    struct log *l;
    int ends[2];
    int out = dup(STDOUT_FILENO);

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    fflush(stdout);
    ck_assert_int_ge(dup2(ends[1], STDOUT_FILENO), 0);
    l = log_open(NULL, LOG_DEBUG);
    ck_assert_int_ge(dup2(out, STDOUT_FILENO), 0);
    for (int i = 0; i < 2000; i++) log_notice(l, "%0100d", i); /* more than a pipe holds */
    drain(ends[0]);
    while (drain(ends[0])[0] != '\0') {}
    log_notice(l, "here again");
    ck_assert(matches(drain(ends[0]), "^\\([1-9][0-9]* lines of the log were lost: nobody read them\\)\n[0-9]+:M .*here again\n$"));
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    log_notice(l, "nobody any more");
    log_close(&l);
    close(ends[1]);
    close(out);
}
END_TEST

static void *write_lines(void *l)
{
    for (int i = 0; i < 200; i++) log_notice(l, "%060d", 7);
    return NULL;
}

START_TEST(lines_of_two_threads_do_not_mix)
{
    struct log *l = open_new(LOG_DEBUG);
    pthread_t threads[2];
    int n_lines = 0;

    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, write_lines, l);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    content(path);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        ck_assert(matches(line, "^[0-9]+:M [^*]* \\* 0{59}7$"));
        n_lines++;
    }
    ck_assert_int_eq(n_lines, 400);
    end(&l);
}
END_TEST

UNIT_MAIN("log", a_line_looks_as_redis_writes_it, each_level_has_its_sign, a_line_can_change_its_form_while_it_runs,
          a_log_can_move_to_another_file_and_stays_where_it_cannot, a_full_disk_stops_nobody,
          a_reader_who_stops_to_read_stops_nobody_and_is_told_what_he_missed,
          of_lines_that_strangers_cause_ten_are_written_a_second_and_the_rest_is_told,
          lines_below_the_level_are_dropped, no_log_swallows_lines, an_unwritable_path_gives_no_log,
          a_message_cannot_forge_a_line, a_long_message_is_cut_and_still_ends_its_line,
          after_a_reopen_lines_go_to_the_new_file, a_line_leaves_errno_alone,
          keys_are_shown_unless_they_are_hidden, lines_of_two_threads_do_not_mix)
