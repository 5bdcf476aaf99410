/* cut.c -- a snapshot of the whole store as of one moment, without a fork.
 *
 * Each table does the work (table.h): it gives every entry that it held at the start to `dump`
 * once, by the walker or before the first change to its bucket. Here the tables of all databases
 * are strung together, and what had expired by the start is left out. */
#include "storage/cut.h"

#include "base/mem.h"
#include "storage/store.h"

/* One table of the snapshot. */
struct part {
    struct table_cut cut;
    struct store_cut *owner;
    struct table *table;
    int db;
};

struct store_cut {
    void (*dump)(void *ctx, int db, struct entry *e);
    void *ctx;
    int64_t start_ms; /* what was due by then is not part of the data */
    bool all;         /* nothing expires: the store is loading */
    bool broken;
    size_t at, n;
    struct part parts[];
};

static void dump_one(void *ctx, struct entry *e)
{
    const struct part *p = ctx;
    struct store_cut *c = p->owner;

    if (!c->all && entry_expires(e) && entry_expire_at(e) <= c->start_ms) return;
    c->dump(c->ctx, p->db, e);
}

struct store_cut *store_cut_begin(struct store *s, void (*dump)(void *ctx, int db, struct entry *e),
                                  void *ctx)
{
    size_t max = (size_t)s->conf.databases * STORE_SHARDS;
    struct store_cut *c = mem_zalloc(sizeof *c + max * sizeof c->parts[0]);

    ensure(s->cut == NULL);
    c->dump = dump;
    c->ctx = ctx;
    c->start_ms = s->now_ms;
    c->all = s->loading;
    if (++s->n_cuts == 0) s->n_cuts = 1; /* an epoch is never 0 */
    for (size_t i = 0; i < max; i++) {
        struct table *t = &s->dbs[i / STORE_SHARDS]->shards[i % STORE_SHARDS].keys;
        struct part *p = &c->parts[c->n];

        if (t->count == 0) continue;
        *p = (struct part){ .owner = c, .table = t, .db = (int)(i / STORE_SHARDS) };
        p->cut = (struct table_cut){ .epoch = s->n_cuts, .dump = dump_one, .ctx = p };
        table_cut_begin(t, &p->cut);
        c->n++;
    }
    s->cut = c;
    return c;
}

bool store_cut_step(struct store_cut *c)
{
    if (c->broken) return false;
    while (c->at < c->n) {
        if (table_cut_step(c->parts[c->at].table)) return true;
        c->at++;
    }
    return false;
}

static void detach(struct store *s)
{
    struct store_cut *c = s->cut;

    for (size_t i = 0; i < c->n; i++) table_cut_end(c->parts[i].table);
    s->cut = NULL;
}

void cut_break(struct store *s)
{
    struct store_cut *c = s->cut;

    if (!c) return;
    c->broken = c->at < c->n;
    detach(s);
}

void store_cut_end(struct store *s, struct store_cut **c)
{
    if (!*c) return;
    if (s->cut == *c) detach(s);
    mem_free(*c);
    *c = NULL;
}

bool store_cut_broken(const struct store_cut *c)
{
    return c->broken;
}
