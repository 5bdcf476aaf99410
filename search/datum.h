/* datum.h -- a value in a row of results: null, a number, text, or a list.
 *
 * Text and lists are borrowed, from an arena as a rule: what outlives a row is copied (datum_keep). Order and conversions are
 * RediSearch's, but that a text which is no number is compared with one as text where it refuses. */
#ifndef MEMD_SEARCH_DATUM_H
#define MEMD_SEARCH_DATUM_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"

enum datum_kind { DATUM_NULL, DATUM_NUMBER, DATUM_TEXT, DATUM_LIST };
enum { DATUM_NUMBER_MAX = 32 };

struct datum {
    enum datum_kind kind;
    uint32_t n;  /* LIST: items; TEXT: not 0 where it is JSON that is to be told as such (FORMAT EXPAND) */
    union {
        double number;
        struct str text;
        const struct datum *items; /* no list holds a list */
    } u;
};

static inline struct datum datum_number(double x)
{
    return (struct datum){ DATUM_NUMBER, 0, { .number = x } };
}

static inline struct datum datum_text(struct str s)
{
    return (struct datum){ DATUM_TEXT, 0, { .text = s } };
}

static inline struct datum datum_json(struct str s)
{
    return (struct datum){ DATUM_TEXT, 1, { .text = s } };
}

/* What counts as true: a number that is not 0, a text or a list that is not empty. */
bool datum_true(const struct datum *d);

/* The number that d is or that its text says. False: it is none. */
bool datum_to_number(const struct datum *d, double *out);

/* A number as replies have it, at out (DATUM_NUMBER_MAX bytes): whole ones with all digits, others with 12. */
size_t datum_number_text(char *out, double x);

/* Text, or a number's; that of a list is its first item's; null's is empty. Numbers are written to a. */
struct str datum_as_text(const struct datum *d, struct arena *a);

/* <0, 0, >0. Null comes first; a number and a text that says one are compared as numbers; of lists the first items count. */
int datum_compare(const struct datum *a, const struct datum *b);

/* The same value? Null is equal to null alone, a number to no text that says none. */
bool datum_equal(const struct datum *a, const struct datum *b);

/* Equal for the same value of the same kind; not so for a number and its text. */
uint64_t datum_hash(const struct datum *d, const struct hash_key *k);

/* Copies of n values with their texts and items: in the arena, or (a NULL) in one piece that mem_free frees. *bytes: grows by what they
 * take; may be NULL. */
struct datum *datum_keep(const struct datum *d, size_t n, struct arena *a, size_t *bytes);

#endif
