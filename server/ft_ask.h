/* ft_ask.h -- what FT.SEARCH asks: its options, in any order, and the query with them.
 *
 * All of it is copied into an arena that lives as long as the search: a client that waits may be gone before its arguments
 * are needed. */
#ifndef MEMD_SERVER_FT_ASK_H
#define MEMD_SERVER_FT_ASK_H

#include "search/query.h"
#include "search/score.h"
#include "server/server.h"

/* RETURN identifier AS name. */
struct ask_field {
    struct str identifier, name;
};

/* FILTER and GEOFILTER, the bounds as they came. */
struct ask_filter {
    bool geo;
    struct str field;
    double lo, hi, lon, lat, radius_m;
    bool lo_open, hi_open;
};

/* HIGHLIGHT and SUMMARIZE: of the fields, or of all (n == 0). */
struct ask_marks {
    bool on;
    const struct str *fields;
    size_t n;
    struct str open, close;     /* HIGHLIGHT */
    int64_t fragments, words;   /* SUMMARIZE */
    struct str separator;
};

struct ft_ask {
    struct arena *arena;
    struct str query;
    struct query_rules rules;   /* .fields is set by ft_ask_tree */
    enum scorer scorer;
    bool no_content, with_scores, explain_score, with_payloads, with_sort_keys;
    bool expand;                /* FORMAT EXPAND */
    bool names_dialect;         /* DIALECT was given */
    bool returns;               /* RETURN was given */
    struct ask_field *fields;
    size_t n_fields;
    struct str sort_by;         /* empty: none */
    bool descending;
    uint64_t offset, count;
    int64_t timeout_ms;
    struct str payload;
    struct ask_filter *filters;
    size_t n_filters;
    const struct str *in_keys, *in_fields;
    size_t n_in_keys, n_in_fields;
    bool has_in_keys;
    struct ask_marks highlight, summarize;
};

/* Arguments from the query on. False: *error has the reply's text. */
bool ft_ask_parse(struct ft_ask *ask, struct arena *a, const struct conf *conf, size_t argc, const struct str *argv, struct buf *error);

/* The same piece by piece, for commands that have other options beside those of the query: to begin with, and then the option at
 * argv[*at], if it is one of VERBATIM NOSTOPWORDS INORDER SLOP LANGUAGE EXPANDER SCORER PAYLOAD INKEYS INFIELDS PARAMS DIALECT TIMEOUT
 * FORMAT WITHCOUNT WITHOUTCOUNT. *at: behind it. REFUSED: *error has the reply's text. */
void ft_ask_init(struct ft_ask *ask, struct arena *a, const struct conf *conf, struct str query);
enum ft_asked { FT_ASKED_NOTHING, FT_ASKED, FT_ASK_REFUSED };
enum ft_asked ft_ask_option(struct ft_ask *ask, size_t argc, const struct str *argv, size_t *at, struct buf *error);

/* FORMAT EXPAND: may a client of this protocol have it of this index? It takes dialect 3 at least. */
bool ft_ask_expand(struct ft_ask *ask, int resp, bool on_json, struct buf *error);

/* The query's tree, with FILTER, GEOFILTER, INKEYS and INFIELDS in it. NULL: *error has the reply's text. The index must be
 * held from here on. */
struct query_node *ft_ask_tree(struct ft_ask *ask, const struct search_index *ix, struct buf *error);

/* PARAMS n name value ...; *at: the word, then behind it all. False: *error has the reply's text. */
bool ft_ask_params(struct arena *a, struct query_rules *rules, size_t argc, const struct str *argv, size_t *at, struct buf *error);

#endif
