#include "base/crash_pen.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void crash_pen_open(struct crash_pen *p, int log_fd, bool json)
{
    struct stat a, b;

    *p = (struct crash_pen){ .fds = { log_fd, STDERR_FILENO }, .json = json };
    if (log_fd < 0 || fstat(log_fd, &a) != 0 || fstat(STDERR_FILENO, &b) != 0) return;
    if (a.st_dev == b.st_dev && a.st_ino == b.st_ino) p->fds[1] = -1;
}

static void put_bytes(struct crash_pen *p, const char *from, size_t n)
{
    for (size_t i = 0; i < n && p->n < sizeof p->line - 1; i++) p->line[p->n++] = from[i];
}

void crash_put(struct crash_pen *p, const char *text)
{
    put_bytes(p, text, strlen(text));
}

/* v in a base up to 16, with at least so many digits, behind the end of which it is written: returns its begin. */
static char *digits(char *end, uint64_t v, unsigned base, int at_least)
{
    do {
        *--end = "0123456789abcdef"[v % base];
        v /= base;
    } while (--at_least > 0 || v > 0);
    return end;
}

void crash_put_u64(struct crash_pen *p, uint64_t v)
{
    char text[24], *at = digits(text + sizeof text, v, 10, 1);

    put_bytes(p, at, (size_t)(text + sizeof text - at));
}

void crash_put_hex(struct crash_pen *p, uint64_t v)
{
    char text[24], *at = digits(text + sizeof text, v, 16, 1);

    crash_put(p, "0x");
    put_bytes(p, at, (size_t)(text + sizeof text - at));
}

/* --- lines --------------------------------------------------------------------------------------------- */

static void send(int fd, const char *from, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, from, n);

        if (done <= 0) return;
        from += done;
        n -= (size_t)done;
    }
}

static void add(char *out, size_t *n, const char *from)
{
    size_t k = strlen(from);

    memcpy(out + *n, from, k);
    *n += k;
}

static void add_number(char *out, size_t *n, uint64_t v, int at_least)
{
    char text[25] = "", *at = digits(text + sizeof text - 1, v, 10, at_least);

    add(out, n, at);
}

/* 2026-11-21T10:00:00.123Z. localtime_r may wait for a lock; the days since 1970 are counted in eras of 400 years
 * that begin in March, so that a leap day is the last of its year. */
static void add_time(char *out, size_t *n)
{
    struct timespec now;
    uint64_t days, day, year, month;

    clock_gettime(CLOCK_REALTIME, &now);
    days = (uint64_t)now.tv_sec / 86400 + 719468;
    day = days % 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    year += days / 146097 * 400;
    month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    month = month < 10 ? month + 3 : month - 9;
    add_number(out, n, year + (month <= 2), 4);
    add(out, n, "-");
    add_number(out, n, month, 2);
    add(out, n, "-");
    add_number(out, n, day + 1, 2);
    add(out, n, "T");
    add_number(out, n, (uint64_t)now.tv_sec % 86400 / 3600, 2);
    add(out, n, ":");
    add_number(out, n, (uint64_t)now.tv_sec % 3600 / 60, 2);
    add(out, n, ":");
    add_number(out, n, (uint64_t)now.tv_sec % 60, 2);
    add(out, n, ".");
    add_number(out, n, (uint64_t)now.tv_nsec / 1000000, 3);
    add(out, n, "Z");
}

static void send_json(struct crash_pen *p)
{
    char out[2 * sizeof p->line + 160];
    size_t n = 0;

    add(out, &n, "{\"time\":\"");
    add_time(out, &n);
    add(out, &n, "\",\"level\":\"warning\",\"pid\":");
    add_number(out, &n, (uint64_t)getpid(), 1);
    add(out, &n, ",\"role\":\"primary\",\"message\":\"");
    for (size_t i = 0; i < p->n; i++) {
        char c = p->line[i];

        if (c == '"' || c == '\\') out[n++] = '\\';
        out[n++] = c >= ' ' && c < 0x7f ? c : '?';
    }
    add(out, &n, "\"}\n");
    send(p->fds[0], out, n);
}

void crash_end_line(struct crash_pen *p)
{
    bool json = p->json && p->fds[0] >= 0;

    if (json) send_json(p);
    p->line[p->n] = '\n'; /* there is always room for it */
    for (int i = json ? 1 : 0; i < 2; i++) {
        if (p->fds[i] >= 0) send(p->fds[i], p->line, p->n + 1);
    }
    p->n = 0;
}

void crash_line(struct crash_pen *p, const char *text)
{
    crash_put(p, text);
    crash_end_line(p);
}
