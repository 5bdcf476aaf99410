#include "search/reduce.h"

#include <math.h>

#include "base/mem.h"
#include "base/num.h"

/* --- sets of hashes ------------------------------------------------------------------------------------------------ */

static bool set_put(struct hash_set *s, uint64_t h)
{
    size_t i = h & (s->cap - 1);

    while (s->at[i] != 0 && s->at[i] != h) i = (i + 1) & (s->cap - 1);
    if (s->at[i] == h) return false;
    s->at[i] = h;
    return true;
}

static void set_grow(struct hash_set *s, struct reduce_world *w)
{
    struct hash_set larger = { .n = s->n, .cap = s->cap > 0 ? s->cap * 2 : 8 };

    larger.at = mem_zalloc(larger.cap * sizeof *larger.at);
    for (size_t i = 0; i < s->cap; i++)
        if (s->at[i] != 0) set_put(&larger, s->at[i]);
    w->bytes += (larger.cap - s->cap) * sizeof *larger.at;
    mem_free(s->at);
    *s = larger;
}

/* False: it was there. */
static bool small_add(struct hash_set *s, uint64_t h, struct reduce_world *w)
{
    if (s->n * 4 >= s->cap * 3) set_grow(s, w);
    if (!set_put(s, h != 0 ? h : 1)) return false;
    s->n++;
    return true;
}

enum { SET_PARTS = 256, SET_SMALL = 4096 };

static void set_split(struct hash_set *s, struct reduce_world *w)
{
    s->parts = mem_zalloc(SET_PARTS * sizeof *s->parts);
    for (size_t i = 0; i < s->cap; i++)
        if (s->at[i] != 0) small_add(&s->parts[s->at[i] >> 56], s->at[i], w);
    w->bytes += SET_PARTS * sizeof *s->parts - s->cap * sizeof *s->at;
    mem_free(s->at);
    s->at = NULL;
}

static bool set_add(struct hash_set *s, uint64_t h, struct reduce_world *w)
{
    if (s->parts == NULL && s->n == SET_SMALL) set_split(s, w);
    if (s->parts == NULL) return small_add(s, h, w);
    if (!small_add(&s->parts[h >> 56], h, w)) return false;
    s->n++;
    return true;
}

static void set_fini(struct hash_set *s)
{
    for (size_t i = 0; s->parts != NULL && i < SET_PARTS; i++) mem_free(s->parts[i].at);
    mem_free(s->parts);
    mem_free(s->at);
}

/* --- words ---------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum reduce_kind kind;
} names[] = {
    { "COUNT", REDUCE_COUNT }, { "COUNT_DISTINCT", REDUCE_COUNT_DISTINCT }, { "COUNT_DISTINCTISH", REDUCE_COUNT_DISTINCTISH },
    { "SUM", REDUCE_SUM }, { "MIN", REDUCE_MIN }, { "MAX", REDUCE_MAX }, { "AVG", REDUCE_AVG }, { "STDDEV", REDUCE_STDDEV },
    { "QUANTILE", REDUCE_QUANTILE }, { "TOLIST", REDUCE_TOLIST }, { "FIRST_VALUE", REDUCE_FIRST_VALUE },
    { "RANDOM_SAMPLE", REDUCE_RANDOM_SAMPLE }, { "HLL", REDUCE_HLL }, { "HLL_SUM", REDUCE_HLL_SUM },
};

static bool refuse(struct buf *error, const char *what)
{
    buf_printf(error, "SEARCH_PARSE_ARGS %s", what);
    return false;
}

static struct str without_at(struct str s)
{
    return s.n > 0 && s.p[0] == '@' ? str_of(s.p + 1, s.n - 1) : s;
}

static bool parse_quantile(struct reducer *r, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    if (*at == argc) return refuse(error, "Bad arguments for QUANTILE: Expected an argument, but none provided");
    if (!num_parse_double(argv[(*at)++], &r->quantile) || !(r->quantile >= 0 && r->quantile <= 1))
        return refuse(error, "Percentage must be between 0.0 and 1.0");
    if (*at < argc) (*at)++; /* a resolution: quantiles are exact here */
    return true;
}

static bool parse_sample(struct reducer *r, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    uint64_t n;

    if (*at == argc || !num_parse_u64(argv[(*at)++], &n))
        return refuse(error, "Bad arguments for <sample size>: Could not convert argument to expected type");
    if (n > REDUCE_SAMPLE_MAX) return refuse(error, "Sample size too large");
    r->sample = (uint32_t)n;
    return true;
}

static bool parse_first(struct reducer *r, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    if (*at == argc || !str_is(argv[*at], "by")) return true;
    if (++*at == argc) return refuse(error, "Missing arguments for FIRST_VALUE");
    r->by_field = without_at(argv[(*at)++]);
    if (*at == argc) return true;
    r->descending = str_is(argv[*at], "desc");
    if (r->descending || str_is(argv[*at], "asc")) ++*at;
    return true;
}

bool reduce_parse(struct reducer *r, struct str name, size_t argc, const struct str *argv, struct buf *error)
{
    size_t i = 0, at = 0;
    bool good = true;

    while (i < sizeof names / sizeof *names && !str_is(name, names[i].name)) i++;
    if (i == sizeof names / sizeof *names) {
        buf_printf(error, "SEARCH_REDUCER_NOT_FOUND No such reducer: %.*s", (int)name.n, name.p);
        return false;
    }
    *r = (struct reducer){ .kind = names[i].kind };
    if (r->kind == REDUCE_COUNT) {
        if (argc == 0) return true;
        buf_add_c(error, "SEARCH_ATTR_BAD Count accepts 0 values only");
        return false;
    }
    if (argc == 0) {
        buf_printf(error, "SEARCH_PARSE_ARGS Missing arguments for %.*s", (int)name.n, name.p);
        return false;
    }
    r->field = without_at(argv[at++]);
    if (r->kind == REDUCE_QUANTILE) good = parse_quantile(r, argc, argv, &at, error);
    if (r->kind == REDUCE_RANDOM_SAMPLE) good = parse_sample(r, argc, argv, &at, error);
    if (r->kind == REDUCE_FIRST_VALUE) good = parse_first(r, argc, argv, &at, error);
    if (!good || at == argc) return good;
    buf_printf(error, "SEARCH_PARSE_ARGS Unknown argument `%.*s` at position %zu for %.*s", (int)argv[at].n, argv[at].p, at, (int)name.n,
               name.p);
    return false;
}

/* --- rows come ------------------------------------------------------------------------------------------------------ */

static void add_number(const struct reducer *r, union reduce_state *s, double x, struct reduce_world *w)
{
    double delta;

    if (r->kind == REDUCE_QUANTILE) {
        if (isnan(x)) return; /* it has no place in order */
        if (s->values.n == s->values.cap) {
            size_t cap = s->values.cap > 0 ? s->values.cap * 2 : 8;

            s->values.at = mem_realloc(s->values.at, cap * sizeof *s->values.at);
            w->bytes += (cap - s->values.cap) * sizeof *s->values.at;
            s->values.cap = cap;
        }
        s->values.at[s->values.n++] = x;
        return;
    }
    s->number.n++;
    s->number.sum += x;
    if (r->kind == REDUCE_STDDEV) { /* Welford 1962 */
        delta = x - s->number.mean;
        s->number.mean += delta / (double)s->number.n;
        s->number.square += delta * (x - s->number.mean);
    } else if (r->kind == REDUCE_MIN || r->kind == REDUCE_MAX) { /* the best so far is in mean */
        bool better = r->kind == REDUCE_MIN ? x < s->number.mean : x > s->number.mean;

        if (s->number.n == 1 || better) s->number.mean = x;
    }
}

/* The numbers of d; a list has several. */
static void add_numbers(const struct reducer *r, union reduce_state *s, const struct datum *d, struct reduce_world *w)
{
    double x;

    if (datum_to_number(d, &x)) add_number(r, s, x, w);
    for (uint32_t i = 0; d->kind == DATUM_LIST && i < d->n; i++)
        if (datum_to_number(&d->u.items[i], &x)) add_number(r, s, x, w);
}

static void list_set(union reduce_state *s, size_t i, const struct datum *d, struct reduce_world *w)
{
    if (i == s->list.n) {
        if (s->list.n == s->list.cap) {
            s->list.cap = s->list.cap > 0 ? s->list.cap * 2 : 8;
            s->list.at = mem_realloc(s->list.at, s->list.cap * sizeof *s->list.at);
        }
        s->list.n++;
        w->bytes += sizeof *s->list.at;
    } else {
        mem_free(s->list.at[i]);
    }
    s->list.at[i] = datum_keep(d, 1, NULL, &w->bytes);
}

/* TOLIST has each value once, those of lists one by one. */
static void add_to_list(union reduce_state *s, const struct datum *d, struct reduce_world *w)
{
    for (uint32_t i = 0; d->kind == DATUM_LIST && i < d->n; i++) add_to_list(s, &d->u.items[i], w);
    if (d->kind == DATUM_LIST || !set_add(&s->list.distinct, datum_hash(d, &w->hash), w)) return;
    list_set(s, s->list.n, d, w);
}

/* Of all rows so far each is in the sample with the same chance. */
static void add_to_sample(const struct reducer *r, union reduce_state *s, const struct datum *d, struct reduce_world *w)
{
    uint64_t at = s->list.n < r->sample ? s->list.n : rng_below(&w->rng, s->list.seen + 1);

    s->list.seen++;
    if (at < r->sample) list_set(s, (size_t)at, d, w);
}

static void add_first(const struct reducer *r, union reduce_state *s, const struct datum *d, const struct datum *by, struct reduce_world *w)
{
    int order;

    if (s->first.value != NULL) {
        if (r->by_field.n == 0 || by->kind == DATUM_NULL) return;
        order = datum_compare(by, s->first.by);
        if (s->first.by->kind != DATUM_NULL && (r->descending ? order <= 0 : order >= 0)) return;
    }
    mem_free(s->first.value);
    mem_free(s->first.by);
    s->first.value = datum_keep(d, 1, NULL, &w->bytes);
    s->first.by = datum_keep(by, 1, NULL, &w->bytes);
}

void reduce_add(const struct reducer *r, union reduce_state *s, const struct datum *row, size_t n, struct reduce_world *w)
{
    static const struct datum null = { .kind = DATUM_NULL };
    const struct datum *d = r->field.n > 0 && r->column < n ? &row[r->column] : &null;
    const struct datum *by = r->by_field.n > 0 && r->by_column < n ? &row[r->by_column] : &null;

    if (r->kind == REDUCE_COUNT) s->number.n++;
    if (d->kind == DATUM_NULL) return;
    switch (r->kind) {
    case REDUCE_COUNT: break;
    case REDUCE_COUNT_DISTINCT: case REDUCE_COUNT_DISTINCTISH: set_add(&s->distinct, datum_hash(d, &w->hash), w); break;
    case REDUCE_TOLIST: add_to_list(s, d, w); break;
    case REDUCE_RANDOM_SAMPLE: add_to_sample(r, s, d, w); break;
    case REDUCE_FIRST_VALUE: add_first(r, s, d, by, w); break;
    case REDUCE_HLL: reduce_hll_add(&s->hll, d, w); break;
    case REDUCE_HLL_SUM: reduce_hll_merge(&s->hll, d, w); break;
    default: add_numbers(r, s, d, w);
    }
}

/* --- the end -------------------------------------------------------------------------------------------------------- */

/* The value that would have place k in order (Hoare 1961), with the middle of three as pivot. O(n), where n is chosen by others. */
static double nth(double *v, size_t n, size_t k)
{
    size_t lo = 0, hi = n - 1;

    while (lo < hi) {
        double a = v[lo], b = v[lo + (hi - lo) / 2], c = v[hi];
        double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        size_t i = lo, j = hi;

        for (;;) {
            double x;

            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i >= j) break;
            x = v[i];
            v[i++] = v[j];
            v[j--] = x;
        }
        if (k <= j) hi = j;
        else lo = j + 1;
    }
    return v[lo];
}

static double quantile(const struct reducer *r, union reduce_state *s)
{
    if (s->values.n == 0) return 0;
    return nth(s->values.at, s->values.n, (size_t)(r->quantile * (double)(s->values.n - 1) + 0.5));
}

/* Texts stay where they are, which is the state's. */
static struct datum list_of(const union reduce_state *s, struct arena *a)
{
    struct datum *items = arena_alloc(a, (s->list.n + 1) * sizeof *items);
    struct datum list = { DATUM_LIST, (uint32_t)s->list.n, { .items = items } };

    for (size_t i = 0; i < s->list.n; i++) items[i] = *s->list.at[i];
    return list;
}

struct datum reduce_value(const struct reducer *r, union reduce_state *s, struct arena *a)
{
    bool none = s->number.n == 0;
    double n = (double)s->number.n;

    switch (r->kind) {
    case REDUCE_COUNT: return datum_number(n);
    case REDUCE_SUM: return datum_number(none ? NAN : s->number.sum);
    case REDUCE_AVG: return datum_number(none ? NAN : s->number.sum / n);
    case REDUCE_MIN: return datum_number(none ? INFINITY : s->number.mean);
    case REDUCE_MAX: return datum_number(none ? -INFINITY : s->number.mean);
    case REDUCE_STDDEV: return datum_number(s->number.n > 1 ? sqrt(s->number.square / (n - 1)) : 0);
    case REDUCE_COUNT_DISTINCT: case REDUCE_COUNT_DISTINCTISH: return datum_number((double)s->distinct.n);
    case REDUCE_QUANTILE: return datum_number(quantile(r, s));
    case REDUCE_TOLIST: case REDUCE_RANDOM_SAMPLE: return list_of(s, a);
    case REDUCE_HLL: return reduce_hll_bytes(&s->hll, a);
    case REDUCE_HLL_SUM: return reduce_hll_count(&s->hll);
    case REDUCE_FIRST_VALUE: break;
    }
    if (s->first.value == NULL) return (struct datum){ .kind = DATUM_NULL };
    return *datum_keep(s->first.value, 1, a, NULL);
}

void reduce_fini(const struct reducer *r, union reduce_state *s)
{
    switch (r->kind) {
    case REDUCE_COUNT_DISTINCT: case REDUCE_COUNT_DISTINCTISH: set_fini(&s->distinct); break;
    case REDUCE_QUANTILE: mem_free(s->values.at); break;
    case REDUCE_HLL: case REDUCE_HLL_SUM: hll_fini(&s->hll); break;
    case REDUCE_FIRST_VALUE:
        mem_free(s->first.value);
        mem_free(s->first.by);
        break;
    case REDUCE_TOLIST: case REDUCE_RANDOM_SAMPLE:
        for (size_t i = 0; i < s->list.n; i++) mem_free(s->list.at[i]);
        mem_free(s->list.at);
        set_fini(&s->list.distinct);
        break;
    default: break;
    }
}
