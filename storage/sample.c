/* sample.c -- see sample.h. */
#include "storage/sample.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "storage/table.h"

/* Entries seen: open addressing by address, at most half full. */
struct seen {
    const struct entry **slots;
    size_t mask;
};

/* True when e was not there before. */
static bool see(struct seen *s, const struct entry *e)
{
    size_t i = (size_t)(((uintptr_t)e >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20);

    for (;; i++) {
        const struct entry **slot = &s->slots[i & s->mask];
        if (*slot == e) return false;
        if (*slot != NULL) continue;
        *slot = e;
        return true;
    }
}

void sample_entries(const struct table *t, struct rng *r, size_t n,
                    bool (*fn)(void *ctx, const struct entry *e), void *ctx)
{
    struct seen seen = { .mask = 7 };

    ensure(n <= t->count / 3 + 1 && n <= t->count);
    while (seen.mask < 2 * n) seen.mask = seen.mask * 2 + 1;
    seen.slots = mem_zalloc((seen.mask + 1) * sizeof seen.slots[0]);
    while (n > 0) {
        const struct entry *e = table_random_fair(t, r);
        if (!see(&seen, e)) continue;
        if (!fn(ctx, e)) break;
        n--;
    }
    mem_free(seen.slots);
}

bool sample_take(struct rng *r, size_t wanted, size_t left)
{
    return wanted >= left || rng_below(r, left) < wanted;
}
