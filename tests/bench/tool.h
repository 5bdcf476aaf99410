/* tool.h -- what the programs in C of this folder share: each is one file, and is built with nothing else. */
#ifndef MEMD_TESTS_BENCH_TOOL_H
#define MEMD_TESTS_BENCH_TOOL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Monotonic. */
static inline uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

#endif
