/* tls.c -- receiving, sending and closing over TLS: see tls.h.
 *
 * Writing: OpenSSL makes a record of at most 16 KiB of each call. When the socket takes only a part of one, the rest
 * stays with OpenSSL, which wants to be called again with the same bytes, or more: they are still the first of the
 * client's output, as nothing of a record counts as sent before all of it is, and no byte of what may leave is taken back.
 *
 * One direction may have to wait for the other: an answer to a peer's key update has to leave before reading goes on
 * (reads_wait); and OpenSSL reserves the right to the opposite (writes_wait). A socket that is ready for the wrong
 * direction must not be waited for meanwhile: it would call at once, again and again.
 *
 * OpenSSL's queue of errors is empty between calls, since SSL_get_error looks at it: whoever sees a failure empties it. */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "server/loop.h"
#include "server/tls_impl.h"

enum {
    RECORD = 16 * 1024,
    TURN_MAX = 512 * 1024, /* bytes of one call, which costs as many nanoseconds, about */
    IDLE_BYTES = 12 * 1024 /* of an SSL between calls, as measured (tests/bench/encrypted.py) */
};

void tls_attach(struct client *c, SSL *ssl)
{
    struct tls_conn *t = mem_zalloc(sizeof *t);

    t->ssl = ssl;
    t->client = c;
    link_init(&t->in_pending);
    c->tls = t;
    if (SSL_has_pending(ssl)) link_add_tail(&c->server->tls_pending, &t->in_pending);
    client_count_memory(c);
}

size_t tls_memory(const struct tls_conn *t)
{
    return IDLE_BYTES + (t->client->flags & CLIENT_WRITE_ARMED ? RECORD : 0);
}

/* --- what OpenSSL says ------------------------------------------------------------------------------------ */

static void break_off(struct tls_conn *t)
{
    char reason[128];

    if (ERR_peek_error()) tls_reason(reason, sizeof reason);
    else snprintf(reason, sizeof reason, "the peer is gone");
    log_verbose(t->client->server->log, "TLS connection of %s broke: %s", client_peer(t->client), reason);
    t->is_broken = true;
}

static void list(struct tls_conn *t)
{
    if (link_alone(&t->in_pending)) link_add_tail(&t->client->server->tls_pending, &t->in_pending);
}

/* Reading waits for the socket to take bytes. */
static void wait_to_write(struct tls_conn *t)
{
    t->reads_wait = true;
    event_del(&t->client->on_read);
    client_arm_write(t->client);
}

/* --- receiving --------------------------------------------------------------------------------------------- */

/* SSL_read gave nothing. True: it may give something later. */
static bool may_read_later(struct tls_conn *t, int r)
{
    int e = SSL_get_error(t->ssl, r);

    if (e == SSL_ERROR_WANT_READ) return true;
    if (e == SSL_ERROR_WANT_WRITE) {
        wait_to_write(t);
        return true;
    }
    if (e != SSL_ERROR_ZERO_RETURN) break_off(t);
    return false;
}

static ssize_t lost(int how)
{
    errno = how;
    return -1;
}

ssize_t tls_recv(struct tls_conn *t, void *p, size_t n)
{
    size_t got = 0;

    if (UNLIKELY(t->writes_wait)) {
        t->writes_wait = false;
        client_wants_write(t->client);
    }
    if (UNLIKELY(t->reads_wait)) return lost(EAGAIN);
    if (UNLIKELY(t->is_broken)) return lost(ECONNRESET);
    do {
        int r = SSL_read(t->ssl, (char *)p + got, n - got < TURN_MAX ? (int)(n - got) : TURN_MAX);

        if (r > 0) {
            got += (size_t)r;
            continue;
        }
        if (may_read_later(t, r)) {
            link_remove(&t->in_pending);
            return got > 0 ? (ssize_t)got : lost(EAGAIN);
        }
        if (got > 0) { /* the end is told when it is asked for again */
            list(t);
            return (ssize_t)got;
        }
        link_remove(&t->in_pending);
        return t->is_broken ? lost(ECONNRESET) : 0;
    } while (got < n && got < TURN_MAX && SSL_has_pending(t->ssl));
    if (UNLIKELY(SSL_has_pending(t->ssl))) list(t);
    else link_remove(&t->in_pending);
    return (ssize_t)got;
}

bool tls_read_pending(struct server *s)
{
    struct link *l = s->tls_pending.next;
    bool more = false;

    while (l != &s->tls_pending) {
        struct tls_conn *t = LINK_OF(l, struct tls_conn, in_pending);
        struct client *c = t->client;
        l = l->next;
        if (c->flags & (CLIENT_BUSY | CLIENT_UNHEARD)) continue;
        if (t->is_broken && !link_alone(&c->in_readable)) continue; /* what came whole is done first */
        loop_on_readable(c->fd, EV_READ, c);
        more = true;
    }
    return more && !link_alone(&s->tls_pending);
}

/* --- sending ------------------------------------------------------------------------------------------------ */

/* SSL_write took nothing. True: it may later. */
static bool may_write_later(struct tls_conn *t, int r)
{
    int e = SSL_get_error(t->ssl, r);

    t->writes_wait = e == SSL_ERROR_WANT_READ;
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) return true;
    break_off(t);
    return false;
}

ssize_t tls_send(struct tls_conn *t, const void *p, size_t n)
{
    size_t sent = 0;

    if (UNLIKELY(t->is_broken)) return lost(EPIPE);
    while (sent < n && sent < TURN_MAX) {
        size_t part = n - sent < RECORD ? n - sent : RECORD;
        int r = SSL_write(t->ssl, (const char *)p + sent, (int)part);

        if (r > 0) sent += (size_t)r;
        else if (may_write_later(t, r)) break;
        else return lost(EPIPE);
    }
    return sent > 0 ? (ssize_t)sent : lost(EAGAIN);
}

bool tls_waits_to_write(const struct tls_conn *t)
{
    return !t->writes_wait;
}

void tls_writable(struct tls_conn *t)
{
    struct client *c = t->client;

    if (!t->reads_wait) return;
    t->reads_wait = false;
    if (!(c->flags & (CLIENT_EOF | CLIENT_BUSY | CLIENT_UNHEARD))) event_add(&c->on_read, NULL);
    list(t);
}

/* --- closing ------------------------------------------------------------------------------------------------- */

void tls_close(struct tls_conn **at)
{
    struct tls_conn *t = *at;

    if (t == NULL) return;
    *at = NULL;
    link_remove(&t->in_pending);
    if (!t->is_broken) SSL_shutdown(t->ssl);
    ERR_clear_error();
    SSL_free(t->ssl);
    mem_free(t);
}
