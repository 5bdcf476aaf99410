/* mem.h -- the counted allocator.
 *
 * All of memd's memory comes from here; jemalloc is behind it and is named nowhere else.
 *
 * When the system gives no more. Small internal allocations never fail: a reserve (MEM_RESERVE) is set aside
 * at the start, and used up piece by piece when the system refuses. From then on until the reserve could be
 * set aside again mem_is_short() is true: whoever takes requests refuses those that need memory. What a client
 * chooses the size of must not eat the reserve: it is asked for with mem_try_alloc or mem_try_realloc, or
 * mem_can is asked before, and NULL or false is the client's error. When the reserve is used up as well the
 * program stops, with words (mem_on_end).
 *
 * mem_used() is exact and O(1) in the number of allocations: jemalloc counts what each thread has
 * allocated and freed, and the sum over the registered threads is what is in use. Under
 * AddressSanitizer, which brings its own malloc, a counter of usable sizes takes that place.
 *
 * The registry of threads and the baseline are the one piece of state outside struct server: the
 * allocator is a property of the process, not of a server. */
#ifndef MEMD_BASE_MEM_H
#define MEMD_BASE_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of size n, uninitialised. Never NULL; n == 0 gives a unique pointer. */
void *mem_alloc(size_t n);

/* As mem_alloc, zeroed. */
void *mem_zalloc(size_t n);

/* Resize p (NULL: allocate) to n bytes, keeping its content up to the smaller size. */
void *mem_realloc(void *p, size_t n);

/* As mem_realloc, keeping the first `used` bytes, which both sizes have room for: takes a quarter of its time where n is small. */
void *mem_resize(void *p, size_t used, size_t n);

/* As mem_alloc and mem_realloc for what need not succeed; NULL when there is no such memory, and p is as it was. */
void *mem_try_alloc(size_t n);
void *mem_try_realloc(void *p, size_t n);

/* As mem_try_realloc for what comes and goes, and is not small: it gets no huge pages, whose first touch takes long
 * (mem_passing.c). Below MEM_PASSING bytes it is the same. */
enum { MEM_PASSING = 40 * 1024 };
void *mem_try_realloc_passing(void *p, size_t n);

/* Are there n bytes to be had now? What is small always is. For work that allocates in many places, or deep
 * down, and about whose size there is an estimate. */
enum { MEM_LARGE = 1 << 20 };
bool mem_can_large(size_t n);
static inline bool mem_can(size_t n)
{
    return n < MEM_LARGE || mem_can_large(n);
}

/* --- the reserve ---------------------------------------------------------------------------------- */

enum { MEM_RESERVE = 16 << 20, MEM_RESERVE_PIECES = 4 };

/* Set aside what is missing of it: at the start, and from time to time while mem_is_short(). The pages are not
 * touched: it is a promise of the system's, not memory in use. True: it is whole. */
bool mem_reserve_fill(void);

extern _Atomic unsigned mem_reserve_missing; /* pieces; for mem_is_short alone */

/* An allocation has failed since the reserve was last whole. */
static inline bool mem_is_short(void)
{
    return atomic_load_explicit(&mem_reserve_missing, memory_order_relaxed) > 0;
}

/* Most of the reserve is used: what is not to be left half done goes on until then. */
static inline bool mem_is_scarce(void)
{
    return atomic_load_explicit(&mem_reserve_missing, memory_order_relaxed) > MEM_RESERVE_PIECES / 2;
}

/* Allocations that the system refused and the reserve gave. */
uint64_t mem_failures(void);

/* Called before the program stops for want of n bytes; it should allocate little. */
void mem_on_end(void (*fn)(void *ctx, size_t n), void *ctx);

/* --- more ----------------------------------------------------------------------------------------- */

/* Aligned allocation; align is a power of two. Freed by mem_free. */
void *mem_alloc_aligned(size_t align, size_t n);

/* Free p; NULL is allowed. */
void mem_free(void *p);

/* Free p, which was allocated with a size of the class of n: cheaper than mem_free. */
void mem_free_sized(void *p, size_t n);

/* The size that an allocation of n bytes really gets (nallocx). Ask for this much and use it:
 * jemalloc has size classes 16 apart up to 128, then 4 per doubling. n is at least 1. */
size_t mem_good_size(size_t n);

/* The real size of the allocation p (sallocx). */
size_t mem_usable(const void *p);

/* A copy of n bytes. */
void *mem_dup(const void *p, size_t n);

/* Count the calling thread in mem_used. Each thread that allocates or frees calls this once at its
 * start, and mem_thread_leave before it ends. The main thread is registered by mem_init. */
void mem_thread_enter(void);
void mem_thread_leave(void);

/* Let the allocator have threads of its own, which give freed pages back. Not before the process has given up what its
 * threads shall not have. */
void mem_start_threads(void);

/* Call once, first thing in main (and in a test's main). */
void mem_init(void);

/* Bytes in use now, all registered threads together. */
size_t mem_used(void);

/* Does it count what libraries allocate by malloc? Under sanitizers it does not. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEM_COUNTS_LIBRARIES false
#else
#define MEM_COUNTS_LIBRARIES true
#endif

/* What the calling thread has allocated less what it has freed, whoever allocated it: only a difference between two
 * calls means something. Whatever calls malloc counts, libraries too. A few instructions. */
uint64_t mem_thread_used(void);

/* What the calling thread has allocated and what it has freed, in sum: it never falls, so it tells how much may have changed. */
uint64_t mem_thread_moved(void);

/* The same of one thread since mem_watch_begin, which it calls, asked for by others while it lives: for a thread that
 * keeps what it allocates to itself. */
struct mem_watch {
    const uint64_t *allocated, *freed; /* NULL: not begun */
    uint64_t base;
};
void mem_watch_begin(struct mem_watch *w);
size_t mem_watch_bytes(const struct mem_watch *w);

/* Figures of the allocator for INFO memory and MEMORY STATS, refreshed at each call (a few us). */
struct mem_stats {
    size_t allocated; /* bytes in live allocations */
    size_t active;    /* bytes in pages that hold any */
    size_t resident;  /* bytes physically resident in the allocator */
    size_t beside;    /* of those that are active: the pages that large blocks have and nobody counts */
    size_t retained;
    size_t muzzy;
};
void mem_stats(struct mem_stats *out);

/* The same of `beside` alone. jemalloc gives each block of more than 14 KB a page on top, so that they do not all begin in the same
 * cache lines; neither it nor mem_used() counts them, and for blocks of 16 KB they are a quarter. */
size_t mem_beside(void);

/* Give unused pages back to the system. */
void mem_purge(void);

/* For tests: let the nth of the next mem_try_alloc, mem_try_realloc and mem_can fail, 1 being the next one, and with
 * `on` all that follow it; 0: none. How many have been asked since the last call. */
uint64_t mem_fail_try(uint64_t nth, bool on);

/* For tests: a number of the allocator by its own name for it ("arenas.page"), or something that it is told to
 * do ("thread.tcache.flush"). 0, or the error as errno has it; ENOENT where the allocator has no names. */
int mem_number(const char *name, int64_t *out);
int mem_do(const char *name);

#endif
