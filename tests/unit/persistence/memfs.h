/* memfs.h -- a file system in memory that fails when told to, and forgets at a power cut what was not
 * synced, names included; it can tell a trace all that happens to it. */
#ifndef MEMD_TESTS_MEMFS_H
#define MEMD_TESTS_MEMFS_H

#include <pthread.h>

#include "base/rng.h"
#include "base/str.h"
#include "persistence/file_ops.h"

enum { MEMFS_FILES = 256, MEMFS_FDS = 256 };

struct trace;

struct memfs_file {
    uint32_t id; /* its place in memfs.all */
    char *p, *synced;
    size_t n, synced_n;
    size_t lost_from, lost_to; /* a sync of these has failed */
    size_t allocated; /* counts as used space, as n does */
};

struct memfs_name {
    char path[512];
    struct memfs_file *file; /* NULL: not there */
    struct memfs_file *durable; /* what the name means after a cut */
};

struct memfs {
    struct file_ops ops; /* hand &fs->ops to whom it may concern */
    pthread_mutex_t lock;
    struct memfs_name names[MEMFS_FILES];
    size_t n_names;
    struct { struct memfs_file *file; size_t at; const char *path; bool append, used; } fds[MEMFS_FDS];
    struct memfs_file *all[4096];
    struct memfs_file dir; /* what the names of directories stand for */
    size_t n_all;

    /* faults: operations that change or sync are counted from 1; tests read and set these while threads are at work */
    _Atomic uint64_t n_ops;
    _Atomic uint64_t fail_from, fail_to; /* operations in this range fail with fail_errno; 0: none */
    _Atomic int fail_errno;
    uint64_t n_asks;     /* operations that only ask or read, counted and failing in the same way */
    uint64_t ask_from, ask_to;
    _Atomic uint64_t n_failed_syncs;
    bool drops_unsynced; /* what a failed sync was for is not there when it is read past the cache */
    bool evicts;         /* with it: whoever opens a file reads past the cache, for the system has let go of it */
    bool evicts_late;    /* the same, but whoever only reads still finds all */
    bool interrupts;     /* every other read and write is interrupted (EINTR) */
    uint64_t n_calls;
    _Atomic bool short_writes; /* a failing write writes half first; all others are cut in two */
    _Atomic uint64_t space; /* bytes that all files may have; 0: no limit */
    unsigned sync_delay_us;
    bool syncs_hang;     /* syncs wait while this is set */
    /* the disk keeps something else than what was written, which is seen when it is read past the cache */
    uint64_t rots_at;    /* the byte (from 1) of the file whose bits change then; 0: none */
    unsigned char rots_by;
    size_t rots_off;     /* so many bytes are missing at the end */

    struct trace *trace; /* NULL: none */

    /* a mistake as a program could make it: operations whose line (see hold) contains skip are not done, and
     * said to have been; a sync that fails is said to have succeeded */
    const char *skip;
    bool hide_failed_syncs;

    /* lockstep: a helper thread waits at an operation whose line ("sync /dir/file") contains this text */
    const char *hold;
    pthread_t owner;     /* never waits */
    _Atomic unsigned n_held;
    unsigned n_holds, n_looking; /* calls of memfs_hold; threads that were held and have not seen the last one */
    pthread_cond_t changed;
};

void memfs_init(struct memfs *fs);
void memfs_fini(struct memfs *fs);

/* Hold helper threads where `text` (kept) is about to be done, "open", "write", "sync", "rename", "link",
 * "unlink" or "syncdir" and the path, or where a sync has "failed" and this is about to be told; NULL: let them all go on. memfs_wait_held returns when one waits. */
void memfs_hold(struct memfs *fs, const char *text);
void memfs_wait_held(struct memfs *fs);

/* The machine loses power, and comes back: what was not synced is gone, but for a random part of it when
 * r is given (of what was appended: some first bytes, perhaps with zeros in them). */
void memfs_cut(struct memfs *fs, struct rng *r);

/* Content of a file (p NULL: not there), and its replacement. */
struct str memfs_get(struct memfs *fs, const char *path);
void memfs_put(struct memfs *fs, const char *path, struct str content);
void memfs_put_dir(struct memfs *fs, const char *path);

/* The first path that ends so; NULL: none. */
const char *memfs_find(struct memfs *fs, const char *suffix);

/* Descriptors that are open. */
size_t memfs_n_open(const struct memfs *fs);

/* A copy of all files of `from`. */
void memfs_copy(struct memfs *to, const struct memfs *from);

#endif
