/* evict.c -- clocks, and the loop that makes room.
 *
 * lru names      S3-FIFO (s3fifo.h)
 * lfu, lrm, ttl  as Redis: the best of a few sampled entries, kept in a pool over calls
 * random         any entry
 *
 * A sample is a bucket that the shard's hand passes: hashes being random, consecutive buckets are
 * as good as scattered ones, and a sparse policy (few keys with a TTL) still meets every key in a
 * round. */
#include "storage/evict.h"

#include "base/clock.h"
#include "base/mem.h"
#include "storage/db.h"
#include "storage/namespace_ledger.h"
#include "storage/s3fifo.h"

enum { POOL = 16, LFU_START = 5, PATIENCE = 512 };

/* A key that may be given up; the lower the score the sooner. */
struct candidate {
    uint64_t hash;
    int db;
    int64_t score;
};

struct evict {
    struct s3fifo *s3;
    struct candidate pool[POOL]; /* by score, worst last */
    int n_pool;
    enum evict_policy policy; /* which the scores in the pool belong to */
    size_t aside;             /* bytes that this call of store_evict gave to `defer` */
    unsigned refused;         /* keys that were found and had to stay, since one went */
};

struct evict *evict_new(void)
{
    struct evict *ev = mem_zalloc(sizeof *ev);

    ev->s3 = s3fifo_new();
    return ev;
}

void evict_free(struct evict **ev)
{
    if (!*ev) return;
    s3fifo_free(&(*ev)->s3);
    mem_free(*ev);
    *ev = NULL;
}

/* --- the clock as seconds --------------------------------------------------------------------- */

static uint32_t clock_seconds(const struct store *s)
{
    return (uint32_t)((uint64_t)s->now_ms / 1000) & 0xffffff;
}

static uint32_t clock_get(const struct entry *e)
{
    return e->clock[0] | (uint32_t)e->clock[1] << 8 | (uint32_t)e->clock[2] << 16;
}

static void clock_set(struct entry *e, uint32_t v)
{
    e->clock[0] = (uint8_t)v;
    e->clock[1] = (uint8_t)(v >> 8);
    e->clock[2] = (uint8_t)(v >> 16);
}

int64_t evict_idle_ms(const struct store *s, const struct entry *e)
{
    enum {
        BACK = 24 * 3600
    }; /* a wall clock set back by less than this is no idle time of 194 days */
    uint32_t idle = (clock_seconds(s) - clock_get(e)) & 0xffffff;

    return idle > 0xffffff - BACK ? 0 : (int64_t)idle * 1000;
}

void evict_set_idle(const struct store *s, struct entry *e, int64_t idle_ms)
{
    clock_set(e, (clock_seconds(s) - (uint32_t)(idle_ms / 1000)) & 0xffffff);
}

/* --- the clock as a counter ------------------------------------------------------------------- */

static uint32_t clock_minutes(const struct store *s)
{
    return (uint32_t)((uint64_t)s->now_ms / 60000) & 0xffff;
}

/* The counter loses one every lfu-decay-time minutes. */
unsigned evict_freq(const struct store *s, const struct entry *e)
{
    uint32_t c = clock_get(e);
    unsigned counter = c & 0xff, decay = (unsigned)s->conf.lfu_decay_time;
    unsigned lost = decay ? ((clock_minutes(s) - (c >> 8)) & 0xffff) / decay : 0;

    return lost > counter ? 0 : counter - lost;
}

void evict_set_freq(const struct store *s, struct entry *e, unsigned freq)
{
    clock_set(e, freq | clock_minutes(s) << 8);
}

/* The higher the counter, the less likely a use moves it: 255 stands for about a million uses at a
 * factor of 10. */
void evict_count(struct store *s, struct entry *e)
{
    unsigned counter = evict_freq(s, e);
    unsigned above = counter > LFU_START ? counter - LFU_START : 0;
    double odds = 1.0 / ((double)above * s->conf.lfu_log_factor + 1);

    if (counter < 255 && (above == 0 || rng_unit(&s->rng) < odds)) counter++;
    evict_set_freq(s, e, counter);
}

void evict_start(struct db *db, uint64_t hash, struct entry *e)
{
    struct store *s = db->store;

    enum evict_policy p = s->conf.policy;

    e->flags &= (uint8_t) ~(ENTRY_MAIN | ENTRY_FREQ);
    if (UNLIKELY(evict_is_lfu(p)))
        evict_set_freq(s, e, LFU_START);
    else
        clock_set(e, clock_seconds(s));
    if (p == EVICT_ALL_LRU || p == EVICT_TTL_LRU)
        s3fifo_add(s->evict->s3, db, hash, e);
    else
        e->flags |= ENTRY_MAIN;
}

void evict_swap(struct store *s, int a, int b)
{
    s3fifo_swap(s->evict->s3, a, b);
    s->evict->n_pool = 0;
}

bool evict_may_take_slow(const struct db *db, const struct entry *e)
{
    if (!ns_is_reserved(db->store, e) && db_may_leave(db, e, false)) return true;
    db->store->evict->refused++;
    return false;
}

bool evict_remove(struct db *db, const struct entry *e)
{
    struct store *st = db->store;
    uint64_t freed = st->stats.lazy_freed;
    size_t bytes = st->defer ? db_value_bytes(e, 5) : 0;
    struct slot s;

    if (!db_find_victim(db, e, &s)) return false;
    db_remove(&s, CHANGE_EVICTED, true);
    st->evict->refused = 0;
    if (st->stats.lazy_freed != freed) st->evict->aside += bytes;
    return true;
}

/* --- the pool --------------------------------------------------------------------------------- */

static bool only_ttl(enum evict_policy p)
{
    return p >= EVICT_TTL_LRU;
}

static int64_t score(const struct store *s, const struct entry *e)
{
    if (evict_is_lfu(s->conf.policy)) return evict_freq(s, e);
    if (s->conf.policy == EVICT_TTL_SOONEST) return entry_expire_at(e);
    return -evict_idle_ms(s, e);
}

/* Keep c when it is better than the worst in a full pool. */
static void pool_offer(struct evict *ev, const struct candidate *c)
{
    int i = ev->n_pool;

    for (int k = 0; k < ev->n_pool; k++)
        if (ev->pool[k].hash == c->hash && ev->pool[k].db == c->db) return;
    if (i == POOL && c->score >= ev->pool[POOL - 1].score) return;
    if (i == POOL)
        i--;
    else
        ev->n_pool++;
    for (; i > 0 && ev->pool[i - 1].score > c->score; i--) ev->pool[i] = ev->pool[i - 1];
    ev->pool[i] = *c;
}

struct sample {
    struct store *store;
    int db;
    int n;
};

static void sample_one(void *ctx, struct entry *e)
{
    struct sample *sm = ctx;
    struct store *s = sm->store;

    if (only_ttl(s->conf.policy) && !entry_expires(e)) return;
    if (!evict_may_take(s->dbs[sm->db], e)) return;
    sm->n++;
    pool_offer(s->evict,
               &(struct candidate){ hash_bytes(&s->hash_key, entry_key(e)), sm->db, score(s, e) });
}

/* Look at maxmemory-samples entries of each database, or at a number of buckets in vain. */
static void fill_pool(struct store *s)
{
    for (int i = 0; i < s->conf.databases; i++) {
        struct db *db = s->dbs[i];
        struct sample sm = { s, i, 0 };

        if (db->n_keys == 0 || (only_ttl(s->conf.policy) && db->n_expires == 0)) continue;
        for (int tries = 0; sm.n < s->conf.maxmemory_samples && tries < PATIENCE; tries++) {
            struct shard *sh = &db->shards[rng_below(&s->rng, STORE_SHARDS)];

            if (sh->keys.count) table_hand(&sh->keys, &sh->hand, sample_one, &sm);
        }
    }
}

struct fit {
    bool only_ttl;
    struct entry *e;
    const struct db *db;
};

static bool fits(void *ctx, struct entry *e)
{
    struct fit *f = ctx;

    if (f->only_ttl && !entry_expires(e)) return true;
    f->e = e;
    return false;
}

static bool evict_from_pool(struct store *s)
{
    struct evict *ev = s->evict;

    if (ev->policy != s->conf.policy) ev->n_pool = 0;
    ev->policy = s->conf.policy;
    fill_pool(s);
    while (ev->n_pool > 0) {
        struct candidate c = ev->pool[0];
        struct db *db = s->dbs[c.db];
        struct fit f = { only_ttl(s->conf.policy), NULL, db };

        memmove(ev->pool, ev->pool + 1, (size_t)--ev->n_pool * sizeof ev->pool[0]);
        table_candidates(&db_shard(db, c.hash)->keys, c.hash, fits, &f);
        if (!f.e || !evict_may_take(db, f.e)) continue;
        (void)evict_remove(db, f.e);
        return true;
    }
    return false;
}

/* --- making room ------------------------------------------------------------------------------ */

static void take_any(void *ctx, struct entry *e)
{
    struct fit *f = ctx;

    if ((!f->only_ttl || entry_expires(e)) && evict_may_take(f->db, e)) f->e = e;
}

static bool evict_random(struct store *s)
{
    struct fit f = { only_ttl(s->conf.policy), NULL, NULL };
    int first = (int)rng_below(&s->rng, (uint64_t)s->conf.databases);

    for (int i = 0; i < s->conf.databases; i++) {
        struct db *db = s->dbs[(first + i) % s->conf.databases];

        if (db->n_keys == 0 || (f.only_ttl && db->n_expires == 0)) continue;
        f.db = db;
        for (int tries = 0; !f.e && tries < PATIENCE; tries++) {
            struct shard *sh = &db->shards[rng_below(&s->rng, STORE_SHARDS)];

            if (sh->keys.count) table_hand(&sh->keys, &sh->hand, take_any, &f);
        }
        if (!f.e) continue;
        (void)evict_remove(db, f.e);
        return true;
    }
    return false;
}

static bool evict_one(struct store *s)
{
    switch (s->conf.policy) {
    case EVICT_NONE: return false;
    case EVICT_ALL_LRU:
    case EVICT_TTL_LRU: return s3fifo_evict(s->evict->s3, s, only_ttl(s->conf.policy));
    case EVICT_ALL_RANDOM:
    case EVICT_TTL_RANDOM: return evict_random(s);
    default: return evict_from_pool(s);
    }
}

/* Keys that the policy may take. */
static size_t eligible(const struct store *s)
{
    size_t n = 0;

    for (int i = 0; i < s->conf.databases; i++)
        n += only_ttl(s->conf.policy) ? s->dbs[i]->n_expires : s->dbs[i]->n_keys;
    if (UNLIKELY(ns_any(s))) n -= ns_reserved_keys(s, only_ttl(s->conf.policy));
    return n;
}

/* More is in use than the limit allows, not counting what a helper thread is about to free. */
static bool too_much(const struct store *s, size_t used)
{
    return used > s->conf.maxmemory && used - s->conf.maxmemory > s->evict->aside;
}

bool store_evict(struct store *s, size_t (*used)(void *ctx), void *ctx, int64_t budget_us)
{
    enum { CLOCK_EVERY = 8, SEARCH_US = 500, REFUSED = 1024 };
    int64_t start = clock_mono_us();
    bool found = true; /* a search may end in vain; time ends the searching */

    s->evict->aside = s->evict->refused = 0;
    store_forget_hash(s); /* keys are looked up by their own bytes here, which are nobody's request */
    for (unsigned n = 1; too_much(s, used(ctx)); n++) {
        if (s->conf.policy == EVICT_NONE) return false;
        if ((n == 1 || !found) && eligible(s) == 0) return false;
        if (!found && clock_mono_us() - start > SEARCH_US) return false;
        if (found && n % CLOCK_EVERY == 0 && clock_mono_us() - start > budget_us) return false;
        found = evict_one(s);
        if (!found && s->evict->refused > REFUSED) return false;
    }
    return true;
}
