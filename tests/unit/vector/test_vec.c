#include "tests/unit/unit.h"

#include "tests/unit/vector/vec_env.h"
#include "vector/vec_impl.h"

/* An index beside an array of what is in it. */
struct model {
    struct vec_conf conf;
    struct vec_index *v;
    size_t row, n;
    char *rows;
    bool *has;
};

static void model_init(struct model *m, struct vec_conf conf, size_t n)
{
    *m = (struct model){ .conf = conf, .v = vec_index_new(&conf), .row = vec_bytes(conf.type, conf.dim), .n = n };
    m->rows = mem_zalloc(n * m->row);
    m->has = mem_zalloc(n);
}

static void model_fini(struct model *m)
{
    vec_index_free(&m->v);
    mem_free(m->rows);
    mem_free(m->has);
}

static void *model_row(const struct model *m, size_t id)
{
    return m->rows + id * m->row;
}

static void model_put(struct model *m, uint32_t id)
{
    ck_assert(vec_index_put(m->v, id, str_of(model_row(m, id), m->row)));
    m->has[id] = true;
}

static void model_remove(struct model *m, uint32_t id)
{
    vec_index_remove(m->v, id);
    m->has[id] = false;
}

/* A vector near one of a hundred centres; spread 1 is as far as the centres are. */
static void clustered(const struct model *m, struct rng *r, void *row, double spread)
{
    struct rng centre;

    rng_seed(&centre, 1000 + rng_below(r, 100));
    for (uint32_t i = 0; i < m->conf.dim; i++) {
        vec_set_element(m->conf.type, row, i, 0.5 + normal(&centre) + spread * normal(r));
    }
}

static double distance(const struct model *m, size_t id, const void *q)
{
    return vec_truth(m->conf.type, m->conf.metric, m->conf.dim, model_row(m, id), q);
}

static int by_value(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static bool in(const uint64_t *allowed, size_t id)
{
    return allowed == NULL || (allowed[id / 64] >> (id % 64) & 1) != 0;
}

/* All distances of what is allowed, nearest first. */
static size_t truth(const struct model *m, const void *q, const uint64_t *allowed, double *out)
{
    size_t n = 0;

    for (size_t id = 0; id < m->n; id++) {
        if (m->has[id] && in(allowed, id)) out[n++] = distance(m, id, q);
    }
    qsort(out, n, sizeof *out, by_value);
    return n;
}

static const struct vec_hit *ask(struct vec_search *s, size_t work, size_t *n)
{
    while (!vec_search_step(s, work)) { }
    return vec_search_hits(s, n);
}

/* How many of the k nearest a search finds. What it says of each must be true, and the order right. */
static size_t found(const struct model *m, struct vec_query *q, size_t work, size_t *of)
{
    double *all = mem_alloc((m->n + 1) * sizeof *all);
    size_t n_all = truth(m, q->data.p, q->allowed, all), n, good = 0;
    struct vec_search *s = vec_search_new(m->v, q);
    const struct vec_hit *hits = ask(s, work, &n);

    *of = n_all < q->k ? n_all : q->k;
    ck_assert_msg(n == *of, "%zu hits, not %zu", n, *of);
    for (size_t i = 0; i < n; i++) {
        double d = distance(m, hits[i].id, q->data.p);

        ck_assert(m->has[hits[i].id] && in(q->allowed, hits[i].id));
        ck_assert_msg(fabs(d - hits[i].distance) <= 1e-4 * (1 + fabs(d)), "%.9g, not %.9g", hits[i].distance, d);
        if (i > 0) ck_assert(hits[i].distance >= hits[i - 1].distance);
        for (size_t j = 0; j < i; j++) ck_assert_uint_ne(hits[i].id, hits[j].id);
        good += d <= all[*of - 1] + 1e-6 * (1 + fabs(d));
    }
    vec_search_free(&s);
    mem_free(all);
    return good;
}

static void query_like(const struct model *m, struct rng *r, void *q)
{
    clustered(m, r, q, 0.6);
}

/* --- flat ----------------------------------------------------------------------------------------- */

static void check_flat(struct rng *r, enum vec_type type, enum vec_metric metric, uint32_t dim, size_t n)
{
    struct model m;
    void *q = mem_alloc(vec_bytes(type, dim));
    uint64_t *allowed = mem_zalloc((n / 64 + 1) * 8);
    size_t of, good = 0, all = 0;

    model_init(&m, (struct vec_conf){ .type = type, .metric = metric, .dim = dim }, n);
    for (uint32_t id = 0; id < n; id++) {
        clustered(&m, r, model_row(&m, id), 0.6);
        model_put(&m, id);
    }
    for (int i = 0; i < 6; i++) {
        struct vec_query query = { .data = str_of(q, m.row), .k = i == 5 ? (uint32_t)n + 3 : 10 };

        query_like(&m, r, q);
        good += found(&m, &query, i % 2 ? 1000 : VEC_WORK_SLICE, &of), all += of;
        for (size_t id = 0; id < n; id++) allowed[id / 64] |= (uint64_t)(rng_below(r, 8) == 0) << (id % 64);
        query.allowed = allowed, query.n_words = n / 64 + 1;
        good += found(&m, &query, 100000, &of), all += of;
    }
    ck_assert_msg((double)good >= 0.99 * (double)all, "type %d metric %d dim %u: %zu of %zu", type, metric, dim, good, all);
    model_fini(&m);
    mem_free(q);
    mem_free(allowed);
}

START_TEST(flat_finds_the_nearest_of_all_types_and_metrics)
{
    struct rng r;

    unit_rng(&r);
    for (enum vec_type t = VEC_FLOAT32; t <= VEC_UINT8; t++) {
        for (enum vec_metric m = VEC_COSINE; m <= VEC_IP; m++) {
            check_flat(&r, t, m, 3, 300);
            check_flat(&r, t, m, 100, 3000);
        }
    }
    check_flat(&r, VEC_BIT, VEC_COSINE, 100, 500);
}
END_TEST

START_TEST(flat_finds_the_nearest_where_all_are_about_as_far)
{
    enum { N = 6000, DIM = 200 };
    struct model m;
    float q[DIM];
    size_t good = 0, all = 0, of;
    struct rng r;

    unit_rng(&r);
    model_init(&m, (struct vec_conf){ .type = VEC_FLOAT32, .metric = VEC_COSINE, .dim = DIM }, N);
    for (uint32_t id = 0; id < N; id++) {
        for (uint32_t i = 0; i < DIM; i++) vec_set_element(VEC_FLOAT32, model_row(&m, id), i, normal(&r));
        model_put(&m, id);
    }
    for (int i = 0; i < 20; i++) {
        for (uint32_t j = 0; j < DIM; j++) q[j] = (float)normal(&r);
        good += found(&m, &(struct vec_query){ .data = str_of(q, m.row), .k = 10 }, VEC_WORK_SLICE, &of), all += of;
    }
    ck_assert_msg(good >= all * 99 / 100, "%zu of %zu", good, all);
    model_fini(&m);
}
END_TEST

START_TEST(a_range_is_all_that_is_within)
{
    enum { N = 3000, DIM = 128 };
    struct model m;
    float q[DIM];
    double *all = mem_alloc(N * sizeof *all);
    struct rng r;

    unit_rng(&r);
    model_init(&m, (struct vec_conf){ .type = VEC_FLOAT32, .metric = VEC_L2, .dim = DIM }, N);
    for (uint32_t id = 0; id < N; id++) {
        clustered(&m, &r, model_row(&m, id), 0.5);
        model_put(&m, id);
    }
    for (int i = 0; i < 10; i++) {
        query_like(&m, &r, q);

        size_t n_all = truth(&m, q, NULL, all), want = rng_below(&r, 300), n;
        double radius = (all[want] + all[want + 1]) / 2;
        struct vec_search *s = vec_search_new(m.v, &(struct vec_query){ .data = str_of(q, m.row), .radius = radius });

        ck_assert_uint_eq(n_all, N);
        ask(s, 5000, &n);
        ck_assert_uint_eq(n, want + 1);
        vec_search_free(&s);
    }
    model_fini(&m);
    mem_free(all);
}
END_TEST

/* --- life ----------------------------------------------------------------------------------------- */

static void check_life(enum vec_algorithm algorithm, uint32_t dim)
{
    enum { N = 2500, STEPS = 9000 };
    struct model m;
    float *q = mem_alloc(dim * sizeof *q);
    size_t good = 0, all = 0, of, n = 0;
    struct rng r;

    unit_rng(&r);
    model_init(&m, (struct vec_conf){ .algorithm = algorithm, .type = VEC_FLOAT32, .metric = VEC_COSINE, .dim = dim,
                                      .m = 16, .ef_construction = 100, .ef_runtime = 50, .seed = 1 }, N);
    for (int step = 0; step < STEPS; step++) {
        uint32_t id = (uint32_t)rng_below(&r, N);
        /* It grows, and shrinks, and grows. */
        bool put = step < STEPS / 3 || step > STEPS * 2 / 3 ? rng_below(&r, 8) != 0 : rng_below(&r, 8) == 0;

        if (put) {
            clustered(&m, &r, model_row(&m, id), 0.6);
            model_put(&m, id);
        } else {
            model_remove(&m, id);
        }
        vec_index_tend(m.v, rng_below(&r, 3));
        if (step % 200 != 0) continue;
        vec_index_check(m.v);
        n = 0;
        for (id = 0; id < N; id++) {
            n += m.has[id];
            ck_assert(vec_index_has(m.v, id) == m.has[id]);
        }
        ck_assert_uint_eq(vec_index_count(m.v), n);
        clustered(&m, &r, q, 0.6);
        good += found(&m, &(struct vec_query){ .data = str_of(q, m.row), .k = 10 }, 50000, &of), all += of;
    }
    ck_assert_msg(good >= all * 97 / 100, "%zu of %zu", good, all);
    for (uint32_t id = 0; id < N; id++) model_remove(&m, id);
    ck_assert_uint_eq(vec_index_count(m.v), 0);
    ck_assert_msg(vec_index_memory(m.v) < 2000, "%zu bytes of nothing", vec_index_memory(m.v));
    model_fini(&m);
    mem_free(q);
}

START_TEST(a_flat_index_follows_what_is_put_and_removed)
{
    check_life(VEC_FLAT, 70);
}
END_TEST

START_TEST(a_graph_follows_what_is_put_and_removed)
{
    check_life(VEC_HNSW, 24);
    check_life(VEC_HNSW, 70);
}
END_TEST

static void check_graph(struct rng *r, enum vec_type type, enum vec_metric metric, uint32_t dim, size_t n, double least)
{
    struct model m;
    void *q = mem_alloc(vec_bytes(type, dim));
    uint64_t *allowed = mem_zalloc((n / 64 + 1) * 8);
    size_t of, good = 0, all = 0;

    model_init(&m, (struct vec_conf){ .algorithm = VEC_HNSW, .type = type, .metric = metric, .dim = dim, .m = 16,
                                      .ef_construction = 100, .ef_runtime = 10, .seed = 3 }, n);
    for (uint32_t id = 0; id < n; id++) {
        clustered(&m, r, model_row(&m, id), 0.6);
        model_put(&m, id);
        if (rng_below(r, 2) == 0) allowed[id / 64] |= 1ULL << (id % 64);
    }
    graph_check(m.v->graph);
    for (int i = 0; i < 20; i++) {
        struct vec_query query = { .data = str_of(q, m.row), .k = 10 };

        query_like(&m, r, q);
        if (i % 3 == 2) query.allowed = allowed, query.n_words = n / 64 + 1;
        good += found(&m, &query, i % 2 ? 3000 : VEC_WORK_SLICE, &of), all += of;
    }
    ck_assert_msg((double)good >= least * (double)all, "type %d metric %d: %zu of %zu", type, metric, good, all);
    model_fini(&m);
    mem_free(q);
    mem_free(allowed);
}

/* So few dimensions have no sketches, and a walk is cheaper than a look at all of them. */
START_TEST(a_graph_finds_nearly_all_of_the_nearest)
{
    struct rng r;

    unit_rng(&r);
    check_graph(&r, VEC_FLOAT32, VEC_COSINE, 16, 10000, 0.95);
    check_graph(&r, VEC_FLOAT64, VEC_L2, 16, 5000, 0.95);
    check_graph(&r, VEC_FLOAT16, VEC_COSINE, 16, 5000, 0.95);
    check_graph(&r, VEC_INT8, VEC_IP, 16, 5000, 0.9);
    check_graph(&r, VEC_BIT, VEC_COSINE, 256, 5500, 0.9);
}
END_TEST

/* Thousands of copies of one vector do not cut the rest off, nor does what is left when they go. */
START_TEST(copies_of_one_vector_do_not_cut_the_others_off)
{
    enum { N = 5200, COPIES = 2000, DIM = 16 };
    struct model m;
    float q[DIM];
    size_t good = 0, all = 0, of;
    struct rng r;

    unit_rng(&r);
    model_init(&m, (struct vec_conf){ .algorithm = VEC_HNSW, .type = VEC_FLOAT32, .metric = VEC_L2, .dim = DIM, .m = 16,
                                      .ef_construction = 100, .ef_runtime = 10, .seed = 3 }, N);
    for (uint32_t id = 0; id < N; id++) {
        clustered(&m, &r, model_row(&m, id), 0.6);
        if (id >= 1000 && id < 1000 + COPIES) memcpy(model_row(&m, id), model_row(&m, 999), m.row);
        model_put(&m, id);
    }
    graph_check(m.v->graph);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10; i++) {
            query_like(&m, &r, q);
            good += found(&m, &(struct vec_query){ .data = str_of(q, m.row), .k = 10 }, VEC_WORK_SLICE, &of), all += of;
        }
        for (uint32_t id = 1000; id < 1000 + COPIES; id += 2) model_remove(&m, id);
        graph_check(m.v->graph);
    }
    ck_assert_msg(good >= all * 9 / 10, "%zu of %zu", good, all);
    model_fini(&m);
}
END_TEST

START_TEST(what_is_removed_while_a_search_waits_is_no_hit_and_costs_none)
{
    enum { N = 4000, DIM = 64, K = 10 };
    struct model m;
    float q[DIM];
    double all[N];
    struct rng r;

    unit_rng(&r);
    for (int a = VEC_FLAT; a <= VEC_HNSW; a++) {
        model_init(&m, (struct vec_conf){ .algorithm = (enum vec_algorithm)a, .type = VEC_FLOAT32, .metric = VEC_L2, .dim = DIM,
                                          .m = 16, .ef_construction = 100, .ef_runtime = 60, .seed = 1 }, N);
        for (uint32_t id = 0; id < N; id++) {
            clustered(&m, &r, model_row(&m, id), 0.6);
            model_put(&m, id);
        }
        for (int i = 0; i < 10; i++) {
            clustered(&m, &r, q, 0.6);

            struct vec_query query = { .data = str_of(q, m.row), .k = K };
            struct vec_search *first = vec_search_new(m.v, &query), *s = vec_search_new(m.v, &query);
            size_t n, n_all;
            const struct vec_hit *hits;

            for (int step = 0; step < 20 && !vec_search_step(s, 300); step++) { }
            hits = ask(first, VEC_WORK_SLICE, &n);
            for (size_t j = 0; j < n; j += 2) model_remove(&m, hits[j].id);
            n_all = truth(&m, q, NULL, all);
            hits = ask(s, 3000, &n);
            ck_assert_uint_eq(n, K);
            ck_assert_uint_ge(n_all, K);
            for (size_t j = 0; j < n; j++) {
                ck_assert(m.has[hits[j].id]);
                if (a == VEC_FLAT) ck_assert(fabs(hits[j].distance - all[j]) < 1e-3 * (1 + all[j]));
            }
            vec_search_free(&s);
            vec_search_free(&first);
        }
        model_fini(&m);
    }
}
END_TEST

/* Puts, removals, and now and then all of them, which makes the small forms anew: a search goes on all the same. */
START_TEST(an_index_may_change_while_a_search_waits)
{
    enum { N = 1500, DIM = 64, SEARCHES = 60 };
    struct model m;
    float q[DIM];
    struct rng r;

    unit_rng(&r);
    for (int a = VEC_FLAT; a <= VEC_HNSW; a++) {
        model_init(&m, (struct vec_conf){ .algorithm = (enum vec_algorithm)a, .type = VEC_FLOAT32, .metric = VEC_COSINE, .dim = DIM,
                                          .m = 4, .ef_construction = 10, .ef_runtime = 10, .seed = 1 }, N);
        for (int i = 0; i < SEARCHES; i++) {
            struct vec_query query = { .data = str_of(q, m.row), .k = i % 3 == 0 ? N : i % 3 == 1 ? 20 : 0, .radius = 0.9,
                                       .way = i % 2 == 0 ? VEC_BY_ALL : VEC_BY_GRAPH };
            struct vec_search *s;
            const struct vec_hit *hits;
            bool seen[N] = { false };
            size_t n;

            for (uint32_t id = 0; id < N; id++) {
                if (m.has[id] || rng_below(&r, 4) == 0) continue;
                clustered(&m, &r, model_row(&m, id), 0.6);
                model_put(&m, id);
            }
            clustered(&m, &r, q, 0.6);
            s = vec_search_new(m.v, &query);
            for (int step = 0; !vec_search_step(s, 20000); step++) {
                for (int j = 0; j < 10; j++) {
                    uint32_t id = (uint32_t)rng_below(&r, N);

                    if (step < 8) model_remove(&m, id);
                    if (rng_below(&r, 2) == 0) continue;
                    clustered(&m, &r, model_row(&m, id), 0.6);
                    model_put(&m, id);
                }
                if (i % 10 != 9 || step != 4) continue;
                for (uint32_t id = 0; id < N; id++) model_remove(&m, id);
                for (uint32_t id = 0; id < N; id++) model_put(&m, id);
            }
            hits = vec_search_hits(s, &n);
            for (size_t j = 0; j < n; j++) {
                ck_assert(m.has[hits[j].id] && !seen[hits[j].id]);
                if (query.k > 0 && j > 0) ck_assert(hits[j - 1].distance <= hits[j].distance);
                seen[hits[j].id] = true;
            }
            ck_assert(query.k == 0 || query.way == VEC_BY_GRAPH || n + 200 >= (query.k < N ? query.k : vec_index_count(m.v)));
            vec_search_free(&s);
        }
        vec_index_check(m.v);
        model_fini(&m);
    }
}
END_TEST

START_TEST(memory_is_what_the_allocator_says)
{
    enum { DIM = 96, N = 3000 };
    struct rng r;

    unit_rng(&r);
    for (int a = VEC_FLAT; a <= VEC_HNSW; a++) {
        struct vec_conf conf = { .algorithm = (enum vec_algorithm)a, .type = VEC_FLOAT32, .metric = VEC_IP, .dim = DIM,
                                 .m = 8, .ef_construction = 30, .ef_runtime = 10, .seed = 1 };
        uint64_t before = mem_thread_used();
        struct vec_index *v = vec_index_new(&conf);

        for (uint32_t i = 0; i < 2 * N; i++) {
            float row[DIM];

            for (int j = 0; j < DIM; j++) row[j] = (float)normal(&r);
            if (i % 5 == 4) vec_index_remove(v, (uint32_t)rng_below(&r, N));
            else ck_assert(vec_index_put(v, (uint32_t)rng_below(&r, N), str_of(row, sizeof row)));
            if (i % 500 == 0) ck_assert_uint_eq(vec_index_memory(v), mem_thread_used() - before);
        }
        vec_index_free(&v);
        ck_assert_uint_eq(mem_thread_used(), before);
    }
}
END_TEST

/* Half of them go, here and there: so does a third of the memory at least, and who is left is found as before. */
START_TEST(memory_follows_what_is_there)
{
    enum { DIM = 70, N = 8000, LEFT = 10 };
    struct rng r;

    unit_rng(&r);
    for (int a = VEC_FLAT; a <= VEC_HNSW; a++) {
        struct model m;
        float q[DIM];
        size_t full, good = 0, all = 0, of;

        model_init(&m, (struct vec_conf){ .algorithm = (enum vec_algorithm)a, .type = VEC_FLOAT32, .metric = VEC_L2, .dim = DIM, .m = 8,
                                          .ef_construction = 40, .ef_runtime = 50, .seed = 1 }, N);
        for (uint32_t id = 0; id < N; id++) {
            clustered(&m, &r, model_row(&m, id), 0.6);
            model_put(&m, id);
        }
        full = vec_index_memory(m.v);
        ck_assert(!vec_index_tend(m.v, 1));
        for (uint32_t id = 0; id < N; id++)
            if (id % LEFT > 0) model_remove(&m, id);
        ck_assert(vec_index_is_behind(m.v));
        while (vec_index_tend(m.v, 7)) {}
        ck_assert(!vec_index_is_behind(m.v));
        vec_index_check(m.v);
        ck_assert_msg(vec_index_memory(m.v) < full * 4 / 10, "%zu of %zu bytes", vec_index_memory(m.v), full);
        for (int i = 0; i < 20; i++) {
            query_like(&m, &r, q);
            good += found(&m, &(struct vec_query){ .data = str_of(q, m.row), .k = 10 }, 50000, &of), all += of;
        }
        ck_assert_msg(good >= all * 97 / 100, "%zu of %zu", good, all);
        model_fini(&m);
    }
}
END_TEST

START_TEST(what_is_no_vector_is_refused_and_changes_nothing)
{
    float good[4] = { 1, 2, 3, 4 }, bad[4] = { 1, NAN, 3, 4 }, worse[4] = { 1, 2, 3, INFINITY };
    struct vec_conf conf = { .type = VEC_FLOAT32, .metric = VEC_L2, .dim = 4 };
    struct vec_index *v = vec_index_new(&conf);
    size_t n;

    ck_assert(!vec_index_put(v, 7, str_of(bad, sizeof bad)) && !vec_index_has(v, 7));
    ck_assert(vec_index_put(v, 7, str_of(good, sizeof good)));
    ck_assert(!vec_index_put(v, 7, str_of(bad, sizeof bad)) && !vec_index_put(v, 7, str_of(worse, sizeof worse)));
    ck_assert(!vec_index_put(v, 7, str_of(good, 15)) && !vec_index_put(v, 7, STR("")));
    ck_assert(vec_index_distance(v, 7, str_of(good, sizeof good)) == 0);
    ck_assert(isnan(vec_index_distance(v, 8, str_of(good, sizeof good))));
    ck_assert(isnan(vec_index_distance(v, 7, str_of(good, 8))));

    struct vec_search *s = vec_search_new(v, &(struct vec_query){ .data = str_of(good, 8), .k = 3 });

    ask(s, 1000, &n);
    ck_assert_uint_eq(n, 0);
    vec_search_free(&s);
    vec_index_remove(v, 99);
    vec_index_free(&v);
}
END_TEST

/* A size whose square no float holds, and zero, and the opposite. */
START_TEST(odd_sizes_have_distances_too)
{
    static const float sizes[] = { 1e-30f, 1e-20f, 1, 1e20f, 3e38f };
    enum { N = 1500, DIM = 64 };
    struct rng r;

    unit_rng(&r);
    for (enum vec_metric metric = VEC_COSINE; metric <= VEC_IP; metric++) {
        struct model m;
        float q[DIM];
        size_t n;

        model_init(&m, (struct vec_conf){ .type = VEC_FLOAT32, .metric = metric, .dim = DIM }, N);
        for (uint32_t id = 0; id < N; id++) {
            double size = id % 97 == 0 ? 0 : sizes[rng_below(&r, 5)];

            for (uint32_t i = 0; i < DIM; i++) vec_set_element(VEC_FLOAT32, model_row(&m, id), i, size * (rng_unit(&r) - 0.5));
            model_put(&m, id);
        }
        for (size_t i = 0; i < 5; i++) {
            for (uint32_t j = 0; j < DIM; j++) q[j] = (float)(sizes[i] * (rng_unit(&r) - 0.5));

            struct vec_search *s = vec_search_new(m.v, &(struct vec_query){ .data = str_of(q, m.row), .k = 20 });
            const struct vec_hit *hits = ask(s, 10000, &n);
            double *all = mem_alloc(N * sizeof *all);

            truth(&m, q, NULL, all);
            ck_assert_uint_eq(n, 20);
            for (size_t j = 0; j < n; j++) {
                ck_assert(!isnan(hits[j].distance));
                ck_assert_msg(fabs(hits[j].distance - all[j]) <= 1e-4 * (1 + fabs(all[j])), "metric %d size %g hit %zu: %g, not %g",
                              (int)metric, (double)sizes[i], j, hits[j].distance, all[j]);
            }
            mem_free(all);
            vec_search_free(&s);
        }
        model_fini(&m);
    }
}
END_TEST

UNIT_MAIN("vec", flat_finds_the_nearest_of_all_types_and_metrics, flat_finds_the_nearest_where_all_are_about_as_far,
          a_range_is_all_that_is_within, a_flat_index_follows_what_is_put_and_removed,
          a_graph_follows_what_is_put_and_removed, a_graph_finds_nearly_all_of_the_nearest,
          copies_of_one_vector_do_not_cut_the_others_off, what_is_removed_while_a_search_waits_is_no_hit_and_costs_none,
          an_index_may_change_while_a_search_waits, memory_is_what_the_allocator_says, memory_follows_what_is_there,
          what_is_no_vector_is_refused_and_changes_nothing, odd_sizes_have_distances_too)
