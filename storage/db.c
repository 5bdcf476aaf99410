/* db.c -- keys of one database. */
#include "storage/db.h"

#include "base/mem.h"
#include "storage/cut.h"
#include "storage/evict.h"
#include "storage/expire.h"
#include "storage/namespace_ledger.h"
#include "storage/value_reader.h"
#include "storage/vset.h"

/* --- looking up ------------------------------------------------------------------------------- */

static inline bool due(const struct store *s, const struct entry *e)
{
    return UNLIKELY(entry_expires(e)) && entry_expire_at(e) <= s->now_ms && !s->loading;
}

bool db_may_leave(const struct db *db, const struct entry *e, bool expired)
{
    const struct store *st = db->store;
    const struct departures *d = st->departures;

    if (!d || !d->may_leave || !ns_archives(st, e, expired ? NS_EXPIRE : NS_EVICT)) return true;
    return d->may_leave(d->ctx, db, e, expired);
}

static void drop_due(struct slot *s, bool for_write)
{
    struct store *st = s->db->store;

    if (!for_write && (st->frozen || !db_may_leave(s->db, s->ref.e, true))) s->ref.e = NULL;
    else db_remove(s, CHANGE_EXPIRED, st->conf.lazy_expire);
}

/* Fill s; what has expired is removed (unless the store is frozen) and not found. */
static inline void fill(struct db *db, struct str key, struct slot *s, bool for_write)
{
    uint64_t hash = db_hash(db, key);

    s->db = db;
    s->shard = db_shard(db, hash);
    s->key = key;
    table_look(&s->shard->keys, hash, key, &s->ref);
    if (s->ref.e && due(db->store, s->ref.e)) drop_due(s, for_write);
}

/* The same for a key that somebody asks about. */
static inline void find(struct db *db, struct str key, struct slot *s, bool for_write)
{
#ifdef STORE_TELLS_LOOKUPS
    if (db->store->on_lookup) db->store->on_lookup(db->store->on_lookup_ctx, key);
#endif
    fill(db, key, s, for_write);
}

bool db_find_kept(struct db *db, struct str key, struct slot *s)
{
    uint64_t hash = db_hash(db, key);

    *s = (struct slot){ .db = db, .shard = db_shard(db, hash), .key = key };
    table_look(&s->shard->keys, hash, key, &s->ref);
    if (s->ref.e == NULL || !due(db->store, s->ref.e) || db->store->frozen || db_may_leave(db, s->ref.e, true)) return false;
    table_before_change(&s->shard->keys, hash);
    return true;
}

void db_prefetch(struct db *db, const struct str *keys, size_t step, size_t n, uint64_t *hashes)
{
    for (size_t i = 0; i < n; i++) {
        hashes[i] = db_hash(db, keys[i * step]);
        table_prefetch_bucket(&db_shard(db, hashes[i])->keys, hashes[i]);
    }
    for (size_t i = 0; i < n; i++) table_prefetch_entry(&db_shard(db, hashes[i])->keys, hashes[i]);
}

/* Look up and count a hit or a miss. */
static inline struct entry *seek(struct db *db, struct str key)
{
    struct slot s;

    find(db, key, &s, false);
    if (LIKELY(s.ref.e != NULL)) {
        db->store->stats.hits++;
        if (UNLIKELY(s.ref.e->ns != 0)) ns_note_hit(db->store, s.ref.e);
        return s.ref.e;
    }
    db->store->stats.misses++;
    if (UNLIKELY(ns_any(db->store))) ns_note_miss(db->store, key);
    if (UNLIKELY(db->store->tell_misses)) db_tell(&s, CHANGE_MISS);
    return NULL;
}

const struct entry *db_read(struct db *db, struct str key)
{
    struct entry *e = seek(db, key);

    if (e) evict_mark(db->store, e, false);
    return e;
}

const struct entry *db_look(struct db *db, struct str key)
{
    return seek(db, key);
}

enum err db_read_type(struct db *db, struct str key, enum value_type type, const struct entry **e)
{
    const struct entry *found = db_read(db, key);

    if (!found) return ERR_NO_KEY;
    if (UNLIKELY(entry_type(found) != type) && type != VALUE_ANY) return ERR_WRONG_TYPE;
    *e = found;
    return OK;
}

void db_touch(struct db *db, const struct entry *e)
{
    bool no_touch = db->store->no_touch;

    db->store->no_touch = false;
    evict_mark(db->store, (struct entry *)(uintptr_t)e, false);
    db->store->no_touch = no_touch;
}

const struct entry *db_glance(struct db *db, struct str key)
{
    return db_glance_as_of(db, key, db->store->now_ms);
}

const struct entry *db_glance_as_of(struct db *db, struct str key, int64_t now_ms)
{
    uint64_t hash = db_hash(db, key);
    struct table_ref r = table_find(&db_shard(db, hash)->keys, hash, key);

    if (r.e == NULL || (entry_expires(r.e) && entry_expire_at(r.e) <= now_ms && !db->store->loading)) return NULL;
    return r.e;
}

const struct entry *db_peek(struct db *db, struct str key)
{
    struct slot s;

    find(db, key, &s, false);
    return s.ref.e;
}

static inline bool open_for_change(struct slot *s)
{
    if (!s->ref.e) return false;
    value_readers_finish(s->db->store, s->ref.e);
    table_before_change(&s->shard->keys, s->ref.hash);
    evict_mark(s->db->store, s->ref.e, true);
    if (UNLIKELY(s->ref.e->ns != 0)) ns_note_write(s->db, s->ref.e);
    return true;
}

bool db_find_write(struct db *db, struct str key, struct slot *s)
{
    find(db, key, s, true);
    return open_for_change(s);
}

bool db_find_victim(struct db *db, const struct entry *e, struct slot *s)
{
    fill(db, entry_key(e), s, true);
    return open_for_change(s);
}

enum err db_find_type(struct db *db, struct str key, enum value_type type, struct slot *s)
{
    if (!db_find_write(db, key, s)) return ERR_NO_KEY;
    if (UNLIKELY(entry_type(s->ref.e) != type) && type != VALUE_ANY) return ERR_WRONG_TYPE;
    return OK;
}

/* --- changing --------------------------------------------------------------------------------- */

void db_tell(const struct slot *s, enum change_kind kind)
{
    struct change c = { .kind = kind, .db = s->db->id, .key = s->key, .e = s->ref.e };

    store_tell(s->db->store, &c);
}

static void count_expires(struct slot *s, int n)
{
    s->shard->n_expires += (size_t)n;
    s->db->n_expires += (size_t)n;
}

void db_add(struct slot *s, struct entry *e)
{
    struct shard *sh = s->shard;

    value_readers_finish(s->db->store, e);
    evict_start(s->db, s->ref.hash, e);
    table_insert(&sh->keys, s->ref.hash, e);
    s->db->n_keys++;
    s->ref.e = e; /* where it lies is for the next look-up to find out */
    s->ref.seg = NULL;
    if (UNLIKELY(ns_any(s->db->store))) ns_note_add(s->db, s->ref.hash, e);
    if (entry_expires(e)) {
        count_expires(s, 1);
        expire_record(s->db->store, sh, s->ref.hash, e);
    }
    db_tell(s, CHANGE_NEW);
}

/* The table slot of s, found again when db_add has left it unknown. */
static void locate(struct slot *s)
{
    if (UNLIKELY(!s->ref.seg)) s->ref = table_find(&s->shard->keys, s->ref.hash, s->key);
}

/* e takes the place of the entry of s, which may be freed already. */
static void put_in_place(struct slot *s, struct entry *e)
{
    if (UNLIKELY(e->ns != 0)) ns_note_moved(s->db, s->ref.e, e);
    table_ref_set(&s->shard->keys, &s->ref, e);
    s->ref.e = e;
}

/* The TTL of the key of s has come (n is 1), changed (0) or gone (-1). */
static void note_ttl(const struct slot *s, int n)
{
    if (n != 0) ns_note_expires(s->db, s->ref.e, n);
    if (n >= 0) ns_note_ttl(s->db, s->ref.e);
}

void db_moved(struct slot *s, struct entry *e, bool had_ttl)
{
    bool has_ttl = entry_expires(e);

    if (e != s->ref.e) {
        ensure(s->ref.seg); /* after db_add nobody can find the slot of an entry that is gone */
        put_in_place(s, e);
    }
    if (has_ttl == had_ttl) return;
    count_expires(s, has_ttl ? 1 : -1);
    if (UNLIKELY(e->ns != 0)) note_ttl(s, has_ttl ? 1 : -1);
    if (has_ttl) expire_record(s->db->store, s->shard, s->ref.hash, e);
}

void db_set_expire(struct slot *s, int64_t at_ms)
{
    struct entry *e = s->ref.e;
    int64_t old = entry_expire_at(e);
    bool had = old >= 0;

    if (at_ms == old) return;
    locate(s);
    e = entry_set_expire(e, at_ms);
    if (e != s->ref.e) put_in_place(s, e);
    if (had != (at_ms >= 0)) count_expires(s, had ? -1 : 1);
    if (UNLIKELY(e->ns != 0)) note_ttl(s, at_ms < 0 ? -1 : had ? 0 : 1);
    /* A later time needs no record: the one of the earlier time finds it out. */
    if (at_ms < 0 || (had && at_ms > old))
        e->flags &= (uint8_t)~ENTRY_TIMED;
    else
        expire_record(s->db->store, s->shard, s->ref.hash, e);
}

/* Unlink the entry of s from the table, and count it out. */
static struct entry *unlink_entry(struct slot *s)
{
    struct entry *e;

    locate(s);
    value_readers_finish(s->db->store, s->ref.e);
    e = table_remove(&s->shard->keys, &s->ref);
    if (UNLIKELY(e->ns != 0)) ns_note_remove(s->db, s->ref.hash, e);
    s->ref.e = NULL;
    s->db->n_keys--;
    if (entry_expires(e)) count_expires(s, -1);
    return e;
}

struct entry *db_take(struct slot *s, enum change_kind kind)
{
    struct entry *e = unlink_entry(s);
    struct change c = { .kind = kind, .db = s->db->id, .key = s->key, .e = e };

    if (kind == CHANGE_EXPIRED) s->db->store->stats.expired++;
    if (kind == CHANGE_EVICTED) s->db->store->stats.evicted++;
    if (UNLIKELY(e->ns != 0)) ns_note_gone(s->db, e, kind);
    store_tell(s->db->store, &c);
    return e;
}

void db_remove(struct slot *s, enum change_kind kind, bool lazy)
{
    struct entry *e = db_take(s, kind);

    db_drop_value(s->db->store, e, lazy);
    entry_free(e);
}

void db_replace(struct slot *s, bool lazy)
{
    struct entry *e;

    db_overwriting(s);
    e = unlink_entry(s);
    db_drop_value(s->db->store, e, lazy);
    entry_free(e);
}

void db_give_value(struct slot *s, enum value_type type, enum value_enc enc, void *ptr)
{
    struct store *st = s->db->store;
    struct entry *e;

    db_overwriting(s);
    db_set_expire(s, -1);
    e = s->ref.e;
    db_drop_value(st, e, st->conf.lazy_server_del);
    e = entry_turn_ptr(e, enc, ptr);
    entry_set_kind(e, type, enc);
    e->flags &= (uint8_t)~ENTRY_GROWN;
    db_moved(s, e, false);
}

/* --- values ----------------------------------------------------------------------------------- */

/* Freeing up to FREE_HERE allocations is cheaper than handing them over; more than FREE_HERE_AT_MOST would hold everybody, whatever was
 * asked for. */
enum { FREE_HERE = 64, FREE_HERE_AT_MOST = 4096 };

struct burden {
    const struct type_ops *ops;
    enum value_enc enc;
    void *ptr;
    uint64_t *pending;
};

static void free_burden(void *arg)
{
    struct burden *b = arg;

    b->ops->free_value(b->enc, b->ptr);
    __atomic_fetch_sub(b->pending, 1, __ATOMIC_RELAXED);
    mem_free(b);
}

static void free_aside(struct store *s, const struct type_ops *ops, enum value_enc enc, void *ptr)
{
    struct burden *b = mem_alloc(sizeof *b);

    *b = (struct burden){ ops, enc, ptr, &s->lazy_pending };
    s->stats.lazy_freed++;
    __atomic_fetch_add(b->pending, 1, __ATOMIC_RELAXED);
    s->defer(s->defer_ctx, free_burden, b);
}

void db_discard(struct store *s, enum value_type type, enum value_enc enc, void *ptr, bool lazy)
{
    const struct type_ops *ops = type_ops[type];

    if (s->defer && ops->free_effort(enc, ptr) > (size_t)(lazy ? FREE_HERE : FREE_HERE_AT_MOST))
        free_aside(s, ops, enc, ptr);
    else
        ops->free_value(enc, ptr);
}

/* A snapshot that has not told all of the value keeps it for as long. */
void db_drop_value(struct store *s, struct entry *e, bool lazy)
{
    struct cut_value *cut;
    void *ptr;

    if (!entry_points(e)) return;
    ptr = entry_ptr(e);
    if (!ptr) return;
    if (entry_type(e) == VALUE_VSET) vset_goes(ptr);
    cut = cut_value_of(s, ptr);
    if (LIKELY(cut == NULL) || !cut_take(cut)) db_discard(s, entry_type(e), entry_enc(e), ptr, lazy);
}

void db_free_value(struct entry *e)
{
    if (entry_points(e) && entry_ptr(e))
        type_ops[entry_type(e)]->free_value(entry_enc(e), entry_ptr(e));
}

size_t db_value_bytes(const struct entry *e, size_t samples)
{
    size_t n = entry_bytes(e);

    const struct type_ops *ops = type_ops[entry_type(e)];

    if (!entry_points(e)) return n;
    return n + (samples == 0 ? ops->weight(entry_enc(e), entry_ptr(e)) : ops->value_bytes(entry_enc(e), entry_ptr(e), samples));
}

size_t db_weight(const struct entry *e)
{
    size_t n = mem_good_size(entry_bytes(e));
    void *ptr;

    if (!entry_points(e)) return n;
    ptr = entry_ptr(e);
    return ptr ? n + type_ops[entry_type(e)]->weight(entry_enc(e), ptr) : n;
}

size_t db_weight_slow(const struct entry *e)
{
    size_t n = mem_usable(e);

    if (entry_points(e) && entry_ptr(e)) n += type_ops[entry_type(e)]->value_bytes(entry_enc(e), entry_ptr(e), 0);
    return n;
}

/* --- departures ------------------------------------------------------------------------------- */

void db_overwriting_slow(const struct slot *s)
{
    const struct store *st = s->db->store;
    const struct departures *d = st->departures;

    if (!d || !d->overwritten || st->loading || !ns_archives(st, s->ref.e, NS_OVERWRITE)) return;
    d->overwritten(d->ctx, s->db, s->ref.e);
}

void db_trimming_slow(const struct slot *s, bool from_end, uint64_t n)
{
    const struct store *st = s->db->store;
    const struct departures *d = st->departures;

    if (st->loading) return;
    ns_note_trimmed(st, s->ref.e, n);
    if (!d || !d->trimmed || !ns_archives(st, s->ref.e, NS_TRIM)) return;
    d->trimmed(d->ctx, s->db, s->ref.e, from_end, n);
}

const char *entry_encoding_name(const struct store *s, const struct entry *e)
{
    return type_ops[entry_type(e)]->encoding_name(s, e);
}

/* --- walking ---------------------------------------------------------------------------------- */

/* The shard that holds the nth key, counted shard by shard. */
static struct shard *shard_of_nth(struct db *db, uint64_t nth)
{
    for (int i = 0; i < STORE_SHARDS; i++) {
        size_t n = db->shards[i].keys.count;

        if (nth < n) return &db->shards[i];
        nth -= n;
    }
    return NULL;
}

const struct entry *db_random(struct db *db)
{
    struct store *st = db->store;
    int tries = 100; /* there may be nothing but what has expired and must not go */

    while (db->n_keys) {
        struct shard *sh = shard_of_nth(db, rng_below(&st->rng, db->n_keys));
        struct entry *e = table_random_fair(&sh->keys, &st->rng);
        struct slot s;

        if (!due(st, e) || --tries == 0) return e;
        find(db, entry_key(e), &s, false); /* which removes it */
    }
    return NULL;
}

struct scan {
    struct store *store;
    void (*fn)(void *ctx, const struct entry *e);
    void *ctx;
    size_t n;
    struct entry *due[8]; /* of the bucket at hand: seen while the table may not change, removed after it */
    size_t n_due;
};

static void scan_one(void *ctx, struct entry *e)
{
    struct scan *sc = ctx;

    if (due(sc->store, e)) {
        if (sc->n_due < sizeof sc->due / sizeof *sc->due) sc->due[sc->n_due++] = e;
        return;
    }
    sc->n++;
    sc->fn(sc->ctx, e);
}

/* A cursor is the shard in the bits above 40 and the table's own cursor below. */
enum { CURSOR_BITS = 40 };

uint64_t db_scan(struct db *db, uint64_t cursor, size_t count,
                 void (*fn)(void *ctx, const struct entry *e), void *ctx)
{
    struct scan sc = { .store = db->store, .fn = fn, .ctx = ctx };
    unsigned shard = cursor >> CURSOR_BITS & (STORE_SHARDS - 1);
    uint64_t at = cursor & ((1ull << CURSOR_BITS) - 1);
    /* Buckets may be empty: bound the walk as well as the harvest, but go through a small database
     * in one call. */
    size_t steps = count < SIZE_MAX / 10 - 1000 ? 1000 + count * 10 : SIZE_MAX;

    while (steps-- > 0 && sc.n < count) {
        at = table_scan(&db->shards[shard].keys, at, scan_one, &sc);
        for (; sc.n_due > 0; sc.n_due--) (void)db_peek(db, entry_key(sc.due[sc.n_due - 1])); /* which removes it */
        if (at == 0 && ++shard == STORE_SHARDS) return 0;
    }
    return (uint64_t)shard << CURSOR_BITS | at;
}
