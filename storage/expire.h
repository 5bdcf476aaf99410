/* expire.h -- records in the wheels of shards; the public face is store_expire_some in store.h. */
#ifndef MEMD_STORAGE_EXPIRE_H
#define MEMD_STORAGE_EXPIRE_H

#include "storage/store.h"

/* Record the time of e, an entry of sh with this hash. */
void expire_record(struct store *s, struct shard *sh, uint64_t hash, struct entry *e);

#endif
