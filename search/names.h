/* names.h -- strings and their numbers: keys and docids, values of a TAG field.
 *
 * Numbers are small and dense. One that is given up is used again only when its owner says so (names_recycle): docids wait
 * for searches that know them. Strings are found by a keyed hash, since clients choose them; the table of hashes grows and
 * shrinks a few slots with each change, never all at once. */
#ifndef MEMD_SEARCH_NAMES_H
#define MEMD_SEARCH_NAMES_H

#include "base/hash.h"
#include "search/column.h"

#define NAMES_NONE UINT32_MAX /* no enum: those are ints */

struct names_map {
    uint64_t *slots; /* hash << 32 | number + 1; 0: free */
    size_t size;     /* a power of two, 0: there is none */
    size_t used;
};

struct names {
    struct hash_key key;
    struct column texts;  /* number -> what the string is kept in; NULL: the number is not in use */
    uint32_t n, end;      /* in use; numbers are below */
    uint32_t *free;       /* to be used again */
    uint32_t n_free, cap_free;
    struct names_map now, old; /* old: still to be moved, from slot `moved` on */
    size_t moved;
    size_t text_bytes;
};

void names_init(struct names *n);
void names_fini(struct names *n);

/* NAMES_NONE: it is not there. */
uint32_t names_find(const struct names *n, struct str s);

/* For many at once: while one is looked for memory brings the next. names_hash fetches the slot of s, names_guess tells the number
 * that stands there (NAMES_NONE: it is not s's), names_fetch fetches that number's string. */
uint32_t names_hash(const struct names *n, struct str s);
uint32_t names_guess(const struct names *n, uint32_t hash);
void names_fetch(const struct names *n, uint32_t id);

/* The number of s, which is made when there is none; *is_new says so. */
uint32_t names_add(struct names *n, struct str s, bool *is_new);

/* Give the number of a string up. names_recycle lets it be used again. */
void names_remove(struct names *n, uint32_t id);
void names_recycle(struct names *n, uint32_t id);

/* The string of a number; a NULL pointer: the number is not in use. */
struct str names_get(const struct names *n, uint32_t id);

size_t names_memory(const struct names *n); /* O(1) */

/* Invariants; slow. */
void names_check(const struct names *n);

#endif
