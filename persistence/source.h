/* source.h -- a file that is being read: its path for messages, its size, its bytes through a window. */
#ifndef MEMD_PERSISTENCE_SOURCE_H
#define MEMD_PERSISTENCE_SOURCE_H

#include <limits.h>

#include "persistence/rdb_in.h"

struct source {
    const struct file_ops *ops;
    char path[PATH_MAX];
    int fd;
    uint64_t size;
    struct rdb_in in;
};

/* ERR_FORMAT: it is missing; ERR_IO: the disk. why[PERSIST_WHY] says it. */
enum err MUST_USE source_open(struct source *s, const struct file_ops *ops, const char *path, char *why);
void source_close(struct source *s);

/* Reading it has failed: ERR_IO, and why says where. */
enum err source_error(const struct source *s, char *why);

/* Does it begin as an RDB file? */
bool source_is_rdb(struct source *s);

#endif
