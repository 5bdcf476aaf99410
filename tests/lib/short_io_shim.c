/* short_io_shim.c -- a library for LD_PRELOAD: every other call that reads or writes a file or socket is
 * interrupted (EINTR), and the others do a part of what they were asked for, as the system may at any time.
 *
 * A part is one byte at least, and not all when there are more. Which: from a counter, so that runs can be
 * repeated. Standard output and error, pipes and event descriptors are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic uint64_t calls;

static void *next_of(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* How much of n to do; -1 and EINTR: nothing this time. */
static ssize_t part(int fd, size_t n)
{
    struct stat st;
    uint64_t i;

    if (fd <= 2 || fstat(fd, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode))) return (ssize_t)n;
    i = atomic_fetch_add(&calls, 1);
    if (i % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    if (n < 2) return (ssize_t)n;
    i = i * UINT64_C(0x9E3779B97F4A7C15);
    return (ssize_t)(1 + (i >> 33) % (n - 1));
}

ssize_t read(int fd, void *p, size_t n)
{
    static ssize_t (*real)(int, void *, size_t);
    ssize_t some = part(fd, n);

    if (!real) real = (ssize_t (*)(int, void *, size_t))next_of("read");
    return some < 0 ? -1 : real(fd, p, (size_t)some);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    ssize_t some = part(fd, n);

    if (!real) real = (ssize_t (*)(int, void *, size_t, off_t))next_of("pread");
    return some < 0 ? -1 : real(fd, p, (size_t)some, at);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    ssize_t some = part(fd, n);

    if (!real) real = (ssize_t (*)(int, void *, size_t, int))next_of("recv");
    return some < 0 ? -1 : real(fd, p, (size_t)some, flags);
}

ssize_t write(int fd, const void *p, size_t n)
{
    static ssize_t (*real)(int, const void *, size_t);
    ssize_t some = part(fd, n);

    if (!real) real = (ssize_t (*)(int, const void *, size_t))next_of("write");
    return some < 0 ? -1 : real(fd, p, (size_t)some);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    ssize_t some = part(fd, n);

    if (!real) real = (ssize_t (*)(int, const void *, size_t, off_t))next_of("pwrite");
    return some < 0 ? -1 : real(fd, p, (size_t)some, at);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    ssize_t some = part(fd, n);

    if (!real) real = (ssize_t (*)(int, const void *, size_t, int))next_of("send");
    return some < 0 ? -1 : real(fd, p, (size_t)some, flags);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    struct iovec some[IOV_MAX];
    size_t all = 0;
    ssize_t left;
    int k = 0;

    if (!real) real = (ssize_t (*)(int, const struct iovec *, int))next_of("writev");
    if (n < 1 || n > IOV_MAX) return real(fd, v, n);
    for (int i = 0; i < n; i++) all += v[i].iov_len;
    left = part(fd, all);
    if (left < 0) return -1;
    for (; k < n && left > 0; k++) {
        some[k] = v[k];
        if (some[k].iov_len > (size_t)left) some[k].iov_len = (size_t)left;
        left -= (ssize_t)some[k].iov_len;
    }
    return real(fd, some, k);
}
