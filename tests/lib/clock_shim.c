/* clock_shim.c -- a library for LD_PRELOAD: the system's clock as a test says.
 *
 * The file CLOCK_SHIM is mapped: four numbers that the test may change at any time. Only the wall clock is
 * moved; the monotonic one can be made to stand still. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct shim {
    int64_t ahead_ns; /* of the real clock */
    int64_t speed;    /* times the real one's, counted from ... */
    int64_t from_ns;  /* ... this moment by the real clock */
    int64_t stands;   /* the monotonic clock, once it is asked */
};

static const volatile struct shim *shim;
static int (*real)(clockid_t id, struct timespec *t);

static void find(void)
{
    const char *path = getenv("CLOCK_SHIM");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd >= 0 ? mmap(NULL, sizeof *shim, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (at == MAP_FAILED) abort();
    shim = at;
    close(fd);
}

/* It stands at what it says first. (0: it goes.) */
static void stand(struct timespec *t)
{
    static _Atomic int64_t stands_at;
    int64_t at = 0, ns = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;

    if (!shim->stands) {
        if (atomic_load_explicit(&stands_at, memory_order_relaxed) != 0) atomic_store(&stands_at, 0);
        return;
    }
    if (!atomic_compare_exchange_strong(&stands_at, &at, ns)) ns = at;
    t->tv_sec = ns / 1000000000;
    t->tv_nsec = ns % 1000000000;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int64_t ns;
    int r;

    if (!shim) find();
    r = real(id, t);
    if (r == 0 && id == CLOCK_MONOTONIC) stand(t);
    if (r != 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)) return r;
    ns = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
    if (shim->speed > 1) ns += (ns - shim->from_ns) * (shim->speed - 1);
    ns += shim->ahead_ns;
    t->tv_sec = ns / 1000000000;
    t->tv_nsec = ns % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *tv, void *zone)
{
    struct timespec t;
    int r = clock_gettime(CLOCK_REALTIME, &t);

    (void)zone;
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return r;
}

time_t time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out) *out = t.tv_sec;
    return t.tv_sec;
}
