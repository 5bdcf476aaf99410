/* set_algebra.h -- intersection, union and difference of open sets, member by member: who works it out may pause after each, as long as
 * the sets do not change.
 *
 * Sets with ptr NULL are empty. Nothing is built that need not be: each member of the result is found once, in no order. */
#ifndef MEMD_STORAGE_SET_ALGEBRA_H
#define MEMD_STORAGE_SET_ALGEBRA_H

#include "storage/set.h"

enum set_operation { SET_INTERSECT, SET_UNITE, SET_SUBTRACT /* from the first */ };

/* What is being worked out; belongs to set_algebra.c. */
struct set_algebra {
    enum set_operation op;
    struct set *sets;  /* walked and looked into: of the caller, reordered */
    size_t n;
    size_t i;          /* the set that is walked */
    bool walks;        /* it has been begun */
    struct set_iter it;
    struct set built;  /* the union of the sets from `builds` on, which takes their place when it is whole */
    size_t builds;
    bool building;
};

/* sets are the caller's, who keeps them as long as a. */
void set_algebra_begin(struct set_algebra *a, enum set_operation op, struct set *sets, size_t n);

/* Look at the next members, n at most; those in the result go to found: how many. They are borrowed as long as the sets do not change. */
enum { SET_FOUND = 32 };
size_t set_algebra_step(struct set_algebra *a, size_t n, struct listpack_item found[SET_FOUND]);

/* True: there are no more. */
static inline bool set_algebra_done(const struct set_algebra *a)
{
    return a->i >= a->n && !a->building;
}

/* Bytes held, and letting go of them. */
size_t set_algebra_bytes(const struct set_algebra *a);
void set_algebra_end(struct set_algebra *a);

/* The most looks that a member takes. */
size_t set_algebra_looks(const struct set_algebra *a);

/* A new, empty set to collect a result in: add with set_add_item. */
struct set set_result(struct store *s);

#endif
