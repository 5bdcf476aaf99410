/* type_zset.h -- sorted sets: ZADD, ZREM, ZPOPMIN and their like on (database, key).
 *
 * Reading opens the sorted set of a key as a struct zset, on which the reading functions of zset.h
 * work; no caller need know its form. Changing is one function for each kind of change, which tells
 * it; the key goes with its last member. */
#ifndef MEMD_STORAGE_TYPE_ZSET_H
#define MEMD_STORAGE_TYPE_ZSET_H

#include "storage/db.h"
#include "storage/zset.h"

extern const struct type_ops zset_type_ops;

/* Open the sorted set at key for reading: valid until the store changes. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE zset_read(struct db *db, struct str key, struct zset *z);

struct zitem {
    struct str member;
    double score;
};

/* When a score is set, as the options of ZADD have it. */
enum zadd_flag {
    ZADD_NX = 1,   /* only what is not there */
    ZADD_XX = 2,   /* only what is there */
    ZADD_GT = 4,   /* of what is there, only to a greater score */
    ZADD_LT = 8,   /* ... to a less one */
    ZADD_INCR = 16 /* the score is added to the one there; told as CHANGE_ZINCR */
};

struct zadded {
    size_t added, updated; /* new members; members whose score changed */
    size_t processed;      /* items that the flags let through */
    double score;          /* of the last item let through */
};

/* Set the scores of n items. Nothing is changed and ERR_SCORE_NAN is returned when an increment makes no
 * number (inf - inf); n is 1 with ZADD_INCR. ERR_WRONG_TYPE. A key that is not there is made, unless
 * no item is let through. Told as CHANGE_ZADD or CHANGE_ZINCR when something changed. */
enum err MUST_USE zset_key_add(struct db *db, struct str key, const struct zitem *items, size_t n,
                               unsigned flags, struct zadded *done);

/* Remove n members; *removed counts those that were there. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE zset_key_remove(struct db *db, struct str key, const struct str *members, size_t n,
                                  size_t *removed);

/* Remove an interval of ranks (found on the set that zset_read opened), told as kind. ERR_NO_KEY,
 * ERR_WRONG_TYPE. */
enum err MUST_USE zset_key_remove_ranks(struct db *db, struct str key, struct zrange r,
                                        enum change_kind kind);

/* Take up to n members from the low end, or the high one, and give each to fn. Told as CHANGE_ZPOPMIN or
 * CHANGE_ZPOPMAX. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE zset_key_pop(struct db *db, struct str key, bool highest, size_t n,
                               void (*fn)(void *ctx, struct str member, double score), void *ctx);

/* Put `result`, which is taken over, at key in the place of all that was there, told as kind; an
 * empty one removes the key (told as CHANGE_DEL when it was there). Its size is returned. */
size_t zset_key_store_take(struct db *db, struct str key, struct zset *result, enum change_kind kind);

/* An entry for key that holds z, which it takes over; db_add it. For loading. */
struct entry *zset_entry_take(struct zset *z, struct str key, int64_t expire_ms);

#endif
