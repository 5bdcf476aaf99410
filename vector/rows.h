/* rows.h -- vectors as they were given, in slots, and what makes looking at many of them cheap.
 *
 * A slot is a number that a vector has while it is here; ids of callers lead to slots. Slots lie in chunks, which are
 * given back when nothing is in them; where many places are free vectors move to others (rows_move), so that what is kept
 * follows what is there and not the most that ever was.
 *
 * Beside the row itself a large set has two smaller forms of it (quant.h): int8, and a sketch of one bit for each
 * dimension. They come when there are ROWS_TRAIN vectors, of whose middle they are made; small sets do without.
 *
 * Between the files of vector/ alone; vec.h is what others see. */
#ifndef MEMD_VECTOR_ROWS_H
#define MEMD_VECTOR_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vector/kernels.h"
#include "vector/vec.h"

#define ROWS_NONE UINT32_MAX

enum { ROWS_TRAIN = 1024 };

/* What is known of each row of a chunk beside the row; see quant.h. */
struct quant_row {
    float step;  /* of the int8 row; NaN: this row has no small forms that say anything */
    float size;  /* of the row from the middle */
    float error; /* of the sketch's dot product, for a query of size 1: one standard deviation */
};

struct chunk {
    uint32_t n, cap;       /* live rows; rows that there is room for */
    uint64_t *live;        /* bits */
    uint32_t *ids;
    uint32_t *next;        /* the slot of another vector of the same id; NULL: no id has two */
    double *lengths;       /* COSINE: the length; L2 of integers: its square; else nothing is kept */
    char *rows;            /* as given */
    int8_t *bytes;         /* small forms; NULL: none yet */
    uint64_t *bits;
    struct quant_row *small;
    float *gains;          /* what a sketch's sum is multiplied by */
    float *shares;         /* a row's own share of its distance */
    float *n_bits;
};

struct frame; /* quant.h */

struct rows {
    const struct kernels *k;
    enum vec_type type;
    enum vec_metric metric;
    uint32_t dim;
    size_t row_bytes;
    uint32_t shift;         /* a chunk has 1 << shift slots */
    struct chunk **chunks;  /* NULL where nothing is */
    uint32_t n_chunks, cap_chunks;
    uint32_t hole;          /* no chunk before this one has room */
    uint32_t *slots;        /* of an id, its first; ROWS_NONE */
    uint32_t n_ids;
    uint32_t n;             /* live */
    uint32_t n_places;      /* that there is room for */
    uint32_t n_more;        /* of these not the first of their ids */
    struct frame *frame;    /* NULL: no small forms */
    uint32_t n_small;       /* slots below have them */
    uint32_t n_frames;      /* that were ever made */
    size_t bytes;           /* of memory */
};

void rows_init(struct rows *r, const struct vec_conf *conf);
void rows_fini(struct rows *r);

/* The end of the slots. */
static inline uint32_t rows_end(const struct rows *r)
{
    return r->n_chunks << r->shift;
}

static inline struct chunk *rows_chunk(const struct rows *r, uint32_t slot)
{
    return r->chunks[slot >> r->shift];
}

static inline uint32_t rows_in_chunk(const struct rows *r, uint32_t slot)
{
    return slot & ((1u << r->shift) - 1);
}

static inline bool rows_live(const struct rows *r, uint32_t slot)
{
    const struct chunk *c = slot < rows_end(r) ? rows_chunk(r, slot) : NULL;
    uint32_t at = rows_in_chunk(r, slot);

    return c != NULL && at < c->cap && (c->live[at / 64] >> (at % 64) & 1) != 0;
}

static inline const char *rows_data(const struct rows *r, uint32_t slot)
{
    return rows_chunk(r, slot)->rows + rows_in_chunk(r, slot) * r->row_bytes;
}

static inline uint32_t rows_id(const struct rows *r, uint32_t slot)
{
    return rows_chunk(r, slot)->ids[rows_in_chunk(r, slot)];
}

/* The first slot of id; ROWS_NONE. */
static inline uint32_t rows_slot(const struct rows *r, uint32_t id)
{
    return id < r->n_ids ? r->slots[id] : ROWS_NONE;
}

/* The next of the same id; ROWS_NONE. */
static inline uint32_t rows_next(const struct rows *r, uint32_t slot)
{
    const struct chunk *c = rows_chunk(r, slot);

    return c->next == NULL ? ROWS_NONE : c->next[rows_in_chunk(r, slot)];
}

/* Are all elements numbers that can be reckoned with? */
bool rows_finite(const struct rows *r, const void *data);

/* Put a vector under an id, before those that it has; its slot. ROWS_NONE: there is no memory. */
uint32_t rows_add(struct rows *r, uint32_t id, const void *data);

/* Take the vector of a live slot out, which is the first of its id. */
void rows_remove(struct rows *r, uint32_t slot);

/* Give the vector of a live slot a free place in a chunk before its own: its slot then. ROWS_NONE: there is none. The graph is
 * to be told between the two. */
uint32_t rows_copy(struct rows *r, uint32_t slot);
void rows_forget(struct rows *r, uint32_t slot, uint32_t copy);

/* Memory that is counted. */
void *rows_take(struct rows *r, void *old, size_t n);
void rows_drop(struct rows *r, void *p);

/* --- distances ------------------------------------------------------------------------------------ */

/* A vector that others are held against: in the forms that the kernels want. */
struct asked {
    const void *data;       /* as given, borrowed */
    double length;          /* as of chunk.lengths */
    float *floats;          /* half floats and bfloats as floats, else NULL */
    /* small forms; quant.h */
    bool small;
    int8_t *bytes;
    uint64_t *planes;
    float step, size, share;
    float low, width, total; /* of the 4-bit numbers; and the sum of what they stand for */
};

/* Make *a of data, which is aligned as malloc aligns; with planes if sketches are to be asked. */
void asked_init(struct asked *a, const struct rows *r, const void *data, bool planes);
/* Of a row that is here, without planes. */
void asked_row(struct asked *a, const struct rows *r, uint32_t slot);
void asked_fini(struct asked *a);

/* The distance itself. Never NaN. */
double rows_distance(const struct rows *r, uint32_t slot, const struct asked *a);
/* Of the nearest vector of id, and its slot; of none INFINITY and ROWS_NONE. */
double rows_id_distance(const struct rows *r, uint32_t id, const struct asked *a, uint32_t *slot);
double rows_between(const struct rows *r, uint32_t a, uint32_t b);

#endif
