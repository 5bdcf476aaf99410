/* type_vset.h -- operations on the vector set at a key. */
#ifndef MEMD_STORAGE_TYPE_VSET_H
#define MEMD_STORAGE_TYPE_VSET_H

#include "storage/db.h"
#include "storage/vset.h"

extern const struct type_ops vset_type_ops;

/* The set at key. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE vset_read(struct db *db, struct str key, const struct vset **s);

/* The same to change it. ERR_NO_KEY: slot is ready for vset_key_add. */
enum err MUST_USE vset_find_write(struct db *db, struct str key, struct slot *slot, struct vset **s);

/* Put a new set, which is not empty, where slot found none. */
void vset_key_add(struct slot *slot, struct vset *s);

/* Take an element out, and the key when it was the last. ERR_NOT_DONE: there is none. */
enum err MUST_USE vset_key_remove(struct db *db, struct str key, struct str name);

struct entry *vset_entry_take(struct vset **s, struct str key, int64_t expire_ms);

#endif
