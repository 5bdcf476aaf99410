/* keys_walk.h -- KEYS over very many keys, in slices between turns.
 *
 * A walk meets every key that is there from its beginning to its end; one that comes, goes or is renamed meanwhile it may meet or not.
 * The client is parked (server/block.h) until its reply is whole. */
#ifndef MEMD_SERVER_KEYS_WALK_H
#define MEMD_SERVER_KEYS_WALK_H

#include "server/client.h"

/* The handler of KEYS pattern for those who may wait. */
enum err MUST_USE keys_walk(struct call *c);

/* Between turns (between.h): one of them goes on. */
void keys_walks_turn(struct server *s, int64_t deadline_us);
bool keys_walks_are_due(const struct server *s);

#endif
