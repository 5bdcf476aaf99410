/* ft.c -- see ft.h: which indexes there are. */
#include "server/ft.h"

#include "base/ensure.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/place.h"
#include "server/acl.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"

/* --- names ------------------------------------------------------------------------------------------------------ */

static struct str index_name(const void *list, size_t i)
{
    struct ft_index *const *all = list;

    return index_spec(all[i]->ix)->name;
}

static struct str alias_name(const void *list, size_t i)
{
    const struct ft_alias *all = list;

    return all[i].name;
}

static size_t index_place(const struct ft *f, struct str name, bool *found)
{
    return place_of(f->now.indexes, f->now.n, index_name, name, found);
}

static size_t alias_place(const struct ft *f, struct str name, bool *found)
{
    return place_of(f->now.aliases, f->now.n_aliases, alias_name, name, found);
}

struct ft_index *ft_find(const struct ft *f, struct str name)
{
    bool found;
    size_t at = index_place(f, name, &found);

    return found ? f->now.indexes[at] : NULL;
}

struct ft_index *ft_find_alias(const struct ft *f, struct str name)
{
    struct ft_index *x = ft_find(f, name);
    bool found;
    size_t at;

    if (x) return x;
    at = alias_place(f, name, &found);
    return found ? f->now.aliases[at].x : NULL;
}

struct ft_index *ft_owner(const struct ft *f, const struct search_index *ix)
{
    struct ft_index *x = ft_find(f, index_spec(ix)->name);

    if (x && x->ix == ix) return x;
    for (size_t i = 0; i < f->now.n_kept; i++)
        if (f->now.kept[i]->ix == ix) return f->now.kept[i];
    return NULL;
}

uint64_t ft_serial(const struct ft *f, const struct search_index *ix)
{
    const struct ft_index *x = ft_owner(f, ix);

    return x != NULL ? x->serial : 0;
}

struct ft_index *ft_by_serial(const struct ft *f, uint64_t serial)
{
    for (size_t i = 0; i < f->now.n; i++)
        if (f->now.indexes[i]->serial == serial) return f->now.indexes[i];
    return NULL;
}

bool ft_is_index(const struct ft *f, uint64_t serial)
{
    return ft_by_serial(f, serial) != NULL;
}

bool ft_alias_set(struct ft *f, struct str name, struct ft_index *x)
{
    struct ft_registry *r = &f->now;
    bool found;
    size_t at = alias_place(f, name, &found);
    bool was_there = found && r->aliases[at].x == x;

    if (!found) {
        r->aliases = mem_realloc(r->aliases, (r->n_aliases + 1) * sizeof *r->aliases);
        memmove(r->aliases + at + 1, r->aliases + at, (r->n_aliases - at) * sizeof *r->aliases);
        r->aliases[at].name = str_of(mem_dup(name.p, name.n), name.n);
        r->n_aliases++;
    }
    r->aliases[at].x = x;
    return !was_there;
}

static void remove_alias_at(struct ft_registry *r, size_t at)
{
    mem_free((char *)(uintptr_t)r->aliases[at].name.p);
    memmove(r->aliases + at, r->aliases + at + 1, (r->n_aliases - at - 1) * sizeof *r->aliases);
    r->n_aliases--;
}

void ft_alias_remove(struct ft *f, struct str name)
{
    bool found;
    size_t at = alias_place(f, name, &found);

    if (found) remove_alias_at(&f->now, at);
}

/* --- made and dropped ------------------------------------------------------------------------------------------- */

static void add_kept(struct ft *f, struct ft_index *x)
{
    struct ft_registry *r = &f->now;

    r->kept = mem_realloc(r->kept, (r->n_kept + 1) * sizeof *r->kept);
    r->kept[r->n_kept++] = x;
}

static void remove_kept(struct ft_registry *r, size_t at)
{
    memmove(r->kept + at, r->kept + at + 1, (r->n_kept - at - 1) * sizeof *r->kept);
    r->n_kept--;
}

static void put_into_use(struct ft *f, struct ft_index *x)
{
    struct ft_registry *r = &f->now;
    bool found;
    size_t at = index_place(f, index_spec(x->ix)->name, &found);

    ensure(!found);
    r->indexes = mem_realloc(r->indexes, (r->n + 1) * sizeof *r->indexes);
    memmove(r->indexes + at + 1, r->indexes + at, (r->n - at) * sizeof *r->indexes);
    r->indexes[at] = x;
    r->n++;
    x->used_ms = server_mono_ms(f->server);
    ft_prefixes_make(f);
}

void ft_free_index(struct ft *f, struct ft_index **xp)
{
    struct ft_index *x = *xp;

    ft_jobs_cancel(f->server, x->ix, FT_DROPPED);
    link_remove(&x->in_busy);
    ft_paths_close(x);
    ft_queue_fini(&x->queue);
    index_clear(x->ix); /* what is large goes to the thread that frees */
    index_free(&x->ix);
    arena_fini(&x->filter_arena);
    mem_free(x);
    *xp = NULL;
}

/* One that was dropped a moment ago and is the same: it has been fed all the time. */
static struct ft_index *take_back(struct ft *f, const struct index_spec *spec)
{
    struct ft_registry *r = &f->now;

    for (size_t i = 0; i < r->n_kept; i++) {
        struct ft_index *x = r->kept[i];

        if (x->dooming || x->kept_until_ms <= server_mono_ms(f->server) || !str_eq(index_spec(x->ix)->name, spec->name) || !spec_same(index_spec(x->ix), spec))
            continue;
        remove_kept(r, i);
        x->kept_until_ms = 0;
        synonyms_fini(index_synonyms(x->ix)); /* a new index has none */
        return x;
    }
    return NULL;
}

static struct ft_index *new_index(struct ft *f, struct index_spec *spec, struct buf *error)
{
    struct ft_index *x = mem_zalloc(sizeof *x);

    arena_init(&x->filter_arena);
    if (spec->filter.n > 0) {
        x->filter = expr_parse(&x->filter_arena, spec->filter, error);
        if (x->filter == NULL) {
            arena_fini(&x->filter_arena);
            mem_free(x);
            spec_free(&spec);
            return NULL;
        }
    }
    x->ix = index_new(spec);
    x->serial = ++f->last_serial;
    if (f->server->lazy) index_set_defer(x->ix, ft_free_later, f->server);
    ft_paths_open(x);
    link_init(&x->in_busy);
    if (!spec->skip_initial_scan) ft_scan(f, x, false);
    return x;
}

bool ft_create(struct ft *f, size_t argc, const struct str *argv, struct buf *error)
{
    struct index_spec *spec = spec_parse(argc, argv, error);
    struct ft_index *x;

    if (spec == NULL) return false;
    x = take_back(f, spec);
    if (x) spec_free(&spec);
    else x = new_index(f, spec, error);
    if (x == NULL) return false;
    put_into_use(f, x);
    return true;
}

bool ft_alter(struct ft *f, struct ft_index *x, size_t argc, const struct str *argv, bool scan, struct buf *error)
{
    if (!index_alter(x->ix, argc, argv, error)) return false;
    ft_paths_open(x);
    if (scan) ft_scan(f, x, false);
    ft_prefixes_make(f);
    return true;
}

void ft_drop(struct ft *f, struct ft_index *x, bool now)
{
    struct ft_registry *r = &f->now;
    int64_t keep_ms = now || x->emptied ? 0 : f->server->conf->search_keep_dropped * 1000;
    bool found;
    size_t at = index_place(f, index_spec(x->ix)->name, &found);

    ensure(found && r->indexes[at] == x);
    for (size_t i = r->n_aliases; i-- > 0;)
        if (r->aliases[i].x == x) remove_alias_at(r, i);
    memmove(r->indexes + at, r->indexes + at + 1, (r->n - at - 1) * sizeof *r->indexes);
    r->n--;
    x->kept_until_ms = server_mono_ms(f->server) + keep_ms;
    add_kept(f, x);
    ft_tend_kept(f, false);
    ft_prefixes_make(f);
}

void ft_tend_kept(struct ft *f, bool all)
{
    struct ft_registry *r = &f->now;
    int64_t now = server_mono_ms(f->server);
    bool any = false;

    for (size_t i = r->n_kept; i-- > 0;) {
        struct ft_index *x = r->kept[i];

        if (x->dooming || index_is_held(x->ix) || (!all && x->kept_until_ms > now && !f->server->evicting)) continue;
        remove_kept(r, i);
        ft_free_index(f, &x);
        any = true;
    }
    if (any) ft_prefixes_make(f);
}

/* --- asked for -------------------------------------------------------------------------------------------------- */

enum err ft_fail_missing(struct call *c, struct str name)
{
    reply_errorf(c->out, "SEARCH_INDEX_NOT_FOUND Index not found (no such index, Unknown index name): %.*s",
                 str_shown(name), name.p);
    return CALL_REPLIED_ERROR;
}

struct allowed {
    struct str prefix;
    bool yes;
};

/* A pattern allows all keys of a prefix when it is a beginning of it and a star. */
static void look_at_pattern(void *ctx, struct str pattern)
{
    struct allowed *a = ctx;
    struct str literal = glob_prefix(pattern);

    if (literal.n < pattern.n && pattern.p[literal.n] == '*' && literal.n + 1 == pattern.n && str_starts(a->prefix, literal)) a->yes = true;
}

/* May the client's user do so with all keys of all prefixes? */
static bool may(struct call *c, const struct index_spec *s, unsigned access)
{
    struct client *cl = c->client;
    const struct command_ref *ref;

    if (c->reads_all_keys == NULL) return true;
    ref = registry_resolve_own(cl->server->commands, c->argc, c->argv);
    for (size_t i = 0; ref && i < s->n_prefixes; i++) {
        struct allowed a = { s->prefixes[i], false };

        acl_each_pattern(cl->server->acl, cl->user, ref, c->argc, c->argv, access, look_at_pattern, &a);
        if (!a.yes) return false;
    }
    return true;
}

bool ft_may_delete(struct call *c, const struct index_spec *s)
{
    if (may(c, s, ACL_WRITE_KEY)) return true;
    reply_error(c->out, STR("NOPERM User does not have the required permissions to delete the documents of the index"));
    return false;
}

enum err ft_open_index(struct call *c, struct str name, struct ft_index **x)
{
    *x = ft_find_alias(c->client->server->ft, name);
    if (*x == NULL) return ft_fail_missing(c, name);
    if (may(c, index_spec((*x)->ix), ACL_READ_KEY)) return OK;
    reply_error(c->out, STR("NOPERM User does not have the required permissions to query the index"));
    return CALL_REPLIED_ERROR;
}

enum err ft_open(struct call *c, struct str name, struct search_index **ix)
{
    struct ft_index *x;
    enum err e = ft_open_index(c, name, &x);

    if (e != OK) return e;
    *ix = x->ix;
    index_used(x->ix);
    return OK;
}

const struct doc_reader *ft_reader(struct ft *f)
{
    return &f->reader;
}

void ft_args_add(void *args, struct str arg)
{
    struct ft_args *a = args;

    if (a->n == a->cap) {
        struct str *more = arena_alloc(a->arena, 2 * (a->cap + 8) * sizeof *more);

        if (a->n) memcpy(more, a->argv, a->n * sizeof *more);
        a->cap = 2 * (a->cap + 8);
        a->argv = more;
    }
    a->argv[a->n++] = arena_dup(a->arena, arg);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

struct ft *ft_new(struct server *s)
{
    struct ft *f = mem_zalloc(sizeof *f);

    f->server = s;
    arena_init(&f->arena);
    link_init(&f->busy);
    ft_reader_open(f);
    ft_keeper_open(f);
    s->store->on_overdue = ft_on_overdue;
    s->store->on_overdue_ctx = s;
    return f;
}

void ft_free(struct ft **fp)
{
    struct ft *f = *fp;

    if (f == NULL) return;
    f->keeper.drop_aside(f);
    f->keeper.put_aside(f);
    f->keeper.drop_aside(f);
    ft_prefixes_fini(f);
    ft_reader_close(f);
    for (int i = 0; i < FT_OPTIONS_MAX; i++) buf_fini(&f->options[i]);
    arena_fini(&f->arena);
    mem_free(f);
    *fp = NULL;
}

const struct persist_libraries *ft_keeper(const struct ft *f)
{
    return &f->keeper;
}

size_t ft_bytes(const struct server *s)
{
    const struct ft_registry *r = &s->ft->now;
    size_t n = sizeof *s->ft + dictionaries_memory(&r->dictionaries);

    for (size_t i = 0; i < r->n; i++) n += index_memory(r->indexes[i]->ix) + ft_queue_bytes(&r->indexes[i]->queue);
    for (size_t i = 0; i < r->n_kept; i++) n += index_memory(r->kept[i]->ix) + ft_queue_bytes(&r->kept[i]->queue);
    return n;
}
