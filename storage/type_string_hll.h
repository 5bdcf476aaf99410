/* type_string_hll.h -- strings at keys as HyperLogLogs (hll.h).
 *
 * Every function gives ERR_WRONG_TYPE when a key is no string, ERR_NOT_HLL when the string is no
 * HyperLogLog, ERR_HLL_CORRUPT when it looks like one and makes no sense; nothing has changed then. An
 * absent key counts as an empty one. */
#ifndef MEMD_STORAGE_TYPE_STRING_HLL_H
#define MEMD_STORAGE_TYPE_STRING_HLL_H

#include "base/hll.h"
#include "storage/type_string.h"

/* Add elements; the key is made when absent. Told as CHANGE_PFADD when that changed anything, which
 * *changed says. */
enum err MUST_USE string_pfadd(struct db *db, struct str key, const struct str *elements, size_t n,
                               bool *changed);

/* The count of one. Written into its header, told as CHANGE_QUIET, unless it was there. */
enum err MUST_USE string_pfcount(struct db *db, struct str key, uint64_t *count);

/* The count of the union of several. Changes nothing. */
enum err MUST_USE string_pfcount_union(struct db *db, const struct str *keys, size_t n, uint64_t *count);

/* Merge n into the one at keys[0], which is made when absent. Told as CHANGE_PFADD. */
enum err MUST_USE string_pfmerge(struct db *db, const struct str *keys, size_t n);

/* Turn to the dense form; told as CHANGE_QUIET when it was sparse (*changed). ERR_NO_KEY. */
enum err MUST_USE string_pf_to_dense(struct db *db, struct str key, bool *changed);

/* The bytes, borrowed until the store changes. ERR_NO_KEY. */
enum err MUST_USE string_pf_read(struct db *db, struct str key, struct str *bytes);

#endif
