/* spec_vector.c -- the attributes of a VECTOR field. */
#include <math.h>

#include "base/num.h"
#include "search/spec_impl.h"

static const char *const type_names[] = { [VEC_FLOAT32] = "FLOAT32", [VEC_FLOAT64] = "FLOAT64", [VEC_FLOAT16] = "FLOAT16",
                                          [VEC_BFLOAT16] = "BFLOAT16", [VEC_INT8] = "INT8", [VEC_UINT8] = "UINT8" };
static const char *const metric_names[] = { [VEC_COSINE] = "COSINE", [VEC_L2] = "L2", [VEC_IP] = "IP" };

const char *spec_vec_type(enum vec_type t)
{
    return type_names[t];
}

const char *spec_vec_metric(enum vec_metric m)
{
    return metric_names[m];
}

const char *spec_vec_algorithm(const struct field_spec *f)
{
    return f->svs ? "SVS-VAMANA" : f->vec.algorithm == VEC_HNSW ? "HNSW" : "FLAT";
}

static int find(const char *const *names, int n, struct str s)
{
    for (int i = 0; i < n; i++)
        if (str_is(s, names[i])) return i;
    return -1;
}

/* What an attribute's value is. */
enum kind { KIND_TYPE, KIND_METRIC, KIND_DIM, KIND_NUMBER, KIND_EPSILON, KIND_ANY };

/* The algorithms that know an attribute: bits. */
enum { FLAT = 1, HNSW = 2, SVS = 4, ALL = 7 };

static const struct attribute {
    const char *name;
    enum kind kind;
    unsigned known;
    size_t at; /* KIND_NUMBER: where in struct vec_conf; 0: nowhere, the number is taken and forgotten */
} attributes[] = {
    { "TYPE", KIND_TYPE, ALL, 0 },
    { "DIM", KIND_DIM, ALL, offsetof(struct vec_conf, dim) },
    { "DISTANCE_METRIC", KIND_METRIC, ALL, 0 },
    { "INITIAL_CAP", KIND_NUMBER, ALL, 0 },
    { "BLOCK_SIZE", KIND_NUMBER, ALL, 0 },
    { "M", KIND_NUMBER, HNSW, offsetof(struct vec_conf, m) },
    { "EF_CONSTRUCTION", KIND_NUMBER, HNSW, offsetof(struct vec_conf, ef_construction) },
    { "EF_RUNTIME", KIND_NUMBER, HNSW, offsetof(struct vec_conf, ef_runtime) },
    { "EPSILON", KIND_EPSILON, HNSW | SVS, 0 },
    { "GRAPH_MAX_DEGREE", KIND_NUMBER, SVS, 0 },
    { "CONSTRUCTION_WINDOW_SIZE", KIND_NUMBER, SVS, offsetof(struct vec_conf, ef_construction) },
    { "SEARCH_WINDOW_SIZE", KIND_NUMBER, SVS, offsetof(struct vec_conf, ef_runtime) },
    { "COMPRESSION", KIND_ANY, SVS, 0 },
    { "TRAINING_THRESHOLD", KIND_NUMBER, SVS, 0 },
    { "REDUCE", KIND_NUMBER, SVS, 0 },
    { "INDEXMISSING", KIND_ANY, ALL, 0 }, /* some clients send it here, with a value */
};

static bool bad(struct spec_in *in, const struct field_spec *f, const struct attribute *a)
{
    return spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for vector similarity %s index `%s`: Could not convert argument to expected type",
                     spec_vec_algorithm(f), a->name);
}

static bool read_number(struct spec_in *in, struct field_spec *f, const struct attribute *a, struct str value)
{
    int64_t n, least = a->at ? 1 : 0, most = a->kind == KIND_DIM ? VEC_DIM_MAX : UINT32_MAX;

    if (!num_parse_i64(value, &n) || n < least || n > most) return bad(in, f, a);
    if (a->at == offsetof(struct vec_conf, m) && n > 512) return bad(in, f, a);
    if (a->at) memcpy((char *)&f->vec + a->at, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
    return true;
}

static bool read_attribute(struct spec_in *in, struct field_spec *f, const struct attribute *a, struct str value)
{
    double d;
    int i;

    switch (a->kind) {
    case KIND_TYPE:
        i = find(type_names, sizeof type_names / sizeof *type_names, value);
        if (i < 0) return bad(in, f, a);
        f->vec.type = (enum vec_type)i;
        return true;
    case KIND_METRIC:
        i = find(metric_names, sizeof metric_names / sizeof *metric_names, value);
        if (i < 0) return bad(in, f, a);
        f->vec.metric = (enum vec_metric)i;
        return true;
    case KIND_DIM:
    case KIND_NUMBER: return read_number(in, f, a, value);
    case KIND_EPSILON:
        if (!num_parse_double(value, &d) || d < 0) return bad(in, f, a);
        f->vec.epsilon = d;
        return true;
    case KIND_ANY: break;
    }
    if (str_is(str_c(a->name), "INDEXMISSING")) f->index_missing = !str_is(value, "false") && !str_is(value, "0");
    return true;
}

static const struct attribute *attribute_of(struct str name, unsigned algorithm)
{
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (attributes[i].known & algorithm && str_is(name, attributes[i].name)) return &attributes[i];
    return NULL;
}

static bool read_attributes(struct spec_in *in, struct field_spec *f, unsigned algorithm, int64_t n)
{
    static const char *const needed[] = { "TYPE", "DIM", "DISTANCE_METRIC" };
    unsigned seen = 0;

    for (int64_t i = 0; i < n; i += 2) {
        const struct attribute *a;
        struct str name, value;

        if (in->at + 1 >= in->argc) return spec_fail(in, "SEARCH_PARSE_ARGS Expected %lld parameters but got %lld", (long long)n, (long long)i);
        name = in->argv[in->at++];
        a = attribute_of(name, algorithm);
        if (a == NULL)
            return spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for algorithm %s: %.*s", spec_vec_algorithm(f), str_shown(name), name.p);
        value = in->argv[in->at++];
        if (!read_attribute(in, f, a, value)) return false;
        for (unsigned k = 0; k < 3; k++)
            if (strcmp(a->name, needed[k]) == 0) seen |= 1u << k;
    }
    for (unsigned k = 0; k < 3; k++)
        if (!(seen & 1u << k))
            return spec_fail(in, "SEARCH_PARSE_ARGS Missing mandatory parameter: cannot create %s index without specifying %s argument",
                             spec_vec_algorithm(f), needed[k]);
    return true;
}

bool spec_read_vector(struct spec_in *in, struct field_spec *f)
{
    unsigned algorithm = FLAT;
    int64_t n;

    f->vec = (struct vec_conf){ .m = 16, .ef_construction = 200, .ef_runtime = 10, .epsilon = 0.01 };
    if (spec_word(in, "HNSW")) algorithm = HNSW;
    else if (spec_word(in, "SVS-VAMANA")) algorithm = SVS;
    else if (!spec_word(in, "FLAT")) return spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for vector similarity algorithm: %s",
                                                      in->at < in->argc ? "No such argument" : "Expected an argument, but none provided");
    f->svs = algorithm == SVS;
    f->vec.algorithm = algorithm == FLAT ? VEC_FLAT : VEC_HNSW;
    if (in->at == in->argc || !num_parse_i64(in->argv[in->at], &n) || n < 0)
        return spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for vector similarity number of parameters: %s",
                         in->at == in->argc ? "Expected an argument, but none provided" : "Could not convert argument to expected type");
    in->at++;
    if (n % 2)
        return spec_fail(in, "SEARCH_PARSE_ARGS Bad number of arguments for vector similarity index: got %lld but expected even number as algorithm "
                             "parameters (should be submitted as named arguments)", (long long)n);
    return read_attributes(in, f, algorithm, n);
}
