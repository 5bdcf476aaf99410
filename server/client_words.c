/* client_words.c -- a client described: CLIENT LIST's line, its addresses and names. */
#include "base/mem.h"
#include "server/acl.h"
#include "server/client.h"
#include "server/listen.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/tracking.h"

void client_set_text(char **field, struct str text)
{
    mem_free(*field);
    *field = NULL;
    if (text.n == 0) return;
    *field = mem_alloc(text.n + 1);
    memcpy(*field, text.p, text.n);
    (*field)[text.n] = '\0';
}

const char *client_peer(struct client *c)
{
    if (c->peer != NULL) return c->peer;
    if (c->flags & CLIENT_UNIX) return c->peer = listen_name(c->server, c->fd, true);
    c->peer = mem_alloc(ADDRESS_NAME_MAX);
    address_name(&c->from, c->peer);
    return c->peer;
}

const char *client_local(struct client *c)
{
    if (c->local == NULL) c->local = listen_name(c->server, c->fd, c->flags & CLIENT_UNIX);
    return c->local;
}

bool client_is_local(struct client *c)
{
    const char *peer = client_peer(c);

    return (c->flags & CLIENT_UNIX) || strncmp(peer, "127.", 4) == 0 || strncmp(peer, "[::1]", 5) == 0 ||
           strncmp(peer, "[::ffff:127.", 12) == 0;
}

static void flag_letters(const struct client *c, char *out)
{
    char *p = out;

    if (c->flags & CLIENT_MONITOR) *p++ = 'O';
    if (pubsub_count(c, 'a') > 0) *p++ = 'P';
    if (c->flags & CLIENT_MULTI) *p++ = 'x';
    if (c->flags & (CLIENT_BLOCKED | CLIENT_PAUSED)) *p++ = 'b';
    if (c->flags & CLIENT_DIRTY_CAS) *p++ = 'd';
    if (c->flags & CLIENT_CLOSE_AFTER) *p++ = 'c';
    if (c->flags & (CLIENT_CLOSED | CLIENT_CLOSE_SOON)) *p++ = 'A';
    if (c->tracking) *p++ = 't';
    if (c->tracking && (c->tracking->flags & TRACKING_BROKEN)) *p++ = 'R';
    if (c->tracking && (c->tracking->flags & TRACKING_BCAST)) *p++ = 'B';
    if (c->flags & CLIENT_UNIX) *p++ = 'U';
    if (c->flags & CLIENT_NO_EVICT) *p++ = 'e';
    if (c->flags & CLIENT_NO_TOUCH) *p++ = 'T';
    if (p == out) *p++ = 'N';
    *p = '\0';
}

void client_describe(struct client *c, struct buf *out)
{
    int64_t now = server_mono_ms(c->server);
    char flags[16];
    size_t queued = multi_queued(c), unsent = client_unsent(c);

    flag_letters(c, flags);
    buf_printf(out,
               "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s db=%d sub=%zu psub=%zu "
               "ssub=%zu multi=%lld qbuf=%zu qbuf-free=%zu argv-mem=%zu multi-mem=%zu rbs=%zu "
               "rbp=%zu obl=%zu oll=%zu omem=%zu tot-mem=%zu events=%s cmd=%s user=%.*s redir=%lld "
               "resp=%d lib-name=%s lib-ver=%s tot-net-in=%llu tot-net-out=%llu tot-cmds=%llu watch=%zu",
               (unsigned long long)c->id, client_peer(c), client_local(c), c->fd, c->name ? c->name : "",
               (long long)((now - c->created_ms) / 1000), (long long)((now - c->active_ms) / 1000), flags,
               c->db, pubsub_count(c, 'c'), pubsub_count(c, 'p'), pubsub_count(c, 's'),
               c->flags & CLIENT_MULTI ? (long long)queued : -1LL, c->in.n,
               c->in.cap - c->in.n, (size_t)0, multi_bytes(c), c->out.cap, c->out.n,
               c->parts ? c->out.n : unsent, c->n_parts, unsent ? client_output_memory(c) : 0, client_memory(c), c->flags & CLIENT_WRITE_ARMED ? "rw" : "r",
               c->last_cmd ? c->last_cmd->full_name : "NULL",
               (int)c->user->name.n, c->user->name.p, c->tracking ? (long long)c->tracking->redirect : -1LL, c->resp, c->lib_name ? c->lib_name : "",
               c->lib_ver ? c->lib_ver : "", (unsigned long long)c->net_in,
               (unsigned long long)c->net_out, (unsigned long long)c->n_commands,
               multi_watched(c));
}
