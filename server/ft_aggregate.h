/* ft_aggregate.h -- an aggregation over what a query has found: what FT.AGGREGATE and FT.HYBRID share. */
#ifndef MEMD_SERVER_FT_AGGREGATE_H
#define MEMD_SERVER_FT_AGGREGATE_H

#include "search/aggregate.h"
#include "search/highlight.h"
#include "search/run.h"
#include "server/ft_job.h"

/* Documents as the source of an aggregation. */
struct ft_source {
    struct aggregate_source source;
    struct search_index *ix;
    uint64_t departed;           /* index_departed when it began */
    const struct doc_reader *reader;
    const struct run *run;       /* distances and scores are its; NULL: there are none */
    /* Beyond these: a number that goes by a name (FT.HYBRID's scores). NULL: none. */
    bool (*number)(void *ctx, struct str name, uint32_t doc, double *out);
    bool (*has_number)(void *ctx, struct str name);
    void *ctx;
    const uint32_t *docs;        /* in order; NULL: found, by docid */
    size_t n_docs, next;
    const struct docset *found;
    uint32_t next_doc;
    struct buf scratch, folded;
    /* matched_terms(): the words of this tree, made when somebody asks. tree NULL: nobody can. */
    const struct query_node *tree;
    struct str language;
    struct arena *arena;         /* the words go here */
    struct highlighter *words;
};
void ft_source_init(struct ft_source *s, struct server *server, struct search_index *ix);
void ft_source_fini(struct ft_source *s);

/* FT.AGGREGATE as a job: what the arguments ask for, from the query on, which is argument `from`; the index is argument 1. The code to
 * return when it is not OK. */
enum err MUST_USE ft_aggregate_job(struct call *c, size_t from, struct ft_job **job);

/* Free *g, on the helper thread when it is large; *g is NULL then. */
void ft_aggregate_free(struct server *s, struct aggregate **g);

/* What an aggregation may take. */
struct aggregate_conf ft_aggregate_conf(const struct server *s);

#endif
