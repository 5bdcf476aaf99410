/* kernels_x86.c -- kernels for x86-64 with AVX2 (x86-64-v3) and with AVX-512 VNNI and VPOPCNTDQ.
 *
 * Floats are bound by memory beyond the cache, and AVX-512 gains nothing there: only bytes and bits have a wider form.
 * A tail shorter than a register is added element by element, or masked. */
#if defined __x86_64__

#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "vector/kernels_impl.h"

#define AVX2 __attribute__((target("avx2,fma,f16c,popcnt,bmi2")))
#define AVX512 __attribute__((target("avx2,fma,f16c,popcnt,bmi2,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")))

/* --- sums of a register -------------------------------------------------------------------------- */

AVX2 static inline float sum_f32(__m256 v)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

AVX2 static inline double sum_f64(__m256d v)
{
    __m128d x = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));

    return _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)));
}

AVX2 static inline int32_t sum_i32(__m256i v)
{
    __m128i x = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

AVX2 static inline uint64_t sum_i64(__m256i v)
{
    __m128i x = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(x, _mm_unpackhi_epi64(x, x)));
}

/* --- floats --------------------------------------------------------------------------------------- */

/* Four sums side by side hide the latency of the additions. load(i) gives eight elements of a from i on, one(i) one. */
#define FLOATS(load, one, step, scalar)                                                                              \
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;                                                      \
    float tail = 0;                                                                                                  \
    size_t i = 0;                                                                                                    \
    for (; i + 32 <= n; i += 32) {                                                                                   \
        s0 = step(load(i), _mm256_loadu_ps(b + i), s0);                                                              \
        s1 = step(load(i + 8), _mm256_loadu_ps(b + i + 8), s1);                                                      \
        s2 = step(load(i + 16), _mm256_loadu_ps(b + i + 16), s2);                                                    \
        s3 = step(load(i + 24), _mm256_loadu_ps(b + i + 24), s3);                                                    \
    }                                                                                                                \
    for (; i + 8 <= n; i += 8) s0 = step(load(i), _mm256_loadu_ps(b + i), s0);                                       \
    for (; i < n; i++) tail += scalar(one(i), b[i]);                                                                 \
    return sum_f32(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3))) + tail

AVX2 static inline __m256 square_f32(__m256 a, __m256 b, __m256 sum)
{
    __m256 d = _mm256_sub_ps(a, b);

    return _mm256_fmadd_ps(d, d, sum);
}

#define TIMES(a, b) ((a) * (b))
#define SQUARE(a, b) (((a) - (b)) * ((a) - (b)))

#define LOAD_F32(i) _mm256_loadu_ps(a + (i))
#define ONE_F32(i) a[i]
#define LOAD_F16(i) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(a + (i))))
#define ONE_F16(i) _cvtsh_ss(a[i])
#define LOAD_BF16(i)                                                                                                 \
    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(a + (i)))), 16))
#define ONE_BF16(i) bf16_to_float(a[i])

AVX2 static float dot_f32(const float *a, const float *b, size_t n)
{
    FLOATS(LOAD_F32, ONE_F32, _mm256_fmadd_ps, TIMES);
}

AVX2 static float l2_f32(const float *a, const float *b, size_t n)
{
    FLOATS(LOAD_F32, ONE_F32, square_f32, SQUARE);
}

AVX2 static float dot_f16(const uint16_t *a, const float *b, size_t n)
{
    FLOATS(LOAD_F16, ONE_F16, _mm256_fmadd_ps, TIMES);
}

AVX2 static float l2_f16(const uint16_t *a, const float *b, size_t n)
{
    FLOATS(LOAD_F16, ONE_F16, square_f32, SQUARE);
}

AVX2 static float dot_bf16(const uint16_t *a, const float *b, size_t n)
{
    FLOATS(LOAD_BF16, ONE_BF16, _mm256_fmadd_ps, TIMES);
}

AVX2 static float l2_bf16(const uint16_t *a, const float *b, size_t n)
{
    FLOATS(LOAD_BF16, ONE_BF16, square_f32, SQUARE);
}

AVX2 static inline __m256d square_f64(__m256d a, __m256d b, __m256d sum)
{
    __m256d d = _mm256_sub_pd(a, b);

    return _mm256_fmadd_pd(d, d, sum);
}

#define DOUBLES(step, scalar)                                                                                        \
    __m256d s0 = _mm256_setzero_pd(), s1 = s0;                                                                       \
    double tail = 0;                                                                                                 \
    size_t i = 0;                                                                                                    \
    for (; i + 8 <= n; i += 8) {                                                                                     \
        s0 = step(_mm256_loadu_pd(a + i), _mm256_loadu_pd(b + i), s0);                                               \
        s1 = step(_mm256_loadu_pd(a + i + 4), _mm256_loadu_pd(b + i + 4), s1);                                       \
    }                                                                                                                \
    for (; i < n; i++) tail += scalar(a[i], b[i]);                                                                   \
    return sum_f64(_mm256_add_pd(s0, s1)) + tail

AVX2 static double dot_f64(const double *a, const double *b, size_t n)
{
    DOUBLES(_mm256_fmadd_pd, TIMES);
}

AVX2 static double l2_f64(const double *a, const double *b, size_t n)
{
    DOUBLES(square_f64, SQUARE);
}

/* --- bytes ---------------------------------------------------------------------------------------- */

#define BYTES(widen)                                                                                                 \
    __m256i s0 = _mm256_setzero_si256(), s1 = s0;                                                                    \
    int32_t tail = 0;                                                                                                \
    size_t i = 0;                                                                                                    \
    for (; i + 32 <= n; i += 32) {                                                                                   \
        s0 = _mm256_add_epi32(s0, _mm256_madd_epi16(widen(a + i), widen(b + i)));                                    \
        s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(widen(a + i + 16), widen(b + i + 16)));                          \
    }                                                                                                                \
    for (; i < n; i++) tail += a[i] * b[i];                                                                          \
    return sum_i32(_mm256_add_epi32(s0, s1)) + tail

#define WIDE_I8(p) _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(p)))
#define WIDE_U8(p) _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(p)))

AVX2 static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    BYTES(WIDE_I8);
}

AVX2 static int32_t dot_u8(const uint8_t *a, const uint8_t *b, size_t n)
{
    BYTES(WIDE_U8);
}

/* |a| times b with a's sign: the instruction multiplies unsigned by signed bytes. Two products of 127 * 127 fit 16 bits. */
AVX2 static int32_t dot_q8(const int8_t *a, const int8_t *b, size_t n)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i s0 = _mm256_setzero_si256(), s1 = s0;

    for (size_t i = 0; i < n; i += 64) {
        __m256i a0 = _mm256_loadu_si256((const __m256i *)(a + i)), a1 = _mm256_loadu_si256((const __m256i *)(a + i + 32));
        __m256i b0 = _mm256_loadu_si256((const __m256i *)(b + i)), b1 = _mm256_loadu_si256((const __m256i *)(b + i + 32));

        b0 = _mm256_maddubs_epi16(_mm256_abs_epi8(a0), _mm256_sign_epi8(b0, a0));
        b1 = _mm256_maddubs_epi16(_mm256_abs_epi8(a1), _mm256_sign_epi8(b1, a1));
        s0 = _mm256_add_epi32(s0, _mm256_madd_epi16(b0, ones));
        s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(b1, ones));
    }
    return sum_i32(_mm256_add_epi32(s0, s1));
}

/* dpbusd multiplies unsigned by signed bytes: a + 128 is unsigned, and 128 times the sum of b is taken off again. */
AVX512 static inline __m512i dot_biased(__m512i sum, __m512i a, __m512i b)
{
    return _mm512_dpbusd_epi32(sum, _mm512_xor_si512(a, _mm512_set1_epi8((char)0x80)), b);
}

AVX512 static int32_t wide_dot_i8(const int8_t *a, const int8_t *b, size_t n)
{
    const __m512i bias = _mm512_set1_epi8((char)0x80);
    __m512i s = _mm512_setzero_si512(), of_b = s;
    size_t i = 0;

    for (; i + 64 <= n; i += 64) {
        __m512i x = _mm512_loadu_si512(a + i), y = _mm512_loadu_si512(b + i);

        s = dot_biased(s, x, y);
        of_b = _mm512_dpbusd_epi32(of_b, bias, y);
    }
    if (i < n) {
        __mmask64 m = _bzhi_u64(~0ULL, (unsigned)(n - i));
        __m512i x = _mm512_maskz_loadu_epi8(m, a + i), y = _mm512_maskz_loadu_epi8(m, b + i);

        s = dot_biased(s, x, y);
        of_b = _mm512_dpbusd_epi32(of_b, bias, y);
    }
    return _mm512_reduce_add_epi32(_mm512_sub_epi32(s, of_b));
}

/* --- bits ----------------------------------------------------------------------------------------- */

AVX2 static uint32_t hamming(const uint64_t *a, const uint64_t *b, size_t n_words)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n_words; i++) sum += (uint64_t)_mm_popcnt_u64(a[i] ^ b[i]);
    return (uint32_t)sum;
}

/* How many bits each byte of v has, by its two halves. */
AVX2 static inline __m256i bits_of_bytes(__m256i v)
{
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);

    return _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(v, low)),
                           _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
}

AVX2 static inline __m256i plane(const uint64_t *p, __m256i row)
{
    return bits_of_bytes(_mm256_and_si256(_mm256_loadu_si256((const __m256i *)p), row));
}

AVX2 static void sketches(const uint64_t *rows, size_t n, size_t n_words, const uint64_t *planes, uint32_t *sums)
{
    const uint64_t *p1 = planes + n_words, *p2 = p1 + n_words, *p3 = p2 + n_words;

    for (size_t r = 0; r < n; r++, rows += n_words) {
        __m256i s = _mm256_setzero_si256();
        uint64_t tail = 0;
        size_t i = 0;

        for (; i + 4 <= n_words; i += 4) {
            __m256i row = _mm256_loadu_si256((const __m256i *)(rows + i));
            /* At most 8 bits in a byte, times 15: it fits. */
            __m256i low = _mm256_add_epi8(plane(planes + i, row), _mm256_slli_epi16(plane(p1 + i, row), 1));
            __m256i high = _mm256_add_epi8(plane(p2 + i, row), _mm256_slli_epi16(plane(p3 + i, row), 1));

            s = _mm256_add_epi64(s, _mm256_sad_epu8(_mm256_add_epi8(low, _mm256_slli_epi16(high, 2)), _mm256_setzero_si256()));
        }
        for (; i < n_words; i++) {
            tail += (uint64_t)(_mm_popcnt_u64(rows[i] & planes[i]) + 2 * _mm_popcnt_u64(rows[i] & p1[i])
                               + 4 * _mm_popcnt_u64(rows[i] & p2[i]) + 8 * _mm_popcnt_u64(rows[i] & p3[i]));
        }
        sums[r] = (uint32_t)(sum_i64(s) + tail);
    }
}

AVX512 static inline __m512i weighed(const uint64_t *p, __mmask8 m, __m512i row)
{
    return _mm512_popcnt_epi64(_mm512_and_si512(_mm512_maskz_loadu_epi64(m, p), row));
}

AVX512 static void wide_sketches(const uint64_t *rows, size_t n, size_t n_words, const uint64_t *planes, uint32_t *sums)
{
    const uint64_t *p1 = planes + n_words, *p2 = p1 + n_words, *p3 = p2 + n_words;

    for (size_t r = 0; r < n; r++, rows += n_words) {
        __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;

        for (size_t i = 0; i < n_words; i += 8) {
            __mmask8 m = n_words - i >= 8 ? 0xff : (__mmask8)((1u << (n_words - i)) - 1);
            __m512i row = _mm512_maskz_loadu_epi64(m, rows + i);

            s0 = _mm512_add_epi64(s0, weighed(planes + i, m, row));
            s1 = _mm512_add_epi64(s1, weighed(p1 + i, m, row));
            s2 = _mm512_add_epi64(s2, weighed(p2 + i, m, row));
            s3 = _mm512_add_epi64(s3, weighed(p3 + i, m, row));
        }
        s0 = _mm512_add_epi64(s0, _mm512_slli_epi64(s1, 1));
        s2 = _mm512_add_epi64(_mm512_slli_epi64(s2, 2), _mm512_slli_epi64(s3, 3));
        sums[r] = (uint32_t)_mm512_reduce_add_epi64(_mm512_add_epi64(s0, s2));
    }
}

AVX512 static uint32_t wide_hamming(const uint64_t *a, const uint64_t *b, size_t n_words)
{
    __m512i s = _mm512_setzero_si512();

    for (size_t i = 0; i < n_words; i += 8) {
        __mmask8 m = n_words - i >= 8 ? 0xff : (__mmask8)((1u << (n_words - i)) - 1);

        s = _mm512_add_epi64(s, _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_maskz_loadu_epi64(m, a + i),
                                                                     _mm512_maskz_loadu_epi64(m, b + i))));
    }
    return (uint32_t)_mm512_reduce_add_epi64(s);
}

/* --- making rows ---------------------------------------------------------------------------------- */

/* Blocks of eight within a register, then register with register. */
AVX2 static void hadamard(float *x, size_t n)
{
    const __m256 odd = _mm256_castsi256_ps(_mm256_set1_epi64x((long long)0x8000000000000000ULL));
    const __m256 pairs = _mm256_castsi256_ps(_mm256_setr_epi32(0, 0, INT32_MIN, INT32_MIN, 0, 0, INT32_MIN, INT32_MIN));

    if (n < 8) {
        plain_hadamard(x, n);
        return;
    }
    for (size_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i);

        v = _mm256_add_ps(_mm256_moveldup_ps(v), _mm256_xor_ps(_mm256_movehdup_ps(v), odd));
        v = _mm256_add_ps(_mm256_permute_ps(v, 0x44), _mm256_xor_ps(_mm256_permute_ps(v, 0xee), pairs));
        _mm256_storeu_ps(x + i, _mm256_blend_ps(_mm256_add_ps(v, _mm256_permute2f128_ps(v, v, 1)),
                                                _mm256_sub_ps(_mm256_permute2f128_ps(v, v, 1), v), 0xf0));
    }
    for (size_t half = 8; half < n; half *= 2) {
        for (size_t i = 0; i < n; i += 2 * half) {
            for (size_t j = i; j < i + half; j += 8) {
                __m256 a = _mm256_loadu_ps(x + j), b = _mm256_loadu_ps(x + j + half);

                _mm256_storeu_ps(x + j, _mm256_add_ps(a, b));
                _mm256_storeu_ps(x + j + half, _mm256_sub_ps(a, b));
            }
        }
    }
}

AVX2 static void signs(const float *x, size_t n, uint64_t *bits, float *largest, float *sum)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 most = _mm256_setzero_ps(), all = most;
    size_t i = 0;
    float sizes[8], tail_most, tail;
    uint64_t tail_bits[1];

    memset(bits, 0, (n + 63) / 64 * sizeof *bits);
    for (; i + 8 <= n; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i), size = _mm256_andnot_ps(sign, v);
        unsigned above = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ));

        bits[i / 64] |= (uint64_t)above << (i % 64);
        most = _mm256_max_ps(most, size);
        all = _mm256_add_ps(all, size);
    }
    *sum = sum_f32(all);
    _mm256_storeu_ps(sizes, most);
    *largest = 0;
    for (size_t j = 0; j < 8; j++) {
        if (sizes[j] > *largest) *largest = sizes[j];
    }
    if (i == n) return;
    plain_signs(x + i, n - i, tail_bits, &tail_most, &tail);
    bits[i / 64] |= tail_bits[0] << (i % 64);
    *sum += tail;
    if (tail_most > *largest) *largest = tail_most;
}

AVX2 static void round_q8(const float *x, size_t n, float by, int8_t *out)
{
    const __m256 factor = _mm256_set1_ps(by);
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), factor));
        __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), factor));
        __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);

        _mm_storeu_si128((__m128i *)(out + i),
                         _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
    plain_round_q8(x + i, n - i, by, out + i);
}

/* --- tables --------------------------------------------------------------------------------------- */

static const struct kernels avx2 = {
    "avx2", dot_f32, l2_f32, dot_f64, l2_f64, dot_f16, l2_f16, dot_bf16, l2_bf16, dot_i8, dot_u8, dot_q8, hamming, sketches,
    hadamard, signs, round_q8,
};

static const struct kernels avx512 = {
    "avx512", dot_f32, l2_f32, dot_f64, l2_f64, dot_f16, l2_f16, dot_bf16, l2_bf16, wide_dot_i8, dot_u8, wide_dot_i8,
    wide_hamming, wide_sketches, hadamard, signs, round_q8,
};

/* Not every compiler knows it by name. */
static bool has_f16c(void)
{
    unsigned a, b, c = 0, d;

    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()
        && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq");
}

const struct kernels *kernels_machine(size_t i)
{
    if (!has_avx2()) return NULL;
    if (i == 0) return &avx2;
    return i == 1 && has_avx512() ? &avx512 : NULL;
}

#endif
