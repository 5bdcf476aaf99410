/* listen.h -- listening sockets and accepting. */
#ifndef MEMD_SERVER_LISTEN_H
#define MEMD_SERVER_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

struct buf;
struct conf;
struct inheritance;
struct server;

/* Open all sockets that the settings name. Those that were passed (inherit.h) stand for them, kind by kind: TCP, TLS,
 * Unix. False: one could not be opened; it is in the log. An
 * address with a '-' before it may be missing on this machine. */
bool listen_open(struct server *s);
void listen_close(struct server *s);

/* While we are root, and will not be: sockets of ports that only root can have, put into in for listen_open. What cannot be
 * had is tried again there, and then said. */
void listen_before(const struct conf *conf, struct inheritance *in);

/* For RESTART: put copies of all sockets into in, before they are closed here. */
void listen_give(const struct server *s, struct inheritance *in);

/* Backlog and mode of what is open, as the settings say now. What was passed to memd is somebody else's. */
void listen_tune(struct server *s);

/* port, tls-port or bind have changed: close the TCP sockets and open those of the settings. Clients stay. False: one
 * could not be opened, and those that could are. */
bool listen_move(struct server *s);

/* A TCP socket that listens on an address as bind has it. False: it could not be had; it is in the log why. True with
 * *fd < 0: the address is optional ("-::1"), and not one of this machine. */
bool listen_socket(struct server *s, const char *address, int port, int backlog, int *fd);

/* Where an address as bind has it ("-::1", "*", a name) leads to, with port 0. Returns 0, or an error of getaddrinfo. */
int listen_find(const char *address, struct sockaddr_storage *a, socklen_t *n);

/* Could a socket be bound to that address and port? Port 0: is it an address of this machine? False: errno. */
bool listen_could(const struct sockaddr_storage *a, socklen_t n, int port);

/* Append what this daemon listens on, for check_listen: its TCP ports, with commas between them, and these words where
 * somebody else has opened the sockets of one kind. */
#define LISTEN_PASSED "passed"
#define LISTEN_PASSED_TLS "passed-tls"
void listen_ports(const struct server *s, struct buf *out);

/* Is the peer on this machine? Those of unix sockets are. */
bool listen_is_loopback(const struct sockaddr *a);

/* A descriptor or a place has become free: accept again if accepting was paused. */
void listen_resume(struct server *s);

/* Our side of a connection: "ip:port" ("[ip]:port" for IPv6), "path:0" for a unix socket. The caller frees it by
 * mem_free. */
char *listen_name(struct server *s, int fd, bool is_unix);

#endif
