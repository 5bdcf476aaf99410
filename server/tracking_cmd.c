/* tracking_cmd.c -- CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO. */
#include "server/tracking.h"

/* What CLIENT TRACKING asks for. */
struct wish {
    unsigned flags;
    int64_t redirect;
    struct str *prefixes; /* in the arena */
    size_t n;
};

static enum err parse_redirect(struct call *c, size_t i, struct wish *w)
{
    enum err e;

    if (w->redirect != 0) return ERR_TRACKING_ONE_REDIRECT;
    e = call_i64(c, i, &w->redirect);
    if (e != OK) return e;
    return client_by_id(c->client->server, (uint64_t)w->redirect) ? OK : ERR_TRACKING_NO_CLIENT;
}

static enum err parse_wish(struct call *c, struct wish *w)
{
    enum err e = OK;

    w->prefixes = call_new(c, struct str, c->argc);
    for (size_t i = 3; i < c->argc && e == OK; i++) {
        bool more = i + 1 < c->argc;
        if (call_is(c, i, "redirect") && more) e = parse_redirect(c, ++i, w);
        else if (call_is(c, i, "bcast")) w->flags |= TRACKING_BCAST;
        else if (call_is(c, i, "optin")) w->flags |= TRACKING_OPTIN;
        else if (call_is(c, i, "optout")) w->flags |= TRACKING_OPTOUT;
        else if (call_is(c, i, "noloop")) w->flags |= TRACKING_NOLOOP;
        else if (call_is(c, i, "prefix") && more) w->prefixes[w->n++] = call_arg(c, ++i);
        else return ERR_SYNTAX;
    }
    return e;
}

/* Do the options fit each other, and what is on already? */
static enum err check_wish(const struct wish *w, const struct tracking *now)
{
    unsigned opt = w->flags & (TRACKING_OPTIN | TRACKING_OPTOUT);

    if (!(w->flags & TRACKING_BCAST) && w->n > 0) return ERR_TRACKING_PREFIX;
    if (now && ((now->flags ^ w->flags) & TRACKING_BCAST)) return ERR_TRACKING_BCAST_SWITCH;
    if ((w->flags & TRACKING_BCAST) && opt) return ERR_TRACKING_BCAST_OPT;
    if (opt == (TRACKING_OPTIN | TRACKING_OPTOUT)) return ERR_TRACKING_OPT_BOTH;
    if (now && opt && (now->flags & (TRACKING_OPTIN | TRACKING_OPTOUT) & ~opt)) return ERR_TRACKING_OPT_SWITCH;
    return OK;
}

static bool overlap(struct str a, struct str b)
{
    return a.n < b.n ? str_starts(b, a) : str_starts(a, b);
}

/* Each key is told at most once: no prefix may lie within another. */
static enum err check_prefixes(struct call *c, const struct wish *w, const struct tracking *now)
{
    for (size_t i = 0; i < w->n; i++) {
        struct str p = w->prefixes[i];
        if (now) {
            LINK_EACH(&now->prefixes, l) {
                struct str there = LINK_OF(l, struct follower, of_client)->prefix->name;
                if (!overlap(p, there)) continue;
                reply_errorf(c->out, "ERR Prefix '%.*s' overlaps with an existing prefix '%.*s'. Prefixes for a "
                             "single client must not overlap.", (int)p.n, p.p, (int)there.n, there.p);
                return CALL_REPLIED_ERROR;
            }
        }
        for (size_t j = i + 1; j < w->n; j++) {
            struct str other = w->prefixes[j];
            if (!overlap(p, other)) continue;
            reply_errorf(c->out, "ERR Prefix '%.*s' overlaps with another provided prefix '%.*s'. Prefixes for a "
                         "single client must not overlap.", (int)p.n, p.p, (int)other.n, other.p);
            return CALL_REPLIED_ERROR;
        }
    }
    return OK;
}

enum err run_tracking(struct call *c)
{
    struct tracking *now = c->client->tracking;
    struct wish w = { 0 };
    enum err e = parse_wish(c, &w);

    if (e != OK) return e;
    if (call_is(c, 2, "on")) {
        e = check_wish(&w, now);
        if (e == OK && (w.flags & TRACKING_BCAST)) e = check_prefixes(c, &w, now);
        if (e != OK) return e;
        tracking_start(c->client, w.flags, (uint64_t)w.redirect, w.prefixes, w.n);
    } else if (call_is(c, 2, "off")) {
        tracking_stop(c->client);
    } else {
        return ERR_SYNTAX;
    }
    reply_ok(c->out);
    return OK;
}

enum err run_caching(struct call *c)
{
    struct tracking *t = c->client->tracking;

    if (t == NULL) return ERR_CACHING_ALONE;
    if (call_is(c, 2, "yes")) {
        if (!(t->flags & TRACKING_OPTIN)) return ERR_CACHING_YES;
    } else if (call_is(c, 2, "no")) {
        if (!(t->flags & TRACKING_OPTOUT)) return ERR_CACHING_NO;
    } else {
        return ERR_SYNTAX;
    }
    t->flags |= TRACKING_CACHING;
    reply_ok(c->out);
    return OK;
}

static int64_t redirect_of(const struct client *c)
{
    return c->tracking ? (int64_t)c->tracking->redirect : -1;
}

enum err run_getredir(struct call *c)
{
    reply_int(c->out, redirect_of(c->client));
    return OK;
}

enum err run_trackinginfo(struct call *c)
{
    const struct tracking *t = c->client->tracking;
    unsigned flags = t ? t->flags : 0;
    const char *words[8];
    size_t n = 0, mark;

    words[n++] = t ? "on" : "off";
    if (flags & TRACKING_BCAST) words[n++] = "bcast";
    if (flags & TRACKING_OPTIN) words[n++] = "optin";
    if (flags & TRACKING_OPTOUT) words[n++] = "optout";
    if (flags & TRACKING_CACHING) words[n++] = flags & TRACKING_OPTIN ? "caching-yes" : "caching-no";
    if (flags & TRACKING_NOLOOP) words[n++] = "noloop";
    if (flags & TRACKING_BROKEN) words[n++] = "broken_redirect";
    reply_map(c->out, 3);
    reply_bulk_c(c->out, "flags");
    reply_set(c->out, n);
    for (size_t i = 0; i < n; i++) reply_bulk_c(c->out, words[i]);
    reply_bulk_c(c->out, "redirect");
    reply_int(c->out, redirect_of(c->client));
    reply_bulk_c(c->out, "prefixes");
    mark = reply_mark(c->out);
    n = 0;
    if (t) {
        LINK_EACH(&t->prefixes, l) {
            reply_bulk(c->out, LINK_OF(l, struct follower, of_client)->prefix->name);
            n++;
        }
    }
    reply_array_at(c->out, mark, n);
    return OK;
}
