/* setup.h -- building a server and taking it down. */
#ifndef MEMD_SERVER_SETUP_H
#define MEMD_SERVER_SETUP_H

#include "server/server.h"

/* What a daemon has that the tools have not. All stay the caller's; any may be NULL. */
struct server_outside {
    const struct title *title;
    struct supervise *supervise;
    const struct origin *origin;
    struct privilege *privilege;
    struct inheritance *inherited;
};

/* Make everything but the data and the sockets (listen_open): store, data directory. False: it is in the log why not; call
 * server_close all the same. conf and log stay the caller's. */
bool server_open(struct server *s, struct conf *conf, struct log *log, const struct server_outside *outside);

/* Load the data; clients are told -LOADING meanwhile. */
bool server_load(struct server *s);

void server_close(struct server *s);

#endif
