/* acl_log.c -- what was refused: see acl.h. Refusals of the same thing within a minute are one entry. */
#include "base/mem.h"
#include "server/acl.h"

enum { GROUP_MS = 60000, LOOK_BACK = 10 };

struct acl_entry {
    struct link in_log;
    uint64_t id, count;
    enum acl_verdict reason;
    const char *context;
    struct buf user, object, client;
    int64_t created_ms, updated_ms;
};

static void free_entry(struct acl *a, struct acl_entry *e)
{
    link_remove(&e->in_log);
    a->n_log--;
    buf_fini(&e->user);
    buf_fini(&e->object);
    buf_fini(&e->client);
    mem_free(e);
}

void acl_log_trim(struct acl *a, size_t max)
{
    while (a->n_log > max) free_entry(a, LINK_OF(a->log.prev, struct acl_entry, in_log));
}

void acl_log_reset(struct acl *a)
{
    acl_log_trim(a, 0);
}

static void count(struct acl *a, enum acl_verdict reason)
{
    a->denied_commands += reason == ACL_NO_COMMAND;
    a->denied_keys += reason == ACL_NO_KEY;
    a->denied_channels += reason == ACL_NO_CHANNEL;
    a->denied_auth += reason == ACL_NO_AUTH;
}

static struct acl_entry *find_like(struct acl *a, enum acl_verdict reason, const char *context, struct str user,
                                   struct str object, int64_t now)
{
    int looked = 0;

    LINK_EACH(&a->log, l) {
        struct acl_entry *e = LINK_OF(l, struct acl_entry, in_log);
        if (looked++ == LOOK_BACK) return NULL;
        if (e->reason == reason && strcmp(e->context, context) == 0 && now - e->updated_ms <= GROUP_MS &&
            e->updated_ms - now <= GROUP_MS && str_eq(buf_str(&e->user), user) &&
            str_eq(buf_str(&e->object), object)) {
            return e;
        }
    }
    return NULL;
}

void acl_log_add(struct client *c, enum acl_verdict reason, const char *context, struct str user, struct str object)
{
    struct acl *a = c->server->acl;
    struct client *real = c->server->current ? c->server->current : c;
    int64_t now = server_now_ms(c->server);
    struct acl_entry *e = find_like(a, reason, context, user, object, now);

    count(a, reason);
    if (e == NULL) {
        e = mem_zalloc(sizeof *e);
        e->id = a->next_log_id++;
        e->reason = reason;
        e->context = context;
        e->created_ms = now;
        buf_add_str(&e->user, user);
        buf_add_str(&e->object, object);
        link_init(&e->in_log);
        a->n_log++;
    }
    link_remove(&e->in_log);
    link_add_tail(a->log.next, &e->in_log); /* before the first */
    e->count++;
    e->updated_ms = now;
    buf_clear(&e->client);
    client_describe(real, &e->client);
    acl_log_trim(a, (size_t)c->server->conf->acllog_max_len);
}

static void reply_entry(struct reply *out, const struct acl_entry *e, int64_t now)
{
    static const char *const reasons[] = { "", "command", "key", "channel", "auth", "tls-cert" };

    reply_map(out, 10);
    reply_bulk_c(out, "count");
    reply_int(out, (int64_t)e->count);
    reply_bulk_c(out, "reason");
    reply_bulk_c(out, reasons[e->reason]);
    reply_bulk_c(out, "context");
    reply_bulk_c(out, e->context);
    reply_bulk_c(out, "object");
    reply_bulk(out, buf_str(&e->object));
    reply_bulk_c(out, "username");
    reply_bulk(out, buf_str(&e->user));
    reply_bulk_c(out, "age-seconds");
    reply_double(out, (double)(now - e->updated_ms) / 1000);
    reply_bulk_c(out, "client-info");
    reply_bulk(out, buf_str(&e->client));
    reply_bulk_c(out, "entry-id");
    reply_int(out, (int64_t)e->id);
    reply_bulk_c(out, "timestamp-created");
    reply_int(out, e->created_ms);
    reply_bulk_c(out, "timestamp-last-updated");
    reply_int(out, e->updated_ms);
}

void acl_log_reply(struct call *c, size_t n)
{
    struct server *s = c->client->server;

    if (n > s->acl->n_log) n = s->acl->n_log;
    reply_array(c->out, n);
    LINK_EACH(&s->acl->log, l) {
        if (n-- == 0) break;
        reply_entry(c->out, LINK_OF(l, struct acl_entry, in_log), server_now_ms(s));
    }
}
