/* recall_impl.h -- what recall*.c share, and nobody else uses. */
#ifndef MEMD_SERVER_RECALL_IMPL_H
#define MEMD_SERVER_RECALL_IMPL_H

#include "persistence/archive_get.h"
#include "server/recall.h"

enum { RECALL_MISSES = 1 << 13, RECALL_ASKED_MAX = 256, RECALL_TRIES_MAX = 4 };

struct ticket {
    struct entry *e;          /* in recalls->tickets[db], with the key's name; NULL: no longer wanted */
    int db;
    struct server *server;
    struct archive_get *get;  /* NULL: not asked yet */
    int64_t asked_us;
    struct link waiters;      /* struct stub.of_ticket */
    struct link in_list;      /* recalls->line, queued or answered */
};

struct stub {
    struct link of_ticket;
    struct waiting *waiting;
};

/* A request that waits. */
struct waiting {
    struct client *client;
    struct stub *stubs;
    size_t n, cap, n_left;
    int64_t until_ms;         /* monotonic */
    int tries;
    bool gives_up;            /* its time is up, or the archive failed: it runs with what is there, or is refused */
    const char *refusal;      /* why a key could not come into memory; NULL: none was refused */
    struct link in_ready;
};

struct recalls {
    int databases;
    struct table *tickets;    /* per database: key -> struct ticket */
    size_t n_asked;
    uint64_t swapped;         /* the note of the last SWAPDB: before it is committed, the file's databases are others */
    struct link line;         /* to be asked for */
    struct link queued;       /* among the notes that wait to be committed: brought from there when there is room in memory */
    struct link answered, ready;
    const struct waiting *again; /* whose request runs again just now */
    int64_t told_us;
    struct recall_stats stats;
    bool any_misses;
    uint64_t misses[RECALL_MISSES];  /* hashes of keys of which the archive has no live version; 0: none */
};

/* --- recall_ticket.c ------------------------------------------------------------------------------------------ */

/* What the archive has said it does not have. */
bool recall_is_missing(const struct server *s, int db, struct str key);
void recall_note_missing(const struct server *s, int db, struct str key);

/* The key's ticket, a new one at the end of the line. */
struct ticket *recall_ticket(struct server *s, int db, struct str key);

/* Nobody finds it by its key any more; the key's entry is the caller's to free. */
struct entry *recall_unlist(struct recalls *r, struct ticket *k);

/* Those who wait for it need not any more. */
void recall_release(struct recalls *r, struct ticket *k, const char *refusal, bool failed);
void recall_free_ticket(struct ticket *k);
void recall_drop_ticket(struct recalls *r, struct ticket *k);

/* Ask for those that are first in the line, but for what is among the notes that wait. */
void recall_ask_more(struct server *s);

/* Is the key's newest word among the notes that wait, and one that a read brings back? */
bool recall_is_queued(const struct server *s, const struct ticket *k, struct archive_note *n);

/* --- recall.c --------------------------------------------------------------------------------------------------- */

void recall_park(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                 struct ticket *const *tickets, size_t n);

/* Is nothing to be brought into memory now? */
bool recall_is_held(const struct server *s);

/* Into the store. *refusal: why the request is not to run, where there is no room. False: the value is damaged, and
 * the key counts as missing from now on. */
bool recall_bring(struct server *s, int db, struct str key, struct str payload, int64_t expires_ms, const char **refusal);

/* To the log, not too often. */
void recall_complain(struct server *s, struct str key, const char *what);

#endif
