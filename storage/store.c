/* store.c -- making, emptying and exchanging databases. */
#include "storage/store.h"

#include "base/mem.h"
#include "storage/cut.h"
#include "storage/db.h"
#include "storage/evict.h"
#include "storage/key_order.h"
#include "storage/namespace_ledger.h"
#include "storage/type_hash.h"
#include "storage/value_reader.h"
#include "storage/vset.h"

static struct db *db_new(struct store *s, int id)
{
    struct db *db = mem_zalloc(sizeof *db);

    db->store = s;
    db->id = id;
    for (int i = 0; i < STORE_SHARDS; i++) table_init(&db->shards[i].keys, &s->hash_key);
    return db;
}

struct store *store_new(const struct store_conf *conf, const struct hash_key *key, uint64_t seed)
{
    struct store *s = mem_zalloc(sizeof *s);

    ensure(conf->databases > 0);
    s->conf = *conf;
    s->hash_key = *key;
    store_forget_hash(s);
    rng_seed(&s->rng, seed);
    s->evict = evict_new();
    link_init(&s->readers);
    link_init(&s->vset_watches);
    s->dbs = mem_alloc((size_t)conf->databases * sizeof s->dbs[0]);
    for (int i = 0; i < conf->databases; i++) s->dbs[i] = db_new(s, i);
    return s;
}

/* --- emptying --------------------------------------------------------------------------------- */

/* What a database held, on its way to be freed: by a helper thread perhaps, so nothing here may
 * touch the store but its counter. */
struct remains {
    struct table tables[STORE_SHARDS];
    struct wheel *wheels[2 * STORE_SHARDS];
    struct hash_key hash_key;
    uint64_t *pending;
    size_t n;
};

static void bury_entry(void *ctx, struct entry *e)
{
    (void)ctx;
    db_free_value(e);
    entry_free(e);
}

static void bury(void *arg)
{
    struct remains *r = arg;

    for (int i = 0; i < STORE_SHARDS; i++) table_fini(&r->tables[i], bury_entry, NULL);
    for (int i = 0; i < 2 * STORE_SHARDS; i++) wheel_free(&r->wheels[i]);
    if (r->pending) __atomic_fetch_sub(r->pending, r->n, __ATOMIC_RELAXED);
    mem_free(r);
}

/* Move the content of db out; the database is empty after. */
static struct remains *take_content(struct db *db)
{
    struct remains *r = mem_zalloc(sizeof *r);

    r->n = db->n_keys;
    r->hash_key = db->store->hash_key;
    for (int i = 0; i < STORE_SHARDS; i++) {
        struct shard *sh = &db->shards[i];

        r->tables[i] = sh->keys;
        r->tables[i].key = &r->hash_key;
        r->wheels[2 * i] = sh->wheel;
        r->wheels[2 * i + 1] = sh->fresh;
        *sh = (struct shard){ 0 };
        table_init(&sh->keys, &db->store->hash_key);
    }
    db->n_keys = db->n_expires = 0;
    return r;
}

/* Free the content of db, elsewhere when it is worth it. */
static void bury_content(struct store *s, struct db *db)
{
    size_t n = db->n_keys;
    struct remains *r;

    if (db->shares) ns_content_gone(db);
    r = take_content(db);

    if (n == 0 || !s->defer) {
        bury(r);
        return;
    }
    r->pending = &s->lazy_pending;
    __atomic_fetch_add(r->pending, n, __ATOMIC_RELAXED);
    s->stats.lazy_freed += n;
    s->defer(s->defer_ctx, bury, r);
}

size_t store_flush(struct store *s, int id)
{
    struct db *db = s->dbs[id];
    size_t n = db->n_keys;

    if (n) {
        cut_break(s);
        value_readers_finish_all(s);
        vset_all_go(s);
    }
    store_tell(s, &(struct change){ .kind = CHANGE_FLUSH, .db = id });
    s->stats.dirty += n;
    bury_content(s, db);
    return n;
}

struct store_aside {
    struct field_clock *fields;
    bool numbered; /* keys have namespaces */
    struct db dbs[];
};

struct store_aside *store_put_aside(struct store *s)
{
    size_t n = (size_t)s->conf.databases;
    struct store_aside *a = mem_zalloc(sizeof *a + n * sizeof a->dbs[0]);
    struct store_stats stats = s->stats;

    cut_break(s);
    value_readers_finish_all(s);
    vset_all_go(s);
    for (size_t i = 0; i < n; i++) {
        struct db *db = s->dbs[i];

        if (db->n_keys) store_tell(s, &(struct change){ .kind = CHANGE_FLUSH, .db = db->id });
        a->dbs[i] = *db;
        if (db->shares) ns_content_aside(db);
        memset(db->shards, 0, sizeof db->shards);
        for (int k = 0; k < STORE_SHARDS; k++) table_init(&db->shards[k].keys, &s->hash_key);
        db->n_keys = db->n_expires = 0;
    }
    a->fields = s->fields;
    a->numbered = s->namespaces != NULL;
    if (a->numbered) ns_aside(s, 1);
    s->fields = NULL;
    s->stats = stats;
    return a;
}

void store_take_back(struct store *s, struct store_aside **a)
{
    field_clock_free(s);
    s->fields = (*a)->fields;
    for (int i = 0; i < s->conf.databases; i++) {
        bury_content(s, s->dbs[i]);
        *s->dbs[i] = (*a)->dbs[i];
        if (s->dbs[i]->shares) ns_content_back(s->dbs[i]);
    }
    if (s->namespaces) ns_aside(s, (*a)->numbered ? -1 : 0);
    mem_free(*a);
    *a = NULL;
}

void store_drop_aside(struct store *s, struct store_aside **a)
{
    struct field_clock *fields = s->fields;

    s->fields = (*a)->fields;
    field_clock_free(s);
    s->fields = fields;
    for (int i = 0; i < s->conf.databases; i++) {
        ns_shares_free(&(*a)->dbs[i]); /* their figures are out of the count already */
        bury_content(s, &(*a)->dbs[i]);
    }
    if ((*a)->numbered) ns_aside(s, -1);
    mem_free(*a);
    *a = NULL;
}

void store_swap(struct store *s, int a, int b)
{
    struct db *x = s->dbs[a], *y = s->dbs[b], t;

    if (a == b) return;
    if (x->n_keys || y->n_keys) cut_break(s);
    value_readers_finish_swap(s);
    evict_swap(s, a, b);
    if (s->namespaces) ns_content_swap(s);
    t = *x;
    memcpy(x->shards, y->shards, sizeof x->shards);
    x->n_keys = y->n_keys;
    x->n_expires = y->n_expires;
    x->shares = y->shares;
    memcpy(y->shards, t.shards, sizeof y->shards);
    y->n_keys = t.n_keys;
    y->n_expires = t.n_expires;
    y->shares = t.shares;
    store_tell(s, &(struct change){ .kind = CHANGE_SWAP, .db = a, .db2 = b });
}

void store_free(struct store **sp)
{
    struct store *s = *sp;

    if (!s) return;
    ensure(s->cut == NULL);
    ns_free(s);
    for (int i = 0; i < s->conf.databases; i++) {
        bury(take_content(s->dbs[i]));
        mem_free(s->dbs[i]);
    }
    key_order_free(s);
    field_clock_free(s);
    evict_free(&s->evict);
    mem_free(s->dbs);
    mem_free(s);
    *sp = NULL;
}

/* --- invariants ------------------------------------------------------------------------------- */

static void check_shard(const struct store *s, const struct shard *sh, int at)
{
    struct table_iter it = { 0 };
    size_t n = 0, n_expires = 0;
    struct entry *e;

    table_check(&sh->keys);
    if (sh->wheel) wheel_check(sh->wheel);
    if (sh->fresh) wheel_check(sh->fresh);
    while ((e = table_next(&sh->keys, &it))) {
        uint64_t hash = hash_bytes(&s->hash_key, entry_key(e));

        ensure((int)(hash >> 8 & (STORE_SHARDS - 1)) == at);
        ensure(entry_type(e) < VALUE_TYPES);
        if (type_ops[entry_type(e)]->check) type_ops[entry_type(e)]->check(entry_ptr(e));
        n++;
        n_expires += entry_expires(e);
    }
    ensure(n == sh->keys.count);
    ensure(n_expires == sh->n_expires);
    ensure(n_expires == 0 || sh->wheel);
}

void store_check(const struct store *s)
{
    for (int i = 0; i < s->conf.databases; i++) {
        const struct db *db = s->dbs[i];
        size_t n_keys = 0, n_expires = 0;

        ensure(db->id == i && db->store == s);
        for (int k = 0; k < STORE_SHARDS; k++) {
            check_shard(s, &db->shards[k], k);
            n_keys += db->shards[k].keys.count;
            n_expires += db->shards[k].n_expires;
        }
        ensure(n_keys == db->n_keys);
        ensure(n_expires == db->n_expires);
    }
    ns_check(s);
    key_order_check(s);
}
