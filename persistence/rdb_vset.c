/* rdb_vset.c -- see rdb_vset.h. */
#include "persistence/rdb_vset.h"

#include <math.h>

#include "base/mem.h"
#include "persistence/rdb_format.h"

enum { HAS_MATRIX = 1, HAS_ATTRS = 2, NODE_VERSION = 1 };

/* --- writing -------------------------------------------------------------------------------------- */

static void put_number(struct rdb_out *o, uint64_t v)
{
    rdb_put_len(o, RDB_MODULE_UINT);
    rdb_put_len(o, v);
}

static void put_text(struct rdb_out *o, struct str s)
{
    rdb_put_len(o, RDB_MODULE_STRING);
    rdb_put_str(o, s);
}

static uint64_t float_bits(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

bool rdb_put_vset_head(struct rdb_out *o, const struct vset *s)
{
    rdb_put_len(o, RDB_VSET_ID);
    put_number(o, s->dim);
    put_number(o, vset_count(s));
    put_number(o, (uint64_t)s->quant | (uint64_t)s->m << 8);
    put_number(o, (s->matrix != NULL ? HAS_MATRIX : 0) | (s->n_attrs > 0 ? HAS_ATTRS : 0));
    if (s->matrix != NULL) {
        put_number(o, s->input_dim);
        put_text(o, str_of(s->matrix, (size_t)s->dim * s->input_dim * sizeof *s->matrix));
    }
    return s->n_attrs > 0;
}

/* A node's links of one layer; ids in files begin with 1. */
static void put_links(struct rdb_out *o, const struct vset *s, uint32_t id, unsigned level, struct vec_hit *links)
{
    size_t n = vec_index_links(s->v, id, level, links, 2 * s->m), worst = 0;

    put_number(o, n);
    put_number(o, level == 0 ? 2 * s->m : s->m);
    for (size_t i = 0; i < n; i++) {
        put_number(o, (uint64_t)links[i].id + 1);
        if (links[i].distance > links[worst].distance) worst = i;
    }
    put_number(o, n == 0 ? 0 : worst | float_bits((float)links[worst].distance) << 32);
}

void rdb_put_vset_element(struct rdb_out *o, const struct vset *s, const struct entry *name, bool attrs)
{
    uint32_t id = vset_id(name);
    const struct vset_item *it = vset_item(s, id);
    unsigned level = vec_index_level(s->v, id);
    struct vec_hit *links = mem_alloc(2 * s->m * sizeof *links);
    uint64_t n = 3;

    put_text(o, entry_key(name));
    if (attrs) put_text(o, vset_attr(s, id));
    put_text(o, str_of(vset_row(s, id), vset_row_bytes(s)));
    for (unsigned l = 0; l <= level; l++) n += 3 + vec_index_links(s->v, id, l, links, 0);
    put_number(o, n);
    put_number(o, (uint64_t)id + 1);
    put_number(o, level | (uint64_t)NODE_VERSION << 24);
    for (unsigned l = 0; l <= level; l++) put_links(o, s, id, l, links);
    put_number(o, float_bits(it->length) | float_bits(it->range) << 32);
    mem_free(links);
}

void rdb_put_vset(struct rdb_out *o, const struct vset *s)
{
    bool attrs = rdb_put_vset_head(o, s);

    for (uint32_t id = 0; id < s->n_items; id++) {
        if (s->items[id].name != NULL) rdb_put_vset_element(o, s, s->items[id].name, attrs);
    }
    rdb_put_module_end(o);
}

/* --- reading -------------------------------------------------------------------------------------- */

/* Ids of a file and ours. */
struct known {
    uint64_t id; /* 0: nothing here; ids of Redis may be any, and 0 is kept as UINT64_MAX */
    uint32_t ours;
};

struct rdb_vset_load {
    struct rdb_in *in;
    struct vset *s;            /* NULL: taken */
    uint64_t left;             /* elements to come; then those before `mended` have links */
    uint32_t mended;
    bool attrs;
    struct known *known;
    size_t n_known, cap_known; /* a power of two */
    struct buf name, attr, row, wishes;
};

static struct known *place_of(const struct rdb_vset_load *l, uint64_t id)
{
    size_t i = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 20;

    while (l->known[i & (l->cap_known - 1)].id != 0 && l->known[i & (l->cap_known - 1)].id != id) i++;
    return &l->known[i & (l->cap_known - 1)];
}

static uint64_t key_of(uint64_t id)
{
    return id == 0 ? UINT64_MAX : id;
}

/* False: it is there. */
static bool know(struct rdb_vset_load *l, uint64_t id, uint32_t ours)
{
    struct known *k, *old = l->known;
    size_t n = l->cap_known;

    if (l->n_known * 2 >= n) {
        l->cap_known = n == 0 ? 64 : n * 2;
        l->known = mem_zalloc(l->cap_known * sizeof *l->known);
        for (size_t i = 0; i < n; i++) {
            if (old[i].id != 0) *place_of(l, old[i].id) = old[i];
        }
        mem_free(old);
    }
    k = place_of(l, key_of(id));
    if (k->id != 0) return false;
    *k = (struct known){ key_of(id), ours };
    l->n_known++;
    return true;
}

static bool get_opcode(struct rdb_in *in, enum rdb_module_opcode want)
{
    uint64_t opcode;

    if (!rdb_in_len(in, &opcode)) return false;
    return opcode == (uint64_t)want || rdb_in_bad(in, "opcode %llu in a vector set, where %d should be", (unsigned long long)opcode, (int)want);
}

static bool get_number(struct rdb_in *in, uint64_t *v)
{
    return get_opcode(in, RDB_MODULE_UINT) && rdb_in_len(in, v);
}

static bool get_text(struct rdb_in *in, struct str *s)
{
    return get_opcode(in, RDB_MODULE_STRING) && rdb_in_str(in, s);
}

static bool get_copy(struct rdb_in *in, struct buf *to)
{
    struct str s;

    if (!get_text(in, &s)) return false;
    buf_clear(to);
    buf_add_str(to, s);
    return true;
}

static bool get_matrix(struct rdb_in *in, uint32_t dim, uint64_t *input_dim, struct buf *matrix)
{
    if (!get_number(in, input_dim)) return false;
    if (*input_dim < dim || *input_dim > VEC_DIM_MAX) {
        return rdb_in_bad(in, "a vector set's projection is of %llu dimensions", (unsigned long long)*input_dim);
    }
    if (!get_copy(in, matrix)) return false;
    return matrix->n == dim * *input_dim * sizeof(float) || rdb_in_bad(in, "a vector set's projection has another size");
}

static bool get_head(struct rdb_in *in, struct store *st, struct vset **s, uint64_t *n, bool *attrs)
{
    uint64_t dim, config, flags, input_dim = 0, quant, m;
    struct buf matrix = { 0 };

    if (!get_number(in, &dim) || !get_number(in, n) || !get_number(in, &config) || !get_number(in, &flags)) return false;
    quant = config & 0xff;
    m = config >> 8 & 0xffff;
    if (m == 0) m = VSET_M;
    if (dim < 1 || dim > VEC_DIM_MAX) return rdb_in_bad(in, "a vector set of %llu dimensions", (unsigned long long)dim);
    if (quant > VSET_BIN) return rdb_in_bad(in, "a vector set of quantization %llu", (unsigned long long)quant);
    if (m < 2 || m > VSET_M_MAX) return rdb_in_bad(in, "a vector set with M %llu", (unsigned long long)m);
    if (*n == 0) return rdb_in_bad(in, "a vector set without elements");
    if ((flags & HAS_MATRIX) != 0 && !get_matrix(in, (uint32_t)dim, &input_dim, &matrix)) {
        buf_fini(&matrix);
        return false;
    }
    *attrs = (flags & HAS_ATTRS) != 0;
    *s = vset_new(st, (enum vset_quant)quant, (uint32_t)dim, (uint32_t)m, (uint32_t)input_dim);
    if (matrix.n > 0) memcpy((*s)->matrix, matrix.p, matrix.n);
    buf_fini(&matrix);
    return true;
}

/* Links of a node that is not there yet: to those that are. `at` is appended the layer and the id. */
struct wish {
    uint32_t to;
    unsigned level;
};

static bool get_links(struct rdb_vset_load *l, unsigned level, bool worst, uint64_t *left, struct buf *wishes)
{
    uint64_t n, most, id;

    if (*left < 2 || !get_number(l->in, &n) || !get_number(l->in, &most)) return false;
    *left -= 2;
    if (n + worst > *left) return rdb_in_bad(l->in, "a vector set's node with %llu links", (unsigned long long)n);
    *left -= n + worst;
    while (n-- > 0) {
        struct wish w = { 0, level };
        const struct known *k;

        if (!get_number(l->in, &id)) return false;
        k = l->cap_known > 0 ? place_of(l, key_of(id)) : NULL;
        if (k == NULL || k->id == 0) continue; /* it comes later, and tells of the link again */
        w.to = k->ours;
        buf_add(wishes, &w, sizeof w);
    }
    return !worst || get_number(l->in, &id);
}

static bool get_node(struct rdb_vset_load *l, struct buf *wishes)
{
    struct rdb_in *in = l->in;
    uint64_t left, id, level, packed;
    float length, range;
    uint32_t bits, ours;

    if (!get_number(in, &left)) return false;
    if (left < 3 || !get_number(in, &id) || !get_number(in, &level)) return rdb_in_bad(in, "a vector set's node is cut off");
    left -= 2;
    if (level >> 24 > NODE_VERSION || (level & 0xff) >= VEC_LEVELS) return rdb_in_bad(in, "a vector set's node of level %llu", (unsigned long long)level);
    for (unsigned i = 0; i <= (level & 0xff); i++) {
        if (!get_links(l, i, level >> 24 > 0, &left, wishes)) return rdb_in_bad(in, "a vector set's node is cut off");
    }
    if (left != 1 || !get_number(in, &packed)) return rdb_in_bad(in, "a vector set's node is cut off");
    bits = (uint32_t)packed;
    memcpy(&length, &bits, sizeof length);
    bits = (uint32_t)(packed >> 32);
    memcpy(&range, &bits, sizeof range);
    if (!isfinite(length) || !isfinite(range)) return rdb_in_bad(in, "a vector set's element is of no length");
    ours = vset_load(l->s, buf_str(&l->name), buf_str(&l->row), length, range, buf_str(&l->attr), level & 0xff);
    if (ours == VSET_NONE || !know(l, id, ours)) return rdb_in_bad(in, "a vector set's element is there twice, or has another size");
    for (size_t i = 0; i < wishes->n; i += sizeof(struct wish)) {
        struct wish w;

        memcpy(&w, wishes->p + i, sizeof w);
        vec_index_link(l->s->v, ours, w.to, w.level);
    }
    return true;
}

static bool get_element(struct rdb_vset_load *l)
{
    buf_clear(&l->wishes);
    l->left--;
    return get_copy(l->in, &l->name) && (!l->attrs || get_copy(l->in, &l->attr)) && get_copy(l->in, &l->row) && get_node(l, &l->wishes);
}

bool rdb_vset_load_new(struct rdb_in *in, struct store *st, struct rdb_vset_load **out)
{
    struct rdb_vset_load *l = mem_zalloc(sizeof *l);

    l->in = in;
    *out = l;
    return get_head(in, st, &l->s, &l->left, &l->attrs);
}

bool rdb_vset_load_step(struct rdb_vset_load *l, size_t n, bool *more)
{
    *more = true;
    for (; n > 0 && l->left > 0; n--) {
        if (!get_element(l)) return false;
    }
    for (; n > 0 && l->mended < l->s->n_items; n--) {
        if (vec_index_mend(l->s->v, l->mended++)) n = 1; /* which takes as long as to insert it */
    }
    if (n == 0) return true;
    *more = false;
    return get_opcode(l->in, RDB_MODULE_EOF);
}

struct vset *rdb_vset_load_take(struct rdb_vset_load *l)
{
    struct vset *s = l->s;

    l->s = NULL;
    return s;
}

void rdb_vset_load_free(struct rdb_vset_load **of)
{
    struct rdb_vset_load *l = *of;

    *of = NULL;
    if (l->s != NULL) vset_free(&l->s);
    mem_free(l->known);
    buf_fini(&l->name);
    buf_fini(&l->attr);
    buf_fini(&l->row);
    buf_fini(&l->wishes);
    mem_free(l);
}
