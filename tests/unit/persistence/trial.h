/* trial.h -- does a state that a power cut can leave keep the promises?
 *
 * It loads; what is loaded is a state that the data has had, after a whole group of effects; and it has all that
 * had been promised by the moment of the cut. Some states live on from there, and suffer another cut. */
#ifndef MEMD_TESTS_TRIAL_H
#define MEMD_TESTS_TRIAL_H

#include "tests/unit/persistence/crash_states.h"
#include "tests/unit/persistence/rig.h"

/* What happens to the states of a history. */
struct trial {
    struct rig *rig;             /* which made the history: its marks and settings */
    const struct trace *trace;
    struct rng rng;
    size_t again_every;          /* a second life, and cut, for one state in so many; 0: none */
    size_t n, n_again;
    struct crash_count *count;
    bool may_refuse;             /* not to load is allowed: it must not load wrongly */
    size_t refused;
    bool quiet;                  /* a violation is counted only */
    size_t violations;
    const char *name;
};

/* For crash_states_each, arg being a struct trial: false when a promise is broken, which is told on stderr. */
bool trial_state(void *arg, const struct crash_image *g);

#endif
