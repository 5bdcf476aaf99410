/* archive_wait.c -- see archive_wait.h.
 *
 * A question belongs to the archive's threads until it is handed back. Whoever stops waiting before leaves it
 * behind, cancelled, and it frees itself when it comes back. What has come back is answered in the turn of the loop,
 * never from within another call. */
#include "server/archive_wait.h"

#include <stdio.h>

#include "base/mem.h"
#include "server/block.h"
#include "server/departures.h"

struct asking {
    struct client *client;
    struct archive_job *job;    /* NULL: waits for seq */
    const struct archive_asking *how;
    uint64_t seq;
    bool answered;
    int64_t timeout_ms;
    struct link in_list;        /* server->archive_answered or server->archive_applying */
};

/* Nobody has waited for it to the end. */
static void on_orphan(struct archive_job *j)
{
    const struct archive_asking *how = j->owner;

    how->free(j);
}

static void leave(struct client *c, void *parked)
{
    struct asking *a = parked;

    (void)c;
    link_remove(&a->in_list);
    if (a->job && a->answered) {
        a->how->free(a->job);
    } else if (a->job) {
        a->job->done = on_orphan;
        a->job->owner = (void *)(uintptr_t)a->how;
        atomic_store(&a->job->cancelled, true);
    }
    mem_free(a);
}

static void time_up(struct client *c, void *parked)
{
    const struct asking *a = parked;
    char text[160];

    snprintf(text, sizeof text, "ERR archive: no answer within %lld milliseconds. INFO archive says how it fares.",
             (long long)a->timeout_ms);
    block_answer_error(c, text);
}

static size_t bytes(const void *parked)
{
    const struct asking *a = parked;

    return sizeof *a + (a->job && a->answered && a->how->reply ? a->how->reply(a->job).n : 0);
}

static const struct parking waiting = { .leave = leave, .time_up = time_up, .bytes = bytes };

/* --- asking ----------------------------------------------------------------------------------------------- */

static void on_done(struct archive_job *j)
{
    struct asking *a = j->owner;

    a->answered = true;
    link_add_tail(&a->client->server->archive_answered, &a->in_list);
}

static struct asking *new_asking(const struct call *c)
{
    struct asking *a = mem_zalloc(sizeof *a);

    a->client = c->client;
    link_init(&a->in_list);
    return a;
}

static enum err park(struct call *c, struct asking *a, int64_t timeout_ms)
{
    a->timeout_ms = timeout_ms;
    c->wait = (struct wait){ .timeout_ms = timeout_ms, .parking = &waiting, .parked = a };
    return CALL_BLOCKED;
}

enum err archive_wait_open(struct call *c, struct archive **a)
{
    const char *why;

    if (!c->may_block) return call_fail_text(c, STR("ERR this command waits for the archive: not possible here"));
    *a = departures_archive(c->client->server, &why);
    return *a ? OK : call_fail_text(c, str_c(why));
}

enum err archive_wait_later(struct call *c, enum archive_lane lane, struct archive_job *j,
                            const struct archive_asking *how)
{
    struct server *s = c->client->server;
    struct asking *a = new_asking(c);
    int64_t ms = lane == ARCHIVE_LANE_RECALL ? s->conf->archive_timeout : s->conf->archive_query_timeout;

    a->job = j;
    a->how = how;
    j->owner = a;
    j->done = on_done;
    return park(c, a, ms);
}

enum err archive_wait_for(struct call *c, enum archive_lane lane, struct archive_job *j,
                          const struct archive_asking *how)
{
    struct server *s = c->client->server;
    enum err e = archive_wait_later(c, lane, j, how);

    if (j->after > 0 && !archive_is_applied(s->archive, j->after)) persist_sync_soon(s->persist);
    archive_ask(s->archive, lane, j);
    return e;
}

void archive_wait_as_query(struct call *c)
{
    struct asking *a = c->wait.parked;

    a->timeout_ms = c->client->server->conf->archive_query_timeout;
    c->wait.timeout_ms = a->timeout_ms;
}

enum err archive_wait_applied(struct call *c, uint64_t seq, int64_t timeout_ms)
{
    struct server *s = c->client->server;
    struct asking *a = new_asking(c);

    a->seq = seq;
    link_add_tail(&s->archive_applying, &a->in_list);
    persist_sync_soon(s->persist);
    return park(c, a, timeout_ms);
}

struct archive_job *archive_wait_answer(const struct call *c)
{
    const struct asking *a = block_parked(c->client, &waiting);

    return a ? a->job : NULL;
}

uint64_t archive_wait_seq(const struct call *c)
{
    const struct asking *a = block_parked(c->client, &waiting);

    return a ? a->seq : 0;
}

/* --- answering -------------------------------------------------------------------------------------------- */

static bool runs_again(const struct asking *a)
{
    return a->job == NULL || a->how->reply == NULL;
}

static void answer(struct asking *a)
{
    struct str reply;

    if (runs_again(a)) {
        block_run_again(a->client);
        return;
    }
    reply = a->how->reply(a->job);
    if (reply.n > 0) block_answer(a->client, reply);
    else block_answer_error(a->client, err_text(ERR_OOM));
}

static void collect_applied(struct server *s)
{
    struct link *l = s->archive_applying.next;

    while (l != &s->archive_applying) {
        struct asking *a = LINK_OF(l, struct asking, in_list);
        l = l->next;
        if (!archive_is_applied(s->archive, a->seq)) continue;
        link_remove(&a->in_list);
        a->answered = true;
        link_add_tail(&s->archive_answered, &a->in_list);
    }
}

/* Requests that run again may write: not while clients are paused, or nobody writes. Answers do not wait for that. */
static bool may_answer(const struct server *s, const struct asking *a)
{
    return !runs_again(a) || (s->pause_until_ms == 0 && !persist_must_wait(s->persist));
}

void archive_wait_turn(struct server *s)
{
    struct link *l;

    if (UNLIKELY(!link_alone(&s->archive_applying))) collect_applied(s);
    if (LIKELY(link_alone(&s->archive_answered))) return;
    l = s->archive_answered.next;
    while (l != &s->archive_answered) {
        struct asking *a = LINK_OF(l, struct asking, in_list);
        l = l->next;
        if (a->client->flags & CLIENT_CLOSE_SOON) continue;
        if (may_answer(s, a)) answer(a);
    }
}
