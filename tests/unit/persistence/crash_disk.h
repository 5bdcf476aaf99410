/* crash_disk.h -- what a disk holds for certain at a place of a trace, and what it may hold besides.
 *
 * The rules are those of POSIX, as file systems without further promises keep them:
 *   - what a returned fdatasync covers is there, the size included; so are names after their
 *     directory's sync; nothing else is
 *   - a sector that was written since may hold any of its contents since then, each sector for itself
 *   - the size may be any between those that the file has had since then: bytes that the size covers
 *     and no write has brought are zeros
 *   - a sync that failed has made its writes uncertain for good: no later sync brings them
 *   - a name may mean any of the files that it has meant since then, each name for itself; but a rename
 *     never loses its file: the old name goes when the new one is there. */
#ifndef MEMD_TESTS_CRASH_DISK_H
#define MEMD_TESTS_CRASH_DISK_H

#include "tests/unit/persistence/trace.h"

/* A file's content, and the changes that are not certain. */
struct crash_change {
    size_t op;
    bool doomed; /* a sync of it failed */
    bool superseded;
};

struct crash_file {
    struct buf base;
    struct crash_change *changes;
    size_t n, cap;
    uint64_t size; /* with all changes */
};

/* What a name has meant since its directory's sync: values[0] for certain, the others perhaps. */
struct crash_value {
    size_t op;
    int64_t file; /* as trace_name.file */
    int64_t to;   /* it went because it was renamed to this name; -1 */
};

struct crash_name {
    struct crash_value *values;
    size_t n, cap;
    int64_t parent; /* the name of its directory, -1: none of the trace's */
};

struct crash_disk {
    const struct trace *trace;
    size_t at;      /* ops before this one have happened */
    struct crash_file *files;
    size_t n_files;
    struct crash_name *names;
    struct trace_op report; /* the last one */
};

void crash_disk_init(struct crash_disk *d, const struct trace *t);
void crash_disk_fini(struct crash_disk *d);

/* One op further. */
void crash_disk_step(struct crash_disk *d);

/* Is name a directory that the trace has made, or had at its beginning? Others were there before. */
bool crash_dir_is_made(const struct crash_disk *d, size_t name);

/* Does change c of f concern bytes [from, to)? */
bool crash_touches(const struct crash_disk *d, const struct crash_change *c, uint64_t from, uint64_t to);

/* Apply it to p[0..to-from), the file's bytes [from, to). */
void crash_apply(const struct crash_disk *d, const struct crash_change *c, uint64_t from, uint64_t to, char *p);

#endif
