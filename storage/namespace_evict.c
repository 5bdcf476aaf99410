/* namespace_evict.c -- making room within one namespace, and leaving others theirs.
 *
 * A victim is the best of some keys drawn at random from the namespace's rosters: all the orders that a policy
 * may ask for come out of the entry itself, whose clock the store keeps by its own policy. So under a global lfu
 * policy an lru namespace goes by the minutes in that clock, and under any other an lfu one by the two bits of
 * uses that S3-FIFO counts, and then by age. */
#include "base/clock.h"
#include "storage/db.h"
#include "storage/evict.h"
#include "storage/namespace_impl.h"
#include "storage/namespace_ledger.h"
#include "storage/namespace_roster.h"

enum {
    CANDIDATES = 16, /* for one victim */
    DRAWS = 256,     /* to find so many */
};

static bool only_ttl(enum evict_policy p)
{
    return p >= EVICT_TTL_LRU;
}

/* The lower the sooner. */
static int64_t score(const struct store *s, enum evict_policy p, const struct entry *e)
{
    if (p == EVICT_TTL_SOONEST) return entry_expire_at(e);
    if (!evict_is_lfu(p)) return -evict_idle_ms(s, e);
    if (evict_is_lfu(s->conf.policy)) return evict_freq(s, e);
    return (int64_t)((e->flags & ENTRY_FREQ) / ENTRY_FREQ_ONE) << 40 | ((INT64_C(1) << 40) - 1 - evict_idle_ms(s, e));
}

struct search {
    const struct namespace *ns;
    struct entry *e;
    bool only_ttl;
};

static bool is_it(void *ctx, struct entry *e)
{
    struct search *f = ctx;

    if (e->ns != f->ns->id || (f->only_ttl && !entry_expires(e))) return true;
    f->e = e;
    return false;
}

/* The entry of a hash that was drawn, if the policy may take it. */
static struct entry *entry_of(const struct namespace *ns, struct db *db, uint64_t hash)
{
    struct search f = { ns, NULL, only_ttl(ns->rules.policy) };

    table_candidates(&db_shard(db, hash)->keys, hash, is_it, &f);
    return f.e && db_may_leave(db, f.e, false) ? f.e : NULL;
}

/* Draw n keys of ns in db, with what will be read of them on its way to the cache: each would be waited for thrice. */
static void draw(const struct namespace *ns, struct db *db, uint64_t *hashes, int n)
{
    const struct ns_share *share = ns_share(db, ns->id);

    for (int i = 0; i < n; i++) {
        hashes[i] = roster_draw(share->roster, &db->store->rng);
        table_prefetch_bucket(&db_shard(db, hashes[i])->keys, hashes[i]);
    }
    for (int i = 0; i < n; i++) table_prefetch_entry(&db_shard(db, hashes[i])->keys, hashes[i]);
}

/* The database of a victim: by chance, as many keys as each has. */
static struct db *draw_db(struct store *s, const struct namespace *ns)
{
    uint64_t total = 0, nth;
    int i;

    for (i = 0; i < s->conf.databases; i++) {
        const struct ns_share *share = ns_share(s->dbs[i], ns->id);

        total += share->roster ? roster_count(share->roster) : 0;
    }
    if (total == 0) return NULL;
    nth = rng_below(&s->rng, total);
    for (i = 0; i < s->conf.databases; i++) {
        const struct ns_share *share = ns_share(s->dbs[i], ns->id);
        size_t n = share->roster ? roster_count(share->roster) : 0;

        if (nth < n) return s->dbs[i];
        nth -= n;
    }
    return NULL;
}

static bool evict_one(struct store *s, const struct namespace *ns)
{
    enum evict_policy p = ns->rules.policy;
    int wanted = p == EVICT_ALL_RANDOM || p == EVICT_TTL_RANDOM ? 1 : CANDIDATES;
    struct db *db = draw_db(s, ns);
    uint64_t hashes[CANDIDATES];
    struct entry *best = NULL;
    int64_t best_score = 0;

    if (!db) return false;
    for (int draws = 0, found = 0; draws < DRAWS && found < wanted; draws += wanted) {
        draw(ns, db, hashes, wanted);
        for (int i = 0; i < wanted; i++) {
            struct entry *e = entry_of(ns, db, hashes[i]);
            int64_t sc = e ? score(s, p, e) : 0;

            if (!e) continue;
            found++;
            if (best && sc >= best_score) continue;
            best = e;
            best_score = sc;
        }
    }
    return best && evict_remove(db, best);
}

static bool fits(const struct store *s, const struct namespace *ns, uint64_t more_keys, uint64_t more_bytes)
{
    const struct ns_rules *r = &ns->rules;

    ns_settle(s);
    if (r->maxkeys > 0 && (more_keys > r->maxkeys || ns->stats.keys > r->maxkeys - more_keys)) return false;
    return r->maxmemory == 0 || (more_bytes <= r->maxmemory && ns->stats.bytes <= r->maxmemory - more_bytes);
}

bool ns_make_room(struct store *s, struct namespace *ns, uint64_t more_keys, uint64_t more_bytes, int64_t budget_us)
{
    enum { CLOCK_EVERY = 8, IN_VAIN = 4 };
    int64_t start = clock_mono_us();
    int in_vain = 0;

    store_forget_hash(s); /* keys are looked up by their own bytes here, which are nobody's request */
    for (unsigned n = 1; !fits(s, ns, more_keys, more_bytes); n++) {
        if (!ns_needs_roster(ns) || ns->stats.keys == 0) return false;
        if (only_ttl(ns->rules.policy) && ns->stats.expires == 0) return false;
        if (n % CLOCK_EVERY == 0 && clock_mono_us() - start > budget_us) return false;
        in_vain = evict_one(s, ns) ? 0 : in_vain + 1;
        if (in_vain == IN_VAIN) return ns_is_retagging(s);
    }
    return true;
}

/* --- reserves --------------------------------------------------------------------------------- */

bool ns_is_reserved(const struct store *s, const struct entry *e)
{
    const struct namespace *ns = ns_of(s, e);

    if (!ns || ns->rules.reserve == 0) return false;
    ns_settle(s);
    return ns->stats.bytes <= ns->rules.reserve;
}

struct kept {
    const struct store *store;
    bool only_ttl;
    size_t n;
};

static void add_kept(void *ctx, struct namespace *ns)
{
    struct kept *k = ctx;

    if (ns->rules.reserve == 0 || ns->stats.bytes > ns->rules.reserve) return;
    k->n += k->only_ttl ? ns->stats.expires : ns->stats.keys;
}

size_t ns_reserved_keys(const struct store *s, bool ttl_only)
{
    struct kept k = { s, ttl_only, 0 };

    if (ns_needs(s, NS_NEEDS_RESERVE)) ns_each(s, add_kept, &k);
    return k.n;
}
