#include "tests/unit/unit.h"

#include <math.h>

#include "vector/kernels.h"

/* Each table beside sums in doubles, one element after the other. The operands end where a page that must not be read
 * begins, and begin at any address. */

#include <sys/mman.h>

enum { LENGTH_MAX = 4099, PAGE = 4096, FENCED = 16 * PAGE };

/* n bytes right in front of a page that cannot be read. */
static void *fenced(size_t n)
{
    char *p = mmap(NULL, FENCED + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert(p != MAP_FAILED && n <= FENCED);
    ck_assert_int_eq(mprotect(p + FENCED, PAGE, PROT_NONE), 0);
    return p + FENCED - n;
}

static void unfence(void *p, size_t n)
{
    munmap((char *)p + n - FENCED, FENCED + PAGE);
}

static float random_float(struct rng *r)
{
    return (float)(rng_unit(r) * 2 - 1);
}

static uint16_t float_to_bf16(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* A half float of a size that floats of a test have. */
static uint16_t random_f16(struct rng *r)
{
    return (uint16_t)((rng_next(r) & 0x83ff) | (rng_below(r, 16) << 10));
}

static void close_to(const struct kernels *k, const char *what, size_t n, double got, double want, double size)
{
    ck_assert_msg(fabs(got - want) <= 1e-5 * (size + 1e-6), "%s %s of %zu: %.9g, not %.9g", k->name, what, n, got, want);
}

static void check_floats(const struct kernels *k, struct rng *r, size_t n)
{
    float *a = fenced(n * sizeof *a), *b = fenced(n * sizeof *b);
    double *c = fenced(n * sizeof *c), *d = fenced(n * sizeof *d);
    uint16_t *h = fenced(n * sizeof *h), *g = fenced(n * sizeof *g);
    double dot = 0, l2 = 0, size = 0, dot_d = 0, l2_d = 0, dot_h = 0, l2_h = 0, dot_g = 0, l2_g = 0;

    for (size_t i = 0; i < n; i++) {
        a[i] = random_float(r), b[i] = random_float(r), c[i] = rng_unit(r) - 0.5, d[i] = rng_unit(r) - 0.5;
        h[i] = random_f16(r), g[i] = float_to_bf16(random_float(r));
        dot += (double)a[i] * b[i], l2 += pow((double)a[i] - b[i], 2), size += fabs((double)a[i]) + 1 + fabs((double)b[i]);
        dot_d += c[i] * d[i], l2_d += pow(c[i] - d[i], 2);
        dot_h += (double)f16_to_float(h[i]) * b[i], l2_h += pow((double)f16_to_float(h[i]) - b[i], 2);
        dot_g += (double)bf16_to_float(g[i]) * b[i], l2_g += pow((double)bf16_to_float(g[i]) - b[i], 2);
    }
    close_to(k, "dot_f32", n, k->dot_f32(a, b, n), dot, size);
    close_to(k, "l2_f32", n, k->l2_f32(a, b, n), l2, size);
    close_to(k, "dot_f64", n, k->dot_f64(c, d, n), dot_d, 1e-6);
    close_to(k, "l2_f64", n, k->l2_f64(c, d, n), l2_d, 1e-6);
    close_to(k, "dot_f16", n, k->dot_f16(h, b, n), dot_h, size);
    close_to(k, "l2_f16", n, k->l2_f16(h, b, n), l2_h, size);
    close_to(k, "dot_bf16", n, k->dot_bf16(g, b, n), dot_g, size);
    close_to(k, "l2_bf16", n, k->l2_bf16(g, b, n), l2_g, size);
    unfence(a, n * sizeof *a), unfence(b, n * sizeof *b), unfence(c, n * sizeof *c), unfence(d, n * sizeof *d);
    unfence(h, n * sizeof *h), unfence(g, n * sizeof *g);
}

static void check_bytes(const struct kernels *k, struct rng *r, size_t n, bool extreme)
{
    int8_t *a = fenced(n), *b = fenced(n);
    uint8_t *c = fenced(n), *d = fenced(n);
    int32_t dot = 0, dot_u = 0, dot_q = 0;

    for (size_t i = 0; i < n; i++) {
        a[i] = extreme ? -128 : (int8_t)rng_next(r), b[i] = extreme ? -128 : (int8_t)rng_next(r);
        c[i] = extreme ? 255 : (uint8_t)rng_next(r), d[i] = extreme ? 255 : (uint8_t)rng_next(r);
        dot += a[i] * b[i], dot_u += c[i] * d[i];
    }
    ck_assert_int_eq(k->dot_i8(a, b, n), dot);
    ck_assert_int_eq(k->dot_u8(c, d, n), dot_u);
    for (size_t i = 0; i < n; i++) {
        a[i] = a[i] == -128 ? -127 : a[i], b[i] = b[i] == -128 ? 127 : b[i];
        dot_q += a[i] * b[i];
    }
    if (n % 64 == 0) ck_assert_int_eq(k->dot_q8(a, b, n), dot_q);
    unfence(a, n), unfence(b, n), unfence(c, n), unfence(d, n);
}

static void check_bits(const struct kernels *k, struct rng *r, size_t words)
{
    enum { ROWS = 5 };
    size_t n = words * 8;
    uint64_t *rows = fenced(ROWS * n), *planes = fenced(4 * n);
    uint32_t sums[ROWS], differ = 0;

    for (size_t i = 0; i < ROWS * words; i++) rows[i] = rng_below(r, 9) == 0 ? UINT64_MAX : rng_next(r);
    for (size_t i = 0; i < 4 * words; i++) planes[i] = rng_below(r, 9) == 0 ? UINT64_MAX : rng_next(r);
    k->sketches(rows, ROWS, words, planes, sums);
    for (size_t row = 0; row < ROWS; row++) {
        uint32_t want = 0;

        for (size_t i = 0; i < words * 64; i++) {
            for (size_t p = 0; p < 4; p++) {
                want += (uint32_t)((rows[row * words + i / 64] & planes[p * words + i / 64]) >> (i % 64) & 1) << p;
            }
        }
        ck_assert_msg(sums[row] == want, "%s: %zu words", k->name, words);
    }
    for (size_t i = 0; i < words * 64; i++) differ += (uint32_t)((rows[i / 64] ^ planes[i / 64]) >> (i % 64) & 1);
    ck_assert_uint_eq(k->hamming(rows, planes, words), differ);
    unfence(rows, ROWS * n), unfence(planes, 4 * n);
}

static void check_making(const struct kernels *k, struct rng *r, size_t n)
{
    float *x = fenced(n * sizeof *x), largest, sum;
    int8_t *q = fenced(n);
    uint64_t bits[LENGTH_MAX / 64 + 1];
    double most = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        x[i] = rng_below(r, 10) == 0 ? 0 : random_float(r);
        most = fmax(most, fabs((double)x[i]));
        all += fabs((double)x[i]);
    }
    k->signs(x, n, bits, &largest, &sum);
    close_to(k, "sum of sizes", n, sum, all, all);
    ck_assert(largest == (float)most);
    for (size_t i = 0; i < (n + 63) / 64 * 64; i++) ck_assert_uint_eq(bits[i / 64] >> (i % 64) & 1, i < n && x[i] > 0);
    k->round_q8(x, n, 127, q);
    for (size_t i = 0; i < n; i++) ck_assert_int_eq(q[i], (int8_t)lrintf(x[i] * 127));
    unfence(x, n * sizeof *x), unfence(q, n);
}

static void check_length(const struct kernels *k, struct rng *r, size_t n)
{
    check_floats(k, r, n);
    check_bytes(k, r, n, false);
    check_bytes(k, r, n, true);
    check_making(k, r, n);
    if (n <= 130) check_bits(k, r, n);
}

START_TEST(all_tables_add_as_doubles_do_for_every_length)
{
    static const size_t large[] = { 255, 256, 257, 383, 384, 768, 1000, 1024, 1536, 3072, 4095, LENGTH_MAX };
    const struct kernels *k;
    struct rng r;

    unit_rng(&r);
    for (size_t t = 0; (k = kernels_at(t)) != NULL; t++) {
        printf("table %s\n", k->name);
        for (size_t n = 1; n <= 130; n++) check_length(k, &r, n);
        for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) check_length(k, &r, large[i]);
    }
    ck_assert_ptr_nonnull(kernels_best());
}
END_TEST

/* Row i of the matrix has the sign of the bits that i and the column share. */
START_TEST(hadamard_is_the_matrix)
{
    const struct kernels *k;
    struct rng r;

    unit_rng(&r);
    for (size_t t = 0; (k = kernels_at(t)) != NULL; t++) {
        for (size_t n = 1; n <= 256; n *= 2) {
            float x[256], y[256];

            for (size_t i = 0; i < n; i++) x[i] = y[i] = random_float(&r);
            k->hadamard(y, n);
            for (size_t i = 0; i < n; i++) {
                double want = 0;

                for (size_t j = 0; j < n; j++) want += __builtin_parityll(i & j) ? -(double)x[j] : (double)x[j];
                close_to(k, "hadamard", n, y[i], want, (double)n);
            }
        }
    }
}
END_TEST

START_TEST(the_largest_sums_of_bytes_fit)
{
    enum { N = 32768 };
    int8_t *a = mem_alloc(N);
    uint8_t *b = mem_alloc(N);
    const struct kernels *k;

    memset(a, 0x80, N);
    memset(b, 0xff, N);
    for (size_t t = 0; (k = kernels_at(t)) != NULL; t++) {
        ck_assert_int_eq(k->dot_i8(a, a, N), N * 128 * 128);
        ck_assert_int_eq(k->dot_u8(b, b, N), N * 255 * 255);
    }
    mem_free(a);
    mem_free(b);
}
END_TEST

START_TEST(half_floats_are_what_their_bits_say)
{
    ck_assert(f16_to_float(0x3c00) == 1 && f16_to_float(0xc000) == -2 && f16_to_float(0x7bff) == 65504);
    ck_assert(f16_to_float(0x0001) == 0x1p-24f && f16_to_float(0x03ff) == 0x3ffp-24f && f16_to_float(0x0400) == 0x1p-14f);
    ck_assert(signbit(f16_to_float(0x8000)) && isinf(f16_to_float(0x7c00)) && isnan(f16_to_float(0x7c01)));
    ck_assert(bf16_to_float(0x3f80) == 1 && bf16_to_float(0xc000) == -2 && isinf(bf16_to_float(0x7f80)));
}
END_TEST

UNIT_MAIN("kernels", all_tables_add_as_doubles_do_for_every_length, hadamard_is_the_matrix, the_largest_sums_of_bytes_fit,
          half_floats_are_what_their_bits_say)
