/* aof_set.h -- the files of the AOF: their directory, their names, and the manifest that says which of
 * them count.
 *
 * Used by the reactor while it starts, then by the helper threads; a mutex guards the manifest. Functions
 * that fail leave errno and change nothing that counts: a manifest that was not replaced for certain is
 * replaced as a whole the next time. */
#ifndef MEMD_PERSISTENCE_AOF_SET_H
#define MEMD_PERSISTENCE_AOF_SET_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "persistence/manifest.h"

struct aof_set;
struct file_ops;
struct log;
struct report;

struct aof_set *aof_set_new(const struct file_ops *ops, struct log *log, const char *dir,
                            const char *dirname, const char *filename);
void aof_set_free(struct aof_set **s);

/* Read the manifest; *there says whether there is one, be it of no files. ERR_FORMAT, ERR_IO: why[PERSIST_WHY]. Numbers
 * that were given before are not given again. */
enum err MUST_USE aof_set_read(struct aof_set *s, bool *there, char *why);

/* Are there a base and increments? Without a manifest they are a log whose manifest is lost. */
bool MUST_USE aof_set_is_orphaned(const struct aof_set *s);

/* Take an old single file dir/filename over as the base: the manifest first, then the file is moved, so
 * that a crash between the two is mended by doing it again. */
bool MUST_USE aof_set_adopt(struct aof_set *s, const char *old_path);

/* aof_rebuild.c: make a manifest of what the files say, in memory alone, and tell. ERR_IO: the directory cannot be
 * read. For repairs: the one that a server wrote knows more. */
enum err MUST_USE aof_set_rebuild(struct aof_set *s, struct report *report);

/* Where a log is: files filename.* in parent/dirname. */
struct aof_place {
    char parent[PATH_MAX], dirname[NAME_MAX + 1], filename[NAME_MAX + 1];
};

/* Find the log of a data directory, or of the directory of its log; the manifest names it, or its files do. False:
 * there is none. */
bool MUST_USE aof_place_find(const struct file_ops *ops, const char *dir, struct aof_place *p);

/* The same of one directory, at filename[NAME_MAX + 1]; and a path as directory and name. */
bool MUST_USE aof_place_stem(const struct file_ops *ops, const char *dir, char *filename);
void aof_place_split(const char *path, char *parent, char *name);

/* Where in the name of a file of a log the part begins that is not its filename; NULL: it is no such name. */
const char *aof_set_stem(const char *name);

/* For aof_rebuild.c: the parts, the names in the directory, and m (taken over) as the manifest. */
const struct file_ops *aof_set_ops(const struct aof_set *s);
const char *aof_set_filename(const struct aof_set *s);
bool MUST_USE aof_set_list(const struct aof_set *s, void (*fn)(void *arg, const char *name), void *arg);
void aof_set_take(struct aof_set *s, struct manifest *m);

/* The manifest; the reactor may look at it while no helper works. */
const struct manifest *aof_set_manifest(const struct aof_set *s);

/* Full path of a file of the set, at out[PATH_MAX]. */
void aof_set_path(const struct aof_set *s, const char *name, char *out);

/* New files get numbers above those of all that are in the directory, so that none of them is replaced. For when no
 * manifest says which. False and errno: the directory cannot be read. */
bool MUST_USE aof_set_pass_names(struct aof_set *s);

/* Make a new empty increment: an open descriptor, or -1. It does not count until it is published. A file that has its
 * name, which nobody counts, is deleted. */
int MUST_USE aof_set_new_incr(struct aof_set *s, uint64_t *seq);

/* Let the increment seq, which begins at log offset start, count, behind those with a seq up to `after`;
 * others are dropped from the manifest, and deleted. Fails with ECANCELED when one with a higher seq
 * remains, or when a base has come in between that holds what is behind start already. */
bool MUST_USE aof_set_publish(struct aof_set *s, uint64_t seq, uint64_t start, uint64_t after);

/* Does the increment seq count? */
bool aof_set_has(struct aof_set *s, uint64_t seq);

/* How the increments that a new base needs stand. */
enum aof_first {
    AOF_FIRST_NONE,      /* there are none: the log is off */
    AOF_FIRST_PUBLISHED, /* first_seq was published; fails with ECANCELED when it has been dropped since */
    AOF_FIRST_NEW        /* first_seq is to be added */
};

/* The file tmp_path, the data as of log offset `offset`, becomes the base, on which the increments from
 * first_seq on build. What it replaces is deleted; with `keep`, and where the log goes on without a gap
 * (AOF_FIRST_PUBLISHED), it stays as the previous generation, and the one before that is deleted. */
bool MUST_USE aof_set_commit_base(struct aof_set *s, const char *tmp_path, uint64_t offset,
                                  enum aof_first how, uint64_t first_seq, bool keep);

/* The log offset up to which the base that was committed last holds everything; 0: none was. */
uint64_t aof_set_base_offset(struct aof_set *s);

/* Drop the increments behind `seq` from the manifest, and delete them. */
bool MUST_USE aof_set_drop_after(struct aof_set *s, uint64_t seq);

/* Cut the increment seq to n bytes, durably. */
bool MUST_USE aof_set_cut(struct aof_set *s, uint64_t seq, uint64_t n);

/* An unpublished increment is not needed. */
void aof_set_discard(struct aof_set *s, uint64_t seq);

/* The previous generation takes the place of the base, which is damaged and gets ".damaged" added to its name.
 * There is one (manifest_fall_back). */
bool MUST_USE aof_set_fall_back(struct aof_set *s);

/* Delete what a crash left: history but for the previous generation (with keep), temporaries, files newer than
 * the manifest. */
void aof_set_sweep(struct aof_set *s, bool keep);

/* Make all that counts durable, names included, before it is read: what a killed process has left may be in the
 * system's memory alone, and what is appended now builds on it. History too: it may come to count again. */
bool MUST_USE aof_set_settle(struct aof_set *s);

/* Path of the file that holds space back (log_reserve.h), at out[PATH_MAX]. */
void aof_set_reserve_path(const struct aof_set *s, char *out);

/* Path for a base in the making, at out[PATH_MAX]. */
void aof_set_temp_base(const struct aof_set *s, char *out);

/* Make the directory, and a manifest of no files where there is none: files without a manifest are never the
 * rest of a beginning, but of a loss. */
bool MUST_USE aof_set_make_dir(struct aof_set *s);

#endif
