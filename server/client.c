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
    link_init(&c->in_crowd);
    link_init(&c->in_size);
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
    event_assign(&c->on_read, s->base, fd, EV_READ | EV_PERSIST, loop_on_ready, c);
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
    link_remove(&c->in_crowd);
    link_remove(&c->in_size);
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
    client_free_buffers(c);
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
    client_count_memory(c);
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
