/* query.h -- the query language: text to a tree.
 *
 * RediSearch's dialect 2 (1, 3 and 4 are accepted and mean the same), more forgiving where nobody can have meant what
 * RediSearch makes of it:
 *
 *     {...}       everything up to an unescaped | or } is the tag: hyphens, addresses and UUIDs need no escape
 *     '@a:{b}'    a query wrapped in '...' is what is inside
 *     a AND b     is a b
 *     a-b         between two letters a hyphen is no NOT: it parts words, as it does in documents
 *     a\.b        the word "a.b", or the words a and b side by side: documents do not keep what parts words
 *     @a.b:x      a field whose name has dots and hyphens is found where the index has one of that name
 *     a =>[KNN]   what stands before it needs no parentheses */
#ifndef MEMD_SEARCH_QUERY_H
#define MEMD_SEARCH_QUERY_H

#include "base/arena.h"
#include "search/index.h"

enum {
    QUERY_DEPTH_MAX = 128,     /* parentheses and signs within each other */
    QUERY_PARTS_MAX = 1 << 15  /* nodes: a query is parsed in one piece, at some 300 ns each */
};

enum query_kind {
    QUERY_ALL,      /* * */
    QUERY_NONE,     /* only stop words */
    QUERY_AND, QUERY_OR, QUERY_NOT, QUERY_MAYBE /* ~ */,
    QUERY_TEXT,     /* a word or a phrase */
    QUERY_TAG, QUERY_RANGE, QUERY_GEO, QUERY_MISSING, QUERY_EMPTY /* text */, QUERY_IDS,
    QUERY_VECTOR    /* KNN over its child (none: all), or VECTOR_RANGE */
};

/* How a distance or an attribute came: for FT.EXPLAIN. */
struct query_option {
    struct str name, value;
};

struct query_vector {
    struct vec_query vec;             /* its .allowed is the run's to set */
    bool range;                       /* VECTOR_RANGE, else KNN */
    bool named;                       /* the query says AS */
    struct str distance_as;           /* AS, $YIELD_DISTANCE_AS; "__<field>_score" for KNN where nothing is said */
    struct str param;                 /* the parameter's name */
    const struct query_option *options;
    size_t n_options;
};

enum query_sound { SOUND_AS_ABOVE, SOUND_ON, SOUND_OFF };

/* There may be tens of thousands of them, of which each touches memory: so what one kind has shares its room with what others have. */
struct query_node {
    enum query_kind kind;
    enum query_sound sound;           /* $phonetic */
    struct query_node **children;
    size_t n_children;
    double weight;                    /* $weight; 1 */
    const struct field_spec *field;   /* TAG, RANGE, GEO, MISSING, EMPTY, VECTOR; an OR of tags has it too */
    struct text_phrase text;          /* TEXT */
    union {
        struct { struct str tag; enum text_match how; };          /* TAG */
        struct { double lo, hi; bool lo_open, hi_open; };         /* RANGE */
        struct { double lon, lat, radius_m; };                    /* GEO */
        struct docset ids;                                        /* IDS: INKEYS */
        struct query_vector *near;                                /* VECTOR */
    };
    int slop;                         /* AND, TEXT: $slop; -1: none */
    bool in_order;
    bool exact;                       /* TEXT: it came in quotes */
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

/* NULL: *error has the reply's text. All of it lives in the arena, copies of what it needs of text and params included, but
 * for sets (query_free). */
struct query_node *query_parse(struct arena *a, const struct search_index *ix, struct str text, const struct query_rules *rules,
                               struct buf *error);
void query_free(struct query_node *q);

/* What is found is also to be in `with` (FILTER, GEOFILTER, INKEYS): the new root. Where q asks for the nearest, they are
 * the nearest of those. */
struct query_node *query_restrict(struct arena *a, struct query_node *q, struct query_node *with);

/* A new node of the kind, its weight 1, for query_restrict. */
struct query_node *query_node_new(struct arena *a, enum query_kind kind);

/* A bound of a range as FILTER has it: "5", "(5", "-inf". False: it is none. */
bool query_bound(struct str text, double *value, bool *open);

/* A unit of length in metres: m, km, ft, mi, any case. 0: there is none of that name. */
double query_unit_m(struct str name);

/* As FT.EXPLAIN prints it: in steps of so many children of the root; true: all of it is in out. */
struct explanation;
struct explanation *explanation_new(const struct query_node *q, const struct search_index *ix);
bool explanation_step(struct explanation *x, size_t n, struct buf *out);
void explanation_free(struct explanation **x);
/* At once. */
void query_explain(const struct query_node *q, const struct search_index *ix, struct buf *out);

#endif
