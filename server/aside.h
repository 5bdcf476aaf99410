/* aside.h -- commands that take long and need nothing but documents run on a thread beside the reactor.
 *
 * JSON.* on long texts (commands/json_docs.h). The client is parked (server/block.h) and the request waits for its turn: one runs
 * at a time, in the order in which they came, so that those that change one document do not undo each other's work. When it has
 * run, the request is called again, and what was prepared becomes its effect and its reply if the documents are still the same;
 * else it runs anew, the third time in one piece. In transactions and scripts nothing goes aside. */
#ifndef MEMD_SERVER_ASIDE_H
#define MEMD_SERVER_ASIDE_H

#include "server/client.h"

struct asides;

/* For struct call_host (commands/command.h). */
enum err MUST_USE aside_go(struct call *c);
bool aside_been(struct call *c, enum err *e);

/* Between turns (between.h): who has been aside is called again, and the next one goes. */
void asides_turn(struct server *s, int64_t deadline_us);
bool asides_are_due(const struct server *s);

/* Waits for the one that runs. Not before its client is gone. */
void asides_free(struct asides **a);

#endif
