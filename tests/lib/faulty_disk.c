/* faulty_disk.c -- a library for LD_PRELOAD: what the daemon does to its files fails, or takes time, as a test says.
 *
 * The file FAULTY_DISK is mapped as an array of 64-bit numbers. For each operation and kind of file there are four,
 * which the test may change at any time:
 *
 *     error    errno to fail with; 0: none; -1: write half, and say so
 *     times    how many calls fail before all is well again; -1: until the test says so
 *     delay    us that a call takes; -1: until the test says otherwise
 *     calls    so many there were
 *
 * Behind them: syncs of increments as they ended well, a count and then (began ns, ended ns, bytes of the file
 * when it began) for each. Times are CLOCK_MONOTONIC. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN, WRITE, SYNC, TRUNCATE, RENAME, ALLOCATE, OPS };
enum { LOG, SNAPSHOT, MANIFEST, DIRECTORY, RESERVE, OTHER, KINDS };
enum { ERROR, TIMES, DELAY, CALLS, FIELDS };
enum { SYNCS_MAX = 4096, NUMBERS = OPS * KINDS * FIELDS + 1 + 3 * SYNCS_MAX };

static volatile int64_t *shared;

static volatile int64_t *numbers(void)
{
    if (!shared) {
        const char *path = getenv("FAULTY_DISK");
        int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
        int fd = path ? real(path, O_RDWR | O_CLOEXEC) : -1;
        void *at = fd >= 0 ? mmap(NULL, NUMBERS * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

        if (at == MAP_FAILED) abort();
        shared = at;
        close(fd);
    }
    return shared;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int ends(const char *path, const char *with)
{
    size_t n = strlen(path), m = strlen(with);

    return n >= m && strcmp(path + n - m, with) == 0;
}

static int kind_of_path(const char *path)
{
    if (ends(path, ".incr.aof")) return LOG;
    if (ends(path, ".rdb")) return SNAPSHOT;
    if (ends(path, ".manifest")) return MANIFEST;
    if (ends(path, ".reserve")) return RESERVE;
    return OTHER;
}

static int kind_of_fd(int fd)
{
    char link[64], path[4096];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0) return OTHER;
    if (S_ISDIR(st.st_mode)) return DIRECTORY;
    if (!S_ISREG(st.st_mode)) return OTHER;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    if (n < 0) return OTHER;
    path[n] = 0;
    return kind_of_path(path);
}

/* Take the time; 0, -1 or the errno of this call. */
static int verdict(int op, int kind)
{
    volatile int64_t *f = numbers() + (op * KINDS + kind) * FIELDS;
    struct timespec ms = { 0, 1000000 };
    int64_t until;

    __atomic_fetch_add(&f[CALLS], 1, __ATOMIC_SEQ_CST);
    until = now_ns() + f[DELAY] * 1000;
    while (f[DELAY] < 0 || (f[DELAY] > 0 && now_ns() < until)) nanosleep(&ms, NULL);
    if (f[ERROR] == 0 || f[TIMES] == 0) return 0;
    if (f[TIMES] > 0) f[TIMES]--;
    return (int)f[ERROR];
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    va_list ap;
    int mode, e = 0;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, int) : 0;
    va_end(ap);
    if (flags & O_CREAT) e = verdict(OPEN, kind_of_path(path));
    if (e > 0) {
        errno = e;
        return -1;
    }
    return real(path, flags, mode);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    ssize_t (*real)(int, const struct iovec *, int) = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    int e = verdict(WRITE, kind_of_fd(fd));

    if (e > 0) {
        errno = e;
        return -1;
    }
    if (e < 0 && v[0].iov_len > 1) {
        struct iovec half = { v[0].iov_base, v[0].iov_len / 2 };
        return real(fd, &half, 1);
    }
    return real(fd, v, n);
}

static int do_sync(int fd, int (*real)(int))
{
    volatile int64_t *s = numbers() + OPS * KINDS * FIELDS;
    int kind = kind_of_fd(fd), e, r;
    int64_t began = now_ns(), n;
    struct stat st = { 0 };

    fstat(fd, &st);
    e = verdict(SYNC, kind);
    if (e > 0) {
        errno = e;
        return -1;
    }
    r = real(fd);
    if (r != 0 || kind != LOG || s[0] >= SYNCS_MAX) return r;
    n = s[0];
    s[1 + n * 3] = began;
    s[2 + n * 3] = now_ns();
    s[3 + n * 3] = st.st_size;
    __atomic_store_n(&s[0], n + 1, __ATOMIC_RELEASE);
    return r;
}

int fdatasync(int fd)
{
    return do_sync(fd, (int (*)(int))dlsym(RTLD_NEXT, "fdatasync"));
}

int fsync(int fd)
{
    return do_sync(fd, (int (*)(int))dlsym(RTLD_NEXT, "fsync"));
}

int ftruncate(int fd, off_t n)
{
    int (*real)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate");
    int e = verdict(TRUNCATE, kind_of_fd(fd));

    if (e > 0) {
        errno = e;
        return -1;
    }
    return real(fd, n);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    int e = verdict(RENAME, kind_of_path(to));

    if (e > 0) {
        errno = e;
        return -1;
    }
    return real(from, to);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    int (*real)(int, int, off_t, off_t) = (int (*)(int, int, off_t, off_t))dlsym(RTLD_NEXT, "fallocate");
    int e = verdict(ALLOCATE, kind_of_fd(fd));

    if (e > 0) {
        errno = e;
        return -1;
    }
    return real(fd, mode, at, n);
}
