/* acl_log.c -- ACL LOG: what was refused, newest first. Like refusals within a minute are one entry. */
#include "base/mem.h"
#include "server/acl_impl.h"

enum { SAME_WITHIN_MS = 60000, LOOK_BACK = 10 };

struct acl_entry {
    struct link in_log;
    int64_t count, id, created_ms, updated_ms;
    enum acl_verdict verdict;
    enum acl_context in;
    struct buf object, user, client;
};

static void drop(struct acl *a, struct acl_entry *e)
{
    link_remove(&e->in_log);
    buf_fini(&e->object);
    buf_fini(&e->user);
    buf_fini(&e->client);
    mem_free(e);
    a->n_log--;
}

void acl_log_reset(struct acl *a)
{
    while (!link_alone(&a->log)) drop(a, LINK_OF(a->log.next, struct acl_entry, in_log));
}

static void count(struct server_stats *st, enum acl_verdict v)
{
    if (v == ACL_NO_AUTH) st->wrong_passwords++;
    else st->acl_refused[v]++;
}

static struct acl_entry *find_like(struct acl *a, enum acl_verdict v, enum acl_context in, struct str object,
                                   struct str name, int64_t now)
{
    int left = LOOK_BACK;

    LINK_EACH(&a->log, l) {
        struct acl_entry *e = LINK_OF(l, struct acl_entry, in_log);
        int64_t apart = now > e->updated_ms ? now - e->updated_ms : e->updated_ms - now;
        if (left-- == 0) break;
        if (e->verdict == v && e->in == in && apart <= SAME_WITHIN_MS && str_eq(buf_str(&e->object), object) &&
            str_eq(buf_str(&e->user), name)) {
            return e;
        }
    }
    return NULL;
}

void acl_log_add(struct client *c, enum acl_verdict v, enum acl_context in, struct str object, struct str name)
{
    struct server *s = c->server;
    struct acl *a = s->acl;
    int64_t now = server_now_ms(s);
    struct acl_entry *e = find_like(a, v, in, object, name, now);

    count(&s->stats, v);
    if (e) {
        link_remove(&e->in_log);
    } else {
        e = mem_zalloc(sizeof *e);
        link_init(&e->in_log);
        e->verdict = v;
        e->in = in;
        e->id = a->next_entry++;
        e->created_ms = now;
        buf_add_str(&e->object, object);
        buf_add_str(&e->user, name);
        a->n_log++;
    }
    link_add_tail(a->log.next, &e->in_log);
    e->count++;
    e->updated_ms = now;
    buf_clear(&e->client);
    client_describe(s->current && s->current->fd >= 0 ? s->current : c, &e->client);
    while (a->n_log > (size_t)s->conf->acllog_max_len) drop(a, LINK_OF(a->log.prev, struct acl_entry, in_log));
}

static void reply_entry(struct reply *r, const struct acl_entry *e, int64_t now)
{
    static const char *const verdicts[] = { "", "command", "key", "channel", "auth" };
    static const char *const contexts[] = { "toplevel", "multi", "lua" };

    reply_map(r, 10);
    reply_bulk_c(r, "count");
    reply_int(r, e->count);
    reply_bulk_c(r, "reason");
    reply_bulk_c(r, verdicts[e->verdict]);
    reply_bulk_c(r, "context");
    reply_bulk_c(r, contexts[e->in]);
    reply_bulk_c(r, "object");
    reply_bulk(r, buf_str(&e->object));
    reply_bulk_c(r, "username");
    reply_bulk(r, buf_str(&e->user));
    reply_bulk_c(r, "age-seconds");
    reply_double(r, (double)(now - e->updated_ms) / 1000);
    reply_bulk_c(r, "client-info");
    reply_bulk(r, buf_str(&e->client));
    reply_bulk_c(r, "entry-id");
    reply_int(r, e->id);
    reply_bulk_c(r, "timestamp-created");
    reply_int(r, e->created_ms);
    reply_bulk_c(r, "timestamp-last-updated");
    reply_int(r, e->updated_ms);
}

void acl_log_reply(struct acl *a, struct call *c, size_t max)
{
    size_t left = max < a->n_log ? max : a->n_log;

    reply_array(c->out, left);
    LINK_EACH(&a->log, l) {
        if (left-- == 0) break;
        reply_entry(c->out, LINK_OF(l, struct acl_entry, in_log), server_now_ms(a->server));
    }
}
