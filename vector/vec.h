/* vec.h -- an index of vectors under small numbers: flat or a graph (HNSW).
 *
 * Ids are given by the caller, dense from 0 (a docid, a slot of a vector set); what is kept grows with the largest. The
 * index copies what it needs. Distances are those of RediSearch: COSINE 1 - cos, L2 the squared distance, IP 1 - dot;
 * smaller is nearer.
 *
 * Flat: 1-bit sketches in front of int8 rows in front of what was given, so that the answer is exact
 * (COMPONENTS: a sketch passes candidates on, the row itself has the last word). HNSW: Malkov and Yashunin,
 * arXiv:1603.09320, with true deletion. */
#ifndef MEMD_VECTOR_VEC_H
#define MEMD_VECTOR_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* VEC_BIT: a bit for each dimension that says above zero (or not), 64 to a word, the rest of the last word 0; COSINE of
 * what is then -1 and 1. */
enum vec_type { VEC_FLOAT32, VEC_FLOAT64, VEC_FLOAT16, VEC_BFLOAT16, VEC_INT8, VEC_UINT8, VEC_BIT };
enum vec_metric { VEC_COSINE, VEC_L2, VEC_IP };
enum vec_algorithm { VEC_FLAT, VEC_HNSW };

enum { VEC_DIM_MAX = 32768 };

struct vec_conf {
    enum vec_algorithm algorithm;
    enum vec_type type;
    enum vec_metric metric;
    uint32_t dim;                 /* 1..VEC_DIM_MAX */
    uint32_t m, ef_construction;  /* HNSW; 16 and 200 where nothing is said */
    uint32_t ef_runtime;          /* 10 */
    double epsilon;               /* of range queries; 0.01 */
    uint64_t seed;                /* of levels */
};

/* Bytes of one vector as clients give it: dim elements, little endian. */
size_t vec_bytes(enum vec_type type, uint32_t dim);

struct vec_index;
struct vec_hit;
struct vec_index *vec_index_new(const struct vec_conf *conf);
void vec_index_free(struct vec_index **v);

/* Put the vector of id, or replace it; the same bytes again cost a comparison. False: a value is not finite, or data is not
 * vec_bytes long; then id is as before. */
bool vec_index_put(struct vec_index *v, uint32_t id, struct str data);
/* The same for an id with n vectors, of which the nearest counts: it is found once. n > 0. */
bool vec_index_put_all(struct vec_index *v, uint32_t id, const struct str *data, size_t n);
void vec_index_remove(struct vec_index *v, uint32_t id);

/* Where many have been removed, and much is kept of them, move up to n vectors, so that memory follows what is there; true: more
 * are to be moved. Not while a search is on. is_behind: more than half of what is kept is of none. */
bool vec_index_tend(struct vec_index *v, size_t n);
bool vec_index_is_behind(const struct vec_index *v);

bool vec_index_has(const struct vec_index *v, uint32_t id);
size_t vec_index_count(const struct vec_index *v); /* vectors */
size_t vec_index_memory(const struct vec_index *v); /* O(1), exact */

/* The distance of id's vector (its nearest) from query (vec_bytes long). NaN: it has none. */
double vec_index_distance(const struct vec_index *v, uint32_t id, struct str query);

/* Its vector (the first), as it was given; NULL: it has none. Borrowed until the index changes. */
const void *vec_index_data(const struct vec_index *v, uint32_t id);

/* How many are looked at for those that are put from now on (HNSW). */
void vec_index_set_ef(struct vec_index *v, uint32_t ef_construction);

/* --- the graph itself, for who shows it, or keeps it somewhere (HNSW alone) ------------------------------------- */

unsigned vec_index_highest(const struct vec_index *v);            /* layer; 0 also where nothing is */
unsigned vec_index_level(const struct vec_index *v, uint32_t id); /* id's highest layer; id has a vector */

/* The links of id in a layer up to its highest: ids and distances, to out[0..max); how many there are. */
size_t vec_index_links(const struct vec_index *v, uint32_t id, unsigned level, struct vec_hit *out, size_t max);

/* Put the vector of an id that has none, with a highest layer (below VEC_LEVELS) and without links, for which
 * vec_index_link is there; and when all are there vec_index_mend for each, which links those that have none. */
enum { VEC_LEVELS = 16 };
bool vec_index_put_bare(struct vec_index *v, uint32_t id, struct str data, unsigned level);
bool vec_index_link(struct vec_index *v, uint32_t a, uint32_t b, unsigned level); /* false: it cannot be, or is */
bool vec_index_mend(struct vec_index *v, uint32_t id); /* true: that took as long as to put it */

/* Who keeps another graph the same follows this one: of each change is told as it is made. */
enum vec_change {
    VEC_CAME,     /* a, which has a vector: in layers up to `level`, without links */
    VEC_GOES,     /* a, with its links */
    VEC_LINKED,   /* a and b in a layer */
    VEC_UNLINKED
};

struct vec_event {
    enum vec_change what;
    uint32_t a, b;
    unsigned level;
};

typedef void vec_told(void *who, const struct vec_event *e);
void vec_index_follow(struct vec_index *v, vec_told *told, void *who);

/* The other ways to keep it the same, beside vec_index_put_bare and vec_index_link: the neighbours of what is removed get no links
 * for those that they had to it. */
void vec_index_unlink(struct vec_index *v, uint32_t a, uint32_t b, unsigned level);
void vec_index_remove_bare(struct vec_index *v, uint32_t id);

/* Stop when something about it is not as it should be. Slow. */
void vec_index_check(const struct vec_index *v);

/* --- asking ---------------------------------------------------------------------------------------------------- */

struct vec_hit {
    uint32_t id;
    double distance;
};

/* A search goes on in steps, and the index may change between them. What is removed is not found, and when it is very much that
 * goes, fewer than k may be; what is put may be found or not; an id that gets another vector may be found with the distance of the one
 * that it had. Exactly those ids may be found that `allowed` has a bit for (word id / 64, up to n_words; NULL: all): no filter is applied afterwards, so k are
 * found wherever k are allowed (HNSW: as far as ef lets it look; when few are allowed it asks them one by one). */
enum vec_way {
    VEC_ANY_WAY,  /* the cheaper one of a graph's */
    VEC_BY_GRAPH, /* where there is one */
    VEC_BY_ALL    /* look at all: exact, but for a few in a thousand beyond the bounds of sketches */
};

struct vec_query {
    struct str data;           /* vec_bytes long; borrowed for the life of the search */
    uint32_t k;                /* the nearest k; 0: a range */
    double radius;             /* of a range: distance <= radius */
    uint32_t ef;               /* 0: the index's */
    double epsilon;            /* of a range in a graph; < 0: the index's */
    const uint64_t *allowed;   /* borrowed for the life of the search */
    size_t n_words;
    enum vec_way way;
    /* Is id allowed? NULL: all that `allowed` has. Asked about those alone that are near enough; in a graph at most `asks`
     * times (0: as often as it takes), and then what has been found is the answer. */
    bool (*allows)(void *ctx, uint32_t id, int64_t *work); /* adds to *work what it took, as of vec_search_step */
    void *ctx;
    uint64_t asks;
};

struct vec_search;
struct vec_search *vec_search_new(const struct vec_index *v, const struct vec_query *q);
/* Go on for about `work` element operations (dim each for a vector looked at); true: done. */
bool vec_search_step(struct vec_search *s, size_t work);
/* A search is over, in which ids (n of them, in any order) were given other vectors, or to others: those that were found are told as
 * they are now, or not at all. */
void vec_search_look_again(struct vec_search *s, const uint32_t *ids, size_t n);
/* What was found: the nearest of k, nearest first, equal distances by id; all within a radius, which may be very many, in no order.
 * Valid until freed. */
const struct vec_hit *vec_search_hits(const struct vec_search *s, size_t *n);
void vec_search_free(struct vec_search **s);

/* Work that takes about 100 us. */
enum { VEC_WORK_SLICE = 1 << 19 };

#endif
