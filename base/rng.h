/* rng.h -- random numbers that can be repeated from a seed (xoshiro256**, Blackman and Vigna 2018).
 * Not for secrets: those and the hash key come from rng_secret. */
#ifndef MEMD_BASE_RNG_H
#define MEMD_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);

/* Uniform in [0, n), without bias; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);

/* Uniform in [0, 1). */
double rng_unit(struct rng *r);

/* n unpredictable bytes from the system. Stops the program when there are none to be had. */
void rng_secret(void *p, size_t n);

#endif
