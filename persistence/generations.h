/* generations.h -- the snapshot before the newest one is kept, for the day on which the newest cannot be read.
 *
 *   dump.rdb            the newest
 *   dump.rdb.previous   the one that it replaced
 *
 * A second name for the old file, then the new one in its place, and the directory is synced in between:
 * wherever that ends, dump.rdb is there, old or new, and whole. The previous one is never loaded by itself:
 * it is older than what clients have been told (persist_load.c says what may be done). */
#ifndef MEMD_PERSISTENCE_GENERATIONS_H
#define MEMD_PERSISTENCE_GENERATIONS_H

#include <stdbool.h>

#include "base/ensure.h"

struct file_ops;
struct log;

/* The name of the generation before `path`, at out[PATH_MAX]; false: it would be too long. */
bool MUST_USE generations_previous(const char *path, char *out);

/* Put tmp, complete and synced, in the place of `path` in directory dir, durably. With keep 2 what was there
 * becomes the previous generation; with 1 no such is left. Used by the worker. False and errno: failed; the
 * old file or the new one is there. */
bool MUST_USE generations_replace(const struct file_ops *ops, struct log *log, const char *dir, const char *tmp,
                                  const char *path, int keep);

/* Is this the name of a second name in the making, which a crash has left? */
bool generations_is_temporary(const char *name);

#endif
