/* metrics.c -- see metrics.h. */
#include "server/metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/health.h"
#include "server/listen.h"
#include "server/metrics_guard.h"
#include "server/metrics_page.h"
#include "server/server.h"

enum {
    HEADERS_MAX = 8192, /* bytes of the request line and headers */
    SLICE_US = 500,     /* of a page, in one turn */
    SWEEP_MS = 100,
    REFUSAL_US = 100000 /* a wrong password is answered after so long: 16 connections try 160 in a second at most */
};

/* A connection. evhttp tells of the end only of those that have sent a whole request; but whoever holds a bufferevent
 * sees that it has no callbacks any more. Its socket stays open until it is let go: else the number could be another
 * client's while libevent still knows it as this one's. */
struct visitor {
    struct link all;
    struct bufferevent *bev;
    int64_t since_us;
};

/* Somebody who waits for a page, or to be told that the password was wrong. */
struct answer {
    struct link all;
    struct evhttp_request *request;
    struct metrics_page *page; /* NULL: not yet begun */
    int64_t since_us;
};

struct metrics {
    struct server *server;
    struct evhttp *http;
    struct link visitors, answers, refused; /* who came first is first */
    size_t n_visitors;
    struct event sweep;   /* always armed */
    struct event writing; /* armed while anybody waits for a page */
    bool full;            /* nobody is accepted until the next sweep */
};

/* --- visitors --------------------------------------------------------------------------------------------- */

static void pause_one(struct evhttp_bound_socket *b, void *arg)
{
    (void)arg;
    evconnlistener_disable(evhttp_bound_socket_get_listener(b));
}

static void resume_one(struct evhttp_bound_socket *b, void *arg)
{
    (void)arg;
    evconnlistener_enable(evhttp_bound_socket_get_listener(b));
}

static void pause_accepting(struct metrics *m)
{
    if (m->full) return;
    m->full = true;
    evhttp_foreach_bound_socket(m->http, pause_one, NULL);
}

static bool is_gone(const struct visitor *v)
{
    bufferevent_event_cb on_event;

    bufferevent_getcb(v->bev, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

static void forget(struct metrics *m, struct visitor *v)
{
    link_remove(&v->all);
    bufferevent_decref(v->bev);
    mem_free(v);
    m->n_visitors--;
}

static void forget_gone(struct metrics *m)
{
    for (struct link *l = m->visitors.next, *next; l != &m->visitors; l = next) {
        struct visitor *v = LINK_OF(l, struct visitor, all);
        next = l->next;
        if (is_gone(v)) forget(m, v);
    }
}

/* A connection that had a request is over. No more is to be read from it, and it is let go at once. */
static void on_close(struct evhttp_connection *c, void *arg)
{
    struct metrics *m = arg;

    bufferevent_disable(evhttp_connection_get_bufferevent(c), EV_READ | EV_WRITE);
    event_active(&m->sweep, EV_TIMEOUT, 1);
}

/* evhttp is about to have a connection, and asks what it is to be made of. */
static struct bufferevent *on_visitor(struct event_base *base, void *arg)
{
    struct metrics *m = arg;
    struct visitor *v = mem_zalloc(sizeof *v);

    forget_gone(m);
    v->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    ensure(v->bev != NULL);
    bufferevent_incref(v->bev);
    bufferevent_setwatermark(v->bev, EV_READ, 0, 2 * HEADERS_MAX); /* also when evhttp has done with it */
    v->since_us = clock_mono_us();
    link_add_tail(&m->visitors, &v->all);
    if (++m->n_visitors >= METRICS_VISITORS) pause_accepting(m);
    return v->bev;
}

static void tell_refused(struct metrics *m);

/* Those whose time is over are shut down: evhttp hears of it as of any peer that goes. */
static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct metrics *m = arg;
    int64_t late_us = clock_mono_us() - m->server->conf->metrics_timeout * 1000000;

    (void)fd;
    (void)what;
    forget_gone(m);
    LINK_EACH(&m->visitors, l) {
        struct visitor *v = LINK_OF(l, struct visitor, all);
        if (v->since_us < late_us) shutdown(bufferevent_getfd(v->bev), SHUT_RDWR);
    }
    tell_refused(m);
    if (m->full && m->n_visitors < METRICS_VISITORS) {
        m->full = false;
        evhttp_foreach_bound_socket(m->http, resume_one, NULL);
    }
}

static int find_sweep(const struct event_base *base, const struct event *e, void *to)
{
    (void)base;
    if (event_get_callback(e) == on_sweep) *(struct metrics **)to = event_get_callback_arg(e);
    return *(struct metrics **)to != NULL;
}

/* Out of descriptors, most likely: the connection would call again at once. What a listener hands to its error
 * callback is evhttp's; ours is found by an event of ours. */
static void on_accept_error(struct evconnlistener *listener, void *evhttp)
{
    struct metrics *m = NULL;
    int error = errno;

    (void)evhttp;
    evconnlistener_disable(listener);
    event_base_foreach_event(evconnlistener_get_base(listener), find_sweep, &m);
    ensure(m != NULL);
    log_limited(m->server->log, LOG_WARNING, "Accepting a connection to the metrics port: %s", strerror(error));
    pause_accepting(m);
}

/* --- answering -------------------------------------------------------------------------------------------- */

static void set_headers(struct evhttp_request *r, const char *type)
{
    struct evkeyvalq *h = evhttp_request_get_output_headers(r);

    evhttp_add_header(h, "Content-Type", type);
    evhttp_add_header(h, "Connection", "close");
    evhttp_add_header(h, "Cache-Control", "no-store");
    evhttp_add_header(h, "X-Content-Type-Options", "nosniff");
}

static void free_bytes(const void *p, size_t n, void *arg)
{
    (void)n;
    (void)arg;
    mem_free((void *)(uintptr_t)p);
}

/* Reply with what b holds, which is freed when it has been sent. */
static void reply_with(struct evhttp_request *r, int code, const char *reason, const char *type, struct buf *b)
{
    struct evbuffer *body = evbuffer_new();

    ensure(body != NULL);
    set_headers(r, type);
    if (b->n == 0 || evbuffer_add_reference(body, b->p, b->n, free_bytes, NULL) != 0) buf_fini(b);
    evhttp_send_reply(r, code, reason, body);
    evbuffer_free(body);
}

static void reply_text(struct evhttp_request *r, int code, const char *reason, const char *text)
{
    struct buf b = { 0 };

    buf_printf(&b, "%s\n", text);
    reply_with(r, code, reason, "text/plain; charset=utf-8", &b);
}

/* --- /metrics --------------------------------------------------------------------------------------------- */

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static bool wants_open(struct evhttp_request *r)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(r), "Accept");

    return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;
}

static void free_answer(struct answer *a)
{
    link_remove(&a->all);
    if (a->page) metrics_page_free(&a->page);
    mem_free(a);
}

static void send_page(struct answer *a)
{
    struct buf text = metrics_page_take(a->page);

    reply_with(a->request, HTTP_OK, "OK", wants_open(a->request) ? OPEN_TYPE : TEXT_TYPE, &text);
    free_answer(a);
}

/* One slice of one page in each turn, however many ask: who comes first is answered first. */
static void write_on(evutil_socket_t fd, short what, void *arg)
{
    struct metrics *m = arg;
    struct answer *a;

    (void)fd;
    (void)what;
    if (link_alone(&m->answers)) return;
    a = LINK_OF(m->answers.next, struct answer, all);
    if (a->page == NULL) a->page = metrics_page_new(m->server, wants_open(a->request));
    if (!metrics_page_write(a->page, SLICE_US)) send_page(a);
    if (!link_alone(&m->answers)) evtimer_add(&m->writing, &(struct timeval){ 0 });
}

/* Until it is answered evhttp does not read from its connection, and so does not close it. */
static void put_aside(struct link *list, struct evhttp_request *r)
{
    struct answer *a = mem_zalloc(sizeof *a);

    a->request = r;
    a->since_us = clock_mono_us();
    link_add_tail(list, &a->all);
}

static void ask_for_page(struct metrics *m, struct evhttp_request *r)
{
    put_aside(&m->answers, r);
    if (!evtimer_pending(&m->writing, NULL)) evtimer_add(&m->writing, &(struct timeval){ 0 });
}

/* --- who may ---------------------------------------------------------------------------------------------- */

static void tell_refused(struct metrics *m)
{
    int64_t upto_us = clock_mono_us() - REFUSAL_US;

    while (!link_alone(&m->refused)) {
        struct answer *a = LINK_OF(m->refused.next, struct answer, all);
        if (a->since_us > upto_us) return;
        evhttp_add_header(evhttp_request_get_output_headers(a->request), "WWW-Authenticate", "Bearer realm=\"memd\"");
        reply_text(a->request, 401, "Unauthorized",
                   "metrics-password is set: send it as \"Authorization: Bearer PASSWORD\".");
        free_answer(a);
    }
}

static void warn(struct metrics *m, struct evhttp_request *r, const char *what)
{
    char *host = NULL;
    ev_uint16_t port;

    evhttp_connection_get_peer(evhttp_request_get_connection(r), &host, &port);
    log_limited(m->server->log, LOG_WARNING, "Metrics were asked for %s: addr=%s", what, host ? host : "?");
}

/* May the visitor read the metrics? Else it is told why not. */
static bool admit(struct metrics *m, struct evhttp_request *r)
{
    switch (metrics_guard(m->server->conf, r)) {
    case METRICS_ADMIT: break;
    case METRICS_WRONG_PASSWORD:
        warn(m, r, "without the right password");
        put_aside(&m->refused, r);
        return false;
    case METRICS_OTHER_MACHINE:
        reply_text(r, 403, "Forbidden",
                   "memd is in protected mode: without metrics-password its metrics are for its own machine alone.");
        return false;
    case METRICS_OTHER_NAME:
        warn(m, r, "under a name that is not ours, maybe by a web page");
        reply_text(r, 403, "Forbidden",
                   "memd is in protected mode: without metrics-password its metrics are for those who ask for them under an "
                   "address or as localhost.");
        return false;
    }
    return true;
}

/* --- requests --------------------------------------------------------------------------------------------- */

static void reply_health(struct evhttp_request *r, const char *why_not)
{
    if (why_not) reply_text(r, HTTP_SERVUNAVAIL, "Service Unavailable", why_not);
    else reply_text(r, HTTP_OK, "OK", "ok");
}

static void on_request(struct evhttp_request *r, void *arg)
{
    struct metrics *m = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    enum evhttp_cmd_type method = evhttp_request_get_command(r);
    char why[HEALTH_WHY];

    evhttp_connection_set_closecb(evhttp_request_get_connection(r), on_close, m);
    if (path == NULL) path = "";
    if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(r), "Allow", "GET, HEAD");
        reply_text(r, HTTP_BADMETHOD, "Method Not Allowed", "Only GET and HEAD are answered.");
    } else if (strcmp(path, "/metrics") == 0) {
        if (admit(m, r)) ask_for_page(m, r);
    } else if (strcmp(path, "/healthz") == 0) {
        reply_health(r, NULL); /* who can say so is alive */
    } else if (strcmp(path, "/readyz") == 0) {
        reply_health(r, health_is_ready(m->server, why) ? NULL : why);
    } else {
        reply_text(r, HTTP_NOTFOUND, "Not Found", "There are /metrics, /healthz and /readyz.");
    }
}

/* --- opening ---------------------------------------------------------------------------------------------- */

static struct evhttp *make_http(struct metrics *m)
{
    enum { ALL_METHODS = 0xffff };
    struct evhttp *h = evhttp_new(m->server->base);

    ensure(h != NULL);
    evhttp_set_gencb(h, on_request, m);
    evhttp_set_bevcb(h, on_visitor, m);
    evhttp_set_allowed_methods(h, ALL_METHODS); /* others than GET get a 405 of ours, not evhttp's 501 */
    evhttp_set_max_headers_size(h, HEADERS_MAX);
    evhttp_set_max_body_size(h, 0);
    evhttp_set_timeout(h, (int)m->server->conf->metrics_timeout);
    return h;
}

static bool listen_at(struct metrics *m, const char *address)
{
    struct server *s = m->server;
    struct evconnlistener *l;
    int fd;

    if (!listen_socket(s, address, (int)s->conf->metrics_port, METRICS_QUEUE, &fd)) return false;
    if (fd < 0) return true;
    l = evconnlistener_new(s->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    ensure(l != NULL);
    ensure(evhttp_bind_listener(m->http, l) != NULL);
    evconnlistener_set_error_cb(l, on_accept_error);
    return true;
}

bool metrics_open(struct server *s)
{
    const struct conf_list *where = &s->conf->metrics_bind;
    struct metrics *m;

    metrics_close(s);
    if (s->conf->metrics_port == 0) return true;
    m = s->metrics = mem_zalloc(sizeof *m);
    m->server = s;
    link_init(&m->visitors);
    link_init(&m->answers);
    link_init(&m->refused);
    event_assign(&m->sweep, s->base, -1, EV_PERSIST, on_sweep, m);
    evtimer_add(&m->sweep, &(struct timeval){ .tv_usec = SWEEP_MS * 1000 });
    evtimer_assign(&m->writing, s->base, write_on, m);
    m->http = make_http(m);
    for (size_t i = 0; i < where->n; i++) {
        if (listen_at(m, where->items[i])) continue;
        metrics_close(s);
        return false;
    }
    log_notice(s->log, "Metrics and health at HTTP port %lld", (long long)s->conf->metrics_port);
    return true;
}

void metrics_close(struct server *s)
{
    struct metrics *m = s->metrics;

    if (m == NULL) return;
    while (!link_alone(&m->answers)) free_answer(LINK_OF(m->answers.next, struct answer, all));
    while (!link_alone(&m->refused)) free_answer(LINK_OF(m->refused.next, struct answer, all));
    evhttp_free(m->http); /* its connections, and what they asked */
    while (!link_alone(&m->visitors)) forget(m, LINK_OF(m->visitors.next, struct visitor, all));
    evtimer_del(&m->sweep);
    evtimer_del(&m->writing);
    mem_free(m);
    s->metrics = NULL;
}
