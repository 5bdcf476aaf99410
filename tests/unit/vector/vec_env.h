/* vec_env.h -- vectors for tests, and what the answer is when each is looked at in doubles. */
#ifndef MEMD_TESTS_VEC_ENV_H
#define MEMD_TESTS_VEC_ENV_H

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "vector/kernels.h"
#include "vector/vec.h"

static inline double normal(struct rng *r)
{
    return sqrt(-2 * log(1 - rng_unit(r))) * cos(2 * M_PI * rng_unit(r));
}

/* Element i of data, as a number. */
static inline double vec_element(enum vec_type type, const void *data, size_t i)
{
    switch (type) {
    case VEC_FLOAT32: return ((const float *)data)[i];
    case VEC_FLOAT64: return ((const double *)data)[i];
    case VEC_FLOAT16: return f16_to_float(((const uint16_t *)data)[i]);
    case VEC_BFLOAT16: return bf16_to_float(((const uint16_t *)data)[i]);
    case VEC_INT8: return ((const int8_t *)data)[i];
    case VEC_UINT8: return ((const uint8_t *)data)[i];
    case VEC_BIT: return (((const uint64_t *)data)[i / 64] >> (i % 64) & 1) != 0 ? 1 : -1;
    }
    return 0;
}

static inline void vec_set_element(enum vec_type type, void *data, size_t i, double x)
{
    float f = (float)x;
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    switch (type) {
    case VEC_FLOAT32: ((float *)data)[i] = f; break;
    case VEC_FLOAT64: ((double *)data)[i] = x; break;
    case VEC_BFLOAT16: ((uint16_t *)data)[i] = (uint16_t)(bits >> 16); break;
    case VEC_FLOAT16:
        if (fabs(x) < 0x1p-14) ((uint16_t *)data)[i] = 0;
        else ((uint16_t *)data)[i] = (uint16_t)((bits >> 16 & 0x8000) | (((bits >> 23 & 255) - 112) << 10) | (bits >> 13 & 1023));
        break;
    case VEC_INT8: ((int8_t *)data)[i] = (int8_t)fmax(-128, fmin(127, x * 40)); break;
    case VEC_UINT8: ((uint8_t *)data)[i] = (uint8_t)fmax(0, fmin(255, 128 + x * 40)); break;
    case VEC_BIT:
        if (i % 64 == 0) ((uint64_t *)data)[i / 64] = 0;
        ((uint64_t *)data)[i / 64] |= (uint64_t)(x > 0) << (i % 64);
        break;
    }
}

static inline double vec_truth(enum vec_type type, enum vec_metric metric, uint32_t dim, const void *a, const void *b)
{
    double dot = 0, aa = 0, bb = 0, l2 = 0;

    for (uint32_t i = 0; i < dim; i++) {
        double x = vec_element(type, a, i), y = vec_element(type, b, i);

        dot += x * y, aa += x * x, bb += y * y, l2 += (x - y) * (x - y);
    }
    if (metric == VEC_L2) return l2;
    if (metric == VEC_IP) return 1 - dot;
    return aa > 0 && bb > 0 ? 1 - dot / sqrt(aa * bb) : 1;
}

#endif
