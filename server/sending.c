/* sending.c -- the step of a turn in which replies leave: see loop.h.
 *
 * A send takes several times as long as the request that it answers, a few microseconds, and more when it wakes somebody. So
 * those sends that nobody asked for in this turn are spread over several: a message to fifty subscribers is sent to a few
 * of them in each turn, behind the replies, and to more in a turn in which nobody has asked for anything; where messages come
 * fast one send takes several, a third of the time. One who goes on with a long row of requests (batch.c) is sent his replies
 * when they have become many, or have waited for a moment. */
#include "server/client.h"
#include "server/gate.h"
#include "server/loop.h"
#include "server/ticks.h"

enum {
    SEND_MOST = 1 << 20,  /* bytes of a turn; who has few to be sent does not wait for that */
    SEND_FEW = 64 << 10,
    HOLD_MOST = 16 << 10, /* bytes of replies to one who goes on, ... */
    HOLD_US = 500,        /* ... and how long they may wait */
    TELL_MOST = 8,        /* sends of messages in a turn, ... */
    TELL_US = 10,         /* ... and how long they may take together, but for the last; ... */
    TELL_ALONE_US = 40,   /* ... the same in a turn in which nobody has asked for anything */
    LOOK_MOST = 64        /* those looked at for that: to whom nothing can be sent now cost little */
};

/* The log has come further, or fails: let go what waited for that. */
static void release_gated(struct server *s)
{
    uint64_t durable = persist_durable_offset(s->persist), synced = persist_log_synced(s->persist);
    bool failing = persist_is_failing(s->persist);
    struct link *l = s->gated.next;

    if (LIKELY(durable == s->released && failing == s->log_failing && synced == s->released_synced)) return;
    s->released = durable;
    s->released_synced = synced;
    s->log_failing = failing;
    while (l != &s->gated) {
        struct client *c = LINK_OF(l, struct client, in_gated);
        l = l->next;
        if (!gate_is_open(c)) continue;
        link_remove(&c->in_gated);
        client_wants_write(c);
    }
}

/* Does c get its replies later, when they have become more? */
static bool holds_back(struct server *s, struct client *c)
{
    if (!client_goes_on(c) || client_unsent(c) >= HOLD_MOST || s->stopping) return false;
    if (c->held_us == 0) c->held_us = s->now_us;
    return s->now_us - c->held_us < HOLD_US;
}

static void send_to(struct client *c)
{
    link_remove(&c->in_writable);
    c->told = false;
    c->held_us = 0;
    client_flush(c);
    client_count_memory(c);
}

/* Of the messages those that were first; all, when there is no later. */
static void send_told(struct server *s)
{
    unsigned us = s->stats.reads == s->turn_reads ? TELL_ALONE_US : TELL_US;
    uint64_t writes = s->stats.writes, until = ticks_now() + (uint64_t)(us / s->us_per_tick);

    for (int i = 0; !link_alone(&s->told); i++) {
        bool enough = i >= LOOK_MOST || s->stats.writes - writes >= TELL_MOST || (i > 0 && ticks_now() > until);
        if (enough && !s->stopping) return;
        send_to(LINK_OF(s->told.next, struct client, in_writable));
    }
}

static void send_replies(struct server *s)
{
    struct link now, greedy; /* who cannot be sent all of it comes again in the next turn */

    link_add_tail(&s->writable, &now);
    link_remove(&s->writable);
    link_init(&greedy);
    while (!link_alone(&now)) {
        struct client *c = LINK_OF(now.next, struct client, in_writable);
        if (UNLIKELY(c->greedy_us != 0)) {
            link_to_tail(&greedy, &c->in_writable);
        } else if (UNLIKELY(s->turn_sent > SEND_MOST) && client_unsent(c) > SEND_FEW) {
            link_to_tail(&s->writable, &c->in_writable);
            client_count_memory(c);
        } else {
            send_to(c);
        }
    }
    while (UNLIKELY(!link_alone(&greedy))) {
        struct client *c = LINK_OF(greedy.next, struct client, in_writable);
        if (holds_back(s, c) || (s->turn_sent > SEND_MOST && client_unsent(c) > SEND_FEW)) {
            link_to_tail(&s->writable, &c->in_writable);
            client_count_memory(c);
        } else {
            send_to(c);
        }
    }
}

void loop_send(struct server *s)
{
    release_gated(s);
    if (LIKELY(!link_alone(&s->writable))) send_replies(s);
    if (UNLIKELY(!link_alone(&s->told))) send_told(s);
}
