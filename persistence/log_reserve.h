/* log_reserve.h -- a file that holds a mebibyte back, for the day when the disk is full.
 *
 *   held --(no space for the log)--> used: full --(room for two of it)--> held
 *
 * While the disk is full, what was held back takes commands that make data smaller (DEL, FLUSHALL, EXPIRE ...)
 * and an orderly end; commands that make it larger are refused until there is room for it again. The file lies
 * beside the log's files and belongs to no manifest: stock servers do not see it. */
#ifndef MEMD_PERSISTENCE_LOG_RESERVE_H
#define MEMD_PERSISTENCE_LOG_RESERVE_H

#include <stdbool.h>

struct write_log;

/* The log is turned on: hold it. */
void log_reserve_begin(struct write_log *w);

/* The log is off: the file goes. */
void log_reserve_end(struct write_log *w);

/* Is this error a want of space? */
bool log_reserve_is_for(int error);

/* Something failed for `error`. True: that was for want of space, and there is more now. On the thread, without
 * the lock. */
bool log_reserve_use(struct write_log *w, int error);

/* Try to hold it again. On the thread, lock held, which is let go meanwhile. */
void log_reserve_retry(struct write_log *w);

#endif
