/* load.c -- a load generator: one thread, many connections, one kind of work.
 *
 *     load PORT WORK [option value]...
 *
 *     set get incr lpush rpush lpop hset sadd lrange mset ping
 *                the commands of redis-benchmark, in its shapes, over `keys` random keys
 *     zadd zfill zrange zrangebyscore
 *                one sorted set of `keys` members of 20 bytes: a random score for a random member; each
 *                member once, in a random order; ten members from a random rank; about ten from a
 *                random score
 *     xadd xaddmax xreadgroup xpoll
 *                one stream, two fields of 16 bytes each: an entry under "*"; the same with MAXLEN ~ 1000; the
 *                next ten entries for a consumer of the group g, which is made before; the same when
 *                nothing is new
 *     eval evalsha
 *                a rate limiter over `keys` counters: INCR, EXPIRE for the first, PTTL when there are too
 *                many; its text each time, or its digest
 *     fill       SET of each of `keys` keys, once, in order; ttl s gives each EX s, px ms gives PX ms, and
 *                with spread ms up to so much more, evenly
 *     turn       a turn of a chat session, in one pipeline over `keys` sessions: RPUSH a message of
 *                300 to 2,000 bytes, LTRIM to 20, EXPIRE, LRANGE all
 *     sessions   `keys` sessions of 20 messages of `size` bytes, message by message, in order
 *     zipf       GET of a key under Zipf, and SET when it is not there; scan p: p % of the keys are
 *                used once, in order
 *     probe      one request every `every` us on one connection for `seconds`: how long each waits
 *     idle       open `conns` connections, say so, and hold them until the input ends
 *
 *     options    conns 50, pipeline 1, n 1000000 (operations), keys 1000000, size 64, seed 1
 *
 * Each connection sends `pipeline` operations, reads all their replies and goes on. What was measured
 * is printed as "name value" lines. Requests are built by copying a template and writing digits into
 * it, so that the generator is not what is measured. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

enum { IN_BYTES = 1 << 18, KEY_DIGITS = 12, MSET_PAIRS = 10, MESSAGE_MAX = 2000, SESSION_KEEPS = 20 };

/* Of the text in add_script. */
#define SCRIPT_SHA "606f34b5f9b2033cdbd06947d83b2d7fb1e10674"

struct load {
    int port;
    const char *work;
    long conns, pipeline, n, keys, size, ttl, px, spread, scan, every, seconds;
    uint64_t seed;

    uint64_t rng;
    long sent, done;    /* operations */
    long hits, misses;
    double *zipf;       /* cumulated, of `keys` ranks */
    long scan_at;
    char *filler;       /* MESSAGE_MAX or more bytes of value */
};

struct conn {
    int fd;
    char *out;
    size_t n_out, cap_out, at_out;
    char *in;
    size_t n_in;
    long replies_left;  /* top-level replies of the batch */
    long parts_left;    /* elements of the reply being read, which may nest */
    size_t skip;        /* bytes of a bulk still to come, with its CRLF */
    long ops;           /* operations of the batch */
    /* zipf: the keys that were asked for, and those that were not there */
    long *asked, *absent;
    long n_asked, n_absent, at_asked;
};

static uint64_t next_random(struct load *l)
{
    l->rng ^= l->rng << 13;
    l->rng ^= l->rng >> 7;
    l->rng ^= l->rng << 17;
    return l->rng;
}

static long pick(struct load *l, long n)
{
    return (long)((unsigned __int128)next_random(l) * (uint64_t)n >> 64);
}

/* --- requests --------------------------------------------------------------------------------- */

static void reserve(struct conn *c, size_t n)
{
    if (c->n_out + n <= c->cap_out) return;
    c->cap_out = (c->n_out + n) * 2;
    c->out = realloc(c->out, c->cap_out);
    if (c->out == NULL) die("memory");
}

static void add(struct conn *c, const void *p, size_t n)
{
    reserve(c, n);
    memcpy(c->out + c->n_out, p, n);
    c->n_out += n;
}

static void add_text(struct conn *c, const char *s)
{
    add(c, s, strlen(s));
}

static void add_head(struct conn *c, char kind, size_t n)
{
    char head[24];
    int len = snprintf(head, sizeof head, "%c%zu\r\n", kind, n);
    add(c, head, (size_t)len);
}

static void add_bulk(struct conn *c, const void *p, size_t n)
{
    add_head(c, '$', n);
    add(c, p, n);
    add(c, "\r\n", 2);
}

static void add_word(struct conn *c, const char *s)
{
    add_bulk(c, s, strlen(s));
}

/* prefix and twelve digits: "key:000000012345" is a key of 16 bytes. */
static void add_key(struct conn *c, const char *prefix, long id)
{
    size_t n = strlen(prefix);
    char *p;

    add_head(c, '$', n + KEY_DIGITS);
    reserve(c, n + KEY_DIGITS + 2);
    p = c->out + c->n_out;
    memcpy(p, prefix, n);
    for (int i = KEY_DIGITS - 1; i >= 0; i--) {
        p[n + (size_t)i] = (char)('0' + id % 10);
        id /= 10;
    }
    memcpy(p + n + KEY_DIGITS, "\r\n", 2);
    c->n_out += n + KEY_DIGITS + 2;
}

static void add_number(struct conn *c, long v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%ld", v);
    add_bulk(c, text, (size_t)n);
}

static void add_value(struct load *l, struct conn *c)
{
    add_bulk(c, l->filler, (size_t)l->size);
}

static void add_set(struct load *l, struct conn *c, long id)
{
    bool ttl = l->ttl > 0 || l->px > 0;

    add_text(c, ttl ? "*5\r\n$3\r\nSET\r\n" : "*3\r\n$3\r\nSET\r\n");
    add_key(c, "key:", id);
    add_value(l, c);
    if (!ttl) return;
    add_word(c, l->px > 0 ? "PX" : "EX");
    add_number(c, l->px > 0 ? l->px + l->spread * id / l->keys : l->ttl);
}

/* Four requests, one operation. */
static void add_turn(struct load *l, struct conn *c)
{
    char key[32];
    int n = snprintf(key, sizeof key, "session:%08ld", pick(l, l->keys));

    add_text(c, "*3\r\n$5\r\nRPUSH\r\n");
    add_bulk(c, key, (size_t)n);
    add_bulk(c, l->filler, (size_t)(300 + pick(l, MESSAGE_MAX - 300 + 1)));
    add_text(c, "*4\r\n$5\r\nLTRIM\r\n");
    add_bulk(c, key, (size_t)n);
    add_text(c, "$3\r\n-20\r\n$2\r\n-1\r\n*3\r\n$6\r\nEXPIRE\r\n");
    add_bulk(c, key, (size_t)n);
    add_text(c, "$4\r\n3600\r\n*4\r\n$6\r\nLRANGE\r\n");
    add_bulk(c, key, (size_t)n);
    add_text(c, "$1\r\n0\r\n$2\r\n-1\r\n");
}

/* Scores are spread as ranks are, once the set is full. */
static void add_zset(struct load *l, struct conn *c, const char *work, long id)
{
    enum { PAGE = 10, STRIDE = 7919 };
    long from = pick(l, l->keys);

    if (strcmp(work, "zadd") == 0 || strcmp(work, "zfill") == 0) {
        add_text(c, "*4\r\n$4\r\nZADD\r\n$6\r\nmyzset\r\n");
        add_number(c, from);
        add_key(c, "element:", work[1] == 'f' ? id * STRIDE % l->keys : pick(l, l->keys));
        return;
    }
    add_text(c, strcmp(work, "zrange") == 0 ? "*4\r\n$6\r\nZRANGE\r\n$6\r\nmyzset\r\n"
                                            : "*4\r\n$13\r\nZRANGEBYSCORE\r\n$6\r\nmyzset\r\n");
    add_number(c, from);
    add_number(c, from + PAGE - 1);
}

/* What a worker and its producer send. */
static void add_stream(struct conn *c, const char *work, long id)
{
    if (strcmp(work, "xreadgroup") == 0 || strcmp(work, "xpoll") == 0) {
        add_text(c, "*9\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$1\r\ng\r\n$1\r\nc\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n"
                    "$7\r\nSTREAMS\r\n$8\r\nmystream\r\n$1\r\n>\r\n");
        return;
    }
    add_text(c, strcmp(work, "xadd") == 0 ? "*7\r\n$4\r\nXADD\r\n$8\r\nmystream\r\n"
                                          : "*10\r\n$4\r\nXADD\r\n$8\r\nmystream\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$4\r\n1000\r\n");
    add_text(c, "$1\r\n*\r\n$4\r\nuser\r\n");
    add_key(c, "user", id);
    add_text(c, "$4\r\nitem\r\n");
    add_key(c, "item", id);
}

/* A rate limiter as clients write it: so many an hour for each of `keys` users. */
static void add_script(struct load *l, struct conn *c, const char *work)
{
    static const char text[] = "local n = redis.call('INCR', KEYS[1])\n"
                               "if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end\n"
                               "if n > tonumber(ARGV[1]) then return redis.call('PTTL', KEYS[1]) end\n"
                               "return 0\n";

    if (strcmp(work, "eval") == 0) {
        add_text(c, "*6\r\n$4\r\nEVAL\r\n");
        add_bulk(c, text, sizeof text - 1);
    } else {
        add_text(c, "*6\r\n$7\r\nEVALSHA\r\n");
        add_word(c, SCRIPT_SHA);
    }
    add_text(c, "$1\r\n1\r\n");
    add_key(c, "limit:", pick(l, l->keys));
    add_text(c, "$2\r\n10\r\n$4\r\n3600\r\n");
}

static long zipf_key(struct load *l)
{
    double u = (double)(next_random(l) >> 11) / 9007199254740992.0;
    long lo = 0, hi = l->keys - 1;

    if (l->scan > 0 && pick(l, 100) < l->scan) return l->keys + l->scan_at++;
    while (lo < hi) {
        long mid = (lo + hi) / 2;
        if (l->zipf[mid] < u) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static void add_zipf(struct load *l, struct conn *c)
{
    long id = zipf_key(l);

    add_text(c, "*2\r\n$3\r\nGET\r\n");
    add_key(c, "key:", id);
    c->asked[c->n_asked++] = id;
}

/* One operation; returns the number of replies it brings. */
static int add_op(struct load *l, struct conn *c)
{
    const char *w = l->work;
    long id = l->sent++;

    switch (w[0] << 8 | w[1]) {
    case 's' << 8 | 'e':
        if (strcmp(w, "set") == 0) {
            add_set(l, c, pick(l, l->keys));
        } else { /* sessions: the messages of one round go to all sessions in turn */
            add_text(c, "*3\r\n$5\r\nRPUSH\r\n");
            add_key(c, "sess", id % l->keys);
            add_value(l, c);
        }
        return 1;
    case 'z' << 8 | 'a':
    case 'z' << 8 | 'f':
    case 'z' << 8 | 'r':
        add_zset(l, c, w, id);
        return 1;
    case 'x' << 8 | 'a':
    case 'x' << 8 | 'p':
    case 'x' << 8 | 'r':
        add_stream(c, w, id);
        return 1;
    case 'e' << 8 | 'v':
        add_script(l, c, w);
        return 1;
    case 'f' << 8 | 'i':
        add_set(l, c, id);
        return 1;
    case 'g' << 8 | 'e':
        add_text(c, "*2\r\n$3\r\nGET\r\n");
        add_key(c, "key:", pick(l, l->keys));
        return 1;
    case 'i' << 8 | 'n':
        add_text(c, "*2\r\n$4\r\nINCR\r\n");
        add_key(c, "counter:", pick(l, l->keys));
        return 1;
    case 'l' << 8 | 'p':
        if (strcmp(w, "lpop") == 0) {
            add_text(c, "*2\r\n$4\r\nLPOP\r\n$6\r\nmylist\r\n");
        } else {
            add_text(c, "*3\r\n$5\r\nLPUSH\r\n$6\r\nmylist\r\n");
            add_value(l, c);
        }
        return 1;
    case 'r' << 8 | 'p':
        add_text(c, "*3\r\n$5\r\nRPUSH\r\n$6\r\nmylist\r\n");
        add_value(l, c);
        return 1;
    case 'h' << 8 | 's':
        add_text(c, "*4\r\n$4\r\nHSET\r\n$6\r\nmyhash\r\n");
        add_key(c, "element:", pick(l, l->keys));
        add_value(l, c);
        return 1;
    case 's' << 8 | 'a':
        add_text(c, "*3\r\n$4\r\nSADD\r\n$5\r\nmyset\r\n");
        add_key(c, "element:", pick(l, l->keys));
        return 1;
    case 'l' << 8 | 'r':
        add_text(c, "*4\r\n$6\r\nLRANGE\r\n$6\r\nmylist\r\n$1\r\n0\r\n$2\r\n99\r\n");
        return 1;
    case 'm' << 8 | 's':
        add_text(c, "*21\r\n$4\r\nMSET\r\n");
        for (int i = 0; i < MSET_PAIRS; i++) {
            add_key(c, "key:", pick(l, l->keys));
            add_value(l, c);
        }
        return 1;
    case 't' << 8 | 'u':
        add_turn(l, c);
        return 4;
    case 'z' << 8 | 'i':
        add_zipf(l, c);
        return 1;
    default:
        add_text(c, "*1\r\n$4\r\nPING\r\n");
        return 1;
    }
}

/* The next batch of a connection; false: all has been sent. */
static bool next_batch(struct load *l, struct conn *c)
{
    c->n_out = c->at_out = 0;
    c->replies_left = c->ops = 0;
    c->n_asked = c->at_asked = 0;
    for (long i = 0; i < c->n_absent; i++, c->replies_left++) add_set(l, c, c->absent[i]);
    c->n_absent = 0;
    for (; c->ops < l->pipeline && l->sent < l->n; c->ops++) c->replies_left += add_op(l, c);
    return c->replies_left > 0;
}

/* --- replies ---------------------------------------------------------------------------------- */

static void one_reply(struct load *l, struct conn *c, const char *line)
{
    c->replies_left--;
    if (l->zipf == NULL || line[0] != '$') return;
    if (line[1] == '-') {
        l->misses++;
        c->absent[c->n_absent++] = c->asked[c->at_asked];
    } else {
        l->hits++;
    }
    c->at_asked++;
}

/* Take in what has come; keeps an incomplete line for the next time. */
static void consume(struct load *l, struct conn *c)
{
    size_t at = 0;

    while (at < c->n_in) {
        char *line = c->in + at, *end;
        long n;

        if (c->skip > 0) {
            size_t k = c->n_in - at < c->skip ? c->n_in - at : c->skip;
            c->skip -= k;
            at += k;
            continue;
        }
        end = memchr(line, '\n', c->n_in - at);
        if (end == NULL) break;
        at = (size_t)(end + 1 - c->in);
        if (c->parts_left > 0) c->parts_left--;
        else one_reply(l, c, line);
        if (line[0] == '-') {
            fprintf(stderr, "%.*s\n", (int)(end - line), line);
            exit(1);
        }
        if (line[0] != '$' && line[0] != '*') continue;
        n = strtol(line + 1, NULL, 10);
        if (n < 0) continue;
        if (line[0] == '$') c->skip = (size_t)n + 2;
        else c->parts_left += n;
    }
    memmove(c->in, c->in + at, c->n_in - at);
    c->n_in -= at;
}

/* --- connections ------------------------------------------------------------------------------ */

static int dial(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void flush_out(struct conn *c, int epoll)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

    while (c->at_out < c->n_out) {
        ssize_t n = send(c->fd, c->out + c->at_out, c->n_out - c->at_out, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            ev.events |= EPOLLOUT;
            break;
        }
        if (n < 0) die("send");
        c->at_out += (size_t)n;
    }
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &ev) != 0) die("epoll_ctl");
}

static void start_batch(struct conn *c, int epoll)
{
    ssize_t n = send(c->fd, c->out, c->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN) die("send");
    c->at_out = n < 0 ? 0 : (size_t)n;
    if (c->at_out < c->n_out) flush_out(c, epoll);
}

static void fill_filler(struct load *l)
{
    size_t n = (size_t)(l->size > MESSAGE_MAX ? l->size : MESSAGE_MAX);

    l->filler = malloc(n);
    if (l->filler == NULL) die("memory");
    for (size_t i = 0; i < n; i++) l->filler[i] = (char)('a' + next_random(l) % 26);
}

static struct conn *open_conns(struct load *l, int epoll)
{
    struct conn *conns = calloc((size_t)l->conns, sizeof *conns);
    size_t batch = (size_t)l->pipeline * sizeof(long);

    if (conns == NULL) die("memory");
    for (long i = 0; i < l->conns; i++) {
        struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &conns[i] };

        conns[i].fd = dial(l->port);
        conns[i].in = malloc(IN_BYTES);
        conns[i].asked = malloc(batch);
        conns[i].absent = malloc(batch);
        if (!conns[i].in || !conns[i].asked || !conns[i].absent) die("memory");
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, conns[i].fd, &ev) != 0) die("epoll_ctl");
    }
    return conns;
}

/* Returns true when the connection has nothing left to do. */
static bool serve(struct load *l, struct conn *c, uint32_t events, int epoll)
{
    ssize_t n;

    if (events & EPOLLOUT) flush_out(c, epoll);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return false;
    n = recv(c->fd, c->in + c->n_in, IN_BYTES - c->n_in, MSG_DONTWAIT);
    if (n == 0) {
        fprintf(stderr, "the server closed a connection\n");
        exit(1);
    }
    if (n < 0) {
        if (errno != EAGAIN) die("recv");
        return false;
    }
    c->n_in += (size_t)n;
    consume(l, c);
    if (c->replies_left > 0 || c->parts_left > 0 || c->skip > 0) return false;
    l->done += c->ops;
    if (!next_batch(l, c)) return true;
    start_batch(c, epoll);
    return false;
}

static void run_load(struct load *l)
{
    int epoll = epoll_create1(0);
    struct conn *conns = open_conns(l, epoll);
    struct epoll_event events[256];
    uint64_t t0 = now_us();
    long live = 0;

    for (long i = 0; i < l->conns; i++) {
        if (!next_batch(l, &conns[i])) continue;
        live++;
        start_batch(&conns[i], epoll);
    }
    while (live > 0) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (serve(l, events[i].data.ptr, events[i].events, epoll)) live--;
        }
    }
    printf("operations %ld\nseconds %.6f\n", l->done, (double)(now_us() - t0) / 1e6);
    if (l->zipf) printf("hits %ld\nmisses %ld\n", l->hits, l->misses);
}

/* --- other work ------------------------------------------------------------------------------- */

static void make_zipf(struct load *l)
{
    double sum = 0;

    l->zipf = malloc((size_t)l->keys * sizeof(double));
    if (l->zipf == NULL) die("memory");
    for (long i = 0; i < l->keys; i++) l->zipf[i] = sum += 1 / pow((double)(i + 1), 0.99);
    for (long i = 0; i < l->keys; i++) l->zipf[i] /= sum;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void run_probe(struct load *l)
{
    uint64_t end = now_us() + (uint64_t)l->seconds * 1000000, due = now_us();
    size_t cap = (size_t)(l->seconds * 1000000 / l->every) + 16, n = 0;
    uint64_t *took = malloc(cap * sizeof *took);
    struct conn c = { .fd = dial(l->port) };
    char reply[4096];

    if (took == NULL) die("memory");
    while (due < end && n < cap) {
        uint64_t t0;

        while (now_us() < due) {}
        t0 = due; /* a late request has waited since it was due */
        c.n_out = 0;
        add_text(&c, "*2\r\n$3\r\nGET\r\n");
        add_key(&c, "absent:", pick(l, l->keys));
        if (send(c.fd, c.out, c.n_out, 0) < 0 || recv(c.fd, reply, sizeof reply, 0) <= 0) die("probe");
        took[n++] = now_us() - t0;
        due += (uint64_t)l->every;
        if (due + 1000000 < now_us()) due = now_us();
    }
    qsort(took, n, sizeof *took, by_size);
    printf("requests %zu\np50_us %lu\np99_us %lu\np999_us %lu\nmax_us %lu\n", n, (unsigned long)took[n / 2],
           (unsigned long)took[n * 99 / 100], (unsigned long)took[n * 999 / 1000], (unsigned long)took[n - 1]);
}

static void run_idle(struct load *l)
{
    char byte;

    for (long i = 0; i < l->conns; i++) {
        struct conn c = { .fd = dial(l->port) };
        char reply[64];

        if (send(c.fd, "*1\r\n$4\r\nPING\r\n", 14, 0) != 14 || recv(c.fd, reply, sizeof reply, 0) <= 0) die("idle");
    }
    printf("ready\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {}
}

static void raise_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0) return;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

static void parse(struct load *l, int argc, char **argv)
{
    struct { const char *name; long *value; } options[] = {
        { "conns", &l->conns }, { "pipeline", &l->pipeline }, { "n", &l->n }, { "keys", &l->keys },
        { "size", &l->size }, { "ttl", &l->ttl }, { "px", &l->px }, { "spread", &l->spread }, { "scan", &l->scan },
        { "every", &l->every }, { "seconds", &l->seconds }, { "seed", (long *)&l->seed },
    };

    for (int i = 3; i + 1 < argc; i += 2) {
        bool known = false;

        for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
            if (strcmp(argv[i], options[k].name) != 0) continue;
            *options[k].value = strtol(argv[i + 1], NULL, 10);
            known = true;
        }
        if (!known) {
            fprintf(stderr, "load: no option %s\n", argv[i]);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    struct load l = { .conns = 50, .pipeline = 1, .n = -1, .keys = 1000000, .size = 64, .every = 200,
                      .seconds = 5, .seed = 1 };

    if (argc < 3) {
        fprintf(stderr, "usage: load PORT WORK [option value]...\n");
        return 1;
    }
    l.port = atoi(argv[1]);
    l.work = argv[2];
    parse(&l, argc, argv);
    if (l.n < 0) l.n = strcmp(l.work, "fill") == 0 ? l.keys : strcmp(l.work, "sessions") == 0 ? l.keys * SESSION_KEEPS : 1000000;
    l.rng = l.seed * 0x9E3779B97F4A7C15u + 1;
    raise_limit();
    fill_filler(&l);
    if (strcmp(l.work, "zipf") == 0) make_zipf(&l);
    if (strcmp(l.work, "probe") == 0) run_probe(&l);
    else if (strcmp(l.work, "idle") == 0) run_idle(&l);
    else run_load(&l);
    return 0;
}
