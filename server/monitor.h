/* monitor.h -- MONITOR: clients that see every request. */
#ifndef MEMD_SERVER_MONITOR_H
#define MEMD_SERVER_MONITOR_H

#include "server/client.h"

void monitor_start(struct client *c);
void monitor_stop(struct client *c);

/* Tell all monitors of a request that has run. Secrets are left out. */
void monitor_feed(struct client *c, const struct command *cmd, size_t argc, const struct str *argv);

/* For a call that runs others: show it before what it runs, though its row says CMD_SKIP_MONITOR. */
void monitor_feed_first(const struct call *c);

#endif
