/* keys_walk.c -- see keys_walk.h. */
#include "server/keys_walk.h"

#include "base/mem.h"
#include "server/between.h"
#include "server/block.h"
#include "server/server.h"
#include "storage/matching.h"

enum {
    SLICE_KEYS = 8192, /* met in a slice, however fast that goes */
    LOOK_KEYS = 512,   /* between two looks at the clock */
    PIECE = 128 * 1024
};

struct walk {
    struct client *client;
    struct link in_list;     /* server->keys_walks */
    int db;
    struct matching keys;    /* its pattern lies behind the struct */
    struct buf found;        /* bulks; what is full becomes a piece */
    struct reply_pieces pieces; /* the first is the head */
    size_t n;
};

static void take(void *ctx, struct str key)
{
    struct walk *w = ctx;

    reply_bulk(&(struct reply){ &w->found, 2 }, key);
    w->n++;
    if (w->found.n < PIECE) return;
    reply_take(&(struct reply){ &(struct buf){ 0 }, 2 }, &w->pieces, &w->found);
}

static void clear(struct walk *w)
{
    buf_fini(&w->found);
    reply_pieces_fini(&w->pieces);
    w->found.may_fail = true;
    w->n = 0;
    reply_take(&(struct reply){ &(struct buf){ 0 }, 2 }, &w->pieces, &(struct buf){ .may_fail = true });
}

/* Some keys more; true: those were all. */
static bool look(struct walk *w)
{
    bool done = matching_step(&w->keys, w->client->server->store->dbs[w->db], LOOK_KEYS, take, w);

    if (w->keys.anew) clear(w);
    w->keys.anew = false;
    return done;
}

/* True: all have been met. */
static bool go_on(struct walk *w, int64_t deadline_us)
{
    for (int n = 0; n < SLICE_KEYS; n += LOOK_KEYS) {
        if (look(w)) return true;
        if (clock_mono_us() >= deadline_us) break;
    }
    return false;
}

static void walk_free(struct walk *w)
{
    buf_fini(&w->found);
    matching_fini(&w->keys);
    reply_pieces_fini(&w->pieces);
    mem_free(w);
}

static bool has_failed(const struct walk *w)
{
    bool failed = w->found.failed;

    for (size_t i = 0; i < w->pieces.n; i++) failed |= w->pieces.items[i].failed;
    return failed;
}

/* --- parked ------------------------------------------------------------------------------------------------------ */

static void leave(struct client *c, void *parked)
{
    struct walk *w = parked;

    (void)c;
    link_remove(&w->in_list);
    walk_free(w);
}

static void answer(struct walk *w)
{
    struct client *c = w->client;
    struct reply_pieces pieces = w->pieces;
    struct buf found = w->found;

    if (has_failed(w)) {
        block_answer_error(c, err_text(ERR_OOM)); /* w is gone */
        return;
    }
    reply_array(&(struct reply){ &pieces.items[0], c->resp }, w->n);
    w->pieces = (struct reply_pieces){ 0 };
    w->found = (struct buf){ 0 };
    block_answer_pieces(c, &pieces, &found); /* w is gone */
}

static size_t bytes(const void *parked)
{
    const struct walk *w = parked;
    size_t n = sizeof *w + w->keys.pattern.n + w->keys.last.cap + w->found.cap;

    for (size_t i = 0; i < w->pieces.n; i++) n += w->pieces.items[i].cap;
    return n;
}

static const struct parking waiting = { .leave = leave, .bytes = bytes };

/* --- a call ------------------------------------------------------------------------------------------------------ */

static enum err reply_now(struct call *c, struct walk *w)
{
    bool failed = has_failed(w);

    if (!failed) {
        reply_array(c->out, w->n);
        for (size_t i = 0; i < w->pieces.n; i++) reply_raw(c->out, w->pieces.items[i].p, w->pieces.items[i].n);
        reply_raw(c->out, w->found.p, w->found.n);
    }
    walk_free(w);
    return failed ? ERR_OOM : OK;
}

enum err keys_walk(struct call *c)
{
    struct str pattern = call_arg(c, 1);
    struct walk *w = mem_zalloc(sizeof *w + pattern.n);

    memcpy(w + 1, pattern.p, pattern.n);
    w->client = c->client;
    w->db = c->client->db;
    matching_init(&w->keys, c->db, str_of((char *)(w + 1), pattern.n));
    link_init(&w->in_list);
    clear(w);
    if (go_on(w, clock_mono_us() + BETWEEN_INLINE_US)) return reply_now(c, w);
    link_add_tail(&c->client->server->keys_walks, &w->in_list);
    c->wait = (struct wait){ .parking = &waiting, .parked = w };
    return CALL_BLOCKED;
}

bool keys_walks_are_due(const struct server *s)
{
    return !link_alone(&s->keys_walks);
}

void keys_walks_turn(struct server *s, int64_t deadline_us)
{
    struct walk *w = LINK_OF(s->keys_walks.next, struct walk, in_list);

    link_remove(&w->in_list);
    link_add_tail(&s->keys_walks, &w->in_list);
    if (!(w->client->flags & CLIENT_CLOSE_SOON) && go_on(w, deadline_us)) answer(w);
}
