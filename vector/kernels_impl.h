/* kernels_impl.h -- between the files of kernels.h alone. */
#ifndef MEMD_VECTOR_KERNELS_IMPL_H
#define MEMD_VECTOR_KERNELS_IMPL_H

#include "vector/kernels.h"

/* The plain ones, for tables that have no better. */
float plain_dot_f32(const float *a, const float *b, size_t n);
float plain_l2_f32(const float *a, const float *b, size_t n);
double plain_dot_f64(const double *a, const double *b, size_t n);
double plain_l2_f64(const double *a, const double *b, size_t n);
float plain_dot_f16(const uint16_t *a, const float *b, size_t n);
float plain_l2_f16(const uint16_t *a, const float *b, size_t n);
float plain_dot_bf16(const uint16_t *a, const float *b, size_t n);
float plain_l2_bf16(const uint16_t *a, const float *b, size_t n);
int32_t plain_dot_i8(const int8_t *a, const int8_t *b, size_t n);
int32_t plain_dot_u8(const uint8_t *a, const uint8_t *b, size_t n);
uint32_t plain_hamming(const uint64_t *a, const uint64_t *b, size_t n_words);
void plain_sketches(const uint64_t *rows, size_t n, size_t n_words, const uint64_t *planes, uint32_t *sums);
void plain_hadamard(float *x, size_t n);
void plain_signs(const float *x, size_t n, uint64_t *bits, float *largest, float *sum);
void plain_round_q8(const float *x, size_t n, float by, int8_t *out);

extern const struct kernels kernels_plain;

/* The i'th table of this kind of processor beyond the plain one, if it can be run; NULL. */
const struct kernels *kernels_machine(size_t i);

#endif
