/* stream.h -- a stream object: entries in order of their IDs, and the groups that read it.
 *
 * An entry is an ID and pairs of field and value. Entries lie in blocks (stream_block.h), which are
 * Redis's own to the byte, so that snapshots and DUMP copy them; a block holds up to
 * stream-node-max-entries entries or stream-node-max-bytes bytes. Deleting an entry marks it in its
 * block, which goes with its last entry. A stream may be empty: it stays, with its last ID.
 *
 * A group remembers up to which ID it has delivered, and which deliveries have not been acknowledged
 * (`pending`): to whom, when, and how many times. A pending delivery may outlive its entry.
 *
 * This header is for reading a stream that stream_read (type_stream.h) opened: the pointers and
 * texts it gives are valid until the store changes. No caller need know how anything is packed. */
#ifndef MEMD_STORAGE_STREAM_H
#define MEMD_STORAGE_STREAM_H

#include "base/num.h"
#include "storage/store.h"

/* --- IDs (stream_id.c) ------------------------------------------------------------------------ */

struct stream_id {
    uint64_t ms, seq;
};

#define STREAM_ID_MIN ((struct stream_id){ 0, 0 })
#define STREAM_ID_MAX ((struct stream_id){ UINT64_MAX, UINT64_MAX })

/* < 0, 0, > 0 */
static inline int stream_id_cmp(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    if (a.seq != b.seq) return a.seq < b.seq ? -1 : 1;
    return 0;
}

static inline bool stream_id_is_zero(struct stream_id id)
{
    return (id.ms | id.seq) == 0;
}

/* The ID behind or before *id; false, and *id as it was, when there is none. */
bool stream_id_next(struct stream_id *id);
bool stream_id_prev(struct stream_id *id);

/* "ms-seq"; the text lies in out. */
enum { STREAM_ID_TEXT_MAX = 56 };
struct str stream_id_text(struct stream_id id, char out[STREAM_ID_TEXT_MAX]);

/* What an ID in a request may look like beside "ms-seq" and "ms" (whose seq is missing_seq). */
enum stream_id_form {
    STREAM_ID_ENDS = 1,  /* "-" and "+": the smallest and the greatest */
    STREAM_ID_ANY_SEQ = 2 /* "ms-*": seq 0, and *any_seq true */
};

/* Parse one; false: it is none ("ERR Invalid stream ID specified as stream command argument"). Accepts
 * what Redis accepts, leading zeros too. any_seq may be NULL without STREAM_ID_ANY_SEQ. A leading "("
 * is the caller's to strip (then stream_id_next or _prev). */
bool stream_id_parse(struct str text, uint64_t missing_seq, unsigned forms, struct stream_id *id,
                     bool *any_seq);

/* --- the stream ------------------------------------------------------------------------------- */

struct stream;

struct stream_info {
    uint64_t length;              /* entries there now */
    struct stream_id first;       /* the first of them; 0-0 when empty */
    struct stream_id last;        /* the greatest ID ever given: `last-generated-id` */
    struct stream_id max_deleted; /* the greatest ID ever deleted by XDEL; 0-0: none */
    uint64_t added;               /* entries ever added: `entries-added` */
    size_t groups;
    size_t blocks;                /* `radix-tree-keys` */
};
struct stream_info stream_info(const struct stream *s);

/* What Redis would report as radix-tree-nodes for these blocks. O(blocks). */
size_t stream_radix_nodes(const struct stream *s);

/* The greatest ID of an entry that is there; false: the stream is empty. */
bool stream_top(const struct stream *s, struct stream_id *id);

/* A place among records in order of IDs (stream_map.h). */
struct stream_pos {
    uint32_t run, at;
};

/* --- entries ---------------------------------------------------------------------------------- */

/* A walk over the entries from one ID up to another, both included, upwards, or downwards from `to`:
 *
 *     stream_iter_start(&it, s, from, to, false);
 *     while (stream_next(&it))                       // it.id, it.n_fields
 *         while (stream_field(&it, &field, &value))  // it.n_fields times
 *
 * Fields need not be read, or not all. The texts lie in the block, those of integers in the iterator:
 * good until the next call on it. */
struct stream_iter {
    struct stream_id id;
    size_t n_fields;
    /* stream_read.c's: */
    const struct stream *s;
    struct stream_id from, to, master;
    struct stream_pos at;           /* the block's */
    size_t fields_left;
    bool down, started;
    const unsigned char *block;     /* NULL: between blocks */
    const unsigned char *entry;     /* this entry's flags */
    const unsigned char *p;         /* its next name or value; its end when none is left */
    const unsigned char *same;      /* the next of the master's names; NULL: the entry has its own */
    const unsigned char *names;     /* the master's names */
    size_t n_names;
    char field_scratch[NUM_TEXT_MAX], value_scratch[NUM_TEXT_MAX];
};
void stream_iter_start(struct stream_iter *it, const struct stream *s, struct stream_id from,
                       struct stream_id to, bool down);
bool stream_next(struct stream_iter *it);
bool stream_field(struct stream_iter *it, struct str *field, struct str *value);

/* Open one entry: as a walk on which stream_next has been called. False: it is not there. */
bool stream_find(struct stream_iter *it, const struct stream *s, struct stream_id id);

/* The same of one ID after another, ascending: it is zeroed before the first, and the stream does not change. Those of one block cost
 * one walk over it. */
bool stream_find_next(struct stream_iter *it, const struct stream *s, struct stream_id id);

/* Do thousands of entries, or a quarter of a megabyte, lie at and above id? O(1). */
bool stream_is_long_from(const struct stream *s, struct stream_id id);

/* --- groups ----------------------------------------------------------------------------------- */

struct stream_group;
struct stream_consumer;

/* By name, NULL when there is none; by place, in order of names, 0 .. info.groups - 1. */
const struct stream_group *stream_group(const struct stream *s, struct str name);
const struct stream_group *stream_group_at(const struct stream *s, size_t i);

enum { STREAM_READ_UNKNOWN = -1 };

struct stream_group_info {
    struct str name;
    struct stream_id last;   /* delivered up to here */
    int64_t entries_read;    /* STREAM_READ_UNKNOWN: reply null */
    bool lag_known;          /* else reply null */
    int64_t lag;             /* entries not delivered yet, by Redis's rules of estimation */
    size_t consumers;
    size_t pending;
};
struct stream_group_info stream_group_info(const struct stream *s, const struct stream_group *g);

const struct stream_consumer *stream_consumer(const struct stream_group *g, struct str name);
const struct stream_consumer *stream_consumer_at(const struct stream_group *g, size_t i);

struct stream_consumer_info {
    struct str name;
    int64_t seen_ms;   /* wall clock ms: tried to read or claim */
    int64_t active_ms; /* ... got something; -1: never */
    size_t pending;
};
struct stream_consumer_info stream_consumer_info(const struct stream_consumer *c);

/* --- pending deliveries ----------------------------------------------------------------------- */

struct stream_pending {
    struct stream_id id;
    struct str consumer;
    int64_t delivered_ms; /* wall clock ms of the last delivery */
    uint64_t deliveries;
};

/* A walk over what is pending in a group, of one consumer or (NULL) of all, in order of IDs, both ends
 * included:
 *
 *     stream_pending_start(&it, g, NULL, from, to);
 *     while (stream_pending_next(&it)) ... it.now */
struct stream_pending_iter {
    struct stream_pending now;
    /* stream_group.c's: */
    const struct stream_group *g;
    const struct stream_consumer *c;
    struct stream_id from, to;
    struct stream_pos at;
    bool started;
};
void stream_pending_start(struct stream_pending_iter *it, const struct stream_group *g,
                          const struct stream_consumer *c, struct stream_id from, struct stream_id to);
bool stream_pending_next(struct stream_pending_iter *it);

/* The smallest and the greatest ID pending in the group; false: none is. */
bool stream_pending_ends(const struct stream_group *g, struct stream_id *low, struct stream_id *high);

#endif
