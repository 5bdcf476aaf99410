/* notify.h -- keyspace notifications: the store's changes as messages on channels. */
#ifndef MEMD_SERVER_NOTIFY_H
#define MEMD_SERVER_NOTIFY_H

#include "server/server.h"

/* Publish ch on __keyspace@<db>__:<key> and __keyevent@<db>__:<event>, as far as the setting
 * notify-keyspace-events asks for its class. */
void notify_on_change(struct server *s, const struct change *ch);

#endif
