/* namespace_quota.c -- may a write run? Quotas of namespaces: maxkeys, maxmemory, maxvalue.
 *
 * A command is judged before it runs, by what it brings: keys that are not there yet, and the bytes of its arguments
 * (of COPY and RENAME: the source's). What it makes of other keys' values (SUNIONSTORE, BITOP) is not known then: it
 * may exceed a quota once, and the next one is refused. A write that replaces a value counts for what it adds.
 *
 * A namespace with a policy gives up keys of its own first, for a little time; when that does not suffice but
 * helped, the command runs: the ones that follow go on evicting. */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "server/namespace_impl.h"

enum { BUDGET_US = 500, KEY_OVERHEAD = 16 };

struct request_keys {
    struct client *client;
    const struct command *cmd;
    size_t argc;
    const struct str *argv;
    struct key_ref *refs;
    long n;
};

/* One key that the request writes. */
struct write {
    struct str key;
    const struct entry *e; /* NULL: it is not there */
    struct namespace *ns;
    bool replaces;         /* what it holds */
    bool stays;            /* RENAME within the namespace brings it nothing */
    uint64_t bytes;        /* of what is for it */
};

static bool brings(const struct command *cmd, uint16_t flags)
{
    if (flags & (KEY_RO | KEY_RM | KEY_NOT_KEY)) return false;
    if (flags & (KEY_OW | KEY_INSERT)) return true;
    return (cmd->flags & CMD_DENYOOM) && (flags & KEY_UPDATE);
}

/* SET and GETSET read what they replace, so that their keys are no KEY_OW. */
static bool replaces(const struct command *cmd, uint16_t flags)
{
    return (flags & KEY_OW) || strcmp(cmd->name, "set") == 0 || strcmp(cmd->name, "getset") == 0;
}

/* SETRANGE and SETBIT make a value as long as their offset says. */
static uint64_t reach(const struct request_keys *r)
{
    bool bits = strcmp(r->cmd->name, "setbit") == 0;
    int64_t at;

    if (!bits && strcmp(r->cmd->name, "setrange") != 0) return 0;
    if (r->argc < 4 || !num_parse_i64(r->argv[2], &at) || at < 0) return 0;
    return bits ? (uint64_t)at / 8 + 1 : (uint64_t)at + r->argv[3].n;
}

/* Of the arguments from `from` to `to`: all together, or of a string that is set the longest, the others being
 * options. */
static uint64_t bytes_of(const struct request_keys *r, bool replaced, size_t from, size_t to)
{
    bool one = r->cmd->group == GROUP_STRING && replaced;
    uint64_t n = 0;

    for (size_t i = from; i < to; i++) {
        if (!one) n += r->argv[i].n;
        else if (r->argv[i].n > n) n = r->argv[i].n;
    }
    return n;
}

static const char *refuse(struct namespace *ns, char *room, const char *what, uint64_t limit, const char *advice)
{
    ns->stats.refused++;
    snprintf(room, 256, "OOM namespace %.100s: %s %llu %s", ns->pattern, what, (unsigned long long)limit, advice);
    return room;
}

static bool evicts(const struct ns_rules *r)
{
    return r->has_policy && r->policy != EVICT_NONE;
}

/* Is there room for what the command brings, or can it be made? */
static const char *judge(struct server *s, struct namespace *ns, const struct demand *d, char *room)
{
    const struct ns_rules *r = &ns->rules;
    const struct ns_stats *st = &ns->stats;
    bool keys = r->maxkeys > 0 && st->keys + d->keys > r->maxkeys;
    bool bytes = r->maxmemory > 0 && st->bytes + d->bytes > r->maxmemory;
    bool hopeless = (r->maxkeys > 0 && d->keys > r->maxkeys) || (r->maxmemory > 0 && d->bytes > r->maxmemory);
    uint64_t evicted = st->evicted;

    if (LIKELY(!keys && !bytes)) return NULL;
    if (evicts(r) && !hopeless) {
        if (ns_make_room(s->store, ns, d->keys, d->bytes, BUDGET_US) || st->evicted != evicted) return NULL;
    }
    /* What is too much already, but is not made more, may be written to. */
    if (keys && d->keys > 0) return refuse(ns, room, "maxkeys", r->maxkeys, "is reached: delete keys, or set a policy");
    if (bytes && d->bytes > 0) {
        return refuse(ns, room, "maxmemory", r->maxmemory, "bytes is reached: delete keys, or set a policy");
    }
    return NULL;
}

/* *new: it is the first time in this round. */
static struct demand *demand_of(struct namespacing *w, const struct namespace *ns, bool *new)
{
    struct demand *d;

    if (ns->id >= w->n_demands) {
        size_t n = (size_t)ns->id + 16;
        w->demands = mem_realloc(w->demands, n * sizeof *w->demands);
        memset(w->demands + w->n_demands, 0, (n - w->n_demands) * sizeof *w->demands);
        w->n_demands = n;
    }
    d = &w->demands[ns->id];
    *new = d->round != w->round;
    if (*new) *d = (struct demand){ .round = w->round };
    return d;
}

static struct write look(const struct request_keys *r, long i)
{
    struct db *db = client_db(r->client);
    const struct store *s = r->client->server->store;
    size_t at = r->refs[i].at, end = i + 1 < r->n && r->refs[i + 1].at > at ? r->refs[i + 1].at : r->argc;
    struct write w = { .key = r->argv[at], .e = db_peek(db, r->argv[at]),
                       .replaces = replaces(r->cmd, r->refs[i].flags) };
    const struct entry *from = i > 0 && r->cmd->group == GROUP_GENERIC ? db_peek(db, r->argv[r->refs[0].at]) : NULL;

    w.ns = w.e ? ns_of(s, w.e) : ns_of_key(s, w.key);
    if (w.ns == NULL) return w;
    w.stays = from != NULL && !(r->cmd->flags & CMD_DENYOOM) && ns_of(s, from) == w.ns;
    w.bytes = from != NULL ? db_weight(from) : bytes_of(r, w.replaces, at + 1, end);
    return w;
}

/* Add what one key brings to d. Not NULL: its value would be too large. */
static const char *count(const struct request_keys *r, const struct write *w, struct demand *d, char *room)
{
    uint64_t now = w->e ? db_weight(w->e) : 0, value = w->replaces ? w->bytes : w->bytes + now, far = reach(r);

    if (far > value) value = far;
    if (w->ns->rules.maxvalue > 0 && value > w->ns->rules.maxvalue) {
        return refuse(w->ns, room, "maxvalue", w->ns->rules.maxvalue, "bytes is less than the value would have");
    }
    if (w->stays) return NULL;
    if (w->e == NULL) {
        d->keys++;
        d->bytes += w->key.n + KEY_OVERHEAD;
    }
    if (value > now) d->bytes += value - now;
    return NULL;
}

const char *namespaces_refusal(struct client *c, const struct command *cmd, size_t argc, const struct str *argv,
                               char *room)
{
    struct server *s = c->server;
    struct namespacing *w = s->namespacing;
    struct request_keys r = { c, cmd, argc, argv, NULL, 0 };
    struct namespace **seen;
    const char *why = NULL;
    size_t n_seen = 0;

    if (!(cmd->flags & CMD_WRITE) || !ns_needs(s->store, NS_NEEDS_QUOTA) || (c->flags & CLIENT_LOADER)) return NULL;
    if (s->pause_until_ms != 0) return NULL; /* nothing is evicted; what is queued is judged when it runs */
    r.refs = arena_alloc(&s->arena, argc * sizeof *r.refs);
    r.n = command_keys(cmd, argc, argv, r.refs, argc);
    if (r.n > (long)argc) r.n = (long)argc;
    seen = arena_alloc(&s->arena, argc * sizeof *seen);
    w->round++;
    for (long i = 0; i < r.n && why == NULL; i++) {
        struct write one;
        struct demand *d;
        bool new;
        if (!brings(cmd, r.refs[i].flags)) continue;
        one = look(&r, i);
        if (one.ns == NULL) continue;
        d = demand_of(w, one.ns, &new);
        if (new) seen[n_seen++] = one.ns;
        why = count(&r, &one, d, room);
    }
    ns_settle(s->store);
    for (size_t i = 0; i < n_seen && why == NULL; i++) why = judge(s, seen[i], &w->demands[seen[i]->id], room);
    return why;
}

/* --- in the background ----------------------------------------------------------------------------------- */

struct shrinking {
    struct server *server;
    int64_t until_us;
    bool more;
};

/* A quota may have been lowered, keys may have come under it, one command may have exceeded it. */
static void shrink_one(void *ctx, struct namespace *ns)
{
    struct shrinking *sh = ctx;
    const struct ns_rules *r = &ns->rules;
    const struct ns_stats *st = &ns->stats;
    uint64_t evicted = st->evicted;
    int64_t left;

    if (LIKELY((r->maxkeys == 0 || st->keys <= r->maxkeys) && (r->maxmemory == 0 || st->bytes <= r->maxmemory))) return;
    if (!evicts(r)) return;
    left = sh->until_us - clock_mono_us();
    if (left <= 0) sh->more = true;
    else if (!ns_make_room(sh->server->store, ns, 0, 0, left)) sh->more |= st->evicted != evicted;
}

bool namespaces_to_shrink(const struct server *s)
{
    return ns_needs(s->store, NS_NEEDS_QUOTA) && s->pause_until_ms == 0 && s->now_us >= s->namespacing->shrink_us;
}

void namespaces_shrink(struct server *s, int64_t deadline_us)
{
    enum { EVERY_US = 100000 };
    struct shrinking sh = { s, deadline_us, false };

    ns_each(s->store, shrink_one, &sh);
    s->namespacing->shrink_us = sh.more ? 0 : s->now_us + EVERY_US;
}
