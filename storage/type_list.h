/* type_list.h -- lists: operations on (database, key).
 *
 * A key's list is never empty: what removes the last element removes the key. Each function tells
 * the events that Redis tells, in its order (lpop then del; lmove: the push, then the pop). Element
 * arguments are copied. */
#ifndef MEMD_STORAGE_TYPE_LIST_H
#define MEMD_STORAGE_TYPE_LIST_H

#include "storage/db.h"
#include "storage/list.h"

extern const struct type_ops list_type_ops;

/* The list of an entry whose type is VALUE_LIST. */
static inline const struct list *lists_of(const struct entry *e)
{
    return entry_ptr(e);
}

/* The list at key, to be read. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE lists_read(struct db *db, struct str key, const struct list **l);

/* Elements start..stop by Redis's rules (negative: from the right) among n: false when there are
 * none, else both within 0..n-1. */
bool lists_range(int64_t *start, int64_t *stop, uint64_t n);

/* Element `index` (negative: from the right) among n: false when there is none. */
bool lists_index(int64_t index, uint64_t n, uint64_t *at);

/* Push v[0..n) one after the other at an end; an absent key is made, but for if_there, which gives
 * ERR_NO_KEY instead. Gives the new length. ERR_WRONG_TYPE. */
enum err MUST_USE lists_push(struct db *db, struct str key, enum list_end end, const struct str *v,
                             size_t n, bool if_there, uint64_t *count);

/* Take min(count, length) > 0 elements from an end. give is told the list while they are still in
 * it, and how many go. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE lists_pop(struct db *db, struct str key, enum list_end end, uint64_t count,
                            void (*give)(void *ctx, const struct list *l, uint64_t n), void *ctx);

/* The same for one element, which give is told. */
enum err MUST_USE lists_pop_one(struct db *db, struct str key, enum list_end end,
                                void (*give)(void *ctx, struct str v), void *ctx);

/* Replace an element. ERR_NO_KEY, ERR_WRONG_TYPE, ERR_INDEX_RANGE. */
enum err MUST_USE lists_set(struct db *db, struct str key, int64_t index, struct str v);

/* Put v beside the first element that equals pivot. Gives the new length. ERR_NO_KEY,
 * ERR_WRONG_TYPE, ERR_NOT_DONE: no such element. */
enum err MUST_USE lists_insert(struct db *db, struct str key, struct str pivot, bool after,
                               struct str v, uint64_t *count);

/* Remove elements that equal v: the first `count`, the last -count, or with 0 all. Gives how many.
 * ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE lists_remove(struct db *db, struct str key, int64_t count, struct str v,
                               uint64_t *removed);

/* Keep elements start..stop. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE lists_trim(struct db *db, struct str key, int64_t start, int64_t stop);

/* Take one element from an end of src and push it at an end of dst, which may be the same key. give
 * is told it first. ERR_NO_KEY: no src; ERR_WRONG_TYPE: either. */
enum err MUST_USE lists_move(struct db *db, struct str src, enum list_end from, struct str dst,
                             enum list_end to, void (*give)(void *ctx, struct str v), void *ctx);

/* Put *l, which is taken over, at key in the place of all that was there, told as kind; an empty one
 * removes the key (told as CHANGE_DEL when it was there). Its length is returned. */
uint64_t lists_store_take(struct db *db, struct str key, struct list **l, enum change_kind kind);

/* LPOS: call fn with the index of each element that equals v, from the rank-th (1: first from the
 * left, -1: first from the right), at most count (0: all) of them, looking at no more than maxlen
 * (0: all) elements. Returns how many there were. */
struct lists_search {
    struct str v;
    int64_t rank; /* not 0, not INT64_MIN */
    uint64_t count, maxlen;
};
uint64_t lists_find(const struct list *l, const struct lists_search *s,
                    void (*fn)(void *ctx, uint64_t index), void *ctx);

#endif
