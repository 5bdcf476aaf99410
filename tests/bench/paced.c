/* paced.c -- a load that does not slow down for a slow server: how long does each request wait?
 *
 *     paced PORT [option value]...      conns 50, rate 10000 (a second), writes 50 (% SET, the rest GET),
 *                                       keys 1000000, size 64, seed 1
 *
 * Request k of a connection is due at a time that is known beforehand, and what is measured is the time
 * from then to its reply: a server that stands still for a second makes all that was due meanwhile wait,
 * and all of it counts (a client that waits for each reply before it sends the next would note one slow
 * request). A refusal (-OOM) is a reply, and counted among the errors as well. With rate 0 each connection has one request under way and sends the next at its reply: for
 * throughput; a wait then begins with the sending.
 *
 * Each line on the input ends a window: what was due in it is waited for, and its figures are printed as
 * "name value" lines and an empty one. The end of the input ends the last window. The program sleeps
 * while nothing is due, so that it can share a core with the server. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FINE = 1024,         /* steps of waiting in each doubling: an error of a thousandth */
    STEPS = 40 * FINE,
    IN_BYTES = 65536,
    KEY_DIGITS = 12
};

struct conn {
    int fd;
    uint64_t sent, answered; /* requests */
    uint64_t began_us;       /* rate 0: when the one under way was sent */
    char *out;
    size_t n_out, cap_out;
    char in[IN_BYTES];
    size_t n_in;
    size_t skip;             /* bytes of a bulk still to come */
};

struct window {
    uint32_t count[STEPS]; /* by step of waiting */
    uint64_t n, n_errors, max_us, from_us, until_us;
};

struct load {
    int port, epoll;
    long conns, rate, writes, keys, size;
    uint64_t seed;
    uint64_t t0; /* of the schedule */
    struct conn *conn;
    struct window window[2], *now, *next;
    uint64_t pending; /* of `now`, while it is being closed: the requests that are not answered */
    char *filler;
    bool ended;       /* the input */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t pick(struct load *l, uint64_t n)
{
    l->seed ^= l->seed << 13;
    l->seed ^= l->seed >> 7;
    l->seed ^= l->seed << 17;
    return (uint64_t)((unsigned __int128)l->seed * n >> 64);
}

/* When request k of connection c is due. */
static uint64_t due_us(const struct load *l, size_t c, uint64_t k)
{
    return l->t0 + (k * (uint64_t)l->conns + c) * 1000000 / (uint64_t)l->rate;
}

/* --- windows ---------------------------------------------------------------------------------- */

/* Steps are 1 us wide up to 2 * FINE, then twice as wide with each doubling. */
static size_t step_of(uint64_t us)
{
    unsigned shift = us < 2 * FINE ? 0 : (unsigned)(63 - __builtin_clzll(us)) - 10;
    size_t step = shift * (size_t)FINE + (size_t)(us >> shift);

    return step < STEPS ? step : STEPS - 1;
}

static uint64_t us_of(size_t step)
{
    size_t shift = step < 2 * FINE ? 0 : step / FINE - 1;

    return (step - shift * FINE) << shift;
}

static void window_open(struct window *w)
{
    memset(w, 0, sizeof *w);
    w->from_us = now_us();
}

static uint64_t percentile(const struct window *w, double share)
{
    uint64_t want = (uint64_t)((double)w->n * share), seen = 0;
    size_t i = 0;

    while (i < STEPS - 1 && (seen += w->count[i]) <= want) i++;
    return us_of(i);
}

static void window_print(const struct window *w)
{
    printf("requests %lu\nerrors %lu\nseconds %.6f\np50_us %lu\np99_us %lu\np999_us %lu\nmax_us %lu\n\n", (unsigned long)w->n,
           (unsigned long)w->n_errors, (double)(w->until_us - w->from_us) / 1e6, (unsigned long)percentile(w, 0.5),
           (unsigned long)percentile(w, 0.99), (unsigned long)percentile(w, 0.999), (unsigned long)w->max_us);
    fflush(stdout);
}

static void window_closed(struct load *l)
{
    struct window *w = l->now;

    l->now = l->next;
    l->next = w;
    window_print(w);
}

/* End the window: when all that was due in it has been answered. */
static void window_close(struct load *l)
{
    l->now->until_us = now_us();
    window_open(l->next);
    for (long i = 0; i < l->conns; i++) l->pending += l->conn[i].sent - l->conn[i].answered;
    if (l->pending == 0) window_closed(l);
}

static void note(struct load *l, uint64_t from, uint64_t now, bool refused)
{
    bool late = l->pending > 0 && from <= l->now->until_us;
    struct window *w = l->pending > 0 && !late ? l->next : l->now;
    uint64_t waited = now > from ? now - from : 0;

    w->n++;
    w->n_errors += refused;
    w->count[step_of(waited)]++;
    if (waited > w->max_us) w->max_us = waited;
    if (late && --l->pending == 0) window_closed(l);
}

/* --- requests --------------------------------------------------------------------------------- */

static void add_request(struct load *l, struct conn *c)
{
    bool set = pick(l, 100) < (uint64_t)l->writes;
    size_t room = 128 + (size_t)l->size;

    if (c->n_out + room > c->cap_out) {
        c->cap_out = (c->n_out + room) * 2;
        c->out = realloc(c->out, c->cap_out);
        if (!c->out) die("memory");
    }
    c->n_out += (size_t)sprintf(c->out + c->n_out, "*%d\r\n$3\r\n%s\r\n$%d\r\nkey:%0*lu\r\n", set ? 3 : 2, set ? "SET" : "GET",
                                KEY_DIGITS + 4, KEY_DIGITS, (unsigned long)pick(l, (uint64_t)l->keys));
    if (set) c->n_out += (size_t)sprintf(c->out + c->n_out, "$%ld\r\n%.*s\r\n", l->size, (int)l->size, l->filler);
    c->sent++;
}

static void arm(struct load *l, struct conn *c, bool writing)
{
    struct epoll_event ev = { .events = EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0), .data.ptr = c };

    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &ev) != 0) die("epoll_ctl");
}

static void flush(struct load *l, struct conn *c)
{
    ssize_t n = send(c->fd, c->out, c->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN) die("send");
    if (n < 0) n = 0;
    memmove(c->out, c->out + n, c->n_out - (size_t)n);
    c->n_out -= (size_t)n;
    if (c->n_out) arm(l, c, true);
}

static void answered(struct load *l, struct conn *c, bool refused)
{
    uint64_t now = now_us(), from = l->rate ? due_us(l, (size_t)(c - l->conn), c->answered) : c->began_us;

    c->answered++;
    note(l, from, now, refused);
    if (l->rate) return;
    c->began_us = now;
    add_request(l, c);
}

static void consume(struct load *l, struct conn *c)
{
    size_t at = 0;

    while (at < c->n_in) {
        char *line = c->in + at, *end;

        if (c->skip) {
            size_t k = c->n_in - at < c->skip ? c->n_in - at : c->skip;

            c->skip -= k;
            at += k;
            if (c->skip == 0) answered(l, c, false);
            continue;
        }
        end = memchr(line, '\n', c->n_in - at);
        if (!end) break;
        at = (size_t)(end + 1 - c->in);
        if (line[0] == '$' && line[1] != '-') c->skip = strtoul(line + 1, NULL, 10) + 2;
        else answered(l, c, line[0] == '-');
    }
    memmove(c->in, c->in + at, c->n_in - at);
    c->n_in -= at;
}

static void on_event(struct load *l, struct conn *c, uint32_t events)
{
    ssize_t n;

    if (events & EPOLLOUT) {
        arm(l, c, false);
        flush(l, c);
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    n = recv(c->fd, c->in + c->n_in, IN_BYTES - c->n_in, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("the server closed a connection");
    c->n_in += (size_t)n;
    consume(l, c);
    if (c->n_out) flush(l, c);
}

/* --- the loop ----------------------------------------------------------------------------------- */

/* Send what is due; when the next request is. */
static uint64_t send_due(struct load *l)
{
    uint64_t next = UINT64_MAX, now = now_us();

    for (size_t i = 0; i < (size_t)l->conns; i++) {
        struct conn *c = &l->conn[i];
        bool any = false;

        while (due_us(l, i, c->sent) <= now) {
            add_request(l, c);
            any = true;
        }
        if (any) flush(l, c);
        if (due_us(l, i, c->sent) < next) next = due_us(l, i, c->sent);
    }
    return next;
}

static void wait_events(struct load *l, uint64_t until)
{
    struct epoll_event events[256];
    uint64_t now = now_us(), us = until > now ? until - now : 0;
    struct timespec t = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
    int n = epoll_pwait2(l->epoll, events, 256, &t, NULL);

    for (int i = 0; i < n; i++) {
        char bytes[256];

        if (events[i].data.ptr) {
            on_event(l, events[i].data.ptr, events[i].events);
            continue;
        }
        l->ended = read(STDIN_FILENO, bytes, sizeof bytes) <= 0;
        if (l->ended && epoll_ctl(l->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL) != 0) die("epoll_ctl");
        if (l->rate) send_due(l);
        window_close(l);
    }
}

static void open_conns(struct load *l)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->port) };
    struct epoll_event ev = { .events = EPOLLIN };
    int one = 1;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->epoll = epoll_create1(0);
    l->conn = calloc((size_t)l->conns, sizeof *l->conn);
    if (!l->conn) die("memory");
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev) != 0) die("epoll_ctl");
    for (long i = 0; i < l->conns; i++) {
        struct conn *c = &l->conn[i];

        ev.data.ptr = c;
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0) die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0) die("epoll_ctl");
    }
}

static void run(struct load *l)
{
    l->t0 = now_us();
    l->now = &l->window[0];
    l->next = &l->window[1];
    window_open(l->now);
    for (long i = 0; i < l->conns && l->rate == 0; i++) {
        l->conn[i].began_us = now_us();
        add_request(l, &l->conn[i]);
        flush(l, &l->conn[i]);
    }
    while (!l->ended || l->pending > 0) wait_events(l, l->rate ? send_due(l) : now_us() + 1000000);
}

static void parse(struct load *l, int argc, char **argv)
{
    struct { const char *name; long *value; } options[] = {
        { "conns", &l->conns }, { "rate", &l->rate }, { "writes", &l->writes }, { "keys", &l->keys },
        { "size", &l->size }, { "seed", (long *)&l->seed },
    };

    for (int i = 2; i + 1 < argc; i += 2) {
        bool known = false;

        for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
            if (strcmp(argv[i], options[k].name) != 0) continue;
            *options[k].value = strtol(argv[i + 1], NULL, 10);
            known = true;
        }
        if (!known) {
            fprintf(stderr, "paced: no option %s\n", argv[i]);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    static struct load l = { .conns = 50, .rate = 10000, .writes = 50, .keys = 1000000, .size = 64, .seed = 1 };

    if (argc < 2) {
        fprintf(stderr, "usage: paced PORT [option value]...\n");
        return 1;
    }
    l.port = atoi(argv[1]);
    parse(&l, argc, argv);
    l.seed = l.seed * 0x9E3779B97F4A7C15u + 1;
    l.filler = malloc((size_t)l.size + 1);
    if (!l.filler) die("memory");
    for (long i = 0; i < l.size; i++) l.filler[i] = (char)('a' + pick(&l, 26));
    prctl(PR_SET_TIMERSLACK, 1000);
    open_conns(&l);
    run(&l);
    return 0;
}
