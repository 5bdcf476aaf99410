/* log_tail.h -- how old, and how long, the part of the log that is not synced may get. */
#ifndef MEMD_PERSISTENCE_LOG_TAIL_H
#define MEMD_PERSISTENCE_LOG_TAIL_H

#include <stdbool.h>
#include <stdint.h>

struct write_log;

/* So much is written and not synced at most, but with appendfsync no. */
enum { LOG_TAIL_MOST = 128 << 20 };

/* The reactor looks: asks for the sync that is due, says whether writers must wait, and with everysec how far
 * replies may leave. */
void log_tail_watch(struct write_log *w, int64_t now);

/* Under the lock: the reactor has written something, before which it was `now`. True: the thread is to be
 * nudged, if idle, for it has to count from now on. */
bool log_tail_written(struct write_log *w, int64_t now);

/* Under the lock, on the thread: a sync that began then and ended well, covering the log up to `upto`. */
void log_tail_synced(struct write_log *w, int64_t began, uint64_t upto);

#endif
