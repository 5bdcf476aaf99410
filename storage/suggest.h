/* suggest.h -- a dictionary of suggestions: texts with scores, found by how they begin.
 *
 * Texts in the order of their folded form (text/words.h), in leaves of up to 64 under one array. Leaves and texts are
 * shared by count and never changed while somebody else has them: a copy of the whole, and a snapshot in progress, take the array
 * alone, and who changes a leaf that others have makes one of his own. Counts are atomic, since what is freed may be freed
 * by another thread. */
#ifndef MEMD_STORAGE_SUGGEST_H
#define MEMD_STORAGE_SUGGEST_H

#include <stdint.h>

#include "base/str.h"

enum { SUGGESTION_MAX = 512, SUGGESTION_LEAF = 64 };

struct suggestion {
    _Atomic uint32_t users;
    float score;
    uint32_t n_payload;
    uint16_t n_folded, n;
    char bytes[]; /* folded, text, payload */
};

static inline struct str suggestion_folded(const struct suggestion *g)
{
    return str_of(g->bytes, g->n_folded);
}
static inline struct str suggestion_text(const struct suggestion *g)
{
    return str_of(g->bytes + g->n_folded, g->n);
}
static inline struct str suggestion_payload(const struct suggestion *g)
{
    return str_of(g->bytes + g->n_folded + g->n, g->n_payload);
}

struct suggest_leaf {
    _Atomic uint32_t users;
    uint32_t n;
    float best;        /* no score in it is higher, */
    uint32_t shortest; /* and no text shorter, in characters */
    struct suggestion *item[SUGGESTION_LEAF];
};

struct suggestions {
    struct suggest_leaf **leaf;
    size_t n, cap;  /* leaves */
    uint64_t count;
    size_t bytes;   /* of all that hangs on this struct, shared or not */
};

struct suggestions *suggestions_new(void);
void suggestions_free(struct suggestions **s);
struct suggestions *suggestions_copy(const struct suggestions *s);

/* Put a text of 1 to SUGGESTION_MAX bytes. It gets the score, or has it added; a payload is replaced by one that is not empty.
 * True: it is new. */
bool suggestions_put(struct suggestions *s, struct str text, double score, bool add, struct str payload);
bool suggestions_remove(struct suggestions *s, struct str text);

/* All of them, in order: i counts leaves, k texts. NULL: the end. */
const struct suggestion *suggestions_next(const struct suggestions *s, size_t *i, size_t *k);

/* --- asking (suggest_find.c) --------------------------------------------------------------------------------------- */

struct suggest_hit {
    const struct suggestion *suggestion; /* until the next change */
    float score;
    uint32_t order; /* among equals: the lower first */
};

/* The best that begin with prefix (fuzzy: with something that is one edit away from it), best first, scored as RediSearch does:
 * what is longer than the prefix counts less, so does what is not it. At most max of them. s may not change meanwhile, and prefix is
 * borrowed until the end. */
struct suggest_search;
struct suggest_search *suggest_search_new(const struct suggestions *s, struct str prefix, bool fuzzy, size_t max);
/* Look at about n suggestions. True: those were all. */
bool suggest_search_step(struct suggest_search *x, size_t n);
/* What was found, once it is done, best first; until x is freed or s changes. */
const struct suggest_hit *suggest_search_hits(const struct suggest_search *x, size_t *n);
void suggest_search_free(struct suggest_search *x);
size_t suggest_search_bytes(const struct suggest_search *x);

/* --- for suggest_find.c -------------------------------------------------------------------------------------------------- */

uint32_t suggest_characters(struct str text);

/* --- for snapshots --------------------------------------------------------------------------------------------------- */

void suggest_leaf_hold(struct suggest_leaf *l);
void suggest_leaf_drop(struct suggest_leaf *l);

/* Where text is, or belongs; for suggest_find.c. folded decides first. */
void suggestions_place(const struct suggestions *s, struct str folded, struct str text, size_t *i, size_t *k);

/* Invariants; slow. */
void suggestions_check(const struct suggestions *s);

#endif
