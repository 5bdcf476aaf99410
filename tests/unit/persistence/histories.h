/* histories.h -- what happens to a data directory, from its first start to its last: the plots of tests that
 * cut the power or let disks fail. */
#ifndef MEMD_TESTS_HISTORIES_H
#define MEMD_TESTS_HISTORIES_H

#include "tests/unit/persistence/rig.h"
#include "tests/unit/persistence/trace.h"

struct history {
    const char *name;
    bool appendonly;
    enum persist_fsync mode;
    void (*play)(struct rig *r, struct rng *g);
    void (*prepare)(struct rig *r); /* what is on the disk before; NULL: nothing */
};

/* Ends with one whose name is NULL. */
extern const struct history histories[];

/* A mistake that a program could make, for tests of the tests; zeros: none. */
struct mistake {
    const char *name;
    const char *skip;        /* memfs.skip */
    bool hide_failed_syncs;
    bool early;              /* what is appended is called durable at once */
};

/* Play h on disk, traced. Afterwards nothing runs any more; the caller calls trace_fini, memfs_fini and
 * rig_fini. */
void history_play(const struct history *h, struct rig *rig, struct memfs *disk, struct trace *trace, uint64_t seed,
                  const struct mistake *mistake);

#endif
