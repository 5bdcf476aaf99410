/* check.h -- are the files of a data directory as they were written? Nothing is changed; each file is told of in a
 * line, with what is in it, and what is damaged at which offset. */
#ifndef MEMD_PERSISTENCE_CHECK_H
#define MEMD_PERSISTENCE_CHECK_H

#include <stdbool.h>

#include "base/ensure.h"
#include "base/err.h"

struct file_ops;
struct persist_libraries;
struct rdb_facts;
struct report;
struct source;
struct store;

struct check {
    const struct file_ops *ops; /* NULL: file_ops_system */
    struct report *report;
    const struct persist_libraries *libraries; /* whose load tells what is wrong with one; NULL: they are not looked at */
    struct store *store;        /* the check's own, empty at all times */
    /* out */
    bool snapshot_bad, log_bad; /* a data directory's: what there is to repair */
    bool found;                 /* there was something to check */
};

void check_init(struct check *c, const struct file_ops *ops, struct report *report);
void check_fini(struct check *c);

/* A snapshot, an increment, an old single file, a manifest with its files, a directory of a log, or a data
 * directory. ERR_IO: something could not be read, why[PERSIST_WHY] says it; damage is no error, but counted in the
 * report. */
enum err MUST_USE check_path(struct check *c, const char *path, char *why);

/* Read the RDB part of a file, every key of it, and tell. ERR_FORMAT: it is damaged, and why says how; nothing
 * is told then. For aof_load, whose ctx is the check. */
enum err MUST_USE check_base(void *check, struct source *s, struct rdb_facts *facts, char *why);

#endif
