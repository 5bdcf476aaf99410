/* type_hash.h -- hashes: HSET, HGET, HEXPIRE and their like on (database, key).
 *
 * Reading opens the hash of a key as a struct hash, on which the reading functions of hash.h work;
 * no caller need know its form. Changing is one function for each kind of change, which tells it.
 *
 * Field TTLs are exact, by the mechanism of keys: store->fields is a wheel whose record is the hash
 * of the key of a hash that has fields with a TTL; the hash itself knows which of them is due
 * first. A field that is due is removed (CHANGE_HEXPIRED names it) by the wheel within a turn of
 * its time, or by whoever opens the hash before; a hash that is left empty goes with it
 * (CHANGE_DEL). */
#ifndef MEMD_STORAGE_TYPE_HASH_H
#define MEMD_STORAGE_TYPE_HASH_H

#include "storage/db.h"
#include "storage/hash.h"

extern const struct type_ops hash_type_ops;

/* Open the hash at key for reading: valid until the store changes. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE hash_read(struct db *db, struct str key, struct hash *h);

enum hash_when { HASH_ALWAYS, HASH_IF_NONE_THERE, HASH_IF_ALL_THERE };

struct hash_set {
    enum hash_when when;
    int64_t ttl; /* of the fields that are set: wall clock ms, HASH_NO_TTL or HASH_KEEP_TTL. A time
                    that has passed removes them again (told as CHANGE_HSET, then _HDEL) */
};

/* Set n fields: pairs[2i] to pairs[2i + 1]. NULL opt: plainly, and no TTL after. *n_new counts
 * those that were not there. ERR_WRONG_TYPE, ERR_NOT_DONE (opt->when). */
enum err MUST_USE hash_set(struct db *db, struct str key, const struct str *pairs, size_t n,
                           const struct hash_set *opt, size_t *n_new);

/* Remove fields; *removed counts them. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE hash_remove(struct db *db, struct str key, const struct str *fields, size_t n,
                              size_t *removed);

/* Add to the integer in field (0 when absent); the field's TTL stays. ERR_WRONG_TYPE,
 * ERR_HASH_NOT_INT, ERR_OVERFLOW. */
enum err MUST_USE hash_incr(struct db *db, struct str key, struct str field, int64_t by,
                            int64_t *out);

/* The same for floating point: writes the new text to out (NUM_DOUBLE_TEXT_MAX bytes), its length
 * to *n. ERR_WRONG_TYPE, ERR_HASH_NOT_FLOAT, ERR_NAN_OR_INF. */
enum err MUST_USE hash_incr_float(struct db *db, struct str key, struct str field, long double by,
                                  char *out, size_t *n);

/* --- TTL of fields -----------------------------------------------------------------------------
 */

enum hash_ttl_if { HASH_TTL_ANY, HASH_TTL_NX, HASH_TTL_XX, HASH_TTL_GT, HASH_TTL_LT };

/* What became of a field, numbered as HEXPIRE and HPERSIST reply it. */
enum hash_ttl_result {
    HASH_NO_FIELD = -2,
    HASH_HAS_NO_TTL = -1, /* HPERSIST */
    HASH_TTL_NOT_MET = 0,
    HASH_TTL_DONE = 1,
    HASH_TTL_REMOVED = 2 /* the time has passed: the field is gone */
};

/* Make n fields expire at at_ms; result[i] tells what became of each. ERR_NO_KEY, ERR_WRONG_TYPE.
 */
enum err MUST_USE hash_expire(struct db *db, struct str key, const struct str *fields, size_t n,
                              int64_t at_ms, enum hash_ttl_if cond, int8_t *result);

/* Remove the TTL of n fields. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE hash_persist(struct db *db, struct str key, const struct str *fields, size_t n,
                               int8_t *result);

/* If field is due it is removed, and told as CHANGE_HEXPIRED; so may others be that are due. For whoever stores what he
 * makes of its not being there. */
void hash_expire_field(struct db *db, struct str key, struct str field);

/* --- making one from outside (loading, RESTORE) -------------------------------------------------
 */

/* An entry for key that holds h, which it takes over; db_add it. h is filled by hash_find and
 * hash_add. */
struct entry *hash_entry_take(struct hash *h, struct str key, int64_t expire_ms);

/* --- the clock ----------------------------------------------------------------------------------
 */

/* e has fields that are due: look at it again in the next round, even if it was put off. Else: nothing. */
void field_clock_hasten(struct store *s, const struct entry *e);

/* Remove fields that are due, about `max` steps of work; the steps done. Less than max: no more are
 * due. stays: none is removed, on_overdue is told which hashes have such. store_expire_some calls it. */
size_t field_clock_expire(struct store *s, size_t max, bool stays);
void field_clock_free(struct store *s);

/* Memory of its records. */
size_t field_clock_bytes(const struct store *s);

#endif
