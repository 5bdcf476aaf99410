/* type_stream.h -- streams: XADD, XTRIM, XREADGROUP, XCLAIM and their like on (database, key).
 *
 * Reading opens the stream of a key, on which the functions of stream.h work. Changing is one function
 * for each kind of change, which tells it. Time is store->now_ms.
 *
 * A journal must write what was done, not what was asked: functions whose outcome depends on the clock
 * or on how entries are packed give it back (struct stream_added, stream_trimmed, stream_read_done,
 * stream_claim_done, and the struct stream_pending that they give to fn), in the terms of the commands
 * that Redis writes for it: XADD with the ID and MAXLEN or MINID `=`, XCLAIM ... TIME ... RETRYCOUNT ...
 * FORCE JUSTID LASTID, XGROUP SETID, XGROUP CREATECONSUMER.
 *
 * Told beside the kinds with a name: CHANGE_XPENDING (no event, not seen by WATCH) for what is pending
 * in a group and its last ID: deliveries, acknowledgements, claims; once a call. A consumer that a call
 * makes on the way is told as CHANGE_XGROUP_CREATECONSUMER. A consumer's seen and active times alone are
 * no change and told to nobody.
 *
 * In all of them: ERR_NO_KEY (no such key), ERR_WRONG_TYPE; with a group ERR_NO_GROUP (the key is there
 * and has no such group). On any error nothing has changed. Names (key, group, consumer) must not lie in
 * the stream itself.
 *
 * What fn is given is good for the call alone; fn may not change the store. */
#ifndef MEMD_STORAGE_TYPE_STREAM_H
#define MEMD_STORAGE_TYPE_STREAM_H

#include "storage/db.h"
#include "storage/stream.h"

extern const struct type_ops stream_type_ops;

/* Open the stream at key for reading: valid until the store changes. */
enum err MUST_USE stream_read(struct db *db, struct str key, const struct stream **s);

/* --- entries ---------------------------------------------------------------------------------- */

enum stream_trim_by { STREAM_TRIM_MAXLEN, STREAM_TRIM_MINID };

struct stream_trim {
    enum stream_trim_by by;
    uint64_t max_len;        /* MAXLEN: leave this many */
    struct stream_id min_id; /* MINID: leave those from here on */
    bool whole_blocks;       /* `~`: remove whole blocks alone */
    uint64_t limit;          /* remove at most this many; 0: no limit. Redis allows it with `~` alone */
};

/* The limit of `~` without LIMIT: a hundred blocks. (None, 0, while loading.) */
uint64_t stream_trim_limit(const struct store *s);

/* How the stream stands after a trim; `MAXLEN = length` and `MINID = floor` lead to the same. */
struct stream_trimmed {
    uint64_t removed;
    uint64_t length;
    struct stream_id floor; /* first ID left; STREAM_ID_MAX when none is */
};

enum stream_add_id {
    STREAM_ADD_AUTO,     /* "*": by the clock */
    STREAM_ADD_AUTO_SEQ, /* "ms-*": id.ms is given */
    STREAM_ADD_GIVEN
};

struct stream_add {
    enum stream_add_id how;
    struct stream_id id;
    bool must_exist;               /* NOMKSTREAM: ERR_NO_KEY when the key is not there */
    const struct stream_trim *trim; /* done after adding; NULL: none */
};

struct stream_added {
    struct stream_id id;
    struct stream_trimmed trim; /* when add->trim was given */
};

/* Append an entry of n pairs (n >= 1): pairs[2i] is the field, pairs[2i + 1] the value. Makes the stream.
 * ERR_XADD_ZERO (0-0 was given; before the key is looked at), ERR_WRONG_TYPE, ERR_STREAM_EXHAUSTED,
 * ERR_XADD_SMALLER, ERR_XADD_TOO_LARGE. Told as CHANGE_XADD, then CHANGE_XTRIM when something went. */
enum err MUST_USE stream_key_add(struct db *db, struct str key, const struct stream_add *add,
                                 const struct str *pairs, size_t n, struct stream_added *done);

/* Told as CHANGE_XTRIM when something went. */
enum err MUST_USE stream_key_trim(struct db *db, struct str key, const struct stream_trim *t,
                                  struct stream_trimmed *done);

/* Delete entries; *deleted counts those that were there. Told as CHANGE_XDEL when it is not 0. */
enum err MUST_USE stream_key_delete(struct db *db, struct str key, const struct stream_id *ids, size_t n,
                                    uint64_t *deleted);

/* XSETID. added: entries_added, -1 leaves it; max_deleted: 0-0 leaves it. ERR_XSETID_MAX_DELETED (id is
 * below the max_deleted given; before the key is looked at), ERR_XSETID_DELETED, ERR_XSETID_SMALLER,
 * ERR_XSETID_ADDED. Told as CHANGE_XSETID. */
enum err MUST_USE stream_key_set_id(struct db *db, struct str key, struct stream_id id, int64_t added,
                                    struct stream_id max_deleted);

/* --- groups ----------------------------------------------------------------------------------- */

/* id NULL: the stream's last ID (`$`). `make`: MKSTREAM. entries_read: >= 0 or STREAM_READ_UNKNOWN.
 * ERR_GROUP_EXISTS. Told as CHANGE_XGROUP_CREATE. */
enum err MUST_USE stream_group_create(struct db *db, struct str key, struct str group,
                                      const struct stream_id *id, int64_t entries_read, bool make);

/* Told as CHANGE_XGROUP_DESTROY. */
enum err MUST_USE stream_group_destroy(struct db *db, struct str key, struct str group);

/* id NULL: `$`. Told as CHANGE_XGROUP_SETID. */
enum err MUST_USE stream_group_set_id(struct db *db, struct str key, struct str group,
                                      const struct stream_id *id, int64_t entries_read);

/* *made false: it was there. Told as CHANGE_XGROUP_CREATECONSUMER when made. */
enum err MUST_USE stream_consumer_create(struct db *db, struct str key, struct str group, struct str consumer,
                                         bool *made);

/* Remove a consumer with what is pending for it, counted in *pending (0 when there is no such consumer).
 * Told as CHANGE_XGROUP_DELCONSUMER when it was there. */
enum err MUST_USE stream_consumer_delete(struct db *db, struct str key, struct str group, struct str consumer,
                                         uint64_t *pending);

/* --- reading as a group ----------------------------------------------------------------------- */

/* What happened to one pending delivery. */
typedef void stream_told(void *ctx, const struct stream_pending *p, struct stream_iter *entry);

struct stream_read_done {
    uint64_t n;              /* entries given to fn */
    bool made_consumer;      /* journal: XGROUP CREATECONSUMER, when nothing else names the consumer */
    struct stream_id last;   /* the group's after the call: LASTID, XGROUP SETID */
    int64_t entries_read;    /* ... ENTRIESREAD */
};

/* XREADGROUP ... `>`: give up to count (0: all) entries behind the group's last ID to fn, in order, and
 * make them pending for consumer (not when no_ack) as delivered once, now; who held one before loses it.
 * Makes the consumer where there is none, and marks it seen, even when there is nothing to give: n is 0
 * then. Whether there is something can be asked before: stream_top is above the group's last. */
enum err MUST_USE stream_deliver(struct db *db, struct str key, struct str group, struct str consumer,
                                 uint64_t count, bool no_ack,
                                 void (*fn)(void *ctx, struct stream_iter *entry), void *ctx,
                                 struct stream_read_done *done);

/* XREADGROUP ... id: give up to count (0: all) of what is pending for consumer above `after` to fn: entry
 * is NULL when it is no longer in the stream, else the delivery is counted and p tells it as it is now.
 * Makes the consumer, and marks it seen. */
enum err MUST_USE stream_history(struct db *db, struct str key, struct str group, struct str consumer,
                                 struct stream_id after, uint64_t count,
                                 stream_told *fn, void *ctx, struct stream_read_done *done);

/* Acknowledge; *acked counts what was pending. */
enum err MUST_USE stream_ack(struct db *db, struct str key, struct str group, const struct stream_id *ids,
                             size_t n, uint64_t *acked);

struct stream_claim {
    int64_t min_idle_ms;   /* leave what was delivered more lately; <= 0: claim all */
    int64_t delivered_ms;  /* the new time of delivery, wall clock ms; -1 or one that is no past time: now */
    int64_t deliveries;    /* the new count; -1: one more, or the same when just_id */
    bool just_id;
    bool force;            /* make pending what is in the stream and is not pending */
    struct stream_id last; /* raise the group's last ID to this */
};

struct stream_claim_done {
    uint64_t n, gone;      /* claimed; dropped because their entry is no longer in the stream */
    bool made_consumer;
    bool raised;           /* how->last was above the group's: journal it when no claim tells it */
    struct stream_id last; /* the group's, and its entries_read, after the call */
    int64_t entries_read;
    struct stream_id next; /* stream_autoclaim: where to go on; 0-0: at the end */
};

/* XCLAIM. fn is given what has become consumer's, as it is now, with its entry; or with entry NULL what is
 * no longer pending, as it was, because its entry has gone: the journal writes an XCLAIM of either. */
enum err MUST_USE stream_claim(struct db *db, struct str key, struct str group, struct str consumer,
                               const struct stream_id *ids, size_t n, const struct stream_claim *how,
                                 stream_told *fn, void *ctx, struct stream_claim_done *done);

/* XAUTOCLAIM: the same for what is pending from `from` on, until count (>= 1) have been claimed or
 * dropped or ten times as many looked at. */
enum err MUST_USE stream_autoclaim(struct db *db, struct str key, struct str group, struct str consumer,
                                   struct stream_id from, uint64_t count, int64_t min_idle_ms, bool just_id,
                                 stream_told *fn, void *ctx, struct stream_claim_done *done);

/* --- making one from outside (loading, RESTORE) ----------------------------------------------- */

/* An entry for key that holds s, which it takes over; db_add it. */
struct entry *stream_entry_take(struct stream **s, struct str key, int64_t expire_ms);

#endif
