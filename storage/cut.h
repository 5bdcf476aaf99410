/* cut.h -- the snapshot in progress as the data types see it; its public face is in store.h.
 *
 * A value that is told in pieces is known here by the address of its object. Before such a value changes, its
 * type says what will change, so that the old state of that part is kept or told first. Tables (hashes and
 * sets), sorted sets and stream maps do that by themselves: they know their own cut.
 * Lists and strings have no room for that, and ask:
 *
 *     struct cut_value *cut = cut_value_of(store, object);   // NULL, nearly always
 *     if (cut != NULL) cut_list_..(cut, ..) */
#ifndef MEMD_STORAGE_CUT_H
#define MEMD_STORAGE_CUT_H

#include "storage/list.h"
#include "storage/store.h"

struct cut_value;

/* A table is about to go as a whole: a snapshot in progress can no longer be finished. */
void cut_break(struct store *s);

/* The value at this address, if the snapshot in progress has begun it and still has some of it to tell. */
struct cut_value *cut_find(const struct store_cut *c, const void *object);

static inline struct cut_value *cut_value_of(const struct store *s, const void *object)
{
    return LIKELY(s->cut == NULL) ? NULL : cut_find(s->cut, object);
}

/* The value's object has left its database and would be freed. True: the cut does that, when it has told it. False: it has a
 * reference of its own, and the caller gives back his. */
bool cut_take(struct cut_value *cut);

/* The value's object has moved. */
void cut_moved(struct cut_value *cut, void *to);

/* --- strings: bytes from .. to will be written over (cut_string.c) --------------------------------- */

void cut_string_write(struct cut_value *cut, size_t from, size_t to);

/* --- lists: before the change (cut_list.c) ---------------------------------------------------------- */

/* n elements are pushed at the left. Those pushed at the right are nobody's concern. */
void cut_list_push_left(struct cut_value *cut, uint64_t n);

/* n elements are dropped at an end. True: they have been, many at once, as the cut keeps them as they lie. */
bool cut_list_drop(struct cut_value *cut, enum list_end end, uint64_t n);

/* One is popped. */
void cut_list_will_pop(struct cut_value *cut, enum list_end end);

/* As list_set, list_insert and list_remove, which follow. */
void cut_list_set(struct cut_value *cut, uint64_t index);
void cut_list_insert(struct cut_value *cut, uint64_t index);
void cut_list_remove(struct cut_value *cut, struct str element, uint64_t max, enum list_end from);

#endif
