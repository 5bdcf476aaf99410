/* user_limit.c -- see user_limit.h. */
#include "server/user_limit.h"

#include <stdio.h>

#include "base/num.h"
#include "server/acl.h"

enum { WORDS = 3 }; /* of one limit: name, requests, connections */

void user_limits_apply(struct server *s)
{
    s->user_limits.version++;
    s->user_limits.any = s->conf->user_limits.n > 0;
}

/* The user's own line, or that of "*". */
static void look_up(const struct server *s, struct acl_user *u)
{
    const struct conf_list *l = &s->conf->user_limits;
    struct user_load *load = &u->load;
    bool own = false;

    if (LIKELY(load->looked == s->user_limits.version)) return;
    load->looked = s->user_limits.version;
    load->requests_max = load->connections_max = 0;
    for (size_t i = 0; i + WORDS <= l->n && !own; i += WORDS) {
        own = str_eq(str_c(l->items[i]), u->name);
        if (!own && strcmp(l->items[i], "*") != 0) continue;
        num_parse_u64(str_c(l->items[i + 1]), &load->requests_max);
        num_parse_u64(str_c(l->items[i + 2]), &load->connections_max);
    }
}

const char *user_limit_refusal(struct client *c, char *room)
{
    struct server *s = c->server;
    struct user_load *load = &c->user->load;
    int64_t second = s->now_us / 1000000;

    look_up(s, c->user);
    if (load->requests_max == 0) return NULL;
    if (load->second != second) {
        load->second = second;
        load->requests = 0;
    }
    if (load->requests++ < load->requests_max) return NULL;
    s->user_limits.refused_requests++;
    snprintf(room, 256, "LIMIT This user may make %llu requests a second. Try again in the next.",
             (unsigned long long)load->requests_max);
    return room;
}

bool user_limit_may_connect(struct client *c, struct acl_user *u)
{
    struct server *s = c->server;

    if (LIKELY(!s->user_limits.any) || (c->counted && c->user == u)) return true;
    look_up(s, u);
    if (u->load.connections_max == 0 || u->load.connections < u->load.connections_max) return true;
    s->user_limits.refused_connections++;
    return false;
}

void user_limit_enter(struct client *c)
{
    if (c->fd < 0 || c->counted) return;
    c->counted = true;
    c->user->load.connections++;
}

void user_limit_leave(struct client *c)
{
    if (!c->counted) return;
    c->counted = false;
    c->user->load.connections--;
}

void user_limits_info(const struct server *s, struct buf *b)
{
    buf_printf(b, "user_limit_refused_requests:%llu\r\nuser_limit_refused_connections:%llu\r\n",
               (unsigned long long)s->user_limits.refused_requests,
               (unsigned long long)s->user_limits.refused_connections);
}
