/* fault_shim.c -- a library for LD_PRELOAD: system calls fail as a test says.
 *
 * The file FAULT_SHIM is mapped: for each call two numbers that the test may change at any time: errno (0: it
 * does not fail), and how many calls succeed before. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLOCK, THREAD, ACCEPT, CALLS };

static volatile int64_t (*faults)[2];

static void *find(const char *name)
{
    if (!faults) {
        const char *path = getenv("FAULT_SHIM");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *at = fd >= 0 ? mmap(NULL, CALLS * sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

        if (at == MAP_FAILED) abort();
        faults = at;
        close(fd);
    }
    return dlsym(RTLD_NEXT, name);
}

/* 0, or the error of this call. */
static int error_of(int call)
{
    if (faults[call][0] == 0) return 0;
    if (faults[call][1] > 0) {
        faults[call][1]--;
        return 0;
    }
    return (int)faults[call][0];
}

int flock(int fd, int how)
{
    int (*real)(int, int) = (int (*)(int, int))find("flock");

    if ((errno = error_of(FLOCK)) != 0) return -1;
    return real(fd, how);
}

int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))find("pthread_create");
    int e = error_of(THREAD);

    return e ? e : real(t, a, fn, arg);
}

int accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    int (*real)(int, struct sockaddr *, socklen_t *, int) = (int (*)(int, struct sockaddr *, socklen_t *, int))find("accept4");

    if ((errno = error_of(ACCEPT)) != 0) return -1;
    return real(fd, a, n, flags);
}
