/* recall.c -- see recall.h.
 *
 * A ticket is a key on its way: asked of the archive once, with the requests that wait for it. A request waits for
 * several tickets (MGET, EXEC) and goes on when the last of them is settled. It then runs from the start, checks and
 * all, and may find that a key has left memory again meanwhile: so it may wait again, within the same time limit, a
 * few times.
 *
 * Everything is settled in recalls_turn, between calls: what is about clients may not happen within another one's. */
#include "server/recall_impl.h"

#include "base/mem.h"
#include "server/block.h"
#include "server/departures.h"
#include "server/dispatch.h"
#include "server/recall_put.h"
#include "storage/db.h"

enum { COMPLAIN_US = 10000000 };

/* --- waiting ---------------------------------------------------------------------------------------------------- */

static void let_go(struct waiting *w)
{
    for (size_t i = 0; i < w->n; i++) link_remove(&w->stubs[i].of_ticket);
    w->n = w->n_left = 0;
}

static void leave(struct client *c, void *parked)
{
    struct waiting *w = parked;

    c->server->recalls->stats.waiting--;
    let_go(w);
    link_remove(&w->in_ready);
    mem_free(w->stubs);
    mem_free(w);
}

/* It runs in recalls_turn with what is there by then, or is refused; for want of room, where that was it. */
static void time_up(struct client *c, void *parked)
{
    struct waiting *w = parked;

    if (w->gives_up) return;
    w->gives_up = true;
    if (departures_are_slow(c->server)) w->refusal = err_text(ERR_OOM);
    c->server->recalls->stats.timeouts++;
    let_go(w);
    if (link_alone(&w->in_ready)) link_add_tail(&c->server->recalls->ready, &w->in_ready);
}

static size_t bytes(const void *parked)
{
    const struct waiting *w = parked;

    return sizeof *w + w->cap * (sizeof *w->stubs + sizeof(struct ticket));
}

static const struct parking waiting = { .leave = leave, .time_up = time_up, .bytes = bytes };

void recall_park(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                 struct ticket *const *tickets, size_t n)
{
    struct recalls *r = c->server->recalls;
    struct waiting *w = mem_zalloc(sizeof *w);
    int64_t now = server_mono_ms(c->server);

    w->client = c;
    w->stubs = mem_zalloc((n + 1) * sizeof *w->stubs);
    w->cap = n;
    w->tries = r->again ? r->again->tries + 1 : 1;
    w->until_ms = r->again ? r->again->until_ms : now + c->server->conf->archive_timeout;
    link_init(&w->in_ready);
    for (size_t i = 0; i < n; i++) {
        struct stub *stub = &w->stubs[w->n++];
        stub->waiting = w;
        link_init(&stub->of_ticket);
        link_add_tail(&tickets[i]->waiters, &stub->of_ticket);
    }
    w->n_left = w->n;
    r->stats.waiting++;
    r->stats.waited += r->again == NULL;
    block_client(c, ref, argc, argv, &(struct wait){ .parking = &waiting, .parked = w, .timeout_ms = w->until_ms - now });
}

/* --- into memory --------------------------------------------------------------------------------------------------- */

void recall_complain(struct server *s, struct str key, const char *what)
{
    struct recalls *r = s->recalls;

    if (r->told_us != 0 && s->now_us - r->told_us < COMPLAIN_US) return;
    r->told_us = s->now_us;
    key = log_shown(s->log, key);
    log_limited(s->log, LOG_WARNING, "A key could not be recalled from the archive and counts as missing (key '%.*s'): %s. This is "
                "said once in ten seconds; INFO archive counts.", (int)(key.n < 128 ? key.n : 128), key.p, what);
}

/* Is nothing to be brought into memory now? What has come waits until it may. What it would push out has to have
 * room in the archive's queue: a read that comes a little faster than the archive's disk waits and is not refused. */
bool recall_is_held(const struct server *s)
{
    return s->pause_until_ms != 0 || s->store->loading || persist_must_wait(s->persist) || departures_are_slow(s);
}

bool recall_bring(struct server *s, int db, struct str key, struct str payload, int64_t expires_ms, const char **refusal)
{
    struct recall_stats *st = &s->recalls->stats;
    const char *why = recall_refusal(s, key, payload.n);

    if (why != NULL) {
        st->refused++;
        *refusal = why;
        return true;
    }
    if (recall_put(s, db, key, payload, recall_expires_at(s, key, expires_ms)) != OK) {
        st->damaged++;
        recall_note_missing(s, db, key);
        recall_complain(s, key, "its value in the archive is damaged");
        return false;
    }
    st->found++;
    return true;
}

/* --- the turn ----------------------------------------------------------------------------------------------------- */

/* False: the archive failed, and asking again is no use. A damaged value is an answer: there will be no other. */
static bool settle_answer(struct server *s, struct str key, const struct ticket *k, const char **refusal)
{
    const struct archive_get *g = k->get;
    struct recall_stats *st = &s->recalls->stats;

    if (g->result == OK && db_peek(s->store->dbs[k->db], key) != NULL) return true; /* written meanwhile */
    if (g->result == OK) {
        recall_bring(s, k->db, key, buf_str(&g->out), g->expires_at, refusal);
        return true;
    }
    if (g->result == ERR_NO_KEY) st->missing++;
    else if (g->result == ERR_FORMAT) st->damaged++;
    else st->failed++;
    if (g->result != ERR_NO_KEY) recall_complain(s, key, g->job.refused ? g->job.refused : g->error);
    if (g->result != ERR_NO_KEY && g->result != ERR_FORMAT) return false;
    recall_note_missing(s, k->db, key);
    return true;
}

static void take_answer(struct server *s, struct ticket *k)
{
    struct recalls *r = s->recalls;
    uint64_t us = (uint64_t)(clock_mono_us() - k->asked_us);
    struct entry *e;
    const char *refusal = NULL;
    bool failed;

    if (k->e != NULL) {
        r->stats.us += us;
        if (us > r->stats.us_max) r->stats.us_max = us;
        e = recall_unlist(r, k); /* before the key comes to be, which cancels what is on its way */
        failed = !settle_answer(s, entry_key(e), k, &refusal);
        entry_free(e);
        recall_release(r, k, refusal, failed);
    }
    recall_free_ticket(k);
}

static void take_queued(struct server *s, struct ticket *k, const struct archive_note *n)
{
    struct recalls *r = s->recalls;
    struct entry *e = recall_unlist(r, k);
    const char *refusal = NULL;

    r->stats.from_queue++;
    recall_bring(s, k->db, entry_key(e), n->payload, n->expires_ms, &refusal);
    entry_free(e);
    recall_release(r, k, refusal, false);
    recall_free_ticket(k);
}

/* What waits to be committed comes from there as soon as it may; what has been committed meanwhile is asked for. */
static void bring_queued(struct server *s, int64_t until)
{
    struct recalls *r = s->recalls;
    struct archive_note note;

    while (!link_alone(&r->queued) && !recall_is_held(s) && clock_mono_us() < until) {
        struct ticket *k = LINK_OF(r->queued.next, struct ticket, in_list);

        if (link_alone(&k->waiters)) {
            recall_drop_ticket(r, k);
        } else if (recall_is_queued(s, k, &note)) {
            take_queued(s, k, &note);
        } else {
            link_remove(&k->in_list);
            link_add_tail(&r->line, &k->in_list);
        }
    }
}

static void refuse(struct client *c, struct command_ref *ref, const char *text)
{
    size_t mark;

    c->reply = (struct reply){ &c->out, c->resp };
    mark = reply_mark(&c->reply);
    dispatch_refuse(c, ref, text);
    dispatch_answered(c, mark);
}

static void run_again(struct server *s, struct waiting *w)
{
    struct recalls *r = s->recalls;
    struct client *c = w->client;
    struct waiting was = { .client = c, .until_ms = w->until_ms, .tries = w->tries, .gives_up = w->gives_up };
    const char *refusal = w->refusal;
    struct request *q = block_take(c); /* w is gone */

    client_take_buffers(c);
    r->again = &was;
    if (refusal != NULL) {
        refuse(c, q->ref, refusal);
    } else if (dispatch(c, q->ref, NULL, q->argc, q->argv) == DISPATCH_HELD) {
        recall_park(c, q->ref, q->argc, q->argv, NULL, 0);
        link_add_tail(&r->ready, &((struct waiting *)block_parked(c, &waiting))->in_ready);
    }
    r->again = NULL;
    request_free(q);
    client_wants_write(c);
    client_check_output(c);
    client_count_memory(c);
}

/* Tickets in the line that nobody waits for. */
static void trim_line(struct recalls *r)
{
    struct link *l = r->line.next;

    while (l != &r->line) {
        struct ticket *k = LINK_OF(l, struct ticket, in_list);
        l = l->next;
        if (!link_alone(&k->waiters)) return; /* the line is in the order in which they came */
        recall_drop_ticket(r, k);
    }
}

bool recalls_are_due(const struct server *s)
{
    const struct recalls *r = s->recalls;

    return UNLIKELY(s->archive != NULL) && !(link_alone(&r->answered) && link_alone(&r->queued)) && !recall_is_held(s);
}

/* Once each: one that is held stands in line again. */
static void run_those_ready(struct server *s)
{
    struct recalls *r = s->recalls;

    for (size_t n = r->stats.waiting; n > 0 && !link_alone(&r->ready); n--) {
        struct waiting *w = LINK_OF(r->ready.next, struct waiting, in_ready);

        link_remove(&w->in_ready);
        if (!(w->client->flags & CLIENT_CLOSE_SOON)) run_again(s, w);
    }
}

void recalls_tend(struct server *s)
{
    struct recalls *r = s->recalls;

    if (LIKELY(link_alone(&r->ready) && link_alone(&r->line))) return;
    run_those_ready(s);
    trim_line(r);
    recall_ask_more(s);
}

void recalls_turn(struct server *s, int64_t deadline_us)
{
    struct recalls *r = s->recalls;

    while (!link_alone(&r->answered) && !recall_is_held(s)) {
        take_answer(s, LINK_OF(r->answered.next, struct ticket, in_list));
        if (clock_mono_us() >= deadline_us) break;
    }
    if (!link_alone(&r->queued)) bring_queued(s, deadline_us);
    recalls_tend(s);
}
