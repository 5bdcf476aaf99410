/* kernels_arm.c -- kernels for arm64: NEON, which each has, and its dot product of bytes where the processor tells of it.
 *
 * Floats are in plain C, which the compiler makes NEON of: they are bound by memory. */
#if defined __aarch64__ && defined __ARM_NEON

#include <arm_neon.h>
#include <stdbool.h>
#include <sys/auxv.h>

#include "vector/kernels_impl.h"

/* Clang has these instructions in whole files alone that are built for them. */
#if !defined __clang__ || defined __ARM_FEATURE_DOTPROD
#define HAS_DOT
#define DOT __attribute__((target("arch=armv8.2-a+dotprod")))
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#endif

static float dot_f32(const float *a, const float *b, size_t n)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0;
    float tail = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
        s1 = vfmaq_f32(s1, vld1q_f32(a + i + 4), vld1q_f32(b + i + 4));
    }
    for (; i < n; i++) tail += a[i] * b[i];
    return vaddvq_f32(vaddq_f32(s0, s1)) + tail;
}

static float l2_f32(const float *a, const float *b, size_t n)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0;
    float tail = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        float32x4_t d0 = vsubq_f32(vld1q_f32(a + i), vld1q_f32(b + i));
        float32x4_t d1 = vsubq_f32(vld1q_f32(a + i + 4), vld1q_f32(b + i + 4));

        s0 = vfmaq_f32(s0, d0, d0);
        s1 = vfmaq_f32(s1, d1, d1);
    }
    for (; i < n; i++) tail += (a[i] - b[i]) * (a[i] - b[i]);
    return vaddvq_f32(vaddq_f32(s0, s1)) + tail;
}

static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    int32x4_t s = vdupq_n_s32(0);
    int32_t tail = 0;
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        int8x16_t x = vld1q_s8(a + i), y = vld1q_s8(b + i);

        s = vpadalq_s16(s, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
        s = vpadalq_s16(s, vmull_high_s8(x, y));
    }
    for (; i < n; i++) tail += a[i] * b[i];
    return vaddvq_s32(s) + tail;
}

#ifdef HAS_DOT
DOT static int32_t dot_i8_dotprod(const int8_t *a, const int8_t *b, size_t n)
{
    int32x4_t s = vdupq_n_s32(0);
    int32_t tail = 0;
    size_t i = 0;

    for (; i + 16 <= n; i += 16) s = vdotq_s32(s, vld1q_s8(a + i), vld1q_s8(b + i));
    for (; i < n; i++) tail += a[i] * b[i];
    return vaddvq_s32(s) + tail;
}

static bool has_dot(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}
#endif

static uint32_t bits_of(uint8x16_t v)
{
    return vaddlvq_u8(vcntq_u8(v));
}

static uint32_t hamming(const uint64_t *a, const uint64_t *b, size_t n_words)
{
    uint32_t sum = 0;
    size_t i = 0;

    for (; i + 2 <= n_words; i += 2) {
        sum += bits_of(vreinterpretq_u8_u64(veorq_u64(vld1q_u64(a + i), vld1q_u64(b + i))));
    }
    for (; i < n_words; i++) sum += (uint32_t)__builtin_popcountll(a[i] ^ b[i]);
    return sum;
}

static void sketches(const uint64_t *rows, size_t n, size_t n_words, const uint64_t *planes, uint32_t *sums)
{
    for (size_t r = 0; r < n; r++, rows += n_words) {
        uint32_t sum = 0;

        for (size_t p = 0; p < 4; p++) {
            const uint64_t *plane = planes + p * n_words;
            uint32_t of_plane = 0;
            size_t i = 0;

            for (; i + 2 <= n_words; i += 2) {
                of_plane += bits_of(vreinterpretq_u8_u64(vandq_u64(vld1q_u64(rows + i), vld1q_u64(plane + i))));
            }
            for (; i < n_words; i++) of_plane += (uint32_t)__builtin_popcountll(rows[i] & plane[i]);
            sum += of_plane << p;
        }
        sums[r] = sum;
    }
}

static const struct kernels neon = {
    "neon", dot_f32, l2_f32, plain_dot_f64, plain_l2_f64, plain_dot_f16, plain_l2_f16, plain_dot_bf16, plain_l2_bf16,
    dot_i8, plain_dot_u8, dot_i8, hamming, sketches, plain_hadamard, plain_signs, plain_round_q8,
};

#ifdef HAS_DOT
static const struct kernels dotprod = {
    "dotprod", dot_f32, l2_f32, plain_dot_f64, plain_l2_f64, plain_dot_f16, plain_l2_f16, plain_dot_bf16, plain_l2_bf16,
    dot_i8_dotprod, plain_dot_u8, dot_i8_dotprod, hamming, sketches, plain_hadamard, plain_signs, plain_round_q8,
};
#endif

const struct kernels *kernels_machine(size_t i)
{
    if (i == 0) return &neon;
#ifdef HAS_DOT
    if (i == 1 && has_dot()) return &dotprod;
#endif
    return NULL;
}

#endif
