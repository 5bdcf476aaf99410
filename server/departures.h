/* departures.h -- what leaves the store, told to the archive as the namespaces' rules say.
 *
 * A departure and its effect (DEL, LTRIM ...) are one group of the log. The note comes first. */
#ifndef MEMD_SERVER_DEPARTURES_H
#define MEMD_SERVER_DEPARTURES_H

#include "persistence/archive.h"
#include "server/server.h"

/* Subscribe to what the store tells. Once, at start. */
void departures_subscribe(struct server *s);

/* The store changed: note what left, and which keys are not to be recalled any more. Called before the change's
 * effect goes to the log. */
void departures_on_change(struct server *s, const struct change *ch);

/* Archive e now, whatever the rules (ARCHIVE.PUT); live: it leaves memory (ARCHIVE.MOVE). False: there is no room. */
bool departures_put(struct server *s, int db, const struct entry *e, bool live);

/* A note without payload. Returns its number. */
uint64_t departures_tell(struct server *s, const struct archive_note *n);

/* May a key of about this weight leave now? What must not leave (the archive is full, and archive-on-full refuses)
 * stays in memory: eviction fails, expiry waits. */
bool departures_may_leave(struct server *s, const struct entry *e, unsigned how);

/* After the turn's bytes are in the log: what was noted has its offset; and what is synced may be committed. */
void departures_turn(struct server *s);

#endif
