/* restart.h -- RESTART: become the program anew, after an upgrade say, without refusing a connection.
 *
 *   1. The program that lies where ours was started from is asked whether it would start with our arguments and
 *      environment (memd --check-start). If not, the reason is the reply, and nothing has changed.
 *   2. All is saved as by SHUTDOWN. If that fails memd goes on, unless FORCE.
 *   3. Clients are let go, the archive is committed, the log closed. Listening sockets stay open, and who connects from
 *      now on waits in their queues; the data directory stays locked.
 *   4. execve: the same process, with the same arguments and environment. Settings are those of the file and the
 *      arguments; what CONFIG SET has changed is lost unless CONFIG REWRITE has kept it.
 *   5. If that fails all the same, this program loads the data again and serves on.
 * The new one finds sockets and lock by inherit.h. */
#ifndef MEMD_SERVER_RESTART_H
#define MEMD_SERVER_RESTART_H

#include <stdbool.h>

struct conf;
struct inheritance;
struct origin;
struct server;

enum { RESTART_WHY = 512 };

/* What memd was started with: copies of all, and the program's path, which an upgrade does not change. */
struct origin *origin_new(char **argv, char **env);
void origin_free(struct origin **o);

/* "" where it cannot be told. */
const char *origin_program(const struct origin *o);

#define RESTART_CHECK "--check-start="

/* memd --check-start=PORTS, in the new program: would a server start with these settings, in the place of one that listens on
 * these ports (listen_ports)? False: it is on stderr why not. The process is of no other use: it may have become the user
 * of run-as. */
bool restart_would_start(const struct conf *conf, const char *ports);

/* Steps 1 and 2; the loop then ends with s->restarting. False: why[RESTART_WHY] is the text of an error reply without
 * its code, and memd goes on. Blocks for as long as the check takes, twenty seconds at most, and the save. save and force
 * as in server_shutdown. */
bool restart_begin(struct server *s, int save, bool force, char *why);

/* Hand sockets and lock over to in, before server_close. */
void restart_give(const struct server *s, struct inheritance *in);

/* Step 4. Returns only when it has failed: why[RESTART_WHY] says so, and in is there to be used again. */
void restart_now(const struct origin *o, struct inheritance *in, char *why);

#endif
