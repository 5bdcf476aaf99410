/* abuser.c -- clients that misuse a server, of one kind.
 *
 *     abuser PORT KIND
 *
 * A line on the input begins the abuse, the next ends it: all its connections are closed then. Each is answered by a
 * line, when that is done; the number in the answer to the second says how often the abuser acted. The end of the input
 * ends the program.
 *
 * Its actions come evenly, so many a second, whatever the others on its processor do: what could not be done in time is
 * left out. An abuser that made up for it would send in bursts of thousands, and those who wait behind such a burst
 * wait for the abuser's processor. Where no rate is given, it does what its connection takes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

enum { CONNS_MAX = 10000, SOURCES = 200, LATE_US = 2000, SMALL = 4096, CLAIMED = 65536 };

struct bytes {
    const char *p;
    size_t n;
};

struct conn {
    int fd;
    struct bytes first, rest; /* what every connection begins with; what is still to be sent of a request */
};

struct abuser;

struct kind {
    const char *name;
    int conns;
    long rate;   /* actions a second; 0: none at all; -1: as many as go */
    int receive; /* SO_RCVBUF */
    void (*begin)(struct abuser *a, struct conn *c); /* NULL: nothing */
    void (*act)(struct abuser *a, uint64_t n);
};

struct abuser {
    const struct kind *kind;
    int port;
    uint64_t n_opened;
    struct conn conn[CONNS_MAX], other; /* other: who publishes */
    char *filler, *requests;
    size_t n_requests;
};

static struct bytes text(const char *s)
{
    return (struct bytes){ s, strlen(s) };
}

/* --- connections ------------------------------------------------------------------------------------------ */

/* From one of many addresses: thousands of ports a second are in TIME_WAIT afterwards. */
static int open_socket(struct abuser *a, int receive, bool wait)
{
    struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)a->port) };
    int fd = socket(AF_INET, SOCK_STREAM | (wait ? 0 : SOCK_NONBLOCK), 0), one = 1;

    if (fd < 0) die("socket");
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(a->n_opened++ % SOURCES));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (receive > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0) die("bind");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) die("connect");
    return fd;
}

static void close_hard(int fd)
{
    struct linger l = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(fd);
}

static void begin(struct abuser *a, struct conn *c)
{
    c->fd = open_socket(a, a->kind->receive, true);
    c->rest = c->first = (struct bytes){ NULL, 0 };
    if (a->kind->begin) a->kind->begin(a, c);
    c->rest = c->first;
}

/* Send what goes of what is left, or else of data. Who was thrown out comes again. */
static void give(struct abuser *a, struct conn *c, struct bytes data)
{
    ssize_t n;

    if (c->rest.n == 0) c->rest = data;
    n = send(c->fd, c->rest.p, c->rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        close(c->fd);
        begin(a, c);
    } else if (n > 0) {
        c->rest.p += n;
        c->rest.n -= (size_t)n;
    }
}

static void take(struct conn *c)
{
    static char bytes[1 << 18];

    if (recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT) < 0) { /* nothing is there */ }
}

static struct conn *nth(struct abuser *a, uint64_t n)
{
    return &a->conn[n % (uint64_t)a->kind->conns];
}

/* --- what they do ------------------------------------------------------------------------------------------- */

static void act_active(struct abuser *a, uint64_t n)
{
    take(nth(a, n));
    give(a, nth(a, n), text("*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n"));
}

static void act_storm(struct abuser *a, uint64_t n)
{
    int fd = open_socket(a, 0, false);

    (void)n;
    if (send(fd, "PING\r\n", 6, MSG_NOSIGNAL) < 0) { /* not connected yet, perhaps */ }
    close(fd);
}

/* They say half of a request and that this was all, or nothing more at all, and are gone in the end without a word. */
static void act_half(struct abuser *a, uint64_t n)
{
    struct conn *c = nth(a, n);

    close_hard(c->fd);
    begin(a, c);
    give(a, c, text("*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$1000\r\nxxxxxxxxxx"));
    if (n % 2) shutdown(c->fd, SHUT_WR);
}

static void act_reader(struct abuser *a, uint64_t n)
{
    give(a, nth(a, n), text("*2\r\n$3\r\nGET\r\n$5\r\nbig:1\r\n"));
}

static void begin_slow(struct abuser *a, struct conn *c)
{
    (void)a;
    c->first = text("*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$1000\r\n");
}

/* A byte of each in its turn. */
static void act_slow(struct abuser *a, uint64_t n)
{
    struct conn *c = nth(a, n);
    struct bytes all = c->rest;

    if (all.n > 0) c->rest.n = 1;
    give(a, c, text("x"));
    if (all.n > 0 && c->rest.n == 0) c->rest = (struct bytes){ all.p + 1, all.n - 1 };
    else if (all.n > 0 && c->rest.p == all.p) c->rest = all;
}

static void begin_claim(struct abuser *a, struct conn *c)
{
    (void)a;
    c->first = text("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n");
}

static void act_claim(struct abuser *a, uint64_t n)
{
    give(a, nth(a, n), (struct bytes){ a->filler, CLAIMED });
}

static void make_requests(struct abuser *a, const char *before, const char *each, int n, const char *after)
{
    size_t most = strlen(before) + strlen(each) * (size_t)n + strlen(after);

    if (a->requests) return;
    a->requests = malloc(most + 1);
    if (!a->requests) die("memory");
    a->n_requests = (size_t)(stpcpy(a->requests, before) - a->requests);
    for (int i = 0; i < n; i++) a->n_requests = (size_t)(stpcpy(a->requests + a->n_requests, each) - a->requests);
    a->n_requests = (size_t)(stpcpy(a->requests + a->n_requests, after) - a->requests);
}

static void begin_pipeline(struct abuser *a, struct conn *c)
{
    (void)c;
    make_requests(a, "", "*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n", 1000, "");
}

static void begin_transaction(struct abuser *a, struct conn *c)
{
    (void)c;
    make_requests(a, "*1\r\n$5\r\nMULTI\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", 100000, "*1\r\n$7\r\nDISCARD\r\n");
}

static void act_without_end(struct abuser *a, uint64_t n)
{
    struct conn *c = nth(a, n);
    struct pollfd p = { .fd = c->fd, .events = POLLIN | POLLOUT };

    if (poll(&p, 1, 1) <= 0) return;
    take(c);
    give(a, c, (struct bytes){ a->requests, a->n_requests });
}

static void begin_subscriber(struct abuser *a, struct conn *c)
{
    (void)a;
    c->first = text("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n");
}

static void begin_publisher(struct abuser *a)
{
    char head[64];

    if (a->requests) return;
    snprintf(head, sizeof head, "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$%d\r\n", SMALL);
    make_requests(a, head, "m", SMALL, "\r\n");
}

static void act_subscriber(struct abuser *a, uint64_t n)
{
    begin_publisher(a);
    if (a->other.fd < 0) a->other = (struct conn){ .fd = open_socket(a, 0, true) };
    give(a, nth(a, n), (struct bytes){ NULL, 0 });
    take(&a->other);
    give(a, &a->other, (struct bytes){ a->requests, a->n_requests });
}

static const struct kind kinds[] = {
    { "idle", 10000, 0, 0, NULL, NULL },
    { "active", 10000, 5000, 0, NULL, act_active },
    { "storm", 0, 5000, 0, NULL, act_storm },
    { "full", 60, 5000, 0, NULL, act_storm },
    { "half", 2000, 2000, 0, NULL, act_half },
    { "readers", 20, 2000, SMALL, NULL, act_reader },
    { "slow", 5000, 5000, 0, begin_slow, act_slow },
    { "claims", 1000, 2000, 0, begin_claim, act_claim },
    { "pipeline", 1, -1, 0, begin_pipeline, act_without_end },
    { "transaction", 1, -1, 0, begin_transaction, act_without_end },
    { "subscribers", 50, 1000, SMALL, begin_subscriber, act_subscriber },
};

/* --- the loop ------------------------------------------------------------------------------------------------ */

static bool input_is_there(int wait_ms)
{
    struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

    return poll(&p, 1, wait_ms) > 0;
}

/* A line of input. False: it has ended. */
static bool hear(void)
{
    char line[64];

    return read(STDIN_FILENO, line, sizeof line) > 0;
}

static void sleep_until(uint64_t us)
{
    struct timespec t = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Until there is input: how often it acted. */
static uint64_t abuse(struct abuser *a)
{
    uint64_t n = 0, due = now_us(), looked = due, now;

    while (a->kind->rate == 0 && !input_is_there(-1)) continue;
    while (a->kind->rate != 0) {
        now = now_us();
        if (now - looked > 1000 && input_is_there(0)) break;
        if (now - looked > 1000) looked = now;
        if (a->kind->rate > 0 && now > due + LATE_US) due = now;
        a->kind->act(a, n++);
        if (a->kind->rate < 0) continue;
        due += 1000000 / (uint64_t)a->kind->rate;
        if (due > now) sleep_until(due);
    }
    return n;
}

int main(int argc, char **argv)
{
    static struct abuser a;
    uint64_t n;

    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(argv[2], kinds[i].name) == 0) a.kind = &kinds[i];
    }
    if (!a.kind) {
        fprintf(stderr, "usage: abuser PORT KIND\n");
        return 1;
    }
    a.port = atoi(argv[1]);
    a.filler = calloc(1, CLAIMED);
    if (!a.filler) die("memory");
    prctl(PR_SET_TIMERSLACK, 1000);
    while (hear()) {
        for (int i = 0; i < a.kind->conns; i++) begin(&a, &a.conn[i]);
        a.other.fd = -1;
        printf("on\n");
        fflush(stdout);
        n = abuse(&a);
        for (int i = 0; i < a.kind->conns; i++) close_hard(a.conn[i].fd);
        if (a.other.fd >= 0) close_hard(a.other.fd);
        if (!hear()) break;
        printf("off %lu\n", (unsigned long)n);
        fflush(stdout);
    }
    return 0;
}
