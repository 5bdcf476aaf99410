/* churn.h -- random changes of every kind to values of all types, for tests of what goes on meanwhile. */
#ifndef MEMD_TESTS_CHURN_H
#define MEMD_TESTS_CHURN_H

#include "base/rng.h"
#include "storage/store.h"

enum { CHURN_DBS = 2, CHURN_KEYS = 4 }; /* databases used, and keys of each type in each */

struct churn {
    struct store *store;
    struct rng *rng;
    unsigned size; /* elements, about, of the values that are made */
};

/* Some of the changes, by the type that they are made for; 1 << type. CHURN_NAMES: keys go, come, are
 * renamed, copied, moved and expire. */
enum { CHURN_NAMES = 1 << VALUE_TYPES, CHURN_ALL = 2 * CHURN_NAMES - 1 };

/* Make all keys of the kinds anew. */
void churn_fill(struct churn *c, unsigned kinds);

/* n changes. */
void churn_some(struct churn *c, unsigned kinds, size_t n);

#endif
