/* ft_drop.c -- FT.DROPINDEX ... DD: an index goes, and its documents are deleted.
 *
 * In slices: its client waits, others do not. Until the last is deleted the index is fed as before, so that it knows what is
 * left. Each is logged as UNLINK, the index as FT.DROPINDEX without DD. A TEMPORARY index goes the same way. */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "server/block.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"

enum { AT_ONCE = 16, TEND_MS = 100 };

static void delete_doc(struct server *s, struct ft_index *x, uint32_t doc)
{
    struct str key = index_key(x->ix, doc);
    struct buf name = { 0 };
    struct slot slot;

    buf_add_str(&name, key);
    key = buf_str(&name);
    if (s->store->dbs[0] && db_find_write(s->store->dbs[0], key, &slot)) {
        db_remove(&slot, CHANGE_DEL, s->store->conf.lazy_user_del);
        persist_append(s->persist, 0, 2, (const struct str[]){ STR("UNLINK"), key });
    }
    index_remove(x->ix, key); /* as a rule it is gone by now */
    buf_fini(&name);
}

/* True: all are deleted. Those that are still to be read, because they have just been written or there has just been a start,
 * are found by the turns to come. */
static bool delete_some(struct server *s, struct ft_index *x, int64_t deadline_us)
{
    const struct docset *all = index_all(x->ix);

    persist_group_begin(s->persist);
    for (int i = 0; all->n > 0; i++) {
        if (i % AT_ONCE == AT_ONCE - 1 && clock_mono_us() >= deadline_us) break;
        x->doom_at = docset_next(all, x->doom_at);
        if (x->doom_at == UINT32_MAX) x->doom_at = docset_next(all, 0);
        delete_doc(s, x, x->doom_at);
        all = index_all(x->ix);
    }
    persist_group_end(s->persist);
    return all->n == 0 && !x->scanning && ft_queue_count(&x->queue) == 0;
}

/* --- who waits for it ------------------------------------------------------------------------------------------- */

static void leave(struct client *c, void *parked)
{
    struct ft_index *x = parked;

    (void)c;
    x->doom_client = NULL;
}

/* There is no time limit, so it is CLIENT UNBLOCK: what has begun goes on. */
static void time_up(struct client *c, void *parked)
{
    (void)parked;
    block_answer(c, STR("+OK\r\n"));
}

static size_t bytes(const void *parked)
{
    (void)parked;
    return 0;
}

static const struct parking waiting = { .leave = leave, .time_up = time_up, .bytes = bytes };

static void end(struct server *s, struct ft_index *x)
{
    x->dooming = false;
    x->kept_until_ms = 0;
    if (x->doom_client) block_answer(x->doom_client, STR("+OK\r\n"));
    (void)s;
}

void ft_doom_unheard(struct ft *f)
{
    for (size_t i = 0; i < f->now.n_kept; i++) {
        struct client *c = f->now.kept[i]->doom_client;

        if (c) block_answer_error(c, "ERR Data was loaded anew before all documents of the index were deleted: some may be left");
    }
}

/* Who cannot wait is not told that documents are gone which are to be found yet: what came after it would go with them. */
bool ft_doom_can(struct call *c, struct ft_index *x)
{
    struct server *s = c->client->server;

    if (c->may_block || s->store->loading) return true;
    ft_jobs_finish(s, x->ix);
    ft_finish(s->ft, x->ix);
    return !x->scanning && ft_queue_count(&x->queue) == 0;
}

enum err ft_doom(struct call *c, struct ft_index *x)
{
    struct server *s = c->client->server;

    x->dooming = !s->store->loading; /* the log itself tells what was deleted; what came later stays */
    ft_drop(s->ft, x, true);
    if (s->store->loading) {
        reply_ok(c->out);
        return OK;
    }
    ft_busy(s->ft, x);
    if (delete_some(s, x, c->may_block ? clock_mono_us() + BETWEEN_INLINE_US : INT64_MAX)) {
        end(s, x);
        reply_ok(c->out);
        return OK;
    }
    ensure(c->may_block);
    x->doom_client = c->client;
    c->wait = (struct wait){ .parking = &waiting, .parked = x };
    return CALL_BLOCKED;
}

/* TEMPORARY: one that nobody has asked or fed for so long goes, and its documents with it. */
static void drop_idle(struct server *s)
{
    struct ft_registry *r = &s->ft->now;
    int64_t now = server_mono_ms(s);

    if (now - s->ft->tended_ms < TEND_MS) return;
    s->ft->tended_ms = now;
    for (size_t i = r->n; i-- > 0;) {
        struct ft_index *x = r->indexes[i];
        int64_t idle_ms = index_spec(x->ix)->temporary_s * 1000;

        if (idle_ms == 0 || now - x->used_ms < idle_ms || s->pause_until_ms != 0) continue;
        persist_append(s->persist, 0, 2, (const struct str[]){ STR("FT.DROPINDEX"), index_spec(x->ix)->name });
        s->store->stats.dirty++;
        x->dooming = true;
        ft_drop(s->ft, x, true);
    }
}

bool ft_doom_turn(struct server *s, int64_t deadline_us)
{
    struct ft_registry *r = &s->ft->now;
    bool more = false;

    drop_idle(s);
    for (size_t i = 0; i < r->n_kept; i++) {
        struct ft_index *x = r->kept[i];

        if (!x->dooming) continue;
        if (delete_some(s, x, deadline_us)) end(s, x);
        else more = true;
    }
    return more;
}
