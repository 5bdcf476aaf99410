/* evict.c -- which entries to give up. */
#include "storage/evict.h"

#include "base/mem.h"
#include "storage/db.h"

struct evict {
    int dummy;
};

struct evict *evict_new(void)
{
    return mem_zalloc(sizeof(struct evict));
}

void evict_free(struct evict **ev)
{
    mem_free(*ev);
    *ev = NULL;
}
void evict_start(struct store *s, struct shard *sh, uint64_t hash, struct entry *e)
{
    (void)sh, (void)hash;
    evict_mark(s, e, true);
    e->flags &= (uint8_t)~ENTRY_FREQ;
}
void evict_remember(struct store *s, struct shard *sh, uint64_t hash, const struct entry *e)
{
    (void)s, (void)sh, (void)hash, (void)e;
}
void evict_count(struct store *s, struct entry *e)
{
    (void)s, (void)e;
}
int64_t evict_idle_ms(const struct store *s, const struct entry *e)
{
    (void)s, (void)e;
    return 0;
}
unsigned evict_freq(const struct store *s, const struct entry *e)
{
    (void)s, (void)e;
    return 0;
}
bool store_evict(struct store *s, size_t (*used)(void *ctx), void *ctx, int64_t budget_us)
{
    (void)s, (void)used, (void)ctx, (void)budget_us;
    return false;
}
