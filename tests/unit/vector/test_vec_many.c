/* Ids with several vectors: each is found once, by its nearest. */
#include "tests/unit/unit.h"

#include "tests/unit/vector/vec_env.h"
#include "vector/vec_impl.h"

enum { N = 1200, MANY = 6, DIM = 70, K = 10 };

/* What an index should hold. */
struct model {
    struct vec_index *v;
    float (*rows)[MANY][DIM];
    size_t has[N];
};

/* Near one of forty centres, so that a graph leads somewhere. */
static void clustered(struct rng *r, float *row)
{
    struct rng centre;

    rng_seed(&centre, 1000 + rng_below(r, 40));
    for (int i = 0; i < DIM; i++) row[i] = (float)(0.5 + normal(&centre) + 0.6 * normal(r));
}

static void put(struct model *m, struct rng *r, uint32_t id)
{
    struct str data[MANY];

    m->has[id] = 1 + rng_below(r, MANY);
    for (size_t i = 0; i < m->has[id]; i++) {
        /* At times it holds the same twice, or what it had. */
        if (i == 0 || rng_below(r, 8) != 0) clustered(r, m->rows[id][i]);
        else memcpy(m->rows[id][i], m->rows[id][i - 1], sizeof m->rows[id][i]);
        data[i] = str_of(m->rows[id][i], sizeof m->rows[id][i]);
    }
    ck_assert(vec_index_put_all(m->v, id, data, m->has[id]));
    if (rng_below(r, 4) == 0) ck_assert(vec_index_put_all(m->v, id, data, m->has[id]));
}

static double nearest(const struct model *m, uint32_t id, const float *q)
{
    double least = INFINITY;

    for (size_t i = 0; i < m->has[id]; i++) {
        double d = vec_truth(VEC_FLOAT32, VEC_COSINE, DIM, m->rows[id][i], q);
        if (d < least) least = d;
    }
    return least;
}

static int by_value(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

/* The hits of a query are true, in order, and each id is there once; how many of them are as near as the nearest are. */
static size_t ask(const struct model *m, const struct vec_query *query, size_t *of)
{
    const float *q = (const float *)(const void *)query->data.p;
    double all[N];
    size_t n_all = 0, n, good = 0;
    bool seen[N] = { false };
    struct vec_search *s = vec_search_new(m->v, query);
    const struct vec_hit *hits;

    for (uint32_t id = 0; id < N; id++) {
        double d = nearest(m, id, q);
        bool allowed = query->allowed == NULL || (query->allowed[id / 64] >> id % 64 & 1);
        if (m->has[id] > 0 && allowed && (query->k > 0 || d <= query->radius)) all[n_all++] = d;
    }
    qsort(all, n_all, sizeof *all, by_value);
    while (!vec_search_step(s, 50000)) { }
    hits = vec_search_hits(s, &n);
    *of = query->k > 0 && query->k < n_all ? query->k : n_all;
    if (query->k > 0) ck_assert_uint_eq(n, *of);
    for (size_t i = 0; i < n; i++) {
        double d = nearest(m, hits[i].id, q);
        ck_assert(m->has[hits[i].id] > 0 && !seen[hits[i].id]);
        if (query->k > 0 && i > 0) ck_assert(hits[i].distance >= hits[i - 1].distance);
        seen[hits[i].id] = true;
        good += fabs(d - hits[i].distance) <= 1e-4 && d <= all[*of - 1] + 1e-4;
    }
    vec_search_free(&s);
    return good;
}

static void ask_all(const struct model *m, struct rng *r, size_t *good, size_t *all)
{
    uint64_t allowed[(N + 63) / 64];
    float q[DIM];
    size_t of;

    clustered(r, q);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) allowed[i] = rng_next(r) & rng_next(r);
    for (int way = 0; way < 4; way++) {
        struct vec_query query = { .data = str_of(q, sizeof q), .k = way < 3 ? K : 0, .radius = 0.3, .epsilon = 0.1,
                                   .way = way == 2 ? VEC_BY_ALL : VEC_ANY_WAY };
        if (way == 1) query.allowed = allowed, query.n_words = sizeof allowed / sizeof *allowed;
        *good += ask(m, &query, &of);
        *all += of;
    }
}

static void check_life(enum vec_algorithm algorithm)
{
    struct model *m = mem_zalloc(sizeof *m);
    size_t good = 0, all = 0, ids;
    struct rng r;

    unit_rng(&r);
    m->v = vec_index_new(&(struct vec_conf){ .algorithm = algorithm, .type = VEC_FLOAT32, .metric = VEC_COSINE, .dim = DIM, .m = 16,
                                             .ef_construction = 100, .ef_runtime = 50, .seed = 1 });
    m->rows = mem_zalloc(N * sizeof *m->rows);
    for (int step = 0; step < 3000; step++) {
        uint32_t id = (uint32_t)rng_below(&r, N);

        vec_index_tend(m->v, rng_below(&r, 3));
        if ((rng_below(&r, 4) != 0) == (step < 1200 || step > 2200)) { /* it grows, and shrinks, and grows */
            put(m, &r, id);
        } else {
            vec_index_remove(m->v, id);
            m->has[id] = 0;
        }
        if (step % 100 != 0) continue;
        vec_index_check(m->v);
        ids = 0;
        for (uint32_t i = 0; i < N; i++) ids += m->has[i];
        ck_assert_uint_eq(vec_index_count(m->v), ids);
        ask_all(m, &r, &good, &all);
    }
    ck_assert_msg(good >= all * 97 / 100, "%zu of %zu", good, all);
    for (uint32_t id = 0; id < N; id++) vec_index_remove(m->v, id);
    vec_index_check(m->v);
    ck_assert(vec_index_count(m->v) == 0 && vec_index_memory(m->v) < 2000);
    vec_index_free(&m->v);
    mem_free(m->rows);
    mem_free(m);
}

START_TEST(a_flat_index_counts_an_id_once)
{
    check_life(VEC_FLAT);
}
END_TEST

START_TEST(a_graph_counts_an_id_once)
{
    check_life(VEC_HNSW);
}
END_TEST

/* All that is near is of one id: a walk that finds just that must not be the answer. */
START_TEST(an_id_with_all_that_is_near_does_not_hide_the_others)
{
    enum { OF_ONE = 200, OTHERS = 900 };
    struct vec_index *v = vec_index_new(&(struct vec_conf){ .algorithm = VEC_HNSW, .type = VEC_FLOAT32, .metric = VEC_L2, .dim = 4, .m = 16,
                                                            .ef_construction = 50, .ef_runtime = 10, .seed = 1 });
    float rows[OF_ONE][4], other[4];
    struct str data[OF_ONE];
    struct vec_search *s;
    size_t n;
    struct rng r;

    unit_rng(&r);
    for (size_t i = 0; i < OF_ONE; i++) {
        for (int k = 0; k < 4; k++) rows[i][k] = (float)normal(&r) / 1000;
        data[i] = str_of(rows[i], sizeof rows[i]);
    }
    ck_assert(vec_index_put_all(v, 7, data, OF_ONE));
    for (uint32_t id = 0; id < OTHERS; id++) {
        for (int k = 0; k < 4; k++) other[k] = (float)(10 + normal(&r));
        if (id != 7) ck_assert(vec_index_put(v, id, str_of(other, sizeof other)));
    }
    s = vec_search_new(v, &(struct vec_query){ .data = data[0], .k = 5, .way = VEC_ANY_WAY });
    while (!vec_search_step(s, VEC_WORK_SLICE)) { }
    ck_assert(vec_search_hits(s, &n)->id == 7 && n == 5);
    vec_search_free(&s);
    vec_index_free(&v);
}
END_TEST

UNIT_MAIN("vec_many", a_flat_index_counts_an_id_once, a_graph_counts_an_id_once,
           an_id_with_all_that_is_near_does_not_hide_the_others)
