/* check_listen.h -- could memd listen where the settings say? For --check-config, and before a RESTART. */
#ifndef MEMD_SERVER_CHECK_LISTEN_H
#define MEMD_SERVER_CHECK_LISTEN_H

#include <stdbool.h>

struct buf;
struct conf;

/* Append a line to report for each address that cannot be listened on: one that is nowhere or not of this machine, or that
 * two settings want; and one when there is nowhere to listen. Each begins with path. True: there is none.
 *
 * ours: NULL, or the ports of the daemon that asks (listen_ports): other ports must be free, and it listens already. A name in bind is looked up,
 * which takes as long as the system's resolver does. No socket listens at any time. */
bool check_listen(const struct conf *conf, const char *path, const char *ours, struct buf *report);

#endif
