/* ft_job.c -- see ft_job.h.
 *
 * A job belongs to its client's wait: whatever ends that (the answer, CLIENT KILL, the client's leaving) frees it. Jobs stand
 * in a ring; the first has the turn, and goes to the end. One that waits for its index to be up to date lets the others pass,
 * which are those that hold the index. What ends a job from within another client's call (a transaction, DROPINDEX, CLIENT
 * UNBLOCK) leaves its reply behind, which the next turn sends: within a call nobody else is answered. */
#include "server/ft_job.h"

#include "base/mem.h"
#include "server/between.h"
#include "server/block.h"
#include "server/lazy.h"
#include "server/loop.h"

struct running {
    struct ft_job *job;        /* NULL: it is over, and `ready` is the reply */
    struct client *client;     /* NULL: it runs within its call */
    struct buf ready;
    struct reply_pieces pieces; /* of the reply, before it */
    bool begun, done;
    int64_t end_us;            /* monotonic; INT64_MAX: none */
    struct link in_list;       /* server->ft_jobs */
};

int64_t ft_job_timeout(const struct server *s)
{
    return s->conf->search_timeout;
}

static void bury(void *job)
{
    struct ft_job *j = job;

    j->free(j);
}

static void end(struct server *s, struct running *r)
{
    enum { LARGE = 256 * 1024 };
    struct ft_job *j = r->job;
    struct search_index *ix;
    size_t bytes;

    if (j == NULL) return;
    r->job = NULL;
    ix = j->ix;
    bytes = j->bytes(j);
    if (bytes > LARGE && s->lazy != NULL) lazy_defer_bytes(s->lazy, bury, j, bytes);
    else j->free(j);
    if (r->begun) index_release(ix);
}

/* --- going on ---------------------------------------------------------------------------------------------------- */

enum progress { GOES_ON, HAS_FAILED, IS_DONE, IS_LATE };

static bool begin(struct running *r, struct buf *error)
{
    index_hold(r->job->ix);
    r->begun = true;
    return r->job->begin(r->job, error);
}

/* Go on until deadline; one that has not begun does, when its index is up to date. */
static enum progress go_on(struct server *s, struct running *r, int64_t deadline_us, struct buf *error)
{
    if (!r->begun) {
        if (!ft_ready(s->ft, r->job->ix, !r->job->of_any)) return clock_mono_us() >= r->end_us ? IS_LATE : GOES_ON;
        if (!begin(r, error)) return HAS_FAILED;
        if (clock_mono_us() >= deadline_us) return clock_mono_us() >= r->end_us ? IS_LATE : GOES_ON; /* a long query */
    }
    if (!r->done) r->done = r->job->step(r->job, deadline_us < r->end_us ? deadline_us : r->end_us);
    if (r->done) return IS_DONE;
    return clock_mono_us() >= r->end_us ? IS_LATE : GOES_ON;
}

/* Time is up before it could begin. */
static void reply_late(const struct server *s, const struct running *r, struct reply *out)
{
    double part = ft_remade(s->ft, r->job->ix);
    const char *advice = r->client ? "Ask again, or with a longer TIMEOUT" : "Ask again, or outside of transactions and scripts, which cannot wait";

    if (part < 0) reply_error(out, STR(FT_TIMED_OUT));
    else reply_errorf(out, FT_TIMED_OUT ": the index is made again out of the keys, as after a start, and %.0f%% of them have been read. "
                           "%s (percent_indexed of FT.INFO tells how far it is)", 100 * part, advice);
}

static void write_reply(struct server *s, struct running *r, struct reply *out, enum progress how, const struct buf *error)
{
    if (how == HAS_FAILED) reply_error(out, buf_str(error));
    else if (how == IS_LATE && !r->begun && !r->job->of_any) reply_late(s, r, out);
    else r->job->reply(r->job, out, how == IS_LATE);
}

/* --- parked ------------------------------------------------------------------------------------------------------ */

static void leave(struct client *c, void *parked)
{
    struct running *r = parked;

    link_remove(&r->in_list);
    end(c->server, r);
    buf_fini(&r->ready);
    reply_pieces_fini(&r->pieces);
    mem_free(r);
}

/* The job is over; its reply is ready. */
static void finish(struct running *r, enum progress how, const struct buf *error)
{
    r->ready.may_fail = true;
    r->job->pieces = &r->pieces;
    write_reply(r->client->server, r, &(struct reply){ &r->ready, r->client->resp }, how, error);
    end(r->client->server, r);
}

static void answer(struct running *r)
{
    struct client *c = r->client;
    struct reply_pieces pieces = r->pieces;
    struct buf text = r->ready;

    r->ready = (struct buf){ 0 };
    r->pieces = (struct reply_pieces){ 0 };
    /* r is gone with each of these */
    if (text.failed) block_answer_error(c, err_text(ERR_OOM));
    else if (pieces.n > 0) block_answer_pieces(c, &pieces, &text);
    else block_answer(c, buf_str(&text));
    reply_pieces_fini(&pieces);
    buf_fini(&text);
}

static void time_up(struct client *c, void *parked)
{
    struct running *r = parked;

    (void)c;
    if (r->job != NULL) finish(r, IS_LATE, NULL);
}

static size_t bytes(const void *parked)
{
    const struct running *r = parked;

    size_t n = 0;

    for (size_t i = 0; i < r->pieces.n; i++) n += r->pieces.items[i].cap;
    return sizeof *r + n + r->ready.cap + (r->job ? r->job->bytes(r->job) : 0);
}

static const struct parking waiting = { .leave = leave, .time_up = time_up, .bytes = bytes };

static enum err park(struct call *c, const struct running *now)
{
    struct server *s = c->client->server;
    struct running *r = mem_dup(now, sizeof *now);

    r->client = c->client;
    link_init(&r->in_list);
    link_add_tail(&s->ft_jobs, &r->in_list);
    c->wait = (struct wait){ .parking = &waiting, .parked = r };
    return CALL_BLOCKED;
}

/* --- a call ------------------------------------------------------------------------------------------------------ */

/* To the end, whatever it takes but for its own limit. An index that is made again may take seconds: it would find less than there is. */
static enum progress run_to_end(struct server *s, struct running *r, struct buf *error)
{
    enum progress how;

    if (!ft_ready(s->ft, r->job->ix, !r->job->of_any)) {
        ft_jobs_finish(s, r->job->ix);
        ft_finish(s->ft, r->job->ix);
        if (!r->job->of_any && ft_remade(s->ft, r->job->ix) >= 0) return IS_LATE;
    }
    if (!begin(r, error)) return HAS_FAILED;
    do how = go_on(s, r, INT64_MAX, error);
    while (how == GOES_ON);
    while (loop_expire(s)) {}
    return how;
}

static enum progress run_a_little(struct server *s, struct running *r, struct buf *error)
{
    enum progress how = go_on(s, r, clock_mono_us() + BETWEEN_INLINE_US, error);

    return how == IS_DONE && loop_expire(s) ? GOES_ON : how;
}

enum err ft_job_run(struct call *c, struct ft_job *j)
{
    struct server *s = c->client->server;
    struct running r = { .job = j, .end_us = j->timeout_ms > 0 ? clock_mono_us() + j->timeout_ms * 1000 : INT64_MAX };
    struct buf error = { 0 };
    enum progress how = c->may_block ? run_a_little(s, &r, &error) : run_to_end(s, &r, &error);
    size_t mark = reply_mark(c->out);
    enum err e;

    if (how == GOES_ON) return park(c, &r);
    write_reply(s, &r, c->out, how, &error);
    e = c->out->out->n > mark && c->out->out->p[mark] == '-' ? CALL_REPLIED_ERROR : OK;
    end(s, &r);
    buf_fini(&error);
    return e;
}

/* --- turns ------------------------------------------------------------------------------------------------------- */

bool ft_jobs_are_due(const struct server *s)
{
    return !link_alone(&s->ft_jobs);
}

static void to_the_end(struct server *s, struct running *r)
{
    link_remove(&r->in_list);
    link_add_tail(&s->ft_jobs, &r->in_list);
}

/* True: it has gone on. */
static bool give_turn(struct server *s, struct running *r, int64_t deadline_us)
{
    struct buf error = { 0 };
    enum progress how = go_on(s, r, deadline_us, &error);
    bool went_on = r->begun;

    if (how == IS_DONE && loop_expire(s)) how = GOES_ON;
    if (how == GOES_ON) {
        to_the_end(s, r);
    } else {
        finish(r, how, &error);
        answer(r);
    }
    buf_fini(&error);
    return went_on;
}

/* Asking whether an index is up to date may take as long as going on: not all that wait ask in one turn. */
void ft_jobs_turn(struct server *s, int64_t deadline_us)
{
    size_t n = 0;

    for (const struct link *l = s->ft_jobs.next; l != &s->ft_jobs; l = l->next) n++;
    while (n-- > 0 && !link_alone(&s->ft_jobs)) {
        struct running *r = LINK_OF(s->ft_jobs.next, struct running, in_list);

        if (r->client->flags & CLIENT_CLOSE_SOON) to_the_end(s, r);
        else if (r->job == NULL) answer(r);
        else if (give_turn(s, r, deadline_us) || clock_mono_us() >= deadline_us) return;
    }
}

void ft_jobs_finish(struct server *s, struct search_index *ix)
{
    for (struct link *l = s->ft_jobs.next; l != &s->ft_jobs; l = l->next) {
        struct running *r = LINK_OF(l, struct running, in_list);
        struct buf error = { 0 };
        enum progress how;

        if (r->job == NULL || r->job->ix != ix || !r->begun) continue;
        do how = go_on(s, r, INT64_MAX, &error);
        while (how == GOES_ON);
        finish(r, how, &error);
        buf_fini(&error);
    }
}

void ft_jobs_cancel(struct server *s, struct search_index *ix, const char *text)
{
    struct buf error = { 0 };

    buf_add_c(&error, text);
    for (struct link *l = s->ft_jobs.next; l != &s->ft_jobs; l = l->next) {
        struct running *r = LINK_OF(l, struct running, in_list);

        if (r->job != NULL && r->job->ix == ix) finish(r, HAS_FAILED, &error);
    }
    buf_fini(&error);
}
