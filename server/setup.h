/* setup.h -- building a server and taking it down. */
#ifndef MEMD_SERVER_SETUP_H
#define MEMD_SERVER_SETUP_H

#include "server/server.h"

/* Make everything but the data and the sockets (listen_open): store, data directory. False: it is in the log why not; call
 * server_close all the same. conf and log stay the caller's. */
bool server_open(struct server *s, struct conf *conf, struct log *log);

/* Load the data; clients are told -LOADING meanwhile. */
bool server_load(struct server *s);

void server_close(struct server *s);

#endif
