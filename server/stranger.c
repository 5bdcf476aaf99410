/* stranger.c -- see stranger.h. */
#include "server/stranger.h"

#include <stdio.h>

#include "server/acl.h"
#include "server/dispatch.h"

enum {
    GRACE_MS = 1000,     /* what each has to send its password, however many there are */
    CLOSED_PER_TEND = 256
};

static bool door_is_open(const struct server *s)
{
    return s->acl->default_user->enabled && s->acl->default_user->nopass;
}

void stranger_begin(struct client *c)
{
    struct server *s = c->server;

    if (c->authenticated || c->fd < 0 || !link_alone(&c->in_strangers)) return; /* RESET buys no time */
    c->stranger_since_ms = server_mono_ms(s);
    c->n_asked = 0;
    link_add_tail(&s->strangers.list, &c->in_strangers);
    s->strangers.n++;
}

void stranger_end(struct client *c)
{
    if (link_alone(&c->in_strangers)) return;
    link_remove(&c->in_strangers);
    c->server->strangers.n--;
}

void stranger_refuse(struct client *c, const char *text)
{
    size_t mark;

    client_take_buffers(c);
    c->reply = (struct reply){ &c->out, c->resp };
    mark = reply_mark(&c->reply);
    reply_error(&c->reply, str_c(text));
    dispatch_count_error(c->server, &c->out, mark);
    c->in_at = c->in.n; /* what else it has sent is not looked at */
    c->in_short = true;
    client_close_after(c);
}

bool stranger_may_ask(struct client *c)
{
    if (!client_needs_auth(c) || c->n_asked++ < STRANGER_REQUESTS) return true;
    c->server->strangers.closed_excess++;
    stranger_refuse(c, "NOAUTH Too many requests without authentication.");
    return false;
}

/* In the loop, between calls: the text is sent if the socket takes it. */
static void close_now(struct client *c, const char *text)
{
    stranger_end(c);
    stranger_refuse(c, text);
    client_flush(c);
    client_close(c);
}

/* When c became one, or when a password came to be needed, whichever is later. */
static int64_t age_ms(const struct server *s, const struct client *c)
{
    int64_t since = c->stranger_since_ms;

    if (since < s->strangers.open_ms) since = s->strangers.open_ms;
    return server_mono_ms(s) - since;
}

/* NULL: there is none. Who was let in by other ways (a certificate) is no stranger any more. */
static struct client *oldest(struct server *s)
{
    while (!link_alone(&s->strangers.list)) {
        struct client *c = LINK_OF(s->strangers.list.next, struct client, in_strangers);
        if (!c->authenticated) return c;
        stranger_end(c);
    }
    return NULL;
}

static bool crowd_out(struct server *s)
{
    struct client *c = oldest(s);

    if (c == NULL || door_is_open(s) || age_ms(s, c) < GRACE_MS) return false;
    s->strangers.closed_crowd++;
    close_now(c, "NOAUTH Too many clients that have not authenticated.");
    return true;
}

bool stranger_gives_way(struct server *s)
{
    return crowd_out(s);
}

static bool close_late(struct server *s)
{
    int64_t limit_s = s->conf->auth_timeout;
    struct client *c = oldest(s);
    char text[96];

    if (c == NULL || limit_s == 0 || age_ms(s, c) < limit_s * 1000) return false;
    s->strangers.closed_late++;
    snprintf(text, sizeof text, "NOAUTH No authentication within %lld seconds.", (long long)limit_s);
    close_now(c, text);
    return true;
}

void strangers_tend(struct server *s)
{
    size_t most = (size_t)(s->conf->maxclients * s->conf->maxclients_unauthenticated / 100);
    int n = 0;

    if (door_is_open(s)) {
        s->strangers.open_ms = server_mono_ms(s);
        return;
    }
    if (most == 0) most = 1;
    while (n++ < CLOSED_PER_TEND && close_late(s)) {}
    while (n++ < CLOSED_PER_TEND && s->strangers.n > most && crowd_out(s)) {}
}

size_t strangers_count(const struct server *s)
{
    return door_is_open(s) ? 0 : s->strangers.n;
}

void strangers_info_clients(const struct server *s, struct buf *b)
{
    buf_printf(b, "unauthenticated_clients:%zu\r\n", strangers_count(s));
}

void strangers_info_stats(const struct server *s, struct buf *b)
{
    const struct strangers *st = &s->strangers;

    buf_printf(b, "unauthenticated_closed_excess:%llu\r\nunauthenticated_closed_late:%llu\r\n"
                  "unauthenticated_closed_crowd:%llu\r\n",
               (unsigned long long)st->closed_excess, (unsigned long long)st->closed_late,
               (unsigned long long)st->closed_crowd);
}
