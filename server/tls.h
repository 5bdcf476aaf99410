/* tls.h -- TLS on a connection's own buffers, by OpenSSL on non-blocking sockets.
 *
 *   tls_settings.c   the settings and files to a context
 *   tls_handshake.c  connections that are not clients yet: they wait for their peer, for a limited time
 *   tls_user.c       a certificate to a user
 *   tls_bio.c        OpenSSL's way to sockets and memory
 *   tls.c            the connections of clients: receiving, sending, closing
 *
 * A connection becomes a client when its handshake is done; before that it has a descriptor, a deadline and a
 * place among maxclients, and can do nothing. Of the steps of handshakes a turn does a few (a signature is worth
 * a hundred requests), so that a storm of them leaves the others their turn.
 *
 * A client of TLS differs in one place: where its socket is received from and sent to, client_recv and
 * client_send. What OpenSSL has taken from the socket beyond what was asked for makes no socket ready, so such a
 * connection is listed, and read again in the next turn.
 *
 * The context is made anew when a setting changes or at SIGHUP, and takes the place of the old one when all of it
 * is good. Connections keep the context that they were made with, which goes with the last of them; sessions
 * cannot be resumed across contexts, so nobody comes back by a certificate that is trusted no more. */
#ifndef MEMD_SERVER_TLS_H
#define MEMD_SERVER_TLS_H

#include "server/client.h"
#include "server/socket.h"

struct ssl_ctx_st;
struct ssl_st;
struct tls;
struct tls_conn;

struct tls_stats {
    uint64_t handshakes, resumed; /* done; and of these, without asking for a certificate anew */
    uint64_t failed, timed_out;
    uint64_t held; /* had to wait for others to end */
    uint64_t no_user; /* a certificate named none that there is */
};

/* --- settings ----------------------------------------------------------------------------------------- */

enum { TLS_WHY = 256 };

/* A context by the settings and the files that they name. NULL: why says what is wrong; no secret is in it. */
struct ssl_ctx_st *tls_context_new(const struct conf *conf, char why[TLS_WHY]);

/* Would these settings make one, if they ask for one at all? */
bool tls_would_work(const struct conf *conf, char why[TLS_WHY]);

/* Prepare a context for the settings, when there is a TLS port; the one in use stays. False: that is not possible, and
 * the log says why. Then either take it into use or forget it. */
bool MUST_USE tls_prepare(struct server *s);
void tls_commit(struct server *s);
void tls_forget(struct server *s);

/* SIGHUP has come: tls_tend reads the files anew. When they are no good the old context stays, and the log says so. */
static inline void tls_reload_soon(struct server *s)
{
    s->tls_reload = true;
}

/* Is this a setting that makes a new context? */
bool tls_is_setting(const char *name);

struct tls *tls_new(void);

/* Let OpenSSL allocate through base/mem.h. Once, before anything else of it is used. */
void tls_use_mem(void);
/* Closes the handshakes; the clients are gone already. */
void tls_free(struct tls **t);

/* --- handshakes --------------------------------------------------------------------------------------- */

/* A connection was accepted. Takes fd. denial: what it is told over TLS before it is closed, a constant; NULL: it is
 * welcome. */
void tls_greet(struct server *s, int fd, const struct address *from, const char *denial);

/* Handshakes that are under way: each holds a descriptor. */
size_t tls_n_greeted(const struct server *s);

/* maxclients is reached: close the oldest of them. False: there is none that has had a second. */
bool tls_gives_way(struct server *s);

/* Close those that take too long, and read the files that are to be read: called ten times a second. That reading a key
 * takes a millisecond or two is why many signals make one reading. */
void tls_tend(struct server *s);

/* --- clients ------------------------------------------------------------------------------------------ */

/* Steps of handshakes, and reading of what OpenSSL holds. True: there is more to do, so do not wait. */
bool tls_turn(struct server *s);
static inline bool tls_is_due(const struct server *s)
{
    return !link_alone(&s->tls_steps) || !link_alone(&s->tls_pending);
}

/* As recv and send: 0 is the end of input; -1 with EAGAIN, or another errno when the connection is lost. Both take
 * part of n when the rest would take long. After EAGAIN of tls_send the socket is to be waited for, if
 * tls_waits_to_write. */
ssize_t tls_recv(struct tls_conn *t, void *p, size_t n);
ssize_t tls_send(struct tls_conn *t, const void *p, size_t n);
bool tls_waits_to_write(const struct tls_conn *t);

/* The socket takes bytes again. */
void tls_writable(struct tls_conn *t);

/* Say good-bye, as far as the socket takes it, and free. *t is NULL then. The socket stays open. */
void tls_close(struct tls_conn **t);

/* Bytes that it holds beside the client's buffers, about. */
size_t tls_memory(const struct tls_conn *t);

const struct tls_stats *tls_stats(const struct server *s);

static inline ssize_t client_recv(struct client *c, void *p, size_t n)
{
    return LIKELY(c->tls == NULL) ? socket_recv(c->fd, p, n) : tls_recv(c->tls, p, n);
}

static inline ssize_t client_send(struct client *c, const void *p, size_t n)
{
    return LIKELY(c->tls == NULL) ? socket_send(c->fd, p, n) : tls_send(c->tls, p, n);
}

#endif
