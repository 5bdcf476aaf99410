/* aof_load.h -- a whole log, file by file: the base, then each increment up to where the next one begins (memd's
 * say so in their first line): after a disk had failed, the next one repeats what was not certain to be in the one
 * before.
 *
 * Where the log breaks off, what follows is dropped when it was never durable, and loading is refused when it
 * was. */
#ifndef MEMD_PERSISTENCE_AOF_LOAD_H
#define MEMD_PERSISTENCE_AOF_LOAD_H

#include <stdatomic.h>

#include "persistence/aof_read.h"
#include "persistence/persist.h"
#include "persistence/source.h"

struct aof_set;
struct manifest;
struct rdb_facts;
struct report;

enum aof_mode {
    AOF_LOAD,   /* a torn end is cut back on the disk, damage is refused */
    AOF_LOOK,   /* judged in the same way; nothing is applied, nothing on the disk is changed, and what lies behind
                 * damage is looked at too */
    AOF_SALVAGE /* all that is whole is applied; nothing on the disk is changed */
};

struct aof_load {
    /* in */
    const struct file_ops *ops;
    struct aof_set *set;      /* its manifest has been read */
    const struct manifest *m; /* what to read; NULL: the set's manifest */
    struct log *log;
    enum aof_mode mode;
    bool cut_allowed;         /* a torn end may be cut back */
    int64_t until_s;          /* aof_read.h; -1 */
    struct report *report;    /* AOF_LOOK, AOF_SALVAGE: where it is told; may be NULL */
    void *ctx;
    /* Read the RDB part of a base; on error why[PERSIST_WHY] says it, and facts what was found before. */
    enum err (*base)(void *ctx, struct source *s, struct rdb_facts *facts, char *why);
    enum err (*apply)(void *ctx, size_t argc, const struct str *argv, struct str *why); /* with apply_ctx */
    void *apply_ctx;
    bool (*progress)(void *ctx, uint64_t bytes); /* bytes of the file being read; may be NULL */
    bool eager;               /* as in aof_read.h */
    const _Atomic bool *given_up; /* for what is done on another thread; NULL: never */

    /* The generation before a damaged base is read. */
    bool is_old;              /* this is it: nothing may be missing */
    size_t n_old;             /* the first so many increments lead up to where the damaged base began */
    uint64_t joint;           /* that place, if it could be read; else UINT64_MAX (out, where is_old is false) */

    /* out, of use while loading too */
    uint64_t total_bytes;     /* of all files */
    uint64_t done_bytes;      /* of those before the one being read */
    uint64_t base_bytes;
    bool base_bad;            /* there is something wrong with the base, and not with what follows */
    uint64_t offset;          /* of the log, so far */
    char id[PERSIST_ID + 1];  /* empty: not known */
    bool anchored;            /* the offset comes from memd's own files */
    bool lossy;               /* AOF_SALVAGE: something is missing */
    size_t n;                 /* increments */
    uint64_t *sizes;          /* of them */
    struct batch_places *places; /* in them */
    uint64_t *ends;           /* how much of them is whole and counts; 0: nothing does */
    uint64_t commands;        /* of increments */
    struct mark_head *heads;  /* of those that are marked */
    bool *marked;
    struct aof_reader last;   /* the last one read */
    bool last_whole;          /* the log can go on in it */
    size_t until_at;          /* the increment that until_s cuts, at ends[until_at]; SIZE_MAX: none */
    int64_t first_s, last_s;  /* annotated times; 0: none */
    struct buf losses;        /* lines about the file being read, to be told behind it */
};

/* Read it all. ERR_FORMAT: damage, with file, offset and reason in why[PERSIST_WHY] (AOF_LOOK and AOF_SALVAGE tell
 * the report instead, and go on); ERR_IO: the disk; ERR_NOT_DONE: progress gave up. */
enum err MUST_USE aof_load_run(struct aof_load *l, char *why);
void aof_load_fini(struct aof_load *l);

/* aof_certain.c: make certain what was read. What the system shows of a file's end need not be on the disk: where a sync
 * of it failed, the system calls it written all the same. What no mark proves is written again, in its place, and
 * synced, before the log goes on behind it. Where a file system never changes a file in its place this takes space: on a full
 * disk that which is held back (log_reserve.h), and where that is not enough *certain is the log offset behind which nothing
 * is; else UINT64_MAX. May take as long as the disk takes for 128 MiB; on any thread. ERR_IO: why[PERSIST_WHY]; ERR_NOT_DONE:
 * given up. */
enum err MUST_USE aof_load_make_certain(const struct aof_load *l, uint64_t *certain, char *why);

/* The log's id as far as its files tell; empty: they do not. Of use while loading, too. */
const char *aof_load_id(const struct aof_load *l);

/* Path of increment i, at out[PATH_MAX]. */
void aof_load_path(const struct aof_load *l, size_t i, char *out);

#endif
