/* stream_edit.h -- changing a stream, for type_stream.c and for who makes one from outside. Nothing is told,
 * no pre-image kept: that is type_stream.c's. */
#ifndef MEMD_STORAGE_STREAM_EDIT_H
#define MEMD_STORAGE_STREAM_EDIT_H

#include "storage/stream_map.h"
#include "storage/type_stream.h"

/* A record of stream.blocks. */
struct stream_block {
    struct stream_id id; /* the master: of the first entry that was added to it */
    unsigned char *lp;
};

/* A record of stream_group.pending; the consumer's own map has the ID alone. */
struct stream_nack {
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t deliveries;
    struct stream_consumer *consumer;
};

struct stream_consumer {
    int64_t seen_ms, active_ms;
    struct stream_map pending;
    size_t name_n;
    char name[];
};

struct stream_group {
    struct stream_id last;
    int64_t entries_read;
    struct stream_map pending;
    struct stream_consumer **consumers; /* in order of names */
    size_t n_consumers, cap_consumers;
    /* Where in its block the entry behind `last` begins, or will: reading on need not search for it. Good
     * while epoch is the stream's and last is mark_last. */
    uint64_t epoch;
    struct stream_id mark_last, mark_block;
    uint32_t mark_at;
    size_t name_n;
    char name[];
};

struct stream {
    struct stream_map blocks;
    uint64_t length, added;
    struct stream_id first, last, max_deleted;
    struct stream_group **groups; /* in order of names */
    size_t n_groups, cap_groups;
    uint64_t epoch; /* counts what moves entries within a block or removes one */
    size_t mem;     /* of all that hangs on it: blocks, maps, groups, consumers */
};

struct stream *stream_new(void);
void stream_free(struct stream **s);
struct stream *stream_dup(const struct stream *s);

/* --- entries (stream.c) ----------------------------------------------------------------------- */

/* Append an entry whose ID is above s->last. ERR_XADD_TOO_LARGE. */
enum err MUST_USE stream_append(struct stream *s, const struct store_conf *conf, struct stream_id id,
                                const struct str *pairs, size_t n);

uint64_t stream_trim(struct stream *s, const struct stream_trim *t);

/* How many, the oldest, it would remove. */
uint64_t stream_trim_count(const struct stream *s, const struct stream_trim *t);

/* False: it is not there. */
bool stream_delete(struct stream *s, struct stream_id id);

/* Start a walk upwards behind what g has delivered, and remember where one that has come to it stands. */
void stream_iter_resume(struct stream_iter *it, const struct stream *s, const struct stream_group *g);
void stream_iter_mark(const struct stream_iter *it, struct stream_group *g);

/* --- groups (stream_group.c) ------------------------------------------------------------------ */

/* NULL: there is one of that name. */
struct stream_group *stream_make_group(struct stream *s, struct str name, struct stream_id last,
                                       int64_t entries_read);
void stream_drop_group(struct stream *s, struct stream_group *g);
struct stream_consumer *stream_make_consumer(struct stream_group *g, struct str name, int64_t now_ms);
void stream_drop_consumer(struct stream_group *g, struct stream_consumer *c);
void stream_free_groups(struct stream *s);
void stream_dup_groups(struct stream *to, const struct stream *s);

static inline struct stream_nack *stream_nack(const struct stream_group *g, struct stream_id id)
{
    return stream_map_find(&g->pending, id);
}

/* Make id pending for c, from whomever; the record's other fields are the caller's to set. */
struct stream_nack *stream_give(struct stream_group *g, struct stream_consumer *c, struct stream_id id);

/* No longer pending; false: it was not. */
bool stream_settle(struct stream_group *g, struct stream_id id);

/* Has an entry at or above id been deleted, of those the stream still reaches back to? */
bool stream_deleted_from(const struct stream *s, struct stream_id id);

/* The read counter of an ID, by what is known of the entries before it; STREAM_READ_UNKNOWN. */
int64_t stream_count_up_to(const struct stream *s, struct stream_id id);

/* g has been given the entry: move `last` and count. */
void stream_advance(const struct stream *s, struct stream_group *g, struct stream_id id);

/* --- from and to outside ---------------------------------------------------------------------- */

/* Add a block of outside bytes behind those that are there, copied. Why it cannot be; NULL: done. */
const char *stream_add_block(struct stream *s, struct stream_id id, struct str bytes);

/* The counts of the blocks: call when all are there. */
void stream_count_blocks(struct stream *s);

/* The block behind b, whose place is *at; the first when b is NULL; NULL: there is none. */
const struct stream_block *stream_next_block(const struct stream *s, struct stream_pos *at,
                                             const struct stream_block *b);

/* --- type_ops --------------------------------------------------------------------------------- */

void stream_free_value(enum value_enc enc, void *ptr);
size_t stream_free_effort(enum value_enc enc, const void *ptr);
void *stream_dup_value(struct store *st, enum value_enc enc, const void *ptr);
struct dup_place;
bool stream_dup_some(struct store *st, const void *ptr, void **to, struct dup_place *at, size_t n);
size_t stream_value_bytes(enum value_enc enc, const void *ptr, size_t samples);
size_t stream_weight(enum value_enc enc, const void *ptr);

void stream_check(const struct stream *s);
void stream_group_check(const struct stream_group *g);

#endif
