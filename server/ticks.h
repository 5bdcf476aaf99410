/* ticks.h -- a clock cheap enough to be read around every command.
 *
 * The processor's time-stamp counter where there is one (constant rate on all x86-64 of the last
 * fifteen years), calibrated against the monotonic clock at start; else that clock itself. */
#ifndef MEMD_SERVER_TICKS_H
#define MEMD_SERVER_TICKS_H

#include <stdint.h>

#include "base/clock.h"

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return (uint64_t)clock_mono_us();
#endif
}

/* Microseconds per tick, measured for about 2 ms. */
static inline double ticks_calibrate(void)
{
#if defined(__x86_64__)
    int64_t from_us = clock_mono_us(), to_us = from_us;
    uint64_t from = ticks_now();

    while (to_us - from_us < 2000) to_us = clock_mono_us();
    return (double)(to_us - from_us) / (double)(ticks_now() - from);
#else
    return 1.0;
#endif
}

#endif
