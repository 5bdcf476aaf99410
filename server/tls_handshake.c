/* tls_handshake.c -- connections on their way to be clients: see tls.h.
 *
 * Whoever can connect can have one, so all of it is bounded: how many there are (by maxclients), for how long, what
 * OpenSSL takes from one (CERTIFICATES_MAX), and the work of a turn: a ready socket only puts its connection in line
 * for a step. OpenSSL has 80 KB for a handshake, from its first byte on; so it is not asked before the whole of the
 * peer's first record is there: until then a connection is a few hundred bytes, and a socket.
 *
 * A whole hello costs a stranger nothing either; so OpenSSL has only so many handshakes at a time (BEGUN_MOST: some
 * 10 MB). When they are as many the others are held: they begin as one ends, or as the oldest of those has had a second and
 * goes. The last to be held is the first to begin, so that who comes while there is a flood of them does not stand in
 * line behind it. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/listen.h"
#include "server/tls_impl.h"

enum {
    GREETING_MAGIC = 0x6d656d74,
    GRACE_MS = 1000,
    RECORD_HEAD = 5, /* type, version, length */
    RECORD_HANDSHAKE = 22,
    RECORD_MOST = RECORD_HEAD + (16 << 10),
    BEGUN_MOST = 128
};

struct greeting {
    uint32_t magic;
    int fd;
    struct address from;
    struct server *server;
    SSL *ssl;           /* NULL: its first record is not there yet */
    int waits_for;      /* so many bytes of it; 0: none was seen */
    const char *denial; /* what to tell it when it is there; NULL: it is welcome */
    int64_t began_ms;
    struct event ready; /* for one direction at a time, and once */
    int64_t begun_ms;   /* when OpenSSL took over */
    struct link in_all, in_steps;
    struct link in_begun; /* or in tls->held */
};

size_t tls_n_greeted(const struct server *s)
{
    return s->tls->n_greeted;
}

const struct tls_stats *tls_stats(const struct server *s)
{
    return &s->tls->stats;
}

/* There is room for one more: the last that was held. */
static void let_one_begin(struct tls *t, struct server *s)
{
    struct greeting *g;

    if (LIKELY(link_alone(&t->held)) || t->n_begun >= BEGUN_MOST) return;
    g = LINK_OF(t->held.prev, struct greeting, in_begun);
    link_remove(&g->in_begun);
    link_add_tail(&s->tls_steps, &g->in_steps);
}

static void free_greeting(struct greeting *g)
{
    struct server *s = g->server;

    link_remove(&g->in_begun);
    if (g->begun_ms != 0) s->tls->n_begun--;
    event_del(&g->ready);
    link_remove(&g->in_all);
    link_remove(&g->in_steps);
    s->tls->n_greeted--;
    g->magic = 0;
    mem_free(g);
    let_one_begin(s->tls, s);
}

static void hang_up(struct greeting *g)
{
    struct server *s = g->server;

    SSL_free(g->ssl);
    close(g->fd);
    free_greeting(g);
    listen_resume(s);
}

static void tell_failure(struct greeting *g, const char *reason)
{
    char peer[ADDRESS_NAME_MAX];

    address_name(&g->from, peer);
    log_limited(g->server->log, LOG_NOTICE, "TLS handshake with %s failed: %s", peer, reason);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct greeting *g = arg;

    (void)fd;
    (void)what;
    ensure(g->magic == GREETING_MAGIC);
    link_add_tail(&g->server->tls_steps, &g->in_steps);
}

static void await(struct greeting *g, short what)
{
    event_assign(&g->ready, g->server->base, g->fd, what, on_ready, g);
    event_add(&g->ready, NULL);
}

void tls_greet(struct server *s, int fd, const struct address *from, const char *denial)
{
    struct tls *t = s->tls;
    struct greeting *g;

    if (t->context == NULL) {
        close(fd);
        return;
    }
    g = mem_zalloc(sizeof *g);
    g->magic = GREETING_MAGIC;
    g->fd = fd;
    g->from = *from;
    g->server = s;
    g->denial = denial;
    g->began_ms = server_mono_ms(s);
    link_init(&g->in_steps);
    link_init(&g->in_all);
    link_init(&g->in_begun);
    link_add_tail(&t->greeted, &g->in_all);
    t->n_greeted++;
    await(g, EV_READ);
}

static void become_client(struct greeting *g)
{
    struct server *s = g->server;
    struct client *c = client_new(s, g->fd, &g->from, false);

    s->tls->stats.handshakes++;
    s->tls->stats.resumed += SSL_session_reused(g->ssl) != 0;
    tls_attach(c, g->ssl);
    if (g->denial) {
        client_take_buffers(c);
        buf_add_c(&c->out, g->denial);
        client_close_after(c);
    } else {
        tls_user_of_certificate(c, g->ssl);
    }
    free_greeting(g);
}

static void wake_at(const struct greeting *g, int bytes)
{
    setsockopt(g->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

/* Is the whole of the first record there, or something of which OpenSSL is to say what is wrong? If not, the socket is told
 * to be ready when it is; one that is ready earlier has come to its end. */
static bool first_record_is_there(struct greeting *g)
{
    unsigned char head[RECORD_HEAD];
    ssize_t n = recv(g->fd, head, sizeof head, MSG_PEEK);
    int have = (int)n, want = RECORD_HEAD;

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
    if (n <= 0 || head[0] != RECORD_HANDSHAKE) return true;
    if (n == RECORD_HEAD) {
        want += head[3] << 8 | head[4];
        if (want > RECORD_MOST || ioctl(g->fd, FIONREAD, &have) != 0) return true;
    }
    if (have >= want || want == g->waits_for) return true;
    g->waits_for = want;
    wake_at(g, want);
    return false;
}

/* Close one whose peer has let OpenSSL wait for a second, for another. */
static bool begun_gives_way(struct server *s)
{
    struct tls *t = s->tls;
    struct greeting *g = LINK_OF(t->begun.next, struct greeting, in_begun);

    if (link_alone(&t->begun) || server_mono_ms(s) - g->begun_ms < GRACE_MS) return false;
    t->stats.timed_out++;
    tell_failure(g, "it took long, and others wait");
    hang_up(g);
    return true;
}

/* There are too many: g has to wait. What comes of its socket meanwhile is looked at then. */
static void hold(struct greeting *g)
{
    struct server *s = g->server;

    if (link_alone(&s->tls->held))
        log_limited(s->log, LOG_WARNING, "%d TLS handshakes are under way: others wait until some of them end.", BEGUN_MOST);
    s->tls->stats.held++;
    link_add_tail(&s->tls->held, &g->in_begun);
}

/* OpenSSL takes over. */
static bool begin(struct greeting *g)
{
    struct tls *t = g->server->tls;

    t->n_begun++;
    g->begun_ms = server_mono_ms(g->server);
    link_add_tail(&t->begun, &g->in_begun);
    if (g->waits_for > 0) wake_at(g, 1);
    g->ssl = t->context ? SSL_new(t->context) : NULL;
    if (g->ssl && tls_bio_set(g->ssl, t->sockets, g->fd)) return true;
    ERR_clear_error();
    return false;
}

static void step(struct greeting *g)
{
    char reason[128];
    int r, e;

    if (g->ssl == NULL && !first_record_is_there(g)) {
        await(g, EV_READ);
        return;
    }
    if (g->ssl == NULL && g->server->tls->n_begun >= BEGUN_MOST && !begun_gives_way(g->server)) {
        hold(g);
        return;
    }
    if (g->ssl == NULL && !begin(g)) {
        hang_up(g);
        return;
    }
    r = SSL_accept(g->ssl);
    if (r == 1) {
        become_client(g);
        return;
    }
    e = SSL_get_error(g->ssl, r);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
        await(g, e == SSL_ERROR_WANT_READ ? EV_READ : EV_WRITE);
        return;
    }
    if (e == SSL_ERROR_SSL) tls_reason(reason, sizeof reason);
    else snprintf(reason, sizeof reason, "the peer closed the connection");
    ERR_clear_error();
    g->server->tls->stats.failed++;
    tell_failure(g, reason);
    hang_up(g);
}

/* As many as a turn may do. True: there are more. */
static bool do_steps(struct server *s)
{
    for (int64_t n = s->conf->max_new_tls_connections_per_cycle; n > 0 && !link_alone(&s->tls_steps); n--) {
        struct greeting *g = LINK_OF(s->tls_steps.next, struct greeting, in_steps);
        link_remove(&g->in_steps);
        step(g);
    }
    return !link_alone(&s->tls_steps);
}

bool tls_turn(struct server *s)
{
    bool more = do_steps(s);

    return tls_read_pending(s) || more;
}

/* The oldest, if it has had its time. */
static bool close_oldest(struct server *s, int64_t ms, const char *reason)
{
    struct tls *t = s->tls;
    struct greeting *g = LINK_OF(t->greeted.next, struct greeting, in_all);

    if (link_alone(&t->greeted) || server_mono_ms(s) - g->began_ms < ms) return false;
    t->stats.timed_out++;
    tell_failure(g, reason);
    hang_up(g);
    return true;
}

void tls_tend(struct server *s)
{
    if (UNLIKELY(s->tls_reload)) tls_reload(s);
    while (close_oldest(s, s->conf->tls_handshake_timeout * 1000, "it took too long")) {}
    while (!link_alone(&s->tls->held) && begun_gives_way(s)) {}
}

bool tls_gives_way(struct server *s)
{
    return close_oldest(s, GRACE_MS, "it took long, and maxclients is reached");
}

void tls_free(struct tls **t)
{
    if (*t == NULL) return;
    while (!link_alone(&(*t)->greeted)) hang_up(LINK_OF((*t)->greeted.next, struct greeting, in_all));
    SSL_CTX_free((*t)->context);
    SSL_CTX_free((*t)->prepared);
    BIO_meth_free((*t)->sockets);
    mem_free(*t);
    *t = NULL;
}
