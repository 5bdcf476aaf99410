/* kernels.h -- sums over the elements of two vectors, in the widest instructions that the processor has.
 *
 * One table of functions for each set of instructions; the best one is picked by what cpuid says (so under valgrind,
 * which hides what it cannot run, too). A table is picked when an index is made and kept in it: no IFUNC, whose
 * resolvers run before sanitizers are ready, and a call through a pointer costs nothing beside a row of 768 elements.
 *
 * No function wants alignment or padding, unless it says so. Sums of floats may differ between tables in the last
 * digits: the order of adding differs. Sums of integers are exact. */
#ifndef MEMD_VECTOR_KERNELS_H
#define MEMD_VECTOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

struct kernels {
    const char *name;

    /* The dot product, and the squared distance. Half floats and bfloats are rows (as bits), against floats. */
    float (*dot_f32)(const float *a, const float *b, size_t n);
    float (*l2_f32)(const float *a, const float *b, size_t n);
    double (*dot_f64)(const double *a, const double *b, size_t n);
    double (*l2_f64)(const double *a, const double *b, size_t n);
    float (*dot_f16)(const uint16_t *a, const float *b, size_t n);
    float (*l2_f16)(const uint16_t *a, const float *b, size_t n);
    float (*dot_bf16)(const uint16_t *a, const float *b, size_t n);
    float (*l2_bf16)(const uint16_t *a, const float *b, size_t n);

    /* Exact; n at most 32768, so that the sum fits. */
    int32_t (*dot_i8)(const int8_t *a, const int8_t *b, size_t n);
    int32_t (*dot_u8)(const uint8_t *a, const uint8_t *b, size_t n);
    /* As dot_i8 of elements within -127..127, n a multiple of 64. */
    int32_t (*dot_q8)(const int8_t *a, const int8_t *b, size_t n);

    /* Bits that differ. */
    uint32_t (*hamming)(const uint64_t *a, const uint64_t *b, size_t n_words);
    /* For each of n rows of n_words words the sum of 4-bit numbers where the row has a bit. The numbers lie as four
     * planes of n_words words each, the lowest bit first. */
    void (*sketches)(const uint64_t *rows, size_t n, size_t n_words, const uint64_t *planes, uint32_t *sums);

    /* Hadamard's transform in place, unscaled; n is a power of two. */
    void (*hadamard)(float *x, size_t n);
    /* What a sketch is made of: a bit for each element above zero (n bits, the rest of the last word 0), and the largest
     * and the sum of the absolute values. */
    void (*signs)(const float *x, size_t n, uint64_t *bits, float *largest, float *sum);
    /* Each element times `by`, rounded; the products are within -127..127. */
    void (*round_q8)(const float *x, size_t n, float by, int8_t *out);
};

/* The best table for this processor. */
const struct kernels *kernels_best(void);

/* The i'th table that this processor can run, the plainest first; NULL: there are no more. For tests. */
const struct kernels *kernels_at(size_t i);

/* Half floats and bfloats, from their bits. */
float f16_to_float(uint16_t h);
float bf16_to_float(uint16_t h);

#endif
