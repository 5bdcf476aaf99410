/* aggregate.h -- rows of results and what is done to them in turn: FT.AGGREGATE's steps.
 *
 * A row has values in columns. It begins as a document without any; LOAD reads values into columns, APPLY computes one, FILTER lets rows
 * through or not, LIMIT a range of them; SORTBY keeps the first ones and hands them on in order; GROUPBY makes rows of groups, with the
 * groups' values and what reducers made of their rows. A row goes through all steps up to the next SORTBY or GROUPBY at once, so that
 * only what these keep takes memory; it is counted, and bounded.
 *
 * Steps are parsed first (their order is that of the arguments), then names are looked up (aggregate_compile: what the index
 * knows is read where it is first used, without LOAD), then rows are made in slices. */
#ifndef MEMD_SEARCH_AGGREGATE_H
#define MEMD_SEARCH_AGGREGATE_H

#include "search/datum.h"

enum {
    AGGREGATE_COLUMNS_MAX = 1024,
    AGGREGATE_STEPS_MAX = 128,
    AGGREGATE_ALWAYS_MAX = 64,      /* columns that every row has */
    AGGREGATE_SORT_KEYS_MAX = 64,
    AGGREGATE_SORTED_USUALLY = 10  /* rows that SORTBY hands on where neither MAX nor LIMIT says how many */
};

/* A value that is read from a document. */
struct aggregate_field {
    struct str path;    /* as LOAD has it, without @ */
    struct str name;    /* of its column */
    const void *known;  /* for the source's own use */
    bool implied;       /* no LOAD names it, a step alone */
    uint32_t column;
};

struct aggregate_source {
    void *ctx;
    /* Is f->path a name that needs no LOAD (a field of the index, a distance, __key, __score)? It may note f->known, also for
     * others. */
    bool (*find)(void *ctx, struct aggregate_field *f);
    /* The next document; UINT32_MAX: there are no more. */
    uint32_t (*next)(void *ctx);
    /* *out: the value; it is null before, and stays so where there is none. Texts may be put into a. */
    void (*read)(void *ctx, uint32_t doc, const struct aggregate_field *f, struct arena *a, struct datum *out);
    /* LOAD *: tell all that the document has. */
    void (*all)(void *ctx, uint32_t doc, void (*fn)(void *arg, struct str name, struct str value), void *arg);
    /* Is it still there? */
    bool (*alive)(void *ctx, uint32_t doc);
    /* matched_terms(): words of the query that the document has, each once. Put into a. NULL: nobody knows. */
    void (*terms)(void *ctx, uint32_t doc, struct arena *a, struct datum *out);
    /* FORMAT EXPAND: *out: all that the field's path finds in the document (datum_json), if it is one. NULL: it is not asked for. */
    void (*expand)(void *ctx, uint32_t doc, const struct aggregate_field *f, struct arena *a, struct datum *out);
};

struct aggregate_conf {
    struct hash_key hash;  /* a secret: groups are found by it */
    uint64_t seed;         /* RANDOM_SAMPLE */
    double now_s;
    size_t bytes_max;      /* of rows and groups that are kept */
    size_t rows_max;       /* rows that are kept or handed out */
};

struct aggregate;
struct aggregate *aggregate_new(const struct aggregate_conf *conf);
/* Before it runs: what comes out of documents is to be what the source's expand says. Steps see values as ever. */
void aggregate_set_expand(struct aggregate *g);
/* On any thread: it touches nothing but what is its own. O(rows that are kept). */
void aggregate_free(struct aggregate **g);

/* The step that begins at argv[*at], if one does: LOAD, GROUPBY, SORTBY, APPLY, FILTER, LIMIT. *at: behind it. Arguments are
 * copied. REFUSED: *error has the reply's text. */
enum aggregate_parsed { AGGREGATE_NO_STEP, AGGREGATE_STEP, AGGREGATE_REFUSED };
enum aggregate_parsed aggregate_parse(struct aggregate *g, size_t argc, const struct str *argv, size_t *at, struct buf *error);

/* A column that every row has, by its name in the source (a distance, __score); it is read before the first step. */
bool aggregate_add_column(struct aggregate *g, struct str name, struct buf *error);

/* All steps are there: look up their names. src is borrowed until g is freed or aggregate_detach. */
bool aggregate_compile(struct aggregate *g, const struct aggregate_source *src, struct buf *error);

/* Go on until deadline (us, monotonic). FAILED: *error has the reply's text. */
enum aggregate_state { AGGREGATE_MORE, AGGREGATE_DONE, AGGREGATE_FAILED };
enum aggregate_state aggregate_run(struct aggregate *g, int64_t deadline_us, struct buf *error);

/* --- what came out ---------------------------------------------------------------------------------------------- */

struct aggregate_row {
    const struct datum *values;
    uint32_t n;     /* columns behind are null */
    uint32_t doc;   /* UINT32_MAX: it is a group's */
};

/* Leave out rows whose documents are gone (none_gone: it is known that there are none), and forget the source: what is left may be
 * handed out later. */
void aggregate_detach(struct aggregate *g, bool none_gone);

size_t aggregate_rows(const struct aggregate *g);
struct aggregate_row aggregate_row(const struct aggregate *g, size_t i);

/* How many rows there would be without the last LIMIT or MAX. */
uint64_t aggregate_total(const struct aggregate *g);

size_t aggregate_columns(const struct aggregate *g);
struct str aggregate_column(const struct aggregate *g, size_t i);

/* Is null a value to tell (rows of groups), or is nothing there (documents)? */
bool aggregate_tells_null(const struct aggregate *g);

bool aggregate_expands(const struct aggregate *g);

size_t aggregate_memory(const struct aggregate *g);

#endif
