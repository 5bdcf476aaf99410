/* block.h -- clients that wait for a key.
 *
 * A handler that finds nothing asks to wait (call_block). The request is kept; when a key it waits for
 * gets a value of its type, the request runs again from the start, in the order in which clients came.
 * A request that finds nothing again keeps its place and its deadline. Readers of a group (XREADGROUP) are
 * also run again when the key goes or its type changes, to be told that their group is no more.
 * Serving happens after the command (or EXEC) that made the value is complete and logged. */
#ifndef MEMD_SERVER_BLOCK_H
#define MEMD_SERVER_BLOCK_H

#include "server/client.h"

/* Park c with its request. */
void block_client(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                  const struct wait *w);

/* c waits no longer (served, timed out, killed); its reply has been written. */
void block_end(struct client *c);

/* Serve all whose keys have become ready. */
void block_serve(struct server *s);

/* Run again what waits for the log to be synced, when it has been synced further. */
void block_serve_synced(struct server *s);

/* Answer those whose time is up. */
void block_expire(struct server *s);

/* The store changed: note keys that somebody waits for. */
void block_on_change(struct server *s, const struct change *ch);

/* CLIENT UNBLOCK: as a timeout, or with -UNBLOCKED. */
void block_cancel(struct client *c, bool with_error);

size_t block_keys(const struct server *s); /* keys that anybody waits for */
size_t block_keys_gone_too(const struct server *s); /* those of them whose waiters also hear when they go */
size_t block_bytes(const struct client *c); /* held by the request that c waits with */

#endif
