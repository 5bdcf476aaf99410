/* hash_edit.h -- changing the hash at a key: what type_hash.c and type_hash_ttl.c share.
 *
 *     open, find, hash_add/put/drop ..., tell, close
 *
 * Open looks the key up for writing and removes what is due (some, when it is very many); find does
 * so for the field at hand. A hash that was made new gets its key with the first tell; one that is
 * left empty loses it at close. */
#ifndef MEMD_STORAGE_HASH_EDIT_H
#define MEMD_STORAGE_HASH_EDIT_H

#include "storage/db.h"
#include "storage/hash.h"

struct hash_edit {
    struct slot slot;
    struct hash h;
    int64_t due_at; /* what the clock knows */
    bool is_new;    /* not in the database yet */
    bool told;      /* of a change other than of expiry */
};

/* OK, ERR_WRONG_TYPE; ERR_NO_KEY when there is none and it is not to be made. Close after OK alone.
 */
enum err MUST_USE hash_edit_open(struct db *db, struct str key, bool make, struct hash_edit *ed);

/* hash_find that sees no field that is due. */
bool hash_edit_find(struct hash_edit *ed, struct str field, struct hash_place *at);

void hash_edit_tell(struct hash_edit *ed, enum change_kind kind);

/* As hash_edit_tell, for an event that comes with another of the same change. */
void hash_edit_tell_too(struct hash_edit *ed, enum change_kind kind);

void hash_edit_close(struct hash_edit *ed);

/* Remove up to max fields that are due; the number. */
size_t hash_edit_expire(struct hash_edit *ed, size_t max);

/* Have the clock of s call at at_ms for the hash at the key of this hash (of its name). */
void field_clock_push(struct store *s, uint64_t key_hash, int64_t at_ms);

/* Make the clock, when there is none yet, so that it hears of new keys. */
void field_clock_start(struct store *s);

#endif
