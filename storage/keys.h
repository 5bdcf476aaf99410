/* keys.h -- what can be done to a key whatever it holds. */
#ifndef MEMD_STORAGE_KEYS_H
#define MEMD_STORAGE_KEYS_H

#include "storage/db.h"

/* Remove key, told as CHANGE_DEL; false: it was not there. */
bool keys_delete(struct db *db, struct str key, bool lazy);

/* Give the value and TTL of `from` to `to`; what `to` held is gone. ERR_NO_SUCH_KEY; ERR_NOT_DONE:
 * `to` exists and only_new is set. The value is not copied. */
enum err MUST_USE keys_rename(struct db *db, struct str from, struct str to, bool only_new);

/* Copy value and TTL. ERR_NO_KEY: no source; ERR_NOT_DONE: the target exists and replace is not
 * set. The two must differ. */
enum err MUST_USE keys_copy(struct db *src, struct str from, struct db *dst, struct str to,
                            bool replace);

/* The same with a copy that is there already: *value, of the type and encoding of what `from` holds. It is taken where all goes
 * well, and then NULL. */
enum err MUST_USE keys_copy_made(struct db *src, struct str from, struct db *dst, struct str to, bool replace, void **value);

/* Move key to another database. ERR_NO_KEY, ERR_NOT_DONE (it exists there). */
enum err MUST_USE keys_move(struct db *src, struct str key, struct db *dst);

enum expire_condition {
    EXPIRE_NX = 1, /* only when there is no TTL */
    EXPIRE_XX = 2, /* only when there is one */
    EXPIRE_GT = 4, /* only when the new time is later; no TTL counts as for ever */
    EXPIRE_LT = 8  /* only when it is earlier */
};

/* Set the time at which key is gone. A time that has passed removes it at once (told as
 * CHANGE_DEL) and sets *removed. ERR_NO_KEY, ERR_NOT_DONE (a condition). */
enum err MUST_USE keys_expire(struct db *db, struct str key, int64_t at_ms, unsigned conditions,
                              bool *removed);

/* Remove the TTL. ERR_NO_KEY, ERR_NOT_DONE (there is none). */
enum err MUST_USE keys_persist(struct db *db, struct str key);

/* TYPE's name for a type. */
const char *value_type_name(enum value_type t);

/* The type of that name, VALUE_ANY when there is none. */
enum value_type value_type_of(struct str name);

#endif
