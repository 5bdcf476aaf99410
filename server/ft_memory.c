/* ft_memory.c -- indexes where memory is short.
 *
 * An index grows with keys that were written while there was room, and there eviction, or refusing, sees to the limit. A scan
 * alone brings more without anybody writing: each turn makes room for it first. Where nothing can be evicted the scan waits
 * until there is room again, and searches tell that not all is in the index. After a start, where searches wait for the
 * scan's end, it may go somewhat beyond maxmemory: what it finds is what fitted before.
 *
 * What can be done without goes before any key: indexes that were dropped and are kept for a while. */
#include "base/mem.h"
#include "server/ft_impl.h"
#include "server/lazy.h"

/* Memory that is to be free before a scan that waits goes on, and how far one after a start may go: parts of maxmemory. */
enum { ROOM = 32, BEYOND = 8 };

static bool any_scans(const struct ft *f)
{
    for (const struct link *l = f->busy.next; l != &f->busy; l = l->next)
        if (LINK_OF(l, struct ft_index, in_busy)->scanning) return true;
    return false;
}

static bool has_room_again(const struct server *s)
{
    uint64_t limit = s->store->conf.maxmemory;

    return !mem_is_short() && (limit == 0 || server_used_memory(s) <= limit - limit / ROOM);
}

static void go_on(struct ft *f, struct ft_index *x)
{
    if (!x->starved) return;
    x->starved = false;
    ft_busy(f, x);
}

void ft_make_room(struct ft *f)
{
    struct server *s = f->server;

    f->memory = any_scans(f) ? dispatch_make_room(s) : MEMORY_FINE;
    if (!f->any_starved || !has_room_again(s)) return;
    f->any_starved = false;
    for (size_t i = 0; i < f->now.n; i++) go_on(f, f->now.indexes[i]);
    for (size_t i = 0; i < f->now.n_kept; i++) go_on(f, f->now.kept[i]);
}

bool ft_may_grow(struct ft *f, struct ft_index *x)
{
    struct server *s = f->server;
    uint64_t limit = s->store->conf.maxmemory;
    struct str name = index_spec(x->ix)->name;

    if (f->memory != MEMORY_OUT || x->dooming) return f->memory != MEMORY_EVICTING;
    if (x->whole && !mem_is_short() && server_used_memory(s) <= limit + limit / BEYOND) return true;
    x->whole = false;
    x->starved = f->any_starved = true;
    log_warning(s->log, "Index %.*s: not all keys fit into it within maxmemory. What is in it is found; the rest follows when there is "
                        "room: give it more memory, delete keys, or drop the index.", str_shown(name), name.p);
    return false;
}

const char *ft_partial(const struct ft *f, const struct search_index *ix)
{
    const struct ft_index *x = f->any_starved ? ft_owner(f, ix) : NULL;

    return x && x->starved ? "Index contains partial data due to an indexing failure caused by insufficient memory" : NULL;
}

void ft_forget_dropped(struct server *s)
{
    if (s->ft && s->ft->now.n_kept > 0) ft_tend_kept(s->ft, true);
}

void ft_free_later(void *ctx, void (*fn)(void *arg), void *arg, size_t bytes)
{
    struct server *s = ctx;

    lazy_defer_bytes(s->lazy, fn, arg, bytes);
}
