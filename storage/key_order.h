/* key_order.h -- keys in order, where somebody asks for them by the beginning of their name (KEYS prefix*, SCAN MATCH prefix*).
 *
 * An order of all keys would cost every new key and some 30 bytes of it; most programs never ask. So it is made of those that are
 * asked for: when a prefix has been asked for twice within KEY_ORDER_REMEMBERED_MS, and the database is large enough for it to
 * matter, the keys that begin with its first part (up to and with the first ':' or '/'; all of it where there is none) are
 * gathered in slices between turns, while changes keep what is gathered true. From then on prefixes below that part cost what they
 * find. A part that nobody asked for during KEY_ORDER_REMEMBERED_MS is dropped; so is the one unused for longest when there are too
 * many, or when they take more than conf.key_order_bytes, or a sixteenth of maxmemory. FLUSH, SWAPDB and loading drop them too.
 *
 * Until the first part is made nothing is told of changes, and no key pays. */
#ifndef MEMD_STORAGE_KEY_ORDER_H
#define MEMD_STORAGE_KEY_ORDER_H

#include "storage/store.h"

enum {
    KEY_ORDER_PARTS = 16,
    KEY_ORDER_WORTH = 500,                /* keys of a database below which going through all is fast enough */
    KEY_ORDER_REMEMBERED_MS = 10 * 60 * 1000
};

/* Are the keys that begin with prefix in order? Asking is what it is made for: an answer of false is remembered. */
bool key_order_has(struct db *db, struct str prefix);

/* Tell the keys that begin with prefix, in order, from the one behind `behind` on (empty: the first), until fn returns false. Only
 * after key_order_has; fn may not change the store. */
void key_order_each(struct db *db, struct str prefix, struct str behind, bool (*fn)(void *ctx, const struct entry *e), void *ctx);

/* A cursor of SCAN for going on behind key, and back. Those that are in nobody's mind any more (there were
 * KEY_ORDER_PLACES others since) give false, and the walk begins anew in another order: keys are met twice, and none is missed. */
enum { KEY_ORDER_PLACES = 1024 };
uint64_t key_order_place(struct db *db, struct str key);
bool key_order_is_place(uint64_t cursor);
bool key_order_find_place(struct db *db, uint64_t cursor, struct str prefix, struct str *behind);

/* Between turns: gather what is in so many buckets of the table. True: more is to be done. */
bool key_order_step(struct store *s, size_t buckets);
bool key_order_is_due(const struct store *s);

/* From time to time: drop what is not used. */
void key_order_tend(struct store *s);

/* Drop everything; store_free does. */
void key_order_free(struct store *s);

size_t key_order_bytes(const struct store *s);

/* What is in order is what is in the databases. Slow. */
void key_order_check(const struct store *s);

#endif
