/* listen.c -- see listen.h.
 *
 * When descriptors run out the pending connection stays in the kernel's queue and would wake us at once
 * again: accepting pauses until a client closes or the next tick. */
#include "server/acl.h"
#include "server/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/client.h"
#include "server/inherit.h"
#include "server/server.h"
#include "server/stranger.h"
#include "server/tls.h"

struct listener {
    struct listener *next;
    struct server *server;
    struct event event;
    int fd;
    bool is_unix, is_tls;
    bool is_passed; /* opened by who started memd, not as our settings say */
};

/* --- accepting -------------------------------------------------------------------------------------- */

static void refuse(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) { /* it is closed anyway */ }
    close(fd);
}

bool listen_is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_UNIX) return true;
    if (a->sa_family == AF_INET) {
        return (ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24) == 127;
    }
    if (a->sa_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(in6)) return in6->s6_addr[12] == 127;
        return IN6_IS_ADDR_LOOPBACK(in6);
    }
    return false;
}

static void set_options(struct server *s, int fd)
{
    int one = 1, idle = (int)s->conf->tcp_keepalive, step = idle / 3 > 0 ? idle / 3 : 1, count = 3;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (idle <= 0) return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &step, sizeof step);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static const char too_many[] = "-ERR max number of clients reached\r\n";
static const char denied[] =
    "-DENIED memd is running in protected mode because protected mode is enabled and no password is set. In this "
    "mode connections are only accepted from the loopback interface. Set a password (requirepass), bind to "
    "loopback, or turn protected-mode off.\r\n";

static bool is_protected(const struct server *s)
{
    return s->conf->protected_mode && s->acl->default_user->nopass && s->acl->default_user->enabled;
}

static void tell_full(struct server *s, const struct address *peer)
{
    char name[ADDRESS_NAME_MAX];

    address_name(peer, name);
    log_limited(s->log, LOG_WARNING, "Refused %s: there are maxclients (%lld) connections", name, (long long)s->conf->maxclients);
}

/* Over TLS nothing can be said before the handshake: for one too many that is more work than it is worth. */
static void welcome(struct listener *l, int fd, const struct sockaddr *from)
{
    struct server *s = l->server;
    bool full = s->n_clients + tls_n_greeted(s) >= (size_t)s->conf->maxclients && !tls_gives_way(s) && !stranger_gives_way(s);
    bool deny = is_protected(s) && !listen_is_loopback(from);
    struct address peer = address_of(from);

    if (full || deny) s->stats.rejected++;
    if (UNLIKELY(full)) tell_full(s, &peer);
    if (full || (deny && !l->is_tls)) {
        refuse(fd, l->is_tls ? "" : full ? too_many : denied);
        return;
    }
    if (!l->is_unix) set_options(s, fd);
    s->stats.connections += !deny;
    if (l->is_tls) tls_greet(s, fd, &peer, deny ? denied : NULL);
    else client_new(s, fd, &peer, l->is_unix);
}

static void pause_accepting(struct server *s)
{
    s->accept_paused = true;
    for (struct listener *l = s->listeners; l; l = l->next) event_del(&l->event);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    struct server *s = l->server;
    int64_t most = l->is_tls ? s->conf->max_new_tls_connections_per_cycle : s->conf->max_new_connections_per_cycle;

    (void)what;
    for (int64_t i = 0; i < most; i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t n = sizeof from;
        int c = accept4(fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (c >= 0) {
            welcome(l, c, (const struct sockaddr *)&from);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_limited(s->log, LOG_WARNING, "Accepting client connection: %s", strerror(errno));
            pause_accepting(s);
            return;
        }
        /* EINTR, ECONNABORTED, EPROTO ...: that connection's own trouble. */
    }
}

void listen_resume(struct server *s)
{
    if (!s->accept_paused || s->stopping) return;
    s->accept_paused = false;
    for (struct listener *l = s->listeners; l; l = l->next) event_add(&l->event, NULL);
}

/* --- opening ------------------------------------------------------------------------------------------ */

static struct listener *add(struct server *s, int fd, bool is_unix, bool is_tls)
{
    struct listener *l = mem_zalloc(sizeof *l);

    l->server = s;
    l->fd = fd;
    l->is_unix = is_unix;
    l->is_tls = is_tls;
    l->next = s->listeners;
    s->listeners = l;
    event_assign(&l->event, s->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
    event_add(&l->event, NULL);
    return l;
}

static int tcp_socket(const struct sockaddr_storage *a, socklen_t n)
{
    int one = 1, fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), saved;

    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)a, n) == 0) return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int bound_socket(const struct sockaddr_storage *a, socklen_t n, int backlog)
{
    int fd = tcp_socket(a, n), saved;

    if (fd < 0 || listen(fd, backlog) == 0) return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void set_port(struct sockaddr_storage *a, int port)
{
    void *at = a;

    if (a->ss_family == AF_INET) ((struct sockaddr_in *)at)->sin_port = htons((uint16_t)port);
    else if (a->ss_family == AF_INET6) ((struct sockaddr_in6 *)at)->sin6_port = htons((uint16_t)port);
}

static int port_of(const struct sockaddr_storage *a)
{
    const void *at = a;

    return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)at)->sin_port : ((const struct sockaddr_in6 *)at)->sin6_port);
}

int listen_find(const char *address, struct sockaddr_storage *a, socklen_t *n)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    const char *host = address + (address[0] == '-');
    struct addrinfo *list;
    int rc;

    if (strcmp(host, "*") == 0) {
        host = "0.0.0.0";
    } else if (strcmp(host, "::*") == 0) {
        host = "::";
    }
    rc = getaddrinfo(host, "0", &hints, &list);
    if (rc != 0) return rc;
    memset(a, 0, sizeof *a);
    memcpy(a, list->ai_addr, list->ai_addrlen);
    *n = list->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

bool listen_could(const struct sockaddr_storage *a, socklen_t n, int port)
{
    struct sockaddr_storage there = *a;
    int fd;

    set_port(&there, port);
    fd = tcp_socket(&there, n);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* Whether this machine lacks the address that could not be bound. Of a low port that we may not have, bind may say so before
 * it looks at the address: asked again without the port. */
static bool is_missing(const struct sockaddr_storage *a, socklen_t n, int error)
{
    if (error == EACCES) error = listen_could(a, n, 0) ? EACCES : errno;
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

/* One that was open before a RESTART: those who connected meanwhile wait in it. -1: none. */
static int inherited(struct server *s, const char *name, const struct sockaddr *a, socklen_t n)
{
    return s->inherited ? inherit_listener(s->inherited, name, a, n) : -1;
}

/* One before a RESTART may have listened on all addresses where this is a single one, or the other way round: it goes. */
static int open_or_take(struct server *s, const struct sockaddr_storage *a, socklen_t n, int backlog)
{
    int fd = inherited(s, INHERIT_TCP, (const struct sockaddr *)a, n);

    if (fd >= 0) return fd;
    fd = bound_socket(a, n, backlog);
    if (fd >= 0 || errno != EADDRINUSE || s->inherited == NULL) return fd;
    inherit_drop(s->inherited, (const struct sockaddr *)a);
    return bound_socket(a, n, backlog);
}

bool listen_socket(struct server *s, const char *address, int port, int backlog, int *fd)
{
    bool optional = address[0] == '-';
    struct sockaddr_storage a;
    socklen_t n;
    int rc = listen_find(address, &a, &n), error;

    *fd = -1;
    if (rc != 0) {
        if (!optional) log_warning(s->log, "bind: %s: %s", address, gai_strerror(rc));
        return optional;
    }
    set_port(&a, port);
    *fd = open_or_take(s, &a, n, backlog);
    error = errno;
    if (*fd >= 0 || (optional && is_missing(&a, n, error))) return true;
    log_warning(s->log, "Could not create server TCP listening socket %s:%d: bind: %s", address + optional, port, strerror(error));
    return false;
}

static bool open_tcp(struct server *s, const char *address, int64_t port, bool is_tls)
{
    int fd;

    if (!listen_socket(s, address, (int)port, (int)s->conf->tcp_backlog, &fd)) return false;
    if (fd >= 0) add(s, fd, false, is_tls);
    return true;
}

/* The mode is right from the first moment: nobody can connect between bind and chmod. */
static bool open_unix(struct server *s, const char *path, unsigned mode)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    mode_t before;
    struct stat st;
    int fd;

    if (strlen(path) >= sizeof a.sun_path) {
        log_warning(s->log, "unixsocket: the path is too long: %s", path);
        return false;
    }
    strcpy(a.sun_path, path);
    fd = inherited(s, INHERIT_UNIX, (struct sockaddr *)&a, sizeof a);
    if (fd >= 0) {
        add(s, fd, true, false);
        return true;
    }
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) unlink(path); /* of a daemon that is gone */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    before = umask(0);
    umask(mode ? 0777 & ~(mode_t)mode : before);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, (int)s->conf->tcp_backlog) < 0) {
        log_warning(s->log, "Failed opening Unix socket: bind: %s: %s", path, strerror(errno));
        umask(before);
        if (fd >= 0) close(fd);
        return false;
    }
    umask(before);
    add(s, fd, true, false);
    return true;
}

/* Which kinds of sockets those of the settings are. */
enum { PLAIN = 1, TLS = 2, LOCAL = 4 };

static bool open_all_tcp(struct server *s, unsigned kinds)
{
    const struct conf *c = s->conf;

    for (size_t i = 0; i < c->bind.n; i++) {
        if ((kinds & PLAIN) && c->port > 0 && !open_tcp(s, c->bind.items[i], c->port, false)) return false;
        if ((kinds & TLS) && c->tls_port > 0 && !open_tcp(s, c->bind.items[i], c->tls_port, true)) return false;
    }
    return true;
}

/* Sockets of who started memd. Returns their kinds. */
static unsigned open_passed(struct server *s)
{
    unsigned kinds = 0;
    int fd, family;
    bool tls;

    while (s->inherited && (fd = inherit_foreign(s->inherited, s->log, &family, &tls)) >= 0) {
        if (tls && s->conf->tls_port == 0) {
            log_warning(s->log, "A socket for TLS was passed (\"tls\"), but TLS is off: set tls-port. It is closed.");
            close(fd);
            continue;
        }
        tls = tls && family != AF_UNIX;
        add(s, fd, family == AF_UNIX, tls)->is_passed = true;
        kinds |= family == AF_UNIX ? LOCAL : tls ? TLS : PLAIN;
    }
    if (kinds) log_notice(s->log, "Listening on sockets that were passed (LISTEN_FDS).");
    return kinds;
}

bool listen_open(struct server *s)
{
    unsigned ours = ~open_passed(s);

    if (!open_all_tcp(s, ours)) return false;
    if ((ours & LOCAL) && s->conf->unixsocket[0] != '\0' &&
        !open_unix(s, s->conf->unixsocket, (unsigned)s->conf->unixsocketperm)) {
        return false;
    }
    if (s->inherited) inherit_close(s->inherited);
    if (s->listeners == NULL) log_warning(s->log, "Configured to not listen anywhere, exiting.");
    return s->listeners != NULL;
}

void listen_before(const struct conf *conf, struct inheritance *in)
{
    struct server s = { .conf = (struct conf *)conf, .inherited = in }; /* without a log */
    const int64_t ports[] = { conf->port, conf->tls_port };
    int fd;

    for (size_t i = 0; i < conf->bind.n; i++) {
        for (size_t p = 0; p < sizeof ports / sizeof *ports; p++) {
            if (ports[p] == 0 || ports[p] >= IPPORT_RESERVED) continue;
            if (listen_socket(&s, conf->bind.items[i], (int)ports[p], (int)conf->tcp_backlog, &fd) && fd >= 0)
                inherit_give(in, fd, INHERIT_TCP);
        }
    }
}

static void close_some(struct server *s, bool tcp_only)
{
    struct listener **at = &s->listeners;

    while (*at) {
        struct listener *l = *at;
        if (tcp_only && l->is_unix) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        event_del(&l->event);
        close(l->fd);
        if (l->is_unix && !l->is_passed && !s->restarting) unlink(s->conf->unixsocket);
        mem_free(l);
    }
}

static const char *name_of(const struct listener *l)
{
    if (l->is_passed) return l->is_tls ? INHERIT_PASSED_TLS : INHERIT_PASSED;
    return l->is_unix ? INHERIT_UNIX : INHERIT_TCP; /* the port tells whether it speaks TLS */
}

void listen_give(const struct server *s, struct inheritance *in)
{
    for (const struct listener *l = s->listeners; l; l = l->next) {
        int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) continue; /* then it is opened anew */
        inherit_give(in, fd, name_of(l));
    }
}

void listen_ports(const struct server *s, struct buf *out)
{
    for (const struct listener *l = s->listeners; l; l = l->next) {
        struct sockaddr_storage a = { 0 };
        socklen_t n = sizeof a;

        if (l->is_unix) continue;
        if (l->is_passed) buf_printf(out, "%s,", l->is_tls ? LISTEN_PASSED_TLS : LISTEN_PASSED);
        else if (getsockname(l->fd, (struct sockaddr *)&a, &n) == 0) buf_printf(out, "%d,", port_of(&a));
    }
    if (s->metrics) buf_printf(out, "%d,", (int)s->conf->metrics_port);
}

void listen_close(struct server *s)
{
    close_some(s, false);
}

void listen_tune(struct server *s)
{
    for (struct listener *l = s->listeners; l; l = l->next) {
        if (l->is_passed) continue;
        listen(l->fd, (int)s->conf->tcp_backlog); /* once more: the queue gets the new length */
        if (l->is_unix && s->conf->unixsocketperm != 0) chmod(s->conf->unixsocket, (mode_t)s->conf->unixsocketperm);
    }
}

bool listen_move(struct server *s)
{
    listen_resume(s);
    close_some(s, true);
    return open_all_tcp(s, PLAIN | TLS);
}

char *listen_name(struct server *s, int fd, bool is_unix)
{
    struct sockaddr_storage a = { 0 };
    socklen_t n = sizeof a;
    char *out = mem_alloc(256);
    struct address ours;

    if (is_unix) {
        snprintf(out, 256, "%s:0", s->conf->unixsocket);
        return out;
    }
    if (fd >= 0 && getsockname(fd, (struct sockaddr *)&a, &n) != 0) a.ss_family = AF_UNSPEC;
    ours = address_of((const struct sockaddr *)&a);
    address_name(&ours, out);
    return out;
}
