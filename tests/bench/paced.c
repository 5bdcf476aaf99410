/* paced.c -- a load that does not slow down for a slow server: how long does each request wait?
 *
 *     paced PORT [option value]...      conns 50, rate 10000 (a second), writes 50 (% SET, the rest GET),
 *                                       keys 1000000, size 64, seed 1, random 0, turns 0, auth (a password), watch (a processor)
 *
 * Request k of a connection is due at a time that is known beforehand, and what is measured is the time
 * from then to its reply: a server that stands still for a second makes all that was due meanwhile wait,
 * and all of it counts (a client that waits for each reply before it sends the next would note one slow
 * request). A refusal (-OOM) is a reply, and counted among the errors as well. With rate 0 each connection
 * has one request under way and sends the next at its reply: for throughput; a wait then begins with the
 * sending.
 *
 * Requests are due at even distances, or with `random 1` at random ones (a Poisson process, as of clients
 * that know nothing of each other). With `turns n` a request is a turn of one of n chat sessions instead, in
 * one pipeline: GET of a key, RPUSH of `size` bytes to the session, LTRIM to 20, LRANGE of all of them, HSET;
 * and what is measured is the last of its replies.
 *
 * Its own part in a wait is told apart: `late` is how much later than due requests were sent, because it was at work on replies or
 * not awake, and `stood_us` how long it stood still at a time when it was to run (STOOD_US or more at once): the machine did
 * something else, or nothing. With `watch` it looks there as well, for the server's sake: a thread that comes before all others
 * on that processor, if that is allowed, wakes at even distances, and what it oversleeps is counted in.
 *
 * Each line on the input ends a window: what was due in it is waited for, and its figures are printed as
 * "name value" lines and an empty one. The end of the input ends the last window. The program sleeps
 * while nothing is due, so that it can share a core with the server. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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

#include "tool.h"

enum {
    FINE = 1024,         /* steps of waiting in each doubling: an error of a thousandth */
    STEPS = 40 * FINE,
    IN_BYTES = 65536,
    KEY_DIGITS = 12,
    TURN = 5,            /* replies of a turn */
    KEPT = 20,           /* messages of a session */
    STOOD_US = 300,      /* what is less is a switch between threads, or an interrupt */
    WATCH_US = 800       /* a wake takes the server 10 us there */
};

struct conn {
    int fd;
    uint64_t sent, answered; /* requests */
    uint64_t *due;           /* of those under way, request k at k % cap_due */
    size_t cap_due;
    uint64_t next_us;        /* when the next is due */
    uint64_t parts;          /* elements of a reply that are still to come, and replies of a turn */
    unsigned replies, left;  /* replies to one request; of the one that is being read */
    bool refused;            /* one of them said so */
    char *out;
    size_t n_out, cap_out;
    char in[IN_BYTES];
    size_t n_in;
    size_t skip;             /* bytes of a bulk still to come */
};

struct window {
    uint32_t count[STEPS], late[STEPS]; /* by step of waiting; of being sent late */
    uint64_t n, n_errors, n_sent, max_us, stood_us, from_us, until_us;
};

struct load {
    int port, epoll;
    long conns, rate, writes, keys, size, random, turns, watch;
    _Atomic uint64_t watched_us; /* that the watched processor stood still, since the window began */
    const char *password;
    uint64_t seed;
    uint64_t t0; /* of the schedule */
    uint64_t awake_us, awake_cpu_us; /* since when it is awake, and its processor time then */
    struct conn *conn;
    struct window window[2], *now, *next;
    uint64_t pending; /* of `now`, while it is being closed: the requests that are not answered */
    char *filler;
    bool ended;       /* the input */
};

static uint64_t pick(struct load *l, uint64_t n)
{
    l->seed ^= l->seed << 13;
    l->seed ^= l->seed >> 7;
    l->seed ^= l->seed << 17;
    return (uint64_t)((unsigned __int128)l->seed * n >> 64);
}

/* When the next request of c is due, of which so many have been sent. */
static void schedule(struct load *l, struct conn *c)
{
    if (l->random) {
        double u = (double)(pick(l, 1u << 30) + 1) / (1u << 30);
        c->next_us += (uint64_t)(-log(u) * (double)l->conns * 1e6 / (double)l->rate);
    } else {
        c->next_us = l->t0 + (c->sent * (uint64_t)l->conns + (size_t)(c - l->conn)) * 1000000 / (uint64_t)l->rate;
    }
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

/* What was watched until now belongs to the window that ends. */
static void take_watched(struct load *l)
{
    l->now->stood_us += atomic_exchange(&l->watched_us, 0);
}

static uint64_t percentile(const uint32_t *count, uint64_t n, double share)
{
    uint64_t want = (uint64_t)((double)n * share), seen = 0;
    size_t i = 0;

    while (i < STEPS - 1 && (seen += count[i]) <= want) i++;
    return us_of(i);
}

static void window_print(const struct window *w)
{
    printf("requests %lu\nerrors %lu\nseconds %.6f\np50_us %lu\np99_us %lu\np999_us %lu\nmax_us %lu\nlate_p99_us %lu\nstood_us %lu\n\n",
           (unsigned long)w->n, (unsigned long)w->n_errors, (double)(w->until_us - w->from_us) / 1e6,
           (unsigned long)percentile(w->count, w->n, 0.5), (unsigned long)percentile(w->count, w->n, 0.99),
           (unsigned long)percentile(w->count, w->n, 0.999), (unsigned long)w->max_us,
           (unsigned long)percentile(w->late, w->n_sent, 0.99), (unsigned long)w->stood_us);
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
    take_watched(l);
    window_open(l->next);
    for (long i = 0; i < l->conns; i++) l->pending += l->conn[i].sent - l->conn[i].answered;
    if (l->pending == 0) window_closed(l);
}

/* The window in which something happens now: the next one, while the last is being closed. */
static struct window *current(struct load *l)
{
    return l->pending > 0 ? l->next : l->now;
}

static void note(struct load *l, uint64_t from, uint64_t now, bool refused)
{
    bool late = l->pending > 0 && from <= l->now->until_us;
    struct window *w = late ? l->now : current(l);
    uint64_t waited = now > from ? now - from : 0;

    w->n++;
    w->n_errors += refused;
    w->count[step_of(waited)]++;
    if (waited > w->max_us) w->max_us = waited;
    if (late && --l->pending == 0) window_closed(l);
}

/* --- requests --------------------------------------------------------------------------------- */

/* A request that was due then is being sent. */
static void remember(struct load *l, struct conn *c, uint64_t due)
{
    struct window *w = current(l);
    uint64_t now = now_us();

    w->late[step_of(now > due ? now - due : 0)]++;
    w->n_sent++;
    if (c->sent - c->answered == c->cap_due) {
        size_t cap = c->cap_due ? c->cap_due * 2 : 16;
        uint64_t *more = malloc(cap * sizeof *more);

        if (!more) die("memory");
        for (uint64_t k = c->answered; k < c->sent; k++) more[k % cap] = c->due[k % c->cap_due];
        free(c->due);
        c->due = more;
        c->cap_due = cap;
    }
    c->due[c->sent++ % c->cap_due] = due;
}

static void room_for(struct conn *c, size_t n)
{
    if (c->n_out + n <= c->cap_out) return;
    c->cap_out = (c->n_out + n) * 2;
    c->out = realloc(c->out, c->cap_out);
    if (!c->out) die("memory");
}

static void add_plain(struct load *l, struct conn *c)
{
    bool set = pick(l, 100) < (uint64_t)l->writes;

    c->n_out += (size_t)sprintf(c->out + c->n_out, "*%d\r\n$3\r\n%s\r\n$%d\r\nkey:%0*lu\r\n", set ? 3 : 2, set ? "SET" : "GET",
                                KEY_DIGITS + 4, KEY_DIGITS, (unsigned long)pick(l, (uint64_t)l->keys));
    if (set) c->n_out += (size_t)sprintf(c->out + c->n_out, "$%ld\r\n%.*s\r\n", l->size, (int)l->size, l->filler);
}

static void add_turn(struct load *l, struct conn *c)
{
    unsigned long key = pick(l, (uint64_t)l->keys), session = pick(l, (uint64_t)l->turns);

    c->n_out += (size_t)sprintf(c->out + c->n_out,
        "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012lu\r\n"
        "*3\r\n$5\r\nRPUSH\r\n$13\r\nchat:%08lu\r\n$%ld\r\n%.*s\r\n"
        "*4\r\n$5\r\nLTRIM\r\n$13\r\nchat:%08lu\r\n$3\r\n-%d\r\n$2\r\n-1\r\n"
        "*4\r\n$6\r\nLRANGE\r\n$13\r\nchat:%08lu\r\n$1\r\n0\r\n$2\r\n-1\r\n"
        "*4\r\n$4\r\nHSET\r\n$13\r\nuser:%08lu\r\n$4\r\nlast\r\n$12\r\n%012lu\r\n",
        key, session, l->size, (int)l->size, l->filler, session, KEPT, session, session, key);
}

/* A request that was due then. What it is made of is the same whatever the server does: seed and order decide. */
static void add_request(struct load *l, struct conn *c, uint64_t due)
{
    remember(l, c, due);
    room_for(c, 512 + (size_t)l->size);
    if (l->turns) add_turn(l, c);
    else add_plain(l, c);
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
    uint64_t now = now_us(), from;

    c->refused |= refused;
    if (--c->left > 0) return;
    from = c->due[c->answered++ % c->cap_due];
    note(l, from, now, c->refused);
    c->left = c->replies;
    c->refused = false;
    if (l->rate == 0) add_request(l, c, now);
}

/* An element of a reply is complete, or all of one that has none. */
static void part(struct load *l, struct conn *c, bool refused)
{
    if (c->parts > 0 && --c->parts > 0) return;
    answered(l, c, refused);
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
            if (c->skip == 0) part(l, c, false);
            continue;
        }
        end = memchr(line, '\n', c->n_in - at);
        if (!end) break;
        at = (size_t)(end + 1 - c->in);
        if (line[0] == '$' && line[1] != '-') c->skip = strtoul(line + 1, NULL, 10) + 2;
        else if (line[0] == '*' && line[1] != '0' && line[1] != '-') c->parts = strtoul(line + 1, NULL, 10);
        else part(l, c, line[0] == '-');
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

static void authenticate(int fd, const char *password)
{
    char bytes[512];
    int n = snprintf(bytes, sizeof bytes, "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n", strlen(password), password);

    if (n >= (int)sizeof bytes || send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n) die("AUTH");
    if (recv(fd, bytes, 5, MSG_WAITALL) != 5 || memcmp(bytes, "+OK", 3) != 0) die("AUTH");
}

/* Send what is due; when the next request is. */
static uint64_t send_due(struct load *l)
{
    uint64_t next = UINT64_MAX, now = now_us();

    for (size_t i = 0; i < (size_t)l->conns; i++) {
        struct conn *c = &l->conn[i];
        bool any = false;

        while (c->next_us <= now) {
            add_request(l, c, c->next_us);
            schedule(l, c);
            any = true;
        }
        if (any) flush(l, c);
        if (c->next_us < next) next = c->next_us;
    }
    return next;
}

/* It could have run for so long, and did not. */
static void stood(struct load *l, uint64_t us)
{
    if (us >= STOOD_US && us < UINT64_MAX / 2) current(l)->stood_us += us;
}

static uint64_t cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void wait_events(struct load *l, uint64_t until)
{
    struct epoll_event events[256];
    uint64_t now = now_us(), us = until > now ? until - now : 0;
    struct timespec t = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
    int n;

    stood(l, now - l->awake_us - (cpu_us() - l->awake_cpu_us));
    n = epoll_pwait2(l->epoll, events, 256, &t, NULL);
    l->awake_us = now_us();
    l->awake_cpu_us = cpu_us();
    if (n == 0) stood(l, l->awake_us - (now + us));
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
        if (l->password) authenticate(c->fd, l->password);
        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0) die("epoll_ctl");
    }
}

static void *watch(void *arg)
{
    struct load *l = arg;
    uint64_t due = now_us(), now;

    for (;;) {
        struct timespec t;

        due += WATCH_US;
        t = (struct timespec){ .tv_sec = (time_t)(due / 1000000), .tv_nsec = (long)(due % 1000000) * 1000 };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        now = now_us();
        if (now >= due + STOOD_US) atomic_fetch_add(&l->watched_us, now - due);
        if (now > due) due = now;
    }
    return NULL;
}

static void start_watch(struct load *l)
{
    struct sched_param first = { .sched_priority = 2 };
    pthread_t t;
    cpu_set_t there;

    CPU_ZERO(&there);
    CPU_SET((size_t)l->watch, &there);
    if (pthread_create(&t, NULL, watch, l) != 0) die("a thread");
    if (pthread_setschedparam(t, SCHED_FIFO, &first) == 0 && pthread_setaffinity_np(t, sizeof there, &there) == 0) return;
    pthread_cancel(t); /* who has to wait for the server sees nothing */
    pthread_join(t, NULL);
}

static void run(struct load *l)
{
    l->t0 = l->awake_us = now_us();
    l->awake_cpu_us = cpu_us();
    l->now = &l->window[0];
    l->next = &l->window[1];
    window_open(l->now);
    for (long i = 0; i < l->conns; i++) {
        struct conn *c = &l->conn[i];

        c->left = c->replies = l->turns ? TURN : 1;
        c->next_us = l->t0;
        if (l->rate) {
            schedule(l, c);
            continue;
        }
        add_request(l, c, now_us());
        flush(l, c);
    }
    while (!l->ended || l->pending > 0) wait_events(l, l->rate ? send_due(l) : now_us() + 1000000);
}

static void parse(struct load *l, int argc, char **argv)
{
    struct { const char *name; long *value; } options[] = {
        { "conns", &l->conns }, { "rate", &l->rate }, { "writes", &l->writes }, { "keys", &l->keys },
        { "size", &l->size }, { "seed", (long *)&l->seed }, { "random", &l->random }, { "turns", &l->turns },
        { "watch", &l->watch },
    };

    for (int i = 2; i + 1 < argc; i += 2) {
        bool known = strcmp(argv[i], "auth") == 0;

        if (known) l->password = argv[i + 1];
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
    static struct load l = { .conns = 50, .rate = 10000, .writes = 50, .keys = 1000000, .size = 64, .seed = 1, .watch = -1 };

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
    if (l.watch >= 0) start_watch(&l);
    run(&l);
    return 0;
}
