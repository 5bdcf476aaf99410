/* kernels.c -- the kernels in plain C, and which table to take. */
#include "vector/kernels.h"

#include <math.h>
#include <string.h>

#include "vector/kernels_impl.h"

float bf16_to_float(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

float f16_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 0x3ff, bits;
    float f;

    if (exponent == 0) { /* zero, or so small that no leading one is implied */
        f = (float)fraction * 0x1p-24f;
        memcpy(&bits, &f, sizeof bits);
        bits |= sign;
    } else if (exponent == 31) {
        bits = sign | 0x7f800000 | fraction << 13;
    } else {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Several sums side by side: the additions of one do not wait for those of the other, and the compiler may make one
 * wide register of them. */
#define SUM8(type, n, term)                                                                                          \
    type s[8] = { 0 }, all = 0;                                                                                      \
    size_t i = 0;                                                                                                    \
    for (; i + 8 <= (n); i += 8) {                                                                                   \
        for (size_t j = 0; j < 8; j++) {                                                                             \
            const size_t at = i + j;                                                                                 \
            s[j] += (term);                                                                                          \
        }                                                                                                            \
    }                                                                                                                \
    for (size_t at = i; at < (n); at++) all += (term);                                                               \
    for (size_t j = 0; j < 8; j++) all += s[j];                                                                      \
    return all

static float square(float x)
{
    return x * x;
}

float plain_dot_f32(const float *a, const float *b, size_t n)
{
    SUM8(float, n, a[at] * b[at]);
}

float plain_l2_f32(const float *a, const float *b, size_t n)
{
    SUM8(float, n, square(a[at] - b[at]));
}

double plain_dot_f64(const double *a, const double *b, size_t n)
{
    SUM8(double, n, a[at] * b[at]);
}

double plain_l2_f64(const double *a, const double *b, size_t n)
{
    SUM8(double, n, (a[at] - b[at]) * (a[at] - b[at]));
}

float plain_dot_f16(const uint16_t *a, const float *b, size_t n)
{
    SUM8(float, n, f16_to_float(a[at]) * b[at]);
}

float plain_l2_f16(const uint16_t *a, const float *b, size_t n)
{
    SUM8(float, n, square(f16_to_float(a[at]) - b[at]));
}

float plain_dot_bf16(const uint16_t *a, const float *b, size_t n)
{
    SUM8(float, n, bf16_to_float(a[at]) * b[at]);
}

float plain_l2_bf16(const uint16_t *a, const float *b, size_t n)
{
    SUM8(float, n, square(bf16_to_float(a[at]) - b[at]));
}

int32_t plain_dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    SUM8(int32_t, n, a[at] * b[at]);
}

int32_t plain_dot_u8(const uint8_t *a, const uint8_t *b, size_t n)
{
    SUM8(int32_t, n, a[at] * b[at]);
}

uint32_t plain_hamming(const uint64_t *a, const uint64_t *b, size_t n_words)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n_words; i++) sum += (uint32_t)__builtin_popcountll(a[i] ^ b[i]);
    return sum;
}

void plain_sketches(const uint64_t *rows, size_t n, size_t n_words, const uint64_t *planes, uint32_t *sums)
{
    for (size_t r = 0; r < n; r++, rows += n_words) {
        uint32_t sum = 0;

        for (size_t p = 0; p < 4; p++) {
            uint32_t of_plane = 0;

            for (size_t i = 0; i < n_words; i++) {
                of_plane += (uint32_t)__builtin_popcountll(rows[i] & planes[p * n_words + i]);
            }
            sum += of_plane << p;
        }
        sums[r] = sum;
    }
}

void plain_hadamard(float *x, size_t n)
{
    for (size_t half = 1; half < n; half *= 2) {
        for (size_t i = 0; i < n; i += 2 * half) {
            for (size_t j = i; j < i + half; j++) {
                float a = x[j], b = x[j + half];

                x[j] = a + b;
                x[j + half] = a - b;
            }
        }
    }
}

void plain_signs(const float *x, size_t n, uint64_t *bits, float *largest, float *sum)
{
    float most = 0, all = 0;

    memset(bits, 0, (n + 63) / 64 * sizeof *bits);
    for (size_t i = 0; i < n; i++) {
        float size = x[i] < 0 ? -x[i] : x[i];

        bits[i / 64] |= (uint64_t)(x[i] > 0) << (i % 64);
        if (size > most) most = size;
        all += size;
    }
    *largest = most;
    *sum = all;
}

void plain_round_q8(const float *x, size_t n, float by, int8_t *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (int8_t)lrintf(x[i] * by);
}

const struct kernels kernels_plain = {
    "plain", plain_dot_f32, plain_l2_f32, plain_dot_f64, plain_l2_f64, plain_dot_f16, plain_l2_f16, plain_dot_bf16,
    plain_l2_bf16, plain_dot_i8, plain_dot_u8, plain_dot_i8, plain_hamming, plain_sketches, plain_hadamard, plain_signs,
    plain_round_q8,
};

#if !defined __x86_64__ && !(defined __aarch64__ && defined __ARM_NEON)
const struct kernels *kernels_machine(size_t i)
{
    (void)i;
    return NULL;
}
#endif

const struct kernels *kernels_at(size_t i)
{
    return i == 0 ? &kernels_plain : kernels_machine(i - 1);
}

const struct kernels *kernels_best(void)
{
    const struct kernels *best = &kernels_plain, *k;

    for (size_t i = 0; (k = kernels_machine(i)) != NULL; i++) best = k;
    return best;
}
