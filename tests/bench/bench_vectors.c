/* bench_vectors.c -- what an index of vectors costs, without a server around it: make bench T=vectors (vectors.py builds it).
 *
 *   bench_vectors [vectors] [dimensions] [queries]         100000, 768, 200;  ONLY=FLAT or HNSW
 *
 * A line for each: put in us, the slowest in ms, all of them in s, KNN-10 in ms, queries a second, recall@10, bytes a vector.
 *
 * Two kinds of float32 data. Clustered: 1,000 centres, each vector its centre and as much noise, queries alike: as hard as
 * embeddings of texts are. Even: each element by itself, so that all vectors are nearly as far from each other: nothing real
 * is like this, and no graph leads anywhere in it. COSINE; recall is against the distances of all, in full. Times are the
 * processor's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "vector/vec.h"

enum { K = 10, CENTRES = 1000, TRUTHS = 50 };

static double normal(struct rng *r)
{
    return sqrt(-2 * log(1 - rng_unit(r))) * cos(2 * M_PI * rng_unit(r));
}

/* Processor time: others are busy too. */
static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void make(struct rng *r, const float *centres, float *rows, size_t n, uint32_t dim)
{
    for (size_t i = 0; i < n; i++) {
        const float *c = centres == NULL ? NULL : centres + rng_below(r, CENTRES) * dim;

        for (uint32_t j = 0; j < dim; j++) rows[i * dim + j] = (float)normal(r) + (c != NULL ? c[j] : 0);
    }
}

static void ask(const struct vec_index *v, struct str q, struct vec_hit *out)
{
    struct vec_query query = { .data = q, .k = K };
    size_t n;
    struct vec_search *s = vec_search_new(v, &query);

    while (!vec_search_step(s, VEC_WORK_SLICE)) { }

    const struct vec_hit *hits = vec_search_hits(s, &n);

    for (size_t i = 0; i < K; i++) out[i] = i < n ? hits[i] : (struct vec_hit){ UINT32_MAX, INFINITY };
    vec_search_free(&s);
}

static double recall(const struct vec_hit *got, const double *kth, size_t n)
{
    size_t good = 0;

    for (size_t i = 0; i < n * K; i++) good += got[i].distance <= kth[i / K] + 1e-6;
    return (double)good / (double)(n * K);
}

static void kth_of_all(const struct vec_index *v, const float *q, size_t row, size_t n, double *kth)
{
    double best[K];
    size_t have = 0;

    for (uint32_t id = 0; id < n; id++) {
        double d = vec_index_distance(v, id, str_of(q, row));
        size_t at = have;

        if (have == K && d >= best[K - 1]) continue;
        if (have < K) have++;
        else at = K - 1;
        for (; at > 0 && best[at - 1] > d; at--) best[at] = best[at - 1];
        best[at] = d;
    }
    *kth = best[have - 1];
}

static void run(const char *kind, enum vec_algorithm algorithm, const float *rows, size_t n, uint32_t dim, const float *q, size_t n_q)
{
    struct vec_conf conf = { .algorithm = algorithm, .type = VEC_FLOAT32, .metric = VEC_COSINE, .dim = dim, .m = 16,
                             .ef_construction = 200, .ef_runtime = 10, .epsilon = 0.01, .seed = 1 };
    size_t row = dim * sizeof *rows;
    struct vec_index *v = vec_index_new(&conf);
    struct vec_hit *hits = mem_alloc(n_q * K * sizeof *hits);
    double kth[TRUTHS];
    int64_t start = now_us(), slowest = 0;

    for (uint32_t i = 0; i < n; i++) {
        int64_t before = now_us();

        vec_index_put(v, i, str_of(rows + i * dim, row));
        if (now_us() - before > slowest) slowest = now_us() - before;
    }

    double build = (double)(now_us() - start) / 1e6;

    start = now_us();
    for (size_t i = 0; i < n_q; i++) ask(v, str_of(q + i * dim, row), hits + i * K);

    double per_query = (double)(now_us() - start) / (double)n_q;
    size_t n_truth = n_q < TRUTHS ? n_q : TRUTHS;

    for (size_t i = 0; i < n_truth; i++) kth_of_all(v, q + i * dim, row, n, &kth[i]);
    printf("%s %s put=%.1f slowest_put=%.2f build=%.1f knn10=%.3f queries=%.0f recall=%.4f bytes=%zu\n", kind,
           algorithm == VEC_FLAT ? "FLAT" : "HNSW", build * 1e6 / (double)n, (double)slowest / 1e3, build, per_query / 1e3,
           1e6 / per_query, recall(hits, kth, n_truth), vec_index_memory(v) / n);
    fflush(stdout);
    mem_free(hits);
    vec_index_free(&v);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, n_q = argc > 3 ? strtoul(argv[3], NULL, 10) : 200;
    uint32_t dim = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 768;
    const char *only = getenv("ONLY");
    struct rng r;

    mem_init();
    rng_seed(&r, 1);

    float *centres = mem_alloc(CENTRES * dim * sizeof *centres), *rows = mem_alloc(n * dim * sizeof *rows);
    float *q = mem_alloc(n_q * dim * sizeof *q);

    make(&r, NULL, centres, CENTRES, dim);
    for (int even = 0; even < 2; even++) {
        make(&r, even ? NULL : centres, rows, n, dim);
        make(&r, even ? NULL : centres, q, n_q, dim);
        for (int a = VEC_FLAT; a <= VEC_HNSW; a++) {
            if (only != NULL && only[0] != (a == VEC_FLAT ? 'F' : 'H')) continue;
            run(even ? "even" : "clustered", (enum vec_algorithm)a, rows, n, dim, q, n_q);
        }
    }
    return 0;
}
