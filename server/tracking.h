/* tracking.h -- client-side caching: who may hold which keys, and telling them when those change.
 *
 * A client that tracks is remembered with each key it reads, until the key changes or its name is
 * pushed out of the table (tracking-table-max-keys): then it is sent one `invalidate` message and
 * forgotten for that key. With BCAST nothing is remembered but prefixes; the names that changed below
 * them go out together at the end of a turn. As in Redis, names are those of all databases alike. */
#ifndef MEMD_SERVER_TRACKING_H
#define MEMD_SERVER_TRACKING_H

#include "server/client.h"

struct tracking_table;

enum tracking_flag {
    TRACKING_BCAST = 1,
    TRACKING_OPTIN = 2,
    TRACKING_OPTOUT = 4,
    TRACKING_NOLOOP = 8,    /* not of its own changes */
    TRACKING_CACHING = 16,  /* CLIENT CACHING was given for the next command */
    TRACKING_BROKEN = 32    /* the client that messages were to go to is gone */
};

/* What a client's tracking is like; client->tracking, NULL: it does not track. */
struct tracking {
    unsigned flags;
    uint64_t redirect;    /* id of the client that gets the messages; 0: itself */
    struct link prefixes; /* struct follower, by name; BCAST alone */
};

/* A client's place among those who follow a prefix. */
struct follower {
    struct link of_client, of_prefix;
    struct client *client;
    struct prefix *prefix;
};

struct prefix {
    struct link all, followers;
    struct table *changed; /* names that changed in this turn -> id of the client that did it (ENC_INT) */
    struct str name;       /* in the same allocation */
};

struct tracking_table *tracking_new(struct server *s);
void tracking_free(struct tracking_table **t);

/* Begin to track, or change how: flags and redirect replace what was, prefixes are added to those that
 * are there. With BCAST and no prefix at all every key is followed. */
void tracking_start(struct client *c, unsigned flags, uint64_t redirect, const struct str *prefixes, size_t n);

/* c tracks no more. */
void tracking_stop(struct client *c);

/* c, which tracks, has run a command that reads: remember its keys. */
void tracking_remember(struct client *c, const struct command *cmd, size_t argc, const struct str *argv);

/* A request of c, which tracks, is answered: what CLIENT CACHING asked for is over. */
void tracking_answered(struct client *c);

/* The store changed. Need not be told when nobody listens: nobody tracks, and of those who did no key is
 * left (one who tracks again must not hear of what was read before and has changed since). */
bool tracking_listens(const struct server *s);
void tracking_on_change(struct server *s, const struct change *ch);

/* Send what has come together for prefixes: at the end of a turn. */
void tracking_turn_end(struct server *s);

/* After tracking-table-max-keys was lowered: forget some keys, true when there are more than that still. */
bool tracking_shrink(struct server *s);

size_t tracking_clients(const struct server *s);
size_t tracking_keys(const struct server *s);
size_t tracking_items(const struct server *s); /* (key, client) pairs */
size_t tracking_prefixes(const struct server *s);

/* CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO (tracking_cmd.c). */
enum err run_tracking(struct call *c);
enum err run_caching(struct call *c);
enum err run_getredir(struct call *c);
enum err run_trackinginfo(struct call *c);

#endif
