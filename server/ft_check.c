/* ft_check.c -- is each index what the keys say? All keys are read into an index of the same definition, and both compared. */
#include "base/mem.h"
#include "server/ft_impl.h"

struct rescan {
    struct ft *ft;
    struct ft_index *x;
    struct search_index *fresh;
};

static void add_arg(void *ctx, struct str arg)
{
    struct buf *b = ctx;

    buf_add(b, &arg.n, sizeof arg.n);
    buf_add_str(b, arg);
}

/* An empty index of the same definition. */
static struct search_index *same_definition(const struct ft_index *x)
{
    struct buf bytes = { 0 }, error = { 0 };
    struct str *argv = NULL;
    struct index_spec *spec;
    size_t n = 0;

    spec_say(index_spec(x->ix), add_arg, &bytes);
    for (size_t at = 0; at < bytes.n; n++) {
        argv = mem_realloc(argv, (n + 1) * sizeof *argv);
        memcpy(&argv[n].n, bytes.p + at, sizeof argv[n].n);
        argv[n].p = bytes.p + at + sizeof argv[n].n;
        at += sizeof argv[n].n + argv[n].n;
    }
    spec = spec_parse(n, argv, &error);
    ensure(spec != NULL);
    mem_free(argv);
    buf_fini(&bytes);
    buf_fini(&error);
    return index_new(spec);
}

static void put_again(void *ctx, const struct entry *e)
{
    struct rescan *r = ctx;
    const struct index_spec *s = index_spec(r->x->ix);

    for (size_t i = 0; i < s->n_prefixes; i++) {
        if (!str_starts(entry_key(e), s->prefixes[i])) continue;
        ft_put(r->ft, r->x, r->fresh, entry_key(e), e);
        return;
    }
}

static bool check(struct ft *f, struct ft_index *x, struct buf *why)
{
    struct db *db = f->server->store->dbs[0];
    struct rescan r = { f, x, NULL };
    uint64_t cursor = 0;
    bool same;

    if (x->scanning || index_is_held(x->ix) || index_spec(x->ix)->skip_initial_scan) return true;
    if (!index_is_held(x->ix)) ft_finish(f, x->ix);
    index_check(x->ix);
    r.fresh = same_definition(x);
    do cursor = db ? db_scan(db, cursor, 64, put_again, &r) : 0;
    while (cursor != 0);
    index_check(r.fresh);
    same = index_same(x->ix, r.fresh, why);
    index_free(&r.fresh);
    return same;
}

bool ft_check(struct server *s, struct buf *why)
{
    struct ft_registry *r = &s->ft->now;
    size_t from = why->n;

    for (size_t i = 0; i < r->n + r->n_kept; i++) {
        struct ft_index *x = i < r->n ? r->indexes[i] : r->kept[i - r->n];

        if (check(s->ft, x, why)) continue;
        buf_insert(why, from, ": ", 2);
        buf_insert(why, from, index_spec(x->ix)->name.p, index_spec(x->ix)->name.n);
        return false;
    }
    return true;
}
