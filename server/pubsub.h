/* pubsub.h -- channels, patterns and shard channels. */
#ifndef MEMD_SERVER_PUBSUB_H
#define MEMD_SERVER_PUBSUB_H

#include "server/client.h"

/* Deliver a message; the number of receivers. */
size_t pubsub_publish(struct server *s, struct str channel, struct str message, bool shard);

/* Leave all channels, without replies. */
void pubsub_drop(struct client *c);

/* True when c may only send the commands of a subscriber (RESP2). */
bool pubsub_limits(const struct client *c);

size_t pubsub_count(const struct client *c, char kind); /* 'c' channels, 'p' patterns, 's' shard ones */
/* True when fn is, of any name of a kind. */
bool pubsub_any(const struct client *c, char kind, bool (*fn)(void *ctx, struct str name), void *ctx);
size_t pubsub_bytes(const struct client *c);

extern const struct command pubsub_commands[];

#endif
