/* vset.c -- see vset.h. */
#include "storage/vset.h"

#include <float.h>
#include <math.h>

#include "base/mem.h"

static size_t id_bytes(const struct entry *e)
{
    return mem_usable(e);
}

/* A name's entry has the score 0, so that the tree has names in order; the id is where other entries have their clock and
 * namespace, which names have not. */
uint32_t vset_id(const struct entry *e)
{
    return (uint32_t)e->ns | (uint32_t)e->clock[0] << 16 | (uint32_t)e->clock[1] << 24;
}

static struct entry *name_new(struct str name, uint32_t id)
{
    struct entry *e = zentry_new(name, 0);

    e->ns = (uint16_t)id;
    e->clock[0] = (uint8_t)(id >> 16);
    e->clock[1] = (uint8_t)(id >> 24);
    return e;
}

/* --- coming and going ----------------------------------------------------------------------------- */

static void make_matrix(struct vset *s)
{
    float size = 1 / sqrtf((float)s->input_dim);

    s->matrix = mem_alloc((size_t)s->dim * s->input_dim * sizeof *s->matrix);
    for (uint32_t i = 0; i < s->dim; i++) {
        for (uint32_t j = 0; j < s->input_dim; j++) s->matrix[(size_t)i * s->input_dim + j] = __builtin_parity(i & j) ? -size : size;
    }
}

static void graph_told(void *set, const struct vec_event *e)
{
    const struct vset *s = set;

    LINK_EACH(&s->watches, it) {
        struct vset_watch *w = LINK_OF(it, struct vset_watch, of_set);

        if (w->linked != NULL) w->linked(w, e);
    }
}

struct vset *vset_new(struct store *st, enum vset_quant quant, uint32_t dim, uint32_t m, uint32_t input_dim)
{
    static const enum vec_type types[] = { [VSET_F32] = VEC_FLOAT32, [VSET_Q8] = VEC_INT8, [VSET_BIN] = VEC_BIT };
    struct vset *s = mem_zalloc(sizeof *s);

    s->quant = quant;
    s->dim = dim;
    s->m = m;
    s->input_dim = input_dim;
    link_init(&s->watches);
    s->uid = rng_next(&st->rng) >> 1;
    table_init(&s->names, &st->hash_key);
    s->v = vec_index_new(&(struct vec_conf){ .algorithm = VEC_HNSW, .type = types[quant], .metric = VEC_COSINE, .dim = dim, .m = m,
                                            .ef_construction = VSET_EF, .ef_runtime = 100, .seed = s->uid });
    vec_index_follow(s->v, graph_told, s);
    if (input_dim > 0) make_matrix(s);
    return s;
}

static void free_name(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

void vset_free(struct vset **of)
{
    struct vset *s = *of;

    *of = NULL;
    if (s == NULL) return;
    ztree_fini(&s->order);
    table_fini(&s->names, free_name, NULL);
    for (uint32_t i = 0; i < s->n_items; i++) mem_free(s->items[i].attr);
    mem_free(s->items);
    mem_free(s->matrix);
    vec_index_free(&s->v);
    mem_free(s);
}

size_t vset_row_bytes(const struct vset *s)
{
    switch (s->quant) {
    case VSET_Q8: return s->dim;
    case VSET_BIN: return vec_bytes(VEC_BIT, s->dim);
    default: return s->dim * sizeof(float);
    }
}

static struct table_ref find(const struct vset *s, struct str name)
{
    return table_find(&s->names, table_hash(&s->names, name), name);
}

uint32_t vset_find(const struct vset *s, struct str name)
{
    struct table_ref r = find(s, name);

    return r.e == NULL ? VSET_NONE : vset_id(r.e);
}

/* --- vectors -------------------------------------------------------------------------------------- */

void vset_project(const struct vset *s, const float *in, float *out)
{
    for (uint32_t i = 0; i < s->dim; i++) {
        const float *row = s->matrix + (size_t)i * s->input_dim;
        double sum = 0;

        for (uint32_t j = 0; j < s->input_dim; j++) sum += (double)row[j] * (double)in[j];
        out[i] = (float)sum;
    }
}

static double length_of(const struct vset *s, const float *in)
{
    double sum = 0;

    for (uint32_t i = 0; i < s->dim; i++) sum += (double)in[i] * (double)in[i];
    return sqrt(sum);
}

bool vset_pack(const struct vset *s, const float *in, void *row, float *length, float *range)
{
    double size = length_of(s, in), most = 0;
    uint64_t *bits = row;

    if (!isfinite(size) || size > FLT_MAX) return false;
    for (uint32_t i = 0; i < s->dim; i++) most = fmax(most, fabs((double)in[i]));
    *length = (float)size;
    *range = s->quant == VSET_Q8 && size > 0 ? (float)(most / size) : 0;
    if (s->quant == VSET_BIN) memset(row, 0, vset_row_bytes(s));
    for (uint32_t i = 0; i < s->dim; i++) {
        double x = (double)in[i];

        switch (s->quant) {
        case VSET_F32: ((float *)row)[i] = size > 0 ? (float)(x / size) : 0; break;
        case VSET_Q8: ((int8_t *)row)[i] = most > 0 ? (int8_t)lrint(x / most * 127) : 0; break;
        case VSET_BIN: bits[i / 64] |= (uint64_t)(x > 0) << (i % 64); break;
        }
    }
    return true;
}

void vset_unpack(const struct vset *s, uint32_t id, float *out)
{
    const void *row = vset_row(s, id);
    const struct vset_item *it = &s->items[id];
    const uint64_t *bits = row;

    for (uint32_t i = 0; i < s->dim; i++) {
        switch (s->quant) {
        case VSET_F32: out[i] = ((const float *)row)[i] * it->length; break;
        case VSET_Q8: out[i] = ((const int8_t *)row)[i] * it->range / 127 * it->length; break;
        case VSET_BIN: out[i] = (bits[i / 64] >> (i % 64) & 1) != 0 ? 1 : -1; break;
        }
    }
}

/* --- who hears of it ------------------------------------------------------------------------------ */

void vset_watch(struct store *st, const struct vset *s, struct vset_watch *w)
{
    w->set = s;
    link_init(&w->of_set);
    link_init(&w->of_store);
    link_add_tail(&((struct vset *)(uintptr_t)s)->watches, &w->of_set);
    link_add_tail(&st->vset_watches, &w->of_store);
}

void vset_unwatch(struct vset_watch *w)
{
    link_remove(&w->of_set);
    link_remove(&w->of_store);
    w->set = NULL;
}

void vset_goes(const struct vset *s)
{
    while (!link_alone(&s->watches)) vset_unwatch(LINK_OF(s->watches.next, struct vset_watch, of_set));
}

void vset_all_go(struct store *st)
{
    while (!link_alone(&st->vset_watches)) vset_unwatch(LINK_OF(st->vset_watches.next, struct vset_watch, of_store));
}

static void will_change(const struct vset *s, uint32_t id, bool leaves)
{
    LINK_EACH(&s->watches, it) {
        struct vset_watch *w = LINK_OF(it, struct vset_watch, of_set);

        if (w->changes != NULL) w->changes(w, id, leaves);
    }
}

static void has_changed(const struct vset *s, uint32_t id)
{
    LINK_EACH(&s->watches, it) {
        struct vset_watch *w = LINK_OF(it, struct vset_watch, of_set);

        if (w->changed != NULL) w->changed(w, id);
    }
}

/* --- elements ------------------------------------------------------------------------------------- */

static void drop_attr(struct vset *s, struct vset_item *it)
{
    if (it->attr == NULL) return;
    s->n_attrs--;
    s->attr_bytes -= mem_usable(it->attr);
    mem_free(it->attr);
    it->attr = NULL;
}

static void take_attr(struct vset *s, struct vset_item *it, struct str attr)
{
    drop_attr(s, it);
    if (attr.n == 0) return;
    it->attr = mem_alloc(sizeof *it->attr + attr.n);
    it->attr->n = it->attr->cap = attr.n;
    memcpy(it->attr->p, attr.p, attr.n);
    s->n_attrs++;
    s->attr_bytes += mem_usable(it->attr);
}

static uint32_t new_id(struct vset *s)
{
    if (s->n_free > 0) {
        while (s->items[s->hint].name != NULL) s->hint++;
        s->n_free--;
        return s->hint++;
    }
    if (s->n_items == s->cap_items) {
        s->cap_items = s->cap_items == 0 ? 8 : s->cap_items * 2;
        s->items = mem_realloc(s->items, s->cap_items * sizeof *s->items);
    }
    s->items[s->n_items] = (struct vset_item){ 0 };
    return s->n_items++;
}

static void give_back(struct vset *s, uint32_t id)
{
    s->items[id] = (struct vset_item){ 0 };
    s->n_free++;
    if (id < s->hint) s->hint = id;
}

static void enlist(struct vset *s, struct str name, uint32_t id)
{
    struct entry *e = name_new(name, id);

    s->items[id].name = e;
    s->names.load += id_bytes(e);
    table_insert(&s->names, table_hash(&s->names, name), e);
    ztree_insert(&s->order, e);
}

static enum vset_put update(struct vset *s, struct table_ref *ref, struct str row, float length, float range, const struct str *attr)
{
    uint32_t id = vset_id(ref->e);
    struct vset_item *it = &s->items[id];
    bool same = memcmp(vset_row(s, id), row.p, row.n) == 0, same_attr = attr == NULL || str_eq(*attr, vset_attr(s, id));

    if (same && same_attr && it->length == length && it->range == range) return VSET_SAME;
    table_ref_before_change(&s->names, ref);
    will_change(s, id, false);
    if (!same && !vec_index_put(s->v, id, row)) return VSET_REFUSED;
    it->length = length;
    it->range = range;
    if (!same_attr) take_attr(s, it, *attr);
    has_changed(s, id);
    return VSET_UPDATED;
}

static enum vset_put add(struct vset *s, struct str name, struct str row, float length, float range, const struct str *attr)
{
    uint32_t id = new_id(s);

    if (!vec_index_put(s->v, id, row)) {
        give_back(s, id);
        return VSET_REFUSED;
    }
    s->items[id].length = length;
    s->items[id].range = range;
    if (attr != NULL) take_attr(s, &s->items[id], *attr);
    enlist(s, name, id);
    has_changed(s, id);
    return VSET_ADDED;
}

enum vset_put vset_put_packed(struct vset *s, struct str name, struct str row, float length, float range, const struct str *attr)
{
    struct table_ref r = find(s, name);

    return r.e != NULL ? update(s, &r, row, length, range, attr) : add(s, name, row, length, range, attr);
}

enum vset_put vset_put(struct vset *s, struct str name, const float *in, uint32_t ef, const struct str *attr)
{
    size_t n = vset_row_bytes(s);
    void *row = mem_alloc(n);
    float length, range;
    enum vset_put done = VSET_REFUSED;

    if (vset_pack(s, in, row, &length, &range)) {
        vec_index_set_ef(s->v, ef < VSET_EF_MOST ? ef : VSET_EF_MOST);
        done = vset_put_packed(s, name, str_of(row, n), length, range, attr);
    }
    mem_free(row);
    return done;
}

bool vset_remove(struct vset *s, struct str name)
{
    struct table_ref r = find(s, name);
    uint32_t id;

    if (r.e == NULL) return false;
    id = vset_id(r.e);
    table_ref_before_change(&s->names, &r);
    will_change(s, id, true);
    s->names.load -= id_bytes(r.e);
    ztree_remove(&s->order, r.e);
    entry_free(table_remove(&s->names, &r));
    drop_attr(s, &s->items[id]);
    vec_index_remove(s->v, id);
    give_back(s, id);
    return true;
}

bool vset_set_attr(struct vset *s, struct str name, struct str attr)
{
    struct table_ref r = find(s, name);

    if (r.e == NULL) return false;
    table_ref_before_change(&s->names, &r);
    will_change(s, vset_id(r.e), false);
    take_attr(s, &s->items[vset_id(r.e)], attr);
    has_changed(s, vset_id(r.e));
    return true;
}

uint32_t vset_place(struct vset *s, struct str row, unsigned level)
{
    uint32_t id = new_id(s);

    if (vec_index_put_bare(s->v, id, row, level)) return id;
    give_back(s, id);
    return VSET_NONE;
}

void vset_tell(struct vset *s, uint32_t id, struct str name, float length, float range, struct str attr)
{
    struct vset_item *it = &s->items[id];

    it->length = length;
    it->range = range;
    if (!str_eq(attr, vset_attr(s, id))) take_attr(s, it, attr);
    if (it->name == NULL) enlist(s, name, id);
}

uint32_t vset_load(struct vset *s, struct str name, struct str row, float length, float range, struct str attr, unsigned level)
{
    uint32_t id = find(s, name).e != NULL || row.n != vset_row_bytes(s) ? VSET_NONE : vset_place(s, row, level);

    if (id != VSET_NONE) vset_tell(s, id, name, length, range, attr);
    return id;
}

uint32_t vset_random(const struct vset *s, struct rng *r)
{
    for (;;) {
        uint32_t id = (uint32_t)rng_below(r, s->n_items);

        if (s->items[id].name != NULL) return id;
        /* Where most ids are free the table knows better. */
        if (s->n_free > s->n_items / 2) return vset_id(table_random_fair(&s->names, r));
    }
}

size_t vset_rank(const struct vset *s, struct str name, bool after)
{
    return ztree_before(&s->order, &(struct zbound){ .kind = ZBOUND_NAME, .after = after, .name = name });
}

struct str vset_name_at(const struct vset *s, size_t rank)
{
    struct zrun run;

    ztree_run(&s->order, rank, &run);
    return entry_key(run.entry[run.at]);
}

/* --- sizes, checks --------------------------------------------------------------------------------- */

size_t vset_bytes(const struct vset *s)
{
    return mem_usable(s) + s->names.bytes + s->names.load + s->order.bytes + (s->items != NULL ? mem_usable(s->items) : 0)
         + (s->matrix != NULL ? mem_usable(s->matrix) : 0) + s->attr_bytes + vec_index_memory(s->v);
}

void vset_check(const struct vset *s)
{
    size_t n = 0, attrs = 0, bytes = 0;

    table_check(&s->names);
    ztree_check(&s->order);
    ensure(s->names.count == s->order.count && s->names.count == vec_index_count(s->v));
    for (uint32_t id = 0; id < s->n_items; id++) {
        const struct vset_item *it = &s->items[id];

        if (it->name == NULL) {
            ensure(it->attr == NULL && !vec_index_has(s->v, id) && id >= s->hint);
            continue;
        }
        n++;
        attrs += it->attr != NULL;
        bytes += it->attr != NULL ? mem_usable(it->attr) : 0;
        ensure(vset_id(it->name) == id && vset_find(s, entry_key(it->name)) == id && vec_index_has(s->v, id));
    }
    vec_index_check(s->v);
    ensure(n == s->names.count && n + s->n_free == s->n_items && attrs == s->n_attrs && bytes == s->attr_bytes);
}
