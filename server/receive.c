/* receive.c -- what comes from a client's socket: see loop.h. */
#include <errno.h>

#include "base/ensure.h"
#include "server/client.h"
#include "server/loop.h"
#include "server/multi.h"
#include "server/shortage.h"
#include "server/stranger.h"
#include "server/tls.h"

/* Clients that one turn reads from: however many are ready at once, the first are answered before the last are read. And
 * so many have a buffer of LOOP_READ until their requests run, at the most: a turn of large or slow requests runs fewer than it reads. */
enum { CROWD = 256 };

static bool is_crowded(const struct server *s)
{
    return s->stats.reads - s->turn_reads >= CROWD;
}

static bool is_behind(const struct server *s)
{
    return s->stats.reads - s->worked_off_reads > CROWD;
}

/* What MULTI has queued counts as input that has not been worked off. */
static bool input_over_limit(struct client *c)
{
    return c->in.n - c->in_at + multi_bytes(c) > c->server->conf->client_query_buffer_limit;
}

static void close_greedy(struct client *c)
{
    struct server *s = c->server;

    s->stats.query_limit_closed++;
    log_limited(s->log, LOG_WARNING, "Closing client that reached max query buffer length: id=%llu addr=%s",
                (unsigned long long)c->id, client_peer(c));
    client_close(c);
}

/* The peer has closed, or has said all it will. What it has asked for before is done and answered first,
 * but one that waits has nobody left to wait for. */
static void on_end_of_input(struct client *c)
{
    bool owed = loop_owes_room(c), waits = (c->flags & (CLIENT_BLOCKED | (owed ? 0 : CLIENT_PAUSED) | CLIENT_MONITOR)) || c->subs;
    bool asked = owed || !link_alone(&c->in_readable) || (c->flags & CLIENT_UNREAD), answered = client_unsent(c) > 0;

    if (waits || (!asked && !answered)) {
        client_close(c);
        return;
    }
    event_del(&c->on_read);
    c->flags |= CLIENT_EOF;
    if (!asked) client_close_after(c);
}

/* One that is to be closed has nothing more to say, but its bytes have to be taken: the socket would
 * call again at once. */
static void read_in_vain(struct client *c)
{
    char bytes[4096];
    ssize_t n = client_recv(c, bytes, sizeof bytes);

    if (n == 0) on_end_of_input(c);
    else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) client_close(c);
}

void loop_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    struct server *s = c->server;
    size_t room;
    char *at;
    ssize_t n;

    (void)fd;
    (void)what;
    ensure(c->magic == CLIENT_MAGIC);
    if (UNLIKELY(c->flags & CLIENT_CLOSE_AFTER)) {
        read_in_vain(c);
        return;
    }
    /* What has been read is worked off first. */
    if (UNLIKELY(c->in.n - c->in_at >= LOOP_READ) && (!link_alone(&c->in_readable) || loop_owes_room(c))) return;
    at = client_input_room(c, &room);
    if (UNLIKELY(at == NULL)) {
        shortage_close(c, "its request");
        return;
    }
    n = client_recv(c, at, room);
    s->stats.reads++;
    if (UNLIKELY(n <= 0)) {
        if (n == 0) on_end_of_input(c);
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) client_close(c);
        else client_used_input(c);
        return;
    }
    buf_used(&c->in, (size_t)n);
    c->net_in += (uint64_t)n;
    s->stats.net_in += (uint64_t)n;
    c->active_ms = server_mono_ms(s);
    c->in_short = false;
    if (client_is_stranger(c) && c->in.n - c->in_at > STRANGER_IN) {
        s->strangers.closed_excess++;
        stranger_refuse(c, "NOAUTH Too much input without authentication.");
    } else if (UNLIKELY(input_over_limit(c))) {
        close_greedy(c);
    } else {
        client_wants_parse(c);
        if (UNLIKELY(is_behind(s))) client_fit_input(c);
        if (UNLIKELY(c->flags & CLIENT_UNREAD) && c->in.n - c->in_at >= CLIENT_UNREAD_IN) client_unhold(c);
    }
}

/* --- who comes when ------------------------------------------------------------------------------------- */

void loop_on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;

    if (LIKELY(!is_crowded(c->server))) loop_on_readable(fd, what, c);
    else if (link_alone(&c->in_crowd)) link_add_tail(&c->server->crowd, &c->in_crowd);
}

bool loop_read_crowd(struct server *s)
{
    while (!link_alone(&s->crowd) && !is_crowded(s)) {
        struct client *c = LINK_OF(s->crowd.next, struct client, in_crowd);
        link_remove(&c->in_crowd);
        if (event_pending(&c->on_read, EV_READ, NULL)) loop_on_readable(c->fd, EV_READ, c); /* or it is to be heard no more */
    }
    return is_crowded(s);
}
