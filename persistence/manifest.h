/* manifest.h -- which files make up the AOF: Redis 7's multi-part layout.
 *
 *   #memd manifest 1c2f00ab                         CRC32C of the lines below; stock servers skip it
 *   file appendonly.aof.2.base.rdb seq 2 type b     the snapshot that the log starts from
 *   file appendonly.aof.4.incr.aof seq 4 type h     history: to be deleted
 *   file appendonly.aof.5.incr.aof seq 5 type i     increments, in order
 *
 * The history's last base and the increments behind it are the previous generation (aof_set.h).
 *
 * A manifest is replaced as a whole: temporary file, sync, rename, sync of the directory. Until the
 * rename the old one counts, so every change of the set of files is all or nothing. */
#ifndef MEMD_PERSISTENCE_MANIFEST_H
#define MEMD_PERSISTENCE_MANIFEST_H

#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct buf;
struct file_ops;

struct manifest_file {
    char *name; /* a file name, never a path */
    uint64_t seq;
    char type;  /* 'b', 'i' or 'h' */
};

struct manifest {
    struct manifest_file *files; /* the base first, then history, the oldest first, then increments by seq */
    size_t n, cap;
    uint64_t base_seq, incr_seq; /* the highest ever given */
};

void manifest_fini(struct manifest *m);
void manifest_copy(struct manifest *to, const struct manifest *from);

/* The base, NULL when there is none; the increments by position. */
const struct manifest_file *manifest_base(const struct manifest *m);
size_t manifest_n_incr(const struct manifest *m);
const struct manifest_file *manifest_incr(const struct manifest *m, size_t i);

/* Add a file; the name is copied. A new base turns the old one into history. */
void manifest_add_base(struct manifest *m, const char *name, uint64_t seq);
void manifest_add_incr(struct manifest *m, const char *name, uint64_t seq);

/* Turn increments with a seq below `seq` into history. */
void manifest_retire(struct manifest *m, uint64_t seq);

/* Forget the increments with a seq above `seq`: the caller deletes them. */
void manifest_drop_after(struct manifest *m, uint64_t seq);

/* Where in `files` the previous generation begins: the last base of the history; the rest of the history
 * belongs to it. m->n when there is none. */
size_t manifest_previous(const struct manifest *m);

/* Forget the history that stands before files[end]; m->n: all of it. */
void manifest_forget(struct manifest *m, size_t end);

/* The previous generation as it would be without the base that replaced it: its base, its increments, and
 * those of now. False: there is none. *n_old gets how many of the increments are history. */
bool MUST_USE manifest_fall_back(const struct manifest *m, struct manifest *out, size_t *n_old);

/* Text to manifest: ERR_FORMAT with *line and *reason set. m is empty before, and after an error. */
enum err MUST_USE manifest_parse(struct manifest *m, struct str text, int *line, const char **reason);
void manifest_format(const struct manifest *m, struct buf *out);

/* Replace the manifest `name` in directory dir durably: ERR_IO with errno. After an error either the old
 * or the new one is there (the latter only when the directory's sync failed). */
enum err MUST_USE manifest_write(const struct manifest *m, const struct file_ops *ops, const char *dir,
                                 const char *name);

#endif
