/* reduce.h -- from the rows of a group to one value: COUNT, SUM, TOLIST ...
 *
 * Nulls count for COUNT alone. Of none SUM and AVG are NaN, MIN is inf and MAX -inf, as in Redis 8. */
#ifndef MEMD_SEARCH_REDUCE_H
#define MEMD_SEARCH_REDUCE_H

#include "base/hll.h"
#include "base/rng.h"
#include "search/datum.h"

enum reduce_kind {
    REDUCE_COUNT, REDUCE_COUNT_DISTINCT, REDUCE_COUNT_DISTINCTISH, REDUCE_SUM, REDUCE_MIN, REDUCE_MAX, REDUCE_AVG, REDUCE_STDDEV,
    REDUCE_QUANTILE, REDUCE_TOLIST, REDUCE_FIRST_VALUE, REDUCE_RANDOM_SAMPLE,
    REDUCE_HLL /* a HyperLogLog of the values, as PFADD makes it */, REDUCE_HLL_SUM /* how many values are counted in several of them */
};
enum { REDUCE_SAMPLE_MAX = 1000 };

struct reducer {
    enum reduce_kind kind;
    struct str field, by_field;  /* without @; by_field empty: no BY */
    uint32_t column, by_column;  /* where these are in a row */
    bool descending;             /* BY */
    double quantile;             /* 0..1 */
    uint32_t sample;
};

/* A set of hashes; a zeroed one is empty. One that is large is 256 of them, by the first byte, so that it never grows in one piece. */
struct hash_set {
    uint64_t *at;
    size_t n, cap;
    struct hash_set *parts; /* NULL: it is small; else n is the sum, and the rest is not used */
};

union reduce_state {
    struct {
        uint64_t n;
        double sum, mean, square;
    } number;
    struct hash_set distinct;
    struct {
        double *at;
        size_t n, cap;
    } values;
    struct {
        struct datum **at;
        size_t n, cap;
        uint64_t seen;
        struct hash_set distinct;
    } list;
    struct {
        struct datum *value, *by;
    } first;
    struct hll hll;  /* without bytes: it has seen nothing */
};

struct reduce_world {
    struct hash_key hash;
    struct rng rng;
    size_t bytes;  /* that states hold; grows and shrinks */
};

/* "COUNT" ... and its arguments. False: *error has the reply's text. */
bool reduce_parse(struct reducer *r, struct str name, size_t argc, const struct str *argv, struct buf *error);

/* A zeroed state has seen no rows. */
void reduce_add(const struct reducer *r, union reduce_state *s, const struct datum *row, size_t n, struct reduce_world *w);

/* The value; lists are put into a, and texts but for those of lists, which are the state's. */
struct datum reduce_value(const struct reducer *r, union reduce_state *s, struct arena *a);

void reduce_fini(const struct reducer *r, union reduce_state *s);

/* --- reduce_hll.c: HLL and HLL_SUM */

/* Count a value, the items of a list one by one, by its text. */
void reduce_hll_add(struct hll *h, const struct datum *d, struct reduce_world *w);
/* Count what d counts; nothing where it is no HyperLogLog. Some 10 us. */
void reduce_hll_merge(struct hll *h, const struct datum *d, struct reduce_world *w);
struct datum reduce_hll_bytes(const struct hll *h, struct arena *a);
struct datum reduce_hll_count(const struct hll *h);

#endif
