/* mem.c -- jemalloc, and the sum over its threads.
 *
 * jemalloc counts per thread what was allocated and what was freed, each in a word that only that
 * thread writes. A block may be freed by another thread than allocated it, so the difference of one
 * thread means nothing (it may wrap below zero), but the sum of all differences is what is in use.
 *
 * The main thread lives as long as the program: its words are read as they are. Those of another
 * thread lie in its own memory, which is gone when it ends; the registry's lock makes it wait for a
 * reader before it leaves. The main thread asks before each write where maxmemory is set: the lock is biased to it. */
#include "base/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/biased.h"
#include "base/ensure.h"
#include "base/mem_passing.h"
#include "base/mem_reserve.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

#include <malloc.h>

/* Of sanitizer/allocator_interface.h, which gcc's packages do not all have. */
size_t __sanitizer_get_current_allocated_bytes(void);

static _Atomic size_t used_bytes;
static _Thread_local uint64_t own_allocated, own_freed; /* of it, by this thread: what jemalloc counts by itself */

#define MOST ((size_t)1 << 36) /* asked for more, its malloc ends the program */

static void *counted(void *p)
{
    size_t n = malloc_usable_size(p);

    ensure(p != NULL);
    atomic_fetch_add_explicit(&used_bytes, n, memory_order_relaxed);
    __atomic_store_n(&own_allocated, own_allocated + n, __ATOMIC_RELAXED);
    return p;
}

static void uncount(size_t n)
{
    atomic_fetch_sub_explicit(&used_bytes, n, memory_order_relaxed);
    __atomic_store_n(&own_freed, own_freed + n, __ATOMIC_RELAXED);
}

void *mem_alloc(size_t n)
{
    return counted(malloc(n));
}

void *mem_zalloc(size_t n)
{
    return counted(calloc(1, n));
}

void *mem_realloc(void *p, size_t n)
{
    uncount(malloc_usable_size(p));
    return counted(realloc(p, n == 0 ? 1 : n));
}

void *mem_try_alloc(size_t n)
{
    void *p = mem_try_fails() || n > MOST ? NULL : malloc(n);

    return p ? counted(p) : NULL;
}

void *mem_try_realloc(void *p, size_t n)
{
    size_t before = malloc_usable_size(p);
    void *q = mem_try_fails() || n > MOST ? NULL : realloc(p, n == 0 ? 1 : n);

    if (q == NULL) return NULL;
    uncount(before);
    return counted(q);
}

void *mem_alloc_aligned(size_t align, size_t n)
{
    void *p = NULL;

    if (align < sizeof(void *)) align = sizeof(void *);
    ensure(posix_memalign(&p, align, n) == 0);
    return counted(p);
}

void mem_free(void *p)
{
    uncount(malloc_usable_size(p));
    free(p);
}

void mem_free_sized(void *p, size_t n)
{
    ensure(mem_usable(p) <= mem_good_size(n == 0 ? 1 : n));
    mem_free(p);
}

size_t mem_good_size(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

size_t mem_usable(const void *p)
{
    return malloc_usable_size((void *)(uintptr_t)p);
}

void mem_thread_enter(void)
{
}

void mem_thread_leave(void)
{
}

void mem_init(void)
{
}

size_t mem_used(void)
{
    return atomic_load_explicit(&used_bytes, memory_order_relaxed);
}

/* All threads together: good enough for a test. */
uint64_t mem_thread_used(void)
{
    return __sanitizer_get_current_allocated_bytes();
}

uint64_t mem_thread_moved(void)
{
    return own_allocated + own_freed;
}

size_t mem_beside(void)
{
    return 0;
}

/* What does not go through mem_alloc is not counted here in the first place. */
void mem_watch_begin(struct mem_watch *w)
{
    *w = (struct mem_watch){ &own_allocated, &own_freed, own_allocated - own_freed };
}

size_t mem_watch_bytes(const struct mem_watch *w)
{
    int64_t n;

    if (w->allocated == NULL) return 0;
    n = (int64_t)(__atomic_load_n(w->allocated, __ATOMIC_RELAXED) - __atomic_load_n(w->freed, __ATOMIC_RELAXED) - w->base);
    return n > 0 ? (size_t)n : 0;
}

void mem_stats(struct mem_stats *out)
{
    size_t n = mem_used();

    *out = (struct mem_stats){ .allocated = n, .active = n, .resident = n };
}

void mem_purge(void)
{
}

int mem_number(const char *name, int64_t *out)
{
    (void)name;
    (void)out;
    return ENOENT;
}

int mem_do(const char *name)
{
    (void)name;
    return ENOENT;
}

void mem_start_threads(void)
{
}

#else

#include <jemalloc/jemalloc.h>

/* Freed pages go back to the system by jemalloc's own thread (mem_start_threads), not in the middle of a command, and within half
 * a second: who frees a million keys sees it at once, and no speed was seen to depend on keeping them longer;
 * without fork there is no reason to avoid huge pages, and where every key lies on another page they
 * save an eighth of a GET's time and a quarter of reading a session (an empty server has 8 MB more
 * resident for it); few threads allocate, so two arenas waste the least. */
const char *malloc_conf = "dirty_decay_ms:500,muzzy_decay_ms:0,narenas:2,"
                          "metadata_thp:auto,thp:always,abort_conf:false";

enum { SMALL_MAX = 4096, THREADS_MAX = 64 }; /* SMALL_MAX: blocks of lists and streams are asked about often */

struct counters {
    const uint64_t *allocated;
    const uint64_t *freed;
};

static uint16_t small_sizes[SMALL_MAX / 8 + 1]; /* the class of i * 8 bytes */

static struct counters of_main;
static _Thread_local bool is_main;
static struct biased lock = BIASED_INITIALIZER; /* the main thread's */
static struct counters others[THREADS_MAX];     /* under lock */
static unsigned n_others;                       /* the same */
static uint64_t retired_bytes;                  /* the same: net sum of the threads that left */

static uint64_t net(struct counters c)
{
    return __atomic_load_n(c.allocated, __ATOMIC_RELAXED) -
           __atomic_load_n(c.freed, __ATOMIC_RELAXED);
}

static struct counters own_counters(void)
{
    struct counters c;
    size_t n = sizeof(uint64_t *);

    ensure(mallctl("thread.allocatedp", &c.allocated, &n, NULL, 0) == 0);
    ensure(mallctl("thread.deallocatedp", &c.freed, &n, NULL, 0) == 0);
    return c;
}

void *mem_alloc(size_t n)
{
    void *p = malloc(n);

    if (p != NULL) return p;
    return mem_reserve_alloc(n, 0, false);
}

void *mem_zalloc(size_t n)
{
    void *p = calloc(1, n);

    if (p != NULL) return p;
    return mem_reserve_alloc(n, 0, true);
}

void *mem_realloc(void *p, size_t n)
{
    void *q = realloc(p, n == 0 ? 1 : n);

    if (q != NULL) return q;
    return mem_reserve_realloc(p, n);
}

void *mem_try_alloc(size_t n)
{
    return mem_try_fails() ? NULL : malloc(n == 0 ? 1 : n);
}

void *mem_try_realloc(void *p, size_t n)
{
    return mem_try_fails() ? NULL : realloc(p, n == 0 ? 1 : n);
}

void *mem_alloc_aligned(size_t align, size_t n)
{
    void *p = mallocx(n == 0 ? 1 : n, MALLOCX_ALIGN(align));

    return LIKELY(p != NULL) ? p : mem_reserve_alloc(n, align, false);
}

void mem_free(void *p)
{
    free(p);
}

void mem_free_sized(void *p, size_t n)
{
    sdallocx(p, n == 0 ? 1 : n, 0);
}

size_t mem_good_size(size_t n)
{
    if (LIKELY(n <= SMALL_MAX)) return small_sizes[(n + 7) / 8];
    return nallocx(n, 0);
}

size_t mem_usable(const void *p)
{
    return sallocx(p, 0);
}

void mem_thread_enter(void)
{
    struct counters c = own_counters();

    biased_lock(&lock);
    ensure(n_others < THREADS_MAX);
    others[n_others] = c;
    n_others++;
    biased_unlock(&lock);
}

void mem_thread_leave(void)
{
    struct counters c = own_counters();
    unsigned i = 0;

    biased_lock(&lock);
    while (i < n_others && others[i].allocated != c.allocated) i++;
    ensure(i < n_others); /* the thread had entered */
    retired_bytes += net(c);
    n_others--;
    others[i] = others[n_others];
    biased_unlock(&lock);
}

void mem_init(void)
{
    for (size_t i = 1; i <= SMALL_MAX / 8; i++) small_sizes[i] = (uint16_t)nallocx(i * 8, 0);
    small_sizes[0] = small_sizes[1];
    of_main = own_counters();
    is_main = true;
    biased_init(&lock);
    mem_passing_init();
}

static uint64_t sum_of_others(void)
{
    uint64_t sum = retired_bytes;

    for (unsigned i = 0; i < n_others; i++) sum += net(others[i]);
    return sum;
}

size_t mem_used(void)
{
    uint64_t sum;

    if (LIKELY(is_main)) {
        biased_enter(&lock);
        sum = sum_of_others();
        biased_leave(&lock);
    } else {
        biased_lock(&lock);
        sum = sum_of_others();
        biased_unlock(&lock);
    }
    return net(of_main) + sum - mem_reserve_held();
}

/* Where the words lie is asked for once. */
static struct counters known_counters(void)
{
    static _Thread_local struct counters own;

    if (UNLIKELY(own.allocated == NULL)) own = own_counters();
    return own;
}

uint64_t mem_thread_used(void)
{
    return net(known_counters());
}

uint64_t mem_thread_moved(void)
{
    struct counters own = known_counters();

    return *own.allocated + *own.freed;
}

void mem_watch_begin(struct mem_watch *w)
{
    struct counters own = own_counters();

    *w = (struct mem_watch){ own.allocated, own.freed, net(own) };
}

/* The two words are read one after the other: a moment's difference may look like less than nothing. */
size_t mem_watch_bytes(const struct mem_watch *w)
{
    int64_t n;

    if (w->allocated == NULL) return 0;
    n = (int64_t)(net((struct counters){ w->allocated, w->freed }) - w->base);
    return n > 0 ? (size_t)n : 0;
}

static size_t stat_of(const char *name)
{
    size_t value = 0;
    size_t n = sizeof value;

    return mallctl(name, &value, &n, NULL, 0) == 0 ? value : 0;
}

#define TEXT(x) #x
#define ALL_ARENAS(x) TEXT(x) /* MALLCTL_ARENAS_ALL is a number: put it into a name */
#define OF_ALL "stats.arenas." ALL_ARENAS(MALLCTL_ARENAS_ALL) "."

static void refresh_stats(void)
{
    uint64_t epoch = 1;

    mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
}

/* Blocks in caches of threads have their pages too. How many large ones there are is told; that they have a page on top is an
 * option, which 5.3.0 does not let anybody set. */
static size_t beside(void)
{
    bool has = true;
    size_t n = sizeof has;

    mallctl("config.cache_oblivious", &has, &n, NULL, 0);
    mallctl("opt.cache_oblivious", &has, &n, NULL, 0); /* not in versions before */
    return has ? (stat_of(OF_ALL "large.nmalloc") - stat_of(OF_ALL "large.ndalloc")) * stat_of("arenas.page") : 0;
}

size_t mem_beside(void)
{
    refresh_stats();
    return beside();
}

void mem_stats(struct mem_stats *out)
{
    refresh_stats();
    out->allocated = stat_of("stats.allocated") - mem_reserve_held();
    out->active = stat_of("stats.active") - mem_reserve_held();
    out->resident = stat_of("stats.resident") - mem_reserve_held(); /* which is never touched */
    out->retained = stat_of("stats.retained");
    out->muzzy = stat_of(OF_ALL "pmuzzy") * stat_of("arenas.page");
    out->beside = beside();
}

void mem_purge(void)
{
    mallctl("arena." ALL_ARENAS(MALLCTL_ARENAS_ALL) ".purge", NULL, NULL, NULL, 0);
}

/* Numbers are of 8, 4 or 1 bytes, which only trying tells. */
int mem_number(const char *name, int64_t *out)
{
    uint64_t v8 = 0;
    uint32_t v4 = 0;
    bool v1 = false;
    size_t n = sizeof v8;
    int e = mallctl(name, &v8, &n, NULL, 0);

    if (e == EINVAL) {
        n = sizeof v4;
        e = mallctl(name, &v4, &n, NULL, 0);
        v8 = v4;
    }
    if (e == EINVAL) {
        n = sizeof v1;
        e = mallctl(name, &v1, &n, NULL, 0);
        v8 = v1;
    }
    if (e == 0) *out = (int64_t)v8;
    return e;
}

int mem_do(const char *name)
{
    return mallctl(name, NULL, NULL, NULL, 0);
}

void mem_start_threads(void)
{
    bool yes = true;

    mallctl("background_thread", NULL, NULL, &yes, sizeof yes); /* without them the other threads do their work */
}

#endif

void *mem_dup(const void *p, size_t n)
{
    void *copy = mem_alloc(n);

    if (n > 0) memcpy(copy, p, n);
    return copy;
}

/* jemalloc's realloc is made for what is large: it leaves the short ways that malloc and free have. */
void *mem_resize(void *p, size_t used, size_t n)
{
    enum { SMALL = 1024 };
    void *to;

    if (n > SMALL) return mem_realloc(p, n);
    to = mem_alloc(n);
    if (used > 0) memcpy(to, p, used);
    mem_free(p);
    return to;
}
