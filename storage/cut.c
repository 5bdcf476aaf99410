/* cut.c -- a snapshot of the whole store as of one moment, without a fork.
 *
 * Each table does the work (table.h): it gives every entry that it held at the start once, by the walker or
 * before the first change to its bucket. Here the tables of all databases are strung together, and what had
 * expired by the start is left out; unless a namespace archives what expires, for then it may be here still
 * because the archive could not take it yet, and is nowhere else.
 *
 * An entry with a large value is not told there and then, which would stop the reactor for as long as it
 * takes: it is begun, and its value becomes a cut of its own, with a walker and pre-images of its own, by
 * type. Those walkers have their turns, one after the other, when all tables are done. Meanwhile the value
 * may change, get another name (the cut knows the object, not the key), or leave its database: then the cut
 * becomes its owner, and frees it when it has been told. Documents of JSON do not change, and copies share them: of those the cut
 * has a reference from the beginning. */
#include "storage/cut_impl.h"
#include "storage/namespace.h"

#include "base/mem.h"
#include "storage/db.h"
#include "storage/type_json.h"

enum { ELEMENTS = 1024, BYTES = 1 << 20 }; /* what is large, unless the settings say otherwise */

static const struct cut_kind *const kinds[VALUE_TYPES] = {
    [VALUE_STRING] = &cut_string, [VALUE_LIST] = &cut_list,  [VALUE_SET] = &cut_table,
    [VALUE_ZSET] = &cut_zset,     [VALUE_HASH] = &cut_table, [VALUE_STREAM] = &cut_stream,
    [VALUE_JSON] = &cut_string,   [VALUE_SUGGEST] = &cut_suggest, [VALUE_VSET] = &cut_vset,
};

/* One table of the snapshot. */
struct cut_part {
    struct table_cut cut;
    struct store_cut *owner;
    struct table *table;
    int db;
};

/* --- values in pieces --------------------------------------------------------------------------------- */

static struct str address(void *const *object)
{
    return str_of(object, sizeof *object);
}

/* The table of addresses: a key is the pointer's bytes, a value points to the struct cut_value. */
static void register_value(struct store_cut *c, struct cut_value *v)
{
    struct str key = address(&v->object);
    struct entry *e = entry_new_ptr(VALUE_STRING, ENC_BLOB, key, -1);

    entry_set_ptr(e, v);
    table_insert(&c->values, table_hash(&c->values, key), e);
}

static void unregister_value(struct store_cut *c, struct cut_value *v)
{
    struct str key = address(&v->object);
    struct table_ref r = table_find(&c->values, table_hash(&c->values, key), key);

    ensure(r.e != NULL);
    entry_free(table_remove(&c->values, &r));
}

struct cut_value *cut_find(const struct store_cut *c, const void *object)
{
    void *p = (void *)(uintptr_t)object;
    struct table_ref r;

    if (c->values.count == 0) return NULL;
    return table_look(&c->values, table_hash(&c->values, address(&p)), address(&p), &r) ? entry_ptr(r.e) : NULL;
}

bool cut_take(struct cut_value *v)
{
    enum { SAMPLES = 16 };

    ensure(!v->owned || v->held);
    if (v->owned) return false;
    v->owned = true;
    v->owned_bytes = v->type == VALUE_LIST ? list_frames(v->object) /* counting its blocks would take long */
                                           : type_ops[v->type]->value_bytes(v->enc, v->object, SAMPLES);
    v->cut->kept_bytes += v->owned_bytes;
    return !v->held;
}

void cut_moved(struct cut_value *v, void *to)
{
    if (v->object == to) return;
    unregister_value(v->cut, v);
    v->object = to;
    register_value(v->cut, v);
}

static void begin_value(struct store_cut *c, int db, const struct entry *e)
{
    struct cut_value *v = mem_zalloc(sizeof *v);

    v->cut = c;
    v->type = entry_type(e);
    v->enc = entry_enc(e);
    v->object = entry_ptr(e);
    v->held = v->type == VALUE_JSON && json_hold(e) != NULL;
    v->to = c->sink.begin(c->sink.ctx, db, e);
    kinds[v->type]->begin(v);
    if (cut_find(c, v->object) == NULL) register_value(c, v); /* else a copy has the same text, and each holds it */
    *c->end = v;
    c->end = &v->next;
}

/* The first value is done, or given up. */
static void end_value(struct store_cut *c, bool complete)
{
    struct cut_value *v = c->first;

    c->first = v->next;
    if (c->first == NULL) c->end = &c->first;
    ensure(!complete || v->kept_bytes == 0);
    kinds[v->type]->end(v);
    c->kept_bytes -= v->kept_bytes + v->owned_bytes;
    if (cut_find(c, v->object) == v) unregister_value(c, v);
    c->sink.end(c->sink.ctx, v->to, complete);
    if (v->owned || v->held) db_discard(c->store, v->type, v->enc, v->object, true);
    mem_free(v);
}

static bool step_value(struct store_cut *c)
{
    struct cut_value *v = c->first;

    if (v == NULL) return false;
    if (!v->turned) c->sink.turn(c->sink.ctx, v->to);
    v->turned = true;
    if (!kinds[v->type]->step(v)) end_value(c, true);
    return true;
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static void dump_one(void *ctx, struct entry *e)
{
    const struct cut_part *p = ctx;
    struct store_cut *c = p->owner;

    if (!c->all && entry_expires(e) && entry_expire_at(e) <= c->start_ms) return;
    if (c->sink.begin != NULL && kinds[entry_type(e)]->is_large(c, e))
        begin_value(c, p->db, e);
    else
        c->sink.entry(c->sink.ctx, p->db, e);
}

struct store_cut *store_cut_begin(struct store *s, const struct cut_sink *sink)
{
    size_t max = (size_t)s->conf.databases * STORE_SHARDS;
    struct store_cut *c = mem_zalloc(sizeof *c);

    ensure(s->cut == NULL);
    if (++s->n_cuts == 0) s->n_cuts = 1; /* an epoch is never 0 */
    c->store = s;
    c->sink = *sink;
    c->epoch = s->n_cuts;
    c->large_elements = s->conf.cut_elements > 0 ? s->conf.cut_elements : ELEMENTS;
    c->large_bytes = s->conf.cut_bytes > 0 ? s->conf.cut_bytes : BYTES;
    c->start_ms = s->now_ms;
    c->all = s->loading || ns_needs(s, NS_EXPIRE) != 0;
    c->end = &c->first;
    table_init(&c->values, &s->hash_key);
    c->parts = mem_zalloc(max * sizeof c->parts[0]);
    for (size_t i = 0; i < max; i++) {
        struct table *t = &s->dbs[i / STORE_SHARDS]->shards[i % STORE_SHARDS].keys;
        struct cut_part *p = &c->parts[c->n];

        if (t->count == 0) continue;
        *p = (struct cut_part){ .owner = c, .table = t, .db = (int)(i / STORE_SHARDS) };
        p->cut = (struct table_cut){ .epoch = c->epoch, .dump = dump_one, .ctx = p };
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
    return step_value(c);
}

static void detach(struct store *s)
{
    struct store_cut *c = s->cut;

    while (c->first != NULL) end_value(c, false);
    table_fini(&c->values, NULL, NULL);
    for (size_t i = 0; i < c->n; i++) table_cut_end(c->parts[i].table);
    s->cut = NULL;
}

void cut_break(struct store *s)
{
    struct store_cut *c = s->cut;

    if (!c) return;
    c->broken = c->at < c->n || c->first != NULL;
    detach(s);
}

void store_cut_end(struct store *s, struct store_cut **c)
{
    if (!*c) return;
    if (s->cut == *c) detach(s);
    mem_free((*c)->parts);
    mem_free(*c);
    *c = NULL;
}

size_t store_cut_bytes(const struct store *s)
{
    return s->cut != NULL ? s->cut->kept_bytes : 0;
}

bool store_cut_broken(const struct store_cut *c)
{
    return c->broken;
}
