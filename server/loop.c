/* loop.c -- see loop.h. */
#include "server/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/block.h"
#include "server/client.h"
#include "server/cron.h"
#include "server/dispatch.h"
#include "server/lazy.h"
#include "server/listen.h"
#include "server/socket.h"

enum {
    BATCH = 32,               /* requests parsed before the first of them runs */
    BATCH_MAX_PER_TURN = 4096, /* requests of a turn: others get their turn too */
    TICK_BUSY_MS = 10,        /* while something has a deadline */
    TICK_IDLE_MS = 100,
    EXPIRE_SLICE = 64,        /* expiry records between two looks at the clock */
    SLICE_US = 1000
};

struct batched {
    struct client *client;
    struct command_ref *ref, *container;
    size_t argc;
    struct str *argv;
    size_t start; /* in the client's input */
    uint64_t hash;
    struct table *table; /* of the first key; NULL: no key */
};

/* --- time ---------------------------------------------------------------------------------------------- */

void loop_refresh_time(struct server *s)
{
    s->now_us = clock_mono_us();
    s->store->now_ms = clock_wall_ms();
}

/* --- reading ------------------------------------------------------------------------------------------- */

static bool input_over_limit(struct client *c)
{
    struct server *s = c->server;

    if (c->in.n - c->in_at <= s->conf->client_query_buffer_limit) return false;
    s->stats.query_limit_closed++;
    log_warning(s->log, "Closing client that reached max query buffer length: id=%llu addr=%s",
                (unsigned long long)c->id, client_peer(c));
    return true;
}

void loop_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    size_t room;
    char *at;
    ssize_t n;

    (void)what;
    ensure(c->magic == CLIENT_MAGIC);
    if (c->flags & CLIENT_CLOSE_AFTER) return;
    /* What has been read is worked off first. */
    if (!link_alone(&c->in_readable) && c->in.n - c->in_at >= LOOP_READ) return;
    at = client_input_room(c, &room);
    n = socket_recv(fd, at, room);
    if (n <= 0) {
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            client_used_input(c);
            return;
        }
        client_close(c);
        return;
    }
    buf_used(&c->in, (size_t)n);
    c->net_in += (uint64_t)n;
    c->server->stats.net_in += (uint64_t)n;
    c->active_ms = server_now_ms(c->server);
    c->in_short = false;
    if (input_over_limit(c)) {
        client_close(c);
        return;
    }
    client_wants_parse(c);
}

/* --- parsing and running ------------------------------------------------------------------------------- */

static struct resp_limits limits_of(const struct client *c)
{
    if (c->authenticated) {
        return (struct resp_limits){ 1024 * 1024, c->server->conf->proto_max_bulk_len, true };
    }
    return (struct resp_limits){ 10, 16 * 1024, false };
}

/* What the parser did not like is told to the client before it is closed. */
static void refuse_bytes(struct client *c)
{
    struct server *s = c->server;
    size_t mark;

    client_take_buffers(c);
    c->reply = (struct reply){ &c->out, c->resp };
    mark = reply_mark(&c->reply);
    reply_errorf(&c->reply, "ERR %s", c->parser.error);
    dispatch_count_error(s, &c->out, mark);
    c->in_at = c->in.n;
    c->in_short = true;
    client_close_after(c);
}

static bool may_run(const struct client *c)
{
    return !(c->flags & (CLIENT_CLOSED | CLIENT_CLOSE_AFTER | CLIENT_BLOCKED | CLIENT_PAUSED));
}

/* Where the first key lies, so that it can be prefetched. */
static void locate_key(struct server *s, struct batched *b)
{
    struct db *db = s->store->dbs[b->client->db];
    int at = b->ref ? b->ref->first_key : 0;

    b->table = NULL;
    if (at <= 0 || (size_t)at >= b->argc) return;
    b->hash = hash_bytes(&s->store->hash_key, b->argv[at]);
    b->table = &db_shard(db, b->hash)->keys;
    table_prefetch_bucket(b->table, b->hash);
}

/* Parse requests of c into the batch. False: c has nothing more that could be run now. */
static bool gather_from(struct client *c, struct batched *batch, int *n)
{
    struct server *s = c->server;
    struct resp_limits lim = limits_of(c);

    while (*n < BATCH) {
        struct batched *b = &batch[*n];
        size_t used;
        enum resp_state st;

        if (c->in_at == c->in.n) {
            c->in_short = true;
            return false;
        }
        st = resp_parse(&c->parser, c->in.p + c->in_at, c->in.n - c->in_at, &lim, &used, &c->in_want);
        if (st == RESP_NEED_MORE) {
            c->in_short = true;
            return false;
        }
        if (st == RESP_BAD) {
            /* Said only after the requests before it are answered. */
            *b = (struct batched){ .client = c, .argc = 0, .start = c->in_at };
            (*n)++;
            return false;
        }
        *b = (struct batched){ .client = c, .argc = c->parser.argc, .start = c->in_at };
        c->in_at += used;
        if (b->argc == 0) continue;
        b->argv = arena_alloc(&s->batch, b->argc * sizeof *b->argv);
        memcpy(b->argv, c->parser.args, b->argc * sizeof *b->argv);
        b->ref = registry_resolve(s->commands, b->argc, b->argv, &b->container);
        locate_key(s, b);
        (*n)++;
        /* An inline request's text is the parser's own; and what may come before AUTH depends on it. */
        if (c->in.p[b->start] != '*' || !c->authenticated) return true;
    }
    return true;
}

static int gather(struct server *s, struct batched *batch)
{
    struct link *l = s->readable.next;
    int n = 0;

    while (l != &s->readable && n < BATCH) {
        struct client *c = LINK_OF(l, struct client, in_readable);
        int before = n;
        l = l->next;
        if (!may_run(c)) {
            link_remove(&c->in_readable);
            continue;
        }
        gather_from(c, batch, &n);
        if (n == before && c->in_short) {
            link_remove(&c->in_readable);
            client_used_input(c);
        }
    }
    return n;
}

/* The requests of a client that cannot go on now are parsed again later. */
static void put_back(const struct batched *b)
{
    struct client *c = b->client;

    if (c->in_at <= b->start) return;
    c->in_at = b->start;
    c->in_short = false;
    resp_rewind(&c->parser);
}

static void hold(struct client *c)
{
    struct server *s = c->server;

    c->flags |= CLIENT_PAUSED;
    link_remove(&c->in_readable);
    if (link_alone(&c->in_paused)) link_add_tail(&s->paused, &c->in_paused);
}

static void run_one(struct server *s, const struct batched *b)
{
    struct client *c = b->client;

    if (!may_run(c)) {
        put_back(b);
        return;
    }
    if (b->argc == 0) {
        refuse_bytes(c);
        return;
    }
    client_take_buffers(c);
    if (b->table) {
        s->store->memo_p = b->argv[b->ref->first_key].p;
        s->store->memo_n = b->argv[b->ref->first_key].n;
        s->store->memo_hash = b->hash;
    }
    if (dispatch(c, b->ref, b->container, b->argc, b->argv) == DISPATCH_HELD) {
        put_back(b);
        hold(c);
    } else {
        client_wants_write(c);
    }
    s->store->memo_p = NULL;
}

static void settle(struct client *c)
{
    if (c->flags & CLIENT_CLOSED) return;
    if (c->in_short) {
        client_used_input(c);
        link_remove(&c->in_readable);
    }
    client_check_output(c);
    client_count_memory(c);
}

static void run_batch(struct server *s, struct batched *batch, int n)
{
    for (int i = 0; i < n; i++) {
        if (batch[i].table) table_prefetch_entry(batch[i].table, batch[i].hash);
    }
    for (int i = 0; i < n; i++) run_one(s, &batch[i]);
    for (int i = 0; i < n; i++) {
        if (i + 1 == n || batch[i + 1].client != batch[i].client) settle(batch[i].client);
    }
    arena_reset(&s->batch);
}

/* True: there is input left to work on. */
static bool run_requests(struct server *s)
{
    struct batched batch[BATCH];
    int n, total = 0;

    while ((n = gather(s, batch)) > 0) {
        run_batch(s, batch, n);
        total += n;
        if (total >= BATCH_MAX_PER_TURN) break;
    }
    return !link_alone(&s->readable);
}

/* --- writing ------------------------------------------------------------------------------------------- */

static void send_replies(struct server *s)
{
    /* Those that waited for the log, if it has come further. */
    while (!link_alone(&s->gated)) {
        struct client *c = LINK_OF(s->gated.next, struct client, in_gated);
        if (c->n_gates > 0 && c->gates[0].offset > persist_durable_offset(s->persist)) break;
        link_remove(&c->in_gated);
        client_wants_write(c);
    }
    while (!link_alone(&s->writable)) {
        struct client *c = LINK_OF(s->writable.next, struct client, in_writable);
        link_remove(&c->in_writable);
        client_flush(c);
        if (!(c->flags & CLIENT_CLOSED)) client_count_memory(c);
    }
}

/* --- the turn ------------------------------------------------------------------------------------------ */

/* Remove what is due, for a slice of time. True: more is due. */
static bool expire(struct server *s)
{
    int64_t until = s->now_us + SLICE_US;
    bool more;

    if (s->store->keep_expired || s->store->loading) return false;
    if (s->store->now_ms == s->last_expire_ms) return false;
    do {
        more = store_expire_some(s->store, EXPIRE_SLICE);
    } while (more && clock_mono_us() < until);
    if (!more) s->last_expire_ms = s->store->now_ms;
    return more;
}

static void resume_paused(struct server *s)
{
    while (!link_alone(&s->paused)) {
        struct client *c = LINK_OF(s->paused.next, struct client, in_paused);
        link_remove(&c->in_paused);
        c->flags &= ~(uint32_t)CLIENT_PAUSED;
        client_wants_parse(c);
    }
}

static void check_pause(struct server *s)
{
    if (s->pause_until_ms != 0 && server_now_ms(s) >= s->pause_until_ms) s->pause_until_ms = 0;
    if (s->pause_until_ms == 0 && !link_alone(&s->paused) && !persist_must_wait(s->persist)) {
        resume_paused(s);
    }
}

/* One turn after libevent's. True: there is more to do, so do not wait. */
static bool turn(struct server *s)
{
    bool more;

    s->turns++;
    loop_refresh_time(s);
    check_pause(s);
    more = run_requests(s);
    block_expire(s, server_now_ms(s));
    more |= expire(s);
    cron_turn(s);
    if (!link_alone(&s->ready)) block_serve(s);
    persist_turn_end(s->persist);
    send_replies(s);
    more |= persist_turn(s->persist, SLICE_US);
    clients_reap(s);
    return more || !link_alone(&s->readable) || !link_alone(&s->writable);
}

void loop_run(struct server *s)
{
    bool more = false;

    while (!s->stopping) {
        event_base_loop(s->base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0));
        more = turn(s);
    }
}

void loop_turn_loading(struct server *s)
{
    event_base_loop(s->base, EVLOOP_NONBLOCK);
    s->now_us = clock_mono_us();
    run_requests(s);
    cron_turn(s);
    send_replies(s);
    clients_reap(s);
}

/* --- timers and signals -------------------------------------------------------------------------------- */

static bool has_deadlines(const struct server *s)
{
    if (!link_alone(&s->timeouts) || s->pause_until_ms != 0) return true;
    for (int i = 0; i < s->store->conf.databases; i++) {
        if (s->store->dbs[i] && s->store->dbs[i]->n_expires > 0) return true;
    }
    return s->store->stats.expired_fields > 0 || s->store->fields != NULL;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    int ms = has_deadlines(s) ? TICK_BUSY_MS : TICK_IDLE_MS;
    struct timeval tv = { 0, ms * 1000 };

    (void)fd;
    (void)what;
    event_add(&s->tick, &tv);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t n;

    (void)what;
    (void)arg;
    if (read(fd, &n, sizeof n) < 0) { /* another wake came in between */ }
}

void loop_wake(void *server)
{
    struct server *s = server;
    uint64_t one = 1;

    if (write(s->wake_fd, &one, sizeof one) < 0) { /* the counter is full: it is awake */ }
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    (void)what;
    cron_signal(arg, (int)sig);
}

void loop_open(struct server *s)
{
    struct event_config *cfg = event_config_new();
    struct timeval tv = { 0, TICK_BUSY_MS * 1000 };

    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
    s->base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    ensure(s->base != NULL);
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ensure(s->wake_fd >= 0);
    event_assign(&s->wake, s->base, s->wake_fd, EV_READ | EV_PERSIST, on_wake, s);
    event_add(&s->wake, NULL);
    event_assign(&s->tick, s->base, -1, 0, on_tick, s);
    event_add(&s->tick, &tv);
    evsignal_assign(&s->on_term, s->base, SIGTERM, on_signal, s);
    evsignal_assign(&s->on_int, s->base, SIGINT, on_signal, s);
    evsignal_assign(&s->on_hup, s->base, SIGHUP, on_signal, s);
    event_add(&s->on_term, NULL);
    event_add(&s->on_int, NULL);
    event_add(&s->on_hup, NULL);
}

void loop_close(struct server *s)
{
    event_del(&s->wake);
    event_del(&s->tick);
    event_del(&s->on_term);
    event_del(&s->on_int);
    event_del(&s->on_hup);
    close(s->wake_fd);
    event_base_free(s->base);
}
