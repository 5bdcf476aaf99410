/* transfer.h -- snapshots for clients that ask for one (SYNC after REPLCONF rdb-only 1).
 *
 * What redis-cli --rdb and backup tools do: they say that they want a snapshot and no stream of changes
 * after it, get an RDB file as a bulk, and the connection ends.
 *
 *   transfer_begin -> waits (a newline a second) -> persist_export's file -> chunk by chunk -> closed
 *
 * The file is written by the forkless snapshot and has no name any more when it is sent, so that a crash
 * leaves nothing behind. Everybody who waits when a snapshot begins gets the same one. A client is sent one
 * chunk in a turn, when it has taken the one before; one that takes nothing for TRANSFER_TIMEOUT_MS is
 * closed. */
#ifndef MEMD_SERVER_TRANSFER_H
#define MEMD_SERVER_TRANSFER_H

#include "server/client.h"

enum { TRANSFER_TIMEOUT_MS = 60000 };

/* c gets a snapshot of all data, taken after now, and is closed then. */
void transfer_begin(struct client *c);

/* Everything in c's buffer has been sent: go on in the next turn, or close c after the last byte. */
void transfer_sent(struct client *c);

/* c is being closed. */
void transfer_drop(struct client *c);

/* Fill the buffers of those that have taken what they were sent. True: there is more to do at once. */
bool transfers_turn(struct server *s);

/* About once a second: tell those who wait that they are not forgotten, close those that take nothing. */
void transfers_tend(struct server *s);

#endif
