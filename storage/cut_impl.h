/* cut_impl.h -- the inside of a snapshot in progress; for cut*.c alone. */
#ifndef MEMD_STORAGE_CUT_IMPL_H
#define MEMD_STORAGE_CUT_IMPL_H

#include "storage/cut.h"
#include "storage/cut_piece.h"
#include "storage/zset.h"

/* How values of a type are told in pieces. */
struct cut_kind {
    /* Is the value of e worth it? Cheap. */
    bool (*is_large)(const struct store_cut *c, const struct entry *e);
    void (*begin)(struct cut_value *v);
    /* Tell the next piece or few; false: there is none left. */
    bool (*step)(struct cut_value *v);
    /* Forget all state, told or not. */
    void (*end)(struct cut_value *v);
};
extern const struct cut_kind cut_string, cut_list, cut_table, cut_zset, cut_stream, cut_suggest, cut_vset;

/* Is a table of members worth it? */
bool cut_table_is_large(const struct store_cut *c, const struct table *t);

/* A string: `at` bytes of n have been told; chunks that were written over since are kept. */
struct cut_string_state {
    size_t n, at;
    char **kept; /* NULL, or one for each chunk of the string */
};

/* A dictionary of suggestions: its leaves from `at` on are held. */
struct cut_suggest_state {
    struct suggest_leaf **leaf;
    size_t n, at;
};

struct cut_value {
    struct cut_value *next;
    struct store_cut *cut;
    enum value_type type;
    enum value_enc enc;
    void *object;
    bool held;   /* by a reference of the cut's own: keys may share it */
    bool owned;  /* it has left its database */
    bool turned; /* its turn has come */
    size_t owned_bytes; /* about what the object takes, when it is owned */
    size_t kept_bytes;  /* of copies, and of parts that were taken over */
    void *to;    /* the sink's */
    union {
        struct cut_string_state string;
        struct cut_list_state *list;
        struct table_cut table;
        struct zset_cut zset;
        struct cut_stream_state *stream;
        struct cut_suggest_state suggest;
    };
};

struct cut_part;

struct store_cut {
    struct store *store;
    struct cut_sink sink;
    uint32_t epoch;
    size_t large_elements, large_bytes; /* more than this is told in pieces */
    int64_t start_ms; /* what was due by then is not part of the data */
    bool all;         /* nothing expires: the store is loading */
    bool broken;
    struct cut_value *first, **end; /* values in pieces, in order of their turns */
    struct table values;            /* the same by address */
    size_t kept_bytes;              /* of all values, owned ones included */
    size_t at, n;
    struct cut_part *parts;
};

static inline void cut_tell(struct cut_value *v, const struct cut_piece *p)
{
    v->cut->sink.piece(v->cut->sink.ctx, v->to, p);
}

/* n bytes are kept of what the value was, or no longer. */
static inline void cut_keeps(struct cut_value *v, size_t n)
{
    v->kept_bytes += n;
    v->cut->kept_bytes += n;
}
static inline void cut_keeps_no_more(struct cut_value *v, size_t n)
{
    v->kept_bytes -= n;
    v->cut->kept_bytes -= n;
}

/* What is about enough for a step, and for a chunk that is copied. */
static inline size_t cut_step_bytes(const struct store_cut *c)
{
    enum { PIECES = 16 };
    return c->large_bytes / PIECES;
}
static inline size_t cut_step_elements(const struct store_cut *c)
{
    enum { PIECES = 4 };
    return c->large_elements / PIECES;
}

#endif
