/* s3fifo.h -- the scan-resistant policy behind the lru names (Yang et al., SOSP 2023).
 *
 * A new key is on probation in a small first-in first-out queue, a tenth of all keys. Who has
 * been used when its turn comes joins the main part, who has not is evicted and leaves a
 * fingerprint in a ghost table; a key that comes back while its ghost is there joins the main
 * part at once. So a scan of keys that nobody asks for again passes through the tenth and leaves
 * the rest alone.
 *
 * The queue holds hashes, 8 bytes a key on probation, and is not told of removals: a hash that
 * finds no key on probation is passed over. The main part has no queue: a clock hand walks the
 * buckets of all tables, takes one from the two-bit count of uses of each entry it meets, and
 * evicts those who have none left. Whoever joins the main part has one use to spend, for the hand
 * may be about to pass. Measured against queues that keep the exact order, this loses nothing
 * (tests/bench).
 *
 * Until the first eviction there is no queue, and every key is in the main part. */
#ifndef MEMD_STORAGE_S3FIFO_H
#define MEMD_STORAGE_S3FIFO_H

#include "storage/store.h"

struct s3fifo;

struct s3fifo *s3fifo_new(void);
void s3fifo_free(struct s3fifo **q);

/* A new key: on probation, or a member of the main part. */
void s3fifo_add(struct s3fifo *q, struct db *db, uint64_t hash, struct entry *e);

/* Two databases exchange their content. */
void s3fifo_swap(struct s3fifo *q, int a, int b);

/* Evict one key, one that has a TTL when only_ttl is set; false: none was found within a bounded
 * number of steps, which is no proof that there is none. */
bool s3fifo_evict(struct s3fifo *q, struct store *s, bool only_ttl);

#endif
