/* quant.c -- see quant.h. */
#include "vector/quant.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum {
    MIDDLE_OF = 256, /* rows whose middle is taken */
    TURNS = 2,
};

#define SURE 3.0f /* standard deviations of a sketch's error: one in a thousand is further off on one side */
#define SURE_BYTES 4.0f

/* --- turning -------------------------------------------------------------------------------------- */

/* Loops of eight, of which the compiler makes wide ones. */
static void scale(float *x, uint32_t n, float by)
{
    uint32_t i = 0;

    for (; i + 8 <= n; i += 8) {
        for (uint32_t j = i; j < i + 8; j++) x[j] *= by;
    }
    for (; i < n; i++) x[i] *= by;
}

static void multiply(float *restrict x, const float *restrict y, uint32_t n)
{
    uint32_t i = 0;

    for (; i + 8 <= n; i += 8) {
        for (uint32_t j = 0; j < 8; j++) x[i + j] *= y[i + j];
    }
    for (; i < n; i++) x[i] *= y[i];
}

/* Hadamard's matrix turns a power of two of dimensions: the first so many, and then the last. Its scale is in the signs
 * for the first. */
static void turn(const struct frame *f, const struct kernels *k, float *x)
{
    float *last = x + (f->dim - f->block);

    for (int i = 0; i < TURNS; i++) {
        multiply(x, f->signs, f->dim);
        k->hadamard(x, f->block);
        if (f->block == f->dim) continue;
        k->hadamard(last, f->block);
        scale(last, f->block, 1 / sqrtf((float)f->block));
    }
}

/* What the metric looks at, as floats. */
static void floats_of(const struct rows *r, const void *data, double length, float *out)
{
    double divisor = r->metric == VEC_COSINE && length > 0 ? length : 1;
    float by = (float)(1 / divisor);
    const uint16_t *h = data;
    uint32_t n = r->dim;

    switch (r->type) {
    case VEC_FLOAT32:
        memcpy(out, data, n * sizeof *out);
        break;
    case VEC_FLOAT64:
        for (uint32_t i = 0; i < n; i++) out[i] = (float)(((const double *)data)[i] / divisor);
        return;
    case VEC_FLOAT16:
        for (uint32_t i = 0; i < n; i++) out[i] = f16_to_float(h[i]);
        break;
    case VEC_BFLOAT16:
        for (uint32_t i = 0; i < n; i++) out[i] = bf16_to_float(h[i]);
        break;
    case VEC_INT8:
        for (uint32_t i = 0; i < n; i++) out[i] = ((const int8_t *)data)[i];
        break;
    default:
        for (uint32_t i = 0; i < n; i++) out[i] = ((const uint8_t *)data)[i];
        break;
    }
    if (by != 1) scale(out, n, by);
}

/* y of a vector: turned, from the middle. Its dot product with the middle before that is told. */
static float place(const struct rows *r, const void *data, double length, float *y)
{
    const struct frame *f = r->frame;
    float with_middle;

    floats_of(r, data, length, y);
    turn(f, r->k, y);
    with_middle = r->k->dot_f32(y, f->middle, f->dim);
    for (uint32_t i = 0; i < f->dim; i++) y[i] -= f->middle[i];
    return with_middle;
}

/* --- the frame ------------------------------------------------------------------------------------ */

static double length_in(const struct rows *r, uint32_t slot)
{
    const struct chunk *c = rows_chunk(r, slot);

    return c->lengths != NULL ? c->lengths[rows_in_chunk(r, slot)] : 0;
}

static void find_middle(struct rows *r, struct frame *f)
{
    uint32_t n = 0, step = r->n / MIDDLE_OF, seen = 0;
    float *x = mem_alloc(f->dim * sizeof *x);

    for (uint32_t slot = 0; slot < rows_end(r) && n < MIDDLE_OF; slot++) {
        if (!rows_live(r, slot) || seen++ % step != 0) continue;
        floats_of(r, rows_data(r, slot), length_in(r, slot), x);
        for (uint32_t i = 0; i < f->dim; i++) f->middle[i] += x[i];
        n++;
    }
    scale(f->middle, f->dim, 1 / (float)n);
    turn(f, r->k, f->middle);
    f->middle_size2 = r->k->dot_f32(f->middle, f->middle, f->dim);
    if (!isfinite(f->middle_size2)) {
        memset(f->middle, 0, f->dim * sizeof *f->middle);
        f->middle_size2 = 0;
    }
    mem_free(x);
}

void quant_train(struct rows *r)
{
    struct frame *f = rows_take(r, NULL, sizeof *f);
    struct rng rng;

    *f = (struct frame){ .dim = r->dim, .padded = (r->dim + 63) / 64 * 64, .words = (r->dim + 63) / 64,
                         .has_bytes = r->type != VEC_INT8 && r->type != VEC_UINT8 };
    f->block = 1u << (31 - __builtin_clz(r->dim));
    f->signs = rows_take(r, NULL, r->dim * sizeof *f->signs);
    f->middle = rows_take(r, NULL, r->dim * sizeof *f->middle);
    memset(f->middle, 0, r->dim * sizeof *f->middle);
    rng_seed(&rng, r->dim);
    for (uint32_t i = 0; i < r->dim; i++) {
        float size = i < f->block ? 1 / sqrtf((float)f->block) : 1;

        f->signs[i] = rng_next(&rng) >> 63 != 0 ? -size : size;
    }
    r->frame = f;
    r->n_frames++;
    r->n_small = 0;
    find_middle(r, f);
}

void quant_free(struct rows *r)
{
    if (r->frame == NULL) return;
    rows_drop(r, r->frame->signs);
    rows_drop(r, r->frame->middle);
    rows_drop(r, r->frame);
    r->frame = NULL;
    r->n_frames++;
    r->n_small = 0;
}

/* --- a row ---------------------------------------------------------------------------------------- */

static void make_room(struct rows *r, struct chunk *c)
{
    const struct frame *f = r->frame;

    if (c->bits != NULL) return;
    if (f->has_bytes) c->bytes = rows_take(r, NULL, (size_t)c->cap * f->padded);
    c->bits = rows_take(r, NULL, (size_t)c->cap * f->words * sizeof *c->bits);
    c->small = rows_take(r, NULL, c->cap * sizeof *c->small);
    c->gains = rows_take(r, NULL, c->cap * sizeof *c->gains);
    c->shares = rows_take(r, NULL, c->cap * sizeof *c->shares);
    c->n_bits = rows_take(r, NULL, c->cap * sizeof *c->n_bits);
    /* Blocks are looked at whole. */
    memset(c->bits, 0, (size_t)c->cap * f->words * sizeof *c->bits);
    for (uint32_t i = 0; i < c->cap; i++) {
        c->small[i] = (struct quant_row){ NAN, 0, INFINITY };
        c->gains[i] = c->shares[i] = c->n_bits[i] = 0;
    }
}

void quant_row(struct rows *r, uint32_t slot)
{
    const struct frame *f = r->frame;
    struct chunk *c = rows_chunk(r, slot);
    uint32_t at = rows_in_chunk(r, slot), n_bits = 0;
    float *y = mem_alloc(f->dim * sizeof *y), largest, sum;

    make_room(r, c);

    uint64_t *bits = c->bits + (size_t)at * f->words;
    float with_middle = place(r, rows_data(r, slot), length_in(r, slot), y);
    float size2 = r->k->dot_f32(y, y, f->dim), dim = (float)f->dim;

    r->k->signs(y, f->dim, bits, &largest, &sum);
    for (uint32_t i = 0; i < f->words; i++) n_bits += (uint32_t)__builtin_popcountll(bits[i]);
    c->n_bits[at] = (float)n_bits;
    c->shares[at] = r->metric == VEC_L2 ? size2 : -with_middle;
    if (size2 == 0) { /* the middle itself */
        c->small[at] = (struct quant_row){ 0 };
        c->gains[at] = 0;
        if (f->has_bytes) memset(c->bytes + (size_t)at * f->padded, 0, f->padded);
    } else if (isfinite(size2) && isfinite(with_middle) && isfinite(sum) && largest > 0x1p-100f && size2 > 0x1p-100f) {
        float of_size = sum * sum / (dim * size2); /* f squared */

        c->small[at] = (struct quant_row){ .step = largest / 127, .size = sqrtf(size2),
                                           .error = sqrtf(size2 * fmaxf(0, 1 - of_size) / of_size / (dim - 1)) };
        c->gains[at] = size2 / sum;
        if (f->has_bytes) {
            int8_t *bytes = c->bytes + (size_t)at * f->padded;

            r->k->round_q8(y, f->dim, 127 / largest, bytes);
            memset(bytes + f->dim, 0, f->padded - f->dim);
        }
    } else { /* too large or too small to be reckoned with in floats: the row itself is asked */
        c->small[at] = (struct quant_row){ NAN, 0, INFINITY };
        c->gains[at] = c->shares[at] = 0;
    }
    mem_free(y);
}

/* --- what is asked -------------------------------------------------------------------------------- */

/* The elements as numbers of 4 bits, bit by bit: in planes. */
static void make_planes(struct asked *a, const struct rows *r, const float *y)
{
    const struct frame *f = r->frame;
    float low = y[0], high = y[0];

    a->total = 0;
    for (uint32_t i = 0; i < f->dim; i++) {
        if (y[i] < low) low = y[i];
        if (y[i] > high) high = y[i];
        a->total += y[i];
    }
    a->low = low;
    a->width = (high - low) / 15;
    a->planes = mem_zalloc((size_t)f->words * 4 * sizeof *a->planes);
    for (uint32_t i = 0; i < f->dim; i++) {
        unsigned v = a->width > 0 ? (unsigned)((y[i] - low) / a->width + 0.5f) : 0;

        for (unsigned p = 0; p < 4; p++) a->planes[p * f->words + i / 64] |= (uint64_t)(v >> p & 1) << (i % 64);
    }
}

void quant_asked_row(struct asked *a, const struct rows *r, uint32_t slot)
{
    const struct frame *f = r->frame;
    const struct chunk *c = rows_chunk(r, slot);
    uint32_t at = rows_in_chunk(r, slot);

    a->small = c->small[at].step >= 0; /* not NaN */
    if (!a->small) return;
    a->size = c->small[at].size;
    a->step = c->small[at].step;
    a->share = c->shares[at] + (r->metric == VEC_L2 ? 0 : 1 + f->middle_size2);
    if (f->has_bytes) a->bytes = mem_dup(c->bytes + (size_t)at * f->padded, f->padded);
}

void quant_asked(struct asked *a, const struct rows *r, bool planes)
{
    const struct frame *f = r->frame;
    float *y = mem_alloc(f->dim * sizeof *y), largest = 0;
    float with_middle = place(r, a->data, a->length, y), size2 = r->k->dot_f32(y, y, f->dim);

    for (uint32_t i = 0; i < f->dim; i++) {
        float of = fabsf(y[i]);

        if (of > largest) largest = of;
    }
    a->small = isfinite(size2) && isfinite(with_middle) && (largest == 0 || largest > 0x1p-100f);
    if (a->small) {
        a->size = sqrtf(size2);
        a->share = r->metric == VEC_L2 ? size2 : 1 + f->middle_size2 - with_middle;
        a->step = largest / 127;
        if (f->has_bytes) {
            a->bytes = mem_zalloc(f->padded);
            if (largest > 0) r->k->round_q8(y, f->dim, 127 / largest, a->bytes);
        }
        if (planes) make_planes(a, r, y);
    }
    mem_free(y);
}

/* --- distances ------------------------------------------------------------------------------------ */

static float times(const struct rows *r)
{
    return r->metric == VEC_L2 ? 2 : 1;
}

float quant_distance(const struct rows *r, uint32_t slot, const struct asked *a, float *within)
{
    const struct chunk *c = rows_chunk(r, slot);
    uint32_t at = rows_in_chunk(r, slot), padded = r->frame->padded;
    const struct quant_row *x = &c->small[at];
    float dot = (float)r->k->dot_q8(c->bytes + (size_t)at * padded, a->bytes, padded) * x->step * a->step;
    float of_row = x->step * a->size, of_asked = a->step * x->size;

    /* Rounding leaves an even error in each element, of a twelfth of a step squared. */
    *within = times(r) * SURE_BYTES * sqrtf((of_row * of_row + of_asked * of_asked) / 12);
    return a->share + c->shares[at] - times(r) * dot;
}

float quant_likeness(const struct rows *r, uint32_t slot, const struct asked *a, double distance)
{
    const struct chunk *c = rows_chunk(r, slot);
    uint32_t at = rows_in_chunk(r, slot);

    if (!a->small || r->frame == NULL || slot >= r->n_small) return NAN;
    return (a->share + c->shares[at] - (float)distance) / (times(r) * a->size * c->small[at].size);
}

float quant_between(const struct rows *r, uint32_t a, uint32_t b)
{
    const struct chunk *c = rows_chunk(r, a), *d = rows_chunk(r, b);
    uint32_t i = rows_in_chunk(r, a), j = rows_in_chunk(r, b), padded = r->frame->padded;
    int32_t dot = r->k->dot_q8(c->bytes + (size_t)i * padded, d->bytes + (size_t)j * padded, padded);
    float own = r->metric == VEC_L2 ? 0 : 1 + r->frame->middle_size2;

    return own + c->shares[i] + d->shares[j] - times(r) * (float)dot * c->small[i].step * d->small[j].step;
}

void quant_sketches(const struct rows *r, uint32_t slot, size_t n, const struct asked *a, float *about, float *at_least)
{
    const struct frame *f = r->frame;
    const struct chunk *c = rows_chunk(r, slot);
    uint32_t at = rows_in_chunk(r, slot), sums[QUANT_BLOCK];
    const float *gains = c->gains + at, *shares = c->shares + at, *n_bits = c->n_bits + at;
    const struct quant_row *small = c->small + at;
    float w = times(r), per_bit = 2 * w * a->low, per_sum = 2 * w * a->width, less = w * a->total;
    float of_sketch = w * SURE * a->size, of_planes = w * SURE * a->width * sqrtf((float)f->dim / 12);

    r->k->sketches(c->bits + (size_t)at * f->words, n, f->words, a->planes, sums);
    for (size_t i = 0; i < n; i++) {
        float p = of_sketch * small[i].error, q = of_planes * gains[i];

        about[i] = a->share + shares[i] - gains[i] * (per_bit * n_bits[i] + per_sum * (float)(int32_t)sums[i] - less);
        at_least[i] = about[i] - sqrtf(p * p + q * q);
    }
}
