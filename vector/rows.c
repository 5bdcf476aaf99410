/* rows.c -- slots, chunks, and the distance itself. */
#include "vector/rows.h"

#include <math.h>
#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "vector/quant.h"

enum {
    CHUNK_SHIFT = 10,
    CHUNK_BYTES = 1 << 20, /* of rows: chunks of long ones have fewer; the pages of a new one are zeroed while somebody waits */
    FIRST_CAP = 16,        /* of the first chunk, which grows: most sets are small */
};

static const uint32_t element_bytes[] = {
    [VEC_FLOAT32] = 4, [VEC_FLOAT64] = 8, [VEC_FLOAT16] = 2, [VEC_BFLOAT16] = 2, [VEC_INT8] = 1, [VEC_UINT8] = 1,
};

size_t vec_bytes(enum vec_type type, uint32_t dim)
{
    if (type == VEC_BIT) return (dim + 63) / 64 * sizeof(uint64_t);
    return (size_t)element_bytes[type] * dim;
}

void *rows_take(struct rows *r, void *old, size_t n)
{
    void *p;

    if (old != NULL) r->bytes -= mem_usable(old);
    p = mem_realloc(old, n);
    r->bytes += mem_usable(p);
    return p;
}

void rows_drop(struct rows *r, void *p)
{
    if (p == NULL) return;
    r->bytes -= mem_usable(p);
    mem_free(p);
}

void rows_init(struct rows *r, const struct vec_conf *conf)
{
    *r = (struct rows){ .k = kernels_best(), .type = conf->type, .metric = conf->metric, .dim = conf->dim,
                        .row_bytes = vec_bytes(conf->type, conf->dim), .shift = CHUNK_SHIFT };
    while (r->shift > 4 && r->row_bytes << r->shift > CHUNK_BYTES) r->shift--;
}

/* --- chunks --------------------------------------------------------------------------------------- */

static bool keeps_lengths(const struct rows *r)
{
    if (r->type == VEC_BIT) return false;
    return r->metric == VEC_COSINE || (r->metric == VEC_L2 && (r->type == VEC_INT8 || r->type == VEC_UINT8));
}

/* Room for cap rows, which is more than there was. */
static void chunk_grow(struct rows *r, struct chunk *c, uint32_t cap)
{
    uint32_t words = (c->cap + 63) / 64, more = (cap + 63) / 64;

    c->live = rows_take(r, c->live, more * sizeof *c->live);
    memset(c->live + words, 0, (more - words) * sizeof *c->live);
    c->ids = rows_take(r, c->ids, cap * sizeof *c->ids);
    if (c->next != NULL) c->next = rows_take(r, c->next, cap * sizeof *c->next);
    if (keeps_lengths(r)) c->lengths = rows_take(r, c->lengths, cap * sizeof *c->lengths);
    c->rows = rows_take(r, c->rows, cap * r->row_bytes);
    r->n_places += cap - c->cap;
    c->cap = cap;
}

static void chunk_free(struct rows *r, struct chunk **of)
{
    struct chunk *c = *of;

    *of = NULL;
    if (c == NULL) return;
    r->n_places -= c->cap;
    rows_drop(r, c->live);
    rows_drop(r, c->ids);
    rows_drop(r, c->next);
    rows_drop(r, c->lengths);
    rows_drop(r, c->rows);
    rows_drop(r, c->bytes);
    rows_drop(r, c->bits);
    rows_drop(r, c->small);
    rows_drop(r, c->gains);
    rows_drop(r, c->shares);
    rows_drop(r, c->n_bits);
    rows_drop(r, c);
}

void rows_fini(struct rows *r)
{
    for (uint32_t i = 0; i < r->n_chunks; i++) chunk_free(r, &r->chunks[i]);
    rows_drop(r, r->chunks);
    rows_drop(r, r->slots);
    quant_free(r);
}

/* The first chunk that has room, made if it was not there. NULL: no memory. */
static struct chunk *roomy(struct rows *r)
{
    uint32_t all = 1u << r->shift;

    while (r->hole < r->n_chunks && r->chunks[r->hole] != NULL && r->chunks[r->hole]->n == all) r->hole++;
    if (r->hole == r->n_chunks) {
        if (r->n_chunks == r->cap_chunks) {
            r->cap_chunks = r->cap_chunks == 0 ? 1 : r->cap_chunks * 2;
            r->chunks = rows_take(r, r->chunks, r->cap_chunks * sizeof *r->chunks);
        }
        r->chunks[r->n_chunks++] = NULL;
    }

    struct chunk *c = r->chunks[r->hole];
    uint32_t cap = r->n_chunks == 1 && r->frame == NULL ? FIRST_CAP : all;

    if (c != NULL && c->n < c->cap) return c;
    if (c != NULL) cap = c->cap * 2;
    if (!mem_can(cap * r->row_bytes)) return NULL;
    if (c == NULL) {
        c = r->chunks[r->hole] = rows_take(r, NULL, sizeof *c);
        *c = (struct chunk){ 0 };
    }
    chunk_grow(r, c, cap);
    return c;
}

static uint32_t free_place(const struct chunk *c)
{
    for (uint32_t i = 0; i < (c->cap + 63) / 64; i++) {
        if (c->live[i] != UINT64_MAX) return i * 64 + (uint32_t)__builtin_ctzll(~c->live[i]);
    }
    return ROWS_NONE;
}

/* --- in and out ----------------------------------------------------------------------------------- */

static double length_of(const struct rows *r, const void *data, const float *floats)
{
    double dot;

    if (!keeps_lengths(r)) return 0;
    switch (r->type) {
    case VEC_FLOAT64: dot = r->k->dot_f64(data, data, r->dim); break;
    case VEC_FLOAT16: dot = r->k->dot_f16(data, floats, r->dim); break;
    case VEC_BFLOAT16: dot = r->k->dot_bf16(data, floats, r->dim); break;
    case VEC_INT8: dot = r->k->dot_i8(data, data, r->dim); break;
    case VEC_UINT8: dot = r->k->dot_u8(data, data, r->dim); break;
    default: dot = r->k->dot_f32(data, data, r->dim); break;
    }
    if (r->metric == VEC_L2) return dot;
    if (dot > 0x1p-100 && dot < 0x1p+100) return sqrt(dot);
    if (r->type != VEC_FLOAT32 && r->type != VEC_FLOAT64 && r->type != VEC_BFLOAT16) return sqrt(dot);

    /* Squares that floats, or doubles, cannot hold: by the largest element. */
    double most = 0, sum = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < r->dim; i++) {
            double x = r->type == VEC_FLOAT64 ? ((const double *)data)[i]
                     : floats != NULL ? floats[i] : ((const float *)data)[i];

            if (pass == 0) most = fmax(most, fabs(x));
            else if (most > 0) sum += (x / most) * (x / most);
        }
    }
    return most * sqrt(sum);
}

/* Half floats and bfloats as floats; NULL for other types. To be freed. */
static float *as_floats(const struct rows *r, const void *data)
{
    const uint16_t *h = data;
    float *f;

    if (r->type != VEC_FLOAT16 && r->type != VEC_BFLOAT16) return NULL;
    f = mem_alloc(r->dim * sizeof *f);
    for (uint32_t i = 0; i < r->dim; i++) f[i] = r->type == VEC_FLOAT16 ? f16_to_float(h[i]) : bf16_to_float(h[i]);
    return f;
}

/* The ones of an exponent that says that it is no number, as n bytes have it. */
static bool any_has_all(const char *p, uint32_t dim, size_t n, uint64_t ones)
{
    bool any = false;

    for (uint32_t i = 0; i < dim; i++) {
        uint64_t bits = 0;

        memcpy(&bits, p + i * n, n);
        any |= (bits & ones) == ones;
    }
    return any;
}

bool rows_finite(const struct rows *r, const void *data)
{
    switch (r->type) {
    case VEC_FLOAT32: return !any_has_all(data, r->dim, 4, 0x7f800000);
    case VEC_FLOAT64: return !any_has_all(data, r->dim, 8, 0x7ff0000000000000);
    case VEC_FLOAT16: return !any_has_all(data, r->dim, 2, 0x7c00);
    case VEC_BFLOAT16: return !any_has_all(data, r->dim, 2, 0x7f80);
    default: return true;
    }
}

static void know_id(struct rows *r, uint32_t id)
{
    uint32_t n = r->n_ids == 0 ? FIRST_CAP : r->n_ids;

    if (id < r->n_ids) return;
    while (n <= id) n = n > UINT32_MAX / 2 ? UINT32_MAX : n * 2;
    r->slots = rows_take(r, r->slots, n * sizeof *r->slots);
    for (uint32_t i = r->n_ids; i < n; i++) r->slots[i] = ROWS_NONE;
    r->n_ids = n;
}

/* Small forms are made for a few rows at each call, until all have them: slots below n_small have theirs as soon as
 * something is in them. */
static void catch_up(struct rows *r, uint32_t slot)
{
    if (r->frame == NULL) {
        if (r->n < ROWS_TRAIN || r->dim < QUANT_DIM_MIN || r->type == VEC_BIT) return;
        quant_train(r);
    }
    if (slot < r->n_small) quant_row(r, slot);
    for (int looked = 0, made = 0; looked < 64 && made < 4 && r->n_small < rows_end(r); looked++, r->n_small++) {
        if (rows_chunk(r, r->n_small) == NULL) {
            r->n_small |= (1u << r->shift) - 1;
        } else if (rows_live(r, r->n_small)) {
            quant_row(r, r->n_small);
            made++;
        }
    }
}

/* What follows the vector at `at`, if anything does anywhere in its chunk. */
static void set_next(struct rows *r, struct chunk *c, uint32_t at, uint32_t next)
{
    if (c->next == NULL && next == ROWS_NONE) return;
    if (c->next == NULL) {
        c->next = rows_take(r, NULL, c->cap * sizeof *c->next);
        for (uint32_t i = 0; i < c->cap; i++) c->next[i] = ROWS_NONE;
    }
    c->next[at] = next;
    r->n_more += next != ROWS_NONE;
}

uint32_t rows_add(struct rows *r, uint32_t id, const void *data)
{
    struct chunk *c = roomy(r);
    uint32_t at, slot;
    float *floats;

    if (c == NULL) return ROWS_NONE;
    know_id(r, id);
    at = free_place(c);
    slot = (r->hole << r->shift) + at;
    c->live[at / 64] |= 1ULL << (at % 64);
    c->ids[at] = id;
    set_next(r, c, at, r->slots[id]);
    memcpy(c->rows + at * r->row_bytes, data, r->row_bytes);
    if (c->lengths != NULL) {
        floats = as_floats(r, rows_data(r, slot));
        c->lengths[at] = length_of(r, rows_data(r, slot), floats);
        mem_free(floats);
    }
    c->n++;
    r->n++;
    r->slots[id] = slot;
    catch_up(r, slot);
    return slot;
}

/* Nothing is in the place any longer. */
static void vacate(struct rows *r, uint32_t slot)
{
    uint32_t i = slot >> r->shift, at = rows_in_chunk(r, slot);
    struct chunk *c = r->chunks[i];

    r->n_more -= rows_next(r, slot) != ROWS_NONE;
    c->live[at / 64] &= ~(1ULL << (at % 64));
    c->n--;
    r->n--;
    if (i < r->hole) r->hole = i;
    if (c->n > 0) return;
    chunk_free(r, &r->chunks[i]);
    while (r->n_chunks > 0 && r->chunks[r->n_chunks - 1] == NULL) r->n_chunks--;
    if (r->n_small > rows_end(r)) r->n_small = rows_end(r);
}

void rows_remove(struct rows *r, uint32_t slot)
{
    uint32_t id = rows_id(r, slot);

    ensure(r->slots[id] == slot);
    r->slots[id] = rows_next(r, slot);
    vacate(r, slot);
    if (r->n > 0) return;
    rows_drop(r, r->slots);
    rows_drop(r, r->chunks);
    r->slots = NULL;
    r->chunks = NULL;
    r->n_ids = r->cap_chunks = r->n_chunks = r->hole = 0;
    quant_free(r);
}

/* --- moving --------------------------------------------------------------------------------------- */

uint32_t rows_copy(struct rows *r, uint32_t slot)
{
    uint32_t last = slot >> r->shift, i = r->hole, at, to;
    const struct chunk *from = r->chunks[last];
    struct chunk *c;

    while (i < last && (r->chunks[i] == NULL || r->chunks[i]->n == r->chunks[i]->cap)) i++;
    if (i >= last) return ROWS_NONE;
    c = r->chunks[i];
    at = free_place(c);
    to = (i << r->shift) + at;
    c->live[at / 64] |= 1ULL << (at % 64);
    c->ids[at] = rows_id(r, slot);
    set_next(r, c, at, rows_next(r, slot));
    memcpy(c->rows + at * r->row_bytes, rows_data(r, slot), r->row_bytes);
    if (c->lengths != NULL) c->lengths[at] = from->lengths[rows_in_chunk(r, slot)];
    c->n++;
    r->n++;
    if (to < r->n_small) quant_row(r, to);
    return to;
}

void rows_forget(struct rows *r, uint32_t slot, uint32_t copy)
{
    uint32_t *leads = &r->slots[rows_id(r, slot)];

    while (*leads != slot) leads = &rows_chunk(r, *leads)->next[rows_in_chunk(r, *leads)];
    *leads = copy;
    vacate(r, slot);
}

/* --- distances ------------------------------------------------------------------------------------ */

void asked_init(struct asked *a, const struct rows *r, const void *data, bool planes)
{
    *a = (struct asked){ .data = data, .floats = as_floats(r, data) };
    a->length = length_of(r, data, a->floats);
    if (r->frame != NULL) quant_asked(a, r, planes);
}

void asked_row(struct asked *a, const struct rows *r, uint32_t slot)
{
    const struct chunk *c = rows_chunk(r, slot);

    *a = (struct asked){ .data = rows_data(r, slot), .length = c->lengths != NULL ? c->lengths[rows_in_chunk(r, slot)] : 0 };
    a->floats = as_floats(r, a->data);
    if (r->frame == NULL) return;
    if (slot < r->n_small) quant_asked_row(a, r, slot);
    else quant_asked(a, r, false);
}

void asked_fini(struct asked *a)
{
    mem_free(a->floats);
    mem_free(a->bytes);
    mem_free(a->planes);
}

static double element(const struct rows *r, const void *data, uint32_t i)
{
    switch (r->type) {
    case VEC_FLOAT64: return ((const double *)data)[i];
    case VEC_FLOAT16: return f16_to_float(((const uint16_t *)data)[i]);
    case VEC_BFLOAT16: return bf16_to_float(((const uint16_t *)data)[i]);
    default: return ((const float *)data)[i];
    }
}

/* Where floats do not reach: in doubles, and by lengths that are divided first. */
static double far_distance(const struct rows *r, const void *x, double length, const struct asked *a)
{
    double sum = 0;

    for (uint32_t i = 0; i < r->dim; i++) {
        double p = element(r, x, i), q = element(r, a->data, i);

        if (r->metric == VEC_COSINE) sum += length > 0 && a->length > 0 ? (p / length) * (q / a->length) : 0;
        else sum += r->metric == VEC_L2 ? (p - q) * (p - q) : p * q;
    }
    if (r->metric != VEC_L2) sum = 1 - sum;
    return isnan(sum) ? INFINITY : sum;
}

static double dot_of(const struct rows *r, const void *x, const struct asked *a)
{
    switch (r->type) {
    case VEC_FLOAT64: return r->k->dot_f64(x, a->data, r->dim);
    case VEC_FLOAT16: return r->k->dot_f16(x, a->floats, r->dim);
    case VEC_BFLOAT16: return r->k->dot_bf16(x, a->floats, r->dim);
    case VEC_INT8: return r->k->dot_i8(x, a->data, r->dim);
    case VEC_UINT8: return r->k->dot_u8(x, a->data, r->dim);
    default: return r->k->dot_f32(x, a->data, r->dim);
    }
}

static double l2_of(const struct rows *r, const void *x, double length, const struct asked *a)
{
    switch (r->type) {
    case VEC_FLOAT64: return r->k->l2_f64(x, a->data, r->dim);
    case VEC_FLOAT16: return r->k->l2_f16(x, a->floats, r->dim);
    case VEC_BFLOAT16: return r->k->l2_bf16(x, a->floats, r->dim);
    case VEC_INT8:
    case VEC_UINT8: return length + a->length - 2 * dot_of(r, x, a);
    default: return r->k->l2_f32(x, a->data, r->dim);
    }
}

/* Rounding may leave a hair of what should be nothing, on either side. */
static double settled(double cosine_distance)
{
    return cosine_distance < 1e-12 ? 0 : cosine_distance > 2 ? 2 : cosine_distance;
}

double rows_distance(const struct rows *r, uint32_t slot, const struct asked *a)
{
    const void *x = rows_data(r, slot);
    const struct chunk *c = rows_chunk(r, slot);
    double length = c->lengths != NULL ? c->lengths[rows_in_chunk(r, slot)] : 0, d;

    if (r->type == VEC_BIT) return 2.0 * r->k->hamming(x, a->data, r->row_bytes / 8) / r->dim;
    switch (r->metric) {
    case VEC_COSINE:
        if (length == 0 || a->length == 0) return 1;
        d = 1 - dot_of(r, x, a) / (length * a->length);
        if (!isfinite(d) || length * a->length < 1e-25) d = far_distance(r, x, length, a);
        return settled(d);
    case VEC_L2:
        d = l2_of(r, x, length, a);
        break;
    default:
        d = 1 - dot_of(r, x, a);
        break;
    }
    return isfinite(d) ? d : far_distance(r, x, length, a);
}

double rows_id_distance(const struct rows *r, uint32_t id, const struct asked *a, uint32_t *slot)
{
    double least = INFINITY;

    *slot = ROWS_NONE;
    for (uint32_t at = rows_slot(r, id); at != ROWS_NONE; at = rows_next(r, at)) {
        double d = rows_distance(r, at, a);

        if (*slot != ROWS_NONE && !(d < least)) continue;
        least = d;
        *slot = at;
    }
    return least;
}

double rows_between(const struct rows *r, uint32_t a, uint32_t b)
{
    const struct chunk *c = rows_chunk(r, a);
    struct asked asked = { .data = rows_data(r, a), .length = c->lengths != NULL ? c->lengths[rows_in_chunk(r, a)] : 0 };
    double d;

    asked.floats = as_floats(r, asked.data);
    d = rows_distance(r, b, &asked);
    mem_free(asked.floats);
    return d;
}
