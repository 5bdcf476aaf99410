#include "tests/unit/storage/table_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"

struct model *model_new(void)
{
    struct model *m = mem_zalloc(sizeof *m);

    m->hash_key = (struct hash_key){ 11, 22 };
    table_init(&m->t, &m->hash_key);
    return m;
}

static void free_one(void *ctx, struct entry *e)
{
    struct model *m = ctx;
    unsigned id = model_id(e);

    ensure(m->e[id] == e);
    m->e[id] = NULL;
    m->n--;
    entry_free(e);
}

void model_free(struct model *m)
{
    table_fini(&m->t, free_one, m);
    ensure(m->n == 0 && m->t.bytes == 0);
    mem_free(m);
}

struct str model_key(unsigned id, char buf[32])
{
    int n = snprintf(buf, 32, "%u:%.*s", id, (int)(id % 20), "abcdefghijklmnopqrst");
    return str_of(buf, (size_t)n);
}

unsigned model_id(const struct entry *e)
{
    char text[32] = { 0 };
    struct str key = entry_key(e);

    memcpy(text, key.p, key.n);
    return (unsigned)strtoul(text, NULL, 10);
}

uint64_t model_hash(const struct model *m, unsigned id)
{
    char buf[32];
    return table_hash(&m->t, model_key(id, buf));
}

struct table_ref model_find(const struct model *m, unsigned id)
{
    char buf[32];
    struct str key = model_key(id, buf);
    struct table_ref r = table_find(&m->t, table_hash(&m->t, key), key);

    ensure(r.e == m->e[id]);
    return r;
}

void model_put(struct model *m, unsigned id)
{
    char buf[32];
    struct table_ref r = model_find(m, id);
    struct entry *e = entry_new_int(model_key(id, buf), ++m->last_value, -1), *old = r.e;

    if (old) {
        table_ref_set(&m->t, &r, e);
        ensure(r.e == e);
        entry_free(old);
    } else {
        table_insert(&m->t, r.hash, e);
        m->n++;
    }
    m->e[id] = e;
}

void model_change(struct model *m, unsigned id)
{
    struct table_ref r = model_find(m, id);

    if (!r.e) return;
    table_before_change(&m->t, r.hash);
    entry_set_int(r.e, ++m->last_value);
}

void model_del(struct model *m, unsigned id)
{
    struct table_ref r = model_find(m, id);
    struct entry *e = r.e;

    if (!e) return;
    ensure(table_remove(&m->t, &r) == e && r.e == NULL);
    entry_free(e);
    m->e[id] = NULL;
    m->n--;
}

void model_churn(struct model *m, struct rng *r, unsigned n_keys, unsigned put_percent)
{
    unsigned id = (unsigned)rng_below(r, n_keys);

    if (rng_below(r, 100) < put_percent)
        model_put(m, id);
    else if (rng_below(r, 10) == 0)
        model_change(m, id);
    else
        model_del(m, id);
}

void model_check(const struct model *m)
{
    ensure(m->t.count == m->n);
    table_check(&m->t);
    for (unsigned id = 0; id < MODEL_KEYS; id++) model_find(m, id);
}
