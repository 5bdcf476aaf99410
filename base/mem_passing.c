/* mem_passing.c -- an arena without huge pages, for what does not stay.
 *
 * Keys gain from huge pages (mem.c). But the first touch of one is 2 MB to be cleared, which takes a millisecond or
 * two, in the middle of whatever has touched it; and buffers of clients come and go, so that they would touch new ones
 * all the time: a thousand messages a second to subscribers who do not read cost everybody else 1 ms at p99, and
 * 0.1 ms with pages of 4 KB.
 *
 * The arena has its own way to the system, since there is no other way to have one that asks for no huge pages. */
#include "base/mem_passing.h"

#include "base/mem.h"
#include "base/mem_reserve.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

void mem_passing_init(void)
{
}

void *mem_try_realloc_passing(void *p, size_t n)
{
    return mem_try_realloc(p, n);
}

#else

#include <jemalloc/jemalloc.h>
#include <stdlib.h>
#include <sys/mman.h>

static unsigned passing; /* number of the arena; 0: there is none */

static void *map(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* n bytes that begin at a multiple of align: of more than that, what lies before and behind goes back. */
static char *map_aligned(size_t n, size_t align)
{
    char *p = map(n), *whole;
    size_t before;

    if (p == NULL || (uintptr_t)p % align == 0) return p;
    munmap(p, n);
    whole = n > SIZE_MAX - align ? NULL : map(n + align);
    if (whole == NULL) return NULL;
    before = (align - (uintptr_t)whole % align) % align;
    if (before > 0) munmap(whole, before);
    munmap(whole + before + n, align - before);
    return whole + before;
}

static void *give(extent_hooks_t *hooks, void *at, size_t n, size_t align, bool *zero, bool *commit, unsigned arena)
{
    void *p;

    (void)hooks;
    (void)arena;
    if (at != NULL) return NULL; /* it asks for a certain place only to save on its own books */
    p = map_aligned(n, align);
    if (p == NULL) return NULL;
    madvise(p, n, MADV_NOHUGEPAGE);
    *zero = *commit = true;
    return p;
}

static bool purge(extent_hooks_t *hooks, void *p, size_t n, size_t offset, size_t bytes, unsigned arena)
{
    (void)hooks;
    (void)n;
    (void)arena;
    return madvise((char *)p + offset, bytes, MADV_DONTNEED) != 0;
}

static bool may_split(extent_hooks_t *hooks, void *p, size_t n, size_t a, size_t b, bool committed, unsigned arena)
{
    (void)hooks;
    (void)p;
    (void)n;
    (void)a;
    (void)b;
    (void)committed;
    (void)arena;
    return false; /* jemalloc's false is yes */
}

static bool may_merge(extent_hooks_t *hooks, void *p, size_t n, void *q, size_t m, bool committed, unsigned arena)
{
    (void)hooks;
    (void)p;
    (void)n;
    (void)q;
    (void)m;
    (void)committed;
    (void)arena;
    return false;
}

/* Addresses stay with the arena for good, as with the others, and their pages go back (purge). There must be no way to
 * give addresses back: jemalloc merges what lies side by side unless one of them begins a mapping, so what another
 * arena is given in the place of the first half of one of these would be merged with the second. */
static extent_hooks_t ways = { .alloc = give, .purge_forced = purge, .split = may_split, .merge = may_merge };

void mem_passing_init(void)
{
    extent_hooks_t *at = &ways;
    size_t n = sizeof passing;

    if (mallctl("arenas.create", &passing, &n, &at, sizeof at) != 0) passing = 0;
}

void *mem_try_realloc_passing(void *p, size_t n)
{
    if (passing == 0 || n < MEM_PASSING) return mem_try_realloc(p, n);
    if (mem_try_fails()) return NULL;
    if (p == NULL) return mallocx(n, MALLOCX_ARENA(passing) | MALLOCX_TCACHE_NONE);
    return rallocx(p, n, MALLOCX_ARENA(passing) | MALLOCX_TCACHE_NONE);
}

#endif
