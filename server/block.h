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

/* A wait for something that is no key: for the archive's answer (archive_wait.c), for keys that come out of it
 * (recall.c). It is asked for by wait.parking, and wait.parked is what the functions are given. */
struct parking {
    /* c waits no longer, for whatever reason: free parked. */
    void (*leave)(struct client *c, void *parked);
    /* Its time is up, or CLIENT UNBLOCK says so: answer c (block_answer), or see to it that it is soon. NULL: what c waits for is its own
     * work, which has no time limit; CLIENT UNBLOCK says 0, as for one that does not wait, unless it is to be an error. */
    void (*time_up)(struct client *c, void *parked);
    size_t (*bytes)(const void *parked);
    /* The request lies elsewhere from now on; may be NULL. */
    void (*kept)(void *parked, const struct str *argv);
};

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

/* For those who are parked. Answer with a reply that is ready, or with an error ("CODE text"); the wait ends. */
void block_answer(struct client *c, struct str reply);
/* The same with one that came in pieces, and its end; all of them are taken. */
void block_answer_pieces(struct client *c, struct reply_pieces *pieces, struct buf *end);
void block_answer_error(struct client *c, const char *text);

/* Run its request again, which may answer it; else it waits on. One that writes is refused as any other while the disk fails. */
void block_run_again(struct client *c);

/* May requests that write and are parked run again, or must they wait on: clients are paused, the disk is behind, or indexes are? */
bool block_writes_may_run(const struct server *s);

/* Let c wait no longer, and hand over the request, the caller's to free. */
struct request *block_take(struct client *c);

/* The request that c waits with; and for `leave`: it is not freed with the wait, but the caller's. */
const struct request *block_request(const struct client *c);
struct request *block_keep_request(struct client *c);

/* What c is parked with, if it is parked so; else NULL. */
void *block_parked(const struct client *c, const struct parking *how);

/* CLIENT UNBLOCK: as a timeout, or with -UNBLOCKED. False: c has no time limit that could be reached, and waits on. */
bool block_cancel(struct client *c, bool with_error);

size_t block_keys(const struct server *s); /* keys that anybody waits for */
size_t block_keys_gone_too(const struct server *s); /* those of them whose waiters also hear when they go */
size_t block_bytes(const struct client *c); /* held by the request that c waits with */
size_t block_work_bytes(const struct client *c); /* the same, while what it waits for is its own work: 0 where it waits for keys */

#endif
