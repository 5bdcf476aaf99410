/* zset_algebra.h -- unions, intersections and differences of sorted sets and sets.
 *
 * Sources are opened by zsource_open and valid until the store changes; a set counts as a sorted set
 * whose scores are all 1. The functions take the sources in any order, and may order them. A result
 * is a new sorted set, which the caller frees or stores.
 *
 * Scores are weighted, then aggregated from the smallest source to the largest as Redis does it, so
 * that sums of floating point numbers come out the same. A sum that is no number (inf - inf) is 0, and so
 * is a weighted score (0 * inf) but for those that an intersection adds to its first. */
#ifndef MEMD_STORAGE_ZSET_ALGEBRA_H
#define MEMD_STORAGE_ZSET_ALGEBRA_H

#include "storage/db.h"
#include "storage/set.h"
#include "storage/zset.h"

enum zaggregate { ZAGGREGATE_SUM, ZAGGREGATE_MIN, ZAGGREGATE_MAX };

struct zsource {
    enum value_type type; /* VALUE_ZSET, VALUE_SET; VALUE_ANY: there is no such key */
    union {
        struct zset zset;
        struct set set;
    };
    double weight;
    size_t n; /* members */
    size_t i; /* its place among the sources, which decides between equal sizes */
};

/* Open what is at key, with weight 1. ERR_WRONG_TYPE. */
enum err MUST_USE zsource_open(struct db *db, struct str key, struct zsource *src);

struct zset zset_unite(struct store *s, struct zsource *src, size_t n, enum zaggregate how);
struct zset zset_intersect(struct store *s, struct zsource *src, size_t n, enum zaggregate how);

/* What of the first is in none of the others, with its own scores. */
struct zset zset_subtract(struct store *s, struct zsource *src, size_t n);

/* Members that all sources have; counts no further than limit (0: all). */
size_t zset_intersect_count(struct zsource *src, size_t n, size_t limit);

#endif
