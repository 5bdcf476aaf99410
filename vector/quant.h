/* quant.h -- the small forms of a row, and what they say about distances.
 *
 * A vector x (its direction, where the metric is COSINE) is moved to the middle c of the first vectors and turned by a
 * rotation P that is the same for all: y = P (x - c). All that a metric needs of x and a query q is the dot product t of
 * their y's, and a share that each of them has alone:
 *
 *     COSINE, IP   1 - x.q   = (1 + c.c - q.c) - x.c - t
 *     L2           |x - q|^2 =      |y_q|^2 + |y_x|^2 - 2 t
 *
 * The int8 form is y in steps of its largest element / 127. The sketch is one bit for each element of y: its sign. Gao
 * and Long (RaBitQ, SIGMOD 2024): after a random rotation the signs' dot product with y_q, times |y|^2 / sum |y_i|, is t
 * without bias, and its error is known: |y| |y_q| sqrt((1 - f^2) / f^2 / (dim - 1)), where f = sum |y_i| / (|y| sqrt dim).
 * So a sketch can say that a row is surely too far away, and rows of which it cannot are looked at closer: how many depends
 * on how hard the vectors are to tell apart, and on no constant.
 *
 * Moving to the middle is what makes it work for embeddings, which lie in a narrow cone; the rotation (Hadamard's matrix
 * and random signs, twice) makes all dimensions alike, whatever was given. */
#ifndef MEMD_VECTOR_QUANT_H
#define MEMD_VECTOR_QUANT_H

#include "vector/rows.h"

enum {
    QUANT_DIM_MIN = 64, /* of fewer dimensions the row itself is small */
};

struct frame {
    uint32_t dim, padded;   /* padded to 64 for int8 */
    uint32_t words;         /* of a sketch */
    uint32_t block;         /* the largest power of two up to dim */
    float *signs;           /* dim of them, -1 or 1, times the scale of a turn */
    float *middle;          /* turned */
    float middle_size2;     /* its length squared */
    bool has_bytes;         /* rows whose elements are bytes have no int8 form: they are one */
};

/* Make r's frame of the vectors that are there. */
void quant_train(struct rows *r);
void quant_free(struct rows *r);

/* Make the small forms of what slot holds. */
void quant_row(struct rows *r, uint32_t slot);

/* The small forms of what is asked. */
void quant_asked(struct asked *a, const struct rows *r, bool planes);
/* Of a row that has them, without planes. */
void quant_asked_row(struct asked *a, const struct rows *r, uint32_t slot);

/* The distance of slot by its int8 form, and how far off that may be (very nearly always). Only where slot has one. */
float quant_distance(const struct rows *r, uint32_t slot, const struct asked *a, float *within);

/* For n slots from `slot` on, all of one chunk, n at most QUANT_BLOCK: what the distance is, and what it surely is not below. */
enum { QUANT_BLOCK = 64 };
void quant_sketches(const struct rows *r, uint32_t slot, size_t n, const struct asked *a, float *about, float *at_least);

/* How alike slot and what is asked are, -1 to 1, seen from the middle, where they are `distance` apart. NaN: not known. */
float quant_likeness(const struct rows *r, uint32_t slot, const struct asked *a, double distance);

/* The distance of two slots that have int8 forms. */
float quant_between(const struct rows *r, uint32_t a, uint32_t b);

#endif
