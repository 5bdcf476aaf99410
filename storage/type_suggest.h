/* type_suggest.h -- dictionaries of suggestions (suggest.h) at keys. */
#ifndef MEMD_STORAGE_TYPE_SUGGEST_H
#define MEMD_STORAGE_TYPE_SUGGEST_H

#include "storage/db.h"
#include "storage/suggest.h"

extern const struct type_ops suggest_type_ops;

/* Takes *d. */
struct entry *suggest_entry_take(struct suggestions **d, struct str key, int64_t expire_ms);

/* The dictionary at key. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE suggest_read(struct db *db, struct str key, const struct suggestions **d);

/* As suggestions_put, at a key that is made where there is none. *count: what the dictionary has then. ERR_WRONG_TYPE. */
enum err MUST_USE suggest_put(struct db *db, struct str key, struct str text, double score, bool add, struct str payload,
                              uint64_t *count);

/* As suggestions_remove; a dictionary of nothing goes. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE suggest_remove(struct db *db, struct str key, struct str text, bool *removed);

#endif
