/* client.c -- see client.h. */
#include "server/client.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "server/acl.h"
#include "server/batch.h"
#include "server/block.h"
#include "server/gate.h"
#include "server/listen.h"
#include "server/loop.h"
#include "server/monitor.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/secret.h"
#include "server/stranger.h"
#include "server/tls.h"
#include "server/tracking.h"
#include "server/transfer.h"

/* What an idle connection's buffer may keep when it is given back; larger ones are freed. */
enum { SPARE_MAX = 64 * 1024 };

/* Arguments that an idle connection's parser keeps room for. */
enum { PARSER_MAX = 128 };

/* --- spare buffers ------------------------------------------------------------------------------ */

static void give_back(struct server *s, struct buf *b)
{
    if (b->cap == 0) return;
    buf_clear(b);
    if (b->cap <= SPARE_MAX && s->n_spare < (int)(sizeof s->spare / sizeof *s->spare)) {
        s->spare[s->n_spare++] = *b;
        *b = (struct buf){ .may_fail = true };
    } else {
        buf_fini(b);
    }
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

/* --- requests kept for later ---------------------------------------------------------------------- */

struct request *request_keep(struct command_ref *ref, size_t argc, const struct str *argv)
{
    size_t bytes = sizeof(struct request) + argc * sizeof(struct str);
    struct request *r;
    char *at;

    for (size_t i = 0; i < argc; i++) bytes += argv[i].n;
    r = mem_alloc(bytes);
    *r = (struct request){ .ref = ref, .argc = argc, .argv = (struct str *)(r + 1), .bytes = bytes };
    at = (char *)(r->argv + argc);
    for (size_t i = 0; i < argc; i++) {
        if (argv[i].n > 0) memcpy(at, argv[i].p, argv[i].n);
        r->argv[i] = str_of(at, argv[i].n);
        at += argv[i].n;
    }
    return r;
}

void request_free(struct request *r)
{
    secret_wipe(r->ref->cmd, r->argc, r->argv);
    mem_free(r);
}

/* --- life ----------------------------------------------------------------------------------------- */

static struct client *new_client(struct server *s, int fd, uint32_t flags)
{
    struct client *c = mem_zalloc(sizeof *c);

    c->magic = CLIENT_MAGIC;
    c->flags = flags;
    c->fd = fd;
    c->resp = 2;
    c->server = s;
    c->id = ++s->next_client_id;
    c->in.may_fail = c->out.may_fail = true; /* their size is up to the other side */
    c->created_ms = c->active_ms = server_mono_ms(s);
    link_init(&c->all);
    link_init(&c->in_readable);
    link_init(&c->in_writable);
    link_init(&c->in_doomed);
    link_init(&c->in_gated);
    link_init(&c->in_paused);
    link_init(&c->in_monitors);
    link_init(&c->in_strangers);
    return c;
}

static struct str id_key(const uint64_t *id)
{
    return str_of(id, sizeof *id);
}

struct client *client_new(struct server *s, int fd, const struct address *from, bool is_unix)
{
    struct client *c = new_client(s, fd, is_unix ? CLIENT_UNIX : 0);
    struct entry *e = entry_new_ptr(VALUE_STRING, ENC_BLOB, id_key(&c->id), -1);

    c->from = *from;
    acl_start(c);
    entry_set_ptr(e, c);
    table_insert(&s->by_id, table_hash(&s->by_id, id_key(&c->id)), e);
    link_add_tail(&s->clients, &c->all);
    s->n_clients++;
    if (s->n_clients > s->stats.peak_clients) s->stats.peak_clients = s->n_clients;
    event_assign(&c->on_read, s->base, fd, EV_READ | EV_PERSIST, loop_on_readable, c);
    event_add(&c->on_read, NULL);
    client_count_memory(c);
    return c;
}

struct client *client_new_loader(struct server *s)
{
    struct client *c = new_client(s, -1, CLIENT_LOADER);

    acl_start(c);
    c->authenticated = true;
    return c;
}

struct client *client_new_script(struct server *s)
{
    struct client *c = new_client(s, -1, CLIENT_SCRIPT);

    client_set_text(&c->peer, STR("lua"));
    return c;
}

struct client *client_by_id(struct server *s, uint64_t id)
{
    struct table_ref r = table_find(&s->by_id, table_hash(&s->by_id, id_key(&id)), id_key(&id));

    return r.e ? entry_ptr(r.e) : NULL;
}

void client_close(struct client *c)
{
    struct server *s = c->server;

    if (c->flags & (CLIENT_CLOSED | CLIENT_LOADER)) return;
    c->flags |= CLIENT_CLOSED;
    if (c->blocked) block_end(c);
    batch_unpause(c);
    multi_discard(c);
    pubsub_drop(c);
    monitor_stop(c);
    tracking_stop(c);
    transfer_drop(c);
    stranger_end(c);
    user_limit_leave(c);
    event_del(&c->on_read);
    if (c->on_write) event_free(c->on_write);
    c->on_write = NULL;
    tls_close(&c->tls);
    close(c->fd);
    link_remove(&c->in_readable);
    link_remove(&c->in_writable);
    link_remove(&c->in_gated);
    link_remove(&c->all);
    link_remove(&c->in_doomed);
    link_add_tail(&s->doomed, &c->in_doomed);
    s->n_clients--;
    s->client_memory -= c->memory;
    c->memory = 0;
    listen_resume(s);
}

void client_close_soon(struct client *c)
{
    if (c->flags & (CLIENT_CLOSED | CLIENT_CLOSE_SOON | CLIENT_LOADER)) return;
    c->flags |= CLIENT_CLOSE_SOON;
    link_add_tail(&c->server->closing, &c->in_doomed);
}

void clients_close_due(struct server *s)
{
    while (UNLIKELY(!link_alone(&s->closing))) client_close(LINK_OF(s->closing.next, struct client, in_doomed));
}

void client_close_after(struct client *c)
{
    c->flags |= CLIENT_CLOSE_AFTER;
    client_wants_write(c);
}

static void free_client(struct client *c)
{
    struct server *s = c->server;

    give_back(s, &c->in);
    give_back(s, &c->out);
    resp_fini(&c->parser);
    mem_free(c->name);
    mem_free(c->lib_name);
    mem_free(c->lib_ver);
    mem_free(c->peer);
    mem_free(c->local);
    c->magic = 0;
    mem_free(c);
}

void client_free_loader(struct server *s)
{
    if (s->loader == NULL) return;
    multi_discard(s->loader);
    free_client(s->loader);
    s->loader = NULL;
}

void client_free_script(struct client **c)
{
    free_client(*c);
    *c = NULL;
}

void clients_reap(struct server *s)
{
    while (!link_alone(&s->doomed)) {
        struct client *c = LINK_OF(s->doomed.next, struct client, in_doomed);
        struct table_ref r = table_find(&s->by_id, table_hash(&s->by_id, id_key(&c->id)), id_key(&c->id));
        if (r.e) entry_free(table_remove(&s->by_id, &r));
        link_remove(&c->in_doomed);
        free_client(c);
    }
}

void client_reset(struct client *c)
{
    multi_discard(c);
    pubsub_drop(c);
    monitor_stop(c);
    tracking_stop(c);
    c->flags &= ~(uint32_t)(CLIENT_NO_EVICT | CLIENT_NO_TOUCH | CLIENT_REPLY_OFF |
                            CLIENT_REPLY_SKIP_NEXT | CLIENT_REPLY_SKIP);
    c->db = 0;
    c->resp = 2;
    client_set_text(&c->name, str_of(NULL, 0));
    acl_start(c);
}

bool client_needs_auth(const struct client *c)
{
    const struct acl_user *u = c->server->acl->default_user;

    return !c->authenticated && !(u->enabled && u->nopass);
}

struct db *client_db(const struct client *c)
{
    return c->server->store->dbs[c->db];
}

/* --- bytes in --------------------------------------------------------------------------------------- */

void client_wants_parse(struct client *c)
{
    if (link_alone(&c->in_readable)) link_add_tail(&c->server->readable, &c->in_readable);
}

/* --- bytes out -------------------------------------------------------------------------------------- */

void client_wants_write(struct client *c)
{
    if (c->flags & (CLIENT_CLOSED | CLIENT_LOADER)) return;
    if (link_alone(&c->in_writable)) link_add_tail(&c->server->writable, &c->in_writable);
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

static void sent(struct client *c, size_t n)
{
    c->out_at += n;
    c->net_out += n;
    c->server->stats.net_out += n;
    c->active_ms = server_mono_ms(c->server); /* one that was served after a long wait is not idle */
    if (c->out_at == c->out.n) {
        c->out_at = 0;
        give_back(c->server, &c->out);
    } else if (c->out_at > 64 * 1024 && c->out_at > c->out.n / 2) {
        for (int i = 0; i < c->n_gates; i++) c->gates[i].end -= c->out_at;
        buf_drop(&c->out, c->out_at);
        c->out_at = 0;
    }
}

void client_flush(struct client *c)
{
    size_t left;

    if (c->flags & (CLIENT_WRITE_ARMED | CLIENT_CLOSED | CLIENT_CLOSE_SOON)) return;
    if (UNLIKELY(c->out.failed)) {
        client_check_output(c);
        return;
    }
    gate_replies(c);
    left = gate_sendable(c) - c->out_at;
    while (left > 0) {
        ssize_t n = client_send(c, c->out.p + c->out_at, left);

        c->server->stats.writes++;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            client_close(c);
            return;
        }
        if (n > 0) sent(c, (size_t)n);
        if (n < 0 || (size_t)n < left) {
            if (LIKELY(c->tls == NULL) || tls_waits_to_write(c->tls)) client_arm_write(c);
            return;
        }
        left -= (size_t)n;
    }
    if (c->n_gates > 0) {
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
    client_wants_write(c);
    client_check_output(c);
}

void client_take_buffers(struct client *c)
{
    if (c->out.cap == 0 && !client_is_stranger(c)) take_spare(c->server, &c->out);
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
    size_t want = c->in_want < c->in.n ? c->in_want : c->in.n;

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
    *n = c->in.cap - c->in.n;
    return c->in.p + c->in.n;
}
