/* bench_evict.c -- how often a read finds its key when there is not room for all.
 *
 *   make && gcc -std=c11 -D_GNU_SOURCE -O2 -I. tests/bench/bench_evict.c build/release/libstorage.a \
 *       build/release/libbase.a -ljemalloc -lpthread -lm -o bench_evict && ./bench_evict
 *
 * The store under allkeys-lru against plain simulations of what Redis does (five random samples
 * into a pool of sixteen, the longest idle goes; clocks as exact as can be) and of a true LRU.
 * All see the same requests, every key counts as 100 bytes, and a read that misses is followed by
 * a write: a cache. The first fifth of the requests warms up and is not counted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "storage/db.h"
#include "storage/type_string.h"

enum { REQUESTS = 3000000, UNIVERSE = 1000000, KEYS = 4000000, KEY_BYTES = 100 };

/* --- requests --------------------------------------------------------------------------------- */

struct traffic {
    const char *name;
    uint32_t (*next)(struct traffic *t, uint32_t i);
    struct rng rng;
    double *zipf; /* cumulative, of UNIVERSE keys */
    uint32_t capacity, scan, left;
};

static uint32_t zipf(struct traffic *t)
{
    double at = rng_unit(&t->rng);
    uint32_t lo = 0, hi = UNIVERSE - 1;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (t->zipf[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static uint32_t next_zipf(struct traffic *t, uint32_t i)
{
    (void)i;
    return zipf(t);
}

/* Every 100,000 requests somebody reads 50,000 keys that nobody reads again for a while. */
static uint32_t next_scans(struct traffic *t, uint32_t i)
{
    if (i % 100000 == 0) t->left = 50000;
    if (t->left == 0 || rng_below(&t->rng, 2)) return zipf(t);
    t->left--;
    return UNIVERSE + t->scan++ % (KEYS - UNIVERSE);
}

/* Round and round over half as many keys again as there is room for. */
static uint32_t next_loop(struct traffic *t, uint32_t i)
{
    return i % (t->capacity + t->capacity / 2);
}

/* The popular keys change ten times. */
static uint32_t next_shift(struct traffic *t, uint32_t i)
{
    return (zipf(t) + i / (REQUESTS / 10) * (UNIVERSE / 10)) % UNIVERSE;
}

/* Half Zipf, half a loop. */
static uint32_t next_mixed(struct traffic *t, uint32_t i)
{
    (void)i;
    return rng_below(&t->rng, 2) ? UNIVERSE + t->scan++ % (2 * t->capacity) : zipf(t);
}

/* Sessions: each is used some twenty times, less and less often. */
static uint32_t next_sessions(struct traffic *t, uint32_t i)
{
    double back = -log(1 - rng_unit(&t->rng)) * t->capacity * 0.7;
    return i / 20 > back ? i / 20 - (uint32_t)back : 0;
}

/* --- simulations ------------------------------------------------------------------------------ */

enum { SAMPLES = 5, POOL = 16, ABSENT = UINT32_MAX };

struct sim {
    uint32_t *place; /* of a key in keys[], ABSENT */
    uint32_t *used;  /* request at which a key was last used */
    uint32_t *keys, n;
    uint32_t *older, *newer; /* the true LRU's list; KEYS is its head */
    uint32_t pool[POOL];     /* by idle time, longest last */
    uint32_t pool_used[POOL];
    int n_pool;
    struct rng rng;
};

static void sim_add(struct sim *s, uint32_t key)
{
    s->place[key] = s->n;
    s->keys[s->n++] = key;
}

static void sim_remove(struct sim *s, uint32_t key)
{
    uint32_t last = s->keys[--s->n];

    s->keys[s->place[key]] = last;
    s->place[last] = s->place[key];
    s->place[key] = ABSENT;
}

static void pool_offer(struct sim *s, uint32_t key)
{
    int i = 0;

    for (int k = 0; k < s->n_pool; k++)
        if (s->pool[k] == key) return;
    while (i < s->n_pool && s->pool_used[i] > s->used[key]) i++;
    if (s->n_pool == POOL) {
        if (i == 0) return;
        i--;
        memmove(s->pool, s->pool + 1, (size_t)i * sizeof s->pool[0]);
        memmove(s->pool_used, s->pool_used + 1, (size_t)i * sizeof s->pool_used[0]);
    } else {
        memmove(s->pool + i + 1, s->pool + i, (size_t)(s->n_pool - i) * sizeof s->pool[0]);
        memmove(s->pool_used + i + 1, s->pool_used + i,
                (size_t)(s->n_pool - i) * sizeof s->pool_used[0]);
        s->n_pool++;
    }
    s->pool[i] = key;
    s->pool_used[i] = s->used[key];
}

static void evict_sampled(struct sim *s)
{
    for (;;) {
        for (int k = 0; k < SAMPLES; k++) pool_offer(s, s->keys[rng_below(&s->rng, s->n)]);
        while (s->n_pool > 0) {
            uint32_t key = s->pool[--s->n_pool];
            if (s->place[key] == ABSENT) continue;
            sim_remove(s, key);
            return;
        }
    }
}

static bool sampled(struct sim *s, uint32_t capacity, uint32_t key, uint32_t i)
{
    bool hit = s->place[key] != ABSENT;

    s->used[key] = i;
    if (hit) return true;
    if (s->n >= capacity) evict_sampled(s);
    sim_add(s, key);
    return false;
}

static void unlink_key(struct sim *s, uint32_t key)
{
    s->newer[s->older[key]] = s->newer[key];
    s->older[s->newer[key]] = s->older[key];
}

static bool true_lru(struct sim *s, uint32_t capacity, uint32_t key)
{
    bool hit = s->place[key] != ABSENT;

    if (hit) {
        unlink_key(s, key);
    } else {
        if (s->n >= capacity) {
            uint32_t oldest = s->newer[KEYS];
            unlink_key(s, oldest);
            sim_remove(s, oldest);
        }
        sim_add(s, key);
    }
    s->newer[key] = KEYS;
    s->older[key] = s->older[KEYS];
    s->newer[s->older[KEYS]] = key;
    s->older[KEYS] = key;
    return hit;
}

static void sim_reset(struct sim *s)
{
    memset(s->place, 0xff, KEYS * sizeof s->place[0]);
    s->n = 0;
    s->n_pool = 0;
    s->newer[KEYS] = s->older[KEYS] = KEYS;
    rng_seed(&s->rng, 5);
}

/* --- the store -------------------------------------------------------------------------------- */

static size_t keys_used(void *ctx)
{
    return ((struct store *)ctx)->dbs[0]->n_keys * KEY_BYTES;
}

static bool cached(struct store *s, uint32_t key)
{
    char text[NUM_TEXT_MAX];
    struct str k = str_of(text, num_u64(text, key));

    if (db_read(s->dbs[0], k)) return true;
    (void)!string_set(s->dbs[0], k, STR("v"), NULL);
    store_evict(s, keys_used, s, 1000);
    return false;
}

static double hit_ratio(struct traffic t, struct store *s, struct sim *sim, bool exact)
{
    uint64_t hits = 0;

    if (sim) sim_reset(sim);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        uint32_t key = t.next(&t, i);
        bool hit = s       ? cached(s, key)
                   : exact ? true_lru(sim, t.capacity, key)
                           : sampled(sim, t.capacity, key, i);

        if (s) s->now_ms = 1790000000000 + i / 50; /* 50,000 requests a second */
        hits += hit && i >= REQUESTS / 5;
    }
    return 100.0 * (double)hits / (REQUESTS - REQUESTS / 5);
}

static void compare(struct traffic *t, struct sim *sim)
{
    struct store_conf conf = { .databases = 1,
                               .policy = EVICT_ALL_LRU,
                               .maxmemory = (size_t)t->capacity * KEY_BYTES,
                               .maxmemory_samples = 5,
                               .string_limit = 512u << 20 };
    struct hash_key key = { 1, 2 };
    struct store *s = store_new(&conf, &key, 9);
    int64_t start = clock_mono_us();
    double ours = hit_ratio(*t, s, NULL, false);
    double us = (double)(clock_mono_us() - start) / REQUESTS;
    double redis = hit_ratio(*t, NULL, sim, false), lru = hit_ratio(*t, NULL, sim, true);

    printf("%8u  %-10s  %6.2f  %6.2f  %6.2f   %.2f us\n", t->capacity, t->name, ours, redis, lru,
           us);
    fflush(stdout);
    store_free(&s);
}

static double *zipf_table(void)
{
    double *cumulative = mem_alloc(UNIVERSE * sizeof *cumulative), sum = 0;

    for (int i = 0; i < UNIVERSE; i++) cumulative[i] = sum += 1 / pow(i + 1, 0.99);
    for (int i = 0; i < UNIVERSE; i++) cumulative[i] /= sum;
    return cumulative;
}

int main(void)
{
    struct sim sim = { 0 };
    struct traffic all[] = {
        { .name = "zipf 0.99", .next = next_zipf }, { .name = "scans", .next = next_scans },
        { .name = "loop", .next = next_loop },      { .name = "shift", .next = next_shift },
        { .name = "mixed", .next = next_mixed },    { .name = "sessions", .next = next_sessions }
    };
    static const uint32_t capacities[] = { 20000, 100000 };

    mem_init();
    sim.place = mem_alloc(KEYS * sizeof(uint32_t));
    sim.used = mem_alloc(KEYS * sizeof(uint32_t));
    sim.keys = mem_alloc(KEYS * sizeof(uint32_t));
    sim.older = mem_alloc((KEYS + 1) * sizeof(uint32_t));
    sim.newer = mem_alloc((KEYS + 1) * sizeof(uint32_t));
    double *cumulative = zipf_table();
    printf("hits in %% of %d requests; time of the store alone\n", REQUESTS);
    printf("%8s  %-10s  %6s  %6s  %6s\n", "keys", "traffic", "memd", "redis", "lru");
    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            struct traffic t = all[i];
            t.capacity = capacities[c];
            t.zipf = cumulative;
            rng_seed(&t.rng, 4);
            compare(&t, &sim);
        }
    }
    mem_free(sim.place);
    mem_free(sim.used);
    mem_free(sim.keys);
    mem_free(sim.older);
    mem_free(sim.newer);
    mem_free(cumulative);
    return 0;
}
