/* stream_args.h -- what the commands on streams have in common: ids, ranges and trimming among their
 * arguments, ids and entries in their replies and journals. */
#ifndef MEMD_COMMANDS_STREAM_ARGS_H
#define MEMD_COMMANDS_STREAM_ARGS_H

#include "commands/command.h"
#include "storage/type_stream.h"

/* --- ids ------------------------------------------------------------------------------------- */

/* Argument i as an id; one of the form "ms" gets seq 0. ERR_STREAM_ID. */
enum err MUST_USE stream_arg_id(const struct call *c, size_t i, struct stream_id *id);

/* n ids from argument i on, in the arena: all or none. */
enum err MUST_USE stream_arg_ids(const struct call *c, size_t i, size_t n, const struct stream_id **ids);

/* Argument i as the first or last id of a range, both of which belong to it: an id, "-", "+", or "(id"
 * for the one behind or before id. ERR_STREAM_ID, ERR_RANGE_START, ERR_RANGE_END. */
enum err MUST_USE stream_arg_start(const struct call *c, size_t i, struct stream_id *id);
enum err MUST_USE stream_arg_end(const struct call *c, size_t i, struct stream_id *id);

/* An id as an argument for the journal, from the arena. */
struct str call_stream_id(const struct call *c, struct stream_id id);

/* --- groups ---------------------------------------------------------------------------------- */

/* Reply that there is no such key or group; the code to return. XREADGROUP says so at more length, and
 * XGROUP and XINFO, for which the key is there, in other words. */
enum err MUST_USE call_no_group(struct call *c, struct str key, struct str group);
enum err MUST_USE call_no_group_read(struct call *c, struct str key, struct str group);
enum err MUST_USE call_no_group_for(struct call *c, struct str key, struct str group);

/* Deliveries that the journal must tell: what became of each, in the order in which it happened. In the
 * arena, zeroed at the start. */
struct stream_deliveries {
    struct stream_pending *list;
    size_t n, cap;
};
void stream_deliveries_add(const struct call *c, struct stream_deliveries *d, const struct stream_pending *p);

/* Write them as XCLAIMs that can be repeated, those that differ in their ids alone as one; last is the
 * group's last id. */
void journal_deliveries(const struct call *c, struct journal *j, struct str key, struct str group,
                        const struct stream_deliveries *d, struct stream_id last);

/* XGROUP SETID and XGROUP CREATECONSUMER, as they stand after the call. */
void journal_group_id(const struct call *c, struct journal *j, struct str key, struct str group, struct stream_id last,
                      int64_t entries_read);
void journal_consumer(struct journal *j, struct str key, struct str group, struct str consumer);

/* --- trimming -------------------------------------------------------------------------------- */

/* MAXLEN|MINID [=|~] threshold [LIMIT count], as XADD and XTRIM take it. */
struct stream_trim_args {
    struct stream_trim trim;
    bool given;
    bool limit_given;
    size_t threshold_at; /* its argument; with `~` the one before it is the `~` */
    size_t limit_at;     /* the word LIMIT, when limit_given */
};

/* Take the option at argument *i and leave *i at its last argument; *taken is false, and nothing else
 * changed, when there is none. t begins zeroed. */
enum err MUST_USE stream_trim_option(const struct call *c, size_t *i, struct stream_trim_args *t, bool *taken);

/* When all options are taken: do they go together? Sets the limit that holds where none was given. */
enum err MUST_USE stream_trim_finish(const struct call *c, struct stream_trim_args *t);

/* What `~` removed depends on how entries are packed: the log gets the request with an exact threshold
 * in its place. argv is a copy of the request's *argc arguments, which it changes. */
void stream_trim_exact(const struct call *c, const struct stream_trim_args *t, const struct stream_trimmed *done,
                       struct str *argv, size_t *argc);

/* --- replies --------------------------------------------------------------------------------- */

void reply_stream_id(struct reply *r, struct stream_id id);

/* [id, [field, value, ...]] of the entry on which a walk stands. */
void reply_stream_entry(struct reply *r, struct stream_iter *it);

/* All entries of a range, at most count (0: all), as an array. */
void reply_stream_range(struct reply *r, const struct stream *s, struct stream_id from, struct stream_id to, bool down,
                        uint64_t count);

/* The same for many, at most `most`, in slices (commands/read_job.h), behind what is written in head. The code for the handler to return. */
enum err MUST_USE stream_tell_entries(struct call *c, const struct stream *s, struct stream_id from, struct stream_id to, bool down,
                                      uint64_t most, struct str head);

#endif
