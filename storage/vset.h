/* vset.h -- a vector set: elements with a vector each, found by likeness (Redis 8's type).
 *
 * Elements are names with an id: names lie in a table, and beside it in a tree that has them in order (VRANGE). Vectors lie
 * in a graph (vector/vec.h) under the ids, made to length 1; what an element has besides is in a list by id.
 *
 * Vectors are kept as they are (VSET_F32), as int8 (VSET_Q8: the largest element is 127) or as one bit for each dimension
 * (VSET_BIN: is it above zero). A set may have a projection: what comes in has input_dim elements and is made shorter by
 * a matrix of +-1/sqrt(input_dim), which is the same for all sets but that one read from a file is kept. */
#ifndef MEMD_STORAGE_VSET_H
#define MEMD_STORAGE_VSET_H

#include "base/list.h"
#include "storage/store.h"
#include "storage/ztree.h"
#include "vector/vec.h"

enum vset_quant { VSET_F32, VSET_Q8, VSET_BIN }; /* numbers of the file format */

enum {
    VSET_M = 16, VSET_M_MIN = 4, VSET_M_MAX = 4096,
    VSET_EF = 200,
    VSET_EF_MOST = 1024, /* of an insertion: it would take too long with more */
};
#define VSET_NONE UINT32_MAX
#define VSET_MATRIX_MAX ((size_t)64 << 20) /* bytes */

/* An element beside its vector. */
struct vset_item {
    struct entry *name;   /* NULL: the id is free */
    float length;         /* of the vector as it came */
    float range;          /* VSET_Q8: of its largest element, when its length is 1 */
    struct blob *attr;    /* JSON text, most likely; NULL: none */
};

struct vset {
    enum vset_quant quant;
    uint32_t dim, m;
    uint32_t input_dim;   /* 0: no projection */
    float *matrix;        /* dim rows of input_dim; NULL */
    struct table names;   /* entries whose number is the id */
    struct ztree order;   /* the same entries */
    struct vset_item *items;
    uint32_t n_items, cap_items, n_free, hint; /* ids below n_items have been given; no free one is below hint */
    size_t n_attrs, attr_bytes;
    struct vec_index *v;
    uint64_t uid;
    struct link watches;  /* struct vset_watch.of_set */
};

/* Somebody to whom this set matters for longer than a call. */
struct vset_watch {
    const struct vset *set; /* NULL: it has gone, and its memory with it */
    /* Before an element changes, or leaves; NULL: nobody asks. */
    void (*changes)(struct vset_watch *w, uint32_t id, bool leaves);
    void (*changed)(struct vset_watch *w, uint32_t id); /* after one has come or changed */
    void (*linked)(struct vset_watch *w, const struct vec_event *e); /* what happened in the graph; between the other two; NULL: nobody asks */
    struct link of_set, of_store;
};

/* Begin and end to hear of s. The second is right as well when the set has gone. */
void vset_watch(struct store *st, const struct vset *s, struct vset_watch *w);
void vset_unwatch(struct vset_watch *w);

/* A set leaves its database and is about to be freed; all sets of the store are. */
void vset_goes(const struct vset *s);
void vset_all_go(struct store *st);

/* An empty one; input_dim 0: without a projection. */
struct vset *vset_new(struct store *s, enum vset_quant quant, uint32_t dim, uint32_t m, uint32_t input_dim);
void vset_free(struct vset **s);
struct vset *vset_dup(struct store *st, const struct vset *s); /* vset_copy.c */

static inline size_t vset_count(const struct vset *s)
{
    return s->names.count;
}

/* Bytes that one vector takes as it lies, and its place. */
size_t vset_row_bytes(const struct vset *s);
static inline const void *vset_row(const struct vset *s, uint32_t id)
{
    return vec_index_data(s->v, id);
}

static inline const struct vset_item *vset_item(const struct vset *s, uint32_t id)
{
    return &s->items[id];
}

static inline struct str vset_attr(const struct vset *s, uint32_t id)
{
    const struct blob *b = s->items[id].attr;

    return b != NULL ? str_of(b->p, b->n) : str_of("", 0);
}

/* The id of an element; VSET_NONE. */
uint32_t vset_find(const struct vset *s, struct str name);
uint32_t vset_id(const struct entry *name);

/* input_dim elements to dim. */
void vset_project(const struct vset *s, const float *in, float *out);

/* A vector of dim elements as the set keeps them, to row (vset_row_bytes, aligned as floats and words are). False: an element is
 * not finite. */
bool vset_pack(const struct vset *s, const float *in, void *row, float *length, float *range);

/* The vector of an element as floats, of about its length; of bits -1 and 1. */
void vset_unpack(const struct vset *s, uint32_t id, float *out);

enum vset_put { VSET_ADDED, VSET_UPDATED, VSET_SAME, VSET_REFUSED };

/* Put an element, or give it another vector. attr: NULL leaves it as it is, empty takes it away. Refused: no memory, or not
 * finite; then nothing has changed. */
enum vset_put vset_put(struct vset *s, struct str name, const float *in, uint32_t ef, const struct str *attr);
/* The same with what vset_pack makes, and ef as it was. */
enum vset_put vset_put_packed(struct vset *s, struct str name, struct str row, float length, float range, const struct str *attr);
/* False: there is no such element. */
bool vset_remove(struct vset *s, struct str name);
bool vset_set_attr(struct vset *s, struct str name, struct str attr);

/* For loading: put an element that is not there with its row, which is packed, in layers up to `level`, without links. Its id, or
 * VSET_NONE: it is there, has no such form, or there is no memory. */
uint32_t vset_load(struct vset *s, struct str name, struct str row, float length, float range, struct str attr, unsigned level);

/* For who follows another set: the same in two steps, an id with a row and then what it has besides, which may be told again. */
uint32_t vset_place(struct vset *s, struct str row, unsigned level);
void vset_tell(struct vset *s, uint32_t id, struct str name, float length, float range, struct str attr);

/* A random element; there is one. */
uint32_t vset_random(const struct vset *s, struct rng *r);

/* Names from one (or from after it) on, in order: the rank of the first; and the name of a rank. */
size_t vset_rank(const struct vset *s, struct str name, bool after);
struct str vset_name_at(const struct vset *s, size_t rank);

size_t vset_bytes(const struct vset *s); /* O(1), exact */
void vset_check(const struct vset *s);

#endif
