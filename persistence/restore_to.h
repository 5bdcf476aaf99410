/* restore_to.h -- a log as it was at a moment, in a new data directory.
 *
 * Needs the annotations of aof-timestamp-enabled, which are whole seconds. The log is cut before the first batch
 * (in a stock server's files: the first command) that is annotated with a later second. The new directory's log
 * gets an id of its own, as from there on it is another one. */
#ifndef MEMD_PERSISTENCE_RESTORE_TO_H
#define MEMD_PERSISTENCE_RESTORE_TO_H

#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct file_ops;
struct report;

/* "2026-11-21T10:00:00Z" ('Z' or +hh:mm, also -hhmm; seconds may have a fraction), or Unix time in seconds or
 * milliseconds. False: it is none of them. */
bool MUST_USE restore_parse_time(struct str text, int64_t *wall_ms);

/* dir: a data directory, or that of its log. target must be missing or empty. ERR_FORMAT: damage before that
 * moment, or a log that does not reach so far back or says nothing of time; ERR_IO: the disk. why[PERSIST_WHY]. The
 * report gets the moment and the place in the log that were restored. */
enum err MUST_USE restore_to(const struct file_ops *ops, const char *dir, const char *target, int64_t wall_ms,
                             struct report *report, char *why);

#endif
