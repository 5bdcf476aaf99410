/* namespace_ledger.c -- keys, bytes and times to live of namespaces, exact after each command.
 *
 * Counting keys is easy: they come by db_add and go by db.c's unlink_entry, or with a whole database. Bytes change
 * in a hundred places, where elements come and go. No place tells. But whoever changes a value has looked it up for
 * writing; so that is where a page is opened, with what the entry was charged for, and later the page is compared with
 * what it weighs then, as often as somebody wants to know. Weighing is O(1) (db_weight). */
#include "storage/namespace_ledger.h"

#include "base/mem.h"
#include "storage/namespace_impl.h"
#include "storage/namespace_roster.h"

static struct namespace *by_id(const struct db *db, const struct entry *e)
{
    return db->store->namespaces->by_id[e->ns];
}

/* --- shares ----------------------------------------------------------------------------------- */

struct ns_share *ns_share_new(struct db *db, size_t id)
{
    size_t n = db->shares ? db->shares->n : 0, more;

    more = id + 1 > 2 * n ? id + 1 : 2 * n;
    db->shares = mem_realloc(db->shares, sizeof *db->shares + more * sizeof db->shares->of[0]);
    memset(&db->shares->of[n], 0, (more - n) * sizeof db->shares->of[0]);
    db->shares->n = more;
    return &db->shares->of[id];
}

static void weigh(struct db *db, struct namespace *ns, uint64_t more, uint64_t less)
{
    ns->stats.bytes += more - less;
    ns_share(db, ns->id)->bytes += more - less;
}

/* --- pages ------------------------------------------------------------------------------------ */

static void settle_page(struct ns_page *p)
{
    uint64_t now;

    p->is_plain = p->is_plain && !entry_points(p->e);
    if (p->is_plain) return;
    now = db_weight(p->e);
    if (now == p->charged) return;
    weigh(p->db, by_id(p->db, p->e), now, p->charged);
    p->charged = now;
}

void ns_settle(const struct store *s)
{
    struct namespaces *n = s->namespaces;

    if (!n) return;
    for (unsigned i = 0; i < n->n_pages; i++) settle_page(&n->pages[i]);
}

static inline struct ns_page *page_of(struct namespaces *n, const struct entry *e)
{
    for (unsigned i = 0; i < n->n_pages; i++)
        if (n->pages[i].e == e) return &n->pages[i];
    return NULL;
}

/* e has none: one for it, at the place of the page that has not been used for longest, which nobody changes any more. */
static void open_page(struct db *db, const struct entry *e, uint64_t charged, struct ns_page *oldest)
{
    struct namespaces *n = db->store->namespaces;

    if (UNLIKELY(n->n_pages < NS_PAGES)) oldest = &n->pages[n->n_pages++];
    else settle_page(oldest);
    *oldest = (struct ns_page){ e, db, charged, ++n->now, charged > 0 && !entry_points(e) };
}

static inline bool is_older(const struct ns_page *p, const struct ns_page *than)
{
    return (int32_t)(p->used - than->used) < 0;
}

/* Close all: entries are about to go or to change their places by the thousand. */
static void close_pages(const struct store *s)
{
    ns_settle(s);
    s->namespaces->n_pages = 0;
}

void ns_note_write(struct db *db, const struct entry *e)
{
    struct namespaces *n = db->store->namespaces;
    struct ns_page *p = n->pages, *oldest = p, *end = p + n->n_pages;

    for (; p < end; p++) {
        if (p->e == e) {
            p->used = ++n->now;
            return;
        }
        if (is_older(p, oldest)) oldest = p;
    }
    open_page(db, e, db_weight(e), oldest);
}

/* Of an entry that has just come to be, which no page is of: its value may be still to come. */
static void note_new(struct db *db, const struct entry *e)
{
    struct ns_page *oldest = db->store->namespaces->pages;

    for (unsigned i = 1; i < NS_PAGES; i++)
        if (is_older(&db->store->namespaces->pages[i], oldest)) oldest = &db->store->namespaces->pages[i];
    open_page(db, e, 0, oldest);
}

void ns_note_moved(const struct db *db, const struct entry *e, const struct entry *to)
{
    struct ns_page *p = page_of(db->store->namespaces, e);

    if (!p) return;
    p->e = to;
    p->is_plain = false;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void count_in(struct db *db, struct namespace *ns, uint64_t hash, const struct entry *e)
{
    struct ns_share *share = ns_share(db, ns->id);

    ns->stats.keys++;
    share->keys++;
    ns->stats.expires += entry_expires(e);
    share->expires += entry_expires(e);
    if (!ns_needs_roster(ns) || ns->gone) return;
    if (!share->roster) share->roster = roster_new();
    roster_add(share->roster, hash);
}

static void count_out(struct db *db, struct namespace *ns, uint64_t hash, const struct entry *e)
{
    struct ns_share *share = ns_share(db, ns->id);

    ns->stats.keys--;
    share->keys--;
    ns->stats.expires -= entry_expires(e);
    share->expires -= entry_expires(e);
    if (share->roster) roster_remove(share->roster, hash);
}

void ns_note_add(struct db *db, uint64_t hash, struct entry *e)
{
    struct namespace *ns = ns_match(db->store->namespaces, entry_key(e));

    e->ns = ns ? ns->id : 0;
    if (!ns) return;
    count_in(db, ns, hash, e);
    note_new(db, e);
    if (entry_expires(e)) ns_note_ttl(db, e);
}

void ns_note_remove(struct db *db, uint64_t hash, const struct entry *e)
{
    struct namespaces *n = db->store->namespaces;
    struct namespace *ns = by_id(db, e);
    struct ns_page *p = page_of(n, e);

    weigh(db, ns, 0, p ? p->charged : db_weight(e));
    if (p) *p = n->pages[--n->n_pages];
    count_out(db, ns, hash, e);
}

void ns_note_gone(const struct db *db, const struct entry *e, enum change_kind kind)
{
    struct namespace *ns = by_id(db, e);

    ns->stats.expired += kind == CHANGE_EXPIRED;
    ns->stats.evicted += kind == CHANGE_EVICTED;
}

void ns_note_expires(struct db *db, const struct entry *e, int n)
{
    by_id(db, e)->stats.expires += (uint64_t)(int64_t)n;
    ns_share(db, e->ns)->expires += (uint64_t)(int64_t)n;
}

static const int64_t ttl_bounds[] = { NS_TTL_BOUNDS };
_Static_assert(sizeof ttl_bounds / sizeof ttl_bounds[0] == NS_TTL_BUCKETS - 1, "the last is for longer ones");

void ns_note_ttl(const struct db *db, const struct entry *e)
{
    int64_t ttl = entry_expire_at(e) - db->store->now_ms;
    int i = 0;

    if (db->store->loading) return;
    while (i < NS_TTL_BUCKETS - 1 && ttl > ttl_bounds[i] * 1000) i++;
    by_id(db, e)->stats.ttl[i]++;
}

void ns_note_hit(const struct store *s, const struct entry *e)
{
    s->namespaces->by_id[e->ns]->stats.hits++;
}

void ns_note_trimmed(const struct store *s, const struct entry *e, uint64_t n)
{
    s->namespaces->by_id[e->ns]->stats.trimmed += n;
}

void ns_note_miss(const struct store *s, struct str key)
{
    struct namespace *ns = ns_match(s->namespaces, key);

    if (ns) ns->stats.misses++;
}

/* --- whole databases -------------------------------------------------------------------------- */

/* What db has of each namespace is no more part of its figures; or is again. */
static void subtract(struct db *db)
{
    struct namespaces *n = db->store->namespaces;

    close_pages(db->store);
    for (size_t i = 1; db->shares && i < db->shares->n; i++) {
        const struct ns_share *share = &db->shares->of[i];

        if (share->keys == 0) continue;
        n->by_id[i]->stats.keys -= share->keys;
        n->by_id[i]->stats.bytes -= share->bytes;
        n->by_id[i]->stats.expires -= share->expires;
    }
}

void ns_shares_free(struct db *db)
{
    for (size_t i = 0; db->shares && i < db->shares->n; i++) roster_free(&db->shares->of[i].roster);
    mem_free(db->shares);
    db->shares = NULL;
}

void ns_content_gone(struct db *db)
{
    subtract(db);
    ns_shares_free(db);
}

void ns_content_aside(struct db *db)
{
    subtract(db);
    db->shares = NULL; /* kept by the copy */
}

void ns_content_back(struct db *db)
{
    struct namespaces *n = db->store->namespaces;

    for (size_t i = 1; db->shares && i < db->shares->n; i++) {
        const struct ns_share *share = &db->shares->of[i];

        if (share->keys == 0) continue;
        n->by_id[i]->stats.keys += share->keys;
        n->by_id[i]->stats.bytes += share->bytes;
        n->by_id[i]->stats.expires += share->expires;
    }
}

void ns_content_swap(struct store *s)
{
    close_pages(s);
    if (s->namespaces->retagging) ns_retag_start(s); /* what is done and what is not will change places */
}

/* What comes back may have numbers of namespaces that are gone, and none of those that are new. */
void ns_aside(struct store *s, int n)
{
    s->namespaces->asides += (unsigned)n;
    if (n <= 0) ns_retag_start(s);
}

/* --- new numbers ------------------------------------------------------------------------------ */

void ns_retag_start(struct store *s)
{
    struct namespaces *n = s->namespaces;
    size_t keys = 0;

    n->retagging = true;
    n->retag_shard = 0;
    n->retag_at = 0;
    for (int i = 0; i < s->conf.databases; i++) keys += s->dbs[i]->n_keys;
    if (keys == 0) (void)ns_retag_some(s, SIZE_MAX);
}

bool ns_is_retagging(const struct store *s)
{
    return s->namespaces && s->namespaces->retagging;
}

struct retag {
    struct db *db;
    size_t n;
};

static void enroll(struct db *db, const struct namespace *ns, const struct entry *e)
{
    struct ns_share *share = ns_share(db, ns->id);

    if (!ns_needs_roster(ns)) return;
    if (!share->roster) share->roster = roster_new();
    roster_add(share->roster, hash_bytes(&db->store->hash_key, entry_key(e)));
}

static void retag_one(void *ctx, struct entry *e)
{
    struct retag *r = ctx;
    struct db *db = r->db;
    struct namespace *ns = ns_match(db->store->namespaces, entry_key(e)), *old;
    size_t bytes;

    r->n++;
    if (e->ns == (ns ? ns->id : 0)) {
        if (ns) enroll(db, ns, e);
        return;
    }
    bytes = db_weight(e);
    old = e->ns ? by_id(db, e) : NULL;
    if (old) {
        weigh(db, old, 0, bytes);
        count_out(db, old, hash_bytes(&db->store->hash_key, entry_key(e)), e);
    }
    e->ns = ns ? ns->id : 0;
    if (!ns) return;
    weigh(db, ns, bytes, 0);
    count_in(db, ns, hash_bytes(&db->store->hash_key, entry_key(e)), e);
}

bool ns_retag_some(struct store *s, size_t max)
{
    struct namespaces *n = s->namespaces;
    unsigned shards = (unsigned)s->conf.databases * STORE_SHARDS;
    struct retag r = { 0 };

    if (!n || !n->retagging) return false;
    close_pages(s);
    while (n->retag_shard < shards) {
        struct shard *sh;

        if (r.n >= max) return true;
        r.db = s->dbs[n->retag_shard / STORE_SHARDS];
        sh = &r.db->shards[n->retag_shard % STORE_SHARDS];
        n->retag_at = sh->keys.count ? table_scan(&sh->keys, n->retag_at, retag_one, &r) : 0;
        r.n++; /* an empty bucket takes time as well */
        if (n->retag_at == 0) n->retag_shard++;
    }
    n->retagging = false;
    ns_release_gone(s);
    return false;
}

/* --- invariants ------------------------------------------------------------------------------- */

static void check_db(const struct db *db, struct ns_share *sum)
{
    const struct namespaces *n = db->store->namespaces;
    struct ns_share *seen = mem_zalloc(n->n_ids * sizeof seen[0]);
    const struct entry *e;

    for (int i = 0; i < STORE_SHARDS; i++) {
        struct table_iter it = { 0 };

        while ((e = table_next(&db->shards[i].keys, &it))) {
            const struct ns_share *share;

            if (!n->retagging) ensure(e->ns == (ns_match(db->store->namespaces, entry_key(e)) ?
                                                ns_match(db->store->namespaces, entry_key(e))->id : 0));
            if (e->ns == 0) continue;
            ensure(e->ns < n->n_ids && n->by_id[e->ns]);
            seen[e->ns].keys++;
            seen[e->ns].bytes += db_weight(e);
            seen[e->ns].expires += entry_expires(e);
            ensure(db_weight(e) == db_weight_slow(e));
            share = &db->shares->of[e->ns];
            if (share->roster && !n->retagging)
                ensure(roster_has(share->roster, hash_bytes(&db->store->hash_key, entry_key(e))));
        }
    }
    for (size_t i = 1; i < n->n_ids; i++) {
        struct ns_share none = { 0 };
        const struct ns_share *share = db->shares && i < db->shares->n ? &db->shares->of[i] : &none;

        ensure(seen[i].keys == share->keys && seen[i].bytes == share->bytes && seen[i].expires == share->expires);
        if (share->roster) {
            roster_check(share->roster);
            ensure(roster_count(share->roster) <= share->keys);
        }
        sum[i].keys += seen[i].keys;
        sum[i].bytes += seen[i].bytes;
        sum[i].expires += seen[i].expires;
    }
    mem_free(seen);
}

void ns_check(const struct store *s)
{
    const struct namespaces *n = s->namespaces;
    struct ns_share *sum;

    if (!n) return;
    ns_settle(s);
    sum = mem_zalloc(n->n_ids * sizeof sum[0]);
    for (int i = 0; i < s->conf.databases; i++) check_db(s->dbs[i], sum);
    for (size_t i = 1; i < n->n_ids; i++) {
        const struct namespace *ns = n->by_id[i];

        if (!ns) continue;
        ensure(ns->id == i);
        ensure(sum[i].keys == ns->stats.keys && sum[i].bytes == ns->stats.bytes);
        ensure(sum[i].expires == ns->stats.expires);
    }
    mem_free(sum);
}
