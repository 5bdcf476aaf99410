#include "base/wall.h"

#include <stdlib.h>

void wall_init(struct wall *w, int64_t system_us, int64_t boot_us)
{
    *w = (struct wall){ .now_us = system_us, .boot_us = boot_us };
}

static int64_t bounded(int64_t n, int64_t most)
{
    return n > most ? most : n < -most ? -most : n;
}

/* A clock that runs at a thousand times the speed jumps all the time: the next jump that is told is larger
 * by a quarter at least. */
static bool is_news(const struct wall *w)
{
    int64_t step = llabs(w->told_us) / 4;

    return llabs(w->ahead_us - w->told_us) > (step > WALL_FOLLOW_US ? step : WALL_FOLLOW_US);
}

enum wall_event wall_look(struct wall *w, int64_t system_us, int64_t boot_us, bool follow)
{
    int64_t passed = boot_us - w->boot_us;

    if (passed < 0) passed = 0;
    w->now_us += passed;
    w->boot_us = boot_us;
    w->ahead_us = system_us - w->now_us;
    if (llabs(w->ahead_us) <= WALL_FOLLOW_US) {
        int64_t step = bounded(w->ahead_us, (w->rest_us + passed) / 10);
        bool was_apart = w->told_us != 0;

        w->rest_us = (w->rest_us + passed) % 10;
        w->now_us += step;
        w->ahead_us -= step;
        w->told_us = 0;
        return was_apart ? WALL_TOGETHER : WALL_QUIET;
    }
    if (follow) {
        w->now_us = system_us;
        w->told_us = 0;
        w->jumps++;
        return WALL_JUMPED;
    }
    if (!is_news(w)) return WALL_QUIET;
    w->told_us = w->ahead_us;
    w->jumps++;
    return WALL_JUMPED;
}
