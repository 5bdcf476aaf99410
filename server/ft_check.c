/* ft_check.c -- is each index what the keys say? All keys are read into an index of the same definition, and both compared. */
#include "base/mem.h"
#include "server/ft_impl.h"

struct rescan {
    struct ft *ft;
    struct ft_index *x;
    struct search_index *fresh;
};

/* An empty index of the same definition. */
static struct search_index *same_definition(const struct ft_index *x)
{
    const struct index_spec *s = index_spec(x->ix);
    struct index_spec *spec = NULL;
    struct buf error = { 0 };
    struct arena arena;
    struct ft_args said = { .arena = &arena };
    bool added = true;

    arena_init(&arena);
    for (size_t at = 0; at < s->n_fields && added; said.n = 0) {
        at = spec_say(s, at, ft_args_add, &said);
        if (spec == NULL) spec = spec_parse(said.n, said.argv, &error);
        else added = spec_add(spec, said.n - 3, said.argv + 3, &error); /* behind name SCHEMA ADD */
        ensure(spec != NULL && added);
    }
    arena_fini(&arena);
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
    index_flush(r.fresh);
    (void)index_go_on(r.fresh, INT64_MAX);
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

        if (i >= r->n && x->kept_until_ms <= server_mono_ms(s)) continue; /* it is about to go, and may have been emptied */
        if (check(s->ft, x, why)) continue;
        buf_insert(why, from, ": ", 2);
        buf_insert(why, from, index_spec(x->ix)->name.p, index_spec(x->ix)->name.n);
        return false;
    }
    return true;
}
