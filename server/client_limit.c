/* client_limit.c -- what a client may hold in memory, and what it does: see client.h.
 *
 * Each client's unsent replies have the limits of its class (client-output-buffer-limit). What all together may hold is in
 * client_evict.c; for that those that are not small stand in lists by size. */
#include "server/block.h"
#include "server/client.h"
#include "server/loop.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/shortage.h"
#include "server/stranger.h"
#include "server/tls.h"

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

/* c takes so much: the list of its size. Below CLIENT_SMALL there is none: what comes and goes with each request costs no
 * moves. Each other one is for twice the bytes of the one before it. */
static unsigned size_of(const struct client *c, size_t bytes)
{
    unsigned size;

    if (bytes < CLIENT_SMALL || (c->flags & CLIENT_NO_EVICT)) return 0;
    size = 48 - (unsigned)__builtin_clzll(bytes); /* 1: below 128 KiB */
    return size < CLIENT_SIZES ? size : CLIENT_SIZES - 1;
}

static void file_by_size(struct client *c, unsigned size)
{
    if (size == c->size) return;
    link_remove(&c->in_size);
    if (size != 0) link_add_tail(&c->server->by_size[size], &c->in_size);
    c->size = (uint8_t)size;
}

void client_count_memory(struct client *c)
{
    size_t now = client_memory(c);

    if (c->flags & (CLIENT_CLOSED | CLIENT_LOADER)) return;
    c->server->client_memory += now - c->memory;
    c->memory = now;
    if (UNLIKELY(now >= CLIENT_SMALL || c->size > 0)) file_by_size(c, size_of(c, now));
    if (LIKELY(now < CLIENT_BIG)) c->big_since_ms = 0;
    else if (c->big_since_ms == 0) c->big_since_ms = server_mono_ms(c->server);
}

void clients_check(const struct server *s)
{
    size_t n = 0, memory = 0, blocked = 0, monitors = 0, not_small = 0, listed = 0;

    LINK_EACH(&s->clients, l) {
        const struct client *c = LINK_OF(l, struct client, all);

        ensure(c->magic == CLIENT_MAGIC && !(c->flags & (CLIENT_CLOSED | CLIENT_LOADER)));
        ensure(c->out_at <= client_output_end(c) && c->out.n <= c->out.cap && c->in.n <= c->in.cap);
        ensure(c->size == size_of(c, c->memory) && link_alone(&c->in_size) == (c->size == 0));
        ensure((c->n_parts == 0) == (c->parts == NULL) && c->parts_n <= c->parts_cap);
        n++;
        not_small += c->size > 0;
        memory += c->memory;
        blocked += c->blocked != NULL;
        monitors += (c->flags & CLIENT_MONITOR) != 0;
    }
    for (int i = 1; i < CLIENT_SIZES; i++) LINK_EACH(&s->by_size[i], l) listed++;
    ensure(n == s->n_clients && memory == s->client_memory && listed == not_small);
    ensure(blocked == s->n_blocked && monitors == s->n_monitors);
}

void client_check_big(struct client *c)
{
    client_flush(c);
    if (c->flags & CLIENT_CLOSED) return;
    client_check_output(c);
    client_count_memory(c);
    clients_evict(c->server);
}
