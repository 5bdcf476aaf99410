/* expire.h -- records in the wheels of shards; the public face is store_expire_some in store.h. */
#ifndef MEMD_STORAGE_EXPIRE_H
#define MEMD_STORAGE_EXPIRE_H

#include "storage/store.h"

enum { EXPIRE_KEPT_MS = 1000 }; /* what is due and stays is looked at again so much later */

/* Tell on_overdue that e stays. */
void expire_tell_overdue(const struct db *db, const struct entry *e);

/* Record the time of e, an entry of sh with this hash. */
void expire_record(struct store *s, struct shard *sh, uint64_t hash, struct entry *e);

#endif
