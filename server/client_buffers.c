/* client_buffers.c -- what clients have received and what waits to be sent: see client.h.
 *
 * Replies are written into one buffer. When some of them have to wait, because the socket is full or the log behind,
 * and are not few, the buffer becomes a part of what waits, as it is, and the next replies go into another one: so a
 * client that reads slowly costs no copies, and what it has taken is given back part by part. Offsets of what waits
 * count from the first byte of the first part (of the buffer, when there is no part).
 *
 * A message to many that is not short (message.h) is a part as well, whose bytes are not the client's own; it counts in full as what
 * he has waiting. Small parts leave several together.
 *
 * Neither a flush nor a turn sends without end: a megabyte to a socket of this machine takes a third of a
 * millisecond, and everybody waits for it. */
#include "server/client.h"

#include <errno.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "server/batch.h"
#include "server/gate.h"
#include "server/lazy.h"
#include "server/loop.h"
#include "server/message.h"
#include "server/stranger.h"
#include "server/tls.h"
#include "server/transfer.h"

enum {
    SPARE_MAX = 64 * 1024,     /* what an idle connection's buffer may keep when it is given back; larger ones are freed */
    PARSER_MAX = 128,          /* arguments that an idle connection's parser keeps room for */
    PART = 32 * 1024,          /* replies that are not few */
    FREE_HERE = 4 << 20,       /* what is larger is freed by the thread that frees large values */
    FLUSH_MOST = 256 * 1024,   /* bytes of one flush */
    PARTS_MOST = 32,           /* of one send */
    TOLD_MOST = 64 * 1024,     /* messages that wait for their turn to be sent */
    RECEIVE_MOST = 128 * 1024, /* bytes of one read: some 15 us */
    RECEIVE_LESS = 16 * 1024   /* of one who sends much, while it is not one large request and there are others */
};

/* --- spare buffers ------------------------------------------------------------------------------ */

static void give_back(struct server *s, struct buf *b)
{
    if (b->cap == 0) return;
    buf_clear(b);
    if (b->cap <= SPARE_MAX && s->n_spare < (int)(sizeof s->spare / sizeof *s->spare)) {
        s->spare[s->n_spare++] = *b;
    } else if (b->cap <= FREE_HERE || s->lazy == NULL) {
        mem_free(b->p);
    } else {
        lazy_defer_bytes(s->lazy, mem_free, b->p, b->cap);
    }
    *b = (struct buf){ .may_fail = true };
}

static void take_spare(struct server *s, struct buf *b)
{
    if (b->cap == 0 && s->n_spare > 0) *b = s->spare[--s->n_spare];
    if (s->n_spare < s->n_spare_low) s->n_spare_low = s->n_spare;
}

/* Half of those that nobody took since the last call go: under load none, when idle soon all. */
void clients_trim_spare(struct server *s)
{
    for (int n = (s->n_spare_low + 1) / 2; n > 0; n--) buf_fini(&s->spare[--s->n_spare]);
    s->n_spare_low = s->n_spare;
}

void clients_drop_spare(struct server *s)
{
    while (s->n_spare > 0) buf_fini(&s->spare[--s->n_spare]);
    s->n_spare_low = 0;
}

/* --- bytes in --------------------------------------------------------------------------------------- */

void client_wants_parse(struct client *c)
{
    if (link_alone(&c->in_readable)) link_add_tail(&c->server->readable, &c->in_readable);
}

void client_used_input(struct client *c)
{
    if (c->in_at == c->in.n) {
        c->in_at = 0;
        give_back(c->server, &c->in);
        if (UNLIKELY(c->parser.cap > PARSER_MAX)) resp_fini(&c->parser);
    } else if (c->in_at > 0) {
        buf_drop(&c->in, c->in_at);
        c->in_at = 0;
    }
}

void client_fit_input(struct client *c)
{
    struct buf small = { .may_fail = true };

    if (c->in.cap < LOOP_READ || c->in.n > LOOP_READ / 8) return;
    buf_add(&small, c->in.p, c->in.n);
    if (small.failed) {
        buf_fini(&small);
        return;
    }
    explicit_bzero(c->in.p, c->in.n); /* of a password that came in it the handler wipes the one copy that it sees */
    give_back(c->server, &c->in);
    c->in = small;
}

char *client_input_room(struct client *c, size_t *n)
{
    /* A length that a client claims is not yet bytes: at most as much is taken as it has sent. */
    size_t want = c->in_want < c->in.n ? c->in_want : c->in.n, most = RECEIVE_MOST;

    if (client_is_stranger(c)) {
        want = STRANGER_READ; /* and no spare buffer: those are larger than a stranger's may become */
    } else {
        if (want < LOOP_READ) want = LOOP_READ;
        take_spare(c->server, &c->in);
    }
    if (c->in.cap - c->in.n < want && c->in_at > 0) {
        buf_drop(&c->in, c->in_at);
        c->in_at = 0;
    }
    if (c->in_want >= want) buf_grow_within(&c->in, want, c->in_want); /* of a large argument: nothing behind its end */
    if (buf_room(&c->in, want) == NULL || c->in.failed) return NULL;
    if (UNLIKELY(c->greedy_us != 0) && c->in_want < LOOP_READ && batch_has_others(c->server)) most = RECEIVE_LESS;
    *n = c->in.cap - c->in.n < most ? c->in.cap - c->in.n : most;
    return c->in.p + c->in.n;
}

/* --- bytes out -------------------------------------------------------------------------------------- */

void client_wants_write(struct client *c)
{
    if (c->flags & (CLIENT_CLOSED | CLIENT_LOADER)) return;
    if (link_alone(&c->in_writable)) link_add_tail(&c->server->writable, &c->in_writable);
    else if (UNLIKELY(c->told)) link_to_tail(&c->server->writable, &c->in_writable);
    c->told = false;
}

/* The same for a message: it may come a little later. But not so many that a turn would have sent more than was told in it. */
static void wants_telling(struct client *c)
{
    if (client_unsent(c) > TOLD_MOST) client_wants_write(c);
    if (!link_alone(&c->in_writable) || (c->flags & (CLIENT_CLOSED | CLIENT_LOADER))) return;
    link_add_tail(&c->server->told, &c->in_writable);
    c->told = true;
}

static void on_socket_writable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;

    (void)fd;
    (void)what;
    ensure(c->magic == CLIENT_MAGIC);
    event_del(c->on_write);
    c->flags &= ~(uint32_t)CLIENT_WRITE_ARMED;
    if (UNLIKELY(c->tls != NULL)) tls_writable(c->tls);
    client_wants_write(c);
}

void client_arm_write(struct client *c)
{
    if (c->flags & CLIENT_WRITE_ARMED) return;
    if (c->on_write == NULL) c->on_write = event_new(c->server->base, c->fd, EV_WRITE, on_socket_writable, c);
    event_add(c->on_write, NULL);
    c->flags |= CLIENT_WRITE_ARMED;
}

/* --- parts ---------------------------------------------------------------------------------------------- */

struct output_part {
    struct output_part *next;
    struct buf bytes;
    struct message *message; /* whose they are; NULL: its own */
};

static void add_last(struct client *c, struct buf bytes, struct message *m)
{
    struct output_part *p = mem_alloc(sizeof *p);

    *p = (struct output_part){ NULL, bytes, m };
    if (c->parts) c->last_part->next = p;
    else c->parts = p;
    c->last_part = p;
    c->n_parts++;
    c->parts_n += p->bytes.n;
    c->parts_cap += p->bytes.cap;
}

/* What is in the buffer becomes the last part. */
static void add_part(struct client *c, struct buf *b)
{
    add_last(c, *b, NULL);
    *b = (struct buf){ .may_fail = true };
}

/* What was replied has to wait: if it is not few it becomes a part. Of one whose script lets others in, a reply may be
 * half written. */
static void set_apart(struct client *c)
{
    if (c->out.n < PART || c->out.failed || (c->flags & CLIENT_BUSY)) return;
    add_part(c, &c->out);
}

void client_take_output(struct client *c, struct buf *b)
{
    if (b->n < PART || c->out.failed) {
        buf_add_str(&c->out, buf_str(b));
        buf_fini(b);
        return;
    }
    if (c->out.n > 0) add_part(c, &c->out);
    add_part(c, b);
}

static void drop_first_part(struct client *c)
{
    struct output_part *p = c->parts;

    c->parts = p->next;
    c->n_parts--;
    c->parts_n -= p->bytes.n;
    c->parts_cap -= p->bytes.cap;
    for (int i = 0; i < c->n_gates; i++) c->gates[i].end -= p->bytes.n;
    c->out_at -= p->bytes.n;
    if (p->message) message_drop(&p->message);
    else give_back(c->server, &p->bytes);
    mem_free(p);
}

static void free_parts(void *first)
{
    for (struct output_part *p = first, *next; p; p = next) {
        next = p->next;
        if (p->message) message_drop(&p->message);
        else buf_fini(&p->bytes);
        mem_free(p);
    }
}

void client_drop_output(struct client *c)
{
    struct server *s = c->server;

    if (c->parts && s->lazy) lazy_defer_bytes(s->lazy, free_parts, c->parts, c->parts_cap);
    else free_parts(c->parts);
    c->parts = c->last_part = NULL;
    c->n_parts = c->parts_n = c->parts_cap = c->out_at = 0;
    give_back(s, &c->out);
}

void client_free_buffers(struct client *c)
{
    client_drop_output(c);
    give_back(c->server, &c->in);
}

/* --- sending -------------------------------------------------------------------------------------------- */

/* Send the first bytes that wait, `most` of them, as many as lie together. *asked: how many that are. */
static ssize_t send_first(struct client *c, size_t most, size_t *asked)
{
    const struct buf *b = UNLIKELY(c->parts != NULL) ? &c->parts->bytes : &c->out;

    *asked = b->n - c->out_at < most ? b->n - c->out_at : most;
    return client_send(c, b->p + c->out_at, *asked);
}

/* The same where they lie in parts: of several together. */
static ssize_t send_parts(struct client *c, size_t most, size_t *asked)
{
    struct iovec v[PARTS_MOST];
    struct msghdr head = { .msg_iov = v };
    size_t at = c->out_at;

    *asked = 0;
    for (const struct output_part *p = c->parts; p && head.msg_iovlen < PARTS_MOST && *asked < most; p = p->next) {
        size_t n = p->bytes.n - at < most - *asked ? p->bytes.n - at : most - *asked;
        v[head.msg_iovlen++] = (struct iovec){ p->bytes.p + at, n };
        *asked += n;
        at = 0;
    }
    return socket_send_parts(c->fd, &head);
}

void client_unhold(struct client *c)
{
    c->flags &= ~(uint32_t)CLIENT_UNREAD;
    client_wants_parse(c);
}

static void sent(struct client *c, size_t n)
{
    struct server *s = c->server;

    c->out_at += n;
    c->net_out += n;
    s->stats.net_out += n;
    s->turn_sent += n;
    c->active_ms = server_mono_ms(s); /* one that was served after a long wait is not idle */
    while (UNLIKELY(c->parts != NULL) && c->out_at >= c->parts->bytes.n) drop_first_part(c);
    if (LIKELY(c->parts == NULL) && c->out_at == c->out.n) {
        c->out_at = 0;
        give_back(s, &c->out);
    }
    if (UNLIKELY(c->flags & CLIENT_UNREAD) && client_unsent(c) <= CLIENT_BIG / 2) client_unhold(c);
}

/* Send as many of the first `left` bytes as a flush may, and the socket takes. True: all of them. */
static bool send_some(struct client *c, size_t left)
{
    size_t most = FLUSH_MOST;

    while (left > 0) {
        size_t some = left < most ? left : most, asked;
        ssize_t n;

        if (UNLIKELY(some == 0)) {
            client_wants_write(c); /* in the next turn */
            return false;
        }
        if (UNLIKELY(c->n_parts > 1) && c->tls == NULL) n = send_parts(c, some, &asked);
        else n = send_first(c, some, &asked);
        c->server->stats.writes++;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            client_close(c);
            return false;
        }
        if (n > 0) sent(c, (size_t)n);
        if (n < 0 || (size_t)n < asked) {
            if (LIKELY(c->tls == NULL) || tls_waits_to_write(c->tls)) client_arm_write(c);
            return false;
        }
        left -= (size_t)n;
        most -= (size_t)n;
    }
    return true;
}

void client_flush(struct client *c)
{
    if (c->flags & (CLIENT_CLOSED | CLIENT_CLOSE_SOON | CLIENT_BUSY)) return;
    if (c->flags & CLIENT_WRITE_ARMED) {
        set_apart(c);
        return;
    }
    if (UNLIKELY(c->out.failed)) {
        client_check_output(c);
        return;
    }
    gate_replies(c);
    if (!send_some(c, gate_sendable(c) - c->out_at)) {
        if (!(c->flags & CLIENT_CLOSED)) set_apart(c);
    } else if (c->n_gates > 0) {
        set_apart(c);
        if (link_alone(&c->in_gated)) link_add_tail(&c->server->gated, &c->in_gated);
    } else if (UNLIKELY(c->transfer != NULL)) {
        transfer_sent(c);
    } else if (c->flags & CLIENT_CLOSE_AFTER) {
        client_close(c);
    }
}

/* A message that its own request causes follows the reply to that request. */
struct reply *client_push_begin(struct client *c)
{
    struct server *s = c->server;

    if (UNLIKELY(c->flags & (CLIENT_CLOSE_SOON | CLIENT_CLOSED))) return NULL;
    s->push = (struct reply){ c == s->current ? &s->late : &c->out, c->resp };
    take_spare(s, &c->out);
    return &s->push;
}

void client_push_end(struct client *c)
{
    gate_told(c, c->server->telling_change);
    wants_telling(c);
    client_check_output(c);
    if (UNLIKELY(c->flags & CLIENT_WRITE_ARMED)) client_flush(c);
}

/* What was replied becomes a part, for something that is to follow it. A buffer has room for many replies: few leave it. */
static void part_with_output(struct client *c)
{
    struct buf few = { .may_fail = true };

    if (c->out.n == 0) return;
    if (c->out.n < c->out.cap / 2) buf_add(&few, c->out.p, c->out.n);
    if (few.n == c->out.n && !few.failed) {
        add_part(c, &few);
        c->out.n = 0;
    } else {
        buf_fini(&few);
        add_part(c, &c->out);
    }
}

bool client_push_message(struct client *c, struct message *m)
{
    const struct client *current = c->server->current;
    struct str bytes = message_bytes(m);

    if (current == NULL || current == c || (c->flags & CLIENT_BUSY) || c->out.failed) return false;
    if (c->flags & (CLIENT_CLOSE_SOON | CLIENT_CLOSED)) return true;
    part_with_output(c);
    add_last(c, (struct buf){ .p = (char *)(uintptr_t)bytes.p, .n = bytes.n, .cap = bytes.n }, message_hold(m));
    client_push_end(c);
    return true;
}

void client_take_buffers(struct client *c)
{
    if (c->out.cap == 0 && !client_is_stranger(c)) take_spare(c->server, &c->out);
}
