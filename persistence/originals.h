/* originals.h -- before anything is repaired, the files as they are get second names in a directory beside. */
#ifndef MEMD_PERSISTENCE_ORIGINALS_H
#define MEMD_PERSISTENCE_ORIGINALS_H

#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"

struct file_ops;

/* Keep what is in directory dir, and in its directory appenddirname, as dir.original-<time>, or where that cannot
 * be made as dir/original-<time>; kept[PATH_MAX] gets its path. Files are linked where the system can do that, else
 * copied: whoever repairs must write new ones and alter none. ERR_IO: why[PERSIST_WHY] says what could not be
 * kept; then there may be part of it. */
enum err MUST_USE originals_keep(const struct file_ops *ops, const char *dir, const char *appenddirname,
                                 int64_t wall_ms, char *kept, char *why);

/* Copy up to n bytes of the file `from` to a new one, synced. -1 and errno: failed. */
int file_copy(const struct file_ops *ops, const char *from, const char *to, uint64_t n);

#endif
