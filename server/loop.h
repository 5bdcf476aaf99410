/* loop.h -- the turn of the reactor: the only user of libevent besides the sockets' own events.
 *
 * A turn: libevent says which sockets are ready and each is read once; then all complete requests of all
 * clients run (batch.h); then the log takes what changed, and each client with replies gets one send. */
#ifndef MEMD_SERVER_LOOP_H
#define MEMD_SERVER_LOOP_H

#include "server/server.h"

/* Bytes that one read takes at most, unless a request is known to be longer. */
enum { LOOP_READ = 32 * 1024 };

/* Make the event base, timers and signal handlers. */
void loop_open(struct server *s);
void loop_close(struct server *s);

/* Turn until s->stopping. */
void loop_run(struct server *s);

/* Turn once without waiting, while loading: accepts clients, answers what may be answered. */
void loop_turn_loading(struct server *s);

/* Read from a client that has sent something. */
void loop_on_readable(evutil_socket_t fd, short what, void *arg);

/* The callback of a client's read event: the same, or in a later turn if this one has read from as many as it may. */
void loop_on_ready(evutil_socket_t fd, short what, void *arg);

/* Read from those who were put off. True: from as many as a turn may, and who else is ready is not asked for yet: asking anew in
 * each turn, of thousands who are ready all the time, took a quarter of the time. */
bool loop_read_crowd(struct server *s);

/* Does c wait for nothing but room in memory, or for its next turn? Then it is not read from beyond LOOP_READ, and what it has
 * in its buffer is no fault of its own. While there are such the loop does not sleep. */
bool loop_owes_room(const struct client *c);

/* Send what is to be sent in this turn: replies, a few messages, and what the log has let go. */
void loop_send(struct server *s);

/* Read the clocks anew within a turn (after something slow). */
void loop_refresh_time(struct server *s);

/* What is due at the store's time leaves, for a slice of time; true: there is more. */
bool loop_expire(struct server *s);

/* Around a script or an EXEC, which see one time from beginning to end: what expires meanwhile is there till
 * the end, and what has the same TTL has the same time. A refresh in between comes after it. */
void loop_unit_begin(struct server *s);
void loop_unit_end(struct server *s);

/* Before the loop sleeps: what has a deadline must not wait for a slow tick. */
void loop_hurry_tick(struct server *s);

/* From any thread: make the loop turn soon. */
void loop_wake(void *server);

/* While a script is busy: turns that hear other clients, of whom few commands are run. Its caller is neither
 * read nor written to until the end, and what was parsed of others is parsed again. */
void loop_busy_begin(struct server *s, struct client *caller);
void loop_busy_turn(struct server *s);
void loop_busy_end(struct server *s, struct client *caller);

#endif
