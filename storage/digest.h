/* digest.h -- a fingerprint of data, the same wherever and in whatever order it is held.
 *
 * Two stores with equal keys, values and TTLs have the same digest, whatever their encodings, hash seed
 * or history. Lists count in order, hashes and sets without. For tests (DEBUG DIGEST), not for
 * security. */
#ifndef MEMD_STORAGE_DIGEST_H
#define MEMD_STORAGE_DIGEST_H

#include "storage/store.h"

enum { DIGEST_BYTES = 20, DIGEST_TEXT = 2 * DIGEST_BYTES + 1 };

struct digest {
    uint64_t part[3];
};

/* Of all databases; zeros for an empty store. */
void digest_store(const struct store *s, struct digest *out);

/* Of one value, whatever its key. */
void digest_value(const struct store *s, const struct entry *e, struct digest *out);

/* As 40 hex digits and a NUL. */
void digest_text(const struct digest *d, char out[DIGEST_TEXT]);

#endif
