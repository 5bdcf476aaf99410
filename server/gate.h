/* gate.h -- which replies wait for the log, and for how much of it.
 *
 * The reply to a write waits until its bytes are as durable as appendfsync has it. With always, a reply waits
 * also for the writes that it may have seen, so that nobody is told what a power cut could take back:
 *
 *   a command on keys          the last writes to these keys
 *   whatever else tells of     all that was written before it: EXEC, scripts, SCAN, DBSIZE; messages to
 *   the data                   subscribers and monitors, invalidations
 *   what tells of no data      nothing (PING, CLIENT, INFO, WAITAOF, PUBLISH ...)
 *
 * While the log cannot be written, the second kind goes on as if there were no unsynced writes, since it would
 * wait for the disk's repair; what is told of a certain key (by a command, a keyspace event, an invalidation)
 * still waits, if the key has a write that is not synced.
 *
 * A namespace may ask for more or less (durability): with always the reply to a write of its keys waits for the sync,
 * whatever appendfsync says, and the sync is asked for at the end of the turn, one for all who wait; with everysec
 * and no, under appendfsync always, neither that reply waits nor whoever reads the key. A request that also wrote
 * elsewhere waits for all.
 *
 * Of the keys that share a few bits of their hash, the one written last is told apart; the others wait for each
 * other's writes. */
#ifndef MEMD_SERVER_GATE_H
#define MEMD_SERVER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct change;
struct client;
struct command;
struct gates;
struct server;

struct gates *gates_new(void);
void gates_free(struct gates **g);

/* The store has changed. This and gate_saw only where server->reads_wait. */
void gate_changed(struct server *s, const struct change *ch);

/* The request that c is answered for has changed something. */
void gate_wrote(struct client *c);

/* c's reply tells what this request has found. */
void gate_saw(struct client *c, const struct command *cmd, size_t argc, const struct str *argv);

/* c is told something that may come of any write so far; of_change: that comes of the change just made. */
void gate_told(struct client *c, bool of_change);

/* What was replied since the last time waits for what it must. Called before bytes leave. */
void gate_replies(struct client *c);

/* May some of what waits leave now? How many bytes of the output may? */
bool gate_is_open(const struct client *c);
size_t gate_sendable(struct client *c);

#endif
