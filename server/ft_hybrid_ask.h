/* ft_hybrid_ask.h -- what FT.HYBRID asks: two queries, and how their results become one. */
#ifndef MEMD_SERVER_FT_HYBRID_ASK_H
#define MEMD_SERVER_FT_HYBRID_ASK_H

#include "search/aggregate.h"
#include "server/ft_ask.h"

#define HYBRID_DISTANCE "__hybrid_distance" /* what the vector's query yields */

struct hybrid_ask {
    struct ft_ask text, near;       /* near: the VSIM as a query of its own, once hybrid_ask_finish has made it */
    struct str field;               /* of VSIM, without @ */
    struct str vector;              /* the parameter's name, without $ */
    bool range;
    uint64_t k, ef;                 /* ef 0: not given */
    double radius, epsilon;         /* epsilon 0: not given */
    struct str filter;              /* empty: none */
    struct str text_as, near_as, score_as; /* YIELD_SCORE_AS; empty: none */
    bool linear;                    /* else RRF */
    double constant, alpha, beta;
    uint64_t window;                /* as many of each are fused */
    bool loads, cuts;               /* LOAD; LIMIT, SORTBY or GROUPBY was given */
};

/* Arguments from behind the index on; steps go to g. False: *error has the reply's text. */
bool hybrid_ask_parse(struct hybrid_ask *h, struct arena *a, const struct conf *conf, struct aggregate *g, size_t argc, const struct str *argv,
                      struct buf *error);

#endif
