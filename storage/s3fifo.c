/* s3fifo.c -- probation queue, ghosts and the hand. */
#include "storage/s3fifo.h"

#include "base/mem.h"
#include "storage/db.h"
#include "storage/evict.h"

enum {
    SMALL_PART = 10,    /* one key in so many is on probation */
    SMALL_SLACK = 1024, /* and so many more before unneeded records are worked off */
    GHOST_WAYS = 8,
    GHOST_MIN = 128,  /* buckets */
    GHOST_SHARE = 50, /* of the memory limit, at most one part in so many is for ghosts */
    VICTIMS = 16,
    STEPS = 64 /* buckets or records looked at in one call */
};

struct s3fifo {
    bool active;    /* something has been evicted */
    uint64_t *ring; /* records on probation: ring[tail..head), indexed modulo cap */
    uint64_t head, tail, cap;
    uint16_t *ghosts;          /* n_ghosts buckets of GHOST_WAYS fingerprints, newest first */
    size_t n_ghosts;           /* a power of two */
    uint64_t victims[VICTIMS]; /* found by the hand, not yet evicted */
    int n_victims;
    unsigned at; /* the hand's shard, counted over all databases */
};

struct s3fifo *s3fifo_new(void)
{
    return mem_zalloc(sizeof(struct s3fifo));
}

void s3fifo_free(struct s3fifo **q)
{
    if (!*q) return;
    mem_free((*q)->ring);
    mem_free((*q)->ghosts);
    mem_free(*q);
    *q = NULL;
}

static size_t total_keys(const struct store *s)
{
    size_t n = 0;

    for (int i = 0; i < s->conf.databases; i++) n += s->dbs[i]->n_keys;
    return n;
}

/* --- ghosts ----------------------------------------------------------------------------------- */

/* One for each key, while memory allows. */
static void fit_ghosts(struct s3fifo *q, const struct store *s)
{
    size_t max = s->conf.maxmemory / GHOST_SHARE / (GHOST_WAYS * sizeof q->ghosts[0]);
    size_t want = total_keys(s) / GHOST_WAYS, n = GHOST_MIN;

    if (q->ghosts && (want < 2 * q->n_ghosts || 2 * q->n_ghosts > max)) return;
    while (n < want && 2 * n <= max) n *= 2;
    mem_free(q->ghosts);
    q->ghosts = mem_zalloc(n * GHOST_WAYS * sizeof q->ghosts[0]);
    q->n_ghosts = n;
}

static uint16_t *ghost_bucket(const struct s3fifo *q, uint64_t record, uint16_t *print)
{
    uint64_t h = record * 0x9e3779b97f4a7c15ull;

    h ^= h >> 32;
    *print = (uint16_t)(h >> 48 | 1); /* never 0, which is an empty place */
    return q->ghosts + (h & (q->n_ghosts - 1)) * GHOST_WAYS;
}

static void ghost_put(struct s3fifo *q, uint64_t record)
{
    uint16_t print, *b;

    if (!q->ghosts) return;
    b = ghost_bucket(q, record, &print);
    memmove(b + 1, b, (GHOST_WAYS - 1) * sizeof *b);
    b[0] = print;
}

/* Was this key evicted a short while ago? Its ghost is gone after. */
static bool ghost_take(struct s3fifo *q, uint64_t record)
{
    uint16_t print, *b;

    if (!q->ghosts) return false;
    b = ghost_bucket(q, record, &print);
    for (int i = 0; i < GHOST_WAYS; i++) {
        if (b[i] != print) continue;
        b[i] = 0;
        return true;
    }
    return false;
}

/* --- records ---------------------------------------------------------------------------------- */

/* A record is a hash with the database in those bits that table_candidates does without. */
enum { DB_SHIFT = 12, DB_MASK = 0xfffff };

static uint64_t record_of(uint64_t hash, int db)
{
    return (hash & ~((uint64_t)DB_MASK << DB_SHIFT)) | (uint64_t)db << DB_SHIFT;
}

static struct db *record_db(const struct store *s, uint64_t record)
{
    return s->dbs[record >> DB_SHIFT & DB_MASK];
}

struct match {
    uint8_t flags, mask;
    struct entry *e;
};

static bool match_one(void *ctx, struct entry *e)
{
    struct match *m = ctx;

    if ((e->flags & m->mask) != m->flags) return true;
    m->e = e;
    return false;
}

/* The entry of a record whose flags under mask are as given, or NULL. */
static struct entry *entry_of(const struct store *s, uint64_t record, uint8_t mask, uint8_t flags)
{
    struct match m = { .mask = mask, .flags = flags };

    table_candidates(&db_shard(record_db(s, record), record)->keys, record, match_one, &m);
    return m.e;
}

static void join_main(struct entry *e)
{
    e->flags = (uint8_t)((e->flags & ~ENTRY_FREQ) | ENTRY_MAIN | ENTRY_FREQ_ONE);
}

/* --- probation -------------------------------------------------------------------------------- */

static size_t ring_count(const struct s3fifo *q)
{
    return q->head - q->tail;
}

static void ring_push(struct s3fifo *q, uint64_t record)
{
    if (ring_count(q) == q->cap) {
        uint64_t cap = q->cap ? 2 * q->cap : 1024;
        uint64_t *ring = mem_alloc(cap * sizeof ring[0]);

        for (uint64_t i = q->tail; i != q->head; i++)
            ring[i & (cap - 1)] = q->ring[i & (q->cap - 1)];
        mem_free(q->ring);
        q->ring = ring;
        q->cap = cap;
    }
    q->ring[q->head++ & (q->cap - 1)] = record;
}

static uint64_t ring_pop(const struct store *s, struct s3fifo *q)
{
    uint64_t record = q->ring[q->tail++ & (q->cap - 1)];
    uint64_t ahead = q->ring[(q->tail + 2) & (q->cap - 1)];

    if (ring_count(q) > 2)
        table_prefetch_bucket(&db_shard(record_db(s, ahead), ahead)->keys, ahead);
    return record;
}

void s3fifo_add(struct s3fifo *q, struct db *db, uint64_t hash, struct entry *e)
{
    struct store *s = db->store;
    bool only_ttl = s->conf.policy == EVICT_TTL_LRU;
    uint64_t record = record_of(hash, db->id);

    if (LIKELY(!q->active || !s->conf.maxmemory) || (only_ttl && !entry_expires(e)) ||
        db->id > DB_MASK) {
        e->flags |= ENTRY_MAIN;
        return;
    }
    if (ghost_take(q, record)) {
        s->stats.ghost_hits++;
        join_main(e);
        return;
    }
    ring_push(q, record);
    /* Nothing is evicted (the limit was raised, keys were deleted): the queue must not grow. */
    for (int i = 0; i < 2 && ring_count(q) > total_keys(s) / SMALL_PART + SMALL_SLACK; i++) {
        e = entry_of(s, ring_pop(s, q), ENTRY_MAIN, 0);
        if (e) join_main(e);
    }
}

void s3fifo_swap(struct s3fifo *q, int a, int b)
{
    for (uint64_t i = q->tail; i != q->head; i++) {
        uint64_t *r = &q->ring[i & (q->cap - 1)];
        int db = (int)(*r >> DB_SHIFT & DB_MASK);

        if (db == a)
            *r = record_of(*r, b);
        else if (db == b)
            *r = record_of(*r, a);
    }
    q->n_victims = 0;
}

/* Evict the first key on probation that was not used. */
static bool evict_small(struct s3fifo *q, struct store *s, bool only_ttl)
{
    for (int i = 0; i < STEPS && ring_count(q); i++) {
        uint64_t record = ring_pop(s, q);
        struct entry *e = entry_of(s, record, ENTRY_MAIN, 0);

        if (!e) continue;
        if ((e->flags & ENTRY_FREQ) || (only_ttl && !entry_expires(e)) || !evict_may_take(record_db(s, record), e)) {
            join_main(e);
            continue;
        }
        ghost_put(q, record);
        (void)evict_remove(record_db(s, record), e);
        return true;
    }
    return false;
}

/* --- the main part ---------------------------------------------------------------------------- */

struct pass {
    struct s3fifo *q;
    const struct hash_key *key;
    int db;
    bool only_ttl;
};

/* The hand passes e. */
static void pass_one(void *ctx, struct entry *e)
{
    struct pass *p = ctx;
    struct s3fifo *q = p->q;

    if (!(e->flags & ENTRY_MAIN) || (p->only_ttl && !entry_expires(e))) return;
    if (e->flags & ENTRY_FREQ)
        e->flags -= ENTRY_FREQ_ONE;
    else if (q->n_victims < VICTIMS)
        q->victims[q->n_victims++] = record_of(hash_bytes(p->key, entry_key(e)), p->db);
}

/* Let the hand pass one bucket. */
static void move_hand(struct s3fifo *q, struct store *s, bool only_ttl)
{
    unsigned n = (unsigned)s->conf.databases * STORE_SHARDS;
    struct pass p = { q, &s->hash_key, 0, only_ttl };
    struct shard *sh;

    for (unsigned i = 0; i < n; i++, q->at++) {
        struct db *db = s->dbs[q->at / STORE_SHARDS % (unsigned)s->conf.databases];

        sh = &db->shards[q->at % STORE_SHARDS];
        if (sh->keys.count == 0 || db->id > DB_MASK || (only_ttl && sh->n_expires == 0)) continue;
        p.db = db->id;
        if (table_hand(&sh->keys, &sh->hand, pass_one, &p)) q->at++;
        return;
    }
}

static bool evict_main(struct s3fifo *q, struct store *s, bool only_ttl)
{
    enum { MASK = ENTRY_MAIN | ENTRY_FREQ };

    for (int i = 0; i < STEPS; i++) {
        while (q->n_victims > 0) {
            uint64_t record = q->victims[--q->n_victims];
            struct entry *e = entry_of(s, record, MASK, ENTRY_MAIN);

            if (!e || (only_ttl && !entry_expires(e)) || !evict_may_take(record_db(s, record), e)) continue;
            (void)evict_remove(record_db(s, record), e);
            return true;
        }
        move_hand(q, s, only_ttl);
    }
    return false;
}

bool s3fifo_evict(struct s3fifo *q, struct store *s, bool only_ttl)
{
    size_t keys = total_keys(s);

    q->active = true;
    fit_ghosts(q, s);
    if (ring_count(q) > keys / SMALL_PART && evict_small(q, s, only_ttl)) return true;
    if (evict_main(q, s, only_ttl)) return true;
    return evict_small(q, s, only_ttl);
}
