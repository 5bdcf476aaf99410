/* recall.h -- reads of what is in the archive: a client that misses a key of a namespace with `recall read` waits,
 * everybody else goes on.
 *
 * Before a command that looks at values runs, its keys (for EXEC those of all that is queued, for scripts the declared
 * ones) that are not in memory but may be in the archive are asked for, each once however many clients wait. A key that
 * comes is put into the store as RESTORE would (and logged so, with the note that it is not in the archive's hands any
 * more), unless it has been written meanwhile, or deleted. Then the waiting requests run. After archive-timeout they run all the
 * same, and find nothing. Commands that only overwrite or delete do not wait; what a command within a script
 * reads beyond the declared keys is not recalled. */
#ifndef MEMD_SERVER_RECALL_H
#define MEMD_SERVER_RECALL_H

#include "server/client.h"

struct recalls;

struct recalls *recalls_new(void);
void recalls_free(struct recalls **r);

/* True: c waits with this request (as block_client does), which runs again later. Cheap where no namespace recalls. */
bool recall_before(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv);

/* The key has been written or deleted: what is on its way is not to be put in its place. */
void recall_cancel(struct server *s, int db, struct str key);
void recall_cancel_all(struct server *s, int db); /* FLUSHDB; -1: all databases */

/* Take what has come, and run those who waited. */
void recall_turn(struct server *s);

#endif
