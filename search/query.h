/* query.h -- the query language: text to a tree.
 *
 * RediSearch's dialect 2 (1, 3 and 4 are accepted and mean the same where they do not differ in what they refuse), more
 * forgiving: within {} everything up to an unescaped | or } is the tag, so that identifiers with hyphens, addresses and
 * UUIDs need no escape; a query wrapped in '...' is what is inside; AND between two parts is what a blank is. */
#ifndef MEMD_SEARCH_QUERY_H
#define MEMD_SEARCH_QUERY_H

#include "base/arena.h"
#include "search/index.h"

enum query_kind {
    QUERY_ALL,      /* * */
    QUERY_NONE,     /* only stop words */
    QUERY_AND, QUERY_OR, QUERY_NOT, QUERY_MAYBE /* ~ */,
    QUERY_TEXT,     /* a word or a phrase */
    QUERY_TAG, QUERY_RANGE, QUERY_GEO, QUERY_MISSING, QUERY_IDS,
    QUERY_VECTOR    /* KNN over its child (NULL: all), or VECTOR_RANGE */
};

struct query_node {
    enum query_kind kind;
    struct query_node **children;
    size_t n_children;
    double weight;                    /* $weight; 1 */
    const struct field_spec *field;   /* TAG, RANGE, GEO, MISSING, VECTOR */
    struct text_phrase text;          /* TEXT */
    struct str tag;                   /* TAG */
    enum text_match how;
    double lo, hi;                    /* RANGE */
    bool lo_open, hi_open;
    double lon, lat, radius_m;        /* GEO */
    struct docset ids;                /* INKEYS */
    struct vec_query vec;             /* VECTOR */
    struct str distance_as;           /* AS, $YIELD_DISTANCE_AS; "__<field>_score" for KNN where nothing is said */
};

struct query_param {
    struct str name, value;
};

struct query_rules {
    const struct query_param *params;
    size_t n_params;
    int dialect;
    bool verbatim, no_stop_words, in_order;
    int slop;                         /* -1: none given */
    struct str language;
    uint64_t fields;                  /* INFIELDS; ~0: all */
};

/* NULL: *error has the reply's text. All of it lives in the arena, but for sets (query_free). */
struct query_node *query_parse(struct arena *a, const struct search_index *ix, struct str text, const struct query_rules *rules,
                               struct buf *error);
void query_free(struct query_node *q);

/* As FT.EXPLAIN prints it. */
void query_explain(const struct query_node *q, const struct search_index *ix, struct buf *out);

#endif
