/* block.c -- see block.h.
 *
 * server->waiting[db] maps a key to its waiters, in the order in which they came. A change to such a key
 * puts it on server->ready; block_serve runs the waiters' requests again until the value is used up or
 * nobody waits. A client served may itself make another key ready (BLMOVE): the loop goes on.
 *
 * While clients are paused nobody is served, since that changes data: what is ready stays so until the
 * pause ends. Times out a client does all the same. Nor is anybody while data are read from files, for what he takes
 * belongs to what comes next in them: DEBUG RELOAD and LOADAOF have clients. */
#include "server/acl.h"
#include "server/block.h"

#include "base/mem.h"
#include "server/departures.h"
#include "server/dispatch.h"
#include "server/gate.h"
#include "server/lazy.h"
#include "server/loop.h"

struct waiting_key {
    struct link waiters;  /* struct waiter.of_key, first come first */
    struct link in_ready; /* server->ready */
    struct entry *e;      /* in waiting[db], with the key's name */
    int db;
    size_t n;
    size_t n_gone_too;    /* waiters that want to hear of it, too, when the key is gone */
};

struct waiter {
    struct link of_key;
    struct client *client;
    struct waiting_key *key;
};

struct blocked {
    struct client *client;
    struct request *request;
    struct waiter *waiters;
    size_t n;
    enum value_type type;
    enum null_shape on_timeout;
    bool gone_too;
    const struct parking *parking; /* NULL: it waits for keys or for the log */
    void *parked;
    int64_t deadline_ms; /* monotonic; 0: none */
    struct link in_timeouts;
    struct link in_syncing;
};

static struct waiting_key *find_key(struct server *s, int db, struct str key)
{
    struct table *t = &s->waiting[db];
    struct table_ref r = table_find(t, table_hash(t, key), key);

    return r.e ? entry_ptr(r.e) : NULL;
}

static struct waiting_key *get_key(struct server *s, int db, struct str key)
{
    struct waiting_key *k = find_key(s, db, key);
    struct table *t = &s->waiting[db];

    if (k) return k;
    k = mem_zalloc(sizeof *k);
    link_init(&k->waiters);
    link_init(&k->in_ready);
    k->db = db;
    k->e = entry_new_ptr(VALUE_STRING, ENC_BLOB, key, -1);
    entry_set_ptr(k->e, k);
    table_insert(t, table_hash(t, key), k->e);
    return k;
}

static void drop_key(struct server *s, struct waiting_key *k)
{
    struct table *t = &s->waiting[k->db];
    struct table_ref r = table_find(t, table_hash(t, entry_key(k->e)), entry_key(k->e));

    link_remove(&k->in_ready);
    entry_free(table_remove(t, &r));
    mem_free(k);
}

/* Deadlines in order, soonest first; waiting clients mostly come with the same timeout, so the place is
 * nearly always at the end. */
static void add_timeout(struct server *s, struct blocked *b)
{
    struct link *before = s->timeouts.prev;

    while (before != &s->timeouts && LINK_OF(before, struct blocked, in_timeouts)->deadline_ms > b->deadline_ms) {
        before = before->prev;
    }
    link_add_tail(before->next, &b->in_timeouts);
}

void block_client(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                  const struct wait *w)
{
    struct server *s = c->server;
    struct blocked *b = mem_zalloc(sizeof *b);

    b->client = c;
    b->request = w->argv ? request_keep(ref, w->argc, w->argv) : request_keep_input(&c->in, ref, argc, argv);
    if (c->in.n == 0) c->in_at = 0; /* it went with the request */
    if (w->parking != NULL && w->parking->kept != NULL) w->parking->kept(w->parked, b->request->argv);
    b->type = w->type;
    b->gone_too = w->gone_too;
    b->on_timeout = w->on_timeout;
    b->parking = w->parking;
    b->parked = w->parked;
    b->waiters = mem_zalloc((w->n_keys + 1) * sizeof *b->waiters);
    for (size_t i = 0; i < w->n_keys; i++) {
        struct waiting_key *k = get_key(s, c->db, w->keys[i]);
        struct waiter *last = link_alone(&k->waiters) ? NULL : LINK_OF(k->waiters.prev, struct waiter, of_key);
        if (last && last->client == c) continue; /* the same key twice */
        b->waiters[b->n] = (struct waiter){ .client = c, .key = k };
        link_init(&b->waiters[b->n].of_key);
        link_add_tail(&k->waiters, &b->waiters[b->n].of_key);
        k->n++;
        k->n_gone_too += w->gone_too;
        b->n++;
    }
    link_init(&b->in_timeouts);
    link_init(&b->in_syncing);
    if (w->for_sync) link_add_tail(&s->syncing, &b->in_syncing);
    if (w->timeout_ms > 0) {
        int64_t now = server_mono_ms(s);
        b->deadline_ms = w->timeout_ms < INT64_MAX - now ? now + w->timeout_ms : INT64_MAX;
        add_timeout(s, b);
    }
    c->blocked = b;
    c->flags |= CLIENT_BLOCKED;
    s->n_blocked++;
    s->n_gone_too += w->gone_too;
}

static void free_request(void *r)
{
    request_free(r);
}

/* What is large takes its time to be given back. */
static void drop_request(struct server *s, struct request *r)
{
    enum { FREE_HERE = 1 << 20 };

    if (r->bytes > FREE_HERE && s->lazy) lazy_defer_bytes(s->lazy, free_request, r, r->bytes);
    else request_free(r);
}

void block_end(struct client *c)
{
    struct server *s = c->server;
    struct blocked *b = c->blocked;

    if (b->parking) b->parking->leave(c, b->parked);
    for (size_t i = 0; i < b->n; i++) {
        struct waiting_key *k = b->waiters[i].key;
        link_remove(&b->waiters[i].of_key);
        k->n_gone_too -= b->gone_too;
        if (--k->n == 0 && k != s->serving) drop_key(s, k);
    }
    link_remove(&b->in_timeouts);
    link_remove(&b->in_syncing);
    s->n_gone_too -= b->gone_too;
    if (b->request) drop_request(s, b->request);
    mem_free(b->waiters);
    mem_free(b);
    c->blocked = NULL;
    c->flags &= ~(uint32_t)CLIENT_BLOCKED;
    s->n_blocked--;
    if (!(c->flags & CLIENT_CLOSED)) client_wants_parse(c);
}

/* Begin the reply that c waits for; returns where it begins. */
static size_t begin_reply(struct client *c)
{
    client_take_buffers(c);
    c->one_reply = client_unsent(c) == 0;
    c->reply = (struct reply){ &c->out, c->resp };
    return reply_mark(&c->reply);
}

/* c has its reply, from mark on. */
static void answered(struct client *c, size_t mark)
{
    gate_told(c, false);
    block_end(c);
    dispatch_answered(c, mark);
    client_wants_write(c);
    client_check_output(c);
}

/* Run the kept request again, which may answer it, and must when it may not wait. */
static void try_again(struct client *c, bool may_block)
{
    const struct request *r = c->blocked->request;
    size_t mark = begin_reply(c);
    struct buf text = { 0 };
    struct wait w;

    /* Its user may have been changed while it waited. */
    if (UNLIKELY(!acl_allows(c, r->ref, r->argc, r->argv, "toplevel", &text))) {
        r->ref->stats.rejected++;
        reply_errorf(&c->reply, "NOPERM %.*s", (int)text.n, text.p);
        dispatch_count_error(c->server, &c->out, mark);
        buf_fini(&text);
        answered(c, mark);
        return;
    }
    if (dispatch_call(c, r->ref, r->argc, r->argv, may_block, &w) == CALL_BLOCKED) dispatch_messages(c);
    else answered(c, mark);
    arena_reset(&c->server->arena);
}

/* What may have become true since it came. */
static const char *refusal_by_now(struct client *c)
{
    const struct request *r = c->blocked->request;
    const char *why;

    if (!(r->ref->cmd->flags & CMD_WRITE)) return NULL;
    why = dispatch_write_refusal(c->server, r->ref->cmd->flags);
    if (why == NULL && ns_needs(c->server->store, NS_NEEDS_ARCHIVE)) why = departures_refusal(c, r->ref->cmd, r->argc, r->argv);
    return why;
}

void block_run_again(struct client *c)
{
    const char *why = refusal_by_now(c);

    if (UNLIKELY(why != NULL)) block_answer_error(c, why);
    else try_again(c, true);
}

/* When the disk fails they are told so. */
bool block_writes_may_run(const struct server *s)
{
    return s->pause_until_ms == 0 && !s->ft_full && (!persist_must_wait(s->persist) || persist_is_failing(s->persist));
}

void block_answer(struct client *c, struct str reply)
{
    const struct request *r = c->blocked->request;
    size_t mark = begin_reply(c);
    bool failed = reply.n > 0 && reply.p[0] == '-';

    buf_add_str(&c->out, reply);
    if (failed) dispatch_count_error(c->server, &c->out, mark);
    dispatch_account(c, r->ref, r->argc, r->argv, 0, failed);
    answered(c, mark);
}

void block_answer_pieces(struct client *c, struct reply_pieces *pieces, struct buf *end)
{
    const struct request *r = c->blocked->request;
    size_t mark = begin_reply(c);

    if (!(c->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP))) {
        for (size_t i = 0; i < pieces->n; i++) client_take_output(c, &pieces->items[i]);
        client_take_output(c, end);
        mark = c->out.n;
    }
    reply_pieces_fini(pieces);
    buf_fini(end);
    dispatch_account(c, r->ref, r->argc, r->argv, 0, false);
    answered(c, mark);
}

void block_answer_error(struct client *c, const char *text)
{
    struct buf bytes = { 0 };

    reply_error(&(struct reply){ &bytes, c->resp }, str_c(text));
    block_answer(c, buf_str(&bytes));
    buf_fini(&bytes);
}

const struct request *block_request(const struct client *c)
{
    return c->blocked->request;
}

struct request *block_keep_request(struct client *c)
{
    struct request *r = c->blocked->request;

    c->blocked->request = NULL;
    return r;
}

struct request *block_take(struct client *c)
{
    struct request *r = block_keep_request(c);

    block_end(c);
    return r;
}

void *block_parked(const struct client *c, const struct parking *how)
{
    return c->blocked && c->blocked->parking == how ? c->blocked->parked : NULL;
}

/* Whether running b's request again may find something else than before. */
static bool concerns(struct server *s, const struct waiting_key *k, const struct blocked *b)
{
    const struct entry *e;

    if (b->gone_too) return true;
    e = db_peek(s->store->dbs[k->db], entry_key(k->e));
    return e != NULL && entry_type(e) == b->type;
}

/* Serve the waiters of one key in order. Those that were there at the start, once each: a client that
 * blocks anew on the same key goes to the end and is not looked at again. */
static void serve_key(struct server *s, struct waiting_key *k)
{
    size_t left = k->n;
    struct link *l = k->waiters.next;

    while (left-- > 0 && l != &k->waiters) {
        struct client *c = LINK_OF(l, struct waiter, of_key)->client;
        l = l->next;
        if (!(c->flags & CLIENT_CLOSE_SOON) && concerns(s, k, c->blocked)) try_again(c, true);
    }
}

void block_serve(struct server *s)
{
    if (s->serving || s->pause_until_ms != 0 || s->store->loading) return;
    while (!link_alone(&s->ready)) {
        struct waiting_key *k = LINK_OF(s->ready.next, struct waiting_key, in_ready);
        link_remove(&k->in_ready);
        s->serving = k;
        serve_key(s, k);
        s->serving = NULL;
        if (k->n == 0) drop_key(s, k);
    }
}

static void make_ready(struct server *s, struct waiting_key *k)
{
    if (link_alone(&k->in_ready)) link_add_tail(&s->ready, &k->in_ready);
}

/* All keys of a database; or, when it was emptied, those whose waiters want to hear of that. */
static void ready_database(struct server *s, int db, bool emptied)
{
    struct table_iter it = { 0 };
    struct entry *e;

    while ((e = table_next(&s->waiting[db], &it)) != NULL) {
        struct waiting_key *k = entry_ptr(e);
        if (!emptied || k->n_gone_too > 0) make_ready(s, k);
    }
}

/* Whether a change may give a waiter of any kind what it waits for. Of the events of streams only a new
 * entry does, and a group that goes: readers would be run again in vain at each XACK of another. */
static bool may_serve(const struct change *ch)
{
    switch (entry_type(ch->e)) {
    case VALUE_LIST: case VALUE_ZSET: return true;
    case VALUE_STREAM: break;
    default: return false;
    }
    if (ch->kind == CHANGE_XADD || ch->kind == CHANGE_XGROUP_DESTROY) return true;
    return ch->kind != CHANGE_XPENDING && change_class(ch->kind) != 't';
}

void block_on_change(struct server *s, const struct change *ch)
{
    struct waiting_key *k;

    if (ch->kind == CHANGE_SWAP) {
        ready_database(s, ch->db, false);
        ready_database(s, ch->db2, false);
        return;
    }
    if (ch->kind == CHANGE_FLUSH) ready_database(s, ch->db, true);
    if (ch->e == NULL) return;
    if (may_serve(ch)) {
        k = find_key(s, ch->db, ch->key);
        if (k) make_ready(s, k);
    } else if (s->n_gone_too > 0 && entry_type(ch->e) != VALUE_STREAM) {
        k = find_key(s, ch->db, ch->key);
        if (k && k->n_gone_too > 0) make_ready(s, k);
    }
}

void block_serve_synced(struct server *s)
{
    uint64_t synced = persist_synced_offset(s->persist);
    struct link *l = s->syncing.next;

    if (synced == s->synced) return;
    s->synced = synced;
    while (l != &s->syncing) {
        struct client *c = LINK_OF(l, struct blocked, in_syncing)->client;
        l = l->next;
        if (!(c->flags & CLIENT_CLOSE_SOON)) try_again(c, true);
    }
}

bool block_cancel(struct client *c, bool with_error)
{
    const struct request *r = c->blocked->request;
    size_t mark;

    if (!with_error && c->blocked->parking) {
        if (c->blocked->parking->time_up == NULL) return false;
        link_remove(&c->blocked->in_timeouts);
        c->blocked->parking->time_up(c, c->blocked->parked);
        return true;
    }
    if (!with_error && c->blocked->on_timeout == NULL_ASK_AGAIN) {
        try_again(c, false);
        return true;
    }
    mark = begin_reply(c);
    if (with_error) {
        reply_error(&c->reply, STR("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
        dispatch_count_error(c->server, &c->out, mark);
    } else if (c->blocked->on_timeout == NULL_ARRAY) {
        reply_null_array(&c->reply);
    } else {
        reply_null(&c->reply);
    }
    dispatch_account(c, r->ref, r->argc, r->argv, 0, with_error);
    answered(c, mark);
    return true;
}

void block_expire(struct server *s)
{
    while (!link_alone(&s->timeouts)) {
        struct blocked *b = LINK_OF(s->timeouts.next, struct blocked, in_timeouts);
        if (b->deadline_ms > server_mono_ms(s)) return;
        block_cancel(b->client, false);
    }
}

size_t block_keys(const struct server *s)
{
    size_t n = 0;

    for (int i = 0; i < s->store->conf.databases; i++) n += s->waiting[i].count;
    return n;
}

size_t block_keys_gone_too(const struct server *s)
{
    size_t n = 0;

    for (int i = 0; i < s->store->conf.databases; i++) {
        struct table_iter it = { 0 };
        const struct entry *e;
        while ((e = table_next(&s->waiting[i], &it)) != NULL) {
            n += ((const struct waiting_key *)entry_ptr(e))->n_gone_too > 0;
        }
    }
    return n;
}

size_t block_bytes(const struct client *c)
{
    const struct blocked *b = c->blocked;

    if (b == NULL) return 0;
    return sizeof *b + b->request->bytes + b->n * (sizeof *b->waiters + sizeof(struct waiting_key)) +
           (b->parking ? b->parking->bytes(b->parked) : 0);
}

size_t block_work_bytes(const struct client *c)
{
    return c->blocked && c->blocked->parking ? block_bytes(c) : 0;
}
