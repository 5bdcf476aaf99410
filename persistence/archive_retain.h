/* archive_retain.h -- what the archive lets go of: versions whose time is over, the oldest where the file is too large,
 * and pages that are free. A slice at a time, when the writer has nothing better to do. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_RETAIN_H
#define MEMD_PERSISTENCE_ARCHIVE_RETAIN_H

#include "persistence/archive_file.h"

/* One slice, a transaction of its own. max_bytes 0: no limit. *removed grows by the entries that went; *more: there is
 * another slice to do. SQLITE_OK. */
int archive_retain(struct archive_file *f, int64_t now_ms, int64_t max_bytes, uint64_t *removed, bool *more);

#endif
