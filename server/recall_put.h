/* recall_put.h -- a version of a key, back from the archive into the store. */
#ifndef MEMD_SERVER_RECALL_PUT_H
#define MEMD_SERVER_RECALL_PUT_H

#include "server/server.h"

/* When a key that comes back now expires: its own time, if that is still to come; else as its namespace has it, or
 * archive-recall-ttl. -1: never. */
int64_t recall_expires_at(struct server *s, struct str key, int64_t expires_ms);

/* Why nothing may come into memory now: the text of an error reply; NULL: it may. Evicts for a short time where memory is
 * above its limit. */
const char *recall_refusal(struct server *s, struct str key, size_t bytes);

/* Put it, in the place of one that is there, and log it as RESTORE; the note that it is not the archive's to recall any
 * more comes from departures.c, which hears of the new key. ERR_DUMP_PAYLOAD, ERR_DUMP_FORMAT: the payload is damaged, and
 * nothing has changed. */
enum err MUST_USE recall_put(struct server *s, int db, struct str key, struct str payload, int64_t expires_at);

/* The key has expired, but the archive has no room for it, so that it is in memory still: let it live on as one that
 * comes back does. False: there is no such key. *refusal: why not even that may be (the log cannot be written); NULL: done. */
bool recall_keep(struct server *s, int db, struct str key, const char **refusal);

#endif
