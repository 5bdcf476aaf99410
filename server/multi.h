/* multi.h -- MULTI, EXEC and WATCH. */
#ifndef MEMD_SERVER_MULTI_H
#define MEMD_SERVER_MULTI_H

#include "server/client.h"

/* Queue a request of a client in MULTI. */
void multi_queue(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv);

/* Leave MULTI, drop what was queued, and stop watching. */
void multi_discard(struct client *c);

/* Stop watching. */
void multi_unwatch(struct client *c);

/* The store changed: mark the clients that watch what it was. */
void multi_on_change(struct server *s, const struct change *ch);

/* Memory held by queued requests and watched keys. */
size_t multi_bytes(const struct client *c);
size_t multi_queued(const struct client *c);
size_t multi_watched(const struct client *c);

void multi_each_queued(const struct client *c, void (*fn)(void *ctx, const struct request *r), void *ctx);

/* The flags of all queued commands together. */
uint32_t multi_flags(const struct client *c);

bool multi_is_exec(const struct command *cmd);

/* True for a command that MULTI queues. */
bool multi_queues(const struct command *cmd);

extern const struct command multi_commands[];

#endif
