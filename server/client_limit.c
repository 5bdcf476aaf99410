/* client_limit.c -- what clients may hold in memory: see client.h.
 *
 * Two bounds. Each client's unsent replies have the limits of its class (client-output-buffer-limit);
 * all clients together have maxmemory-clients, and when that is passed the largest go first. */
#include "server/block.h"
#include "server/client.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/shortage.h"

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
    size_t n = c->out.n - c->out_at;
    bool over = lim->hard > 0 && n > lim->hard;

    if (UNLIKELY(c->out.failed)) {
        shortage_close(c, "its replies");
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

size_t client_memory(const struct client *c)
{
    return sizeof *c + c->in.cap + c->out.cap + c->parser.cap * sizeof(struct str) + multi_bytes(c) +
           pubsub_bytes(c) + block_bytes(c);
}

void client_count_memory(struct client *c)
{
    size_t now = client_memory(c);

    if (c->flags & (CLIENT_CLOSED | CLIENT_LOADER)) return;
    c->server->client_memory += now - c->memory;
    c->memory = now;
}

/* --- eviction ------------------------------------------------------------------------------------------- */

static int size_class(const struct client *c)
{
    return 63 - __builtin_clzll(c->memory | 1);
}

static void evict(struct client *c)
{
    struct server *s = c->server;

    log_limited(s->log, LOG_NOTICE, "Evicting client: id=%llu addr=%s tot-mem=%zu", (unsigned long long)c->id, client_peer(c),
               c->memory);
    s->stats.evicted_clients++;
    client_close(c);
}

/* Close clients of one power of two of size while there is too much. */
static void evict_class(struct server *s, int class, uint64_t limit)
{
    struct link *l = s->clients.next;

    while (l != &s->clients && s->client_memory > limit) {
        struct client *c = LINK_OF(l, struct client, all);
        l = l->next;
        if (!(c->flags & CLIENT_NO_EVICT) && size_class(c) == class) evict(c);
    }
}

/* By classes, not one by one: with ten thousand clients to choose from, looking for the largest anew each
 * time would stop the server. */
void clients_evict(struct server *s)
{
    uint64_t limit;
    size_t there[64] = { 0 };

    if (LIKELY(s->conf->maxmemory_clients == 0)) return;
    limit = conf_client_memory(s->conf);
    if (limit == 0 || s->client_memory <= limit) return;
    LINK_EACH(&s->clients, l) there[size_class(LINK_OF(l, struct client, all))]++;
    for (int class = 63; class >= 0 && s->client_memory > limit; class--) {
        if (there[class] > 0) evict_class(s, class, limit);
    }
}
