/* recall.h -- reads of what is in the archive: a client that misses a key of a namespace with `recall read` waits,
 * everybody else goes on.
 *
 * Before a command that looks at values runs, its keys (for EXEC those of all that is queued, for scripts the declared
 * ones) that are not in memory but may be in the archive are asked for, each once however many clients wait. A key that
 * comes is put into the store as RESTORE would (and logged so, with the note that it is not in the archive's hands any
 * more), unless it has been written meanwhile, or deleted. A key that has expired but is in memory still, since the archive
 * has no room for it, lives on likewise. Then the waiting requests run. After archive-timeout, and where the file cannot
 * be read, those that write are refused (TRYAGAIN), and those that read too unless archive-on-timeout says that they find
 * nothing. Commands that only overwrite or delete do not wait; what a command within a script reads beyond the declared
 * keys is not recalled, nor are keys that SORT finds by its patterns.
 *
 * Where there is no room for what comes (maxmemory, a quota), or the log cannot be written, the request is refused with
 * the error that a write would get: to say that there is no such key would be wrong. */
#ifndef MEMD_SERVER_RECALL_H
#define MEMD_SERVER_RECALL_H

#include "server/client.h"

struct recalls;

/* key must live as long. */
struct recalls *recalls_new(int databases, const struct hash_key *key);

/* When the clients are gone and the archive is closed. */
void recalls_free(struct recalls **r);

/* True: c waits with this request (as block_client does), which runs again later; or it was refused, and that
 * replied. Cheap where no namespace recalls. */
bool recall_before(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv);

/* The key has been written or deleted: what is on its way is not to be put in its place. */
void recall_cancel(struct server *s, int db, struct str key);
void recall_cancel_all(struct server *s, int db); /* -1: all databases */

/* The store changed: the same for keys that come to be, and for databases that are emptied or change places. */
void recall_on_change(struct server *s, const struct change *ch);

/* The note that has to be committed before the file tells the truth about the key; 0: it does. For archive_job.after. */
uint64_t recall_after(struct server *s, int db, struct str key);

/* Between turns (between.h): take what has come. */
void recalls_turn(struct server *s, int64_t deadline_us);
bool recalls_are_due(const struct server *s);

/* Every turn: run those who have waited, and ask for more. */
void recalls_tend(struct server *s);

struct recall_stats {
    uint64_t waited;     /* requests that had to */
    uint64_t asked;      /* questions to the disk */
    uint64_t from_queue; /* keys that came at once, out of notes that had not been committed */
    uint64_t found, missing; /* answers: the key; that there is none, after all */
    uint64_t cancelled;  /* written or deleted meanwhile */
    uint64_t timeouts, failed, damaged, refused;
    uint64_t us, us_max; /* from the question to the answer: all together, and the longest */
    size_t waiting;      /* requests that wait now */
    size_t on_the_way;   /* keys */
};
const struct recall_stats *recall_stats(const struct recalls *r);

/* Walks all keys on their way and those who wait: ensures that the one knows of the other, and that the counts are true. */
void recalls_check(const struct recalls *r);

#endif
