/* dispatch_room.c -- room in memory for what is about to run: eviction in small parts, before commands. See dispatch.h. */
#include "base/mem.h"
#include "server/dispatch.h"
#include "server/ft.h"
#include "server/latency.h"

static size_t counted_memory(void *ctx)
{
    const struct server *s = ctx;

    return server_used_memory(s) + s->partial_bytes;
}

/* How many pages lie beside large blocks takes some us to ask: not before so much has been allocated and freed that the answer may
 * be another one, nor while all of them could not fill memory. */
static void see_beside(struct server *s)
{
    enum { PART = 64, LEAST = 1 << 20, MOST = 16 << 20, BESIDE = 4 /* the smallest large block has that many pages, and one */ };
    uint64_t limit = s->store->conf.maxmemory, moved = limit / PART;
    size_t used;

    if (moved < LEAST) moved = LEAST;
    if (moved > MOST) moved = MOST;
    if (LIKELY(mem_thread_moved() - s->beside_moved <= moved)) return;
    used = counted_memory(s) - s->beside;
    if (used + used / BESIDE > limit) server_note_beside(s, mem_beside());
}

/* Keep account of how long memory has been above its limit. */
static void note_memory(struct server *s, bool over)
{
    if (over && s->over_memory_since_us == 0) s->over_memory_since_us = s->now_us;
    if (over || s->over_memory_since_us == 0) return;
    s->stats.over_memory_us += (uint64_t)(s->now_us - s->over_memory_since_us);
    s->over_memory_since_us = 0;
}

/* Each turn may spend so long on evicting. When it has, each of its commands evicts a few keys yet (store_evict looks
 * at the clock after so many): more than it adds, if it is small. Those that are not wait (is_held). */
static int64_t eviction_budget(struct server *s)
{
    enum { EVICT_BUDGET_US = 500 };

    if (s->evict_turn != s->turns) s->evict_us = EVICT_BUDGET_US;
    s->evict_turn = s->turns;
    return s->evict_us;
}

/* Memory may be so far above its limit before requests wait. */
static size_t tolerated(const struct server *s)
{
    enum { PART = 64, MOST = 16 << 20 };
    uint64_t part = s->store->conf.maxmemory / PART;

    return part < MOST ? (size_t)part : MOST;
}

/* How far memory is above its limit; 0: as far as it may be. */
static size_t excess(struct server *s)
{
    size_t used = counted_memory(s);

    return used > s->store->conf.maxmemory + tolerated(s) ? used - s->store->conf.maxmemory : 0;
}

enum memory dispatch_make_room(struct server *s)
{
    enum memory m = MEMORY_FINE;
    uint64_t evicted = s->store->stats.evicted;
    int64_t from, took;

    s->memory_excess = 0;
    if (UNLIKELY(mem_is_short())) return MEMORY_OUT;
    if (s->store->conf.maxmemory == 0 || s->store->loading || s->pause_until_ms != 0) return MEMORY_FINE;
    see_beside(s);
    if (UNLIKELY(counted_memory(s) > s->store->conf.maxmemory)) {
        from = clock_mono_us();
        ft_forget_dropped(s);
        if (!store_evict(s->store, counted_memory, s, eviction_budget(s))) {
            m = s->store->stats.evicted != evicted ? MEMORY_EVICTING : MEMORY_OUT;
            if (m == MEMORY_EVICTING) s->memory_excess = excess(s);
        }
        took = clock_mono_us() - from;
        s->evict_us = s->evict_us > took ? s->evict_us - took : 0;
        latency_add(s->latency, "eviction-cycle", took / 1000);
    }
    s->evicting = m == MEMORY_EVICTING;
    note_memory(s, m != MEMORY_FINE);
    return m;
}

bool dispatch_room_lags(const struct server *s)
{
    enum { FAR = 4 };

    return s->memory_excess > FAR * tolerated(s);
}

bool dispatch_fits(size_t argc, const struct str *argv)
{
    enum { ARGUMENT_GUESS = 64 };
    size_t n = 0;

    for (size_t i = 0; i < argc; i++) n += argv[i].n + ARGUMENT_GUESS;
    return mem_can(2 * n);
}
