/* dispatch.h -- from a request to its handler.
 *
 * The checks are the same for every command and come from its row: known, arity, authenticated, not
 * loading, memory, disk, context (subscribed, in MULTI), paused. Then the handler runs, and what it
 * changed goes to the write log in the form that the row gives it. Those who are refused are in dispatch_refuse.c, what
 * the store tells of a change in dispatch_change.c. */
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

/* Reply text as the reason why c's request does not run (an error with its code); a transaction is spoilt. */
void dispatch_refuse(struct client *c, struct command_ref *ref, const char *text);

/* The same for a command that there is not; container, if not NULL, is the one whose subcommand it would be. Who speaks
 * HTTP is sent away. */
void dispatch_refuse_unknown(struct client *c, struct command_ref *container, size_t argc, const struct str *argv);

/* Run a command that passed all checks: handler, log, statistics. Used by dispatch, EXEC and for
 * serving blocked clients. CALL_BLOCKED: nothing was replied, and *w says what it waits for (its keys
 * are in argv or the arena). Resets the arena unless blocked; the reply may be followed by
 * dispatch_answered. */
enum err dispatch_call(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                       bool may_block, struct wait *w);

/* The reply to a request of c is complete, from mark of its output on: drop it when CLIENT REPLY says so,
 * and let the messages follow that the request caused for c itself. */
void dispatch_answered(struct client *c, size_t mark);

/* Only the latter, when it was not answered after all. */
void dispatch_messages(struct client *c);

/* Count a call that took us microseconds, in all statistics. */
void dispatch_account(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                      int64_t us, bool failed);

enum memory { MEMORY_FINE, MEMORY_EVICTING, MEMORY_OUT };

/* Evict for a short time when memory is above maxmemory. MEMORY_EVICTING: that was not long enough, the cron
 * goes on, and s->memory_excess tells whether requests wait for it; MEMORY_OUT: there is nothing to evict. */
enum memory dispatch_make_room(struct server *s);

/* Eviction is far behind (s->memory_excess): then also those wait who bring little. */
bool dispatch_room_lags(const struct server *s);

/* Is there memory for what a request of many bytes leads to: a value, and a record of the log? */
bool dispatch_fits(size_t argc, const struct str *argv);

/* Why nothing may be written now: the disk, or that there are fewer replicas than min-replicas-to-write asks
 * for (memd has none). flags: the command's; while the disk is full, some that take no space may. NULL: it may. */
const char *dispatch_write_refusal(const struct server *s, uint32_t flags);

/* Connect the store's changes to log, WATCH and blocked clients: once, at start. */
void dispatch_subscribe(struct server *s);

/* Replay one command of the log. On error *why may be set to what was replied: good until the next. */
enum err dispatch_apply(void *server, size_t argc, const struct str *argv, struct str *why);

/* The last bytes of a reply in out, from mark on, are an error: count it by its code word. */
void dispatch_count_error(struct server *s, const struct buf *out, size_t mark);

#endif
