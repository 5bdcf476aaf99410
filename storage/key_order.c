#include "storage/key_order.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "storage/db.h"
#include "storage/name_order.h"

enum { ASKS = 16 };
static const uint64_t PLACE_BIT = 1ull << 48; /* cursors of db_scan are smaller, and doubles hold them */

/* Keys of a database that begin with root, without it. */
struct part {
    int db;
    bool ready;
    struct str root;          /* owned */
    struct name_order names;
    unsigned shard;           /* until it is ready: what is gathered next */
    uint64_t cursor;
    int64_t used_ms;
};

struct ask {
    int db;
    struct str root;          /* owned; p NULL: none */
    int64_t at_ms;
    bool too_large;           /* it was tried */
};

struct place {
    uint64_t cursor;
    int db;
    struct str key;           /* owned */
};

struct key_order {
    struct part *parts[KEY_ORDER_PARTS];
    size_t n;
    struct ask asks[ASKS];
    size_t next_ask;
    struct place *places;     /* a ring; NULL until there is one */
    uint64_t n_places;        /* ever */
    size_t place_bytes;
};

static struct str keep(struct str s)
{
    char *p = mem_alloc(s.n + 1);

    memcpy(p, s.p, s.n);
    return str_of(p, s.n);
}

static void forget(struct str *s)
{
    mem_free((void *)(uintptr_t)s->p);
    *s = (struct str){ NULL, 0 };
}

static struct str behind_root(const struct part *p, struct str key)
{
    return str_of(key.p + p->root.n, key.n - p->root.n);
}

/* --- parts -------------------------------------------------------------------------------------------------------------- */

static void bury(void *arg)
{
    struct part *p = arg;

    name_order_fini(&p->names);
    forget(&p->root);
    mem_free(p);
}

static void part_drop(struct store *s, size_t i)
{
    struct key_order *o = s->order;
    struct part *p = o->parts[i];

    o->parts[i] = o->parts[--o->n];
    if (s->defer != NULL) s->defer(s->defer_ctx, bury, p);
    else bury(p);
}

static void drop_all(struct store *s, int db)
{
    for (size_t i = s->order->n; i-- > 0;)
        if (db < 0 || s->order->parts[i]->db == db) part_drop(s, i);
}

static size_t unused_for_longest(const struct key_order *o)
{
    size_t oldest = 0;

    for (size_t i = 1; i < o->n; i++)
        if (o->parts[i]->used_ms < o->parts[oldest]->used_ms) oldest = i;
    return oldest;
}

static size_t bytes_max(const struct store *s)
{
    size_t max = s->conf.key_order_bytes;

    return s->conf.maxmemory > 0 && s->conf.maxmemory / 16 < max ? s->conf.maxmemory / 16 : max;
}

/* Its root is not tried again as long as it is asked for. */
static void mark_too_large(struct key_order *o, const struct part *p)
{
    for (size_t i = 0; i < ASKS; i++)
        if (o->asks[i].root.p != NULL && o->asks[i].db == p->db && str_eq(o->asks[i].root, p->root)) o->asks[i].too_large = true;
}

/* Drop what there is no room for. */
static void keep_bounds(struct store *s)
{
    struct key_order *o = s->order;

    while (o->n > 0 && key_order_bytes(s) > bytes_max(s)) {
        size_t i = unused_for_longest(o);

        if (o->n == 1) mark_too_large(o, o->parts[i]);
        part_drop(s, i);
    }
}

/* --- changes ------------------------------------------------------------------------------------------------------------- */

static bool covers(const struct part *p, int db, struct str name)
{
    return p->db == db && str_starts(name, p->root);
}

static void note_key(struct store *s, const struct change *c, bool comes)
{
    struct key_order *o = s->order;

    for (size_t i = o->n; i-- > 0;) {
        struct part *p = o->parts[i];

        if (!covers(p, c->db, c->key)) continue;
        if (c->key.n - p->root.n > NAME_ORDER_NAME_MAX) {
            mark_too_large(o, p);
            part_drop(s, i);
        } else if (comes) {
            name_order_add(&p->names, behind_root(p, c->key));
        } else {
            name_order_remove(&p->names, behind_root(p, c->key));
        }
    }
    if (comes) keep_bounds(s);
}

static void on_change(void *ctx, const struct change *c)
{
    struct store *s = ctx;

    if (s->order == NULL || s->order->n == 0) return;
    switch (c->kind) {
    case CHANGE_NEW: note_key(s, c, true); break;
    case CHANGE_DEL: case CHANGE_EXPIRED: case CHANGE_EVICTED: case CHANGE_RENAME_FROM: case CHANGE_MOVE_FROM:
        note_key(s, c, false);
        break;
    case CHANGE_FLUSH: drop_all(s, c->db); break;
    case CHANGE_SWAP:
        drop_all(s, c->db);
        drop_all(s, c->db2);
        break;
    default: break;
    }
}

/* --- being asked ----------------------------------------------------------------------------------------------------------- */

static struct str root_of(struct str prefix)
{
    for (size_t i = 0; i < prefix.n; i++)
        if (prefix.p[i] == ':' || prefix.p[i] == '/') return str_of(prefix.p, i + 1);
    return prefix;
}

static struct part *part_of(const struct store *s, int db, struct str prefix)
{
    for (size_t i = 0; s->order != NULL && i < s->order->n; i++)
        if (covers(s->order->parts[i], db, prefix)) return s->order->parts[i];
    return NULL;
}

static void part_begin(struct store *s, int db, struct str root)
{
    struct key_order *o = s->order;
    struct part *p = mem_zalloc(sizeof *p);

    if (o->n == KEY_ORDER_PARTS) part_drop(s, unused_for_longest(o));
    *p = (struct part){ .db = db, .root = keep(root), .used_ms = s->now_ms };
    o->parts[o->n++] = p;
    store_subscribe(s, on_change, s);
}

/* Asked for root before, and not long ago? */
static bool asked_again(struct store *s, int db, struct str root)
{
    struct key_order *o = s->order;
    struct ask *a;

    for (size_t i = 0; i < ASKS; i++) {
        bool again;

        a = &o->asks[i];
        if (a->root.p == NULL || a->db != db || !str_eq(a->root, root)) continue;
        again = s->now_ms - a->at_ms < KEY_ORDER_REMEMBERED_MS;
        if (!again) a->too_large = false;
        a->at_ms = s->now_ms;
        return again && !a->too_large;
    }
    a = &o->asks[o->next_ask++ % ASKS];
    forget(&a->root);
    *a = (struct ask){ .db = db, .root = keep(root), .at_ms = s->now_ms };
    return false;
}

bool key_order_has(struct db *db, struct str prefix)
{
    struct store *s = db->store;
    struct part *p;

    if (prefix.n == 0 || s->conf.key_order_bytes == 0) return false;
    p = part_of(s, db->id, prefix);
    if (p != NULL) {
        p->used_ms = s->now_ms;
        return p->ready;
    }
    if (db->n_keys < KEY_ORDER_WORTH || s->loading || prefix.n > NAME_ORDER_NAME_MAX) return false;
    if (s->order == NULL) s->order = mem_zalloc(sizeof *s->order);
    if (asked_again(s, db->id, root_of(prefix))) part_begin(s, db->id, root_of(prefix));
    return false;
}

void key_order_each(struct db *db, struct str prefix, struct str behind, bool (*fn)(void *ctx, const struct entry *e), void *ctx)
{
    const struct part *p = part_of(db->store, db->id, prefix);
    bool goes_on;
    struct str from;
    char *key;
    struct name_walk w;

    ensure(p != NULL);
    goes_on = behind.n > 0 && covers(p, db->id, behind);
    from = behind_root(p, goes_on ? behind : prefix);
    key = mem_alloc(p->root.n + NAME_ORDER_NAME_MAX);
    memcpy(key, p->root.p, p->root.n);
    name_walk_begin(&w, &p->names, from, goes_on);
    while (name_walk_next(&w)) {
        struct str name = str_of(key, p->root.n + w.name.n);
        const struct entry *e;

        memcpy(key + p->root.n, w.name.p, w.name.n);
        if (!str_starts(name, prefix)) break;
        e = db_glance(db, name);
        if (e != NULL && !fn(ctx, e)) break;
    }
    mem_free(key);
}

/* --- places of scans ---------------------------------------------------------------------------------------------------------- */

uint64_t key_order_place(struct db *db, struct str key)
{
    struct key_order *o = db->store->order;
    struct place *p;

    if (o->places == NULL) o->places = mem_zalloc(KEY_ORDER_PLACES * sizeof *o->places);
    p = &o->places[o->n_places % KEY_ORDER_PLACES];
    o->place_bytes = o->place_bytes - p->key.n + key.n;
    forget(&p->key);
    *p = (struct place){ .cursor = PLACE_BIT | (o->n_places++ & (PLACE_BIT - 1)), .db = db->id, .key = keep(key) };
    return p->cursor;
}

bool key_order_is_place(uint64_t cursor)
{
    return (cursor & PLACE_BIT) != 0;
}

bool key_order_find_place(struct db *db, uint64_t cursor, struct str prefix, struct str *behind)
{
    const struct key_order *o = db->store->order;
    const struct place *p;

    if (o == NULL || o->places == NULL) return false;
    p = &o->places[(cursor & (PLACE_BIT - 1)) % KEY_ORDER_PLACES];
    if (p->cursor != cursor || p->db != db->id || !str_starts(p->key, prefix)) return false;
    *behind = p->key;
    return key_order_has(db, prefix);
}

/* --- gathering --------------------------------------------------------------------------------------------------------------- */

struct gathering {
    struct part *part;
    bool too_long;
};

/* What has expired and is still there, too: it is told of when it goes. */
static void gather(void *ctx, struct entry *e)
{
    struct gathering *g = ctx;
    struct str key = entry_key(e);

    if (!str_starts(key, g->part->root)) return;
    if (key.n - g->part->root.n > NAME_ORDER_NAME_MAX) g->too_long = true;
    else name_order_add(&g->part->names, behind_root(g->part, key));
}

static struct part *unready(const struct store *s)
{
    for (size_t i = 0; s->order != NULL && i < s->order->n; i++)
        if (!s->order->parts[i]->ready) return s->order->parts[i];
    return NULL;
}

bool key_order_is_due(const struct store *s)
{
    return unready(s) != NULL;
}

bool key_order_step(struct store *s, size_t buckets)
{
    struct gathering g = { .part = unready(s) };
    struct part *p = g.part;

    if (p == NULL || s->loading) return false;
    for (; buckets > 0 && !p->ready && !g.too_long; buckets--) {
        p->cursor = table_scan(&s->dbs[p->db]->shards[p->shard].keys, p->cursor, gather, &g);
        if (p->cursor == 0 && ++p->shard == STORE_SHARDS) p->ready = true;
    }
    if (g.too_long) {
        mark_too_large(s->order, p);
        for (size_t i = s->order->n; i-- > 0;)
            if (s->order->parts[i] == p) part_drop(s, i);
    }
    keep_bounds(s);
    return key_order_is_due(s);
}

void key_order_tend(struct store *s)
{
    struct key_order *o = s->order;

    if (o == NULL) return;
    for (size_t i = o->n; i-- > 0;)
        if (s->now_ms - o->parts[i]->used_ms > KEY_ORDER_REMEMBERED_MS) part_drop(s, i);
    keep_bounds(s);
}

void key_order_free(struct store *s)
{
    struct key_order *o = s->order;

    if (o == NULL) return;
    while (o->n > 0) bury(o->parts[--o->n]);
    for (size_t i = 0; i < ASKS; i++) forget(&o->asks[i].root);
    for (size_t i = 0; o->places != NULL && i < KEY_ORDER_PLACES; i++) forget(&o->places[i].key);
    mem_free(o->places);
    mem_free(o);
    s->order = NULL;
}

size_t key_order_bytes(const struct store *s)
{
    size_t bytes = 0;

    if (s->order == NULL) return 0;
    for (size_t i = 0; i < s->order->n; i++) bytes += sizeof(struct part) + s->order->parts[i]->names.bytes;
    return bytes + s->order->place_bytes;
}

/* --- invariants ---------------------------------------------------------------------------------------------------------------- */

void key_order_check(const struct store *s)
{
    for (size_t i = 0; s->order != NULL && i < s->order->n; i++) {
        const struct part *p = s->order->parts[i];
        size_t n = 0;

        name_order_check(&p->names);
        if (!p->ready) continue;
        for (int k = 0; k < STORE_SHARDS; k++) {
            struct table_iter it = { 0 };
            const struct entry *e;

            while ((e = table_next(&s->dbs[p->db]->shards[k].keys, &it)) != NULL) {
                if (!str_starts(entry_key(e), p->root)) continue;
                ensure(name_order_has(&p->names, behind_root(p, entry_key(e))));
                n++;
            }
        }
        ensure(n == p->names.count);
    }
}
