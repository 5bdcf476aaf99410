/* malloc_shim.c -- a library for LD_PRELOAD: allocations fail as a test says.
 *
 * The file MALLOC_SHIM is mapped; the test may change its numbers at any time. What the daemon takes by malloc,
 * calloc and realloc is counted; its reserve comes by mallocx, which can be made to fail for itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct shim {
    int64_t left;     /* allocations until one fails; 0: none does */
    int64_t on;       /* all that follow it fail too */
    int64_t failed;   /* counted here */
    int64_t no_more;  /* mallocx fails as well */
    int64_t from;     /* only allocations of so many bytes count */
};

static struct shim idle, *shim = &idle;
static int looked;

static void look(void)
{
    const char *path = getenv("MALLOC_SHIM");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = fd >= 0 ? mmap(NULL, sizeof *shim, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

    looked = 1;
    if (at != MAP_FAILED) shim = at;
    if (fd >= 0) close(fd);
}

static int fails(size_t n)
{
    if (!looked) look();
    if (shim->left == 0 || (int64_t)n < shim->from) return 0;
    if (__atomic_load_n(&shim->left, __ATOMIC_RELAXED) > 1) {
        __atomic_fetch_sub(&shim->left, 1, __ATOMIC_RELAXED);
        return 0;
    }
    if (!shim->on) shim->left = 0;
    shim->failed++;
    errno = ENOMEM;
    return 1;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

void *malloc(size_t n)
{
    REAL(malloc);
    return fails(n) ? NULL : real(n);
}

void *calloc(size_t m, size_t n)
{
    REAL(calloc);
    return fails(m * n) ? NULL : real(m, n);
}

void *realloc(void *p, size_t n)
{
    REAL(realloc);
    return fails(n) ? NULL : real(p, n);
}

void *mallocx(size_t n, int flags);
void *mallocx(size_t n, int flags)
{
    REAL(mallocx);
    if (!looked) look();
    if (shim->no_more) {
        shim->failed++;
        return NULL;
    }
    return real(n, flags);
}
