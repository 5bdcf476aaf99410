/* ft_feed.c -- how indexes follow the keys.
 *
 * A change names a key. If the key is gone it leaves its indexes within the change: no search ever finds it. If it is there it is
 * put into the queue of each index that it belongs to, and read between turns, between requests when there are many, or before a
 * search: so a document that changes ten times is read once, and nothing is read while somebody is in the midst of changing it.
 *
 * Indexing may be slower than writing (graphs of vectors are, by a factor of hundreds). A queue that is full holds writers
 * back (server->ft_full, as a slow disk does) until the turn's slices have worked it off; who reads goes on. So do documents that
 * are gone, whose values are still to be taken out (index_settle), when there are very many. */
#include "base/clock.h"
#include "base/ensure.h"
#include "server/ft_impl.h"
#include "server/loop.h"

/* Keys that are looked up together; and so many that it is worth while to leave what runs requests, whose code has to be brought back. */
enum { PORTION = INDEX_EXPECTS, RIPE = 4 * PORTION };

/* --- changes ---------------------------------------------------------------------------------------------------- */

enum effect { NO_EFFECT, CHANGED /* and of another type, perhaps */, GONE };

static enum effect effect_of(enum change_kind k)
{
    switch (k) {
    case CHANGE_DEL:
    case CHANGE_EXPIRED:
    case CHANGE_EVICTED:
    case CHANGE_RENAME_FROM:
    case CHANGE_MOVE_FROM: return GONE;
    case CHANGE_HEXPIRE:
    case CHANGE_HPERSIST:
    case CHANGE_EXPIRE:
    case CHANGE_PERSIST:
    case CHANGE_XPENDING:
    case CHANGE_MISS:
    case CHANGE_NEW: return NO_EFFECT;
    default: return CHANGED;
    }
}

struct changed {
    struct ft *ft;
    const struct change *ch;
};

static bool holds_document(const struct ft_index *x, const struct entry *e)
{
    return e && entry_type(e) == (index_spec(x->ix)->on_json ? VALUE_JSON : VALUE_HASH);
}

static void note_change(void *ctx, struct ft_index *x)
{
    const struct changed *c = ctx;

    ft_busy(c->ft, x);
    if (!holds_document(x, c->ch->e)) {
        index_remove(x->ix, c->ch->key);
        return;
    }
    ft_queue_add(&x->queue, c->ch->key, db_hash(c->ft->server->store->dbs[0], c->ch->key));
    if (ft_queue_count(&x->queue) == RIPE) c->ft->ripe = true;
    if (ft_queue_count(&x->queue) > FT_DIRTY_MAX) c->ft->server->ft_full = true;
}

static void note_gone(void *ctx, struct ft_index *x)
{
    const struct changed *c = ctx;

    ft_busy(c->ft, x); /* there is something to take out, and perhaps to sweep */
    index_remove(x->ix, c->ch->key);
    if (index_leaving(x->ix) > FT_LEAVING_MAX) c->ft->server->ft_full = true;
}

static void empty(struct ft_index *x, bool by_flush)
{
    index_clear(x->ix);
    ft_queue_clear(&x->queue);
    x->scanning = x->whole = x->starved = false;
    x->emptied = by_flush;
}

/* All keys of database 0 are others now. */
static void on_new_content(struct ft *f, bool flushed)
{
    for (size_t i = 0; i < f->now.n; i++) {
        empty(f->now.indexes[i], flushed);
        if (!flushed) ft_scan(f, f->now.indexes[i], true);
    }
    for (size_t i = 0; i < f->now.n_kept; i++) {
        empty(f->now.kept[i], false);
        f->now.kept[i]->kept_until_ms = 1; /* there is nothing to take back */
    }
}

void ft_on_change(struct server *s, const struct change *ch)
{
    struct ft *f = s->ft;
    struct changed c = { f, ch };
    enum effect effect;

    if (ch->kind == CHANGE_FLUSH || ch->kind == CHANGE_SWAP) {
        bool concerns = ch->db == 0 || (ch->kind == CHANGE_SWAP && ch->db2 == 0);

        if (concerns) on_new_content(f, ch->kind == CHANGE_FLUSH);
        if (concerns && ch->kind == CHANGE_FLUSH) {
            dictionaries_fini(&f->now.dictionaries);
            ft_note_any(f);
        }
        return;
    }
    if (ch->db != 0 || !ft_may_concern(f, ch->key)) return;
    if (s->store->loading) { /* also keys that are put there as they are in a file */
        f->stale = true;
        return;
    }
    effect = effect_of(ch->kind);
    if (effect != NO_EFFECT) ft_each_of(f, ch->key, effect == GONE ? note_gone : note_change, &c);
}

void ft_on_overdue(void *server, const struct db *db, const struct entry *e)
{
    struct server *s = server;
    struct change ch = { .kind = CHANGE_EXPIRED, .db = db->id, .key = entry_key(e), .e = e };
    struct changed c = { s->ft, &ch };
    bool gone = entry_expires(e) && entry_expire_at(e) <= s->store->now_ms; /* else fields of it */

    if (!s->ft_any || db->id != 0 || !ft_may_concern(s->ft, ch.key)) return;
    ft_each_of(s->ft, ch.key, gone ? note_gone : note_change, &c);
}

/* --- queues ----------------------------------------------------------------------------------------------------- */

/* Some keys of a queue. They are looked up together: tables, values and what the index knows lie all over memory, and for all of
 * them it is waited at once. */
struct portion {
    struct str keys[PORTION];
    uint64_t hashes[PORTION];
    const struct entry *entries[PORTION];
    size_t n;
};

/* Keys are copied: looking one up may find that it has expired, which is told and may queue others. */
static void take_portion(struct ft_queue *q, struct portion *p, struct buf *keys)
{
    struct str k;

    buf_clear(keys);
    for (p->n = 0; p->n < PORTION && ft_queue_take(q, &k, &p->hashes[p->n]); p->n++) {
        p->keys[p->n] = str_of(NULL, k.n);
        buf_add_str(keys, k);
    }
    for (size_t i = 0, at = 0; i < p->n; at += p->keys[i++].n) p->keys[i].p = keys->p + at;
}

static void fetch_value(const struct entry *e)
{
    const char *p;

    if ((entry_type(e) != VALUE_HASH && entry_type(e) != VALUE_JSON) || !entry_points(e)) return;
    p = entry_ptr(e);
    __builtin_prefetch(p);
    __builtin_prefetch(p + 64);
    __builtin_prefetch(p + 128);
}

static void look_up(struct db *db, const struct search_index *ix, struct portion *p)
{
    for (size_t i = 0; db && i < p->n; i++) table_prefetch_bucket(&db_shard(db, p->hashes[i])->keys, p->hashes[i]);
    for (size_t i = 0; db && i < p->n; i++) table_prefetch_entry(&db_shard(db, p->hashes[i])->keys, p->hashes[i]);
    index_expect(ix, p->keys, p->n);
    for (size_t i = 0; i < p->n; i++) {
        p->entries[i] = NULL;
        if (db == NULL) continue;
        db_memo(db, p->keys[i], p->hashes[i]);
        p->entries[i] = db_peek(db, p->keys[i]);
        if (p->entries[i]) fetch_value(p->entries[i]);
    }
    if (db) db_forget(db);
}

bool ft_feed(struct ft *f, struct ft_index *x, int64_t deadline_us)
{
    struct db *db = f->server->store->dbs[0];
    int64_t from = clock_mono_us(), now = from;
    struct buf keys = { 0 };
    struct portion p;

    x->used_ms = server_mono_ms(f->server);
    while (now < deadline_us && index_go_on(x->ix, deadline_us) && ft_queue_count(&x->queue) > 0) {
        take_portion(&x->queue, &p, &keys);
        look_up(db, x->ix, &p);
        for (size_t i = 0; i < p.n; i++) {
            ft_put(f, x, x->ix, p.keys[i], p.entries[i]);
            if (i + 1 == p.n) continue;
            if (!index_is_going_on(x->ix) && (!f->was_large || (now = clock_mono_us()) < deadline_us)) continue;
            ft_queue_put_back(&x->queue, p.n - i - 1);
            break;
        }
        index_flush(x->ix);
        now = clock_mono_us();
    }
    buf_fini(&keys);
    x->feed_us += now - from;
    if (ft_queue_count(&x->queue) > 0 || index_is_going_on(x->ix)) return false;
    ft_queue_clear(&x->queue);
    return true;
}

void ft_feed_ripe(struct server *s)
{
    struct ft *f = s->ft;
    uint64_t fed = f->fed;
    int64_t until;

    if (!f->ripe) return;
    f->ripe = false;
    if (f->was_large || f->stale || s->store->loading) return;
    until = clock_mono_us() + FT_RIPE_US;
    for (struct link *l = f->busy.next, *next; l != &f->busy; l = next) {
        struct ft_index *x = LINK_OF(l, struct ft_index, in_busy);

        next = l->next;
        if (ft_queue_count(&x->queue) < RIPE || index_is_held(x->ix) || index_is_behind(x->ix)) continue;
        (void)ft_feed(f, x, until);
    }
    s->heavy += (size_t)(f->fed - fed);
}

size_t ft_waiting_keys(const struct ft *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->now.n; i++) n += ft_queue_count(&f->now.indexes[i]->queue) + index_is_going_on(f->now.indexes[i]->ix);
    for (size_t i = 0; i < f->now.n_kept; i++) n += ft_queue_count(&f->now.kept[i]->queue);
    return n;
}

/* --- scans ------------------------------------------------------------------------------------------------------ */

void ft_scan(struct ft *f, struct ft_index *x, bool whole)
{
    ft_busy(f, x);
    x->scanning = true;
    x->starved = false;
    x->whole = whole;
    x->cursor = 0;
    x->scanned = 0;
}

struct scan {
    struct ft *ft;
    struct ft_index *x;
};

static bool has_prefix(const struct index_spec *s, struct str key)
{
    for (size_t i = 0; i < s->n_prefixes; i++)
        if (str_starts(key, s->prefixes[i])) return true;
    return false;
}

static void scan_entry(void *ctx, const struct entry *e)
{
    struct scan *sc = ctx;

    sc->x->scanned++;
    if (holds_document(sc->x, e) && has_prefix(index_spec(sc->x->ix), entry_key(e))) ft_put(sc->ft, sc->x, sc->x->ix, entry_key(e), e);
}

/* True: there is more to do. */
static bool scan_some(struct ft *f, struct ft_index *x, int64_t deadline_us)
{
    struct db *db = f->server->store->dbs[0];
    struct scan sc = { f, x };
    int64_t from = clock_mono_us();

    if (!x->scanning || x->starved || index_is_held(x->ix)) return false;
    if (!index_go_on(x->ix, deadline_us)) return true;
    if (!ft_may_grow(f, x)) return !x->starved;
    do {
        x->cursor = db ? db_scan(db, x->cursor, 1, scan_entry, &sc) : 0;
        if (x->cursor == 0) x->scanning = x->whole = false;
    } while (x->scanning && index_go_on(x->ix, deadline_us) && clock_mono_us() < deadline_us);
    index_flush(x->ix);
    x->feed_us += clock_mono_us() - from;
    return x->scanning || index_is_going_on(x->ix);
}

double ft_remade(const struct ft *f, const struct search_index *ix)
{
    const struct ft_index *x = ft_owner(f, ix);

    return x && x->whole ? ft_scanned(f, x) : -1;
}

double ft_scanned(const struct ft *f, const struct ft_index *x)
{
    const struct db *db = f->server->store->dbs[0];
    double all = db ? (double)db->n_keys : 0;

    if (!x->scanning) return 1;
    return all > 0 && (double)x->scanned < all ? (double)x->scanned / all : x->scanned ? 0.99 : 0;
}

/* --- turns ------------------------------------------------------------------------------------------------------ */

/* Keys have come by loading, of which nothing was told. */
static void look_anew(struct ft *f)
{
    f->stale = false;
    for (size_t i = 0; i < f->now.n; i++) {
        struct ft_index *x = f->now.indexes[i];

        index_clear(x->ix);
        ft_queue_clear(&x->queue);
        ft_scan(f, x, true);
    }
    ft_tend_kept(f, true);
}

/* What changes leave behind is put in order as fast as it comes, and else a little in each turn. */
static bool tidy(struct ft_index *x, int64_t deadline_us)
{
    enum { TEND_BUDGET = 256 };
    int64_t now = clock_mono_us(), until = index_is_behind(x->ix) ? deadline_us : now + (deadline_us - now) / FT_TIDY_SHARE;
    bool more;

    do more = index_tend(x->ix, TEND_BUDGET);
    while (more && clock_mono_us() < until);
    return more;
}

static bool tend(struct ft *f, struct ft_index *x, int64_t deadline_us)
{
    bool more = tidy(x, deadline_us);

    if (index_is_held(x->ix)) return more; /* its searches go on in slices of their own */
    if (index_is_behind(x->ix)) return true;
    if (ft_queue_count(&x->queue) > 0 || index_is_going_on(x->ix)) more |= !ft_feed(f, x, deadline_us);
    return scan_some(f, x, deadline_us) || more;
}

void ft_turn(struct server *s, int64_t deadline_us)
{
    struct ft *f = s->ft;
    bool full = false, more = false;

    f->looked = s->turns;
    f->looked_ms = server_mono_ms(s);
    if (s->store->loading) return;
    if (f->stale) look_anew(f);
    ft_make_room(f);
    for (struct link *l = f->busy.next, *next; l != &f->busy; l = next) {
        struct ft_index *x = LINK_OF(l, struct ft_index, in_busy);

        next = l->next;
        if (tend(f, x, deadline_us)) more = true;
        else if (!index_is_held(x->ix)) link_remove(l);
        full |= ft_queue_count(&x->queue) > FT_DIRTY_MAX / 2 || index_leaving(x->ix) > FT_LEAVING_MAX / 2;
    }
    /* Reading keys may have found some that expired, and so others to look at. */
    for (struct link *l = f->busy.next; !more && l != &f->busy; l = l->next) more = !index_is_held(LINK_OF(l, struct ft_index, in_busy)->ix);
    if (!link_alone(&f->busy)) link_to_tail(&f->busy, f->busy.next); /* each is the first once */
    more |= ft_doom_turn(s, deadline_us);
    ft_tend_kept(f, false);
    s->ft_full &= full;
    s->ft_more = more;
}

/* Once in a turn: is there an index with something to do? And now and then, for what comes with time: the loop sleeps meanwhile. */
static bool has_come(const struct server *s, const struct ft *f)
{
    enum { NOW_AND_THEN_MS = 100 };

    if (f->looked == s->turns) return false;
    for (const struct link *l = f->busy.next; l != &f->busy; l = l->next)
        if (!index_is_held(LINK_OF(l, struct ft_index, in_busy)->ix)) return true;
    return f->stale || server_mono_ms(s) - f->looked_ms >= NOW_AND_THEN_MS;
}

bool ft_is_due(const struct server *s)
{
    return UNLIKELY(s->ft_any) && !s->store->loading && (s->ft_more || has_come(s, s->ft));
}

bool ft_ready(struct ft *f, struct search_index *ix, bool whole)
{
    struct server *s = f->server;
    struct ft_index *x = ft_owner(f, ix);

    ensure(x != NULL);
    if (f->stale && !s->store->loading) look_anew(f);
    x->used_ms = server_mono_ms(s);
    ft_busy(f, x); /* what it asks for may be wanted in order from now on */
    if (UNLIKELY(!link_alone(&s->ft_alters)) && ft_is_altered(s, x)) return false;
    if (loop_expire(s)) return false;
    if (whole && x->whole) {
        s->ft_more = true;
        return false;
    }
    if (ft_queue_count(&x->queue) == 0 && !index_is_going_on(ix)) return true;
    return !index_is_held(ix) && ft_feed(f, x, clock_mono_us() + FT_FEED_US);
}

void ft_finish(struct ft *f, struct search_index *ix)
{
    struct ft_index *x = ft_owner(f, ix);

    ensure(x != NULL);
    if (f->stale && !f->server->store->loading) look_anew(f);
    while (loop_expire(f->server)) {}
    if (!index_is_held(ix)) (void)ft_feed(f, x, INT64_MAX);
    while (index_settle(ix, SIZE_MAX)) {}
}

void ft_loaded(struct server *s)
{
    if (s->ft_any) look_anew(s->ft);
}
