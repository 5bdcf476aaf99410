/* evict.h -- what the clock field of an entry means, and which entries to give up.
 *
 * The clock of an entry is kept under every policy: 24 bits of seconds of its last use, or under
 * the lfu names 16 bits of minutes and an 8-bit logarithmic counter as in Redis. Under the lrm
 * names only writes move it. */
#ifndef MEMD_STORAGE_EVICT_H
#define MEMD_STORAGE_EVICT_H

#include "storage/store.h"

struct evict;

struct evict *evict_new(void);
void evict_free(struct evict **ev);

/* Start the clock of e, which is about to be put into db under hash. */
void evict_start(struct db *db, uint64_t hash, struct entry *e);

/* Two databases are about to exchange their content. */
void evict_swap(struct store *s, int a, int b);

/* Would the policy of the whole store take e? Not what its namespace has reserved room for, nor what must not
 * leave yet. */
bool evict_may_take_slow(const struct db *db, const struct entry *e);
static inline bool evict_may_take(const struct db *db, const struct entry *e)
{
    return __builtin_expect(e->ns == 0, 1) || evict_may_take_slow(db, e);
}

/* The policy gives e up. False: it is not there (it had expired). */
bool evict_remove(struct db *db, const struct entry *e);

/* Count a use under the lfu names (slow path of evict_mark). */
void evict_count(struct store *s, struct entry *e);

static inline bool evict_is_lfu(enum evict_policy p)
{
    return p == EVICT_ALL_LFU || p == EVICT_TTL_LFU;
}

static inline bool evict_is_lrm(enum evict_policy p)
{
    return p == EVICT_ALL_LRM || p == EVICT_TTL_LRM;
}

/* Record a use of e. */
static inline void evict_mark(struct store *s, struct entry *e, bool write)
{
    enum evict_policy p = s->conf.policy;
    uint32_t now = (uint32_t)((uint64_t)s->now_ms / 1000) & 0xffffff;
    char *clock = (char *)e + offsetof(struct entry, clock);
    uint32_t old;

    if (UNLIKELY(s->no_touch)) return;
    if (UNLIKELY(evict_is_lfu(p))) {
        evict_count(s, e);
        return;
    }
    if (UNLIKELY(evict_is_lrm(p)) && !write) return;
    /* Compare before storing: a line that stays clean need not be written back. */
    memcpy(&old, clock, sizeof old); /* and klen, which follows */
    if ((old & 0xffffff) != now) {
        old = (old & 0xff000000) | now;
        memcpy(clock, &old, sizeof old);
    }
    if ((e->flags & ENTRY_FREQ) != ENTRY_FREQ) e->flags += ENTRY_FREQ_ONE;
}

/* OBJECT IDLETIME in ms, OBJECT FREQ: sensible only under a policy that keeps them. */
int64_t evict_idle_ms(const struct store *s, const struct entry *e);
unsigned evict_freq(const struct store *s, const struct entry *e);

/* Set them (RESTORE's IDLETIME and FREQ). */
void evict_set_idle(const struct store *s, struct entry *e, int64_t idle_ms);
void evict_set_freq(const struct store *s, struct entry *e, unsigned freq);

#endif
