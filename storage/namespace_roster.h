/* namespace_roster.h -- the hashes of some keys, for drawing one at random.
 *
 * A namespace of a hundred keys among ten millions must find its victims without a search through all. A roster is
 * a set of 64-bit hashes, open addressing, 8 bytes a place and at most three in four in use. Beyond a few thousand it is
 * split by hash into 256 such sets, so that the growth of none takes long. */
#ifndef MEMD_STORAGE_NAMESPACE_ROSTER_H
#define MEMD_STORAGE_NAMESPACE_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ns_roster;
struct rng;

struct ns_roster *roster_new(void);
void roster_free(struct ns_roster **r);

/* Add or remove; no matter whether it is there. 0 is never on it. */
void roster_add(struct ns_roster *r, uint64_t hash);
void roster_remove(struct ns_roster *r, uint64_t hash);

bool roster_has(const struct ns_roster *r, uint64_t hash);
size_t roster_count(const struct ns_roster *r);

/* One of them, about as likely as any other; 0: it is empty. */
uint64_t roster_draw(const struct ns_roster *r, struct rng *rng);

void roster_check(const struct ns_roster *r);

#endif
