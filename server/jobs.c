/* jobs.c -- see jobs.h.
 *
 * A job belongs to its client's wait: whatever ends that (the answer, CLIENT KILL, the client's leaving) frees it. Jobs stand in a
 * ring; the first has the turn, and goes to the end. While clients are paused, or the disk is behind, no request that writes runs again:
 * those are held. */
#include "server/jobs.h"

#include "base/mem.h"
#include "commands/job.h"
#include "server/between.h"
#include "server/block.h"
#include "server/server.h"
#include "server/tracking.h"

struct going_on {
    struct job *job;      /* NULL: it has been freed, and its request runs again */
    struct client *client;
    struct link in_list;  /* server->jobs, jobs_held */
    unsigned begun;       /* so often */
};

static void drop(struct going_on *g)
{
    if (g->job != NULL) g->job->free(g->job);
    g->job = NULL;
}

static void leave(struct client *c, void *parked)
{
    struct going_on *g = parked;

    (void)c;
    link_remove(&g->in_list);
    drop(g);
    mem_free(g);
}

static void answer(struct going_on *g)
{
    struct client *c = g->client;
    struct reply_pieces pieces = { 0 };
    struct buf end = { .may_fail = true };

    g->job->reply(g->job, &(struct reply){ &end, c->resp }, &pieces);
    /* g is gone with each of these */
    if (end.failed) block_answer_error(c, err_text(ERR_OOM));
    else if (pieces.n > 0) block_answer_pieces(c, &pieces, &end);
    else block_answer(c, buf_str(&end));
    reply_pieces_fini(&pieces);
    buf_fini(&end);
}

/* The job is done, or cannot be. */
static void end(struct going_on *g)
{
    if (g->job->again) drop(g);
    if (g->job != NULL && g->job->reply != NULL) answer(g);
    else block_run_again(g->client);
}

static size_t bytes(const void *parked)
{
    const struct going_on *g = parked;

    return sizeof *g + (g->job != NULL ? g->job->bytes(g->job) : 0);
}

static void kept(void *parked, const struct str *argv)
{
    const struct going_on *g = parked;

    if (g->job->moved != NULL) g->job->moved(g->job, argv);
}

static const struct parking waiting = { .leave = leave, .bytes = bytes, .kept = kept };

static struct going_on *parked(const struct call *c)
{
    return LIKELY(c->client->blocked == NULL) ? NULL : block_parked(c->client, &waiting);
}

struct job *jobs_waited(const struct call *c)
{
    const struct going_on *g = parked(c);

    return g != NULL ? g->job : NULL;
}

enum err jobs_go_on(struct call *c, struct job *j)
{
    struct going_on *g = parked(c);

    if (j->tries > 0 && g != NULL && g->begun + 1 >= j->tries) return job_run_at_once(c, j);
    if (job_step(j, clock_mono_us() + BETWEEN_INLINE_US)) return job_end(c, j);
    if (g != NULL) { /* it has waited, and begins again */
        drop(g);
        g->begun++;
        g->job = j;
        return CALL_BLOCKED;
    }
    g = mem_zalloc(sizeof *g);
    g->job = j;
    g->begun = 1;
    g->client = c->client;
    link_init(&g->in_list);
    link_add_tail(&c->client->server->jobs, &g->in_list);
    if (c->client->tracking != NULL && (c->cmd->flags & CMD_READONLY)) tracking_remember(c->client, c->cmd, c->argc, c->argv);
    c->wait = (struct wait){ .parking = &waiting, .parked = g };
    return CALL_BLOCKED;
}

bool jobs_are_due(const struct server *s)
{
    return !link_alone(&s->jobs) || (!link_alone(&s->jobs_held) && block_writes_may_run(s));
}

void jobs_turn(struct server *s, int64_t deadline_us)
{
    struct going_on *g;

    while (block_writes_may_run(s) && !link_alone(&s->jobs_held)) link_to_tail(&s->jobs, s->jobs_held.next);
    if (link_alone(&s->jobs)) return;
    g = LINK_OF(s->jobs.next, struct going_on, in_list);
    link_to_tail(&s->jobs, &g->in_list);
    if ((g->client->flags & CLIENT_CLOSE_SOON) || !job_step(g->job, deadline_us)) return;
    if (g->job->reply == NULL ? !block_writes_may_run(s) : g->job->again && s->pause_until_ms != 0) link_to_tail(&s->jobs_held, &g->in_list);
    else end(g);
    if (UNLIKELY(!link_alone(&s->ready))) block_serve(s);
}
