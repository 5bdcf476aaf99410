/* batch.c -- see batch.h.
 *
 * Requests are parsed in place, and their arguments stay slices of the clients' buffers until the whole
 * batch has run: no buffer is touched in between. What a request before it makes impossible (its client
 * now waits, is paused, or is to be closed) is put back: the parser starts there again, later.
 *
 * Each client has a share. Who sends more at once than that, or asks for large replies or what takes long, goes on
 * when all others have had theirs and their replies are sent, one such client in a turn; after a large reply that is so for
 * the next request as well, whenever it comes. So who sends one request waits for what is left of the share of one of those
 * who send a million, and not for the million, nor for a share of each of them.
 *
 * When a turn has made many replies they are sent before it goes on (MADE_MOST): after a moment in which the machine stood still
 * everybody has asked for several, and megabytes of new buffers, touched for the first time, would make that turn five times as long.
 *
 * While there are others such a share is so short that it is about what one of their own requests takes, in time and in
 * number: a turn of the loop costs a tenth of that. And for a while it is all that he gets: with a whole share for
 * what comes in each read, he would have most of his requests run in pieces four times as long. */
#include "server/batch.h"

#include "base/mem.h"
#include "server/client.h"
#include "server/dispatch.h"
#include "server/foreign.h"
#include "server/ft.h"
#include "server/loop.h"
#include "server/multi.h"
#include "server/secret.h"
#include "server/shortage.h"
#include "server/stranger.h"
#include "server/ticks.h"

enum {
    BATCH = 32,                /* requests parsed before the first of them runs */
    PARSE_MOST = 1024,         /* arguments of those from one client: what is parsed and finds no time to run is parsed again; ... */
    PARSE_LESS = 64,           /* ... in a short share */
    BATCH_MAX_PER_TURN = 4096, /* requests of a turn: others get their turn too */
    SEND_EARLY = 256 * 1024,   /* replies that are not kept until the end of the turn */
    MADE_MOST = 256 * 1024,    /* replies of a turn: they are sent before more are made, from buffers that serve again */
    SHARE = 256,               /* requests of one client; ... */
    LESS = 64, LESS_US = 10,   /* ... of one that wants more, while there are others */
    OTHERS_US = 1000,          /* for so long after a request of theirs there are others */
    GREEDY_US = 10000,         /* and so long one who used up a share counts as one that wants more */
    LONG = 64,                 /* ... so many bytes of several requests count as one, if they have more for each, ... */
    OFTEN_US = 300,            /* ... and such have come a moment ago; ... */
    HEAVY = 512,               /* ... so many bytes of a large reply count as one: they take as long, about */
    SLOW_US = 4                /* of a request that takes long count as one of the share, and a quarter of that of the turn */
};

/* Of share_ends: it counts from when the first request runs, which does so however long it took to come to that. */
#define SHARE_BEGINS 0

struct batched {
    struct client *client;
    struct command_ref *ref, *container;
    size_t argc;
    struct str *argv;
    size_t start; /* in the client's input */
    const char *foreign; /* argc is 0: another protocol, and which */
    uint64_t hash;
    /* Of the first key, NULL: there is none. For prefetching only: a SELECT before it in the batch may
     * have sent the request to another database. The hash is that of the key in every one. */
    struct table *table;
};

static struct resp_limits limits_of(const struct client *c)
{
    if (UNLIKELY(!c->authenticated) && client_needs_auth(c)) return (struct resp_limits){ 10, 16 * 1024, false };
    return (struct resp_limits){ INT32_MAX, c->server->conf->proto_max_bulk_len, true };
}

/* What the parser did not like is told to the client before it is closed. */
static void refuse_bytes(struct client *c)
{
    struct server *s = c->server;
    size_t mark;

    if (client_is_stranger(c)) s->strangers.closed_excess++;
    client_take_buffers(c);
    c->reply = (struct reply){ &c->out, c->resp };
    mark = reply_mark(&c->reply);
    reply_errorf(&c->reply, "ERR %s", c->parser.error);
    dispatch_count_error(s, &c->out, mark);
    c->in_at = c->in.n;
    c->in_short = true;
    client_close_after(c);
}

static bool may_run(const struct client *c)
{
    return !(c->flags & (CLIENT_CLOSED | CLIENT_CLOSE_SOON | CLIENT_CLOSE_AFTER | CLIENT_BLOCKED | CLIENT_PAUSED | CLIENT_BUSY |
                         CLIENT_UNREAD));
}

/* Where the first key lies, so that it can be prefetched. */
static void locate_key(struct server *s, struct batched *b)
{
    struct db *db = s->store->dbs[b->client->db];
    int at = b->ref ? b->ref->first_key : 0;

    b->table = NULL;
    if (at <= 0 || (size_t)at >= b->argc) return;
    b->hash = hash_bytes(&s->store->hash_key, b->argv[at]);
    b->table = &db_shard(db, b->hash)->keys;
    table_prefetch_bucket(b->table, b->hash);
}

/* Parse requests of c into the batch. False: c has nothing more that could be run now. */
static bool gather_from(struct client *c, struct batched *batch, int *n)
{
    struct server *s = c->server;
    struct resp_limits lim = limits_of(c);
    size_t args = 0, most = s->share_ends == UINT64_MAX ? PARSE_MOST : PARSE_LESS;

    while (*n < BATCH && args < most) {
        struct batched *b = &batch[*n];
        enum resp_state st;
        size_t used;
        bool text;

        if (c->in_at == c->in.n) {
            c->in_short = true;
            return false;
        }
        text = c->in.p[c->in_at] != '*';
        if (UNLIKELY(text) && foreign_tls(c->in.p + c->in_at, c->in.n - c->in_at)) {
            *b = (struct batched){ .client = c, .start = c->in_at, .foreign = "TLS" };
            (*n)++;
            return false;
        }
        st = resp_parse(&c->parser, c->in.p + c->in_at, c->in.n - c->in_at, &lim, &used, &c->in_want);
        if (st == RESP_NEED_MORE) {
            c->in_short = true;
            return false;
        }
        if (st == RESP_BAD) {
            /* Said only after the requests before it are answered. */
            *b = (struct batched){ .client = c, .argc = 0, .start = c->in_at };
            (*n)++;
            return false;
        }
        b->client = c;
        b->argc = c->parser.argc;
        b->start = c->in_at;
        c->in_at += used;
        args += b->argc;
        if (b->argc == 0) continue;
        if (UNLIKELY(text) && foreign_http(b->argc, c->parser.args)) {
            *b = (struct batched){ .client = c, .start = b->start, .foreign = "HTTP" };
            (*n)++;
            return false;
        }
        if (UNLIKELY(!mem_can(b->argc * sizeof *b->argv))) {
            shortage_close(c, "its arguments");
            c->in_short = true;
            return false;
        }
        b->argv = arena_alloc(&s->batch, b->argc * sizeof *b->argv);
        for (size_t i = 0; i < b->argc; i++) b->argv[i] = c->parser.args[i];
        b->ref = registry_resolve(s->commands, b->argc, b->argv, &b->container);
        locate_key(s, b);
        (*n)++;
        /* An inline request's text is the parser's own; and what may come before AUTH depends on it. */
        if (UNLIKELY(text || !c->authenticated)) return true;
    }
    return true;
}

/* Who used up a share a moment ago has none in the next turn either, but is one who wants more from the beginning. */
static void still_greedy(struct client *c)
{
    if (c->server->now_us - c->greedy_us < GREEDY_US) {
        c->served = SHARE;
    } else {
        c->greedy_us = 0;
        if (c->served < SHARE) c->served = 0;
    }
}

/* All that c has sent is worked off, but for a part of a request perhaps. */
static void rest(struct client *c)
{
    link_remove(&c->in_readable);
    if (UNLIKELY(c->greedy_us != 0)) still_greedy(c);
    else if (LIKELY(c->served < SHARE)) c->served = 0;
    client_used_input(c);
    if (UNLIKELY(c->flags & CLIENT_EOF)) client_close_after(c);
}

static int gather(struct server *s, struct batched *batch)
{
    struct link *l = s->readable.next;
    int n = 0;

    while (l != &s->readable && n < BATCH) {
        struct client *c = LINK_OF(l, struct client, in_readable);
        int before = n;
        l = l->next;
        if (!may_run(c)) {
            link_remove(&c->in_readable);
            continue;
        }
        if (UNLIKELY(c->served >= SHARE)) {
            link_to_tail(&s->had_share, &c->in_readable);
            continue;
        }
        gather_from(c, batch, &n);
        if (n == before && c->in_short) {
            client_fit_input(c);
            rest(c);
            client_count_memory(c);
        }
    }
    return n;
}

/* The requests of a client that cannot go on now are parsed again later. */
static void put_back(const struct batched *b)
{
    struct client *c = b->client;

    if (c->in_at <= b->start) return;
    c->in_at = b->start;
    c->in_short = false;
    resp_rewind(&c->parser);
}

static void hold(struct client *c)
{
    struct server *s = c->server;

    c->flags |= CLIENT_PAUSED;
    s->n_paused++;
    link_remove(&c->in_readable);
    link_add_tail(&s->paused, &c->in_paused);
}

void batch_unpause(struct client *c)
{
    if (!(c->flags & CLIENT_PAUSED)) return;
    c->flags &= ~(uint32_t)CLIENT_PAUSED;
    c->server->n_paused--;
    link_remove(&c->in_paused);
}

/* The call that runs lets others in: what stands behind it in the batch lies in buffers that may now move. */
void batch_give_back(struct server *s)
{
    for (int i = s->n_batched - 1; i >= 0; i--) {
        put_back(&s->batched[i]);
        s->batched[i].client = NULL;
    }
    s->n_batched = 0;
}

static bool is_exec(const struct batched *b)
{
    return b->ref != NULL && multi_is_exec(b->ref->cmd);
}

/* What was a password does not stay in a buffer that is used again. Of a line of text, which ends the batch, there
 * are two copies: the words, and the line. */
static void forget_secrets(struct client *c, const struct batched *b)
{
    secret_wipe(b->ref->cmd, b->argc, b->argv);
    if (c->in_at > b->start && c->in.p[b->start] != '*') explicit_bzero(c->in.p + b->start, c->in_at - b->start);
}

/* A request took so many ticks: a hundred that take a millisecond each are no turn. */
static void charge_time(struct server *s, struct client *c, uint64_t ticks)
{
    double us = (double)ticks * s->us_per_tick;

    s->heavy += (size_t)us;
    c->served += us / SLOW_US < SHARE ? (unsigned)(us / SLOW_US) : SHARE;
}

/* A request has made so many bytes of replies, and c has so many waiting now. What is sent early does not wait for the turn's end. */
static void count_replies(struct server *s, struct client *c, size_t unsent, size_t made)
{
    if (LIKELY(unsent <= SEND_EARLY)) {
        s->made += made;
        return;
    }
    c->served += (unsigned)(made / HEAVY);
    s->heavy += made / HEAVY;
}

static bool turn_is_full(const struct server *s)
{
    return s->heavy >= BATCH_MAX_PER_TURN || s->made >= MADE_MOST;
}

static void run_one(struct server *s, const struct batched *b)
{
    struct client *c = b->client;
    size_t before, unsent;
    uint64_t from = s->ticks;

    if (UNLIKELY(c == NULL)) return;

    /* After SHUTDOWN nothing may change: what it has saved is what the next start finds. */
    if (UNLIKELY(!may_run(c) || s->stopping || c->served >= SHARE || turn_is_full(s) || from > s->share_ends)) {
        put_back(b);
        return;
    }
    if (b->argc == 0 && b->foreign) {
        foreign_close(c, b->foreign);
        return;
    }
    if (b->argc == 0) {
        refuse_bytes(c);
        return;
    }
    if (UNLIKELY(!c->authenticated) && !stranger_may_ask(c)) return;
    client_take_buffers(c);
    before = client_unsent(c);
    if (b->table) {
        s->store->memo_p = b->argv[b->ref->first_key].p;
        s->store->memo_n = b->argv[b->ref->first_key].n;
        s->store->memo_hash = b->hash;
    }
    if (dispatch(c, b->ref, b->container, b->argc, b->argv) == DISPATCH_HELD) {
        put_back(b);
        hold(c);
    } else {
        client_wants_write(c);
        if (UNLIKELY(s->ticks > from + s->slow_ticks)) charge_time(s, c, s->ticks - from);
        if (UNLIKELY(b->ref && (b->ref->cmd->flags & SECRET_FLAGS))) forget_secrets(c, b);
        unsent = client_unsent(c);
        if (LIKELY(unsent > before)) count_replies(s, c, unsent, unsent - before);
        if (UNLIKELY(unsent > SEND_EARLY) && unsent > before) c->one_reply = before == 0 && !is_exec(b);
        if (UNLIKELY(unsent > CLIENT_BIG)) client_check_big(c);
    }
    store_forget_hash(s->store);
}

/* c wants more than it has had, and has to wait for that. */
static void had_share(struct client *c)
{
    c->served = SHARE;
    c->greedy_us = c->server->now_us;
    link_to_tail(&c->server->had_share, &c->in_readable);
}

/* So many bytes of requests are more than n of the usual length. Who sends as many now and then is not charged for that:
 * with fifty of these the processor is busy as well, but nobody waits for one of them. */
static void charge_length(struct client *c, int n, size_t bytes)
{
    int64_t now = c->server->now_us;

    if (c->long_us != now) c->often_long = now - c->long_us < OFTEN_US;
    c->long_us = now;
    if (c->often_long) c->served += (unsigned)(bytes / LONG) - (unsigned)n;
}

/* After n requests of c, which began there in its input. */
static void settle(struct client *c, int n, size_t start)
{
    if (c->flags & CLIENT_CLOSED) return;
    if (UNLIKELY((c->flags & CLIENT_EOF) && (c->flags & (CLIENT_BLOCKED | CLIENT_PAUSED)) && !loop_owes_room(c))) {
        client_close(c); /* it would wait for ever: nothing tells us any more that the peer is gone */
        return;
    }
    c->served += (unsigned)n;
    if (n > 1 && c->in_at > start + (size_t)n * LONG) charge_length(c, n, c->in_at - start);
    if (c->in_short) rest(c);
    else if (c->served >= SHARE && !link_alone(&c->in_readable)) had_share(c);
    if (UNLIKELY(client_unsent(c) > SEND_EARLY)) {
        client_flush(c);
        client_hold_unread(c); /* when what did not run has been put back: it counts */
    }
    client_check_output(c);
    client_count_memory(c);
}

static void run_batch(struct server *s, struct batched *batch, int n)
{
    int first = 0;

    for (int i = 0; i < n; i++) {
        if (batch[i].table) table_prefetch_entry(batch[i].table, batch[i].hash);
    }
    s->ticks = ticks_now();
    if (UNLIKELY(s->share_ends == SHARE_BEGINS)) s->share_ends = s->ticks + (uint64_t)(LESS_US / s->us_per_tick);
    for (int i = 0; i < n; i++) {
        s->batched = batch + i + 1;
        s->n_batched = n - i - 1;
        run_one(s, &batch[i]);
    }
    s->ticks = 0;
    for (int i = 0; i < n; i++) {
        if (batch[i].client == NULL) continue;
        if (i + 1 < n && batch[i + 1].client == batch[i].client) continue;
        settle(batch[i].client, i + 1 - first, batch[first].start);
        first = i + 1;
    }
    arena_reset(&s->batch);
    clients_close_due(s);
}

static bool share_is_over(const struct server *s)
{
    return UNLIKELY(s->share_ends != UINT64_MAX) && s->share_ends != SHARE_BEGINS && ticks_now() >= s->share_ends;
}

/* Run requests of those who are readable, `most` of them or a few more, while a share lasts. False: there was none. */
static bool run_readable(struct server *s, size_t most)
{
    struct batched batch[BATCH];
    size_t done = 0;
    int n;

    s->heavy = s->made = 0;
    while (done + s->heavy < most && s->made < MADE_MOST && !s->stopping && !share_is_over(s) && (n = gather(s, batch)) > 0) {
        run_batch(s, batch, n);
        if (UNLIKELY(s->ft_any)) ft_feed_ripe(s);
        done += (size_t)n;
    }
    return done > 0;
}

bool batch_has_more(const struct server *s)
{
    return !link_alone(&s->had_share);
}

void batch_run(struct server *s)
{
    uint64_t outer = s->share_ends; /* this may be a turn within a script, or a load, of somebody's share */

    s->share_ends = UINT64_MAX;
    if (run_readable(s, BATCH_MAX_PER_TURN)) s->others_us = s->now_us;
    s->share_ends = outer;
}

bool batch_has_others(const struct server *s)
{
    return s->now_us - s->others_us <= OTHERS_US;
}

void batch_run_more(struct server *s)
{
    struct client *c = LINK_OF(s->had_share.next, struct client, in_readable);
    bool others = batch_has_others(s);
    unsigned share = others ? LESS : SHARE;
    uint64_t outer = s->share_ends;

    s->share_ends = others ? SHARE_BEGINS : UINT64_MAX;
    c->served = SHARE - share;
    link_remove(&c->in_readable);
    link_add_tail(s->readable.next, &c->in_readable); /* before the first of those for whom there was no time */
    run_readable(s, share);
    s->share_ends = outer;
    if (s->readable.next == &c->in_readable) had_share(c); /* its time was up before its requests were */
}
