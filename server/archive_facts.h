/* archive_facts.h -- figures of the archive and of recalls: INFO's section and ARCHIVE.STATS, of one table. */
#ifndef MEMD_SERVER_ARCHIVE_FACTS_H
#define MEMD_SERVER_ARCHIVE_FACTS_H

#include "server/server.h"

/* Lines "name:value"; none while nothing has needed the archive. */
void archive_facts_info(const struct server *s, struct buf *out);

/* A map of the same names. */
void archive_facts_reply(const struct server *s, struct reply *out);

#endif
