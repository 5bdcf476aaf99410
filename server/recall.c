/* recall.c -- see recall.h.
 *
 * A ticket is a key on its way: asked of the archive once, with the requests that wait for it. A request waits for
 * several tickets (MGET, EXEC) and goes on when the last of them is settled. It then runs from the start, checks and
 * all, and may find that a key has left memory again meanwhile: so it may wait again, within the same time limit, a
 * few times.
 *
 * At most ASKED_MAX tickets are with the archive's thread; the others stand in line, so that a request for a million
 * keys neither floods the archive's queue nor is refused by it. A ticket that nobody waits for any more is dropped
 * from the line; one that has been asked comes into memory all the same: on a slow disk the next reader is glad of it.
 *
 * The archive's filter says `maybe` also of keys that are not there (one in a hundred by chance, and those that were
 * deleted or recalled). What the disk has said of such a key is remembered until the key comes to be, so that a read of
 * it does not go there again and again: hashes, in as many places as there are, the later one taking the place.
 *
 * Everything is settled in recall_turn, between calls: what is about clients may not happen within another one's. */
#include "server/recall.h"

#include "base/mem.h"
#include "base/num.h"
#include "persistence/archive_get.h"
#include "server/block.h"
#include "server/dispatch.h"
#include "server/multi.h"
#include "server/recall_put.h"
#include "storage/db.h"
#include "storage/namespace.h"

enum { MISSES = 1 << 13, ASKED_MAX = 256, TRIES_MAX = 4, SLICE_US = 1000, COMPLAIN_US = 10000000 };

struct ticket {
    struct entry *e;          /* in recalls->tickets[db], with the key's name; NULL: no longer wanted */
    int db;
    struct server *server;
    struct archive_get *get;  /* NULL: not asked yet */
    int64_t asked_us;
    struct link waiters;      /* struct stub.of_ticket */
    struct link in_list;      /* recalls->line or recalls->answered */
};

struct stub {
    struct link of_ticket;
    struct waiting *waiting;
};

/* A request that waits. */
struct waiting {
    struct client *client;
    struct stub *stubs;
    size_t n, cap, n_left;
    int64_t until_ms;         /* monotonic */
    int tries;
    bool gives_up;            /* its time is up, or the archive failed: it runs, and finds what is there */
    const char *refusal;      /* why a key could not come into memory; NULL: none was refused */
    struct link in_ready;
};

struct recalls {
    int databases;
    struct table *tickets;    /* per database: key -> struct ticket */
    size_t n_asked;
    uint64_t swapped;         /* the note of the last SWAPDB: before it is committed, the file's databases are others */
    struct link line, answered, ready;
    const struct waiting *again; /* whose request runs again just now */
    int64_t told_us;
    struct recall_stats stats;
    bool any_misses;
    uint64_t misses[MISSES];  /* hashes of keys of which the archive has no live version; 0: none */
};

struct recalls *recalls_new(int databases, const struct hash_key *key)
{
    struct recalls *r = mem_zalloc(sizeof *r);

    r->databases = databases;
    r->tickets = mem_zalloc((size_t)databases * sizeof *r->tickets);
    for (int i = 0; i < databases; i++) table_init(&r->tickets[i], key);
    link_init(&r->line);
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
    return &r->misses[hash >> 32 & (MISSES - 1)];
}

static bool is_known_missing(const struct server *s, int db, struct str key)
{
    uint64_t hash = hash_of(s, db, key);

    return *place_of(s->recalls, hash) == hash;
}

static void note_missing(const struct server *s, int db, struct str key)
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

/* Nobody finds it by its key any more. */
static struct entry *unlist(struct recalls *r, struct ticket *k)
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
static void release_waiters(struct recalls *r, struct ticket *k, const char *refusal, bool failed)
{
    while (!link_alone(&k->waiters)) {
        struct stub *stub = LINK_OF(k->waiters.next, struct stub, of_ticket);
        link_remove(&stub->of_ticket);
        if (refusal) stub->waiting->refusal = refusal;
        stub->waiting->gives_up |= failed;
        settle(r, stub->waiting);
    }
}

static void free_ticket(struct ticket *k)
{
    link_remove(&k->in_list);
    if (k->get) archive_get_free(&k->get);
    mem_free(k);
}

/* Out of the line or off its way: an answer that still comes finds a ticket without a key. */
static void drop_ticket(struct recalls *r, struct ticket *k)
{
    entry_free(unlist(r, k));
    release_waiters(r, k, NULL, false);
    if (k->get == NULL) free_ticket(k);
    else atomic_store(&k->get->job.cancelled, true);
}

void recalls_free(struct recalls **rp)
{
    struct recalls *r = *rp;

    while (!link_alone(&r->line)) drop_ticket(r, LINK_OF(r->line.next, struct ticket, in_list));
    while (!link_alone(&r->answered)) {
        struct ticket *k = LINK_OF(r->answered.next, struct ticket, in_list);
        if (k->e) entry_free(unlist(r, k));
        free_ticket(k);
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

static void ask_more(struct server *s)
{
    struct recalls *r = s->recalls;

    while (r->n_asked < ASKED_MAX && !link_alone(&r->line)) {
        struct ticket *k = LINK_OF(r->line.next, struct ticket, in_list);
        link_remove(&k->in_list);
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
    drop_ticket(s->recalls, k);
}

static void cancel_database(struct recalls *r, int db)
{
    while (r->tickets[db].count > 0) {
        struct table_iter it = { 0 };
        r->stats.cancelled++;
        drop_ticket(r, entry_ptr(table_next(&r->tickets[db], &it)));
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

/* --- waiting ---------------------------------------------------------------------------------------------------- */

static void let_go(struct waiting *w)
{
    for (size_t i = 0; i < w->n; i++) link_remove(&w->stubs[i].of_ticket);
    w->n = w->n_left = 0;
}

static void leave(struct client *c, void *parked)
{
    struct waiting *w = parked;

    c->server->recalls->stats.waiting--;
    let_go(w);
    link_remove(&w->in_ready);
    mem_free(w->stubs);
    mem_free(w);
}

/* It runs in recall_turn, and finds nothing. */
static void time_up(struct client *c, void *parked)
{
    struct waiting *w = parked;

    if (w->gives_up) return;
    w->gives_up = true;
    c->server->recalls->stats.timeouts++;
    let_go(w);
    if (link_alone(&w->in_ready)) link_add_tail(&c->server->recalls->ready, &w->in_ready);
}

static size_t bytes(const void *parked)
{
    const struct waiting *w = parked;

    return sizeof *w + w->cap * (sizeof *w->stubs + sizeof(struct ticket));
}

static const struct parking waiting = { leave, time_up, bytes };

/* --- before a command ------------------------------------------------------------------------------------------- */

/* What looking at a request's keys finds. */
struct looking {
    struct server *server;
    struct ticket **tickets; /* in the arena */
    size_t n, cap;
    const char *refusal;
    bool may_ask;
    bool must_fit; /* it has been tried often enough: what is still away does not fit into memory beside the others */
    bool brought;  /* a key has come into memory */
    int db;
};

static void complain(struct server *s, struct str key, const char *what)
{
    struct recalls *r = s->recalls;

    if (r->told_us != 0 && s->now_us - r->told_us < COMPLAIN_US) return;
    r->told_us = s->now_us;
    log_warning(s->log, "A key could not be recalled from the archive and counts as missing (key '%.*s'): %s. This is "
                "said once in ten seconds; INFO archive counts.", (int)(key.n < 128 ? key.n : 128), key.p, what);
}

/* Is nothing to be brought into memory now? What has come waits until it may. */
static bool is_held(const struct server *s)
{
    return s->pause_until_ms != 0 || s->store->loading || persist_must_wait(s->persist);
}

/* Into the store. *refusal: why the request is not to run, where there is no room. False: the value is damaged. */
static bool bring(struct server *s, int db, struct str key, struct str payload, int64_t expires_ms, const char **refusal)
{
    struct recall_stats *st = &s->recalls->stats;
    const char *why = recall_refusal(s, key, payload.n);

    if (why != NULL) {
        st->refused++;
        *refusal = why;
        return true;
    }
    if (recall_put(s, db, key, payload, recall_expires_at(s, key, expires_ms)) != OK) {
        st->damaged++;
        complain(s, key, "its value in the archive is damaged");
        return false;
    }
    st->found++;
    return true;
}

static void want_ticket(struct looking *l, struct str key)
{
    struct ticket *k = find_ticket(l->server->recalls, l->db, key);

    if (k == NULL) k = new_ticket(l->server, l->db, key);
    if (l->n == l->cap) {
        struct ticket **more = arena_alloc(&l->server->arena, (l->cap = l->cap ? 2 * l->cap : 16) * sizeof *more);
        if (l->n > 0) memcpy(more, l->tickets, l->n * sizeof *more);
        l->tickets = more;
    }
    l->tickets[l->n++] = k;
}

static void want(struct looking *l, struct str key)
{
    struct server *s = l->server;
    struct archive_note note;
    const struct namespace *ns;
    enum archive_pending pending;

    if (LIKELY(db_peek(s->store->dbs[l->db], key) != NULL)) return; /* may expire it, so that it has just left */
    ns = ns_of_key(s->store, key);
    if (ns == NULL || ns->rules.recall != NS_RECALL_READ || !archive_may_have(s->archive, l->db, key)) return;
    pending = archive_pending(s->archive, l->db, key, &note);
    if (pending == PENDING_GONE || (pending == PENDING_OUT && !(note.flags & ARCHIVE_LIVE))) return;
    if (pending == PENDING_OUT && !is_held(s)) {
        s->recalls->stats.from_queue++;
        l->brought |= bring(s, l->db, key, note.payload, note.expires_ms, &l->refusal);
    } else if (!is_known_missing(s, l->db, key)) {
        if (l->may_ask) want_ticket(l, key);
        else if (l->must_fit) l->refusal = err_text(ERR_OOM);
    }
}

/* Does a command look at the value of such a key? One that is overwritten or deleted whole need not come. */
static bool looks_at(uint16_t flags)
{
    return (flags & (KEY_RO | KEY_RW)) && !(flags & KEY_NOT_KEY);
}

static bool any_is_looked_at(const struct command *cmd)
{
    uint16_t flags = 0;

    for (int i = 0; i < COMMAND_KEY_SPECS; i++) flags |= cmd->keys[i].flags;
    return looks_at(flags & (uint16_t)~KEY_NOT_KEY) || (flags & KEY_VARIABLE_FLAGS) || cmd->more_keys != NULL;
}

static void want_keys(struct looking *l, const struct command *cmd, size_t argc, const struct str *argv)
{
    struct key_ref *refs;
    long n;

    if (!any_is_looked_at(cmd)) return;
    if (cmd->acl & ACL_ARCHIVE) return; /* they speak of memory, or of the archive itself */
    refs = arena_alloc(&l->server->arena, argc * sizeof *refs);
    n = command_keys(cmd, argc, argv, refs, argc);
    for (long i = 0; i < n && i < (long)argc; i++) {
        if (looks_at(refs[i].flags)) want(l, argv[refs[i].at]);
    }
}

static void want_queued(void *ctx, const struct request *r)
{
    struct looking *l = ctx;
    int64_t db;

    want_keys(l, r->ref->cmd, r->argc, r->argv);
    if (str_is(str_c(r->ref->cmd->name), "select") && num_parse_i64(r->argv[1], &db) && db >= 0 &&
        db < l->server->store->conf.databases) {
        l->db = (int)db;
    }
}

static void park(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv, const struct looking *l)
{
    struct recalls *r = c->server->recalls;
    struct waiting *w = mem_zalloc(sizeof *w);
    int64_t now = server_mono_ms(c->server);

    w->client = c;
    w->stubs = mem_zalloc((l->n + 1) * sizeof *w->stubs);
    w->cap = l->n;
    w->tries = r->again ? r->again->tries + 1 : 1;
    w->until_ms = r->again ? r->again->until_ms : now + c->server->conf->archive_timeout;
    link_init(&w->in_ready);
    for (size_t i = 0; i < l->n; i++) {
        struct stub *stub = &w->stubs[w->n++];
        stub->waiting = w;
        link_init(&stub->of_ticket);
        link_add_tail(&l->tickets[i]->waiters, &stub->of_ticket);
    }
    w->n_left = w->n;
    r->stats.waiting++;
    r->stats.waited += r->again == NULL;
    block_client(c, ref, argc, argv, &(struct wait){ .parking = &waiting, .parked = w, .timeout_ms = w->until_ms - now });
}

/* Whose request runs again, and still may wait: NULL, it runs for the first time. */
static const struct waiting *again_of(const struct client *c)
{
    const struct waiting *w = c->server->recalls->again;

    return w != NULL && w->client == c ? w : NULL;
}

static void limit(struct looking *l, const struct waiting *w)
{
    bool in_time = w == NULL || (!w->gives_up && w->until_ms > server_mono_ms(l->server));

    l->may_ask = in_time && (w == NULL || w->tries < TRIES_MAX);
    l->must_fit = in_time && !l->may_ask;
}

static void want_request(struct looking *l, struct client *c, const struct command *cmd, size_t argc,
                         const struct str *argv)
{
    l->db = c->db;
    if (!multi_is_exec(cmd)) want_keys(l, cmd, argc, argv);
    else if (!(c->flags & (CLIENT_DIRTY_EXEC | CLIENT_DIRTY_CAS))) multi_each_queued(c, want_queued, l);
}

/* What comes at once may push out what came before it. */
static void want_until_all_fit(struct looking *l, struct client *c, const struct command *cmd, size_t argc,
                               const struct str *argv)
{
    const struct store_stats *st = &l->server->store->stats;
    uint64_t evicted;
    int tries = 0;

    do {
        evicted = st->evicted;
        l->brought = false;
        want_request(l, c, cmd, argc, argv);
    } while (UNLIKELY(l->brought && evicted != st->evicted) && l->n == 0 && l->refusal == NULL && ++tries < TRIES_MAX);
    if (UNLIKELY(tries == TRIES_MAX)) l->refusal = err_text(ERR_OOM);
}

bool recall_before(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv)
{
    struct server *s = c->server;
    struct looking l = { .server = s };

    if (LIKELY(s->archive == NULL || !ns_any(s->store)) || !ns_wants(s->store)->recall) return false;
    if (UNLIKELY((c->flags & CLIENT_LOADER) || s->store->loading)) return false;
    limit(&l, again_of(c));
    want_until_all_fit(&l, c, ref->cmd, argc, argv);
    if (LIKELY(l.n == 0 && l.refusal == NULL)) return false;
    if (l.refusal != NULL) {
        dispatch_refuse(c, ref, l.refusal);
    } else {
        park(c, ref, argc, argv, &l);
        ask_more(s);
    }
    arena_reset(&s->arena);
    return true;
}

/* --- the turn ----------------------------------------------------------------------------------------------------- */

/* False: the archive failed, and asking again is no use. */
static bool settle_answer(struct server *s, struct str key, const struct ticket *k, const char **refusal)
{
    const struct archive_get *g = k->get;
    struct recall_stats *st = &s->recalls->stats;

    if (g->result == OK && db_peek(s->store->dbs[k->db], key) != NULL) return true; /* written meanwhile */
    if (g->result == OK) return bring(s, k->db, key, buf_str(&g->out), g->expires_at, refusal);
    if (g->result == ERR_NO_KEY) {
        st->missing++;
        note_missing(s, k->db, key);
        return true;
    }
    if (g->result == ERR_FORMAT) st->damaged++;
    else st->failed++;
    complain(s, key, g->job.refused ? g->job.refused : g->error);
    return false;
}

static void take_answer(struct server *s, struct ticket *k)
{
    struct recalls *r = s->recalls;
    uint64_t us = (uint64_t)(clock_mono_us() - k->asked_us);
    struct entry *e;
    const char *refusal = NULL;
    bool failed;

    if (k->e != NULL) {
        r->stats.us += us;
        if (us > r->stats.us_max) r->stats.us_max = us;
        e = unlist(r, k); /* before the key comes to be, which cancels what is on its way */
        failed = !settle_answer(s, entry_key(e), k, &refusal);
        entry_free(e);
        release_waiters(r, k, refusal, failed);
    }
    free_ticket(k);
}

static void refuse(struct client *c, struct command_ref *ref, const char *text)
{
    size_t mark;

    c->reply = (struct reply){ &c->out, c->resp };
    mark = reply_mark(&c->reply);
    dispatch_refuse(c, ref, text);
    dispatch_answered(c, mark);
}

static void run_again(struct server *s, struct waiting *w)
{
    struct recalls *r = s->recalls;
    struct client *c = w->client;
    struct waiting was = { .client = c, .until_ms = w->until_ms, .tries = w->tries, .gives_up = w->gives_up };
    const char *refusal = w->refusal;
    struct request *q = block_take(c); /* w is gone */

    client_take_buffers(c);
    r->again = &was;
    if (refusal != NULL) {
        refuse(c, q->ref, refusal);
    } else if (dispatch(c, q->ref, NULL, q->argc, q->argv) == DISPATCH_HELD) {
        park(c, q->ref, q->argc, q->argv, &(struct looking){ 0 });
        link_add_tail(&r->ready, &((struct waiting *)block_parked(c, &waiting))->in_ready);
    }
    r->again = NULL;
    request_free(q);
    client_wants_write(c);
    client_check_output(c);
    client_count_memory(c);
}

/* Tickets in the line that nobody waits for. */
static void trim_line(struct recalls *r)
{
    struct link *l = r->line.next;

    while (l != &r->line) {
        struct ticket *k = LINK_OF(l, struct ticket, in_list);
        l = l->next;
        if (!link_alone(&k->waiters)) return; /* the line is in the order in which they came */
        drop_ticket(r, k);
    }
}

bool recall_is_due(const struct server *s)
{
    return !link_alone(&s->recalls->answered) && !is_held(s);
}

bool recall_turn(struct server *s)
{
    struct recalls *r = s->recalls;
    int64_t until;
    size_t n;

    if (LIKELY(link_alone(&r->answered) && link_alone(&r->ready) && link_alone(&r->line))) return false;
    until = clock_mono_us() + SLICE_US;
    while (!link_alone(&r->answered) && !is_held(s) && clock_mono_us() < until) {
        take_answer(s, LINK_OF(r->answered.next, struct ticket, in_list));
    }
    /* Once each: one that is held stands in line again. */
    for (n = r->stats.waiting; n > 0 && !link_alone(&r->ready); n--) {
        struct waiting *w = LINK_OF(r->ready.next, struct waiting, in_ready);
        link_remove(&w->in_ready);
        if (!(w->client->flags & CLIENT_CLOSE_SOON)) run_again(s, w);
    }
    trim_line(r);
    if (s->archive != NULL) ask_more(s);
    return recall_is_due(s);
}
