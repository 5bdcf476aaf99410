/* facts.h -- figures that INFO and MEMORY both tell. */
#ifndef MEMD_SERVER_FACTS_H
#define MEMD_SERVER_FACTS_H

#include "base/mem.h"
#include "server/server.h"

struct facts_memory {
    size_t used, peak, startup, rss, system;
    size_t counted;   /* against maxmemory */
    size_t overhead;  /* all but keys and values: tables, clients, buffers */
    size_t dataset;   /* used less overhead */
    size_t tables, clients, persistence, archive; /* with startup the parts of overhead */
    size_t aof_buffer, keys;
    struct mem_stats allocator;
};
void facts_memory(struct server *s, struct facts_memory *m);

const char *facts_executable(const struct server *s);
const char *facts_allocator(void);
size_t facts_timeouts(const struct server *s);
size_t facts_watched_keys(const struct server *s);

/* Mean of the TTLs of a few keys of a database, ms; 0: none has one. */
int64_t facts_mean_ttl(const struct server *s, int db);

/* Memory of a database's tables and expiry indexes. */
size_t facts_table_bytes(const struct server *s, int db);

#endif
