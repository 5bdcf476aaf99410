/* transfer.c -- see transfer.h. */
#include "server/transfer.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/gate.h"

enum { CHUNK = 128 * 1024 };

struct transfer {
    struct client *client;
    struct link in_all; /* server->transfers */
    bool joined;        /* the snapshot in the making is for it, too */
    bool hungry;        /* what it was sent is out */
    int fd;             /* -1: it waits */
    uint64_t at, size;
};

#define EACH(s, l, next) \
    for (struct link *l = (s)->transfers.next, *next = l->next; l != &(s)->transfers; l = next, next = l->next)

static void put(struct client *c, const void *p, size_t n)
{
    client_take_buffers(c);
    buf_add(&c->out, p, n);
    client_wants_write(c);
}

void transfer_begin(struct client *c)
{
    struct transfer *t = mem_zalloc(sizeof *t);

    t->client = c;
    t->fd = -1;
    link_init(&t->in_all);
    link_add_tail(&c->server->transfers, &t->in_all);
    c->transfer = t;
    put(c, "\n", 1);
    client_close_after(c); /* it has nothing more to ask for */
}

void transfer_drop(struct client *c)
{
    struct transfer *t = c->transfer;

    if (t == NULL) return;
    c->transfer = NULL;
    link_remove(&t->in_all);
    if (t->fd != -1) close(t->fd);
    mem_free(t);
}

void transfer_sent(struct client *c)
{
    struct transfer *t = c->transfer;

    if (t->fd == -1) return;
    if (t->at < t->size) {
        t->hungry = true;
        return;
    }
    log_notice(c->server->log, "A snapshot of %llu bytes was sent to %s", (unsigned long long)t->size, client_peer(c));
    client_close(c);
}

/* The file becomes t's, which begins with its length. */
static void start(struct transfer *t, int fd, uint64_t size)
{
    struct client *c = t->client;

    t->fd = fd;
    t->size = size;
    client_take_buffers(c);
    buf_printf(&c->out, "$%llu\r\n", (unsigned long long)size);
    client_wants_write(c);
}

/* Told by persist: the snapshot is in fd, or could not be made. */
static void on_exported(void *ctx, int fd)
{
    struct server *s = ctx;
    struct stat st = { 0 };

    s->exporting = false;
    if (fd != -1 && fstat(fd, &st) != 0) {
        close(fd);
        fd = -1;
    }
    EACH(s, l, next) {
        struct transfer *t = LINK_OF(l, struct transfer, in_all);
        int own = t->joined && fd != -1 ? dup(fd) : -1;
        if (!t->joined) continue;
        t->joined = false;
        if (own != -1) start(t, own, (uint64_t)st.st_size);
        else client_close_soon(t->client);
    }
    if (fd != -1) close(fd);
}

/* One snapshot at a time, for all that wait by then. */
static void ask_for_snapshot(struct server *s)
{
    bool waiting = false;

    if (s->exporting) return;
    EACH(s, l, next) {
        struct transfer *t = LINK_OF(l, struct transfer, in_all);
        if (t->fd == -1) t->joined = waiting = true;
    }
    if (!waiting) return;
    s->exporting = true;
    persist_export(s->persist, on_exported, s);
}

/* The next chunk, straight into c's buffer. */
static void feed(struct transfer *t)
{
    struct client *c = t->client;
    uint64_t left = t->size - t->at;
    ssize_t n;
    char *at;

    t->hungry = false;
    client_take_buffers(c);
    at = buf_room(&c->out, CHUNK);
    n = at == NULL ? 0 : pread(t->fd, at, left < CHUNK ? (size_t)left : CHUNK, (off_t)t->at);
    if (n < 0 && errno == EINTR) {
        t->hungry = true;
        return;
    }
    if (n <= 0) {
        log_warning(c->server->log, "Reading a snapshot for a client failed: %s", n < 0 ? strerror(errno) : "it is cut short");
        client_close_soon(c);
        return;
    }
    buf_used(&c->out, (size_t)n);
    t->at += (uint64_t)n;
    gate_told(c, false);
    client_wants_write(c);
}

bool transfers_turn(struct server *s)
{
    bool fed = false;

    if (LIKELY(link_alone(&s->transfers))) return false;
    ask_for_snapshot(s);
    EACH(s, l, next) {
        struct transfer *t = LINK_OF(l, struct transfer, in_all);
        if (!t->hungry) continue;
        feed(t);
        fed = true;
    }
    return fed;
}

void transfers_tend(struct server *s)
{
    EACH(s, l, next) {
        struct transfer *t = LINK_OF(l, struct transfer, in_all);
        struct client *c = t->client;
        if (server_mono_ms(s) - c->active_ms > TRANSFER_TIMEOUT_MS) {
            log_warning(s->log, "Closing %s, which takes no more of its snapshot", client_peer(c));
            client_close_soon(c);
        } else if (t->fd == -1 && client_unsent(c) == 0) {
            put(c, "\n", 1);
        }
    }
}
