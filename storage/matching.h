/* matching.h -- the keys of a database that match a pattern, met in steps.
 *
 * Where they are in the order of their names (key_order.h) only those that begin as the pattern does are looked at, from the last one
 * on; else all, by a cursor over the table. Between two steps the database may change as it likes: a key that is there from the
 * first step to the last is met, one that comes or goes meanwhile may be. After an order has
 * been dropped the walk begins anew with the table, and keys are met again: a step that does nothing else says so in `anew`. */
#ifndef MEMD_STORAGE_MATCHING_H
#define MEMD_STORAGE_MATCHING_H

#include "base/buf.h"
#include "storage/db.h"

struct matching {
    struct str pattern;  /* borrowed */
    bool all;            /* it is "*" */
    bool ordered;
    bool anew;           /* the caller's to clear */
    uint64_t cursor;
    struct buf last;     /* ordered: the key that was met last */
};

/* pattern is borrowed until matching_fini. */
void matching_init(struct matching *m, struct db *db, struct str pattern);
void matching_fini(struct matching *m);

/* Look at about n keys more, and tell fn of those that match; it may not change the store. True: those were all. */
bool matching_step(struct matching *m, struct db *db, size_t n, void (*fn)(void *ctx, struct str key), void *ctx);

#endif
