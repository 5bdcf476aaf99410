/* guess.c -- see guess.h. */
#include "server/guess.h"

#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/rng.h"
#include "server/block.h"

enum {
    WAYS = 4,
    ROWS = 256,
    FREE_FAILURES = 5,
    FIRST_DELAY_MS = 100,
    FORGIVE_MS = 10000,
    LINE_MS = 10000, /* the longest that one waits behind others */
    FAILURES_MAX = 64 /* counted: beyond, the delay has long been at its limit */
};

struct source {
    uint64_t address; /* 0: free */
    uint32_t failures;
    int64_t last_ms;  /* when they were last counted; monotonic */
    int64_t until_ms; /* the last in line waits until then */
};

struct guesses {
    struct source table[ROWS][WAYS];
    struct hash_key key;    /* which row is nobody's business */
    struct link waiting;    /* struct waiter */
    size_t n_waiting;
    uint64_t delayed;
};

struct waiter {
    struct link in_waiting;
    struct client *client;
    int64_t until_ms;
};

struct guesses *guesses_new(void)
{
    struct guesses *g = mem_zalloc(sizeof *g);

    rng_secret(&g->key, sizeof g->key);
    link_init(&g->waiting);
    return g;
}

void guesses_free(struct guesses **g)
{
    mem_free(*g);
    *g = NULL;
}

/* --- addresses -------------------------------------------------------------------------------------- */

/* An IPv4 address as its mapped form begins; no network has a /64 that begins so. */
static uint64_t of_ipv4(uint32_t address)
{
    return UINT64_C(0x0000ffff) << 32 | address;
}

static uint64_t of_ipv6(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    uint64_t net;
    uint32_t last;

    if (memcmp(ip, mapped, sizeof mapped) == 0) {
        memcpy(&last, ip + 12, sizeof last);
        return of_ipv4(last);
    }
    memcpy(&net, ip, sizeof net);
    return net != 0 ? net : 1; /* ::1 and its like */
}

/* 0: it comes from nowhere that is counted. */
static uint64_t source_address(const struct client *c)
{
    uint32_t ipv4;

    if (c->from.family == AF_INET6) return of_ipv6(c->from.ip);
    if (c->from.family != AF_INET) return 0;
    memcpy(&ipv4, c->from.ip, sizeof ipv4);
    return of_ipv4(ipv4);
}

static struct source *row_of(struct guesses *g, uint64_t address)
{
    return g->table[hash_bytes(&g->key, str_of(&address, sizeof address)) % ROWS];
}

/* Time passes, and with it what was done. */
static void forgive(struct source *src, int64_t now_ms)
{
    int64_t n = (now_ms - src->last_ms) / FORGIVE_MS;

    if (src->address == 0 || n <= 0) return;
    src->last_ms += n * FORGIVE_MS;
    src->failures -= n < src->failures ? (uint32_t)n : src->failures;
    if (src->failures == 0) *src = (struct source){ 0 };
}

static struct source *find(struct server *s, uint64_t address)
{
    struct source *row = row_of(s->guesses, address);

    for (int i = 0; i < WAYS; i++) {
        if (row[i].address != address) continue;
        forgive(&row[i], server_mono_ms(s));
        return row[i].address != 0 ? &row[i] : NULL;
    }
    return NULL;
}

/* Its place, or that of the most harmless one. */
static struct source *claim(struct server *s, uint64_t address)
{
    struct source *row = row_of(s->guesses, address), *least = row, *src = find(s, address);

    if (src != NULL) return src;
    for (int i = 0; i < WAYS; i++) {
        forgive(&row[i], server_mono_ms(s));
        if (row[i].failures < least->failures) least = &row[i];
    }
    *least = (struct source){ .address = address, .last_ms = server_mono_ms(s) };
    return least;
}

/* --- attempts ----------------------------------------------------------------------------------------- */

int64_t guess_delay_ms(uint32_t n, int64_t max)
{
    int64_t ms = FIRST_DELAY_MS;

    if (n <= FREE_FAILURES) return 0;
    while (--n > FREE_FAILURES && ms < max) ms *= 2;
    return ms < max ? ms : max;
}

int64_t guess_until_ms(int64_t now, int64_t last, int64_t delay, int64_t max)
{
    int64_t until = (last > now ? last : now) + delay, longest = now + (max > LINE_MS ? max : LINE_MS);

    return until < longest ? until : longest;
}

static void leave(struct client *c, void *parked)
{
    struct waiter *w = parked;

    c->flags &= ~(uint32_t)CLIENT_UNHEARD;
    if (!(c->flags & CLIENT_CLOSED)) event_add(&c->on_read, NULL);
    link_remove(&w->in_waiting);
    c->server->guesses->n_waiting--;
    mem_free(w);
}

/* CLIENT UNBLOCK: at the next look. */
static void time_up(struct client *c, void *parked)
{
    struct waiter *w = parked;

    (void)c;
    w->until_ms = 0;
}

static size_t bytes(const void *parked)
{
    (void)parked;
    return sizeof(struct waiter);
}

static const struct parking parking = { .leave = leave, .time_up = time_up, .bytes = bytes };

/* Nothing more is read of one that waits: what he may send unasked is bounded (stranger.h), and a client that
 * sends its first requests together with its password must not lose them. */
static enum err wait(struct call *call, int64_t until_ms)
{
    struct client *c = call->client;
    struct guesses *g = c->server->guesses;
    struct waiter *w = mem_zalloc(sizeof *w);

    w->client = c;
    w->until_ms = until_ms;
    link_init(&w->in_waiting);
    link_add_tail(&g->waiting, &w->in_waiting);
    g->n_waiting++;
    g->delayed++;
    c->flags |= CLIENT_UNHEARD;
    event_del(&c->on_read);
    call->wait = (struct wait){ .parking = &parking, .parked = w };
    return CALL_BLOCKED;
}

enum err guess_may_try(struct call *call)
{
    struct client *c = call->client;
    struct server *s = c->server;
    struct source *src;
    uint64_t address;
    int64_t ms;

    if (s->conf->auth_delay_max == 0 || block_parked(c, &parking) != NULL) return OK; /* it has waited */
    if (s->busy_saved != NULL) return OK; /* who wants to end a script that runs too long cannot wait for its end */
    address = source_address(c);
    src = address != 0 ? find(s, address) : NULL;
    ms = src != NULL ? guess_delay_ms(src->failures, s->conf->auth_delay_max) : 0;
    if (ms == 0) return OK;
    if (!call->may_block) return ERR_AUTH_LATER;
    src->until_ms = guess_until_ms(server_mono_ms(s), src->until_ms, ms, s->conf->auth_delay_max);
    return wait(call, src->until_ms);
}

/* No name of a user: people type their password there. */
static void tell(struct server *s, struct client *c, uint32_t failures)
{
    log_limited(s->log, LOG_WARNING, "Failed authentication of a client at %s, %u from that address of late%s.",
                client_peer(c), failures, failures > FREE_FAILURES ? ", which now has to wait" : "");
}

void guess_failed(struct client *c)
{
    uint64_t address = source_address(c);
    struct source *src;

    if (address == 0) {
        tell(c->server, c, 1);
        return;
    }
    src = claim(c->server, address);
    if (src->failures < FAILURES_MAX) src->failures++;
    src->last_ms = server_mono_ms(c->server);
    tell(c->server, c, src->failures);
}

void guess_right(struct client *c)
{
    uint64_t address = source_address(c);
    struct source *src = address != 0 ? find(c->server, address) : NULL;

    if (src != NULL) *src = (struct source){ 0 };
}

void guesses_tend(struct server *s)
{
    struct link *l = s->guesses->waiting.next;

    while (l != &s->guesses->waiting) {
        const struct waiter *w = LINK_OF(l, struct waiter, in_waiting);
        l = l->next;
        if (server_mono_ms(s) >= w->until_ms && !(w->client->flags & CLIENT_CLOSE_SOON)) block_run_again(w->client);
    }
}

static size_t slowed(const struct server *s)
{
    const struct source *first = s->guesses->table[0];
    size_t n = 0;

    for (size_t i = 0; i < ROWS * WAYS; i++) n += first[i].failures > FREE_FAILURES;
    return n;
}

struct guess_facts guess_facts(const struct server *s)
{
    return (struct guess_facts){ s->guesses->delayed, s->guesses->n_waiting, slowed(s) };
}

void guesses_info(const struct server *s, struct buf *b)
{
    struct guess_facts f = guess_facts(s);

    buf_printf(b, "auth_delayed:%llu\r\nauth_waiting:%zu\r\nauth_slowed_addresses:%zu\r\n",
               (unsigned long long)f.delayed, f.waiting, f.slowed);
}
