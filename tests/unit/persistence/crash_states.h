/* crash_states.h -- the states that a disk may be in after a power cut at each place of a trace.
 *
 * A state is a choice for each unit of doubt: a sector that was written (which of its contents), a size, a
 * name (which of its meanings). At each place of the trace: nothing that is in doubt is there; all of it is
 * (which is also what a killed process leaves); all but one; one alone; pairs of the same two kinds; tails
 * torn at each byte of the last block; and random choices. Equal states are made once. */
#ifndef MEMD_TESTS_CRASH_STATES_H
#define MEMD_TESTS_CRASH_STATES_H

#include "base/rng.h"
#include "tests/unit/persistence/crash_disk.h"

struct memfs;

struct crash_image_file {
    const char *path;
    struct buf bytes;
    bool is_dir;
};

struct crash_image {
    struct crash_image_file *files;
    size_t n, cap;
    bool whole;          /* nothing is missing: a killed process leaves this */
    size_t at;           /* place in the trace */
    struct trace_op report; /* what had been told by then */
    char how[200];
};

struct crash_plan {
    unsigned sector;     /* 512 or 4096 */
    size_t pairs;        /* at most so many a place; beyond, they are drawn */
    size_t tears;        /* likewise */
    size_t samples;      /* random choices a place */
    size_t every;        /* look at one place in so many; 0, 1: each */
    bool stale;          /* sectors that no write has reached hold what was written elsewhere before, not zeros */
    struct rng *rng;
    struct trace_op first; /* what had been told when the trace began */
};

struct crash_count {
    size_t places, states; /* that were looked at, and different ones that were made */
};

/* Call fn for each state; stops when it returns false, and then returns false. */
bool crash_states_each(const struct trace *t, const struct crash_plan *plan,
                       bool (*fn)(void *arg, const struct crash_image *image), void *arg, struct crash_count *count);

/* Make fs, which is not initialised, hold the image, all of it on the disk. */
void crash_image_put(const struct crash_image *image, struct memfs *fs);

#endif
