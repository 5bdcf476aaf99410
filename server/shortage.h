/* shortage.h -- the system has no more memory: what is done until it has.
 *
 * base/mem.h keeps a reserve for that. While a part of it is missing, commands that need memory are refused
 * with -OOM (dispatch_make_room says so), what can be spared is given back, and the log and INFO memory tell.
 * Requests, replies and values for which there is no memory are errors of those who asked. */
#ifndef MEMD_SERVER_SHORTAGE_H
#define MEMD_SERVER_SHORTAGE_H

struct client;
struct server;

/* Set the reserve aside. */
void shortage_open(struct server *s);

/* Called in every turn while mem_is_short(): try to be rid of that, ten times a second. */
void shortage_turn(struct server *s);

/* There was no memory for what of c's: it is closed, soon. */
void shortage_close(struct client *c, const char *what);

#endif
