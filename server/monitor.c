/* monitor.c -- see monitor.h. */
#include "server/monitor.h"

#include "server/secret.h"
#include "server/times.h"

void monitor_start(struct client *c)
{
    if (c->flags & CLIENT_MONITOR) return;
    c->flags |= CLIENT_MONITOR;
    link_add_tail(&c->server->monitors, &c->in_monitors);
    c->server->n_monitors++;
}

void monitor_stop(struct client *c)
{
    if (!(c->flags & CLIENT_MONITOR)) return;
    c->flags &= ~(uint32_t)CLIENT_MONITOR;
    link_remove(&c->in_monitors);
    c->server->n_monitors--;
}

/* "text" with what is not printable escaped, as redis-cli prints it. */
static void add_quoted(struct buf *b, struct str s)
{
    buf_add_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        switch (ch) {
        case '\\': case '"': buf_printf(b, "\\%c", ch); break;
        case '\n': buf_add_c(b, "\\n"); break;
        case '\r': buf_add_c(b, "\\r"); break;
        case '\t': buf_add_c(b, "\\t"); break;
        case '\a': buf_add_c(b, "\\a"); break;
        case '\b': buf_add_c(b, "\\b"); break;
        default:
            if (ch >= ' ' && ch < 127) buf_add_char(b, (char)ch);
            else buf_printf(b, "\\x%02x", ch);
        }
    }
    buf_add_char(b, '"');
}

void monitor_feed(struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    struct server *s = c->server;
    int64_t us = times_wall_us(s);
    struct buf line = { 0 };

    if (cmd->flags & (CMD_SKIP_MONITOR | CMD_ADMIN)) return;
    if (c->flags & CLIENT_LOADER) return;
    buf_printf(&line, "%lld.%06lld [%d %s%s]", (long long)(us / 1000000), (long long)(us % 1000000), c->db,
               c->flags & CLIENT_UNIX ? "unix:" : "",
               c->flags & CLIENT_UNIX ? s->conf->unixsocket : client_peer(c));
    for (size_t i = 0; i < argc; i++) {
        buf_add_char(&line, ' ');
        add_quoted(&line, secret_argument(cmd, argc, argv, i) ? STR("(redacted)") : argv[i]);
    }
    buf_add(&line, "", 1);
    LINK_EACH(&s->monitors, l) {
        struct client *m = LINK_OF(l, struct client, in_monitors);
        struct reply *r = client_push_begin(m);
        if (r == NULL) continue;
        reply_simple(r, line.p);
        client_push_end(m);
    }
    buf_fini(&line);
}

void monitor_feed_first(const struct call *c)
{
    struct command shown = *c->cmd;

    if (LIKELY(c->client->server->n_monitors == 0)) return;
    shown.flags &= ~(uint32_t)CMD_SKIP_MONITOR;
    monitor_feed(c->client, &shown, c->argc, c->argv);
}
