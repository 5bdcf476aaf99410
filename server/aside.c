/* aside.c -- see aside.h.
 *
 * The thread is given one request at a time: `job` is its own until `done` is set. Whoever stops waiting meanwhile leaves the request
 * behind without a client, and it is freed when it comes back. The thread begins with the first that goes aside; where it cannot
 * be had, all runs in one piece. */
#include "server/aside.h"

#include "base/mem.h"
#include "base/thread.h"
#include "commands/json_docs.h"
#include "server/block.h"
#include "server/lazy.h"
#include "server/loop.h"
#include "server/server.h"

enum { TRIES = 3 };

struct aside {
    struct client *client;    /* NULL: gone while it ran */
    struct request *request;  /* without a client: its own; else NULL, the client has it */
    struct json_docs *docs;   /* NULL: it waits */
    enum { WAITS, RUNS, DONE } state;
    int resp;
    unsigned tries;
    struct link in_list;      /* asides->waiting, or when it is DONE asides->back */
};

struct asides {
    struct server *server;
    struct link waiting, back;
    struct aside *running;    /* what the thread has; NULL: nothing */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct aside *job;        /* under the lock, as stop is */
    bool stop;
    atomic_bool done;         /* it has run `running` */
};

/* --- the thread --------------------------------------------------------------------------------------------------- */

static struct aside *take(struct asides *all)
{
    struct aside *a;

    pthread_mutex_lock(&all->lock);
    while (all->job == NULL && !all->stop) pthread_cond_wait(&all->more, &all->lock);
    a = all->job;
    all->job = NULL;
    pthread_mutex_unlock(&all->lock);
    return a;
}

static void *work(void *arg)
{
    struct asides *all = arg;
    struct aside *a;

    mem_thread_enter();
    thread_give_way();
    while ((a = take(all)) != NULL) {
        json_docs_run(a->docs, a->resp);
        atomic_store(&all->done, true);
        loop_wake(all->server);
    }
    mem_thread_leave();
    return NULL;
}

static struct asides *asides_new(struct server *s)
{
    struct asides *all = mem_zalloc(sizeof *all);
    int error;

    all->server = s;
    link_init(&all->waiting);
    link_init(&all->back);
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->more, NULL);
    error = thread_start(&all->thread, "memd-aside", work, all);
    if (error == 0) return all;
    log_limited(s->log, LOG_WARNING, "A thread for commands on long documents could not be started, they run in one piece: %s",
                thread_why(error));
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->more);
    mem_free(all);
    return NULL;
}

/* Texts of megabytes take their time to be given back. */
static void drop_docs(struct server *s, struct aside *a)
{
    if (a->docs) lazy_defer(s->lazy, json_docs_free, a->docs);
    a->docs = NULL;
}

static void drop(struct server *s, struct aside *a)
{
    drop_docs(s, a);
    if (a->request) request_free(a->request);
    mem_free(a);
}

void asides_free(struct asides **a)
{
    struct asides *all = *a;

    if (all == NULL) return;
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_signal(&all->more);
    pthread_mutex_unlock(&all->lock);
    pthread_join(all->thread, NULL);
    if (all->running) drop(all->server, all->running);
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->more);
    mem_free(all);
    *a = NULL;
}

/* --- parked --------------------------------------------------------------------------------------------------------- */

/* Whatever leads to a reply is called from asides_turn: within somebody else's call nobody is answered. */
static void leave(struct client *c, void *parked)
{
    struct aside *a = parked;

    link_remove(&a->in_list);
    if (a->state != RUNS) {
        drop(c->server, a);
        return;
    }
    a->client = NULL;
    a->request = block_keep_request(c);
}

static size_t bytes(const void *parked)
{
    const struct aside *a = parked;

    return sizeof *a + (a->docs && a->state != RUNS ? json_docs_bytes(a->docs) : 0);
}

static const struct parking waiting = { .leave = leave, .bytes = bytes };

enum err aside_go(struct call *c)
{
    struct server *s = c->client->server;
    struct aside *a;

    if (s->asides == NULL) s->asides = asides_new(s);
    if (s->asides == NULL) {
        c->may_block = false;
        return c->cmd->aside(c);
    }
    a = mem_zalloc(sizeof *a);
    a->client = c->client;
    a->resp = c->out->resp;
    link_init(&a->in_list);
    link_add_tail(&s->asides->waiting, &a->in_list);
    c->wait = (struct wait){ .parking = &waiting, .parked = a };
    return CALL_BLOCKED;
}

/* --- back ------------------------------------------------------------------------------------------------------------- */

/* What is large goes to the client as it is. */
static enum err answer(struct call *c, struct aside *a)
{
    bool unheard = (c->client->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP)) != 0;
    struct buf reply = { 0 };
    enum err e = json_docs_settle(a->docs, c, &reply);

    if (unheard) buf_fini(&reply);
    else client_take_output(c->client, &reply);
    return e;
}

bool aside_been(struct call *c, enum err *e)
{
    struct server *s = c->client->server;
    struct aside *a = block_parked(c->client, &waiting);

    if (LIKELY(a == NULL)) return false;
    ensure(a->state == DONE);
    if (json_docs_hold(a->docs, c->db)) {
        *e = answer(c, a);
        return true;
    }
    if (++a->tries == TRIES) {
        c->may_block = false;
        return false;
    }
    drop_docs(s, a);
    a->state = WAITS;
    link_add_tail(s->asides->waiting.next, &a->in_list); /* the next to go */
    *e = CALL_BLOCKED;
    return true;
}

/* Those that write do not while clients are paused, or nobody writes. */
static bool may_answer(const struct server *s, const struct aside *a)
{
    return block_request(a->client)->ref->cmd->flags & CMD_WRITE ? block_writes_may_run(s) : !s->pause_all;
}

/* The first of those that are back and may be answered. */
static struct aside *first_back(const struct asides *all)
{
    LINK_EACH(&all->back, l) {
        struct aside *a = LINK_OF(l, struct aside, in_list);

        if (!(a->client->flags & CLIENT_CLOSE_SOON) && may_answer(all->server, a)) return a;
    }
    return NULL;
}

static void collect(struct asides *all)
{
    struct aside *a = all->running;

    if (a == NULL || !atomic_load(&all->done)) return;
    all->running = NULL;
    a->state = DONE;
    if (a->client == NULL) drop(all->server, a);
    else link_add_tail(&all->back, &a->in_list);
}

static void send_next(struct asides *all)
{
    struct aside *a;
    const struct request *r;

    if (all->running != NULL || link_alone(&all->waiting)) return;
    a = LINK_OF(all->waiting.next, struct aside, in_list);
    r = block_request(a->client);
    link_remove(&a->in_list);
    a->docs = json_docs_new(client_db(a->client), r->ref->cmd, r->argc, r->argv);
    a->state = RUNS;
    all->running = a;
    atomic_store(&all->done, false);
    pthread_mutex_lock(&all->lock);
    all->job = a;
    pthread_cond_signal(&all->more);
    pthread_mutex_unlock(&all->lock);
}

/* One that writes is done before the next one looks at its documents. */
void asides_turn(struct server *s, int64_t deadline_us)
{
    struct asides *all = s->asides;
    struct aside *a;

    if (LIKELY(!s->asides_paused)) collect(all);
    while ((a = first_back(all)) != NULL) {
        link_remove(&a->in_list);
        block_run_again(a->client); /* a may be gone */
        if (clock_mono_us() >= deadline_us) break;
    }
    if (first_back(all) == NULL) send_next(all);
}

bool asides_are_due(const struct server *s)
{
    const struct asides *all = s->asides;

    if (LIKELY(all == NULL)) return false;
    if (all->running == NULL && !link_alone(&all->waiting)) return true;
    if (all->running != NULL && !s->asides_paused && atomic_load(&all->done)) return true;
    return first_back(all) != NULL;
}
