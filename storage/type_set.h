/* type_set.h -- sets: SADD, SPOP, SINTER and their like on (database, key).
 *
 * Reading opens the set of a key as a struct set, on which the reading functions of set.h work; no
 * caller need know its form. Changing is one function for each kind of change, which tells it. */
#ifndef MEMD_STORAGE_TYPE_SET_H
#define MEMD_STORAGE_TYPE_SET_H

#include "storage/db.h"
#include "storage/set.h"

extern const struct type_ops set_type_ops;

/* Open the set at key for reading: valid until the store changes. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE set_read(struct db *db, struct str key, struct set *s);

/* Open the sets at n keys; absent ones get ptr NULL. ERR_WRONG_TYPE. */
enum err MUST_USE set_read_all(struct db *db, const struct str *keys, size_t n, struct set *sets);

/* Add n members; *added counts those that were not there. ERR_WRONG_TYPE. */
enum err MUST_USE set_key_add(struct db *db, struct str key, const struct str *members, size_t n,
                              size_t *added);

/* Remove n members; *removed counts those that were there. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE set_key_remove(struct db *db, struct str key, const struct str *members, size_t n,
                                 size_t *removed);

/* Take up to n random members out and give each to fn, whose text is good for the call. ERR_NO_KEY,
 * ERR_WRONG_TYPE. */
enum err MUST_USE set_key_pop(struct db *db, struct str key, size_t n,
                              void (*fn)(void *ctx, struct str member), void *ctx);

/* Move member from one set to another. ERR_NO_KEY (no such set), ERR_NOT_DONE (no such member),
 * ERR_WRONG_TYPE (of either). */
enum err MUST_USE set_key_move(struct db *db, struct str from, struct str to, struct str member);

/* Put `result`, which is taken over, at key in the place of all that was there, told as kind; an
 * empty one removes the key. Its size is returned. */
size_t set_key_store_take(struct db *db, struct str key, struct set *result, enum change_kind kind);

/* An entry for key that holds s, which it takes over; db_add it. For loading. */
struct entry *set_entry_take(struct set *s, struct str key, int64_t expire_ms);

#endif
