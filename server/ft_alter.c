/* ft_alter.c -- FT.ALTER.
 *
 * Fields move when one is added, and searches know them by their addresses: so it waits until none holds the index, and none begins
 * meanwhile (ft_ready). Its client is parked, and the request runs again. In transactions and scripts those searches are run to
 * their end. */
#include "base/mem.h"
#include "server/block.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"

struct altering {
    struct client *client;
    struct link in_list;   /* server->ft_alters */
    uint64_t index;        /* its serial number */
};

/* --- those who wait ---------------------------------------------------------------------------------------------- */

static void leave(struct client *c, void *parked)
{
    struct altering *a = parked;

    (void)c;
    link_remove(&a->in_list);
    mem_free(a);
}

/* There is no time limit, so it is CLIENT UNBLOCK. */
static void time_up(struct client *c, void *parked)
{
    (void)parked;
    block_answer_error(c, "ERR The index is in use by a query, and has not been altered");
}

static size_t bytes(const void *parked)
{
    (void)parked;
    return sizeof(struct altering);
}

static const struct parking waiting = { .leave = leave, .time_up = time_up, .bytes = bytes };

static enum err park(struct call *c, const struct ft_index *x)
{
    struct altering *a = block_parked(c->client, &waiting);

    if (a == NULL) {
        a = mem_zalloc(sizeof *a);
        a->client = c->client;
        a->index = x->serial;
        link_init(&a->in_list);
        link_add_tail(&c->client->server->ft_alters, &a->in_list);
    }
    c->wait = (struct wait){ .parking = &waiting, .parked = a };
    return CALL_BLOCKED;
}

static struct altering *altering_of(struct link *l)
{
    return LINK_OF(l, struct altering, in_list);
}

bool ft_is_altered(const struct server *s, const struct ft_index *x)
{
    LINK_EACH(&s->ft_alters, l)
        if (altering_of(l)->index == x->serial) return true;
    return false;
}

/* The first may go on when nobody holds its index, or when there is none any more. */
static bool may_go_on(const struct server *s, const struct altering *a)
{
    const struct ft_index *x = ft_by_serial(s->ft, a->index);

    return x == NULL || !index_is_held(x->ix);
}

bool ft_alters_are_due(const struct server *s)
{
    return !link_alone(&s->ft_alters) && block_writes_may_run(s);
}

void ft_alters_turn(struct server *s, int64_t deadline_us)
{
    struct altering *a = altering_of(s->ft_alters.next);

    link_remove(&a->in_list);
    link_add_tail(&s->ft_alters, &a->in_list);
    (void)deadline_us;
    if (!(a->client->flags & CLIENT_CLOSE_SOON) && may_go_on(s, a)) block_run_again(a->client);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static enum err fail(struct call *c, const char *text)
{
    reply_error(c->out, str_c(text));
    return CALL_REPLIED_ERROR;
}

enum err ft_run_alter(struct call *c, bool if_new)
{
    struct ft *f = c->client->server->ft;
    bool scan = !call_is(c, 2, "skipinitialscan");
    size_t at = scan ? 2 : 3;
    struct buf error = { 0 };
    struct ft_index *x;
    enum err e = ft_open_index(c, call_arg(c, 1), &x);

    if (e != OK) return e;
    if (!call_is(c, at, "schema")) return fail(c, "ERR ALTER must be followed by SCHEMA");
    if (!call_is(c, at + 1, "add")) return fail(c, "ERR Unknown action passed to ALTER SCHEMA");
    if (at + 2 >= c->argc) return fail(c, "ERR No fields provided");
    if (if_new && spec_field(index_spec(x->ix), call_arg(c, at + 2))) {
        reply_ok(c->out);
        return OK;
    }
    if (index_is_held(x->ix) && c->may_block) return park(c, x);
    ft_jobs_finish(f->server, x->ix);
    if (index_is_held(x->ix)) return fail(c, "ERR The index is in use by a query; try again");
    if (!ft_alter(f, x, c->argc - at - 2, c->argv + at + 2, scan, &error)) {
        reply_error(c->out, buf_str(&error));
        buf_fini(&error);
        return CALL_REPLIED_ERROR;
    }
    x->admin_uses++;
    c->store->stats.changes++; /* the request goes to the log */
    c->store->stats.dirty++;
    reply_ok(c->out);
    return OK;
}
