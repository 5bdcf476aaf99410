/* wall.h -- the daemon's own wall time, which jumps of the system's clock do not move.
 *
 * Times to live are stored as points of wall time, so whoever sets the system's clock would end lives or
 * lengthen them. Therefore the daemon reads the system's clock once, at its start, and counts on from there
 * with a clock that nobody can set (one that goes on while the machine sleeps). Small differences, as time
 * keeping by network makes them, are made up for gradually: a tenth faster or slower until there is none,
 * never backwards. A difference beyond WALL_FOLLOW_US is a jump: it is told, and not followed unless
 * that is asked for. What has been stored is in the daemon's time; the next start begins with the system's.
 *
 * Times are arguments, so that a test can choose them. */
#ifndef MEMD_BASE_WALL_H
#define MEMD_BASE_WALL_H

#include <stdbool.h>
#include <stdint.h>

#define WALL_FOLLOW_US INT64_C(60000000)

struct wall {
    int64_t now_us;   /* ours, since 1970 */
    int64_t boot_us;  /* clock_boot_us of that moment */
    int64_t ahead_us; /* the system's clock less ours */
    int64_t rest_us;  /* of the tenth of the time that passed: too short to be made use of yet */
    int64_t told_us;  /* what of that has been told as a jump; 0: the clocks agree */
    uint64_t jumps;   /* told so far */
};

enum wall_event {
    WALL_QUIET,
    WALL_JUMPED,   /* the system's clock is ahead_us away now; if it is followed, now_us has jumped too */
    WALL_TOGETHER  /* it has come back */
};

void wall_init(struct wall *w, int64_t system_us, int64_t boot_us);

/* Go on to now. With follow a jump is taken over at once. */
enum wall_event wall_look(struct wall *w, int64_t system_us, int64_t boot_us, bool follow);

/* Our time at a moment since the last look. */
static inline int64_t wall_at(const struct wall *w, int64_t boot_us)
{
    return w->now_us + (boot_us - w->boot_us);
}

#endif
