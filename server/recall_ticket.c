/* recall_ticket.c -- keys on their way, and what is known to be missing.
 *
 * At most RECALL_ASKED_MAX tickets are with the archive's thread; the others stand in line, so that a request for a million
 * keys neither floods the archive's queue nor is refused by it. A ticket that nobody waits for any more is dropped
 * from the line; one that has been asked comes into memory all the same: on a slow disk the next reader is glad of it.
 *
 * The archive's filter says `maybe` also of keys that are not there (one in a hundred by chance, and those that were
 * deleted or recalled). What the disk has said of such a key is remembered until the key comes to be, so that a read of
 * it does not go there again and again: hashes, in as many places as there are, the later one taking the place. */
#include "base/mem.h"
#include "server/recall_impl.h"

struct recalls *recalls_new(int databases, const struct hash_key *key)
{
    struct recalls *r = mem_zalloc(sizeof *r);

    r->databases = databases;
    r->tickets = mem_zalloc((size_t)databases * sizeof *r->tickets);
    for (int i = 0; i < databases; i++) table_init(&r->tickets[i], key);
    link_init(&r->line);
    link_init(&r->queued);
    link_init(&r->answered);
    link_init(&r->ready);
    return r;
}

/* --- what is known to be missing ----------------------------------------------------------------------------- */

static uint64_t hash_of(const struct server *s, int db, struct str key)
{
    return (hash_bytes(&s->store->hash_key, key) + (uint64_t)db * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

static uint64_t *place_of(struct recalls *r, uint64_t hash)
{
    return &r->misses[hash >> 32 & (RECALL_MISSES - 1)];
}

bool recall_is_missing(const struct server *s, int db, struct str key)
{
    uint64_t hash = hash_of(s, db, key);

    return *place_of(s->recalls, hash) == hash;
}

void recall_note_missing(const struct server *s, int db, struct str key)
{
    uint64_t hash = hash_of(s, db, key);

    *place_of(s->recalls, hash) = hash;
    s->recalls->any_misses = true;
}

/* It comes to be: from now on it may leave. */
static void forget_missing(const struct server *s, int db, struct str key)
{
    uint64_t hash, *place;

    if (LIKELY(!s->recalls->any_misses)) return;
    hash = hash_of(s, db, key);
    place = place_of(s->recalls, hash);
    if (*place == hash) *place = 0;
}

/* --- tickets -------------------------------------------------------------------------------------------------- */

static struct ticket *find_ticket(struct recalls *r, int db, struct str key)
{
    struct table *t = &r->tickets[db];
    struct table_ref ref;

    if (t->count == 0) return NULL;
    ref = table_find(t, table_hash(t, key), key);
    return ref.e ? entry_ptr(ref.e) : NULL;
}

static struct ticket *new_ticket(struct server *s, int db, struct str key)
{
    struct recalls *r = s->recalls;
    struct table *t = &r->tickets[db];
    struct ticket *k = mem_zalloc(sizeof *k);

    k->server = s;
    k->db = db;
    link_init(&k->waiters);
    link_init(&k->in_list);
    k->e = entry_new_ptr(VALUE_STRING, ENC_BLOB, key, -1);
    entry_set_ptr(k->e, k);
    table_insert(t, table_hash(t, key), k->e);
    link_add_tail(&r->line, &k->in_list);
    r->stats.on_the_way++;
    return k;
}

struct ticket *recall_ticket(struct server *s, int db, struct str key)
{
    struct ticket *k = find_ticket(s->recalls, db, key);

    return k ? k : new_ticket(s, db, key);
}

/* Nobody finds it by its key any more. */
struct entry *recall_unlist(struct recalls *r, struct ticket *k)
{
    struct table *t = &r->tickets[k->db];
    struct table_ref ref = table_find(t, table_hash(t, entry_key(k->e)), entry_key(k->e));
    struct entry *e = table_remove(t, &ref);

    k->e = NULL;
    r->stats.on_the_way--;
    return e;
}

static void settle(struct recalls *r, struct waiting *w)
{
    if (--w->n_left == 0) link_add_tail(&r->ready, &w->in_ready);
}

/* Those who wait for it need not any more. */
void recall_release(struct recalls *r, struct ticket *k, const char *refusal, bool failed)
{
    while (!link_alone(&k->waiters)) {
        struct stub *stub = LINK_OF(k->waiters.next, struct stub, of_ticket);
        link_remove(&stub->of_ticket);
        if (refusal) stub->waiting->refusal = refusal;
        stub->waiting->gives_up |= failed;
        settle(r, stub->waiting);
    }
}

void recall_free_ticket(struct ticket *k)
{
    link_remove(&k->in_list);
    if (k->get) archive_get_free(&k->get);
    mem_free(k);
}

/* Out of the line or off its way: an answer that still comes finds a ticket without a key. */
void recall_drop_ticket(struct recalls *r, struct ticket *k)
{
    entry_free(recall_unlist(r, k));
    recall_release(r, k, NULL, false);
    if (k->get == NULL) recall_free_ticket(k);
    else atomic_store(&k->get->job.cancelled, true);
}

void recalls_free(struct recalls **rp)
{
    struct recalls *r = *rp;

    while (!link_alone(&r->line)) recall_drop_ticket(r, LINK_OF(r->line.next, struct ticket, in_list));
    while (!link_alone(&r->queued)) recall_drop_ticket(r, LINK_OF(r->queued.next, struct ticket, in_list));
    while (!link_alone(&r->answered)) {
        struct ticket *k = LINK_OF(r->answered.next, struct ticket, in_list);
        if (k->e) entry_free(recall_unlist(r, k));
        recall_free_ticket(k);
    }
    for (int i = 0; i < r->databases; i++) table_fini(&r->tickets[i], NULL, NULL);
    mem_free(r->tickets);
    mem_free(r);
    *rp = NULL;
}

static void on_done(struct archive_job *j)
{
    struct ticket *k = j->owner;
    struct recalls *r = k->server->recalls;

    r->n_asked--;
    link_add_tail(&r->answered, &k->in_list);
}

uint64_t recall_after(struct server *s, int db, struct str key)
{
    struct archive_note note;
    uint64_t swapped = s->recalls->swapped;

    if (archive_pending(s->archive, db, key, &note) != PENDING_NONE) return archive_last_seq(s->archive);
    return swapped > 0 && !archive_is_applied(s->archive, swapped) ? swapped : 0;
}

bool recall_is_queued(const struct server *s, const struct ticket *k, struct archive_note *n)
{
    return archive_pending(s->archive, k->db, entry_key(k->e), n) == PENDING_OUT && (n->flags & ARCHIVE_LIVE);
}

void recall_ask_more(struct server *s)
{
    struct recalls *r = s->recalls;
    struct archive_note note;

    while (r->n_asked < RECALL_ASKED_MAX && !link_alone(&r->line)) {
        struct ticket *k = LINK_OF(r->line.next, struct ticket, in_list);
        link_remove(&k->in_list);
        if (recall_is_queued(s, k, &note)) { /* it could be long until it is committed */
            link_add_tail(&r->queued, &k->in_list);
            persist_sync_soon(s->persist);
            continue;
        }
        k->get = archive_get_new(k->db, entry_key(k->e), ARCHIVE_NEWEST_LIVE, 0);
        k->get->job.owner = k;
        k->get->job.done = on_done;
        k->asked_us = clock_mono_us();
        k->get->job.after = recall_after(s, k->db, entry_key(k->e));
        if (k->get->job.after > 0) persist_sync_soon(s->persist);
        r->n_asked++;
        r->stats.asked++;
        archive_ask(s->archive, ARCHIVE_LANE_RECALL, &k->get->job);
    }
}

void recall_cancel(struct server *s, int db, struct str key)
{
    struct ticket *k = find_ticket(s->recalls, db, key);

    if (LIKELY(k == NULL)) return;
    s->recalls->stats.cancelled++;
    recall_drop_ticket(s->recalls, k);
}

static void cancel_database(struct recalls *r, int db)
{
    while (r->tickets[db].count > 0) {
        struct table_iter it = { 0 };
        r->stats.cancelled++;
        recall_drop_ticket(r, entry_ptr(table_next(&r->tickets[db], &it)));
    }
}

void recall_cancel_all(struct server *s, int db)
{
    for (int i = 0; i < s->recalls->databases; i++) {
        if (db < 0 || db == i) cancel_database(s->recalls, i);
    }
}

void recall_on_change(struct server *s, const struct change *ch)
{
    if (ch->kind == CHANGE_NEW) {
        forget_missing(s, ch->db, ch->key);
        recall_cancel(s, ch->db, ch->key);
    } else if (ch->kind == CHANGE_FLUSH || ch->kind == CHANGE_SWAP) {
        recall_cancel_all(s, ch->db);
        if (ch->kind == CHANGE_SWAP) recall_cancel_all(s, ch->db2);
        if (ch->kind == CHANGE_SWAP) s->recalls->swapped = archive_last_seq(s->archive);
        if (s->recalls->any_misses) memset(s->recalls->misses, 0, sizeof s->recalls->misses);
        s->recalls->any_misses = false;
    }
}

const struct recall_stats *recall_stats(const struct recalls *r)
{
    return &r->stats;
}

/* --- invariants ------------------------------------------------------------------------------------------------- */

static void check_waiting(const struct waiting *w)
{
    size_t n = 0;

    ensure(w->n <= w->cap && w->n_left > 0 && link_alone(&w->in_ready));
    for (size_t i = 0; i < w->n; i++) n += !link_alone(&w->stubs[i].of_ticket);
    ensure(n == w->n_left);
}

static void check_ticket(const struct ticket *k, const struct entry *e, int db)
{
    ensure(k->e == e && k->db == db);
    /* In line or queued; with the archive's thread; answered. */
    ensure(!link_alone(&k->in_list) || k->get != NULL);
    LINK_EACH(&k->waiters, l) check_waiting(LINK_OF(l, struct stub, of_ticket)->waiting);
}

void recalls_check(const struct recalls *r)
{
    size_t n = 0;

    for (int i = 0; i < r->databases; i++) {
        struct table_iter it = { 0 };
        struct entry *e;

        n += r->tickets[i].count;
        while ((e = table_next(&r->tickets[i], &it)) != NULL) check_ticket(entry_ptr(e), e, i);
    }
    ensure(n == r->stats.on_the_way && r->n_asked <= RECALL_ASKED_MAX);
    LINK_EACH(&r->ready, l) ensure(LINK_OF(l, struct waiting, in_ready)->n_left == 0);
}
