/* mem_reserve.c -- what is done when the system gives no more memory.
 *
 * The reserve is made of large allocations in the first arena, never touched. It is jemalloc's own and not the
 * system's (mmap), since jemalloc keeps the addresses of what is freed: where their number is limited
 * (ulimit -v) a reserve of the system's could never be set aside again, however much is deleted. Pieces are
 * below jemalloc's bound for huge allocations, which would come from an arena of their own and help nobody
 * else. A thread of another arena takes what it needs from the first one too.
 *
 * Where memory is limited by a control group nothing here happens: the kernel does not refuse, it kills. */
#include "base/mem_reserve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/mem.h"

_Atomic unsigned mem_reserve_missing;

static _Atomic uint64_t failures;
static void (*on_end)(void *ctx, size_t n);
static void *on_end_ctx;

uint64_t mem_failures(void)
{
    return atomic_load_explicit(&failures, memory_order_relaxed);
}

void mem_on_end(void (*fn)(void *ctx, size_t n), void *ctx)
{
    on_end = fn;
    on_end_ctx = ctx;
}

bool mem_can_large(size_t n)
{
    void *p = mem_try_alloc(n);

    mem_free(p);
    return p != NULL;
}

/* --- for tests ---------------------------------------------------------------------------------------- */

static _Atomic uint64_t tries, failing_try;
static _Atomic bool failing_on;

uint64_t mem_fail_try(uint64_t nth, bool on)
{
    failing_try = nth;
    failing_on = on;
    return atomic_exchange(&tries, 0);
}

bool mem_try_fails(void)
{
    uint64_t n = atomic_fetch_add(&tries, 1) + 1, from = failing_try;

    return from != 0 && (n == from || (failing_on && n > from));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

/* Its malloc ends the program by itself when there is no more. */
bool mem_reserve_fill(void)
{
    return true;
}

#else

#include <jemalloc/jemalloc.h>

enum { PIECES = MEM_RESERVE_PIECES, PIECE = MEM_RESERVE / PIECES, FIRST_ARENA = MALLOCX_ARENA(0) | MALLOCX_TCACHE_NONE };

static void *_Atomic pieces[PIECES];
static _Atomic size_t held;

size_t mem_reserve_held(void)
{
    return atomic_load_explicit(&held, memory_order_relaxed);
}

bool mem_reserve_fill(void)
{
    unsigned missing = 0;

    for (int i = 0; i < PIECES; i++) {
        void *p = pieces[i] ? NULL : mallocx(PIECE, FIRST_ARENA);

        if (p) {
            pieces[i] = p;
            held += sallocx(p, 0);
        }
        missing += pieces[i] == NULL;
    }
    mem_reserve_missing = missing;
    return missing == 0;
}

/* Give a piece to the arena. False: there is none left. What was freed a moment ago jemalloc does not cut up for
 * allocations that are very much smaller; once it is purged it does. */
static bool give_piece(void)
{
    for (int i = 0; i < PIECES; i++) {
        void *p = atomic_exchange(&pieces[i], NULL);

        if (!p) continue;
        mem_reserve_missing++;
        held -= sallocx(p, 0);
        dallocx(p, MALLOCX_TCACHE_NONE);
        mallctl("arena.0.purge", NULL, NULL, NULL, 0);
        return true;
    }
    return false;
}

static _Noreturn void end(size_t n)
{
    char text[160];
    int len = snprintf(text, sizeof text, "memd: out of memory: %zu bytes are not to be had, and the reserve is used "
                       "up. What was acknowledged is in the log.\n", n);

    if (on_end) on_end(on_end_ctx, n);
    else if (write(STDERR_FILENO, text, (size_t)len) != len) { /* nobody listens */ }
    abort();
}

void *mem_reserve_alloc(size_t n, size_t align, bool zero)
{
    int flags = FIRST_ARENA | (zero ? MALLOCX_ZERO : 0) | (align ? MALLOCX_ALIGN(align) : 0);
    void *p;

    if (n == 0) n = 1;
    atomic_fetch_add(&failures, 1);
    if (mem_reserve_missing == 0) give_piece(); /* that there is something behind it has to be seen */
    do {
        p = mallocx(n, flags);
    } while (!p && give_piece());
    if (!p) end(n);
    return p;
}

void *mem_reserve_realloc(void *p, size_t n)
{
    void *q = mem_reserve_alloc(n, 0, false);

    if (!p) return q;
    size_t had = sallocx(p, 0);

    memcpy(q, p, had < n ? had : n);
    free(p);
    return q;
}

#endif
