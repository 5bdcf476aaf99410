/* user_limit.h -- what one user may take of the daemon: requests a second, and connections.
 *
 * The setting user-limits holds them, not the rules of ACL: those are Redis's, and are moved between servers. What a
 * user's data may take is said by a namespace's quota, what his connections hold by the limits of all clients.
 *
 * Requests are counted by second of the monotonic clock; one too many is refused before it runs, and what a script
 * calls is not counted. AUTH, HELLO, RESET and QUIT are free. Connections are counted when they authenticate. */
#ifndef MEMD_SERVER_USER_LIMIT_H
#define MEMD_SERVER_USER_LIMIT_H

#include "server/client.h"

/* A part of struct acl_user. */
struct user_load {
    uint64_t looked;  /* server->user_limits.version when the two below were looked up */
    uint64_t requests_max, connections_max; /* 0: no limit */
    int64_t second;
    uint64_t requests;   /* in that second */
    size_t connections;
};

/* The setting has changed. */
void user_limits_apply(struct server *s);

/* Why c's request is refused, in room[256]; NULL: it is not. Only when there are limits. */
const char *user_limit_refusal(struct client *c, char *room);

/* May c become u? */
bool user_limit_may_connect(struct client *c, struct acl_user *u);

/* c, which is authenticated, is its user now, or is no longer. */
void user_limit_enter(struct client *c);
void user_limit_leave(struct client *c);

/* Lines of INFO stats. */
void user_limits_info(const struct server *s, struct buf *b);

#endif
