/* sorting.h -- the elements of a list, a set or a sorted set in order, by themselves or by values under other keys: what SORT does, in as
 * many pieces as its caller likes.
 *
 * The elements are copied first. The order is total, so that what a replay of the log stores is the same: equals keep their places in a
 * list, and stand by their bytes where the source has no order. */
#ifndef MEMD_COMMANDS_SORTING_H
#define MEMD_COMMANDS_SORTING_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/sort_steps.h"
#include "protocol/reply.h"
#include "storage/db.h"

struct sorting_item;
union sorting_walk;
struct list;

/* Zeroed but for the first two parts. */
struct sorting {
    struct db *db;
    struct arena *arena; /* for all that is not in `key` and `scratch`; lives longer */
    /* what is asked for; by and get are borrowed */
    bool down, alpha, by_pattern, as_it_is;
    struct str by;
    int64_t offset, limit; /* limit < 0: none */
    struct str *get;
    size_t n_get;
    /* Others run between two pieces: other keys are looked at and nothing else, as they were at as_of_ms. */
    bool in_pieces;
    int64_t as_of_ms;
    bool drops; /* what had expired by then goes when it is looked at: the log has to say so before what is stored. Never within another's call */
    bool looks; /* what goes now does so because it has been looked at, long after its time */
    /* sorting.c's */
    enum { SORTING_LOADS, SORTING_WEIGHS, SORTING_SORTS, SORTING_DONE } phase;
    enum value_type type;
    union sorting_walk *walk;
    struct sorting_item *items, *other; /* other: where merging puts them; only in pieces */
    struct sort_steps sort;
    size_t count, n;                    /* elements to load, and loaded */
    size_t at;                          /* where the phase is */
    size_t first, n_out;                /* what comes out of the n */
    struct buf key, scratch;
    char number[NUM_TEXT_MAX];
};

/* How many elements are to be copied from e's value, of a type that can be sorted. `settles`: what comes of a set may not depend on the
 * order in which it lies. */
size_t sorting_count(struct sorting *s, const struct entry *e, bool settles);

/* Begin with the elements counted. ERR_OOM. */
enum err MUST_USE sorting_begin(struct sorting *s, const struct entry *e);

/* Do n little things. *ready: the order is found. ERR_SORT_SCORES. The source is looked at until phase is past SORTING_LOADS. */
enum err MUST_USE sorting_step(struct sorting *s, size_t n, bool *ready);

/* How many items come out, and how many replies that makes. */
size_t sorting_replies(const struct sorting *s);

/* n items from i on, within n_out: reply what is asked for of them, or push that to l. */
void sorting_reply(struct sorting *s, size_t i, size_t n, struct reply *out);
void sorting_push(struct sorting *s, size_t i, size_t n, struct list *l);

/* Does what is asked for look at e, another key? */
bool sorting_looks_at(const struct sorting *s, const struct entry *e);

/* Bytes held; about, as for elements. */
size_t sorting_bytes(const struct sorting *s);

void sorting_fini(struct sorting *s);

#endif
