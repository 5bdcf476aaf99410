/* aof_copy.h -- files of a log to another directory, as parts of a log with another id. */
#ifndef MEMD_PERSISTENCE_AOF_COPY_H
#define MEMD_PERSISTENCE_AOF_COPY_H

#include <stdint.h>

#include "base/ensure.h"

struct file_ops;

/* Copy the first n bytes of the increment at `from`, which are whole batches (or commands) and have been verified,
 * to a new file, synced. In a file of memd's the first line and the checksums become those of log `id`. -1 and
 * errno: failed; EILSEQ: it is not what was verified. */
int MUST_USE aof_copy(const struct file_ops *ops, const char *from, const char *to, uint64_t n, const char *id);

/* Copy an RDB file; where it names the log `was`, it names `id`, and its checksum is made anew. */
int MUST_USE rdb_copy(const struct file_ops *ops, const char *from, const char *to, const char *was, const char *id);

#endif
