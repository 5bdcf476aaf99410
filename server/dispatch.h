/* dispatch.h -- from a request to its handler.
 *
 * The checks are the same for every command and come from its row: known, arity, authenticated, not
 * loading, memory, disk, context (subscribed, in MULTI), paused. Then the handler runs, and what it
 * changed goes to the write log in the form that the row gives it. */
#ifndef MEMD_SERVER_DISPATCH_H
#define MEMD_SERVER_DISPATCH_H

#include "server/client.h"

enum dispatched {
    DISPATCH_DONE, /* replied, queued, or blocked */
    DISPATCH_HELD  /* not run: the client is paused, and keeps its request */
};

/* Run one request of c. ref is what registry_resolve said (NULL: unknown), and container too. argv
 * must stay valid for the call. */
enum dispatched dispatch(struct client *c, struct command_ref *ref, struct command_ref *container,
                         size_t argc, const struct str *argv);

/* Run a command that passed all checks: handler, log, statistics. Used by dispatch, EXEC and for
 * serving blocked clients. CALL_BLOCKED: nothing was replied, and *w says what it waits for (its keys
 * are in argv or the arena). Resets the arena unless blocked. */
enum err dispatch_call(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                       bool may_block, struct wait *w);

/* True when the command may not run for lack of memory, after eviction. */
bool dispatch_out_of_memory(struct server *s, uint32_t flags);

/* Connect the store's changes to log, WATCH and blocked clients: once, at start. */
void dispatch_subscribe(struct server *s);

/* Replay one command of the log. */
enum err dispatch_apply(void *server, size_t argc, const struct str *argv);

/* The last bytes of a reply in out, from mark on, are an error: count it by its code word. */
void dispatch_count_error(struct server *s, const struct buf *out, size_t mark);

#endif
