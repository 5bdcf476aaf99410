/* batch.h -- from bytes that have been read to requests that run.
 *
 * All complete requests of all clients are parsed and run in batches; the keys of a batch are on their
 * way to the cache before its first request runs. Requests of one client run in their order. */
#ifndef MEMD_SERVER_BATCH_H
#define MEMD_SERVER_BATCH_H

#include <stdbool.h>

struct client;
struct server;

/* Run what has been read: all of it, or as much as one turn may take. That one who has had his share goes on is for the
 * caller to let him, when the others' replies are sent (batch_run_more). */
void batch_run(struct server *s);

/* Has anybody been served a moment ago who does not ask for much? While there are such, those who do get little at once. */
bool batch_has_others(const struct server *s);

/* Are there those who have had their share, and want more? */
bool batch_has_more(const struct server *s);

/* The first of them, of whom there must be one, has another share: a small one, when there were others a moment ago. */
void batch_run_more(struct server *s);

/* c is held back no longer (CLIENT PAUSE, a slow disk); harmless when it was not. */
void batch_unpause(struct client *c);

/* Put back what is parsed and stands behind the request that runs. */
void batch_give_back(struct server *s);

#endif
