#include "base/rng.h"

#include <errno.h>
#include <sys/random.h>

#include "base/ensure.h"

static uint64_t rotl(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* SplitMix64, as the authors of xoshiro advise: close seeds give unrelated states, never zero. */
void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        r->s[i] = z ^ (z >> 31);
    }
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

/* The high word of a 128-bit product is uniform once the few low words that would make some results
 * likelier are drawn again (Lemire 2019). A division is paid only in that rare case. */
uint64_t rng_below(struct rng *r, uint64_t n)
{
    ensure(n > 0);
    unsigned __int128 product = (unsigned __int128)rng_next(r) * n;

    if ((uint64_t)product < n) {
        uint64_t unfair = -n % n;

        while ((uint64_t)product < unfair) product = (unsigned __int128)rng_next(r) * n;
    }
    return (uint64_t)(product >> 64);
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

void rng_secret(void *p, size_t n)
{
    char *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno == EINTR) continue;
        ensure(got > 0);
        at += got;
        n -= (size_t)got;
    }
}
