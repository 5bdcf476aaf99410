/* zset_algebra.h -- unions, intersections and differences of sorted sets and sets, member by member: who works one out may pause after
 * each, as long as the sources do not change.
 *
 * Sources are opened by zsource_open and valid until the store changes; a set counts as a sorted set
 * whose scores are all 1. They may come in any order, and are ordered. A result is a new sorted set.
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

/* A walk over the members of a source. */
struct zwalk {
    const struct zsource *src;
    struct str member;
    double score;
    union {
        struct zset_iter zset;
        struct set_iter set;
    };
    char scratch[NUM_TEXT_MAX];
};

enum zset_operation { ZSET_UNITE, ZSET_INTERSECT, ZSET_SUBTRACT /* from the first, with its own scores */ };

/* What is being worked out; belongs to zset_algebra.c but for what it says. */
struct zset_algebra {
    enum zset_operation op;
    enum zaggregate how;  /* set after begin; SUM */
    bool counts;          /* an intersection is only counted */
    size_t found, limit;  /* ... as far as that; 0: all */
    struct zset result;   /* its owner may take it: ptr becomes NULL */
    struct zsource *src;
    size_t n, i;          /* the source that is walked */
    bool walks;           /* it has been begun */
    struct zwalk walk;
    bool leaves_out, more_gone;
    struct zset gone;     /* what a difference leaves out */
    struct zset_iter next_gone;
};

/* src is the caller's, who keeps it, and a in its place, as long as it is worked out. */
void zset_algebra_begin(struct zset_algebra *a, struct store *s, enum zset_operation op, struct zsource *src, size_t n);

/* Look at the next n members; false: the result is whole. */
bool zset_algebra_step(struct zset_algebra *a, size_t n);

/* Bytes held, and letting go of them, the result among them if it is still there. */
size_t zset_algebra_bytes(const struct zset_algebra *a);
void zset_algebra_end(struct zset_algebra *a);

#endif
