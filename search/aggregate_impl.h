/* aggregate_impl.h -- steps of an aggregation, as its parser, its names and its run share them. */
#ifndef MEMD_SEARCH_AGGREGATE_IMPL_H
#define MEMD_SEARCH_AGGREGATE_IMPL_H

#include "search/aggregate.h"
#include "search/expr.h"
#include "search/reduce.h"

enum { NO_COLUMN = UINT32_MAX };

enum { GROUP_SEGMENT = 512, ROW_CHUNK = 256, SORT_CHUNK = 1024 };

enum step_kind { STEP_LOAD, STEP_LOAD_ALL, STEP_GROUP, STEP_SORT, STEP_APPLY, STEP_FILTER, STEP_LIMIT };

/* The columns of rows between two GROUPBYs. */
struct columns {
    struct str *names; /* room for AGGREGATE_COLUMNS_MAX once there is one */
    bool *computed;    /* by an APPLY: no LOAD behind it takes its place */
    const struct aggregate_field **loaded; /* what each is of a document; NULL: nothing, or it came with LOAD * */
    uint32_t n;
};

struct sort_key {
    struct str name;
    uint32_t column;
    bool descending;
};

/* A row that SORTBY keeps: one piece of memory. */
struct sorted {
    struct datum *values;
    size_t bytes;
    uint64_t order;  /* equals keep the order in which they came */
    uint32_t n, doc;
};

struct group {
    struct group *next;  /* of its bucket */
    struct group *later; /* the one that came next */
    uint64_t hash;
    struct datum *keys;
    union reduce_state states[];
};

struct step {
    enum step_kind kind;
    struct columns *columns;       /* of the rows that come in; LOAD and APPLY add to them */

    struct aggregate_field *fields; /* LOAD */
    uint32_t n_fields;

    struct expr *expr;             /* APPLY, FILTER */
    struct str as;                 /* APPLY */
    uint32_t column;               /* APPLY: where it goes */
    uint32_t *expr_columns;        /* by the number of its name */

    uint64_t offset, count;        /* LIMIT; SORT: count 0: not said */
    uint64_t seen;

    struct sort_key *keys;         /* SORT, GROUP */
    uint32_t n_keys;
    struct sorted **heap;          /* SORT: in chunks of SORT_CHUNK, so that it grows without being moved; the last of all in front */
    size_t n_heap, n_sort_chunks, cap_sort_chunks;
    size_t next;                   /* SORT: the row to hand on next */

    struct reducer *reducers;      /* GROUP */
    struct str *aliases;
    uint32_t n_reducers;
    struct columns *out;           /* its columns: keys, then reducers */
    struct group ***buckets;       /* in segments of GROUP_SEGMENT (aggregate_group.c) */
    size_t n_buckets, cap_segments;
    struct group *first_group, *last_group, *next_group; /* next: to hand on */
    size_t n_groups;
};

/* A row on its way. */
struct passing {
    struct datum *values;
    uint32_t n, cap, doc;
};

struct aggregate {
    struct aggregate_conf conf;
    struct arena arena;            /* of the plan */
    struct arena keep;             /* of what came out, and of groups */
    struct arena scratch;          /* of one row */
    const struct aggregate_source *source;
    struct step *steps;
    size_t n_steps;
    size_t feeding;                /* the step whose rows are handed on now; 0: documents come, else index + 1 */
    bool draining;                 /* SORT: its heap is put in order now */
    bool full;                     /* a LIMIT wants no more of the rows that are handed on now */
    struct columns *first, *last;
    struct aggregate_field *always; /* columns that every row has */
    uint32_t n_always;
    bool load_all, expands;
    struct reduce_world world;
    size_t bytes;                  /* kept */
    uint64_t total;
    struct aggregate_row **rows;   /* in chunks of ROW_CHUNK */
    size_t n_rows, n_chunks, cap_chunks;
    struct passing row;
    struct buf *error;             /* while running */
};

/* aggregate_names.c */
struct columns *columns_new(struct aggregate *g);
/* The column of that name; NO_COLUMN: there is none. */
uint32_t column_find(const struct columns *c, struct str name);
/* A new column; NO_COLUMN: there are too many. name must last. */
uint32_t column_add(struct columns *c, struct str name);

/* aggregate_group.c, aggregate_sort.c: a row comes. False: g->error is set. */
bool group_take(struct aggregate *g, struct step *s, const struct passing *row);
bool sort_take(struct aggregate *g, struct step *s, const struct passing *row);

/* Make row i of the step's the row on its way; false: there are no more. */
bool group_give(struct aggregate *g, struct step *s);
bool sort_give(struct aggregate *g, struct step *s);

/* All rows have come: put one of the heap where it belongs in the order; false: all are, and can be given. */
bool sort_drain(struct step *s);

void group_fini(struct step *s);
void sort_fini(struct step *s);

/* Room for n values in the row on its way; those that are new are null. */
void row_widen(struct passing *row, uint32_t n);

/* Count bytes more; false, with an error: that is too much. */
bool aggregate_count(struct aggregate *g, size_t bytes);

#endif
