/* client_evict.c -- clients that give way: see client.h.
 *
 * Two bounds. All clients together have maxmemory-clients, and when that is passed the largest go first. And when memory
 * comes near maxmemory, clients that do not take their replies, or do not finish their requests, give way
 * before keys do: a session must not be evicted for somebody who does not read.
 *
 * Ten thousand clients to choose from, or to close, would stop the server for milliseconds. Those that are not small stand in
 * lists by size (client_limit.c), of the others the largest of a few is taken, and so many go in one turn. Where not any will
 * do, those that are not small are looked at, a few more go than have to, and when none could it is not tried again in
 * every turn. */
#include "server/block.h"
#include "server/client.h"
#include "server/dispatch.h"
#include "server/loop.h"

enum {
    STILL_MS = 1000,        /* without a byte in or out: stuck */
    LONG_MS = 10000,        /* big for so long: too slow */
    LOOK_MS = 100,          /* between two looks for those, and after one that did not find enough */
    NEAR = 16,              /* memory is near its limit when less than one part in so many is left */
    FEW = CLIENT_SMALL,     /* of a request that is not finished: nobody's concern */
    EVICT_MOST = 8,         /* clients that go in one turn: closing one takes about 10 us */
    LOOK_MOST = 64          /* small ones to choose from */
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

static void evict(struct client *c, const char *why)
{
    struct server *s = c->server;

    log_limited(s->log, LOG_NOTICE, "Evicting client: id=%llu addr=%s tot-mem=%zu (%s)", (unsigned long long)c->id, client_peer(c),
               c->memory, why);
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

/* One request, or one reply, takes more than all else that it has, a queue of MULTI for one; what is made for it in slices is no more
 * than the reply that it becomes. */
static bool has_one(const struct client *c)
{
    size_t all = client_memory(c), one = block_work_bytes(c), output = client_output_memory(c);

    if (c->in_short && c->in.cap > one) one = c->in.cap;
    if (c->one_reply && output > one) one = output;
    return one > all - one;
}

/* A value that has room in memory can be written and read: one request or one reply alone is no abuse, nor is one that waits
 * until there is room: it takes no more bytes meanwhile. */
static bool is_greedy(const struct client *c)
{
    return c->memory >= CLIENT_BIG && !has_one(c) && !loop_owes_room(c);
}

/* Requests that are not finished may become as large as memory has room, but not many of them. A small one in a buffer that had
 * many is none of these. */
static bool is_unfinished(const struct client *c)
{
    size_t there = c->in.n - c->in_at;

    return c->in_short && there > 0 && c->in.cap >= FEW && (there >= FEW || c->in_want >= FEW - there);
}

static bool may_go(const struct client *c)
{
    return !(c->flags & (CLIENT_NO_EVICT | CLIENT_CLOSE_SOON));
}

/* Of the next small clients the largest, NULL: none of them may go. Others are looked at the next time. */
static struct client *next_small(struct server *s)
{
    size_t n = s->n_clients < LOOK_MOST ? s->n_clients : LOOK_MOST;
    struct client *best = NULL;

    for (; n > 0; n--) {
        struct client *c = LINK_OF(s->clients.next, struct client, all);
        link_to_tail(&s->clients, &c->all);
        if (may_go(c) && (best == NULL || c->memory > best->memory)) best = c;
    }
    return best;
}

static struct client *largest(struct server *s)
{
    for (int i = CLIENT_SIZES - 1; i > 0; i--) {
        LINK_EACH(&s->by_size[i], l) {
            struct client *c = LINK_OF(l, struct client, in_size);
            if (may_go(c)) return c;
        }
    }
    return next_small(s);
}

/* Close the largest, *most of them at the most, while all have more than limit. False: they still have. */
static bool evict_any(struct server *s, uint64_t limit, size_t *most)
{
    while (s->client_memory > limit) {
        struct client *c = *most > 0 ? largest(s) : NULL;
        if (c == NULL) return false;
        evict(c, "it has most, and all have too much");
        (*most)--;
    }
    return true;
}

/* Of a kind of clients, none of them small, those go first that ... */
enum first { LARGEST, LACKS_MOST };

struct going {
    bool (*is)(const struct client *);
    enum first by;
    size_t spared; /* so many stay, whatever they have */
    const char *why;
};

static int class_of(const struct client *c, enum first by)
{
    return 63 - __builtin_clzll((by == LARGEST ? c->memory : c->in_want) | 1);
}

/* Close some while there is too much, in classes by powers of two and not one by one. False: there still is, and no more of the kind. */
static bool evict_kind(struct server *s, uint64_t limit, struct going g, size_t *most)
{
    size_t there[64] = { 0 }, n = 0;

    if (s->client_memory <= limit) return true;
    for (int i = 1; i < CLIENT_SIZES; i++) {
        LINK_EACH(&s->by_size[i], l) {
            const struct client *c = LINK_OF(l, struct client, in_size);
            if (!may_go(c) || !g.is(c)) continue;
            there[class_of(c, g.by)]++;
            n++;
        }
    }
    for (int class = 63; class >= 0; class--) {
        for (int i = 1; i < CLIENT_SIZES && there[class] > 0; i++) {
            struct link *l = s->by_size[i].next;

            while (l != &s->by_size[i] && s->client_memory > limit && n > g.spared) {
                struct client *c = LINK_OF(l, struct client, in_size);
                l = l->next;
                if (!may_go(c) || class_of(c, g.by) != class || !g.is(c)) continue;
                if (*most == 0) return true;
                evict(c, g.why);
                (*most)--;
                n--;
            }
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
static bool bring_below(struct server *s, struct allowance a, struct going g, size_t *most)
{
    uint64_t limit = allowed(s, a);

    return s->client_memory <= limit || evict_kind(s, limit - limit / 8, g, most);
}

#define BEYOND "memory is beyond maxmemory, and no key can go for it"

static bool asks_or_brings(const struct client *c)
{
    return is_greedy(c) || is_unfinished(c);
}

/* Memory is beyond its limit, and keys have not given way: they may not, or there are none left. Then those who have asked for much at
 * once, or bring what could not be kept, have no more than what is left beside the keys, or little: those who have most go, all
 * but one. Who reads one value is served, as long as he takes it. */
static void make_way_beyond(struct server *s)
{
    enum { MOST = 32 };
    uint64_t limit = s->conf->maxmemory, used = server_used_memory(s), keep;
    const struct going these = { asks_or_brings, LARGEST, 1, BEYOND };
    size_t most = MOST;

    if (used <= limit + limit / NEAR || dispatch_make_room(s) != MEMORY_OUT) return;
    keep = s->client_memory > used - limit ? s->client_memory - (used - limit) : 0;
    if (keep < before_slow.least) keep = before_slow.least;
    evict_kind(s, keep, these, &most);
}

/* Close `most` clients at the most while memory is near its limit. */
static void make_way(struct server *s, size_t most)
{
    const struct going greedy = { is_greedy, LARGEST, 0, "it asks for much and does not take it" };
    const struct going unfinished = { is_unfinished, LACKS_MOST, 1, "requests that are not finished take too much" };
    const struct going slow = { is_slow, LARGEST, 0, "it is slow, and memory is nearly full" };
    uint64_t limit = s->conf->maxmemory;

    if (limit == 0 || s->store->loading || server_used_memory(s) <= limit - limit / NEAR) return;
    make_way_beyond(s);
    evict_any(s, allowed(s, before_any), &most);
    if (server_mono_ms(s) - s->looked_ms < LOOK_MS) return;
    if (!bring_below(s, before_greedy, greedy, &most) && !bring_below(s, before_unfinished, unfinished, &most)) {
        s->looked_ms = server_mono_ms(s);
    }
    if (server_mono_ms(s) - s->looked_slow_ms < LOOK_MS) return;
    s->looked_slow_ms = server_mono_ms(s);
    evict_kind(s, allowed(s, before_slow), slow, &most);
}

bool clients_evict(struct server *s)
{
    uint64_t limit;
    size_t most = EVICT_MOST;

    if (UNLIKELY(s->client_memory > before_slow.least)) make_way(s, most);
    if (LIKELY(s->conf->maxmemory_clients == 0)) return false;
    limit = conf_client_memory(s->conf);
    return limit != 0 && !evict_any(s, limit, &most) && most < EVICT_MOST;
}

bool clients_make_way(struct client *c)
{
    struct server *s = c->server;
    uint32_t kept = c->flags & CLIENT_NO_EVICT;

    if (s->client_memory <= before_slow.least || s->made_way == s->turns || (c->flags & CLIENT_SCRIPT) || is_greedy(c)) return false;
    s->made_way = s->turns;
    c->flags |= CLIENT_NO_EVICT; /* it is being served */
    make_way(s, SIZE_MAX);
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
