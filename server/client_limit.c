/* client_limit.c -- what clients may hold in memory: see client.h.
 *
 * Three bounds. Each client's unsent replies have the limits of its class (client-output-buffer-limit);
 * all clients together have maxmemory-clients, and when that is passed the largest go first. And when memory
 * comes near maxmemory, clients that do not take their replies, or do not finish their requests, give way
 * before keys do: a session must not be evicted for somebody who does not read.
 *
 * Looking at all clients takes long where there are thousands. So when some have to go, a few more do, and when none
 * could it is not tried again in every turn. */
#include "server/block.h"
#include "server/client.h"
#include "server/loop.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/shortage.h"
#include "server/stranger.h"
#include "server/tls.h"

enum {
    STILL_MS = 1000,        /* without a byte in or out: stuck */
    LONG_MS = 10000,        /* big for so long: too slow */
    LOOK_MS = 100,          /* between two looks for those, and after one that did not find enough */
    NEAR = 16,              /* memory is near its limit when less than one part in so many is left */
    FEW = 64 * 1024         /* of a request that is not finished: nobody's concern */
};

/* How much all clients may have, while memory is near maxmemory, before one of a kind goes: a part of maxmemory, or
 * `least` where that is more. */
struct allowance {
    unsigned part; /* one in so many */
    uint64_t least;
};

static const struct allowance before_slow = { 8, 32 << 20 };   /* those that do not take or do not finish */
static const struct allowance before_greedy = { 2, 64 << 20 }; /* those that have asked for much at once */
static const struct allowance before_unfinished = { 2, 64 << 20 };
static const struct allowance before_any = { 1, 256 << 20 };

enum client_class client_class(const struct client *c)
{
    return c->subs != NULL && pubsub_count(c, 'a') > 0 ? CLASS_PUBSUB : CLASS_NORMAL;
}

/* A monitor is a normal client by name, but like a subscriber it is sent what it did not ask for: with
 * the (unlimited) output of a normal client a slow one could fill the memory. */
static const struct conf_output_limit *limit_of(const struct client *c)
{
    enum client_class class = c->flags & CLIENT_MONITOR ? CLASS_PUBSUB : client_class(c);

    return &c->server->conf->client_output_buffer_limit[class];
}

void client_check_output(struct client *c)
{
    struct server *s = c->server;
    const struct conf_output_limit *lim = limit_of(c);
    size_t n = client_unsent(c);
    bool over = lim->hard > 0 && n > lim->hard;

    if (UNLIKELY(c->out.failed)) {
        shortage_close(c, "its replies");
        return;
    }

    if (client_is_stranger(c) && n > STRANGER_OUT && !(c->flags & (CLIENT_CLOSE_SOON | CLIENT_CLOSED))) {
        s->strangers.closed_excess++;
        client_close_soon(c);
        return;
    }
    if (lim->soft > 0 && n > lim->soft) {
        if (c->soft_limit_since_ms == 0) c->soft_limit_since_ms = server_mono_ms(s);
        if (server_mono_ms(s) - c->soft_limit_since_ms > lim->soft_seconds * 1000) over = true;
    } else {
        c->soft_limit_since_ms = 0;
    }
    if (!over || (c->flags & (CLIENT_CLOSE_SOON | CLIENT_CLOSED))) return;
    s->stats.output_limit_closed++;
    log_limited(s->log, LOG_WARNING, "Client id=%llu addr=%s closed for overcoming of output buffer limits.",
                (unsigned long long)c->id, client_peer(c));
    client_close_soon(c);
}

void client_hold_unread(struct client *c)
{
    const struct conf_output_limit *lim = limit_of(c);

    if (c->flags & CLIENT_CLOSED) return;
    if (lim->hard > 0 || lim->soft > 0) return; /* who has a limit is to reach it */
    if (client_unsent(c) <= CLIENT_BIG || c->in.n - c->in_at >= CLIENT_UNREAD_IN) return;
    c->flags |= CLIENT_UNREAD;
    c->server->stats.unread_held++;
}

size_t client_memory(const struct client *c)
{
    return sizeof *c + c->in.cap + client_output_memory(c) + c->parser.cap * sizeof(struct str) + multi_bytes(c) +
           pubsub_bytes(c) + block_bytes(c) + (c->tls ? tls_memory(c->tls) : 0);
}

void client_count_memory(struct client *c)
{
    size_t now = client_memory(c);

    if (c->flags & (CLIENT_CLOSED | CLIENT_LOADER)) return;
    c->server->client_memory += now - c->memory;
    c->memory = now;
    if (LIKELY(now < CLIENT_BIG)) c->big_since_ms = 0;
    else if (c->big_since_ms == 0) c->big_since_ms = server_mono_ms(c->server);
}

void clients_check(const struct server *s)
{
    size_t n = 0, memory = 0, blocked = 0, monitors = 0;

    LINK_EACH(&s->clients, l) {
        const struct client *c = LINK_OF(l, struct client, all);

        ensure(c->magic == CLIENT_MAGIC && !(c->flags & (CLIENT_CLOSED | CLIENT_LOADER)));
        ensure(c->out_at <= client_output_end(c) && c->out.n <= c->out.cap && c->in.n <= c->in.cap);
        ensure((c->n_parts == 0) == (c->parts == NULL) && c->parts_n <= c->parts_cap);
        n++;
        memory += c->memory;
        blocked += c->blocked != NULL;
        monitors += (c->flags & CLIENT_MONITOR) != 0;
    }
    ensure(n == s->n_clients && memory == s->client_memory);
    ensure(blocked == s->n_blocked && monitors == s->n_monitors);
}

/* --- eviction ------------------------------------------------------------------------------------------- */

static void evict(struct client *c)
{
    struct server *s = c->server;

    log_limited(s->log, LOG_NOTICE, "Evicting client: id=%llu addr=%s tot-mem=%zu", (unsigned long long)c->id, client_peer(c),
               c->memory);
    s->stats.evicted_clients++;
    client_close(c);
    client_drop_output(c); /* the rest goes at the end of the turn: until then keys would be evicted for its replies */
}

/* It has much in its buffers, and they do not become empty: the other side does not read, or does not
 * send the rest. What waits for us or for the disk is not its fault. */
static bool is_slow(const struct client *c)
{
    int64_t now = server_mono_ms(c->server);
    bool its_turn = (c->flags & CLIENT_WRITE_ARMED) || (c->in_short && c->in.n > c->in_at);

    return c->big_since_ms != 0 && its_turn && (now - c->active_ms >= STILL_MS || now - c->big_since_ms >= LONG_MS);
}

/* A value that has room in memory can be written and read: one request or one reply alone is no abuse, nor is one that waits
 * until there is room: it takes no more bytes meanwhile. One request it is that takes more than all else the client has, a
 * queue of MULTI for one. */
static bool is_greedy(const struct client *c)
{
    bool one_request = c->in_short && c->in.cap > client_memory(c) - c->in.cap;

    return c->memory >= CLIENT_BIG && !c->one_reply && !one_request && !loop_owes_room(c);
}

/* Requests that are not finished may become as large as memory has room, but not many of them. A small one in a buffer that had
 * many is none of these. */
static bool is_unfinished(const struct client *c)
{
    size_t there = c->in.n - c->in_at;

    return c->in_short && there > 0 && c->in.cap >= FEW && (there >= FEW || c->in_want >= FEW - there);
}

static bool is_any(const struct client *c)
{
    (void)c;
    return true;
}

/* Of a kind of clients those go first that ... */
enum first { LARGEST, LACKS_MOST };

static int class_of(const struct client *c, enum first by)
{
    return 63 - __builtin_clzll((by == LARGEST ? c->memory : c->in_want) | 1);
}

struct going {
    bool (*is)(const struct client *);
    enum first by;
    size_t spared; /* so many stay, whatever they have */
};

/* Close clients while there is too much, in classes by powers of two and not one by one: with ten thousand clients to
 * choose from, looking for the largest anew each time would stop the server. False: there still is. */
static bool evict_until(struct server *s, uint64_t limit, struct going g)
{
    size_t there[64] = { 0 }, n = 0;

    if (s->client_memory <= limit) return true;
    LINK_EACH(&s->clients, l) {
        const struct client *c = LINK_OF(l, struct client, all);
        if ((c->flags & (CLIENT_NO_EVICT | CLIENT_CLOSE_SOON)) || !g.is(c)) continue;
        there[class_of(c, g.by)]++;
        n++;
    }
    for (int class = 63; class >= 0; class--) {
        struct link *l = there[class] > 0 ? s->clients.next : &s->clients;

        while (l != &s->clients && s->client_memory > limit && n > g.spared) {
            struct client *c = LINK_OF(l, struct client, all);
            l = l->next;
            if ((c->flags & (CLIENT_NO_EVICT | CLIENT_CLOSE_SOON)) || class_of(c, g.by) != class || !g.is(c)) continue;
            evict(c);
            n--;
        }
    }
    return s->client_memory <= limit;
}

static uint64_t allowed(const struct server *s, struct allowance a)
{
    uint64_t part = s->conf->maxmemory / a.part;

    return part > a.least ? part : a.least;
}

/* When clients have more than they are allowed: make it an eighth less, if that can be done. */
static bool bring_below(struct server *s, struct allowance a, struct going g)
{
    uint64_t limit = allowed(s, a);

    return s->client_memory <= limit || evict_until(s, limit - limit / 8, g);
}

static void make_way(struct server *s)
{
    uint64_t limit = s->conf->maxmemory;

    if (limit == 0 || s->store->loading || server_used_memory(s) <= limit - limit / NEAR) return;
    bring_below(s, before_any, (struct going){ is_any, LARGEST, 0 });
    if (server_mono_ms(s) - s->looked_ms < LOOK_MS) return;
    if (!bring_below(s, before_greedy, (struct going){ is_greedy, LARGEST, 0 }) &&
        !bring_below(s, before_unfinished, (struct going){ is_unfinished, LACKS_MOST, 1 })) {
        s->looked_ms = server_mono_ms(s);
    }
    if (server_mono_ms(s) - s->looked_slow_ms < LOOK_MS) return;
    s->looked_slow_ms = server_mono_ms(s);
    evict_until(s, allowed(s, before_slow), (struct going){ is_slow, LARGEST, 0 });
}

void clients_evict(struct server *s)
{
    uint64_t limit;

    if (UNLIKELY(s->client_memory > before_slow.least)) make_way(s);
    if (LIKELY(s->conf->maxmemory_clients == 0)) return;
    limit = conf_client_memory(s->conf);
    if (limit != 0) evict_until(s, limit, (struct going){ is_any, LARGEST, 0 });
}

bool clients_make_way(struct client *c)
{
    struct server *s = c->server;
    uint32_t kept = c->flags & CLIENT_NO_EVICT;

    if (s->client_memory <= before_slow.least || s->made_way == s->turns || (c->flags & CLIENT_SCRIPT) || is_greedy(c)) return false;
    s->made_way = s->turns;
    c->flags |= CLIENT_NO_EVICT; /* it is being served */
    make_way(s);
    c->flags = (c->flags & ~(uint32_t)CLIENT_NO_EVICT) | kept;
    return true;
}

void client_check_reply(struct client *c)
{
    struct server *s = c->server;
    uint64_t limit = s->conf->maxmemory, own = allowed(s, before_greedy);

    if (c->flags & CLIENT_CLOSE_SOON) return;
    client_check_output(c);
    if (limit > 0 && c->out.cap > own && server_used_memory(s) > limit) {
        log_warning(s->log, "Client id=%llu addr=%s closed: the replies of its transaction take more than half of maxmemory.",
                    (unsigned long long)c->id, client_peer(c));
        s->stats.output_limit_closed++;
        client_close_soon(c);
    }
    if (c->flags & CLIENT_CLOSE_SOON) c->out.failed = true;
}

void client_check_big(struct client *c, bool one_reply)
{
    c->one_reply = one_reply;
    client_flush(c);
    if (c->flags & CLIENT_CLOSED) return;
    client_check_output(c);
    client_count_memory(c);
    clients_evict(c->server);
}
