/* ping.h -- memd --ping: is a server answering? For health checks. */
#ifndef MEMD_SERVER_PING_H
#define MEMD_SERVER_PING_H

/* Options: --host, --port, --unixsocket, --password; --tls with --cacert, --cert, --key, --insecure. Defaults from
 * MEMD_PORT (MEMD_TLS_PORT) and the password variables. Returns the exit code: 0 when the server answered PING. */
int ping_main(int argc, char **argv, char **env);

#endif
