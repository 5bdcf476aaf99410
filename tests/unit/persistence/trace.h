/* trace.h -- what was done to a file system, in order, and what clients had been told by then.
 *
 * A memfs that has a trace tells it every change of files and names, and every sync, as it happens. The
 * rig adds reports: offsets that persist has called written or synced. crash_states.h makes of a trace
 * what a disk may hold after a power cut at any of its places. */
#ifndef MEMD_TESTS_TRACE_H
#define MEMD_TESTS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct memfs;

enum trace_kind {
    TRACE_CREATE,      /* name -> a new, empty file */
    TRACE_MKDIR,       /* name -> a directory */
    TRACE_WRITE,       /* file: n bytes at `at` */
    TRACE_SIZE,        /* file: cut to n bytes */
    TRACE_SYNC,        /* file: a sync that began at op `began` has succeeded */
    TRACE_SYNC_FAILED,
    TRACE_LOST,        /* file: what failed syncs were for is not there, that is certain now */
    TRACE_RENAME,      /* name -> to */
    TRACE_LINK,        /* `to` becomes a second name */
    TRACE_UNLINK,      /* name */
    TRACE_SYNC_DIR,    /* name: the directory's; began as TRACE_SYNC */
    TRACE_REPORT       /* offsets */
};

struct trace_op {
    enum trace_kind kind;
    uint32_t file;         /* number of the file, as memfs counts them */
    uint32_t name, to;     /* indices of trace.names */
    uint64_t at, n;
    size_t bytes;          /* TRACE_WRITE: where in trace.bytes */
    size_t began;
    uint64_t kept;         /* TRACE_REPORT: up to here nothing may be lost in a power cut ... */
    uint64_t kept_by_kill; /* ... and when the process alone dies */
    bool appendonly;       /* TRACE_REPORT: as set */
};

/* A file or name as it was when the trace began: on the disk for certain. */
struct trace_file {
    struct buf content;
};

enum { TRACE_NONE = -1, TRACE_DIR = -2 };

struct trace_name {
    char *path;
    int64_t file;          /* at the beginning: a number, TRACE_NONE or TRACE_DIR */
};

struct trace {
    struct trace_op *ops;
    size_t n, cap;
    struct buf bytes;
    struct trace_name *names;
    size_t n_names, cap_names;
    struct trace_file *files;
    size_t n_files, cap_files;
};

/* The trace of fs begins now, with all it holds on the disk. */
void trace_begin(struct trace *t, struct memfs *fs);
void trace_fini(struct trace *t);

/* The number of a path, which is noted when it is new. */
uint32_t trace_name(struct trace *t, const char *path);

/* Add an operation; for memfs and rig. The caller of the first has fs->lock. */
void trace_add(struct trace *t, struct trace_op op);
void trace_write(struct trace *t, uint32_t file, uint64_t at, const char *p, size_t n);

/* One line about op i, for people. */
void trace_tell(const struct trace *t, size_t i, struct buf *out);

#endif
