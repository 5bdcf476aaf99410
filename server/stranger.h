/* stranger.h -- connections that have yet to authenticate.
 *
 * While the default user needs a password, whoever connects is a stranger until AUTH or HELLO succeeds. A
 * stranger may cost little: a request of 10 arguments of 16 KiB at most (protocol/resp.h, batch.c), 24 KiB of
 * input, 8 KiB of replies that wait, 100 requests, auth-timeout seconds; all strangers together may
 * be a part of maxclients (maxclients-unauthenticated). The first excess closes the connection, with an error
 * that says why, and is counted in INFO.
 *
 * Too many strangers do not keep newcomers out: the oldest of them goes, if it has had a second. A client
 * that knows its password needs less than that, so a flood of strangers hurts strangers.
 *
 * They stand in one list, by the time since when they are strangers: no timer each. Who has authenticated once and
 * then sent RESET is one again, but keeps the buffers of a client. */
#ifndef MEMD_SERVER_STRANGER_H
#define MEMD_SERVER_STRANGER_H

#include "server/client.h"

enum {
    STRANGER_READ = 4096,        /* bytes that one read takes */
    STRANGER_IN = 24 * 1024,     /* of input that is not worked off; buffers grow by doubling, so 32 KiB are taken */
    STRANGER_OUT = 8 * 1024,     /* of replies that are not sent; 16 KiB are taken */
    STRANGER_REQUESTS = 100
};

/* True for one whose buffers must stay small. A single branch for everybody else. */
static inline bool client_is_stranger(const struct client *c)
{
    return UNLIKELY(!c->authenticated) && !c->known && client_needs_auth(c);
}

/* c has come, or has sent RESET. One who is a stranger already stays what he is. */
void stranger_begin(struct client *c);

/* c has authenticated, or goes. No stranger: nothing happens. */
void stranger_end(struct client *c);

/* Count a request of c, who has not authenticated. False: it was one too many, and c is about to be closed. */
bool stranger_may_ask(struct client *c);

/* Reply text, count the excess and close c when that is sent. */
void stranger_refuse(struct client *c, const char *text);

/* maxclients is reached: close the oldest stranger. False: none is there, or none has had its second. */
bool stranger_gives_way(struct server *s);

/* Close those whose time is over, and the oldest while there are too many: called ten times a second. */
void strangers_tend(struct server *s);

/* How many there are. */
size_t strangers_count(const struct server *s);

/* Lines of INFO clients and INFO stats. */
void strangers_info_clients(const struct server *s, struct buf *b);
void strangers_info_stats(const struct server *s, struct buf *b);

#endif
