#include "base/clock.h"

#include <time.h>

static int64_t us_of(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return us_of(CLOCK_REALTIME) / 1000;
}

int64_t clock_wall_us(void)
{
    return us_of(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return us_of(CLOCK_MONOTONIC);
}

int64_t clock_boot_us(void)
{
    return us_of(CLOCK_BOOTTIME);
}
